// Transactions: what they see and block, how they end, and what becomes of them when clients or nodes fail.
// They need a strongly consistent namespace, which only the Enterprise edition has: these tests have a cluster of their own.

import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  AbortError,
  BatchPartialError,
  type Client,
  CommitError,
  connect,
  ForbiddenError,
  InvalidArgumentError,
  type Key,
  op,
  RecordNotFoundError,
  type Transaction,
  TransactionBlockedError,
  TransactionEndedError,
  TransactionError,
  TransactionExpiredError,
  TransactionVersionMismatchError,
  UnsupportedFeatureError,
} from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { COMMAND, type Heard, startProxy } from './support/proxy.mjs'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

let cluster: LocalCluster
let client: Client
let other: Client

test.serial.before(async () => {
  cluster = await LocalCluster.start({ nodes: 3, edition: 'enterprise', strongConsistency: ['sc', 'second'] })
  client = await connect(cluster.hosts)
  other = await connect({ hosts: cluster.hosts, coalesceReads: true })
})

test.after.always(async () => {
  await client?.close()
  await other?.close()
  await cluster?.stop()
})

/** Keys of a set that no other test uses. */
function keys(count: number, namespace = 'sc'): Key[] {
  const set = `t${randomBytes(6).toString('hex')}`
  return Array.from({ length: count }, (_, n) => [namespace, set, n] as const)
}

const key = (): Key => keys(1)[0] as Key

const value = async (of: Key): Promise<unknown> => (await client.get(of)).bins.n

test('what a transaction writes is seen by it alone until it is committed', async (t) => {
  const [a, b, gone] = keys(3) as [Key, Key, Key]
  await client.put(a, { n: 1 })
  await client.put(gone, { n: 1 })
  const tx = client.beginTransaction()
  t.is(tx.state, 'open')
  t.true(tx.id !== 0n)
  await tx.put(a, { n: 2 })
  await tx.increment(a, 'n', 5)
  await tx.put(b, { n: 3 })
  await tx.remove(gone)
  t.is((await tx.get(a)).bins.n, 7)
  t.is((await tx.exists(b)).meta?.gen, 1)
  await t.throwsAsync(tx.get(gone), { instanceOf: RecordNotFoundError })
  t.is(await value(a), 1)
  await t.throwsAsync(client.get(b), { instanceOf: RecordNotFoundError })
  t.is(await value(gone), 1)
  t.is(await tx.commit(), 'ok')
  t.is(tx.state, 'committed')
  t.deepEqual([await value(a), await value(b)], [7, 3])
  await t.throwsAsync(client.get(gone), { instanceOf: RecordNotFoundError })
  t.is(await tx.commit(), 'alreadyCommitted')
})

test('an aborted transaction leaves nothing behind', async (t) => {
  const [a, b] = keys(2) as [Key, Key]
  await client.put(a, { n: 1 })
  const tx = client.beginTransaction()
  await tx.put(a, { n: 2 })
  await tx.put(b, { n: 2 })
  t.is(await tx.abort(), 'ok')
  t.is(await tx.abort(), 'alreadyAborted')
  t.is(await value(a), 1)
  await t.throwsAsync(client.get(b), { instanceOf: RecordNotFoundError })
  await client.put(a, { n: 3 })
  const error = await t.throwsAsync(tx.commit(), { instanceOf: TransactionEndedError })
  t.false(error?.inDoubt)
})

test('leaving a block aborts what was not committed', async (t) => {
  const k = key()
  let outer: Transaction
  {
    await using tx = client.beginTransaction()
    outer = tx
    await tx.put(k, { n: 1 })
  }
  t.is(outer.state, 'aborted')
  await t.throwsAsync(client.get(k), { instanceOf: RecordNotFoundError })
})

test('a written record is locked for all others, whichever client they use', async (t) => {
  const k = key()
  await client.put(k, { n: 1 })
  const [first, second] = [client.beginTransaction(), other.beginTransaction()]
  await first.put(k, { n: 2 })
  await t.throwsAsync(second.get(k), { instanceOf: TransactionBlockedError })
  await t.throwsAsync(second.put(k, { n: 3 }), { instanceOf: TransactionBlockedError })
  await t.throwsAsync(other.put(k, { n: 3 }), { instanceOf: TransactionBlockedError })
  t.is((await other.get(k)).bins.n, 1)
  await first.commit()
  t.is((await second.get(k)).bins.n, 2)
  await second.abort()
})

