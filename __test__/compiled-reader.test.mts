// Records of one shape are read by a function of their own: it must say what reading them name by name says.

import { ClientError, Double } from 'aerospike-napi'
import test from 'ava'
import fc from 'fast-check'
import { readBins } from '#src/records/message'
import { Mode } from '#src/values/unpack'

type Value = string | number | bigint | boolean | null | Double
type Bin = readonly [name: string, value: Value]

/** As often as it takes until a shape has its function, and some more. */
const OFTEN = 100

/** A message with these bins, as a server sends it. */
function message(bins: readonly Bin[]): Buffer {
  const head = Buffer.alloc(22)
  head[0] = 22
  head.writeUInt16BE(bins.length, 20)
  return Buffer.concat([head, ...bins.map(([name, value]) => operation(Buffer.from(name), ...particle(value)))])
}

function operation(name: Buffer, type: number, value: Buffer): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 1, type, 0, name.length])
  head.writeUInt32BE(4 + name.length + value.length)
  return Buffer.concat([head, name, value])
}

function particle(value: Value): [type: number, bytes: Buffer] {
  const word = Buffer.alloc(8)
  if (value === null) return [0, Buffer.alloc(0)]
  if (typeof value === 'string') return [3, Buffer.from(value)]
  if (typeof value === 'boolean') return [17, Buffer.from([Number(value)])]
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) {
    word.writeBigInt64BE(BigInt(value))
    return [1, word]
  }
  word.writeDoubleBE(Number(value))
  return [2, word]
}

const read = (bytes: Buffer, mode = 0) => readBins(bytes, 0, bytes.length, mode)

/** Makes the shape of these bins one that is often seen. */
function makeKnown(bins: readonly Bin[]): void {
  const bytes = message(bins)
  for (let i = 0; i < OFTEN; i++) read(bytes)
}

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 15 }).filter((text) => Buffer.byteLength(text) <= 15)
const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const small = fc.integer()
const text = fc.string({ unit: 'binary', maxLength: 50 }).filter((value) => !value.includes('\ud800'))
const fraction = fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true })
const anyValue = fc.oneof(text, small, integer, fraction, fc.boolean(), fc.constant(null))

/** What is read of a value as `integers: 'auto'`. */
const shown = (value: Value): unknown =>
  typeof value === 'bigint' && value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER
    ? Number(value)
    : value

test('records of a known shape are read as they are, whatever the types of their bins become', (t) => {
  const shape = fc.uniqueArray(name, { minLength: 1, maxLength: 12 })
  const record = shape.chain((names) =>
    fc.tuple(
      fc.constant(names),
      fc.tuple(...names.map(() => anyValue)),
      fc.array(fc.tuple(...names.map(() => anyValue)), { maxLength: 5 }),
    ),
  )
  fc.assert(
    fc.property(record, ([names, first, others]) => {
      const bins = (values: readonly Value[]): Bin[] => names.map((name, i) => [name, values[i] as Value])
      makeKnown(bins(first))
      for (const values of [first, ...others]) {
        const expected = bins(values).map(([name, value]) => [name, shown(value)])
        t.deepEqual(Object.entries(read(message(bins(values)))), inOrder(expected))
      }
    }),
    { numRuns: 150 },
  )
})

/** Properties that look like array indices come first in every object. */
function inOrder(entries: unknown[][]): unknown[][] {
  return Object.entries(Object.fromEntries(entries))
}

test('shapes that look alike are told apart', (t) => {
  const likes: Bin[][] = [
    [
      ['name', 'x'],
      ['age', 1],
    ],
    [
      ['name', 'x'],
      ['agf', 2],
    ],
    [
      ['namf', 'x'],
      ['age', 3],
    ],
    [
      ['name', 'x'],
      ['agee', 4],
    ],
    [['name', 'x']],
    [
      ['name', 'x'],
      ['age', 5],
      ['a', 6],
    ],
    [
      ['age', 7],
      ['name', 'x'],
    ],
  ]
  for (let i = 0; i < OFTEN; i++) {
    for (const bins of likes)
      t.deepEqual(
        Object.entries(read(message(bins))),
        bins.map((bin) => [...bin]),
      )
  }
})

test('integers and doubles are read as the mode says', (t) => {
  const bins: Bin[] = [
    ['i', 7],
    ['d', 1.5],
  ]
  makeKnown(bins)
  const whole = Buffer.from(message(bins))
  // The double becomes 3.0.
  whole.writeDoubleBE(3, whole.length - 8)
  t.deepEqual(read(whole), { i: 7, d: new Double(3) })
  t.deepEqual(read(whole, Mode.plainDoubles), { i: 7, d: 3 })
  t.deepEqual(read(whole, Mode.bigints), { i: 7n, d: new Double(3) })
  for (const i of [0, -1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53) + 1]) {
    t.deepEqual(
      read(
        message([
          ['i', i],
          ['d', 1.5],
        ]),
      ),
      { i, d: 1.5 },
    )
  }
  for (const i of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
    const bytes = message([
      ['i', i],
      ['d', 1.5],
    ])
    t.deepEqual(read(bytes), { i, d: 1.5 })
    t.throws(() => read(bytes, Mode.numbers), { instanceOf: ClientError })
  }
})

test('a bin called __proto__ is a bin', (t) => {
  const bins: Bin[] = [
    ['__proto__', 'x'],
    ['a', 1],
  ]
  makeKnown(bins)
  t.deepEqual(Object.entries(read(message(bins))), [
    ['__proto__', 'x'],
    ['a', 1],
  ])
})

test('what is cut off or changed on the way is refused, and never read beyond its end', (t) => {
  const bins: Bin[] = [
    ['name', 'someone'],
    ['age', 30],
    ['score', 1.5],
    ['flag', true],
  ]
  makeKnown(bins)
  const good = message(bins)
  const refused = (bytes: Buffer, limit: number): void => {
    try {
      readBins(bytes, 0, limit, 0)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
    }
  }
  for (let length = 0; length < good.length; length++) {
    t.throws(() => readBins(good, 0, length, 0), { instanceOf: ClientError })
    const cut = Buffer.from(good.subarray(0, length))
    t.throws(() => readBins(cut, 0, length, 0), { instanceOf: ClientError })
  }
  for (let at = 22; at < good.length; at++) {
    for (const value of [0, 1, 2, 3, 19, 20, 127, 128, 255]) {
      const changed = Buffer.from(good)
      changed[at] = value
      t.notThrows(() => refused(changed, changed.length), `byte ${at} = ${value}`)
    }
  }
})
