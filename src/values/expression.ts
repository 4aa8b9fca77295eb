// An expression: finished MessagePack with the type of its result. expressions/node.ts builds them.

import { DESCRIPTION, describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { nameClasses } from '../identity.js'
import { Encoded } from './encoded.js'
import type { ValueType } from './value-types.js'
import type { Value } from './values.js'
import type { Double, GeoJSON, HyperLogLog } from './wrappers.js'

/** The type of an expression's result. */
export type Type = ValueType

/** The values that may be written for an expression of a type, by type. Numbers fit both `int` and `float`. */
export interface Literals {
  nil: null
  bool: boolean
  int: number | bigint
  float: number | Double
  string: string
  list: readonly Value[]
  map: ReadonlyMap<unknown, Value> | { readonly [name: string]: Value }
  blob: Uint8Array
  geo: GeoJSON
  hll: HyperLogLog
}

/** An expression of a type, or a plain value of it. */
export type Operand<T extends Type> = Exp<T> | Literals[T]

/** An expression of any one of several types, or a plain value of it. */
export type AnyOperand<T extends Type> = { [P in T]: Operand<P> }[T]

/** An expression of whatever type. */
export type AnyExp = { [T in Type]: Exp<T> }[Type]

/** The server's limit (protocol 10.1). */
const MAX_BYTES = 1024 * 1024

/**
 * An expression: something the server computes from a record. Made by the functions of `exp` and by `where`; immutable, and
 * usable in any number of calls. `T` is the type of its result; it is invariant (`in out`), so that comparing two types does
 * not quietly become a comparison of their union.
 *
 * @example
 * const adults: Exp<'bool'> = exp.ge(exp.bin.int('age'), 18)
 * await client.get(key, { filter: adults })
 */
export class Exp<in out T extends Type = Type> extends Encoded {
  /** The type of the result; undefined when it is not known, as of an expression read from Base64. */
  readonly type: T | undefined
  /** @internal */
  constructor(bytes: Uint8Array, type: T | undefined) {
    super(bytes)
    if (bytes.length > MAX_BYTES) {
      throw new InvalidArgumentError(`an expression has at most ${MAX_BYTES} bytes, not ${bytes.length}`)
    }
    this.type = type
  }

  /** The expression in the form that info commands and other clients exchange. @example filter.toBase64() */
  toBase64(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length).toString('base64')
  }

  toJSON(): string {
    return this.toBase64()
  }
}

nameClasses({ Exp })
Object.defineProperty(Exp.prototype, DESCRIPTION, {
  get(this: Exp): string {
    return this.type === undefined ? 'an expression' : `an expression of type ${this.type}`
  },
})

/** Refuses what is not an expression that can decide: type `bool`, or a type that is not known. */
export function isFilter(value: unknown): value is Exp<'bool'> {
  return value instanceof Exp && (value.type === undefined || value.type === 'bool')
}

/** An expression from the text that `toBase64` gave; what it results in is the caller's word. */
export function fromBase64<T extends Type>(text: string): Exp<T> {
  if (typeof text !== 'string') throw new InvalidArgumentError(`exp.fromBase64 takes text, not ${describe(text)}`)
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.toString('base64').replace(/=+$/, '') !== text.trim().replace(/=+$/, '')) {
    throw new InvalidArgumentError(`exp.fromBase64: ${describe(text)} is not Base64`)
  }
  return new Exp<T>(new Uint8Array(bytes), undefined)
}
