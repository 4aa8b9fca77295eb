// Results as they come: an iterator written by hand over the pages of a query.
//
// An async generator costs three promises for each result. This iterator makes the one that the loop awaits, resolved
// from the start, and waits for the core once for each page. Results are decoded when they are asked for, one by one.

import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import { describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { TruePromise, unixTime } from '../host.js'
import { TimeSlice, turn } from '../time-slice.js'
import type { QueryProgress } from './options.js'
import type { Page, Steps } from './steps.js'

/** Reads the results of a page one by one. */
export interface Decoder<T> {
  /** Where the result read last ends. */
  readonly next: number
  /** The result at `at`; `now` is the time the page came, in ms. */
  read(page: Buffer, at: number, now: number): T
}

const NOTHING = Buffer.alloc(0)
const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** Called with each result; `false`, or a promise of it, ends the query. */
export type Visit<T> = (result: T) => unknown

/**
 * The results of one run of a query. It can be consumed once: by a loop, by `results`, by `forEach` or as a stream of Node or
 * of the web. However it is left, the query ends, and the servers stop working for it.
 *
 * Nothing is asked of the servers before the first result is; a consumer that is slow slows them down, so memory is bounded by
 * a few pages.
 */
export class QueryStream<T> implements AsyncIterableIterator<T, undefined, undefined> {
  /** @internal */
  protected readonly steps: Steps
  readonly #decoder: Decoder<T>
  readonly #report: ((progress: QueryProgress) => void) | undefined
  readonly #slice = new TimeSlice()
  #page: Buffer = NOTHING
  /** The next result in the page. */
  #at = 0
  /** Results of the page that are not handed out. */
  #left = 0
  #now = 0
  #taken = 0
  #ended = false
  /** What has to be over before there is another result. */
  #busy: Promise<unknown> | undefined

  /** @internal */
  constructor(steps: Steps, decoder: Decoder<T>, report: ((progress: QueryProgress) => void) | undefined) {
    this.steps = steps
    this.#decoder = decoder
    this.#report = report
    steps.onAbort = () => {
      this.#left = 0
    }
  }

  /** How far the query is. */
  get progress(): QueryProgress {
    return { done: this.steps.done, total: this.steps.total, records: this.#taken }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The next result; rejects with what ended the query early, once. */
  next(): Promise<IteratorResult<T, undefined>> {
    const busy = this.#busy
    if (busy !== undefined) {
      const again = (): Promise<IteratorResult<T, undefined>> => this.next()
      return busy.then(again, again)
    }
    if (this.#left > 0 && !this.#slice.isOver()) {
      try {
        return TruePromise.resolve({ done: false, value: this.#take() })
      } catch (error) {
        this.#end()
        return TruePromise.reject(error)
      }
    }
    if (this.#ended) return TruePromise.resolve(END)
    const next = this.#next()
    this.#busy = next
    return next
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    try {
      return (await this.#ready()) ? { done: false, value: this.#take() } : END
    } catch (error) {
      this.#end()
      throw error
    } finally {
      this.#busy = undefined
    }
  }

  /** Waits until there are results and it is time to hand them out; false at the end. */
  async #ready(): Promise<boolean> {
    if (this.#left > 0) await turn()
    while (this.#left === 0) {
      if (this.#ended) return false
      const page = await this.steps.next()
      if (page === undefined) this.#ended = true
      else this.#enter(page)
    }
    this.#slice.begin()
    return true
  }

  #enter(page: Page): void {
    // What came meanwhile for a query that was left is dropped.
    if (this.#ended) return
    this.#page = page.bytes
    this.#at = 0
    this.#left = page.count
    this.#now = unixTime()
    this.#report?.(this.progress)
  }

  #take(): T {
    const at = this.#at
    const result = this.#decoder.read(this.#page, at, this.#now)
    const next = this.#decoder.next
    this.#at = next
    this.#left--
    this.#taken++
    this.#slice.count(next - at)
    return result
  }

  /** The page handed out last, and how much of it was consumed. @internal */
  protected consumed(): { page: Buffer; end: number } {
    return { page: this.#page, end: this.#at }
  }

  #end(): void {
    this.#ended = true
    this.#left = 0
    this.steps.close()
  }

  /** Ends the query: a loop calls it when it is left. */
  return(): Promise<IteratorReturnResult<undefined>> {
    this.#end()
    return TruePromise.resolve(END)
  }

  /** Ends the query. */
  close(): void {
    this.#end()
  }

  /** `await using stream = query.stream()` ends the query with the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }

  /** All that is left, in one list. What does not fit into memory is better consumed one by one. */
  async results(): Promise<T[]> {
    const results: T[] = []
    await this.#each((result) => {
      results.push(result)
    })
    return results
  }

  /**
   * Calls a function with each result, one after the other; a promise that it returns is waited for. When it returns or
   * resolves to `false`, the query ends. Rejects with what the function throws.
   */
  async forEach(visit: Visit<T>): Promise<void> {
    if (typeof visit !== 'function') {
      this.#end()
      throw new InvalidArgumentError(`forEach: expected a function, not ${describe(visit)}`)
    }
    await this.#each(visit)
  }

  async #each(visit: Visit<T>): Promise<void> {
    if (this.#busy !== undefined) await this.#busy.catch(() => {})
    try {
      while (await this.#ready()) {
        while (this.#left > 0 && !this.#slice.isOver()) {
          let answer = visit(this.#take())
          if (typeof answer === 'object' && answer !== null) answer = await answer
          if (answer === false) return
        }
      }
    } finally {
      this.#end()
    }
  }

  /** As a Web stream: a result is read when it is wanted, and cancelling ends the query. */
  toReadableStream(): ReadableStream<T> {
    return new ReadableStream<T>(
      {
        pull: async (controller) => {
          const { done, value } = await this.next()
          if (done === true) controller.close()
          else controller.enqueue(value)
        },
        cancel: () => this.#end(),
      },
      { highWaterMark: 0 },
    )
  }

  /** As a stream of Node in object mode: destroying it ends the query. It reads one result ahead. */
  toNodeStream(): Readable {
    return Readable.from(this, { objectMode: true, highWaterMark: 1 })
  }
}
