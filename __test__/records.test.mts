// Single records: writing, reading, and what the calls answer.

import {
  BinTypeError,
  Double,
  GenerationError,
  InvalidArgumentError,
  type Key,
  NEVER_EXPIRES,
  OperationResults,
  op,
  RecordExistsError,
  RecordNotFoundError,
} from 'aerospike-napi'
import test from 'ava'
import { client, freshKey, freshSet } from './support/cluster.mjs'

interface User {
  name: string
  age: number
  email?: string
}

test('a record comes back as it was put, by name and as a tuple', async (t) => {
  const key = freshKey('user1')
  const written = await client().put<User>(key, { name: 'Alice', age: 30 })
  t.is(written.gen, 1)
  const record = await client().get<User>(key)
  t.deepEqual(record.bins, { name: 'Alice', age: 30 })
  t.is(record.meta.gen, 1)
  t.is(record.meta.ttl, NEVER_EXPIRES)
  const [sameKey, meta, bins] = record
  t.is(sameKey, record.key)
  t.deepEqual([...sameKey], [...key])
  t.is(meta, record.meta)
  t.is(bins, record.bins)
  t.is(record.length, 3)
  t.is(record[2].name, 'Alice')
})

test('a record shows itself and serialises with its bins', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1 })
  const record = await client().get(key)
  t.deepEqual(JSON.parse(JSON.stringify(record)), { key: [...key], meta: { gen: 1, ttl: -1 }, bins: { a: 1 } })
})

test('get of a missing record rejects with RecordNotFoundError', async (t) => {
  const key = freshKey()
  const error = await t.throwsAsync(client().get(key), { instanceOf: RecordNotFoundError })
  t.is(error.code, 2)
  t.is(error.key, key)
})

test('select reads only the bins that are asked for, and leaves out those that do not exist', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1, b: 2, c: 3 })
  const { bins } = await client().select(key, ['c', 'a', 'nope'])
  t.deepEqual(bins, { a: 1, c: 3 })
})

test('no bins are read of a record when the list of bins is empty, in batches and in single reads alike', async (t) => {
  const key: Key = ['test', freshSet(), 1]
  await client().put(key, { a: 1, b: 2 })
  const reads = [
    client().get(key, { bins: [] }),
    client().find(key, { bins: [] }),
    client().select(key, []),
    client().with({ coalesceReads: true }).get(key, { bins: [] }),
    client()
      .batchRead([key], { bins: [] })
      .then((batch) => batch.at(0)?.record),
  ]
  for (const record of await Promise.all(reads)) t.deepEqual([record?.meta.gen, record?.bins], [1, {}])
  await t.throwsAsync(client().get(['test', key[1], 2], { bins: [] }), { instanceOf: RecordNotFoundError })
  await t.throwsAsync(client().removeBin(key, []), { instanceOf: InvalidArgumentError, message: /nothing to remove/ })
})

test('exists tells generation and TTL, or null', async (t) => {
  const key = freshKey()
  const [missingKey, missing] = await client().exists(key)
  t.is(missingKey, key)
  t.is(missing, null)
  await client().put(key, { a: 1 }, { ttl: 500 })
  const { meta } = await client().exists(key)
  t.is(meta?.gen, 1)
  t.true((meta?.ttl ?? 0) > 490 && (meta?.ttl ?? 0) <= 500)
})

test('put keeps the bins it does not name, and null removes one', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1, b: 2 })
  const { gen } = await client().put(key, { b: null, c: 3 })
  t.is(gen, 2)
  t.deepEqual((await client().get(key)).bins, { a: 1, c: 3 })
})

test('exists: create, update, replace and createOrReplace decide whether a write happens', async (t) => {
  const key = freshKey()
  await t.throwsAsync(client().put(key, { a: 1 }, { exists: 'update' }), { instanceOf: RecordNotFoundError })
  await t.throwsAsync(client().put(key, { a: 1 }, { exists: 'replace' }), { instanceOf: RecordNotFoundError })
  await client().put(key, { a: 1, b: 1 }, { exists: 'create' })
  await t.throwsAsync(client().put(key, { a: 2 }, { exists: 'create' }), { instanceOf: RecordExistsError })
  await client().put(key, { a: 3 }, { exists: 'update' })
  t.deepEqual((await client().get(key)).bins, { a: 3, b: 1 })
  await client().put(key, { a: 4 }, { exists: 'replace' })
  t.deepEqual((await client().get(key)).bins, { a: 4 })
  await client().put(key, { c: 5 }, { exists: 'createOrReplace' })
  t.deepEqual((await client().get(key)).bins, { c: 5 })
})

