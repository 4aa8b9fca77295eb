// Nested context: the way from a bin to a collection inside it (protocol 9.6).

import { describe } from '../checks/check.js'
import { badValue, flag, type OptionRules, oneOf, readOptions } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { nameClasses } from '../identity.js'
import { MAX_STEPS } from '../limits.js'
import { Encoded, encode, packArgument } from '../values/encoded.js'
import { type Exp, isFilter } from '../values/expression.js'
import { packInteger, packListHeader } from '../values/pack.js'
import type { MapKey, Value } from '../values/values.js'
import { createdStep } from './survival.js'

const LIST_CREATE = { unordered: 0x40, padded: 0x80, ordered: 0xc0 } as const
const MAP_CREATE = { unordered: 0x40, keyOrdered: 0x80, keyValueOrdered: 0xc0 } as const
const PERSIST_INDEX = 0x100

/** One step of a path, made by the functions of {@link ctx}. */
export class ContextStep {
  /** @internal Type of the step with its creation bits. */
  readonly code: number
  /** @internal */
  readonly value: unknown

  /** @internal */
  constructor(code: number, value: unknown) {
    this.code = code
    this.value = value
  }
}

nameClasses({ ContextStep })

/** The way to a nested collection, from the bin inwards; the option `ctx` of operations and expressions. */
export type Context = readonly ContextStep[]

/** What `ctx.listIndex` takes besides the index. */
export interface ListStepOptions {
  /**
   * Creates the list the index points into when it does not exist: `unordered`, `ordered`, or `padded` (unordered, and filled
   * with `null` up to the index).
   */
  readonly create?: keyof typeof LIST_CREATE | undefined
  /** A list that is created keeps its index in storage. Default false. */
  readonly persistIndex?: boolean | undefined
}

/** What `ctx.mapKey` takes besides the key. */
export interface MapStepOptions {
  /** Creates the map the key is looked up in when it does not exist. */
  readonly create?: keyof typeof MAP_CREATE | undefined
  /** A map that is created keeps its index in storage. Default false. */
  readonly persistIndex?: boolean | undefined
}

function integer(value: unknown, verb: string): number | bigint {
  if (Number.isSafeInteger(value) || typeof value === 'bigint') return value as number
  throw new InvalidArgumentError(`ctx.${verb}: expected an integer, not ${describe(value)}`)
}

function given<T>(value: T, verb: string): T {
  if (value === undefined) throw new InvalidArgumentError(`ctx.${verb}: expected a value, not undefined`)
  return value
}

function condition(value: unknown, verb: string): Exp<'bool'> {
  if (isFilter(value)) return value
  throw new InvalidArgumentError(`ctx.${verb}: expected an expression of type bool, not ${describe(value)}`)
}

const LIST_RULES: OptionRules<ListStepOptions> = { create: oneOf(LIST_CREATE), persistIndex: flag }
const MAP_RULES: OptionRules<MapStepOptions> = { create: oneOf(MAP_CREATE), persistIndex: flag }

/** The bits of `create` and `persistIndex`. */
function creation<O extends ListStepOptions | MapStepOptions>(
  options: unknown,
  rules: OptionRules<O>,
  names: { readonly [name: string]: number },
  verb: string,
): number {
  const { create, persistIndex } = readOptions<O>(`ctx.${verb}`, options, rules)
  if (create !== undefined) return (names[create] as number) | (persistIndex === true ? PERSIST_INDEX : 0)
  if (persistIndex !== true) return 0
  throw new InvalidArgumentError(`ctx.${verb}: option 'persistIndex' needs option 'create'`)
}

/**
 * Steps into nested collections. A path of them is the option `ctx` of every list, map, bit and HyperLogLog operation.
 *
 * @example
 * lists.append('profile', 'new', { ctx: [ctx.mapKey('tags', { create: 'keyOrdered' })] })
 */
