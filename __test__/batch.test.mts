// Batches: a row for each key whatever happens, in order, and nothing conflated.

import {
  BatchPartialError,
  BinTypeError,
  ClientError,
  digest,
  InvalidArgumentError,
  type Key,
  op,
} from 'aerospike-napi'
import test from 'ava'
import { another, client, faultTest, freshSet, local, sleep } from './support/cluster.mjs'

function keysOf(set: string, count: number): Key[] {
  return Array.from({ length: count }, (_, i) => ['test', set, i] as const)
}

async function filled(count: number): Promise<Key[]> {
  const keys = keysOf(freshSet(), count)
  const batch = await client().batchWrite(keys.map((key, i) => ({ key, bins: { i, name: `n${i}`, half: i + 0.5 } })))
  batch.throwIfFailed()
  return keys
}

test('a list of keys that is changed after the call is read as it was', async (t) => {
  const keys = await filled(3)
  for (const asked of [
    [...keys],
    [...keys, ['test', 'nowhere', 1] as const],
    Array.from({ length: 5000 }, () => keys[1] as Key),
  ]) {
    const before = asked.map((key) => key[2])
    const reading = client().batchRead<{ i: number }>(asked)
    asked.reverse()
    asked.length = 1
    const batch = await reading
    t.deepEqual(
      Array.from(batch, ({ key }) => key[2]),
      before,
    )
    t.is(batch.at(0)?.record?.bins.i, before[0] as number)
  }
})

test('batchRead gives a row for each key, in the order of the keys', async (t) => {
  const keys = await filled(300)
  const asked: Key[] = [...keys].reverse()
  asked.splice(10, 0, ['test', 'nowhere', 'missing'])
  const batch = await client().batchRead<{ i: number }>(asked)
  t.is(batch.length, 301)
  let index = 0
  for (const { key, record, result, index: own } of batch) {
    t.is<unknown, unknown>(key, asked[index])
    t.is(own, index)
    if (index === 10) {
      t.is(result, 'notFound')
      t.is(record, null)
    } else {
      t.is(record?.bins.i, asked[index]?.[2] as number)
    }
    index++
  }
  t.is(batch.found.length, 300)
  t.deepEqual(
    batch.missing.map((row) => row.key),
    [['test', 'nowhere', 'missing']],
  )
  t.is(batch.failed.length + batch.filtered.length + batch.unprocessed.length, 0)
  t.deepEqual(batch.at(-1)?.key, asked[300])
  t.is(batch.at(301), undefined)
})

test('bins: some, none for existence only, or as each row says', async (t) => {
  const keys = await filled(3)
  const some = await client().batchRead(keys, { bins: ['i', 'nope'] })
  t.deepEqual(some.at(2)?.record?.bins, { i: 2 })
  const none = await client().batchRead(keys, { bins: [] })
  t.deepEqual(none.at(0)?.record?.bins, {})
  t.is(none.at(0)?.record?.meta.gen, 1)
  const [a, b, c] = keys as [Key, Key, Key]
  const mixed = await client().batchRead(
    [{ key: a, bins: ['name'] }, b, { key: c, bins: [] }, { key: c, ops: [op.read('half')] }],
    { bins: ['i'] },
  )
  t.deepEqual(
    Array.from(mixed, (row) => row.record?.bins),
    [{ name: 'n0' }, { i: 1 }, {}, { half: 2.5 }],
  )
})

test('records of a batch are tuples too, and stay when the batch is gone', async (t) => {
  const keys = await filled(50)
  const records = await (async () => Array.from(await client().batchRead<{ i: number }>(keys), (row) => row.record))()
  records.forEach((record, i) => {
    if (record === null) throw new Error('a record is missing')
    const [key, meta, bins] = record
    t.deepEqual<unknown, unknown>(key, keys[i])
    t.is(record.key, key)
    t.is(meta.gen, 1)
    t.is(bins.i, i)
    t.is(record.bins, bins, 'decoded once')
  })
})

