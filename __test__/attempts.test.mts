// What an error tells of several attempts: how many, how each ended, and that they took the time they were given.
import {
  type AerospikeError,
  type BatchPartialError,
  type BatchRecords,
  connect,
  NamespaceNotFoundError,
  op,
  QueueFullError,
  TimeoutError,
} from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'

const KEY = ['test', 'attempts', 1] as const
const SOCKET_MS = 50
const SLEEP_MS = 40
const RETRIES = 4
const limits = {
  socketTimeout: SOCKET_MS,
  sleepBetweenRetries: SLEEP_MS,
  maxRetries: RETRIES,
  totalTimeout: 10_000,
  idempotent: true,
}

for (const nodes of [1, 3]) {
  test(`on ${nodes} frozen nodes every attempt has its socketTimeout, a pause, and a line in the error`, async (t) => {
    const cluster = await LocalCluster.start({ nodes })
    const client = await connect({ hosts: cluster.hosts, tendInterval: 60_000, maxErrorRate: 0 })
    await client.put(KEY, { a: 1 })
    const { idempotent: _, ...reading } = limits
    const calls: { [verb: string]: () => Promise<unknown> } = {
      get: () => client.get(KEY, reading),
      exists: () => client.exists(KEY, reading),
      put: () => client.put(KEY, { a: 2 }, limits),
      operate: () => client.operate(KEY, [op.increment('a', 1), op.read('a')], limits),
    }
    for (const [verb, call] of Object.entries(calls)) {
      // Frozen for one call at a time: a node that is silent for longer leaves the cluster.
      await client.get(KEY, { totalTimeout: 10_000, maxRetries: 100 })
      for (let node = 0; node < nodes; node++) await cluster.freezeNode(node)
      const began = performance.now()
      const error = (await t.throwsAsync(call(), { instanceOf: TimeoutError })) as AerospikeError
      const took = performance.now() - began
      t.is(error.attempts, RETRIES + 1, verb)
      t.deepEqual(
        error.subErrors.map(({ attempt, code }) => [attempt, code]),
        [1, 2, 3, 4, 5].map((attempt) => [attempt, 9]),
        verb,
      )
      t.true(error.subErrors.every(({ message }) => message.includes(`${SOCKET_MS} ms (socketTimeout)`)))
      const spent = error.subErrors.reduce((sum, one) => sum + one.elapsed, 0)
      t.true(
        error.subErrors.every((one) => one.elapsed >= SOCKET_MS - 5),
        verb,
      )
      t.true(spent <= error.elapsed + 1, `${verb}: attempts of ${spent} ms in ${error.elapsed} ms`)
      // Another replica is asked at once the first time: there is nothing it has to recover from.
      const pauses = nodes > 1 && verb !== 'put' && verb !== 'operate' ? RETRIES - 1 : RETRIES
      t.true(took >= (RETRIES + 1) * SOCKET_MS + pauses * SLEEP_MS - 20, `${verb}: ${took} ms`)
      // Far from totalTimeout: what is waited in addition is the jitter of retries.
      t.true(took < 3000, `${verb}: ${took} ms`)
      for (let node = 0; node < nodes; node++) await cluster.thawNode(node)
    }
    await client.close()
    await cluster.stop()
  })
}

test('a burst that a slow node cannot do within its time is refused early, and the error says what limits it', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 1 })
  const client = await connect({ hosts: cluster.hosts, maxConnectionsPerNode: 10 })
  await client.put(KEY, { a: 1 })
  await cluster.slowNode(0, 50)
  // 10 connections with 50 ms for each put: 200 puts in a second
  const began = performance.now()
  const refusedAfter: number[] = []
  const puts = await Promise.allSettled(
    Array.from({ length: 5000 }, (_, i) =>
      client.put(['test', 'attempts', `burst ${i}`], { i }, { totalTimeout: 3000 }).catch((error) => {
        if (error instanceof QueueFullError) refusedAfter.push(performance.now() - began)
        throw error
      }),
    ),
  )
  const errors = puts.flatMap((put) => (put.status === 'rejected' ? [put.reason as AerospikeError] : []))
  const refused = errors.filter((error) => error instanceof QueueFullError)
  t.true(puts.length - errors.length > 150, `${puts.length - errors.length} done`)
  t.true(refused.length > 3000, `${refused.length} refused`)
  t.like(refused[0], { code: -11, retryable: true, inDoubt: false })
  t.regex(
    refused[0]?.message ?? '',
    /refused early, nothing was sent: \d+ calls wait for the node, .* connections of 10 \(maxConnectionsPerNode\)/,
  )
  const soon = refusedAfter.filter((ms) => ms < 2000).length
  t.true(soon > refusedAfter.length * 0.8, `${soon} of ${refusedAfter.length} within two thirds of their time`)
  // Nothing of it counts against the node.
  t.deepEqual((await client.exists(KEY, { totalTimeout: 5000 })).key, KEY)
  await client.close()
  await cluster.stop()
})

test('what nobody can be asked for is no attempt', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 1 })
  const client = await connect({ hosts: cluster.hosts })
  const key = ['no_such_namespace', 'attempts', 1] as const
  for (const call of [
    () => client.get(key),
    () => client.put(key, { a: 1 }),
    () => client.get(key, { maxRetries: 3 }),
  ]) {
    const error = (await t.throwsAsync(call(), { instanceOf: NamespaceNotFoundError })) as AerospikeError
    t.like(error, { attempts: 0, node: undefined, subErrors: [] })
    t.notRegex(error.message, /\d attempt/)
  }
  await client.close()
  await cluster.stop()
})