test('what was read and has changed since is not committed', async (t) => {
  const [read, written] = keys(2) as [Key, Key]
  await client.put(read, { n: 1 })
  const tx = client.beginTransaction()
  t.is((await tx.get(read)).bins.n, 1)
  await tx.put(written, { n: 1 })
  await client.put(read, { n: 2 })
  await t.throwsAsync(tx.get(read), { instanceOf: TransactionVersionMismatchError })
  const error = await t.throwsAsync(tx.commit(), { instanceOf: CommitError })
  t.is(error?.code, -17)
  t.true(error?.retryable)
  t.false(error?.inDoubt)
  t.is(error?.failed.length, 1)
  const [failed] = error?.failed ?? []
  t.is(failed?.code, 121)
  t.is(
    (await client.get([failed?.namespace as string, failed?.set as string, null, failed?.digest as Uint8Array])).bins.n,
    2,
  )
  t.is(JSON.parse(JSON.stringify(error)).failed[0].code, 121)
  t.is(tx.state, 'aborted')
  await t.throwsAsync(client.get(written), { instanceOf: RecordNotFoundError })
})

test('a missing record that was read may not come into being', async (t) => {
  const [missing, written] = keys(2) as [Key, Key]
  const tx = client.beginTransaction()
  t.is((await tx.exists(missing)).meta, null)
  await tx.put(written, { n: 1 })
  await client.put(missing, { n: 1 })
  await t.throwsAsync(tx.commit(), { instanceOf: CommitError })
})

test('batches belong to transactions, and throw when one of their rows failed', async (t) => {
  const all = keys(20)
  await client.batchWrite(all.slice(0, 10).map((k) => ({ key: k, bins: { n: 1 } })))
  const tx = client.beginTransaction()
  const seen = await tx.batchRead(all)
  t.is(seen.found.length, 10)
  t.is(seen.missing.length, 10)
  await tx.batchWrite(all.map((k, n) => ({ key: k, bins: { n } })))
  t.deepEqual(
    (await tx.getMany(all)).map((record) => record?.bins?.n),
    all.map((_, n) => n),
  )
  t.true((await client.getMany(all)).every((record) => record.bins === null || record.bins.n === 1))

  const blocked = client.beginTransaction()
  const rows = [
    { key: keys(1)[0] as Key, bins: { n: 1 } },
    { key: all[3] as Key, bins: { n: 1 } },
  ]
  const error = await t.throwsAsync(blocked.batchWrite(rows), { instanceOf: BatchPartialError })
  t.deepEqual(
    [...(error?.batch ?? [])].map((row) => row.resultCode),
    [0, 120],
  )
  const kept = await blocked.batchWrite(rows, { onPartial: 'return' })
  t.is(kept.length, 2)
  await blocked.abort()

  await tx.commit()
  t.deepEqual(
    (await client.getMany(all)).map((record) => record?.bins?.n),
    all.map((_, n) => n),
  )
  const removal = client.beginTransaction()
  await removal.batchRemove(all)
  await removal.commit()
  t.is((await client.batchRead(all)).found.length, 0)
})

test('a call of the client can name a transaction', async (t) => {
  const k = key()
  const tx = client.beginTransaction()
  await client.put(k, { n: 1 }, { transaction: tx })
  t.is((await client.get(k, { transaction: tx })).bins.n, 1)
  await client.remove(k, { transaction: tx })
  await t.throwsAsync(client.remove(k, { transaction: tx }), { instanceOf: RecordNotFoundError })
  await client.batchWrite([{ key: k, bins: { n: 2 } }], { transaction: tx })
  await t.throwsAsync(client.get(k), { instanceOf: RecordNotFoundError })
  await tx.commit()
  t.is(await value(k), 2)
  const wrong = {} as Transaction
  await t.throwsAsync(client.get(k, { transaction: wrong }), {
    instanceOf: InvalidArgumentError,
    message: /must be a transaction of beginTransaction/,
  })
  const foreign = other.beginTransaction()
  await t.throwsAsync(client.get(k, { transaction: foreign }), { message: /belongs to another client/ })
})

