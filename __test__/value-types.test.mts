// Writers, readers, expressions and the table of value types agree on what a value is.

import { Double, exp, GeoJSON, HyperLogLog, InvalidArgumentError, where } from 'aerospike-napi'
import test from 'ava'
import { pack } from '#src/values/pack'
import { readFrom, readParticle } from '#src/values/unpack'
import { VALUE_TYPES, type ValueType, valueType } from '#src/values/value-types'
import { writeParticle } from '#src/values/write-particle'
import { Writer } from '#src/values/writer'

/** Values of each type. */
const SAMPLES: { readonly [name in ValueType]: readonly unknown[] } = {
  nil: [null],
  bool: [true, false],
  int: [0, -1, 2 ** 53 - 1, 2n ** 63n - 1n],
  float: [1.5, -0, Number.NaN, new Double(1)],
  string: ['', 'text'],
  blob: [Buffer.from([1, 2]), new Uint8Array(0)],
  list: [[], [1, 'a', [null]]],
  map: [{ a: 1 }, new Map<unknown, unknown>([[1, 'one']]), Object.create(null)],
  geo: [new GeoJSON({ type: 'Point', coordinates: [1, 2] })],
  hll: [new HyperLogLog(Buffer.from([1, 2, 3]))],
}

const written = (write: (w: Writer) => unknown): { bytes: Buffer; result: unknown } => {
  const w = new Writer(64)
  const result = write(w)
  return { bytes: Buffer.from(w.bytes.subarray(0, w.at)), result }
}

const textOf = (value: unknown): string => Buffer.from((value as { bytes: Uint8Array }).bytes).toString('hex')

for (const [name, values] of Object.entries(SAMPLES) as [ValueType, readonly unknown[]][]) {
  const { particle, result } = VALUE_TYPES[name]

  test(`values of type ${name} are written and read as that, alone and inside of lists`, (t) => {
    for (const value of values) {
      t.is(valueType(value), name)
      const alone = written((w) => writeParticle(w, value))
      t.is(alone.result, particle)
      // What comes back is of the same type: a geometry has its cells in front, which only a server adds.
      readFrom(alone.bytes, 0)
      if (name !== 'nil') t.is(valueType(readParticle(particle, 0, alone.bytes.length)), name)
      const list = written((w) => pack(w, [value])).bytes
      readFrom(list, 0)
      const [inside] = readParticle(VALUE_TYPES.list.particle, 0, list.length) as unknown[]
      t.is(valueType(inside), name)
    }
  })

  test(`expressions know type ${name} by its number, and where by its name`, (t) => {
    if (name !== 'nil') {
      const bin = (exp.bin as unknown as { [type: string]: (bin: string) => unknown })[name]
      t.is(textOf(bin?.('a')), `9351${result.toString(16).padStart(2, '0')}a161`)
    }
    const text = `$.a.type() == '${name}'`
    const typed = where(Object.assign([text], { raw: [text] }))
    t.is(typed.toBase64(), exp.eq(exp.binType('a'), particle).toBase64())
  })
}

test('what is no value is refused by all of them', (t) => {
  for (const value of [undefined, () => 1, Symbol('s'), new Date(), new Set([1]), /x/]) {
    t.is(valueType(value), undefined)
    t.throws(() => written((w) => writeParticle(w, value)), { instanceOf: InvalidArgumentError })
    t.throws(() => written((w) => pack(w, value)), { instanceOf: InvalidArgumentError })
    t.throws(() => exp.eq(value as never, 1), { instanceOf: InvalidArgumentError })
  }
})
