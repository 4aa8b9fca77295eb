// Mixed batches, equal reads, parts and limits: what a batch is on the wire, and that nobody notices.

import { AbortError, InvalidArgumentError, type Key, type MixedRow, op } from 'aerospike-napi'
import test from 'ava'
import { client, faultTest, freshSet, local } from './support/cluster.mjs'
import { fakeClient, readBatch } from './support/fake.mjs'

test('one batch reads, writes, operates and removes, over namespaces and sets', async (t) => {
  const [one, two] = [freshSet(), freshSet()]
  const gone = ['test', one, 'gone'] as const
  const there = ['test', one, 'there'] as const
  await client().batchWrite([
    { key: gone, bins: { v: 0 } },
    { key: there, bins: { v: 1, w: 2 } },
  ])
  const batch = await client().batch([
    { type: 'read', key: there, bins: ['v'] },
    { type: 'write', key: ['bar', two, 1n], bins: { v: 3 }, ttl: 100, sendKey: true },
    { type: 'operate', key: ['test', two, 'n'], ops: [op.increment('n', 2), op.read('n')] },
    { type: 'remove', key: gone },
    there,
    { type: 'read', key: there, ops: [op.read('w')] },
    { type: 'write', key: there, bins: { v: 9 }, exists: 'create' },
    { type: 'remove', key: there, generation: 7 },
    { type: 'read', key: ['bar', two, 1n], bins: [] },
  ])
  t.deepEqual(
    Array.from(batch, (row) => [row.result, row.resultCode, row.record?.bins]),
    [
      ['ok', 0, { v: 1 }],
      ['ok', 0, {}],
      ['ok', 0, { n: 2 }],
      ['ok', 0, {}],
      ['ok', 0, { v: 1, w: 2 }],
      ['ok', 0, { w: 2 }],
      ['error', 5, undefined],
      ['error', 3, undefined],
      ['ok', 0, {}],
    ],
  )
  t.true((batch.at(8)?.record?.meta.ttl ?? 0) > 90)
  t.is((await client().exists(gone)).meta, null)
})

test('rows of one record run in their order, and reads between writes see what was written', async (t) => {
  const key = ['test', freshSet(), 'k'] as const
  const rows: MixedRow[] = []
  for (let i = 0; i < 50; i++) rows.push({ type: 'write', key, bins: { v: i } }, { type: 'read', key }, key)
  const batch = await client().batch<{ v: number }>(rows, { replica: 'any', totalTimeout: 20_000 })
  batch.throwIfFailed()
  for (let i = 0; i < 50; i++) {
    t.is(batch.at(3 * i + 1)?.record?.bins.v, i)
    t.is(batch.at(3 * i + 2)?.record?.bins.v, i)
  }
})

test('equal reads are sent once, unless a write stands between them', async (t) => {
  const { client, native } = fakeClient()
  const key = (user: string | number | bigint) => ['test', 's', user] as const
  const sent = async (rows: MixedRow[]) => {
    client.batch(rows).catch(() => {})
    await new Promise(setImmediate)
    return readBatch(native.entries.at(-1)?.body as Buffer).rows.length
  }
  t.is(await sent([key(1), key(1), key('1'), key(1n)]), 2)
  t.is(await sent([key(1), { type: 'read', key: key(1) }, { type: 'read', key: key(1), bins: ['a'] }]), 2)
  t.is(await sent([key(1), { type: 'write', key: key(1), bins: { a: 1 } }, key(1), key(1)]), 3)
  t.is(await sent([key(1), { type: 'remove', key: ['test', 's', null, Buffer.alloc(20)] }, key(1)]), 3)
  t.is(await sent([key(2n ** 60n), key(2n ** 60n + 1n)]), 2)
  await client.close()
})

