// What can be done with a bin, by the type of what is in it: nothing else compiles.

import type { Exp, Type } from '../values/expression.js'
import type { MapKey, Value } from '../values/values.js'
import type { Double, GeoJSON, HyperLogLog } from '../values/wrappers.js'
import type { Answered } from './answers.js'
import type { ListReads, ListWrites } from './lists.js'
import type { MapReads, MapWrites } from './maps.js'
import type { BitsOf, SketchReads, SketchWrites } from './sketches.js'

/** The types an expression may have whose result is a `V`. */
export type TypesOf<V> = Value extends V
  ? Type
  : [V] extends [number | Double]
    ? 'int' | 'float'
    : [V] extends [bigint]
      ? 'int'
      : [V] extends [string]
        ? 'string'
        : [V] extends [boolean]
          ? 'bool'
          : [V] extends [Uint8Array]
            ? 'blob'
            : [V] extends [GeoJSON]
              ? 'geo'
              : [V] extends [HyperLogLog]
                ? 'hll'
                : [V] extends [readonly unknown[]]
                  ? 'list'
                  : [V] extends [object]
                    ? 'map'
                    : never

/** An expression whose result is a `V`. */
export type ExpOf<V> = { [T in TypesOf<V>]: Exp<T> }[TypesOf<V>]

/** The values that are not collections, and the application's own classes. */
type Opaque =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | Double
  | GeoJSON
  | HyperLogLog
  | Date
  | ReadonlySet<unknown>

/** `Keys` and values of what is stored as a map. */
type MapKeyOf<V> = V extends ReadonlyMap<infer K, unknown> ? K & MapKey : keyof V & string
type MapValueOf<V> = V extends ReadonlyMap<unknown, infer E> ? E : NonNullable<V[keyof V]>

/** What is found at a place in a map whose key is known. */
type AtKey<V, K> = V extends ReadonlyMap<unknown, infer E> ? E : K extends keyof V ? NonNullable<V[K]> : never

/** A selection of many elements: what is to be told of them. */
export interface SelectedElements<E, S, N extends string> {
  /** The elements. */
  getValues(): Answered<S, N, E[]>
  /** How many they are. */
  count(): Answered<S, N, number>
  /** Whether there is any. */
  exists(): Answered<S, N, boolean>
  /** Their indexes. */
  getIndexes(): Answered<S, N, number[]>
  /** Their ranks. */
  getRanks(): Answered<S, N, number[]>
}

/** A selection of many entries of a map. */
export interface SelectedEntries<K, V, S, N extends string> extends SelectedElements<V, S, N> {
  /** Their keys. */
  getKeys(): Answered<S, N, K[]>
  /** The entries, as a `Map` in their order. */
  getEntries(): Answered<S, N, Map<K, V>>
}

/** What removes a selection. */
interface Removable<S, N extends string> {
  /** Removes what is selected. Answers how many there were. */
  remove(): Answered<S, N, number>
}

/** A selection of many elements, and its opposite. */
export type Elements<E, S, N extends string, W extends boolean> = SelectedElements<E, S, N> &
  (W extends true ? Removable<S, N> : unknown) & {
    /** All other elements instead. */
    readonly others: SelectedElements<E, S, N> & (W extends true ? Removable<S, N> : unknown)
  }

/** A selection of many entries, and its opposite. */
export type MapEntries<K, V, S, N extends string, W extends boolean> = SelectedEntries<K, V, S, N> &
  (W extends true ? Removable<S, N> : unknown) & {
    /** All other entries instead. */
    readonly others: SelectedEntries<K, V, S, N> & (W extends true ? Removable<S, N> : unknown)
  }

/** One element or entry, and what is inside of it. */
export type Place<V, S, N extends string, W extends boolean> = Inside<V, S, N, W> & {
  /** The value. */
  getValue(): Answered<S, N, V>
  /** Whether it is there. */
  exists(): Answered<S, N, boolean>
} & (W extends true ? Removable<S, N> : unknown)

/** One element whose place can be written. */
export type WritablePlace<V, S, N extends string, W extends boolean> = Place<V, S, N, W> &
  (W extends true
    ? {
        /** Writes the value there. */
        setTo(value: V): S
      } & (V extends number | bigint | Double
        ? {
            /** Adds to the number there. Answers the new one. */
            add(by: number | bigint): Answered<S, N, number>
          }
        : unknown)
    : unknown)

/** Ways into a list. */
export interface IntoList<E, S, N extends string, W extends boolean> {
  /** The operations of `lists`, on this list. */
  readonly list: W extends true ? ListWrites<E, S, N> : ListReads<E, S, N>
  /** The element at an index; negative ones count from the end. */
  onListIndex(index: number): WritablePlace<E, S, N, W>
  /** The element at a rank: 0 is the smallest, -1 the greatest. */
  onListRank(rank: number): Place<E, S, N, W>
  /** The elements equal to a value. */
  onListValue(value: E): Elements<E, S, N, W>
  /** `count` elements from an index on, or all to the end. */
  onListIndexRange(index: number, count?: number): Elements<E, S, N, W>
  /** `count` elements from a rank on, or all to the end. */
  onListRankRange(rank: number, count?: number): Elements<E, S, N, W>
  /** The elements from `begin` up to, but not including, `end`; `null` for an open end. */
  onListValueRange(begin: E | null, end: E | null): Elements<E, S, N, W>
  /** The elements equal to one of several values. */
  onListValueList(values: readonly E[]): Elements<E, S, N, W>
  /** `count` elements from the rank relative to where a value is or would be. */
  onListValueRelativeRankRange(value: E, rank: number, count?: number): Elements<E, S, N, W>
}

