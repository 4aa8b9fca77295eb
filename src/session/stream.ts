// The results of a chain or a query, as they are gone through.

import { InvalidArgumentError, RecordNotFoundError } from '../errors/classes.js'
import { TruePromise } from '../host.js'
import type { UserKey } from '../key.js'
import type { Record } from '../records/record.js'
import type { Bins } from '../values/values.js'
import type { RecordResult } from './result.js'

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/**
 * The results of `execute`: an async iterable of rows, with the usual ways to take them all. The results of a query come as
 * they are read, and once; leaving the loop ends the query. Those of keys are here already: see {@link RecordResults}.
 *
 * @example
 * const stream = await session.query(users.ids('user-1', 'user-2')).execute()
 * for await (const row of stream) console.log(row.key[2], row.recordOrThrow().bins.name)
 */
export abstract class RecordStream<B extends object = Bins> implements AsyncIterable<RecordResult<B>>, AsyncDisposable {
  abstract [Symbol.asyncIterator](): AsyncIterator<RecordResult<B>, undefined, undefined>

  /** Ends the stream before its time, and the query behind it. Closing again does nothing. */
  abstract close(): void

  /** All rows. */
  async collect(): Promise<RecordResult<B>[]> {
    const rows: RecordResult<B>[] = []
    for await (const row of this) rows.push(row)
    return rows
  }

  /**
   * The records of all rows that have one.
   *
   * @throws the error of the first row that failed
   */
  async records(): Promise<Record<B>[]> {
    return recordsOf(await this.collect())
  }

  /** The first row, after which the stream is closed; undefined when there is none. */
  async first(): Promise<RecordResult<B> | undefined> {
    for await (const row of this) return row
    return undefined
  }

  /**
   * The record of the first row, after which the stream is closed.
   *
   * @throws RecordNotFoundError when there is no row
   * @throws the row's error, when it failed
   */
  async firstOrThrow(): Promise<Record<B>> {
    const row = await this.first()
    if (row === undefined) throw new RecordNotFoundError('no record was found')
    return row.recordOrThrow()
  }

  /** The rows that failed. */
  async failures(): Promise<RecordResult<B>[]> {
    return (await this.collect()).filter((row) => row.error !== undefined)
  }

  /** Calls a function with each row, one after the other, and waits for what it returns; `false` ends the stream. */
  async forEach(visit: (row: RecordResult<B>) => unknown): Promise<void> {
    for await (const row of this) if ((await visit(row)) === false) return
  }

  /**
   * The records by their user key; those of which only the digest is known are left out.
   *
   * @throws the error of the first row that failed
   */
  async toMap(): Promise<Map<UserKey, Record<B>>> {
    const map = new Map<UserKey, Record<B>>()
    for (const record of await this.records()) {
      const user = record.key[2]
      if (user !== null) map.set(user, record)
    }
    return map
  }

  /** The rows in lists of `size`, the last of which may be shorter. @example for await (const page of stream.pages(100)) show(page) */
  async *pages(size: number): AsyncGenerator<RecordResult<B>[], undefined, undefined> {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new InvalidArgumentError(`pages: the size must be at least 1, not ${size}`)
    let page: RecordResult<B>[] = []
    for await (const row of this) {
      if (page.push(row) < size) continue
      yield page
      page = []
    }
    if (page.length > 0) yield page
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}

// Every promise asks what it is resolved with for `then`: found here, it is not looked for any further.
Object.defineProperty(RecordStream.prototype, 'then', { value: undefined })

/** The records of rows; a row that failed throws. */
export function recordsOf<B extends object>(rows: readonly RecordResult<B>[]): Record<B>[] {
  const records: Record<B>[] = []
  for (const row of rows) {
    const { record } = row
    if (record !== null) records.push(record)
    else if (row.error !== undefined) throw row.error
  }
  return records
}

/** Rows by their place: made when they are looked at. */
export interface Rows<B extends object> {
  readonly length: number
  row(place: number): RecordResult<B>
}

/** Goes through rows. A generator costs several times as much for each. */
class RowIterator<B extends object> implements IterableIterator<RecordResult<B>, undefined, undefined> {
  readonly #rows: Rows<B>
  #next = 0

  constructor(rows: Rows<B>) {
    this.#rows = rows
  }

  next(): IteratorResult<RecordResult<B>, undefined> {
    return this.#next < this.#rows.length ? { done: false, value: this.#rows.row(this.#next++) } : END
  }

  [Symbol.iterator](): this {
    return this
  }
}

/**
 * The results of keys, all of them here: beside what every stream can, a list that can be gone through any number of times,
 * without waiting.
 *
 * @example
 * for (const row of await session.query(users.ids('user-1', 'user-2')).execute()) console.log(row.record?.bins.name)
 */
export class RecordResults<B extends object = Bins> extends RecordStream<B> implements Iterable<RecordResult<B>> {
  readonly #rows: Rows<B>

  /** @internal */
  constructor(rows: Rows<B>) {
    super()
    this.#rows = rows
  }

  /** How many rows there are. */
  get length(): number {
    return this.#rows.length
  }

  /** The row at a place; negative ones count from the end. */
  at(place: number): RecordResult<B> | undefined {
    const index = place < 0 ? place + this.length : place
    return Number.isInteger(index) && index >= 0 && index < this.length ? this.#rows.row(index) : undefined
  }

  [Symbol.iterator](): IterableIterator<RecordResult<B>, undefined, undefined> {
    return new RowIterator(this.#rows)
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordResult<B>, undefined, undefined> {
    const rows = new RowIterator(this.#rows)
    return { next: () => TruePromise.resolve(rows.next()) }
  }

  override async collect(): Promise<RecordResult<B>[]> {
    return [...this]
  }

  override async first(): Promise<RecordResult<B> | undefined> {
    return this.at(0)
  }

  override close(): void {}
}
