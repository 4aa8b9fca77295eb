// The commands on many records.

import type { Common } from '../batch/kinds.js'
import { mayWrite, planBatch, rowsOf } from '../batch/plan.js'
import type { BatchRequest, Said } from '../batch/request.js'
import { BatchRecords } from '../batch/results.js'
import type {
  Applied,
  ApplyRow,
  MixedRow,
  OperateRow,
  ReadRow,
  RemoveRow,
  StorableRow,
  UnprocessedRow,
  WriteRow,
} from '../batch/rows.js'
import { type Answers, run } from '../batch/run.js'
import { BatchStream, type BatchStreamOptions, STREAM_OPTIONS } from '../batch/stream.js'
import { callOver } from '../batch/unprocessed.js'
import { argumentError } from '../checks/check.js'
import { TruePromise } from '../host.js'
import type { Key } from '../key.js'
import type { Operation } from '../operations/operation.js'
import { applyOptions } from '../options/apply.js'
import type { Policy } from '../options/policy.js'
import { OnPartial } from '../options/policy.js'
import { Takes } from '../options/table.js'
import type {
  BatchApplyOptions,
  BatchOptions,
  BatchReadOptions,
  BatchRemoveOptions,
  BatchWriteOptions,
} from '../options/types.js'
import { ExistsObject, type ExistsResult, type MaybeRecord, MissingObject } from '../records/record.js'
import type { BinNames, BinPaths, Parts, Projected, WholeBins } from '../requests/projection.js'
import type { Bins, ReadAs, ReadIntegers, Storable, Value } from '../values/values.js'
import type { CommandContext } from './context.js'

const NO_OPTIONS: { readonly [name: string]: unknown } = {}

/**
 * The commands on many records: a row for each key whatever happens, and one message for each node; two for one that is to
 * get 500 rows or more and has no other batch, which then works on them side by side.
 */
export interface BatchCommands<I extends ReadIntegers = 'auto'> {
  /**
   * Does different things with many records in one call: reads, writes, operations, removals and calls of functions, of any
   * namespaces and sets, each row with what it says for itself. Rows of one record run in their order: where one of them
   * writes, each is sent when those before it have their outcome, whatever that is. Equal reads of one record are sent
   * once, and have rows of their own. Without rows that write, `defaults.batch` makes it retry as reads do.
   *
   * With `replica: 'any'` or `'preferRack'`, a batch that also writes asks the master first, so that a read sees the writes
   * before it.
   *
   * @throws InvalidArgumentError when a row is malformed, with its number; nothing was sent
   * @throws BatchPartialError when not a single row was processed; with `onPartial: 'throw'` when any row failed or was not, with `'return'` never
   * @example
   * const batch = await client.batch([
   *   { type: 'read', key: user, bins: ['name'] },
   *   { type: 'write', key: visit, bins: { at: Date.now() }, ttl: 3600, exists: 'create' },
   *   { type: 'operate', key: counter, ops: [op.increment('n', 1), op.read('n')] },
   *   { type: 'remove', key: draft, generation: 3 },
   *   { type: 'apply', key: cart, module: 'carts', function: 'close', args: [Date.now()] },
   * ])
   */
  batch<B extends object = Bins, R extends MixedRow = MixedRow>(
    rows: readonly StorableRow<R>[],
    options?: BatchOptions,
  ): Promise<BatchRecords<ReadAs<B, I>>>

  /**
   * Reads many records. `bins` of the options, or of a row, says what to read: `undefined` everything, `[]` nothing but
   * existence, `'profile.address.city'` or `'tags[0]'` a part of a bin (see `select`). Rows come back in the order of the keys, one for each key; a row that failed says why.
   *
   * @throws BatchPartialError when not a single row was processed; with `onPartial: 'throw'` when any row failed or was not, with `'return'` never
   * @example
   * const batch = await client.batchRead<User>(keys, { bins: ['name', 'age'] })
   * for (const { key, record } of batch) console.log(key[2], record?.bins.name)
   */
  batchRead<B extends object = Bins>(
    keys: readonly (Key | ReadRow<never> | UnprocessedRow<'read'>)[],
    options?: BatchReadOptions<never>,
  ): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<'read'>>>
  batchRead(
    keys: readonly (Key | ReadRow)[],
    options?: BatchReadOptions,
  ): Promise<BatchRecords<Bins, UnprocessedRow<'read'>>>
  batchRead<B extends object>(
    keys: readonly (Key | ReadRow<BinNames<B>> | UnprocessedRow<'read'>)[],
    options?: BatchReadOptions<BinNames<B>>,
  ): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<'read'>>>
  batchRead<B extends object, N extends BinPaths<B>>(
    keys: readonly (Key | ReadRow<N> | UnprocessedRow<'read'>)[],
    options: BatchReadOptions<N> & { readonly bins: readonly N[] },
  ): Promise<BatchRecords<ReadAs<Projected<B, N>, I>, UnprocessedRow<'read'>>>

