// Columns: one bin of all rows as an array, and which rows have one.

import { ClientError, Double, InvalidArgumentError, type Key } from 'aerospike-napi'
import test from 'ava'
import { client, freshSet } from './support/cluster.mjs'

async function filled(bins: object[]): Promise<Key[]> {
  const set = freshSet()
  const keys: Key[] = bins.map((_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key, i) => ({ key, bins: bins[i] as { v: number } })))).throwIfFailed()
  return keys
}

test('numbers come as typed arrays, from bytes and from records alike', async (t) => {
  const keys = await filled([{ v: 1, d: 0.5 }, { d: new Double(7) }, { v: -5, d: 3 }, { v: 2 ** 31 - 1, d: -0 }])
  const asked: Key[] = [...keys, ['test', 'nowhere', 1], keys[0] as Key]
  const untouched = await client().batchRead(asked)
  const touched = await client().batchRead(asked)
  for (const row of touched) row.record?.bins
  for (const batch of [untouched, touched]) {
    const v = batch.column('v', Int32Array)
    t.deepEqual([...v.values], [1, 0, -5, 2 ** 31 - 1, 0, 1])
    t.deepEqual([...v.valid], [0b101101])
    t.is(v.nulls, 2)
    t.deepEqual([v.has(0), v.has(1), v.has(4), v.has(99)], [true, false, false, false])
    t.deepEqual([...batch.column('d', Float64Array).values], [0.5, 7, 3, -0, 0, 0.5])
    t.deepEqual([...batch.column('v', BigInt64Array).values], [1n, 0n, -5n, 2n ** 31n - 1n, 0n, 1n])
    t.is(batch.column('nope', Float64Array).nulls, 6)
  }
})

test('text comes as an array with null for what is missing', async (t) => {
  const keys = await filled([{ s: 'äöü' }, { x: 1 }, { s: '' }])
  const batch = await client().batchRead(keys)
  t.deepEqual(batch.column('s', Array).values, ['äöü', null, ''])
})

test('vectors stored as bytes come as one array', async (t) => {
  const vector = (...numbers: number[]) => new Uint8Array(new Float32Array(numbers).buffer)
  const keys = await filled([{ e: vector(1, 2.5, -3) }, { x: 1 }, { e: vector(4, 5, 6) }])
  const batch = await client().batchRead(keys)
  const { values, dimensions, valid } = batch.column('e', Float32Array)
  t.is(dimensions, 3)
  t.deepEqual([...values], [1, 2.5, -3, 0, 0, 0, 4, 5, 6])
  t.deepEqual([...valid], [0b101])
  t.throws(() => batch.column('e', Float32Array, { dimensions: 4 }), { instanceOf: ClientError, message: /rows\[0\]/ })
  t.throws(() => batch.column('e', Float32Array, { dimensions: 0 }), { instanceOf: InvalidArgumentError })
})

test('a value the column cannot hold exactly is refused, with its row', async (t) => {
  const keys = await filled([{ v: 1 }, { v: 2n ** 60n }])
  const batch = await client().batchRead(keys)
  t.throws(() => batch.column('v', Int32Array), { instanceOf: ClientError, message: /rows\[1\]/ })
  t.throws(() => batch.column('v', Float64Array), { instanceOf: ClientError, message: /rows\[1\]/ })
  t.throws(() => batch.column('v', Array), { instanceOf: ClientError, message: /rows\[0\]/ })
  t.deepEqual([...batch.column('v', BigInt64Array).values], [1n, 2n ** 60n])
  t.throws(() => batch.column('v', Uint8Array as never), { instanceOf: InvalidArgumentError })
})
