// Results are values: what differs compares as different, what is equal as equal, and a spread, a structured clone and JSON
// have all that a type declares.
import assert from 'node:assert'
import { isDeepStrictEqual } from 'node:util'
import {
  AerospikeError,
  BatchPartialError,
  type BatchRecords,
  type BatchRow,
  Behavior,
  ctx,
  exp,
  INFINITY,
  lists,
  maps,
  op,
  type Record,
  RecordNotFoundError,
  range,
  WILDCARD,
} from 'aerospike-napi'
import test from 'ava'
import { client, freshKey } from './support/cluster.mjs'

const LARGE = 'x'.repeat(3000)

/** Two keys with these bins. */
async function written(first: object, second: object) {
  const keys = [freshKey(), freshKey()] as const
  await client().put(keys[0], first)
  await client().put(keys[1], second)
  return keys
}

/** The same record, read again as whoever reads it: by itself, in a batch, by a query. */
const readers: { [name: string]: (key: ReturnType<typeof freshKey>) => Promise<Record> } = {
  get: (key) => client().get(key),
  select: (key) => client().select(key, ['a', 'b']) as Promise<Record>,
  operate: (key) => client().operate(key, [op.read('a'), op.read('b')]) as Promise<Record>,
  batchRead: async (key) => ok((await client().batchRead([key])).at(0)).record,
  getMany: async (key) => (await client().getMany([key]))[0] as Record,
  query: async (key) =>
    (
      await client()
        .query(key[0], key[1] as string)
        .results()
    ).find(({ key: [, , user] }) => user === key[2]) as Record,
}

function ok(row: BatchRow | undefined): BatchRow & { result: 'ok' } {
  assert(row?.result === 'ok', `the row is ${row?.result}`)
  return row
}

for (const [name, read] of Object.entries(readers)) {
  test(`${name}: records are equal when key, meta and bins are, and only then`, async (t) => {
    for (const b of [1, LARGE]) {
      const [one, other] = await written({ a: 1, b }, { a: 2, b })
      // Queries tell the user key of what was written with it.
      if (name === 'query')
        for (const [key, a] of [
          [one, 1],
          [other, 2],
        ] as const)
          await client().put(key, { a, b }, { key: 'send' })
      const record = await read(one)
      t.false(isDeepStrictEqual({ ...record, key: 0 }, { ...(await read(other)), key: 0 }))
      t.false(isDeepStrictEqual(await read(one), await read(other)))
      t.true(isDeepStrictEqual(await read(one), record))
      t.notDeepEqual(await read(one), await read(other))
      t.deepEqual(await read(one), record)
    }
  })

  test(`${name}: a record survives a spread, a structured clone and JSON`, async (t) => {
    for (const b of [1, LARGE]) {
      const [key] = await written({ a: 1, b }, { a: 0 })
      if (name === 'query') await client().put(key, { a: 1, b }, { key: 'send' })
      const plain = ({ key, meta, bins }: Record) => ({ key: [...key], meta: { ...meta }, bins: { ...bins } })
      t.deepEqual({ ...(await read(key)) }.bins, { a: 1, b })
      t.deepEqual(Object.keys(await read(key)), ['key', 'meta', 'bins'])
      t.deepEqual(structuredClone(await read(key)) as unknown, plain(await read(key)))
      t.deepEqual(JSON.parse(JSON.stringify(await read(key))), plain(await read(key)))
      t.deepEqual({ ...structuredClone({ ...(await read(key)) }).bins }, { a: 1, b })
      const [, meta, bins] = await read(key)
      t.deepEqual(bins, { a: 1, b })
      t.is(typeof meta.gen, 'number')
    }
  })
}

test('rows are equal when all that they say is, and only then', async (t) => {
  for (const b of [1, LARGE]) {
    const [one, other] = await written({ a: 1, b }, { a: 2, b })
    const row = async (key: ReturnType<typeof freshKey>) => (await client().batchRead([key])).at(0)
    t.false(isDeepStrictEqual(await row(one), await row(other)))
    t.false(isDeepStrictEqual({ ...(await row(one)), key: 0, node: 0 }, { ...(await row(other)), key: 0, node: 0 }))
    t.false(isDeepStrictEqual(await row(one), await row(freshKey())))
    t.true(isDeepStrictEqual(await row(one), await row(one)))
  }
})

test('a row has what its type declares after a spread, a structured clone and JSON', async (t) => {
  const names = ['key', 'index', 'origin', 'resultCode', 'result', 'inDoubt', 'node', 'record', 'error']
  const [key] = await written({ a: 1 }, { a: 0 })
  const rows = async () => [
    ...(await client().batchRead([key, freshKey()])),
    ...(await client().batchWrite([{ key: freshKey(), bins: { a: 1 }, exists: 'update' }])),
  ]
  const results = (await rows()).map((row) => row.result)
  t.deepEqual(results, ['ok', 'notFound', 'notFound'])
  for (const row of await rows()) {
    t.deepEqual(Object.keys(row), names)
    const spread = { ...row } as unknown as { [name: string]: unknown }
    for (const name of names) t.deepEqual(spread[name], row[name as keyof BatchRow], name)
    const clone = structuredClone(row)
    t.deepEqual({ ...clone, error: 0 } as unknown, { ...JSON.parse(JSON.stringify(row)), node: row.node, error: 0 })
    t.is(clone.error?.message, row.error?.message)
  }
})

