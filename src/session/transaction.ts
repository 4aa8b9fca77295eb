// Sentences in a transaction: the same verbs, over the commands of the transaction.

import { describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import type { Behavior } from '../options/behavior.js'
import type { TransactionOptions } from '../transactions/options.js'
import { commandsWith, type Transaction } from '../transactions/transaction.js'
import { Beginning } from './builder.js'
import type { Verbs } from './steps.js'
import { ErrorStrategy } from './strategy.js'
import { type Adaptable, type Calls, type Indexes, Views } from './views.js'

/** Who runs functions in transactions. */
export interface TransactionSource extends Adaptable {
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
}

/**
 * The verbs of a session in a transaction, for the function that {@link Session.transaction} runs. Servers have no queries
 * in transactions: records are read by their keys.
 */
export interface TransactionSession extends Verbs<never, 'one'> {
  /** How its calls behave. */
  readonly behavior: Behavior
  /** The transaction, for plain calls and for ending it early. */
  readonly transaction: Transaction
}

class SessionInTransaction extends Beginning {
  readonly behavior: Behavior
  readonly transaction: Transaction

  constructor(transaction: Transaction, behavior: Behavior) {
    super(new Views(callsOf(transaction), behavior, NO_INDEXES, ErrorStrategy.THROW))
    this.behavior = behavior
    this.transaction = transaction
  }
}

/** No query asks for them. */
const NO_INDEXES: Indexes = { of: async () => [], again: async () => [], forget: () => {} }

function callsOf(transaction: Transaction): Adaptable {
  return { with: (options) => Object.assign(commandsWith(transaction, options), { query: noQuery }) }
}

const noQuery: Calls['query'] = () => {
  throw new InvalidArgumentError('query: a transaction reads records by their keys; queries run outside of it')
}

/** Runs a function with a session in a transaction. */
export async function inTransaction<T>(
  client: TransactionSource,
  behavior: Behavior,
  work: (tx: TransactionSession) => T | PromiseLike<T>,
  options?: TransactionOptions,
): Promise<T> {
  if (typeof work !== 'function') {
    throw new InvalidArgumentError(`transaction: expected a function, not ${describe(work)}`)
  }
  const run = async (tx: Transaction): Promise<T> =>
    work(new SessionInTransaction(tx, behavior) as unknown as TransactionSession)
  const said = behavior.optionsOf('transaction')
  if (options === undefined) return client.transaction(run, said)
  // What is no object is for the check of the call to refuse.
  if (typeof options !== 'object' || options === null) return client.transaction(run, options)
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return client.transaction(run, { ...said, ...Object.fromEntries(given) })
}
