// Our side of the boundary alone, over a stand-in for the addon: buffers, slots, drains and failures.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AerospikeError, ClientClosedError, op, RecordNotFoundError, TimeoutError, UdfError } from 'aerospike-napi'
import test from 'ava'
import { SETTLED } from '#src/boundary/call'
import { Boundary } from '#src/boundary/native'
import { resolveDefaults } from '#src/options/apply'
import { RecordCall } from '#src/requests/calls'
import {
  batchCompletion,
  FakeNative,
  failureCompletion,
  fakeClient,
  readBatch,
  recordCompletion,
} from './support/fake.mjs'

const key = ['test', 's', 1] as const

function message(bins: { [name: string]: Buffer } = {}, generation = 1): Buffer {
  const header = Buffer.alloc(22)
  header[0] = 22
  header.writeUInt32BE(generation, 6)
  header.writeUInt16BE(Object.keys(bins).length, 20)
  const parts = Object.entries(bins).map(([name, value]) => {
    const head = Buffer.from([0, 0, 0, 4 + name.length + value.length, 1, 3, 0, name.length])
    return Buffer.concat([head, Buffer.from(name), value])
  })
  return Buffer.concat([header, ...parts])
}

const turn = () => new Promise(setImmediate)

test('everything submitted in one tick crosses in one call', async (t) => {
  const { client, native } = fakeClient()
  const calls = Array.from({ length: 1000 }, (_, i) => client.get(['test', 's', i]))
  t.is(native.submits, 0)
  await turn()
  t.is(native.submits, 1)
  t.is(native.entries.length, 1000)
  t.is(new Set(native.entries.map((entry) => entry.ticket)).size, 1000)
  native.complete(
    ...native.entries.map((entry, i) => recordCompletion(entry.ticket, message({ v: Buffer.from(`${i}`) }))),
  )
  const records = await Promise.all(calls)
  t.deepEqual(
    records.map((record) => record.bins.v),
    records.map((_, i) => `${i}`),
  )
})

test('a tick that writes much hands over in between', async (t) => {
  const { client, native } = fakeClient()
  const text = 'x'.repeat(300_000)
  const calls = Array.from({ length: 10 }, (_, i) => client.put(['test', 's', i], { text }))
  await turn()
  t.true(native.submits > 1 && native.submits < 10, `${native.submits} calls`)
  t.is(native.entries.length, 10)
  native.complete(...native.entries.map((entry) => recordCompletion(entry.ticket, message())))
  await Promise.all(calls)
})

test('a large batch is handed over at once, and the rest of the tick with its end', async (t) => {
  const { client, native } = fakeClient()
  const keys = Array.from({ length: 256 }, (_, i) => ['test', 's', i] as const)
  const first = client.get(key)
  const batch = client.batchRead(keys)
  t.is(native.submits, 1)
  t.is(native.entries.length, 2)
  const last = client.get(key)
  t.is(native.submits, 1)
  await turn()
  t.is(native.submits, 2)
  const [a, b, c] = native.entries.map((entry) => entry.ticket) as [number, number, number]
  const rows = keys.map(() => ({ message: message({ v: Buffer.from('row') }) }))
  native.complete(recordCompletion(a, message()), batchCompletion(native, b, rows), recordCompletion(c, message()))
  t.is((await batch).found.length, 256)
  await Promise.all([first, last])
})

test('an answer that cannot be read fails its own call and no other', async (t) => {
  const { client, native } = fakeClient()
  const calls = [client.get(key), client.get(key), client.get(key)]
  await turn()
  const [a, b, c] = native.entries.map((entry) => entry.ticket) as [number, number, number]
  const good = message({ v: Buffer.from('x') })
  const bad = Buffer.from(good)
  bad.writeUInt32BE(0x7fffffff, 22)
  native.complete(recordCompletion(a, good), recordCompletion(b, bad), recordCompletion(c, good))
  const results = await Promise.allSettled(calls)
  t.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  t.true((results[1] as PromiseRejectedResult).reason instanceof AerospikeError)
})

