// What makes a call part of a transaction: the number by which the request buffer names the transaction, and whether it
// still takes calls. What a transaction is otherwise is the business of transactions/.

import { TransactionEndedError } from '../errors/classes.js'

/** The property under which a transaction has its membership, for option `transaction`. */
export const MEMBERSHIP: unique symbol = Symbol('membership')

/** What calls of a transaction carry. */
export class Membership {
  /** The number of the transaction in request entries. */
  readonly number: number
  /** The client whose connections it uses. */
  readonly #owner: object
  /** Why it takes no more calls; `undefined` while it does. */
  ended: string | undefined

  constructor(number: number, owner: object) {
    this.number = number
    this.#owner = owner
  }

  /** Throws when a call of `owner` cannot be part of the transaction. */
  admit(owner: object, verb: string): void {
    if (this.ended !== undefined) throw new TransactionEndedError(`${verb}: the transaction is ${this.ended}`)
    if (owner !== this.#owner) throw new TransactionEndedError(`${verb}: the transaction belongs to another client`)
  }
}

/** The membership that a transaction gives its calls; `undefined` for what is none. */
export function membershipOf(transaction: unknown): Membership | undefined {
  if (typeof transaction !== 'object' || transaction === null || !(MEMBERSHIP in transaction)) return undefined
  return transaction[MEMBERSHIP] instanceof Membership ? transaction[MEMBERSHIP] : undefined
}
