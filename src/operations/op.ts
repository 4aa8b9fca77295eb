// The scalar operations: one table of what each is, and the functions people call.

import { describe } from '../checks/check.js'
import { flag, type OptionRules, oneOf, readOptions } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { OpCode } from '../protocol.js'
import { type AnyExp, Exp } from '../values/expression.js'
import type { Storable } from '../values/values.js'
import { Double } from '../values/wrappers.js'
import { Needs, Operation } from './operation.js'

function bin(name: unknown, verb: string): string {
  if (typeof name !== 'string')
    throw new InvalidArgumentError(`op.${verb}: the bin name must be text, not ${describe(name)}`)
  return name
}

function number(value: unknown, verb: string): void {
  if (typeof value !== 'number' && typeof value !== 'bigint' && !(value instanceof Double)) {
    throw new InvalidArgumentError(
      `op.${verb}: the value must be a number, a bigint or a Double, not ${describe(value)}`,
    )
  }
}

function joinable(value: unknown, verb: string): void {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw new InvalidArgumentError(`op.${verb}: the value must be text or bytes, not ${describe(value)}`)
  }
}

/** Options of `op.expRead`. */
export interface ExpReadOptions {
  /** Answer `null` rather than fail when the expression is unknown. Default false. */
  readonly evalNoFail?: boolean | undefined
}

/** Options of `op.expWrite`. */
export interface ExpWriteOptions extends ExpReadOptions {
  /** `create` only when the bin is missing, `update` only when it is there. Default `createOrUpdate`. */
  readonly write?: 'createOrUpdate' | 'create' | 'update' | undefined
  /** Remove the bin when the result is nil, rather than fail. Default false. */
  readonly allowDelete?: boolean | undefined
  /** Do nothing where `write` or the missing `allowDelete` forbids it, rather than fail. Default false. */
  readonly noFail?: boolean | undefined
}

/** The bits of each option (protocol 10.6). */
const WRITES: { readonly [name: string]: number } = { createOrUpdate: 0, create: 1, update: 2 }
const EXP_FLAGS: { readonly [name: string]: number } = { allowDelete: 4, noFail: 8, evalNoFail: 16 }

const READ_RULES: OptionRules<ExpReadOptions> = { evalNoFail: flag }
const WRITE_RULES: OptionRules<ExpWriteOptions> = {
  ...READ_RULES,
  write: oneOf(WRITES),
  allowDelete: flag,
  noFail: flag,
}

/** An expression operation: `[expression, flags]`. */
function expression(verb: 'expRead' | 'expWrite', name: string, value: unknown, options: unknown): Operation {
  if (!(value instanceof Exp)) {
    throw new InvalidArgumentError(`op.${verb}: expected an expression, not ${describe(value)}`)
  }
  const reads = verb === 'expRead'
  const given: ExpWriteOptions = reads
    ? readOptions<ExpReadOptions>('op.expRead', options, READ_RULES)
    : readOptions<ExpWriteOptions>('op.expWrite', options, WRITE_RULES)
  let flags = WRITES[given.write ?? 'createOrUpdate'] as number
  for (const [option, bit] of Object.entries(EXP_FLAGS)) if (given[option as 'noFail'] === true) flags |= bit
  const needs = (reads ? Needs.read : Needs.write) | Needs.allAnswers
  const code = reads ? OpCode.expRead : OpCode.expModify
  return new Operation(code, bin(name, verb), { kind: 'expression', expression: value, flags }, needs)
}

const READ_ALL = new Operation(OpCode.read, '', { kind: 'none' }, Needs.read | Needs.allBins)
const READ_META = new Operation(OpCode.read, '', { kind: 'none' }, Needs.read | Needs.metaOnly)
const TOUCH = new Operation(OpCode.touch, '')
const DELETE_ALL = new Operation(OpCode.deleteAll, '')

/**
 * Operations on whole bins and records. They run in order on the server, all or none.
 *
 * @example
 * const { bins } = await client.operate(key, [op.increment('visits', 1), op.read('visits')])
 */
export const op = {
  /** Reads one bin. @example op.read('name') */
  read: (name: string): Operation => new Operation(OpCode.read, bin(name, 'read')),

  /** Reads all bins. Goes with writes that answer nothing, not with other reads. @example op.readAll() */
  readAll: (): Operation => READ_ALL,

  /** Reads generation and expiry only; they come with every answer, so it only matters alone. @example op.readMeta() */
  readMeta: (): Operation => READ_META,

  /** Writes one bin; `null` removes it. @example op.write('name', 'Alice') */
  write: <T>(name: string, value: Storable<T> & T): Operation =>
    new Operation(OpCode.write, bin(name, 'write'), { kind: 'value', value }),

  /**
   * Adds to a number; a missing bin counts as 0. Integers wrap at 64 bits. An integer cannot be added to a double:
   * use {@link Double} for doubles that are whole. @example op.increment('visits', 1)
   */
  increment: (name: string, by: number | bigint | Double = 1): Operation => {
    number(by, 'increment')
    return new Operation(OpCode.increment, bin(name, 'increment'), { kind: 'value', value: by })
  },

  /** Adds text or bytes at the end; a missing bin is created. @example op.append('log', 'x') */
  append: (name: string, value: string | Uint8Array): Operation => {
    joinable(value, 'append')
    return new Operation(OpCode.append, bin(name, 'append'), { kind: 'value', value })
  },

  /** Adds text or bytes at the beginning; a missing bin is created. @example op.prepend('log', 'x') */
  prepend: (name: string, value: string | Uint8Array): Operation => {
    joinable(value, 'prepend')
    return new Operation(OpCode.prepend, bin(name, 'prepend'), { kind: 'value', value })
  },

  /**
   * Answers the result of an expression under a name of your choice.
   * @example op.expRead('adult', exp.ge(exp.bin.int('age'), 18))
   */
  expRead: (name: string, value: AnyExp, options?: ExpReadOptions): Operation =>
    expression('expRead', name, value, options),

  /**
   * Writes the result of an expression into a bin.
   * @example op.expWrite('total', exp.mul(exp.bin.int('price'), exp.bin.int('count')), { evalNoFail: true })
   */
  expWrite: (name: string, value: AnyExp, options?: ExpWriteOptions): Operation =>
    expression('expWrite', name, value, options),

  /** Renews the expiry of the record (option `ttl`) and raises its generation. @example op.touch() */
  touch: (): Operation => TOUCH,

  /** Removes all bins; a later write in the same call gives the record new ones. @example op.deleteAll() */
  deleteAll: (): Operation => DELETE_ALL,
} as const