test('an answer larger than the drain buffer makes the buffer grow', async (t) => {
  const { client, native } = fakeClient()
  const call = client.get(key)
  await turn()
  const value = Buffer.alloc(200_000, 'y')
  const header = message()
  header.writeUInt16BE(1, 20)
  const head = Buffer.from([0, 0, 0, 0, 1, 3, 0, 1, 0x76])
  head.writeUInt32BE(5 + value.length, 0)
  native.complete(recordCompletion(native.entries[0]?.ticket as number, Buffer.concat([header, head, value])))
  t.is(((await call).bins.v as string).length, 200_000)
})

test('a failure carries all its facts', async (t) => {
  const { client, native } = fakeClient()
  const call = client.put(key, { a: 1 })
  await turn()
  const subs = [{ code: -10, node: 'A1', detail: 'connection reset', elapsed: 7.5 }]
  native.complete(
    failureCompletion(native.entries[0]?.ticket as number, 9, {
      inDoubt: true,
      attempts: 2,
      elapsed: 12.25,
      node: 'A2',
      detail: 'no answer',
      subs,
    }),
  )
  const error = await t.throwsAsync(call, { instanceOf: TimeoutError })
  t.like(error, { code: 9, inDoubt: true, attempts: 2, elapsed: 12.25, node: 'A2', retryable: false })
  t.deepEqual(error.subErrors, [
    { code: -10, attempt: 1, elapsed: 7.5, node: 'A1', message: 'connection reset', inDoubt: false },
  ])
  t.is(
    error.message,
    'put ["test", "s", 1]: timed out: no answer (code 9, node A2, 2 attempts, 12.3 ms; the write may have happened)',
  )
})

test("what a UDF's failure says becomes the message", async (t) => {
  const { client, native } = fakeClient()
  const call = client.operate(key, [op.read('a')])
  await turn()
  const text = message({ FAILURE: Buffer.from('udf.lua:3: oops') })
  native.complete(failureCompletion(native.entries[0]?.ticket as number, 100, { message: text }))
  await t.throwsAsync(call, { instanceOf: UdfError, message: /udf\.lua:3: oops/ })
})

test('codes of newer servers become errors too', async (t) => {
  const { client, native } = fakeClient()
  const call = client.get(key)
  await turn()
  native.complete(failureCompletion(native.entries[0]?.ticket as number, 199))
  const error = await t.throwsAsync(call, { instanceOf: AerospikeError })
  t.is(error.code, 199)
})

test('a settled call that is still around keeps nothing of its result', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const native = new FakeNative()
  const boundary = Boundary.over(native)
  native.wake = () => boundary.wake()
  const command = { info1: 3, info2: 0, info3: 0, generation: 0, ttl: 0 }
  const task = { verb: 'get', policy: resolveDefaults({}).read, writes: false, command, body: () => 0 }
  const call = new RecordCall(task, ['test', 's', 1])
  const result = await (async () => {
    const answer = boundary.submit(call)
    await turn()
    native.complete(recordCompletion(native.entries[0]?.ticket as number, message()))
    return new WeakRef(await answer)
  })()
  await turn()
  collect()
  t.is(result.deref(), undefined)
  t.is(call.ticket, SETTLED)
})

test('the process is kept alive exactly while something is under way', async (t) => {
  const { client, native } = fakeClient()
  const calls = [client.get(key), client.get(key)]
  await turn()
  t.is(native.refs, 1)
  native.complete(recordCompletion(native.entries[0]?.ticket as number, message()))
  t.is(native.refs, 1)
  native.complete(recordCompletion(native.entries[1]?.ticket as number, message()))
  t.is(native.refs, 0)
  await Promise.all(calls)
})