test('get finds a row by its key, also by digest, and does not mix sets up', async (t) => {
  const [one, two] = [freshSet(), freshSet()]
  const a = ['test', one, 'same'] as const
  const b = ['test', two, 'same'] as const
  const batch = await client().batchWrite([
    { key: a, ops: [op.write('v', 1), op.read('v')] },
    { key: b, ops: [op.write('v', 2), op.read('v')] },
  ])
  t.is(batch.get(['test', one, 'same'])?.record?.bins.v, 1)
  t.is(batch.get(['test', two, 'same'])?.record?.bins.v, 2)
  t.is(batch.get(['test', two, null, digest(b)])?.index, 1)
  t.is(batch.get(['test', one, 'other']), undefined)
  t.throws(() => batch.toMap(), { instanceOf: ClientError, message: /another set/ })
})

test('toMap gives the records by user key', async (t) => {
  const keys = await filled(3)
  const map = (await client().batchRead<{ i: number }>([...keys, ['test', 'nowhere', 'x']])).toMap()
  t.deepEqual([...map.keys()], [0, 1, 2])
  t.is(map.get(2)?.bins.i, 2)
})

test('an int64 user key comes back from a batch as the same bigint', async (t) => {
  const key = ['test', freshSet(), 2n ** 63n - 1n] as const
  await client().put(key, { v: 1 })
  const batch = await client().batchRead([key])
  t.is(batch.at(0)?.key[2], 2n ** 63n - 1n)
  t.is(batch.get(key)?.record?.bins.v, 1)
  t.is(batch.toMap().get(2n ** 63n - 1n)?.bins.v, 1)
})

test('duplicate keys keep rows of their own', async (t) => {
  const [key] = (await filled(1)) as [Key]
  const batch = await client().batchRead([key, key, { key, bins: ['i'] }])
  t.deepEqual(
    Array.from(batch, (row) => Object.keys(row.record?.bins ?? {}).length),
    [3, 3, 1],
  )
})

test('equal keys are asked for once, whatever their order', async (t) => {
  const keys = await filled(3)
  for (const order of [
    [0, 1, 2],
    [0, 1, 1, 2],
    [2, 2, 1, 0],
    [0, 1, 2, 0],
  ]) {
    const batch = await client().batchRead<{ i: number }>(order.map((i) => keys[i] as Key))
    t.deepEqual(
      Array.from(batch, ({ record }) => record?.bins.i),
      order,
    )
    t.is(
      batch.cost.nodes.reduce((sum, { rows }) => sum + rows, 0),
      3,
    )
  }
})

test('batchWrite writes rows of its own kind: bins, operations, TTL, conditions', async (t) => {
  const set = freshSet()
  const key = (id: string) => ['test', set, id] as const
  await client().put(key('old'), { v: 'text' })
  const batch = await client().batchWrite([
    { key: key('new'), bins: { v: 1 }, ttl: 100, exists: 'create' },
    { key: key('old'), bins: { v: 2 }, exists: 'create' },
    { key: key('old'), ops: [op.increment('v', 1)] },
    { key: key('none'), bins: { v: 3 }, exists: 'update' },
    { key: key('old'), bins: { v: 4 }, generation: 9 },
    { key: key('ops'), ops: [op.increment('n', 2), op.read('n')], sendKey: true },
  ])
  t.deepEqual(
    Array.from(batch, (row) => [row.result, row.resultCode]),
    [
      ['ok', 0],
      ['error', 5],
      ['error', 12],
      ['notFound', 2],
      ['error', 3],
      ['ok', 0],
    ],
  )
  t.deepEqual(batch.at(5)?.record?.bins, { n: 2 })
  t.true(batch.at(2)?.error instanceof BinTypeError)
  t.is(batch.at(2)?.inDoubt, false)
  t.deepEqual(
    batch.failed.map((row) => row.error.key),
    [key('old'), key('old'), key('none'), key('old')],
  )
  const { meta } = await client().exists(key('new'))
  t.true((meta?.ttl ?? 0) > 90)
})

