// The root of all errors: what every failure carries, and how it is shown.

import { types } from 'node:util'
import { nameClasses } from '../identity.js'
import type { Key } from '../key.js'
import { Code } from './codes.js'

/** One earlier attempt of a call that failed. */
export interface AttemptError {
  /** Result code of the attempt; negative codes come from the client. */
  readonly code: number
  /** Which attempt it was, counted from 1. */
  readonly attempt: number
  /** The node it went to, or `undefined` when none was reached. */
  readonly node: string | undefined
  /** What went wrong, in words. */
  readonly message: string
  /** Whether a write may have happened all the same. */
  readonly inDoubt: boolean
  /** Milliseconds from the beginning of the attempt to its end, without the pause before it; 0 where that is not known. */
  readonly elapsed: number
}

/** Where a user-defined function failed, as far as it is known. */
export interface UdfSite {
  /** The module, without the ending of its file. */
  readonly module?: string | undefined
  readonly function?: string | undefined
  /** The line of the module, counted from 1. */
  readonly line?: number | undefined
  /** What Lua said. */
  readonly reason?: string | undefined
}

/** What an error is made of besides its message. */
export interface ErrorDetails {
  readonly code?: number
  readonly key?: Key | undefined
  readonly node?: string | undefined
  readonly attempts?: number
  readonly elapsed?: number
  readonly inDoubt?: boolean
  readonly retryable?: boolean
  readonly subErrors?: readonly AttemptError[]
  readonly cause?: unknown
  /** For errors about a bin. */
  readonly bin?: string | undefined
  /** For errors about a secondary index. */
  readonly index?: string | undefined
  /** For errors about a user or a role. */
  readonly user?: string | undefined
  readonly role?: string | undefined
  /** For errors of user-defined functions. */
  readonly udf?: UdfSite | undefined
}

/**
 * The root of everything this package throws or rejects with.
 *
 * The message says what failed, on which key, at which node, after how many attempts and milliseconds; the same facts
 * are properties. `code` is the stable way to tell errors apart across versions, `instanceof` the pleasant one.
 * No error ever carries a password or other credential.
 *
 * @example
 * try {
 *   await client.put(key, bins, { generation: meta.gen })
 * } catch (error) {
 *   if (error instanceof GenerationError) return retryWithFreshRecord()
 *   if (error instanceof AerospikeError && error.inDoubt) audit(error)
 *   throw error
 * }
 */
export class AerospikeError extends Error {
  /** The code of errors of this class that no server sent. */
  static readonly code: number = Code.client
  /** @internal Whether errors of this class are `retryable` when nothing else is said. */
  static readonly mayRetry: boolean = false

  /**
   * Whether a value is an error of this class, also one of another copy of this package in the process: as `instanceof`, for
   * places where a function is wanted.
   *
   * @example
   * const known = failures.filter((one) => AerospikeError.is(one))
   */
  static is<T extends abstract new (...args: never[]) => AerospikeError>(
    this: T,
    value: unknown,
  ): value is InstanceType<T> {
    // biome-ignore lint/complexity/noThisInStatic: it asks about the class that it is called on.
    return value instanceof this
  }

  /** The name of the class, whatever a bundler made of it. */
  declare readonly name: string

  /** Result code: positive from a server, negative from the client. */
  readonly code: number
  /** The record concerned, when there is one. */
  readonly key: Key | undefined
  /** Name of the node that answered or was tried last. */
  readonly node: string | undefined
  /** How often the command was tried, 0 when nothing was sent. */
  readonly attempts: number
  /** Milliseconds from the call to its failure. */
  readonly elapsed: number
  /** True when a write may have happened although the call failed. */
  readonly inDoubt: boolean
  /** True when the same call may succeed later and repeating it cannot do harm. */
  readonly retryable: boolean
  /** Earlier attempts of the same call, oldest first. */
  readonly subErrors: readonly AttemptError[]

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    // Own and enumerable like all that follows, so that a spread has them.
    Object.defineProperty(this, 'name', { value: this.name, enumerable: true, configurable: true, writable: true })
    Object.defineProperty(this, 'message', { value: this.message, enumerable: true })
    this.code = details.code ?? new.target.code
    this.key = details.key
    this.node = details.node
    this.attempts = details.attempts ?? 0
    this.elapsed = details.elapsed ?? 0
    this.inDoubt = details.inDoubt ?? false
    this.retryable = (details.retryable ?? new.target.mayRetry) && !this.inDoubt
    this.subErrors = details.subErrors ?? []
  }

  /** Everything a log needs, as plain data: bigints become text and bytes hexadecimal, so that it always serialises. */
  toJSON(): { [name: string]: unknown } {
    const { name, message, code, node, attempts, elapsed, inDoubt, retryable, subErrors } = this
    return { name, code, message, key: this.key?.map(plain), node, attempts, elapsed, inDoubt, retryable, subErrors }
  }
}

nameClasses({ AerospikeError })
Object.defineProperty(AerospikeError.prototype, 'name', {
  configurable: true,
  get(this: object): string {
    return this.constructor.name
  },
})

function plain(part: unknown): unknown {
  if (typeof part === 'bigint') return part.toString()
  return types.isUint8Array(part) ? Buffer.from(part).toString('hex') : part
}
