// Running a chain: one call for one key, one batch for everything else. The calls are those that anybody could make.

import { AerospikeError, InvalidArgumentError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { TruePromise } from '../host.js'
import type { Key } from '../key.js'
import { op } from '../operations/op.js'
import type { Operation } from '../operations/operation.js'
import type { ExistsResult, Record } from '../records/record.js'
import { encodeBins } from '../values/codecs.js'
import type { Bins } from '../values/values.js'
import { errorOf, Failure, judge, type Outcome, RecordResult, Success } from './result.js'
import { validate, validateRead } from './schema.js'
import { type Step, type StepOptions, VERBS } from './step.js'
import { type ErrorHandler, ErrorStrategy } from './strategy.js'
import { RecordResults, type Rows } from './stream.js'
import type { Calls, Views } from './views.js'

/** What `execute` takes beside its strategy. */
export interface ExecuteOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined
}

export type Strategy = ErrorStrategy | ErrorHandler | undefined

const TOUCH = [op.touch()]
const META = [op.readMeta()]

/** What a record is that is not there, where a call says so without failing. */
class Missing implements Outcome {
  readonly key: Key
  readonly record = null
  readonly error = null
  readonly resultCode = Code.notFound
  readonly inDoubt = false

  constructor(key: Key) {
    this.key = key
  }
}

/** What batches tell of many keys. */
interface Outcomes extends Iterable<Outcome> {
  readonly length: number
  readonly isWhole: boolean
  at(place: number): Outcome | undefined
}

/** The row of a single key that went well: of a write hardly anybody looks at it. */
class OneRow implements Rows<Bins> {
  readonly length = 1
  readonly #step: Step
  readonly #record: Record<Bins> | null
  #row: RecordResult | undefined

  constructor(step: Step, record: Record<Bins> | null) {
    this.#step = step
    this.#record = record
  }

  row(): RecordResult {
    this.#row ??= new RecordResult(0, new Success(this.#step.keys[0] as Key, this.#record), this.#step)
    return this.#row
  }
}

/** Rows that were made. */
class MadeRows implements Rows<Bins> {
  readonly #rows: readonly RecordResult[]

  constructor(rows: readonly RecordResult[]) {
    this.#rows = rows
  }

  get length(): number {
    return this.#rows.length
  }

  row(place: number): RecordResult {
    return this.#rows[place] as RecordResult
  }
}

/** The rows of one step that all went well: views on those of the batch. */
class WholeStep implements Rows<Bins> {
  readonly #outcomes: Outcomes
  readonly #step: Step

  constructor(outcomes: Outcomes, step: Step) {
    this.#outcomes = outcomes
    this.#step = step
  }

  get length(): number {
    return this.#outcomes.length
  }