  /**
   * Writes many records, each row with its own bins (or operations), TTL and conditions.
   *
   * @example
   * const batch = await client.batchWrite(users.map((user) => ({ key: ['test', 'users', user.id], bins: user, ttl: 3600 })))
   * batch.throwIfFailed()
   */
  batchWrite<B extends object>(
    rows: readonly (WriteRow<B> & { readonly bins?: Storable<B> | undefined })[],
    options?: BatchWriteOptions,
  ): Promise<BatchRecords<Bins, UnprocessedRow<'write'>>>

  /**
   * Runs the same operations on many records; a row's `bins` are what they answered.
   *
   * @example
   * const batch = await client.batchOperate<{ views: number }>(keys, [op.increment('views', 1), op.read('views')])
   */
  batchOperate<B extends object = Bins>(
    keys: readonly (Key | OperateRow)[],
    operations?: readonly Operation[],
    options?: BatchWriteOptions,
  ): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<'operate'>>>

  /**
   * Removes many records. A row whose record does not exist is `notFound`.
   *
   * @example
   * const { missing } = await client.batchRemove(keys)
   */
  batchRemove(
    keys: readonly (Key | RemoveRow)[],
    options?: BatchRemoveOptions,
  ): Promise<BatchRecords<Bins, UnprocessedRow<'remove'>>>

  /**
   * Calls a function of a registered module on many records. A row's `record.bins.SUCCESS` is what the function returned; a
   * row whose function failed is an `error`, a `UdfError` with the line and what Lua said. Rows may have arguments of
   * their own.
   *
   * @example
   * const batch = await client.batchApply<number>(keys, 'counters', 'add', ['visits', 1])
   * for (const { key, record, error } of batch) console.log(key[2], record?.bins.SUCCESS ?? error)
   */
  batchApply<T = Value>(
    keys: readonly (Key | ApplyRow)[],
    module: string,
    name: string,
    args?: readonly Value[],
    options?: BatchApplyOptions,
  ): Promise<BatchRecords<Applied<T> & object, UnprocessedRow<'apply'>>>

  /**
   * Reads many records as the classic clients do: one record for each key in the order of the keys. What does not exist, or
   * is left out by a filter, has its key, and `null` for `meta` and `bins`.
   *
   * @throws BatchPartialError when any row failed or was not processed: `null` always means missing
   * @example
   * for (const [key, meta, bins] of await client.getMany<User>(keys)) console.log(key[2], meta?.gen, bins?.name)
   */
  getMany<B extends object = Bins>(
    keys: readonly Key[],
    options?: BatchReadOptions<never>,
  ): Promise<MaybeRecord<ReadAs<B, I>>[]>
  getMany(keys: readonly Key[], options?: BatchReadOptions): Promise<MaybeRecord<Bins>[]>
  getMany<B extends object>(
    keys: readonly Key[],
    options?: BatchReadOptions<BinNames<B>>,
  ): Promise<MaybeRecord<ReadAs<B, I>>[]>

  /**
   * Tells of many records whether they exist: `[key, meta]` for each key, with `meta` `null` when it does not.
   *
   * @throws BatchPartialError when any row failed or was not processed
   * @example
   * const there = (await client.existsMany(keys)).filter(([, meta]) => meta !== null)
   */
  existsMany(keys: readonly Key[], options?: BatchReadOptions): Promise<ExistsResult[]>

