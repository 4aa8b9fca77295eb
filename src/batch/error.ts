// The error of a batch of which a part failed. It carries the batch, so nothing that arrived is lost.

import { BatchError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { nameClasses } from '../identity.js'
import type { BatchRecords } from './results.js'

/**
 * Some rows of a batch failed or were not processed. Thrown by `throwIfFailed()`, by `getMany` and its siblings, and by
 * batches with `onPartial: 'throw'`. `batch` has every row, the good ones included.
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

  constructor(batch: BatchRecords, failed: number, unprocessed: number) {
    const first = [...batch].find((row) => row.error !== null)?.error
    super(
      `${batch.request.verb}: of ${batch.length} rows ${failed} failed and ${unprocessed} were not processed; first: ${first?.message}`,
      {
        inDoubt: [...batch].some((row) => row.inDoubt),
        retryable: failed === 0,
        elapsed: batch.cost.elapsed,
        cause: first,
      },
    )
    // Not enumerable: what prints or logs the error should not print every record.
    Object.defineProperty(this, 'batch', { value: batch, enumerable: false })
  }
}

nameClasses({ BatchPartialError })