/** Ways into a map. `M` is its type, if its keys have names. */
export interface IntoMap<M, K extends MapKey, V, S, N extends string, W extends boolean> {
  /** The operations of `maps`, on this map. */
  readonly map: W extends true ? MapWrites<K, V, S, N> : MapReads<K, V, S, N>
  /** The entry with a key. */
  onMapKey<P extends K>(key: P): WritablePlace<AtKey<M, P>, S, N, W>
  /** The entry at an index of the keys' order. */
  onMapIndex(index: number): Place<V, S, N, W>
  /** The entry at a rank of the values. */
  onMapRank(rank: number): Place<V, S, N, W>
  /** The entries with a value. */
  onMapValue(value: V): MapEntries<K, V, S, N, W>
  /** The entries with keys from `begin` up to, but not including, `end`; `null` for an open end. */
  onMapKeyRange(begin: K | null, end: K | null): MapEntries<K, V, S, N, W>
  /** The entries with one of several keys. */
  onMapKeyList(keys: readonly K[]): MapEntries<K, V, S, N, W>
  /** `count` entries from an index on, or all to the end. */
  onMapIndexRange(index: number, count?: number): MapEntries<K, V, S, N, W>
  /** `count` entries from a rank on, or all to the end. */
  onMapRankRange(rank: number, count?: number): MapEntries<K, V, S, N, W>
  /** The entries with values from `begin` up to, but not including, `end`. */
  onMapValueRange(begin: V | null, end: V | null): MapEntries<K, V, S, N, W>
  /** The entries with one of several values. */
  onMapValueList(values: readonly V[]): MapEntries<K, V, S, N, W>
  /** `count` entries from the index relative to where a key is or would be. */
  onMapKeyRelativeIndexRange(key: K, index: number, count?: number): MapEntries<K, V, S, N, W>
  /** `count` entries from the rank relative to where a value is or would be. */
  onMapValueRelativeRankRange(value: V, rank: number, count?: number): MapEntries<K, V, S, N, W>
}

/** Ways into a value whose type is not known: a list or a map, as the calls say. */
type IntoUntyped<S, N extends string, W extends boolean> = IntoList<Value, S, N, W> &
  IntoMap<{ [key: string]: Value }, MapKey, Value, S, N, W>

/** What is inside a value of type `V`. */
export type Inside<V, S, N extends string, W extends boolean> = Value extends V
  ? IntoUntyped<S, N, W>
  : [V] extends [Opaque]
    ? unknown
    : [V] extends [readonly (infer E)[]]
      ? IntoList<E, S, N, W>
      : [V] extends [object]
        ? IntoMap<V, MapKeyOf<V>, MapValueOf<V>, S, N, W>
        : unknown

/** What a number can do besides. */
interface NumberBin<S> {
  /** Adds to the number; a bin that is missing counts as 0. */
  add(by: number | bigint | Double): S
}

/** What text and bytes can do besides. */
interface TextBin<V, S> {
  /** Adds at the end; a bin that is missing is created. */
  append(value: V): S
  /** Adds at the beginning; a bin that is missing is created. */
  prepend(value: V): S
}

interface BytesBin<S, N extends string, W extends boolean> {
  /** The operations of `bits`, on these bytes. */
  readonly bits: BitsOf<S, N, W>
}

interface SketchBin<S, N extends string, W extends boolean> {
  /** The operations of `hll`, on this sketch. */
  readonly hll: W extends true ? SketchWrites<S, N> : SketchReads<S, N>
}

/** What a bin of type `V` can do besides, by its type. */
type Special<V, S, N extends string> = Value extends V
  ? NumberBin<S> & TextBin<string | Uint8Array, S> & BytesBin<S, N, true> & SketchBin<S, N, true>
  : [V] extends [number | bigint | Double]
    ? NumberBin<S>
    : [V] extends [string]
      ? TextBin<string, S>
      : [V] extends [Uint8Array]
        ? TextBin<Uint8Array, S> & BytesBin<S, N, true>
        : [V] extends [HyperLogLog]
          ? SketchBin<S, N, true>
          : unknown

/** A bin that is written. */
export type WriteBin<V, S, N extends string> = {
  /** Writes the bin: a value, or what an expression gives. */
  setTo(value: V | ExpOf<V>): S
  /** Removes the bin. */
  remove(): S
  /** Reads the bin, as it is after the operations before. */
  get(): Answered<S, N, V>
} & Special<V, S, N> &
  Inside<V, S, N, true>

/** A bin that is read. */
export type ReadBin<V, S, N extends string> = {
  /** Reads the bin. */
  get(): Answered<S, N, V>
} & Inside<V, S, N, false> &
  (Value extends V
    ? BytesBin<S, N, false> & SketchBin<S, N, false>
    : [V] extends [Uint8Array]
      ? BytesBin<S, N, false>
      : [V] extends [HyperLogLog]
        ? SketchBin<S, N, false>
        : unknown)