test('reads of a transaction are not coalesced with those of others', async (t) => {
  const k = key()
  await other.put(k, { n: 1 })
  const tx = other.beginTransaction()
  await tx.put(k, { n: 2 })
  const reads = await Promise.all([other.get(k), tx.get(k), other.get(k, { transaction: tx }), other.get(k)])
  t.deepEqual(
    reads.map((record) => record.bins.n),
    [1, 2, 2, 1],
  )
  await tx.abort()
})

test('what a transaction does not have is refused before anything is sent', async (t) => {
  const [a, b] = [key(), keys(1, 'second')[0] as Key]
  const tx = client.beginTransaction()
  await tx.put(a, { n: 1 })
  await t.throwsAsync(tx.put(b, { n: 1 }), { instanceOf: InvalidArgumentError, message: /of the namespace "sc"/ })
  const mixed = await tx.batchRead([a, b], { onPartial: 'return' })
  t.true([...mixed].every((row) => row.resultCode === -2))
  t.false('query' in tx || 'truncate' in tx || 'info' in tx)
  await tx.commit()
  await t.throwsAsync(tx.put(a, { n: 2 }), {
    instanceOf: TransactionEndedError,
    message: /put: the transaction is committed/,
  })
  await t.throwsAsync(client.get(a, { transaction: tx }), { instanceOf: TransactionEndedError })
  t.is(await value(a), 1)
  t.throws(() => client.beginTransaction({ timeout: 121 }), { instanceOf: InvalidArgumentError })
  t.throws(() => client.beginTransaction({ timeuot: 1 } as object), { message: /did you mean 'timeout'/i })
  await t.throwsAsync(client.transaction('work' as never), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(
    client.transaction(() => 1, { attempts: 0 }),
    { instanceOf: InvalidArgumentError },
  )
})

test('other namespaces have no transactions', async (t) => {
  const tx = client.beginTransaction()
  await t.throwsAsync(tx.put(keys(1, 'test')[0] as Key, { n: 1 }), { instanceOf: UnsupportedFeatureError })
  await tx.abort()
})

test('a commit waits for the calls that were made before it', async (t) => {
  const all = keys(50)
  const tx = client.beginTransaction()
  const writes = all.map((k, n) => tx.put(k, { n }))
  t.is(await tx.commit(), 'ok')
  await Promise.all(writes)
  t.deepEqual(
    (await client.getMany(all)).map((record) => record?.bins?.n),
    all.map((_, n) => n),
  )
})

test('calls on one record take turns', async (t) => {
  const k = key()
  await client.put(k, { n: 0 })
  const tx = client.beginTransaction()
  const calls = Array.from({ length: 20 }, () => [tx.get(k), tx.increment(k, 'n')]).flat()
  await Promise.all(calls)
  await tx.commit()
  t.is(await value(k), 20)
})

test('transaction() commits what the function did and gives what it returned', async (t) => {
  const [a, b] = keys(2) as [Key, Key]
  await client.batchWrite([a, b].map((k) => ({ key: k, bins: { sum: 10 } })))
  const left = await client.transaction(async (tx) => {
    const { bins } = await tx.get<{ sum: number }>(a)
    await tx.batchWrite([
      { key: a, ops: [op.increment('sum', -5)] },
      { key: b, ops: [op.increment('sum', 5)] },
    ])
    return bins.sum - 5
  })
  t.is(left, 5)
  t.deepEqual(
    (await client.getMany<{ sum: number }>([a, b])).map((record) => record?.bins?.sum),
    [5, 15],
  )
})

test('transaction() undoes what was written before the function threw', async (t) => {
  const k = key()
  const own = new Error('not enough')
  let runs = 0
  const failed = client.transaction(async (tx) => {
    runs++
    await tx.put(k, { n: 1 })
    throw own
  })
  t.is(await t.throwsAsync(failed), own)
  t.is(runs, 1)
  await t.throwsAsync(client.get(k), { instanceOf: RecordNotFoundError })
})

test('transaction() runs again when another one was faster, and gives up after its attempts', async (t) => {
  const k = key()
  await client.put(k, { n: 1 })
  const blocker = other.beginTransaction()
  await blocker.put(k, { n: 2 })
  let runs = 0
  const bump = async (tx: Transaction): Promise<number> => {
    runs++
    if (runs === 3) await blocker.commit()
    const { bins } = await tx.get<{ n: number }>(k)
    await tx.put(k, { n: bins.n + 1 })
    return bins.n
  }
  t.is(await client.transaction(bump, { attempts: 10 }), 2)
  t.is(runs, 3)
  t.is(await value(k), 3)

  const again = other.beginTransaction()
  await again.put(k, { n: 9 })
  runs = 10
  await t.throwsAsync(client.transaction(bump, { attempts: 3 }), { instanceOf: TransactionBlockedError })
  t.is(runs, 13)
  const rows = (tx: Transaction) => tx.batchWrite([{ key: k, bins: { n: 5 } }])
  await t.throwsAsync(client.transaction(rows, { attempts: 2 }), { instanceOf: BatchPartialError })
  const signal = AbortSignal.timeout(50)
  await t.throwsAsync(client.transaction(bump, { attempts: 1000, signal }), { instanceOf: AbortError })
  await again.abort()
})

test("transactions that get into each other's way all succeed in the end", async (t) => {
  const counters = keys(2) as [Key, Key]
  await client.batchWrite(counters.map((k) => ({ key: k, bins: { n: 0 } })))
  const bump = async (tx: Transaction): Promise<void> => {
    const [a, b] = await tx.getMany<{ n: number }>(counters)
    await tx.put(counters[0], { n: (a?.bins?.n ?? 0) + 1 })
    await tx.put(counters[1], { n: (b?.bins?.n ?? 0) + 1 })
  }
  const clients = [client, other]
  const runs = Array.from({ length: 12 }, (_, i) =>
    (clients[i % 2] as Client).transaction(bump, { attempts: 200, timeout: 60 }),
  )
  await Promise.all(runs)
  t.deepEqual([await value(counters[0]), await value(counters[1])], [12, 12])
})

test('calls of one tick are done in the order in which they were made', async (t) => {
  const k = key()
  const others = keys(3)
  const tx = client.beginTransaction()
  const signal = new AbortController().signal
  const seen = await Promise.all([
    tx.put(k, { n: 1 }),
    tx.get(k),
    tx.increment(k, 'n', 1),
    tx.get(k, { signal }), // one that may be cancelled travels alone
    tx.batchWrite([{ key: k, bins: { n: 10 } }, ...others.map((key) => ({ key, bins: { n: 1 } }))]),
    tx.increment(k, 'n', 1, { signal }),
    tx.increment(others[0] as Key, 'n', 5),
    tx.getMany([k, others[0] as Key]),
    tx.put(k, { n: 20 }),
    tx.get(k),
  ])
  t.deepEqual(
    [seen[1].bins.n, seen[3].bins.n, seen[7].map((record) => record?.bins?.n), seen[9].bins.n],
    [1, 2, [11, 6], 20],
  )
  await tx.commit()
  t.is(await value(k), 20)
})

test('writes of one tick go to each node in one message, and are listed in one', async (t) => {
  const heard: Heard[] = []
  const proxy = await startProxy(cluster.hosts, (message) => heard.push(message))
  const near = await connect(proxy.hosts)
  const all = keys(100)
  await near.put(all[0] as Key, { n: 0 })
  await proxy.settled()
  heard.length = 0
  const tx = near.beginTransaction()
  await Promise.all(all.map((k) => tx.put(k, { n: 1 })))
  const records = await Promise.all(all.map((k) => tx.get(k)))
  await tx.commit()
  await proxy.settled()
  await near.close()
  await proxy.stop()
  t.true(records.every(({ bins }) => bins.n === 1))
  const sent = heard.filter(({ type, from }) => type === COMMAND && from === 'client')
  // listed, written at three nodes, read at three, marked, made final at three, closed
  t.is(sent.length, 1 + 3 + 3 + 1 + 3 + 1)
  t.deepEqual(
    (await client.getMany<{ n: number }>(all)).map((record) => record?.bins?.n),
    all.map(() => 1),
  )
})

test('each of the calls that travel together has its own outcome', async (t) => {
  const [there, missing, other, text] = keys(4) as [Key, Key, Key, Key]
  await client.put(there, { n: 1 })
  await client.put(text, { n: 'one' })
  const tx = client.beginTransaction()
  const outcomes = await Promise.allSettled([
    tx.put(there, { n: 2 }, { exists: 'create' }),
    tx.put(missing, { n: 2 }, { exists: 'update' }),
    tx.put(other, { n: 2 }),
    tx.increment(text, 'n', 1),
  ])
  const codes = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 0 : outcome.reason.code))
  t.deepEqual(codes, [5, 2, 0, 12])
  const refused = outcomes[1] as PromiseRejectedResult
  t.true(refused.reason instanceof RecordNotFoundError)
  t.is(refused.reason.key, missing)
  t.is(refused.reason.attempts, 1)
  t.regex(String(refused.reason.node), /./)
  t.false(refused.reason.inDoubt)
  await tx.commit()
  t.deepEqual([await value(there), await value(other)], [1, 2])
})

