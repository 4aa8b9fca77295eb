// Batches without an end: rows are taken from their source as they are needed, sent in chunks, and handed out as they are
// answered.

import { ReadableStream } from 'node:stream/web'
import { describe } from '../checks/check.js'
import { badValue } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { TruePromise } from '../host.js'
import type { BatchOptions } from '../options/types.js'
import type { Bins } from '../values/values.js'
import type { BatchRecords } from './results.js'
import { type RetryOptions, retryOptions } from './retry.js'
import type { BatchRow } from './row.js'

/** How far a stream is. */
export interface StreamProgress {
  /** Rows taken from the source and sent. */
  readonly sent: number
  /** Rows answered, or given up. */
  readonly answered: number
  /** Rows handed to the consumer. */
  readonly delivered: number
  /** Rows with a record among the answered. */
  readonly found: number
  /** Rows of the source, when it is a list. */
  readonly total: number | undefined
}

/** Options of `batchStream`; timeouts and limits are those of each chunk. */
export interface BatchStreamOptions extends Omit<BatchOptions, 'onPartial'> {
  /** Bins to read for keys that do not say so themselves: `undefined` all, `[]` none (existence only). */
  readonly bins?: readonly string[] | undefined
  /** Most rows in one batch. Default 1,000. */
  readonly chunk?: number | undefined
  /** Most batches under way, or answered and not yet consumed. Default 4. */
  readonly inFlight?: number | undefined
  /**
   * How the rows of a batch that were not processed are sent again before they are handed out: as `batch.retry()` does, up to
   * 3 more times within 10,000 ms. `false` hands them out at once.
   */
  readonly retry?: RetryOptions | false | undefined
  /** Called after each batch. What it throws ends the stream. */
  readonly progress?: ((progress: StreamProgress) => void) | undefined
  /** The `cursor` of an earlier stream over the same rows: those it delivered are left out. */
  readonly cursor?: string | undefined
}

/** The names of the options that are the stream's own. */
export const STREAM_OPTIONS = ['bins', 'chunk', 'inFlight', 'retry', 'progress', 'cursor']

/** Sends rows that begin with row `first` of the stream. */
export type SendChunk<B extends object> = (rows: readonly unknown[], first: number) => Promise<BatchRecords<B>>

/** Rows `from` to `to`, the latter not included. */
interface Range {
  readonly from: number
  to: number
}

/**
 * The rows of a stream of batches, in the order in which their batches are answered; `index` says which row it is. Made by
 * `client.batchStream`; it can be consumed once.
 *
 * @example
 * for await (const { index, record } of client.batchStream(keys, { chunk: 500 })) if (record !== null) use(index, record)
 */
export class BatchStream<B extends object = Bins> implements AsyncIterable<BatchRow<B>> {
  readonly #source: Iterable<unknown> | AsyncIterable<unknown>
  readonly #send: SendChunk<B>
  readonly #chunk: number
  readonly #inFlight: number
  /** Undefined: rows are not sent again. */
  readonly #retry: RetryOptions | undefined
  readonly #report: ((progress: StreamProgress) => void) | undefined
  readonly #done: Range[]
  /** Batches that are answered and not consumed. */
  readonly #ready: BatchRecords<B>[] = []
  #current: { first: number; delivered: number } | undefined
  #underWay = 0
  #ended = false
  #stopped = false
  #failure: { readonly reason: unknown } | undefined
  #wake: (() => void) | undefined
  #room: (() => void) | undefined
  #started = false
  #sent = 0
  #answered = 0
  #delivered = 0
  #found = 0

  /** @internal */
  constructor(source: unknown, options: BatchStreamOptions, send: SendChunk<B>) {
    if (!isIterable(source)) {
      throw new InvalidArgumentError(`batchStream: expected keys or rows that can be iterated, not ${describe(source)}`)
    }
    this.#source = source
    this.#send = send
    this.#chunk = whole('chunk', options.chunk ?? 1000, 1_000_000)
    this.#inFlight = whole('inFlight', options.inFlight ?? 4, 1024)
    this.#retry = options.retry === false ? undefined : retryOptions(options.retry, 'batchStream')
    if (options.progress !== undefined && typeof options.progress !== 'function') {
      throw badValue('batchStream', 'progress', 'a function', options.progress)
    }
    this.#report = options.progress
    this.#done = parseCursor(options.cursor)
  }

  /** @internal A stream whose consumer meets an error: nothing throws at the time of the call. */
  static failing<B extends object>(reason: unknown): BatchStream<B> {
    const stream = new BatchStream<B>([], {}, () => TruePromise.reject(reason))
    stream.#failure = { reason }
    return stream
  }

  /**
   * Which rows are delivered and done with, as text to keep: a later stream over the same rows continues from there. The row
   * that was handed out last counts once the next one is asked for, so a row is lost at no time, and after a crash the last
   * one may come twice. Writes of batches that were not consumed to their end are sent again.
   */
  get cursor(): string {
    const ranges = this.#done.map((range) => ({ ...range }))
    const current = this.#current
    if (current !== undefined) add(ranges, current.first, current.first + current.delivered)
    return `1:${ranges.map(({ from, to }) => `${from}-${to}`).join(',')}`
  }