test('generation guards a write: equal by default, greater when asked', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1 })
  await t.throwsAsync(client().put(key, { a: 2 }, { generation: 7 }), { instanceOf: GenerationError })
  await client().put(key, { a: 2 }, { generation: 1 })
  await t.throwsAsync(client().put(key, { a: 3 }, { generation: 2, generationMode: 'greater' }), {
    instanceOf: GenerationError,
  })
  await client().put(key, { a: 3 }, { generation: 3, generationMode: 'greater' })
  await t.throwsAsync(client().remove(key, { generation: 1 }), { instanceOf: GenerationError })
  await client().remove(key, { generation: 3 })
})

test('TTLs are seconds, never, keep or default', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1 }, { ttl: 1000 })
  const near = async (seconds: number) => {
    const { meta } = await client().get(key)
    t.true(Math.abs(meta.ttl - seconds) <= 2, `${meta.ttl} is about ${seconds}`)
  }
  await near(1000)
  await client().put(key, { a: 2 }, { ttl: 'keep' })
  await near(1000)
  await client().put(key, { a: 2 }, { ttl: 'never' })
  t.is((await client().get(key)).meta.ttl, NEVER_EXPIRES)
  await client().touch(key, { ttl: 77 })
  await near(77)
})

test('remove takes a record away, and rejects when there is none', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1 })
  t.is(await client().remove(key), undefined)
  await t.throwsAsync(client().remove(key), { instanceOf: RecordNotFoundError })
})

test('append, prepend and increment change a bin, and create it when missing', async (t) => {
  const key = freshKey()
  await client().append(key, 'text', 'b')
  await client().prepend(key, 'text', 'a')
  await client().append(key, 'bytes', Uint8Array.of(1))
  await client().append(key, 'bytes', Uint8Array.of(2))
  await client().increment(key, 'count')
  await client().increment(key, 'count', 41)
  await client().increment(key, 'big', 2n ** 62n)
  await client().increment(key, 'part', 0.5)
  await client().increment(key, 'part', new Double(1))
  const { bins } = await client().get(key)
  t.deepEqual(bins, { text: 'ab', bytes: Buffer.of(1, 2), count: 42, big: 2n ** 62n, part: 1.5 })
  await t.throwsAsync(client().increment(key, 'text'), { instanceOf: BinTypeError })
})

test('removeBin removes one or several bins', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1, b: 2, c: 3, d: 4 })
  await client().removeBin(key, 'a')
  await client().removeBin(key, ['b', 'c'])
  t.deepEqual((await client().get(key)).bins, { d: 4 })
})

test('touch raises the generation, and rejects when there is no record', async (t) => {
  const key = freshKey()
  await t.throwsAsync(client().touch(key), { instanceOf: RecordNotFoundError })
  await client().put(key, { a: 1 })
  t.is((await client().touch(key)).gen, 2)
})

test('operate runs operations in order and answers by bin', async (t) => {
  const key = freshKey()
  const { bins, meta } = await client().operate<{ n: number; s: string }>(key, [
    op.write('s', 'x'),
    op.increment('n', 5),
    op.append('s', 'y'),
    op.read('n'),
    op.read('s'),
  ])
  t.deepEqual(bins, { n: 5, s: 'xy' })
  t.is(meta.gen, 1)
})

test('two operations on one bin are both answered', async (t) => {
  const key = freshKey()
  await client().put(key, { n: 1 })
  const merged = await client().operate(key, [op.read('n'), op.increment('n', 1), op.read('n')])
  t.true(merged.bins.n instanceof OperationResults)
  t.deepEqual([...(merged.bins.n as unknown as number[])], [1, 2])
  const ordered = await client().operateOrdered(key, [
    op.read('n'),
    op.touch(),
    op.increment('n', 1),
    op.read('n'),
    op.read('none'),
  ])
  t.deepEqual(ordered.bins as unknown, [
    ['n', 2],
    ['', null],
    ['n', null],
    ['n', 3],
    ['none', null],
  ])
})

test('operate reads everything, or only generation and TTL', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1, b: 'x' })
  t.deepEqual((await client().operate(key, [op.readAll()])).bins, { a: 1, b: 'x' })
  t.deepEqual((await client().operate(key, [op.increment('a', 1), op.readAll()])).bins, { a: 2, b: 'x' })
  const { bins, meta } = await client().operate(key, [op.readMeta()])
  t.deepEqual(bins, {})
  t.is(meta.gen, 2)
})

test('deleteAll drops the bins that came before it', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1, b: 2 })
  await client().operate(key, [op.deleteAll(), op.write('c', 3)])
  t.deepEqual((await client().get(key)).bins, { c: 3 })
})

test('1,000 gets of one tick all answer', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 1000 }, (_, i) => ['test', set, i] as const)
  await Promise.all(keys.map((key, i) => client().put(key, { i })))
  const records = await Promise.all(keys.map((key) => client().get<{ i: number }>(key)))
  t.deepEqual(
    records.map((record) => record.bins.i),
    keys.map((_, i) => i),
  )
})
