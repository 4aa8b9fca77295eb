// List operations: the table of what each is on the wire (protocol 9.5), and what people call.

import { OpCode } from '../protocol.js'
import { operationsOf } from './build.js'
import type {
  ContextOptions,
  Int,
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
  StoredList,
  Style,
  Target,
  Within,
  Writing,
} from './call-types.js'
import type { Operation } from './operation.js'
import { type Family, LIST_FLAGS, LIST_ORDER, LIST_SORT, SELECT, type Signature } from './signature.js'

const POLICY = { options: { ...LIST_ORDER, ...LIST_FLAGS }, tail: ['order', 'flags'], together: true } as const
const FLAGS = { options: LIST_FLAGS, tail: ['flags'] } as const
const ONE = { selects: 'one', options: SELECT.list.one, gives: 'list' } as const
const MANY = { selects: 'many', options: SELECT.list.many, gives: 'list' } as const
const RANGE = { index: 'int', count: 'int?' } as const
const RANKS = { rank: 'int', count: 'int?' } as const
const INTERVAL = { begin: 'begin', end: 'end' } as const
const RELATIVE = { value: 'value', rank: 'int', count: 'int?' } as const
const HERE = { operationOnly: true } as const

/** Every list operation. */
export const LISTS = {
  create: {
    code: 0,
    writes: true,
    args: {},
    options: LIST_ORDER,
    tail: ['order'],
    always: 1,
    gives: 'nil',
    creates: 'list',
    ...HERE,
  },
  setOrder: { code: 0, writes: true, args: {}, options: LIST_ORDER, tail: ['order'], always: 1, gives: 'nil', ...HERE },
  append: { code: 1, writes: true, args: { value: 'value' }, ...POLICY, gives: 'int' },
  appendItems: { code: 2, writes: true, args: { values: 'values' }, ...POLICY, gives: 'int' },
  insert: { code: 3, writes: true, args: { index: 'int', value: 'value' }, ...FLAGS, gives: 'int' },
  insertItems: { code: 4, writes: true, args: { index: 'int', values: 'values' }, ...FLAGS, gives: 'int' },
  pop: { code: 5, writes: true, args: { index: 'int' }, gives: 'list', ...HERE },
  popRange: { code: 6, writes: true, args: RANGE, gives: 'list', ...HERE },
  remove: { code: 7, writes: true, args: { index: 'int' }, gives: 'int', ...HERE },
  removeRange: { code: 8, writes: true, args: RANGE, gives: 'int', ...HERE },
  set: { code: 9, writes: true, args: { index: 'int', value: 'value' }, ...FLAGS, gives: 'nil' },
  trim: { code: 10, writes: true, args: { index: 'int', count: 'int' }, gives: 'int', ...HERE },
  clear: { code: 11, writes: true, args: {}, gives: 'nil' },
  increment: { code: 12, writes: true, args: { index: 'int', delta: 'number?' }, ...POLICY, gives: 'int' },
  sort: { code: 13, writes: true, args: {}, options: LIST_SORT, tail: ['flags'], always: 1, gives: 'nil' },
  size: { code: 16, args: {}, gives: 'int' },
  get: { code: 17, args: { index: 'int' }, gives: 'list', ...HERE },
  getRange: { code: 18, args: RANGE, gives: 'list', ...HERE },
  getByIndex: { code: 19, args: { index: 'int' }, ...ONE },
  getFirstByValue: { code: 20, args: { value: 'value' }, ...ONE },
  getByRank: { code: 21, args: { rank: 'int' }, ...ONE },
  getByValue: { code: 22, args: { value: 'value' }, ...MANY },
  getByValueList: { code: 23, args: { values: 'values' }, ...MANY },
  getByIndexRange: { code: 24, args: RANGE, ...MANY },
  getByValueRange: { code: 25, args: INTERVAL, ...MANY },
  getByRankRange: { code: 26, args: RANKS, ...MANY },
  getByValueRelRankRange: { code: 27, args: RELATIVE, ...MANY },
  removeByIndex: { code: 32, writes: true, args: { index: 'int' }, ...ONE },
  removeFirstByValue: { code: 33, writes: true, args: { value: 'value' }, ...ONE },
  removeByRank: { code: 34, writes: true, args: { rank: 'int' }, ...ONE },
  removeByValue: { code: 35, writes: true, args: { value: 'value' }, ...MANY },
  removeByValueList: { code: 36, writes: true, args: { values: 'values' }, ...MANY },
  removeByIndexRange: { code: 37, writes: true, args: RANGE, ...MANY },
  removeByValueRange: { code: 38, writes: true, args: INTERVAL, ...MANY },
  removeByRankRange: { code: 39, writes: true, args: RANKS, ...MANY },
  removeByValueRelRankRange: { code: 40, writes: true, args: RELATIVE, ...MANY },
} as const satisfies { readonly [name: string]: Signature }

export const LIST_FAMILY: Family = {
  name: 'lists',
  read: OpCode.cdtRead,
  modify: OpCode.cdtModify,
  system: 0,
  target: 'list',
  table: LISTS,
}

