// The table of expression functions (protocol 10.2), and how a row becomes a function.

import { InvalidArgumentError } from '../errors/classes.js'
import { division } from '../operations/survival.js'
import { Exp, type Type } from '../values/expression.js'
import { alike, call, operand } from './node.js'

/** A function of fixed or any number of operands. */
interface Row {
  readonly code: number
  /** Types of the operands, one entry for each; `alike`: all of one type, at least `least` of them. */
  readonly takes: readonly (readonly Type[])[] | 'alike' | 'each'
  /** For `alike` and `each`: types that may be, and least and most number of operands. */
  readonly of?: readonly Type[]
  readonly least?: number
  readonly most?: number
  /** Type of the result; `same`: that of the operands. */
  readonly gives: Type | 'same'
}

const INT = ['int'] as const
const FLOAT = ['float'] as const
const BOOL = ['bool'] as const
const NUMBER = ['int', 'float'] as const
const GEO = ['geo'] as const

const compare = (code: number): Row => ({ code, takes: 'alike', least: 2, most: 2, gives: 'bool' })
const logic = (code: number): Row => ({ code, takes: 'each', of: BOOL, least: 2, gives: 'bool' })
const number = (code: number, least = 1): Row => ({ code, takes: 'alike', of: NUMBER, least, gives: 'same' })
const integers = (code: number): Row => ({ code, takes: 'each', of: INT, least: 2, gives: 'int' })
const shift = (code: number): Row => ({ code, takes: [INT, INT], gives: 'int' })
const meta = (code: number, gives: Type): Row => ({ code, takes: [], gives })

export const FUNCTIONS = {
  eq: compare(1),
  ne: compare(2),
  gt: compare(3),
  ge: compare(4),
  lt: compare(5),
  le: compare(6),
  geoCompare: { code: 8, takes: [GEO, GEO], gives: 'bool' },
  and: logic(16),
  or: logic(17),
  not: { code: 18, takes: [BOOL], gives: 'bool' },
  exclusive: logic(19),
  add: number(20),
  sub: number(21),
  mul: number(22),
  div: number(23),
  pow: { code: 24, takes: [FLOAT, FLOAT], gives: 'float' },
  log: { code: 25, takes: [FLOAT, FLOAT], gives: 'float' },
  mod: { code: 26, takes: [INT, INT], gives: 'int' },
  abs: { code: 27, takes: 'alike', of: NUMBER, least: 1, most: 1, gives: 'same' },
  floor: { code: 28, takes: [FLOAT], gives: 'float' },
  ceil: { code: 29, takes: [FLOAT], gives: 'float' },
  toInt: { code: 30, takes: [NUMBER], gives: 'int' },
  toFloat: { code: 31, takes: [NUMBER], gives: 'float' },
  intAnd: integers(32),
  intOr: integers(33),
  intXor: integers(34),
  intNot: { code: 35, takes: [INT], gives: 'int' },
  intLshift: shift(36),
  intRshift: shift(37),
  intArshift: shift(38),
  intCount: { code: 39, takes: [INT], gives: 'int' },
  intLscan: { code: 40, takes: [INT, BOOL], gives: 'int' },
  intRscan: { code: 41, takes: [INT, BOOL], gives: 'int' },
  min: number(50),
  max: number(51),
  deviceSize: meta(65, 'int'),
  lastUpdate: meta(66, 'int'),
  sinceUpdate: meta(67, 'int'),
  voidTime: meta(68, 'int'),
  ttl: meta(69, 'int'),
  setName: meta(70, 'string'),
  keyExists: meta(71, 'bool'),
  isTombstone: meta(72, 'bool'),
  memorySize: meta(73, 'int'),
  recordSize: meta(74, 'int'),
  mapKeys: { code: 101, takes: [['map']], gives: 'list' },
  mapValues: { code: 102, takes: [['map']], gives: 'list' },
} as const satisfies { readonly [name: string]: Row }

function build(name: string, row: Row, given: readonly unknown[]): Exp {
  const where = `exp.${name}`
  const { takes, gives } = row
  const safe = division(where, row.code, given)
  if (safe.code !== row.code) {
    return call<Type>(
      'int',
      safe.code,
      safe.args.map((one) => operand(where, one, INT)),
    )
  }
  if (typeof takes !== 'string') {
    if (given.length !== takes.length) {
      throw new InvalidArgumentError(`${where} takes ${takes.length} operands, not ${given.length}`)
    }
    const operands = given.map((one, i) => operand(where, one, takes[i] as readonly Type[]))
    return call(gives as Type, row.code, operands)
  }
  const { least = 1, most = Number.POSITIVE_INFINITY } = row
  if (given.length < least || given.length > most) {
    const range = least === most ? `${least}` : `at least ${least}`
    throw new InvalidArgumentError(`${where} takes ${range} operands, not ${given.length}`)
  }
  if (takes === 'each') {
    const of = row.of as readonly Type[]
    return call(
      gives as Type,
      row.code,
      given.map((one) => operand(where, one, of)),
    )
  }
  const { type, all } = alike(where, given, row.of)
  // An unknown among the operands may be of any type, and so is the result then.
  const known =
    gives === 'same' ? (given.every((one) => one instanceof Exp && one.type === undefined) ? undefined : type) : gives
  return call(known, row.code, all)
}

/** The functions of the table. */
export function functionsOf<T>(): T {
  const functions = Object.entries(FUNCTIONS).map(([name, row]) => [
    name,
    (...operands: unknown[]): Exp => build(name, row, operands),
  ])
  return Object.fromEntries(functions) as T
}
