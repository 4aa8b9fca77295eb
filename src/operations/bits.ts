// Bit operations on bytes: the table of what each is on the wire (protocol 9.9), and what people call.

import { OpCode } from '../protocol.js'
import type { Type } from '../values/expression.js'
import { operationsOf } from './build.js'
import type {
  Bool,
  Bytes,
  Int,
  Reading,
  Style,
  Target,
  WholeBinOptions,
  WholeBinWriteOptions,
  Writing,
} from './call-types.js'
import {
  BIT_ARITHMETIC,
  BIT_FLAGS,
  BIT_RESIZE,
  BIT_SIGNED,
  type Family,
  type Signature,
  wholeBins,
} from './signature.js'

const FLAGS = { options: BIT_FLAGS, tail: ['flags'], always: 1 } as const
const BITS_AT = { offset: 'int', size: 'int' } as const

/** Every bit operation. */
export const BITS = {
  resize: {
    code: 0,
    writes: true,
    args: { size: 'int' },
    options: BIT_RESIZE,
    tail: ['flags', 'subflags'],
    always: 2,
    gives: 'nil',
  },
  insert: { code: 1, writes: true, args: { offset: 'int', bytes: 'bytes' }, ...FLAGS, gives: 'nil' },
  remove: { code: 2, writes: true, args: BITS_AT, ...FLAGS, gives: 'nil' },
  set: { code: 3, writes: true, args: { ...BITS_AT, bytes: 'bytes' }, ...FLAGS, gives: 'nil' },
  or: { code: 4, writes: true, args: { ...BITS_AT, bytes: 'bytes' }, ...FLAGS, gives: 'nil' },
  xor: { code: 5, writes: true, args: { ...BITS_AT, bytes: 'bytes' }, ...FLAGS, gives: 'nil' },
  and: { code: 6, writes: true, args: { ...BITS_AT, bytes: 'bytes' }, ...FLAGS, gives: 'nil' },
  not: { code: 7, writes: true, args: BITS_AT, ...FLAGS, gives: 'nil' },
  lshift: { code: 8, writes: true, args: { ...BITS_AT, shift: 'int' }, ...FLAGS, gives: 'nil' },
  rshift: { code: 9, writes: true, args: { ...BITS_AT, shift: 'int' }, ...FLAGS, gives: 'nil' },
  add: {
    code: 10,
    writes: true,
    args: { ...BITS_AT, value: 'int' },
    options: BIT_ARITHMETIC,
    tail: ['flags', 'subflags'],
    always: 2,
    gives: 'nil',
  },
  subtract: {
    code: 11,
    writes: true,
    args: { ...BITS_AT, value: 'int' },
    options: BIT_ARITHMETIC,
    tail: ['flags', 'subflags'],
    always: 2,
    gives: 'nil',
  },
  setInt: { code: 12, writes: true, args: { ...BITS_AT, value: 'int' }, ...FLAGS, gives: 'nil' },
  get: { code: 50, args: BITS_AT, gives: 'blob' },
  count: { code: 51, args: BITS_AT, gives: 'int' },
  lscan: { code: 52, args: { ...BITS_AT, value: 'bool' }, gives: 'int' },
  rscan: { code: 53, args: { ...BITS_AT, value: 'bool' }, gives: 'int' },
  getInt: { code: 54, args: BITS_AT, options: BIT_SIGNED, tail: ['subflags'], gives: 'int' },
} as const satisfies { readonly [name: string]: Signature }

export const BIT_FAMILY: Family = {
  name: 'bits',
  read: OpCode.bitsRead,
  modify: OpCode.bitsModify,
  system: 1,
  target: 'blob',
  table: wholeBins(BITS),
}

/** Options of bit writes. */
export interface BitWriteOptions extends WholeBinWriteOptions {
  /** With `noFail`: work on the bits that are there when some are beyond the end. Default false. */
  readonly partial?: boolean | undefined
}

/** Options of `bits.resize`. */
export interface BitResizeOptions extends BitWriteOptions {
  /** Add or remove bytes at the front. Default false: at the end. */
  readonly fromFront?: boolean | undefined
  /** Fail rather than shrink (`growOnly`) or grow (`shrinkOnly`). Default `any`. */
  readonly resize?: 'any' | 'growOnly' | 'shrinkOnly' | undefined
}

/** Options of `bits.add` and `bits.subtract`. */
export interface BitArithmeticOptions extends BitWriteOptions {
  /** The bits are a signed number. Default false. */
  readonly signed?: boolean | undefined
  /** What happens when the result does not fit: `fail` (default), `saturate` or `wrap`. */
  readonly overflow?: 'fail' | 'saturate' | 'wrap' | undefined
}

