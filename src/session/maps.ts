// What can be done with a map in one line: `session.upsert(key).bin('counts').map.increment('clicks')`. The operations are
// those of `maps`; here are their types for a map whose entries are known, and what they answer.

import type { ContextOptions, ManyOptions, MapReturn } from '../operations/call-types.js'
import type { MapOrderOptions, MapWriteOptions } from '../operations/maps.js'
import type { MapKey } from '../values/values.js'
import type { Answered } from './answers.js'
import type { ElementOptions } from './lists.js'

/** What a selection of one entry of a map answers. */
export type EntryOf<R, K, V> = R extends 'value'
  ? V
  : R extends 'key'
    ? K
    : R extends 'keyValue' | 'unorderedMap' | 'orderedMap'
      ? Map<K, V>
      : R extends 'exists'
        ? boolean
        : R extends 'none'
          ? null
          : R extends `${string}Range`
            ? readonly [from: number, count: number]
            : number

/** What a selection of many entries of a map answers. */
export type EntriesOf<R, K, V> = R extends 'value'
  ? V[]
  : R extends 'key'
    ? K[]
    : R extends 'keyValue' | 'unorderedMap' | 'orderedMap'
      ? Map<K, V>
      : R extends 'exists'
        ? boolean
        : R extends 'none'
          ? null
          : R extends 'count'
            ? number
            : R extends `${string}Range`
              ? readonly [from: number, count: number]
              : number[]

/** Several entries of a map, to be written. */
export type Entries<K, V> = ReadonlyMap<K, V> | { readonly [P in K & (string | number)]?: V }