  /** The rows, once. Leaving the loop early sends nothing more; what is under way ends by itself. */
  async *[Symbol.asyncIterator](): AsyncGenerator<BatchRow<B>, void, undefined> {
    if (this.#started) throw new InvalidArgumentError('batchStream: a stream can be consumed once; make another one')
    this.#started = true
    void this.#fill()
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.reason
        const batch = this.#ready.shift()
        if (batch !== undefined) yield* this.#deliver(batch)
        else if (this.#ended && this.#underWay === 0) return
        else {
          await new TruePromise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      this.#stopped = true
      this.#ready.length = 0
      this.#room?.()
    }
  }

  /** The rows as a Web stream, with its backpressure; cancelling it is leaving the loop. */
  toReadableStream(): ReadableStream<BatchRow<B>> {
    const rows = this[Symbol.asyncIterator]()
    return new ReadableStream<BatchRow<B>>(
      {
        async pull(controller) {
          const { done, value } = await rows.next()
          if (done === true) controller.close()
          else controller.enqueue(value)
        },
        async cancel() {
          await rows.return()
        },
      },
      { highWaterMark: 0 },
    )
  }

  *#deliver(batch: BatchRecords<B>): Generator<BatchRow<B>> {
    const current = { first: batch.request.first, delivered: 0 }
    this.#current = current
    for (const row of batch) {
      this.#delivered++
      yield row
      current.delivered++
    }
    add(this.#done, current.first, current.first + current.delivered)
    this.#current = undefined
    this.#room?.()
  }

  /** Takes rows from the source and sends them, as long as there is room. */
  async #fill(): Promise<void> {
    try {
      let first = 0
      let index = 0
      let rows: unknown[] = []
      for await (const row of this.#source) {
        const skip = this.#done.some(({ from, to }) => index >= from && index < to)
        // A batch has rows that follow one another.
        if (rows.length > 0 && (skip || rows.length === this.#chunk)) {
          await this.#launch(rows, first)
          rows = []
        }
        if (this.#stopped) return
        if (!skip) {
          if (rows.length === 0) first = index
          rows.push(row)
        }
        index++
      }
      if (rows.length > 0) await this.#launch(rows, first)
    } catch (reason) {
      this.#failure ??= { reason }
    } finally {
      this.#ended = true
      this.#wake?.()
    }
  }

  /** Sends a batch once there is room for it. */
  async #launch(rows: readonly unknown[], first: number): Promise<void> {
    const held = (): number => this.#underWay + this.#ready.length + (this.#current === undefined ? 0 : 1)
    while (!this.#stopped && this.#failure === undefined && held() >= this.#inFlight) {
      await new TruePromise<void>((resolve) => {
        this.#room = resolve
      })
    }
    if (this.#stopped || this.#failure !== undefined) {
      this.#stopped = true
      return
    }
    this.#underWay++
    this.#sent += rows.length
    void this.#answer(this.#send(rows, first))
  }

  async #answer(sent: Promise<BatchRecords<B>>): Promise<void> {
    try {
      let batch = await sent
      if (this.#retry !== undefined && !this.#stopped && batch.hasUnprocessed) batch = await batch.retry(this.#retry)
      if (!this.#stopped) this.#ready.push(batch)
      this.#answered += batch.length
      this.#found += batch.cost.found
      this.#report?.(this.#progress())
    } catch (reason) {
      this.#failure ??= { reason }
    } finally {
      this.#underWay--
      this.#wake?.()
      this.#room?.()
    }
  }

  #progress(): StreamProgress {
    return {
      sent: this.#sent,
      answered: this.#answered,
      delivered: this.#delivered,
      found: this.#found,
      total: Array.isArray(this.#source) ? this.#source.length : undefined,
    }
  }
}

function isIterable(source: unknown): source is Iterable<unknown> | AsyncIterable<unknown> {
  if (typeof source !== 'object' || source === null) return false
  return Symbol.asyncIterator in source || Symbol.iterator in source
}

function whole(name: string, value: unknown, most: number): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number
  throw badValue('batchStream', name, `a whole number from 1 to ${most}`, value)
}

/** Adds rows to ranges that are kept in order and apart. */
function add(ranges: Range[], from: number, to: number): void {
  if (from === to) return
  let at = ranges.findIndex((range) => range.to >= from)
  if (at < 0) at = ranges.length
  let last = at
  while (last < ranges.length && (ranges[last] as Range).from <= to) last++
  const touched = ranges.slice(at, last)
  const merged = {
    from: Math.min(from, ...touched.map((range) => range.from)),
    to: Math.max(to, ...touched.map((range) => range.to)),
  }
  ranges.splice(at, last - at, merged)
}

function parseCursor(cursor: unknown): Range[] {
  if (cursor === undefined) return []
  const ranges: Range[] = []
  if (typeof cursor !== 'string' || !/^1:(\d{1,15}-\d{1,15}(,\d{1,15}-\d{1,15})*)?$/.test(cursor)) {
    throw badValue('batchStream', 'cursor', 'the cursor of an earlier stream', cursor)
  }
  for (const part of cursor.slice(2).split(',')) {
    const [from, to] = part.split('-').map(Number)
    if (from !== undefined && to !== undefined && from < to) add(ranges, from, to)
  }
  return ranges
}
