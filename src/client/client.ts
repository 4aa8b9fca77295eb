// The client: all its methods, each of which hands over to the functions of its kind in commands/. What a method does is
// said in the interfaces there. The file is long because there are many methods, and signatures with overloads stand twice.

import { inspect } from 'node:util'
import type { BatchRecords } from '../batch/results.js'
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
import type { BatchStream, BatchStreamOptions } from '../batch/stream.js'
import { controlError } from '../boundary/failure-reader.js'
import type { Boundary } from '../boundary/native.js'
import { flag, milliseconds, type OptionRules, readOptions } from '../checks/options.js'
import type { IndexDefinition } from '../cluster/index-definition.js'
import type { IndexJob } from '../cluster/index-job.js'
import type { IndexInfo, IndexStatistics } from '../cluster/index-list.js'
import type { InfoOptions } from '../cluster/info-request.js'
import type { Statistics } from '../cluster/info-text.js'
import type { Latency, NamespaceInfo, SetInfo } from '../cluster/info-views.js'
import { UdfAdmin } from '../cluster/udf-modules.js'
import type { BatchCommands } from '../commands/batches.js'
import * as batches from '../commands/batches.js'
import type { ClusterCommands, ListIndexesOptions, NodeInfoOptions, TruncateOptions } from '../commands/cluster.js'
import * as cluster from '../commands/cluster.js'
import { CommandContext } from '../commands/context.js'
import type { QueryCommands } from '../commands/queries.js'
import * as queries from '../commands/queries.js'
import type { BigInts, Chosen, RecordCommands } from '../commands/records.js'
import * as records from '../commands/records.js'
import { InvalidArgumentError } from '../errors/classes.js'
import type { Key } from '../key.js'
import type { Operation } from '../operations/operation.js'
import { type Policies, policiesWithCodecs, resolveDefaults } from '../options/apply.js'
import type { Behavior } from '../options/behavior.js'
import type {
  ApplyOptions,
  BatchApplyOptions,
  BatchOptions,
  BatchReadOptions,
  BatchRemoveOptions,
  BatchWriteOptions,
  GetOptions,
  OperateOptions,
  ReadOptions,
  RemoveOptions,
  WriteOptions,
} from '../options/types.js'
import type { Job } from '../query/job.js'
import type { QueryOptions } from '../query/options.js'
import type { Query } from '../query/query.js'
import type { Meta } from '../records/meta.js'
import type { ExistsResult, MaybeRecord, OrderedResults, Record } from '../records/record.js'
import type { BinNames, BinPaths, Parts, Projected, WholeBins } from '../requests/projection.js'
import { Roles } from '../security/roles.js'
import { Users } from '../security/users.js'
import { makeSession, type Session } from '../session/session.js'
import { type ClientMetrics, readMetrics } from '../telemetry/metrics.js'
import type { BeginOptions, TransactionOptions } from '../transactions/options.js'
import type { TransactionCommands } from '../transactions/run.js'
import * as transactions from '../transactions/run.js'
import type { Transaction } from '../transactions/transaction.js'
import { usedCodecs } from '../values/codecs.js'
import type { Bins, ReadAs, ReadIntegers, Storable, Value, WithBigInts } from '../values/values.js'
import type { Double } from '../values/wrappers.js'
import { type ChangeableOptions, Configuration } from './configuration.js'
import type { ClientOptions, Integers, IntegersOf } from './connect-options.js'
import { type ClientEvents, type ClientListener, Listeners, type Node } from './events.js'
import { guardMethods } from './guard.js'
import { type Health, healthOf } from './health.js'
import { checkClientOptions } from './resolve.js'
import { checkTls, readTls, type TlsOptions } from './tls-options.js'

/** Options of `close`. */
export interface CloseOptions {
  /** Milliseconds that calls under way may still take. Default 1,000; 30,000 with `drain`. */
  readonly timeout?: number | undefined
  /**
   * Waits for all that is under way, and for queries that are being read, as long as their own limits let them take, but no
   * longer than `timeout`: for a shutdown that loses nothing. Default false.
   */
  readonly drain?: boolean | undefined
}

const CLOSE: OptionRules<CloseOptions> = { timeout: milliseconds(0, ''), drain: flag }
const CLOSE_MS = 1000
const DRAIN_MS = 30_000

const CONTEXT = Symbol('context')
const LISTENERS = Symbol('listeners')
const CONFIGURATION = Symbol('configuration')