test('duplicates keep rows and records of their own', async (t) => {
  const key = ['test', freshSet(), 1] as const
  await client().put(key, { v: { list: [1] } })
  const batch = await client().batchRead<{ v: { list: number[] } }>([key, key, ['test', 'nowhere', 1], key])
  t.is(
    batch.cost.nodes.reduce((rows, node) => rows + node.rows, 0),
    2,
  )
  t.is(batch.cost.keys, 4)
  t.deepEqual(
    Array.from(batch, (row) => [row.index, row.result, row.record?.bins.v.list[0]]),
    [
      [0, 'ok', 1],
      [1, 'ok', 1],
      [2, 'notFound', undefined],
      [3, 'ok', 1],
    ],
  )
  t.not(batch.at(0)?.record, batch.at(1)?.record)
})

test('a batch in parts gives the rows of a batch in one', async (t) => {
  const set = freshSet()
  const keys: Key[] = Array.from({ length: 3000 }, (_, i) => ['test', set, i % 2800] as const)
  const write = await client().batchWrite(
    keys.slice(0, 2800).map((key, i) => ({ key, bins: { i } })),
    { totalTimeout: 10_000, maxRequestBytes: 20_000 },
  )
  write.throwIfFailed()
  for (const options of [{ concurrency: 2 }, { concurrency: 3, maxKeysPerRequest: 100 }, { maxRequestBytes: 3000 }]) {
    const batch = await client().batchRead<{ i: number }>(keys, { ...options, totalTimeout: 10_000 })
    t.is(batch.found.length, 3000)
    for (const row of batch.found) if (row.record.bins.i !== row.key[2]) t.fail(`row ${row.index}`)
    t.is(
      batch.cost.nodes.reduce((rows, node) => rows + node.answered, 0),
      2800,
    )
  }
})

test('100,000 keys in one call: every row answered, the event loop not held up', async (t) => {
  const set = freshSet()
  const keys: Key[] = Array.from({ length: 100_000 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite([{ key: keys[99_999] as Key, bins: { v: 1 } }])).throwIfFailed()
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  const batch = await client().batchRead(keys, { totalTimeout: 30_000 })
  clearInterval(timer)
  t.is(batch.missing.length, 99_999)
  t.is(batch.at(-1)?.record?.bins.v, 1)
  t.log(`longest stall ${longest.toFixed(1)} ms`)
})

test('what is beyond maxResponseBytes is unprocessed, and retry brings it in', async (t) => {
  const set = freshSet()
  const keys: Key[] = Array.from({ length: 400 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key) => ({ key, bins: { v: 'x'.repeat(1000) } })))).throwIfFailed()
  const batch = await client().batchRead(keys, { maxResponseBytes: 100_000, concurrency: 1, maxKeysPerRequest: 20 })
  t.true(batch.unprocessed.length > 200 && batch.found.length > 50, `${batch.found.length} found`)
  t.is(batch.unprocessed.length + batch.found.length, 400)
  const rest = await client().batchRead(batch.unprocessed, { maxResponseBytes: 0 })
  t.is(rest.found.length, batch.unprocessed.length)
  const first = rest.at(0)
  t.deepEqual(batch.at(first?.origin as number)?.key, first?.key)
  const whole = await batch.retry({ attempts: 20 })
  t.is(whole.found.length, 400)
  t.is(whole.cost.nodes.reduce((rows, node) => rows + node.answered, 0) >= 400, true)
})

test('unprocessed rows keep their options when they are handed to batch, and refuse others', async (t) => {
  const set = freshSet()
  const keys: Key[] = Array.from({ length: 100 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key) => ({ key, bins: { v: 'x'.repeat(500), w: 1 } })))).throwIfFailed()
  const batch = await client().batchRead(keys, {
    bins: ['v'],
    maxResponseBytes: 5000,
    concurrency: 1,
    maxKeysPerRequest: 5,
  })
  const left = batch.unprocessed
  t.true(left.length > 0)
  const rest = await client().batch(left, { maxResponseBytes: 0 })
  t.deepEqual(Object.keys(rest.at(0)?.record?.bins ?? {}), ['v'])
  await t.throwsAsync(client().batch(left, { ttl: 5 }), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(client().batchRemove(left), { instanceOf: InvalidArgumentError, message: /batchRead or batch/ })
  await t.throwsAsync(batch.retry({ attempts: 0 }), { instanceOf: InvalidArgumentError })
})

