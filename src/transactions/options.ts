// The options of transactions.

import { describe, isPlain } from '../checks/check.js'
import { badValue, didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'

/** Options of `beginTransaction`. */
export interface BeginOptions {
  /**
   * Seconds until the server ends the transaction if it was not committed, 1 to 120; they count from its first write.
   * Default: as the server is configured (`mrt-duration`), 10 normally.
   */
  readonly timeout?: number | undefined
}

/** Options of `transaction`. */
export interface TransactionOptions extends BeginOptions {
  /** How often the function is run at most. Default 5. */
  readonly attempts?: number | undefined
  /** Ends the pauses between attempts, and then the call, with an `AbortError`; a commit that was begun is waited for. */
  readonly signal?: AbortSignal | undefined
}

/** What the server takes at most. */
const MAX_SECONDS = 120
const MAX_ATTEMPTS = 1000
const DEFAULT_ATTEMPTS = 5

/** Resolved options. */
export interface Resolved {
  /** 0: what the server gives. */
  readonly timeout: number
  readonly attempts: number
  readonly signal: AbortSignal | undefined
}

/** Checks the options of a call. */
export function resolveOptions(verb: string, options: unknown, names: readonly string[]): Resolved {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`${verb}: options must be a plain object, not ${describe(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw new InvalidArgumentError(`${verb}: there is no option '${name}'${didYouMean(name, names)}`)
    }
  }
  const { timeout, attempts = DEFAULT_ATTEMPTS, signal } = options as TransactionOptions
  if (timeout !== undefined) whole(verb, 'timeout', timeout, MAX_SECONDS, ' of seconds')
  whole(verb, 'attempts', attempts, MAX_ATTEMPTS, '')
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badValue(verb, 'signal', 'an AbortSignal', signal)
  return { timeout: timeout ?? 0, attempts, signal }
}

function whole(verb: string, name: string, value: unknown, most: number, unit: string): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) {
    throw badValue(verb, name, `a whole number${unit} from 1 to ${most}`, value)
  }
}
