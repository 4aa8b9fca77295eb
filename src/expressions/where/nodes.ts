// What the parts of a condition are before their types are known: `$.age` alone says nothing about its type, `$.age >
// 5` does.

import { type AnyExp, Exp, type Type } from '../../values/expression.js'
import { literal, typeOf } from '../node.js'

/** A part of a condition. */
export interface Node {
  readonly at: number
  /** Its type, where there is no doubt. */
  readonly type?: Type | undefined
  /** The type it has when nothing around it says otherwise: a whole number may be a float. */
  readonly likely?: Type | undefined
  /** Set for `.type()`: text it is compared with names a type. */
  readonly named?: true
  /** Set for `unknown`, which is of whatever type is wanted. */
  readonly unknown?: true
  /** The value, of literals and parameters. */
  readonly value?: unknown
  /** The expression, of the type that was settled on. */
  make(type: Type): AnyExp
}

/** A node whose expression is known already. */
export function finished(at: number, expression: AnyExp): Node {
  return { at, type: expression.type, make: () => expression }
}

/** A literal or a parameter. */
export function constant(at: number, value: unknown): Node {
  if (value instanceof Exp) return finished(at, value as AnyExp)
  const type = typeOf(value, 'where')
  const soft = type === 'int' && typeof value === 'number'
  return {
    at,
    ...(soft ? { likely: type } : { type }),
    value,
    make: (wanted) => literal(soft && wanted === 'float' ? 'float' : type, value) as unknown as AnyExp,
  }
}

/** Something made of parts that all have its own type. */
export function alikeNode(at: number, parts: readonly Node[], make: (type: Type, parts: AnyExp[]) => AnyExp): Node {
  const known = parts.filter((part) => part.unknown !== true)
  return {
    at,
    type: known.find(({ type }) => type !== undefined)?.type,
    likely: known.find(({ likely }) => likely !== undefined)?.likely,
    make: (type) =>
      make(
        type,
        parts.map((part) => part.make(type)),
      ),
  }
}
