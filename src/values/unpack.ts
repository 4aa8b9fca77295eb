// Reads values: the particle of a bin (protocol 2.9) and the MessagePack inside collections (protocol 9.1).
//
// The bytes are read in place from a buffer that is used again afterwards, so what is kept (text, bytes) is copied.

import { ClientError } from '../errors/classes.js'
import { nameClasses } from '../identity.js'
import { EncodedParticle } from './encoded.js'
import { Particle } from './particle-types.js'
import { readText } from './read-text.js'
import { Double, GeoJSON, HyperLogLog } from './wrappers.js'

/** How values are read, as bits: it travels with every row, so it is one small number. */
export const Mode = {
  /** integers: 'bigint' | 'number' (neither: 'auto') */
  bigints: 1,
  numbers: 2,
  /** maps: 'map' | 'object' (neither: 'auto') */
  maps: 4,
  objects: 8,
  /** doubles: 'number' */
  plainDoubles: 16,
  /** The answer is to operations: bins may occur twice, and writes may be answered. */
  operations: 32,
  /** deserialize: false */
  raw: 64,
} as const

/** Flag of a map that is the pairs of a selection in their order. */
const SELECTION = 0x08

/** A collection nested deeper than this is not read; recursion would run out of stack. */
const MAX_DEPTH = 1024

// The state of the value being read. Module variables rather than fields: reading never suspends, and they are
// cheaper than passing four arguments through every level.
let bytes: Buffer = Buffer.alloc(0)
let pos = 0
let end = 0
let mode = 0
let depth = 0

const swap = new Uint8Array(8)
const swapped = new Float64Array(swap.buffer)

/** What every read that makes no sense ends in. */
export function malformed(): never {
  throw new ClientError('the server sent a value that cannot be read')
}

/** The bytes that the values read next are in, and how they are read (bits of {@link Mode}). */
export function readFrom(source: Buffer, readMode: number): void {
  bytes = source
  mode = readMode
}

let viewed: Buffer | undefined
let lastView: DataView

/** A view of bytes that are mostly those of the call before. */
export function viewOf(bytes: Buffer): DataView {
  if (bytes !== viewed) {
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    viewed = bytes
  }
  return lastView
}