const COUNTER = `
function add(record, n)
  if not aerospike:exists(record) then
    record['n'] = n
    aerospike:create(record)
  else
    record['n'] = record['n'] + n
    aerospike:update(record)
  end
  return record['n']
end
function look(record)
  return aerospike:exists(record) and record['n'] or -1
end
`

test('functions on records belong to transactions', async (t) => {
  await (await client.udf.register({ source: COUNTER, name: 'tx_counter' })).done()
  const [there, fresh, third] = keys(3) as [Key, Key, Key]
  await client.put(there, { n: 1 })
  await client.put(third, { n: 1 })
  const tx = client.beginTransaction()
  t.is(await tx.apply(there, 'tx_counter', 'add', [10]), 11)
  t.is(await tx.apply(fresh, 'tx_counter', 'add', [5]), 5)
  const rows = await tx.batchApply([there, third], 'tx_counter', 'add', [100])
  t.deepEqual(
    [...rows].map((row) => row.record?.bins.SUCCESS),
    [111, 101],
  )
  t.is(await tx.apply(there, 'tx_counter', 'look'), 111)
  t.is(await value(there), 1, 'others see the originals')
  t.is(await client.apply(there, 'tx_counter', 'look'), 1)
  const blocked = { instanceOf: TransactionBlockedError }
  await t.throwsAsync(client.apply(there, 'tx_counter', 'add', [1]), blocked)
  await t.throwsAsync(client.apply(fresh, 'tx_counter', 'add', [1]), blocked)
  const second = other.beginTransaction()
  await t.throwsAsync(second.apply(third, 'tx_counter', 'look'), blocked)
  await second.abort()
  await tx.commit()
  t.deepEqual([await value(there), await value(fresh), await value(third)], [111, 5, 101])

  const undone = client.beginTransaction()
  await undone.apply(there, 'tx_counter', 'add', [1])
  await undone.abort()
  t.is(await value(there), 111)

  const reader = client.beginTransaction()
  t.is(await reader.apply(there, 'tx_counter', 'look'), 111)
  await client.increment(there, 'n', 1)
  await t.throwsAsync(reader.commit(), { instanceOf: CommitError }, 'what a function read is verified')
})

