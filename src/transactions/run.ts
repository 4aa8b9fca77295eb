// Running a function in a transaction, and again when another transaction was faster.

import { BatchPartialError } from '../batch/error.js'
import { pause } from '../boundary/abort.js'
import type { Boundary } from '../boundary/native.js'
import { describe } from '../checks/check.js'
import { AerospikeError, InvalidArgumentError } from '../errors/classes.js'
import { aborted } from '../errors/failure.js'
import { now } from '../host.js'
import type { Policies } from '../options/apply.js'
import type { ReadIntegers } from '../values/values.js'
import { CommitError } from './errors.js'
import { type BeginOptions, resolveOptions, type TransactionOptions } from './options.js'
import { begin, type Transaction } from './transaction.js'

/** Transactions of a client. */
export interface TransactionCommands<I extends ReadIntegers = 'auto'> {
  /**
   * Runs a function in a transaction and commits it. When another transaction was faster the function is run again, after a
   * pause of random length that grows, within `attempts` and `timeout`; so it must not do anything outside of the
   * transaction that cannot be done twice. What it throws otherwise aborts the transaction. Needs a strongly consistent
   * namespace of an Enterprise server from 8.0 on.
   *
   * @throws CommitError with `inDoubt` when it may be committed: then the function is not run again
   * @throws TransactionBlockedError, TransactionVersionMismatchError, CommitError when others were faster each time
   * @throws TransactionExpiredError when the time was over
   * @example
   * const left = await client.transaction(async (tx) => {
   *   const { bins } = await tx.get<Account>(from)
   *   if (bins.sum < 5) throw new Error('not enough')
   *   await tx.batchWrite([
   *     { key: from, ops: [op.increment('sum', -5)] },
   *     { key: to, ops: [op.increment('sum', 5)] },
   *   ])
   *   return bins.sum - 5
   * }, { timeout: 5, attempts: 5 })
   */
  transaction<T>(work: (tx: Transaction<I>) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>

  /**
   * Begins a transaction that is ended by hand. Nothing is sent before its first call. One that is forgotten is aborted
   * when it is collected, and by the server when its time is over.
   *
   * @throws InvalidArgumentError for options that do not exist or make no sense
   * @throws ClientClosedError after `close`
   * @example
   * await using tx = client.beginTransaction({ timeout: 5 })
   * await tx.put(key, { n: 1 })
   * await tx.commit() // leaving the block without it aborts
   */
  beginTransaction(options?: BeginOptions): Transaction<I>
}

/** The longest pause before the second attempt; it doubles with each until {@link LONGEST_MS}. */
const FIRST_MS = 10
const LONGEST_MS = 1000

/** Begins a transaction. */
export function beginTransaction(boundary: Boundary, policies: Policies, options: BeginOptions = {}): Transaction {
  const { timeout } = resolveOptions('beginTransaction', options, ['timeout'])
  return begin(boundary, policies, timeout)
}

/** Runs a function in a transaction. */
export async function transaction<T>(
  boundary: Boundary,
  policies: Policies,
  work: (tx: Transaction) => T | PromiseLike<T>,
  options: TransactionOptions = {},
): Promise<T> {
  if (typeof work !== 'function') {
    throw new InvalidArgumentError(`transaction: expected a function, not ${describe(work)}`)
  }
  const { timeout, attempts, signal } = resolveOptions('transaction', options, ['timeout', 'attempts', 'signal'])
  const end = timeout === 0 ? Number.POSITIVE_INFINITY : now() + timeout * 1000
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted === true) throw aborted('transaction', undefined, signal.reason, false)
    const left = timeout === 0 ? 0 : Math.max(1, Math.ceil((end - now()) / 1000))
    const tx = begin(boundary, policies, left)
    try {
      const result = await work(tx)
      if (tx.state === 'open') await tx.commit()
      return result
    } catch (error) {
      await undo(tx)
      // full jitter: those that got into one another's way spread out
      const wait = Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt)
      if (attempt >= attempts || !mayRunAgain(error) || now() + wait >= end) throw error
      await pause('transaction', wait, signal)
    }
  }
}

/** Aborts what is open. That it could not be aborted is no news: the server does it when the time is over. */
async function undo(tx: Transaction): Promise<void> {
  if (tx.state !== 'open' && tx.state !== 'verified') return
  try {
    await tx.abort()
  } catch {
    // what went wrong before says more
  }
}

const BLOCKED = 120
const VERSION_MISMATCH = 121

/** Whether another transaction was faster, and nothing of this one is left. */
function mayRunAgain(error: unknown): boolean {
  if (error instanceof CommitError) return error.retryable && !error.inDoubt
  if (error instanceof BatchPartialError) {
    return [...error.batch].some(({ resultCode }) => resultCode === BLOCKED || resultCode === VERSION_MISMATCH)
  }
  return error instanceof AerospikeError && (error.code === BLOCKED || error.code === VERSION_MISMATCH)
}
