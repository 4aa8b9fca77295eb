// coalesceReads: the reads of one tick travel as one batch, and each settles as it would have alone.

import {
  AbortError,
  type AerospikeError,
  type Client,
  exp,
  InvalidArgumentError,
  RecordNotFoundError,
} from 'aerospike-napi'
import test from 'ava'
import { another, client, faultTest, freshSet, local } from './support/cluster.mjs'
import { fakeClient, recordCompletion } from './support/fake.mjs'

let coalescing: Client

// Serial hooks run in order: the cluster is there by now.
test.serial.before(async () => {
  coalescing = await another({ coalesceReads: true })
})
test.after.always(() => coalescing?.close())

const facts = (error: AerospikeError) => ({
  name: error.name,
  code: error.code,
  key: error.key,
  node: error.node,
  attempts: error.attempts,
  inDoubt: error.inDoubt,
  retryable: error.retryable,
  message: error.message.replace(/[\d.]+ ms/, 'ms'),
})

/** What a call came to, in a form that compares. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { value: JSON.parse(JSON.stringify(await promise, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))) }
  } catch (error) {
    return facts(error as AerospikeError)
  }
}

test('every read gives exactly what it gives alone', async (t) => {
  const set = freshSet()
  const key = (id: string) => ['test', set, id] as const
  await client().put(key('a'), { n: 1, s: 'x', big: 2n ** 60n, map: { k: [1, 2] } })
  await client().put(key('b'), { n: 2.5 }, { key: 'send' })
  const reads = (on: Client): (() => Promise<unknown>)[] => [
    () => on.get(key('a')),
    () => on.get(key('a')),
    () => on.get(key('b')),
    () => on.get(key('nope')),
    () => on.select(key('a'), ['n', 'map']),
    () => on.select(key('a'), ['n']),
    () => on.select(key('nope'), ['n']),
    () => on.exists(key('a')),
    () => on.exists(key('nope')),
    () => on.get(key('a'), { filter: exp.eq(exp.bin.int('n'), 1) }),
    () => on.get(key('a'), { filter: exp.eq(exp.bin.int('n'), 2) }),
    () => on.exists(key('a'), { filter: exp.eq(exp.bin.int('n'), 2) }),
    () => on.get(key('a'), { integers: 'bigint' }),
    () => on.get(key('a'), { integers: 'number' }),
    () => on.get(key('a'), { maps: 'map', totalTimeout: 700 }),
    () => on.get(key('b'), { key: 'send' }),
    () => on.get(['nonesuch', set, 1]),
    () => on.get(['test', set] as never),
    () => on.get(['test', set, 1.5]),
    () => on.get(['test', 'x'.repeat(70), 1]),
    () => on.get(key('a'), { totlTimeout: 1 } as never),
    () => on.select(key('a'), []),
    () => on.select(key('a'), ['a-name-that-is-too-long-for-a-bin']),
    () => on.select(key('a'), [1] as never),
    () => on.get(key('a'), { signal: AbortSignal.abort('early') }),
  ]
  const alone: unknown[] = []
  for (const read of reads(client())) alone.push(await outcome(read()))
  const merged = await Promise.all(reads(coalescing).map((read) => outcome(read())))
  merged.forEach((one, i) => {
    t.deepEqual(one, alone[i], `read ${i}`)
  })
})

test('refused keys do not keep the good ones of their tick from being read', async (t) => {
  const key = ['test', freshSet(), 1] as const
  await client().put(key, { v: 1 })
  const [good, bad, other] = await Promise.allSettled([
    coalescing.get(key),
    coalescing.get(['test', '\ud800', 1]),
    coalescing.get(key),
  ])
  t.like(good, { status: 'fulfilled', value: { bins: { v: 1 } } })
  t.true(bad.status === 'rejected' && bad.reason instanceof InvalidArgumentError)
  t.is(other.status, 'fulfilled')
})

test('thousands of reads in one tick settle each with its own record', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 3000 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key) => ({ key, bins: { i: key[2] } })))).throwIfFailed()
  const records = await Promise.all(keys.map((key) => coalescing.get<{ i: number }>(key)))
  records.forEach((record, i) => {
    if (record.bins.i !== i || record.key !== keys[i]) t.fail(`row ${i}`)
  })
  t.is(records.length, 3000)
})

test('the stack of a failure shows the line of the call', async (t) => {
  const missing = ['test', freshSet(), 1] as const
  const waiting = async () => await coalescing.get(missing)
  const [error] = await Promise.all([
    t.throwsAsync(waiting(), { instanceOf: RecordNotFoundError }),
    coalescing.exists(missing),
  ])
  t.regex(error?.stack ?? '', /coalesce\.test/)
})

const empty = Buffer.alloc(22)

test('the reads of a tick are one entry, and a read alone in its tick is a single command', async (t) => {
  const { client, native } = fakeClient(undefined, true)
  const key = ['test', 's', 1] as const
  const [first, second] = [client.get(key), client.exists(key)]
  await new Promise(setImmediate)
  t.deepEqual(
    native.entries.map((entry) => entry.kind),
    [2],
  )
  const lone = client.get(key)
  await new Promise(setImmediate)
  t.is(native.entries[1]?.kind, 1)
  native.complete(recordCompletion(native.entries[1]?.ticket as number, empty))
  t.is((await lone).meta.gen, 0)
  await client.close()
  for (const one of [first, second]) await t.throwsAsync(one, { code: -21 })
})

test('aborting one read leaves the others of its tick alone, before and after they were sent', async (t) => {
  const key = ['test', freshSet(), 1] as const
  await client().put(key, { v: 1 })
  const [before, after] = [new AbortController(), new AbortController()]
  const reads = [
    coalescing.get(key),
    coalescing.get(key, { signal: before.signal }),
    coalescing.get(key, { signal: after.signal }),
    coalescing.get(key),
  ]
  before.abort('before')
  setImmediate(() => after.abort('after'))
  await new Promise(setImmediate)
  const [a, b, c, d] = await Promise.allSettled(reads)
  t.is(a?.status, 'fulfilled')
  t.is(d?.status, 'fulfilled')
  t.true(b?.status === 'rejected' && b.reason instanceof AbortError && b.reason.inDoubt === false)
  t.true(c?.status === 'fulfilled' || c?.reason instanceof AbortError)
})

faultTest('a read that times out among others has the error of a read that times out alone', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 30 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key) => ({ key, bins: { v: 1 } })))).throwIfFailed()
  const options = { totalTimeout: 200, replica: 'master', maxRetries: 0 } as const
  await local().freezeNode(1)
  try {
    const shape = (one: unknown) => ('value' in (one as object) ? 'value' : { ...(one as object), message: '' })
    const merged = (await Promise.all(keys.map((key) => outcome(coalescing.get(key, options))))).map(shape)
    const alone = (await Promise.all(keys.map((key) => outcome(client().get(key, options))))).map(shape)
    t.deepEqual(merged, alone)
    t.true(merged.includes('value') && merged.some((one) => one !== 'value'))
  } finally {
    await local().thawNode(1)
  }
})

faultTest('reads of nodes that answer settle while a node of their tick is frozen', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 60 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key) => ({ key, bins: { i: key[2] } })))).throwIfFailed()
  // No other node takes over for the frozen one: its reads are held up until it goes on.
  const options = { totalTimeout: 60_000, replica: 'master', maxRetries: 0 } as const
  await local().freezeNode(1)
  const seen = new Set<number>()
  try {
    const reads = keys.map((key) => coalescing.get<{ i: number }>(key, options).then(({ bins }) => seen.add(bins.i)))
    await Promise.race(reads)
    t.true(seen.size > 0 && seen.size < 60)
    await local().thawNode(1)
    await Promise.all(reads)
    t.is(seen.size, 60)
  } finally {
    await local().thawNode(1)
  }
})
