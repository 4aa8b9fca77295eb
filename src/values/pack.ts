// MessagePack as Aerospike has it (protocol 9.1): values inside lists and maps, and arguments of operations.
//
// The server is strict about maps (one flagged as ordered must be sorted, a key twice is an error), so maps are sorted
// here, at every level, as the other clients do.

import { types } from 'node:util'
import { describe, isPlain } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_UINT32, MAX_VALUE_DEPTH } from '../limits.js'
import { int64, isInteger, Particle, refuse } from './particle-types.js'
import { Placeholder } from './placeholders.js'
import { Double, GeoJSON, HyperLogLog } from './wrappers.js'
import type { Writer } from './writer.js'

/** Writes a value as MessagePack, the form it has inside a list or map and as the argument of an operation. */
export function pack(w: Writer, value: unknown): void {
  switch (typeof value) {
    case 'string':
      packText(w, Particle.string, value)
      return
    case 'number':
      if (isInteger(value)) packInteger(w, value)
      else packDouble(w, value)
      return
    case 'boolean':
      w.u8(value ? 0xc3 : 0xc2)
      return
    case 'bigint':
      packBigInt(w, int64(w, value))
      return
    case 'object':
      if (value === null) w.u8(0xc0)
      else packInside(w, value)
      return
    default:
      refuse(w, value)
  }
}

function packInside(w: Writer, value: object): void {
  if (Array.isArray(value)) packList(w, value)
  else if (isPlain(value)) packObject(w, value)
  else if (types.isUint8Array(value)) packBytes(w, Particle.blob, value)
  else if (types.isMap(value)) packMap(w, value)
  else if (value instanceof Double) packDouble(w, value.value)
  else if (value instanceof GeoJSON) packText(w, Particle.geojson, value.text)
  else if (value instanceof HyperLogLog) packBytes(w, Particle.hll, value.bytes)
  else if (value instanceof Placeholder && w.placeholders) {
    w.u16(0xd4ff)
    w.u8(value.code)
  } else refuse(w, value)
}

export function packList(w: Writer, list: readonly unknown[]): void {
  const length = list.length
  packListHeader(w, length)
  enter(w)
  for (let i = 0; i < length; i++) {
    w.path[w.depth] = i
    pack(w, list[i])
  }
  w.depth--
}

/** Opens a list of `length` elements; the elements are written next. */
export function packListHeader(w: Writer, length: number): void {
  if (length < 16) w.u8(0x90 | length)
  else if (length < 65536) {
    w.u8(0xdc)
    w.u16(length)
  } else {
    if (length > MAX_UINT32) throw new InvalidArgumentError(`${w.where()}: a list of ${length} elements is too long`)
    w.u8(0xdd)
    w.u32(length)
  }
}

/** Opens a map and flags it as ordered by key: ext type 0 with flag 1, as the first key, with nil as its value. */
function packMapHeader(w: Writer, entries: number): void {
  const length = entries + 1
  if (length < 16) w.u8(0x80 | length)
  else if (length < 65536) {
    w.u8(0xde)
    w.u16(length)
  } else {
    w.u8(0xdf)
    w.u32(length)
  }
  w.u32(0xc70001c0)
}

/** The names of the properties that are written. */
export function namesOf(w: Writer, object: object): string[] {
  const names = Object.keys(object)
  if (!w.omitUndefined) return names
  return names.filter((name) => (object as { [name: string]: unknown })[name] !== undefined)
}

export function packObject(w: Writer, object: object): void {
  const names = namesOf(w, object)
  const length = names.length
  for (let i = 1; i < length; i++) {
    if (compareText(names[i - 1] as string, names[i] as string) > 0) {
      names.sort(compareText)
      break
    }
  }
  packMapHeader(w, length)
  enter(w)
  for (let i = 0; i < length; i++) {
    const name = names[i] as string
    w.path[w.depth] = name
    packText(w, Particle.string, name)
    pack(w, (object as { [name: string]: unknown })[name])
  }
  w.depth--
}

export function packMap(w: Writer, map: ReadonlyMap<unknown, unknown>): void {
  // A copy first: a getter inside the map could change it while it is being written, and then the count would lie.
  const entries = [...map]
  enter(w)
  for (const entry of entries) {
    const key = entry[0]
    w.path[w.depth] = typeof key === 'symbol' ? 'symbol' : types.isUint8Array(key) ? 'bytes' : String(key)
    checkMapKey(w, key)
  }
  entries.sort((a, b) => compareKeys(a[0] as MapKeyValue, b[0] as MapKeyValue))
  w.depth--
  packMapHeader(w, entries.length)
  enter(w)
  for (let i = 0; i < entries.length; i++) {
    const [key, value] = entries[i] as [MapKeyValue, unknown]
    w.path[w.depth] = typeof key === 'object' ? 'bytes' : String(key)
    if (i > 0 && compareKeys((entries[i - 1] as [MapKeyValue, unknown])[0], key) === 0) {
      throw new InvalidArgumentError(`${w.where()}: the key occurs twice (1 and 1n are the same integer)`)
    }
    pack(w, key)
    pack(w, value)
  }
  w.depth--
}

