// List, map, bit and HyperLogLog functions inside expressions (protocol 10.3), from the tables of the operations.

import { InvalidArgumentError } from '../errors/classes.js'
import { BIT_FAMILY, type BitCalls } from '../operations/bits.js'
import { buildCall } from '../operations/build.js'
import type { Context } from '../operations/ctx.js'
import { HLL_FAMILY, type HllCalls } from '../operations/hll.js'
import { LIST_FAMILY, type ListCalls } from '../operations/lists.js'
import { MAP_FAMILY, type MapCalls } from '../operations/maps.js'
import { PATH_CALL, type PathOptions, type PathSelectOptions, pathArguments, pathFlags } from '../operations/paths.js'
import type { Family } from '../operations/signature.js'
import { Encoded, encode, packCall } from '../values/encoded.js'
import type { AnyExp, Exp, Operand, Type } from '../values/expression.js'
import { VALUE_TYPES } from '../values/value-types.js'
import { call, operand } from './node.js'

const CALL = 127
/** Added to the system of a call that changes what it works on. */
const MODIFIES = 0x40

/** What a call of a family may work on; a list inside a map is reached by a context, and so on. */
const TARGETS: { readonly [family: string]: readonly Type[] } = {
  lists: ['list', 'map'],
  maps: ['map', 'list'],
  bits: ['blob', 'list', 'map'],
  hll: ['hll', 'list', 'map'],
}

function onTarget(
  type: Type,
  system: number,
  inner: { readonly code: number; readonly args: readonly unknown[]; readonly path: Encoded | undefined },
  target: Exp,
): Exp {
  const op = new Encoded(encode('call', (w) => packCall(w, inner.code, inner.args, inner.path)))
  return call(type, CALL, [VALUE_TYPES[type].result, system, op, target])
}

function callsOf<T>(family: Family): T {
  const functions = Object.entries(family.table)
    .filter(([, signature]) => signature.operationOnly === undefined)
    .map(([name, signature]) => {
      const where = `exp.${family.name}.${name}`
      return [
        name,
        (target: unknown, ...given: unknown[]): Exp => {
          const on = operand(where, target, TARGETS[family.name] as readonly Type[])
          const built = buildCall(where, signature, given, true)
          const type = signature.writes ? (on.type ?? family.target) : built.type
          if (type === undefined) {
            throw new InvalidArgumentError(`${where}: say the type of the element, such as { type: 'int' }`)
          }
          return onTarget(type, family.system + (signature.writes ? MODIFIES : 0), built, on)
        },
      ]
    })
  return Object.freeze(Object.fromEntries(functions)) as T
}

/** What can be done along a path inside an expression. */
export interface PathCalls {
  /**
   * What a path leads to: a list, or with `return: 'tree'` the same collections with only that.
   * @example exp.paths.select(exp.bin.map('order'), [ctx.all()], { return: 'values' })
   */
  select(
    target: Operand<'list'> | Operand<'map'>,
    path: Context,
    options: PathSelectOptions & { return: 'values' | 'keys' | 'entries' },
  ): Exp<'list'>
  select<T extends 'list' | 'map'>(target: Exp<T>, path: Context, options?: PathSelectOptions): Exp<T>
  /**
   * The collection with every element a path leads to replaced by the result of an expression.
   * @example exp.paths.modify(exp.bin.map('order'), [ctx.all()], exp.add(exp.path.value('int'), 1))
   */
  modify<T extends 'list' | 'map'>(target: Exp<T>, path: Context, change: AnyExp, options?: PathOptions): Exp<T>
}

const pathCalls: PathCalls = {
  select(target: unknown, path: Context, options?: PathSelectOptions): never {
    const where = 'exp.paths.select'
    const on = operand(where, target, ['list', 'map'])
    const flags = pathFlags(where, options, false)
    const type = (flags & 0x0f) === 0 ? (on.type ?? 'map') : 'list'
    return onTarget(type, 0, { code: PATH_CALL, args: pathArguments(where, path, flags), path: undefined }, on) as never
  },
  modify(target: unknown, path: Context, change: AnyExp, options?: PathOptions): never {
    const where = 'exp.paths.modify'
    const on = operand(where, target, ['list', 'map'])
    const args = pathArguments(where, path, pathFlags(where, options, true), change ?? null)
    return onTarget(on.type ?? 'map', MODIFIES, { code: PATH_CALL, args, path: undefined }, on) as never
  },
}

/** The families, for `exp`. */
export const collections = {
  /**
   * What `lists` does, on an expression. Writes give the changed list and store nothing.
   * @example exp.lists.size(exp.bin.list('tags'))
   */
  lists: callsOf<ListCalls<'expression'>>(LIST_FAMILY),
  /** What `maps` does, on an expression. @example exp.maps.getByKey(exp.bin.map('profile'), 'age', { type: 'int' }) */
  maps: callsOf<MapCalls<'expression'>>(MAP_FAMILY),
  /** What `bits` does, on an expression. @example exp.bits.count(exp.bin.blob('flags'), 0, 64) */
  bits: callsOf<BitCalls<'expression'>>(BIT_FAMILY),
  /** What `hll` does, on an expression. @example exp.hll.getCount(exp.bin.hll('visitors')) */
  hll: callsOf<HllCalls<'expression'>>(HLL_FAMILY),
  /** What `paths` does, on an expression. Servers from 8.1 on. */
  paths: pathCalls,
} as const
