// Written from index.ts by npm run declarations.

import { Readable } from 'node:stream';
import { ReadableStream as ReadableStream$1 } from 'node:stream/web';
import { inspect } from 'node:util';

declare class Encoded {
}
declare class EncodedParticle {
  /** Its type on the wire. */
  readonly type: number;
  /** Its bytes on the wire. */
  readonly bytes: Uint8Array;
  constructor(type: number, bytes: Uint8Array);
}
declare class KnownIndexes {
  #private;
  constructor(source: IndexSource);
  /** The indexes of a namespace. Where they cannot be asked for, there are none. */
  of(namespace: string): Promise<readonly IndexInfo[]>;
  /** The indexes of a namespace once more, unless they were asked for just now: none of those known would do. */
  again(namespace: string): Promise<readonly IndexInfo[]>;
  /** Forgets what is known: an index was not there, or is new. */
  forget(namespace: string): void;
}
declare class Views {
  #private;
  /** What becomes of failures of many keys where a call says nothing else. */
  readonly failures: ErrorStrategy;
  constructor(base: Adaptable, behavior: Behavior, indexes: Indexes, failures?: ErrorStrategy);
  get behavior(): Behavior;
  /** For what only reads. */
  get reads(): Calls;
  /** For writes that may be repeated without harm. */
  get retryable(): Calls;
  /** For all other writes. */
  get nonRetryable(): Calls;
  /** The access to the records of a set that a condition and a hint ask for. */
  choose(condition: Exp<"bool"> | undefined, { namespace, set }: {
    readonly namespace: string;
    readonly set: string;
  }, hint?: QueryHint): Promise<Choice>;
  /** Says that the indexes of a namespace are not what they seemed. */
  forgetIndexes(namespace: string): void;
}
declare const COMMAND_KINDS: readonly [
  "read",
  "write",
  "udf",
  "batchRead",
  "batchWrite",
  "query",
  "job",
  "info",
  "admin"
];
declare const IN: unique symbol;
declare const LEVELS: {
  /** The client is connected. */
  readonly connected: "info";
  /** The client is closed. */
  readonly closed: "info";
  readonly nodeAdded: "info";
  readonly nodeRemoved: "warn";
  /** A node answers nothing at all; reads begin at another replica. */
  readonly nodeSilent: "warn";
  readonly nodeAwake: "info";
  /** A node failed too often and is left alone until the next window. */
  readonly breakerOpened: "warn";
  readonly breakerClosed: "info";
  readonly connectionFailed: "warn";
  readonly connectionOpened: "debug";
  readonly connectionClosed: "debug";
  readonly retry: "debug";
  /** A call took longer than `slow`. */
  readonly slowCall: "warn";
  readonly callFailed: "debug";
  /** Every call that is over. */
  readonly call: "trace";
  /** Events were not logged, since they came faster than the sink took them. */
  readonly eventsLost: "warn";
};
declare const LIST_CREATE: {
  readonly unordered: 64;
  readonly padded: 128;
  readonly ordered: 192;
};
declare const LOG_LEVELS: readonly [
  "error",
  "warn",
  "info",
  "debug",
  "trace"
];
declare const MAP_CREATE: {
  readonly unordered: 64;
  readonly keyOrdered: 128;
  readonly keyValueOrdered: 192;
};
declare const RESULTS: {
  readonly tree: 0;
  readonly values: 1;
  readonly keys: 2;
  readonly entries: 3;
};
declare const VERB_KINDS: {
  readonly query: "reads";
  readonly exists: "reads";
  readonly insert: "nonRetryable";
  readonly update: "retryable";
  readonly upsert: "retryable";
  readonly replace: "retryable";
  readonly replaceIfExists: "retryable";
  readonly touch: "retryable";
  readonly delete: "retryable";
  readonly executeUdf: "nonRetryable";
};
declare function geoContainsPoint<N extends string>(target: IndexTarget<N>, longitude: number, latitude: number, options?: GeoRangeOptions): Predicate<Named<N>>;
declare function geoContainsPoint<N extends string>(target: IndexTarget<N>, point: GeoJSON | string | object, options?: GeoRangeOptions): Predicate<Named<N>>;
/**
 * The results of `execute`: an async iterable of rows, with the usual ways to take them all. The results of a query come as
 * they are read, and once; leaving the loop ends the query. Those of keys are here already: see {@link RecordResults}.
 *
 * @example
 * const stream = await session.query(users.ids('user-1', 'user-2')).execute()
 * for await (const row of stream) console.log(row.key[2], row.recordOrThrow().bins.name)
 */
export declare abstract class RecordStream<B extends object = Bins> implements AsyncIterable<RecordResult<B>>, AsyncDisposable {
  abstract [Symbol.asyncIterator](): AsyncIterator<RecordResult<B>, undefined, undefined>;
  /** Ends the stream before its time, and the query behind it. Closing again does nothing. */
  abstract close(): void;
  /** All rows. */
  collect(): Promise<RecordResult<B>[]>;
  /**
   * The records of all rows that have one.
   *
   * @throws the error of the first row that failed
   */
  records(): Promise<Record<B>[]>;
  /** The first row, after which the stream is closed; undefined when there is none. */
  first(): Promise<RecordResult<B> | undefined>;
  /**
   * The record of the first row, after which the stream is closed.
   *
   * @throws RecordNotFoundError when there is no row
   * @throws the row's error, when it failed
   */
  firstOrThrow(): Promise<Record<B>>;
  /** The rows that failed. */
  failures(): Promise<RecordResult<B>[]>;
  /** Calls a function with each row, one after the other, and waits for what it returns; `false` ends the stream. */
  forEach(visit: (row: RecordResult<B>) => unknown): Promise<void>;
  /**
   * The records by their user key; those of which only the digest is known are left out.
   *
   * @throws the error of the first row that failed
   */
  toMap(): Promise<Map<UserKey, Record<B>>>;
  /** The rows in lists of `size`, the last of which may be shorter. @example for await (const page of stream.pages(100)) show(page) */
  pages(size: number): AsyncGenerator<RecordResult<B>[], undefined, undefined>;
  [Symbol.asyncDispose](): Promise<void>;
}
/**
 * The call was cancelled through its `signal`. `cause` is `signal.reason`; `inDoubt` is true when a write may have
 * been sent.
 */
export declare class AbortError extends ClientError {
  static readonly code: number;
}
/** The parent of errors that concern users, roles and security. */
export declare class AdminError extends AerospikeError {
  /** The user that the call was about, if it was about one. */
  readonly user: string | undefined;
  /** The role that the call was about, if it was about one. */
  readonly role: string | undefined;
  constructor(message: string, details?: ErrorDetails);
  toJSON(): {
    [name: string]: unknown;
  };
}
/**
 * The root of everything this package throws or rejects with.
 *
 * The message says what failed, on which key, at which node, after how many attempts and milliseconds; the same facts
 * are properties. `code` is the stable way to tell errors apart across versions, `instanceof` the pleasant one.
 * No error ever carries a password or other credential.
 *
 * @example
 * try {
 *   await client.put(key, bins, { generation: meta.gen })
 * } catch (error) {
 *   if (error instanceof GenerationError) return retryWithFreshRecord()
 *   if (error instanceof AerospikeError && error.inDoubt) audit(error)
 *   throw error
 * }
 */
export declare class AerospikeError extends Error {
  /** The code of errors of this class that no server sent. */
  static readonly code: number;
  /**
   * Whether a value is an error of this class, also one of another copy of this package in the process: as `instanceof`, for
   * places where a function is wanted.
   *
   * @example
   * const known = failures.filter((one) => AerospikeError.is(one))
   */
  static is<T extends abstract new (...args: never[]) => AerospikeError>(this: T, value: unknown): value is InstanceType<T>;
  /** The name of the class, whatever a bundler made of it. */
  readonly name: string;
  /** Result code: positive from a server, negative from the client. */
  readonly code: number;
  /** The record concerned, when there is one. */
  readonly key: Key | undefined;
  /** Name of the node that answered or was tried last. */
  readonly node: string | undefined;
  /** How often the command was tried, 0 when nothing was sent. */
  readonly attempts: number;
  /** Milliseconds from the call to its failure. */
  readonly elapsed: number;
  /** True when a write may have happened although the call failed. */
  readonly inDoubt: boolean;
  /** True when the same call may succeed later and repeating it cannot do harm. */
  readonly retryable: boolean;
  /** Earlier attempts of the same call, oldest first. */
  readonly subErrors: readonly AttemptError[];
  constructor(message: string, details?: ErrorDetails);
  /** Everything a log needs, as plain data: bigints become text and bytes hexadecimal, so that it always serialises. */
  toJSON(): {
    [name: string]: unknown;
  };
}
/**
 * The values of an aggregation, made by `query.aggregate`. Most aggregations end in a reduction and have one value, or none
 * when there was no record: `value()`.
 *
 * @example
 * const byCity = await client.query('test', 'users').aggregate<{ [city: string]: number }>('stats', 'count_by', ['city']).value()
 */
export declare class Aggregation<T = Value> extends QueryStream<T> {
  /**
   * The one value of an aggregation that ends in a reduction; undefined when there was none.
   *
   * @throws UdfError when there are several: the stream does not end in a reduction
   */
  value(): Promise<T | undefined>;
}
/** The configuration of the server does not allow this. */
export declare class AlwaysForbiddenError extends ServerError {
}
/** A task on the records of a set. */
export declare class BackgroundStep<B extends object> {
  #private;
  protected readonly views: Views;
  protected readonly set: DataSet<B>;
  protected readonly operations: Operation[];
  protected failure: unknown;
  /** Only records for which the condition is true; said twice, both have to be. */
  where(condition: TemplateStringsArray, ...values: (Value | AnyExp)[]): this;
  where(condition: Exp<"bool">): this;
  /** The records expire after so many seconds. */
  expireRecordAfter(seconds: number): this;
  /** The records never expire. */
  neverExpire(): this;
  /** The expiry stays as it is. */
  withNoChangeInExpiration(): this;
  /** Records that are removed leave tombstones. Enterprise servers only. */
  durablyDelete(): this;
  /** Starts the task; resolves when all servers have taken it on. `done()` of the job waits for its end. */
  execute(options?: JobOptions): Promise<Job>;
}
/** The kinds of tasks: what a session's `backgroundTask()` gives. */
export declare class BackgroundTask {
  #private;
  /** Changes the records of a set. @example await session.backgroundTask().update(users).where`$.age < ${18}`.bin('minor').setTo(true).execute() */
  update<B extends object>(set: DataSet<B>): BackgroundUpdate<B>;
  /** Renews the expiry of the records of a set. @example await session.backgroundTask().touch(users).expireRecordAfter(600).execute() */
  touch<B extends object>(set: DataSet<B>): BackgroundStep<B>;
  /** Removes the records of a set for which a condition is true. All of them are removed faster by `session.truncate`. */
  delete<B extends object>(set: DataSet<B>): BackgroundStep<B>;
  /** Calls a function of a registered module with the records of a set. @example await session.backgroundTask().executeUdf(users).function('counters', 'add').passing('visits', 1).execute() */
  executeUdf<B extends object>(set: DataSet<B>): BackgroundUdf<B>;
}
/** A task that calls a function. */
export declare class BackgroundUdf<B extends object> extends BackgroundStep<B> {
  #private;
  /** Which function is called. */
  function(module: string, name: string): this;
  /** What it gets after the record. */
  passing(...args: readonly Value[]): this;
}
/** A task that changes records. */
export declare class BackgroundUpdate<B extends object> extends BackgroundStep<B> {
  #private;
  /** Does something with a bin. */
  bin<N extends keyof B & string>(name: N): BackgroundBin<NonNullable<B[N]>, this>;
  /** Writes the bins of an object. */
  put<O extends object>(object: string extends keyof B ? O & Storable<O> : Partial<B>): this;
  /** Runs operations of `op`, `lists`, `maps`, `bits` or `hll` that only write. */
  operate(...operations: readonly Operation[]): this;
}
/** The server is configured without batches. */
export declare class BatchDisabledError extends BatchError {
}
/** The parent of errors that concern a batch as a whole. */
export declare class BatchError extends ServerError {
}
/**
 * Some rows of a batch failed or were not processed. Thrown by `throwIfFailed()`, by `getMany` and its siblings, by batches
 * with `onPartial: 'throw'`, and, unless that option is `'return'`, by batches of which nothing at all was processed. `batch`
 * has every row, the good ones included; `cause` is the first row's error.
 *
 * @example
 * try {
 *   await client.batchWrite(rows, { onPartial: 'throw' })
 * } catch (error) {
 *   if (error instanceof BatchPartialError) await error.batch.retry()
 * }
 */
export declare class BatchPartialError extends BatchError {
  static readonly code: number;
  /** The results, row by row. */
  readonly batch: BatchRecords;
  constructor(batch: BatchRecords, { failed, unprocessed, anything, first: index, inDoubt }: Failures);
}
/** The batch queues of the server are full. Try again after a pause. */
export declare class BatchQueuesFullError extends BatchError {
}
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
export declare class BatchRecords<B extends object = Bins, R = MixedRow> implements Iterable<BatchRow<B>> {
  #private;
  /** Number of rows. */
  get length(): number;
  /** The rows in the order of the request, as a list. */
  get rows(): BatchRow<B>[];
  /** The row at a position; negative positions count from the end. `undefined` outside. */
  at(index: number): BatchRow<B> | undefined;
  /** The rows in the order of the request. */
  [Symbol.iterator](): IterableIterator<BatchRow<B>>;
  /** The first row of a key, or `undefined`. Keys are told apart with their namespace and set; a digest finds its key. */
  get(key: Key): BatchRow<B> | undefined;
  /** Rows with a record. */
  get found(): (BatchRow<B> & {
    readonly result: "ok";
  })[];
  /** Rows whose record does not exist. */
  get missing(): BatchRow<B>[];
  /** Rows that the filter left out. */
  get filtered(): BatchRow<B>[];
  /**
   * Rows that did not do what they were to do, for good or in doubt: each has an `error`. Beside those whose result is
   * `error` these are writes that are `notFound` (`exists: 'update'` and `'replace'`) or `filtered`, and removals that are
   * `filtered`.
   */
  get failed(): (BatchRow<B> & {
    readonly record: null;
    readonly error: AerospikeError;
  })[];
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
  get unprocessed(): readonly R[];
  /** What the batch cost, over all retries. */
  get cost(): BatchCost;
  /**
   * The records by user key, without the missing ones.
   *
   * @throws ClientError when two rows have the same user key but are different records, or a row has only a digest
   */
  toMap(): Map<UserKey, Record<B>>;
  /**
   * The rows by set, those of each set in the order of the request. Records of no set are under `''`.
   *
   * @throws ClientError when two namespaces have a set of the same name here
   * @example
   * const batch = await client.batchRead([...userKeys, ...orderKeys])
   * for (const [set, rows] of batch.bySet()) console.log(set, rows.length)
   */
  bySet(): Map<string, BatchRow<B>[]>;
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
  column(name: string, type: Float64ArrayConstructor): Column<Float64Array>;
  column(name: string, type: Int32ArrayConstructor): Column<Int32Array>;
  column(name: string, type: BigInt64ArrayConstructor): Column<BigInt64Array>;
  column(name: string, type: Float32ArrayConstructor, options?: ColumnOptions): Column<Float32Array>;
  column(name: string, type: ArrayConstructor): Column<(string | null)[]>;
  /** @throws BatchPartialError when a row failed or was not processed. Returns the batch otherwise. */
  throwIfFailed(): this;
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
  retry(options?: RetryOptions): Promise<BatchRecords<B, R>>;
  toJSON(): unknown;
  [inspect.custom](): string;
}
/**
 * The rows of a stream of batches, in the order in which their batches are answered; `index` says which row it is. Made by
 * `client.batchStream`; it can be consumed once.
 *
 * @example
 * for await (const { index, record } of client.batchStream(keys, { chunk: 500 })) if (record !== null) use(index, record)
 */
export declare class BatchStream<B extends object = Bins> implements AsyncIterable<BatchRow<B>> {
  #private;
  /**
   * Which rows are delivered and done with, as text to keep: a later stream over the same rows continues from there. The row
   * that was handed out last counts once the next one is asked for, so a row is lost at no time, and after a crash the last
   * one may come twice. Writes of batches that were not consumed to their end are sent again.
   */
  get cursor(): string;
  /** The rows, once. Leaving the loop early sends nothing more; what is under way ends by itself. */
  [Symbol.asyncIterator](): AsyncGenerator<BatchRow<B>, void, undefined>;
  /** The rows as a Web stream, with its backpressure; cancelling it is leaving the loop. */
  toReadableStream(): ReadableStream$1<BatchRow<B>>;
}
/** The batch has more rows than the server takes in one request (`maxKeysPerRequest` splits it). */
export declare class BatchTooLargeError extends BatchError {
}
/**
 * How calls of a session behave: timeouts, retries, replicas and the like, by kind of call. A behavior does not change; it is
 * derived from another, and says only what is different. What none of them says is as the client has it.
 *
 * @example
 * const feed = Behavior.DEFAULT.derive('feed', { reads: { batch: { totalTimeout: 50 } } })
 * const session = client.session(feed)
 * feed.explain('query', 'batch').options.totalTimeout // { value: 50, from: 'feed: reads.batch' }
 */
export declare class Behavior {
  #private;
  readonly name: string;
  readonly parent: Behavior | undefined;
  /** As the client is, except that writes that can be repeated without harm are, twice. */
  static readonly DEFAULT: Behavior;
  /** Reads that rather fail, or ask a replica, than wait: 50 ms for an attempt, 200 for all. */
  static readonly READ_FAST: Behavior;
  /** For namespaces with strong consistency: reads are linearizable, writes wait for all copies. */
  static readonly STRICTLY_CONSISTENT: Behavior;
  /** Like `READ_FAST`, from the racks of `connect({ rackIds })` first. */
  static readonly FAST_RACK_AWARE: Behavior;
  /**
   * A behavior like this one, except for what `options` says. When this one changes, so does the new one.
   *
   * @throws InvalidArgumentError for options that do not exist or make no sense
   * @example
   * const patient = Behavior.DEFAULT.derive('patient', { all: { totalTimeout: 10_000 }, writes: { retryable: { maxRetries: 5 } } })
   */
  derive(name: string, options?: BehaviorOptions): Behavior;
  /**
   * A behavior that is kept in a file and follows it: YAML (with the package `yaml` beside this one) or JSON, with the options
   * of `derive`, a `name` (default: that of the file) and a `parent`, which is a preset (default: `DEFAULT`). What is wrong
   * with a later version of the file goes to `onError`, and changes nothing.
   *
   * @throws InvalidArgumentError when the file cannot be read or says something that makes no sense
   * @example
   * const session = client.session(await Behavior.fromFile('feed.yaml', { onError: console.error }))
   */
  static fromFile(path: string, options?: BehaviorFileOptions): Promise<FileBehavior>;
  /**
   * What a verb uses, and where each option comes from.
   *
   * @param how one key (`point`), several (`batch`) or a whole set (`set`)
   * @example
   * Behavior.READ_FAST.explain('query').options.replica // { value: 'any', from: 'READ_FAST: reads' }
   */
  explain(verb: Verb | "backgroundTask" | "transaction", how?: "point" | "batch" | "set"): Explanation;
}
/** The parent of errors that concern one bin. */
export declare class BinError extends RecordError {
  /** The bin, where only one can be meant: servers do not say which of several it was. */
  readonly bin: string | undefined;
  constructor(message: string, details?: ErrorDetails);
  toJSON(): {
    [name: string]: unknown;
  };
}
/** The bin exists already. */
export declare class BinExistsError extends BinError {
}
/** A bin name is longer than 15 bytes, or there are too many bins. */
export declare class BinNameError extends BinError {
}
/** The record has no such bin. */
export declare class BinNotFoundError extends BinError {
}
/** The value in the bin is of a type that this operation cannot work on. */
export declare class BinTypeError extends BinError {
}
/**
 * A client of one cluster: connections, the map of the cluster and the commands. One client serves a whole process; it may
 * be used from any number of calls at once. Made by {@link connect}.
 *
 * A client that has nothing under way does not keep the process alive.
 */
