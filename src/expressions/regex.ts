// Flags of regular expressions in expressions (protocol 10.2).

import { describe, isPlain } from '../checks/check.js'
import { badValue, didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'

/** How a regular expression is read. */
export interface RegexOptions {
  /** POSIX extended syntax (`+`, `|`, `()` without backslashes). Default false: basic syntax. */
  readonly extended?: boolean | undefined
  /** Upper and lower case are the same. Default false. */
  readonly ignoreCase?: boolean | undefined
  /** `^` and `$` match at line breaks, which `.` does not match. Default false. */
  readonly newline?: boolean | undefined
}

// 4 is what makes ^ and $ match at line breaks, although several clients call it NOSUB (protocol 10.2).
const FLAGS: { readonly [name: string]: number } = { extended: 1, ignoreCase: 2, newline: 4 }

export function regexFlags(options: unknown): number {
  if (options === undefined) return 0
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`exp.regex: options must be a plain object, not ${describe(options)}`)
  }
  let flags = 0
  for (const [name, value] of Object.entries(options)) {
    const bit = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined
    if (bit === undefined) {
      throw new InvalidArgumentError(`exp.regex: there is no option '${name}'${didYouMean(name, Object.keys(FLAGS))}`)
    }
    if (value !== undefined && typeof value !== 'boolean') throw badValue('exp.regex', name, 'true or false', value)
    if (value === true) flags |= bit
  }
  return flags
}