/** Order of a list that an operation creates. */
export interface ListOrderOptions extends ContextOptions {
  /** `ordered` keeps the elements sorted; an index then is a rank. Default `unordered`. */
  readonly order?: 'unordered' | 'ordered' | undefined
  /** Keep the index of the list in storage: faster reads of large lists, more space. Default false. */
  readonly persistIndex?: boolean | undefined
}

/** Options of writes at an index. */
export interface ListWriteOptions extends ContextOptions {
  /** Fail (`ElementExistsError`) rather than have a value twice. Default false. */
  readonly addUnique?: boolean | undefined
  /** Fail (`OperationNotApplicableError`) beyond the end rather than fill up with `null`. Default false. */
  readonly insertBounded?: boolean | undefined
  /** Do nothing rather than fail where a flag forbids the write. Default false. */
  readonly noFail?: boolean | undefined
  /** With `noFail`: write those of several values that may be written. Default false. */
  readonly partial?: boolean | undefined
}

/** Options of writes that may create the list. */
export interface ListAddOptions extends ListWriteOptions, ListOrderOptions {}

/** How to sort. */
export interface ListSortOptions extends ContextOptions {
  /** Greatest first. Default false. */
  readonly descending?: boolean | undefined
  /** Keep one of equal elements. Default false. */
  readonly dropDuplicates?: boolean | undefined
}

/**
 * What lists can do, as operations on a bin (`lists`) and as expressions on a list (`exp.lists`). Negative indexes and
 * ranks count from the end; a count that is left out means to the end; an open end of a value range is `null`.
 */
export interface ListCalls<S extends Style> {
  /**
   * Adds a value at the end, or in its place in an ordered list. Gives the new size.
   * @example lists.append('tags', 'new', { addUnique: true, noFail: true })
   */
  append<V, B extends 'list' | 'map' = 'list'>(
    list: Target<S, B>,
    value: Stored<S, V>,
    options?: ListAddOptions,
  ): Writing<S, B>
  /** Adds several values at the end. Gives the new size. @example lists.appendItems('tags', ['a', 'b']) */
  appendItems<V, B extends 'list' | 'map' = 'list'>(
    list: Target<S, B>,
    values: StoredList<S, V>,
    options?: ListAddOptions,
  ): Writing<S, B>
  /**
   * Inserts a value before an index; beyond the end the list is filled up with `null`. Gives the new size.
   * @example lists.insert('queue', 0, 'first')
   */
  insert<V, B extends 'list' | 'map' = 'list'>(
    list: Target<S, B>,
    index: Int<S>,
    value: Stored<S, V>,
    options?: ListWriteOptions,
  ): Writing<S, B>
  /** Inserts several values before an index. Gives the new size. @example lists.insertItems('queue', 0, ['a', 'b']) */
  insertItems<V, B extends 'list' | 'map' = 'list'>(
    list: Target<S, B>,
    index: Int<S>,
    values: StoredList<S, V>,
    options?: ListWriteOptions,
  ): Writing<S, B>
  /** Replaces the element at an index. @example lists.set('scores', 0, 100) */
  set<V, B extends 'list' | 'map' = 'list'>(
    list: Target<S, B>,
    index: Int<S>,
    value: Stored<S, V>,
    options?: ListWriteOptions,
  ): Writing<S, B>
  /** Adds to the number at an index, by default 1. Gives the new value. @example lists.increment('scores', 0, 5) */
  increment<B extends 'list' | 'map' = 'list'>(
    list: Target<S, B>,
    index: Int<S>,
    delta?: Numeric<S>,
    options?: ListAddOptions,
  ): Writing<S, B>
  /** Sorts the list once; it stays unordered. @example lists.sort('scores', { descending: true, dropDuplicates: true }) */
  sort<B extends 'list' | 'map' = 'list'>(list: Target<S, B>, options?: ListSortOptions): Writing<S, B>
  /** Removes all elements; the order stays. @example lists.clear('queue') */
  clear<B extends 'list' | 'map' = 'list'>(list: Target<S, B>, options?: ContextOptions): Writing<S, B>
  /** The number of elements. @example lists.size('tags') */
  size(list: Within<S>, options?: ContextOptions): Reading<S, 'int'>
  /** The element at an index. @example lists.getByIndex('queue', -1) */
  getByIndex: ReadOne<S, 'list', [index: Int<S>]>
  /**
   * The first element equal to a value; its index when that is what is to be returned.
   * @example lists.getFirstByValue('tags', 'new', { return: 'index' })
   */
  getFirstByValue: ReadOne<S, 'list', [value: Sought<S>]>
  /** The element at a rank: 0 is the smallest, -1 the greatest. @example lists.getByRank('scores', -1) */
  getByRank: ReadOne<S, 'list', [rank: Int<S>]>
  /** All elements equal to a value. @example lists.getByValue('tags', 'new', { return: 'count' }) */
  getByValue: ReadMany<S, 'list', [value: Sought<S>]>
  /** All elements equal to one of several values. @example lists.getByValueList('tags', ['a', 'b'], { inverted: true }) */
  getByValueList: ReadMany<S, 'list', [values: SoughtList<S>]>
  /** `count` elements from an index on. @example lists.getByIndexRange('queue', -3) */
  getByIndexRange: ReadRange<S, 'list', [index: Int<S>]>
  /** All elements from `begin` up to, but not including, `end`. @example lists.getByValueRange('scores', 10, 20) */
  getByValueRange: ReadMany<S, 'list', [begin: Sought<S> | null, end: Sought<S> | null]>
  /** `count` elements from a rank on. @example lists.getByRankRange('scores', -3, { return: 'value' }) */
  getByRankRange: ReadRange<S, 'list', [rank: Int<S>]>
  /**
   * `count` elements from the rank relative to where a value is or would be.
   * @example lists.getByValueRelRankRange('scores', 50, -1, 2)
   */
  getByValueRelRankRange: ReadRange<S, 'list', [value: Sought<S>, rank: Int<S>]>
  /** Removes the element at an index. @example lists.removeByIndex('queue', 0, { return: 'value' }) */
  removeByIndex: RemoveOne<S, 'list', [index: Int<S>]>
  /** Removes the first element equal to a value. @example lists.removeFirstByValue('tags', 'old') */
  removeFirstByValue: RemoveOne<S, 'list', [value: Sought<S>]>
  /** Removes the element at a rank. @example lists.removeByRank('scores', 0) */
  removeByRank: RemoveOne<S, 'list', [rank: Int<S>]>
  /** Removes all elements equal to a value. @example lists.removeByValue('tags', 'old', { return: 'count' }) */
  removeByValue: RemoveMany<S, 'list', [value: Sought<S>]>
  /** Removes all elements equal to one of several values. @example lists.removeByValueList('tags', ['a', 'b']) */
  removeByValueList: RemoveMany<S, 'list', [values: SoughtList<S>]>
  /** Removes `count` elements from an index on. @example lists.removeByIndexRange('queue', 0, 2) */
  removeByIndexRange: RemoveRange<S, 'list', [index: Int<S>]>
  /**
   * Removes all elements from `begin` up to, but not including, `end`.
   * @example lists.removeByValueRange('scores', null, 10)
   */
  removeByValueRange: RemoveMany<S, 'list', [begin: Sought<S> | null, end: Sought<S> | null]>
  /** Removes `count` elements from a rank on. @example lists.removeByRankRange('scores', -3, { inverted: true }) */
  removeByRankRange: RemoveRange<S, 'list', [rank: Int<S>]>
  /**
   * Removes `count` elements from the rank relative to where a value is or would be.
   * @example lists.removeByValueRelRankRange('scores', 50, 0)
   */
  removeByValueRelRankRange: RemoveRange<S, 'list', [value: Sought<S>, rank: Int<S>]>
}

