// What a row in the tables of list, map, bit and HyperLogLog operations says, and the options that rows share.
// Builders, expressions, documentation and tests read the same rows.

import type { Type } from '../values/expression.js'

/** What an argument must be; with `?` it may be left out. `begin` and `end` may be `null`: from the least, to the last. */
export type Kind =
  | 'int'
  | 'int?'
  | 'number'
  | 'number?'
  | 'value'
  | 'mapKey'
  | 'values'
  | 'entries'
  | 'begin'
  | 'end'
  | 'bytes'
  | 'bool'
  | 'sketches'

/** Places after the arguments that options fill; `returns` is before them. */
export type Slot = 'returns' | 'order' | 'flags' | 'subflags' | 'indexBits' | 'minhashBits'

/** An option of an operation: where it goes, and which bits its values are. */
export interface Option {
  readonly slot: Slot
  /** Named values and their bits; without names the option is `true` or `false`, or a number. */
  readonly names?: { readonly [name: string]: number }
  /** Bits of `true`. */
  readonly bits?: number
  /** Range of a number. */
  readonly range?: readonly [least: number, most: number]
}

export interface Options {
  readonly [name: string]: Option
}

/** One operation. */
export interface Signature {
  /** Op-code inside the call. */
  readonly code: number
  readonly writes?: true
  /** Arguments in the order of the call and of the wire. */
  readonly args: { readonly [name: string]: Kind }
  /** Takes option `return`: of one element, or of many. */
  readonly selects?: 'one' | 'many'
  readonly options?: Options
  /** Slots after the arguments. */
  readonly tail?: readonly Slot[]
  /** How many of `tail` operations write even when no option asks for them (as the classic clients do). */
  readonly always?: number
  /** When any slot of `tail` is asked for, all of them are written. */
  readonly together?: true
  /** Type of the answer where option `return` does not decide. In expressions, writes give the whole collection instead. */
  readonly gives: Type
  /** Creates the container at the end of option `ctx`. */
  readonly creates?: 'list' | 'map'
  /** Works on the bin itself: servers know no way to a value inside of it. */
  readonly wholeBin?: true
  /** Not part of expressions. */
  readonly operationOnly?: true
}

/** A family of operations. */
export interface Family {
  /** What the functions are called by: `lists`. */
  readonly name: string
  /** Op-codes of the command (protocol 2.8). */
  readonly read: number
  readonly modify: number
  /** Number of the family in expressions (protocol 10.3). */
  readonly system: number
  /** What a call works on, in expressions. */
  readonly target: Type
  readonly table: { readonly [operation: string]: Signature }
}

/** Operations of which none takes a context. */
export function wholeBins(table: Family['table']): Family['table'] {
  return Object.fromEntries(Object.entries(table).map(([name, row]) => [name, { ...row, wholeBin: true as const }]))
}

/** Values of option `return`, and what they result in for one element and for many (protocol 9.4). */
export const RETURNS: {
  readonly [name: string]: { readonly code: number; readonly one: Type | 'element'; readonly many: Type }
} = {
  none: { code: 0, one: 'nil', many: 'nil' },
  index: { code: 1, one: 'int', many: 'list' },
  reverseIndex: { code: 2, one: 'int', many: 'list' },
  rank: { code: 3, one: 'int', many: 'list' },
  reverseRank: { code: 4, one: 'int', many: 'list' },
  count: { code: 5, one: 'int', many: 'int' },
  key: { code: 6, one: 'element', many: 'list' },
  value: { code: 7, one: 'element', many: 'list' },
  keyValue: { code: 8, one: 'map', many: 'map' },
  indexRange: { code: 9, one: 'list', many: 'list' },
  reverseIndexRange: { code: 10, one: 'list', many: 'list' },
  rankRange: { code: 11, one: 'list', many: 'list' },
  reverseRankRange: { code: 12, one: 'list', many: 'list' },
  exists: { code: 13, one: 'bool', many: 'bool' },
  unorderedMap: { code: 16, one: 'map', many: 'map' },
  orderedMap: { code: 17, one: 'map', many: 'map' },
}

const MAP_ONLY = new Set(['key', 'keyValue', 'unorderedMap', 'orderedMap'])
const codes = (names: readonly string[]): { [name: string]: number } =>
  Object.fromEntries(names.map((name) => [name, RETURNS[name]?.code ?? 0]))
const MAP_RETURNS: Option = { slot: 'returns', names: codes(Object.keys(RETURNS)) }
const LIST_RETURNS: Option = {
  slot: 'returns',
  names: codes(Object.keys(RETURNS).filter((name) => !MAP_ONLY.has(name))),
}

/** Bit of an inverted selection. */
const INVERTED: Option = { slot: 'returns', bits: 0x10000 }

/** Options of selections. */
export const SELECT = {
  list: { one: { return: LIST_RETURNS }, many: { return: LIST_RETURNS, inverted: INVERTED } },
  map: { one: { return: MAP_RETURNS }, many: { return: MAP_RETURNS, inverted: INVERTED } },
} as const

const flag = (bits: number, slot: Slot = 'flags'): Option => ({ slot, bits })

export const NO_FAIL = { noFail: flag(4) }
const PARTIAL = { noFail: flag(4), partial: flag(8) }
const WRITE: Option = { slot: 'flags', names: { createOrUpdate: 0, create: 1, update: 2 } }
const PERSIST_INDEX = flag(0x10, 'order')

/** Options of list writes: `order` counts when the list is created. */
export const LIST_ORDER: Options = {
  order: { slot: 'order', names: { unordered: 0, ordered: 1 } },
  persistIndex: PERSIST_INDEX,
}
export const LIST_FLAGS: Options = { addUnique: flag(1), insertBounded: flag(2), ...PARTIAL }
export const LIST_SORT: Options = { descending: flag(1), dropDuplicates: flag(2) }

/** Options of map writes: `order` counts when the map is created. */
export const MAP_ORDER: Options = {
  order: { slot: 'order', names: { unordered: 0, keyOrdered: 1, keyValueOrdered: 3 } },
  persistIndex: PERSIST_INDEX,
}
export const MAP_FLAGS: Options = { write: WRITE, ...PARTIAL }

/** Options of bit writes. */
export const BIT_FLAGS: Options = { write: WRITE, ...PARTIAL }
export const BIT_RESIZE: Options = {
  ...BIT_FLAGS,
  fromFront: flag(1, 'subflags'),
  resize: { slot: 'subflags', names: { any: 0, growOnly: 2, shrinkOnly: 4 } },
}
export const BIT_ARITHMETIC: Options = {
  ...BIT_FLAGS,
  signed: flag(1, 'subflags'),
  overflow: { slot: 'subflags', names: { fail: 0, saturate: 2, wrap: 4 } },
}
export const BIT_SIGNED: Options = { signed: flag(1, 'subflags') }

/** Options of HyperLogLog writes. */
export const HLL_FLAGS: Options = { write: WRITE, ...NO_FAIL }
export const HLL_UNION: Options = { ...HLL_FLAGS, allowFold: flag(8) }
export const HLL_BITS: Options = {
  indexBits: { slot: 'indexBits', range: [4, 16] },
  minhashBits: { slot: 'minhashBits', range: [0, 51] },
  ...HLL_FLAGS,
}