function u16(at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

function i32(at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

function u32(at: number): number {
  return i32(at) >>> 0
}

/**
 * A list or map as the server has it, read with `deserialize: false`: written back it is the same, byte for byte, without having
 * been decoded. Only as the value of a bin, not inside of another list or map.
 *
 * @example
 * const { bins } = await client.get<{ history: RawCollection }>(key, { deserialize: false })
 * await client.put(archive, { history: bins.history })
 */
export class RawCollection extends EncodedParticle {
  /** @internal Made of what a server sent. */
  constructor(type: number, bytes: Uint8Array) {
    super(type, bytes)
  }

  /** Whether it is a list or a map. */
  get kind(): 'list' | 'map' {
    return this.type === Particle.list ? 'list' : 'map'
  }

  /** The list or map itself: decoded, each time it is asked for, as by default. */
  get value(): unknown {
    const before = { bytes, pos, end, mode, depth }
    try {
      const { buffer, byteOffset, length } = this.bytes
      readFrom(Buffer.from(buffer, byteOffset, length), 0)
      return readParticle(this.type, 0, length)
    } finally {
      ;({ bytes, pos, end, mode, depth } = before)
    }
  }

  toJSON(): unknown {
    return this.value
  }
}

nameClasses({ RawCollection })

/** The value of a particle in `at .. next` of the bytes. */
export function readParticle(type: number, at: number, next: number): unknown {
  switch (type) {
    case Particle.integer:
      if (next - at !== 8) malformed()
      return readInt64(at)
    case Particle.string:
      return readText(bytes, at, next - at)
    case Particle.float:
      if (next - at !== 8) malformed()
      return double(readDouble(at))
    case Particle.null:
      return null
    case Particle.bool:
      return bytes[at] !== 0
    case Particle.list:
    case Particle.map:
      return (mode & Mode.raw) === 0 ? readCollection(at, next) : new RawCollection(type, copy(at, next))
    case Particle.geojson: {
      const text = at + 3 + 8 * u16(at + 1)
      if (text > next) malformed()
      return new GeoJSON(bytes.utf8Slice(text, next))
    }
    case Particle.hll:
      return new HyperLogLog(copy(at, next))
    default:
      // Blobs of other clients' languages, and types of newer servers: the bytes.
      return copy(at, next)
  }
}

function copy(from: number, to: number): Buffer {
  const out = Buffer.allocUnsafe(to - from)
  bytes.copy(out, 0, from, to)
  return out
}

function readDouble(at: number): number {
  swap[7] = bytes[at] as number
  swap[6] = bytes[at + 1] as number
  swap[5] = bytes[at + 2] as number
  swap[4] = bytes[at + 3] as number
  swap[3] = bytes[at + 4] as number
  swap[2] = bytes[at + 5] as number
  swap[1] = bytes[at + 6] as number
  swap[0] = bytes[at + 7] as number
  return swapped[0] as number
}

/** A double that would be written back as an integer is wrapped, so that it stays a double. */
function double(value: number): number | Double {
  if (Math.floor(value) !== value || (mode & Mode.plainDoubles) !== 0) return value
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? new Double(value) : value
}

function readInt64(at: number): number | bigint {
  const high = i32(at)
  const low = u32(at + 4)
  if ((mode & Mode.bigints) !== 0) return bigint(high, low)
  // -2^53 + 1 to 2^53 - 1: the high word is within 21 bits, and -2^53 itself is not safe.
  if (high >= -0x200000 && high <= 0x1fffff && (high !== -0x200000 || low !== 0)) return high * 4294967296 + low
  if ((mode & Mode.numbers) !== 0) {
    throw new ClientError(
      `the integer ${bigint(high, low)} does not fit into a number; read it with integers: 'auto' or 'bigint'`,
    )
  }
  return bigint(high, low)
}

function bigint(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}

function small(value: number): number | bigint {
  return (mode & Mode.bigints) === 0 ? value : BigInt(value)
}

function readCollection(at: number, next: number): unknown {
  pos = at
  end = next
  depth = 0
  return unpack()
}

function unpack(): unknown {
  if (pos >= end) malformed()
  const head = bytes[pos++] as number
  if (head < 0x80) return small(head)
  if (head < 0x90) return unpackMap(head & 15)
  if (head < 0xa0) return unpackList(head & 15)
  if (head < 0xc0) return unpackText(head & 31)
  if (head >= 0xe0) return small(head - 256)
  const at = pos
  switch (head) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xca:
      skip(4)
      return double(bytes.readFloatBE(at))
    case 0xcb:
      skip(8)
      return double(readDouble(at))
    case 0xcc:
      skip(1)
      return small(bytes[at] as number)
    case 0xcd:
      skip(2)
      return small(u16(at))
    case 0xce:
      skip(4)
      return small(u32(at))
    case 0xcf:
    case 0xd3:
      skip(8)
      return readInt64(at)
    case 0xd0:
      skip(1)
      return small(((bytes[at] as number) << 24) >> 24)
    case 0xd1:
      skip(2)
      return small((u16(at) << 16) >> 16)
    case 0xd2:
      skip(4)
      return small(i32(at))
    case 0xdc:
      skip(2)
      return unpackList(u16(at))
    case 0xdd:
      skip(4)
      return unpackList(u32(at))
    case 0xde:
      skip(2)
      return unpackMap(u16(at))
    case 0xdf:
      skip(4)
      return unpackMap(u32(at))
    case 0xc4:
    case 0xd9:
      skip(1)
      return unpackText(bytes[at] as number)
    case 0xc5:
    case 0xda:
      skip(2)
      return unpackText(u16(at))
    case 0xc6:
    case 0xdb:
      skip(4)
      return unpackText(u32(at))
    default:
      return unpackExtension(head)
  }
}

function skip(length: number): void {
  pos += length
  if (pos > end) malformed()
}

/** The string family carries strings, bytes, GeoJSON and sketches, told apart by the first byte. */
function unpackText(length: number): unknown {
  const at = pos
  skip(length)
  if (length === 0) return ''
  switch (bytes[at]) {
    case Particle.string:
      return readText(bytes, at + 1, length - 1)
    case Particle.geojson:
      return new GeoJSON(bytes.utf8Slice(at + 1, at + length))
    case Particle.hll:
      return new HyperLogLog(copy(at + 1, at + length))
    case Particle.blob:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
      return copy(at + 1, at + length)
    default:
      // Written by a UDF without its type byte.
      return readText(bytes, at, length)
  }
}

/** An extension in the place of a value: its bytes, since nothing else is known about it. */
function unpackExtension(head: number): unknown {
  let length: number
  if (head >= 0xd4 && head <= 0xd8) length = 1 << (head - 0xd4)
  else if (head === 0xc7) {
    length = bytes[pos] as number
    skip(1)
  } else if (head === 0xc8) {
    length = u16(pos)
    skip(2)
  } else if (head === 0xc9) {
    length = u32(pos)
    skip(4)
  } else malformed()
  skip(1 + length)
  return copy(pos - length, pos)
}

/** Whether the next element is the flags of a list or map: ext 8 of length 0. */
function atFlags(): boolean {
  return bytes[pos] === 0xc7 && bytes[pos + 1] === 0
}

function unpackList(length: number): unknown[] {
  // Every element has at least one byte: a length beyond what is left is wrong, and no memory is taken for it.
  if (length > end - pos) malformed()
  if (++depth > MAX_DEPTH) tooDeep()
  if (length > 0 && atFlags()) {
    skip(3)
    length--
  }
  const list: unknown[] = []
  for (let i = 0; i < length; i++) list.push(unpack())
  depth--
  return list
}

function unpackMap(length: number): unknown {
  if (length * 2 > end - pos) malformed()
  if (++depth > MAX_DEPTH) tooDeep()
  let inOrder = (mode & Mode.maps) !== 0
  if (length > 0 && atFlags()) {
    // Pairs in the order of a selection (protocol 9.4): an object would sort keys that look like numbers to the front.
    if (bytes[pos + 2] === SELECTION && (mode & Mode.objects) === 0) inOrder = true
    skip(4)
    length--
  }
  const start = pos
  const map = inOrder ? unpackIntoMap(length) : (unpackIntoObject(length) ?? unpackAgain(start, length))
  depth--
  return map
}

function unpackAgain(start: number, length: number): Map<unknown, unknown> {
  pos = start
  return unpackIntoMap(length)
}

/** The map as a plain object, or `undefined` when it has a key that is not a string. */
function unpackIntoObject(length: number): object | undefined {
  const object = {}
  const forced = (mode & Mode.objects) !== 0
  for (let i = 0; i < length; i++) {
    let key = unpack()
    if (typeof key !== 'string') {
      if (!forced) return undefined
      key = nameOf(object, key)
    } else if (forced && Object.hasOwn(object, key)) throw mergedKeys(key)
    define(object, key as string, unpack())
  }
  return object
}

/** `maps: 'object'`: an integer key becomes text, unless that would merge two entries. */
function nameOf(object: object, key: unknown): string {
  if (typeof key !== 'number' && typeof key !== 'bigint') {
    throw new ClientError("a map has a key that is neither text nor an integer; read it with maps: 'auto' or 'map'")
  }
  const name = String(key)
  if (Object.hasOwn(object, name)) throw mergedKeys(name)
  return name
}

function mergedKeys(name: string): ClientError {
  return new ClientError(`a map has the keys ${name} and '${name}'; read it with maps: 'auto' or 'map'`)
}

function unpackIntoMap(length: number): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>()
  for (let i = 0; i < length; i++) {
    const key = unpack()
    map.set(key, unpack())
  }
  return map
}

function tooDeep(): never {
  throw new ClientError(`a value is nested more than ${MAX_DEPTH} levels deep`)
}

/** Sets a property that is data whatever its name. */
export function define(object: object, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
  } else {
    ;(object as { [name: string]: unknown })[name] = value
  }
}