/** Reads of a map from `K` to `V`. `S` is the step they belong to, `N` the bin. */
export interface MapReads<K extends MapKey, V, S, N extends string> {
  /** The number of entries. */
  size(options?: ContextOptions): Answered<S, N, number>
  /** The entry with a key. */
  getByKey<R extends MapReturn = 'value'>(key: K, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>
  /** The entries with one of several keys. */
  getByKeyList<R extends MapReturn = 'value'>(
    keys: readonly K[],
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** All entries with keys from `begin` up to, but not including, `end`; `null` for an open end. */
  getByKeyRange<R extends MapReturn = 'value'>(
    begin: K | null,
    end: K | null,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** The entry at an index of the keys' order. */
  getByIndex<R extends MapReturn = 'value'>(
    index: number,
    options?: ElementOptions<R>,
  ): Answered<S, N, EntryOf<R, K, V>>
  /** `count` entries from an index on. */
  getByIndexRange<R extends MapReturn = 'value'>(
    index: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** The entry at a rank of the values. */
  getByRank<R extends MapReturn = 'value'>(rank: number, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>
  /** `count` entries from a rank on. */
  getByRankRange<R extends MapReturn = 'value'>(
    rank: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** The first entry with a value. */
  getFirstByValue<R extends MapReturn = 'value'>(
    value: NoInfer<V>,
    options?: ElementOptions<R>,
  ): Answered<S, N, EntryOf<R, K, V>>
  /** All entries with a value. */
  getByValue<R extends MapReturn = 'value'>(
    value: NoInfer<V>,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** All entries with one of several values. */
  getByValueList<R extends MapReturn = 'value'>(
    values: readonly NoInfer<V>[],
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** All entries with values from `begin` up to, but not including, `end`. */
  getByValueRange<R extends MapReturn = 'value'>(
    begin: NoInfer<V> | null,
    end: NoInfer<V> | null,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** `count` entries from the index relative to where a key is or would be. */
  getByKeyRelIndexRange<R extends MapReturn = 'value'>(
    key: K,
    index: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** `count` entries from the rank relative to where a value is or would be. */
  getByValueRelRankRange<R extends MapReturn = 'value'>(
    value: NoInfer<V>,
    rank: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
}

/** Reads and writes of a map from `K` to `V`. */
export interface MapWrites<K extends MapKey, V, S, N extends string> extends MapReads<K, V, S, N> {
  /** Creates an empty map. */
  create(options?: MapOrderOptions): Answered<S, N, null>
  /** Changes the order of the map. */
  setOrder(options: MapOrderOptions): Answered<S, N, null>
  /** Writes an entry. Answers the new size. */
  put(key: K, value: NoInfer<V>, options?: MapWriteOptions): Answered<S, N, number>
  /** Writes several entries. Answers the new size. */
  putItems(entries: Entries<K, NoInfer<V>>, options?: MapWriteOptions): Answered<S, N, number>
  /** Writes an entry that must not be there. Answers the new size. */
  add(key: K, value: NoInfer<V>, options?: MapOrderOptions): Answered<S, N, number>
  /** Writes several entries that must not be there. Answers the new size. */
  addItems(entries: Entries<K, NoInfer<V>>, options?: MapOrderOptions): Answered<S, N, number>
  /** Writes an entry that must be there. Answers the new size. */
  replace(key: K, value: NoInfer<V>, options?: ContextOptions): Answered<S, N, number>
  /** Writes several entries that must be there. Answers the new size. */
  replaceItems(entries: Entries<K, NoInfer<V>>, options?: ContextOptions): Answered<S, N, number>
  /** Adds to the number of an entry, by default 1; a missing one is created. Answers the new value. */
  increment(key: K, delta?: number | bigint, options?: MapOrderOptions): Answered<S, N, number>
  /** Subtracts from the number of an entry, by default 1. Answers the new value. */
  decrement(key: K, delta?: number | bigint, options?: MapOrderOptions): Answered<S, N, number>
  /** Removes all entries. */
  clear(options?: ContextOptions): Answered<S, N, null>
  /** Removes the entry with a key. */
  removeByKey<R extends MapReturn = 'none'>(key: K, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>
  /** Removes the entries with one of several keys. */
  removeByKeyList<R extends MapReturn = 'none'>(
    keys: readonly K[],
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** Removes all entries with keys from `begin` up to, but not including, `end`. */
  removeByKeyRange<R extends MapReturn = 'none'>(
    begin: K | null,
    end: K | null,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** Removes the entry at an index of the keys' order. */
  removeByIndex<R extends MapReturn = 'none'>(
    index: number,
    options?: ElementOptions<R>,
  ): Answered<S, N, EntryOf<R, K, V>>
  /** Removes `count` entries from an index on. */
  removeByIndexRange<R extends MapReturn = 'none'>(
    index: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** Removes the entry at a rank of the values. */
  removeByRank<R extends MapReturn = 'none'>(
    rank: number,
    options?: ElementOptions<R>,
  ): Answered<S, N, EntryOf<R, K, V>>
  /** Removes `count` entries from a rank on. */
  removeByRankRange<R extends MapReturn = 'none'>(
    rank: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** Removes the first entry with a value. */
  removeFirstByValue<R extends MapReturn = 'none'>(
    value: NoInfer<V>,
    options?: ElementOptions<R>,
  ): Answered<S, N, EntryOf<R, K, V>>
  /** Removes all entries with a value. */
  removeByValue<R extends MapReturn = 'none'>(
    value: NoInfer<V>,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** Removes all entries with one of several values. */
  removeByValueList<R extends MapReturn = 'none'>(
    values: readonly NoInfer<V>[],
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** Removes all entries with values from `begin` up to, but not including, `end`. */
  removeByValueRange<R extends MapReturn = 'none'>(
    begin: NoInfer<V> | null,
    end: NoInfer<V> | null,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** Removes `count` entries from the index relative to where a key is or would be. */
  removeByKeyRelIndexRange<R extends MapReturn = 'none'>(
    key: K,
    index: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
  /** Removes `count` entries from the rank relative to where a value is or would be. */
  removeByValueRelRankRange<R extends MapReturn = 'none'>(
    value: NoInfer<V>,
    rank: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, EntriesOf<R, K, V>>
}