export declare class Client<I extends ReadIntegers = "auto"> implements RecordCommands<I>, BatchCommands<I>, QueryCommands<I>, ClusterCommands, TransactionCommands<I> {
  readonly udf: UdfAdmin;
  /** The users of an Enterprise cluster with access control. */
  readonly users: Users;
  /** The roles of an Enterprise cluster with access control. */
  readonly roles: Roles;
  /**
   * A client with other defaults on the same connections; what is not given stays as it is here. Nothing is connected and
   * nothing is sent, so one may be made for a single call. Closing either of them closes the connections, and so both.
   *
   * @throws InvalidArgumentError for options that do not exist or make no sense
   * @example
   * const patient = client.with({ defaults: { read: { totalTimeout: 10_000 } } })
   * const { bins } = await patient.get(key)
   */
  with<J extends Integers = I>(options: ClientOptions<J>): Client<IntegersOf<J>>;
  /**
   * Changes options while the client runs; what is not given stays. Calls under way go on as they are. Options of connections
   * hold for all clients on them, `defaults` and `coalesceReads` for this one.
   *
   * @throws InvalidArgumentError for options that cannot change, do not exist or make no sense; nothing is changed then
   * @throws ClientClosedError after `close`
   * @example
   * client.configure({ maxConnectionsPerNode: 50, maxInFlight: 500, defaults: { read: { totalTimeout: 100 } } })
   */
  configure(options: ChangeableOptions): void;
  /**
   * A session: reads and writes as sentences, with a behavior of its own. It holds nothing that would have to be closed.
   *
   * @throws InvalidArgumentError when that is no behavior
   * @example
   * const session = client.session(Behavior.READ_FAST)
   * const alice = await session.query(users.id('user-1')).firstOrThrow()
   */
  session(behavior?: Behavior): Session;
  get<B extends object = Bins>(key: Key, options: BigInts<ReadOptions>): Promise<Record<WithBigInts<B>>>;
  get<B extends object = Bins>(key: Key, options?: ReadOptions & {
    readonly bins?: undefined;
  }): Promise<Record<ReadAs<B, I>>>;
  get(key: Key, options: GetOptions): Promise<Record<Bins>>;
  get<B extends object>(key: Key, options: GetOptions<BinNames<B>>): Promise<Record<ReadAs<Parts<B>, I>>>;
  find<B extends object = Bins>(key: Key, options: BigInts<ReadOptions>): Promise<Record<WithBigInts<B>> | null>;
  find<B extends object = Bins>(key: Key, options?: ReadOptions & {
    readonly bins?: undefined;
  }): Promise<Record<ReadAs<B, I>> | null>;
  find(key: Key, options: GetOptions): Promise<Record<Bins> | null>;
  find<B extends object>(key: Key, options: GetOptions<BinNames<B>>): Promise<Record<ReadAs<Parts<B>, I>> | null>;
  select(key: Key, bins: readonly string[], options?: ReadOptions): Promise<Record<Bins>>;
  select<B extends object, N extends BinPaths<B> = BinPaths<B>>(key: Key, bins: readonly N[], options: BigInts<ReadOptions>): Promise<Record<WithBigInts<Chosen<B, N>>>>;
  select<B extends object>(key: Key, bins: readonly WholeBins<B>[], options?: ReadOptions): Promise<Record<ReadAs<Partial<B>, I>>>;
  select<B extends object, N extends WholeBins<B>>(key: Key, bins: readonly N[], options?: ReadOptions): Promise<Record<ReadAs<Pick<B, N>, I>>>;
  select<B extends object>(key: Key, bins: readonly BinPaths<B>[], options?: ReadOptions): Promise<Record<ReadAs<Parts<B>, I>>>;
  select<B extends object, N extends BinPaths<B>>(key: Key, bins: readonly N[], options?: ReadOptions): Promise<Record<ReadAs<Projected<B, N>, I>>>;
  exists(key: Key, options?: ReadOptions): Promise<ExistsResult>;
  put<B extends object>(key: Key, bins: B & Storable<B>, options?: WriteOptions): Promise<Meta>;
  remove(key: Key, options?: RemoveOptions): Promise<void>;
  touch(key: Key, options?: WriteOptions): Promise<Meta>;
  append(key: Key, bin: string, value: string | Uint8Array, options?: WriteOptions): Promise<Meta>;
  prepend(key: Key, bin: string, value: string | Uint8Array, options?: WriteOptions): Promise<Meta>;
  increment(key: Key, bin: string, by?: number | bigint | Double, options?: WriteOptions): Promise<Meta>;
  removeBin(key: Key, bins: string | readonly string[], options?: WriteOptions): Promise<Meta>;
  operate<B extends object = Bins>(key: Key, operations: readonly Operation[], options: BigInts<OperateOptions>): Promise<Record<WithBigInts<B>>>;
  operate<B extends object = Bins>(key: Key, operations: readonly Operation[], options?: OperateOptions): Promise<Record<ReadAs<B, I>>>;
  operateOrdered(key: Key, operations: readonly Operation[], options?: OperateOptions): Promise<Record<OrderedResults>>;
  apply<T = Value>(key: Key, module: string, name: string, args?: readonly Value[], options?: ApplyOptions): Promise<T>;
  batch<B extends object = Bins, R extends MixedRow = MixedRow>(rows: readonly StorableRow<R>[], options?: BatchOptions): Promise<BatchRecords<ReadAs<B, I>>>;
  batchRead<B extends object = Bins>(keys: readonly (Key | ReadRow<never> | UnprocessedRow<"read">)[], options?: BatchReadOptions<never>): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<"read">>>;
  batchRead(keys: readonly (Key | ReadRow)[], options?: BatchReadOptions): Promise<BatchRecords<Bins, UnprocessedRow<"read">>>;
  batchRead<B extends object>(keys: readonly (Key | ReadRow<BinNames<B>> | UnprocessedRow<"read">)[], options?: BatchReadOptions<BinNames<B>>): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<"read">>>;
  batchRead<B extends object, N extends BinPaths<B>>(keys: readonly (Key | ReadRow<N> | UnprocessedRow<"read">)[], options: BatchReadOptions<N> & {
    readonly bins: readonly N[];
  }): Promise<BatchRecords<ReadAs<Projected<B, N>, I>, UnprocessedRow<"read">>>;
  batchWrite<B extends object>(rows: readonly (WriteRow<B> & {
    readonly bins?: Storable<B> | undefined;
  })[], options?: BatchWriteOptions): Promise<BatchRecords<Bins, UnprocessedRow<"write">>>;
  batchOperate<B extends object = Bins>(keys: readonly (Key | OperateRow)[], operations?: readonly Operation[], options?: BatchWriteOptions): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<"operate">>>;
  batchRemove(keys: readonly (Key | RemoveRow)[], options?: BatchRemoveOptions): Promise<BatchRecords<Bins, UnprocessedRow<"remove">>>;
  batchApply<T = Value>(keys: readonly (Key | ApplyRow)[], module: string, name: string, args?: readonly Value[], options?: BatchApplyOptions): Promise<BatchRecords<Applied<T> & object, UnprocessedRow<"apply">>>;
  getMany<B extends object = Bins>(keys: readonly Key[], options?: BatchReadOptions<never>): Promise<MaybeRecord<ReadAs<B, I>>[]>;
  getMany(keys: readonly Key[], options?: BatchReadOptions): Promise<MaybeRecord<Bins>[]>;
  getMany<B extends object>(keys: readonly Key[], options?: BatchReadOptions<BinNames<B>>): Promise<MaybeRecord<ReadAs<B, I>>[]>;
  existsMany(keys: readonly Key[], options?: BatchReadOptions): Promise<ExistsResult[]>;
  selectMany(keys: readonly Key[], bins: readonly string[], options?: BatchReadOptions): Promise<MaybeRecord<Bins>[]>;
  selectMany<B extends object>(keys: readonly Key[], bins: readonly WholeBins<B>[], options?: BatchReadOptions): Promise<MaybeRecord<ReadAs<Partial<B>, I>>[]>;
  selectMany<B extends object, N extends WholeBins<B>>(keys: readonly Key[], bins: readonly N[], options?: BatchReadOptions): Promise<MaybeRecord<ReadAs<Pick<B, N>, I>>[]>;
  selectMany<B extends object>(keys: readonly Key[], bins: readonly BinPaths<B>[], options?: BatchReadOptions): Promise<MaybeRecord<ReadAs<Parts<B>, I>>[]>;
  selectMany<B extends object, N extends BinPaths<B>>(keys: readonly Key[], bins: readonly N[], options?: BatchReadOptions): Promise<MaybeRecord<ReadAs<Projected<B, N>, I>>[]>;
  batchStream<B extends object = Bins, R extends MixedRow = MixedRow>(rows: Iterable<StorableRow<R>> | AsyncIterable<StorableRow<R>>, options?: BatchStreamOptions): BatchStream<ReadAs<B, I>>;
  query<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<ReadAs<B, I>>;
  scan<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<ReadAs<B, I>>;
  job(id: bigint | number | string): Job;
  info(command: string, options?: NodeInfoOptions): Promise<Map<string, string>>;
  infoAll(command: string, options?: InfoOptions): Promise<Map<string, string>>;
  infoNode(node: string, command: string, options?: InfoOptions): Promise<string>;
  infoRandom(command: string, options?: InfoOptions): Promise<string>;
  statistics(options?: InfoOptions): Promise<Map<string, Statistics>>;
  namespaces(options?: InfoOptions): Promise<NamespaceInfo[]>;
  sets(namespace: string, options?: InfoOptions): Promise<SetInfo[]>;
  latencies(options?: InfoOptions): Promise<Map<string, Latency[]>>;
  createIndex(index: IndexDefinition, options?: InfoOptions): Promise<IndexJob>;
  dropIndex(namespace: string, name: string, options?: InfoOptions): Promise<void>;
  listIndexes(namespace: string, options?: ListIndexesOptions): Promise<IndexInfo[]>;
  indexStatistics(namespace: string, name: string, options?: InfoOptions): Promise<IndexStatistics>;
  truncate(namespace: string, ...what: [
    set?: string | null,
    options?: TruncateOptions
  ]): Promise<void>;
  /**
   * Takes certificates, keys and lists of revoked ones anew: those of `tls`, which are read again where they are in files. New
   * connections are made by them; calls under way and open connections go on as they are.
   *
   * @throws InvalidArgumentError for certificates that cannot be read; nothing is changed then
   * @example
   * await client.reloadTls({ ca: { file: 'ca.pem' }, cert: { file: 'client.pem' }, key: { file: 'client.key' } })
   */
  reloadTls(tls: TlsOptions): Promise<void>;
  transaction<T>(work: (tx: Transaction<I>) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
  beginTransaction(options?: BeginOptions): Transaction<I>;
  /**
   * Asks every node whether it is there, and gives the milliseconds that each took which answered, by name.
   *
   * @throws NodeNotFoundError when the client knows no node
   * @throws TimeoutError, ClusterError when no node answered in time (`totalTimeout`, 1,000 ms)
   * @example
   * const times = await client.ping({ totalTimeout: 200 }) // Map { 'A1' => 0.4, 'B2' => 0.5 }
   */
  ping(options?: InfoOptions): Promise<Map<string, number>>;
  /**
   * The state of the client for health checks: plain data, at once, without asking anybody. It works on a closed client too.
   *
   * @example
   * server.get('/ready', (_, response) => response.status(client.health().ready ? 200 : 503).json(client.health()))
   */
  health(): Health;
  /**
   * Whether the client is open and knows a node that answers. Of a cluster that is silent as a whole it knows after a quarter
   * of a second while calls are made, and otherwise after two looks at its state (`tendInterval`, `dialTimeout`).
   */
  isConnected(): boolean;
  /**
   * The nodes of the cluster as last seen.
   *
   * @throws ClientClosedError after `close`
   */
  nodes(): Node[];
  /**
   * What the client counted so far: calls, failures and times by kind, the same and connections by node, and how late the
   * event loop of this process was. Clients of `with` share their counts. See docs/telemetry.md.
   *
   * @throws ClientClosedError after `close`
   * @example
   * const { calls, resumeDelay } = client.metrics()
   * console.log(calls.read.count, calls.read.latency.p99, resumeDelay.p99)
   */
  metrics(): ClientMetrics;
  /**
   * Listens to an event of the cluster: `nodeAdded`, `nodeRemoved`, `nodeUnreachable`, `connected`, `disconnected`. Listening does not keep the
   * process alive, and ends with `close`, which is no event.
   *
   * @throws InvalidArgumentError for an event that does not exist
   * @throws ClientClosedError after `close`
   * @example
   * client.on('nodeRemoved', ({ name, host }) => console.warn(`lost ${name} at ${host}`))
   */
  on<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this;
  /** Listens to the next event of a kind, and then no more. @example client.once('connected', resume) */
  once<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this;
  /** Ends what `on` or `once` began. @example client.off('nodeRemoved', warn) */
  off<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this;
  /**
   * Closes the client. Calls under way may finish within `timeout`; what is left then, and every later call, rejects with
   * ClientClosedError. Closing again does nothing.
   */
  close(options?: CloseOptions): Promise<void>;
  /** `await using client = await connect(…)` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
  [inspect.custom](): string;
}
/** The client is closed, or was closed while the call was under way. */
export declare class ClientClosedError extends ClientError {
  static readonly code: number;
}
/** The client refused or gave up by itself; the parent of all errors that no server sent. */
export declare class ClientError extends AerospikeError {
}
/** What a client counted so far: plain data, of one moment. Made by `client.metrics()`. */
export declare class ClientMetrics implements Facts {
  /** False with `connect({ metrics: false })`: only what is there at the moment is told then, all counts are 0. */
  readonly enabled: boolean;
  /** When this was. Milliseconds since 1970. */
  readonly time: number;
  /** Calls by kind, from the call to its outcome, retries included, in the core. */
  readonly calls: {
    readonly [kind in CommandKind]: CommandMetrics;
  };
  /** Calls that wait for their outcome now. */
  readonly waiting: number;
  /** Commands that are under way in the core now. A batch in parts, or reads that were made one batch, are others than those that wait. */
  readonly inFlight: number;
  /**
   * How late the event loop of this process took up answers that were there. Large values mean that your own code, or
   * garbage collection, held it up: the cluster was not the slow one.
   */
  readonly resumeDelay: LatencyHistogram;
  readonly transactions: TransactionMetrics;
  /** The nodes of the cluster, and after them up to 64 that left. */
  readonly nodes: readonly NodeMetrics[];
  /**
   * What happened after an earlier snapshot of the same client: counts and histograms of the time between, and of what is
   * there at the moment (`waiting`, `queued`, open connections, the state of breakers) the value of now.
   *
   * @example
   * const before = client.metrics()
   * await work()
   * console.log(client.metrics().since(before).calls.read.latency.p99)
   */
  since(earlier: ClientMetrics): ClientMetrics;
  /**
   * The snapshot in the text format of Prometheus. Times are seconds there, and sizes bytes.
   *
   * @throws InvalidArgumentError for a label that Prometheus would not take
   * @example
   * http.createServer((_, response) => response.end(client.metrics().toPrometheus())).listen(9464)
   */
  toPrometheus(options?: PrometheusOptions): string;
}
/** The cluster changed during the command. */
export declare class ClusterChangeError extends ClusterError {
}
/** The cluster, or the part of it that owns the record, cannot be reached or cannot answer. */
export declare class ClusterError extends AerospikeError {
}
/**
 * The transaction could not be committed. With `inDoubt` it may be committed all the same: `tx.commit()` again finds out.
 * Otherwise nothing of it was written, and the same work may succeed in a new transaction when `retryable` is true.
 */
export declare class CommitError extends TransactionError {
  static readonly code: number;
  /** The records that could not be verified. */
  readonly failed: readonly FailedRead[];
  constructor(message: string, details?: ErrorDetails, failed?: readonly FailedRead[]);
  toJSON(): {
    [name: string]: unknown;
  };
}
/** A connection could not be made or broke. */
export declare class ConnectionError extends ClusterError {
}
/** One step of a path, made by the functions of {@link ctx}. */
export declare class ContextStep {
}
/**
 * A set with the type of its records; made by {@link dataSet}. It holds names only, and no connection.
 *
 * @example
 * const users = dataSet<User>('test', 'users')
 * const { bins } = await client.get<User>(users.id('user-1'))
 */
export declare class DataSet<in out B extends object = Bins> {
  #private;
  readonly namespace: string;
  readonly set: string;
  /** The key of a record by its user key. @example users.id('user-1') */
  id(user: UserKey): SetKey<B>;
  /** The keys of records, for one batch. @example users.ids('user-1', 'user-2') */
  ids(...users: readonly UserKey[]): SetKeys<B>;
  /** The key of a record of which only the digest is known. @example users.idFromDigest(digest(key)) */
  idFromDigest(digest: Uint8Array): SetKey<B>;
  /**
   * The key of an object, as option `id` says.
   *
   * @throws InvalidArgumentError when the set was made without `id`
   * @example dataSet<User>('test', 'users', { id: 'email' }).keyOf(user)
   */
  keyOf(object: B): SetKey<B>;
}
/** A name given to a value inside `exp.let`, made by `exp.def`. */
export declare class Definition {
}
/** The storage of the node cannot keep up with the writes. Try again after a pause. */
export declare class DeviceOverloadError extends ServerError {
}
/**
 * A double, whatever its value. Integer-valued numbers are stored as integers, so a bin that must stay a double is
 * written as `new Double(1)`. Reading gives a `Double` for exactly those doubles that would turn into integers when
 * written back (`1`, `-7`, `0`); every other double is a plain number. Use option `doubles: 'number'` to read plain
 * numbers always.
 *
 * A `Double` counts like a number: `d + 1`, `d < 3`, `` `${d}` `` and `JSON.stringify(d)` do what they do for `d.value`.
 *
 * @example
 * await client.put(key, { score: new Double(1) })
 */
export declare class Double {
  /** The number itself. */
  readonly value: number;
  /** @throws TypeError when `value` is not a number. */
  constructor(value: number);
  valueOf(): number;
  toString(): string;
  toJSON(): number;
}
/** The list or map has this element already. */
export declare class ElementExistsError extends BinError {
}
/** The list or map has no such element. */
export declare class ElementNotFoundError extends BinError {
}
/** Only Enterprise servers can do this (durable deletes, transactions, strong consistency). */
export declare class EnterpriseOnlyError extends ServerError {
}
/**
 * An expression: something the server computes from a record. Made by the functions of `exp` and by `where`; immutable, and
 * usable in any number of calls. `T` is the type of its result; it is invariant (`in out`), so that comparing two types does
 * not quietly become a comparison of their union.
 *
 * @example
 * const adults: Exp<'bool'> = exp.ge(exp.bin.int('age'), 18)
 * await client.get(key, { filter: adults })
 */
export declare class Exp<in out T extends Type = Type> extends Encoded {
  /** The type of the result; undefined when it is not known, as of an expression read from Base64. */
  readonly type: T | undefined;
  /** The expression in the form that info commands and other clients exchange. @example filter.toBase64() */
  toBase64(): string;
  toJSON(): string;
}
/** The password has expired. */
export declare class ExpiredPasswordError extends AdminError {
}
/** The session has expired. */
export declare class ExpiredSessionError extends AdminError {
}
/**
 * A behavior that says what its file says, now and after each change of it; made by {@link behaviorFromFile}. A change of
 * the name or the parent counts when the file is read anew.
 */
export declare class FileBehavior extends Behavior {
  #private;
  readonly path: string;
  /** Stops following the file. What it said last stays. */
  close(): void;
  [Symbol.dispose](): void;
}
/** The filter expression left this record out. */
export declare class FilteredError extends ServerError {
}
/** Not allowed at this time: for example a TTL on a namespace that does not expire records. */
export declare class ForbiddenError extends ServerError {
}
/** The password is not allowed, for example because it was used before. */
export declare class ForbiddenPasswordError extends AdminError {
}
/** The record has changed since: its generation is not the expected one. */
export declare class GenerationError extends RecordError {
}
/**
 * A GeoJSON value (a point or a region). Plain objects are maps; only a `GeoJSON` is stored as geometry and found by
 * geospatial indexes.
 *
 * @example
 * await client.put(key, { place: new GeoJSON({ type: 'Point', coordinates: [8.68, 50.11] }) })
 */
export declare class GeoJSON {
  /** The GeoJSON text, exactly as it was given or as the server holds it. */
  readonly text: string;
  /** @throws TypeError when `value` is neither text nor an object that `JSON.stringify` accepts. */
  constructor(value: string | object);
  /** The parsed geometry. */
  get value(): unknown;
  toString(): string;
  toJSON(): unknown;
}
/**
 * A HyperLogLog sketch as the server stores it. Its bytes are opaque: reading and writing them back, or handing them
 * to HyperLogLog operations of another record, is what they are for.
 *
 * @example
 * const { bins } = await client.get(key)
 * await client.put(backup, { visitors: bins.visitors })
 */
export declare class HyperLogLog {
  /** The sketch, in the server's own layout. */
  readonly bytes: Uint8Array;
  /** @throws TypeError when `bytes` is not a Uint8Array. */
  constructor(bytes: Uint8Array);
  toJSON(): string;
}
/** The administration command does not fit the state of the session. */
export declare class IllegalStateError extends AdminError {
}
/** The parent of errors that concern a secondary index. */
export declare class IndexError extends ServerError {
  /** The name of the index, where it is known. */
  readonly index: string | undefined;
  /** The bin that it is over, where that is known. */
  readonly bin: string | undefined;
  constructor(message: string, details?: ErrorDetails);
  toJSON(): {
    [name: string]: unknown;
  };
}
/** An index of that name exists with another definition. */
export declare class IndexExistsError extends IndexError {
}
/**
 * An index that was created. The nodes build it on their own; until all are done, queries that need it fail with
 * `IndexNotReadableError` or `IndexNotFoundError`.
 *
 * @example
 * const job = await client.createIndex({ namespace: 'test', set: 'users', bin: 'age', name: 'users_age', type: 'numeric' })
 * await job.ready({ onProgress: ({ loaded }) => console.log(`${loaded}%`) })
 */
export declare class IndexJob {
  #private;
  readonly namespace: string;
  /** The name of the index. */
  readonly name: string;
  /**
   * Waits until every node has built the index.
   *
   * @throws IndexNotFoundError when it was dropped meanwhile
   * @throws TimeoutError after `timeout`; the nodes go on
   */
  ready(options?: WaitOptions<IndexProgress>): Promise<void>;
}
/** The namespace has as many indexes as it can have. */
export declare class IndexLimitError extends IndexError {
}
/** The name of the index is too long. */
export declare class IndexNameTooLongError extends IndexError {
}
/** There is no such index. */
export declare class IndexNotFoundError extends IndexError {
}
/** The index is still being built. */
export declare class IndexNotReadableError extends IndexError {
}
/** The index is out of memory. */
export declare class IndexOutOfMemoryError extends IndexError {
}
/**
 * An argument, option or value is not acceptable; nothing was sent. The message names the place and, for a misspelt
 * option, the nearest valid name.
 */
export declare class InvalidArgumentError extends ClientError {
  static readonly code: number;
}
/** The server does not know this administration command. */
export declare class InvalidCommandError extends AdminError {
}
/** User and password do not match. */
export declare class InvalidCredentialError extends AdminError {
}
/** A string is not valid UTF-8. */
export declare class InvalidEncodingError extends ServerError {
}
/** A field of the administration command is invalid. */
export declare class InvalidFieldError extends AdminError {
}
/** The GeoJSON is malformed or of a kind that cannot be indexed. */
export declare class InvalidGeoJSONError extends ServerError {
}
/** A host or port is malformed or does not resolve. */
export declare class InvalidHostError extends ClientError {
}
/** The password is invalid. */
export declare class InvalidPasswordError extends AdminError {
}
/** There is no such privilege. */
export declare class InvalidPrivilegeError extends AdminError {
}
/** The quota is invalid. */
export declare class InvalidQuotaError extends AdminError {
}
/** The server found the request malformed, or its parts do not go together. */
export declare class InvalidRequestError extends ServerError {
}
/** There is no such role. */
export declare class InvalidRoleError extends AdminError {
}
/** There is no such user. */
export declare class InvalidUserError extends AdminError {
}
/** The list of allowed addresses is invalid. */
export declare class InvalidWhitelistError extends AdminError {
}
/**
 * A background job, made by `query.execute` and `query.apply`, or from its id by `client.job`.
 *
 * @example
 * const job = await client.query('test', 'users').execute([op.increment('version', 1)])
 * const { recordsSucceeded } = await job.done({ onProgress: ({ progress }) => console.log(`${progress} %`) })
 */
export declare class Job {
  #private;
  /** What the servers know the job by. */
  readonly id: bigint;
  /** How the job goes, on all nodes together. */
  status(options?: InfoOptions): Promise<JobStatus>;
  /**
   * Waits until no node works on the job any more, and gives how it went. Servers forget jobs that are long over: one that
   * this client has started, or seen, is over when no server knows it any more, with state `unknown`.
   *
   * @throws JobNotFoundError when no node knows a job of this id
   * @throws QueryAbortedError when the job was stopped
   * @throws TimeoutError after `timeout`; the servers go on
   */
  done(options?: WaitOptions<JobStatus>): Promise<JobStatus>;
  /**
   * Stops the job on all nodes. Records it has changed stay changed. Resolves to false when no node worked on it any
   * more.
   */
  abort(options?: InfoOptions): Promise<boolean>;
  toJSON(): {
    id: string;
  };
}
/** No node knows a background job of that id. */
export declare class JobNotFoundError extends QueryError {
}
/** A newer change of the bin arrived from another datacentre first. */
export declare class LostConflictError extends ServerError {
}
/** The Lua file does not exist or cannot be read. */
export declare class LuaFileNotFoundError extends UdfError {
}
/** Every attempt failed. `subErrors` lists them. */
export declare class MaxRetriesError extends ClientError {
}
/** The cluster has no such namespace. */
export declare class NamespaceNotFoundError extends ServerError {
}
/** No connection became free before the deadline. */
export declare class NoConnectionError extends ClusterError {
}
/** The node ended its answer without mentioning this row. */
export declare class NoResponseError extends ClusterError {
}
/** The node failed so often lately that it is left alone for a moment. */
export declare class NodeErrorRateError extends ClusterError {
}
/** No node is known for the partition, or none by that name. */
export declare class NodeNotFoundError extends ClusterError {
}
/** The connection is not authenticated. */
export declare class NotAuthenticatedError extends SecurityError {
}
/** The address of this client is not allowed. */
export declare class NotWhitelistedError extends SecurityError {
}
/**
 * An operation for `operate`, `operateOrdered` and `batchOperate`, made by the functions of `op`, `lists`, `maps`, `bits`, `hll` and
 * `paths`. It is immutable and may
 * be used in any number of calls.
 *
 * @example
 * const visit = [op.increment('visits', 1), op.read('visits')]
 * const { bins } = await client.operate(key, visit)
 */
export declare class Operation {
  /** The bin it works on; `''` for the whole record. */
  readonly bin: string;
  /** Op-code on the wire. */
  readonly code: number;
  /** What it asks of the command, as bits of {@link Needs}. */
  readonly needs: number;
  /** Whether it changes the record. */
  get writes(): boolean;
}
/** The operation cannot be applied to what is there: an index out of range, an expression without a result. */
export declare class OperationNotApplicableError extends BinError {
}
/**
 * The results of several operations on one bin, in the order of the operations. `operate` gives a bin that was
 * answered once its value, and one that was answered more often an `OperationResults`, so that no answer is lost.
 */
export declare class OperationResults extends Array<unknown> {
  static get [Symbol.species](): ArrayConstructor;
}
/**
 * Some nodes did not answer an info command. `answers` has what the others said, `errors` why these did not; `cause` is the
 * first of them.
 *
 * @example
 * if (error instanceof PartialInfoError) console.log(error.answers.get('A1'), error.errors.get('A2')?.message)
 */
export declare class PartialInfoError extends ClusterError {
  /** The answers by the name of the node: as they came, one for each command. */
  readonly answers: ReadonlyMap<string, string>;
  /** The errors of the other nodes by their names. */
  readonly errors: ReadonlyMap<string, AerospikeError>;
  constructor(message: string, answers: ReadonlyMap<string, string>, errors: ReadonlyMap<string, AerospikeError>, details?: ErrorDetails);
  toJSON(): {
    [name: string]: unknown;
  };
}
/** What {@link WILDCARD} and {@link INFINITY} are. Their place is in the arguments of operations, also inside lists there. */
export declare class Placeholder {
  toString(): string;
}
/**
 * What a query asks a secondary index for, made by the functions of `range`; the argument of `where`. Immutable, and usable
 * in any number of queries.
 */
export declare class Predicate<N extends string = any> {
  #private;
  /** The bin that it is about; empty for one that names an index or an expression. */
  readonly bin: N;
}
/**
 * A query or scan: which records, and what of them. Made by `client.query` and `client.scan`; immutable, so that each method
 * gives another query and one query may be run any number of times. What is wrong with it is said when it is run. `B` are the
 * bins that it reads, `All` those that its records have, which ranges are checked against.
 *
 * @example
 * const adults = client.query<User>('test', 'users').where(range.between('age', 18, 120)).select('name')
 * for await (const { bins } of adults) console.log(bins.name)
 */
export declare class Query<B extends object = Bins, All extends object = B> implements AsyncIterable<Record<B>> {
  #private;
  /**
   * Reads only the records for which a condition holds. A range of a secondary index, such as `range.between('age', 20, 30)`,
   * is asked of the index, and a query has one at most. Any other condition is an expression, which the servers compute for
   * every record that the query is about: so it is best together with a range. Several conditions all have to hold.
   *
   * @throws IndexNotFoundError when run, if there is no such index
   * @example
   * client.query('test', 'users').where(range.between('age', 20, 30)).where(where`$.city == ${'Berlin'}`)
   */
  where(condition: Predicate<keyof All & string> | Exp<"bool">): Query<B, All>;
  /** The name that `where` had before for expressions. @deprecated Use `where`. */
  filter(expression: Exp<"bool">): Query<B, All>;
  /**
   * Reads some bins only, or parts of them: `'profile.address.city'`, `'tags[0]'` and the other paths of `client.select`.
   * What a record does not have is absent; a record that has none of the bins is left out, unless there is a path among
   * them. Names of bins that have a dot or a bracket themselves stand in quotes: `'"a.b"'`. Paths need servers from 8.1.2 on.
   *
   * @throws InvalidArgumentError when run, if a path is none
   * @example
   * client.query<User>('test', 'users').select('name', 'profile.address.city')
   */
  select<N extends BinPaths<B>>(...bins: readonly N[]): Query<Selected<B, N>, All>;
  /**
   * Answers operations in place of the bins; they must not write. As with `client.operate`, a bin answered once has its
   * value. Records for which no operation has an answer are left out. Servers from 8.1.2 on; reads of whole bins on all.
   *
   * @example
   * client.query('test', 'users').operate<{ tags: number }>([lists.size('tags')])
   */
  operate<R extends object = Bins>(operations: readonly Operation[]): Query<R, All>;
  /** With other options, each in the place of what was said for it before. @example query.with({ maxRecords: 10 }) */
  with(options: QueryOptions): Query<B, All>;
  /** From where an earlier run stood: its `cursor`. @example query.from(cursor).results() */
  from(cursor: string): Query<B, All>;
  /** Runs the query: its records as they come. A query that makes no sense fails with its first record. */
  stream(): QueryRecordStream<B>;
  /** Runs the query: `for await (const record of query)`. Leaving the loop ends the query. */
  [Symbol.asyncIterator](): QueryRecordStream<B>;
  /** Runs the query: all its records in one list. */
  results(): Promise<Record<B>[]>;
  /**
   * Runs the query: a function is called with each record, one after the other; a promise that it returns is waited for.
   * When it returns or resolves to `false`, the query ends.
   */
  forEach(visit: Visit<Record<B>>): Promise<void>;
  /**
   * Runs the query for one page of at most `size` records, and of no more than its `maxRecords`. When they end with a page that is full, there is one more, and
   * it is empty.
   *
   * @example
   * const first = await query.page(100)
   * const second = first.done ? undefined : await query.from(first.cursor!).page(100)
   */
  page(size: number): Promise<QueryPage<B>>;
  /** Runs the query: its records as a Web stream. */
  toReadableStream(): ReadableStream$1<Record<B>>;
  /** Runs the query: its records as a stream of Node in object mode. */
  toNodeStream(): Readable;
  /** Where the run begun last stands, also after it failed; undefined before the first. See `QueryRecordStream.cursor`. */
  get cursor(): string | undefined;
  /** How far the run begun last is; undefined before the first. */
  get progress(): QueryProgress | undefined;
  /**
   * Starts a job that runs operations on every record of the query. The servers do it by themselves, in the background;
   * resolves when all of them have taken it on.
   *
   * @throws InvalidArgumentError when an operation reads
   * @example
   * const job = await client.query('test', 'users').where(range.between('age', 0, 17)).execute([op.write('minor', true)])
   * await job.done()
   */
  execute(operations: readonly Operation[], options?: JobOptions): Promise<Job>;
  /**
   * Starts a job that calls a function of a UDF module with every record of the query, in the background.
   *
   * @example
   * const job = await client.scan('test', 'users').apply('simple', 'add_val', ['age', 1])
   * const { recordsSucceeded } = await job.done()
   */
  apply(module: string, name: string, args?: readonly Value[], options?: JobOptions): Promise<Job>;
  /**
   * Runs a stream UDF over the records of the query: what the servers made of their records is put together on this side, off
   * the JavaScript thread. The module is fetched from the cluster unless option `source` has its text.
   *
   * @example
   * const total = await client.query('test', 'users').aggregate('stats', 'sum', ['age']).value()
   */
  aggregate<T = Value>(module: string, name: string, args?: readonly Value[], options?: AggregateOptions): Aggregation<T>;
}
/** The query was stopped. */
export declare class QueryAbortedError extends QueryError {
}
/** The parent of errors that concern a query or scan. */
export declare class QueryError extends AerospikeError {
}
/** The server has as many queries as it takes. */
export declare class QueryQueueFullError extends QueryError {
}
/**
 * The records of one run of a query or scan, made by its methods.
 *
 * @example
 * const stream = client.scan('test', 'users').stream()
 * for await (const { key, bins } of stream) if (!(await handle(key, bins))) break
 * await save(stream.cursor)
 */
export declare class QueryRecordStream<B extends object = Bins> extends QueryStream<Record<B>> {
  #private;
  /**
   * Where the query is: exactly after the record that was handed out last. As text to keep; with it as option
   * `cursor`, a query for the same continues from there, in another process too. It is good at any time, also after the query
   * ended, failed or was left.
   *
   * It is made when it is asked for, in about a millisecond: ask now and then, not for each record.
   */
  get cursor(): string;
  /** Whether there may be more after `cursor`: the query has not ended, or `maxRecords` ended it. */
  get more(): boolean;
}
/**
 * The results of one run of a query. It can be consumed once: by a loop, by `results`, by `forEach` or as a stream of Node or
 * of the web. However it is left, the query ends, and the servers stop working for it.
 *
 * Nothing is asked of the servers before the first result is; a consumer that is slow slows them down, so memory is bounded by
 * a few pages.
 */
export declare class QueryStream<T> implements AsyncIterableIterator<T> {
  #private;
  /** How far the query is. */
  get progress(): QueryProgress;
  [Symbol.asyncIterator](): this;
  /** The next result; rejects with what ended the query early, once. */
  next(): Promise<IteratorResult<T, undefined>>;
  /** Ends the query: a loop calls it when it is left. */
  return(): Promise<IteratorReturnResult<undefined>>;
  /** Ends the query. */
  close(): void;
  /** `await using stream = query.stream()` ends the query with the block. */
  [Symbol.asyncDispose](): Promise<void>;
  /** All that is left, in one list. What does not fit into memory is better consumed one by one. */
  results(): Promise<T[]>;
  /**
   * Calls a function with each result, one after the other; a promise that it returns is waited for. When it returns or
   * resolves to `false`, the query ends. Rejects with what the function throws.
   */
  forEach(visit: Visit<T>): Promise<void>;
  /** As a Web stream: a result is read when it is wanted, and cancelling ends the query. */
  toReadableStream(): ReadableStream$1<T>;
  /** As a stream of Node in object mode: destroying it ends the query. It reads one result ahead. */
  toNodeStream(): Readable;
}
/** The query timed out on the server. */
export declare class QueryTimeoutError extends QueryError {
}
/**
 * Too many calls are waiting: more than `maxQueued`, longer than `queueTimeout`, or so many that this one's turn could not come
 * within its `totalTimeout`. Nothing was sent.
 */
export declare class QueueFullError extends ClientError {
}
/** The user has used up its quota for the moment. */
export declare class QuotaExceededError extends SecurityError {
}
/** Quotas are switched off on the server. */
export declare class QuotasNotEnabledError extends AdminError {
}
/**
 * A list or map as the server has it, read with `deserialize: false`: written back it is the same, byte for byte, without having
 * been decoded. Only as the value of a bin, not inside of another list or map.
 *
 * @example
 * const { bins } = await client.get<{ history: RawCollection }>(key, { deserialize: false })
 * await client.put(archive, { history: bins.history })
 */
export declare class RawCollection extends EncodedParticle {
  /** Whether it is a list or a map. */
  get kind(): "list" | "map";
  /** The list or map itself: decoded, each time it is asked for, as by default. */
  get value(): unknown;
  toJSON(): unknown;
}
/** Too many commands are working on this record at once: a hot key. Try again after a pause. */
export declare class RecordBusyError extends RecordError {
}
/** The parent of errors that concern one record or one of its bins. */
export declare class RecordError extends ServerError {
}
/** The record exists already (`exists: 'create'`). */
export declare class RecordExistsError extends RecordError {
}
/** The key sent is not the key stored with the record: two keys with one digest. */
export declare class RecordKeyMismatchError extends RecordError {
}
/** There is no such record. */
export declare class RecordNotFoundError extends RecordError {
}
/**
 * What became of one key. Its `record` is there for reads that found one, and for writes that answered something; a failure
 * has an `error`.
 *
 * @example
 * for await (const row of stream) console.log(row.index, row.isOk ? row.record?.bins : row.message)
 */
export declare class RecordResult<B extends object = Bins> {
  /** The place of the key in the chain, counted from 0 over all steps; of a query the place in its results. */
  readonly index: number;
  /** The key, as it was given. */
  readonly key: Key;
  /** Whether it was done: result code 0. A record that was not there for a `delete` is no failure and not ok either. */
  readonly isOk: boolean;
  /** 0 for success; positive from the server, negative from the client. */
  readonly resultCode: number;
  /** Whether a write may have happened although it failed. */
  readonly inDoubt: boolean;
  /** The record, or `null` when there is none to show. */
  readonly record: Record<B> | null;
  /** What a function on the server returned; undefined for other rows. */
  readonly udfValue: Value | undefined;
  /** What went wrong; undefined when nothing did. */
  readonly error: AerospikeError | undefined;
  /** The result in words: `ok`, what a missing or filtered row is, or the message of the error. */
  readonly message: string;
  /**
   * The record.
   *
   * @throws the row's own error, or RecordNotFoundError when there is no record
   */
  recordOrThrow(): Record<B>;
  /**
   * Whether the record was there: for `exists`, `delete` and `touch`. Of other rows, whether they are ok.
   *
   * @throws the row's error, when it failed
   */
  asBoolean(): boolean;
  [inspect.custom](_depth: number, options: object, show: typeof inspect): string;
}
/**
 * The results of keys, all of them here: beside what every stream can, a list that can be gone through any number of times,
 * without waiting.
 *
 * @example
 * for (const row of await session.query(users.ids('user-1', 'user-2')).execute()) console.log(row.record?.bins.name)
 */
export declare class RecordResults<B extends object = Bins> extends RecordStream<B> implements Iterable<RecordResult<B>> {
  #private;
  /** How many rows there are. */
  get length(): number;
  /** The row at a place; negative ones count from the end. */
  at(place: number): RecordResult<B> | undefined;
  [Symbol.iterator](): IterableIterator<RecordResult<B>>;
  [Symbol.asyncIterator](): AsyncIterator<RecordResult<B>, undefined, undefined>;
  collect(): Promise<RecordResult<B>[]>;
  first(): Promise<RecordResult<B> | undefined>;
  close(): void;
}
/** The record would be larger than the namespace allows. */
export declare class RecordTooBigError extends RecordError {
}
/** The role exists already. */
export declare class RoleExistsError extends AdminError {
}
/** The user lacks a role for this. */
export declare class RoleViolationError extends SecurityError {
}
/** The roles of the cluster. Every call needs the privilege `user-admin`. A privilege's name is also the name of the role that has just it. */
declare class Roles {
  #private;
  /**
   * Makes a role.
   *
   * @throws RoleExistsError when there is one of that name
   * @throws QuotasNotEnabledError when it has quotas and the servers keep none
   * @example
   * await client.roles.create('reporter', {
   *   privileges: ['udf-admin', { privilege: 'read', namespace: 'test', set: 'demo' }],
   *   allowlist: ['10.0.0.0/8', '127.0.0.1'],
   * })
   */
  create(role: string, options?: CreateRoleOptions): Promise<void>;
  /** Removes a role, also from the users who have it. @throws InvalidRoleError when there is none @example await client.roles.drop('reporter') */
  drop(role: string, options?: AdminOptions): Promise<void>;
  /** Adds privileges to a role. @example await client.roles.grant('reporter', { privilege: 'write', namespace: 'test' }) */
  grant(role: string, privileges: Privilege | readonly Privilege[], options?: AdminOptions): Promise<void>;
  /** Takes privileges from a role: those it has with just that scope. @example await client.roles.revoke('reporter', 'udf-admin') */
  revoke(role: string, privileges: Privilege | readonly Privilege[], options?: AdminOptions): Promise<void>;
  /**
   * Says from where users of a role may log in: from everywhere with an empty list.
   *
   * @throws InvalidWhitelistError when the servers cannot read an address
   * @example await client.roles.setAllowlist('reporter', ['192.168.1.0/24'])
   */
  setAllowlist(role: string, allowlist: readonly string[], options?: AdminOptions): Promise<void>;
  /**
   * Sets how much users of a role may do; what is not given stays.
   *
   * @throws QuotasNotEnabledError when the servers keep none
   * @example await client.roles.setQuotas('reporter', { readQuota: 1000 })
   */
  setQuotas(role: string, quotas: Quotas, options?: AdminOptions): Promise<void>;
  /** What a role is. @throws InvalidRoleError when there is none @example (await client.roles.get('reporter')).privileges */
  get(role: string, options?: AdminOptions): Promise<Role>;
  /** All roles, by name; those that are named as the one privilege they have are among them. @example await client.roles.list() */
  list(options?: AdminOptions): Promise<Role[]>;
}
/** The parent of errors of security itself: it is off, unsupported or not permitted. */
export declare class SecurityError extends AdminError {
}
/** Security is switched off on the server. */
export declare class SecurityNotEnabledError extends SecurityError {
}
/** The server has no security (Community edition). */
export declare class SecurityNotSupportedError extends SecurityError {
}
/** The server does not know this kind of authentication. */
export declare class SecuritySchemeNotSupportedError extends SecurityError {
}
/** A server answered with an error; the parent of all result codes without a family of their own. */
export declare class ServerError extends AerospikeError {
}
/** The namespace is out of memory or storage and has stopped writes. */
export declare class ServerFullError extends ServerError {
}
/**
 * A query on a set: which records, and what of them. It does not change; each method gives another query. Nothing is sent
 * before it is run: by a loop over it, or by `execute`, `records`, `first` and the like.
 *
 * @example
 * for await (const { bins } of session.query(users).where`$.age >= ${18}`.limit(100)) console.log(bins.name)
 */
export declare class SetQuery<B extends object = Bins, R extends object = B> implements AsyncIterable<Record<R>> {
  #private;
  /**
   * Only records for which the condition is true; said twice, both have to be. Values stand in `${…}` and are never text. A
   * secondary index is asked when there is one for a part of it: see {@link SetQuery.explain}.
   *
   * @example session.query(users).where`$.age >= ${18} and $.city == ${'Berlin'}`
   */
  where(condition: TemplateStringsArray, ...values: (Value | AnyExp)[]): SetQuery<B, R>;
  where(condition: Exp<"bool">): SetQuery<B, R>;
  /** Reads some bins only, or parts of them: `'profile.address.city'`, `'tags[0]'`. */
  bins<N extends (keyof B & string) | `${keyof B & string}${"." | "["}${string}`>(...names: readonly N[]): SetQuery<B, Selected<B, N>>;
  /** Reads keys, generations and times to live only. */
  withNoBins(): SetQuery<B, R>;
  /** At most so many records. */
  limit(records: number): SetQuery<B, R>;
  /** Reads the records in chunks of so many, one query after the other: servers keep nothing open while a chunk is worked on. */
  chunkSize(records: number): SetQuery<B, R>;
  /** Only some of the 4,096 partitions: `count` of them from `begin` on. @example session.query(users).onPartitions(0, 1024) */
  onPartitions(begin: number, count?: number): SetQuery<B, R>;
  /** At most so many records in a second, from each node. */
  recordsPerSecond(records: number): SetQuery<B, R>;
  /** Says which index is asked, or that none is. @example session.query(users).where`$.age > ${30}`.hint({ index: 'users_age' }) */
  hint(hint: QueryHint): SetQuery<B, R>;
  /** What is read is judged by the set's schema: what it does not allow is a failure. */
  validated(): SetQuery<B, R>;
  /** What the query would do, and why: which index is asked for what, or that all records are read. Reads no record. */
  explain(): Promise<QueryPlan>;
  /**
   * Runs the query: its rows as they come. A query that fails as a whole throws where its rows are taken; records that the
   * schema does not allow are rows, or failures as the strategy says.
   */
  execute(strategy?: Strategy, options?: ExecuteOptions): Promise<RecordStream<R>>;
  /** Runs the query: all its records. */
  records(): Promise<Record<R>[]>;
  /** Runs the query for its first row; undefined when there is none. */
  first(): Promise<RecordResult<R> | undefined>;
  /** Runs the query for its first record. @throws RecordNotFoundError when there is none */
  firstOrThrow(): Promise<Record<R>>;
  /** Runs the query: the records whose user key is known, by it. */
  toMap(): Promise<Map<UserKey, Record<R>>>;
  /** Runs the query: a function is called with each row, one after the other; `false` ends it. */
  forEach(visit: (row: RecordResult<R>) => unknown): Promise<void>;
  /**
   * A page of at most `size` records, from the beginning or from the `cursor` of the page before: in another process as well.
   *
   * @example
   * const { records, cursor } = await session.query(users).page(100)
   * const next = cursor === undefined ? undefined : await session.query(users).page(100, cursor)
   */
  page(size: number, cursor?: string): Promise<QueryPage<R>>;
  /** Runs the query: its records, one after the other. Leaving the loop ends it. */
  [Symbol.asyncIterator](): AsyncGenerator<Record<R>, undefined, undefined>;
}
/** The deadline of the call passed, or the server gave up. `inDoubt` says whether a write may have happened. */
export declare class TimeoutError extends AerospikeError {
}
/** The TLS handshake failed. */
export declare class TlsError extends ClusterError {
}
/** Another transaction holds the record: the whole transaction may succeed when it is run again. */
export declare class TransactionBlockedError extends TransactionError {
}
/** The transaction is committed or aborted already, or about to be: it takes no more calls. */
export declare class TransactionEndedError extends TransactionError {
  static readonly code: number;
}
/** The parent of errors that concern a transaction. */
export declare class TransactionError extends AerospikeError {
  static readonly code: number;
}
/** The deadline of the transaction has passed. */
export declare class TransactionExpiredError extends TransactionError {
}
/** The transaction writes more records than it may. */
export declare class TransactionTooLargeError extends TransactionError {
}
/** A record that the transaction read has changed since: the whole transaction may succeed when it is run again. */
export declare class TransactionVersionMismatchError extends TransactionError {
}
/** The modules of the cluster: `client.udf`. */
export declare class UdfAdmin {
  #private;
  /**
   * Registers a module, or replaces it. Resolves when the cluster has accepted it; `done` of the result waits until every node
   * has it.
   *
   * @throws UdfCompileError when it is no valid Lua, with the line and what is wrong
   * @throws LuaFileNotFoundError when the file cannot be read
   * @example
   * const job = await client.udf.register({ file: 'lua/counters.lua' })
   * await job.done()
   * await client.udf.register({ name: 'hello', source: 'function hello(rec) return "hello" end' })
   */
  register(source: UdfSource, options?: InfoOptions): Promise<UdfJob>;
  /** The modules that are registered. @example const modules = await client.udf.list() */
  list(options?: InfoOptions): Promise<UdfModule[]>;
  /**
   * The Lua text of a module.
   *
   * @throws UdfNotFoundError when there is none of that name
   * @example const lua = await client.udf.get('counters')
   */
  get(name: string, options?: InfoOptions): Promise<string>;
  /**
   * Removes a module and resolves when no node has it any more. One that is not there is no error.
   *
   * @example await client.udf.remove('counters')
   */
  remove(name: string, options?: InfoOptions): Promise<void>;
}
/** A module was refused when it was registered: it is no valid Lua, or failed while it was loaded. */
export declare class UdfCompileError extends UdfError {
}
/**
 * A user-defined function failed; the message carries what Lua said.
 *
 * @example
 * if (error instanceof UdfError) console.log(`${error.module}.lua:${error.line}: ${error.reason}`)
 */
export declare class UdfError extends ServerError {
  /** The module in which it failed, or that was called, without the ending of its file. */
  readonly module: string | undefined;
  /** The function that was called. */
  readonly function: string | undefined;
  /** The line of the module, counted from 1, when Lua said it. */
  readonly line: number | undefined;
  /** What Lua, or the server, said; without the place. */
  readonly reason: string;
  constructor(message: string, details?: ErrorDetails);
  toJSON(): {
    [name: string]: unknown;
  };
}
/** A module that was accepted. The nodes get it one after another. */
export declare class UdfJob {
  #private;
  /** The name that calls use. */
  readonly module: string;
  /**
   * Waits until every node has the module.
   *
   * @throws TimeoutError after `timeout`; the nodes go on
   */
  done(options?: WaitOptions<UdfProgress>): Promise<void>;
}
/** There is no such module or function. */
export declare class UdfNotFoundError extends UdfError {
}
/** The server does not know this feature. */
export declare class UnsupportedFeatureError extends ServerError {
}
/** The user exists already. */
export declare class UserExistsError extends AdminError {
}
/**
 * The users of the cluster. Each call goes to one node, which tells the others; a real cluster needs a moment for that.
 * All but `changePassword`, and `get` of oneself, need the privilege `user-admin`.
 */
declare class Users {
  #private;
  /**
   * Makes a user with a password of at most 63 bytes.
   *
   * @throws UserExistsError when there is one of that name
   * @example await client.users.create('bob', 'secret', { roles: ['read-write'] })
   */
  create(user: string, password: string, options?: CreateUserOptions): Promise<void>;
  /**
   * Makes a user who has no password and logs in by certificate: the subject's common name is the user's name. Servers
   * from 8.1 on.
   *
   * @throws UserExistsError when there is one of that name
   * @example await client.users.createPki('service-7', { roles: ['read'] })
   */
  createPki(user: string, options?: CreateUserOptions): Promise<void>;
  /** Removes a user. @throws InvalidUserError when there is none @example await client.users.drop('bob') */
  drop(user: string, options?: AdminOptions): Promise<void>;
  /**
   * Gives any user another password. When it is this client's own, the client logs in with it from then on.
   *
   * @throws InvalidUserError when there is no such user
   * @throws ForbiddenPasswordError for a user who logs in by certificate
   * @example await client.users.setPassword('bob', 'new secret')
   */
  setPassword(user: string, password: string, options?: AdminOptions): Promise<void>;
  /**
   * Gives the user that this client is logged in as another password, and logs in with it from then on. Needs no privilege.
   *
   * @throws InvalidPasswordError when the old password is not right
   * @example await client.users.changePassword('ann', 'new secret')
   */
  changePassword(user: string, password: string, options?: ChangePasswordOptions): Promise<void>;
  /** Adds roles to a user. A role need not be there yet: it counts from when it is made. @example await client.users.grant('bob', ['read']) */
  grant(user: string, roles: string | readonly string[], options?: AdminOptions): Promise<void>;
  /** Takes roles from a user. @example await client.users.revoke('bob', ['read']) */
  revoke(user: string, roles: string | readonly string[], options?: AdminOptions): Promise<void>;
  /** What a user is and does. @throws InvalidUserError when there is none @example (await client.users.get('bob')).roles */
  get(user: string, options?: AdminOptions): Promise<User>;
  /** All users, by name. @example for (const { name, roles } of await client.users.list()) console.log(name, roles) */
  list(options?: AdminOptions): Promise<User[]>;
}
/** The strategies by name. */
export declare const ErrorStrategy: {
  /** Failures are rows of the stream, of single keys too. What batches and queries do by themselves. */
  readonly IN_STREAM: "inStream";
  /** The first failure throws. What single keys do by themselves. */
  readonly THROW: "throw";
};
/**
 * Greater than every value: the end of a range over lists that share their beginning.
 *
 * @example
 * lists.getByValueRange('events', ['login', 10], ['login', INFINITY])
 */
export declare const INFINITY: Placeholder;
/** `meta.ttl` of a record that never expires. */
export declare const NEVER_EXPIRES = -1;
/** Every known result code. */
export declare const RESULT_CODES: ReadonlyMap<number, ResultCode>;
/**
 * Matches anything to the end of a list: `['x', WILDCARD]` matches every list that begins with `'x'`.
 *
 * @example
 * lists.getByValue('events', ['login', WILDCARD])
 */
export declare const WILDCARD: Placeholder;
/**
 * Operations on the bits of bytes, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [bits.or('seen', day, 1, Buffer.of(0x80)), bits.count('seen', 0, 365)])
 */
export declare const bits: BitCalls<"operation">;
/**
 * Codecs for what JavaScript has and a bin has not. Your own are objects with `encode` and `decode`.
 *
 * @example
 * const users = dataSet<User>('test', 'users', { codecs: { born: codecs.date, roles: codecs.set(), draft: codecs.json() } })
 */
export declare const codecs: {
  /** A `Date` as milliseconds since 1970, an integer: comparable in conditions and fit for an index. */
  readonly date: Codec<Date, number>;
  /** A `Date` as ISO 8601 text in UTC, as other programs may want it. */
  readonly isoDate: Codec<Date, string>;
  /** Anything that JSON can carry, as one text: nothing inside can be asked for, and what JSON drops is dropped. */
  readonly json: <T>() => Codec<T, string>;
  /** A `Set` as a list in the order of its elements. */
  readonly set: <T extends Value>() => Codec<Set<T>, readonly Value[]>;
  /** A `Map` that stays a `Map` when it is read, whatever its keys are. */
  readonly map: <K extends MapKey, V extends Value>() => Codec<Map<K, V>, ReadonlyMap<MapKey, Value>>;
  /** A bigint that stays one when it is read, whatever its size. */
  readonly bigint: Codec<bigint, bigint>;
};
/**
 * Steps into nested collections. A path of them is the option `ctx` of every list, map, bit and HyperLogLog operation.
 *
 * @example
 * lists.append('profile', 'new', { ctx: [ctx.mapKey('tags', { create: 'keyOrdered' })] })
 */
export declare const ctx: {
  /** The element of a list at an index; negative ones count from the end. @example ctx.listIndex(-1) */
  readonly listIndex: (index: number | bigint, options?: ListStepOptions) => ContextStep;
  /** The element of a list at a rank: 0 is the smallest, -1 the greatest. @example ctx.listRank(0) */
  readonly listRank: (rank: number | bigint) => ContextStep;
  /** The first element of a list that equals a value. @example ctx.listValue(['a', 1]) */
  readonly listValue: (value: Value) => ContextStep;
  /** The entry of a map at an index of its keys' order. @example ctx.mapIndex(0) */
  readonly mapIndex: (index: number | bigint) => ContextStep;
  /** The entry of a map at a rank of its values. @example ctx.mapRank(-1) */
  readonly mapRank: (rank: number | bigint) => ContextStep;
  /** The entry of a map with a key. @example ctx.mapKey('address') */
  readonly mapKey: (key: MapKey, options?: MapStepOptions) => ContextStep;
  /** The first entry of a map whose value equals a value. @example ctx.mapValue(5) */
  readonly mapValue: (value: Value) => ContextStep;
  /** All entries of a map with these keys. For paths; servers from 8.1.2 on. @example ctx.mapKeys(['a', 'b']) */
  readonly mapKeys: (keys: readonly MapKey[]) => ContextStep;
  /** All elements of a list or map. For paths (`paths.select`, `paths.modify`). @example ctx.all() */
  readonly all: () => ContextStep;
  /**
   * All elements for which an expression holds; `exp.path.value` and its like are the element. For paths.
   * @example ctx.where(exp.gt(exp.path.value('int'), 10))
   */
  readonly where: (filter: Exp<"bool">) => ContextStep;
  /**
   * Those elements that the step before chose and for which an expression holds. For paths; servers from 8.1.2 on.
   * @example ctx.and(exp.gt(exp.path.value('int'), 10))
   */
  readonly and: (filter: Exp<"bool">) => ContextStep;
};
/**
 * Expressions: what the server computes from a record, as filters (option `filter`) and in `op.expRead` and `op.expWrite`.
 * Types are checked when the code compiles: an integer cannot be compared with a string. Where an expression stands, a
 * plain value of its type may stand too.
 *
 * A bin that is missing or of another type makes the expression unknown; an unknown filter filters the record out.
 *
 * @example
 * const filter = exp.and(exp.ge(exp.bin.int('age'), 18), exp.gt(exp.lists.size(exp.bin.list('tags')), 3))
 * const record = await client.get(key, { filter })
 */
export declare const exp: {
  /** The value of a bin of a type: `exp.bin.int('age')`. @example exp.bin.string('city') */
  readonly bin: ByType<"string" | "map" | "list" | "bool" | "int" | "blob" | "float" | "geo" | "hll">;
  /** Whether a bin exists. @example exp.binExists('email') */
  readonly binExists: (name: string) => Exp<"bool">;
  /** The number of a bin's particle type, 0 when it does not exist. @example exp.eq(exp.binType('a'), 3) */
  readonly binType: (name: string) => Exp<"int">;
  /** The user key, when it is stored with the record: `exp.key.int()`. @example exp.key.string() */
  readonly key: {
    readonly int: () => Exp<"int">;
    readonly string: () => Exp<"string">;
    readonly blob: () => Exp<"blob">;
  };
  /** The record's digest modulo a number: for samples. @example exp.eq(exp.digestModulo(100), 0) */
  readonly digestModulo: (modulus: number) => Exp<"int">;
  /** An integer. @example exp.int(5) */
  readonly int: (value: number | bigint) => Exp<"int">;
  /** A float, whole ones too. @example exp.float(5) */
  readonly float: (value: number | Double) => Exp<"float">;
  /** Text. @example exp.string('Bonn') */
  readonly string: (value: string) => Exp<"string">;
  /** A boolean. @example exp.bool(true) */
  readonly bool: (value: boolean) => Exp<"bool">;
  /** Bytes. @example exp.blob(Buffer.of(1, 2)) */
  readonly blob: (value: Uint8Array) => Exp<"blob">;
  /** A list. @example exp.list([1, 2, 3]) */
  readonly list: (value: readonly Value[]) => Exp<"list">;
  /** A map. @example exp.map({ a: 1 }) */
  readonly map: (value: ReadonlyMap<unknown, Value> | {
    readonly [name: string]: Value;
  }) => Exp<"map">;
  /** A geometry. @example exp.geo(new GeoJSON({ type: 'Point', coordinates: [8.68, 50.11] })) */
  readonly geo: (value: GeoJSON) => Exp<"geo">;
  /** A HyperLogLog. @example exp.hllValue(sketch) */
  readonly hllValue: (value: HyperLogLog) => Exp<"hll">;
  /** Nothing: written to a bin with `allowDelete`, it removes the bin. @example exp.nil() */
  readonly nil: () => Exp<"nil">;
  /**
   * Unknown, of whatever type is wanted; as an answer of `cond` it makes the operation fail or be skipped.
   * @example exp.unknown<'int'>()
   */
  readonly unknown: <T extends Type>() => Exp<T>;
  /**
   * Whether text matches a POSIX regular expression.
   * @example exp.regex(exp.bin.string('name'), '^a.*z$', { extended: true })
   */
  readonly regex: (text: Operand<"string">, pattern: string, options?: RegexOptions) => Exp<"bool">;
  /** Whether a value is in a list; servers from 8.1.2 on. @example exp.inList(exp.bin.string('city'), ['Bonn', 'Rome']) */
  readonly inList: <T extends Type>(value: Operand<T>, list: Operand<"list">) => Exp<"bool">;
  /**
   * The value after the first test that is true, else the default.
   * @example exp.cond(exp.lt(exp.bin.int('age'), 18), 'minor', 'adult')
   */
  readonly cond: Cond;
  /**
   * Variables and an expression that uses them.
   * @example exp.let(exp.def('x', exp.bin.int('a')), exp.mul(exp.var('x', 'int'), exp.var('x', 'int')))
   */
  readonly let: Let;
  /** A variable for `exp.let`. @example exp.def('x', exp.bin.int('a')) */
  readonly def: <T extends Type>(name: string, value: Operand<T>) => Definition;
  /** The value of a variable, of the type it was defined with. @example exp.var('x', 'int') */
  readonly var: <T extends Type>(name: string, type?: T) => Exp<T>;
  /** The element that a step of a path is looking at; servers from 8.1 on. */
  readonly path: {
    /** The key of the element in its map. @example exp.path.key('string') */
    readonly key: <T extends Type>(type: T) => Exp<T>;
    /** The element. @example exp.gt(exp.path.value('int'), 10) */
    readonly value: <T extends Type>(type: T) => Exp<T>;
    /** The index of the element in its list. @example exp.eq(exp.path.index(), 0) */
    readonly index: () => Exp<"int">;
    /** As the result in `paths.modify`: removes the element. @example paths.modify('m', [ctx.all()], exp.path.remove()) */
    readonly remove: () => Exp<"nil">;
  };
  /**
   * An expression from the text of `toBase64`. What it results in is not checked: say it.
   * @example exp.fromBase64<'bool'>(text)
   */
  readonly fromBase64: <T extends Type = "bool">(text: string) => Exp<T>;
  /** The Base64 text of an expression. @example exp.toBase64(filter) */
  readonly toBase64: (expression: AnyExp) => string;
  readonly lists: ListCalls<"expression">;
  readonly maps: MapCalls<"expression">;
  readonly bits: BitCalls<"expression">;
  readonly hll: HllCalls<"expression">;
  readonly paths: PathCalls;
  readonly eq: <T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>) => Exp<"bool">;
  readonly ne: <T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>) => Exp<"bool">;
  readonly gt: <T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>) => Exp<"bool">;
  readonly ge: <T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>) => Exp<"bool">;
  readonly lt: <T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>) => Exp<"bool">;
  readonly le: <T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>) => Exp<"bool">;
  readonly geoCompare: (a: Operand<"geo">, b: Operand<"geo">) => Exp<"bool">;
  readonly and: (...all: Operand<"bool">[]) => Exp<"bool">;
  readonly or: (...conditions: Operand<"bool">[]) => Exp<"bool">;
  readonly not: (a: Operand<"bool">) => Exp<"bool">;
  readonly exclusive: (...conditions: Operand<"bool">[]) => Exp<"bool">;
  readonly add: <T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]) => Exp<T>;
  readonly sub: <T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]) => Exp<T>;
  readonly mul: <T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]) => Exp<T>;
  readonly div: <T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]) => Exp<T>;
  readonly pow: (base: Operand<"float">, exponent: Operand<"float">) => Exp<"float">;
  readonly log: (value: Operand<"float">, base: Operand<"float">) => Exp<"float">;
  readonly mod: (value: Operand<"int">, divisor: Operand<"int">) => Exp<"int">;
  readonly abs: <T extends Num>(value: Operand<T>) => Exp<T>;
  readonly floor: (value: Operand<"float">) => Exp<"float">;
  readonly ceil: (value: Operand<"float">) => Exp<"float">;
  readonly toInt: (value: AnyOperand<Num>) => Exp<"int">;
  readonly toFloat: (value: AnyOperand<Num>) => Exp<"float">;
  readonly intAnd: (...values: Operand<"int">[]) => Exp<"int">;
  readonly intOr: (...values: Operand<"int">[]) => Exp<"int">;
  readonly intXor: (...values: Operand<"int">[]) => Exp<"int">;
  readonly intNot: (value: Operand<"int">) => Exp<"int">;
  readonly intLshift: (value: Operand<"int">, count: Operand<"int">) => Exp<"int">;
  readonly intRshift: (value: Operand<"int">, count: Operand<"int">) => Exp<"int">;
  readonly intArshift: (value: Operand<"int">, count: Operand<"int">) => Exp<"int">;
  readonly intCount: (value: Operand<"int">) => Exp<"int">;
  readonly intLscan: (value: Operand<"int">, bit: Operand<"bool">) => Exp<"int">;
  readonly intRscan: (value: Operand<"int">, bit: Operand<"bool">) => Exp<"int">;
  readonly min: <T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]) => Exp<T>;
  readonly max: <T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]) => Exp<T>;
  readonly deviceSize: () => Exp<"int">;
  readonly memorySize: () => Exp<"int">;
  readonly recordSize: () => Exp<"int">;
  readonly lastUpdate: () => Exp<"int">;
  readonly sinceUpdate: () => Exp<"int">;
  readonly voidTime: () => Exp<"int">;
  readonly ttl: () => Exp<"int">;
  readonly setName: () => Exp<"string">;
  readonly keyExists: () => Exp<"bool">;
  readonly isTombstone: () => Exp<"bool">;
  readonly mapKeys: (map: Operand<"map">) => Exp<"list">;
  readonly mapValues: (map: Operand<"map">) => Exp<"list">;
};
/** The name that `range` had before. @deprecated Use `range`. */
export declare const filter: {
  /** Records whose bin equals an integer, text or bytes. @example range.equal('name', 'Alice') */
  readonly equal: <N extends string>(target: IndexTarget<N>, value: IndexValue, options?: RangeOptions) => Predicate<Named<N>>;
  /** Records whose bin holds an integer in a range, both ends included. @example range.between('age', 20, 30) */
  readonly between: <N extends string>(target: IndexTarget<N>, least: number | bigint, most: number | bigint, options?: RangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose list or map has a value: among the elements of a `list`, the `mapKeys` or the `mapValues`.
   * @example range.contains('tags', 'new', 'list')
   */
  readonly contains: <N extends string>(target: IndexTarget<N>, value: IndexValue, collection: IndexCollection, options?: RangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose list or map has an integer in a range, both ends included. A record with several
   * of them comes once as far as a server sees them at the same time, and else again.
   * @example range.containsBetween('scores', 90, 100, 'mapValues')
   */
  readonly containsBetween: <N extends string>(target: IndexTarget<N>, least: number | bigint, most: number | bigint, collection: IndexCollection, options?: RangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose point lies in a region: a GeoJSON `Polygon`, `MultiPolygon` or `AeroCircle`.
   * @example range.geoWithinRegion('place', { type: 'AeroCircle', coordinates: [[8.68, 50.11], 1000] })
   */
  readonly geoWithinRegion: <N extends string>(target: IndexTarget<N>, region: GeoJSON | string | object, options?: GeoRangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose point lies within a number of metres around a place.
   * @example range.geoWithinRadius('place', 8.68, 50.11, 1000)
   */
  readonly geoWithinRadius: <N extends string>(target: IndexTarget<N>, longitude: number, latitude: number, metres: number, options?: GeoRangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose region contains a point, given as GeoJSON or as longitude and latitude.
   * @example range.geoContainsPoint('area', 8.68, 50.11)
   */
  readonly geoContainsPoint: typeof geoContainsPoint;
};
/**
 * Operations on HyperLogLogs, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [hll.add('visitors', ['alice'], { indexBits: 12 }), hll.getCount('visitors')])
 */
export declare const hll: HllCalls<"operation">;
/**
 * Operations on lists, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [lists.append('tags', 'new'), lists.size('tags')])
 */
export declare const lists: ListOperations;
/**
 * Operations on maps, for `operate`, `operateOrdered` and `batchOperate`.
 *
 * @example
 * const { bins } = await client.operate(key, [maps.increment('counts', 'clicks'), maps.getByRank('counts', -1, { return: 'keyValue' })])
 */
export declare const maps: MapOperations;
/**
 * Operations on whole bins and records. They run in order on the server, all or none.
 *
 * @example
 * const { bins } = await client.operate(key, [op.increment('visits', 1), op.read('visits')])
 */
export declare const op: {
  /** Reads one bin. @example op.read('name') */
  readonly read: (name: string) => Operation;
  /** Reads all bins. Goes with writes that answer nothing, not with other reads. @example op.readAll() */
  readonly readAll: () => Operation;
  /** Reads generation and expiry only; they come with every answer, so it only matters alone. @example op.readMeta() */
  readonly readMeta: () => Operation;
  /** Writes one bin; `null` removes it. @example op.write('name', 'Alice') */
  readonly write: <T>(name: string, value: Storable<T> & T) => Operation;
  /**
   * Adds to a number; a missing bin counts as 0. Integers wrap at 64 bits. An integer cannot be added to a double:
   * use {@link Double} for doubles that are whole. @example op.increment('visits', 1)
   */
  readonly increment: (name: string, by?: number | bigint | Double) => Operation;
  /** Adds text or bytes at the end; a missing bin is created. @example op.append('log', 'x') */
  readonly append: (name: string, value: string | Uint8Array) => Operation;
  /** Adds text or bytes at the beginning; a missing bin is created. @example op.prepend('log', 'x') */
  readonly prepend: (name: string, value: string | Uint8Array) => Operation;
  /**
   * Answers the result of an expression under a name of your choice.
   * @example op.expRead('adult', exp.ge(exp.bin.int('age'), 18))
   */
  readonly expRead: (name: string, value: AnyExp, options?: ExpReadOptions) => Operation;
  /**
   * Writes the result of an expression into a bin.
   * @example op.expWrite('total', exp.mul(exp.bin.int('price'), exp.bin.int('count')), { evalNoFail: true })
   */
  readonly expWrite: (name: string, value: AnyExp, options?: ExpWriteOptions) => Operation;
  /** Renews the expiry of the record (option `ttl`) and raises its generation. @example op.touch() */
  readonly touch: () => Operation;
  /** Removes all bins; a later write in the same call gives the record new ones. @example op.deleteAll() */
  readonly deleteAll: () => Operation;
};
/**
 * Operations along a path, whose steps may be `ctx.all()` and `ctx.where(…)`. Servers from 8.1 on.
 *
 * @example
 * paths.select('orders', [ctx.mapKey('items'), ctx.where(exp.gt(exp.path.value('int'), 10))], { return: 'values' })
 */
export declare const paths: {
  /**
   * What a path leads to.
   * @example paths.select('order', [ctx.mapKey('items'), ctx.all(), ctx.mapKey('price')], { return: 'values' })
   */
  readonly select: (bin: string, path: Context, options?: PathSelectOptions) => Operation;
  /**
   * Replaces every element a path leads to by the result of an expression, in which `exp.path.value` is the element;
   * `exp.path.remove()` removes it. Answers nothing.
   * @example paths.modify('order', [ctx.mapKey('items'), ctx.all()], exp.mul(exp.path.value('int'), 2))
   */
  readonly modify: (bin: string, path: Context, change: AnyExp, options?: PathOptions) => Operation;
};
/**
 * Predicates of queries: ranges of a secondary index, the argument of `where`. Each needs an index of the right kind over what it names: a bin, or `{ index: name }` or
 * `{ expression }` in its place.
 *
 * @example
 * const adults = client.query('test', 'users').where(range.between('age', 18, 120))
 */
export declare const range: {
  /** Records whose bin equals an integer, text or bytes. @example range.equal('name', 'Alice') */
  readonly equal: <N extends string>(target: IndexTarget<N>, value: IndexValue, options?: RangeOptions) => Predicate<Named<N>>;
  /** Records whose bin holds an integer in a range, both ends included. @example range.between('age', 20, 30) */
  readonly between: <N extends string>(target: IndexTarget<N>, least: number | bigint, most: number | bigint, options?: RangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose list or map has a value: among the elements of a `list`, the `mapKeys` or the `mapValues`.
   * @example range.contains('tags', 'new', 'list')
   */
  readonly contains: <N extends string>(target: IndexTarget<N>, value: IndexValue, collection: IndexCollection, options?: RangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose list or map has an integer in a range, both ends included. A record with several
   * of them comes once as far as a server sees them at the same time, and else again.
   * @example range.containsBetween('scores', 90, 100, 'mapValues')
   */
  readonly containsBetween: <N extends string>(target: IndexTarget<N>, least: number | bigint, most: number | bigint, collection: IndexCollection, options?: RangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose point lies in a region: a GeoJSON `Polygon`, `MultiPolygon` or `AeroCircle`.
   * @example range.geoWithinRegion('place', { type: 'AeroCircle', coordinates: [[8.68, 50.11], 1000] })
   */
  readonly geoWithinRegion: <N extends string>(target: IndexTarget<N>, region: GeoJSON | string | object, options?: GeoRangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose point lies within a number of metres around a place.
   * @example range.geoWithinRadius('place', 8.68, 50.11, 1000)
   */
  readonly geoWithinRadius: <N extends string>(target: IndexTarget<N>, longitude: number, latitude: number, metres: number, options?: GeoRangeOptions) => Predicate<Named<N>>;
  /**
   * Records whose region contains a point, given as GeoJSON or as longitude and latitude.
   * @example range.geoContainsPoint('area', 8.68, 50.11)
   */
  readonly geoContainsPoint: typeof geoContainsPoint;
};
/**
 * Connects to a cluster. Resolves when its nodes and partitions are known; never blocks the event loop.
 *
 * @param options a URL, hosts to start from, or all options. Without hosts, `AEROSPIKE_URL` or `AEROSPIKE_HOSTS` of the
 *   environment name them
 * @throws InvalidArgumentError for options that do not exist or make no sense
 * @throws ClusterError, ConnectionError, TimeoutError when no host answers in time
 * @example
 * const client = await connect('127.0.0.1:3000')
 * await using other = await connect({ hosts: ['10.0.0.1', '10.0.0.2'], defaults: { read: { totalTimeout: 50 } } })
 * const third = await connect('aerospike://user:secret@10.0.0.1:3000,10.0.0.2/?tls=true&maxInFlight=1000')
 */
export declare function connect<I extends Integers = "auto">(options?: string | readonly string[] | ConnectOptions<I>): Promise<Client<IntegersOf<I>>>;
/**
 * A set of records and their type. Nothing is sent: it is a name that keys and conditions are made with. Bins that cannot
 * hold what `B` says (a `Date`, a `Set`) need a codec; names of bins that are too long for a server do not compile.
 *
 * @example
 * const users = dataSet<User>('test', 'users')
 * const { bins } = await client.get(users.id('user-1'))
 */
export declare function dataSet<B extends object = Bins>(namespace: ShortNames<keyof B, string>, set: string, ...options: OptionsArgument<B>): DataSet<B>;
/**
 * A set of records whose type is inferred from a schema. What is written is validated before it is sent.
 *
 * @example
 * const orders = dataSet('test', 'orders', { schema: z.object({ id: z.string(), total: z.number() }), id: 'id' })
 */
export declare function dataSet<S extends StandardSchema<object>>(namespace: ShortNames<keyof InferSchema<S>, string>, set: string, options: {
  readonly schema: S;
} & DataSetOptions<InferSchema<S> & object>): DataSet<InferSchema<S> & object>;
/**
 * The 20-byte digest (RIPEMD-160 of set and user key) that the cluster knows the record by. The namespace does not
 * count. A digest-only key gives its own.
 *
 * @throws InvalidArgumentError when the key is malformed
 * @example
 * digest(['test', 'demo', 1]).toString('hex') // 'b7f4b83889e2da67de683e1df6919a1eacc446c8'
 */
export declare function digest(key: Key): Buffer;
/**
 * The partition of a record, 0 to 4,095.
 *
 * @throws InvalidArgumentError when the key is malformed
 * @example
 * partition(['test', 'demo', 1]) // 1207
 */
export declare function partition(key: Key): number;
/**
 * A condition as text, as an expression: for the option `filter` and the method `where`. `${…}` gives values (or
 * expressions), never text. The guide to conditions has the whole grammar.
 *
 * Paths: `$.bin`, `$.bin.key`, `$.bin[0]`, `$.bin.'odd key'[-1]`, and selections `$.list[#-3:]`, `$.map{@a,b}`. Their types
 * come from what they are compared with; where nothing tells, say it: `$.a.int() > $.b.int()`. Functions: `.count()`,
 * `.exists()`, `.type()`, `.get(return: INDEX)`; of the record `$.ttl()`, `$.lastUpdate()` and others. Whole numbers are
 * integers, numbers with a point floats. `and`, `or`, `not`, `in`, `=~` (POSIX extended), `+ - * / % **`, `& | ^ ~ << >>`,
 * `let (x = …) then (…)`, `when (… => …, default => …)`.
 *
 * @throws InvalidArgumentError that points at the character where the text is wrong
 * @example
 * const filter = where`$.age >= ${min} and ($.tags.count() < 5 or $.address.city in ['Bonn', 'Rome'])`
 */
export declare function where(text: TemplateStringsArray, ...values: (Value | AnyExp)[]): Exp<"bool">;
/** Commands that can be had with other defaults. */
export interface Adaptable {
  with(options: {
    readonly codecs: Codecs;
    readonly defaults: Defaults;
  }): Calls;
}
/** Options of `aggregate`. */
export interface AggregateOptions extends Pick<QueryOptions, "totalTimeout" | "socketTimeout" | "maxRetries" | "sleepBetweenRetries" | "integers" | "maps" | "doubles" | "concurrency" | "signal"> {
  /** The text of the module, when it is at hand; it must be what the servers have. Default: fetched from the cluster. */
  readonly source?: string | undefined;
}
/** A codec of whatever values. */
export interface AnyCodec {
  encode(value: never): Value;
  decode(stored: never): unknown;
}
/** The bins of a row that called a function: what it returned. */
export interface Applied<T = Value> {
  SUCCESS: T;
}
/** What `apply` takes. Whether the record exists and which generation it has is for the function to judge. */
export interface ApplyOptions extends CallOptions, Pick<WriteOptions, "ttl" | "expiresAt" | "durableDelete" | "commit" | "idempotent"> {
}
/** A row of `batchApply`: what it does not say is as the call has it. */
export interface ApplyRow extends ApplyRowOptions {
  readonly key: Key;
  readonly module?: string | undefined;
  readonly function?: string | undefined;
  readonly args?: readonly Value[] | undefined;
}
/** What a row of a batch that calls a function may say for itself. */
export interface ApplyRowOptions extends Pick<ApplyOptions, "ttl" | "expiresAt" | "durableDelete" | "commit" | "filter" | "integers" | "maps" | "doubles" | "deserialize"> {
  /** What option `key: 'send'` says for a whole call; in a row, `key` is the key. */
  readonly sendKey?: boolean | undefined;
}
/** One earlier attempt of a call that failed. */
export interface AttemptError {
  /** Result code of the attempt; negative codes come from the client. */
  readonly code: number;
  /** Which attempt it was, counted from 1. */
  readonly attempt: number;
  /** The node it went to, or `undefined` when none was reached. */
  readonly node: string | undefined;
  /** What went wrong, in words. */
  readonly message: string;
  /** Whether a write may have happened all the same. */
  readonly inDoubt: boolean;
  /** Milliseconds from the beginning of the attempt to its end, without the pause before it; 0 where that is not known. */
  readonly elapsed: number;
}
/** What a background task does with a bin. */
export interface BackgroundBin<V, S> {
  /** Writes the bin: a value, or what an expression gives. */
  setTo(value: V | ExpOf<V>): S;
  /** Removes the bin. */
  remove(): S;
  /** Adds to a number. */
  add: [
    V
  ] extends [
    number | bigint | Double
  ] ? (by: number | bigint | Double) => S : Value extends V ? (by: number) => S : never;
}
/** Options of `batchApply`. */
export interface BatchApplyOptions extends ApplyOptions, BatchLimits {
}
/**
 * The commands on many records: a row for each key whatever happens, and one message for each node; two for one that is to
 * get 500 rows or more and has no other batch, which then works on them side by side.
 */
export interface BatchCommands<I extends ReadIntegers = "auto"> {
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
  batch<B extends object = Bins, R extends MixedRow = MixedRow>(rows: readonly StorableRow<R>[], options?: BatchOptions): Promise<BatchRecords<ReadAs<B, I>>>;
  /**
   * Reads many records. `bins` of the options, or of a row, says what to read: `undefined` everything, `[]` nothing but
   * existence, `'profile.address.city'` or `'tags[0]'` a part of a bin (see `select`). Rows come back in the order of the keys, one for each key; a row that failed says why.
   *
   * @throws BatchPartialError when not a single row was processed; with `onPartial: 'throw'` when any row failed or was not, with `'return'` never
   * @example
   * const batch = await client.batchRead<User>(keys, { bins: ['name', 'age'] })
   * for (const { key, record } of batch) console.log(key[2], record?.bins.name)
   */
  batchRead<B extends object = Bins>(keys: readonly (Key | ReadRow<never> | UnprocessedRow<"read">)[], options?: BatchReadOptions<never>): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<"read">>>;
  batchRead(keys: readonly (Key | ReadRow)[], options?: BatchReadOptions): Promise<BatchRecords<Bins, UnprocessedRow<"read">>>;
  batchRead<B extends object>(keys: readonly (Key | ReadRow<BinNames<B>> | UnprocessedRow<"read">)[], options?: BatchReadOptions<BinNames<B>>): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<"read">>>;
  batchRead<B extends object, N extends BinPaths<B>>(keys: readonly (Key | ReadRow<N> | UnprocessedRow<"read">)[], options: BatchReadOptions<N> & {
    readonly bins: readonly N[];
  }): Promise<BatchRecords<ReadAs<Projected<B, N>, I>, UnprocessedRow<"read">>>;
  /**
   * Writes many records, each row with its own bins (or operations), TTL and conditions.
   *
   * @example
   * const batch = await client.batchWrite(users.map((user) => ({ key: ['test', 'users', user.id], bins: user, ttl: 3600 })))
   * batch.throwIfFailed()
   */
  batchWrite<B extends object>(rows: readonly (WriteRow<B> & {
    readonly bins?: Storable<B> | undefined;
  })[], options?: BatchWriteOptions): Promise<BatchRecords<Bins, UnprocessedRow<"write">>>;
  /**
   * Runs the same operations on many records; a row's `bins` are what they answered.
   *
   * @example
   * const batch = await client.batchOperate<{ views: number }>(keys, [op.increment('views', 1), op.read('views')])
   */
  batchOperate<B extends object = Bins>(keys: readonly (Key | OperateRow)[], operations?: readonly Operation[], options?: BatchWriteOptions): Promise<BatchRecords<ReadAs<B, I>, UnprocessedRow<"operate">>>;
  /**
   * Removes many records. A row whose record does not exist is `notFound`.
   *
   * @example
   * const { missing } = await client.batchRemove(keys)
   */
  batchRemove(keys: readonly (Key | RemoveRow)[], options?: BatchRemoveOptions): Promise<BatchRecords<Bins, UnprocessedRow<"remove">>>;
  /**
   * Calls a function of a registered module on many records. A row's `record.bins.SUCCESS` is what the function returned; a
   * row whose function failed is an `error`, a `UdfError` with the line and what Lua said. Rows may have arguments of
   * their own.
   *
   * @example
   * const batch = await client.batchApply<number>(keys, 'counters', 'add', ['visits', 1])
   * for (const { key, record, error } of batch) console.log(key[2], record?.bins.SUCCESS ?? error)
   */
  batchApply<T = Value>(keys: readonly (Key | ApplyRow)[], module: string, name: string, args?: readonly Value[], options?: BatchApplyOptions): Promise<BatchRecords<Applied<T> & object, UnprocessedRow<"apply">>>;
  /**
   * Reads many records as the classic clients do: one record for each key in the order of the keys. What does not exist, or
   * is left out by a filter, has its key, and `null` for `meta` and `bins`.
   *
   * @throws BatchPartialError when any row failed or was not processed: `null` always means missing
   * @example
   * for (const [key, meta, bins] of await client.getMany<User>(keys)) console.log(key[2], meta?.gen, bins?.name)
   */
  getMany<B extends object = Bins>(keys: readonly Key[], options?: BatchReadOptions<never>): Promise<MaybeRecord<ReadAs<B, I>>[]>;
  getMany(keys: readonly Key[], options?: BatchReadOptions): Promise<MaybeRecord<Bins>[]>;
  getMany<B extends object>(keys: readonly Key[], options?: BatchReadOptions<BinNames<B>>): Promise<MaybeRecord<ReadAs<B, I>>[]>;
  /**
   * Tells of many records whether they exist: `[key, meta]` for each key, with `meta` `null` when it does not.
   *
   * @throws BatchPartialError when any row failed or was not processed
   * @example
   * const there = (await client.existsMany(keys)).filter(([, meta]) => meta !== null)
   */
  existsMany(keys: readonly Key[], options?: BatchReadOptions): Promise<ExistsResult[]>;
  /**
   * Reads some bins of many records, or parts of them as `select` does. What does not exist is as in `getMany`.
   *
   * @throws BatchPartialError when any row failed or was not processed
   * @example
   * const names = await client.selectMany<User, 'name'>(keys, ['name'])
   */
  selectMany(keys: readonly Key[], bins: readonly string[], options?: BatchReadOptions): Promise<MaybeRecord<Bins>[]>;
  selectMany<B extends object>(keys: readonly Key[], bins: readonly WholeBins<B>[], options?: BatchReadOptions): Promise<MaybeRecord<ReadAs<Partial<B>, I>>[]>;
  selectMany<B extends object, N extends WholeBins<B>>(keys: readonly Key[], bins: readonly N[], options?: BatchReadOptions): Promise<MaybeRecord<ReadAs<Pick<B, N>, I>>[]>;
  selectMany<B extends object>(keys: readonly Key[], bins: readonly BinPaths<B>[], options?: BatchReadOptions): Promise<MaybeRecord<ReadAs<Parts<B>, I>>[]>;
  selectMany<B extends object, N extends BinPaths<B>>(keys: readonly Key[], bins: readonly N[], options?: BatchReadOptions): Promise<MaybeRecord<ReadAs<Projected<B, N>, I>>[]>;
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
  batchStream<B extends object = Bins, R extends MixedRow = MixedRow>(rows: Iterable<StorableRow<R>> | AsyncIterable<StorableRow<R>>, options?: BatchStreamOptions): BatchStream<ReadAs<B, I>>;
}
/** What a batch cost. */
export interface BatchCost {
  /** Rows asked for. */
  readonly keys: number;
  /** Rows with a record. */
  readonly found: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly roundTrips: number;
  readonly retries: number;
  /** Milliseconds until the last answer. */
  readonly elapsed: number;
  /** The same for each node. */
  readonly nodes: readonly NodeReport[];
}
/** What batches take in addition. */
export interface BatchLimits {
  /** Run rows in the server's network thread when the data is in memory. Default true. */
  readonly inlineMemory?: boolean | undefined;
  /** The same for data on flash. Default false. */
  readonly inlineFlash?: boolean | undefined;
  /**
   * Most bytes of one part of the call, about; a call with more goes out in parts. A row that is larger by itself goes
   * alone. Default 0: no limit but the protocol's.
   */
  readonly maxRequestBytes?: number | undefined;
  /**
   * Most parts of the call under way at once, 1 to 1,024; with `maxKeysPerRequest`, a part has at most so many rows. Large
   * calls go out in parts in any case, and parts that write one record twice follow one another. Default 0: as it seems
   * best.
   */
  readonly concurrency?: number | undefined;
  /** Most rows in one request to a node; more are split. Default 0: no limit. */
  readonly maxKeysPerRequest?: number | undefined;
  /** Most bytes of answers taken in; rows beyond are `unprocessed`. Default 0: no limit. */
  readonly maxResponseBytes?: number | undefined;
  /**
   * What happens when rows failed or could not be processed: `'return'` what there is, or `'throw'` a `BatchPartialError` that
   * carries it. Default: return what there is, and throw when not a single row was processed.
   */
  readonly onPartial?: "return" | "throw" | undefined;
}
/** Options of `batch`: what is said here holds for every row that does not say otherwise. */
export interface BatchOptions extends Omit<ReadOptions, "hedge">, WriteOptions, BatchLimits {
}
/** Options of `batchRead`. `N` is what may be read: names of bins, and paths into them. */
export interface BatchReadOptions<N extends string = string> extends ReadOptions, BatchLimits {
  /** Bins to read for rows that do not say so themselves: `undefined` all, `[]` none (existence only). */
  readonly bins?: readonly N[] | undefined;
}
/** Options of `batchRemove`. */
export interface BatchRemoveOptions extends RemoveOptions, BatchLimits {
}
/** Options of `batchStream`; timeouts and limits are those of each chunk. */
export interface BatchStreamOptions extends Omit<BatchOptions, "onPartial"> {
  /** Bins to read for keys that do not say so themselves: `undefined` all, `[]` none (existence only). */
  readonly bins?: readonly string[] | undefined;
  /** Most rows in one batch. Default 1,000. */
  readonly chunk?: number | undefined;
  /** Most batches under way, or answered and not yet consumed. Default 4. */
  readonly inFlight?: number | undefined;
  /**
   * How the rows of a batch that were not processed are sent again before they are handed out: as `batch.retry()` does, up to
   * 3 more times within 10,000 ms. `false` hands them out at once.
   */
  readonly retry?: RetryOptions | false | undefined;
  /** Called after each batch. What it throws ends the stream. */
  readonly progress?: ((progress: StreamProgress) => void) | undefined;
  /** The `cursor` of an earlier stream over the same rows: those it delivered are left out. */
  readonly cursor?: string | undefined;
}
/** Options of `batchWrite` and `batchOperate`: what is said here holds for every row that does not say otherwise. */
export interface BatchWriteOptions extends Omit<ReadOptions, "hedge">, WriteOptions, BatchLimits {
}
/** Options of `beginTransaction`. */
export interface BeginOptions {
  /**
   * Seconds until the server ends the transaction if it was not committed, 1 to 120; they count from its first write.
   * Default: as the server is configured (`mrt-duration`), 10 normally.
   */
  readonly timeout?: number | undefined;
}
/** Options of `Behavior.fromFile`. */
export interface BehaviorFileOptions {
  /** What the file's behavior is derived from. Default: its `parent`, the name of a preset; without one `DEFAULT`. */
  readonly parent?: Behavior | undefined;
  /** Whether changes of the file are followed. Default true. */
  readonly watch?: boolean | undefined;
  /** Called when the file was changed and its options are in use. */
  readonly onChange?: ((behavior: FileBehavior) => void) | undefined;
  /** Called when the file was changed into something that is no behavior: what was said before stays in use. */
  readonly onError?: ((error: Error) => void) | undefined;
}
/** The options of a behavior: what is said of a group holds for what is in it, unless that says otherwise. */
export interface BehaviorOptions {
  /** For every call that takes them. */
  readonly all?: CallSettings | undefined;
  readonly reads?: (ReadSettings & {
    readonly point?: ReadSettings | undefined;
    readonly batch?: (ReadSettings & BatchSettings) | undefined;
    readonly query?: QuerySettings | undefined;
  }) | undefined;
  readonly writes?: (WriteSettings & {
    /** For writes that may be repeated without harm, by what they do. */
    readonly retryable?: WriteSettings | undefined;
    /** For all others: those that add, append, insert or call a function. */
    readonly nonRetryable?: WriteSettings | undefined;
  }) | undefined;
  readonly background?: BackgroundSettings | undefined;
  readonly transaction?: TransactionSettings | undefined;
}
/** The bins of a record when nothing more is known about them: values by bin name. */
export interface Bins {
  [name: string]: Value;
}
/** Options of `bits.add` and `bits.subtract`. */
export interface BitArithmeticOptions extends BitWriteOptions {
  /** The bits are a signed number. Default false. */
  readonly signed?: boolean | undefined;
  /** What happens when the result does not fit: `fail` (default), `saturate` or `wrap`. */
  readonly overflow?: "fail" | "saturate" | "wrap" | undefined;
}
/**
 * What can be done with the bits of bytes, as operations on a bin (`bits`) and as expressions (`exp.bits`). Bit 0 is the most
 * significant bit of the first byte; negative offsets count from the end. Writes give nothing; in expressions the changed bytes.
 */
export interface BitCalls<S extends Style> {
  /** Makes the bytes `size` long; a missing bin is created. @example bits.resize('flags', 8, { resize: 'growOnly' }) */
  resize: Changes<S, [
    size: Int<S>
  ], BitResizeOptions>;
  /** Inserts bytes before a byte. @example bits.insert('flags', 1, Buffer.of(0xff)) */
  insert: Changes<S, [
    offset: Int<S>,
    inserted: Bytes<S>
  ]>;
  /** Removes `size` bytes from a byte on. @example bits.remove('flags', 0, 2) */
  remove: Changes<S, [
    offset: Int<S>,
    size: Int<S>
  ]>;
  /** Overwrites `size` bits from a bit on. @example bits.set('flags', 13, 3, Buffer.of(0xe0)) */
  set: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    value: Bytes<S>
  ]>;
  /** Overwrites `size` bits, at most 64, with an integer. @example bits.setInt('flags', 8, 16, 1000) */
  setInt: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    value: Int<S>
  ]>;
  /** Combines bits by OR. @example bits.or('flags', 0, 8, Buffer.of(0x80)) */
  or: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    value: Bytes<S>
  ]>;
  /** Combines bits by exclusive OR. @example bits.xor('flags', 0, 8, Buffer.of(0x80)) */
  xor: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    value: Bytes<S>
  ]>;
  /** Combines bits by AND. @example bits.and('flags', 0, 8, Buffer.of(0x7f)) */
  and: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    value: Bytes<S>
  ]>;
  /** Turns bits around. @example bits.not('flags', 0, 8) */
  not: Changes<S, [
    offset: Int<S>,
    size: Int<S>
  ]>;
  /** Shifts bits to the left. @example bits.lshift('flags', 0, 16, 1) */
  lshift: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    shift: Int<S>
  ]>;
  /** Shifts bits to the right. @example bits.rshift('flags', 0, 16, 1) */
  rshift: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    shift: Int<S>
  ]>;
  /** Adds to the integer that `size` bits are. @example bits.add('flags', 8, 16, 1, { overflow: 'wrap' }) */
  add: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    value: Int<S>
  ], BitArithmeticOptions>;
  /** Subtracts from the integer that `size` bits are. @example bits.subtract('flags', 8, 16, 1, { overflow: 'saturate' }) */
  subtract: Changes<S, [
    offset: Int<S>,
    size: Int<S>,
    value: Int<S>
  ], BitArithmeticOptions>;
  /** `size` bits from a bit on, as bytes aligned to the left. @example bits.get('flags', 9, 5) */
  get: Reads$1<S, "blob", [
    offset: Int<S>,
    size: Int<S>
  ]>;
  /** How many of `size` bits are set. @example bits.count('flags', 0, 64) */
  count: Reads$1<S, "int", [
    offset: Int<S>,
    size: Int<S>
  ]>;
  /** Where the first bit of a value is, from the left; -1 when there is none. @example bits.lscan('flags', 0, 64, true) */
  lscan: Reads$1<S, "int", [
    offset: Int<S>,
    size: Int<S>,
    value: Bool<S>
  ]>;
  /** Where the first bit of a value is, from the right; -1 when there is none. @example bits.rscan('flags', 0, 64, true) */
  rscan: Reads$1<S, "int", [
    offset: Int<S>,
    size: Int<S>,
    value: Bool<S>
  ]>;
  /** The integer that `size` bits, at most 64, are. @example bits.getInt('flags', 8, 16, { signed: true }) */
  getInt: Reads$1<S, "int", [
    offset: Int<S>,
    size: Int<S>
  ], WholeBinOptions & {
    readonly signed?: boolean | undefined;
  }>;
}
/** Options of `bits.resize`. */
export interface BitResizeOptions extends BitWriteOptions {
  /** Add or remove bytes at the front. Default false: at the end. */
  readonly fromFront?: boolean | undefined;
  /** Fail rather than shrink (`growOnly`) or grow (`shrinkOnly`). Default `any`. */
  readonly resize?: "any" | "growOnly" | "shrinkOnly" | undefined;
}
/** Options of bit writes. */
export interface BitWriteOptions extends WholeBinWriteOptions {
  /** With `noFail`: work on the bits that are there when some are beyond the end. Default false. */
  readonly partial?: boolean | undefined;
}
/** Published on `aerospike-napi:breaker`: `opened` when a node failed too often and is left alone until the next window. */
export interface BreakerMessage {
  readonly event: "opened" | "closed";
  readonly node: string;
  readonly time: number;
}
export interface BytesBin<S, N extends string, W extends boolean> {
  /** The operations of `bits`, on these bytes. */
  readonly bits: BitsOf<S, N, W>;
}
/** What every call takes. */
export interface CallOptions {
  /** Milliseconds the whole call may take, retries included. Default 1,000; 0 is no limit. */
  readonly totalTimeout?: number | undefined;
  /** Milliseconds without a byte on the connection before an attempt is given up. Default 30,000, never more than `totalTimeout`. */
  readonly socketTimeout?: number | undefined;
  /** How often a failed attempt is repeated inside `totalTimeout`. Default 2 for reads, 0 for writes. */
  readonly maxRetries?: number | undefined;
  /** Milliseconds between retries. Default 0. */
  readonly sleepBetweenRetries?: number | undefined;
  /**
   * Which copy of the record is asked: `sequence` the master first and the replicas when it fails (default), `master` only
   * the master, `any` by turns, `preferRack` a copy on the racks of `connect({ rackIds })`.
   */
  readonly replica?: "sequence" | "master" | "any" | "preferRack" | undefined;
  /** `send` sends the user key along; on a write it is stored with the record, on a read it is compared. Default `digest`: only its hash. */
  readonly key?: "digest" | "send" | undefined;
  /**
   * Leaves alone, as if it were not there, a record for which this expression is not true: a single call fails with
   * `FilteredError`, a row of a batch is `filtered`, which is a failure if the row was to write or remove. A write that creates a record is not held up.
   */
  readonly filter?: Exp<"bool"> | undefined;
  /** Cancels the call: it settles at once with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Makes the call part of this transaction, as if it were called on it: `client.get(key, { transaction: tx })` is
   * `tx.get(key)`. `durableDelete` and `onPartial: 'throw'` are the defaults then.
   */
  readonly transaction?: TransactionOption | undefined;
  /**
   * How integers are read: `auto` numbers, and bigints outside the safe range (default); `bigint` always bigints; `number`
   * always numbers, failing rather than losing a digit.
   */
  readonly integers?: "auto" | "bigint" | "number" | undefined;
  /**
   * How maps are read: `auto` plain objects, and `Map`s when a key is not a string or when the order counts, as with
   * `return: 'keyValue'` (default); `map` always `Map`s; `object`
   * always objects, integer keys as text, failing rather than merging two entries.
   */
  readonly maps?: "auto" | "map" | "object" | undefined;
  /** How doubles are read: `auto` integer-valued ones as `Double`, so that they stay doubles when written back (default); `number` all as numbers. */
  readonly doubles?: "auto" | "number" | undefined;
  /**
   * `false` leaves bins that are lists or maps as a {@link RawCollection}: bytes that can be written to another bin without having
   * been decoded. Default `true`.
   */
  readonly deserialize?: boolean | undefined;
}
/** Options of `users.changePassword`. */
export interface ChangePasswordOptions extends AdminOptions {
  /** The password until now. Default: the one that this client logged in with. */
  readonly oldPassword?: string | undefined;
}
/** A plan with the predicate that carries it out. */
export interface Choice {
  readonly plan: QueryPlan;
  readonly predicate: Predicate | undefined;
  /** How many parts of the condition an index could be asked for. */
  readonly demands: number;
}
/** The events of a client, with what their listeners get. */
export interface ClientEvents {
  /** A node was found: a new one, or one that is back. */
  nodeAdded: [
    node: Node
  ];
  /** A node is not asked any more: it left the cluster, or did not answer for too long. */
  nodeRemoved: [
    node: Node
  ];
  /**
   * Other nodes list a node that cannot be reached at any address it announces, as happens with containers and address
   * translation: `useAlternateServices` or `addressMap` may lead to it. Who begins to listen hears of those known already.
   */
  nodeUnreachable: [
    node: UnreachableNode
  ];
  /** The configuration file was changed, and what it says is in use. */
  configChanged: [
    change: ConfigChange
  ];
  /** The configuration file cannot be read or makes no sense: what held before still holds. */
  configFailed: [
    error: AerospikeError
  ];
  /** There are nodes again after `disconnected`. */
  connected: [
  ];
  /** The last node is gone. The client keeps trying the hosts it was made with. */
  disconnected: [
  ];
}
/**
 * Options of a client that are not of its connections: clients on the same connections may differ in them
 * (`client.with`).
 */
export interface ClientOptions<I extends Integers = Integers> {
  /**
   * Merges the `get`, `select` and `exists` calls of one tick into batch messages, one for each node. Each call settles as
   * it would have alone; a slow node holds up its own reads only. A read alone in its tick goes alone. For programs that make many reads at once; default false.
   */
  readonly coalesceReads?: boolean | undefined;
  /**
   * How bins are kept that are not kept as they are, by the name of the bin, in all sets: `put`, `batchWrite`, `get`, `select`,
   * batches and queries of records translate. Operations, expressions and filters see what is stored; sessions have the codecs
   * of their sets instead.
   */
  readonly codecs?: Codecs | undefined;
  /** Defaults for the options of calls. */
  readonly defaults?: Defaults<I> | undefined;
}
/** Options of `close`. */
export interface CloseOptions {
  /** Milliseconds that calls under way may still take. Default 1,000; 30,000 with `drain`. */
  readonly timeout?: number | undefined;
  /**
   * Waits for all that is under way, and for queries that are being read, as long as their own limits let them take, but no
   * longer than `timeout`: for a shutdown that loses nothing. Default false.
   */
  readonly drain?: boolean | undefined;
}
/** The commands on the cluster as a whole. */
export interface ClusterCommands {
  /** The modules of user-defined functions. */
  readonly udf: UdfAdmin;
  /**
   * Sends an info command to every node (or to one) and gives each node's answer as it came, refusals included.
   *
   * @throws NodeNotFoundError when there is no node of that name
   * @example
   * const answers = await client.info('namespaces')
   * answers.get('A1') // 'test;bar'
   */
  info(command: string, options?: NodeInfoOptions): Promise<Map<string, string>>;
  /** Sends an info command to every node: `info` without its choice of a node. @example await client.infoAll('build') */
  infoAll(command: string, options?: InfoOptions): Promise<Map<string, string>>;
  /**
   * Sends an info command to one node and gives its answer as it came.
   *
   * @throws NodeNotFoundError when there is no node of that name
   * @example await client.infoNode('A1', 'statistics')
   */
  infoNode(node: string, command: string, options?: InfoOptions): Promise<string>;
  /**
   * Sends an info command to any node that can be reached and gives its answer as it came. With several nodes it may be sent
   * to more than one, should the first not be reachable.
   *
   * @example await client.infoRandom('edition')
   */
  infoRandom(command: string, options?: InfoOptions): Promise<string>;
  /** What each node counts and says of itself, by its name. @example (await client.statistics()).get('A1')?.uptime */
  statistics(options?: InfoOptions): Promise<Map<string, Statistics>>;
  /**
   * The namespaces of the cluster with what is in them, over all nodes.
   *
   * @example
   * for (const { name, objects, dataBytes } of await client.namespaces()) console.log(name, objects, dataBytes)
   */
  namespaces(options?: InfoOptions): Promise<NamespaceInfo[]>;
  /**
   * The sets of a namespace with what is in them, over all nodes. A set is listed from its first record on, also when it is
   * empty again.
   *
   * @throws NamespaceNotFoundError when there is no such namespace
   * @example
   * const users = (await client.sets('test')).find((set) => set.name === 'users')
   */
  sets(namespace: string, options?: InfoOptions): Promise<SetInfo[]>;
  /**
   * How long operations took lately at each node, by its name. What had no operations is left out, and a server begins to
   * count with the first of a kind.
   *
   * @example
   * for (const [node, latencies] of await client.latencies()) {
   *   for (const { name, perSecond, over } of latencies) console.log(node, name, perSecond, `${over.get(1)}% over 1 ms`)
   * }
   */
  latencies(options?: InfoOptions): Promise<Map<string, Latency[]>>;
  /**
   * Creates a secondary index and resolves when the cluster has accepted it; `ready` of the result waits until every node has
   * built it. An index that exists already with this name and definition is fine; one with this definition under another
   * name takes the new name.
   *
   * @throws IndexExistsError when the name belongs to an index with another definition
   * @throws IndexLimitError when the namespace has as many indexes as it can have
   * @throws NamespaceNotFoundError when there is no such namespace
   * @example
   * const job = await client.createIndex({ namespace: 'test', set: 'users', bin: 'age', name: 'users_age', type: 'numeric' })
   * await job.ready()
   */
  createIndex(index: IndexDefinition, options?: InfoOptions): Promise<IndexJob>;
  /**
   * Removes a secondary index and resolves when no node has it any more. One that is not there is no error.
   *
   * @example await client.dropIndex('test', 'users_age')
   */
  dropIndex(namespace: string, name: string, options?: InfoOptions): Promise<void>;
  /**
   * The secondary indexes of a namespace.
   *
   * @throws NamespaceNotFoundError when there is no such namespace
   * @example
   * for (const { name, bin, statistics } of await client.listIndexes('test', { statistics: true })) {
   *   console.log(name, bin, statistics?.entries)
   * }
   */
  listIndexes(namespace: string, options?: ListIndexesOptions): Promise<IndexInfo[]>;
  /**
   * What an index holds, over all nodes.
   *
   * @throws IndexNotFoundError when there is no such index
   * @example const { entries, loaded } = await client.indexStatistics('test', 'users_age')
   */
  indexStatistics(namespace: string, name: string, options?: InfoOptions): Promise<IndexStatistics>;
  /**
   * Removes all records of a set, or of a namespace, at once: those that were last written before now, or before option
   * `before`. The servers do it in the background: for a moment after this resolves, some can still be read. Records written
   * afterwards stay.
   *
   * @param set the set; `null`, or nothing at all, is the whole namespace. `undefined` is refused: it is more likely a mistake
   * @throws InvalidRequestError when `before` is in the future
   * @throws NamespaceNotFoundError when there is no such namespace
   * @example
   * await client.truncate('test', 'sessions', { before: new Date(Date.now() - 86_400_000) })
   */
  truncate(namespace: string, ...what: [
    set?: string | null,
    options?: TruncateOptions
  ]): Promise<void>;
}
/**
 * Both ways between `T`, a value of the application, and `S`, what is stored. A bin without a value is left alone: codecs
 * never see `null` or `undefined`.
 *
 * @example
 * const upper: Codec<string, string> = { encode: (text) => text.toUpperCase(), decode: (text) => text.toLowerCase() }
 */
export interface Codec<T, S extends Value = Value> {
  encode(value: T): S;
  decode(stored: S): T;
}
/** Codecs by the name of the bin. */
export interface Codecs {
  readonly [bin: string]: AnyCodec;
}
/** A bin of all rows of a batch. */
export interface Column<T> {
  /** One value for each row, in the order of the rows; 0, or `null` for text, where a row has none. */
  readonly values: T;
  /** One bit for each row, lowest first: 1 when the row has a value. The layout of Arrow's validity bitmaps. */
  readonly valid: Uint8Array;
  /** Rows. */
  readonly length: number;
  /** Rows without a value: without a record, or without the bin. */
  readonly nulls: number;
  /** Numbers of a row in `values`: 1, or the length of the vectors. */
  readonly dimensions: number;
  /** Whether a row has a value. */
  has(index: number): boolean;
}
/** Options of a column. */
export interface ColumnOptions {
  /** Numbers in a vector, for `Float32Array`. Default: as many as the first row with a value has. */
  readonly dimensions?: number | undefined;
}
/**
 * What is published for a call: one object from its start to its end, which gains facts on the way. `start` has the first group,
 * `asyncEnd`, which ends it, and `error` before that, have all that is known.
 */
export interface CommandMessage {
  /** The method that was called, such as `get` or `batchRead`. */
  readonly verb: string;
  /** Undefined where there is none, or rows are of several. */
  readonly namespace: string | undefined;
  readonly set: string | undefined;
  /** How many rows a batch has; of queries at their end how many records were handed over. Undefined for other calls. */
  rows: number | undefined;
  /** The node that answered, or was asked last; undefined where several were. */
  node: string | undefined;
  /** Where that node is. */
  host: string | undefined;
  port: number | undefined;
  /** How often the command was sent; of batches the most of a row. */
  attempts: number | undefined;
  /** Bytes of requests and answers. */
  bytesOut: number | undefined;
  bytesIn: number | undefined;
  /** The result code: 0, or why it failed. */
  code: number | undefined;
  /** Milliseconds from the call to its end. */
  elapsed: number | undefined;
  phases: CommandPhases | undefined;
  /** What the call resolved with. */
  result?: unknown;
  /** Why it rejected. */
  error?: unknown;
}
/** What is counted of one kind of command. Everything only grows while the client lives. */
export interface CommandMetrics {
  /** How many there were, failures included. */
  readonly count: number;
  /** Milliseconds that they took, failures included. */
  readonly latency: LatencyHistogram;
  /** Failures together. A record that is not there, or that a filter left out, is none. Of batches this counts rows. */
  readonly failed: number;
  /** The same by result code. */
  readonly failures: readonly FailureCount[];
  /** Records that are not there, or that a filter left out. */
  readonly missing: number;
  /** Records of batches and queries. */
  readonly rows: number;
  /** Writes that may have happened although they failed. */
  readonly inDoubt: number;
}
/** When a call went which way, each in milliseconds after the call. What did not happen, or is not known, is undefined. */
export interface CommandPhases {
  /** The core took it over: the tick that made the call was over. */
  readonly queued: number | undefined;
  /** Bytes of the attempt that ended it went out: a connection was free, and earlier attempts were over. */
  readonly sent: number | undefined;
  /** The answer was there, or it was given up. */
  readonly answered: number | undefined;
  /** The promise was settled: what lies between is this process's own delay. */
  readonly settled: number;
}
export interface Cond {
  /**
   * The value after the first test that is true, else the default. All values have one type.
   * @example exp.cond(exp.lt(exp.bin.int('age'), 18), 'minor', 'adult')
   */
  (test: Operand<"bool">, value: string, otherwise: string): Exp<"string">;
  <T extends Type>(test: Operand<"bool">, value: Operand<T>, otherwise: Operand<Uninferred<T>>): Exp<T>;
  <T extends Type>(test: Operand<"bool">, value: Operand<T>, ...more: (Operand<"bool"> | Operand<Uninferred<T>>)[]): Exp<T>;
}
/** What every step lets its callers say. */
export interface Conditions {
  /**
   * Leaves alone, as if it were not there, a record for which the condition is not true. Values stand in `${…}` and are never
   * text. See the guide to conditions for what it may say.
   *
   * @example session.update(users.ids('user-1', 'user-2')).where`$.age >= ${18}`.bin('adult').setTo(true)
   */
  where(condition: TemplateStringsArray, ...values: (Value | AnyExp)[]): this;
  where(condition: Exp<"bool">): this;
  /** Makes a record that `where` leaves out a failure (`FilteredError`). Else a read omits it, and a write has a row that is not ok. */
  failOnFilteredOut(): this;
  /** Sends the user key along: it is stored with the record, or compared with what is stored. */
  sendKey(): this;
}
/** What a configuration file led to. */
export interface ConfigChange {
  readonly path: string;
  /** Keys of the file that mean nothing to this client. */
  readonly ignored: readonly string[];
}
/** A configuration file that is followed. */
export interface ConfigProvider {
  /** YAML, or JSON where it ends in `.json`. A `file:` URL is fine. */
  readonly path: string;
  /** Milliseconds between two looks at it; `config_interval` of the file counts more. Default 5,000. */
  readonly interval?: number | undefined;
}
/** Options of {@link connect}. None is needed where the environment names the hosts. */
export interface ConnectOptions<I extends Integers = Integers> extends ClientOptions<I> {
  /**
   * Some nodes of the cluster; the others are found by asking them. Text may name several, separated by commas. Without it,
   * `AEROSPIKE_URL` or `AEROSPIKE_HOSTS` of the environment name them.
   */
  readonly hosts?: string | readonly Host[] | undefined;
  /** Refuse nodes of a cluster with another name. */
  readonly clusterName?: string | undefined;
  /** User of an Enterprise cluster with security. */
  readonly user?: string | undefined;
  /** Password of `user`. Never shown in errors or by `console.log`. */
  readonly password?: string | undefined;
  /**
   * How `user` logs in: with a password that the cluster knows ('internal', the default), one that it asks a directory about
   * ('external', which needs `tls`, or 'externalInsecure'), or by the certificate of `tls` ('pki', without user and password).
   */
  readonly authMode?: AuthMode | undefined;
  /** Milliseconds for one login. Default 5,000. */
  readonly loginTimeout?: number | undefined;
  /** Milliseconds until `connect` gives up. Default 5,000. */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds for opening one connection: TCP and TLS; a login comes on top. Also for one question about a node's state. Default 1,000. */
  readonly dialTimeout?: number | undefined;
  /**
   * Resolve at once, and connect meanwhile. Calls wait, within their own time, until the cluster was looked for once; if it was not
   * found they fail, while the client goes on looking. Default false: `connect` rejects when no host answers.
   */
  readonly lazy?: boolean | undefined;
  /** Milliseconds between two looks at the state of the cluster. Default 1,000. */
  readonly tendInterval?: number | undefined;
  /** Connections to each node that are kept open. Default 0. */
  readonly minConnectionsPerNode?: number | undefined;
  /** Most connections to each node; more commands wait their turn. Default 100. */
  readonly maxConnectionsPerNode?: number | undefined;
  /** Milliseconds after which an idle connection is closed. Default 55,000. */
  readonly maxIdle?: number | undefined;
  /** Connect to the alternate addresses that the nodes announce. Default false. */
  readonly useAlternateServices?: boolean | undefined;
  /** Refuse to connect when a node of the cluster cannot be reached. Default false: what can be is used. */
  readonly wholeCluster?: boolean | undefined;
  /** Replaces addresses that nodes announce, for clusters behind address translation: `{ announced: reachable }`. */
  readonly addressMap?: {
    readonly [announced: string]: string;
  } | undefined;
  /** Errors within the window after which a node is left alone. Default 100; 0 never. */
  readonly maxErrorRate?: number | undefined;
  /** The length of that window, in tend intervals. Default 1. */
  readonly errorRateWindow?: number | undefined;
  /**
   * Calls that may be under way at once; more wait for their turn. A batch is one call, whatever its size; queries and calls
   * about the cluster do not count. Default 0: no limit.
   */
  readonly maxInFlight?: number | undefined;
  /**
   * Calls that may wait for their turn while `maxInFlight` are under way; one more is refused at once with `QueueFullError`.
   * Needs `maxInFlight`. Default 1,048,576.
   */
  readonly maxQueued?: number | undefined;
  /**
   * Milliseconds that a call may wait for its turn before it fails with `QueueFullError`. Its `totalTimeout`, which counts the
   * waiting, ends it in any case. Needs `maxInFlight`. Default 0: no limit of its own.
   */
  readonly queueTimeout?: number | undefined;
  /**
   * A configuration file of the official clients, which is followed while the client runs: what it says counts more than the
   * options here and those of calls. `AEROSPIKE_CLIENT_CONFIG_URL` of the environment names one as well, and counts more.
   */
  readonly configProvider?: ConfigProvider | undefined;
  /** A name for this application, shown by the servers. */
  readonly appId?: string | undefined;
  /** The racks to prefer, best first, for `replica: 'preferRack'`. */
  readonly rackIds?: readonly number[] | undefined;
  /** `true`, or how, to encrypt connections. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** Count and time what is done, for `client.metrics()`. Default true: it costs less than a hundredth of a call. */
  readonly metrics?: boolean | undefined;
  /**
   * Gets what the client logs, as objects; a promise it returns is waited for. It may throw or be slow: at most 1,000 events wait for
   * it, and of what is lost it is told the number. No event has keys, values or passwords.
   */
  readonly log?: LogSink | undefined;
  /** The least important events that `log` gets. Default 'info'. */
  readonly logLevel?: LogLevel | undefined;
  /** Milliseconds from which on a call is logged as slow, with its phases; `log` gets it as `slowCall`. */
  readonly slow?: number | undefined;
}
/** Published on `aerospike-napi:connection`. */
export interface ConnectionMessage {
  readonly event: "opened" | "closed" | "failed";
  readonly node: string;
  readonly time: number;
  /** Why one could not be opened: the result code, 0 otherwise, and the same in words. */
  readonly code: number;
  readonly reason: string;
}
/** Connections to one node; the one that watches the node's state is not counted. */
export interface ConnectionMetrics {
  readonly open: number;
  readonly inUse: number;
  /** Opened, closed, and failed to open so far. */
  readonly opened: number;
  readonly closed: number;
  readonly failed: number;
}
/** Option of every operation on a collection. */
export interface ContextOptions {
  /** The way to a collection nested in the bin, from the outside in. */
  readonly ctx?: Context | undefined;
}
/** Options of `roles.create`. */
export interface CreateRoleOptions extends AdminOptions, Quotas {
  /** What users of the role may do: one privilege or a list. Default nothing. */
  readonly privileges?: Privilege | readonly Privilege[] | undefined;
  /** Addresses and networks that users of the role may come from, such as `'10.0.0.0/8'`. Default: from everywhere. */
  readonly allowlist?: readonly string[] | undefined;
}
/** Options of `users.create` and `users.createPki`. */
export interface CreateUserOptions extends AdminOptions {
  /** Names of roles: one or a list. Default none. */
  readonly roles?: string | readonly string[] | undefined;
}
/**
 * The client's defaults: what a call uses that does not say otherwise. Of two groups that both hold for a call the more
 * special one counts, option by option: `remove` over `write`.
 */
export interface Defaults<I = NonNullable<CallOptions["integers"]>> {
  /** For `get`, `find`, `select`, `exists`, and `operate` without writes. */
  readonly read?: Reads<ReadOptions, I> | undefined;
  /** For all writes of single records. */
  readonly write?: Reads<WriteOptions, I> | undefined;
  /** For `operate` and `operateOrdered`, over `read` or `write`. */
  readonly operate?: Reads<OperateOptions, I> | undefined;
  /** For `remove`, over `write`. */
  readonly remove?: Reads<RemoveOptions, I> | undefined;
  /** For `apply`, over `write`. */
  readonly apply?: Reads<ApplyOptions, I> | undefined;
  /** For queries, scans, aggregations and background jobs. */
  readonly query?: Reads<QueryDefaults, I> | undefined;
  /** For what begins with `scan`, over `query`. */
  readonly scan?: Reads<QueryDefaults, I> | undefined;
  /** For all batches. */
  readonly batch?: (Reads<BatchWriteOptions, I> & Pick<ReadOptions, "hedge">) | undefined;
  /** For `info` and all other questions to nodes: statistics, indexes, modules, users and roles. */
  readonly info?: Pick<CallOptions, "totalTimeout"> | undefined;
}
export interface Durable {
  /** A record that is removed, by this or by losing its last bin, leaves a tombstone. Enterprise servers only. */
  durablyDelete(): this;
}
/** Options of selections of one element. */
export interface ElementOptions<R> extends ContextOptions {
  /** What is answered about it. Default `value` for reads, `none` for removals. */
  readonly return?: R | undefined;
}
/** What an error is made of besides its message. */
export interface ErrorDetails {
  readonly code?: number;
  readonly key?: Key | undefined;
  readonly node?: string | undefined;
  readonly attempts?: number;
  readonly elapsed?: number;
  readonly inDoubt?: boolean;
  readonly retryable?: boolean;
  readonly subErrors?: readonly AttemptError[];
  readonly cause?: unknown;
  /** For errors about a bin. */
  readonly bin?: string | undefined;
  /** For errors about a secondary index. */
  readonly index?: string | undefined;
  /** For errors about a user or a role. */
  readonly user?: string | undefined;
  readonly role?: string | undefined;
  /** For errors of user-defined functions. */
  readonly udf?: UdfSite | undefined;
}
/** What `execute` takes beside its strategy. */
export interface ExecuteOptions {
  /** Cancels the call. */
  readonly signal?: AbortSignal | undefined;
}
/** What `exists` tells: the key, and `meta` or `null` when there is no such record. Also a tuple `[key, meta]`. */
export interface ExistsResult extends Readonly<[
  key: Key,
  meta: Meta | null
]> {
  readonly key: Key;
  readonly meta: Meta | null;
  /** The 20-byte digest of the key. It is computed when it is asked for. */
  readonly digest: Buffer;
}
/** Options of `op.expRead`. */
export interface ExpReadOptions {
  /** Answer `null` rather than fail when the expression is unknown. Default false. */
  readonly evalNoFail?: boolean | undefined;
}
/** Options of `op.expWrite`. */
export interface ExpWriteOptions extends ExpReadOptions {
  /** `create` only when the bin is missing, `update` only when it is there. Default `createOrUpdate`. */
  readonly write?: "createOrUpdate" | "create" | "update" | undefined;
  /** Remove the bin when the result is nil, rather than fail. Default false. */
  readonly allowDelete?: boolean | undefined;
  /** Do nothing where `write` or the missing `allowDelete` forbids it, rather than fail. Default false. */
  readonly noFail?: boolean | undefined;
}
export interface Expiring {
  /** The record expires after so many seconds. */
  expireRecordAfter(seconds: number): this;
  /** The record expires at this time. */
  expireRecordAt(time: Date): this;
  /** The record never expires. */
  neverExpire(): this;
  /** The expiry stays as it is. */
  withNoChangeInExpiration(): this;
  /** The record expires as its namespace says. What is so if nothing is said. */
  expiryFromServerDefault(): this;
}
/** A step that renews the expiry. */
export interface ExpiringStep<P extends object> extends KeyStep<P>, Generational, Expiring {
}
/** A resolved option and the behavior and group that say so. */
export interface Explained {
  readonly value: unknown;
  /** `'feed: reads.batch'` */
  readonly from: string;
}
/** What `explain` tells. */
export interface Explanation {
  readonly category: Category;
  /** What differs from the defaults of the client. */
  readonly options: {
    readonly [option: string]: Explained;
  };
}
/** What {@link ClientMetrics} is made of. */
export interface Facts {
  readonly enabled: boolean;
  readonly time: number;
  readonly calls: {
    readonly [kind in CommandKind]: CommandMetrics;
  };
  readonly waiting: number;
  readonly inFlight: number;
  readonly resumeDelay: LatencyHistogram;
  readonly transactions: TransactionMetrics;
  readonly nodes: readonly NodeMetrics[];
}
/** A record that could not be verified: it is not what it was when the transaction read it, or could not be asked for. */
export interface FailedRead {
  readonly namespace: string;
  /** The set; `null` for none. */
  readonly set: string | null;
  /** The digest of the key; `[namespace, set, null, digest]` is a key of the record. */
  readonly digest: Uint8Array;
  /** 121: it has changed; 120: another transaction is about to change it; others: it could not be verified. */
  readonly code: number;
}
/** Failures of one result code. */
export interface FailureCount {
  /** The server's code, or a negative one of the client. */
  readonly code: number;
  /** What it is called, such as `timeout`; the code where it has no name. */
  readonly name: string;
  readonly count: number;
}
/** What went wrong in a batch. */
export interface Failures {
  failed: number;
  unprocessed: number;
  /** Whether any row was processed, or may have been. */
  anything: boolean;
  /** The first row that failed or was not processed. */
  first: number;
  inDoubt: boolean;
}
/** Functions of operands. */
export interface Functions {
  /** Equal. Both sides have one type; maps must be key-ordered. @example exp.eq(exp.bin.string('city'), 'Bonn') */
  eq<T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>): Exp<"bool">;
  /** Not equal. @example exp.ne(exp.bin.int('state'), 0) */
  ne<T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>): Exp<"bool">;
  /** Greater. @example exp.gt(exp.bin.int('age'), 17) */
  gt<T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>): Exp<"bool">;
  /** Greater or equal. @example exp.ge(exp.bin.int('age'), 18) */
  ge<T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>): Exp<"bool">;
  /** Less. @example exp.lt(exp.bin.float('price'), 9.99) */
  lt<T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>): Exp<"bool">;
  /** Less or equal. @example exp.le(exp.bin.float('price'), 9.99) */
  le<T extends Comparable>(a: Operand<T>, b: Operand<Uninferred<T>>): Exp<"bool">;
  /**
   * Whether a point lies within a region, or a region holds a point.
   * @example exp.geoCompare(exp.bin.geo('place'), region)
   */
  geoCompare(a: Operand<"geo">, b: Operand<"geo">): Exp<"bool">;
  /** All are true. One that is false decides even when others are unknown. @example exp.and(isActive, isAdult) */
  and(...all: Operand<"bool">[]): Exp<"bool">;
  /** At least one is true. One that is true decides even when others are unknown. @example exp.or(isOwner, isAdmin) */
  or(...conditions: Operand<"bool">[]): Exp<"bool">;
  /** The opposite. @example exp.not(exp.keyExists()) */
  not(a: Operand<"bool">): Exp<"bool">;
  /** Exactly one is true. @example exp.exclusive(isBuyer, isSeller) */
  exclusive(...conditions: Operand<"bool">[]): Exp<"bool">;
  /** Sum. Integers and floats do not mix. @example exp.add(exp.bin.int('a'), exp.bin.int('b'), 1) */
  add<T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]): Exp<T>;
  /** Difference; of one operand, its negative. @example exp.sub(exp.bin.int('stock'), 1) */
  sub<T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]): Exp<T>;
  /** Product. @example exp.mul(exp.bin.float('price'), 1.19) */
  mul<T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]): Exp<T>;
  /**
   * Quotient; of one operand, its reciprocal. An integer divided by 0 is unknown.
   * @example exp.div(exp.bin.int('total'), 2)
   */
  div<T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]): Exp<T>;
  /** Power of floats. @example exp.pow(exp.bin.float('x'), 2) */
  pow(base: Operand<"float">, exponent: Operand<"float">): Exp<"float">;
  /** Logarithm of a float to a base. @example exp.log(exp.bin.float('x'), 10) */
  log(value: Operand<"float">, base: Operand<"float">): Exp<"float">;
  /** Remainder; unknown when divided by 0. @example exp.mod(exp.bin.int('id'), 10) */
  mod(value: Operand<"int">, divisor: Operand<"int">): Exp<"int">;
  /** Absolute value. @example exp.abs(exp.bin.int('delta')) */
  abs<T extends Num>(value: Operand<T>): Exp<T>;
  /** The next whole float below. @example exp.floor(exp.bin.float('x')) */
  floor(value: Operand<"float">): Exp<"float">;
  /** The next whole float above. @example exp.ceil(exp.bin.float('x')) */
  ceil(value: Operand<"float">): Exp<"float">;
  /** A number as an integer, without its fraction. @example exp.toInt(exp.bin.float('x')) */
  toInt(value: AnyOperand<Num>): Exp<"int">;
  /** A number as a float. @example exp.toFloat(exp.bin.int('n')) */
  toFloat(value: AnyOperand<Num>): Exp<"float">;
  /** Bitwise AND. @example exp.intAnd(exp.bin.int('flags'), 0xff) */
  intAnd(...values: Operand<"int">[]): Exp<"int">;
  /** Bitwise OR. @example exp.intOr(exp.bin.int('flags'), 1) */
  intOr(...values: Operand<"int">[]): Exp<"int">;
  /** Bitwise exclusive OR. @example exp.intXor(exp.bin.int('flags'), 1) */
  intXor(...values: Operand<"int">[]): Exp<"int">;
  /** All bits turned around. @example exp.intNot(exp.bin.int('flags')) */
  intNot(value: Operand<"int">): Exp<"int">;
  /** Shift to the left; the count is taken modulo 64. @example exp.intLshift(1, exp.bin.int('n')) */
  intLshift(value: Operand<"int">, count: Operand<"int">): Exp<"int">;
  /** Shift to the right, filling up with zeros. @example exp.intRshift(exp.bin.int('n'), 8) */
  intRshift(value: Operand<"int">, count: Operand<"int">): Exp<"int">;
  /** Shift to the right, keeping the sign. @example exp.intArshift(exp.bin.int('n'), 8) */
  intArshift(value: Operand<"int">, count: Operand<"int">): Exp<"int">;
  /** Number of bits that are set. @example exp.intCount(exp.bin.int('flags')) */
  intCount(value: Operand<"int">): Exp<"int">;
  /**
   * Place of the first bit of a value from the most significant end; -1 when there is none.
   * @example exp.intLscan(exp.bin.int('flags'), true)
   */
  intLscan(value: Operand<"int">, bit: Operand<"bool">): Exp<"int">;
  /**
   * Place of the first bit of a value from the least significant end, counted from the most significant.
   * @example exp.intRscan(exp.bin.int('flags'), true)
   */
  intRscan(value: Operand<"int">, bit: Operand<"bool">): Exp<"int">;
  /** The least of several numbers. @example exp.min(exp.bin.int('a'), exp.bin.int('b')) */
  min<T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]): Exp<T>;
  /** The greatest of several numbers. @example exp.max(exp.bin.int('a'), 0) */
  max<T extends Num>(first: Operand<T>, ...more: Operand<Uninferred<T>>[]): Exp<T>;
  /**
   * Bytes of the record on flash, 0 for data in memory. Deprecated by servers from 7.0 on: `recordSize`.
   * @example exp.deviceSize()
   */
  deviceSize(): Exp<"int">;
  /** Bytes of the record in memory. Deprecated by servers from 7.0 on: `recordSize`. @example exp.memorySize() */
  memorySize(): Exp<"int">;
  /** Bytes of the record; servers from 7.0 on. @example exp.gt(exp.recordSize(), 100_000) */
  recordSize(): Exp<"int">;
  /**
   * When the record was last written, nanoseconds since 1970.
   * @example exp.gt(exp.lastUpdate(), BigInt(Date.now() - 60_000) * 1_000_000n)
   */
  lastUpdate(): Exp<"int">;
  /** Milliseconds since the record was last written. @example exp.lt(exp.sinceUpdate(), 60_000) */
  sinceUpdate(): Exp<"int">;
  /** When the record expires, nanoseconds since 1970; -1 when never. @example exp.eq(exp.voidTime(), -1) */
  voidTime(): Exp<"int">;
  /** Seconds until the record expires; -1 when never. @example exp.lt(exp.ttl(), 3600) */
  ttl(): Exp<"int">;
  /** Name of the record's set. @example exp.eq(exp.setName(), 'users') */
  setName(): Exp<"string">;
  /** Whether the user key is stored with the record. @example exp.keyExists() */
  keyExists(): Exp<"bool">;
  /** Whether the record is a tombstone. @example exp.not(exp.isTombstone()) */
  isTombstone(): Exp<"bool">;
  /** The keys of a map. @example exp.mapKeys(exp.bin.map('profile')) */
  mapKeys(map: Operand<"map">): Exp<"list">;
  /** The values of a map. @example exp.mapValues(exp.bin.map('profile')) */
  mapValues(map: Operand<"map">): Exp<"list">;
}
export interface Generational {
  /** The record must have this generation. @throws GenerationError when it has another: somebody else has written it */
  ensureGenerationIs(generation: number): this;
}
/** Options of the geospatial predicates. */
export interface GeoRangeOptions extends RangeOptions {
  /** The index is over the elements of a collection. Default: over the bin itself. */
  readonly collection?: IndexCollection | undefined;
}
/** Options of `get`. `N` is what may be read: names of bins, and paths into them. */
export interface GetOptions<N extends string = string> extends ReadOptions {
  /** Bins to read, or parts of them (see `select`): `undefined` all, `[]` none (generation and time to live only). */
  readonly bins?: readonly N[] | undefined;
}
/** What `client.health` tells. */
export interface Health {
  /**
   * For a readiness probe: whether the client can do its work, which takes one node that answers. While it closes it is not
   * ready any more.
   */
  readonly ready: boolean;
  /**
   * For a liveness probe: false when only a new process would help, because the client is closed or has stopped looking at its
   * cluster. A cluster that is gone is no reason to be restarted.
   */
  readonly live: boolean;
  /** 'degraded': some nodes do not answer, are left alone or cannot be reached. */
  readonly status: "connecting" | "connected" | "degraded" | "disconnected" | "closing" | "closed";
  /** What is wrong, in words, for whoever reads the probe's answer. */
  readonly problems: readonly string[];
  /** Milliseconds since the last look at the nodes. */
  readonly tendAge: number;
  /** Calls under way, and calls that wait for their turn. */
  readonly calls: {
    readonly inFlight: number;
    readonly queued: number;
  };
  readonly nodes: readonly NodeHealth[];
  /** Nodes that others list and that cannot be reached. */
  readonly unreachable: readonly UnreachableNode[];
}
/** When a read that is slow is asked of another replica too, and how often. */
export interface Hedge {
  /**
   * Milliseconds without an answer (1 or more), or `'p95'` (default): the time within which 95 of 100 reads of that node are
   * answered, as a running estimate.
   */
  readonly after?: number | "p95" | undefined;
  /** Most reads that are asked twice, as a part of all that may be: 0.0001 to 1. Default 0.05. */
  readonly budget?: number | undefined;
}
/** What HyperLogLogs can do, as operations on a bin (`hll`) and as expressions (`exp.hll`). */
export interface HllCalls<S extends Style> {
  /** Creates an empty sketch, or empties the one that is there. @example hll.init('visitors', { indexBits: 12 }) */
  init(sketch: Target<S, "hll">, options?: HllCreateOptions): Writing<S, "hll">;
  /** Adds values; gives how many registers changed. @example hll.add('visitors', ['alice', 'bob'], { indexBits: 12 }) */
  add<V>(sketch: Target<S, "hll">, values: StoredList<S, V>, options?: HllCreateOptions): Writing<S, "hll">;
  /**
   * Makes the sketch the union of itself and others.
   * @example hll.setUnion('all', [monday, tuesday], { allowFold: true })
   */
  setUnion(sketch: Target<S, "hll">, sketches: Sketches<S>, options?: HllUnionOptions): Writing<S, "hll">;
  /** Counts anew and keeps the count in the sketch; gives it. @example hll.refreshCount('visitors') */
  refreshCount(sketch: Target<S, "hll">, options?: WholeBinOptions): Writing<S, "hll">;
  /** Reduces the sketch to fewer index bits. @example hll.fold('visitors', 8) */
  fold(sketch: Target<S, "hll">, indexBits: Int<S>, options?: WholeBinOptions): Writing<S, "hll">;
  /** Estimates how many different values were added. @example hll.getCount('visitors') */
  getCount(sketch: Target<S, "hll">, options?: WholeBinOptions): Reading<S, "int">;
  /** The union of the sketch and others. @example hll.getUnion('visitors', [yesterday]) */
  getUnion(sketch: Target<S, "hll">, sketches: Sketches<S>, options?: WholeBinOptions): Reading<S, "hll">;
  /** Estimates the size of the union with others. @example hll.getUnionCount('visitors', [yesterday]) */
  getUnionCount(sketch: Target<S, "hll">, sketches: Sketches<S>, options?: WholeBinOptions): Reading<S, "int">;
  /**
   * Estimates the size of the intersection with others: at most two, or more when all have minhash bits.
   * @example hll.getIntersectCount('visitors', [yesterday])
   */
  getIntersectCount(sketch: Target<S, "hll">, sketches: Sketches<S>, options?: WholeBinOptions): Reading<S, "int">;
  /** Estimates the similarity to others, 0 to 1. @example hll.getSimilarity('visitors', [yesterday]) */
  getSimilarity(sketch: Target<S, "hll">, sketches: Sketches<S>, options?: WholeBinOptions): Reading<S, "float">;
  /** `[index bits, minhash bits]`. @example hll.describe('visitors') */
  describe(sketch: Target<S, "hll">, options?: WholeBinOptions): Reading<S, "list">;
  /** 1 when all values may have been added, 0 when one certainly was not. @example hll.mayContain('visitors', ['alice']) */
  mayContain<V>(sketch: Target<S, "hll">, values: StoredList<S, V>, options?: WholeBinOptions): Reading<S, "int">;
}
/** Options of writes that may create a sketch. */
export interface HllCreateOptions extends HllWriteOptions {
  /**
   * 4 to 16: a sketch has 2 to that power registers. The error of a count is 1.04 / sqrt(registers). Needed to create
   * one.
   */
  readonly indexBits?: number | undefined;
  /** 0 or 4 to 51: bits of a hash kept for similarity and intersections; at most 64 with `indexBits`. Default 0. */
  readonly minhashBits?: number | undefined;
}
/** Options of `hll.setUnion`. */
export interface HllUnionOptions extends HllWriteOptions {
  /** Reduce the sketch when another one is smaller, rather than fail. Default false. */
  readonly allowFold?: boolean | undefined;
}
export interface Identified<B extends object> {
  /** The user key of an object, for `put` on the set: the name of a bin, or a function. */
  readonly id?: IdOf<B> | undefined;
}
export interface IndexBase {
  readonly namespace: string;
  /** The set whose records are indexed; without one those of the whole namespace. */
  readonly set?: string | undefined;
  /** The name of the index in its namespace, at most 63 bytes. */
  readonly name: string;
  /** `numeric` integers, `string`, `blob` bytes, `geo2dsphere` GeoJSON. Values of other types are not in the index. */
  readonly type: IndexType;
  /** Indexes what is inside a collection; without it the value itself. */
  readonly collection?: IndexCollection | undefined;
}
/** An index of the cluster. */
export interface IndexInfo {
  readonly namespace: string;
  readonly name: string;
  /** Undefined for an index of the whole namespace. */
  readonly set: string | undefined;
  /** Undefined for the index of an expression, and for one of nothing but a set. */
  readonly bin: string | undefined;
  /** Undefined for an index of nothing but a set. */
  readonly type: IndexType | undefined;
  readonly collection: IndexCollection | undefined;
  /** The way from the bin to what is indexed. */
  readonly ctx: Context | undefined;
  readonly expression: AnyExp | undefined;
  /** `building` until the asked node has gone over all records. */
  readonly state: "ready" | "building";
  /** With option `statistics`. */
  readonly statistics?: IndexStatistics;
}
/** How far an index is. */
export interface IndexProgress {
  /** How much is built on the node that is furthest behind, 0 to 100. */
  readonly loaded: number;
  /** The same for each node, by its name. */
  readonly nodes: ReadonlyMap<string, number>;
}
/** Who can be asked for the indexes of a namespace. */
export interface IndexSource {
  listIndexes(namespace: string, options: {
    readonly statistics: boolean;
  }): Promise<IndexInfo[]>;
}
/** What an index holds, over all nodes. */
export interface IndexStatistics {
  /** Entries of all copies: a record counts once for each of its replicas and values. */
  readonly entries: number;
  /** Bytes of memory, all nodes together. */
  readonly usedBytes: number;
  /** How much is built on the node that is furthest behind, 0 to 100. */
  readonly loaded: number;
  /** Everything each node says of it, by the node's name, in the server's own terms. */
  readonly nodes: ReadonlyMap<string, Statistics>;
}
/** What calls of the info protocol take. */
export interface InfoOptions {
  /** Milliseconds the answer may take. Default 1,000; 5,000 for what changes the cluster. */
  readonly totalTimeout?: number | undefined;
  /** Cancels the call: it settles at once with an `AbortError`. What was sent may be carried out all the same. */
  readonly signal?: AbortSignal | undefined;
}
/** Ways into a list. */
export interface IntoList<E, S, N extends string, W extends boolean> {
  /** The operations of `lists`, on this list. */
  readonly list: W extends true ? ListWrites<E, S, N> : ListReads<E, S, N>;
  /** The element at an index; negative ones count from the end. */
  onListIndex(index: number): WritablePlace<E, S, N, W>;
  /** The element at a rank: 0 is the smallest, -1 the greatest. */
  onListRank(rank: number): Place<E, S, N, W>;
  /** The elements equal to a value. */
  onListValue(value: E): Elements<E, S, N, W>;
  /** `count` elements from an index on, or all to the end. */
  onListIndexRange(index: number, count?: number): Elements<E, S, N, W>;
  /** `count` elements from a rank on, or all to the end. */
  onListRankRange(rank: number, count?: number): Elements<E, S, N, W>;
  /** The elements from `begin` up to, but not including, `end`; `null` for an open end. */
  onListValueRange(begin: E | null, end: E | null): Elements<E, S, N, W>;
  /** The elements equal to one of several values. */
  onListValueList(values: readonly E[]): Elements<E, S, N, W>;
  /** `count` elements from the rank relative to where a value is or would be. */
  onListValueRelativeRankRange(value: E, rank: number, count?: number): Elements<E, S, N, W>;
}
/** Ways into a map. `M` is its type, if its keys have names. */
export interface IntoMap<M, K extends MapKey, V, S, N extends string, W extends boolean> {
  /** The operations of `maps`, on this map. */
  readonly map: W extends true ? MapWrites<K, V, S, N> : MapReads<K, V, S, N>;
  /** The entry with a key. */
  onMapKey<P extends K>(key: P): WritablePlace<AtKey<M, P>, S, N, W>;
  /** The entry at an index of the keys' order. */
  onMapIndex(index: number): Place<V, S, N, W>;
  /** The entry at a rank of the values. */
  onMapRank(rank: number): Place<V, S, N, W>;
  /** The entries with a value. */
  onMapValue(value: V): MapEntries<K, V, S, N, W>;
  /** The entries with keys from `begin` up to, but not including, `end`; `null` for an open end. */
  onMapKeyRange(begin: K | null, end: K | null): MapEntries<K, V, S, N, W>;
  /** The entries with one of several keys. */
  onMapKeyList(keys: readonly K[]): MapEntries<K, V, S, N, W>;
  /** `count` entries from an index on, or all to the end. */
  onMapIndexRange(index: number, count?: number): MapEntries<K, V, S, N, W>;
  /** `count` entries from a rank on, or all to the end. */
  onMapRankRange(rank: number, count?: number): MapEntries<K, V, S, N, W>;
  /** The entries with values from `begin` up to, but not including, `end`. */
  onMapValueRange(begin: V | null, end: V | null): MapEntries<K, V, S, N, W>;
  /** The entries with one of several values. */
  onMapValueList(values: readonly V[]): MapEntries<K, V, S, N, W>;
  /** `count` entries from the index relative to where a key is or would be. */
  onMapKeyRelativeIndexRange(key: K, index: number, count?: number): MapEntries<K, V, S, N, W>;
  /** `count` entries from the rank relative to where a value is or would be. */
  onMapValueRelativeRankRange(value: V, rank: number, count?: number): MapEntries<K, V, S, N, W>;
}
/** Options of `execute` and `apply`. */
export interface JobOptions extends Pick<CallOptions, "totalTimeout" | "socketTimeout" | "maxRetries" | "sleepBetweenRetries" | "filter" | "signal">, Pick<WriteOptions, "ttl" | "expiresAt" | "durableDelete"> {
}
/** How a background job goes, on all nodes together. */
export interface JobStatus {
  readonly id: bigint;
  readonly state: JobState;
  /** Percent of the work that is done: the mean of the nodes. */
  readonly progress: number;
  /** Records that were changed. */
  readonly recordsSucceeded: number;
  /** Records on which the operations or the UDF failed. The servers do not say why; a module that is missing shows here. */
  readonly recordsFailed: number;
  /** Records that the filter expression left out. */
  readonly recordsFiltered: number;
  /** How often the job paused for `recordsPerSecond`. */
  readonly recordsThrottled: number;
  /** Milliseconds the slowest node has worked on it. */
  readonly runTime: number;
  /** Nodes that know the job, and how many of them still work on it. */
  readonly nodes: {
    readonly total: number;
    readonly running: number;
  };
  /** Why it was aborted. */
  readonly reason: string;
}
/** A step that says nothing of bins. */
export interface KeyStep<P extends object> extends Conditions, Verbs<P | Bins, "many">, Runnable<P | Bins> {
}
/** How long operations of one kind took on a node, over the latest 10 seconds. */
export interface Latency {
  /** As the server calls it: `{test}-read`, `batch-index`. */
  readonly name: string;
  /** The namespace; undefined for what concerns all. */
  readonly namespace: string | undefined;
  /** The kind of operation: `read`, `write`, `udf`, `batch-sub-read`, `pi-query`, `si-query`, `batch-index` and so on. */
  readonly operation: string;
  readonly unit: "msec" | "usec";
  /** Operations per second. */
  readonly perSecond: number;
  /** The percentage of operations that took longer than 1, 2, 4, 8, … units, by that number. */
  readonly over: ReadonlyMap<number, number>;
}
/** A bucket of a {@link LatencyHistogram}. */
export interface LatencyBucket {
  /** What is in it took less than this. Milliseconds. */
  readonly below: number;
  readonly count: number;
}
/** How long things took. Milliseconds; percentiles are at most an eighth above the truth. */
export interface LatencyHistogram {
  readonly count: number;
  /** Everything together. */
  readonly sum: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  /** The end of the last bucket that is not empty. */
  readonly max: number;
  /** The buckets that are not empty, from short to long. */
  readonly buckets: readonly LatencyBucket[];
}
/** Options of writes that may create the list. */
export interface ListAddOptions extends ListWriteOptions, ListOrderOptions {
}
/**
 * What lists can do, as operations on a bin (`lists`) and as expressions on a list (`exp.lists`). Negative indexes and
 * ranks count from the end; a count that is left out means to the end; an open end of a value range is `null`.
 */
