// The types of what a bin can hold.

import type { RawCollection } from './unpack.js'
import type { Double, GeoJSON, HyperLogLog } from './wrappers.js'

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
