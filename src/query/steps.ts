// The steps of one query as the core takes them: pages of results, one after the other, until the end, a failure or an
// abort.

import { whenAborted } from '../boundary/abort.js'
import type { NativeQuery, NativeQuerySpec } from '../boundary/addon.js'
import { controlError, failureOf as readFailureOf } from '../boundary/failure-reader.js'
import type { Boundary } from '../boundary/native.js'
import { type CommandMessage, commandMessage } from '../channels/command.js'
import { AerospikeError } from '../errors/classes.js'
import { aborted, errorOf, type Facts, type Failure, whyGivenUp } from '../errors/failure.js'
import { TruePromise } from '../host.js'
import { readDetail } from '../records/message.js'
import type { UdfCall } from '../requests/udf-call.js'

/** Kinds of steps. */
const Kind = { page: 0, end: 1, failure: 2 } as const

/** A page of results. */
export interface Page {
  readonly bytes: Buffer
  /** How many results are in it. */
  readonly count: number
}

/** The facts of a failure that came as a completion of its own. */
export function failureOf(verb: string, completion: Buffer, udf?: UdfCall): Failure {
  const called = udf && { module: udf.module, function: udf.function }
  const call = { verb, key: undefined, called, detail: readDetail }
  return readFailureOf(call, completion)
}

/** Ends the listening of queries that were left without a word and collected. */
const abandoned = new FinalizationRegistry<() => void>((forget) => forget())

/** One run of a query. */
export class Steps {
  readonly #boundary: Boundary
  readonly #verb: string
  readonly #spec: () => NativeQuerySpec | Promise<NativeQuerySpec>
  readonly #signal: AbortSignal | undefined
  readonly #called: UdfCall | undefined
  readonly #names: { readonly namespace: string; readonly set?: string | undefined } | undefined
  readonly #explain: (facts: Facts) => Facts | Promise<Facts>
  #native: NativeQuery | undefined
  #ended = false
  #aborted = false
  /** Ends the listening to the signal, and what the boundary counts as going on. */
  #forget: () => void = () => {}
  /** Says how the query ended, if somebody listens. */
  #over: ((error?: unknown) => void) | undefined
  #message: CommandMessage | undefined
  /** Called when the signal is aborted: what is at hand is not to be handed out any more. */
  onAbort: () => void = () => {}
  /** Whether there may be more: the end was not reached, or `maxRecords` made it. */
  more = true
  /** Partitions that are done. */
  done = 0
  total = 0

  /**
   * @param spec made when the first step is wanted
   * @param called the function of an aggregation, for errors
   * @param names what is queried, for those who follow it
   * @param explain says more of a failure than the server did
   */
  constructor(
    boundary: Boundary,
    verb: string,
    spec: () => NativeQuerySpec | Promise<NativeQuerySpec>,
    signal: AbortSignal | undefined,
    called?: UdfCall,
    names?: { readonly namespace: string; readonly set?: string | undefined },
    explain: (facts: Facts) => Facts | Promise<Facts> = (facts) => facts,
  ) {
    this.#boundary = boundary
    this.#verb = verb
    this.#spec = spec
    this.#signal = signal
    this.#called = called
    this.#names = names
    this.#explain = explain
  }

  /** The next page, or undefined at the end. One call at a time. */
  async next(): Promise<Page | undefined> {
    if (this.#ended) return undefined
    this.#refuseAborted()
    if (this.#native === undefined && this.#message === undefined && this.#boundary.isFollowed) this.#follow()
    try {
      const native = this.#native ?? (await this.#open())
      // The query may have been closed while it was opened.
      if (this.#ended) return undefined
      const step = await native.next()
      if (this.#ended && !this.#aborted) return undefined
      this.#refuseAborted()
      this.done = step.done
      this.total = step.total
      if (step.kind === Kind.page && this.#message !== undefined)
        this.#message.rows = (this.#message.rows ?? 0) + step.count
      if (step.kind === Kind.page) return { bytes: step.page ?? Buffer.alloc(0), count: step.count }
      if (step.kind === Kind.end) {
        this.#end()
        this.more = step.more ?? false
      } else {
        const { facts } = failureOf(this.#verb, step.failure as Buffer, this.#called)
        throw errorOf(await this.#explain({ ...facts, code: whyGivenUp(facts.code) }))
      }
      return undefined
    } catch (thrown) {
      const error = thrown instanceof AerospikeError ? thrown : controlError(this.#verb, thrown)
      this.#over?.(error)
      this.close()
      throw error
    }
  }

  /** Tells those who listen of the query: it is over at its end, with a failure, or when it is left. */
  #follow(): void {
    const message = commandMessage(this.#verb, this.#names?.namespace, this.#names?.set, 0)
    this.#message = message
    const over = new TruePromise<void>((resolve, reject) => {
      this.#over = (error) => (error === undefined ? resolve() : reject(error))
    })
    this.#boundary.follow(message, () => over).catch(() => {})
  }

  async #open(): Promise<NativeQuery> {
    // A signal may outlive many queries: it does not keep one that nobody reads any more.
    const self = new WeakRef(this)
    const unlisten = whenAborted(this.#signal, () => self.deref()?.abort())
    const boundary = this.#boundary
    const work = {}
    boundary.begin(work)
    this.#forget = () => {
      unlisten()
      boundary.finish(work)
    }
    abandoned.register(this, this.#forget, this)
    const spec = await this.#spec()
    this.#refuseAborted()
    this.#native = this.#boundary.native.openQuery(spec)
    return this.#native
  }

  private abort(): void {
    this.#aborted = true
    this.onAbort()
    this.#native?.close()
  }

  #refuseAborted(): void {
    const signal = this.#signal
    if (signal?.aborted === true) throw aborted(this.#verb, undefined, signal.reason, false)
  }

  /** Where the query was before the page handed out last; undefined when it has not begun. */
  cursor(): Buffer | undefined {
    return this.#native?.cursor()
  }

  /** Ends the query: its connections are closed, a step that is waited for becomes the end. */
  close(): void {
    if (this.#ended) return
    this.#end()
    this.#native?.close()
  }

  #end(): void {
    this.#ended = true
    this.#over?.()
    this.#forget()
    abandoned.unregister(this)
  }
}
