// One result of a stream: what became of one key.

import { inspect } from 'node:util'
import { type AerospikeError, FilteredError, RecordNotFoundError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { RESULT_CODES } from '../errors/result-codes.js'
import type { Key } from '../key.js'
import { lazyProperty } from '../lazy.js'
import type { Record } from '../records/record.js'
import { decodeBins } from '../values/codecs.js'
import type { Bins, Value } from '../values/values.js'
import { type Step, VERBS } from './step.js'

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
    return Code.ok
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
  return RESULT_CODES.get(code)?.meaning ?? `result code ${code}`
}

/** What an outcome is for a step: a row, nothing, or a failure. */
export function judge(step: Step, outcome: Outcome): 'row' | 'omitted' | 'failure' {
  const code = outcome.resultCode
  if (code === Code.ok) return 'row'
  if (code === Code.notFound) {
    if (step.includeMissing) return 'row'
    const { missing } = VERBS[step.verb]
    return missing === 'answer' ? 'row' : missing
  }
  if (code === Code.filteredOut) {
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
  const Class = resultCode === Code.filteredOut ? FilteredError : RecordNotFoundError
  return new Class(text, { code: resultCode, key })
}

/** What a record with codecs is made from. */
interface Decoding {
  readonly record: Record<Bins>
  readonly decode: NonNullable<Step['decode']>
}

/** Decodes the bins of a record when somebody looks at it. */
const decodeLater = lazyProperty('record', ({ record, decode }: Decoding) => {
  decodeBins(decode, record.bins)
  return record
})
const explainLater = lazyProperty('error', errorOf)
const sayLater = lazyProperty('message', (outcome: Outcome) => errorOf(outcome).message)

/** What became of rows that did not go well. */
const unanswered = new WeakMap<object, Outcome>()

/** Says why a row is not ok. */
function explain(
  row: { error: AerospikeError | undefined; message: string },
  outcome: Outcome,
  isFailure: boolean,
): void {
  unanswered.set(row, outcome)
  if (isFailure) {
    explainLater(row, outcome)
    sayLater(row, outcome)
  } else {
    row.error = undefined
    row.message = meaningOf(outcome.resultCode)
  }
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
  /** The key, as it was given. */
  readonly key: Key
  /** Whether it was done: result code 0. A record that was not there for a `delete` is no failure and not ok either. */
  readonly isOk: boolean
  /** 0 for success; positive from the server, negative from the client. */
  readonly resultCode: number
  /** Whether a write may have happened although it failed. */
  readonly inDoubt: boolean
  /** The record, or `null` when there is none to show. */
  declare readonly record: Record<B> | null
  /** What a function on the server returned; undefined for other rows. */
  readonly udfValue: Value | undefined
  /** What went wrong; undefined when nothing did. */
  declare readonly error: AerospikeError | undefined
  /** The result in words: `ok`, what a missing or filtered row is, or the message of the error. */
  declare readonly message: string

  // Every row of a batch becomes one: what rows that went well do not need is not theirs, and not looked at.

  /** @internal */
  constructor(index: number, outcome: Outcome, step: Step) {
    const { resultCode, record } = outcome
    const shown = this as { -readonly [P in keyof RecordResult]: RecordResult[P] }
    this.index = index
    this.key = outcome.key
    this.isOk = resultCode === Code.ok
    this.resultCode = resultCode
    this.inDoubt = outcome.inDoubt
    if (record !== null && step.decode !== undefined) decodeLater(this, { record, decode: step.decode })
    else shown.record = record as Record<Bins> | null
    this.udfValue = step.verb === 'executeUdf' ? (record?.bins as { SUCCESS?: Value } | undefined)?.SUCCESS : undefined
    if (resultCode === Code.ok) {
      shown.error = undefined
      shown.message = 'ok'
    } else explain(shown, outcome, judge(step, outcome) === 'failure')
  }

  /**
   * The record.
   *
   * @throws the row's own error, or RecordNotFoundError when there is no record
   */
  recordOrThrow(): Record<B> {
    const { record } = this
    if (record !== null) return record
    if (this.isOk) throw new RecordNotFoundError('there is no record in this row', { key: this.key })
    throw errorOf(unanswered.get(this) as Outcome)
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

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    const { key, index, isOk, record, message } = this
    return `RecordResult ${show({ key, index, isOk, record, message }, options)}`
  }
}
