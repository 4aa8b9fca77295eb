// The scalar operations: one table of what each is, and the functions people call.

import { describe, isPlain } from '../checks/check.js'
import { badValue, didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { OpCode } from '../protocol.js'
import { type AnyExp, Exp } from '../values/expression.js'
import { Double, type Storable } from '../values/values.js'
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

const WRITES: { readonly [name: string]: number } = { createOrUpdate: 0, create: 1, update: 2 }
const EXP_FLAGS: { readonly [name: string]: number } = { allowDelete: 4, noFail: 8, evalNoFail: 16 }

/** An expression operation: `[expression, flags]` (protocol 10.6). */
function expression(verb: string, name: string, value: unknown, options: unknown, known: readonly string[]): Operation {
  if (!(value instanceof Exp)) {
    throw new InvalidArgumentError(`op.${verb}: expected an expression, not ${describe(value)}`)
  }
  let flags = 0
  if (options !== undefined && (typeof options !== 'object' || options === null || !isPlain(options))) {
    throw new InvalidArgumentError(`op.${verb}: options must be a plain object, not ${describe(options)}`)
  }
  for (const [option, setting] of Object.entries((options ?? {}) as object)) {
    if (!known.includes(option)) {
      throw new InvalidArgumentError(`op.${verb}: there is no option '${option}'${didYouMean(option, known)}`)
    }
    if (setting === undefined) continue
    if (option === 'write') {
      if (typeof setting !== 'string' || !Object.hasOwn(WRITES, setting)) {
        throw badValue(`op.${verb}`, option, "'createOrUpdate', 'create' or 'update'", setting)
      }
      flags |= WRITES[setting] as number
    } else if (typeof setting !== 'boolean') throw badValue(`op.${verb}`, option, 'true or false', setting)
    else if (setting) flags |= EXP_FLAGS[option] as number
  }
  const reads = verb === 'expRead'
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

  /** Answers the result of an expression under a name of your choice. @example op.expRead('adult', exp.ge(exp.bin.int('age'), 18)) */
  expRead: (name: string, value: AnyExp, options?: ExpReadOptions): Operation =>
    expression('expRead', name, value, options, ['evalNoFail']),

  /**
   * Writes the result of an expression into a bin.
   * @example op.expWrite('total', exp.mul(exp.bin.int('price'), exp.bin.int('count')), { evalNoFail: true })
   */
  expWrite: (name: string, value: AnyExp, options?: ExpWriteOptions): Operation =>
    expression('expWrite', name, value, options, ['write', 'allowDelete', 'noFail', 'evalNoFail']),

  /** Renews the expiry of the record (option `ttl`) and raises its generation. @example op.touch() */
  touch: (): Operation => TOUCH,

  /** Removes all bins; a later write in the same call gives the record new ones. @example op.deleteAll() */
  deleteAll: (): Operation => DELETE_ALL,
} as const