  /**
   * Reads some bins of many records, or parts of them as `select` does. What does not exist is as in `getMany`.
   *
   * @throws BatchPartialError when any row failed or was not processed
   * @example
   * const names = await client.selectMany<User, 'name'>(keys, ['name'])
   */
  selectMany(keys: readonly Key[], bins: readonly string[], options?: BatchReadOptions): Promise<MaybeRecord<Bins>[]>
  selectMany<B extends object>(
    keys: readonly Key[],
    bins: readonly WholeBins<B>[],
    options?: BatchReadOptions,
  ): Promise<MaybeRecord<ReadAs<Partial<B>, I>>[]>
  selectMany<B extends object, N extends WholeBins<B>>(
    keys: readonly Key[],
    bins: readonly N[],
    options?: BatchReadOptions,
  ): Promise<MaybeRecord<ReadAs<Pick<B, N>, I>>[]>
  selectMany<B extends object>(
    keys: readonly Key[],
    bins: readonly BinPaths<B>[],
    options?: BatchReadOptions,
  ): Promise<MaybeRecord<ReadAs<Parts<B>, I>>[]>
  selectMany<B extends object, N extends BinPaths<B>>(
    keys: readonly Key[],
    bins: readonly N[],
    options?: BatchReadOptions,
  ): Promise<MaybeRecord<ReadAs<Projected<B, N>, I>>[]>

  /**
   * Batches without an end: takes keys or rows from a list or an (async) iterable as they are needed, sends them in chunks,
   * and gives the rows as they are answered, each with its `index`. At most `inFlight` chunks are held at a time, so memory
   * is bounded however many rows there are; a slow consumer slows the source down. Rows that were not processed are sent
   * again, as option `retry` says, before their chunk is handed out. What is left then, and rows that failed, come like the
   * others: look at `result`.
   *
   * `stream.cursor` says at any time what was delivered, as text; with it as option `cursor`, a stream over the same rows
   * continues from there, in another process too. `stream.toReadableStream()` is the same as a Web stream.
   *
   * @throws InvalidArgumentError when an option or a row is malformed: the loop throws it
   * @example
   * const stream = client.batchStream(keys, { bins: ['score'], chunk: 500, inFlight: 4 })
   * for await (const { index, record } of stream) if (record !== null) scores[index] = record.bins.score
   */
  batchStream<B extends object = Bins, R extends MixedRow = MixedRow>(
    rows: Iterable<StorableRow<R>> | AsyncIterable<StorableRow<R>>,
    options?: BatchStreamOptions,
  ): BatchStream<ReadAs<B, I>>
}

export function batch<B extends object = Bins>(
  context: CommandContext,
  rows: readonly MixedRow[],
  options?: BatchOptions,
): Promise<BatchRecords<B>> {
  return runBatch(context, 'batch', rows, options, Takes.batch, { kind: undefined })
}

export function batchRead<B extends object = Bins>(
  context: CommandContext,
  keys: readonly (Key | ReadRow)[],
  options?: BatchReadOptions,
): Promise<BatchRecords<B, UnprocessedRow<'read'>>> {
  return runBatch(context, 'batchRead', keys, options, Takes.batchRead, { kind: 'read' })
}

export function batchWrite<B extends object>(
  context: CommandContext,
  rows: readonly (WriteRow<B> & { readonly bins?: Storable<B> | undefined })[],
  options?: BatchWriteOptions,
): Promise<BatchRecords<Bins, UnprocessedRow<'write'>>> {
  return runBatch(context, 'batchWrite', rows, options, Takes.batchWrite, { kind: 'write' })
}

export function batchOperate<B extends object = Bins>(
  context: CommandContext,
  keys: readonly (Key | OperateRow)[],
  operations?: readonly Operation[],
  options?: BatchWriteOptions,
): Promise<BatchRecords<B, UnprocessedRow<'operate'>>> {
  return runBatch(context, 'batchOperate', keys, options, Takes.batchWrite, { kind: 'operate', ops: operations })
}

export function batchRemove(
  context: CommandContext,
  keys: readonly (Key | RemoveRow)[],
  options?: BatchRemoveOptions,
): Promise<BatchRecords<Bins, UnprocessedRow<'remove'>>> {
  return runBatch(context, 'batchRemove', keys, options, Takes.batchWrite, { kind: 'remove' })
}

export function batchApply<T = Value>(
  context: CommandContext,
  keys: readonly (Key | ApplyRow)[],
  module: string,
  name: string,
  args: readonly Value[] = [],
  options?: BatchApplyOptions,
): Promise<BatchRecords<Applied<T> & object, UnprocessedRow<'apply'>>> {
  return runBatch(context, 'batchApply', keys, options, Takes.batchApply, {
    kind: 'apply',
    module,
    function: name,
    args,
  })
}

