// Parts of bins in queries: with an index, page by page, in records of every kind. What paths mean is in projection.test.
import { type Bins, ctx, InvalidArgumentError, type Query, range } from 'aerospike-napi'
import test from 'ava'
import { client, freshSet } from './support/cluster.mjs'
import { index } from './support/indexes.mjs'

interface Order {
  n: number
  lines: { sku: string; count: number }[]
  to: { city: string; zip: number }
}

const COUNT = 1000

function order(n: number): Order {
  return {
    n,
    lines: [
      { sku: `s${n}`, count: n % 7 },
      { sku: 'post', count: 1 },
    ],
    to: { city: `city ${n % 5}`, zip: n },
  }
}

async function orders(): Promise<string> {
  const set = freshSet()
  const rows = Array.from({ length: COUNT }, (_, n) => ({ key: ['test', set, n] as const, bins: order(n) }))
  ;(await client().batchWrite(rows as never, { totalTimeout: 60_000 })).throwIfFailed()
  return set
}

/** What is read of the order `n`. */
const part = (n: number): object => ({ n, lines: [{ count: n % 7 }], to: { zip: n } })
const PARTS = ['n', 'lines[0].count', 'to.zip'] as const

const sorted = (bins: readonly { n: number }[]): object[] => [...bins].sort((a, b) => a.n - b.n)

test('parts of the records that an index finds', async (t) => {
  const set = await orders()
  await index(t, { set, bin: 'to', type: 'numeric', ctx: [ctx.mapKey('zip')] })
  const predicate = range.between('to', 100, 149, { ctx: [ctx.mapKey('zip')] })
  const found = await client()
    .query<Order>('test', set)
    .where(predicate)
    .select(...PARTS)
    .results()
  t.deepEqual<unknown, unknown>(
    sorted(found.map(({ bins }) => bins)),
    Array.from({ length: 50 }, (_, i) => part(100 + i)),
  )
})

test('parts of records in pages, each from the cursor of the one before', async (t) => {
  const set = await orders()
  let query = client()
    .scan<Order>('test', set)
    .select(...PARTS)
  const seen: { n: number }[] = []
  for (;;) {
    const { records, cursor } = await query.page(300)
    seen.push(...records.map(({ bins }) => bins))
    if (cursor === undefined) break
    query = query.from(cursor)
  }
  t.deepEqual<unknown, unknown>(
    sorted(seen),
    Array.from({ length: COUNT }, (_, n) => part(n)),
  )
})

test('records of every kind, and those that have nothing of it', async (t) => {
  const set = freshSet()
  const values = [{ a: { b: 1 } }, { a: 'text' }, { a: [1, 2] }, { a: 5 }, { c: 1 }, { a: { b: { c: 1 } } }, { d: 1 }]
  const rows = values.map((bins, i) => ({ key: ['test', set, i] as const, bins }))
  ;(await client().batchWrite(rows as never, { key: 'send' })).throwIfFailed()
  const bins = async (query: Query): Promise<unknown[]> => {
    const records = await query.results()
    return records.sort((x, y) => Number(x.key[2]) - Number(y.key[2])).map((record) => record.bins)
  }
  const all = client().scan('test', set)
  t.deepEqual(await bins(all.select('a.b', 'c')), [{ a: { b: 1 } }, {}, {}, {}, { c: 1 }, { a: { b: { c: 1 } } }, {}])
  t.deepEqual(await bins(all.select('c', '"d"')), [{ c: 1 }, { d: 1 }])
  t.deepEqual(await bins(all.with({ integers: 'bigint' }).select('a[-1]')), [{}, {}, { a: [2n] }, {}, {}, {}, {}])
})

test('the last of select and operate holds', async (t) => {
  const set = freshSet()
  await client().put(['test', set, 1], { a: { b: 1 }, c: 2 })
  const scan = client().scan('test', set).select('a.b')
  const bins = async (query: Query<Bins>): Promise<unknown> => (await query.results())[0]?.bins
  t.deepEqual(await bins(scan), { a: { b: 1 } })
  t.deepEqual(await bins(scan.select('c')), { c: 2 })
  t.deepEqual(await bins(scan.select('c').select('a.b')), { a: { b: 1 } })
})

test('paths have no place where nothing is read', async (t) => {
  const scan = client().scan('test', freshSet()).select('a.b')
  const message = /exclude|leave/
  await t.throwsAsync(scan.with({ noBins: true }).results(), { instanceOf: InvalidArgumentError, message })
  await t.throwsAsync(scan.aggregate('module', 'name').results(), { instanceOf: InvalidArgumentError, message })
})
