// Failures before they are errors: plain facts. The error is made where the caller's promise is rejected, since only
// there V8 knows who awaits it, so that the stack shows the caller's line.

import { TruePromise } from '../host.js'
import { type Key, keyText } from '../key.js'
import type { AttemptError, ErrorDetails, UdfSite } from './base.js'
import { type AbortError, AerospikeError, BinError, IndexError } from './classes.js'
import { Code } from './codes.js'
import { resultCode } from './result-codes.js'
import { udfError } from './udf.js'

/** What is known about a call that failed. */
export interface Facts {
  readonly verb: string
  readonly key: Key | undefined
  readonly code: number
  readonly node?: string | undefined
  readonly attempts?: number
  readonly elapsed?: number
  readonly detail?: string
  readonly inDoubt?: boolean
  readonly subErrors?: readonly AttemptError[]
  readonly cause?: unknown
  /** What the code means here, when that is not what it means elsewhere. */
  readonly meaning?: string | undefined
  /** The only bin it can be about. */
  readonly bin?: string | undefined
  /** The name of the secondary index it is about. */
  readonly index?: string | undefined
  /** The user or the role that the call is about. */
  readonly user?: string | undefined
  readonly role?: string | undefined
  /** The function that was called. */
  readonly udf?: UdfSite | undefined
}

/** The error for these facts. */
export function errorOf(facts: Facts): AerospikeError {
  const row = resultCode(facts.code)
  const ErrorClass = row.errorClass
  const details: ErrorDetails = {
    code: facts.code,
    key: facts.key,
    node: facts.node === '' ? undefined : facts.node,
    attempts: facts.attempts ?? 0,
    elapsed: facts.elapsed ?? 0,
    inDoubt: facts.inDoubt ?? false,
    retryable: row.retryable,
    subErrors: facts.subErrors ?? [],
    cause: facts.cause,
    bin: facts.bin,
    index: facts.index,
    user: facts.user,
    role: facts.role,
  }
  const message = sentence(facts, facts.meaning ?? row.meaning, ErrorClass)
  if (facts.code === Code.udfExecution) return udfError(message, details, facts.detail, facts.udf)
  return new ErrorClass(message, details)
}

/** `get ["test", "demo", "u1"]: timed out (code 9, node A1, 3 attempts, 1000.4 ms; the write may have happened)`. */
function sentence(facts: Facts, meaning: string, ErrorClass: abstract new (...args: never[]) => unknown): string {
  const what = facts.key === undefined ? facts.verb : `${facts.verb} ${keyText(facts.key)}`
  const detail = facts.detail === undefined || facts.detail === '' ? meaning : `${meaning}: ${facts.detail}`
  const circumstances = [`code ${facts.code}`]
  const isAboutIndex = ErrorClass === IndexError || ErrorClass.prototype instanceof IndexError
  const isAboutBin = isAboutIndex || ErrorClass === BinError || ErrorClass.prototype instanceof BinError
  if (facts.bin !== undefined && isAboutBin) circumstances.push(`bin ${JSON.stringify(facts.bin)}`)
  if (facts.index !== undefined && isAboutIndex) circumstances.push(`index ${JSON.stringify(facts.index)}`)
  if (facts.node !== undefined && facts.node !== '') circumstances.push(`node ${facts.node}`)
  const attempts = facts.attempts ?? 0
  if (attempts > 0) circumstances.push(`${attempts} attempt${attempts === 1 ? '' : 's'}`)
  if (facts.elapsed !== undefined && facts.elapsed > 0) circumstances.push(`${facts.elapsed.toFixed(1)} ms`)
  const doubt = facts.inDoubt === true ? '; the write may have happened' : ''
  return `${what}: ${detail} (${circumstances.join(', ')}${doubt})`
}

/** The error of a call whose signal was aborted. */
export function aborted(verb: string, key: Key | undefined, reason: unknown, inDoubt: boolean): AbortError {
  return errorOf({ verb, key, code: Code.clientAbort, inDoubt, cause: reason }) as AbortError
}

/** The facts of a failure on their way to the promise. */
export class Failure {
  readonly facts: Facts

  constructor(facts: Facts) {
    this.facts = facts
  }
}

const settled = TruePromise.resolve()

/**
 * Rejects a promise, whose `resolve` this is, with the error for a reason. The promise is made to follow another one,
 * in whose rejection handler the error is made: there V8 knows who awaits the promise, and the stack shows it. So only
 * calls that fail need a second promise, and an Error captured at call time would cost each call 1,500 ns.
 */
export function rejectThrough(resolve: (value: unknown) => void, reason: unknown): void {
  let reject!: (reason: unknown) => void
  const facts = new TruePromise((_, rejectFacts) => {
    reject = rejectFacts
  })
  resolve(facts.then(undefined, fail))
  // Following begins in the next microtask: before that V8 does not know who awaits the promise.
  settled.then(() => reject(reason))
}

/** Rejection handler of every call that fails: turns facts into the error, in the context of whoever awaits the call. */
function fail(reason: unknown): never {
  if (reason instanceof Failure) throw errorOf(reason.facts)
  // Made while answers were decoded; its stack shows our event loop. Show the caller instead.
  if (reason instanceof AerospikeError) Error.captureStackTrace(reason, fail)
  throw reason
}

/** The core gives a call up for one reason, that its client was closed; what a signal aborts is given up on this side. */
export function whyGivenUp(code: number): number {
  return code === Code.clientAbort ? Code.clientClosed : code
}