export async function getMany<B extends object = Bins>(
  context: CommandContext,
  keys: readonly Key[],
  options?: BatchReadOptions,
): Promise<MaybeRecord<B>[]> {
  const batch = (await batchRead<B>(context, keys, options)).throwIfFailed()
  // Its classes have what their types say, but for what they inherit of arrays.
  return Array.from(batch, (row) => row.record ?? (new MissingObject(row.key) as unknown as MaybeRecord<B>))
}

export async function existsMany(
  context: CommandContext,
  keys: readonly Key[],
  options?: BatchReadOptions,
): Promise<ExistsResult[]> {
  const batch = (await batchRead(context, keys, { ...options, bins: [] })).throwIfFailed()
  return Array.from(batch, ({ key, record }) => new ExistsObject(key, record?.meta ?? null) as unknown as ExistsResult)
}

export function selectMany(
  context: CommandContext,
  keys: readonly Key[],
  bins: readonly string[],
  options?: BatchReadOptions,
): Promise<MaybeRecord<never>[]> {
  return getMany(context, keys, { ...options, bins })
}

export function batchStream<B extends object = Bins>(
  context: CommandContext,
  rows: Iterable<MixedRow> | AsyncIterable<MixedRow>,
  options: BatchStreamOptions = {},
): BatchStream<B> {
  try {
    return openStream<B>(context, rows, options)
  } catch (error) {
    return BatchStream.failing<B>(argumentError(error, 'batchStream'))
  }
}

function openStream<B extends object>(
  context: CommandContext,
  rows: Iterable<MixedRow> | AsyncIterable<MixedRow>,
  options: BatchStreamOptions,
): BatchStream<B> {
  const verb = 'batchStream'
  const policies = new Map<Policy, Policy>()
  const policyOver = (base: Policy): Policy => {
    const known = policies.get(base) ?? applyOptions(base, options, Takes.batch, verb, STREAM_OPTIONS)
    policies.set(base, known)
    return known
  }
  policyOver(context.policies.batchRead)
  return new BatchStream<B>(rows, options, async (chunk, first) => {
    const kind = chunk.every(Array.isArray) ? 'read' : undefined
    const policy = policyOver(mayWrite(chunk, kind) ? context.policies.batchWrite : context.policies.batchRead)
    const said = saidOf(context, { kind, bins: options.bins }, options)
    const request = planBatch(verb, chunk, policy, said).from(first)
    return new BatchRecords<B>(request, await run(context.boundary, request), context.resend)
  })
}

function runBatch<B extends object, R = MixedRow>(
  context: CommandContext,
  verb: string,
  given: unknown,
  options: unknown,
  takes: number,
  common: Common,
): Promise<BatchRecords<B, R>> {
  try {
    const request = planRequest(context, verb, given, options, takes, common)
    return run(context.boundary, request).then((answers) => finish<B, R>(context, request, answers))
  } catch (error) {
    return TruePromise.reject(argumentError(error, verb))
  }
}

/** The request of a batch. */
function planRequest(
  context: CommandContext,
  verb: string,
  given: unknown,
  call: unknown,
  takes: number,
  common: Common,
): BatchRequest {
  const rows = rowsOf(given, verb)
  const base = mayWrite(rows, common.kind) ? context.policies.batchWrite : context.policies.batchRead
  const options = callOver(verb, rows, call)
  if (options === undefined) return planBatch(verb, rows, base, saidOf(context, common))
  if (common.kind !== 'read') {
    return planBatch(verb, rows, applyOptions(base, options, takes, verb), saidOf(context, common, options as object))
  }
  const policy = applyOptions(base, options, takes, verb, ['bins'])
  const { bins } = options as BatchReadOptions
  return planBatch(verb, rows, policy, saidOf(context, { kind: 'read', bins }, options as object))
}

/** What holds for all rows, kept for those that are sent again. */
function saidOf(context: CommandContext, common: Common, options: object = NO_OPTIONS): Said {
  return {
    common,
    options: options === NO_OPTIONS ? NO_OPTIONS : { ...options },
    defaults: context.policies.given.batch,
  }
}

function finish<B extends object, R>(
  context: CommandContext,
  request: BatchRequest,
  answers: Answers,
): BatchRecords<B, R> {
  const batch = new BatchRecords<B, R>(request, answers, context.resend)
  if (answers.replies.some(({ left }) => left > 0)) batch.throwIfCutOff()
  switch (request.policy.onPartial) {
    case OnPartial.throw:
      return batch.throwIfFailed()
    case OnPartial.return:
      return batch
    default:
      return batch.throwIfNothing()
  }
}
