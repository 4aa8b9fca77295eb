// Requests that servers of 8.1.1 and 8.1.2 do not survive: they end the whole node, for everybody. Where such a call means
// something, what is sent is another that means the same; where it does not, or where that cannot be told before it runs,
// it is refused here. Every rule says what the server does wrong, so that it can go when the servers that do are gone.

import { InvalidArgumentError } from '../errors/classes.js'
import { Exp } from '../values/expression.js'

const SERVERS = 'servers 8.1.1 and 8.1.2'

/** An error for a call that is not sent. */
export function refusal(verb: string, what: string): InvalidArgumentError {
  return new InvalidArgumentError(`${verb}: ${what}, which ${SERVERS} do not survive`)
}

const INVERTED = 0x10000
/** Selections of a map by a list of keys or values, and the selection by index that means the same when it is inverted and empty. */
const EVERYTHING: { readonly [code: number]: number } = { 81: 85, 83: 85, 107: 104, 108: 104 }

/** A call in the order of the wire. */
export interface Wire {
  readonly code: number
  readonly args: readonly unknown[]
}

/**
 * Of an inverted selection of a map by a list that is empty, which is everything, the server reads an index that it has not made.
 * Such a call becomes a selection of all indexes. A list that an expression computes may be empty.
 */
export function selectionByList(verb: string, { code, args }: Wire, given: unknown): Wire {
  const everything = EVERYTHING[code]
  const returns = args[0] as number
  if (everything === undefined || (returns & INVERTED) === 0) return { code, args }
  if (given instanceof Exp)
    throw refusal(verb, 'an inverted selection by a list that is computed may be one by an empty list')
  if (!Array.isArray(given) || given.length > 0) return { code, args }
  return { code: everything, args: [returns & ~INVERTED, 0] }
}

const PARTIAL = 8
const SET = 3
const SHIFTS = [8, 9]
const COMBINATIONS = [4, 5, 6]
const BITS_OF_BYTE = 8

const isBelow = (value: unknown, limit: unknown): boolean =>
  (typeof value === 'number' || typeof value === 'bigint') &&
  (typeof limit === 'number' || typeof limit === 'bigint') &&
  value < limit

/**
 * Of a field that is cut off at the end of the bytes, the server takes the length for that of all bytes. A shift by a byte or more
 * then moves memory that is not there, unless the field begins in the first byte; shifting out everything is writing zeros. In
 * expressions, combinations of bits write past the end as well.
 */
export function bitsCutOff(verb: string, { code, args }: Wire, inExpression: boolean): Wire {
  const flags = args[3]
  const shifts = SHIFTS.includes(code)
  if (!shifts && !(inExpression && COMBINATIONS.includes(code))) return { code, args }
  if (typeof flags !== 'number' || (flags & PARTIAL) === 0) return { code, args }
  const [offset, size, by] = args
  const inFirstByte = !isBelow(offset, 0) && isBelow(offset, BITS_OF_BYTE)
  if (inFirstByte || (shifts && isBelow(by, BITS_OF_BYTE))) return { code, args }
  if (
    shifts &&
    typeof size === 'number' &&
    size > 0 &&
    size <= MAX_BITS &&
    !(by instanceof Exp) &&
    !isBelow(by, size)
  ) {
    return { code: SET, args: [offset, size, new Uint8Array(Math.ceil(size / BITS_OF_BYTE)), flags] }
  }
  const what = shifts ? 'a shift by 8 bits or more' : 'a combination of bits'
  throw refusal(verb, `${what} with option 'partial' may be of bits beyond the end`)
}

/** Bits of the most that a record holds. */
const MAX_BITS = 8 * 8 * 1024 * 1024

const PERSIST_INDEX = 0x10
const ORDERED = 0x01
/** Elements between those that the index of an unordered list knows. */
const INDEX_STEP = 128

/** Of an unordered list that is made with an index, the server copies the index of the list that was not there. */
export function indexOfNewList(verb: string, { args }: Wire): void {
  const [index, , order] = args
  if (typeof order !== 'number' || (order & (PERSIST_INDEX | ORDERED)) !== PERSIST_INDEX) return
  if (isBelow(index, INDEX_STEP)) return
  throw refusal(verb, `option 'persistIndex' for an unordered list that would begin with an element at ${index}`)
}

const LIST_INDEX = 0x10
const STEP = 0x3f
const CREATES = 0xc0
const CREATES_AND_PERSISTS = 0x1c0
const PERSISTS = 0x100
const UNORDERED = 0x40
const PADDED = 0x80

/** Elements of more than any record has room for. */
const PADS_BELOW = 2 ** 27

/**
 * The type of a step that may create a list. There is nothing to create before the start of a list, but the server computes with a
 * length below nothing: such a step only finds. The last element of a list that is not there is its first, with nothing to pad.
 * Padding that no record has room for is refused: the server makes it all the same, and further operations of the command work on
 * it; with 2**32 its count overflows. A list that is there and is padded so far that its index needs a second entry is
 * padded without one: the index changes how fast elements are found, and nothing else.
 */
export function createdStep(code: number, index: unknown): number {
  if ((code & STEP) === LIST_INDEX && (code & CREATES) === PADDED && isBelow(PADS_BELOW - 1, index)) {
    throw refusal('ctx.listIndex', `a list that is padded up to ${index}`)
  }
  if ((code & STEP) === LIST_INDEX && (code & CREATES) === PADDED && !isBelow(index, INDEX_STEP))
    return code & ~PERSISTS
  if ((code & STEP) !== LIST_INDEX || !isBelow(index, 0)) return code
  if (isBelow(index, -1)) return code & ~CREATES_AND_PERSISTS
  return (code & CREATES) === PADDED ? (code & ~CREATES) | UNORDERED : code
}

const DIVIDE = 23
const MODULO = 26
const SUBTRACT = 21
const BIT_AND = 32
const LEAST = -(2n ** 63n)

const isInteger = (operand: unknown, value: bigint): boolean =>
  (typeof operand === 'bigint' || Number.isInteger(operand)) && BigInt(operand as number | bigint) === value

/**
 * The least integer divided by -1 has a quotient that is no integer, and the processor stops the server for it. A quotient by -1 is
 * a negation, a remainder 0; what is divided by something computed must not be the least integer.
 */
export function division(verb: string, code: number, operands: readonly unknown[]): Wire {
  if (code !== DIVIDE && code !== MODULO) return { code, args: operands }
  const [first, second, ...more] = operands
  if (isInteger(first, LEAST) && operands.slice(1).some((one) => one instanceof Exp || isInteger(one, -1n))) {
    throw refusal(verb, 'the least integer may be divided by -1')
  }
  if (!(first instanceof Exp) || !isInteger(second, -1n) || more.length > 0 || first.type !== 'int')
    return { code, args: operands }
  return code === DIVIDE ? { code: SUBTRACT, args: [first] } : { code: BIT_AND, args: [first, 0] }
}