test('batchOperate runs the same operations on every key', async (t) => {
  const keys = await filled(20)
  const batch = await client().batchOperate<{ i: number }>(keys, [op.increment('i', 100), op.read('i')])
  t.deepEqual(
    Array.from(batch, (row) => row.record?.bins.i),
    keys.map((_, i) => i + 100),
  )
  const reads = await client().batchOperate(keys, [op.read('name')])
  t.is(reads.at(3)?.record?.bins.name, 'n3')
})

test('batchRemove removes, and says what was not there', async (t) => {
  const keys = await filled(5)
  const missing: Key = ['test', freshSet(), 'missing']
  const batch = await client().batchRemove([...keys, missing, { key: keys[0] as Key, generation: 5 }])
  t.is(batch.found.length, 5)
  t.deepEqual(
    batch.missing.map((row) => row.key),
    [missing, keys[0]],
  )
  t.is((await client().batchRead(keys, { bins: [] })).missing.length, 5)
})

test('getMany, selectMany and existsMany answer with a tuple of nulls for what is missing', async (t) => {
  const keys = await filled(2)
  const missing: Key = ['test', freshSet(), 1]
  const [first, gone, second] = await client().getMany<{ i: number }>([keys[0] as Key, missing, keys[1] as Key])
  t.deepEqual(first?.bins, { i: 0, name: 'n0', half: 0.5 } as object)
  t.deepEqual([...(gone ?? [])], [missing, null, null])
  t.is(gone?.meta, null)
  t.deepEqual({ ...gone }, { key: missing, meta: null, bins: null } as object)
  t.is(second?.bins?.i, 1)
  const names = await client().selectMany([keys[1] as Key], ['name'])
  t.deepEqual(names[0]?.bins, { name: 'n1' })
  const seen: unknown[] = []
  for (const [key, meta, bins] of await client().selectMany<{ i: number }, 'i'>([...keys, missing], ['i'])) {
    seen.push([key, meta?.gen, bins?.i])
  }
  t.deepEqual(seen, [
    [keys[0], 1, 0],
    [keys[1], 1, 1],
    [missing, undefined, undefined],
  ])
  const there = await client().existsMany([keys[0] as Key, missing])
  t.deepEqual(
    there.map(([key, meta]) => [key, meta?.gen]),
    [
      [keys[0], 1],
      [missing, undefined],
    ] as unknown[],
  )
})

test('throwIfFailed and onPartial throw an error that carries the rows', async (t) => {
  const key: Key = ['test', freshSet(), 1]
  await client().put(key, { v: 'text' })
  const rows = [
    { key, ops: [op.increment('v', 1)] },
    { key, bins: { w: 1 } },
  ]
  const batch = await client().batchWrite(rows)
  const error = t.throws(() => batch.throwIfFailed(), { instanceOf: BatchPartialError })
  t.is(error.batch.length, 2)
  t.is(error.code, -16)
  t.true(error.cause instanceof BinTypeError)
  const thrown = await t.throwsAsync(client().batchWrite(rows, { onPartial: 'throw' }), {
    instanceOf: BatchPartialError,
  })
  t.is(thrown.batch.found.length, 1)
  await t.throwsAsync(client().getMany([['nonesuch', 's', 1]]), { instanceOf: BatchPartialError })
})

test('a batch of no keys is a batch of no rows', async (t) => {
  const batch = await client().batchRead([])
  t.is(batch.length, 0)
  t.deepEqual([...batch], [])
  t.is(batch.cost.keys, 0)
  t.is((await client().batchWrite([])).length, 0)
})

