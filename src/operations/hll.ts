// HyperLogLog operations: the table of what each is on the wire (protocol 9.10), and what people call.

import { OpCode } from '../protocol.js'
import type { Exp } from '../values/expression.js'
import type { HyperLogLog } from '../values/wrappers.js'
import { operationsOf } from './build.js'
import type {
  Int,
  Reading,
  StoredList,
  Style,
  Target,
  WholeBinOptions,
  WholeBinWriteOptions,
  Writing,
} from './call-types.js'
import { type Family, HLL_BITS, HLL_UNION, type Signature, wholeBins } from './signature.js'

const SHAPE = { options: HLL_BITS, tail: ['indexBits', 'minhashBits', 'flags'], always: 3 } as const
const OTHERS = { sketches: 'sketches' } as const

/** Every HyperLogLog operation. */
export const HLL = {
  init: { code: 0, writes: true, args: {}, ...SHAPE, gives: 'nil' },
  add: { code: 1, writes: true, args: { values: 'values' }, ...SHAPE, gives: 'int' },
  setUnion: { code: 2, writes: true, args: OTHERS, options: HLL_UNION, tail: ['flags'], always: 1, gives: 'nil' },
  refreshCount: { code: 3, writes: true, args: {}, gives: 'int' },
  fold: { code: 4, writes: true, args: { indexBits: 'int' }, gives: 'nil' },
  getCount: { code: 50, args: {}, gives: 'int' },
  getUnion: { code: 51, args: OTHERS, gives: 'hll' },
  getUnionCount: { code: 52, args: OTHERS, gives: 'int' },
  getIntersectCount: { code: 53, args: OTHERS, gives: 'int' },
  getSimilarity: { code: 54, args: OTHERS, gives: 'float' },
  describe: { code: 55, args: {}, gives: 'list' },
  mayContain: { code: 56, args: { values: 'values' }, gives: 'int' },
} as const satisfies { readonly [name: string]: Signature }

export const HLL_FAMILY: Family = {
  name: 'hll',
  read: OpCode.hllRead,
  modify: OpCode.hllModify,
  system: 2,
  target: 'hll',
  table: wholeBins(HLL),
}

/** Options of HyperLogLog writes. */
export type HllWriteOptions = WholeBinWriteOptions

/** Options of writes that may create a sketch. */
export interface HllCreateOptions extends HllWriteOptions {
  /**
   * 4 to 16: a sketch has 2 to that power registers. The error of a count is 1.04 / sqrt(registers). Needed to create
   * one.
   */
  readonly indexBits?: number | undefined
  /** 0 or 4 to 51: bits of a hash kept for similarity and intersections; at most 64 with `indexBits`. Default 0. */
  readonly minhashBits?: number | undefined
}

/** Options of `hll.setUnion`. */
export interface HllUnionOptions extends HllWriteOptions {
  /** Reduce the sketch when another one is smaller, rather than fail. Default false. */
  readonly allowFold?: boolean | undefined
}

/** Other sketches; in an expression also one that stands for a list of it: `exp.bin.hll('yesterday')`. */
type Sketches<S extends Style> = readonly HyperLogLog[] | (S extends 'expression' ? Exp<'list'> | Exp<'hll'> : never)

/** What HyperLogLogs can do, as operations on a bin (`hll`) and as expressions (`exp.hll`). */
export interface HllCalls<S extends Style> {
  /** Creates an empty sketch, or empties the one that is there. @example hll.init('visitors', { indexBits: 12 }) */
  init(sketch: Target<S, 'hll'>, options?: HllCreateOptions): Writing<S, 'hll'>
  /** Adds values; gives how many registers changed. @example hll.add('visitors', ['alice', 'bob'], { indexBits: 12 }) */
  add<V>(sketch: Target<S, 'hll'>, values: StoredList<S, V>, options?: HllCreateOptions): Writing<S, 'hll'>
  /**
   * Makes the sketch the union of itself and others.
   * @example hll.setUnion('all', [monday, tuesday], { allowFold: true })
   */
  setUnion(sketch: Target<S, 'hll'>, sketches: Sketches<S>, options?: HllUnionOptions): Writing<S, 'hll'>
  /** Counts anew and keeps the count in the sketch; gives it. @example hll.refreshCount('visitors') */
  refreshCount(sketch: Target<S, 'hll'>, options?: WholeBinOptions): Writing<S, 'hll'>
  /** Reduces the sketch to fewer index bits. @example hll.fold('visitors', 8) */
  fold(sketch: Target<S, 'hll'>, indexBits: Int<S>, options?: WholeBinOptions): Writing<S, 'hll'>
  /** Estimates how many different values were added. @example hll.getCount('visitors') */
  getCount(sketch: Target<S, 'hll'>, options?: WholeBinOptions): Reading<S, 'int'>
  /** The union of the sketch and others. @example hll.getUnion('visitors', [yesterday]) */
  getUnion(sketch: Target<S, 'hll'>, sketches: Sketches<S>, options?: WholeBinOptions): Reading<S, 'hll'>
  /** Estimates the size of the union with others. @example hll.getUnionCount('visitors', [yesterday]) */
  getUnionCount(sketch: Target<S, 'hll'>, sketches: Sketches<S>, options?: WholeBinOptions): Reading<S, 'int'>
  /**
   * Estimates the size of the intersection with others: at most two, or more when all have minhash bits.
   * @example hll.getIntersectCount('visitors', [yesterday])
   */
  getIntersectCount(sketch: Target<S, 'hll'>, sketches: Sketches<S>, options?: WholeBinOptions): Reading<S, 'int'>
  /** Estimates the similarity to others, 0 to 1. @example hll.getSimilarity('visitors', [yesterday]) */
  getSimilarity(sketch: Target<S, 'hll'>, sketches: Sketches<S>, options?: WholeBinOptions): Reading<S, 'float'>
  /** `[index bits, minhash bits]`. @example hll.describe('visitors') */
  describe(sketch: Target<S, 'hll'>, options?: WholeBinOptions): Reading<S, 'list'>
  /** 1 when all values may have been added, 0 when one certainly was not. @example hll.mayContain('visitors', ['alice']) */
  mayContain<V>(sketch: Target<S, 'hll'>, values: StoredList<S, V>, options?: WholeBinOptions): Reading<S, 'int'>
}

/**
 * Operations on HyperLogLogs, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [hll.add('visitors', ['alice'], { indexBits: 12 }), hll.getCount('visitors')])
 */
export const hll: HllCalls<'operation'> = operationsOf<HllCalls<'operation'>>(HLL_FAMILY)
