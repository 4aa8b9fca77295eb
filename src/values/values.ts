// The values a bin can hold, and the classes for those that JavaScript has no type of its own for.

import { types } from 'node:util'
import { nameClasses } from '../identity.js'
import type { RawCollection } from './unpack.js'

/**
 * A double, whatever its value. Integer-valued numbers are stored as integers, so a bin that must stay a double is
 * written as `new Double(1)`. Reading gives a `Double` for exactly those doubles that would turn into integers when
 * written back (`1`, `-7`, `0`); every other double is a plain number. Use option `doubles: 'number'` to read plain
 * numbers always.
 *
 * A `Double` counts like a number: `d + 1`, `d < 3`, `` `${d}` `` and `JSON.stringify(d)` do what they do for `d.value`.
 *
 * @example
 * await client.put(key, { score: new Double(1) })
 */
export class Double {
  /** The number itself. */
  readonly value: number

  /** @throws TypeError when `value` is not a number. */
  constructor(value: number) {
    if (typeof value !== 'number') throw new TypeError(`new Double() takes a number, not ${typeof value}`)
    this.value = value
  }

  valueOf(): number {
    return this.value
  }

  toString(): string {
    return String(this.value)
  }

  toJSON(): number {
    return this.value
  }
}

/**
 * A GeoJSON value (a point or a region). Plain objects are maps; only a `GeoJSON` is stored as geometry and found by
 * geospatial indexes.
 *
 * @example
 * await client.put(key, { place: new GeoJSON({ type: 'Point', coordinates: [8.68, 50.11] }) })
 */
export class GeoJSON {
  /** The GeoJSON text, exactly as it was given or as the server holds it. */
  readonly text: string

  /** @throws TypeError when `value` is neither text nor an object that `JSON.stringify` accepts. */
  constructor(value: string | object) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    if (typeof text !== 'string' || value === null) throw new TypeError('new GeoJSON() takes GeoJSON text or an object')
    this.text = text
  }

  /** The parsed geometry. */
  get value(): unknown {
    return JSON.parse(this.text)
  }

  toString(): string {
    return this.text
  }

  toJSON(): unknown {
    return this.value
  }
}

/**
 * A HyperLogLog sketch as the server stores it. Its bytes are opaque: reading and writing them back, or handing them
 * to HyperLogLog operations of another record, is what they are for.
 *
 * @example
 * const { bins } = await client.get(key)
 * await client.put(backup, { visitors: bins.visitors })
 */
export class HyperLogLog {
  /** The sketch, in the server's own layout. */
  readonly bytes: Uint8Array

  /** @throws TypeError when `bytes` is not a Uint8Array. */
  constructor(bytes: Uint8Array) {
    if (!types.isUint8Array(bytes)) throw new TypeError('new HyperLogLog() takes the bytes of a sketch')
    this.bytes = bytes
  }

  toJSON(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length).toString('base64')
  }
}

nameClasses({ Double, GeoJSON, HyperLogLog })

/** A value that is not a collection. */
export type Scalar =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Double
  | GeoJSON
  | HyperLogLog
  | RawCollection

/**
 * What a bin can hold: scalars, arrays (lists), plain objects and `Map`s (maps).
 *
 * Integer-valued safe numbers and bigints are 64-bit integers, other numbers and {@link Double} are doubles.
 * `null` as a bin removes the bin; inside a collection it is a value.
 */
export type Value = Scalar | readonly Value[] | ReadonlyMap<MapKey, Value> | { readonly [name: string]: Value }

/** What can be the key of an entry in a map. `1` and `'1'` are two keys. */
export type MapKey = string | number | bigint | Uint8Array

/** The bins of a record when nothing more is known about them: values by bin name. */
export interface Bins {
  [name: string]: Value
}

/** How a client reads integers, as far as types can say: `bigint` when its defaults have `integers: 'bigint'`. */
export type ReadIntegers = 'auto' | 'bigint'

/** A value as it is read with `integers: 'bigint'`: see {@link WithBigInts}. */
type BigIntValue<T> = [Value] extends [T]
  ? T
  : T extends number
    ? T | bigint
    : T extends Scalar | undefined | ((...args: never[]) => unknown)
      ? T
      : T extends ReadonlyMap<infer K, infer V>
        ? Map<BigIntValue<K>, BigIntValue<V>>
        : { [P in keyof T]: BigIntValue<T[P]> }

/**
 * Bins as they are read with `integers: 'bigint'`: what is declared a `number` is a bigint when an integer is stored, and a number
 * when a double is. Declare a bin `bigint` or `Double` to have it as that alone.
 */
export type WithBigInts<B extends object> = [Bins] extends [B] ? B : { [P in keyof B]: BigIntValue<B[P]> }

/** Bins as a client has them that reads integers as `I` says. */
export type ReadAs<B extends object, I extends ReadIntegers> = I extends 'bigint' ? WithBigInts<B> : B

/** Types that look like values to TypeScript but are refused when they are written. */
type Refused =
  | Date
  | RegExp
  | ReadonlySet<unknown>
  | Promise<unknown>
  | symbol
  | undefined
  | ((...args: never[]) => unknown)

/**
 * `T` where everything in it can be stored; what cannot be becomes `never`, so that a `Date` or a function in a bin does
 * not compile. Interfaces need no index signature.
 */
export type Storable<T> = T extends Value
  ? T
  : T extends Refused
    ? never
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<K & MapKey, Storable<V>>
      : T extends readonly unknown[]
        ? { readonly [I in keyof T]: Storable<T[I]> }
        : T extends object
          ? { readonly [P in keyof T]: Storable<T[P]> }
          : never