test('a batch of one namespace and set names them once, and one spec serves all rows', async (t) => {
  const { client, native } = fakeClient()
  const call = client.batchRead(
    [['test', 'a', 1], ['test', 'a', 'x'], ['test', 'b', 2n], { key: ['test', 'b', Buffer.of(9)], bins: ['z'] }],
    { bins: ['v'] },
  )
  await turn()
  const [entry] = native.entries
  if (entry === undefined) throw new Error('nothing was sent')
  const batch = readBatch(entry.body)
  t.is(batch.specs.length, 2)
  t.deepEqual(
    batch.rows.map(({ spec, type, names }) => [spec, type, names]),
    [
      [0, 1, 'test/a'],
      [0, 3, 'test/a'],
      [0, 1, 'test/b'],
      [1, 4, 'test/b'],
    ],
  )
  native.complete(
    batchCompletion(native, entry.ticket, [
      { message: message({ v: Buffer.from('1') }) },
      { code: -15 },
      { code: 2 },
      { code: 9, inDoubt: true },
    ]),
  )
  const rows = await call
  t.deepEqual(
    Array.from(rows, (row) => [row.result, row.resultCode, row.inDoubt]),
    [
      ['ok', 0, false],
      ['unprocessed', -15, false],
      ['notFound', 2, false],
      ['unprocessed', 9, true],
    ],
  )
  t.deepEqual(rows.at(0)?.record?.bins, { v: '1' })
  t.deepEqual(native.released, [entry.ticket])
  t.deepEqual(rows.unprocessed.length, 2)
})

test('a write in doubt is an error, not something left to do, unless it is idempotent', async (t) => {
  const { client, native } = fakeClient()
  for (const [options, results] of [
    [{}, ['error', 'unprocessed']],
    [{ idempotent: true }, ['unprocessed', 'unprocessed']],
  ] as const) {
    native.entries.length = 0
    const call = client.batchWrite(
      [
        { key, bins: { a: 1 } },
        { key, bins: { b: 1 } },
      ],
      { ...options, onPartial: 'return' },
    )
    await turn()
    native.complete(
      batchCompletion(native, native.entries[0]?.ticket as number, [{ code: -10, inDoubt: true }, { code: -10 }]),
    )
    const rows = await call
    t.deepEqual(
      Array.from(rows, (row) => row.result),
      [...results],
    )
    t.is(rows.at(0)?.error?.inDoubt, true)
  }
})

test('unprocessed rows go back with the options of their batch, and retry merges', async (t) => {
  const { client, native } = fakeClient()
  const rows = [
    ['test', 's', 0],
    ['test', 's', 1],
    ['test', 's', 2],
  ] as const
  const call = client.batchRead(rows, { bins: ['v'], totalTimeout: 321 })
  await turn()
  const one = (text: string) => ({ message: message({ v: Buffer.from(text) }) })
  native.complete(batchCompletion(native, native.entries[0]?.ticket as number, [one('a'), { code: -8 }, { code: 11 }]))
  const batch = await call
  const options = { totalTimeout: 321 }
  t.deepEqual<unknown, unknown>(
    [...batch.unprocessed],
    [
      { type: 'read', key: rows[1], bins: ['v'], origin: 1, call: options },
      { type: 'read', key: rows[2], bins: ['v'], origin: 2, call: options },
    ],
  )

  const again = client.batchRead(batch.unprocessed)
  await turn()
  t.is(native.entries[1]?.totalTimeout, 321)
  t.is(readBatch(native.entries[1]?.body as Buffer).specs[0]?.opCount, 1, 'the bins of the first batch')
  native.complete(batchCompletion(native, native.entries[1]?.ticket as number, [one('b'), one('c')]))
  t.deepEqual(
    Array.from(await again, (row) => row.record?.bins.v),
    ['b', 'c'],
  )

  native.onEntry = (entry) =>
    native.complete(
      batchCompletion(native, entry.ticket, native.entries.length === 3 ? [{ code: -8 }, one('C')] : [one('B')]),
    )
  const whole = await batch.retry()
  t.deepEqual(
    Array.from(whole, (row) => [row.index, row.record?.bins.v]),
    [
      [0, 'a'],
      [1, 'B'],
      [2, 'C'],
    ],
  )
  t.is(native.entries.length, 4, 'the second attempt asked for the one row that was left')
  t.is(whole.at(0), batch.at(0), 'a row that was answered stays the same object')
  t.is(whole.cost.keys, 3)
})

