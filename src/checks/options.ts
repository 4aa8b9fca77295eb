// The one reader of options: a table says for each option what it may be, and what is wrong is said in the same words
// everywhere, with the nearest name or value that was probably meant.

import { types } from 'node:util'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_INT32 } from '../limits.js'
import { describe, isAbortSignal, isPlain } from './check.js'
import { nearest } from './nearest.js'

/** What an option may be. */
export interface OptionRule {
  /** In the words of the message, after `must be`. */
  readonly expects: string
  readonly check: (value: unknown) => boolean
  /** A value that no message may show. */
  readonly isSecret?: boolean
}

/** A rule for each option of a type: with one missing, or one too many, it does not compile. */
export type OptionRules<T> = { readonly [name in keyof T]-?: OptionRule }

/**
 * The options of a call, checked. An option that is `undefined` was not given; neither were any if `options` is.
 *
 * @throws InvalidArgumentError when they are no plain object, have an unknown name or a value that is not acceptable
 */
export function readOptions<T extends object>(verb: string, options: unknown, rules: OptionRules<T>): Partial<T> {
  if (options === undefined) return {}
  checkNames(verb, options, Object.keys(rules))
  const given: { [name: string]: unknown } = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    checkOption(verb, name, rules[name as keyof T], value)
    given[name] = value
  }
  return given as Partial<T>
}

/** Refuses options that are no plain object or have another name than these. `none` says of a name that there is none. */
export function checkNames(
  verb: string,
  options: unknown,
  names: readonly string[],
  none = 'there is no option',
): asserts options is { readonly [name: string]: unknown } {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`${verb}: options must be a plain object, not ${describe(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new InvalidArgumentError(`${verb}: ${none} '${name}'${didYouMean(name, names)}`)
  }
}

/** Refuses a value that a rule does not take. */
export function checkOption(verb: string, name: string, rule: OptionRule, value: unknown): void {
  if (rule.check(value)) return
  if (rule.isSecret === true) throw new InvalidArgumentError(`${verb}: option '${name}' must be ${rule.expects}`)
  throw badValue(verb, name, rule.expects, value)
}

// Rules that several tables have.

export const flag: OptionRule = { expects: 'true or false', check: (value) => typeof value === 'boolean' }
export const text: OptionRule = { expects: 'text', check: (value) => typeof value === 'string' }
export const callback: OptionRule = { expects: 'a function', check: (value) => typeof value === 'function' }
export const signal: OptionRule = { expects: 'an AbortSignal', check: isAbortSignal }
/** What is checked where it is used. */
export const anything: OptionRule = { expects: 'a value', check: () => true }

export function whole(least: number, most: number, unit = ''): OptionRule {
  return {
    expects: `a whole number${unit} from ${least} to ${most}`,
    check: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  }
}

/** A number of milliseconds, not a whole one necessarily. */
export function milliseconds(least: number, note: string): OptionRule {
  return {
    expects: `a number of milliseconds${note}`,
    check: (value) => typeof value === 'number' && value >= least && value <= MAX_INT32,
  }
}

/** One of the names of a table. */
export function oneOf(names: { readonly [name: string]: unknown }): OptionRule {
  return {
    expects: quoted(Object.keys(names)),
    check: (value) => typeof value === 'string' && Object.hasOwn(names, value),
  }
}

/** `'a', 'b' or 'c'`. */
export function quoted(names: readonly string[]): string {
  const all = names.map((name) => `'${name}'`)
  return all.length < 2 ? all.join() : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`
}

/** The error for a value that an option does not take, with the nearest one it does. */
export function badValue(verb: string, name: string, expects: string, value: unknown): InvalidArgumentError {
  const known = [...expects.matchAll(/'([^']*)'/g)].map((match) => match[1] as string)
  const hint = typeof value === 'string' ? didYouMean(value, known) : ''
  return new InvalidArgumentError(`${verb}: option '${name}' must be ${expects}, not ${shown(value)}${hint}`)
}

/** A date is told by what it says: that it is one may be what was asked for. */
function shown(value: unknown): string {
  if (!types.isDate(value)) return describe(value)
  return Number.isNaN(value.getTime()) ? 'an invalid date' : `the date ${value.toISOString()}`
}

/** What options of the official client are called here, where that is not near. */
const OFFICIAL_NAMES: ReadonlyMap<string, string> = new Map([
  ['policies', 'defaults'],
  ['maxConnsPerNode', 'maxConnectionsPerNode'],
  ['minConnsPerNode', 'minConnectionsPerNode'],
  ['connTimeoutMs', 'connectTimeout'],
  ['loginTimeoutMs', 'connectTimeout'],
  ['maxSocketIdle', 'maxIdle'],
  ['tenderInterval', 'tendInterval'],
  ['rackId', 'rackIds'],
  ['cafile', 'ca'],
  ['certfile', 'cert'],
  ['keyfile', 'key'],
  ['timeout', 'totalTimeout'],
  ['gen', 'generation'],
  ['filterExpression', 'filter'],
  ['commitLevel', 'commit'],
  ['maxConcurrent', 'concurrency'],
  ['allowInline', 'inlineMemory'],
  ['allowInlineSSD', 'inlineFlash'],
  ['addr', 'host'],
])

/** `; did you mean 'x'?`, or nothing when nothing is near. */
export function didYouMean(name: string, names: readonly string[]): string {
  const official = OFFICIAL_NAMES.get(name)
  const best = official !== undefined && names.includes(official) ? official : nearest(name, names)
  return best === undefined ? '' : `; did you mean '${best}'?`
}