export const ctx = {
  /** The element of a list at an index; negative ones count from the end. @example ctx.listIndex(-1) */
  listIndex: (index: number | bigint, options?: ListStepOptions): ContextStep =>
    new ContextStep(0x10 | creation(options, LIST_RULES, LIST_CREATE, 'listIndex'), integer(index, 'listIndex')),

  /** The element of a list at a rank: 0 is the smallest, -1 the greatest. @example ctx.listRank(0) */
  listRank: (rank: number | bigint): ContextStep => new ContextStep(0x11, integer(rank, 'listRank')),

  /** The first element of a list that equals a value. @example ctx.listValue(['a', 1]) */
  listValue: (value: Value): ContextStep => new ContextStep(0x13, given(value, 'listValue')),

  /** The entry of a map at an index of its keys' order. @example ctx.mapIndex(0) */
  mapIndex: (index: number | bigint): ContextStep => new ContextStep(0x20, integer(index, 'mapIndex')),

  /** The entry of a map at a rank of its values. @example ctx.mapRank(-1) */
  mapRank: (rank: number | bigint): ContextStep => new ContextStep(0x21, integer(rank, 'mapRank')),

  /** The entry of a map with a key. @example ctx.mapKey('address') */
  mapKey: (key: MapKey, options?: MapStepOptions): ContextStep =>
    new ContextStep(0x22 | creation(options, MAP_RULES, MAP_CREATE, 'mapKey'), given(key, 'mapKey')),

  /** The first entry of a map whose value equals a value. @example ctx.mapValue(5) */
  mapValue: (value: Value): ContextStep => new ContextStep(0x23, given(value, 'mapValue')),

  /** All entries of a map with these keys. For paths; servers from 8.1.2 on. @example ctx.mapKeys(['a', 'b']) */
  mapKeys: (keys: readonly MapKey[]): ContextStep => {
    if (!Array.isArray(keys)) {
      throw new InvalidArgumentError(`ctx.mapKeys: expected a list of keys, not ${describe(keys)}`)
    }
    return new ContextStep(0x2a, [...keys])
  },

  /** All elements of a list or map. For paths (`paths.select`, `paths.modify`). @example ctx.all() */
  all: (): ContextStep => new ContextStep(0x04, true),

  /**
   * All elements for which an expression holds; `exp.path.value` and its like are the element. For paths.
   * @example ctx.where(exp.gt(exp.path.value('int'), 10))
   */
  where: (filter: Exp<'bool'>): ContextStep => new ContextStep(0x04, condition(filter, 'where')),

  /**
   * Those elements that the step before chose and for which an expression holds. For paths; servers from 8.1.2 on.
   * @example ctx.and(exp.gt(exp.path.value('int'), 10))
   */
  and: (filter: Exp<'bool'>): ContextStep => new ContextStep(0x204, condition(filter, 'and')),
} as const

/** A path in wire form: types and values by turns. `bits` are added to the type of the last step. */
export function encodeContext(path: unknown, verb: string, bits = 0): Encoded | undefined {
  if (path === undefined) return undefined
  if (!Array.isArray(path)) throw badValue(verb, 'ctx', 'a list of steps such as ctx.mapKey(…)', path)
  if (path.length === 0) return undefined
  if (path.length > MAX_STEPS) {
    throw new InvalidArgumentError(`${verb}: a path has at most ${MAX_STEPS} steps, not ${path.length}`)
  }
  const bytes = encode('ctx', (w) => {
    packListHeader(w, path.length * 2)
    path.forEach((step: unknown, i) => {
      if (!(step instanceof ContextStep)) {
        throw new InvalidArgumentError(
          `${verb}: ctx[${i}] must be a step such as ctx.mapKey('a'), not ${describe(step)}`,
        )
      }
      packInteger(w, createdStep(i === path.length - 1 ? step.code | bits : step.code, step.value))
      w.depth = 1
      w.path[1] = i
      packArgument(w, step.value)
    })
  })
  return new Encoded(bytes)
}

/** The creation bits that `lists.create` and `maps.create` put on the last step (protocol 9.6). */
export function createBits(kind: 'list' | 'map', order: number, padded: boolean): number {
  if (kind === 'list')
    return (order & 1) !== 0 ? LIST_CREATE.ordered : padded ? LIST_CREATE.padded : LIST_CREATE.unordered
  return (order & 3) === 0
    ? MAP_CREATE.unordered
    : (order & 3) === 1
      ? MAP_CREATE.keyOrdered
      : MAP_CREATE.keyValueOrdered
}