test('a value that is refused in a late part refuses the whole batch before anything is sent', async (t) => {
  const { client, native } = fakeClient()
  const rows = Array.from({ length: 5000 }, (_, i) => ({
    key: ['test', 's', i] as const,
    bins: { v: i === 4999 ? Symbol('no') : i },
  }))
  await t.throwsAsync(client.batchWrite(rows as never), { instanceOf: InvalidArgumentError, message: /rows\[4999\]/ })
  t.is(native.submits, 0)
})

const inParts = Array.from({ length: 5000 }, (_, i) => ({ key: ['test', 's', i] as const, bins: { i } }))

test('aborting a batch in parts settles it at once; one that wrote is in doubt', async (t) => {
  const { client, native } = fakeClient()
  const controller = new AbortController()
  const write = client.batchWrite(inParts, { signal: controller.signal })
  const aborted = t.throwsAsync(write, { instanceOf: AbortError })
  while (native.entries.length < 2) await new Promise(setImmediate)
  controller.abort('enough')
  const error = await aborted
  t.is(error.cause, 'enough')
  t.is(error.inDoubt, true)
})

test('a batch in parts that is aborted before its first part sends nothing, and is not in doubt', async (t) => {
  const { client, native } = fakeClient()
  const controller = new AbortController()
  const write = client.batchWrite(inParts, { signal: controller.signal })
  controller.abort('enough')
  const error = await t.throwsAsync(write, { instanceOf: AbortError })
  t.is(error.cause, 'enough')
  t.is(error.inDoubt, false)
  t.is(native.entries.length, 0)
})

for (const [name, rows] of [
  ['no type', [{ key: ['test', 's', 1] }]],
  ['a type that does not exist', [{ type: 'reed', key: ['test', 's', 1] }]],
  ['a read with a ttl', [{ type: 'read', key: ['test', 's', 1], ttl: 5 }]],
  ['a write of nothing', [{ type: 'write', key: ['test', 's', 1] }]],
  ['a read that writes', [{ type: 'read', key: ['test', 's', 1], ops: [op.write('a', 1)] }]],
  ['a null row', [null]],
] as const) {
  test(`batch with ${name} rejects with InvalidArgumentError`, async (t) => {
    await t.throwsAsync(client().batch(rows as never), { instanceOf: InvalidArgumentError, message: /rows\[0\]/ })
  })
}

faultTest(
  'rows that a node turns away for now are sent again, as often as maxRetries says if it is given',
  async (t) => {
    const set = freshSet()
    const rows = Array.from({ length: 200 }, (_, i) => ({ key: ['test', set, i] as const, bins: { i } }))
    const keys = rows.map(({ key }) => key)
    for (const code of [11, 14, 18]) {
      const turnAway = async () => {
        for (const node of [0, 1, 2]) await local().refuseRows(node, { code, probability: 0.9, rows: 20 })
      }
      await turnAway()
      ;(await client().batchWrite(rows, { totalTimeout: 20_000 })).throwIfFailed()
      await turnAway()
      t.is((await client().batchRead(keys, { totalTimeout: 20_000 })).found.length, 200)
      await turnAway()
      const once = await client().batchWrite(rows, { totalTimeout: 20_000, maxRetries: 0 })
      t.is(once.unprocessed.length, 60)
      t.true(Array.from(once).every(({ result, inDoubt }) => result !== 'error' && !inDoubt))
      t.is((await once.retry({ attempts: 20 })).unprocessed.length, 0)
      for (const node of [0, 1, 2]) await local().refuseRows(node, null)
    }
  },
)

faultTest('a write row that the server ran out of time for is in doubt and not sent again', async (t) => {
  const key = ['test', freshSet(), 1] as const
  for (const node of [0, 1, 2]) await local().refuseRows(node, { code: 9, rows: 1 })
  const batch = await client().batchWrite([{ key, bins: { v: 1 } }], { totalTimeout: 20_000 })
  for (const node of [0, 1, 2]) await local().refuseRows(node, null)
  t.like(batch.at(0), { result: 'error', resultCode: 9, inDoubt: true })
})