/** Waits until nobody has a record locked; true if that takes far less than the time of a transaction. */
async function isFreed(of: Key): Promise<boolean> {
  const until = performance.now() + 4000
  while (performance.now() < until) {
    const done = await client.put(of, { n: 'free' }).then(
      () => true,
      (error) => {
        if (error instanceof TransactionBlockedError) return false
        throw error
      },
    )
    if (done) return true
    await sleep(20)
  }
  return false
}

test('a transaction that is forgotten is aborted when it is collected', async (t) => {
  const k = key()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const forget = async (): Promise<void> => {
    await client.beginTransaction({ timeout: 120 }).put(k, { n: 1 })
  }
  await forget()
  await t.throwsAsync(client.put(k, { n: 2 }), { instanceOf: TransactionBlockedError })
  let isOver = false
  const collecting = (async () => {
    while (!isOver) {
      collect()
      await sleep(20)
    }
  })()
  t.true(await isFreed(k))
  isOver = true
  await collecting
})

test('a transaction whose work was cancelled, or threw, is aborted', async (t) => {
  const k = key()
  await t.throwsAsync(async () => {
    await using tx = client.beginTransaction({ timeout: 120 })
    await tx.put(k, { n: 1 })
    throw new Error('own')
  })
  t.true(await isFreed(k))
  const cancelled = key()
  const controller = new AbortController()
  const work = client.transaction(
    async (tx) => {
      await tx.put(cancelled, { n: 1 })
      controller.abort()
      controller.signal.throwIfAborted()
    },
    { timeout: 120, signal: controller.signal },
  )
  await t.throwsAsync(work, { any: true })
  t.true(await isFreed(cancelled))
})

