// What becomes of failures: rows of the stream, a throw, or a handler's business.

import type { AerospikeError } from '../errors/classes.js'
import type { Key } from '../key.js'

/** What `execute` does with failures: see {@link ErrorStrategy.IN_STREAM} and {@link ErrorStrategy.THROW}. */
export type ErrorStrategy = 'inStream' | 'throw'

/** The strategies by name. */
export const ErrorStrategy = {
  /** Failures are rows of the stream, of single keys too. What batches and queries do by themselves. */
  IN_STREAM: 'inStream',
  /** The first failure throws. What single keys do by themselves. */
  THROW: 'throw',
} as const

/** Called with each failure, which is no row of the stream then. What it throws, `execute` or the stream throws. */
export type ErrorHandler = (key: Key, index: number, error: AerospikeError) => void
