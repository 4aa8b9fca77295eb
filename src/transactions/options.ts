// The options of transactions.

import { checkNames, type OptionRules, readOptions, signal } from '../checks/options.js'
import { TRANSACTIONS } from '../options/behavior.js'

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

const DEFAULT_ATTEMPTS = 5

/** Resolved options. */
export interface Resolved {
  /** 0: what the server gives. */
  readonly timeout: number
  readonly attempts: number
  readonly signal: AbortSignal | undefined
}

const RULES: OptionRules<TransactionOptions> = { ...TRANSACTIONS, signal }

/** Checks the options of a call that takes these. */
export function resolveOptions(verb: string, options: unknown, names: readonly string[]): Resolved {
  checkNames(verb, options, names)
  const { timeout = 0, attempts = DEFAULT_ATTEMPTS, signal } = readOptions<TransactionOptions>(verb, options, RULES)
  return { timeout, attempts, signal }
}