test('rows of batches that failed have a list of their attempts, like single calls', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 3 })
  const client = await connect({ hosts: cluster.hosts, tendInterval: 60_000, maxErrorRate: 0 })
  const keys = Array.from({ length: 30 }, (_, i) => ['test', 'attempts', `row ${i}`] as const)
  await client.batchWrite(keys.map((key, i) => ({ key, bins: { i } })))
  const attemptsOf = (batch: BatchRecords) =>
    [...batch].map((row) => {
      const { attempts, subErrors, elapsed } = row.error as AerospikeError
      t.is(subErrors.length, attempts, `${attempts} attempts`)
      t.deepEqual(
        subErrors.map(({ attempt }) => attempt),
        subErrors.map((_, i) => i + 1),
      )
      t.true(subErrors.reduce((sum, one) => sum + one.elapsed, 0) <= elapsed + 1)
      return subErrors
    })

  for (const node of [0, 1, 2]) await cluster.refuseRows(node, { code: 18, probability: 1, rows: 1e6 })
  const refused = await client.batchRead(keys, { maxRetries: 2, totalTimeout: 30_000, onPartial: 'return' })
  for (const list of attemptsOf(refused)) {
    t.true(list.length > 1)
    t.true(list.every(({ code, inDoubt, node }) => code === 18 && !inDoubt && node !== undefined))
  }
  for (const node of [0, 1, 2]) await cluster.refuseRows(node, null)

  for (const node of [0, 1, 2]) await cluster.freezeNode(node)
  const limits = {
    socketTimeout: 50,
    maxRetries: 2,
    idempotent: true,
    totalTimeout: 5000,
    onPartial: 'return',
  } as const
  const frozen = await client.batchWrite(
    keys.map((key) => ({ key, bins: { i: 0 } })),
    limits,
  )
  for (const list of attemptsOf(frozen)) {
    t.is(list.length, 3)
    t.true(list.every(({ code, inDoubt, elapsed }) => code === 9 && inDoubt && elapsed >= 45 && elapsed < 1000))
  }
  for (const node of [0, 1, 2]) await cluster.thawNode(node)
  // An attempt alone is the error itself.
  const missing = await client.batchWrite([{ key: ['test', 'attempts', 'none'], bins: { i: 0 }, exists: 'update' }])
  t.deepEqual(missing.at(0)?.error?.subErrors, [])
  await client.close()
  await cluster.stop()
})

test('a burst of batches that a slow node cannot do within its time is refused early as well', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 1 })
  const client = await connect({ hosts: cluster.hosts, maxConnectionsPerNode: 10 })
  await client.put(KEY, { a: 1 })
  await cluster.slowNode(0, 50)
  // A batch has a connection for itself: 200 of them in a second.
  const began = performance.now()
  const refused: BatchPartialError[] = []
  const refusedAfter: number[] = []
  let done = 0
  await Promise.all(
    Array.from({ length: 3000 }, (_, i) =>
      client.batchWrite([{ key: ['test', 'attempts', `batch ${i}`], bins: { i } }], { totalTimeout: 3000 }).then(
        () => done++,
        (error) => {
          if (!(error.cause instanceof QueueFullError)) return
          refused.push(error)
          refusedAfter.push(performance.now() - began)
        },
      ),
    ),
  )
  t.true(done > 100, `${done} done`)
  t.true(refused.length > 1500, `${refused.length} refused`)
  const [first] = refused
  t.like(first, { retryable: true, inDoubt: false })
  t.is(first?.batch.unprocessed.length, 1, 'it can be sent again')
  t.regex(
    first?.message ?? '',
    /refused early, nothing was sent: \d+ calls wait for a connection of their own .* of 10, maxConnectionsPerNode/,
  )
  const soon = refusedAfter.filter((ms) => ms < 2000).length
  t.true(soon > refusedAfter.length * 0.8, `${soon} of ${refusedAfter.length} within two thirds of their time`)
  await cluster.slowNode(0, 0)
  t.is((await first?.batch.retry())?.found.length, 1)
  await client.close()
  await cluster.stop()
})

test('batches wait for a connection in the order in which they came', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 1 })
  const client = await connect({ hosts: cluster.hosts, maxConnectionsPerNode: 1 })
  await client.put(KEY, { a: 1 })
  await cluster.slowNode(0, 20)
  const order: number[] = []
  const rows = Array.from({ length: 3 }, () => KEY)
  // 60 batches take more than a second: a place in the line must not be lost meanwhile.
  await Promise.all(
    Array.from({ length: 60 }, (_, i) => client.batchRead(rows, { totalTimeout: 30_000 }).then(() => order.push(i))),
  )
  const inversions = order.filter((one, at) => at > 0 && one < (order[at - 1] as number)).length
  t.true(inversions < 6, order.join())
  await client.close()
  await cluster.stop()
})

test('a burst that a node can do within its time is done', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 1 })
  const client = await connect({ hosts: cluster.hosts })
  const puts = Array.from({ length: 5000 }, (_, i) =>
    client.put(['test', 'attempts', i], { i }, { totalTimeout: 10_000 }),
  )
  t.is((await Promise.allSettled(puts)).filter(({ status }) => status === 'rejected').length, 0)
  await client.close()
  await cluster.stop()
})
