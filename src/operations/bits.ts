// Bit operations on bytes: the table of what each is on the wire (protocol 9.9), and what people call.

import { OpCode } from '../protocol.js'
import { operationsOf } from './build.js'
import type { Bool, Bytes, ContextOptions, Int, Reading, Style, Target, Writing } from './call-types.js'
import { BIT_ARITHMETIC, BIT_FLAGS, BIT_RESIZE, BIT_SIGNED, type Family, type Signature } from './signature.js'

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
  table: BITS,
}

/** Options of bit writes. */
export interface BitWriteOptions extends ContextOptions {
  /** `create` only when the bin is missing, `update` only when it is there. Default `createOrUpdate`. */
  readonly write?: 'createOrUpdate' | 'create' | 'update' | undefined
  /** Do nothing rather than fail. Default false. */
  readonly noFail?: boolean | undefined
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

/**
 * What can be done with the bits of bytes, as operations on a bin (`bits`) and as expressions (`exp.bits`). Bit 0 is the most
 * significant bit of the first byte; negative offsets count from the end. Writes give nothing; in expressions the changed bytes.
 */
export interface BitCalls<S extends Style> {
  /** Makes the bytes `size` long; a missing bin is created. @example bits.resize('flags', 8, { resize: 'growOnly' }) */
  resize(bytes: Target<S, 'blob'>, size: Int<S>, options?: BitResizeOptions): Writing<S, 'blob'>
  /** Inserts bytes before a byte. @example bits.insert('flags', 1, Buffer.of(0xff)) */
  insert(bytes: Target<S, 'blob'>, offset: Int<S>, inserted: Bytes<S>, options?: BitWriteOptions): Writing<S, 'blob'>
  /** Removes `size` bytes from a byte on. @example bits.remove('flags', 0, 2) */
  remove(bytes: Target<S, 'blob'>, offset: Int<S>, size: Int<S>, options?: BitWriteOptions): Writing<S, 'blob'>
  /** Overwrites `size` bits from a bit on. @example bits.set('flags', 13, 3, Buffer.of(0xe0)) */
  set(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Bytes<S>,
    options?: BitWriteOptions,
  ): Writing<S, 'blob'>
  /** Overwrites `size` bits, at most 64, with an integer. @example bits.setInt('flags', 8, 16, 1000) */
  setInt(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Int<S>,
    options?: BitWriteOptions,
  ): Writing<S, 'blob'>
  /** Combines bits by OR. @example bits.or('flags', 0, 8, Buffer.of(0x80)) */
  or(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Bytes<S>,
    options?: BitWriteOptions,
  ): Writing<S, 'blob'>
  /** Combines bits by exclusive OR. @example bits.xor('flags', 0, 8, Buffer.of(0x80)) */
  xor(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Bytes<S>,
    options?: BitWriteOptions,
  ): Writing<S, 'blob'>
  /** Combines bits by AND. @example bits.and('flags', 0, 8, Buffer.of(0x7f)) */
  and(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Bytes<S>,
    options?: BitWriteOptions,
  ): Writing<S, 'blob'>
  /** Turns bits around. @example bits.not('flags', 0, 8) */
  not(bytes: Target<S, 'blob'>, offset: Int<S>, size: Int<S>, options?: BitWriteOptions): Writing<S, 'blob'>
  /** Shifts bits to the left. @example bits.lshift('flags', 0, 16, 1) */
  lshift(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    shift: Int<S>,
    options?: BitWriteOptions,
  ): Writing<S, 'blob'>
  /** Shifts bits to the right. @example bits.rshift('flags', 0, 16, 1) */
  rshift(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    shift: Int<S>,
    options?: BitWriteOptions,
  ): Writing<S, 'blob'>
  /** Adds to the integer that `size` bits are. @example bits.add('flags', 8, 16, 1, { overflow: 'wrap' }) */
  add(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Int<S>,
    options?: BitArithmeticOptions,
  ): Writing<S, 'blob'>
  /** Subtracts from the integer that `size` bits are. @example bits.subtract('flags', 8, 16, 1, { overflow: 'saturate' }) */
  subtract(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Int<S>,
    options?: BitArithmeticOptions,
  ): Writing<S, 'blob'>
  /** `size` bits from a bit on, as bytes aligned to the left. @example bits.get('flags', 9, 5) */
  get(bytes: Target<S, 'blob'>, offset: Int<S>, size: Int<S>, options?: ContextOptions): Reading<S, 'blob'>
  /** How many of `size` bits are set. @example bits.count('flags', 0, 64) */
  count(bytes: Target<S, 'blob'>, offset: Int<S>, size: Int<S>, options?: ContextOptions): Reading<S, 'int'>
  /** Where the first bit of a value is, from the left; -1 when there is none. @example bits.lscan('flags', 0, 64, true) */
  lscan(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Bool<S>,
    options?: ContextOptions,
  ): Reading<S, 'int'>
  /** Where the first bit of a value is, from the right; -1 when there is none. @example bits.rscan('flags', 0, 64, true) */
  rscan(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    value: Bool<S>,
    options?: ContextOptions,
  ): Reading<S, 'int'>
  /** The integer that `size` bits, at most 64, are. @example bits.getInt('flags', 8, 16, { signed: true }) */
  getInt(
    bytes: Target<S, 'blob'>,
    offset: Int<S>,
    size: Int<S>,
    options?: ContextOptions & { readonly signed?: boolean | undefined },
  ): Reading<S, 'int'>
}

/**
 * Operations on the bits of bytes, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [bits.or('seen', day, 1, Buffer.of(0x80)), bits.count('seen', 0, 365)])
 */
export const bits: BitCalls<'operation'> = operationsOf<BitCalls<'operation'>>(BIT_FAMILY)
