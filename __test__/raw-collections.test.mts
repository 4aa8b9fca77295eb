// Lists and maps that are read as bytes, and written back as they are.
import { Double, InvalidArgumentError, lists, maps, op, RawCollection } from 'aerospike-napi'
import test from 'ava'
import { client, freshKey } from './support/cluster.mjs'

const BINS = {
  list: [1, 'two', [3.5, null], { four: new Map([[5, true]]) }],
  map: { b: 1, a: [2], nested: { x: Buffer.from('y') } },
  name: 'Alice',
  n: 7,
  score: new Double(1),
}
interface Raw {
  list: RawCollection
  map: RawCollection
  name: string
}

test('with deserialize: false lists and maps are bytes, which decode to the same and are written back as they are', async (t) => {
  const [key, copy] = [freshKey(), freshKey()]
  await client().put(key, BINS)
  const decoded = (await client().get<typeof BINS>(key)).bins
  const { bins } = await client().get<Raw & { n: number }>(key, { deserialize: false })
  t.true(bins.list instanceof RawCollection && bins.map instanceof RawCollection)
  t.deepEqual([bins.list.kind, bins.map.kind, bins.name, bins.n], ['list', 'map', 'Alice', 7])
  t.deepEqual(bins.list.value, decoded.list)
  t.deepEqual(bins.map.value, decoded.map)
  t.is(JSON.stringify({ list: bins.list }), JSON.stringify({ list: decoded.list }))
  await client().put<Raw>(copy, { list: bins.list, map: bins.map, name: bins.name })
  const { list, map } = (await client().get<typeof BINS>(copy)).bins
  t.deepEqual({ list, map }, { list: decoded.list, map: decoded.map })
  const again = (await client().get<Raw>(copy, { deserialize: false })).bins
  t.deepEqual(again.map.bytes, bins.map.bytes)
})

test('batches, queries, operations and defaults have the option as well', async (t) => {
  const key = freshKey()
  await client().put(key, BINS)
  const batch = await client().batchRead<Raw>([key], { deserialize: false })
  t.true(batch.found[0]?.record.bins.list instanceof RawCollection)
  const rows = await client().batchRead([{ key, deserialize: false }, key])
  t.true(rows.at(0)?.record?.bins.list instanceof RawCollection)
  t.true(Array.isArray(rows.at(1)?.record?.bins.list))
  const written = await client().batchWrite([{ key: freshKey(), bins: { l: batch.found[0]?.record.bins.list ?? [] } }])
  written.throwIfFailed()
  const [scanned] = await client().query<Raw>('test', key[1], { deserialize: false }).results()
  t.true(scanned?.bins.map instanceof RawCollection)
  const ops = [lists.getByIndexRange('list', 0, 2), op.read('name')]
  const answered = await client().operate<{ list: RawCollection }>(key, ops, { deserialize: false })
  t.deepEqual(answered.bins.list.value, [1, 'two'])
  const reader = client().with({ defaults: { read: { deserialize: false } } })
  t.true((await reader.get<Raw>(key)).bins.list instanceof RawCollection)
  t.true(Array.isArray((await reader.get(key, { deserialize: true })).bins.list))
})

test('parts of bins are decoded, and a raw collection is not put inside of another', async (t) => {
  const key = freshKey()
  await client().put(key, BINS)
  const parts = await client().select(key, ['list[1]', 'map.nested'], { deserialize: false })
  const list: string[] = []
  list[1] = 'two'
  t.deepEqual(parts.bins, { list, map: { nested: { x: Buffer.from('y') } } })
  const { bins } = await client().get<Raw>(key, { deserialize: false })
  await t.throwsAsync(client().put(key, { inside: [bins.list] }), {
    instanceOf: InvalidArgumentError,
    message: /bins\.inside\[0\]/,
  })
  await t.throwsAsync(client().operate(key, [maps.put('map', 'x', bins.list)]), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(client().get(key, { deserialize: 'no' as never }), {
    message: /option 'deserialize' must be true or false/,
  })
})