/** What only operations can do. */
export interface ListOperations extends ListCalls<'operation'> {
  /**
   * Creates an empty list, at the end of `ctx` when that is given; `padded` fills the list around it up with `null`.
   * @example lists.create('events', { order: 'ordered' })
   */
  create(bin: string, options?: ListOrderOptions & { readonly padded?: boolean | undefined }): Operation
  /** Makes a list ordered (sorting it) or unordered. @example lists.setOrder('scores', { order: 'ordered' }) */
  setOrder(bin: string, options: ListOrderOptions): Operation
  /** The element at an index; fails (`OperationNotApplicableError`) beyond the end. @example lists.get('queue', 0) */
  get(bin: string, index: number | bigint, options?: ContextOptions): Operation
  /** `count` elements from an index on. @example lists.getRange('queue', 0, 10) */
  getRange(bin: string, index: number | bigint, count?: number | bigint, options?: ContextOptions): Operation
  getRange(bin: string, index: number | bigint, options: ContextOptions): Operation
  /** Removes the element at an index and gives it. @example lists.pop('queue', 0) */
  pop(bin: string, index: number | bigint, options?: ContextOptions): Operation
  /** Removes `count` elements from an index on and gives them. @example lists.popRange('queue', 0, 10) */
  popRange(bin: string, index: number | bigint, count?: number | bigint, options?: ContextOptions): Operation
  popRange(bin: string, index: number | bigint, options: ContextOptions): Operation
  /** Removes the element at an index. Gives the number removed. @example lists.remove('queue', -1) */
  remove(bin: string, index: number | bigint, options?: ContextOptions): Operation
  /** Removes `count` elements from an index on. Gives the number removed. @example lists.removeRange('queue', 10) */
  removeRange(bin: string, index: number | bigint, count?: number | bigint, options?: ContextOptions): Operation
  removeRange(bin: string, index: number | bigint, options: ContextOptions): Operation
  /**
   * Removes everything outside `count` elements from an index on. Gives the number removed.
   * @example lists.trim('recent', 0, 100)
   */
  trim(bin: string, index: number | bigint, count: number | bigint, options?: ContextOptions): Operation
}

/**
 * Operations on lists, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [lists.append('tags', 'new'), lists.size('tags')])
 */
export const lists: ListOperations = operationsOf<ListOperations>(LIST_FAMILY)
