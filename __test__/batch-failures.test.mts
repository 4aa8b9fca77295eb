// Which results of a row are failures: for each kind of row and each `exists`, and everywhere a failure has to show.

import {
  BatchPartialError,
  type BatchRecords,
  exp,
  FilteredError,
  type Key,
  type MixedRow,
  op,
  RecordExistsError,
  RecordNotFoundError,
} from 'aerospike-napi'
import test from 'ava'
import { another, client, freshSet } from './support/cluster.mjs'

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