/**
 * A client of one cluster: connections, the map of the cluster and the commands. One client serves a whole process; it may
 * be used from any number of calls at once. Made by {@link connect}.
 *
 * A client that has nothing under way does not keep the process alive.
 */
export class Client<I extends ReadIntegers = 'auto'>
  implements RecordCommands<I>, BatchCommands<I>, QueryCommands<I>, ClusterCommands, TransactionCommands<I>
{
  // Not private: a Proxy around a client, and an object made from one, have to get through.
  /** @internal */
  declare readonly [CONTEXT]: CommandContext
  /** @internal */
  declare readonly [LISTENERS]: Listeners
  /** @internal */
  declare readonly [CONFIGURATION]: Configuration
  readonly udf: UdfAdmin
  /** The users of an Enterprise cluster with access control. */
  readonly users: Users
  /** The roles of an Enterprise cluster with access control. */
  readonly roles: Roles

  /** @internal */
  constructor(
    boundary: Boundary,
    policies: Policies,
    coalesceReads?: boolean,
    listeners: Listeners = new Listeners(boundary),
    configuration: Configuration = new Configuration(boundary, {}),
  ) {
    const context = new CommandContext(boundary, policies, coalesceReads)
    Object.defineProperty(this, CONTEXT, { value: context })
    Object.defineProperty(this, LISTENERS, { value: listeners })
    Object.defineProperty(this, CONFIGURATION, { value: configuration })
    configuration.add(this[CONTEXT])
    this.udf = new UdfAdmin(context)
    this.users = new Users(context)
    this.roles = new Roles(context)
  }

  /**
   * A client with other defaults on the same connections; what is not given stays as it is here. Nothing is connected and
   * nothing is sent, so one may be made for a single call. Closing either of them closes the connections, and so both.
   *
   * @throws InvalidArgumentError for options that do not exist or make no sense
   * @example
   * const patient = client.with({ defaults: { read: { totalTimeout: 10_000 } } })
   * const { bins } = await patient.get(key)
   */
  with<J extends Integers = I>(options: ClientOptions<J>): Client<IntegersOf<J>> {
    const { codecs, defaults, coalesceReads = this[CONTEXT].coalesceReads } = checkClientOptions('with', options)
    const resolved = resolveDefaults(defaults, 'with', this[CONTEXT].own)
    const policies = codecs === undefined ? resolved : policiesWithCodecs(resolved, usedCodecs(codecs, 'with'))
    return new Client(this[CONTEXT].boundary, policies, coalesceReads, this[LISTENERS], this[CONFIGURATION])
  }

  /**
   * Changes options while the client runs; what is not given stays. Calls under way go on as they are. Options of connections
   * hold for all clients on them, `defaults` and `coalesceReads` for this one.
   *
   * @throws InvalidArgumentError for options that cannot change, do not exist or make no sense; nothing is changed then
   * @throws ClientClosedError after `close`
   * @example
   * client.configure({ maxConnectionsPerNode: 50, maxInFlight: 500, defaults: { read: { totalTimeout: 100 } } })
   */
  configure(options: ChangeableOptions): void {
    this[CONFIGURATION].change(options, this[CONTEXT])
  }

  /**
   * A session: reads and writes as sentences, with a behavior of its own. It holds nothing that would have to be closed.
   *
   * @throws InvalidArgumentError when that is no behavior
   * @example
   * const session = client.session(Behavior.READ_FAST)
   * const alice = await session.query(users.id('user-1')).firstOrThrow()
   */
  session(behavior?: Behavior): Session {
    return makeSession(this as unknown as Client, behavior)
  }

  get<B extends object = Bins>(key: Key, options: BigInts<ReadOptions>): Promise<Record<WithBigInts<B>>>
  get<B extends object = Bins>(
    key: Key,
    options?: ReadOptions & { readonly bins?: undefined },
  ): Promise<Record<ReadAs<B, I>>>
  get(key: Key, options: GetOptions): Promise<Record<Bins>>
  get<B extends object>(key: Key, options: GetOptions<BinNames<B>>): Promise<Record<ReadAs<Parts<B>, I>>>
  get(key: Key, options?: GetOptions): Promise<Record<never>> {
    return records.get(this[CONTEXT], key, options)
  }

  find<B extends object = Bins>(key: Key, options: BigInts<ReadOptions>): Promise<Record<WithBigInts<B>> | null>
  find<B extends object = Bins>(
    key: Key,
    options?: ReadOptions & { readonly bins?: undefined },
  ): Promise<Record<ReadAs<B, I>> | null>
  find(key: Key, options: GetOptions): Promise<Record<Bins> | null>
  find<B extends object>(key: Key, options: GetOptions<BinNames<B>>): Promise<Record<ReadAs<Parts<B>, I>> | null>
  find(key: Key, options?: GetOptions): Promise<Record<never> | null> {
    return records.find(this[CONTEXT], key, options)
  }

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
  select(key: Key, bins: readonly string[], options?: ReadOptions): Promise<Record<never>> {
    return records.select(this[CONTEXT], key, bins, options)
  }

  exists(key: Key, options?: ReadOptions): Promise<ExistsResult> {
    return records.exists(this[CONTEXT], key, options)
  }

  put<B extends object>(key: Key, bins: B & Storable<B>, options?: WriteOptions): Promise<Meta> {
    return records.put<B>(this[CONTEXT], key, bins, options)
  }

  remove(key: Key, options?: RemoveOptions): Promise<void> {
    return records.remove(this[CONTEXT], key, options)
  }

  touch(key: Key, options?: WriteOptions): Promise<Meta> {
    return records.touch(this[CONTEXT], key, options)
  }

  append(key: Key, bin: string, value: string | Uint8Array, options?: WriteOptions): Promise<Meta> {
    return records.append(this[CONTEXT], key, bin, value, options)
  }

  prepend(key: Key, bin: string, value: string | Uint8Array, options?: WriteOptions): Promise<Meta> {
    return records.prepend(this[CONTEXT], key, bin, value, options)
  }

  increment(key: Key, bin: string, by?: number | bigint | Double, options?: WriteOptions): Promise<Meta> {
    return records.increment(this[CONTEXT], key, bin, by, options)
  }

  removeBin(key: Key, bins: string | readonly string[], options?: WriteOptions): Promise<Meta> {
    return records.removeBin(this[CONTEXT], key, bins, options)
  }

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
  operate(key: Key, operations: readonly Operation[], options?: OperateOptions): Promise<Record<never>> {
    return records.operate(this[CONTEXT], key, operations, options)
  }

  operateOrdered(
    key: Key,
    operations: readonly Operation[],
    options?: OperateOptions,
  ): Promise<Record<OrderedResults>> {
    return records.operateOrdered(this[CONTEXT], key, operations, options)
  }

  apply<T = Value>(
    key: Key,
    module: string,
    name: string,
    args?: readonly Value[],
    options?: ApplyOptions,
  ): Promise<T> {
    return records.apply(this[CONTEXT], key, module, name, args, options)
  }

  batch<B extends object = Bins, R extends MixedRow = MixedRow>(
    rows: readonly StorableRow<R>[],
    options?: BatchOptions,
  ): Promise<BatchRecords<ReadAs<B, I>>> {
    return batches.batch(this[CONTEXT], rows, options)
  }

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
  batchRead(
    keys: readonly (Key | ReadRow)[],
    options?: BatchReadOptions,
  ): Promise<BatchRecords<never, UnprocessedRow<'read'>>> {
    return batches.batchRead(this[CONTEXT], keys, options)
  }

  batchWrite<B extends object>(
    rows: readonly (WriteRow<B> & { readonly bins?: Storable<B> | undefined })[],
    options?: BatchWriteOptions,
  ): Promise<BatchRecords<Bins, UnprocessedRow<'write'>>> {
    return batches.batchWrite(this[CONTEXT], rows, options)
  }

  batchOperate<B extends object = Bins>(
    keys: readonly (Key | OperateRow)[],
    operations?: readonly Operation[],
    options?: BatchWriteOptions,
  ): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<'operate'>>> {
    return batches.batchOperate(this[CONTEXT], keys, operations, options)
  }

  batchRemove(
    keys: readonly (Key | RemoveRow)[],
    options?: BatchRemoveOptions,
  ): Promise<BatchRecords<Bins, UnprocessedRow<'remove'>>> {
    return batches.batchRemove(this[CONTEXT], keys, options)
  }

  batchApply<T = Value>(
    keys: readonly (Key | ApplyRow)[],
    module: string,
    name: string,
    args?: readonly Value[],
    options?: BatchApplyOptions,
  ): Promise<BatchRecords<Applied<T> & object, UnprocessedRow<'apply'>>> {
    return batches.batchApply(this[CONTEXT], keys, module, name, args, options)
  }

  getMany<B extends object = Bins>(
    keys: readonly Key[],
    options?: BatchReadOptions<never>,
  ): Promise<MaybeRecord<ReadAs<B, I>>[]>
  getMany(keys: readonly Key[], options?: BatchReadOptions): Promise<MaybeRecord<Bins>[]>
  getMany<B extends object>(
    keys: readonly Key[],
    options?: BatchReadOptions<BinNames<B>>,
  ): Promise<MaybeRecord<ReadAs<B, I>>[]>
  getMany(keys: readonly Key[], options?: BatchReadOptions): Promise<MaybeRecord<never>[]> {
    return batches.getMany(this[CONTEXT], keys, options)
  }

  existsMany(keys: readonly Key[], options?: BatchReadOptions): Promise<ExistsResult[]> {
    return batches.existsMany(this[CONTEXT], keys, options)
  }

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
  selectMany(keys: readonly Key[], bins: readonly string[], options?: BatchReadOptions): Promise<MaybeRecord<never>[]> {
    return batches.selectMany(this[CONTEXT], keys, bins, options)
  }

  batchStream<B extends object = Bins, R extends MixedRow = MixedRow>(
    rows: Iterable<StorableRow<R>> | AsyncIterable<StorableRow<R>>,
    options?: BatchStreamOptions,
  ): BatchStream<ReadAs<B, I>> {
    return batches.batchStream(this[CONTEXT], rows, options)
  }

  query<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<ReadAs<B, I>> {
    return queries.query(this[CONTEXT], namespace, set, options)
  }

  scan<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<ReadAs<B, I>> {
    return queries.scan(this[CONTEXT], namespace, set, options)
  }

  job(id: bigint | number | string): Job {
    return queries.job(this[CONTEXT], id)
  }

  info(command: string, options?: NodeInfoOptions): Promise<Map<string, string>> {
    return cluster.info(this[CONTEXT], command, options)
  }

  infoAll(command: string, options?: InfoOptions): Promise<Map<string, string>> {
    return cluster.infoAll(this[CONTEXT], command, options)
  }

  infoNode(node: string, command: string, options?: InfoOptions): Promise<string> {
    return cluster.infoNode(this[CONTEXT], node, command, options)
  }

  infoRandom(command: string, options?: InfoOptions): Promise<string> {
    return cluster.infoRandom(this[CONTEXT], command, options)
  }

  statistics(options?: InfoOptions): Promise<Map<string, Statistics>> {
    return cluster.statistics(this[CONTEXT], options)
  }

  namespaces(options?: InfoOptions): Promise<NamespaceInfo[]> {
    return cluster.namespaces(this[CONTEXT], options)
  }

  sets(namespace: string, options?: InfoOptions): Promise<SetInfo[]> {
    return cluster.sets(this[CONTEXT], namespace, options)
  }

  latencies(options?: InfoOptions): Promise<Map<string, Latency[]>> {
    return cluster.latencies(this[CONTEXT], options)
  }

  createIndex(index: IndexDefinition, options?: InfoOptions): Promise<IndexJob> {
    return cluster.createIndex(this[CONTEXT], index, options)
  }

  dropIndex(namespace: string, name: string, options?: InfoOptions): Promise<void> {
    return cluster.dropIndex(this[CONTEXT], namespace, name, options)
  }

  listIndexes(namespace: string, options?: ListIndexesOptions): Promise<IndexInfo[]> {
    return cluster.listIndexes(this[CONTEXT], namespace, options)
  }

  indexStatistics(namespace: string, name: string, options?: InfoOptions): Promise<IndexStatistics> {
    return cluster.indexStatistics(this[CONTEXT], namespace, name, options)
  }

  truncate(namespace: string, ...what: [set?: string | null, options?: TruncateOptions]): Promise<void> {
    return cluster.truncate(this[CONTEXT], namespace, ...what)
  }

  /**
   * Takes certificates, keys and lists of revoked ones anew: those of `tls`, which are read again where they are in files. New
   * connections are made by them; calls under way and open connections go on as they are.
   *
   * @throws InvalidArgumentError for certificates that cannot be read; nothing is changed then
   * @example
   * await client.reloadTls({ ca: { file: 'ca.pem' }, cert: { file: 'client.pem' }, key: { file: 'client.key' } })
   */
  async reloadTls(tls: TlsOptions): Promise<void> {
    const checked = checkTls('reloadTls', tls)
    if (checked === undefined) throw new InvalidArgumentError('reloadTls: expected options of tls')
    const native = await readTls('reloadTls', checked)
    try {
      this[CONTEXT].boundary.native.reloadTls(native)
    } catch (error) {
      throw controlError('reloadTls', error)
    }
  }

  transaction<T>(work: (tx: Transaction<I>) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T> {
    return transactions.transaction(
      this[CONTEXT].boundary,
      this[CONTEXT].policies,
      work as (tx: Transaction) => T,
      options,
    )
  }

  beginTransaction(options?: BeginOptions): Transaction<I> {
    const { boundary, policies } = this[CONTEXT]
    return transactions.beginTransaction(boundary, policies, options) as Transaction<never>
  }

  /**
   * Asks every node whether it is there, and gives the milliseconds that each took which answered, by name.
   *
   * @throws NodeNotFoundError when the client knows no node
   * @throws TimeoutError, ClusterError when no node answered in time (`totalTimeout`, 1,000 ms)
   * @example
   * const times = await client.ping({ totalTimeout: 200 }) // Map { 'A1' => 0.4, 'B2' => 0.5 }
   */
  ping(options?: InfoOptions): Promise<Map<string, number>> {
    return cluster.ping(this[CONTEXT], options)
  }

  /**
   * The state of the client for health checks: plain data, at once, without asking anybody. It works on a closed client too.
   *
   * @example
   * server.get('/ready', (_, response) => response.status(client.health().ready ? 200 : 503).json(client.health()))
   */
  health(): Health {
    return healthOf(this[CONTEXT].boundary, this[CONFIGURATION].staleAfter)
  }

  /**
   * Whether the client is open and knows a node that answers. Of a cluster that is silent as a whole it knows after a quarter
   * of a second while calls are made, and otherwise after two looks at its state (`tendInterval`, `dialTimeout`).
   */
  isConnected(): boolean {
    return !this[CONTEXT].boundary.closed && this[CONTEXT].boundary.native.isConnected()
  }

  /**
   * The nodes of the cluster as last seen.
   *
   * @throws ClientClosedError after `close`
   */
  nodes(): Node[] {
    return this[CONTEXT].boundary.native.nodes()
  }

  /**
   * What the client counted so far: calls, failures and times by kind, the same and connections by node, and how late the
   * event loop of this process was. Clients of `with` share their counts. See docs/telemetry.md.
   *
   * @throws ClientClosedError after `close`
   * @example
   * const { calls, resumeDelay } = client.metrics()
   * console.log(calls.read.count, calls.read.latency.p99, resumeDelay.p99)
   */
  metrics(): ClientMetrics {
    const { boundary } = this[CONTEXT]
    return readMetrics(boundary.native.metrics(), boundary.waiting)
  }

  /**
   * Listens to an event of the cluster: `nodeAdded`, `nodeRemoved`, `nodeUnreachable`, `connected`, `disconnected`. Listening does not keep the
   * process alive, and ends with `close`, which is no event.
   *
   * @throws InvalidArgumentError for an event that does not exist
   * @throws ClientClosedError after `close`
   * @example
   * client.on('nodeRemoved', ({ name, host }) => console.warn(`lost ${name} at ${host}`))
   */
  on<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this {
    this[LISTENERS].add('on', event, listener)
    return this
  }

  /** Listens to the next event of a kind, and then no more. @example client.once('connected', resume) */
  once<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this {
    this[LISTENERS].add('once', event, listener)
    return this
  }

  /** Ends what `on` or `once` began. @example client.off('nodeRemoved', warn) */
  off<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this {
    this[LISTENERS].remove(event, listener)
    return this
  }

  /**
   * Closes the client. Calls under way may finish within `timeout`; what is left then, and every later call, rejects with
   * ClientClosedError. Closing again does nothing.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { drain = false, timeout = drain ? DRAIN_MS : CLOSE_MS } = readOptions('close', options, CLOSE)
    this[CONFIGURATION].close()
    await this[CONTEXT].boundary.close(timeout, drain)
  }

  /** `await using client = await connect(…)` closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  [inspect.custom](): string {
    return this[CONTEXT].boundary.closed
      ? 'Client { closed }'
      : `Client { nodes: ${this.nodes()
          .map((node) => node.name)
          .join(', ')} }`
  }
}

guardMethods(Client.prototype, (self) => (self as Partial<Client> | undefined)?.[CONTEXT] !== undefined)
