// Background jobs: work that the servers do by themselves on the records of a query, and how it goes.

import { randomBytes } from 'node:crypto'
import { untilAborted } from '../boundary/abort.js'
import type { NativeJobSpec } from '../boundary/addon.js'
import { controlError } from '../boundary/failure-reader.js'
import { commandMessage } from '../channels/command.js'
import { argumentError, describe } from '../checks/check.js'
import { type InfoContext, type InfoOptions, InfoRequest } from '../cluster/info-request.js'
import { type WaitOptions, waitFor } from '../cluster/wait.js'
import { InvalidArgumentError, JobNotFoundError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { aborted, errorOf, type Facts } from '../errors/failure.js'
import type { Operation } from '../operations/operation.js'
import { applyOptions } from '../options/apply.js'
import { Takes } from '../options/table.js'
import type { CallOptions, WriteOptions } from '../options/types.js'
import type { UdfCall } from '../requests/udf-call.js'
import { type JobStatus, sumUp } from './job-status.js'
import { refuseLimits } from './options.js'
import { jobSpec, type Plan } from './spec.js'
import { failureOf } from './steps.js'

/** Options of `execute` and `apply`. */
export interface JobOptions
  extends Pick<
      CallOptions,
      'totalTimeout' | 'socketTimeout' | 'maxRetries' | 'sleepBetweenRetries' | 'filter' | 'signal'
    >,
    Pick<WriteOptions, 'ttl' | 'expiresAt' | 'durableDelete'> {}

const LOOK_MS = 5000

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
  readonly #context: InfoContext
  #existed: boolean

  /** @internal @param existed whether a server has taken it on, or said something of it: what is unknown then is over */
  constructor(context: InfoContext, id: bigint, existed: boolean) {
    this.#context = context
    this.id = id
    this.#existed = existed
  }

  /** How the job goes, on all nodes together. */
  async status(options?: InfoOptions): Promise<JobStatus> {
    const status = sumUp(this.id, await this.#ask('status', 'query-show', options), this.#existed)
    if (status.state !== 'unknown') this.#existed = true
    return status
  }

  /**
   * Waits until no node works on the job any more, and gives how it went. Servers forget jobs that are long over: one that
   * this client has started, or seen, is over when no server knows it any more, with state `unknown`.
   *
   * @throws JobNotFoundError when no node knows a job of this id
   * @throws QueryAbortedError when the job was stopped
   * @throws TimeoutError after `timeout`; the servers go on
   */
  async done(options?: WaitOptions<JobStatus>): Promise<JobStatus> {
    let last: JobStatus | undefined
    await waitFor(`job ${this.id}: done`, options, async (limits) => {
      last = await this.status(limits)
      return { progress: last, done: last.state !== 'running' }
    })
    const status = last as JobStatus
    if (!this.#existed) {
      throw new JobNotFoundError(`job ${this.id}: no node knows a job of this id: there was none, or it is long over`)
    }
    if (status.state !== 'aborted') return status
    throw errorOf({ verb: `job ${this.id}`, key: undefined, code: Code.queryAborted, detail: status.reason })
  }

  /**
   * Stops the job on all nodes. Records it has changed stay changed. Resolves to false when no node worked on it any
   * more.
   */
  async abort(options?: InfoOptions): Promise<boolean> {
    const answers = await this.#ask('abort', 'query-abort', options)
    return answers.some((answer) => /^ok$/i.test(answer))
  }

  /** What all nodes answer to a command about this job. */
  async #ask(verb: string, command: string, options: InfoOptions = { totalTimeout: LOOK_MS }): Promise<string[]> {
    const request = InfoRequest.read(this.#context, `job ${this.id}: ${verb}`, options)
    // Servers before 8.1 have another name for it.
    const id = request.supports(8, 1) ? 'id' : 'trid'
    return (await request.all(`${command}:${id}=${this.id}`)).map(({ answers }) => answers[0] ?? '')
  }

  toJSON(): { id: string } {
    return { id: String(this.id) }
  }
}

/** What a job does: operations, or a function. */
type Work = { readonly udf: UdfCall } | { readonly operations: readonly Operation[] }

interface Order {
  readonly spec: NativeJobSpec
  readonly signal: AbortSignal | undefined
}

/** Starts a job; resolves when every node has taken it on. */
export async function startJob(
  context: InfoContext,
  verb: string,
  plan: Plan,
  work: Work,
  options: unknown,
): Promise<Job> {
  const { spec, signal } = specOf(verb, plan, work, options)
  try {
    // Some nodes may have taken it on when it is aborted.
    const { boundary } = context
    const start = () => untilAborted(verb, signal, boundary.native.startJob(spec), true)
    const message = () => commandMessage(verb, spec.namespace, spec.set)
    const reply = await (boundary.isFollowed
      ? boundary.follow(message(), () => start().catch((error) => failed(verb, error)))
      : start())
    if (reply.failure === undefined) return new Job(context, reply.taskId, true)
    throw errorOf(explained(failureOf(verb, reply.failure, 'udf' in work ? work.udf : undefined).facts, plan))
  } catch (error) {
    throw controlError(verb, error)
  }
}

/** A job that finds no record begins with a set that is not there: servers say so with the code of a record. */
function explained(facts: Facts, { namespace, set }: Plan): Facts {
  if (facts.code !== Code.notFound || set === undefined) return facts
  return { ...facts, meaning: `there is no set ${JSON.stringify(set)} in namespace ${JSON.stringify(namespace)}` }
}

function specOf(verb: string, plan: Plan, work: Work, options: unknown): Order {
  try {
    if ((plan.bins ?? plan.operations) !== undefined) {
      throw new InvalidArgumentError(`${verb}: a background job reads nothing; leave select and operate out`)
    }
    refuseLimits(plan.limits, POINTLESS, verb)
    const policy = options === undefined ? plan.policy : applyOptions(plan.policy, options, Takes.job, verb)
    if (policy.signal?.aborted === true) throw aborted(verb, undefined, policy.signal.reason, false)
    return { spec: jobSpec({ ...plan, policy }, newId(), work), signal: policy.signal }
  } catch (error) {
    throw argumentError(error, verb)
  }
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

function failed(verb: string, error: unknown): never {
  throw controlError(verb, error)
}
