// Map operations: the table of what each is on the wire (protocol 9.5), and what people call.

import { OpCode } from '../protocol.js'
import { operationsOf } from './build.js'
import type {
  ContextOptions,
  Int,
  Key,
  Keys,
  Numeric,
  Reading,
  ReadMany,
  ReadOne,
  ReadRange,
  RemoveMany,
  RemoveOne,
  RemoveRange,
  Sought,
  SoughtList,
  Stored,
  StoredMap,
  Style,
  Target,
  Within,
  Writing,
} from './call-types.js'
import type { Operation } from './operation.js'
import { type Family, MAP_FLAGS, MAP_ORDER, SELECT, type Signature } from './signature.js'

const POLICY = { options: { ...MAP_ORDER, ...MAP_FLAGS }, tail: ['order', 'flags'], always: 1 } as const
const ORDER = { options: MAP_ORDER, tail: ['order'], always: 1 } as const
const ENTRY = { key: 'mapKey', value: 'value' } as const
const ONE = { selects: 'one', options: SELECT.map.one, gives: 'map' } as const
const MANY = { selects: 'many', options: SELECT.map.many, gives: 'map' } as const
const RANGE = { index: 'int', count: 'int?' } as const
const RANKS = { rank: 'int', count: 'int?' } as const
const INTERVAL = { begin: 'begin', end: 'end' } as const
const HERE = { operationOnly: true } as const

/** Every map operation. */
export const MAPS = {
  create: { code: 64, writes: true, args: {}, ...ORDER, gives: 'nil', creates: 'map', ...HERE },
  setOrder: { code: 64, writes: true, args: {}, ...ORDER, gives: 'nil', ...HERE },
  add: { code: 65, writes: true, args: ENTRY, ...ORDER, gives: 'int', ...HERE },
  addItems: { code: 66, writes: true, args: { entries: 'entries' }, ...ORDER, gives: 'int', ...HERE },
  put: { code: 67, writes: true, args: ENTRY, ...POLICY, gives: 'int' },
  putItems: { code: 68, writes: true, args: { entries: 'entries' }, ...POLICY, gives: 'int' },
  replace: { code: 69, writes: true, args: ENTRY, gives: 'int', ...HERE },
  replaceItems: { code: 70, writes: true, args: { entries: 'entries' }, gives: 'int', ...HERE },
  increment: { code: 73, writes: true, args: { key: 'mapKey', delta: 'number?' }, ...ORDER, gives: 'int' },
  decrement: { code: 74, writes: true, args: { key: 'mapKey', delta: 'number?' }, ...ORDER, gives: 'int' },
  clear: { code: 75, writes: true, args: {}, gives: 'nil' },
  size: { code: 96, args: {}, gives: 'int' },
  getByKey: { code: 97, args: { key: 'value' }, ...ONE },
  getByIndex: { code: 98, args: { index: 'int' }, ...ONE },
  getFirstByValue: { code: 99, args: { value: 'value' }, ...ONE },
  getByRank: { code: 100, args: { rank: 'int' }, ...ONE },
  getByValue: { code: 102, args: { value: 'value' }, ...MANY },
  getByKeyRange: { code: 103, args: INTERVAL, ...MANY },
  getByIndexRange: { code: 104, args: RANGE, ...MANY },
  getByValueRange: { code: 105, args: INTERVAL, ...MANY },
  getByRankRange: { code: 106, args: RANKS, ...MANY },
  getByKeyList: { code: 107, args: { keys: 'values' }, ...MANY },
  getByValueList: { code: 108, args: { values: 'values' }, ...MANY },
  getByKeyRelIndexRange: { code: 109, args: { key: 'value', index: 'int', count: 'int?' }, ...MANY },
  getByValueRelRankRange: { code: 110, args: { value: 'value', rank: 'int', count: 'int?' }, ...MANY },
  removeByKey: { code: 76, writes: true, args: { key: 'value' }, ...ONE },
  removeByIndex: { code: 77, writes: true, args: { index: 'int' }, ...ONE },
  removeFirstByValue: { code: 78, writes: true, args: { value: 'value' }, ...ONE },
  removeByRank: { code: 79, writes: true, args: { rank: 'int' }, ...ONE },
  removeByKeyList: { code: 81, writes: true, args: { keys: 'values' }, ...MANY },
  removeByValue: { code: 82, writes: true, args: { value: 'value' }, ...MANY },
  removeByValueList: { code: 83, writes: true, args: { values: 'values' }, ...MANY },
  removeByKeyRange: { code: 84, writes: true, args: INTERVAL, ...MANY },
  removeByIndexRange: { code: 85, writes: true, args: RANGE, ...MANY },
  removeByValueRange: { code: 86, writes: true, args: INTERVAL, ...MANY },
  removeByRankRange: { code: 87, writes: true, args: RANKS, ...MANY },
  removeByKeyRelIndexRange: { code: 88, writes: true, args: { key: 'value', index: 'int', count: 'int?' }, ...MANY },
  removeByValueRelRankRange: { code: 89, writes: true, args: { value: 'value', rank: 'int', count: 'int?' }, ...MANY },
} as const satisfies { readonly [name: string]: Signature }

