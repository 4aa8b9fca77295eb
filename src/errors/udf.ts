// Reads what a server says when a function fails: `<folder>/<module>.lua:<line>: <what Lua said>` (protocol 6.4).

import type { ErrorDetails, UdfSite } from './base.js'
import { UdfError, UdfNotFoundError } from './classes.js'

/** The texts for a function, and for a module, that is not there (protocol 6.4). */
const NOT_FOUND = new Set(['function not found', 'UDF: Execution Error 1'])

const ENDING = '.lua:'

/** The module, the line and the words of a failure; the text alone when it does not say where. */
export function readSite(text: string): UdfSite {
  const ending = text.indexOf(ENDING)
  if (ending <= 0) return { reason: text }
  const [, line, reason] = /^(\d{1,9}): (.*)$/s.exec(text.slice(ending + ENDING.length)) ?? []
  if (line === undefined || reason === undefined) return { reason: text }
  const folder = Math.max(text.lastIndexOf('/', ending), text.lastIndexOf('"', ending))
  return { module: text.slice(folder + 1, ending), line: Number(line), reason }
}

/** The error for a function that failed with a text. `called` is what the caller asked for. */
export function udfError(
  message: string,
  details: ErrorDetails,
  text: string | undefined,
  called: UdfSite | undefined,
): UdfError {
  const UdfClass = NOT_FOUND.has(text ?? '') ? UdfNotFoundError : UdfError
  const site = readSite(text ?? '')
  // A module may call into another one: where it failed is what the server says, what was called is known here.
  return new UdfClass(message, { ...details, udf: { ...called, ...site } })
}