test('batches are equal when their rows are, whatever they cost', async (t) => {
  const [one, other] = await written({ a: 1 }, { a: 2 })
  const read = (...keys: (typeof one)[]): Promise<BatchRecords> => client().batchRead(keys)
  t.false(isDeepStrictEqual(await read(one), await read(other)))
  t.false(isDeepStrictEqual(await read(one), await read(one, other)))
  t.false(isDeepStrictEqual(await read(one, other), await read(other, one)))
  t.true(isDeepStrictEqual(await read(one, other), await read(one, other)))
  const batch = await read(one, freshKey())
  const { rows, length, found, missing, failed, unprocessed } = { ...batch } as unknown as BatchRecords
  t.deepEqual(
    [rows.length, length, found.length, missing.length, failed.length, unprocessed.length],
    [2, 2, 1, 1, 0, 0],
  )
  t.is(structuredClone(batch).found[0]?.record.bins.a, 1)
  t.is(JSON.parse(JSON.stringify(batch)).length, 2)
})

test('a row gives its record or throws why there is none', async (t) => {
  const [key] = await written({ a: 1 }, { a: 0 })
  const [found, missing, refused] = [
    ...(await client().batchRead([key, freshKey()])),
    ...(await client().batchWrite([{ key, bins: { a: 1 }, exists: 'create' }])),
  ]
  t.is(found?.recordOrThrow().bins.a, 1)
  t.throws(() => missing?.recordOrThrow(), { instanceOf: RecordNotFoundError, message: /rows\[1\] \["test"/ })
  t.is(t.throws(() => refused?.recordOrThrow()) as unknown, refused?.error)
})

test('a row whose bins cannot be read fails where they are touched, and not its batch', async (t) => {
  const [key, other] = await written({ a: 2n ** 60n }, { a: 1 })
  const batch = await client().batchRead([key, other], { integers: 'number' })
  const rows = [...batch]
  t.throws(() => ok(rows[0]).record.bins)
  t.throws(() => ok(rows[0]).record.bins)
  t.is(ok(rows[1]).record.bins.a, 1)
})

test('records that never expire may share what says so, which nobody can change', async (t) => {
  const [one, other] = await written({ a: 1 }, { a: 1 })
  const record = await client().get(one)
  t.throws(() => Object.assign(record.meta, { gen: 99 }))
  t.is((await client().get(other)).meta.gen, 1)
})

test('errors are equal when they say the same, and a spread and JSON have all of it', async (t) => {
  const [one, other] = [freshKey(), freshKey()]
  const fails = (key: typeof one) =>
    client()
      .get(key)
      .then(
        () => t.fail(),
        (error) => error as AerospikeError,
      )
  const error = (await fails(one)) as AerospikeError
  t.false(isDeepStrictEqual(error, await fails(other)))
  const names = ['name', 'message', 'code', 'key', 'node', 'attempts', 'elapsed', 'inDoubt', 'retryable', 'subErrors']
  t.deepEqual(Object.keys(error).sort(), [...names].sort())
  const spread = { ...error } as unknown as { [name: string]: unknown }
  for (const name of names) t.deepEqual(spread[name], error[name as keyof AerospikeError], name)
  t.deepEqual(Object.keys(JSON.parse(JSON.stringify(error))).sort(), names.filter((name) => name !== 'cause').sort())
  const partial = await t.throwsAsync(
    client().batchWrite([{ key: one, bins: { a: 1 }, exists: 'update' }], { onPartial: 'throw' }),
    { instanceOf: BatchPartialError },
  )
  t.is(partial?.batch.length, 1)
  t.false(Object.keys(partial as object).includes('batch'), 'what prints an error prints no records')
})

test('what requests are made of compares by what it asks', (t) => {
  const pairs: [unknown, unknown][] = [
    [op.increment('a', 1), op.increment('a', 2)],
    [op.write('a', { b: 1 }), op.write('a', { b: 2 })],
    [lists.append('a', 1), lists.append('a', 2)],
    [maps.put('a', 'k', 1), maps.put('a', 'k', 2)],
    [exp.eq(exp.bin.int('a'), 1), exp.eq(exp.bin.int('a'), 2)],
    [range.between('a', 1, 2), range.between('a', 1, 3)],
    [ctx.mapKey('a'), ctx.mapKey('b')],
    [client().query('test', 'a'), client().query('test', 'b')],
    [WILDCARD, INFINITY],
    [
      Behavior.DEFAULT.derive('x', { all: { totalTimeout: 1 } }),
      Behavior.DEFAULT.derive('x', { all: { totalTimeout: 2 } }),
    ],
  ]
  for (const [one, other] of pairs) {
    t.false(isDeepStrictEqual(one, other), String(one))
    t.true(isDeepStrictEqual(one, one))
  }
  t.true(isDeepStrictEqual(op.increment('a', 1), op.increment('a', 1)))
  t.true(isDeepStrictEqual(range.equal('a', 'x'), range.equal('a', 'x')))
})

test('errors that a program makes have the code of their class', (t) => {
  const error = new RecordNotFoundError('mine')
  t.is(error.code, 2)
  t.is(error.name, 'RecordNotFoundError')
  t.true(AerospikeError.is(error) && RecordNotFoundError.is(error))
})