export const MAP_FAMILY: Family = {
  name: 'maps',
  read: OpCode.cdtRead,
  modify: OpCode.cdtModify,
  system: 0,
  target: 'map',
  table: MAPS,
}

/** Order of a map that an operation creates. */
export interface MapOrderOptions extends ContextOptions {
  /** How the map is kept: `unordered` (default), sorted by key, or by key with the ranks of values at hand. */
  readonly order?: 'unordered' | 'keyOrdered' | 'keyValueOrdered' | undefined
  /** Keep the index of the map in storage: faster reads of large maps, more space. Default false. */
  readonly persistIndex?: boolean | undefined
}

/** Options of writes of entries. */
export interface MapWriteOptions extends MapOrderOptions {
  /** `create` only keys that are not there, `update` only those that are. Default `createOrUpdate`. */
  readonly write?: 'createOrUpdate' | 'create' | 'update' | undefined
  /** Do nothing rather than fail where `write` forbids it. Default false. */
  readonly noFail?: boolean | undefined
  /** With `noFail`: write those of several entries that may be written. Default false. */
  readonly partial?: boolean | undefined
}

/**
 * What maps can do, as operations on a bin (`maps`) and as expressions on a map (`exp.maps`). An index is a place in the order
 * of the keys, a rank one in the order of the values; negative ones count from the end. A count that is left out means to the
 * end; an open end of a range is `null`.
 *
 * With `return: 'keyValue'` the answer is a `Map` in the order of the selection.
 */
