// Which results of a row are failures: for each kind of row and each `exists`, and everywhere a failure has to show.

import {
  type AerospikeError,
  BatchPartialError,
  type BatchRecords,
  exp,
  FilteredError,
  type Key,
  type MixedRow,
  NamespaceNotFoundError,
  op,
  RecordExistsError,
  RecordNotFoundError,
} from 'aerospike-napi'
import test from 'ava'
import { another, client, faultTest, freshSet, local } from './support/cluster.mjs'

const never = exp.eq(exp.bin.int('there'), 0)

/** A row of a kind on a record that is there, or is not. */
type Case = readonly [name: string, row: (there: Key, missing: Key) => MixedRow, result: string, failure: unknown]

const CASES: readonly Case[] = [
  ['a read of what is not there', (_, key) => ({ type: 'read', key }), 'notFound', null],
  ['a read that the filter left out', (key) => ({ type: 'read', key, filter: never }), 'filtered', null],
  [
    'operations that only read, on what is not there',
    (_, key) => ({ type: 'operate', key, ops: [op.read('v')] }),
    'notFound',
    null,
  ],
  ['createOrUpdate of what is not there', (_, key) => ({ type: 'write', key, bins: { v: 1 } }), 'ok', null],
  [
    'create of what is there',
    (key) => ({ type: 'write', key, bins: { v: 1 }, exists: 'create' }),
    'error',
    RecordExistsError,
  ],
  ['create of what is not there', (_, key) => ({ type: 'write', key, bins: { v: 1 }, exists: 'create' }), 'ok', null],
  [
    'update of what is not there',
    (_, key) => ({ type: 'write', key, bins: { v: 1 }, exists: 'update' }),
    'notFound',
    RecordNotFoundError,
  ],
  [
    'replace of what is not there',
    (_, key) => ({ type: 'write', key, bins: { v: 1 }, exists: 'replace' }),
    'notFound',
    RecordNotFoundError,
  ],
  [
    'createOrReplace of what is not there',
    (_, key) => ({ type: 'write', key, bins: { v: 1 }, exists: 'createOrReplace' }),
    'ok',
    null,
  ],
  [
    'operations that write, with exists: update, on what is not there',
    (_, key) => ({ type: 'operate', key, ops: [op.increment('v', 1)], exists: 'update' }),
    'notFound',
    RecordNotFoundError,
  ],
  [
    'a touch of what is not there',
    (_, key) => ({ type: 'operate', key, ops: [op.touch()] }),
    'notFound',
    RecordNotFoundError,
  ],
  [
    'a write that the filter left out',
    (key) => ({ type: 'write', key, bins: { v: 1 }, filter: never }),
    'filtered',
    FilteredError,
  ],
  [
    'operations that write and that the filter left out',
    (key) => ({ type: 'operate', key, ops: [op.increment('v', 1)], filter: never }),
    'filtered',
    FilteredError,
  ],
  ['a removal of what is not there', (_, key) => ({ type: 'remove', key }), 'notFound', null],
  ['a removal that the filter left out', (key) => ({ type: 'remove', key, filter: never }), 'filtered', FilteredError],
]

for (const [name, make, result, failure] of CASES) {
  test(`${name} is ${result} and ${failure === null ? 'no failure' : 'a failure, wherever one shows'}`, async (t) => {
    const set = freshSet()
    const there = ['test', set, 'there'] as const
    await client().put(there, { there: 1, v: 1 })
    const rows = [make(there, ['test', set, 'missing'])]
    const batch = await client().batch(rows)
    const row = batch.at(0)
    t.is(row?.result, result as never)
    t.is(batch.unprocessed.length, 0)
    if (failure === null) {
      t.is(row?.error, null)
      t.deepEqual(batch.failed, [])
      t.is(batch.throwIfFailed(), batch)
      return
    }
    t.true(row?.error instanceof (failure as typeof RecordNotFoundError), String(row?.error))
    t.is(row?.record, null)
    t.deepEqual(
      batch.failed.map(({ index }) => index),
      [0],
    )
    t.throws(() => batch.throwIfFailed(), {
      instanceOf: BatchPartialError,
      message: /1 failed and 0 were not processed/,
    })
    const again: MixedRow[] = result === 'error' ? rows : [make(there, ['test', set, 'missing'])]
    const thrown = await t.throwsAsync(client().batch(again, { onPartial: 'throw' }), { instanceOf: BatchPartialError })
    t.is(thrown.batch.failed.length, 1)
    t.is((await batch.retry()).failed.length, 1, 'a retry keeps what has failed')
  })
}

