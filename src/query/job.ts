// Background jobs: work that the servers do by themselves on the records of a query, and how it goes.

import { randomBytes } from 'node:crypto'
import { argumentError, describe, isPlain } from '../check.js'
import { AerospikeError, InvalidArgumentError, TimeoutError } from '../errors.js'
import { aborted, controlError, errorOf } from '../failure.js'
import type { Boundary } from '../native.js'
import type { Operation } from '../operations/operation.js'
import type { CallOptions, WriteOptions } from '../options.js'
import { applyOptions, badValue, didYouMean, Takes } from '../policies.js'
import { pause } from './abort.js'
import { type JobStatus, sumUp } from './job-status.js'
import { refuseLimits } from './options.js'
import { jobSpec, type Plan, type Udf } from './spec.js'
import { failureOf } from './steps.js'

/** Options of `execute` and `apply`. */
export interface JobOptions
  extends Pick<
      CallOptions,
      'totalTimeout' | 'socketTimeout' | 'maxRetries' | 'sleepBetweenRetries' | 'filter' | 'signal'
    >,
    Pick<WriteOptions, 'ttl' | 'durableDelete'> {}

/** Options of `job.done`. */
export interface JobWaitOptions {
  /** Milliseconds between two looks at the job. Default 250. */
  readonly pollInterval?: number | undefined
  /** Milliseconds to wait at most; the job itself goes on. Default 0: as long as it takes. */
  readonly timeout?: number | undefined
  /** Called after each look. What it throws ends the waiting. */
  readonly onProgress?: ((status: JobStatus) => void) | undefined
  /** Ends the waiting; the job itself goes on. */
  readonly signal?: AbortSignal | undefined
}

const POLL_MS = 250
const INFO_MS = 5000
/** So many looks in a row may fail: a node that is restarted is no reason to give a job up. */
const MOST_FAILED_LOOKS = 20
const QUERY_ABORTED = 15

/** Limits of a query that a background job does not keep. */
const POINTLESS = ['maxRecords', 'noBins', 'duration', 'after', 'nodes', 'cursor'] as const

/**
 * A background job, made by `query.execute` and `query.apply`, or from its id by `client.job`.
 *
 * @example
 * const job = await client.query('test', 'users').execute([op.increment('version', 1)])
 * const { recordsSucceeded } = await job.done({ onProgress: ({ progress }) => console.log(`${progress} %`) })
 */
export class Job {
  /** What the servers know the job by. */
  readonly id: bigint
  readonly #boundary: Boundary

  /** @internal */
  constructor(boundary: Boundary, id: bigint) {
    this.#boundary = boundary
    this.id = id
  }

  /** How the job goes, on all nodes together. */
  async status(): Promise<JobStatus> {
    return sumUp(this.id, await this.#ask('status', `query-show:id=${this.id}`, `query-show:trid=${this.id}`))
  }

  /**
   * Waits until no node works on the job any more, and gives how it went. Servers forget jobs: a job that none of them
   * knows is over, with state `unknown`.
   *
   * @throws QueryAbortedError when the job was stopped
   * @throws TimeoutError after `timeout`
   */
  async done(options: JobWaitOptions = {}): Promise<JobStatus> {
    const { pollInterval, timeout, onProgress, signal } = waitOptions(options)
    const began = performance.now()
    let failed = 0
    for (;;) {
      this.#refuseAborted(signal)
      const status = await this.status().catch((error: unknown) => {
        if (++failed > MOST_FAILED_LOOKS || this.#boundary.closed) throw error
        return undefined
      })
      if (status !== undefined) {
        failed = 0
        onProgress?.(status)
        if (status.state !== 'running') return this.#over(status)
      }
      const elapsed = performance.now() - began
      if (timeout > 0 && elapsed >= timeout) {
        throw new TimeoutError(`job ${this.id}: not done after ${timeout} ms; it goes on`, { code: 9, elapsed })
      }
      await pause(timeout > 0 ? Math.min(pollInterval, timeout - elapsed) : pollInterval, signal)
    }
  }

  #over(status: JobStatus): JobStatus {
    if (status.state !== 'aborted') return status
    throw errorOf({ verb: `job ${this.id}`, key: undefined, code: QUERY_ABORTED, detail: status.reason })
  }

  #refuseAborted(signal: AbortSignal | undefined): void {
    if (signal?.aborted === true) throw aborted('job', undefined, signal.reason, false)
  }

