// Our side of queries alone, over a stand-in for the addon: pages, cursors, ends and aborts.

import { randomBytes } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { deflateRawSync } from 'node:zlib'
import {
  AbortError,
  ClientError,
  InvalidArgumentError,
  type Query,
  QueryAbortedError,
  type QueryProgress,
  type Record,
  range,
  UdfNotFoundError,
} from 'aerospike-napi'
import test from 'ava'
import { type FakeStep, failureCompletion, fakeClient } from './support/fake.mjs'
import { cursorBytes, digestIn, operation, pageOf } from './support/pages.mjs'

const text = (value: string): { v: Buffer } => ({ v: Buffer.from(value) })

/** A client whose queries take these steps. */
function answering(...steps: FakeStep[]) {
  const { client, native } = fakeClient()
  native.steps = () => steps
  return { client, native, query: client.query<{ v: string }>('test', 's') }
}

const three = (): FakeStep[] => [
  pageOf({ digest: digestIn(1, 1), bins: text('a') }, { digest: digestIn(1, 2), bins: text('b') }),
  pageOf(),
  pageOf({ digest: digestIn(2, 1), bins: text('c') }),
]

async function valuesOf(records: AsyncIterable<Record<{ v: string }>>): Promise<string[]> {
  const values: string[] = []
  for await (const { bins } of records) values.push(bins.v)
  return values
}

test('records come from all pages, by a loop, a list, a function and two kinds of streams', async (t) => {
  const all = ['a', 'b', 'c']
  const fresh = () => answering(...three()).query
  t.deepEqual(await valuesOf(fresh()), all)
  t.deepEqual(
    (await fresh().results()).map(({ bins }) => bins.v),
    all,
  )
  const seen: string[] = []
  await fresh().forEach(({ bins }) => {
    seen.push(bins.v)
  })
  t.deepEqual(seen, all)
  t.deepEqual(await valuesOf(fresh().toReadableStream()), all)
  t.deepEqual(await valuesOf(fresh().toNodeStream()), all)
})

test('a record has its key: the user key where it is stored, else the digest; and its set', async (t) => {
  const { client, native } = fakeClient()
  const integer = Buffer.alloc(9)
  integer[0] = 1
  integer.writeBigInt64BE(2n ** 60n, 1)
  native.steps = () => [
    pageOf(
      { digest: digestIn(1), set: 'a', key: Buffer.from('\x03user'), generation: 7 },
      { digest: digestIn(2), set: 'a', key: integer },
      { digest: digestIn(3), set: 'b', key: Buffer.from([4, 1, 2]) },
      { digest: digestIn(4) },
    ),
  ]
  const records = await client.scan('test').results()
  t.deepEqual(
    records.map(({ key }) => key),
    [
      ['test', 'a', 'user'],
      ['test', 'a', 2n ** 60n],
      ['test', 'b', Buffer.from([1, 2])],
      ['test', '', null, digestIn(4)],
    ],
  )
  const [first] = records
  const [key, meta, bins] = first as Record
  t.deepEqual([key, meta, bins], [['test', 'a', 'user'], { gen: 7, ttl: -1 }, {}])
})

test('nothing is opened before the first record is wanted, and a query may be run again', async (t) => {
  const { client, native } = fakeClient()
  native.steps = three
  const query: Query = client.query('test', 's')
  const stream = query.stream()
  t.is(native.queries.length, 0)
  t.is(query.cursor, stream.cursor)
  await stream.next()
  t.is(native.queries.length, 1)
  t.is((await query.results()).length, 3)
  t.is(native.queries.length, 2)
})

const stop = (): boolean => false
const stopLater = async (): Promise<boolean> => false
const stumble = (): Promise<never> => Promise.reject(new Error('mine'))

test('however a query is left, it is closed', async (t) => {
  const left: ((query: Query<{ v: string }>) => Promise<unknown>)[] = [
    async (query) => {
      for await (const _ of query) break
    },
    async (query) => {
      for await (const _ of query) throw new Error('mine')
    },
    (query) => query.forEach(stop),
    (query) => query.forEach(stopLater),
    (query) => query.forEach(stumble),
    async (query) => {
      const reader = query.toReadableStream().getReader()
      await reader.read()
      await reader.cancel()
    },
    async (query) => {
      for await (const _ of query.toNodeStream()) break
    },
    async (query) => {
      await using stream = query.stream()
      await stream.next()
    },
    (query) => query.with({ onProgress: () => JSON.parse('{') }).results(),
  ]
  for (const leave of left) {
    const { native, query } = answering(...three())
    await leave(query).catch((error: Error) => t.regex(error.message, /mine|JSON/))
    t.is(native.queries[0]?.query.closed, 1, leave.toString())
  }
})

