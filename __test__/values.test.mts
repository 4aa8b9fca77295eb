// Values both ways: everything comes back as the type it was.

import { ClientError, Double, GeoJSON, HyperLogLog, InvalidArgumentError } from 'aerospike-napi'
import test from 'ava'
import fc from 'fast-check'
import { client, freshKey } from './support/cluster.mjs'

async function through(value: unknown, options?: object): Promise<unknown> {
  const key = freshKey()
  await client().put(key, { v: value } as { v: string })
  return (await client().get<{ v: unknown }>(key, options)).bins.v
}

const point = '{"type":"Point","coordinates":[8.68,50.11]}'

const scalars: [string, unknown][] = [
  ['text', 'Grüße 日本 🚀'],
  ['an empty string', ''],
  ['a string with NUL', 'a\0b\0'],
  ['a long string', 'é'.repeat(70_000)],
  ['zero', 0],
  ['a negative integer', -42],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['the smallest safe integer', Number.MIN_SAFE_INTEGER],
  ['2n ** 63n - 1n', 2n ** 63n - 1n],
  ['-2n ** 63n', -(2n ** 63n)],
  ['an unsafe bigint', 2n ** 53n],
  ['the number 2 ** 63', 2 ** 63],
  ['-0', -0],
  ['a fraction', 0.1],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['NaN', Number.NaN],
  ['true', true],
  ['false', false],
  ['bytes', Buffer.of(0, 1, 255)],
  ['no bytes', Buffer.alloc(0)],
  ['GeoJSON', new GeoJSON(point)],
  ['an integer-valued double', new Double(3)],
]

for (const [name, value] of scalars) {
  test(`${name} comes back as it was, alone and in a list and a map`, async (t) => {
    t.deepEqual(await through(value), value)
    t.deepEqual(await through([value, [value]]), [value, [value]])
    t.deepEqual(await through({ k: value }), { k: value })
  })
}

test('a double stays a double when it is written back', async (t) => {
  const key = freshKey()
  await client().put(key, { d: new Double(7), list: [new Double(0), 1.5, -0] })
  const first = await client().get(key)
  await client().put(key, first.bins)
  // Adding a fraction to an integer is refused by the server; to a double it is not.
  await client().increment(key, 'd', 0.5)
  const { bins } = await client().get(key)
  t.deepEqual(bins, { d: 7.5, list: [new Double(0), 1.5, -0] })
  t.deepEqual((await client().get(key, { doubles: 'number' })).bins.list, [0, 1.5, -0])
})

test('a safe bigint is the same integer as the number', async (t) => {
  t.is(await through(5n), 5)
  t.is(await through(5, { integers: 'bigint' }), 5n)
})

test("integers: 'number' rejects rather than lose a digit", async (t) => {
  t.is(await through(12, { integers: 'number' }), 12)
  await t.throwsAsync(through(2n ** 60n, { integers: 'number' }), {
    instanceOf: ClientError,
    message: /1152921504606846976/,
  })
  await t.throwsAsync(through([1, [2n ** 60n]], { integers: 'number' }), { instanceOf: ClientError })
})

test('collections keep their shape', async (t) => {
  const value = { list: [1, 'a', null, [true, { deep: [] }]], map: { a: {}, b: { c: [{}] } }, empty: [] }
  t.deepEqual(await through(value), value)
  t.deepEqual(await through([]), [])
  t.deepEqual(await through({}), {})
  const long = Array.from({ length: 70_000 }, (_, i) => i - 35_000)
  t.deepEqual(await through(long), long)
  const wide = Object.fromEntries(long.slice(0, 1000).map((n) => [`k${n}`, n]))
  t.deepEqual(await through(wide), wide)
})

test("Map keys 1 and '1' stay apart", async (t) => {
  const map = new Map<unknown, unknown>([
    [1, 'number'],
    [2n ** 62n, 'big'],
    ['1', 'text'],
    [Buffer.of(1), 'bytes'],
  ])
  t.deepEqual(await through(map), map)
})

test('maps come back as objects when all keys are text, and as told otherwise', async (t) => {
  t.deepEqual(await through(new Map([['a', 1]])), { a: 1 })
  t.deepEqual(await through({ a: 1 }, { maps: 'map' }), new Map([['a', 1]]))
  t.deepEqual(await through(new Map([[1, 'x']]), { maps: 'object' }), { 1: 'x' })
  const twoKinds = new Map<unknown, unknown>([
    [1, 'x'],
    ['1', 'y'],
  ])
  await t.throwsAsync(through(twoKinds, { maps: 'object' }), { instanceOf: ClientError })
})

test('a key named __proto__ is data, as a bin and in a map', async (t) => {
  const key = freshKey()
  const bins = JSON.parse('{"__proto__": {"polluted": true}, "map": {"__proto__": 1, "x": 2}}') as { map: object }
  await client().put(key, bins)
  const read = (await client().get<{ map: object }>(key)).bins
  t.deepEqual(Object.getOwnPropertyNames(read).sort(), ['__proto__', 'map'])
  t.is(Object.getPrototypeOf(read), Object.prototype)
  t.deepEqual(Object.getOwnPropertyDescriptor(read.map, '__proto__')?.value, 1)
  t.is(({} as { polluted?: boolean }).polluted, undefined)
})

test('strings sort by code point, as the server wants its maps', async (t) => {
  const value = { '\u{1F680}': 1, '\uFFFD': 2, z: 3, '': 4, aa: 5, a: 6 }
  t.deepEqual(await through(value), value)
})

class Money {
  amount = 1
}