export interface MapCalls<S extends Style> {
  /** Writes an entry. Gives the new size. @example maps.put('profile', 'city', 'Bonn', { write: 'create' }) */
  put<V, B extends 'list' | 'map' = 'map'>(
    map: Target<S, B>,
    key: Key<S>,
    value: Stored<S, V>,
    options?: MapWriteOptions,
  ): Writing<S, B>
  /** Writes several entries. Gives the new size. @example maps.putItems('profile', { city: 'Bonn', zip: 53111 }) */
  putItems<V, B extends 'list' | 'map' = 'map'>(
    map: Target<S, B>,
    entries: StoredMap<S, V>,
    options?: MapWriteOptions,
  ): Writing<S, B>
  /**
   * Adds to the number of an entry, by default 1; a missing one is created. Gives the new value.
   * @example maps.increment('counts', 'clicks', 5)
   */
  increment<B extends 'list' | 'map' = 'map'>(
    map: Target<S, B>,
    key: Key<S>,
    delta?: Numeric<S>,
    options?: MapOrderOptions,
  ): Writing<S, B>
  /** Subtracts from the number of an entry, by default 1. Gives the new value. @example maps.decrement('stock', 'apples') */
  decrement<B extends 'list' | 'map' = 'map'>(
    map: Target<S, B>,
    key: Key<S>,
    delta?: Numeric<S>,
    options?: MapOrderOptions,
  ): Writing<S, B>
  /** Removes all entries; the order stays. @example maps.clear('profile') */
  clear<B extends 'list' | 'map' = 'map'>(map: Target<S, B>, options?: ContextOptions): Writing<S, B>
  /** The number of entries. @example maps.size('profile') */
  size(map: Within<S>, options?: ContextOptions): Reading<S, 'int'>
  /** The entry with a key. @example maps.getByKey('profile', 'city') */
  getByKey: ReadOne<S, 'map', [key: Key<S>]>
  /** The entry at an index. @example maps.getByIndex('profile', 0, { return: 'key' }) */
  getByIndex: ReadOne<S, 'map', [index: Int<S>]>
  /** The first entry with a value. @example maps.getFirstByValue('counts', 5, { return: 'key' }) */
  getFirstByValue: ReadOne<S, 'map', [value: Sought<S>]>
  /** The entry at a rank of values. @example maps.getByRank('counts', -1, { return: 'keyValue' }) */
  getByRank: ReadOne<S, 'map', [rank: Int<S>]>
  /** The entries with one of several keys. @example maps.getByKeyList('profile', ['city', 'zip'], { return: 'keyValue' }) */
  getByKeyList: ReadMany<S, 'map', [keys: Keys<S>]>
  /** All entries with a value. @example maps.getByValue('counts', 5, { return: 'key' }) */
  getByValue: ReadMany<S, 'map', [value: Sought<S>]>
  /** All entries with one of several values. @example maps.getByValueList('counts', [1, 2], { inverted: true }) */
  getByValueList: ReadMany<S, 'map', [values: SoughtList<S>]>
  /**
   * All entries with keys from `begin` up to, but not including, `end`.
   * @example maps.getByKeyRange('events', 1000, 2000)
   */
  getByKeyRange: ReadMany<S, 'map', [begin: Key<S> | null, end: Key<S> | null]>
  /** `count` entries from an index on. @example maps.getByIndexRange('events', -3, { return: 'keyValue' }) */
  getByIndexRange: ReadRange<S, 'map', [index: Int<S>]>
  /**
   * All entries with values from `begin` up to, but not including, `end`.
   * @example maps.getByValueRange('counts', 10, null)
   */
  getByValueRange: ReadMany<S, 'map', [begin: Sought<S> | null, end: Sought<S> | null]>
  /** `count` entries from a rank on. @example maps.getByRankRange('counts', -3, { return: 'keyValue' }) */
  getByRankRange: ReadRange<S, 'map', [rank: Int<S>]>
  /**
   * `count` entries from the index relative to where a key is or would be.
   * @example maps.getByKeyRelIndexRange('events', 1500, -1, 2)
   */
  getByKeyRelIndexRange: ReadRange<S, 'map', [key: Key<S>, index: Int<S>]>
  /**
   * `count` entries from the rank relative to where a value is or would be.
   * @example maps.getByValueRelRankRange('counts', 50, 0, 1)
   */
  getByValueRelRankRange: ReadRange<S, 'map', [value: Sought<S>, rank: Int<S>]>
  /** Removes the entry with a key. @example maps.removeByKey('profile', 'city') */
  removeByKey: RemoveOne<S, 'map', [key: Key<S>]>
  /** Removes the entry at an index. @example maps.removeByIndex('profile', 0, { return: 'value' }) */
  removeByIndex: RemoveOne<S, 'map', [index: Int<S>]>
  /** Removes the first entry with a value. @example maps.removeFirstByValue('counts', 5, { return: 'value' }) */
  removeFirstByValue: RemoveOne<S, 'map', [value: Sought<S>]>
  /** Removes the entry at a rank of values. @example maps.removeByRank('counts', -1, { return: 'count' }) */
  removeByRank: RemoveOne<S, 'map', [rank: Int<S>]>
  /**
   * Removes the entries with one of several keys.
   * @example maps.removeByKeyList('profile', ['city', 'zip'], { return: 'count' })
   */
  removeByKeyList: RemoveMany<S, 'map', [keys: Keys<S>]>
  /** Removes all entries with a value. @example maps.removeByValue('counts', 5, { return: 'value' }) */
  removeByValue: RemoveMany<S, 'map', [value: Sought<S>]>
  /**
   * Removes all entries with one of several values.
   * @example maps.removeByValueList('counts', [1, 2], { inverted: true })
   */
  removeByValueList: RemoveMany<S, 'map', [values: SoughtList<S>]>
  /**
   * Removes all entries with keys from `begin` up to, but not including, `end`.
   * @example maps.removeByKeyRange('events', 1000, 2000)
   */
  removeByKeyRange: RemoveMany<S, 'map', [begin: Key<S> | null, end: Key<S> | null]>
  /** Removes `count` entries from an index on. @example maps.removeByIndexRange('events', -3, { return: 'count' }) */
  removeByIndexRange: RemoveRange<S, 'map', [index: Int<S>]>
  /**
   * Removes all entries with values from `begin` up to, but not including, `end`.
   * @example maps.removeByValueRange('counts', 10, null)
   */
  removeByValueRange: RemoveMany<S, 'map', [begin: Sought<S> | null, end: Sought<S> | null]>
  /** Removes `count` entries from a rank on. @example maps.removeByRankRange('counts', -3, { return: 'count' }) */
  removeByRankRange: RemoveRange<S, 'map', [rank: Int<S>]>
  /**
   * Removes `count` entries from the index relative to where a key is or would be.
   * @example maps.removeByKeyRelIndexRange('events', 1500, -1, 2)
   */
  removeByKeyRelIndexRange: RemoveRange<S, 'map', [key: Key<S>, index: Int<S>]>
  /**
   * Removes `count` entries from the rank relative to where a value is or would be.
   * @example maps.removeByValueRelRankRange('counts', 50, 0, 1)
   */
  removeByValueRelRankRange: RemoveRange<S, 'map', [value: Sought<S>, rank: Int<S>]>
}