test('what fails is thrown where the records are consumed, once, and the cursor is still good', async (t) => {
  const failure = failureCompletion(0, 15, { node: 'A1', attempts: 3, detail: 'by hand' })
  const { query } = answering(...three(), { kind: 2, failure })
  const stream = query.stream()
  const seen: string[] = []
  const error = await t.throwsAsync(
    async () => {
      for await (const { bins } of stream) seen.push(bins.v)
    },
    { instanceOf: QueryAbortedError },
  )
  t.deepEqual(seen, ['a', 'b', 'c'])
  t.like(error, { node: 'A1', attempts: 3, code: 15 })
  t.regex(error.message, /^query: .*by hand/)
  t.deepEqual(await stream.next(), { done: true, value: undefined })
  t.is(typeof stream.cursor, 'string')
  t.is(query.cursor, stream.cursor)
})

test('the stack of a failure leads to the loop', async (t) => {
  const { query } = answering({ kind: 2, failure: failureCompletion(0, 15) })
  async function myLoop() {
    for await (const _ of query);
  }
  const error = await t.throwsAsync(myLoop(), { instanceOf: QueryAbortedError })
  t.regex(error.stack as string, /myLoop/)
})

test('an abort ends a query at once: while it waits, while records are at hand, and before', async (t) => {
  const waiting = new AbortController()
  const { native, query } = answering(...three(), { hold: true })
  const results = query.with({ signal: waiting.signal }).results()
  for (let i = 0; i < 10; i++) await new Promise(setImmediate)
  waiting.abort('enough')
  const error = await t.throwsAsync(results, { instanceOf: AbortError })
  t.is(error.cause, 'enough')
  t.true((native.queries[0]?.query.closed ?? 0) > 0)

  const between = new AbortController()
  const stream = answering(...three())
    .query.with({ signal: between.signal })
    .stream()
  t.is((await stream.next()).value?.bins.v, 'a')
  between.abort()
  await t.throwsAsync(stream.next(), { instanceOf: AbortError })
  t.true((await stream.next()).done)

  const before = answering(...three())
  await t.throwsAsync(before.query.with({ signal: AbortSignal.abort() }).results(), { instanceOf: AbortError })
  t.is(before.native.queries.length, 0)
})

test('many queries may listen to one signal', async (t) => {
  const controller = new AbortController()
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  const streams = Array.from({ length: 50 }, () =>
    answering(...three())
      .query.with({ signal: controller.signal })
      .stream(),
  )
  await Promise.all(streams.map((stream) => stream.next()))
  await streams[0]?.results()
  controller.abort()
  for (const stream of streams.slice(1)) await t.throwsAsync(stream.next(), { instanceOf: AbortError })
  await new Promise(setImmediate)
  process.off('warning', note)
  t.deepEqual(warnings, [])
})

