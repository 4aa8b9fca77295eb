// Selecting and changing many elements deep inside a bin at once (protocol 9.7, servers from 8.1 on).

import { describe } from '../checks/check.js'
import { flag, type OptionRules, oneOf, readOptions } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { OpCode } from '../protocol.js'
import { type AnyExp, Exp } from '../values/expression.js'
import { type Context, encodeContext } from './ctx.js'
import { Needs, Operation } from './operation.js'

/** Stands where other calls have their op-code. */
export const PATH_CALL = 0xfe
const APPLY = 4
const NO_FAIL = 0x10
const RESULTS = { tree: 0, values: 1, keys: 2, entries: 3 } as const

/** What `paths.select` answers. */
export type PathResult = keyof typeof RESULTS

/** Options of `paths.modify`. */
export interface PathOptions {
  /** Pass over elements for which an expression fails, rather than fail as a whole. Default false. */
  readonly noFail?: boolean | undefined
}

/** Options of `paths.select`. */
export interface PathSelectOptions extends PathOptions {
  /**
   * `tree` (default): the same collections with only what was selected; `values` or `keys`: a list of them; `entries`: a list of
   * key, value, key, value.
   */
  readonly return?: PathResult | undefined
}

const RULES: OptionRules<PathOptions> = { noFail: flag }
const SELECT_RULES: OptionRules<PathSelectOptions> = { ...RULES, return: oneOf(RESULTS) }

/** The flags that the options of a path call mean. */
export function pathFlags(verb: string, options: unknown, apply: boolean): number {
  const given: PathSelectOptions = apply
    ? readOptions<PathOptions>(verb, options, RULES)
    : readOptions<PathSelectOptions>(verb, options, SELECT_RULES)
  return (apply ? APPLY : RESULTS[given.return ?? 'tree']) | (given.noFail === true ? NO_FAIL : 0)
}

/** The arguments of a path call. */
export function pathArguments(verb: string, path: unknown, flags: number, change?: unknown): unknown[] {
  const encoded = encodeContext(path, verb)
  if (encoded === undefined) throw new InvalidArgumentError(`${verb}: a path has at least one step`)
  if (change === undefined) return [encoded, flags]
  if (change instanceof Exp) return [encoded, flags, change]
  throw new InvalidArgumentError(`${verb}: expected an expression, not ${describe(change)}`)
}

function binOf(bin: unknown, verb: string): string {
  if (typeof bin === 'string') return bin
  throw new InvalidArgumentError(`${verb}: the bin name must be text, not ${describe(bin)}`)
}

/**
 * Operations along a path, whose steps may be `ctx.all()` and `ctx.where(…)`. Servers from 8.1 on.
 *
 * @example
 * paths.select('orders', [ctx.mapKey('items'), ctx.where(exp.gt(exp.path.value('int'), 10))], { return: 'values' })
 */
export const paths = {
  /**
   * What a path leads to.
   * @example paths.select('order', [ctx.mapKey('items'), ctx.all(), ctx.mapKey('price')], { return: 'values' })
   */
  select: (bin: string, path: Context, options?: PathSelectOptions): Operation => {
    const args = pathArguments('paths.select', path, pathFlags('paths.select', options, false))
    const payload = { kind: 'call', code: PATH_CALL, args, path: undefined } as const
    return new Operation(OpCode.cdtRead, binOf(bin, 'paths.select'), payload, Needs.read | Needs.allAnswers)
  },

  /**
   * Replaces every element a path leads to by the result of an expression, in which `exp.path.value` is the element;
   * `exp.path.remove()` removes it. Answers nothing.
   * @example paths.modify('order', [ctx.mapKey('items'), ctx.all()], exp.mul(exp.path.value('int'), 2))
   */
  modify: (bin: string, path: Context, change: AnyExp, options?: PathOptions): Operation => {
    const verb = 'paths.modify'
    const args = pathArguments(verb, path, pathFlags(verb, options, true), change ?? null)
    const payload = { kind: 'call', code: PATH_CALL, args, path: undefined } as const
    return new Operation(OpCode.cdtModify, binOf(bin, verb), payload, Needs.write | Needs.allAnswers)
  },
} as const
