// `exp`: what people call to build expressions. The functions come from the tables; here are their types, and those few
// that are no plain calls.

import { describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { nameClasses } from '../identity.js'
import type { Encoded } from '../values/encoded.js'
import {
  type AnyExp,
  type AnyOperand,
  Exp,
  fromBase64,
  type Literals,
  type Operand,
  type Type,
} from '../values/expression.js'
import { VALUE_TYPES } from '../values/value-types.js'
import type { GeoJSON, HyperLogLog } from '../values/wrappers.js'
import { Double } from '../values/wrappers.js'
import { collections } from './calls.js'
import { functionsOf } from './functions.js'
import { alike, bareText, call, literal, operand } from './node.js'
import { type RegexOptions, regexFlags } from './regex.js'

type Num = 'int' | 'float'
type Comparable = Exclude<Type, 'geo'>

/** Functions of operands. */
export interface Functions {
  /** Equal. Both sides have one type; maps must be key-ordered. @example exp.eq(exp.bin.string('city'), 'Bonn') */
  eq<T extends Comparable>(a: Operand<T>, b: Operand<NoInfer<T>>): Exp<'bool'>
  /** Not equal. @example exp.ne(exp.bin.int('state'), 0) */
  ne<T extends Comparable>(a: Operand<T>, b: Operand<NoInfer<T>>): Exp<'bool'>
  /** Greater. @example exp.gt(exp.bin.int('age'), 17) */
  gt<T extends Comparable>(a: Operand<T>, b: Operand<NoInfer<T>>): Exp<'bool'>
  /** Greater or equal. @example exp.ge(exp.bin.int('age'), 18) */
  ge<T extends Comparable>(a: Operand<T>, b: Operand<NoInfer<T>>): Exp<'bool'>
  /** Less. @example exp.lt(exp.bin.float('price'), 9.99) */
  lt<T extends Comparable>(a: Operand<T>, b: Operand<NoInfer<T>>): Exp<'bool'>
  /** Less or equal. @example exp.le(exp.bin.float('price'), 9.99) */
  le<T extends Comparable>(a: Operand<T>, b: Operand<NoInfer<T>>): Exp<'bool'>
  /**
   * Whether a point lies within a region, or a region holds a point.
   * @example exp.geoCompare(exp.bin.geo('place'), region)
   */
  geoCompare(a: Operand<'geo'>, b: Operand<'geo'>): Exp<'bool'>
  /** All are true. One that is false decides even when others are unknown. @example exp.and(isActive, isAdult) */
  and(...all: Operand<'bool'>[]): Exp<'bool'>
  /** At least one is true. One that is true decides even when others are unknown. @example exp.or(isOwner, isAdmin) */
  or(...conditions: Operand<'bool'>[]): Exp<'bool'>
  /** The opposite. @example exp.not(exp.keyExists()) */
  not(a: Operand<'bool'>): Exp<'bool'>
  /** Exactly one is true. @example exp.exclusive(isBuyer, isSeller) */
  exclusive(...conditions: Operand<'bool'>[]): Exp<'bool'>
  /** Sum. Integers and floats do not mix. @example exp.add(exp.bin.int('a'), exp.bin.int('b'), 1) */
  add<T extends Num>(first: Operand<T>, ...more: Operand<NoInfer<T>>[]): Exp<T>
  /** Difference; of one operand, its negative. @example exp.sub(exp.bin.int('stock'), 1) */
  sub<T extends Num>(first: Operand<T>, ...more: Operand<NoInfer<T>>[]): Exp<T>
  /** Product. @example exp.mul(exp.bin.float('price'), 1.19) */
  mul<T extends Num>(first: Operand<T>, ...more: Operand<NoInfer<T>>[]): Exp<T>
  /**
   * Quotient; of one operand, its reciprocal. An integer divided by 0 is unknown.
   * @example exp.div(exp.bin.int('total'), 2)
   */
  div<T extends Num>(first: Operand<T>, ...more: Operand<NoInfer<T>>[]): Exp<T>
  /** Power of floats. @example exp.pow(exp.bin.float('x'), 2) */
  pow(base: Operand<'float'>, exponent: Operand<'float'>): Exp<'float'>
  /** Logarithm of a float to a base. @example exp.log(exp.bin.float('x'), 10) */
  log(value: Operand<'float'>, base: Operand<'float'>): Exp<'float'>
  /** Remainder; unknown when divided by 0. @example exp.mod(exp.bin.int('id'), 10) */
  mod(value: Operand<'int'>, divisor: Operand<'int'>): Exp<'int'>
  /** Absolute value. @example exp.abs(exp.bin.int('delta')) */
  abs<T extends Num>(value: Operand<T>): Exp<T>
  /** The next whole float below. @example exp.floor(exp.bin.float('x')) */
  floor(value: Operand<'float'>): Exp<'float'>
  /** The next whole float above. @example exp.ceil(exp.bin.float('x')) */
  ceil(value: Operand<'float'>): Exp<'float'>
  /** A number as an integer, without its fraction. @example exp.toInt(exp.bin.float('x')) */
  toInt(value: AnyOperand<Num>): Exp<'int'>
  /** A number as a float. @example exp.toFloat(exp.bin.int('n')) */
  toFloat(value: AnyOperand<Num>): Exp<'float'>
  /** Bitwise AND. @example exp.intAnd(exp.bin.int('flags'), 0xff) */
  intAnd(...values: Operand<'int'>[]): Exp<'int'>
  /** Bitwise OR. @example exp.intOr(exp.bin.int('flags'), 1) */
  intOr(...values: Operand<'int'>[]): Exp<'int'>
  /** Bitwise exclusive OR. @example exp.intXor(exp.bin.int('flags'), 1) */
  intXor(...values: Operand<'int'>[]): Exp<'int'>
  /** All bits turned around. @example exp.intNot(exp.bin.int('flags')) */
  intNot(value: Operand<'int'>): Exp<'int'>
  /** Shift to the left; the count is taken modulo 64. @example exp.intLshift(1, exp.bin.int('n')) */
  intLshift(value: Operand<'int'>, count: Operand<'int'>): Exp<'int'>
  /** Shift to the right, filling up with zeros. @example exp.intRshift(exp.bin.int('n'), 8) */
  intRshift(value: Operand<'int'>, count: Operand<'int'>): Exp<'int'>
  /** Shift to the right, keeping the sign. @example exp.intArshift(exp.bin.int('n'), 8) */
  intArshift(value: Operand<'int'>, count: Operand<'int'>): Exp<'int'>
  /** Number of bits that are set. @example exp.intCount(exp.bin.int('flags')) */
  intCount(value: Operand<'int'>): Exp<'int'>
  /**
   * Place of the first bit of a value from the most significant end; -1 when there is none.
   * @example exp.intLscan(exp.bin.int('flags'), true)
   */
  intLscan(value: Operand<'int'>, bit: Operand<'bool'>): Exp<'int'>
  /**
   * Place of the first bit of a value from the least significant end, counted from the most significant.
   * @example exp.intRscan(exp.bin.int('flags'), true)
   */
  intRscan(value: Operand<'int'>, bit: Operand<'bool'>): Exp<'int'>
  /** The least of several numbers. @example exp.min(exp.bin.int('a'), exp.bin.int('b')) */
  min<T extends Num>(first: Operand<T>, ...more: Operand<NoInfer<T>>[]): Exp<T>
  /** The greatest of several numbers. @example exp.max(exp.bin.int('a'), 0) */
  max<T extends Num>(first: Operand<T>, ...more: Operand<NoInfer<T>>[]): Exp<T>
  /**
   * Bytes of the record on flash, 0 for data in memory. Deprecated by servers from 7.0 on: `recordSize`.
   * @example exp.deviceSize()
   */
  deviceSize(): Exp<'int'>
  /** Bytes of the record in memory. Deprecated by servers from 7.0 on: `recordSize`. @example exp.memorySize() */
  memorySize(): Exp<'int'>
  /** Bytes of the record; servers from 7.0 on. @example exp.gt(exp.recordSize(), 100_000) */
  recordSize(): Exp<'int'>
  /**
   * When the record was last written, nanoseconds since 1970.
   * @example exp.gt(exp.lastUpdate(), BigInt(Date.now() - 60_000) * 1_000_000n)
   */
  lastUpdate(): Exp<'int'>
  /** Milliseconds since the record was last written. @example exp.lt(exp.sinceUpdate(), 60_000) */
  sinceUpdate(): Exp<'int'>
  /** When the record expires, nanoseconds since 1970; -1 when never. @example exp.eq(exp.voidTime(), -1) */
  voidTime(): Exp<'int'>
  /** Seconds until the record expires; -1 when never. @example exp.lt(exp.ttl(), 3600) */
  ttl(): Exp<'int'>
  /** Name of the record's set. @example exp.eq(exp.setName(), 'users') */
  setName(): Exp<'string'>
  /** Whether the user key is stored with the record. @example exp.keyExists() */
  keyExists(): Exp<'bool'>
  /** Whether the record is a tombstone. @example exp.not(exp.isTombstone()) */
  isTombstone(): Exp<'bool'>
  /** The keys of a map. @example exp.mapKeys(exp.bin.map('profile')) */
  mapKeys(map: Operand<'map'>): Exp<'list'>
  /** The values of a map. @example exp.mapValues(exp.bin.map('profile')) */
  mapValues(map: Operand<'map'>): Exp<'list'>
}

/** A name given to a value inside `exp.let`, made by `exp.def`. */
export class Definition {
  /** @internal */
  readonly name: Encoded
  /** @internal */
  readonly value: Exp

  /** @internal */
  constructor(name: Encoded, value: Exp) {
    this.name = name
    this.value = value
  }
}

nameClasses({ Definition })

type ByType<T extends Type> = { readonly [P in T]: (name: string) => Exp<P> }

const BIN_TYPES = ['bool', 'int', 'float', 'string', 'blob', 'list', 'map', 'geo', 'hll'] as const
const bins = Object.fromEntries(
  BIN_TYPES.map((type) => [
    type,
    (name: string) => call(type, 81, [VALUE_TYPES[type].result, bareText(name, `exp.bin.${type}`)]),
  ]),
) as unknown as ByType<(typeof BIN_TYPES)[number]>

const builtin =
  (index: number, where: string) =>
  <T extends Type>(type: T): Exp<T> => {
    if (!Object.hasOwn(VALUE_TYPES, type))
      throw new InvalidArgumentError(`exp.path.${where}: there is no type ${describe(type)}`)
    return call(type, 122, [VALUE_TYPES[type].result, index])
  }

const ANY: readonly Type[] = Object.keys(VALUE_TYPES) as Type[]
const plain =
  <T extends Type>(type: T) =>
  (value: Literals[T]): Exp<T> =>
    operand(`exp.${type}`, value, [type]) as unknown as Exp<T>

function cond(...parts: unknown[]): Exp {
  if (parts.length < 3 || parts.length % 2 === 0) {
    throw new InvalidArgumentError(
      `exp.cond takes pairs of test and value, and a default; not ${parts.length} operands`,
    )
  }
  const last = parts.length - 1
  const isTest = (i: number): boolean => i < last && i % 2 === 0
  const { type, all } = alike(
    'exp.cond',
    parts.filter((_, i) => !isTest(i)),
  )
  let next = 0
  const operands = parts.map((part, i) => (isTest(i) ? operand('exp.cond', part, ['bool']) : (all[next++] as Exp)))
  return call(type, 123, operands)
}

function letIn(...parts: unknown[]): Exp {
  const body = parts.at(-1)
  const definitions = parts.slice(0, -1)
  if (!(body instanceof Exp)) throw new InvalidArgumentError('exp.let: the last argument must be an expression')
  const pairs = definitions.flatMap((one) => {
    if (one instanceof Definition) return [one.name, one.value]
    throw new InvalidArgumentError(`exp.let: expected exp.def('name', value), not ${describe(one)}`)
  })
  if (pairs.length === 0) throw new InvalidArgumentError('exp.let defines at least one variable')
  return call(body.type, 125, [...pairs, body])
}

type Let = <T extends Type>(...parts: [...definitions: Definition[], body: Exp<T>]) => Exp<T>

interface Cond {
  /**
   * The value after the first test that is true, else the default. All values have one type.
   * @example exp.cond(exp.lt(exp.bin.int('age'), 18), 'minor', 'adult')
   */
  (test: Operand<'bool'>, value: string, otherwise: string): Exp<'string'>
  <T extends Type>(test: Operand<'bool'>, value: Operand<T>, otherwise: Operand<NoInfer<T>>): Exp<T>
  <T extends Type>(test: Operand<'bool'>, value: Operand<T>, ...more: (Operand<'bool'> | Operand<NoInfer<T>>)[]): Exp<T>
}

/**
 * Expressions: what the server computes from a record, as filters (option `filter`) and in `op.expRead` and `op.expWrite`.
 * Types are checked when the code compiles: an integer cannot be compared with a string. Where an expression stands, a
 * plain value of its type may stand too.
 *
 * A bin that is missing or of another type makes the expression unknown; an unknown filter filters the record out.
 *
 * @example
 * const filter = exp.and(exp.ge(exp.bin.int('age'), 18), exp.gt(exp.lists.size(exp.bin.list('tags')), 3))
 * const record = await client.get(key, { filter })
 */
export const exp = {
  ...functionsOf<Functions>(),
  ...collections,

  /** The value of a bin of a type: `exp.bin.int('age')`. @example exp.bin.string('city') */
  bin: bins,
  /** Whether a bin exists. @example exp.binExists('email') */
  binExists: (name: string): Exp<'bool'> => call('bool', 2, [exp.binType(name), 0]),
  /** The number of a bin's particle type, 0 when it does not exist. @example exp.eq(exp.binType('a'), 3) */
  binType: (name: string): Exp<'int'> => call('int', 82, [bareText(name, 'exp.binType')]),
  /** The user key, when it is stored with the record: `exp.key.int()`. @example exp.key.string() */
  key: {
    int: (): Exp<'int'> => call('int', 80, [VALUE_TYPES.int.result]),
    string: (): Exp<'string'> => call('string', 80, [VALUE_TYPES.string.result]),
    blob: (): Exp<'blob'> => call('blob', 80, [VALUE_TYPES.blob.result]),
  },
  /** The record's digest modulo a number: for samples. @example exp.eq(exp.digestModulo(100), 0) */
  digestModulo: (modulus: number): Exp<'int'> => {
    if (Number.isInteger(modulus) && modulus !== 0) return call('int', 64, [modulus])
    throw new InvalidArgumentError(`exp.digestModulo takes a whole number other than 0, not ${describe(modulus)}`)
  },

  /** An integer. @example exp.int(5) */
  int: plain('int'),
  /** A float, whole ones too. @example exp.float(5) */
  float: (value: number | Double): Exp<'float'> =>
    literal(
      'float',
      value instanceof Double ? value : operand('exp.float', value, ['float', 'int']) && new Double(value),
    ),
  /** Text. @example exp.string('Bonn') */
  string: plain('string'),
  /** A boolean. @example exp.bool(true) */
  bool: plain('bool'),
  /** Bytes. @example exp.blob(Buffer.of(1, 2)) */
  blob: plain('blob'),
  /** A list. @example exp.list([1, 2, 3]) */
  list: plain('list'),
  /** A map. @example exp.map({ a: 1 }) */
  map: plain('map'),
  /** A geometry. @example exp.geo(new GeoJSON({ type: 'Point', coordinates: [8.68, 50.11] })) */
  geo: plain('geo') as (value: GeoJSON) => Exp<'geo'>,
  /** A HyperLogLog. @example exp.hllValue(sketch) */
  hllValue: plain('hll') as (value: HyperLogLog) => Exp<'hll'>,
  /** Nothing: written to a bin with `allowDelete`, it removes the bin. @example exp.nil() */
  nil: (): Exp<'nil'> => literal('nil', null),
  /**
   * Unknown, of whatever type is wanted; as an answer of `cond` it makes the operation fail or be skipped.
   * @example exp.unknown<'int'>()
   */
  unknown: <T extends Type>(): Exp<T> => call<T>(undefined, 0, []),

  /**
   * Whether text matches a POSIX regular expression.
   * @example exp.regex(exp.bin.string('name'), '^a.*z$', { extended: true })
   */
  regex: (text: Operand<'string'>, pattern: string, options?: RegexOptions): Exp<'bool'> =>
    call('bool', 7, [regexFlags(options), bareText(pattern, 'exp.regex'), operand('exp.regex', text, ['string'])]),
  /** Whether a value is in a list; servers from 8.1.2 on. @example exp.inList(exp.bin.string('city'), ['Bonn', 'Rome']) */
  inList: <T extends Type>(value: Operand<T>, list: Operand<'list'>): Exp<'bool'> =>
    call('bool', 9, [operand('exp.inList', value, ANY), operand('exp.inList', list, ['list'])]),
  /**
   * The value after the first test that is true, else the default.
   * @example exp.cond(exp.lt(exp.bin.int('age'), 18), 'minor', 'adult')
   */
  cond: cond as unknown as Cond,
  /**
   * Variables and an expression that uses them.
   * @example exp.let(exp.def('x', exp.bin.int('a')), exp.mul(exp.var('x', 'int'), exp.var('x', 'int')))
   */
  let: letIn as unknown as Let,
  /** A variable for `exp.let`. @example exp.def('x', exp.bin.int('a')) */
  def: <T extends Type>(name: string, value: Operand<T>): Definition =>
    new Definition(bareText(name, 'exp.def'), operand('exp.def', value, ANY)),
  /** The value of a variable, of the type it was defined with. @example exp.var('x', 'int') */
  var: <T extends Type>(name: string, type?: T): Exp<T> => call<T>(type, 124, [bareText(name, 'exp.var')]),

  /** The element that a step of a path is looking at; servers from 8.1 on. */
  path: {
    /** The key of the element in its map. @example exp.path.key('string') */
    key: builtin(0, 'key'),
    /** The element. @example exp.gt(exp.path.value('int'), 10) */
    value: builtin(1, 'value'),
    /** The index of the element in its list. @example exp.eq(exp.path.index(), 0) */
    index: (): Exp<'int'> => call('int', 122, [VALUE_TYPES.int.result, 2]),
    /** As the result in `paths.modify`: removes the element. @example paths.modify('m', [ctx.all()], exp.path.remove()) */
    remove: (): Exp<'nil'> => call('nil', 100, []),
  },

  /**
   * An expression from the text of `toBase64`. What it results in is not checked: say it.
   * @example exp.fromBase64<'bool'>(text)
   */
  fromBase64: fromBase64 as <T extends Type = 'bool'>(text: string) => Exp<T>,
  /** The Base64 text of an expression. @example exp.toBase64(filter) */
  toBase64: (expression: AnyExp): string => expression.toBase64(),
} as const