test('close waits for an abort that is under way', async (t) => {
  const k = key()
  const leaving = await connect(cluster.hosts)
  const tx = leaving.beginTransaction({ timeout: 120 })
  await tx.put(k, { n: 1 })
  const closing = tx.abort()
  await leaving.close()
  await closing
  t.true(await isFreed(k))
})

test('a transaction whose client is gone is undone in its time', async (t) => {
  const k = key()
  const gone = await connect(cluster.hosts)
  const tx = gone.beginTransaction({ timeout: 1 })
  await tx.put(k, { n: 1 })
  await gone.close({ timeout: 0 })
  await t.throwsAsync(client.put(k, { n: 2 }), { instanceOf: TransactionBlockedError })
  await sleep(2200)
  await client.put(k, { n: 2 })
  t.is(await value(k), 2)
})

test('a transaction whose time is over cannot be committed', async (t) => {
  const k = key()
  const tx = client.beginTransaction({ timeout: 1 })
  await tx.put(k, { n: 1 })
  await sleep(2200)
  await t.throwsAsync(tx.put(k, { n: 2 }), { instanceOf: TransactionExpiredError })
  const error = await t.throwsAsync(tx.commit(), { instanceOf: TransactionExpiredError })
  t.false(error?.inDoubt)
  t.is(tx.state, 'aborted')
  await t.throwsAsync(client.get(k), { instanceOf: RecordNotFoundError })
})

test('a strongly consistent namespace takes durable removals only', async (t) => {
  const k = key()
  await client.put(k, { n: 1 })
  await t.throwsAsync(client.remove(k), { instanceOf: ForbiddenError })
  await client.remove(k, { durableDelete: true })
  await t.throwsAsync(client.get(k), { instanceOf: RecordNotFoundError })
})

test('queries, and reads of all kinds, see originals', async (t) => {
  const all = keys(4)
  const set = all[0]?.[1] as string
  await client.batchWrite(all.slice(0, 2).map((k) => ({ key: k, bins: { n: 1 } })))
  const tx = client.beginTransaction()
  await tx.batchWrite(all.map((k) => ({ key: k, bins: { n: 2 } })))
  const seen: unknown[] = []
  for await (const { bins } of client.query('sc', set)) seen.push(bins.n)
  t.deepEqual(seen, [1, 1])
  for (const readModeSC of ['session', 'linearize', 'allowReplica', 'allowUnavailable'] as const) {
    t.is((await client.get(all[0] as Key, { readModeSC })).bins.n, 1)
  }
  await tx.commit()
  let count = 0
  for await (const { bins } of client.query('sc', set)) count += Number(bins.n)
  t.is(count, 8)
})

test('every error of a transaction is one', (t) => {
  for (const error of [
    TransactionBlockedError,
    TransactionVersionMismatchError,
    TransactionExpiredError,
    TransactionEndedError,
    CommitError,
  ]) {
    t.true(error.prototype instanceof TransactionError)
  }
})
