// Parts of bins: what a path means, that only the part is read, and that it comes to its place.

import { type Client, InvalidArgumentError, type Key } from 'aerospike-napi'
import test from 'ava'
import { another, client, freshKey, freshSet } from './support/cluster.mjs'

const PROFILE = {
  name: 'Alice',
  profile: {
    address: { city: 'Bern', zip: 3000, lines: ['a', 'b'] },
    nothing: null,
    orders: [{ id: 1, price: 5 }, { id: 2, price: 7 }, { id: 3 }],
    'a.b': { 'c "d"': true },
    ['__proto__']: { x: 1 },
  },
  tags: ['t0', 't1', ['u0', 'u1'], 't3'],
  scores: new Map<number | string, unknown>([
    [7, { best: 9 }],
    [-1, 'minus'],
    ['7', 'text'],
  ]),
  'x.y': { z: 1 },
  'q[0]': 'whole',
}

let coalescing: Client

test.serial.before(async () => {
  coalescing = await another({ coalesceReads: true })
})
test.after.always(() => coalescing?.close())

async function stored(): Promise<Key> {
  const key = freshKey()
  await client().put(key, PROFILE as never)
  return key
}

/** What every way of reading gives. */
async function read(key: Key, bins: readonly string[]): Promise<unknown[]> {
  const [alone, coalesced, got] = [
    client().select(key, bins),
    coalescing.select(key, bins),
    coalescing.get(key, { bins }),
  ]
  // Another read, so that it travels in a batch.
  const other = coalescing.select(key, ['name'])
  const rows = await client().batchRead([key, { key, bins }, ['test', 'none', 1]], { bins })
  const [many] = await client().selectMany([key], bins)
  const mixed = await client().batch([
    { type: 'read', key, bins },
    { type: 'read', key },
  ])
  const streamed: unknown[] = []
  for await (const row of client().batchStream([key], { bins })) streamed.push(row.record?.bins)
  await other
  const [scanned] = await client()
    .scan('test', key[1])
    .select(...bins)
    .results()
  return [
    (await alone).bins,
    (await coalesced).bins,
    (await got).bins,
    rows.at(0)?.record?.bins,
    rows.at(1)?.record?.bins,
    many?.bins,
    mixed.at(0)?.record?.bins,
    streamed[0],
    scanned?.bins,
  ]
}

/** A list with holes where nothing was read. */
const sparse = (elements: { readonly [index: number]: unknown }): unknown[] => Object.assign([], elements)

const CASES: readonly (readonly [what: string, bins: readonly string[], expected: object])[] = [
  [
    'whole bins and parts of others',
    ['name', 'profile.address.city', 'tags[0]'],
    { name: 'Alice', profile: { address: { city: 'Bern' } }, tags: ['t0'] },
  ],
  ['a part that is a collection', ['profile.address'], { profile: { address: PROFILE.profile.address } }],
  [
    'two parts of one bin',
    ['profile.address.zip', 'profile.orders[1].price', 'profile.orders[1].id', 'profile.address.lines[1]'],
    { profile: { address: { zip: 3000, lines: sparse({ 1: 'b' }) }, orders: sparse({ 1: { price: 7, id: 2 } }) } },
  ],
  [
    'what is absent is absent',
    ['profile.nope', 'profile.nope.deeper', 'tags[9]', 'nobin.a', 'nobin', 'tags[9][0]'],
    {},
  ],
  [
    'some of it is absent',
    ['profile.address.nope', 'profile.address.city'],
    { profile: { address: { city: 'Bern' } } },
  ],
  ['another type than the path says', ['name.first', 'name[0]', 'tags.key', 'profile[0]', 'profile.orders.id'], {}],
  ['below a scalar', ['profile.address.city.x', 'profile.nothing.x'], {}],
  ['a null', ['profile.nothing'], { profile: { nothing: null } }],
  ['counted from the end', ['tags[-1]', 'tags[0]', 'tags[-2][1]'], { tags: ['t0', sparse({ 1: 'u1' }), 't3'] }],
  ['an element in a list of a list', ['tags[2][-1]'], { tags: sparse({ 2: ['u1'] }) }],
  ['an integer key', ['scores.7.best'], { scores: new Map([[7, { best: 9 }]]) }],
  ['an integer key in the older form', ['scores[#7].best'], { scores: new Map([[7, { best: 9 }]]) }],
  ['a negative integer key', ['scores.-1'], { scores: new Map([[-1, 'minus']]) }],
  [
    'an integer key and the same digits as text',
    ['scores.7.best', 'scores."7"'],
    {
      scores: new Map<number | string, unknown>([
        [7, { best: 9 }],
        ['7', 'text'],
      ]),
    },
  ],
  ['a key of digits in quotes is text', ["scores.'7'", 'scores["7"]', "scores.['7']"], { scores: { 7: 'text' } }],
  [
    'paths as conditions have them',
    ['$.profile.address.city', '$.tags.[0]', '$.name'],
    {
      name: 'Alice',
      profile: { address: { city: 'Bern' } },
      tags: ['t0'],
    },
  ],
  ['names in quotes', ['profile."a.b"["c \\"d\\""]'], { profile: { 'a.b': { 'c "d"': true } } }],
  ['a bin whose name has a dot', ['"x.y".z', '"q[0]"'], { 'x.y': { z: 1 }, 'q[0]': 'whole' }],
  ['bins in quotes alone', ['"x.y"', 'name'], { 'x.y': { z: 1 }, name: 'Alice' }],
  [
    'a part of what is read anyway',
    ['tags', 'tags[0]', 'profile.address.zip', 'profile.address'],
    { tags: PROFILE.tags, profile: { address: PROFILE.profile.address } },
  ],
  ['the same twice', ['tags[1]', 'tags[1]'], { tags: sparse({ 1: 't1' }) }],
]