  /** Stops the job on all nodes. Records it has changed stay changed. Resolves to false when no node worked on it any more. */
  async abort(): Promise<boolean> {
    const answers = await this.#ask('abort', `query-abort:id=${this.id}`, `query-abort:trid=${this.id}`)
    return answers.some((answer) => /^ok$/i.test(answer))
  }

  /** Sends an info command to all nodes, in its older form to those that do not know it. */
  async #ask(verb: string, command: string, older: string): Promise<string[]> {
    try {
      const { native } = this.#boundary
      const answers = await native.info('*', command, INFO_MS)
      const texts = answers.map(({ response }) => textOf(response))
      if (!texts.some((text) => /^(ERROR|FAIL):4:/.test(text))) return texts
      return (await native.info('*', older, INFO_MS)).map(({ response }) => textOf(response))
    } catch (error) {
      throw controlError(`job ${this.id}: ${verb}`, error)
    }
  }

  toJSON(): { id: string } {
    return { id: String(this.id) }
  }
}

/** An info response repeats the command, a tab in between, and ends with a line feed (protocol 4.1). */
function textOf(response: string): string {
  return response.slice(response.indexOf('\t') + 1).trim()
}

function waitOptions(options: unknown): Required<Pick<JobWaitOptions, 'pollInterval' | 'timeout'>> &
  JobWaitOptions & {
    pollInterval: number
    timeout: number
  } {
  const call = 'done'
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`${call}: options must be a plain object, not ${describe(options)}`)
  }
  const known = ['pollInterval', 'timeout', 'onProgress', 'signal']
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw new InvalidArgumentError(`${call}: there is no option '${name}'${didYouMean(name, known)}`)
  }
  const { pollInterval = POLL_MS, timeout = 0, onProgress, signal } = options as JobWaitOptions
  const milliseconds = (name: string, value: unknown): void => {
    if (typeof value === 'number' && value >= 0 && value <= 0x7fffffff) return
    throw badValue(call, name, 'a number of milliseconds', value)
  }
  milliseconds('pollInterval', pollInterval)
  milliseconds('timeout', timeout)
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw badValue(call, 'onProgress', 'a function', onProgress)
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badValue(call, 'signal', 'an AbortSignal', signal)
  return { pollInterval, timeout, onProgress, signal }
}

/** Starts a job; resolves when every node has taken it on. */
export async function startJob(
  boundary: Boundary,
  call: string,
  plan: Plan,
  work: { udf: Udf } | { operations: readonly Operation[] },
  options: unknown,
): Promise<Job> {
  try {
    if ((plan.bins ?? plan.operations) !== undefined) {
      throw new InvalidArgumentError(`${call}: a background job reads nothing; leave select and operate out`)
    }
    refuseLimits(plan.limits, POINTLESS, call)
    const policy = options === undefined ? plan.policy : applyOptions(plan.policy, options, Takes.job, call)
    if (policy.signal?.aborted === true) throw aborted(call, undefined, policy.signal.reason, false)
    const reply = await boundary.native.startJob(jobSpec({ ...plan, policy }, newId(), work))
    if (reply.failure !== undefined) throw errorOf(failureOf(call, reply.failure).facts)
    return new Job(boundary, reply.taskId)
  } catch (error) {
    throw error instanceof AerospikeError ? error : controlError(call, argumentOr(error, call))
  }
}

function argumentOr(error: unknown, call: string): unknown {
  return error instanceof Error && /^-?\d+;/.test(error.message) ? error : argumentError(error, call)
}

/** A random id within the range that every tool shows exactly: 53 bits. */
function newId(): bigint {
  return (randomBytes(8).readBigUInt64LE() >> 11n) | 1n
}

/** The id of a job as people have it. */
export function jobId(id: unknown): bigint {
  if (typeof id === 'bigint' && id >= 0n && id < 1n << 64n) return id
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return BigInt(id)
  if (typeof id === 'string' && /^\d{1,20}$/.test(id) && BigInt(id) < 1n << 64n) return BigInt(id)
  throw new InvalidArgumentError(`job: the id must be a whole number, or text of one, not ${describe(id)}`)
}
