// Flags of regular expressions in expressions (protocol 10.2).

import { flag, type OptionRules, readOptions } from '../checks/options.js'

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
const FLAGS: { readonly [name in keyof RegexOptions]-?: number } = { extended: 1, ignoreCase: 2, newline: 4 }
const RULES: OptionRules<RegexOptions> = { extended: flag, ignoreCase: flag, newline: flag }

export function regexFlags(options: unknown): number {
  const given = readOptions<RegexOptions>('exp.regex', options, RULES)
  let flags = 0
  for (const name of Object.keys(given) as (keyof RegexOptions)[]) if (given[name] === true) flags |= FLAGS[name]
  return flags
}
