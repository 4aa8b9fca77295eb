// The error of a commit.

import type { ErrorDetails } from '../errors/base.js'
import { TransactionError } from '../errors/classes.js'
import { nameClasses } from '../identity.js'

/** A record that could not be verified: it is not what it was when the transaction read it, or could not be asked for. */
export interface FailedRead {
  readonly namespace: string
  /** The set; `null` for none. */
  readonly set: string | null
  /** The digest of the key; `[namespace, set, null, digest]` is a key of the record. */
  readonly digest: Uint8Array
  /** 121: it has changed; 120: another transaction is about to change it; others: it could not be verified. */
  readonly code: number
}

/**
 * The transaction could not be committed. With `inDoubt` it may be committed all the same: `tx.commit()` again finds out.
 * Otherwise nothing of it was written, and the same work may succeed in a new transaction when `retryable` is true.
 */
export class CommitError extends TransactionError {
  static override readonly code: number = -17

  /** The records that could not be verified. */
  readonly failed: readonly FailedRead[]

  constructor(message: string, details: ErrorDetails = {}, failed: readonly FailedRead[] = []) {
    super(message, details)
    this.failed = failed
  }

  override toJSON(): { [name: string]: unknown } {
    const failed = this.failed.map(({ digest, ...rest }) => ({ ...rest, digest: Buffer.from(digest).toString('hex') }))
    return { ...super.toJSON(), failed }
  }
}

nameClasses({ CommitError })