test('a query that makes no sense fails where it is consumed, never at once', async (t) => {
  const { query } = answering(...three())
  const wrong = query.with({ maxRecords: -1 })
  const stream = wrong.stream()
  await t.throwsAsync(stream.next(), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(valuesOf(wrong), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(valuesOf(wrong.toReadableStream()), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(valuesOf(wrong.toNodeStream()), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(wrong.aggregate('m', 'f').value(), { instanceOf: InvalidArgumentError })
  t.throws(() => wrong.cursor, { instanceOf: InvalidArgumentError })
})

test('calls of next that do not wait for one another get their records in order', async (t) => {
  const { query } = answering(...three())
  const stream = query.stream()
  const answers = await Promise.all(Array.from({ length: 5 }, () => stream.next()))
  t.deepEqual(
    answers.map(({ value }) => value?.bins.v),
    ['a', 'b', 'c', undefined, undefined],
  )
})

test('progress is told after each page, and can be asked for', async (t) => {
  const reports: QueryProgress[] = []
  const steps = three().map((step, i) => ({ ...step, done: i + 1, total: 3 }))
  const { query } = answering(...steps)
  const run = query.with({ onProgress: (one) => reports.push(one) })
  t.is(run.progress, undefined)
  await run.results()
  t.deepEqual(reports, [
    { done: 1, total: 3, records: 0 },
    { done: 2, total: 3, records: 2 },
    { done: 3, total: 3, records: 2 },
  ])
  t.is(run.progress?.records, 3)
})

/** The bytes that a cursor goes on with. */
async function resumed(query: Query<never>, cursor: string, native: ReturnType<typeof fakeClient>['native']) {
  await query.from(cursor).results()
  return Buffer.from(native.queries.at(-1)?.spec.cursor ?? [])
}

test('a cursor is exact to the record that was handed out last', async (t) => {
  const base = [
    { partition: 1, state: 0 },
    { partition: 2, state: 1, digest: digestIn(2, 5) },
    { partition: 3, state: 2 },
    { partition: 4, state: 0 },
  ]
  const page = pageOf(
    { digest: digestIn(1, 1) },
    { digest: digestIn(2, 6) },
    { digest: digestIn(1, 2) },
    { digest: digestIn(4, 9) },
  )
  const { native, query } = answering({ ...page, cursor: cursorBytes(base) })
  const stream = query.stream()
  const expected = [
    [{ partition: 1, state: 1, digest: digestIn(1, 1) }, base[1], base[2], base[3]],
    [
      { partition: 1, state: 1, digest: digestIn(1, 1) },
      { partition: 2, state: 1, digest: digestIn(2, 6) },
      base[2],
      base[3],
    ],
    [
      { partition: 1, state: 1, digest: digestIn(1, 2) },
      { partition: 2, state: 1, digest: digestIn(2, 6) },
      base[2],
      base[3],
    ],
  ]
  for (const entries of expected) {
    await stream.next()
    const cursor = JSON.parse(JSON.stringify(stream.cursor)) as string
    t.deepEqual(await resumed(query as never, cursor, native), cursorBytes(entries as never))
  }
  await stream.return()
  t.deepEqual(await resumed(query as never, stream.cursor, native), cursorBytes(expected[2] as never), 'after leaving')
})

test('over an index, a cursor has the values of the index', async (t) => {
  const base = [
    { partition: 1, state: 1, digest: digestIn(1, 1), value: 5n },
    { partition: 2, state: 0 },
  ]
  const { client, native } = fakeClient()
  native.steps = () => [
    {
      ...pageOf({ digest: digestIn(2, 3), value: -7n }, { digest: digestIn(1, 4), value: 9n }),
      cursor: cursorBytes(base, true),
    },
  ]
  const query = client.query('test', 's').where(range.between('n', -10, 10))
  const stream = query.stream()
  await stream.next()
  t.deepEqual(
    await resumed(query as never, stream.cursor, native),
    cursorBytes([base[0] as never, { partition: 2, state: 1, digest: digestIn(2, 3), value: -7n }], true),
  )
})

test('before anything was read, the cursor is the beginning, or the one that was given', async (t) => {
  const { client, native } = fakeClient()
  const query = client.query('test', 's', { partitions: { begin: 4094, count: 2 } })
  const { cursor } = query.stream()
  t.deepEqual(
    await resumed(query as never, cursor, native),
    cursorBytes([
      { partition: 4094, state: 0 },
      { partition: 4095, state: 0 },
    ]),
  )
  t.is(query.from(cursor).stream().cursor, cursor)
  const after = client.query('test', 's', { partitions: { after: digestIn(77, 3) } })
  await after.results()
  t.deepEqual(
    Buffer.from(native.queries.at(-1)?.spec.cursor ?? []),
    cursorBytes([{ partition: 77, state: 1, digest: digestIn(77, 3) }]),
  )
})

test('pages: as many records as wanted, and a cursor until there is nothing more', async (t) => {
  const { client, native } = fakeClient()
  native.steps = ({ cursor }) =>
    cursor === undefined
      ? [pageOf({ digest: digestIn(1, 1) }), { kind: 1, count: 0, done: 0, total: 1, more: true }]
      : [pageOf({ digest: digestIn(1, 2) })]
  const query = client.query('test', 's')
  const first = await query.page(1)
  t.is(first.records.length, 1)
  t.false(first.done)
  t.is(native.queries[0]?.spec.maxRecords, 1)
  const second = await query.from(first.cursor as string).page(1)
  t.is(second.records.length, 1)
  t.true(second.done)
  t.is(second.cursor, undefined)
})

test('a cursor of something else, or of nobody, is refused before anything is sent', async (t) => {
  const { client, native, query } = answering()
  const cursor = query.stream().cursor
  const others = [
    client.query('test', 's2'),
    client.query('bar', 's'),
    client.query('test'),
    client.query('test', 's').where(range.equal('n', 1)),
  ]
  for (const other of others) {
    await t.throwsAsync(other.from(cursor).results(), { instanceOf: InvalidArgumentError, message: /the same query/ })
  }
  const hostile = [
    '',
    'x',
    `${cursor}!`,
    cursor.slice(0, -4),
    'A'.repeat(10_000_000),
    randomBytes(64).toString('base64url'),
    cursor.slice(0, 6) + randomBytes(300).toString('base64url'),
    // Four bytes for the check, then a stream of zeros that would become 100 MB.
    Buffer.concat([Buffer.from(cursor, 'base64url').subarray(0, 4), deflated(100_000_000)]).toString('base64url'),
  ]
  for (const one of hostile) {
    await t.throwsAsync(query.from(one).results(), { instanceOf: InvalidArgumentError, message: /cursor/ })
  }
  for (const one of [5, null, {}, []]) {
    await t.throwsAsync(query.from(one as never).results(), { instanceOf: InvalidArgumentError, message: /cursor/ })
  }
  t.is(native.queries.length, 0)
})

function deflated(length: number): Buffer {
  return deflateRawSync(Buffer.alloc(length), { level: 9 })
}

test('pages that lie end in an error, whatever bytes they are', async (t) => {
  const good = pageOf({ digest: digestIn(1), set: 's', bins: text('a') })
  const lies: FakeStep[] = [
    { page: good.page, count: 2 },
    { page: good.page.subarray(0, -1), count: 1 },
    { page: Buffer.alloc(0), count: 1 },
    { page: Buffer.alloc(22), count: 1 },
    ...Array.from({ length: 300 }, (_, i) => {
      const page = Buffer.from(good.page)
      page[18 + (i % (page.length - 18))] = (i * 37) & 0xff
      page[20] = 0xff
      return { page, count: 1 }
    }),
  ]
  for (const lie of lies) {
    const { native, query } = answering(lie)
    await t.throwsAsync(query.results(), { instanceOf: ClientError })
    t.is(native.queries[0]?.query.closed, 1)
  }
})

test('the event loop has its turn while a large page is consumed as fast as it can be', async (t) => {
  const records = Array.from({ length: 20_000 }, (_, i) => ({
    digest: digestIn(i & 4095, i),
    bins: Object.fromEntries(Array.from({ length: 10 }, (_, j) => [`bin${j}`, Buffer.from(`value ${j}`)])),
  }))
  const { query } = answering(pageOf(...records))
  for (const consume of [() => query.results(), () => valuesOf(query), () => query.forEach(() => {})]) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    delay.enable()
    await consume()
    clearInterval(timer)
    delay.disable()
    // How long a turn takes is the machine's affair; that there are some is ours.
    t.true(turns >= 1, `${turns} turns, the longest wait ${delay.max / 1e6} ms`)
  }
})

test('the values of an aggregation come from operations, and one may be asked for', async (t) => {
  const number = Buffer.alloc(8)
  number.writeBigInt64BE(42n)
  const one = operation('SUCCESS', number, 1)
  const two = operation('SUCCESS', Buffer.from('text'))
  const { client, native } = fakeClient()
  native.steps = () => [{ page: one, count: 1 }]
  t.is(await client.query('test', 's').aggregate<number>('m', 'f', [1], { source: 'x' }).value(), 42)
  native.steps = () => [{ page: Buffer.concat([one, two]), count: 2 }]
  const several = () => client.query('test', 's').aggregate('m', 'f', [], { source: 'x', integers: 'bigint' })
  t.deepEqual(await several().results(), [42n, 'text'])
  await t.throwsAsync(several().value(), { message: /2 values/ })
  native.steps = () => []
  t.is(await several().value(), undefined)
})

test('the module of an aggregation is fetched from the cluster, by name', async (t) => {
  const { client, native } = fakeClient()
  const asked: string[] = []
  native.info = async (...[, command]: unknown[]) => {
    asked.push(command as string)
    const content = Buffer.from('function f() end').toString('base64')
    return [{ node: 'A1', response: `${command as string}\ttype=LUA;content=${content};\n` }]
  }
  await client.query('test', 's').aggregate('m', 'f').results()
  t.deepEqual(asked, ['udf-get:filename=m.lua'])
  t.like(native.queries[0]?.spec.aggregation, { source: 'function f() end', module: 'm', function: 'f' })
  native.info = async () => [{ node: 'A1', response: 'udf-get:filename=m.lua\terror=not_found\n' }]
  await t.throwsAsync(client.query('test', 's').aggregate('m', 'f').results(), { instanceOf: UdfNotFoundError })
})
