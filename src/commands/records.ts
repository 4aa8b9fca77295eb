// The commands on one record. Most of the file is what is said about them, in one interface that clients and transactions have.

import { argumentError, describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { TruePromise } from '../host.js'
import type { Key } from '../key.js'
import { op } from '../operations/op.js'
import { Needs, Operation } from '../operations/operation.js'
import { applyOptions } from '../options/apply.js'
import type { Policy } from '../options/policy.js'
import { Takes } from '../options/table.js'
import type {
  ApplyOptions,
  GetOptions,
  OperateOptions,
  ReadOptions,
  RemoveOptions,
  WriteOptions,
} from '../options/types.js'
import { Info1, Info2, OpCode, SC_READ } from '../protocol.js'
import type { Meta } from '../records/meta.js'
import type { ExistsResult, OrderedResults, Record, RecordObject } from '../records/record.js'
import {
  ApplyCall,
  type Body,
  ExistsCall,
  FindCall,
  MetaCall,
  OperateCall,
  OrderedCall,
  RecordCall,
  type RecordTask,
  VoidCall,
} from '../requests/calls.js'
import {
  applyCommand,
  needsOf,
  readCommand,
  removeCommand,
  writeCommand,
  writeNothing,
  writeOne,
  writeOperations,
  writeReads,
  writeRemovals,
} from '../requests/command.js'
import {
  type BinNames,
  type BinPaths,
  type Parts,
  type Projected,
  Projection,
  readsOf,
  type WholeBins,
} from '../requests/projection.js'
import { UdfCall } from '../requests/udf-call.js'
import { encodeBins } from '../values/codecs.js'
import type { Bins, ReadAs, ReadIntegers, Storable, Value, WithBigInts } from '../values/values.js'
import type { Double } from '../values/wrappers.js'
import { type CommandContext, existsTask, getTask, putTask } from './context.js'

/** Options with which integers are read as bigints. */
export type BigInts<O> = O & { readonly bins?: undefined; readonly integers: 'bigint' }

/** What is read of `B`: the bins that `N` names, or parts of all when nothing is named. */
export type Chosen<B extends object, N extends string> = BinPaths<B> extends N ? Parts<B> : Projected<B, N>

/**
 * The commands on single records. `I` is how integers are read where a call does not say it: see {@link WithBigInts}. Every
 * failure is a rejection, never a synchronous throw.
 */
export interface RecordCommands<I extends ReadIntegers = 'auto'> {
  /**
   * Reads a record with all its bins. With option `bins` it reads some of them or parts of them, as `select` does.
   *
   * @throws RecordNotFoundError when there is none
   * @example
   * const [, meta, bins] = await client.get<User>(['test', 'demo', 'user1'])
   */
  get<B extends object = Bins>(key: Key, options: BigInts<ReadOptions>): Promise<Record<WithBigInts<B>>>
  get<B extends object = Bins>(
    key: Key,
    options?: ReadOptions & { readonly bins?: undefined },
  ): Promise<Record<ReadAs<B, I>>>
  get(key: Key, options: GetOptions): Promise<Record<Bins>>
  get<B extends object>(key: Key, options: GetOptions<BinNames<B>>): Promise<Record<ReadAs<Parts<B>, I>>>

  /**
   * Reads a record as `get` does, and gives `null` when there is none. A miss costs no more than a hit.
   *
   * @example
   * const user = await client.find<User>(key)
   * if (user === null) console.log('no such user')
   */
  find<B extends object = Bins>(key: Key, options: BigInts<ReadOptions>): Promise<Record<WithBigInts<B>> | null>
  find<B extends object = Bins>(
    key: Key,
    options?: ReadOptions & { readonly bins?: undefined },
  ): Promise<Record<ReadAs<B, I>> | null>
  find(key: Key, options: GetOptions): Promise<Record<Bins> | null>
  find<B extends object>(key: Key, options: GetOptions<BinNames<B>>): Promise<Record<ReadAs<Parts<B>, I>> | null>

  /**
   * Reads some bins of a record, or parts of them: `'profile.address.city'`, `'tags[0]'`, `'tags[-1]'`, `'scores[#7]'` (an
   * integer key), `'"a.b"["c d"]'` (names with dots or brackets). Only those parts are read, on servers from 8.1 on, and put
   * where they are in the record; what it does not have is absent.
   *
   * The names are checked against the type argument, and are the bins of the result when it is given twice or not at all:
   * `select<User, 'name'>(key, ['name'])` has exactly `name`; `select<User>(key, ['name'])` any of `User`'s bins.
   *
   * @throws RecordNotFoundError when there is no such record
   * @example
   * const { bins } = await client.select<User, 'name'>(key, ['name'])
   */
  select(key: Key, bins: readonly string[], options?: ReadOptions): Promise<Record<Bins>>
  select<B extends object, N extends BinPaths<B> = BinPaths<B>>(
    key: Key,
    bins: readonly N[],
    options: BigInts<ReadOptions>,
  ): Promise<Record<WithBigInts<Chosen<B, N>>>>
  select<B extends object>(
    key: Key,
    bins: readonly WholeBins<B>[],
    options?: ReadOptions,
  ): Promise<Record<ReadAs<Partial<B>, I>>>
  select<B extends object, N extends WholeBins<B>>(
    key: Key,
    bins: readonly N[],
    options?: ReadOptions,
  ): Promise<Record<ReadAs<Pick<B, N>, I>>>
  select<B extends object>(
    key: Key,
    bins: readonly BinPaths<B>[],
    options?: ReadOptions,
  ): Promise<Record<ReadAs<Parts<B>, I>>>
  select<B extends object, N extends BinPaths<B>>(
    key: Key,
    bins: readonly N[],
    options?: ReadOptions,
  ): Promise<Record<ReadAs<Projected<B, N>, I>>>

  /**
   * Tells whether a record exists: `[key, meta]`, with `meta` `null` when it does not.
   *
   * @example
   * const [, meta] = await client.exists(key)
   * if (meta === null) console.log('no such record')
   */
  exists(key: Key, options?: ReadOptions): Promise<ExistsResult>

  /**
   * Writes bins. Other bins of the record stay (see option `exists` for replacing it); `null` removes a bin. Resolves with
   * the generation and TTL the record has now.
   *
   * @throws InvalidArgumentError when a value cannot be stored; the message has its path
   * @throws GenerationError, RecordExistsError, RecordNotFoundError as the options ask
   * @example
   * await client.put(key, { name: 'Alice', age: 30, tags: ['a', 'b'] }, { ttl: 300 })
   */
  put<B extends object>(key: Key, bins: B & Storable<B>, options?: WriteOptions): Promise<Meta>

  /**
   * Removes a record.
   *
   * @throws RecordNotFoundError when there is none
   * @example
   * await client.remove(key, { generation: meta.gen })
   */
  remove(key: Key, options?: RemoveOptions): Promise<void>

  /**
   * Renews the expiry of a record (option `ttl`) and raises its generation.
   *
   * @throws RecordNotFoundError when there is none
   * @example
   * await client.touch(key, { ttl: 600 })
   */
  touch(key: Key, options?: WriteOptions): Promise<Meta>

  /**
   * Adds text or bytes at the end of a bin, which is created when missing.
   *
   * @throws BinTypeError when the bin holds something else
   * @example
   * await client.append(key, 'name', ' Smith')
   */
  append(key: Key, bin: string, value: string | Uint8Array, options?: WriteOptions): Promise<Meta>

  /**
   * Adds text or bytes at the beginning of a bin, which is created when missing.
   *
   * @throws BinTypeError when the bin holds something else
   * @example
   * await client.prepend(key, 'name', 'Dr. ')
   */
  prepend(key: Key, bin: string, value: string | Uint8Array, options?: WriteOptions): Promise<Meta>

  /**
   * Adds to a number, by default 1; a missing bin counts as 0. Integers wrap at 64 bits. To have the new value, use
   * `operate` with `op.increment` and `op.read`.
   *
   * @throws BinTypeError when the bin holds something else; an integer cannot be added to a double
   * @example
   * await client.increment(key, 'visits')
   */
  increment(key: Key, bin: string, by?: number | bigint | Double, options?: WriteOptions): Promise<Meta>

  /**
   * Removes bins. A record without bins is removed with the last one.
   *
   * @throws RecordNotFoundError when there is no such record
   * @example
   * await client.removeBin(key, ['draft', 'note'])
   */
  removeBin(key: Key, bins: string | readonly string[], options?: WriteOptions): Promise<Meta>

  /**
   * Runs operations on a record, in order, all or none, and gives what they answered by bin. A bin answered once has its
   * value; a bin that several operations answered has them all, as an `OperationResults`. Operations that only write answer
   * nothing.
   *
   * @example
   * const { bins } = await client.operate(key, [op.increment('visits', 1), op.read('visits')])
   */
  operate<B extends object = Bins>(
    key: Key,
    operations: readonly Operation[],
    options: BigInts<OperateOptions>,
  ): Promise<Record<WithBigInts<B>>>
  operate<B extends object = Bins>(
    key: Key,
    operations: readonly Operation[],
    options?: OperateOptions,
  ): Promise<Record<ReadAs<B, I>>>

  /**
   * Like `operate`, with one `[bin, value]` for each operation in the order of the operations; `null` for those that answer
   * nothing. With `op.readAll()` the answers are one for each bin instead.
   *
   * @example
   * const { bins } = await client.operateOrdered(key, [op.read('a'), op.increment('a', 1), op.read('a')])
   * // [['a', 1], ['a', null], ['a', 2]]
   */
  operateOrdered(key: Key, operations: readonly Operation[], options?: OperateOptions): Promise<Record<OrderedResults>>

  /**
   * Calls a function of a registered module on a record, on the server, and gives what it returned; `null` for nothing. The
   * record need not exist: the function may create it. See {@link UdfAdmin.register} for modules.
   *
   * @param module the name of the module, without the ending of its file
   * @param args what the function gets after the record
   * @throws UdfNotFoundError when there is no such module or function
   * @throws UdfError when the function failed, with the line and what Lua said; what it had changed is undone
   * @example
   * const total = await client.apply<number>(key, 'counters', 'add', ['visits', 1])
   */
  apply<T = Value>(key: Key, module: string, name: string, args?: readonly Value[], options?: ApplyOptions): Promise<T>
}

export function get(context: CommandContext, key: Key, options?: GetOptions): Promise<Record<never>> {
  try {
    if (options?.bins !== undefined) {
      const { bins, ...others } = options
      return readSome(context, 'get', key, bins, others, RecordCall) as never
    }
    const task = options === undefined ? context.plain.get : getTask(readPolicy(context, options, 'get', ['bins']))
    return context.reads.submit(new RecordCall(task, key)) as never
  } catch (error) {
    return refused(error, 'get')
  }
}

export function find(context: CommandContext, key: Key, options?: GetOptions): Promise<Record<never> | null> {
  try {
    if (options?.bins !== undefined) {
      const { bins, ...others } = options
      return readSome(context, 'find', key, bins, others, FindCall) as never
    }
    const task =
      options === undefined
        ? context.plain.find
        : { ...getTask(readPolicy(context, options, 'find', ['bins'])), verb: 'find' }
    return context.reads.submit(new FindCall(task, key)) as never
  } catch (error) {
    return refused(error, 'find')
  }
}

export function select(
  context: CommandContext,
  key: Key,
  bins: readonly string[],
  options?: ReadOptions,
): Promise<Record<never>> {
  try {
    return readSome(context, 'select', key, bins, options, RecordCall) as never
  } catch (error) {
    return refused(error, 'select')
  }
}

export function exists(context: CommandContext, key: Key, options?: ReadOptions): Promise<ExistsResult> {
  try {
    const task = options === undefined ? context.plain.exists : existsTask(readPolicy(context, options, 'exists'))
    return context.reads.submit(new ExistsCall(task, key))
  } catch (error) {
    return refused(error, 'exists')
  }
}

export function put<B extends object>(
  context: CommandContext,
  key: Key,
  bins: B & Storable<B>,
  options?: WriteOptions,
): Promise<Meta> {
  try {
    const task = options === undefined ? context.plain.put : putTask(writePolicy(context, options, 'put'))
    const { codecs } = task.policy
    const stored = codecs === undefined ? bins : encodeBins(codecs, bins as { [bin: string]: unknown })
    return context.boundary.submit(new MetaCall(task, key, stored))
  } catch (error) {
    return refused(error, 'put')
  }
}

export function remove(context: CommandContext, key: Key, options?: RemoveOptions): Promise<void> {
  try {
    const base = context.policies.remove
    const policy = options === undefined ? base : applyOptions(base, options, Takes.remove, 'remove')
    const task = { verb: 'remove', policy, writes: true, command: removeCommand(policy), body: writeNothing }
    return context.boundary.submit(new VoidCall(task, key))
  } catch (error) {
    return refused(error, 'remove')
  }
}

export function touch(context: CommandContext, key: Key, options?: WriteOptions): Promise<Meta> {
  return writeOperation(context, 'touch', key, op.touch, options)
}

export function append(
  context: CommandContext,
  key: Key,
  bin: string,
  value: string | Uint8Array,
  options?: WriteOptions,
): Promise<Meta> {
  return writeOperation(context, 'append', key, () => op.append(bin, value), options)
}

export function prepend(
  context: CommandContext,
  key: Key,
  bin: string,
  value: string | Uint8Array,
  options?: WriteOptions,
): Promise<Meta> {
  return writeOperation(context, 'prepend', key, () => op.prepend(bin, value), options)
}

export function increment(
  context: CommandContext,
  key: Key,
  bin: string,
  by: number | bigint | Double = 1,
  options?: WriteOptions,
): Promise<Meta> {
  return writeOperation(context, 'increment', key, () => op.increment(bin, by), options)
}

export function removeBin(
  context: CommandContext,
  key: Key,
  bins: string | readonly string[],
  options?: WriteOptions,
): Promise<Meta> {
  try {
    const policy = writePolicy(context, options, 'removeBin')
    const names = binNames(typeof bins === 'string' ? [bins] : bins, 'removeBin')
    if (names.length === 0)
      throw new InvalidArgumentError('removeBin: bins is an empty list: there is nothing to remove')
    const command = writeCommand(policy, Info2.write)
    const task = { verb: 'removeBin', policy, writes: true, command, body: writeRemovals }
    return context.boundary.submit(new MetaCall(task, key, names))
  } catch (error) {
    return refused(error, 'removeBin')
  }
}

export function operate<B extends object = Bins>(
  context: CommandContext,
  key: Key,
  operations: readonly Operation[],
  options?: OperateOptions,
): Promise<Record<B>> {
  try {
    const task = operationTask(context, 'operate', operations, options)
    return context.boundary.submit(new OperateCall(task, key, operations)) as never
  } catch (error) {
    return refused(error, 'operate')
  }
}

export function operateOrdered(
  context: CommandContext,
  key: Key,
  operations: readonly Operation[],
  options?: OperateOptions,
): Promise<Record<OrderedResults>> {
  try {
    const task = operationTask(context, 'operateOrdered', operations, options)
    task.command.info2 |= Info2.respondAllOps
    const call = new OrderedCall(task, key, operations)
    call.bins = operations.filter((one) => one instanceof Operation).map(answeredBin)
    return context.boundary.submit(call) as never
  } catch (error) {
    return refused(error, 'operateOrdered')
  }
}

export function apply<T = Value>(
  context: CommandContext,
  key: Key,
  module: string,
  name: string,
  args: readonly Value[] = [],
  options?: ApplyOptions,
): Promise<T> {
  try {
    const base = context.policies.apply
    const policy = options === undefined ? base : applyOptions(base, options, Takes.apply, 'apply')
    const command = applyCommand(policy, new UdfCall('apply', module, name, args))
    const task = { verb: 'apply', policy, writes: true, command, body: writeNothing }
    return context.boundary.submit(new ApplyCall(task, key)) as Promise<T>
  } catch (error) {
    return refused(error, 'apply')
  }
}

function readSome(
  context: CommandContext,
  verb: string,
  key: Key,
  bins: unknown,
  options: ReadOptions | undefined,
  ReadCall: typeof RecordCall,
): Promise<RecordObject> {
  const policy = readPolicy(context, options, verb)
  const names = binNames(bins, verb)
  if (names.length === 0) {
    const command = readCommand(policy, Info1.read | Info1.getNoBins)
    return context.reads.submit(new ReadCall({ verb, policy, writes: false, command, body: writeNothing }, key))
  }
  const reads = readsOf(names, verb)
  const body = reads instanceof Projection ? Projection.write : writeReads
  const task = { verb, policy, writes: false, command: readCommand(policy, Info1.read), body: body as Body }
  return context.reads.submit(new ReadCall(task, key, reads))
}

function readPolicy(
  context: CommandContext,
  options: ReadOptions | undefined,
  verb: string,
  extra?: readonly string[],
): Policy {
  const base = context.policies.read
  return options === undefined ? base : applyOptions(base, options, Takes.read, verb, extra)
}

function writePolicy(context: CommandContext, options: WriteOptions | undefined, verb: string): Policy {
  return options === undefined
    ? context.policies.write
    : applyOptions(context.policies.write, options, Takes.write, verb)
}

function writeOperation(
  context: CommandContext,
  verb: string,
  key: Key,
  make: () => Operation,
  options: WriteOptions | undefined,
): Promise<Meta> {
  try {
    const policy = writePolicy(context, options, verb)
    const task = { verb, policy, writes: true, command: writeCommand(policy, Info2.write), body: writeOne }
    return context.boundary.submit(new MetaCall(task, key, make()))
  } catch (error) {
    return refused(error, verb)
  }
}

/** What operations are: a write when any of them writes. */
function operationTask(
  context: CommandContext,
  verb: string,
  operations: unknown,
  options: OperateOptions | undefined,
): RecordTask {
  const writes = (needsOf(operations, verb) & Needs.write) !== 0
  const base = writes ? context.policies.operateWrite : context.policies.operateRead
  const policy = options === undefined ? base : applyOptions(base, options, Takes.operate, verb)
  if (writes && options?.hedge) {
    throw new InvalidArgumentError(
      `${verb}: option 'hedge' is for operations that only read: a write is never sent twice`,
    )
  }
  const command = writes ? writeCommand(policy, Info2.write) : readCommand(policy, 0)
  if (writes) {
    command.info1 |= policy.info1
    command.info3 |= policy.info3 & SC_READ
  }
  return { verb, policy, writes, command, body: writeOperations }
}

/** The bin an operation answers for when every operation is to be answered; a touch never is. */
function answeredBin(operation: Operation): string | undefined {
  return operation.code === OpCode.touch || (operation.needs & Needs.metaOnly) !== 0 ? undefined : operation.bin
}

function refused<T>(error: unknown, verb: string): Promise<T> {
  return TruePromise.reject(argumentError(error, verb))
}

function binNames(names: unknown, verb: string): readonly unknown[] {
  if (Array.isArray(names)) return names
  throw new InvalidArgumentError(`${verb}: bins must be a list of bin names, not ${describe(names)}`)
}