type MapKeyValue = number | bigint | string | Uint8Array

function checkMapKey(w: Writer, key: unknown): void {
  if (typeof key === 'string' || types.isUint8Array(key)) return
  if (typeof key === 'number' && isInteger(key)) return
  if (typeof key === 'bigint') {
    int64(w, key)
    return
  }
  throw new InvalidArgumentError(
    `${w.where()}: the key of a map entry must be a string, an integer or bytes, not ${describe(key)}`,
  )
}

/** The server's order of map keys: integers, then strings, then bytes (protocol 9.2). */
function compareKeys(a: MapKeyValue, b: MapKeyValue): number {
  const rank = keyRank(a) - keyRank(b)
  if (rank !== 0) return rank
  if (typeof a === 'string') return compareText(a, b as string)
  if (typeof a === 'object') return Buffer.compare(a, b as Uint8Array)
  return a < (b as number | bigint) ? -1 : a > (b as number | bigint) ? 1 : 0
}

function keyRank(key: MapKeyValue): number {
  return typeof key === 'string' ? 1 : typeof key === 'object' ? 2 : 0
}

/**
 * Orders strings by their UTF-8 bytes. That is the order of JavaScript's own `<`, except that a surrogate pair (above
 * U+FFFF) sorts after U+E000 to U+FFFF.
 */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i)
    let y = b.charCodeAt(i)
    if (x !== y) {
      if (x >= 0xd800 && y >= 0xd800) {
        x = x >= 0xe000 ? x - 0x800 : x + 0x2000
        y = y >= 0xe000 ? y - 0x800 : y + 0x2000
      }
      return x - y
    }
  }
  return a.length - b.length
}

function enter(w: Writer): void {
  if (++w.depth > MAX_VALUE_DEPTH) {
    w.depth = 3
    throw new InvalidArgumentError(`${w.where()}…: nested more than ${MAX_VALUE_DEPTH} levels deep, or circular`)
  }
}

/** A string, or what travels in the string family: the length counts the type byte in front. */
function packText(w: Writer, type: number, text: string): void {
  // The length in bytes is only known once it is written, and decides how long the header is: guess by the length in
  // characters, write after it, and move the rare string that turned out longer.
  const guess = textHeader(text.length + 1)
  const start = w.at
  w.reserve(guess + 1)
  w.at = start + guess
  w.u8(type)
  const length = w.text(text) + 1
  const header = textHeader(length)
  if (header !== guess) {
    w.reserve(header - guess)
    w.bytes.copyWithin(start + header, start + guess, w.at)
    w.at += header - guess
  }
  putTextHeader(w, start, header, length)
}

function packBytes(w: Writer, type: number, bytes: Uint8Array): void {
  const length = bytes.length + 1
  const header = textHeader(length)
  const start = w.at
  w.reserve(header)
  w.at = start + header
  putTextHeader(w, start, header, length)
  w.u8(type)
  w.raw(bytes)
}

function textHeader(length: number): number {
  return length < 32 ? 1 : length < 256 ? 2 : length < 65536 ? 3 : 5
}

function putTextHeader(w: Writer, at: number, header: number, length: number): void {
  const bytes = w.bytes
  if (header === 1) bytes[at] = 0xa0 | length
  else if (header === 2) {
    bytes[at] = 0xd9
    bytes[at + 1] = length
  } else if (header === 3) {
    bytes[at] = 0xda
    bytes[at + 1] = length >>> 8
    bytes[at + 2] = length
  } else {
    bytes[at] = 0xdb
    w.patchU32(at + 1, length)
  }
}

function packDouble(w: Writer, value: number): void {
  w.u8(0xcb)
  w.f64(value)
}

/** The shortest form, always unsigned for what is not negative: the server compares and stores exactly these. */
export function packInteger(w: Writer, value: number): void {
  if (value >= 0) {
    if (value < 128) w.u8(value)
    else if (value < 256) {
      w.u8(0xcc)
      w.u8(value)
    } else if (value < 65536) {
      w.u8(0xcd)
      w.u16(value)
    } else if (value < 4294967296) {
      w.u8(0xce)
      w.u32(value)
    } else {
      w.u8(0xcf)
      w.safeInt64(value)
    }
  } else if (value >= -32) w.u8(value & 0xff)
  else if (value >= -128) {
    w.u8(0xd0)
    w.u8(value & 0xff)
  } else if (value >= -32768) {
    w.u8(0xd1)
    w.u16(value & 0xffff)
  } else if (value >= -2147483648) {
    w.u8(0xd2)
    w.u32(value >>> 0)
  } else {
    w.u8(0xd3)
    w.safeInt64(value)
  }
}

function packBigInt(w: Writer, value: bigint): void {
  const number = Number(value)
  if (Number.isSafeInteger(number)) {
    packInteger(w, number)
    return
  }
  w.u8(value > 0n ? 0xcf : 0xd3)
  w.bigInt64(value)
}
