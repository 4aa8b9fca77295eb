// The error of a batch in which rows failed. It carries the batch, so that no answer is lost.

import { BatchError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { nameClasses } from '../identity.js'
import type { BatchRecords } from './results.js'

/** What went wrong in a batch. */
export interface Failures {
  failed: number
  unprocessed: number
  /** Whether any row was processed, or may have been. */
  anything: boolean
  /** The first row that failed or was not processed. */
  first: number
  inDoubt: boolean
}

/**
 * Some rows of a batch failed or were not processed. Thrown by `throwIfFailed()`, by `getMany` and its siblings, by batches
 * with `onPartial: 'throw'`, and, unless that option is `'return'`, by batches of which nothing at all was processed. `batch`
 * has every row, the good ones included; `cause` is the first row's error.
 *
 * @example
 * try {
 *   await client.batchWrite(rows, { onPartial: 'throw' })
 * } catch (error) {
 *   if (error instanceof BatchPartialError) await error.batch.retry()
 * }
 */
export class BatchPartialError extends BatchError {
  static override readonly code: number = Code.batchFailed

  /** The results, row by row. */
  declare readonly batch: BatchRecords

  constructor(batch: BatchRecords, { failed, unprocessed, anything, first: index, inDoubt }: Failures) {
    const first = batch.at(index)?.error
    const outcome = !anything
      ? `none of ${batch.length} rows was processed`
      : `of ${batch.length} rows ${failed} failed and ${unprocessed} were not processed`
    super(`${batch.request.verb}: ${outcome}; first: ${first?.message}`, {
      inDoubt,
      retryable: failed === 0,
      elapsed: batch.cost.elapsed,
      cause: first,
    })
    // Not enumerable: what prints or logs the error should not print every record.
    Object.defineProperty(this, 'batch', { value: batch, enumerable: false })
  }
}

nameClasses({ BatchPartialError })