test('rows of the typed batches fail by the same table', async (t) => {
  const set = freshSet()
  const keys = [1, 2].map((id) => ['test', set, id] as const)
  const failedOf = async (batch: Promise<BatchRecords>) => (await batch).failed.map(({ error }) => error.code)
  const rows = keys.map((key) => ({ key, bins: { v: 1 } }))
  t.deepEqual(await failedOf(client().batchWrite(rows, { exists: 'update' })), [2, 2])
  t.deepEqual(await failedOf(client().batchOperate(keys, [op.increment('v', 1)], { exists: 'update' })), [2, 2])
  t.deepEqual(await failedOf(client().batchRemove(keys)), [])
  const strict = await another({ defaults: { batch: { exists: 'update', onPartial: 'throw' } } })
  await t.throwsAsync(strict.batchWrite(rows), { instanceOf: BatchPartialError })
  await strict.close()
})

faultTest('a batch of which nothing was processed rejects with the reason and the rows', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 60 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key) => ({ key, bins: { v: 1 } })))).throwIfFailed()
  const turnAway = async () => {
    for (const node of [0, 1, 2]) await local().refuseRows(node, { code: 18, probability: 1, rows: 1000 })
  }
  await turnAway()
  try {
    for (const call of [
      () => client().batchRead(keys, { maxRetries: 0 }),
      () => client().batchRemove(keys, { maxRetries: 0 }),
      () => client().batch([keys[0] as Key, { type: 'write', key: keys[1] as Key, bins: { v: 2 } }], { maxRetries: 0 }),
      () => client().batchRead(keys.slice(0, 1), { maxRetries: 0 }),
    ]) {
      const error = await t.throwsAsync(call(), {
        instanceOf: BatchPartialError,
        message: /none of \d+ rows was processed/,
      })
      t.is((error?.cause as AerospikeError | undefined)?.code, 18)
      t.is(error?.batch.unprocessed.length, error?.batch.length)
      t.is(error?.retryable, true)
      t.is(error?.inDoubt, false)
    }
    const batch = await client().batchRead(keys, { maxRetries: 0, onPartial: 'return' })
    t.is(batch.unprocessed.length, 60)
    const rows: unknown[] = []
    for await (const row of client().batchStream(keys, { maxRetries: 0, retry: false })) rows.push(row)
    t.is(rows.length, 60, 'a stream hands its rows out, whatever became of them')
  } finally {
    for (const node of [0, 1, 2]) await local().refuseRows(node, null)
  }
  t.is((await client().batchRead([])).length, 0)
  t.is((await client().batchRead([['test', set, 'none']])).missing.length, 1)
})

test('a batch whose namespace is not there rejects, unless some of its rows are of one that is', async (t) => {
  const [set, missing] = [freshSet(), 'no_such_namespace']
  const calls = [
    () => client().batchRead([1, 2].map((id) => [missing, set, id])),
    () => client().batchWrite([{ key: [missing, set, 1], bins: { a: 1 } }]),
    () => client().batchRemove([[missing, set, 1]]),
    () => client().batch([{ type: 'read', key: [missing, set, 1] }]),
  ]
  for (const call of calls) {
    const error = await t.throwsAsync(call(), {
      instanceOf: BatchPartialError,
      message: /none of \d rows was processed/,
    })
    t.is((error?.cause as AerospikeError | undefined)?.code, 20)
    t.true(error?.batch.failed.every((row) => row.error instanceof NamespaceNotFoundError))
  }
  const returned = await client().batchRead([[missing, set, 1]], { onPartial: 'return' })
  t.is(returned.failed.length, 1)
  const mixed = await client().batchRead([
    [missing, set, 1],
    ['test', set, 1],
  ])
  t.is(mixed.failed.length, 1)
  t.is(mixed.missing.length, 1)
  // What a server said of the records themselves is an answer, good or bad.
  const key: Key = ['test', set, 'there']
  await client().put(key, { a: 1 })
  const refused = await client().batchWrite([{ key, bins: { a: 2 }, exists: 'create' }])
  t.is(refused.failed.length, 1)
})

test('bySet has the rows of each set, in the order of the request', async (t) => {
  const [one, other] = [freshSet(), freshSet()]
  await client().batchWrite([
    { key: ['test', one, 1], bins: { v: 1 } },
    { key: ['test', other, 1], bins: { v: 2 } },
  ])
  const batch = await client().batchRead<{ v: number }>([
    ['test', other, 1],
    ['test', one, 2],
    ['test', one, 1],
    ['test', null, 'nobody'],
  ])
  const sets = batch.bySet()
  t.deepEqual([...sets.keys()], [other, one, ''])
  t.deepEqual(
    sets.get(one)?.map(({ key, result }) => [key[2], result]),
    [
      [2, 'notFound'],
      [1, 'ok'],
    ],
  )
  t.is(sets.get(other)?.[0]?.record?.bins.v, 2)
})
