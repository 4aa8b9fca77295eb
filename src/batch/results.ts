// The results of a batch: positional, by key, honest about every row, and decoded only where someone looks. One class with all of
// its views, most of the file being what is said about them.

import { inspect } from 'node:util'
import type { BatchReply } from '../boundary/batch-reply.js'
import type { AerospikeError } from '../errors/base.js'
import { ClientError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { now } from '../host.js'
import { type Key, keyIdentity, keyText, type UserKey } from '../key.js'
import { copyPolicy } from '../options/policy.js'
import { digest } from '../records/digest.js'
import type { Record } from '../records/record.js'
import { Mode } from '../values/unpack.js'
import type { Bins } from '../values/values.js'
import { type Column, type ColumnOptions, type ColumnSource, type ColumnType, readColumn } from './column.js'
import { type BatchCost, costOf } from './cost.js'
import { BatchPartialError, type Failures } from './error.js'
import type { RowResult } from './kinds.js'
import { isFailure, isProcessed } from './kinds.js'
import type { BatchRequest } from './request.js'
import { OVERLOADED, pause, type RetryOptions, retryOptions } from './retry.js'
import { type BatchRow, Part, type Row, resultOf } from './row.js'
import type { MixedRow } from './rows.js'
import { type Answers, NO_ANSWERS } from './run.js'
import { unprocessedRows } from './unprocessed.js'

/** Sends a part of a batch again. */
export type Resend = (request: BatchRequest) => Promise<Answers>

/**
 * The results of a batch, one row for each row of the request and in its order.
 *
 * A row is made when it is looked at, with its record (of large records the bins are decoded when first touched); what
 * nobody looks at costs nothing. Batches are values: they are equal when their rows are, whatever they cost, and
 * `{ ...batch }` and `structuredClone(batch)` have the rows and their views, `JSON.stringify(batch)` the rows.
 *
 * `R` is the type of the rows that can be sent again.
 *
 * @example
 * const batch = await client.batchRead<User>(keys)
 * for (const { key, record, result } of batch) if (result === 'ok') show(key, record.bins.name)
 * if (batch.unprocessed.length > 0) await batch.retry()
 */
export class BatchRecords<B extends object = Bins, R = MixedRow> implements Iterable<BatchRow<B>> {
  readonly #request: BatchRequest
  readonly #resend: Resend
  readonly #parts: Part[]
  /** For each row the part that answers it, and the row there; undefined: the only part, the same row. */
  #partOf: Uint32Array | undefined
  #rowOf: Uint32Array | undefined
  /** What each round cost: the first, and one for each retry. */
  readonly #rounds: Answers[]
  #byKey: Map<string, number> | undefined
  #byDigest: Map<string, number> | undefined

  /** @internal */
  constructor(request: BatchRequest, answers: Answers, resend: Resend, parts = partsOf(request, answers)) {
    this.#request = request
    this.#resend = resend
    this.#parts = parts
    this.#partOf = answers.partOf
    this.#rowOf = answers.rowOf
    this.#rounds = [answers]
    for (const [name, view] of VIEWS) Object.defineProperty(this, name, view)
  }

  /** @internal */
  get request(): BatchRequest {
    return this.#request
  }

  /** Number of rows. */
  get length(): number {
    return this.#request.keys.length
  }

  /** The rows in the order of the request, as a list. */
  get rows(): BatchRow<B>[] {
    return Array.from({ length: this.length }, (_, i) => this.#row(i))
  }

  /** The row at a position; negative positions count from the end. `undefined` outside. */
  at(index: number): BatchRow<B> | undefined {
    const position = index < 0 ? index + this.length : index
    return position >= 0 && position < this.length && Number.isInteger(position) ? this.#row(position) : undefined
  }

  #row(index: number): BatchRow<B> {
    const part = this.#parts[this.#partOf?.[index] ?? 0] as Part
    return part.row(this.#rowOf?.[index] ?? index, index) as unknown as BatchRow<B>
  }

  /** The rows in the order of the request. */
  [Symbol.iterator](): IterableIterator<BatchRow<B>> {
    return new RowIterator(this.#parts, this.#partOf, this.#rowOf, this.length)
  }

  /** The first row of a key, or `undefined`. Keys are told apart with their namespace and set; a digest finds its key. */
  get(key: Key): BatchRow<B> | undefined {
    this.#byKey ??= this.#indexBy(keyIdentity)
    let index = this.#byKey.get(keyIdentity(key))
    if (index === undefined && (isDigestOnly(key) || this.#hasDigests())) {
      this.#byDigest ??= this.#indexBy(digestIdentity)
      index = this.#byDigest.get(digestIdentity(key))
    }
    return index === undefined ? undefined : this.#row(index)
  }

  #indexBy(identify: (key: Key) => string): Map<string, number> {
    const index = new Map<string, number>()
    for (let row = 0; row < this.length; row++) {
      const identity = identify(this.#request.keys.at(row))
      if (!index.has(identity)) index.set(identity, row)
    }
    return index
  }

  #hasDigests(): boolean {
    for (let row = 0; row < this.length; row++) if (isDigestOnly(this.#request.keys.at(row))) return true
    return false
  }

  #having(...results: RowResult[]): BatchRow<B>[] {
    const rows: BatchRow<B>[] = []
    for (let i = 0; i < this.length; i++) if (results.includes(this.#resultOf(i))) rows.push(this.#row(i))
    return rows
  }

  /** The reply that has the answer of a row. */
  #reply(index: number): BatchReply {
    return (this.#parts[this.#partOf?.[index] ?? 0] as Part).reply
  }

  #resultOf(index: number): RowResult {
    return resultOf(this.#request, this.#reply(index), this.#rowOf?.[index] ?? index)
  }

  /** Rows with a record. */
  get found(): (BatchRow<B> & { readonly result: 'ok' })[] {
    return this.#having('ok') as (BatchRow<B> & { readonly result: 'ok' })[]
  }

  /** Rows whose record does not exist. */
  get missing(): BatchRow<B>[] {
    return this.#having('notFound')
  }

  /** Rows that the filter left out. */
  get filtered(): BatchRow<B>[] {
    return this.#having('filtered')
  }

  /**
   * Rows that did not do what they were to do, for good or in doubt: each has an `error`. Beside those whose result is
   * `error` these are writes that are `notFound` (`exists: 'update'` and `'replace'`) or `filtered`, and removals that are
   * `filtered`.
   */
  get failed(): (BatchRow<B> & { readonly record: null; readonly error: AerospikeError })[] {
    const rows: BatchRow<B>[] = []
    for (let i = 0; i < this.length; i++) if (this.#hasFailed(i)) rows.push(this.#row(i))
    return rows as (BatchRow<B> & { readonly record: null; readonly error: AerospikeError })[]
  }

  #hasFailed(index: number): boolean {
    const result = this.#resultOf(index)
    return result !== 'ok' && isFailure(result, this.#request.spec(index).command)
  }

  /**
   * What is left to do: the rows that were certainly not done. Each is plain data that says everything about itself, with
   * the options of its call, so that the list can be sliced, filtered, copied, kept as JSON, and handed to the same kind of
   * batch or to `batch`, of any client. Nothing the call said gets lost on the way: what was to create a record still only
   * creates it. A key that was read without options is given as that key.
   *
   * Values that JSON cannot carry (bigints, bytes, `Map`s, doubles that are whole numbers, operations, expressions) are
   * encoded in these rows; `encoded` names them.
   *
   * @example
   * if (batch.unprocessed.length > 0) await client.batchRead(batch.unprocessed)
   * await queue.send(JSON.stringify(batch.unprocessed))
   */
  get unprocessed(): readonly R[] {
    return unprocessedRows(this.#request, this.#unprocessed()) as R[]
  }

  /** @internal Whether there is something left to do. */
  get hasUnprocessed(): boolean {
    for (let i = 0; i < this.length; i++) if (this.#resultOf(i) === 'unprocessed') return true
    return false
  }

  /** @internal Whether every row is `ok`. May be false of one that was sent again and is whole now. */
  get isWhole(): boolean {
    return this.#parts.every(({ reply }) => reply.isWhole)
  }

  #unprocessed(): number[] {
    const positions: number[] = []
    for (let i = 0; i < this.length; i++) if (this.#resultOf(i) === 'unprocessed') positions.push(i)
    return positions
  }

  /** What the batch cost, over all retries. */
  get cost(): BatchCost {
    let found = 0
    for (let i = 0; i < this.length; i++) if (this.#resultOf(i) === 'ok') found++
    return costOf(this.#rounds, this.length, found)
  }

  /**
   * The records by user key, without the missing ones.
   *
   * @throws ClientError when two rows have the same user key but are different records, or a row has only a digest
   */
  toMap(): Map<UserKey, Record<B>> {
    const map = new Map<UserKey, Record<B>>()
    const identities = new Map<UserKey, string>()
    for (const { key, record } of this.found) {
      const user = key[2]
      if (user === null) throw new ClientError(`${keyText(key)} has no user key to be found by; use get(key)`)
      const identity = keyIdentity(key)
      if ((identities.get(user) ?? identity) !== identity) {
        throw new ClientError(`${keyText(key)} and a record of another set have the same user key; use get(key)`)
      }
      identities.set(user, identity)
      map.set(user, record)
    }
    return map
  }

  /**
   * The rows by set, those of each set in the order of the request. Records of no set are under `''`.
   *
   * @throws ClientError when two namespaces have a set of the same name here
   * @example
   * const batch = await client.batchRead([...userKeys, ...orderKeys])
   * for (const [set, rows] of batch.bySet()) console.log(set, rows.length)
   */
  bySet(): Map<string, BatchRow<B>[]> {
    const sets = new Map<string, BatchRow<B>[]>()
    const namespaces = new Map<string, string>()
    for (let i = 0; i < this.length; i++) {
      const row = this.#row(i)
      const [namespace, name] = row.key
      const set = name ?? ''
      const other = namespaces.get(set)
      if (other !== undefined && other !== namespace) {
        throw new ClientError(
          `bySet: ${JSON.stringify(set)} is a set of the namespaces ${JSON.stringify(other)} and ${JSON.stringify(namespace)}`,
        )
      }
      namespaces.set(set, namespace)
      const rows = sets.get(set)
      if (rows === undefined) sets.set(set, [row])
      else rows.push(row)
    }
    return sets
  }

  /**
   * One bin of all rows as a typed array, read straight from the bytes that arrived, without making records of them:
   *
   * - `Float64Array` for doubles, and integers that are safe;
   * - `Int32Array`, `BigInt64Array` for integers of 32 and 64 bits;
   * - `Float32Array` for vectors of 32-bit floats stored as bytes (little-endian), one after another in one array;
   * - `Array` for text.
   *
   * A row without a record or without the bin has a 0 in the bitmap `valid`.
   *
   * @throws ClientError when a row has a value that the column cannot hold exactly, or a vector of another length
   * @throws InvalidArgumentError for another type of column
   * @example
   * const { values, has } = batch.column('score', Float64Array)
   * const vectors = batch.column('embedding', Float32Array, { dimensions: 384 })
   * const third = vectors.values.subarray(2 * 384, 3 * 384)
   */
  column(name: string, type: Float64ArrayConstructor): Column<Float64Array>
  column(name: string, type: Int32ArrayConstructor): Column<Int32Array>
  column(name: string, type: BigInt64ArrayConstructor): Column<BigInt64Array>
  column(name: string, type: Float32ArrayConstructor, options?: ColumnOptions): Column<Float32Array>
  column(name: string, type: ArrayConstructor): Column<(string | null)[]>
  column(name: string, type: ColumnType, options: ColumnOptions = {}): Column<unknown> {
    const row = (index: number): Row => this.#row(index) as unknown as Row
    const source: ColumnSource = {
      length: this.length,
      has: (index) => this.#reply(index).code(this.#rowOf?.[index] ?? index) === Code.ok,
      bytes: (index) => {
        const isPlain = (this.#request.spec(index).mode & Mode.operations) === 0
        return isPlain ? this.#reply(index).bytes(this.#rowOf?.[index] ?? index) : undefined
      },
      offset: (index) => this.#reply(index).offset(this.#rowOf?.[index] ?? index),
      value: (index, bin) => (row(index).record?.bins as Bins | undefined)?.[bin],
    }
    return readColumn(source, name, type, options)
  }

  /** @throws BatchPartialError when a row failed or was not processed. Returns the batch otherwise. */
  throwIfFailed(): this {
    const failures: Failures = { failed: 0, unprocessed: 0, anything: true, first: -1, inDoubt: false }
    for (let i = 0; i < this.length; i++) {
      if (this.#hasFailed(i)) failures.failed++
      else if (this.#resultOf(i) === 'unprocessed') failures.unprocessed++
      else continue
      if (failures.first < 0) failures.first = i
      failures.inDoubt ||= this.#isInDoubt(i)
    }
    if (failures.first < 0) return this
    failures.anything = this.#isAnythingProcessed()
    throw new BatchPartialError(this as unknown as BatchRecords, failures)
  }

  /**
   * @internal
   * @throws BatchPartialError when not a single row was processed, or may have been. Returns the batch otherwise.
   */
  throwIfNothing(): this {
    return this.#isAnythingProcessed() ? this : this.throwIfFailed()
  }

  #isAnythingProcessed(): boolean {
    for (let i = 0; i < this.length; i++) {
      const code = this.#reply(i).code(this.#rowOf?.[i] ?? i)
      if (isProcessed(this.#resultOf(i), code) || this.#isInDoubt(i)) return true
    }
    return this.length === 0
  }

  /** @internal @throws ClientClosedError when `close` cut the batch off. */
  throwIfCutOff(): void {
    for (let i = 0; i < this.length; i++) {
      if (this.#reply(i).code(this.#rowOf?.[i] ?? i) === Code.clientAbort) throw this.#row(i).error
    }
  }

  #isInDoubt(index: number): boolean {
    return this.#reply(index).inDoubt(this.#rowOf?.[index] ?? index)
  }

  /**
   * Sends the unprocessed rows again until none is left, and merges the answers into one result; this one stays as it is.
   * Rows keep their options and positions. Writes in doubt are not among them, unless the batch is `idempotent`. Between
   * attempts, and before the first when a node was overloaded, it waits: up to 50 ms and twice as long each time, at most a
   * second. A row sent again runs after the rows that are done, also those of the same record.
   *
   * Never rejects for rows that stay unprocessed: look at the result.
   *
   * @throws InvalidArgumentError for options that make no sense
   * @throws ClientClosedError, AbortError when the client is closed, or the signal of the batch is aborted
   * @example
   * const whole = await batch.retry({ attempts: 5, deadline: 2000 })
   * whole.throwIfFailed()
   */
  async retry(options: RetryOptions = {}): Promise<BatchRecords<B, R>> {
    const { attempts, deadline } = retryOptions(options, 'retry')
    const until = now() + deadline
    const merged = this.#copy()
    for (let attempt = 0; attempt < attempts; attempt++) {
      const positions = merged.#unprocessed()
      if (positions.length === 0) break
      const waits = attempt > 0 || positions.some((position) => OVERLOADED.has(merged.#row(position).resultCode))
      if (waits && !(await pause(attempt + 1, until))) break
      const left = Math.max(1, Math.ceil(until - now()))
      const policy = copyPolicy(this.#request.policy)
      policy.totalTimeout = policy.totalTimeout === 0 ? left : Math.min(left, policy.totalTimeout)
      merged.#merge(positions, await this.#resend(this.#request.subset(positions).under(policy)))
    }
    return merged
  }

  #copy(): BatchRecords<B, R> {
    const copy = new BatchRecords<B, R>(this.#request, NO_ANSWERS, this.#resend, [...this.#parts])
    copy.#rounds.splice(0, 1, ...this.#rounds)
    copy.#partOf = this.#partOf?.slice() ?? new Uint32Array(this.length)
    copy.#rowOf = this.#rowOf?.slice() ?? Uint32Array.from({ length: this.length }, (_, i) => i)
    return copy
  }

  #merge(positions: readonly number[], answers: Answers): void {
    const first = this.#parts.length
    this.#parts.push(...answers.replies.map((reply) => new Part(this.#request, reply)))
    this.#rounds.push(answers)
    positions.forEach((position, i) => {
      const part = first + (answers.partOf?.[i] ?? 0)
      const row = answers.rowOf?.[i] ?? i
      ;(this.#partOf as Uint32Array)[position] = part
      ;(this.#rowOf as Uint32Array)[position] = row
      ;(this.#parts[part] as Part).expect(row)
    })
  }

  toJSON(): unknown {
    return this.rows
  }

  [inspect.custom](): string {
    const { keys, found, elapsed } = this.cost
    return `BatchRecords { rows: ${keys}, found: ${found}, unprocessed: ${this.#unprocessed().length}, elapsed: ${elapsed.toFixed(1)} ms }`
  }
}

/**
 * What a batch shows of itself when it is compared, spread or cloned: own properties, with the getters of the class. The
 * cost is not among them, as two batches with the same rows took different times.
 */
const VIEWS = (['length', 'rows', 'found', 'missing', 'filtered', 'failed', 'unprocessed'] as const).map((name) => {
  const { get } = Object.getOwnPropertyDescriptor(BatchRecords.prototype, name) as { get(): unknown }
  return [name, { get, enumerable: true, configurable: true }] as const
})

/** The parts that answer a request, with what each of their pages has to give. A request that is done is settled. */
function partsOf(request: BatchRequest, { replies, duplicates }: Answers): Part[] {
  const parts: Part[] = []
  for (const reply of replies) {
    const part = new Part(request, reply)
    part.expectAll(duplicates?.[parts.length] ?? reply.answered)
    parts.push(part)
  }
  if (replies.every(({ left }) => left === 0)) request.settle()
  return parts
}

/** Goes through the rows. A generator would do the same, and go in and out of the engine for each. */
class RowIterator<B extends object> implements IterableIterator<BatchRow<B>> {
  readonly #parts: readonly Part[]
  readonly #partOf: Uint32Array | undefined
  readonly #rowOf: Uint32Array | undefined
  readonly #length: number
  #next = 0

  constructor(parts: readonly Part[], partOf: Uint32Array | undefined, rowOf: Uint32Array | undefined, length: number) {
    this.#parts = parts
    this.#partOf = partOf
    this.#rowOf = rowOf
    this.#length = length
  }

  next(): IteratorResult<BatchRow<B>, undefined> {
    const index = this.#next
    if (index === this.#length) return { done: true, value: undefined }
    this.#next = index + 1
    const part = this.#parts[this.#partOf?.[index] ?? 0] as Part
    return { done: false, value: part.row(this.#rowOf?.[index] ?? index, index) as unknown as BatchRow<B> }
  }

  [Symbol.iterator](): this {
    return this
  }
}
// The helpers of iterators, where the engine has them: map, filter, take and the others.
Object.setPrototypeOf(RowIterator.prototype, Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())))

function isDigestOnly(key: Key): boolean {
  return key[2] === null
}

function digestIdentity(key: Key): string {
  return `${key[0]}.${digest(key).toString('latin1')}`
}
