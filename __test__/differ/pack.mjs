// What cases are written in, and its MessagePack.
//
// | written | is |
// |---|---|
// | 5, 5n, true, null | integer, boolean, nil |
// | { d: 1.5 } | double |
// | 'text' | string: a type byte, then the text |
// | { b: 'ff00' }, { b: 'ff00', t: 18 } | bytes, with the type byte of a blob or another |
// | { g: '{…}' } | GeoJSON |
// | { s: 'text' } | a string without its type byte: names of bins and variables |
// | [1, 2], { l: [1, 2], o: 1 } | list, and one with a header of order flags |
// | { m: [[key, value]], o: 1 } | map, with a header of order flags where `o` is there |
// | { wildcard: 1 }, { infinity: 1 } | what comparisons know besides values |
// | { x: 'c1' } | bytes as they are |
//
// Plain data, so that a case can be printed, kept and made smaller.

const NIL = 0xc0
const STRING = 3
const BLOB = 4
const GEOJSON = 23

/** The MessagePack of a value. */
export function pack (value) {
  const out = []
  write(out, value)
  return Buffer.from(out)
}

function write (out, value) {
  if (value === null) return out.push(NIL)
  switch (typeof value) {
    case 'boolean': return out.push(value ? 0xc3 : 0xc2)
    case 'number': return integer(out, BigInt(value))
    case 'bigint': return integer(out, value)
    case 'string': return bytes(out, Buffer.concat([Buffer.of(STRING), Buffer.from(value)]))
  }
  if (Array.isArray(value)) return list(out, value)
  if ('l' in value) return list(out, value.l, value.o)
  if ('m' in value) return map(out, value.m, value.o)
  if ('d' in value) return double(out, value.d)
  if ('b' in value) return bytes(out, Buffer.concat([Buffer.of(value.t ?? BLOB), Buffer.from(value.b, 'hex')]))
  if ('g' in value) return bytes(out, Buffer.concat([Buffer.of(GEOJSON), Buffer.from(value.g)]))
  if ('s' in value) return bytes(out, Buffer.from(value.s))
  if ('wildcard' in value) return out.push(0xd4, 0xff, 0)
  if ('infinity' in value) return out.push(0xd4, 0xff, 1)
  if ('x' in value) return push(out, Buffer.from(value.x, 'hex'))
  throw new TypeError(`not a value of a case: ${JSON.stringify(value)}`)
}

const push = (out, buffer) => { for (const byte of buffer) out.push(byte) }

function double (out, n) {
  const buffer = Buffer.alloc(9)
  buffer[0] = 0xcb
  buffer.writeDoubleBE(n, 1)
  push(out, buffer)
}

const WIDTHS = [[0xcc, 1, 1n << 8n], [0xcd, 2, 1n << 16n], [0xce, 4, 1n << 32n], [0xcf, 8, 1n << 64n]]
const SIGNED = [[0xd0, 1, 1n << 7n], [0xd1, 2, 1n << 15n], [0xd2, 4, 1n << 31n], [0xd3, 8, 1n << 63n]]

function integer (out, n) {
  if (n >= -32n && n < 128n) return out.push(Number(n & 0xffn))
  const [code, width] = n >= 0n ? WIDTHS.find(([, , end]) => n < end) : SIGNED.find(([, , end]) => -n <= end)
  const digits = BigInt.asUintN(8 * width, n).toString(16).padStart(2 * width, '0')
  out.push(code)
  push(out, Buffer.from(digits, 'hex'))
}

function header (out, n, small, least, medium, large) {
  if (n < least) return out.push(small | n)
  if (n < 65536) return out.push(medium, n >> 8, n & 255)
  out.push(large, n >>> 24, n >>> 16 & 255, n >>> 8 & 255, n & 255)
}

function bytes (out, buffer) {
  const n = buffer.length
  if (n >= 32 && n < 256) out.push(0xd9, n)
  else header(out, n, 0xa0, 32, 0xda, 0xdb)
  push(out, buffer)
}

function list (out, items, order) {
  header(out, items.length + (order === undefined ? 0 : 1), 0x90, 16, 0xdc, 0xdd)
  if (order !== undefined) out.push(0xc7, 0, order)
  for (const item of items) write(out, item)
}

function map (out, pairs, order) {
  header(out, pairs.length + (order === undefined ? 0 : 1), 0x80, 16, 0xde, 0xdf)
  if (order !== undefined) out.push(0xc7, 0, order, NIL)
  for (const [key, value] of pairs) {
    write(out, key)
    write(out, value)
  }
}

/** The type and bytes a value has as a bin. */
export function particle (value) {
  if (value === null) return [0, Buffer.alloc(0)]
  switch (typeof value) {
    case 'boolean': return [17, Buffer.of(value ? 1 : 0)]
    case 'number': case 'bigint': {
      const buffer = Buffer.alloc(8)
      buffer.writeBigInt64BE(BigInt.asIntN(64, BigInt(value)))
      return [1, buffer]
    }
    case 'string': return [STRING, Buffer.from(value)]
  }
  if (Array.isArray(value) || 'l' in value) return [20, pack(value)]
  if ('m' in value) return [19, pack(value)]
  if ('d' in value) {
    const buffer = Buffer.alloc(8)
    buffer.writeDoubleBE(value.d)
    return [2, buffer]
  }
  if ('g' in value) {
    const text = Buffer.from(value.g)
    return [GEOJSON, Buffer.concat([Buffer.alloc(3), text])]
  }
  if ('b' in value) return [value.t ?? BLOB, Buffer.from(value.b, 'hex')]
  if ('x' in value) return [value.t ?? BLOB, Buffer.from(value.x, 'hex')]
  throw new TypeError(`not a value of a bin: ${JSON.stringify(value)}`)
}