for (const [what, bins, expected] of CASES) {
  test(`${what}: ${bins.join(', ')}`, async (t) => {
    for (const one of await read(await stored(), bins)) t.deepEqual<unknown, unknown>(one, expected)
  })
}

test('a key named __proto__ is data', async (t) => {
  const { bins } = await client().select(await stored(), ['profile.__proto__.x'])
  t.deepEqual(Object.keys(bins.profile as object), ['__proto__'])
  t.is(({} as { x?: number }).x, undefined)
})

test('options on values hold in parts too', async (t) => {
  const key = await stored()
  const big = await client().select(key, ['scores[#7].best', 'profile.address.zip'], { integers: 'bigint' })
  t.deepEqual<unknown, unknown>(big.bins, {
    scores: new Map([[7n, { best: 9n }]]),
    profile: { address: { zip: 3000n } },
  })
  const maps = await client().select(key, ['profile.address.zip'], { maps: 'map' })
  t.deepEqual<unknown, unknown>(maps.bins, { profile: new Map([['address', new Map([['zip', 3000]])]]) })
})

test('only the part travels', async (t) => {
  const key = freshKey()
  await client().put(key, { big: { small: 1, large: 'x'.repeat(100_000) } })
  const batch = await client().batchRead([key], { bins: ['big.small'] })
  t.deepEqual<unknown, unknown>(batch.at(0)?.record?.bins, { big: { small: 1 } })
  t.true(batch.cost.bytesIn < 1000, `${batch.cost.bytesIn} bytes`)
})

test('records without the bin, or with another kind of it, do not spoil a batch', async (t) => {
  const set = freshSet()
  const values = [{ a: { b: 1 } }, { a: 'text' }, { a: [1, 2] }, { a: 5 }, { c: 1 }, { a: { b: { c: 1 } } }]
  const keys = values.map((_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key, i) => ({ key, bins: values[i] as object })))).throwIfFailed()
  const batch = await client().batchRead([...keys, ['test', set, 'none']], { bins: ['a.b', 'c'] })
  t.deepEqual(
    Array.from(batch, ({ record }) => record?.bins as unknown),
    [{ a: { b: 1 } }, {}, {}, {}, { c: 1 }, { a: { b: { c: 1 } } }, undefined],
  )
  t.is(batch.missing.length, 1)
})

test('parts of thousands of records, and a retry keeps what is read', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 3000 }, (_, i) => ['test', set, i] as const)
  const rows = keys.map((key) => ({ key, bins: { p: { i: key[2], other: 'x' }, l: [key[2]] } }))
  ;(await client().batchWrite(rows, { totalTimeout: 20_000 })).throwIfFailed()
  const few = await client().batchRead(keys, {
    bins: ['p.i', 'l[0]'],
    totalTimeout: 20_000,
    maxResponseBytes: 20_000,
    concurrency: 1,
    maxKeysPerRequest: 100,
  })
  t.true(few.unprocessed.length > 0)
  const batch = await few.retry({ attempts: 100, deadline: 60_000 })
  t.is(batch.found.length, 3000)
  for (const { record, index } of batch.found) {
    const { p, l } = record.bins as unknown as { p: object; l: number[] }
    if (JSON.stringify([p, l]) !== JSON.stringify([{ i: index }, [index]])) t.fail(`row ${index}`)
  }
})

for (const [path, message] of [
  ['a..b', /bins\[0\]: expected a key.* at character 3 of "a\.\.b", not "\."/],
  ['.a', /expected the name of a bin.* at character 1/],
  ['a.', /expected a key.* at character 3 .*not the end/],
  ['a[', /expected an index.* at character 3 .*not the end/],
  ['a[x]', /expected an index.* at character 3 .*not "x"/],
  ['a[1', /expected '\]' at character 4/],
  ['a[1]b', /expected '\.' or '\[' at character 5/],
  ['a[#x]', /at character 4/],
  ['"a', /expected a closing quote at character 3/],
  ['"a\\n"', /at character 4/],
  ['a[99999999999999999]', /expected a safe integer at character 3/],
  [`a${'[0]'.repeat(65)}`, /at most 64 steps/],
  ['a_very_long_name_of_a_bin.x', /limit is 15/],
] as const) {
  test(`the path ${path.slice(0, 30)} is refused, with the place`, async (t) => {
    const key = ['test', freshSet(), 1] as const
    await t.throwsAsync(client().select(key, [path]), { instanceOf: InvalidArgumentError, message })
    await t.throwsAsync(client().batchRead([key], { bins: [path] }), { instanceOf: InvalidArgumentError, message })
    const query = client().scan(key[0], key[1]).select(path)
    await t.throwsAsync(query.results(), { instanceOf: InvalidArgumentError, message })
  })
}
