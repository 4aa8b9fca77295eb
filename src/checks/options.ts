// What is said about a bad option: what it must be, and the nearest name or value that was probably meant.

import { InvalidArgumentError } from '../errors/classes.js'
import { describe } from './check.js'
import { nearest } from './nearest.js'

/** The error for a value that an option does not take, with the nearest one it does. */
export function badValue(verb: string, name: string, expects: string, value: unknown): InvalidArgumentError {
  const quoted = [...expects.matchAll(/'([^']*)'/g)].map((match) => match[1] as string)
  const hint = typeof value === 'string' ? didYouMean(value, quoted) : ''
  return new InvalidArgumentError(`${verb}: option '${name}' must be ${expects}, not ${describe(value)}${hint}`)
}

/** `; did you mean 'x'?`, or nothing when nothing is near. */
export function didYouMean(name: string, names: readonly string[]): string {
  const best = nearest(name, names)
  return best === undefined ? '' : `; did you mean '${best}'?`
}