  row(place: number): RecordResult {
    return new RecordResult(place, this.#outcomes.at(place) as Outcome, this.#step)
  }
}

function checkStrategy(strategy: Strategy): void {
  if (strategy === undefined || typeof strategy === 'function') return
  if (strategy === ErrorStrategy.IN_STREAM || strategy === ErrorStrategy.THROW) return
  throw new InvalidArgumentError(
    'execute: the strategy must be ErrorStrategy.IN_STREAM, ErrorStrategy.THROW or a function',
  )
}

/** Runs a chain and gives its rows. Everything that fails is a rejection. */
export function run(
  views: Views,
  steps: readonly Step[],
  strategy: Strategy,
  options: ExecuteOptions | undefined,
): Promise<RecordResults> {
  try {
    checkStrategy(strategy)
    const step = steps[0] as Step
    const signal = options?.signal
    if (steps.length === 1 && step.single && step.set?.schema === undefined) return point(views, step, strategy, signal)
    if (steps.some(needsValidation)) return runValidated(views, steps, strategy, signal)
    if (steps.length === 1 && step.single) return point(views, step, strategy, signal)
    return many(views, steps, strategy, signal)
  } catch (error) {
    return TruePromise.reject(error)
  }
}

function needsValidation({ set, validated, writes }: Step): boolean {
  return set?.schema !== undefined && (writes || validated)
}

async function runValidated(
  views: Views,
  steps: readonly Step[],
  strategy: Strategy,
  signal: AbortSignal | undefined,
): Promise<RecordResults> {
  for (const step of steps) await validateWrites(step)
  const one = steps.length === 1 && (steps[0] as Step).single
  if (!steps.some((step) => step.validated)) {
    return one ? point(views, steps[0] as Step, strategy, signal) : many(views, steps, strategy, signal)
  }
  const outcomes = one ? [await outcomeOf(views, steps[0] as Step, signal)] : await batchOf(views, steps, signal)
  return settle(steps, await validateReads(steps, outcomes), strategy ?? (one ? ErrorStrategy.THROW : views.failures))
}

async function outcomeOf(views: Views, step: Step, signal: AbortSignal | undefined): Promise<Outcome> {
  const key = step.keys[0] as Key
  try {
    const record = recordIn(step, await callOf(views, step, signal))
    return record === undefined ? new Missing(key) : new Success(key, record)
  } catch (error) {
    return failed(step)(error)
  }
}

async function validateWrites(step: Step): Promise<void> {
  const schema = step.set?.schema
  if (schema === undefined || !step.writes) return
  const { verb, written, checked, rows } = step
  const whole = verb === 'insert' || verb === 'replace' || verb === 'replaceIfExists'
  if (written !== undefined) step.written = await validate(schema, written, whole, verb)
  // Of what operations write not all is known: the rest may come from them.
  if (checked !== undefined) await validate(schema, checked, false, verb)
  for (const [i, row] of (rows ?? []).entries())
    row.bins = await validate(schema, row.bins, whole, `${verb}: rows[${i}]`)
}

/** Judges what was read by the schema: a record that it does not allow is a failure. */
async function validateReads(steps: readonly Step[], outcomes: Iterable<Outcome>): Promise<Outcome[]> {
  const owners = steps.flatMap((step) => Array.from({ length: step.length }, () => step))
  const judged: Outcome[] = []
  for (const outcome of outcomes) {
    const step = owners[judged.length] as Step
    const schema = step.set?.schema
    const { record } = new RecordResult(0, outcome, step)
    if (record === null || schema === undefined || !step.validated) {
      judged.push(outcome)
      continue
    }
    judged.push(await validateRead(schema, record, step.bins === undefined && step.ops === undefined))
  }
  return judged
}

function failed(step: Step): (error: unknown) => Outcome {
  return (error) => {
    if (error instanceof AerospikeError) return new Failure(step.keys[0] as Key, error)
    throw error
  }
}

/** One key. */
function point(views: Views, step: Step, strategy: Strategy, signal: AbortSignal | undefined): Promise<RecordResults> {
  const answered = callOf(views, step, signal)
  const done = (answer: unknown): RecordResults => {
    const record = recordIn(step, answer)
    // Success needs no judgement: most calls end here.
    if (record !== undefined) return new RecordResults(new OneRow(step, record))
    return settle([step], [new Missing(step.keys[0] as Key)], strategy ?? ErrorStrategy.THROW)
  }
  // What fails is the failure of the whole: it passes, and nothing has to wait for it.
  if (strategy === undefined && failsWhole(step)) return answered.then(done)
  return answered.then(done, (error) => settle([step], [failed(step)(error)], strategy ?? ErrorStrategy.THROW))
}

/** Whether there is no result but success that is a row. */
function failsWhole({ verb, options }: Step): boolean {
  return options?.filter === undefined && VERBS[verb].missing === 'failure'
}

function many(
  views: Views,
  steps: readonly Step[],
  strategy: Strategy,
  signal: AbortSignal | undefined,
): Promise<RecordResults> {
  return batchOf(views, steps, signal).then((outcomes) => {
    const step = steps[0] as Step
    // What a codec reads is read once: its rows are made once as well.
    if (steps.length === 1 && step.decode === undefined && outcomes.isWhole) {
      return new RecordResults(new WholeStep(outcomes, step))
    }
    return settle(steps, outcomes, strategy ?? views.failures)
  })
}

/** The rows of outcomes, with failures where the strategy puts them. */
function settle(steps: readonly Step[], outcomes: Iterable<Outcome>, strategy: Strategy): RecordResults {
  const rows: RecordResult[] = []
  let index = 0
  let at = 0
  let step = steps[0] as Step
  let end = step.length
  for (const outcome of outcomes) {
    while (index === end) {
      step = steps[++at] as Step
      end += step.length
    }
    const place = index++
    if (outcome.resultCode !== Code.ok) {
      const judgement = judge(step, outcome)
      if (judgement === 'omitted') continue
      if (judgement === 'failure' && strategy !== undefined && strategy !== ErrorStrategy.IN_STREAM) {
        const error = errorOf(outcome)
        if (typeof strategy !== 'function') throw error
        strategy(outcome.key, place, error)
        continue
      }
    }
    rows.push(new RecordResult(place, outcome, step))
  }
  return new RecordResults(new MadeRows(rows))
}

type CallOptions = StepOptions & { exists?: never; key?: 'send'; signal?: AbortSignal }

/** The options of a call for a step; undefined when it says nothing of its own. */
function optionsOf({ verb, options }: Step, signal: AbortSignal | undefined): CallOptions | undefined {
  const { exists } = VERBS[verb]
  const saysExists = exists !== undefined && exists !== 'createOrUpdate'
  if (options === undefined && !saysExists && signal === undefined) return undefined
  const made: { [name: string]: unknown } = { ...options }
  if (made.sendKey === true) {
    delete made.sendKey
    made.key = 'send'
  }
  if (saysExists) made.exists = exists
  if (signal !== undefined) made.signal = signal
  return made
}

/** The options of a row for a step. */
function rowOptions({ verb, options }: Step): object | undefined {
  const { exists } = VERBS[verb]
  return exists === undefined || exists === 'createOrUpdate' ? options : { ...options, exists }
}

/** The bins of a step as they are stored. */
function storedBins({ set, verb, written }: Step): object {
  if (written === undefined)
    throw new InvalidArgumentError(`${verb}: say what is to be written, with bin, put or values`)
  return set?.codecs === undefined ? written : encodeBins(set.codecs, written)
}

function udfOf({ udf }: Step): NonNullable<Step['udf']> {
  if (udf === undefined)
    throw new InvalidArgumentError("executeUdf: say which function is called: .function('module', 'name')")
  return udf
}

/** The call for a single key. A rejection is its failure; what it resolves to is read by `recordIn`. */
function callOf(views: Views, step: Step, signal: AbortSignal | undefined): Promise<unknown> {
  const { verb, ops } = step
  const key = step.keys[0] as Key
  const options = optionsOf(step, signal)
  const calls = callsFor(views, step.writes, step.once)
  switch (verb) {
    case 'query':
      return readOf(calls, step, options)
    case 'exists':
      return calls.exists(key, options)
    case 'touch':
      return calls.touch(key, options)
    case 'delete':
      return calls.remove(key, options)
    case 'executeUdf': {
      const udf = udfOf(step)
      return calls.apply(key, udf.module, udf.function, udf.args, options)
    }
    default:
      return ops === undefined ? calls.put(key, storedBins(step), options) : calls.operate(key, ops, options)
  }
}

/** The record in the answer of a step's call: null where it has none to show, undefined where there is none. */
function recordIn({ verb, ops }: Step, answer: unknown): Record<Bins> | null | undefined {
  switch (verb) {
    case 'query':
      return answer as Record<Bins>
    case 'exists':
      return (answer as ExistsResult).meta === null ? undefined : null
    case 'touch':
    case 'delete':
      return null
    case 'executeUdf':
      // as batches give it
      return { bins: { SUCCESS: answer } } as unknown as Record<Bins>
    default:
      return ops === undefined ? null : (answer as Record<Bins>)
  }
}

/** The call that reads a single key. */
function readOf(calls: Calls, { keys, ops, bins }: Step, options: CallOptions | undefined): Promise<Record<Bins>> {
  const key = keys[0] as Key
  if (ops !== undefined) return calls.operate(key, ops, options)
  if (bins === undefined) return calls.get(key, options)
  if (bins.length === 0) return calls.operate(key, META, options)
  return calls.get(key, { ...options, bins }) as Promise<Record<Bins>>
}

/** The record of a single key, as the call gives it, where a step says nothing that would change it. */
export function recordOf(views: Views, step: Step): Promise<Record<Bins>> | undefined {
  const { verb, single, decode, validated, includeMissing, options } = step
  if (verb !== 'query' || !single || decode !== undefined || validated || includeMissing) return undefined
  // What a condition leaves out is not there for whoever asks for the first record.
  if (options?.filter !== undefined) return undefined
  return readOf(views.reads, step, optionsOf(step, undefined))
}

function callsFor(views: Views, writes: boolean, once: boolean): Calls {
  return writes ? (once ? views.nonRetryable : views.retryable) : views.reads
}

/** What a single key's operations answered last. */
export async function answerOf(views: Views, step: Step): Promise<unknown> {
  await validateWrites(step)
  const key = step.keys[0] as Key
  const ops = step.ops as readonly Operation[]
  const calls = callsFor(views, step.writes, step.once)
  const options = optionsOf(step, undefined)
  const last = ops.at(-1) as Operation
  if (ops.length > 1) {
    const { bins } = await calls.operateOrdered(key, ops, options)
    return decoded(step, last.bin, bins.at(-1)?.[1] ?? null)
  }
  const { bins } = await calls.operate(key, ops, options)
  return decoded(step, last.bin, bins[last.bin] ?? null)
}

function decoded({ decode }: Step, bin: string, value: unknown): unknown {
  const codec = decode?.[bin]
  return codec === undefined || value === null ? value : codec.decode(value as never)
}

/** The batch for a chain. */
function batchOf(views: Views, steps: readonly Step[], signal: AbortSignal | undefined): Promise<Outcomes> {
  const writes = steps.some((step) => step.writes)
  const calls = callsFor(
    views,
    writes,
    steps.some((step) => step.once),
  )
  if (steps.length === 1) return stepBatch(calls, steps[0] as Step, signal)
  const rows = steps.flatMap((step) => rowsOf(step, rowOptions(step)))
  return calls.batch(rows as never, signal === undefined ? undefined : { signal })
}

/** One step over many keys: what it says is said once, for all of them. */
function stepBatch(calls: Calls, step: Step, signal: AbortSignal | undefined): Promise<Outcomes> {
  const { verb, ops, bins, keys, rows } = step
  const options = optionsOf(step, signal)
  switch (verb) {
    case 'query':
      // Reading operations are rows of a mixed batch, which then goes by the rules of reads.
      if (ops !== undefined) return calls.batch(rowsOf(step, undefined) as never, options)
      return calls.batchRead(keys, bins === undefined ? options : { ...options, bins })
    case 'exists':
      return calls.batchRead(keys, { ...options, bins: [] })
    case 'delete':
      return calls.batchRemove(keys, options)
    case 'touch':
      return calls.batchOperate(keys, TOUCH, options)
    case 'executeUdf': {
      const udf = udfOf(step)
      return calls.batchApply(
        keys,
        udf.module,
        udf.function,
        udf.args,
        options,
      ) as Promise<unknown> as Promise<Outcomes>
    }
    default: {
      if (ops !== undefined) return calls.batchOperate(keys, ops, options)
      if (rows !== undefined) return calls.batchWrite(ownRows(step) as never, options)
      const written = storedBins(step)
      return calls.batchWrite(keys.map((key) => ({ key, bins: written })) as never, options)
    }
  }
}

/** Rows that were given one by one, as they are stored. */
function ownRows({ rows = [], begun, set, verb }: Step): object[] {
  if (begun !== undefined) throw new InvalidArgumentError(`${verb}: the last id has no values`)
  const codecs = set?.codecs
  return codecs === undefined ? rows : rows.map((row) => ({ ...row, bins: encodeBins(codecs, row.bins) }))
}

/** The rows of a step in a mixed batch. */
function rowsOf(step: Step, options: object | undefined): object[] {
  const { verb, ops, bins, keys, rows } = step
  const each = (fields: object): object[] => keys.map((key) => ({ ...options, ...fields, key }))
  switch (verb) {
    case 'query':
      if (ops !== undefined) return each({ type: 'read', ops })
      return each(bins === undefined ? { type: 'read' } : { type: 'read', bins })
    case 'exists':
      return each({ type: 'read', bins: NO_BINS })
    case 'delete':
      return each({ type: 'remove' })
    case 'touch':
      return each({ type: 'operate', ops: TOUCH })
    case 'executeUdf':
      return each({ type: 'apply', ...udfOf(step) })
    default:
      if (ops !== undefined) return each({ type: 'operate', ops })
      if (rows !== undefined) return ownRows(step).map((row) => ({ ...options, ...row, type: 'write' }))
      return each({ type: 'write', bins: storedBins(step) })
  }
}

const NO_BINS: readonly string[] = []