test('cost counts keys, what was found, bytes and round trips', async (t) => {
  const keys = await filled(100)
  const { cost } = await client().batchRead([...keys, ['test', freshSet(), 1]])
  t.is(cost.keys, 101)
  t.is(cost.found, 100)
  t.true(cost.bytesOut > 2000 && cost.bytesIn > 3000 && cost.roundTrips >= 1)
  t.is(
    cost.nodes.reduce((rows, node) => rows + node.rows, 0),
    101,
  )
})

test('a batch of 50,000 rows arrives without holding up the event loop', async (t) => {
  const keys = await filled(5000)
  const many = Array.from({ length: 10 }, () => keys).flat()
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  const batch = await client().batchRead(many, { totalTimeout: 20_000 })
  clearInterval(timer)
  t.is(batch.found.length, 50_000)
  t.is(batch.at(49_999)?.record?.bins.i, 4999)
  t.log(`longest stall ${longest.toFixed(1)} ms`)
})

const malformed: [string, unknown][] = [
  ['null', null],
  ['[null]', [null]],
  ['[undefined]', [undefined]],
  ['a key without set', [['test', 'x']]],
  ['a row without key', [{ bins: ['a'] }]],
  ['a row with a field that does not exist', [{ key: ['test', 's', 1], bin: ['a'] }]],
  ['a row with bins that are no list', [{ key: ['test', 's', 1], bins: 'a' }]],
  [
    'a throwing row',
    [
      new Proxy([], {
        get() {
          throw new Error('trap')
        },
      }),
    ],
  ],
]
for (const [name, rows] of malformed) {
  test(`batchRead(${name}) rejects with InvalidArgumentError`, async (t) => {
    await t.throwsAsync(client().batchRead(rows as Key[]), { instanceOf: InvalidArgumentError })
  })
}

test('batchWrite refuses what cannot be stored, with the path of the value', async (t) => {
  const key: Key = ['test', freshSet(), 1]
  await t.throwsAsync(client().batchWrite([{ key, bins: { a: 1 } }, { key, bins: { b: [new Date()] } } as never]), {
    instanceOf: InvalidArgumentError,
    message: /rows\[1\].*bins\.b\[0\].*Date/,
  })
  await t.throwsAsync(client().batchWrite([{ key } as never]), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(client().batchWrite([{ key, bins: {}, ttl: 'nevr' } as never]), {
    instanceOf: InvalidArgumentError,
    message: /did you mean 'never'/,
  })
})

faultTest('a frozen node costs only its own rows, and retry completes them', async (t) => {
  const keys = keysOf(freshSet(), 600)
  const own = await another({ defaults: { batch: { maxRetries: 0, totalTimeout: 400 } } })
  ;(
    await own.batchWrite(
      keys.map((key, i) => ({ key, bins: { i } })),
      { totalTimeout: 5000 },
    )
  ).throwIfFailed()
  await local().freezeNode(1)
  const batch = await own.batchRead<{ i: number }>(keys)
  await local().thawNode(1)
  t.true(batch.unprocessed.length > 0, 'some rows could not be read')
  t.true(batch.found.length >= 300, `${batch.found.length} rows of the other nodes arrived`)
  t.is(batch.found.length + batch.unprocessed.length, 600)
  const left = Array.from(batch).filter((one) => one.result === 'unprocessed')
  t.deepEqual<unknown, unknown>(
    [...batch.unprocessed],
    left.map(({ index }) => keys[index]),
    'as they were given',
  )
  const row = Array.from(batch).find((one) => one.result === 'unprocessed')
  t.is(row?.record, null)
  t.true((row?.error?.code ?? 0) !== 0)
  const rest = await own.batchRead<{ i: number }>(batch.unprocessed, { totalTimeout: 5000 })
  t.is(rest.found.length, batch.unprocessed.length)
  await sleep(50)
  const whole = await batch.retry()
  t.is(whole.found.length, 600)
  for (const { key, record } of whole.found) t.is<unknown, unknown>(record.bins.i, key[2])
  t.is(batch.found.length + batch.unprocessed.length, 600, 'the first result stays as it was')
  await own.close()
})
