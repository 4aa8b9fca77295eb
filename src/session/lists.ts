// What can be done with a list in one line: `session.upsert(key).bin('tags').list.append('x')`. The operations are those of
// `lists`; here are their types for a list whose elements are known, and what they answer.

import type { ContextOptions, ListReturn, ManyOptions } from '../operations/call-types.js'
import type { ListAddOptions, ListOrderOptions, ListSortOptions, ListWriteOptions } from '../operations/lists.js'
import type { Answered } from './answers.js'

/** What a selection of one element of a list answers. */
export type ElementOf<R, E> = R extends 'value'
  ? E
  : R extends 'exists'
    ? boolean
    : R extends 'none'
      ? null
      : R extends `${string}Range`
        ? readonly [from: number, count: number]
        : number

/** What a selection of many elements of a list answers. */
export type ElementsOf<R, E> = R extends 'value'
  ? E[]
  : R extends 'exists'
    ? boolean
    : R extends 'none'
      ? null
      : R extends 'count'
        ? number
        : R extends `${string}Range`
          ? readonly [from: number, count: number]
          : number[]

/** Options of selections of one element. */
export interface ElementOptions<R> extends ContextOptions {
  /** What is answered about it. Default `value` for reads, `none` for removals. */
  readonly return?: R | undefined
}

/** Reads of a list of `E`. `S` is the step they belong to, `N` the bin. */
export interface ListReads<E, S, N extends string> {
  /** The number of elements. */
  size(options?: ContextOptions): Answered<S, N, number>
  /** The element at an index, as the classic clients ask for it: an index out of range is an error. */
  get(index: number, options?: ContextOptions): Answered<S, N, E>
  /** `count` elements from an index on, or all to the end, as the classic clients ask for them. */
  getRange(index: number, count?: number, options?: ContextOptions): Answered<S, N, E[]>
  /** The element at an index; negative ones count from the end. */
  getByIndex<R extends ListReturn = 'value'>(
    index: number,
    options?: ElementOptions<R>,
  ): Answered<S, N, ElementOf<R, E>>
  /** `count` elements from an index on. */
  getByIndexRange<R extends ListReturn = 'value'>(
    index: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** The element at a rank: 0 is the smallest, -1 the greatest. */
  getByRank<R extends ListReturn = 'value'>(rank: number, options?: ElementOptions<R>): Answered<S, N, ElementOf<R, E>>
  /** `count` elements from a rank on. */
  getByRankRange<R extends ListReturn = 'value'>(
    rank: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** The first element equal to a value. */
  getFirstByValue<R extends ListReturn = 'value'>(
    value: NoInfer<E>,
    options?: ElementOptions<R>,
  ): Answered<S, N, ElementOf<R, E>>
  /** All elements equal to a value. */
  getByValue<R extends ListReturn = 'value'>(
    value: NoInfer<E>,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** All elements equal to one of several values. */
  getByValueList<R extends ListReturn = 'value'>(
    values: readonly NoInfer<E>[],
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** All elements from `begin` up to, but not including, `end`; `null` for an open end. */
  getByValueRange<R extends ListReturn = 'value'>(
    begin: NoInfer<E> | null,
    end: NoInfer<E> | null,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** `count` elements from the rank relative to where a value is or would be. */
  getByValueRelRankRange<R extends ListReturn = 'value'>(
    value: NoInfer<E>,
    rank: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
}

/** Reads and writes of a list of `E`. */
export interface ListWrites<E, S, N extends string> extends ListReads<E, S, N> {
  /** Creates an empty list. */
  create(options?: ListOrderOptions): Answered<S, N, null>
  /** Changes the order of the list. */
  setOrder(options: ListOrderOptions): Answered<S, N, null>
  /** Adds a value at the end, or in its place in an ordered list. Answers the new size. */
  append(value: NoInfer<E>, options?: ListAddOptions): Answered<S, N, number>
  /** Adds several values at the end. Answers the new size. */
  appendItems(values: readonly NoInfer<E>[], options?: ListAddOptions): Answered<S, N, number>
  /** Inserts a value before an index. Answers the new size. */
  insert(index: number, value: NoInfer<E>, options?: ListWriteOptions): Answered<S, N, number>
  /** Inserts several values before an index. Answers the new size. */
  insertItems(index: number, values: readonly NoInfer<E>[], options?: ListWriteOptions): Answered<S, N, number>
  /** Replaces the element at an index. */
  set(index: number, value: NoInfer<E>, options?: ListWriteOptions): Answered<S, N, null>
  /** Adds to the number at an index, by default 1. Answers the new value. */
  increment(index: number, delta?: number | bigint, options?: ListAddOptions): Answered<S, N, number>
  /** Sorts the list once; it stays unordered. */
  sort(options?: ListSortOptions): Answered<S, N, null>
  /** Removes all elements. */
  clear(options?: ContextOptions): Answered<S, N, null>
  /** Removes the element at an index, and answers it. */
  pop(index: number, options?: ContextOptions): Answered<S, N, E>
  /** Removes `count` elements from an index on, or all to the end, and answers them. */
  popRange(index: number, count?: number, options?: ContextOptions): Answered<S, N, E[]>
  /** Removes the element at an index. Answers how many were removed. */
  remove(index: number, options?: ContextOptions): Answered<S, N, number>
  /** Removes `count` elements from an index on, or all to the end. Answers how many were removed. */
  removeRange(index: number, count?: number, options?: ContextOptions): Answered<S, N, number>
  /** Keeps `count` elements from an index on and removes the others. Answers how many were removed. */
  trim(index: number, count: number, options?: ContextOptions): Answered<S, N, number>
  /** Removes the element at an index. */
  removeByIndex<R extends ListReturn = 'none'>(
    index: number,
    options?: ElementOptions<R>,
  ): Answered<S, N, ElementOf<R, E>>
  /** Removes `count` elements from an index on. */
  removeByIndexRange<R extends ListReturn = 'none'>(
    index: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** Removes the element at a rank. */
  removeByRank<R extends ListReturn = 'none'>(
    rank: number,
    options?: ElementOptions<R>,
  ): Answered<S, N, ElementOf<R, E>>
  /** Removes `count` elements from a rank on. */
  removeByRankRange<R extends ListReturn = 'none'>(
    rank: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** Removes the first element equal to a value. */
  removeFirstByValue<R extends ListReturn = 'none'>(
    value: NoInfer<E>,
    options?: ElementOptions<R>,
  ): Answered<S, N, ElementOf<R, E>>
  /** Removes all elements equal to a value. */
  removeByValue<R extends ListReturn = 'none'>(
    value: NoInfer<E>,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** Removes all elements equal to one of several values. */
  removeByValueList<R extends ListReturn = 'none'>(
    values: readonly NoInfer<E>[],
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** Removes all elements from `begin` up to, but not including, `end`. */
  removeByValueRange<R extends ListReturn = 'none'>(
    begin: NoInfer<E> | null,
    end: NoInfer<E> | null,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
  /** Removes `count` elements from the rank relative to where a value is or would be. */
  removeByValueRelRankRange<R extends ListReturn = 'none'>(
    value: NoInfer<E>,
    rank: number,
    count?: number,
    options?: ManyOptions<R>,
  ): Answered<S, N, ElementsOf<R, E>>
}
