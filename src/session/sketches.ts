// What can be done with a HyperLogLog and with bytes in one line: the operations of `hll` and `bits`, with what they answer.

import type { BitCalls } from '../operations/bits.js'
import type { ContextOptions } from '../operations/call-types.js'
import type { HllCreateOptions, HllUnionOptions } from '../operations/hll.js'
import type { Operation } from '../operations/operation.js'
import type { Value } from '../values/values.js'
import type { HyperLogLog } from '../values/wrappers.js'
import type { Answered } from './answers.js'

/** Reads of a sketch. */
export interface SketchReads<S, N extends string> {
  /** Estimates how many different values were added. */
  getCount(options?: ContextOptions): Answered<S, N, number>
  /** The union of the sketch and others. */
  getUnion(sketches: readonly HyperLogLog[], options?: ContextOptions): Answered<S, N, HyperLogLog>
  /** Estimates the size of the union with others. */
  getUnionCount(sketches: readonly HyperLogLog[], options?: ContextOptions): Answered<S, N, number>
  /** Estimates the size of the intersection with others. */
  getIntersectCount(sketches: readonly HyperLogLog[], options?: ContextOptions): Answered<S, N, number>
  /** Estimates the similarity to others, 0 to 1. */
  getSimilarity(sketches: readonly HyperLogLog[], options?: ContextOptions): Answered<S, N, number>
  /** `[index bits, minhash bits]`. */
  describe(options?: ContextOptions): Answered<S, N, number[]>
  /** 1 when all values may have been added, 0 when one certainly was not. */
  mayContain(values: readonly Value[], options?: ContextOptions): Answered<S, N, number>
}

/** Reads and writes of a sketch. */
export interface SketchWrites<S, N extends string> extends SketchReads<S, N> {
  /** Creates an empty sketch, or empties the one that is there. */
  init(options?: HllCreateOptions): Answered<S, N, null>
  /** Adds values. Answers how many registers changed. */
  add(values: readonly Value[], options?: HllCreateOptions): Answered<S, N, number>
  /** Makes the sketch the union of itself and others. */
  setUnion(sketches: readonly HyperLogLog[], options?: HllUnionOptions): Answered<S, N, null>
  /** Counts anew and keeps the count in the sketch. Answers it. */
  refreshCount(options?: ContextOptions): Answered<S, N, number>
  /** Reduces the sketch to fewer index bits. */
  fold(indexBits: number, options?: ContextOptions): Answered<S, N, null>
}

type BitReads = 'get' | 'getInt' | 'count' | 'lscan' | 'rscan'
type BitAnswer<M> = M extends 'get' ? Uint8Array : M extends BitReads ? number : null

/** Operations on bytes: those that read, and with `W` those that write. */
export type BitsOf<S, N extends string, W extends boolean> = {
  readonly [M in W extends true ? keyof BitCalls<'operation'> : BitReads]: BitCalls<'operation'>[M] extends (
    bin: string,
    ...args: infer Args
  ) => Operation
    ? (...args: Args) => Answered<S, N, BitAnswer<M>>
    : never
}