export interface ListCalls<S extends Style> {
  /**
   * Adds a value at the end, or in its place in an ordered list. Gives the new size.
   * @example lists.append('tags', 'new', { addUnique: true, noFail: true })
   */
  append<V, B extends "list" | "map" = "list">(list: Target<S, B>, value: Stored<S, V>, options?: ListAddOptions): Writing<S, B>;
  /** Adds several values at the end. Gives the new size. @example lists.appendItems('tags', ['a', 'b']) */
  appendItems<V, B extends "list" | "map" = "list">(list: Target<S, B>, values: StoredList<S, V>, options?: ListAddOptions): Writing<S, B>;
  /**
   * Inserts a value before an index; beyond the end the list is filled up with `null`. Gives the new size.
   * @example lists.insert('queue', 0, 'first')
   */
  insert<V, B extends "list" | "map" = "list">(list: Target<S, B>, index: Int<S>, value: Stored<S, V>, options?: ListWriteOptions): Writing<S, B>;
  /** Inserts several values before an index. Gives the new size. @example lists.insertItems('queue', 0, ['a', 'b']) */
  insertItems<V, B extends "list" | "map" = "list">(list: Target<S, B>, index: Int<S>, values: StoredList<S, V>, options?: ListWriteOptions): Writing<S, B>;
  /** Replaces the element at an index. @example lists.set('scores', 0, 100) */
  set<V, B extends "list" | "map" = "list">(list: Target<S, B>, index: Int<S>, value: Stored<S, V>, options?: ListWriteOptions): Writing<S, B>;
  /** Adds to the number at an index, by default 1. Gives the new value. @example lists.increment('scores', 0, 5) */
  increment<B extends "list" | "map" = "list">(list: Target<S, B>, index: Int<S>, delta?: Numeric<S>, options?: ListAddOptions): Writing<S, B>;
  /** Sorts the list once; it stays unordered. @example lists.sort('scores', { descending: true, dropDuplicates: true }) */
  sort<B extends "list" | "map" = "list">(list: Target<S, B>, options?: ListSortOptions): Writing<S, B>;
  /** Removes all elements; the order stays. @example lists.clear('queue') */
  clear<B extends "list" | "map" = "list">(list: Target<S, B>, options?: ContextOptions): Writing<S, B>;
  /** The number of elements. @example lists.size('tags') */
  size(list: Within<S>, options?: ContextOptions): Reading<S, "int">;
  /** The element at an index. @example lists.getByIndex('queue', -1) */
  getByIndex: ReadOne<S, "list", [
    index: Int<S>
  ]>;
  /**
   * The first element equal to a value; its index when that is what is to be returned.
   * @example lists.getFirstByValue('tags', 'new', { return: 'index' })
   */
  getFirstByValue: ReadOne<S, "list", [
    value: Sought<S>
  ]>;
  /** The element at a rank: 0 is the smallest, -1 the greatest. @example lists.getByRank('scores', -1) */
  getByRank: ReadOne<S, "list", [
    rank: Int<S>
  ]>;
  /** All elements equal to a value. @example lists.getByValue('tags', 'new', { return: 'count' }) */
  getByValue: ReadMany<S, "list", [
    value: Sought<S>
  ]>;
  /** All elements equal to one of several values. @example lists.getByValueList('tags', ['a', 'b'], { inverted: true }) */
  getByValueList: ReadMany<S, "list", [
    values: SoughtList<S>
  ]>;
  /** `count` elements from an index on. @example lists.getByIndexRange('queue', -3) */
  getByIndexRange: ReadRange<S, "list", [
    index: Int<S>
  ]>;
  /** All elements from `begin` up to, but not including, `end`. @example lists.getByValueRange('scores', 10, 20) */
  getByValueRange: ReadMany<S, "list", [
    begin: Sought<S> | null,
    end: Sought<S> | null
  ]>;
  /** `count` elements from a rank on. @example lists.getByRankRange('scores', -3, { return: 'value' }) */
  getByRankRange: ReadRange<S, "list", [
    rank: Int<S>
  ]>;
  /**
   * `count` elements from the rank relative to where a value is or would be.
   * @example lists.getByValueRelRankRange('scores', 50, -1, 2)
   */
  getByValueRelRankRange: ReadRange<S, "list", [
    value: Sought<S>,
    rank: Int<S>
  ]>;
  /** Removes the element at an index. @example lists.removeByIndex('queue', 0, { return: 'value' }) */
  removeByIndex: RemoveOne<S, "list", [
    index: Int<S>
  ]>;
  /** Removes the first element equal to a value. @example lists.removeFirstByValue('tags', 'old') */
  removeFirstByValue: RemoveOne<S, "list", [
    value: Sought<S>
  ]>;
  /** Removes the element at a rank. @example lists.removeByRank('scores', 0) */
  removeByRank: RemoveOne<S, "list", [
    rank: Int<S>
  ]>;
  /** Removes all elements equal to a value. @example lists.removeByValue('tags', 'old', { return: 'count' }) */
  removeByValue: RemoveMany<S, "list", [
    value: Sought<S>
  ]>;
  /** Removes all elements equal to one of several values. @example lists.removeByValueList('tags', ['a', 'b']) */
  removeByValueList: RemoveMany<S, "list", [
    values: SoughtList<S>
  ]>;
  /** Removes `count` elements from an index on. @example lists.removeByIndexRange('queue', 0, 2) */
  removeByIndexRange: RemoveRange<S, "list", [
    index: Int<S>
  ]>;
  /**
   * Removes all elements from `begin` up to, but not including, `end`.
   * @example lists.removeByValueRange('scores', null, 10)
   */
  removeByValueRange: RemoveMany<S, "list", [
    begin: Sought<S> | null,
    end: Sought<S> | null
  ]>;
  /** Removes `count` elements from a rank on. @example lists.removeByRankRange('scores', -3, { inverted: true }) */
  removeByRankRange: RemoveRange<S, "list", [
    rank: Int<S>
  ]>;
  /**
   * Removes `count` elements from the rank relative to where a value is or would be.
   * @example lists.removeByValueRelRankRange('scores', 50, 0)
   */
  removeByValueRelRankRange: RemoveRange<S, "list", [
    value: Sought<S>,
    rank: Int<S>
  ]>;
}
/** Options of `listIndexes`. */
export interface ListIndexesOptions extends InfoOptions {
  /** Asks every node how much each index holds. Default false. */
  readonly statistics?: boolean | undefined;
}
/** What only operations can do. */
export interface ListOperations extends ListCalls<"operation"> {
  /**
   * Creates an empty list, at the end of `ctx` when that is given; `padded` fills the list around it up with `null`.
   * @example lists.create('events', { order: 'ordered' })
   */
  create(bin: string, options?: ListOrderOptions & {
    readonly padded?: boolean | undefined;
  }): Operation;
  /** Makes a list ordered (sorting it) or unordered. @example lists.setOrder('scores', { order: 'ordered' }) */
  setOrder(bin: string, options: ListOrderOptions): Operation;
  /** The element at an index; fails (`OperationNotApplicableError`) beyond the end. @example lists.get('queue', 0) */
  get(bin: string, index: number | bigint, options?: ContextOptions): Operation;
  /** `count` elements from an index on. @example lists.getRange('queue', 0, 10) */
  getRange(bin: string, index: number | bigint, count?: number | bigint, options?: ContextOptions): Operation;
  getRange(bin: string, index: number | bigint, options: ContextOptions): Operation;
  /** Removes the element at an index and gives it. @example lists.pop('queue', 0) */
  pop(bin: string, index: number | bigint, options?: ContextOptions): Operation;
  /** Removes `count` elements from an index on and gives them. @example lists.popRange('queue', 0, 10) */
  popRange(bin: string, index: number | bigint, count?: number | bigint, options?: ContextOptions): Operation;
  popRange(bin: string, index: number | bigint, options: ContextOptions): Operation;
  /** Removes the element at an index. Gives the number removed. @example lists.remove('queue', -1) */
  remove(bin: string, index: number | bigint, options?: ContextOptions): Operation;
  /** Removes `count` elements from an index on. Gives the number removed. @example lists.removeRange('queue', 10) */
  removeRange(bin: string, index: number | bigint, count?: number | bigint, options?: ContextOptions): Operation;
  removeRange(bin: string, index: number | bigint, options: ContextOptions): Operation;
  /**
   * Removes everything outside `count` elements from an index on. Gives the number removed.
   * @example lists.trim('recent', 0, 100)
   */
  trim(bin: string, index: number | bigint, count: number | bigint, options?: ContextOptions): Operation;
}
/** Order of a list that an operation creates. */
export interface ListOrderOptions extends ContextOptions {
  /** `ordered` keeps the elements sorted; an index then is a rank. Default `unordered`. */
  readonly order?: "unordered" | "ordered" | undefined;
  /** Keep the index of the list in storage: faster reads of large lists, more space. Default false. */
  readonly persistIndex?: boolean | undefined;
}
/** Reads of a list of `E`. `S` is the step they belong to, `N` the bin. */
export interface ListReads<E, S, N extends string> {
  /** The number of elements. */
  size(options?: ContextOptions): Answered<S, N, number>;
  /** The element at an index, as the classic clients ask for it: an index out of range is an error. */
  get(index: number, options?: ContextOptions): Answered<S, N, E>;
  /** `count` elements from an index on, or all to the end, as the classic clients ask for them. */
  getRange(index: number, count?: number, options?: ContextOptions): Answered<S, N, E[]>;
  /** The element at an index; negative ones count from the end. */
  getByIndex<R extends ListReturn = "value">(index: number, options?: ElementOptions<R>): Answered<S, N, ElementOf<R, E>>;
  /** `count` elements from an index on. */
  getByIndexRange<R extends ListReturn = "value">(index: number, count?: number, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** The element at a rank: 0 is the smallest, -1 the greatest. */
  getByRank<R extends ListReturn = "value">(rank: number, options?: ElementOptions<R>): Answered<S, N, ElementOf<R, E>>;
  /** `count` elements from a rank on. */
  getByRankRange<R extends ListReturn = "value">(rank: number, count?: number, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** The first element equal to a value. */
  getFirstByValue<R extends ListReturn = "value">(value: Uninferred<E>, options?: ElementOptions<R>): Answered<S, N, ElementOf<R, E>>;
  /** All elements equal to a value. */
  getByValue<R extends ListReturn = "value">(value: Uninferred<E>, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** All elements equal to one of several values. */
  getByValueList<R extends ListReturn = "value">(values: readonly Uninferred<E>[], options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** All elements from `begin` up to, but not including, `end`; `null` for an open end. */
  getByValueRange<R extends ListReturn = "value">(begin: Uninferred<E> | null, end: Uninferred<E> | null, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** `count` elements from the rank relative to where a value is or would be. */
  getByValueRelRankRange<R extends ListReturn = "value">(value: Uninferred<E>, rank: number, count?: number, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
}
/** How to sort. */
export interface ListSortOptions extends ContextOptions {
  /** Greatest first. Default false. */
  readonly descending?: boolean | undefined;
  /** Keep one of equal elements. Default false. */
  readonly dropDuplicates?: boolean | undefined;
}
/** What `ctx.listIndex` takes besides the index. */
export interface ListStepOptions {
  /**
   * Creates the list the index points into when it does not exist: `unordered`, `ordered`, or `padded` (unordered, and filled
   * with `null` up to the index).
   */
  readonly create?: keyof typeof LIST_CREATE | undefined;
  /** A list that is created keeps its index in storage. Default false. */
  readonly persistIndex?: boolean | undefined;
}
/** Options of writes at an index. */
export interface ListWriteOptions extends ContextOptions {
  /** Fail (`ElementExistsError`) rather than have a value twice. Default false. */
  readonly addUnique?: boolean | undefined;
  /** Fail (`OperationNotApplicableError`) beyond the end rather than fill up with `null`. Default false. */
  readonly insertBounded?: boolean | undefined;
  /** Do nothing rather than fail where a flag forbids the write. Default false. */
  readonly noFail?: boolean | undefined;
  /** With `noFail`: write those of several values that may be written. Default false. */
  readonly partial?: boolean | undefined;
}
/** Reads and writes of a list of `E`. */
export interface ListWrites<E, S, N extends string> extends ListReads<E, S, N> {
  /** Creates an empty list. */
  create(options?: ListOrderOptions): Answered<S, N, null>;
  /** Changes the order of the list. */
  setOrder(options: ListOrderOptions): Answered<S, N, null>;
  /** Adds a value at the end, or in its place in an ordered list. Answers the new size. */
  append(value: Uninferred<E>, options?: ListAddOptions): Answered<S, N, number>;
  /** Adds several values at the end. Answers the new size. */
  appendItems(values: readonly Uninferred<E>[], options?: ListAddOptions): Answered<S, N, number>;
  /** Inserts a value before an index. Answers the new size. */
  insert(index: number, value: Uninferred<E>, options?: ListWriteOptions): Answered<S, N, number>;
  /** Inserts several values before an index. Answers the new size. */
  insertItems(index: number, values: readonly Uninferred<E>[], options?: ListWriteOptions): Answered<S, N, number>;
  /** Replaces the element at an index. */
  set(index: number, value: Uninferred<E>, options?: ListWriteOptions): Answered<S, N, null>;
  /** Adds to the number at an index, by default 1. Answers the new value. */
  increment(index: number, delta?: number | bigint, options?: ListAddOptions): Answered<S, N, number>;
  /** Sorts the list once; it stays unordered. */
  sort(options?: ListSortOptions): Answered<S, N, null>;
  /** Removes all elements. */
  clear(options?: ContextOptions): Answered<S, N, null>;
  /** Removes the element at an index, and answers it. */
  pop(index: number, options?: ContextOptions): Answered<S, N, E>;
  /** Removes `count` elements from an index on, or all to the end, and answers them. */
  popRange(index: number, count?: number, options?: ContextOptions): Answered<S, N, E[]>;
  /** Removes the element at an index. Answers how many were removed. */
  remove(index: number, options?: ContextOptions): Answered<S, N, number>;
  /** Removes `count` elements from an index on, or all to the end. Answers how many were removed. */
  removeRange(index: number, count?: number, options?: ContextOptions): Answered<S, N, number>;
  /** Keeps `count` elements from an index on and removes the others. Answers how many were removed. */
  trim(index: number, count: number, options?: ContextOptions): Answered<S, N, number>;
  /** Removes the element at an index. */
  removeByIndex<R extends ListReturn = "none">(index: number, options?: ElementOptions<R>): Answered<S, N, ElementOf<R, E>>;
  /** Removes `count` elements from an index on. */
  removeByIndexRange<R extends ListReturn = "none">(index: number, count?: number, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** Removes the element at a rank. */
  removeByRank<R extends ListReturn = "none">(rank: number, options?: ElementOptions<R>): Answered<S, N, ElementOf<R, E>>;
  /** Removes `count` elements from a rank on. */
  removeByRankRange<R extends ListReturn = "none">(rank: number, count?: number, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** Removes the first element equal to a value. */
  removeFirstByValue<R extends ListReturn = "none">(value: Uninferred<E>, options?: ElementOptions<R>): Answered<S, N, ElementOf<R, E>>;
  /** Removes all elements equal to a value. */
  removeByValue<R extends ListReturn = "none">(value: Uninferred<E>, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** Removes all elements equal to one of several values. */
  removeByValueList<R extends ListReturn = "none">(values: readonly Uninferred<E>[], options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** Removes all elements from `begin` up to, but not including, `end`. */
  removeByValueRange<R extends ListReturn = "none">(begin: Uninferred<E> | null, end: Uninferred<E> | null, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
  /** Removes `count` elements from the rank relative to where a value is or would be. */
  removeByValueRelRankRange<R extends ListReturn = "none">(value: Uninferred<E>, rank: number, count?: number, options?: ManyOptions<R>): Answered<S, N, ElementsOf<R, E>>;
}
/** The values that may be written for an expression of a type, by type. Numbers fit both `int` and `float`. */
export interface Literals {
  nil: null;
  bool: boolean;
  int: number | bigint;
  float: number | Double;
  string: string;
  list: readonly Value[];
  map: ReadonlyMap<unknown, Value> | {
    readonly [name: string]: Value;
  };
  blob: Uint8Array;
  geo: GeoJSON;
  hll: HyperLogLog;
}
/** What is logged. No event has a key, a value or a password. */
export interface LogEvent {
  readonly level: LogLevel;
  readonly name: LogEventName;
  /** The event as a sentence. */
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly node?: string;
  /** The result code of a failure, and what it is called. */
  readonly code?: number;
  readonly reason?: string;
  /** Of calls: the method, where, for how many rows, how often it was sent, and how long it took, in milliseconds. */
  readonly verb?: string;
  readonly namespace?: string;
  readonly set?: string;
  readonly rows?: number;
  readonly attempts?: number;
  readonly elapsed?: number;
  /** Of calls: when, in milliseconds after the call, it was queued, sent, answered and settled. */
  readonly phases?: CommandPhases;
  /** Events that were lost. */
  readonly count?: number;
}
/** Options of reads of many elements. */
export interface ManyOptions<R> extends Returning<R> {
  /** Select everything else instead. Default false. */
  readonly inverted?: boolean | undefined;
}
/**
 * What maps can do, as operations on a bin (`maps`) and as expressions on a map (`exp.maps`). An index is a place in the order
 * of the keys, a rank one in the order of the values; negative ones count from the end. A count that is left out means to the
 * end; an open end of a range is `null`.
 *
 * With `return: 'keyValue'` the answer is a `Map` in the order of the selection.
 */
export interface MapCalls<S extends Style> {
  /** Writes an entry. Gives the new size. @example maps.put('profile', 'city', 'Bonn', { write: 'create' }) */
  put<V, B extends "list" | "map" = "map">(map: Target<S, B>, key: Key$1<S>, value: Stored<S, V>, options?: MapWriteOptions): Writing<S, B>;
  /** Writes several entries. Gives the new size. @example maps.putItems('profile', { city: 'Bonn', zip: 53111 }) */
  putItems<V, B extends "list" | "map" = "map">(map: Target<S, B>, entries: StoredMap<S, V>, options?: MapWriteOptions): Writing<S, B>;
  /**
   * Adds to the number of an entry, by default 1; a missing one is created. Gives the new value.
   * @example maps.increment('counts', 'clicks', 5)
   */
  increment<B extends "list" | "map" = "map">(map: Target<S, B>, key: Key$1<S>, delta?: Numeric<S>, options?: MapOrderOptions): Writing<S, B>;
  /** Subtracts from the number of an entry, by default 1. Gives the new value. @example maps.decrement('stock', 'apples') */
  decrement<B extends "list" | "map" = "map">(map: Target<S, B>, key: Key$1<S>, delta?: Numeric<S>, options?: MapOrderOptions): Writing<S, B>;
  /** Removes all entries; the order stays. @example maps.clear('profile') */
  clear<B extends "list" | "map" = "map">(map: Target<S, B>, options?: ContextOptions): Writing<S, B>;
  /** The number of entries. @example maps.size('profile') */
  size(map: Within<S>, options?: ContextOptions): Reading<S, "int">;
  /** The entry with a key. @example maps.getByKey('profile', 'city') */
  getByKey: ReadOne<S, "map", [
    key: Key$1<S>
  ]>;
  /** The entry at an index. @example maps.getByIndex('profile', 0, { return: 'key' }) */
  getByIndex: ReadOne<S, "map", [
    index: Int<S>
  ]>;
  /** The first entry with a value. @example maps.getFirstByValue('counts', 5, { return: 'key' }) */
  getFirstByValue: ReadOne<S, "map", [
    value: Sought<S>
  ]>;
  /** The entry at a rank of values. @example maps.getByRank('counts', -1, { return: 'keyValue' }) */
  getByRank: ReadOne<S, "map", [
    rank: Int<S>
  ]>;
  /** The entries with one of several keys. @example maps.getByKeyList('profile', ['city', 'zip'], { return: 'keyValue' }) */
  getByKeyList: ReadMany<S, "map", [
    keys: Keys<S>
  ]>;
  /** All entries with a value. @example maps.getByValue('counts', 5, { return: 'key' }) */
  getByValue: ReadMany<S, "map", [
    value: Sought<S>
  ]>;
  /** All entries with one of several values. @example maps.getByValueList('counts', [1, 2], { inverted: true }) */
  getByValueList: ReadMany<S, "map", [
    values: SoughtList<S>
  ]>;
  /**
   * All entries with keys from `begin` up to, but not including, `end`.
   * @example maps.getByKeyRange('events', 1000, 2000)
   */
  getByKeyRange: ReadMany<S, "map", [
    begin: Key$1<S> | null,
    end: Key$1<S> | null
  ]>;
  /** `count` entries from an index on. @example maps.getByIndexRange('events', -3, { return: 'keyValue' }) */
  getByIndexRange: ReadRange<S, "map", [
    index: Int<S>
  ]>;
  /**
   * All entries with values from `begin` up to, but not including, `end`.
   * @example maps.getByValueRange('counts', 10, null)
   */
  getByValueRange: ReadMany<S, "map", [
    begin: Sought<S> | null,
    end: Sought<S> | null
  ]>;
  /** `count` entries from a rank on. @example maps.getByRankRange('counts', -3, { return: 'keyValue' }) */
  getByRankRange: ReadRange<S, "map", [
    rank: Int<S>
  ]>;
  /**
   * `count` entries from the index relative to where a key is or would be.
   * @example maps.getByKeyRelIndexRange('events', 1500, -1, 2)
   */
  getByKeyRelIndexRange: ReadRange<S, "map", [
    key: Key$1<S>,
    index: Int<S>
  ]>;
  /**
   * `count` entries from the rank relative to where a value is or would be.
   * @example maps.getByValueRelRankRange('counts', 50, 0, 1)
   */
  getByValueRelRankRange: ReadRange<S, "map", [
    value: Sought<S>,
    rank: Int<S>
  ]>;
  /** Removes the entry with a key. @example maps.removeByKey('profile', 'city') */
  removeByKey: RemoveOne<S, "map", [
    key: Key$1<S>
  ]>;
  /** Removes the entry at an index. @example maps.removeByIndex('profile', 0, { return: 'value' }) */
  removeByIndex: RemoveOne<S, "map", [
    index: Int<S>
  ]>;
  /** Removes the first entry with a value. @example maps.removeFirstByValue('counts', 5, { return: 'value' }) */
  removeFirstByValue: RemoveOne<S, "map", [
    value: Sought<S>
  ]>;
  /** Removes the entry at a rank of values. @example maps.removeByRank('counts', -1, { return: 'count' }) */
  removeByRank: RemoveOne<S, "map", [
    rank: Int<S>
  ]>;
  /**
   * Removes the entries with one of several keys.
   * @example maps.removeByKeyList('profile', ['city', 'zip'], { return: 'count' })
   */
  removeByKeyList: RemoveMany<S, "map", [
    keys: Keys<S>
  ]>;
  /** Removes all entries with a value. @example maps.removeByValue('counts', 5, { return: 'value' }) */
  removeByValue: RemoveMany<S, "map", [
    value: Sought<S>
  ]>;
  /**
   * Removes all entries with one of several values.
   * @example maps.removeByValueList('counts', [1, 2], { inverted: true })
   */
  removeByValueList: RemoveMany<S, "map", [
    values: SoughtList<S>
  ]>;
  /**
   * Removes all entries with keys from `begin` up to, but not including, `end`.
   * @example maps.removeByKeyRange('events', 1000, 2000)
   */
  removeByKeyRange: RemoveMany<S, "map", [
    begin: Key$1<S> | null,
    end: Key$1<S> | null
  ]>;
  /** Removes `count` entries from an index on. @example maps.removeByIndexRange('events', -3, { return: 'count' }) */
  removeByIndexRange: RemoveRange<S, "map", [
    index: Int<S>
  ]>;
  /**
   * Removes all entries with values from `begin` up to, but not including, `end`.
   * @example maps.removeByValueRange('counts', 10, null)
   */
  removeByValueRange: RemoveMany<S, "map", [
    begin: Sought<S> | null,
    end: Sought<S> | null
  ]>;
  /** Removes `count` entries from a rank on. @example maps.removeByRankRange('counts', -3, { return: 'count' }) */
  removeByRankRange: RemoveRange<S, "map", [
    rank: Int<S>
  ]>;
  /**
   * Removes `count` entries from the index relative to where a key is or would be.
   * @example maps.removeByKeyRelIndexRange('events', 1500, -1, 2)
   */
  removeByKeyRelIndexRange: RemoveRange<S, "map", [
    key: Key$1<S>,
    index: Int<S>
  ]>;
  /**
   * Removes `count` entries from the rank relative to where a value is or would be.
   * @example maps.removeByValueRelRankRange('counts', 50, 0, 1)
   */
  removeByValueRelRankRange: RemoveRange<S, "map", [
    value: Sought<S>,
    rank: Int<S>
  ]>;
}
/** What only operations can do. */
export interface MapOperations extends MapCalls<"operation"> {
  /**
   * Creates an empty map, at the end of `ctx` when that is given.
   * @example maps.create('profile', { order: 'keyOrdered' })
   */
  create(bin: string, options?: MapOrderOptions): Operation;
  /**
   * Changes the order of a map, creating an empty one when the bin is missing.
   * @example maps.setOrder('profile', { order: 'keyOrdered' })
   */
  setOrder(bin: string, options: MapOrderOptions): Operation;
  /**
   * Writes an entry that must not be there. Like `put` with `write: 'create'`.
   * @example maps.add('profile', 'city', 'Bonn')
   */
  add<V>(bin: string, key: Key$1<"operation">, value: Stored<"operation", V>, options?: MapOrderOptions): Operation;
  /** Writes several entries that must not be there. @example maps.addItems('profile', { city: 'Bonn' }) */
  addItems<V>(bin: string, entries: StoredMap<"operation", V>, options?: MapOrderOptions): Operation;
  /**
   * Writes an entry that must be there. Like `put` with `write: 'update'`.
   * @example maps.replace('profile', 'city', 'Bonn')
   */
  replace<V>(bin: string, key: Key$1<"operation">, value: Stored<"operation", V>, options?: ContextOptions): Operation;
  /** Writes several entries that must be there. @example maps.replaceItems('profile', { city: 'Bonn' }) */
  replaceItems<V>(bin: string, entries: StoredMap<"operation", V>, options?: ContextOptions): Operation;
}
/** Order of a map that an operation creates. */
export interface MapOrderOptions extends ContextOptions {
  /** How the map is kept: `unordered` (default), sorted by key, or by key with the ranks of values at hand. */
  readonly order?: "unordered" | "keyOrdered" | "keyValueOrdered" | undefined;
  /** Keep the index of the map in storage: faster reads of large maps, more space. Default false. */
  readonly persistIndex?: boolean | undefined;
}
/** Reads of a map from `K` to `V`. `S` is the step they belong to, `N` the bin. */
export interface MapReads<K extends MapKey, V, S, N extends string> {
  /** The number of entries. */
  size(options?: ContextOptions): Answered<S, N, number>;
  /** The entry with a key. */
  getByKey<R extends MapReturn = "value">(key: K, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>;
  /** The entries with one of several keys. */
  getByKeyList<R extends MapReturn = "value">(keys: readonly K[], options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** All entries with keys from `begin` up to, but not including, `end`; `null` for an open end. */
  getByKeyRange<R extends MapReturn = "value">(begin: K | null, end: K | null, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** The entry at an index of the keys' order. */
  getByIndex<R extends MapReturn = "value">(index: number, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>;
  /** `count` entries from an index on. */
  getByIndexRange<R extends MapReturn = "value">(index: number, count?: number, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** The entry at a rank of the values. */
  getByRank<R extends MapReturn = "value">(rank: number, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>;
  /** `count` entries from a rank on. */
  getByRankRange<R extends MapReturn = "value">(rank: number, count?: number, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** The first entry with a value. */
  getFirstByValue<R extends MapReturn = "value">(value: Uninferred<V>, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>;
  /** All entries with a value. */
  getByValue<R extends MapReturn = "value">(value: Uninferred<V>, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** All entries with one of several values. */
  getByValueList<R extends MapReturn = "value">(values: readonly Uninferred<V>[], options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** All entries with values from `begin` up to, but not including, `end`. */
  getByValueRange<R extends MapReturn = "value">(begin: Uninferred<V> | null, end: Uninferred<V> | null, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** `count` entries from the index relative to where a key is or would be. */
  getByKeyRelIndexRange<R extends MapReturn = "value">(key: K, index: number, count?: number, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** `count` entries from the rank relative to where a value is or would be. */
  getByValueRelRankRange<R extends MapReturn = "value">(value: Uninferred<V>, rank: number, count?: number, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
}
/** What `ctx.mapKey` takes besides the key. */
export interface MapStepOptions {
  /** Creates the map the key is looked up in when it does not exist. */
  readonly create?: keyof typeof MAP_CREATE | undefined;
  /** A map that is created keeps its index in storage. Default false. */
  readonly persistIndex?: boolean | undefined;
}
/** Options of writes of entries. */
export interface MapWriteOptions extends MapOrderOptions {
  /** `create` only keys that are not there, `update` only those that are. Default `createOrUpdate`. */
  readonly write?: "createOrUpdate" | "create" | "update" | undefined;
  /** Do nothing rather than fail where `write` forbids it. Default false. */
  readonly noFail?: boolean | undefined;
  /** With `noFail`: write those of several entries that may be written. Default false. */
  readonly partial?: boolean | undefined;
}
/** Reads and writes of a map from `K` to `V`. */
export interface MapWrites<K extends MapKey, V, S, N extends string> extends MapReads<K, V, S, N> {
  /** Creates an empty map. */
  create(options?: MapOrderOptions): Answered<S, N, null>;
  /** Changes the order of the map. */
  setOrder(options: MapOrderOptions): Answered<S, N, null>;
  /** Writes an entry. Answers the new size. */
  put(key: K, value: Uninferred<V>, options?: MapWriteOptions): Answered<S, N, number>;
  /** Writes several entries. Answers the new size. */
  putItems(entries: Entries<K, Uninferred<V>>, options?: MapWriteOptions): Answered<S, N, number>;
  /** Writes an entry that must not be there. Answers the new size. */
  add(key: K, value: Uninferred<V>, options?: MapOrderOptions): Answered<S, N, number>;
  /** Writes several entries that must not be there. Answers the new size. */
  addItems(entries: Entries<K, Uninferred<V>>, options?: MapOrderOptions): Answered<S, N, number>;
  /** Writes an entry that must be there. Answers the new size. */
  replace(key: K, value: Uninferred<V>, options?: ContextOptions): Answered<S, N, number>;
  /** Writes several entries that must be there. Answers the new size. */
  replaceItems(entries: Entries<K, Uninferred<V>>, options?: ContextOptions): Answered<S, N, number>;
  /** Adds to the number of an entry, by default 1; a missing one is created. Answers the new value. */
  increment(key: K, delta?: number | bigint, options?: MapOrderOptions): Answered<S, N, number>;
  /** Subtracts from the number of an entry, by default 1. Answers the new value. */
  decrement(key: K, delta?: number | bigint, options?: MapOrderOptions): Answered<S, N, number>;
  /** Removes all entries. */
  clear(options?: ContextOptions): Answered<S, N, null>;
  /** Removes the entry with a key. */
  removeByKey<R extends MapReturn = "none">(key: K, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>;
  /** Removes the entries with one of several keys. */
  removeByKeyList<R extends MapReturn = "none">(keys: readonly K[], options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** Removes all entries with keys from `begin` up to, but not including, `end`. */
  removeByKeyRange<R extends MapReturn = "none">(begin: K | null, end: K | null, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** Removes the entry at an index of the keys' order. */
  removeByIndex<R extends MapReturn = "none">(index: number, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>;
  /** Removes `count` entries from an index on. */
  removeByIndexRange<R extends MapReturn = "none">(index: number, count?: number, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** Removes the entry at a rank of the values. */
  removeByRank<R extends MapReturn = "none">(rank: number, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>;
  /** Removes `count` entries from a rank on. */
  removeByRankRange<R extends MapReturn = "none">(rank: number, count?: number, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** Removes the first entry with a value. */
  removeFirstByValue<R extends MapReturn = "none">(value: Uninferred<V>, options?: ElementOptions<R>): Answered<S, N, EntryOf<R, K, V>>;
  /** Removes all entries with a value. */
  removeByValue<R extends MapReturn = "none">(value: Uninferred<V>, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** Removes all entries with one of several values. */
  removeByValueList<R extends MapReturn = "none">(values: readonly Uninferred<V>[], options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** Removes all entries with values from `begin` up to, but not including, `end`. */
  removeByValueRange<R extends MapReturn = "none">(begin: Uninferred<V> | null, end: Uninferred<V> | null, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** Removes `count` entries from the index relative to where a key is or would be. */
  removeByKeyRelIndexRange<R extends MapReturn = "none">(key: K, index: number, count?: number, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
  /** Removes `count` entries from the rank relative to where a value is or would be. */
  removeByValueRelRankRange<R extends MapReturn = "none">(value: Uninferred<V>, rank: number, count?: number, options?: ManyOptions<R>): Answered<S, N, EntriesOf<R, K, V>>;
}
/** Generation and time to live of a record. */
export interface Meta {
  /** How often the record was written since it was created, 1 to 65,535, then 1 again. */
  readonly gen: number;
  /** Seconds until the record expires, at least 1; `-1` ({@link NEVER_EXPIRES}) when it never does. */
  readonly ttl: number;
}
/** In the place of a record that does not exist, where records are looked for: `meta` and `bins` are `null`. */
export interface MissingRecord extends Readonly<[
  key: Key,
  meta: null,
  bins: null
]> {
  /** The key the record was asked for. */
  readonly key: Key;
  readonly meta: null;
  readonly bins: null;
  readonly digest: Buffer;
}
/** The rows of a write with named bins. */
export interface NamedRows<B extends object, P extends object, N extends readonly (keyof B & string)[]> extends RowConditions, Conditions, Verbs<P | Partial<B>, "many">, Runnable<P | Partial<B>> {
  /** Begins the next record by its user key. */
  id(user: UserKey): {
    /** The values of its bins, in the order in which they were named. */
    values(...values: {
      readonly [I in keyof N]: NonNullable<B[N[I]]> | null;
    }): NamedRows<B, P, N>;
  };
}
/** A namespace, over all nodes. */
export interface NamespaceInfo {
  readonly name: string;
  /** Records, each counted once however many copies there are. */
  readonly objects: number;
  /** Tombstones, each counted once. */
  readonly tombstones: number;
  /** Copies of every record that the cluster keeps now: fewer than configured when there are fewer nodes. */
  readonly replicationFactor: number;
  /** Bytes of data, all copies together. */
  readonly dataBytes: number;
  /** Seconds a record lives that is written with `ttl: 'default'`; 0 for ever. */
  readonly defaultTtl: number;
  /** True when any node takes no more writes. */
  readonly stopWrites: boolean;
  /** Partitions that have yet to move between nodes. */
  readonly migrations: number;
  /** Everything each node says of it, by the node's name, in the server's own terms. */
  readonly nodes: ReadonlyMap<string, Statistics>;
}
/** A node of the cluster. */
export interface Node {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** False while it is being dropped because it does not answer. */
  readonly active: boolean;
  /** Whether it answers: the last look at it and the calls of late had answers. */
  readonly answering: boolean;
  /** Open connections to it, and how many of them are in use. */
  readonly connections: {
    readonly open: number;
    readonly inUse: number;
  };
  /** Version of the server. */
  readonly build: string;
}
/** The channels by name, with what is published there. */
export interface NodeChannels {
  readonly "aerospike-napi:node": NodeMessage;
  readonly "aerospike-napi:connection": ConnectionMessage;
  readonly "aerospike-napi:retry": RetryMessage;
  readonly "aerospike-napi:breaker": BreakerMessage;
}
/** A node, for a health check. */
export interface NodeHealth {
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** Whether it answers, as far as the client knows. */
  readonly answering: boolean;
  /** 'open': it failed so often lately that it is left alone until the window of `errorRateWindow` is over. */
  readonly breaker: "open" | "closed";
  readonly connections: {
    readonly open: number;
    readonly inUse: number;
  };
  /** Requests that wait for a connection. */
  readonly queued: number;
}
/** Options of `info`. */
export interface NodeInfoOptions extends InfoOptions {
  /** The name of one node to ask; without it all are asked. */
  readonly node?: string | undefined;
}
/** Published on `aerospike-napi:node`. */
export interface NodeMessage {
  /** `silent`: it answers nothing at all, and reads begin at another replica; `awake`: it answers again. */
  readonly event: "added" | "removed" | "silent" | "awake";
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly time: number;
}
/** One node of the cluster, or one that left. */
export interface NodeMetrics {
  readonly name: string;
  /** Whether it is part of the cluster now. Address and version are there only then. */
  readonly present: boolean;
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** Version of the server. */
  readonly build: string | undefined;
  /** From the moment a request was made, waiting for a connection included, to its answer. */
  readonly requests: {
    readonly [kind in CommandKind]: RequestMetrics;
  };
  readonly connections: ConnectionMetrics;
  /** Calls and requests that wait for a connection now. */
  readonly queued: number;
  /** Requests of batches that are under way there now. */
  readonly batchRequests: number;
  readonly breaker: {
    /** `open`: the node failed too often, and calls to it are refused until the next window (`maxErrorRate`). */
    readonly state: "closed" | "open";
    /** Errors in this window. */
    readonly errors: number;
    /** How often it opened so far. */
    readonly opened: number;
  };
  /** Whether it answers nothing at all at the moment: reads begin at another replica. */
  readonly silent: boolean;
  /** How often that was found so far. */
  readonly silences: number;
  /** Reads, and rows of batches, that were late there and asked of another replica too (option `hedge`), so far. */
  readonly hedged: number;
  /** How often it was asked for its state, and how often that failed. */
  readonly tends: {
    readonly count: number;
    readonly failed: number;
  };
}
/** What one node did for a batch. */
export interface NodeReport {
  /** Name of the node. */
  readonly name: string;
  /** Rows asked of it, retries included. */
  readonly rows: number;
  /** Rows it answered. */
  readonly answered: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly roundTrips: number;
  readonly retries: number;
  /** Code of its last error, 0 for none. */
  readonly code: number;
  /** That error in words. */
  readonly detail: string;
}
/** What a number can do besides. */
export interface NumberBin<S> {
  /** Adds to the number; a bin that is missing counts as 0. */
  add(by: number | bigint | Double): S;
}
/** What `operate` takes: all of reads and writes. `hedge` only where all operations read. */
export interface OperateOptions extends ReadOptions, WriteOptions {
}
/** What can be done along a path inside an expression. */
export interface PathCalls {
  /**
   * What a path leads to: a list, or with `return: 'tree'` the same collections with only that.
   * @example exp.paths.select(exp.bin.map('order'), [ctx.all()], { return: 'values' })
   */
  select(target: Operand<"list"> | Operand<"map">, path: Context, options: PathSelectOptions & {
    return: "values" | "keys" | "entries";
  }): Exp<"list">;
  select<T extends "list" | "map">(target: Exp<T>, path: Context, options?: PathSelectOptions): Exp<T>;
  /**
   * The collection with every element a path leads to replaced by the result of an expression.
   * @example exp.paths.modify(exp.bin.map('order'), [ctx.all()], exp.add(exp.path.value('int'), 1))
   */
  modify<T extends "list" | "map">(target: Exp<T>, path: Context, change: AnyExp, options?: PathOptions): Exp<T>;
}
/** Options of `paths.modify`. */
export interface PathOptions {
  /** Pass over elements for which an expression fails, rather than fail as a whole. Default false. */
  readonly noFail?: boolean | undefined;
}
/** Options of `paths.select`. */
export interface PathSelectOptions extends PathOptions {
  /**
   * `tree` (default): the same collections with only what was selected; `values` or `keys`: a list of them; `entries`: a list of
   * key, value, key, value.
   */
  readonly return?: PathResult | undefined;
}
/** Options of `toPrometheus`. */
export interface PrometheusOptions {
  /** Labels that every sample gets, such as `{ client: 'sessions' }` where a process has several clients. */
  readonly labels?: {
    readonly [name: string]: string;
  } | undefined;
}
/** The rows of a write of objects. */
export interface PutRows<B extends object, P extends object, W> extends RowConditions, Conditions, Verbs<P | Partial<B>, "many">, Runnable<P | Partial<B>> {
  /** Begins the next record by its user key. */
  id(user: UserKey): RowToPut<B, P, W>;
  /** Writes more objects. */
  put(...objects: readonly B[]): PutRows<B, P, W>;
}
/** Queries and scans. What is wrong with one is said when it is run: by its promise or its loop. */
export interface QueryCommands<I extends ReadIntegers = "auto"> {
  /**
   * A query over a set, or over a namespace without one: `where` asks a secondary index, and without it every record is
   * read. Nothing is sent before it is run.
   *
   * @example
   * const twens = client.query<User>('test', 'users').where(range.between('age', 20, 29)).select('name')
   * for await (const { bins } of twens) console.log(bins.name)
   */
  query<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<ReadAs<B, I>>;
  /**
   * All records of a set, or of a namespace: a query without a predicate.
   *
   * @example
   * const names = (await client.scan<User>('test', 'users').select('name').results()).map(({ bins }) => bins.name)
   */
  scan<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<ReadAs<B, I>>;
  /**
   * A background job by its id, from wherever it was started.
   *
   * @throws InvalidArgumentError when the id is none
   * @example
   * const { state, progress } = await client.job(id).status()
   */
  job(id: bigint | number | string): Job;
}
/** What the caller says about indexes. */
export interface QueryHint {
  /** Asks this index, if the condition has a part for it. */
  readonly index?: string | undefined;
  /** Reads all records of the set, whatever indexes there are. */
  readonly scan?: boolean | undefined;
}
/** Options of queries and scans. */
export interface QueryOptions extends Omit<CallOptions, "key" | "filter" | "totalTimeout" | "maxRetries"> {
  /** Milliseconds the whole query may take, retries included. Default 0: no limit. */
  readonly totalTimeout?: number | undefined;
  /** Leaves out records for which this expression is not true, as method `where` does. */
  readonly filter?: Exp<"bool"> | undefined;
  /** How often partitions that could not be read are asked for again. Default 5. */
  readonly maxRetries?: number | undefined;
  /** Ends the query after this many records; its `cursor` leads on. Default 0: no limit. */
  readonly maxRecords?: number | undefined;
  /** Most records each node reads in a second. Default 0: no limit. */
  readonly recordsPerSecond?: number | undefined;
  /** Gives keys, generations and times to live only. Default false. */
  readonly noBins?: boolean | undefined;
  /**
   * What the servers prepare for: `long` (default) any number of records; `short` a few, with less ado and within one second;
   * `longRelaxAp` like `long`, and during migrations from partitions that may not be complete.
   */
  readonly expectedDuration?: "long" | "short" | "longRelaxAp" | undefined;
  /** One partition, a range of them, or what comes after a record in its partition. Default: all 4,096. */
  readonly partitions?: Partitions | undefined;
  /** The names of the nodes to ask; the partitions of others are left out. Default: all. */
  readonly nodes?: readonly string[] | undefined;
  /** Most nodes asked at once. Default 0: all. */
  readonly concurrency?: number | undefined;
  /** The `cursor` of an earlier query for the same: continues after the last record that it handed out. */
  readonly cursor?: string | undefined;
  /** Called after each page of results. What it throws ends the query. */
  readonly onProgress?: ((progress: QueryProgress) => void) | undefined;
}
/** A page of a query's records. */
export interface QueryPage<B extends object = Bins> {
  readonly records: Record<B>[];
  /** Where the next page begins: `query.from(cursor).page(…)`. Undefined when there is none. */
  readonly cursor: string | undefined;
  /** Whether this was the last page. */
  readonly done: boolean;
}
/** What a query does, and why: of `query.explain()`. */
export interface QueryPlan {
  /** `index`: a secondary index is asked. `scan`: all records of the set are read. */
  readonly access: "index" | "scan";
  /** The name of the index that is asked. */
  readonly index: string | undefined;
  /** What it is asked for: `age from 18 to 30`. */
  readonly asks: string | undefined;
  /** About how many entries of the index that are, copies on other nodes included; undefined when its statistics say nothing. */
  readonly estimate: number | undefined;
  /** Why, in a sentence. */
  readonly why: string;
  /** The other indexes that would do, the best first. */
  readonly candidates: readonly {
    readonly index: string;
    readonly asks: string;
    readonly estimate: number | undefined;
  }[];
  /** Whether the condition is checked of each record that is read. */
  readonly filtered: boolean;
}
/** How far a query is. */
export interface QueryProgress {
  /** Partitions read to their end. */
  readonly done: number;
  /** Partitions the query is about. */
  readonly total: number;
  /** Records (of an aggregation: values) handed out so far. */
  readonly records: number;
}
/** How much users of a role may do, at each node. */
export interface Quotas {
  /** Records read in a second; 0 for any number. */
  readonly readQuota?: number | undefined;
  /** Records written in a second; 0 for any number. */
  readonly writeQuota?: number | undefined;
}
/** Options of predicates. */
export interface RangeOptions {
  /** The way from the bin to the collection or value that the index is over: exactly the one it was created with. */
  readonly ctx?: Context | undefined;
}
/** What reads take. */
export interface ReadOptions extends CallOptions {
  /**
   * Asks another replica as well when an answer is late, and takes the one that comes first: fewer slow reads, for a little more
   * load. `budget` bounds that, over all reads of the client that hedge. Default `false`. Reads that only the master may answer are
   * never asked twice.
   */
  readonly hedge?: Hedge | false | undefined;
  /** During migrations: ask `one` copy (default) or `all` and take the newest. For namespaces in AP mode. */
  readonly readModeAP?: "one" | "all" | undefined;
  /** How strict a read is on a strongly consistent namespace. Default `session`. */
  readonly readModeSC?: "session" | "linearize" | "allowReplica" | "allowUnavailable" | undefined;
  /** Extends the life of the record when less than this percentage of its TTL is left; 0 (default) as the server is configured, `never` not at all. */
  readonly readTouchTtlPercent?: number | "never" | undefined;
}
/** A read of `count` elements, of all up to the end when it is left out. */
export interface ReadRange<S extends Style, C extends "list" | "map", Given extends readonly unknown[]> {
  <R extends ReturnOf<C> = "value">(collection: Within<S>, ...given: [
    ...Given,
    count?: Int<S>,
    options?: ManyOptions<R>
  ]): Reading<S, ManyOf<R>>;
  <R extends ReturnOf<C> = "value">(collection: Within<S>, ...given: [
    ...Given,
    options: ManyOptions<R>
  ]): Reading<S, ManyOf<R>>;
}
/** A row of a batch read that says itself what it wants: bins, `[]` for existence only, or reading operations. */
export interface ReadRow<N extends string = string> extends ReadRowOptions {
  readonly key: Key;
  readonly bins?: readonly N[] | undefined;
  readonly ops?: readonly Operation[] | undefined;
  /** Leaves the row `filtered` when it is not true of the record; in the place of the batch's filter. */
  readonly filter?: Exp<"bool"> | undefined;
}
/** What a reading row of a batch may say for itself. */
export interface ReadRowOptions extends Pick<ReadOptions, "readModeAP" | "readModeSC" | "readTouchTtlPercent" | "integers" | "maps" | "doubles" | "deserialize"> {
  /** What option `key: 'send'` says for a whole call; in a row, `key` is the key. */
  readonly sendKey?: boolean | undefined;
}
/** A step of reads. `B` is what the set holds, `P` the rows before, `A` what is answered. */
export interface ReadStep<B extends object, P extends object, A, K extends Count> extends Conditions, Verbs<P | RowOf<B, A>, "many">, Runnable<P | RowOf<B, A>> {
  /** Reads some bins only, or parts of them: `'profile.address.city'`, `'tags[0]'`. */
  bins<N extends BinPaths$1<B>>(...names: readonly N[]): ReadStep<B, P, Selected<B, N>, K>;
  /** Reads something of a bin. @example session.query(key).bin('tags').list.size() */
  bin<N extends keyof B & string>(name: N): ReadBin<Held<B[N]>, ReadStep<B, P, A, K>, N>;
  /** What an expression makes of the record, under a name of its own. @example session.query(key).compute('adult', exp.ge(exp.bin.int('age'), 18)) */
  compute<N extends string, T extends Type>(name: N, expression: Exp<T>): Answered<ReadStep<B, P, A, K>, N, ValueOf<T>>;
  /** Reads keys, generations and times to live only. */
  withNoBins(): ReadStep<B, P, Bins, K>;
  /** Records that do not exist are rows as well; their `record` is `null`. */
  includeMissingKeys(): this;
  /** What is read is judged by the set's schema: what it does not allow is a failure. */
  validated(): this;
}
/**
 * The commands on single records. `I` is how integers are read where a call does not say it: see {@link WithBigInts}. Every
 * failure is a rejection, never a synchronous throw.
 */
export interface RecordCommands<I extends ReadIntegers = "auto"> {
  /**
   * Reads a record with all its bins. With option `bins` it reads some of them or parts of them, as `select` does.
   *
   * @throws RecordNotFoundError when there is none
   * @example
   * const [, meta, bins] = await client.get<User>(['test', 'demo', 'user1'])
   */
  get<B extends object = Bins>(key: Key, options: BigInts<ReadOptions>): Promise<Record<WithBigInts<B>>>;
  get<B extends object = Bins>(key: Key, options?: ReadOptions & {
    readonly bins?: undefined;
  }): Promise<Record<ReadAs<B, I>>>;
  get(key: Key, options: GetOptions): Promise<Record<Bins>>;
  get<B extends object>(key: Key, options: GetOptions<BinNames<B>>): Promise<Record<ReadAs<Parts<B>, I>>>;
  /**
   * Reads a record as `get` does, and gives `null` when there is none. A miss costs no more than a hit.
   *
   * @example
   * const user = await client.find<User>(key)
   * if (user === null) console.log('no such user')
   */
  find<B extends object = Bins>(key: Key, options: BigInts<ReadOptions>): Promise<Record<WithBigInts<B>> | null>;
  find<B extends object = Bins>(key: Key, options?: ReadOptions & {
    readonly bins?: undefined;
  }): Promise<Record<ReadAs<B, I>> | null>;
  find(key: Key, options: GetOptions): Promise<Record<Bins> | null>;
  find<B extends object>(key: Key, options: GetOptions<BinNames<B>>): Promise<Record<ReadAs<Parts<B>, I>> | null>;
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
  select(key: Key, bins: readonly string[], options?: ReadOptions): Promise<Record<Bins>>;
  select<B extends object, N extends BinPaths<B> = BinPaths<B>>(key: Key, bins: readonly N[], options: BigInts<ReadOptions>): Promise<Record<WithBigInts<Chosen<B, N>>>>;
  select<B extends object>(key: Key, bins: readonly WholeBins<B>[], options?: ReadOptions): Promise<Record<ReadAs<Partial<B>, I>>>;
  select<B extends object, N extends WholeBins<B>>(key: Key, bins: readonly N[], options?: ReadOptions): Promise<Record<ReadAs<Pick<B, N>, I>>>;
  select<B extends object>(key: Key, bins: readonly BinPaths<B>[], options?: ReadOptions): Promise<Record<ReadAs<Parts<B>, I>>>;
  select<B extends object, N extends BinPaths<B>>(key: Key, bins: readonly N[], options?: ReadOptions): Promise<Record<ReadAs<Projected<B, N>, I>>>;
  /**
   * Tells whether a record exists: `[key, meta]`, with `meta` `null` when it does not.
   *
   * @example
   * const [, meta] = await client.exists(key)
   * if (meta === null) console.log('no such record')
   */
  exists(key: Key, options?: ReadOptions): Promise<ExistsResult>;
  /**
   * Writes bins. Other bins of the record stay (see option `exists` for replacing it); `null` removes a bin. Resolves with
   * the generation and TTL the record has now.
   *
   * @throws InvalidArgumentError when a value cannot be stored; the message has its path
   * @throws GenerationError, RecordExistsError, RecordNotFoundError as the options ask
   * @example
   * await client.put(key, { name: 'Alice', age: 30, tags: ['a', 'b'] }, { ttl: 300 })
   */
  put<B extends object>(key: Key, bins: B & Storable<B>, options?: WriteOptions): Promise<Meta>;
  /**
   * Removes a record.
   *
   * @throws RecordNotFoundError when there is none
   * @example
   * await client.remove(key, { generation: meta.gen })
   */
  remove(key: Key, options?: RemoveOptions): Promise<void>;
  /**
   * Renews the expiry of a record (option `ttl`) and raises its generation.
   *
   * @throws RecordNotFoundError when there is none
   * @example
   * await client.touch(key, { ttl: 600 })
   */
  touch(key: Key, options?: WriteOptions): Promise<Meta>;
  /**
   * Adds text or bytes at the end of a bin, which is created when missing.
   *
   * @throws BinTypeError when the bin holds something else
   * @example
   * await client.append(key, 'name', ' Smith')
   */
  append(key: Key, bin: string, value: string | Uint8Array, options?: WriteOptions): Promise<Meta>;
  /**
   * Adds text or bytes at the beginning of a bin, which is created when missing.
   *
   * @throws BinTypeError when the bin holds something else
   * @example
   * await client.prepend(key, 'name', 'Dr. ')
   */
  prepend(key: Key, bin: string, value: string | Uint8Array, options?: WriteOptions): Promise<Meta>;
  /**
   * Adds to a number, by default 1; a missing bin counts as 0. Integers wrap at 64 bits. To have the new value, use
   * `operate` with `op.increment` and `op.read`.
   *
   * @throws BinTypeError when the bin holds something else; an integer cannot be added to a double
   * @example
   * await client.increment(key, 'visits')
   */
  increment(key: Key, bin: string, by?: number | bigint | Double, options?: WriteOptions): Promise<Meta>;
  /**
   * Removes bins. A record without bins is removed with the last one.
   *
   * @throws RecordNotFoundError when there is no such record
   * @example
   * await client.removeBin(key, ['draft', 'note'])
   */
  removeBin(key: Key, bins: string | readonly string[], options?: WriteOptions): Promise<Meta>;
  /**
   * Runs operations on a record, in order, all or none, and gives what they answered by bin. A bin answered once has its
   * value; a bin that several operations answered has them all, as an `OperationResults`. Operations that only write answer
   * nothing.
   *
   * @example
   * const { bins } = await client.operate(key, [op.increment('visits', 1), op.read('visits')])
   */
  operate<B extends object = Bins>(key: Key, operations: readonly Operation[], options: BigInts<OperateOptions>): Promise<Record<WithBigInts<B>>>;
  operate<B extends object = Bins>(key: Key, operations: readonly Operation[], options?: OperateOptions): Promise<Record<ReadAs<B, I>>>;
  /**
   * Like `operate`, with one `[bin, value]` for each operation in the order of the operations; `null` for those that answer
   * nothing. With `op.readAll()` the answers are one for each bin instead.
   *
   * @example
   * const { bins } = await client.operateOrdered(key, [op.read('a'), op.increment('a', 1), op.read('a')])
   * // [['a', 1], ['a', null], ['a', 2]]
   */
  operateOrdered(key: Key, operations: readonly Operation[], options?: OperateOptions): Promise<Record<OrderedResults>>;
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
  apply<T = Value>(key: Key, module: string, name: string, args?: readonly Value[], options?: ApplyOptions): Promise<T>;
}
/** How a regular expression is read. */
export interface RegexOptions {
  /** POSIX extended syntax (`+`, `|`, `()` without backslashes). Default false: basic syntax. */
  readonly extended?: boolean | undefined;
  /** Upper and lower case are the same. Default false. */
  readonly ignoreCase?: boolean | undefined;
  /** `^` and `$` match at line breaks, which `.` does not match. Default false. */
  readonly newline?: boolean | undefined;
}
/** What removes a selection. */
export interface Removable<S, N extends string> {
  /** Removes what is selected. Answers how many there were. */
  remove(): Answered<S, N, number>;
}
/** What removing a record takes. */
export interface RemoveOptions extends CallOptions {
  /** Write only when the generation of the record is this one (0 to 65,535; 0: there is no record). See `generationMode`. */
  readonly generation?: number | undefined;
  /** `equal` (default), or `greater`: write when `generation` is above that of the record. */
  readonly generationMode?: "equal" | "greater" | undefined;
  /** Leave a tombstone when a record is deleted, so that it cannot come back after a restart. Enterprise servers only. Default false. */
  readonly durableDelete?: boolean | undefined;
  /** Answer after `all` copies are written (default) or after the `master` only. */
  readonly commit?: "all" | "master" | undefined;
  /** Says that writing twice does no harm, so that a write in doubt may be repeated by `maxRetries`. Default false. */
  readonly idempotent?: boolean | undefined;
}
/** The removal of `count` elements, of all up to the end when it is left out. */
export interface RemoveRange<S extends Style, C extends "list" | "map", Given extends readonly unknown[]> {
  <R extends ReturnOf<C> = "none", B extends "list" | "map" = C>(collection: Target<S, B>, ...given: [
    ...Given,
    count?: Int<S>,
    options?: RemoveManyOptions<S, R>
  ]): Writing<S, B>;
  <R extends ReturnOf<C> = "none", B extends "list" | "map" = C>(collection: Target<S, B>, ...given: [
    ...Given,
    options: RemoveManyOptions<S, R>
  ]): Writing<S, B>;
}
/** A step that removes. */
export interface RemoveStep<P extends object> extends KeyStep<P>, Generational, Durable {
}
/** What is counted of the requests of one kind to one node: a call makes one, and one more for each retry. */
export interface RequestMetrics extends CommandMetrics {
  /** Requests, and rows of batches, that failed there and were tried again. */
  readonly retries: number;
  /** Those that were not answered in time: the failures with code 9. */
  readonly timeouts: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}
/**
 * One row: the code on the wire (negative: the client's own), its class, what it means, and whether trying again can
 * help.
 */
export interface ResultCode {
  readonly code: number;
  readonly errorClass: ErrorClass;
  readonly meaning: string;
  readonly retryable: boolean;
}
/** Published on `aerospike-napi:retry`: something failed at a node and is tried again. */
export interface RetryMessage {
  readonly node: string;
  readonly time: number;
  /** The kind of command, as `client.metrics()` has them. */
  readonly kind: string;
  /** Why it failed. */
  readonly code: number;
  /** Which attempt failed, from 1. */
  readonly attempt: number;
  /** How many rows of a batch are tried again; 0 of other commands. */
  readonly rows: number;
}
/** How `retry` goes about it. */
export interface RetryOptions {
  /** How many more times the unprocessed rows are sent, at least 1. Default 3. */
  readonly attempts?: number;
  /** Milliseconds all of it may take. Default 10,000. */
  readonly deadline?: number;
}
export interface Returning<R> extends ContextOptions {
  /** What is answered about the selected elements. Default `value` for reads, `none` for removals. */
  readonly return?: R | undefined;
}
/** A role. */
export interface Role extends Required<Quotas> {
  readonly name: string;
  readonly privileges: readonly Privilege[];
  /** Addresses and networks; empty for everywhere. */
  readonly allowlist: readonly string[];
  readonly readQuota: number;
  readonly writeQuota: number;
}
export interface RowBase<B extends object> {
  /** The key as it was asked for. */
  readonly key: Key;
  /** The position of the row in the request. */
  readonly index: number;
  /** The position it had in the batch it was first a row of, when it was handed on as unprocessed; otherwise `index`. */
  readonly origin: number;
  /** The code behind `result`: positive from the server, negative from the client, 0 for success. */
  readonly resultCode: number;
  /** True when a write may have happened although the row has no good answer. */
  readonly inDoubt: boolean;
  /** The node that answered, or was asked last. */
  readonly node: string | undefined;
  /**
   * The record.
   *
   * @throws the row's error; RecordNotFoundError or FilteredError of a read that found nothing
   * @example
   * const { bins } = batch.get(key)?.recordOrThrow() ?? fallback
   */
  recordOrThrow(): Record<B>;
}
/** What a row can say for itself, or, before the first, for all of them. */
export interface RowConditions extends Expiring, Generational, Durable {
}
/** What a row of a batch write may say for itself. */
export interface RowOptions extends Pick<WriteOptions, "ttl" | "expiresAt" | "exists" | "generation" | "generationMode" | "durableDelete" | "commit" | "filter"> {
  /** What option `key: 'send'` says for a whole call; in a row, `key` is the key. */
  readonly sendKey?: boolean | undefined;
}
/** A record that was begun by its user key. */
export interface RowToPut<B extends object, P extends object, W> {
  /** Its bins. */
  put<O extends object>(object: string extends keyof B ? O & Storable<O> : W): PutRows<B, P, W>;
}
/** What a chain ends with. `R` is the type of the bins of its rows. */
export interface Runnable<R extends object> {
  /**
   * Runs the chain: one key as a single call, everything else as one batch. A single key that fails rejects; of a batch the
   * failures are rows. `ErrorStrategy.THROW`, `ErrorStrategy.IN_STREAM` or a handler decide otherwise.
   *
   * @throws InvalidArgumentError when something in the chain makes no sense; nothing was sent then
   * @example
   * const stream = await session.update(users.ids('user-1', 'user-2')).bin('status').setTo('active').execute()
   * for (const row of stream) if (!row.isOk) console.warn(row.key[2], row.message)
   */
  execute(strategy?: ErrorStrategy | ErrorHandler, options?: ExecuteOptions): Promise<RecordResults<R>>;
  /** Runs the chain: the records of its rows. A row that failed throws. */
  records(): Promise<Record<R>[]>;
  /** Runs the chain: its first row, or undefined. */
  first(): Promise<RecordResult<R> | undefined>;
  /** Runs the chain: the record of its first row. @throws RecordNotFoundError when there is none */
  firstOrThrow(): Promise<Record<R>>;
  /** Runs the chain: the records by their user key. A row that failed throws. */
  toMap(): Promise<Map<UserKey, Record<R>>>;
  /** Runs the chain: its records, one after the other. A row that failed throws. */
  [Symbol.asyncIterator](): AsyncIterator<Record<R>, undefined, undefined>;
}
/** What is wrong with a value, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | {
    readonly key: PropertyKey;
  })[] | undefined;
}
/** A selection of many elements: what is to be told of them. */
export interface SelectedElements<E, S, N extends string> {
  /** The elements. */
  getValues(): Answered<S, N, E[]>;
  /** How many they are. */
  count(): Answered<S, N, number>;
  /** Whether there is any. */
  exists(): Answered<S, N, boolean>;
  /** Their indexes. */
  getIndexes(): Answered<S, N, number[]>;
  /** Their ranks. */
  getRanks(): Answered<S, N, number[]>;
}
/** A selection of many entries of a map. */
export interface SelectedEntries<K, V, S, N extends string> extends SelectedElements<V, S, N> {
  /** Their keys. */
  getKeys(): Answered<S, N, K[]>;
  /** The entries, as a `Map` in their order. */
  getEntries(): Answered<S, N, Map<K, V>>;
}
/**
 * Sentences about records: a verb, keys or a set, and what is to be done; made by `client.session()`. A session holds a
 * behavior and nothing else; it may be shared, and needs no closing.
 *
 * @example
 * const users = dataSet<User>('test', 'users')
 * const session = client.session()
 * await session.insert(users).bins('name', 'age').id('user-1').values('Alice', 28).id('user-2').values('Bob', 35).execute()
 * const size = await session.upsert(users.id('user-1')).bin('tags').list.append('new')
 */
export interface Session extends Verbs<never, "one"> {
  /** How its calls behave. */
  readonly behavior: Behavior;
  /**
   * Runs a function in a transaction and commits it: all that the session it gets does is done together or not at all. When
   * another transaction was faster the function is run again, so it must not do anything else that cannot be done twice. Of
   * batches the first failure throws, unless `execute` is told otherwise. `timeout` and `attempts` are those of the behavior
   * where the options say nothing. Needs a strongly consistent namespace of an Enterprise server from 8.0 on.
   *
   * @throws CommitError with `inDoubt` when it may be committed: then the function is not run again
   * @throws TransactionBlockedError, TransactionVersionMismatchError, CommitError when others were faster each time
   * @example
   * await session.transaction(async (tx) => {
   *   const { bins } = await tx.query(accounts.id('alice')).firstOrThrow()
   *   if (bins.sum < 25) throw new Error('not enough')
   *   await tx.update(accounts.id('alice')).bin('sum').add(-25).update(accounts.id('bob')).bin('sum').add(25).execute()
   * })
   */
  transaction<T>(work: (tx: TransactionSession) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
  /** Changes of all records of a set, made by the servers in the background. */
  backgroundTask(): BackgroundTask;
  /**
   * Removes all records of a set, or those that were last written before a time.
   *
   * @example await session.truncate(users, { before: new Date('2026-01-01') })
   */
  truncate<B extends object>(set: DataSet<B>, options?: TruncateOptions): Promise<void>;
  /**
   * Creates a secondary index on a bin of a set; `ready()` of the result waits until it can be asked.
   *
   * @example await (await session.createIndex(users, { bin: 'age', type: 'numeric' })).ready()
   */
  createIndex<B extends object>(set: DataSet<B>, index: SetIndex<B>, options?: InfoOptions): Promise<IndexJob>;
  /** Removes a secondary index of a set by its name. */
  dropIndex<B extends object>(set: DataSet<B>, name: string, options?: InfoOptions): Promise<void>;
  /** What there is to know of the cluster. */
  info(): SessionInfo;
}
/** What a session tells of the cluster. */
export interface SessionInfo {
  /** The namespaces, with what is in them. */
  namespaces(): Promise<NamespaceInfo[]>;
  /** The sets of a namespace, with what is in them. */
  sets(namespace: string): Promise<SetInfo[]>;
  /** The secondary indexes of a namespace, with what they hold. */
  indexes(namespace: string): Promise<IndexInfo[]>;
  /** The answer of every node to an info command, by its name. */
  ask(command: string): Promise<Map<string, string>>;
}
/** An index on a bin of a set. */
export interface SetIndex<B extends object> extends Pick<IndexDefinition, "collection" | "ctx"> {
  readonly bin: keyof B & string;
  readonly type: IndexType;
  /** Default: the names of the set and the bin, with `_` between. */
  readonly name?: string | undefined;
}
/** A set, over all nodes. */
export interface SetInfo {
  readonly namespace: string;
  readonly name: string;
  /** Records, each counted once; about, while partitions move. */
  readonly objects: number;
  /** Tombstones, each counted once; about, while partitions move. */
  readonly tombstones: number;
  /** Bytes of data, all copies together. */
  readonly dataBytes: number;
  /** Secondary indexes of the set. */
  readonly indexes: number;
  /** True while a node still removes what was truncated. */
  readonly truncating: boolean;
  /** Everything each node says of it, by the node's name, in the server's own terms. */
  readonly nodes: ReadonlyMap<string, Statistics>;
}
/** A write of records that are named one by one. */
export interface SetWrite<B extends object, P extends object, W> {
  /** The bins that the rows give values for, in their order. @example session.insert(users).bins('name', 'age').id('user-1').values('Alice', 28) */
  bins<const N extends readonly (keyof B & string)[]>(...names: N & {
    readonly [I in keyof N]: ShortNames<N[I], unknown>;
  }): NamedRows<B, P, N>;
  /** Begins a record by its user key. */
  id(user: UserKey): RowToPut<B, P, W>;
  /** Writes objects, each under the key that option `id` of the set finds in it. */
  put(...objects: readonly B[]): PutRows<B, P, W>;
}
export interface SketchBin<S, N extends string, W extends boolean> {
  /** The operations of `hll`, on this sketch. */
  readonly hll: W extends true ? SketchWrites<S, N> : SketchReads<S, N>;
}
/** Reads of a sketch. */
export interface SketchReads<S, N extends string> {
  /** Estimates how many different values were added. */
  getCount(options?: ContextOptions): Answered<S, N, number>;
  /** The union of the sketch and others. */
  getUnion(sketches: readonly HyperLogLog[], options?: ContextOptions): Answered<S, N, HyperLogLog>;
  /** Estimates the size of the union with others. */
  getUnionCount(sketches: readonly HyperLogLog[], options?: ContextOptions): Answered<S, N, number>;
  /** Estimates the size of the intersection with others. */
  getIntersectCount(sketches: readonly HyperLogLog[], options?: ContextOptions): Answered<S, N, number>;
  /** Estimates the similarity to others, 0 to 1. */
  getSimilarity(sketches: readonly HyperLogLog[], options?: ContextOptions): Answered<S, N, number>;
  /** `[index bits, minhash bits]`. */
  describe(options?: ContextOptions): Answered<S, N, number[]>;
  /** 1 when all values may have been added, 0 when one certainly was not. */
  mayContain(values: readonly Value[], options?: ContextOptions): Answered<S, N, number>;
}
/** Reads and writes of a sketch. */
export interface SketchWrites<S, N extends string> extends SketchReads<S, N> {
  /** Creates an empty sketch, or empties the one that is there. */
  init(options?: HllCreateOptions): Answered<S, N, null>;
  /** Adds values. Answers how many registers changed. */
  add(values: readonly Value[], options?: HllCreateOptions): Answered<S, N, number>;
  /** Makes the sketch the union of itself and others. */
  setUnion(sketches: readonly HyperLogLog[], options?: HllUnionOptions): Answered<S, N, null>;
  /** Counts anew and keeps the count in the sketch. Answers it. */
  refreshCount(options?: ContextOptions): Answered<S, N, number>;
  /** Reduces the sketch to fewer index bits. */
  fold(indexBits: number, options?: ContextOptions): Answered<S, N, null>;
}
/** A schema of any library that follows Standard Schema, version 1. `T` is the type of what it lets through. */
export interface StandardSchema<T = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
    readonly types?: {
      readonly input: unknown;
      readonly output: T;
    } | undefined;
  };
}
/** What a node says of something: settings and counters by name, as it calls them. */
export interface Statistics {
  readonly [name: string]: string | number | boolean;
}
/** How far a stream is. */
export interface StreamProgress {
  /** Rows taken from the source and sent. */
  readonly sent: number;
  /** Rows answered, or given up. */
  readonly answered: number;
  /** Rows handed to the consumer. */
  readonly delivered: number;
  /** Rows with a record among the answered. */
  readonly found: number;
  /** Rows of the source, when it is a list. */
  readonly total: number | undefined;
}
/** What text and bytes can do besides. */
export interface TextBin<V, S> {
  /** Adds at the end; a bin that is missing is created. */
  append(value: V): S;
  /** Adds at the beginning; a bin that is missing is created. */
  prepend(value: V): S;
}
/** TLS. Without `ca` the authorities of the system are trusted. */
export interface TlsOptions {
  /** Certificates of the authorities to trust, PEM. */
  readonly ca?: Pem | readonly Pem[] | undefined;
  /** Certificate of this client with what leads from it to an authority, PEM, for mutual authentication and `authMode: 'pki'`. */
  readonly cert?: Pem | undefined;
  /** Its private key, PEM. */
  readonly key?: Pem | undefined;
  /** What the key is encrypted with. */
  readonly passphrase?: string | undefined;
  /** The name that the certificates of the servers must have, whatever the nodes announce and hosts are called. */
  readonly servername?: string | undefined;
  /** The least version. Default 'TLSv1.2'. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  /** Cipher suites to offer, by their names in OpenSSL, separated by colons. Default all that rustls has. */
  readonly ciphers?: string | undefined;
  /** Lists of revoked certificates, PEM. Where they are given, the certificate of a server must be covered by one. */
  readonly crl?: Pem | readonly Pem[] | undefined;
  /** Whose certificates the lists must cover: the server's own ('leaf', the default) or all that lead to the authority ('chain'). */
  readonly crlCheck?: "leaf" | "chain" | undefined;
  /**
   * Certificates that are not believed, servers' and those of their chains: a line each, the serial number in hexadecimal digits and,
   * after a space, the issuer as `/C=US/O=Acme/CN=authority` if only that one's is meant. Lines that begin with `#` are comments.
   */
  readonly denylist?: Pem | undefined;
  /**
   * Encrypts logins and calls on users and roles alone. All else goes over plain connections, which join the session that the
   * login gave, to the addresses that nodes announce for those. Needs a login. Default false.
   */
  readonly loginOnly?: boolean | undefined;
}
/**
 * A transaction: all commands on records and batches of records, which see what it wrote and are committed together or not at
 * all. It is of the namespace of its first call; other namespaces are refused before anything is sent. Batches throw
 * when one of their rows failed, and removals are durable, unless their options say otherwise.
 *
 * Calls that are under way are waited for before it ends. Two on one record take turns.
 *
 * @example
 * await using tx = client.beginTransaction({ timeout: 5 })
 * const { bins } = await tx.get<Account>(from)
 * await tx.put(from, { sum: bins.sum - 5 })
 * await tx.commit() // leaving the block without it aborts
 */
export interface Transaction<I extends ReadIntegers = "auto"> extends RecordCommands<I>, BatchCommands<I> {
  /** Its id at the server, never 0. */
  readonly id: bigint;
  /** Where it is. */
  readonly state: TransactionState;
  /**
   * Commits: compares what was read with what is there, and makes what was written final. Calls under way are waited for,
   * and no more are taken.
   *
   * @throws CommitError when it could not be committed; with `inDoubt`, it may be committed all the same
   * @throws TransactionExpiredError when the transaction's time was over
   */
  commit(): Promise<CommitStatus>;
  /**
   * Undoes what was written. Calls under way are waited for, and no more are taken.
   *
   * @throws TransactionEndedError when the transaction is committed, or may be
   */
  abort(): Promise<AbortStatus>;
  /** Aborts a transaction that was not committed: `await using tx = client.beginTransaction()`. */
  [Symbol.asyncDispose](): Promise<void>;
}
/** Transactions of a client. */
export interface TransactionCommands<I extends ReadIntegers = "auto"> {
  /**
   * Runs a function in a transaction and commits it. When another transaction was faster the function is run again, after a
   * pause of random length that grows, within `attempts` and `timeout`; so it must not do anything outside of the
   * transaction that cannot be done twice. What it throws otherwise aborts the transaction. Needs a strongly consistent
   * namespace of an Enterprise server from 8.0 on.
   *
   * @throws CommitError with `inDoubt` when it may be committed: then the function is not run again
   * @throws TransactionBlockedError, TransactionVersionMismatchError, CommitError when others were faster each time
   * @throws TransactionExpiredError when the time was over
   * @example
   * const left = await client.transaction(async (tx) => {
   *   const { bins } = await tx.get<Account>(from)
   *   if (bins.sum < 5) throw new Error('not enough')
   *   await tx.batchWrite([
   *     { key: from, ops: [op.increment('sum', -5)] },
   *     { key: to, ops: [op.increment('sum', 5)] },
   *   ])
   *   return bins.sum - 5
   * }, { timeout: 5, attempts: 5 })
   */
  transaction<T>(work: (tx: Transaction<I>) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Begins a transaction that is ended by hand. Nothing is sent before its first call. One that is forgotten is aborted
   * when it is collected, and by the server when its time is over.
   *
   * @throws InvalidArgumentError for options that do not exist or make no sense
   * @throws ClientClosedError after `close`
   * @example
   * await using tx = client.beginTransaction({ timeout: 5 })
   * await tx.put(key, { n: 1 })
   * await tx.commit() // leaving the block without it aborts
   */
  beginTransaction(options?: BeginOptions): Transaction<I>;
}
/** What became of transactions. */
export interface TransactionMetrics {
  readonly begun: number;
  readonly committed: number;
  readonly aborted: number;
  /** Commits with an unknown outcome. */
  readonly inDoubt: number;
  /** Commits that failed. */
  readonly failed: number;
}
/** A transaction of `client.beginTransaction` or `client.transaction`. */
export interface TransactionOption {
  readonly id: bigint;
  commit(): Promise<unknown>;
}
/** Options of `transaction`. */
export interface TransactionOptions extends BeginOptions {
  /** How often the function is run at most. Default 5. */
  readonly attempts?: number | undefined;
  /** Ends the pauses between attempts, and then the call, with an `AbortError`; a commit that was begun is waited for. */
  readonly signal?: AbortSignal | undefined;
}
/**
 * The verbs of a session in a transaction, for the function that {@link Session.transaction} runs. Servers have no queries
 * in transactions: records are read by their keys.
 */
export interface TransactionSession extends Verbs<never, "one"> {
  /** How its calls behave. */
  readonly behavior: Behavior;
  /** The transaction, for plain calls and for ending it early. */
  readonly transaction: Transaction;
}
/** What a behavior can say of transactions. */
export interface TransactionSettings {
  /** Seconds after which the server gives a transaction up. */
  readonly timeout?: number | undefined;
  /** How often the function is run at most. */
  readonly attempts?: number | undefined;
}
/** Options of `truncate`. */
export interface TruncateOptions extends InfoOptions {
  /**
   * Removes only records that were last written before this time: a date, or nanoseconds since 1970 as a bigint. It must not
   * be in the future. Default: now, as the server has it.
   */
  readonly before?: Date | bigint | undefined;
}
/** What knows the type of the records it is about. */
export interface Typed<B extends object> {
  readonly [IN]?: (bins: B) => B;
}
/** A module that is registered. */
export interface UdfModule {
  /** The name that calls use. */
  readonly module: string;
  /** The name of its file: `module` followed by `.lua`. */
  readonly file: string;
  /** SHA-1 of what is registered, as the server makes it. */
  readonly hash: string;
  readonly type: "LUA";
}
/** How many nodes have a module. */
export interface UdfProgress {
  /** Nodes that have it as it was registered. */
  readonly done: number;
  readonly total: number;
}
/** Where a user-defined function failed, as far as it is known. */
export interface UdfSite {
  /** The module, without the ending of its file. */
  readonly module?: string | undefined;
  readonly function?: string | undefined;
  /** The line of the module, counted from 1. */
  readonly line?: number | undefined;
  /** What Lua said. */
  readonly reason?: string | undefined;
}
/** A step that calls a function. */
export interface UdfStepOf<P extends object> extends KeyStep<P>, Expiring, Durable {
  /** Which function is called. */
  function(module: string, name: string): this;
  /** What it gets after the record. */
  passing(...args: readonly Value[]): this;
}
/** What rows of `batch.unprocessed` have beside the fields and options of their kind. */
export interface Unprocessed {
  /**
   * The position the row had in the batch it was first a row of. Whoever has it takes nothing from the next call's
   * options.
   */
  readonly origin: number;
  /**
   * The fields whose values JSON cannot carry and that are encoded: `'key'`, `'ops'`, `'args'`, `'filter'`, `'expiresAt'`,
   * `'bins.name'`.
   */
  readonly encoded?: readonly string[] | undefined;
  /** Options of the call it was part of. A call whose rows all agree on one uses it, unless it says otherwise. */
  readonly call?: {
    readonly [option: string]: unknown;
  } | undefined;
}
/** A node of the cluster that the client cannot reach: calls for records that only it holds fail. */
export interface UnreachableNode {
  readonly name: string;
  /** The addresses that it announces, as far as they were tried, and what happened there. */
  readonly tried: readonly {
    readonly address: string;
    readonly reason: string;
  }[];
}
/** What a user does at one node at the moment, of reads or of writes. */
export interface Usage {
  /** Records in a second that are allowed; 0 for any number. */
  readonly quota: number;
  /** Records in a second by commands on single records and batches. */
  readonly singleRecordTps: number;
  /** Records in a second that queries with a limit may take together. */
  readonly queryRpsLimited: number;
  /** Queries without a limit. */
  readonly queryLimitless: number;
}
/** A user. */
export interface User {
  readonly name: string;
  /** Names of roles, sorted. */
  readonly roles: readonly string[];
  /** Connections in use at the node that was asked. */
  readonly connections: number;
  /** What the user reads there; only where quotas are enabled. */
  readonly reads: Usage | undefined;
  /** What the user writes there; only where quotas are enabled. */
  readonly writes: Usage | undefined;
}
/** The verbs: what a session begins with, and a chain goes on with. `P` has the bins of the rows before. */
export interface Verbs<P extends object, K extends Count> {
  /** Reads the records of keys, or of a set: see {@link SetQuery}. @example session.query(users.ids('user-1', 'user-2')).bins('name') */
  query<B extends object = Bins>(set: DataSet<B>): SetQuery<B>;
  query<B extends object = Bins>(key: SetKey<B>): ReadStep<B, P, unknown, K>;
  query<B extends object = Bins>(keys: SetKeys<B>): ReadStep<B, P, unknown, "many">;
  query<B extends object = Bins>(...keys: readonly SetKey<B>[]): ReadStep<B, P, unknown, "many">;
  /** Asks whether records exist: `asBoolean()` of each row. @example session.exists(users.ids('user-1', 'user-2')) */
  exists(...keys: KeysArgument): KeyStep<P>;
  /** Creates records: one that is there already is a failure. @example session.insert(users.id('user-1')).put({ name: 'Alice', age: 28 }) */
  insert<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, B>;
  insert<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, B>;
  insert<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, "many", B>;
  insert<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, "many", B>;
  /** Changes records: one that is not there is a failure. @example session.update(users.id('user-1')).bin('age').add(1) */
  update<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, Partial<B>>;
  update<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, Partial<B>>;
  update<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, "many", Partial<B>>;
  update<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, "many", Partial<B>>;
  /** Creates or changes records. @example session.upsert(users.id('user-1')).bin('status').setTo('active') */
  upsert<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, Partial<B>>;
  upsert<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, Partial<B>>;
  upsert<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, "many", Partial<B>>;
  upsert<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, "many", Partial<B>>;
  /** Creates records, or replaces all bins of those that are there. @example session.replace(users.id('user-1')).put(user) */
  replace<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, B>;
  replace<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, B>;
  replace<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, "many", B>;
  replace<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, "many", B>;
  /** Replaces all bins of records: one that is not there is a failure. @example session.replaceIfExists(users.id('user-1')).put(user) */
  replaceIfExists<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, B>;
  replaceIfExists<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, B>;
  replaceIfExists<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, "many", B>;
  replaceIfExists<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, "many", B>;
  /** Renews the expiry of records. `asBoolean()` of a row is whether it was there. @example session.touch(users.id('user-1')).expireRecordAfter(600) */
  touch(...keys: KeysArgument): ExpiringStep<P>;
  /** Removes records. `asBoolean()` of a row is whether it was there. @example session.delete(users.ids('user-1', 'user-2')) */
  delete(...keys: KeysArgument): RemoveStep<P>;
  /** Calls a function of a registered module on records: `udfValue` of each row. @example session.executeUdf(key).function('counters', 'add').passing('visits', 1) */
  executeUdf(...keys: KeysArgument): UdfStepOf<P>;
}
/** How to wait for a job. */
export interface WaitOptions<Progress> {
  /** Called after every look that found the job unfinished, and once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Milliseconds between looks, at least 1. Default 100, and up to 2,000 when it takes long. */
  readonly pollInterval?: number | undefined;
  /** Milliseconds to wait at most. Default 0: no limit. */
  readonly timeout?: number | undefined;
  /** Ends the waiting, not the job. */
  readonly signal?: AbortSignal | undefined;
}
/** Options of operations that work on the bin itself: servers know no way to bytes or a sketch inside of a collection. */
export interface WholeBinOptions {
  readonly ctx?: undefined;
}
/** Options of writes to the bin itself. */
export interface WholeBinWriteOptions extends WholeBinOptions {
  /** `create` only when the bin is missing, `update` only when it is there. Default `createOrUpdate`. */
  readonly write?: "createOrUpdate" | "create" | "update" | undefined;
  /** Do nothing rather than fail. Default false. */
  readonly noFail?: boolean | undefined;
}
/** What writes take. */
export interface WriteOptions extends RemoveOptions {
  /**
   * What becomes of bins, and of properties inside of them, that are `undefined`: `'refuse'` them (default), or `'omit'` them, as
   * `JSON.stringify` does. In lists `undefined` is refused in any case.
   */
  readonly undefined?: "refuse" | "omit" | undefined;
  /**
   * Seconds until the record expires (1 to 315,360,000), `never` (or `-1`, as `meta.ttl` says it), `keep` as it is, or
   * `default` as the namespace says (default).
   */
  readonly ttl?: number | "never" | "default" | "keep" | undefined;
  /** When the record expires, by the clock of this machine, in the place of `ttl`: up to ten years from now. */
  readonly expiresAt?: Date | undefined;
  /**
   * Whether the record must exist: `create` must not, `update` and `replace` must, `createOrUpdate` (default) and
   * `createOrReplace` do not care. The replacing ones drop all bins that are not written.
   */
  readonly exists?: "create" | "update" | "replace" | "createOrUpdate" | "createOrReplace" | undefined;
}
/** A step of writes. `W` is what `put` takes. */
export interface WriteStep<B extends object, P extends object, A, K extends Count, W> extends Conditions, Expiring, Generational, Durable, Verbs<P | RowOf<Partial<B>, A>, "many">, Runnable<P | RowOf<Partial<B>, A>> {
  /** Writes the bins of an object. */
  put<O extends object>(object: string extends keyof B ? O & Storable<O> : W): this;
  /** Does something with a bin; operations are done in their order. @example session.upsert(key).bin('visits').add(1) */
  bin<N extends keyof B & string>(name: N & ShortNames<N, unknown>): WriteBin<Held<B[N]>, WriteStep<B, P, A, K, W>, N>;
  /** What an expression makes of the record at this point, under a name of its own. */
  compute<N extends string, T extends Type>(name: N, expression: Exp<T>): Answered<WriteStep<B, P, A, K, W>, N, ValueOf<T>>;
}
/** How undoing ended, as {@link CommitStatus}. In each case nothing of the transaction is left in the end. */
export type AbortStatus = "ok" | "alreadyAborted" | "rollBackAbandoned" | "closeAbandoned";
/** The answers `A` and one more. A bin that is answered several times has all its answers, as `operate` has it. */
export type Adding<A, N extends string, T> = N extends keyof A ? Omit<A, N> & {
  [P in N]: OperationResults;
} : A & {
  [P in N]: T;
};
/** What calls on users and roles take: `totalTimeout`, in milliseconds (default 1,000; 5,000 for what changes something), and `signal`. */
export type AdminOptions = InfoOptions;
/** The step `S` with an answer `T` under the name `N`. */
export type Answered<S, N extends string, T> = S extends ReadStep<infer B, infer P, infer A, infer K> ? Awaitable<ReadStep<B, P, Adding<A, N, T>, K>, K, T> : S extends WriteStep<infer B, infer P, infer A, infer K, infer W> ? Awaitable<WriteStep<B, P, Adding<A, N, T>, K, W>, K, T> : never;
/** An expression of whatever type. */
export type AnyExp = {
  [T in Type]: Exp<T>;
}[Type];
/** An expression of any one of several types, or a plain value of it. */
export type AnyOperand<T extends Type> = {
  [P in T]: Operand<P>;
}[T];
/** What is found at a place in a map whose key is known. */
export type AtKey<V, K> = V extends ReadonlyMap<unknown, infer E> ? E : K extends keyof V ? NonNullable<V[K]> : never;
/** How a user logs in. */
export type AuthMode = "internal" | "external" | "externalInsecure" | "pki";
/** A step that can be awaited, if it is about one key: that runs it, and gives its last answer. */
export type Awaitable<S, K extends Count, T> = K extends "one" ? S & PromiseLike<T> : S;
/** What a behavior can say of background tasks. */
export type BackgroundSettings = Pick<CallSettings, "totalTimeout" | "socketTimeout" | "maxRetries" | "sleepBetweenRetries"> & Pick<WriteOptions, "ttl" | "durableDelete">;
/**
 * One row of a batch. `record` is there when `result` is `ok`; `error` when the row failed or was not processed.
 *
 * `notFound`: there is no such record. `filtered`: the filter left it out. `error`: the row failed for good, or is a write
 * in doubt. `unprocessed`: it was certainly not done, and doing it later may work.
 *
 * A row that was to write and did not is a failure, so it has an `error` also when it is `notFound` (`exists: 'update'` of
 * a record that is not there) or `filtered`. Reads that are `notFound` or `filtered`, and removals of what is not there,
 * have none.
 */
export type BatchRow<B extends object = Bins> = (RowBase<B> & {
  readonly result: "ok";
  readonly record: Record<B>;
  readonly error: null;
}) | (RowBase<B> & {
  readonly result: "notFound" | "filtered";
  readonly record: null;
  readonly error: AerospikeError | null;
}) | (RowBase<B> & {
  readonly result: "error" | "unprocessed";
  readonly record: null;
  readonly error: AerospikeError;
});
/** What a behavior can say of batches. */
export type BatchSettings = Omit<BatchLimits, "onPartial">;
export type Before<N extends string, Mark extends string> = N extends `${infer Head}${Mark}${string}` ? Head : N;
/** A value as it is read with `integers: 'bigint'`: see {@link WithBigInts}. */
export type BigIntValue<T> = [
  Value
] extends [
  T
] ? T : T extends number ? T | bigint : T extends Scalar | undefined | ((...args: never[]) => unknown) ? T : T extends ReadonlyMap<infer K, infer V> ? Map<BigIntValue<K>, BigIntValue<V>> : {
  [P in keyof T]: BigIntValue<T[P]>;
};
/** Options with which integers are read as bigints. */
export type BigInts<O> = O & {
  readonly bins?: undefined;
  readonly integers: "bigint";
};
/** What `get` and batches may read of `B`: any names where nothing is known of it. */
export type BinNames<B extends object> = string extends keyof B ? string : BinPaths<B>;
/** Names of bins of `B`, and paths into them. */
export type BinPaths<B extends object> = (keyof B & string) | `${keyof B & string}${"." | "["}${string}` | `$.${keyof B & string}` | `$.${keyof B & string}${"." | "["}${string}`;
export type BitAnswer<M> = M extends "get" ? Uint8Array : M extends BitReads ? number : null;
export type BitReads = "get" | "getInt" | "count" | "lscan" | "rscan";
/** Operations on bytes: those that read, and with `W` those that write. */
export type BitsOf<S, N extends string, W extends boolean> = {
  readonly [M in W extends true ? keyof BitCalls<"operation"> : BitReads]: BitCalls<"operation">[M] extends (bin: string, ...args: infer Args) => Operation ? (...args: Args) => Answered<S, N, BitAnswer<M>> : never;
};
export type Bool<S extends Style> = boolean | (S extends "expression" ? Exp<"bool"> : never);
export type ByType<T extends Type> = {
  readonly [P in T]: (name: string) => Exp<P>;
};
export type Bytes<S extends Style> = Uint8Array | (S extends "expression" ? Exp<"blob"> : never);
/** What a behavior can say of all calls. */
export type CallSettings = Pick<CallOptions, "totalTimeout" | "socketTimeout" | "maxRetries" | "sleepBetweenRetries" | "replica" | "key" | "integers" | "maps" | "doubles" | "deserialize">;
/** The commands that chains are made of: those of a client, or of whatever else has them. */
export type Calls = Pick<RecordCommands & BatchCommands & QueryCommands, "get" | "exists" | "put" | "remove" | "touch" | "operate" | "operateOrdered" | "apply" | "batch" | "batchRead" | "batchWrite" | "batchOperate" | "batchRemove" | "batchApply" | "query">;
/** A kind of call. */
export type Category = "reads.point" | "reads.batch" | "reads.query" | "writes.retryable" | "writes.nonRetryable" | "background" | "transaction";
/** The options of `connect` that may change while the client runs. */
export type ChangeableOptions = Pick<ConnectOptions, "dialTimeout" | "tendInterval" | "minConnectionsPerNode" | "maxConnectionsPerNode" | "maxIdle" | "useAlternateServices" | "maxErrorRate" | "errorRateWindow" | "maxInFlight" | "maxQueued" | "queueTimeout" | "appId" | "rackIds" | "coalesceReads" | "defaults">;
/** A change of bytes. */
export type Changes<S extends Style, Given extends readonly unknown[], Options = BitWriteOptions> = (bytes: Target<S, "blob">, ...given: [
  ...Given,
  options?: Options
]) => Writing<S, "blob">;
/** What is read of `B`: the bins that `N` names, or parts of all when nothing is named. */
export type Chosen<B extends object, N extends string> = BinPaths<B> extends N ? Parts<B> : Projected<B, N>;
/** A listener of an event. */
export type ClientListener<E extends keyof ClientEvents> = (...facts: ClientEvents[E]) => void;
/** What a column can be made of: see `BatchRecords.column`. */
export type ColumnType = Float64ArrayConstructor | Int32ArrayConstructor | BigInt64ArrayConstructor | Float32ArrayConstructor | ArrayConstructor;
/**
 * A kind of command: `read` (get, find, select, exists, operations that only read), `write` (put, remove, touch, operate and
 * the like), `udf` (apply), `batchRead` and `batchWrite` (batches, also coalesced reads; one that writes any row is a
 * `batchWrite`), `query` (queries and aggregations), `job` (background jobs), `info` (info commands and all that is made of
 * them) and `admin` (users and roles).
 */
export type CommandKind = (typeof COMMAND_KINDS)[number];
/**
 * How a commit ended: `ok`, everything is done; `alreadyCommitted`; `rollForwardAbandoned` and `closeAbandoned`, the server
 * does the rest by itself within the transaction's time. In each case the transaction is committed.
 */
export type CommitStatus = "ok" | "alreadyCommitted" | "rollForwardAbandoned" | "closeAbandoned";
export type Comparable = Exclude<Type, "geo">;
/** The way to a nested collection, from the bin inwards; the option `ctx` of operations and expressions. */
export type Context = readonly ContextStep[];
/** Whether a step is about a single key, and can be awaited for its answer. */
export type Count = "one" | "many";
/** Options of {@link dataSet}. */
export type DataSetOptions<B extends object> = Identified<B> & ([
  NeedsCodec<B>
] extends [
  never
] ? {
  /** How bins are kept that are not kept as they are, by name. */
  readonly codecs?: SetCodecs<B> | undefined;
} : {
  readonly codecs: SetCodecs<B>;
});
/** What a selection of one element of a list answers. */
export type ElementOf<R, E> = R extends "value" ? E : R extends "exists" ? boolean : R extends "none" ? null : R extends `${string}Range` ? readonly [
  from: number,
  count: number
] : number;
/** A selection of many elements, and its opposite. */
export type Elements<E, S, N extends string, W extends boolean> = SelectedElements<E, S, N> & (W extends true ? Removable<S, N> : unknown) & {
  /** All other elements instead. */
  readonly others: SelectedElements<E, S, N> & (W extends true ? Removable<S, N> : unknown);
};
/** What a selection of many elements of a list answers. */
export type ElementsOf<R, E> = R extends "value" ? E[] : R extends "exists" ? boolean : R extends "none" ? null : R extends "count" ? number : R extends `${string}Range` ? readonly [
  from: number,
  count: number
] : number[];
/** Several entries of a map, to be written. */
export type Entries<K, V> = ReadonlyMap<K, V> | {
  readonly [P in K & (string | number)]?: V;
};
/** What a selection of many entries of a map answers. */
export type EntriesOf<R, K, V> = R extends "value" ? V[] : R extends "key" ? K[] : R extends "keyValue" | "unorderedMap" | "orderedMap" ? Map<K, V> : R extends "exists" ? boolean : R extends "none" ? null : R extends "count" ? number : R extends `${string}Range` ? readonly [
  from: number,
  count: number
] : number[];
/** What a selection of one entry of a map answers. */
export type EntryOf<R, K, V> = R extends "value" ? V : R extends "key" ? K : R extends "keyValue" | "unorderedMap" | "orderedMap" ? Map<K, V> : R extends "exists" ? boolean : R extends "none" ? null : R extends `${string}Range` ? readonly [
  from: number,
  count: number
] : number;
export type ErrorClass = new (message: string, details?: ErrorDetails) => AerospikeError;
/** Called with each failure, which is no row of the stream then. What it throws, `execute` or the stream throws. */
export type ErrorHandler = (key: Key, index: number, error: AerospikeError) => void;
/** What `execute` does with failures: see {@link ErrorStrategy.IN_STREAM} and {@link ErrorStrategy.THROW}. */
export type ErrorStrategy = "inStream" | "throw";
/** An expression whose result is a `V`. */
export type ExpOf<V> = {
  [T in TypesOf<V>]: Exp<T>;
}[TypesOf<V>];
/** Privileges that hold for the whole cluster. */
export type GlobalPrivilege = "user-admin" | "sys-admin" | "data-admin" | "udf-admin" | "sindex-admin";
/** What a bin holds, when it is there. */
export type Held<V> = Value extends V ? V : NonNullable<V>;
/** Options of HyperLogLog writes. */
export type HllWriteOptions = WholeBinWriteOptions;
/**
 * A host to start from: `'host:port'`, `'host'` (port 3000), `'[::1]:3000'`, `'host:tlsname:port'` with the name that its
 * certificate has, or the parts.
 */
export type Host = string | {
  readonly host: string;
  readonly port?: number | undefined;
  readonly tlsName?: string | undefined;
};
/** How a set gets the user key of an object: the name of a bin that is the key, or a function. */
export type IdOf<B extends object> = (keyof B & string) | ((object: B) => UserKey);
/** What is indexed of a collection: the elements of a list, or the keys or values of a map. */
export type IndexCollection = "list" | "mapKeys" | "mapValues";
/** An index to be created: of a bin, or of something inside it, or of what an expression makes of a record. */
export type IndexDefinition = IndexBase & ({
  readonly bin: string;
  /** The way from the bin to the value, for what is nested in it. */
  readonly ctx?: Context | undefined;
  readonly expression?: undefined;
} | {
  /** Servers from 8.1 on. */
  readonly expression: AnyExp;
  readonly bin?: undefined;
  readonly ctx?: undefined;
});
/**
 * What a predicate is about: a bin, which finds the index over it; an index by its name; or an index over an expression, by
 * that expression.
 */
export type IndexTarget<N extends string = string> = N | {
  readonly index: string;
} | {
  readonly expression: AnyExp;
};
/** The values an index is of. */
export type IndexType = "numeric" | "string" | "blob" | "geo2dsphere";
/** A value that an index can be asked for: text and bytes for equality, integers for ranges as well. */
export type IndexValue = string | number | bigint | Uint8Array;
/** What is known of the cluster's indexes. */
export type Indexes = Pick<KnownIndexes, "of" | "again" | "forget">;
/** The type of what a schema lets through. */
export type InferSchema<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["output"];
/** What is inside a value of type `V`. */
export type Inside<V, S, N extends string, W extends boolean> = Value extends V ? IntoUntyped<S, N, W> : [
  V
] extends [
  Opaque
] ? unknown : [
  V
] extends [
  readonly (infer E)[]
] ? IntoList<E, S, N, W> : [
  V
] extends [
  object
] ? IntoMap<V, MapKeyOf<V>, MapValueOf<V>, S, N, W> : unknown;
/** Arguments: plain values, in expressions also expressions of their type. */
export type Int<S extends Style> = number | bigint | (S extends "expression" ? Exp<"int"> : never);
/** Values of option `integers`. */
export type Integers = NonNullable<CallOptions["integers"]>;
/**
 * How a client reads integers, of the values of `integers` that its defaults have: `bigint` when one of them is. When nothing
 * is known of them, since the options are only known as {@link ConnectOptions}, types are as bins are declared.
 */
export type IntegersOf<I extends Integers> = [
  Integers
] extends [
  I
] ? "auto" : "bigint" extends I ? "bigint" : "auto";
/** Ways into a value whose type is not known: a list or a map, as the calls say. */
export type IntoUntyped<S, N extends string, W extends boolean> = IntoList<Value, S, N, W> & IntoMap<{
  [key: string]: Value;
}, MapKey, Value, S, N, W>;
/**
 * `running` on some node; `done` on all; `aborted` on some; `unknown` to all of them, who forget jobs that are long over:
 * then it says nothing about whether there was one.
 */
export type JobState = "running" | "done" | "aborted" | "unknown";
/**
 * The key of a record: namespace (1 to 31 bytes), set (up to 63 bytes; `''` or `null` for no set) and user key, or
 * `null` and the record's 20-byte digest when the user key is not known. A key may have both; the digest has to be that
 * of the user key then.
 *
 * Keys are kept by reference until a call has settled; do not change one meanwhile. `record.key` is the same key, though
 * not always the same array.
 *
 * @example
 * const key = ['test', 'demo', 'user1'] as const
 * const byDigest = ['test', 'demo', null, digest(key)] as const
 */
export type Key = readonly [
  namespace: string,
  set: string | null,
  key: UserKey
] | readonly [
  namespace: string,
  set: string | null,
  key: UserKey | null,
  digest: Uint8Array
];
export type Keys<S extends Style> = readonly MapKey[] | (S extends "expression" ? Exp<"list"> : never);
/** Keys, in whatever form. */
export type KeysArgument = readonly [
  keys: readonly Key[]
] | readonly Key[];
export type Let = <T extends Type>(...parts: [
  ...definitions: Definition[],
  body: Exp<T>
]) => Exp<T>;
/** Values of option `return` that lists and maps share. */
export type ListReturn = "none" | "index" | "reverseIndex" | "rank" | "reverseRank" | "count" | "value" | "indexRange" | "reverseIndexRange" | "rankRange" | "reverseRankRange" | "exists";
/** The name of an event. */
export type LogEventName = keyof typeof LEVELS;
/** How much an event matters. */
export type LogLevel = (typeof LOG_LEVELS)[number];
/** Where events go. A promise that it returns is waited for before it gets the next. */
export type LogSink = (event: LogEvent) => unknown;
/** At least sixteen characters, and so more than the 15 bytes of a bin's name. */
export type Long<N extends string> = N extends `${infer _1}${infer _2}${infer _3}${infer _4}${infer _5}${infer _6}${infer _7}${infer _8}${infer _9}${infer _10}${infer _11}${infer _12}${infer _13}${infer _14}${infer _15}${infer _16}${infer _Rest}` ? N : never;
/** Type of a selection of many elements. */
export type ManyOf<R> = R extends "count" ? "int" : R extends "exists" ? "bool" : R extends "none" ? "nil" : R extends "keyValue" | "unorderedMap" | "orderedMap" ? "map" : "list";
/** A selection of many entries, and its opposite. */
export type MapEntries<K, V, S, N extends string, W extends boolean> = SelectedEntries<K, V, S, N> & (W extends true ? Removable<S, N> : unknown) & {
  /** All other entries instead. */
  readonly others: SelectedEntries<K, V, S, N> & (W extends true ? Removable<S, N> : unknown);
};
/** What can be the key of an entry in a map. `1` and `'1'` are two keys. */
export type MapKey = string | number | bigint | Uint8Array;
/** `Keys` and values of what is stored as a map. */
export type MapKeyOf<V> = V extends ReadonlyMap<infer K, unknown> ? K & MapKey : keyof V & string;
/** Values of option `return` of maps. */
export type MapReturn = ListReturn | "key" | "keyValue" | "unorderedMap" | "orderedMap";
export type MapValueOf<V> = V extends ReadonlyMap<unknown, infer E> ? E : NonNullable<V[keyof V]>;
/** A record, or what stands in its place: `meta` and `bins` are both there or both `null`. */
export type MaybeRecord<B extends object = Bins> = Record<B> | MissingRecord;
/**
 * A row of a mixed batch, or a key alone, which is read with all its bins. `operate` runs operations; `read` with `ops`
 * only such that read.
 */
export type MixedRow = Key | ({
  readonly type: "read";
} & ReadRow) | ({
  readonly type: "write";
} & WriteRow) | ({
  readonly type: "operate";
  readonly key: Key;
  readonly ops: readonly Operation[];
} & RowOptions & ReadRowOptions) | ({
  readonly type: "remove";
} & RemoveRow) | ({
  readonly type: "apply";
  readonly module: string;
  readonly function: string;
} & ApplyRow);
/** The bin of a predicate, as far as it is known when the program is compiled. */
export type Named<N extends string> = string extends N ? any : N;
/** The bins of `B` that need a codec, since a bin cannot hold what is in them. */
export type NeedsCodec<B extends object> = {
  [N in keyof B & string]-?: Exclude<B[N], undefined> extends Storable<Exclude<B[N], undefined>> ? never : N;
}[keyof B & string];
/** What a call says for itself alone: no default has it. */
export type NoDefault = "signal" | "filter" | "generation" | "generationMode" | "transaction" | "expiresAt";
export type Num = "int" | "float";
export type Numeric<S extends Style> = number | bigint | Double | (S extends "expression" ? Exp<"int"> | Exp<"float"> : never);
/** Type of a selection of one element; `E` is the type of the element. */
export type OneOf<R, E extends Type> = R extends "value" | "key" ? E : R extends "exists" ? "bool" : R extends "none" ? "nil" : R extends "keyValue" | "unorderedMap" | "orderedMap" ? "map" : R extends `${string}Range` ? "list" : "int";
/** Options of reads of one element. */
export type OneOptions<S extends Style, R, E> = Returning<R> & (S extends "operation" ? unknown : {
  /** The type of the element, where it is the answer. */
  readonly type?: E | undefined;
});
/** The values that are not collections, and the application's own classes. */
export type Opaque = string | number | bigint | boolean | null | Uint8Array | Double | GeoJSON | HyperLogLog | Date | ReadonlySet<unknown>;
/** An expression of a type, or a plain value of it. */
export type Operand<T extends Type> = Exp<T> | Literals[T];
/** A row of `batchOperate` with operations of its own, in the place of the call's. */
export type OperateRow = {
  readonly key: Key;
  readonly ops?: readonly Operation[] | undefined;
} & RowOptions & ReadRowOptions;
export type OptionsArgument<B extends object> = [
  NeedsCodec<B>
] extends [
  never
] ? [
  options?: DataSetOptions<B>
] : [
  options: DataSetOptions<B>
];
/** What makes `operateOrdered` different: one `[bin, value]` for each operation, in the order of the operations. */
export type OrderedResults = readonly (readonly [
  bin: string,
  value: unknown
])[];
/** Which partitions a query is about. */
export type Partitions = number | {
  readonly begin: number;
  readonly count: number;
}
/** The records after this one in its partition; a key, or the digest of one. */
 | {
  readonly after: Key | Uint8Array;
};
/** A value of which only parts were read. */
export type Parts<T> = T extends string | number | bigint | boolean | null | undefined | Uint8Array | Double | GeoJSON | HyperLogLog | ReadonlyMap<unknown, unknown> ? T : T extends readonly (infer E)[] ? (Parts<E> | undefined)[] : T extends object ? {
  [K in keyof T]?: Parts<T[K]>;
} : T;
/** What `paths.select` answers. */
export type PathResult = keyof typeof RESULTS;
/** A value to look for; `WILDCARD` and `INFINITY` may stand for parts of it. */
export type Pattern = Value | Placeholder | readonly Pattern[];
/** PEM: as text, as bytes, or in a file, whose path may be relative to the working directory. */
export type Pem = string | Uint8Array | {
  readonly file: string;
};
/** One element or entry, and what is inside of it. */
export type Place<V, S, N extends string, W extends boolean> = Inside<V, S, N, W> & {
  /** The value. */
  getValue(): Answered<S, N, V>;
  /** Whether it is there. */
  exists(): Answered<S, N, boolean>;
} & (W extends true ? Removable<S, N> : unknown);
/** A path without the `$.` that conditions begin paths with. */
export type Plain<N extends string> = N extends `$.${infer Rest}` ? Rest : N;
/** A privilege, and where it holds. Without `namespace` it holds everywhere; a `set` is always one of a namespace. */
export type Privilege = GlobalPrivilege | ScopedPrivilege | {
  readonly privilege: GlobalPrivilege;
} | {
  readonly privilege: ScopedPrivilege;
  readonly namespace?: string | undefined;
  readonly set?: string | undefined;
};
/** The bins that names and paths read: whole ones as they are, the others in parts. */
export type Projected<B extends object, N extends string> = ProjectedPlain<B, Plain<N>>;
export type ProjectedPlain<B extends object, N extends string> = Pick<B, N & WholeBins<B>> & {
  [K in Exclude<Before<Before<N, ".">, "[">, N> & keyof B]?: Parts<B[K]>;
};
export type QueryDefaults = Pick<CallOptions & BatchLimits, "totalTimeout" | "socketTimeout" | "maxRetries" | "sleepBetweenRetries" | "replica" | "integers" | "maps" | "doubles" | "deserialize" | "concurrency">;
/** What a behavior can say of queries on sets. */
export type QuerySettings = Omit<CallSettings, "key"> & Pick<BatchLimits, "concurrency">;
/** Bins as a client has them that reads integers as `I` says. */
export type ReadAs<B extends object, I extends ReadIntegers> = I extends "bigint" ? WithBigInts<B> : B;
/** A bin that is read. */
export type ReadBin<V, S, N extends string> = {
  /** Reads the bin. */
  get(): Answered<S, N, V>;
} & Inside<V, S, N, false> & (Value extends V ? BytesBin<S, N, false> & SketchBin<S, N, false> : [
  V
] extends [
  Uint8Array
] ? BytesBin<S, N, false> : [
  V
] extends [
  HyperLogLog
] ? SketchBin<S, N, false> : unknown);
/** How a client reads integers, as far as types can say: `bigint` when its defaults have `integers: 'bigint'`. */
export type ReadIntegers = "auto" | "bigint";
/** A read of many elements. */
export type ReadMany<S extends Style, C extends "list" | "map", Given extends readonly unknown[]> = <R extends ReturnOf<C> = "value">(collection: Within<S>, ...given: [
  ...Given,
  options?: ManyOptions<R>
]) => Reading<S, ManyOf<R>>;
/** A read of one element. */
export type ReadOne<S extends Style, C extends "list" | "map", Given extends readonly unknown[]> = <R extends ReturnOf<C> = "value", E extends Type = never>(collection: Within<S>, ...given: [
  ...Given,
  options?: OneOptions<S, R, E>
]) => Reading<S, OneOf<R, E>>;
/** What a behavior can say of reads. */
export type ReadSettings = CallSettings & Pick<ReadOptions, "hedge" | "readModeAP" | "readModeSC" | "readTouchTtlPercent">;
/** What a read gives. */
export type Reading<S extends Style, T extends Type> = S extends "operation" ? Operation : Exp<T>;
/** Integers as `I` says, in the place of what the options of calls take. */
export type Reads<O, I> = Omit<O, NoDefault | "integers"> & {
  readonly integers?: I | undefined;
};
/** The tuple a record destructures into. */
export type RecordTuple<B> = readonly [
  key: Key,
  meta: Meta,
  bins: B
];
/** Types that look like values to TypeScript but are refused when they are written. */
export type Refused = Date | RegExp | ReadonlySet<unknown> | Promise<unknown> | symbol | undefined | ((...args: never[]) => unknown);
/** The removal of many elements. */
export type RemoveMany<S extends Style, C extends "list" | "map", Given extends readonly unknown[]> = <R extends ReturnOf<C> = "none", B extends "list" | "map" = C>(collection: Target<S, B>, ...given: [
  ...Given,
  options?: RemoveManyOptions<S, R>
]) => Writing<S, B>;
export type RemoveManyOptions<S extends Style, R> = S extends "operation" ? ManyOptions<R> : Omit<ManyOptions<R>, "return">;
/** The removal of one element. In expressions the collection may be nested in one of the other kind. */
export type RemoveOne<S extends Style, C extends "list" | "map", Given extends readonly unknown[]> = <R extends ReturnOf<C> = "none", B extends "list" | "map" = C>(collection: Target<S, B>, ...given: [
  ...Given,
  options?: RemoveOneOptions<S, R>
]) => Writing<S, B>;
/** Options of removals. In expressions nothing is answered about the removed elements. */
export type RemoveOneOptions<S extends Style, R> = S extends "operation" ? Returning<R> : ContextOptions;
/** A row of a batch remove with conditions of its own. */
export type RemoveRow = {
  readonly key: Key;
} & Omit<RowOptions, "ttl" | "expiresAt" | "exists">;
/** Values of option `return` of a kind of collection. */
export type ReturnOf<C extends "list" | "map"> = C extends "map" ? MapReturn : ListReturn;
/** The bins of a step's rows: what was answered, or else the record. */
export type RowOf<B extends object, A> = [
  keyof A
] extends [
  never
] ? B : A extends object ? A : never;
/** What became of a row. */
export type RowResult = "ok" | "notFound" | "filtered" | "error" | "unprocessed";
/** A value that is not a collection. */
export type Scalar = null | boolean | number | bigint | string | Uint8Array | Double | GeoJSON | HyperLogLog | RawCollection;
/** What validating gives: a value, or what is wrong. */
export type SchemaResult<T> = {
  readonly value: T;
  readonly issues?: undefined;
} | {
  readonly issues: readonly SchemaIssue[];
};
/** Privileges that can be limited to a namespace, or to a set of one. */
export type ScopedPrivilege = "read" | "read-write" | "read-write-udf" | "write" | "truncate" | "masking-admin" | "read-masked" | "write-masked";
/** The bins that remain of `B` when only `N` is read: names of bins, or paths to parts of them. */
export type Selected<B extends object, N extends string> = string extends keyof B ? B : [
  N
] extends [
  WholeBins<B>
] ? Pick<B, N> : Projected<B, N>;
/** The codecs of a set: for every bin that needs one, and for others as one likes. */
export type SetCodecs<B extends object> = {
  readonly [N in NeedsCodec<B>]: Codec<NonNullable<B[N]>>;
} & {
  readonly [N in Exclude<keyof B & string, NeedsCodec<B>>]?: Codec<NonNullable<B[N]>> | undefined;
};
/** A key of a typed set: a `Key`, for plain calls as well. */
export type SetKey<B extends object = Bins> = Key & Typed<B>;
/** Keys of a typed set: a list of `Key`s, for plain calls as well. */
export type SetKeys<B extends object = Bins> = readonly Key[] & Typed<B>;
/** `T`, unless names of bins are too long: then a text that says so, which nothing can be assigned to. */
export type ShortNames<N, T> = [
  Long<N & string>
] extends [
  never
] ? T : `the name of bin '${Long<N & string>}' has more than 15 bytes`;
/** Other sketches; in an expression also one that stands for a list of it: `exp.bin.hll('yesterday')`. */
export type Sketches<S extends Style> = readonly HyperLogLog[] | (S extends "expression" ? Exp<"list"> | Exp<"hll"> : never);
export type Sought<S extends Style> = Pattern | (S extends "expression" ? AnyExp : never);
export type SoughtList<S extends Style> = readonly Pattern[] | (S extends "expression" ? Exp<"list"> : never);
/** What a bin of type `V` can do besides, by its type. */
export type Special<V, S, N extends string> = Value extends V ? NumberBin<S> & TextBin<string | Uint8Array, S> & BytesBin<S, N, true> & SketchBin<S, N, true> : [
  V
] extends [
  number | bigint | Double
] ? NumberBin<S> : [
  V
] extends [
  string
] ? TextBin<string, S> : [
  V
] extends [
  Uint8Array
] ? TextBin<Uint8Array, S> & BytesBin<S, N, true> : [
  V
] extends [
  HyperLogLog
] ? SketchBin<S, N, true> : unknown;
/**
 * `T` where everything in it can be stored; what cannot be becomes `never`, so that a `Date` or a function in a bin does
 * not compile. Interfaces need no index signature.
 */
export type Storable<T> = T extends Value ? T : T extends Refused ? never : T extends ReadonlyMap<infer K, infer V> ? ReadonlyMap<K & MapKey, Storable<V>> : T extends readonly unknown[] ? {
  readonly [I in keyof T]: Storable<T[I]>;
} : T extends object ? {
  readonly [P in keyof T]: Storable<T[P]>;
} : never;
/** A row of a mixed batch, in which a value that cannot be stored does not compile. */
export type StorableRow<R> = R extends {
  readonly type: "write";
  readonly bins: infer B;
} ? R & {
  readonly bins: Storable<B>;
} : R;
export type Stored<S extends Style, V> = S extends "operation" ? Storable<V> & V : Value | AnyExp;
export type StoredList<S extends Style, V> = S extends "operation" ? readonly (Storable<V> & V)[] : readonly Value[] | Exp<"list">;
export type StoredMap<S extends Style, V> = S extends "operation" ? (Storable<V> & V) | ReadonlyMap<MapKey, unknown> : Operand<"map">;
export type Strategy = ErrorStrategy | ErrorHandler | undefined;
/** `operation`: on a bin of a record. `expression`: on an expression, giving an expression. */
export type Style = "operation" | "expression";
/** What a function works on: the name of a bin, or an expression. */
export type Target<S extends Style, T extends Type> = S extends "operation" ? string : Operand<T>;
/**
 * Where a transaction is: `open`, it takes calls; `committed`; `aborted`, nothing of it was written; `inDoubt`, whether it
 * is committed is not known, and `commit()` again finds out; `verified`, the commit could not be sent, and may be tried
 * again or aborted.
 */
export type TransactionState = "open" | "verified" | "committed" | "aborted" | "inDoubt";
/** The type of an expression's result. */
export type Type = ValueType;
/** The types an expression may have whose result is a `V`. */
export type TypesOf<V> = Value extends V ? Type : [
  V
] extends [
  number | Double
] ? "int" | "float" : [
  V
] extends [
  bigint
] ? "int" : [
  V
] extends [
  string
] ? "string" : [
  V
] extends [
  boolean
] ? "bool" : [
  V
] extends [
  Uint8Array
] ? "blob" : [
  V
] extends [
  GeoJSON
] ? "geo" : [
  V
] extends [
  HyperLogLog
] ? "hll" : [
  V
] extends [
  readonly unknown[]
] ? "list" : [
  V
] extends [
  object
] ? "map" : never;
/** Where a module comes from: a file, or the text itself with a name. */
export type UdfSource = {
  /** The path of a file; its last part is the name of the module unless `name` is another. */
  readonly file: string;
  readonly name?: string | undefined;
  readonly source?: undefined;
} | {
  /** Lua as text or bytes. */
  readonly source: string | Uint8Array;
  /** The name of the module, with or without `.lua`. */
  readonly name: string;
  readonly file?: undefined;
};
/**
 * A row of `unprocessed`: what its batch would have done, in a form that goes into the same kind of batch and into
 * `batch`.
 */
export type UnprocessedRow<T extends "read" | "write" | "operate" | "remove" | "apply"> = (T extends "read" ? Key : never) | (Extract<MixedRow, {
  readonly type: T;
}> & Unprocessed);
/**
 * What names a record inside its set: text, a 64-bit integer (a safe integer or a bigint) or bytes.
 * `1` and `1n` name the same record, `1` and `'1'` do not.
 */
export type UserKey = string | number | bigint | Uint8Array;
/**
 * What a bin can hold: scalars, arrays (lists), plain objects and `Map`s (maps).
 *
 * Integer-valued safe numbers and bigints are 64-bit integers, other numbers and {@link Double} are doubles.
 * `null` as a bin removes the bin; inside a collection it is a value.
 */
export type Value = Scalar | readonly Value[] | ReadonlyMap<MapKey, Value> | {
  readonly [name: string]: Value;
};
/** The value an expression of a type gives. */
export type ValueOf<T extends Type> = T extends "bool" ? boolean : T extends "int" ? number : T extends "string" ? string : T extends "blob" ? Uint8Array : Value;
/** The types by the names that they have in expressions. */
export type ValueType = "nil" | "bool" | "int" | "string" | "list" | "map" | "blob" | "float" | "geo" | "hll";
/** A verb of a session. */
export type Verb = keyof typeof VERB_KINDS;
/** Called with each result; `false`, or a promise of it, ends the query. */
export type Visit<T> = (result: T) => unknown;
/** Names of whole bins: a name with a dot or a bracket is a path unless it is in quotes. */
export type WholeBins<B extends object> = Exclude<keyof B & string, `${string}${"." | "["}${string}`>;
/**
 * Bins as they are read with `integers: 'bigint'`: what is declared a `number` is a bigint when an integer is stored, and a number
 * when a double is. Declare a bin `bigint` or `Double` to have it as that alone.
 */
export type WithBigInts<B extends object> = [
  Bins
] extends [
  B
] ? B : {
  [P in keyof B]: BigIntValue<B[P]>;
};
/** What a read of a list or map works on: either, since one is reached inside the other. */
export type Within<S extends Style> = S extends "operation" ? string : AnyOperand<"list" | "map">;
/** One element whose place can be written. */
export type WritablePlace<V, S, N extends string, W extends boolean> = Place<V, S, N, W> & (W extends true ? {
  /** Writes the value there. */
  setTo(value: V): S;
} & (V extends number | bigint | Double ? {
  /** Adds to the number there. Answers the new one. */
  add(by: number | bigint): Answered<S, N, number>;
} : unknown) : unknown);
/** A bin that is written. */
export type WriteBin<V, S, N extends string> = {
  /** Writes the bin: a value, or what an expression gives. */
  setTo(value: V | ExpOf<V>): S;
  /** Removes the bin. */
  remove(): S;
  /** Reads the bin, as it is after the operations before. */
  get(): Answered<S, N, V>;
} & Special<V, S, N> & Inside<V, S, N, true>;
/** A row of a batch write: bins or operations, and what it says for itself. */
export type WriteRow<B extends object = object> = {
  readonly key: Key;
} & RowOptions & ReadRowOptions & ({
  readonly bins: B;
  readonly ops?: undefined;
} | {
  readonly bins?: undefined;
  readonly ops: readonly Operation[];
});
/** What a behavior can say of writes, of single keys and in batches. */
export type WriteSettings = CallSettings & BatchSettings & Pick<WriteOptions, "ttl" | "durableDelete" | "commit" | "idempotent">;
/** What a write gives; in expressions the whole changed collection, which is not stored. */
export type Writing<S extends Style, T extends Type> = S extends "operation" ? Operation : Exp<T>;
/**
 * A record: `key`, `meta` and `bins`, by name or as `[key, meta, bins]`. It is a value: records are equal when these three
 * are, and `{ ...record }`, `structuredClone(record)` and `JSON.stringify(record)` have them.
 *
 * Large records of a batch decode their bins when `bins` is first touched; until then they hold the bytes.
 *
 * @example
 * const record = await client.get<User>(key)
 * record.bins.name
 * const [, { gen }, { name }] = record
 */
interface Record<B extends object = Bins> extends RecordTuple<B> {
  /** The key the record was asked for. */
  readonly key: Key;
  readonly meta: Meta;
  /** Values by bin name, in the server's order. */
  readonly bins: B;
  /** The 20-byte digest of the key. It is computed when it is asked for, and is no part of the record as a value. */
  readonly digest: Buffer;
}
type BinPaths$1<B extends object> = (keyof B & string) | `${keyof B & string}${"." | "["}${string}`;
type Key$1<S extends Style> = MapKey | (S extends "expression" ? AnyExp : never);
type Reads$1<S extends Style, T extends Type, Given extends readonly unknown[], Options = WholeBinOptions> = (bytes: Target<S, "blob">, ...given: [
  ...Given,
  options?: Options
]) => Reading<S, T>;

export {
  Record,
};

export {};
export type { Roles, Users };

/** `T`, from which nothing is inferred. */
type Uninferred<T> = [T][T extends unknown ? 0 : never];