/** A change of bytes. */
type Changes<S extends Style, Given extends readonly unknown[], Options = BitWriteOptions> = (
  bytes: Target<S, 'blob'>,
  ...given: [...Given, options?: Options]
) => Writing<S, 'blob'>

/** A read of bits. */
type Reads<S extends Style, T extends Type, Given extends readonly unknown[], Options = WholeBinOptions> = (
  bytes: Target<S, 'blob'>,
  ...given: [...Given, options?: Options]
) => Reading<S, T>

/**
 * What can be done with the bits of bytes, as operations on a bin (`bits`) and as expressions (`exp.bits`). Bit 0 is the most
 * significant bit of the first byte; negative offsets count from the end. Writes give nothing; in expressions the changed bytes.
 */
export interface BitCalls<S extends Style> {
  /** Makes the bytes `size` long; a missing bin is created. @example bits.resize('flags', 8, { resize: 'growOnly' }) */
  resize: Changes<S, [size: Int<S>], BitResizeOptions>
  /** Inserts bytes before a byte. @example bits.insert('flags', 1, Buffer.of(0xff)) */
  insert: Changes<S, [offset: Int<S>, inserted: Bytes<S>]>
  /** Removes `size` bytes from a byte on. @example bits.remove('flags', 0, 2) */
  remove: Changes<S, [offset: Int<S>, size: Int<S>]>
  /** Overwrites `size` bits from a bit on. @example bits.set('flags', 13, 3, Buffer.of(0xe0)) */
  set: Changes<S, [offset: Int<S>, size: Int<S>, value: Bytes<S>]>
  /** Overwrites `size` bits, at most 64, with an integer. @example bits.setInt('flags', 8, 16, 1000) */
  setInt: Changes<S, [offset: Int<S>, size: Int<S>, value: Int<S>]>
  /** Combines bits by OR. @example bits.or('flags', 0, 8, Buffer.of(0x80)) */
  or: Changes<S, [offset: Int<S>, size: Int<S>, value: Bytes<S>]>
  /** Combines bits by exclusive OR. @example bits.xor('flags', 0, 8, Buffer.of(0x80)) */
  xor: Changes<S, [offset: Int<S>, size: Int<S>, value: Bytes<S>]>
  /** Combines bits by AND. @example bits.and('flags', 0, 8, Buffer.of(0x7f)) */
  and: Changes<S, [offset: Int<S>, size: Int<S>, value: Bytes<S>]>
  /** Turns bits around. @example bits.not('flags', 0, 8) */
  not: Changes<S, [offset: Int<S>, size: Int<S>]>
  /** Shifts bits to the left. @example bits.lshift('flags', 0, 16, 1) */
  lshift: Changes<S, [offset: Int<S>, size: Int<S>, shift: Int<S>]>
  /** Shifts bits to the right. @example bits.rshift('flags', 0, 16, 1) */
  rshift: Changes<S, [offset: Int<S>, size: Int<S>, shift: Int<S>]>
  /** Adds to the integer that `size` bits are. @example bits.add('flags', 8, 16, 1, { overflow: 'wrap' }) */
  add: Changes<S, [offset: Int<S>, size: Int<S>, value: Int<S>], BitArithmeticOptions>
  /** Subtracts from the integer that `size` bits are. @example bits.subtract('flags', 8, 16, 1, { overflow: 'saturate' }) */
  subtract: Changes<S, [offset: Int<S>, size: Int<S>, value: Int<S>], BitArithmeticOptions>
  /** `size` bits from a bit on, as bytes aligned to the left. @example bits.get('flags', 9, 5) */
  get: Reads<S, 'blob', [offset: Int<S>, size: Int<S>]>
  /** How many of `size` bits are set. @example bits.count('flags', 0, 64) */
  count: Reads<S, 'int', [offset: Int<S>, size: Int<S>]>
  /** Where the first bit of a value is, from the left; -1 when there is none. @example bits.lscan('flags', 0, 64, true) */
  lscan: Reads<S, 'int', [offset: Int<S>, size: Int<S>, value: Bool<S>]>
  /** Where the first bit of a value is, from the right; -1 when there is none. @example bits.rscan('flags', 0, 64, true) */
  rscan: Reads<S, 'int', [offset: Int<S>, size: Int<S>, value: Bool<S>]>
  /** The integer that `size` bits, at most 64, are. @example bits.getInt('flags', 8, 16, { signed: true }) */
  getInt: Reads<S, 'int', [offset: Int<S>, size: Int<S>], WholeBinOptions & { readonly signed?: boolean | undefined }>
}

/**
 * Operations on the bits of bytes, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [bits.or('seen', day, 1, Buffer.of(0x80)), bits.count('seen', 0, 365)])
 */
export const bits: BitCalls<'operation'> = operationsOf<BitCalls<'operation'>>(BIT_FAMILY)
