// What the parts of a condition are before their types are known: `$.age` alone says nothing about its type, `$.age > 5` does.

import { type ContextStep, ctx } from '../../operations/ctx.js'
import { type AnyExp, Exp, type Type } from '../../values/expression.js'
import { Particle } from '../../values/particle-types.js'
import { exp } from '../exp.js'
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
  /** The value, of literals and parameters. */
  readonly value?: unknown
  /** The expression, of the type that was settled on. */
  make(type: Type): AnyExp
}

/** A step of a path: `.key` or `[index]`. */
export type Step = { readonly key: string } | { readonly index: number }

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

type BinReaders = { readonly [type: string]: (name: string) => AnyExp }

const context = (steps: readonly Step[]): { ctx: ContextStep[] } => ({
  ctx: steps.map((step) => ('key' in step ? ctx.mapKey(step.key) : ctx.listIndex(step.index))),
})

/** The value a path leads to, `type` when it is said (`$.a.int()`). */
export function path(at: number, bin: string, steps: readonly Step[], type?: Type): Node {
  return {
    at,
    type,
    make(wanted) {
      const last = steps.at(-1)
      if (last === undefined) return (exp.bin as unknown as BinReaders)[wanted]?.(bin) as AnyExp
      const options = { type: wanted, ...context(steps.slice(0, -1)) }
      return select(bin, steps, last, options) as AnyExp
    },
  }
}

function select(bin: string, steps: readonly Step[], last: Step, options: object): unknown {
  const first = steps[0] as Step
  const on = 'key' in first ? exp.bin.map(bin) : exp.bin.list(bin)
  return 'key' in last ? exp.maps.getByKey(on, last.key, options) : exp.lists.getByIndex(on, last.index, options)
}

/** `.exists()` */
export function exists(at: number, bin: string, steps: readonly Step[]): Node {
  const last = steps.at(-1)
  if (last === undefined) return finished(at, exp.binExists(bin))
  const options = { return: 'exists', ...context(steps.slice(0, -1)) }
  return finished(at, select(bin, steps, last, options) as AnyExp)
}

/** `.count()`: of a bin whatever it holds, of something nested a list unless it is called a map. */
export function count(at: number, bin: string, steps: readonly Step[], type?: Type): Node {
  const first = steps[0]
  if (first === undefined) {
    if (type === 'map') return finished(at, exp.maps.size(exp.bin.map(bin)))
    if (type === 'list') return finished(at, exp.lists.size(exp.bin.list(bin)))
    const isMap = exp.eq(exp.binType(bin), Particle.map)
    const sizes = [exp.maps.size(exp.bin.map(bin)), exp.lists.size(exp.bin.list(bin))] as const
    return finished(at, exp.cond(isMap, ...sizes))
  }
  const on = 'key' in first ? exp.bin.map(bin) : exp.bin.list(bin)
  return finished(at, type === 'map' ? exp.maps.size(on, context(steps)) : exp.lists.size(on, context(steps)))
}

/** `.type()` */
export function binType(at: number, bin: string): Node {
  return { ...finished(at, exp.binType(bin)), named: true }
}