const circular: unknown[] = []
circular.push(circular)
let deep: unknown = 1
for (let i = 0; i < 20_000; i++) deep = [deep]
let deepMap: unknown = 1
for (let i = 0; i < 20_000; i++) deepMap = { m: deepMap }

const refused: [string, unknown, RegExp][] = [
  ['undefined', undefined, /bins\.v: undefined/],
  ['a Date', new Date(), /bins\.v: an instance of Date.*toISOString/],
  ['a Set', new Set([1]), /bins\.v: an instance of Set/],
  ['a function', () => 1, /bins\.v: a function/],
  ['a symbol', Symbol('x'), /bins\.v: a symbol/],
  ['a class instance', new Money(), /bins\.v: an instance of Money/],
  ['a regular expression', /x/, /RegExp/],
  ['a Float64Array', new Float64Array(1), /Float64Array/],
  ['an ArrayBuffer', new ArrayBuffer(1), /ArrayBuffer.*Uint8Array/],
  ['a bigint above int64', 2n ** 63n, /bins\.v: 9223372036854775808/],
  ['a bigint below int64', -(2n ** 63n) - 1n, /64 bits/],
  ['something inside', { profile: { tags: ['a', 'b', new Date()] } }, /bins\.v\.profile\.tags\[2\]/],
  ['a hole in a list', Array(2), /bins\.v\[0\]: undefined/],
  ['a map key that is a double', new Map([[1.5, 1]]), /key of a map entry/],
  ['a map key that is an object', new Map([[{}, 1]]), /key of a map entry/],
  [
    '1 and 1n as keys of one map',
    new Map<unknown, number>([
      [1, 1],
      [1n, 2],
    ]),
    /twice/,
  ],
  ['half a surrogate pair', 'a\ud800', /surrogate/],
  ['a circular list', circular, /256 levels|circular/],
  ['a list 20,000 deep', deep, /256 levels/],
  ['a map 20,000 deep', deepMap, /256 levels/],
  [
    'a getter that throws',
    {
      get x() {
        throw new Error('no luck')
      },
    },
    /no luck/,
  ],
  [
    'a getter that throws nothing sensible',
    {
      get x() {
        throw Object.create(null)
      },
    },
    /could not be read/,
  ],
  [
    'a Proxy that throws',
    new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('trap')
        },
      },
    ),
    /trap/,
  ],
  [
    'a revoked Proxy',
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    })(),
    /revoked/,
  ],
]

for (const [name, value, message] of refused) {
  test(`${name} is refused with an InvalidArgumentError, never stored as something else`, async (t) => {
    const key = freshKey()
    const promise = client().put(key, { ok: 1, v: value } as { ok: number })
    await t.throwsAsync(promise, { instanceOf: InvalidArgumentError, message })
    const [, meta] = await client().exists(key)
    t.is(meta, null)
  })
}

test('a refused value leaves the calls around it alone', async (t) => {
  const [a, b] = [freshKey(), freshKey()]
  const results = await Promise.allSettled([
    client().put(a, { v: 1 }),
    client().put(freshKey(), { v: new Date() as never }),
    client().put(b, { v: 2 }),
  ])
  t.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  t.is((await client().get(a)).bins.v, 1)
  t.is((await client().get(b)).bins.v, 2)
})

test('a getter that makes a call of its own disturbs nothing', async (t) => {
  const [outer, inner] = [freshKey(), freshKey()]
  let nested: Promise<unknown> | undefined
  await client().put(outer, {
    get v() {
      nested = client().put(inner, { v: 'inner' })
      return 'outer'
    },
  })
  await nested
  t.is((await client().get(outer)).bins.v, 'outer')
  t.is((await client().get(inner)).bins.v, 'inner')
})

test('objects of another realm are plain objects too', async (t) => {
  const { runInNewContext } = await import('node:vm')
  t.deepEqual(await through(runInNewContext('({ a: [1, { b: 2 }] })')), { a: [1, { b: 2 }] })
})

test('bytes are copied: what was read does not change with the next answer', async (t) => {
  const first = (await through(Buffer.from('first'))) as Buffer
  await through(Buffer.from('other'))
  t.is(first.toString(), 'first')
})

test('sketches are opaque and typed', (t) => {
  const sketch = new HyperLogLog(Uint8Array.of(0, 8, 0))
  t.deepEqual(sketch.bytes, Uint8Array.of(0, 8, 0))
})

const key = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.maxSafeInteger(),
)
const leaf = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.maxSafeInteger().map((n) => n + 0),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.double().map((n) => (Number.isSafeInteger(n) && !Object.is(n, -0) ? new Double(n) : n)),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
)
const { any } = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('any'), { maxLength: 6 }),
    fc.dictionary(fc.string(), tie('any'), { maxKeys: 6 }),
    fc.array(fc.tuple(key, tie('any')), { maxLength: 6 }).map((entries) => {
      const map = new Map<unknown, unknown>([[0, 'not all text'], ...entries])
      return map
    }),
  ),
}))

test('any value comes back as it was', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      any.filter((value) => value !== null),
      async (value) => {
        const back = await through(value)
        t.deepEqual(canonical(back), canonical(value))
      },
    ),
    { numRuns: 300 },
  )
})

/** Maps in one order and objects without their prototype: neither is stored. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (value instanceof Map) {
    return new Map(
      [...value]
        .map(([k, v]) => [typeof k === 'object' ? `bytes ${k}` : k, canonical(v)] as const)
        .sort((a, b) => (`${typeof a[0]}${String(a[0])}` < `${typeof b[0]}${String(b[0])}` ? -1 : 1)),
    )
  }
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || value instanceof Double) return value
  return Object.entries(value)
    .map(([k, v]) => [k, canonical(v)] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
}
