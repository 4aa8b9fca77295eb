// One result of a stream: what became of one key.

import { inspect } from 'node:util'
import { type AerospikeError, FilteredError, RecordNotFoundError } from '../errors/classes.js'
import { RESULT_CODES } from '../errors/result-codes.js'
import type { Key } from '../key.js'
import type { Record } from '../records/record.js'
import type { Bins, Value } from '../values/values.js'
import { decodeBins } from './data-set.js'
import { type Step, VERBS } from './step.js'

const OK = 0
const NOT_FOUND = 2
const FILTERED = 27

/** What calls and batches tell of one key; the rows of a batch are that. */
export interface Outcome {
  readonly key: Key
  readonly record: Record<Bins> | null
  readonly error: AerospikeError | null
  readonly resultCode: number
  readonly inDoubt: boolean
}

/** The outcome of a call on one key that went well. */
export class Success implements Outcome {
  readonly key: Key
  readonly record: Record<Bins> | null

  constructor(key: Key, record: Record<Bins> | null) {
    this.key = key
    this.record = record
  }

  get error(): null {
    return null
  }

  get resultCode(): number {
    return OK
  }

  get inDoubt(): boolean {
    return false
  }
}

/** The outcome of a call on one key that failed. */
export class Failure implements Outcome {
  readonly key: Key
  readonly error: AerospikeError

  constructor(key: Key, error: AerospikeError) {
    this.key = key
    this.error = error
  }

  get record(): null {
    return null
  }

  get resultCode(): number {
    return this.error.code
  }

  get inDoubt(): boolean {
    return this.error.inDoubt
  }
}

function meaningOf(code: number): string {
  return code === OK ? 'ok' : (RESULT_CODES.get(code)?.meaning ?? `result code ${code}`)
}

/** What an outcome is for a step: a row, nothing, or a failure. */
export function judge(step: Step, outcome: Outcome): 'row' | 'omitted' | 'failure' {
  const code = outcome.resultCode
  if (code === OK) return 'row'
  if (code === NOT_FOUND) {
    if (step.includeMissing) return 'row'
    const { missing } = VERBS[step.verb]
    return missing === 'answer' ? 'row' : missing
  }
  if (code === FILTERED) {
    if (step.failOnFiltered) return 'failure'
    return step.verb === 'query' ? 'omitted' : 'row'
  }
  return 'failure'
}

/** The error of a failure. Missing and filtered rows of a batch have none of their own. */
export function errorOf(outcome: Outcome): AerospikeError {
  const { error, key, resultCode } = outcome
  if (error !== null) return error
  const text = `${meaningOf(resultCode)}: ${inspect(key[2] ?? key[3])} in ${key[0]}.${key[1] ?? ''}`
  const Class = resultCode === FILTERED ? FilteredError : RecordNotFoundError
  return new Class(text, { code: resultCode, key })
}

/**
 * What became of one key. Its `record` is there for reads that found one, and for writes that answered something; a failure
 * has an `error`.
 *
 * @example
 * for await (const row of stream) console.log(row.index, row.isOk ? row.record?.bins : row.message)
 */
export class RecordResult<B extends object = Bins> {
  /** The place of the key in the chain, counted from 0 over all steps; of a query the place in its results. */
  readonly index: number
  readonly #outcome: Outcome
  readonly #step: Step
  #decoded = false

  /** @internal */
  constructor(index: number, outcome: Outcome, step: Step) {
    this.index = index
    this.#outcome = outcome
    this.#step = step
  }

  /** The key, as it was given. */
  get key(): Key {
    return this.#outcome.key
  }

  /** Whether it was done: result code 0. A record that was not there for a `delete` is no failure and not ok either. */
  get isOk(): boolean {
    return this.#outcome.resultCode === OK
  }

  /** 0 for success; positive from the server, negative from the client. */
  get resultCode(): number {
    return this.#outcome.resultCode
  }

  /** The record, or `null` when there is none to show. */
  get record(): Record<B> | null {
    const { record } = this.#outcome
    if (record === null) return null
    const { decode } = this.#step
    if (decode !== undefined && !this.#decoded) {
      this.#decoded = true
      decodeBins(decode, record.bins)
    }
    return record as Record<Bins> as unknown as Record<B>
  }

  /**
   * The record.
   *
   * @throws the row's own error, or RecordNotFoundError when there is no record
   */
  recordOrThrow(): Record<B> {
    const { record } = this
    if (record !== null) return record
    throw this.isOk
      ? new RecordNotFoundError('there is no record in this row', { key: this.key })
      : errorOf(this.#outcome)
  }

  /**
   * Whether the record was there: for `exists`, `delete` and `touch`. Of other rows, whether they are ok.
   *
   * @throws the row's error, when it failed
   */
  asBoolean(): boolean {
    const { error } = this
    if (error !== undefined) throw error
    return this.isOk
  }

  /** What went wrong; undefined when nothing did. */
  get error(): AerospikeError | undefined {
    return judge(this.#step, this.#outcome) === 'failure' ? errorOf(this.#outcome) : undefined
  }

  /** The result in words: `ok`, what a missing or filtered row is, or the message of the error. */
  get message(): string {
    return this.error?.message ?? meaningOf(this.resultCode)
  }

  /** Whether a write may have happened although it failed. */
  get inDoubt(): boolean {
    return this.#outcome.inDoubt
  }

  /** What a function on the server returned; undefined for other rows. */
  get udfValue(): Value | undefined {
    if (this.#step.verb !== 'executeUdf') return undefined
    return (this.#outcome.record?.bins as { SUCCESS?: Value } | undefined)?.SUCCESS
  }

  toJSON(): unknown {
    const { key, index, isOk, resultCode, record, message } = this
    return { key, index, isOk, resultCode, record, message }
  }

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    const { key, index, isOk, record, message } = this
    return `RecordResult ${show({ key, index, isOk, record, message }, options)}`
  }
}