test('unprocessed rows of one kind of batch are refused by another', async (t) => {
  const { client, native } = fakeClient()
  const call = client.batchWrite([{ key, bins: { a: 1 } }], { onPartial: 'return' })
  await turn()
  native.complete(batchCompletion(native, native.entries[0]?.ticket as number, [{ code: -8 }]))
  const { unprocessed } = await call
  await t.throwsAsync(client.batchRead(unprocessed as never[]), { message: /hand them to batchWrite/ })
})

test('calls left over when the core has closed reject with ClientClosedError', async (t) => {
  const { client, native } = fakeClient()
  const call = client.put(key, { a: 1 })
  const closing = client.close({ timeout: 5 })
  const error = await t.throwsAsync(call, { instanceOf: ClientClosedError })
  t.is(error.inDoubt, true)
  await closing
  t.is(native.closedWith, 5)
  t.is(native.entries.length, 1, 'what was submitted in the tick of close still went out')
})

test('rows decode once, and only what is touched', async (t) => {
  const { client, native } = fakeClient()
  const call = client.batchRead([key, ['test', 's', 'other']])
  await turn()
  const bad = message({ v: Buffer.from('x') })
  bad.writeUInt32BE(0x7fffffff, 22)
  native.complete(
    batchCompletion(native, native.entries[0]?.ticket as number, [
      { message: message({ v: Buffer.from('x') }) },
      { message: bad },
    ]),
  )
  const batch = await call
  t.is(batch.at(1)?.result, 'ok')
  t.is(batch.at(0)?.record, batch.at(0)?.record)
  t.is(batch.at(0)?.record?.bins, batch.at(0)?.record?.bins)
  t.throws(() => batch.at(1)?.record?.bins, { instanceOf: AerospikeError })
  t.true(new RecordNotFoundError('x') instanceof AerospikeError)
})

test('a batch that comes whole has bytes of its own: what is drained later does not change it', async (t) => {
  const { client, native } = fakeClient()
  const call = client.batchRead([key, ['test', 's', 'other'], ['test', 's', 'none']])
  await turn()
  const ticket = native.entries[0]?.ticket as number
  const rows = [
    { message: message({ v: Buffer.from('first') }) },
    { message: message({ v: Buffer.from('second') }) },
    { code: -15 },
  ]
  native.complete(batchCompletion(native, ticket, rows, true))
  const batch = await call
  t.deepEqual(native.released, [])
  // A later batch overwrites the buffer that this one came in.
  const later = client.batchRead([key, ['test', 's', 'other']])
  await turn()
  const others = [
    { message: message({ v: Buffer.from('X'.repeat(200)) }) },
    { message: message({ v: Buffer.from('Y') }) },
  ]
  native.complete(batchCompletion(native, native.entries[1]?.ticket as number, others, true))
  await later
  t.deepEqual(
    [...batch].map((row) => row.record?.bins),
    [{ v: 'first' }, { v: 'second' }, undefined],
  )
  t.deepEqual(
    [...batch].map((row) => [row.result, row.node]),
    [
      ['ok', 'A1'],
      ['ok', 'A1'],
      ['unprocessed', 'A1'],
    ],
  )
  t.like(batch.cost, { keys: 3, found: 2, bytesOut: 100, roundTrips: 1, elapsed: 2.5 })
})

test('coalesced reads settle from a batch that comes whole', async (t) => {
  const { client, native } = fakeClient(undefined, true)
  const calls = [client.get(key), client.get(['test', 's', 'other']), client.get(['test', 's', 'none'])]
  await turn()
  const rows = [
    { message: message({ v: Buffer.from('first') }) },
    { message: message({ v: Buffer.from('second') }) },
    { code: -15 },
  ]
  native.complete(batchCompletion(native, native.entries[0]?.ticket as number, rows, true))
  t.deepEqual((await calls[0])?.bins, { v: 'first' })
  t.deepEqual((await calls[1])?.bins, { v: 'second' })
  t.like(await t.throwsAsync(calls[2] as Promise<unknown>), { node: 'A1', attempts: 1, elapsed: 2.5 })
  t.deepEqual(native.released, [])
})