/** What only operations can do. */
export interface MapOperations extends MapCalls<'operation'> {
  /**
   * Creates an empty map, at the end of `ctx` when that is given.
   * @example maps.create('profile', { order: 'keyOrdered' })
   */
  create(bin: string, options?: MapOrderOptions): Operation
  /**
   * Changes the order of a map, creating an empty one when the bin is missing.
   * @example maps.setOrder('profile', { order: 'keyOrdered' })
   */
  setOrder(bin: string, options: MapOrderOptions): Operation
  /**
   * Writes an entry that must not be there. Like `put` with `write: 'create'`.
   * @example maps.add('profile', 'city', 'Bonn')
   */
  add<V>(bin: string, key: Key<'operation'>, value: Stored<'operation', V>, options?: MapOrderOptions): Operation
  /** Writes several entries that must not be there. @example maps.addItems('profile', { city: 'Bonn' }) */
  addItems<V>(bin: string, entries: StoredMap<'operation', V>, options?: MapOrderOptions): Operation
  /**
   * Writes an entry that must be there. Like `put` with `write: 'update'`.
   * @example maps.replace('profile', 'city', 'Bonn')
   */
  replace<V>(bin: string, key: Key<'operation'>, value: Stored<'operation', V>, options?: ContextOptions): Operation
  /** Writes several entries that must be there. @example maps.replaceItems('profile', { city: 'Bonn' }) */
  replaceItems<V>(bin: string, entries: StoredMap<'operation', V>, options?: ContextOptions): Operation
}

/**
 * Operations on maps, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [maps.increment('counts', 'clicks'), maps.getByRank('counts', -1, { return: 'keyValue' })])
 */
export const maps: MapOperations = operationsOf<MapOperations>(MAP_FAMILY)
