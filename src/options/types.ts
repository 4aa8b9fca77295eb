// The options of calls as types, with their units, limits and defaults. The table in table.ts checks them.

import type { Exp } from '../values/expression.js'
import type { MEMBERSHIP } from './membership.js'

/** A transaction of `client.beginTransaction` or `client.transaction`. */
export interface TransactionOption {
  /** @internal */
  readonly [MEMBERSHIP]?: unknown
  readonly id: bigint
  commit(): Promise<unknown>
}

/** What every call takes. */
export interface CallOptions {
  /** Milliseconds the whole call may take, retries included. Default 1,000; 0 is no limit. */
  readonly totalTimeout?: number | undefined
  /** Milliseconds without a byte on the connection before an attempt is given up. Default 30,000, never more than `totalTimeout`. */
  readonly socketTimeout?: number | undefined
  /** How often a failed attempt is repeated inside `totalTimeout`. Default 2 for reads, 0 for writes. */
  readonly maxRetries?: number | undefined
  /** Milliseconds between retries. Default 0. */
  readonly sleepBetweenRetries?: number | undefined
  /**
   * Which copy of the record is asked: `sequence` the master first and the replicas when it fails (default), `master` only
   * the master, `any` by turns, `preferRack` a copy on the racks of `connect({ rackIds })`.
   */
  readonly replica?: 'sequence' | 'master' | 'any' | 'preferRack' | undefined
  /** `send` sends the user key along; on a write it is stored with the record, on a read it is compared. Default `digest`: only its hash. */
  readonly key?: 'digest' | 'send' | undefined
  /**
   * Leaves alone, as if it were not there, a record for which this expression is not true: a single call fails with
   * `FilteredError`, a row of a batch is `filtered`, which is a failure if the row was to write or remove. A write that creates a record is not held up.
   */
  readonly filter?: Exp<'bool'> | undefined
  /** Cancels the call: it settles at once with an `AbortError`. */
  readonly signal?: AbortSignal | undefined
  /**
   * Makes the call part of this transaction, as if it were called on it: `client.get(key, { transaction: tx })` is
   * `tx.get(key)`. `durableDelete` and `onPartial: 'throw'` are the defaults then.
   */
  readonly transaction?: TransactionOption | undefined
  /**
   * How integers are read: `auto` numbers, and bigints outside the safe range (default); `bigint` always bigints; `number`
   * always numbers, failing rather than losing a digit.
   */
  readonly integers?: 'auto' | 'bigint' | 'number' | undefined
  /**
   * How maps are read: `auto` plain objects, and `Map`s when a key is not a string or when the order counts, as with
   * `return: 'keyValue'` (default); `map` always `Map`s; `object`
   * always objects, integer keys as text, failing rather than merging two entries.
   */
  readonly maps?: 'auto' | 'map' | 'object' | undefined
  /** How doubles are read: `auto` integer-valued ones as `Double`, so that they stay doubles when written back (default); `number` all as numbers. */
  readonly doubles?: 'auto' | 'number' | undefined
  /**
   * `false` leaves bins that are lists or maps as a {@link RawCollection}: bytes that can be written to another bin without having
   * been decoded. Default `true`.
   */
  readonly deserialize?: boolean | undefined
}

/** When a read that is slow is asked of another replica too, and how often. */
export interface Hedge {
  /**
   * Milliseconds without an answer (1 or more), or `'p95'` (default): the time within which 95 of 100 reads of that node are
   * answered, as a running estimate.
   */
  readonly after?: number | 'p95' | undefined
  /** Most reads that are asked twice, as a part of all that may be: 0.0001 to 1. Default 0.05. */
  readonly budget?: number | undefined
}

/** What reads take. */
export interface ReadOptions extends CallOptions {
  /**
   * Asks another replica as well when an answer is late, and takes the one that comes first: fewer slow reads, for a little more
   * load. `budget` bounds that, over all reads of the client that hedge. Default `false`. Reads that only the master may answer are
   * never asked twice.
   */
  readonly hedge?: Hedge | false | undefined
  /** During migrations: ask `one` copy (default) or `all` and take the newest. For namespaces in AP mode. */
  readonly readModeAP?: 'one' | 'all' | undefined
  /** How strict a read is on a strongly consistent namespace. Default `session`. */
  readonly readModeSC?: 'session' | 'linearize' | 'allowReplica' | 'allowUnavailable' | undefined
  /** Extends the life of the record when less than this percentage of its TTL is left; 0 (default) as the server is configured, `never` not at all. */
  readonly readTouchTtlPercent?: number | 'never' | undefined
}

/** What writes take. */
export interface WriteOptions extends RemoveOptions {
  /**
   * What becomes of bins, and of properties inside of them, that are `undefined`: `'refuse'` them (default), or `'omit'` them, as
   * `JSON.stringify` does. In lists `undefined` is refused in any case.
   */
  readonly undefined?: 'refuse' | 'omit' | undefined
  /**
   * Seconds until the record expires (1 to 315,360,000), `never` (or `-1`, as `meta.ttl` says it), `keep` as it is, or
   * `default` as the namespace says (default).
   */
  readonly ttl?: number | 'never' | 'default' | 'keep' | undefined
  /** When the record expires, by the clock of this machine, in the place of `ttl`: up to ten years from now. */
  readonly expiresAt?: Date | undefined
  /**
   * Whether the record must exist: `create` must not, `update` and `replace` must, `createOrUpdate` (default) and
   * `createOrReplace` do not care. The replacing ones drop all bins that are not written.
   */
  readonly exists?: 'create' | 'update' | 'replace' | 'createOrUpdate' | 'createOrReplace' | undefined
}

/** What removing a record takes. */
export interface RemoveOptions extends CallOptions {
  /** Write only when the generation of the record is this one (0 to 65,535; 0: there is no record). See `generationMode`. */
  readonly generation?: number | undefined
  /** `equal` (default), or `greater`: write when `generation` is above that of the record. */
  readonly generationMode?: 'equal' | 'greater' | undefined
  /** Leave a tombstone when a record is deleted, so that it cannot come back after a restart. Enterprise servers only. Default false. */
  readonly durableDelete?: boolean | undefined
  /** Answer after `all` copies are written (default) or after the `master` only. */
  readonly commit?: 'all' | 'master' | undefined
  /** Says that writing twice does no harm, so that a write in doubt may be repeated by `maxRetries`. Default false. */
  readonly idempotent?: boolean | undefined
}

/** What `operate` takes: all of reads and writes. `hedge` only where all operations read. */
export interface OperateOptions extends ReadOptions, WriteOptions {}

/** What `apply` takes. Whether the record exists and which generation it has is for the function to judge. */
export interface ApplyOptions
  extends CallOptions,
    Pick<WriteOptions, 'ttl' | 'expiresAt' | 'durableDelete' | 'commit' | 'idempotent'> {}

/** What batches take in addition. */
export interface BatchLimits {
  /** Run rows in the server's network thread when the data is in memory. Default true. */
  readonly inlineMemory?: boolean | undefined
  /** The same for data on flash. Default false. */
  readonly inlineFlash?: boolean | undefined
  /**
   * Most bytes of one part of the call, about; a call with more goes out in parts. A row that is larger by itself goes
   * alone. Default 0: no limit but the protocol's.
   */
  readonly maxRequestBytes?: number | undefined
  /**
   * Most parts of the call under way at once, 1 to 1,024; with `maxKeysPerRequest`, a part has at most so many rows. Large
   * calls go out in parts in any case, and parts that write one record twice follow one another. Default 0: as it seems
   * best.
   */
  readonly concurrency?: number | undefined
  /** Most rows in one request to a node; more are split. Default 0: no limit. */
  readonly maxKeysPerRequest?: number | undefined
  /** Most bytes of answers taken in; rows beyond are `unprocessed`. Default 0: no limit. */
  readonly maxResponseBytes?: number | undefined
  /**
   * What happens when rows failed or could not be processed: `'return'` what there is, or `'throw'` a `BatchPartialError` that
   * carries it. Default: return what there is, and throw when not a single row was processed.
   */
  readonly onPartial?: 'return' | 'throw' | undefined
}

/** What a reading row of a batch may say for itself. */
export interface ReadRowOptions
  extends Pick<
    ReadOptions,
    'readModeAP' | 'readModeSC' | 'readTouchTtlPercent' | 'integers' | 'maps' | 'doubles' | 'deserialize'
  > {
  /** What option `key: 'send'` says for a whole call; in a row, `key` is the key. */
  readonly sendKey?: boolean | undefined
}

/** Options of `get`. `N` is what may be read: names of bins, and paths into them. */
export interface GetOptions<N extends string = string> extends ReadOptions {
  /** Bins to read, or parts of them (see `select`): `undefined` all, `[]` none (generation and time to live only). */
  readonly bins?: readonly N[] | undefined
}

/** Options of `batchRead`. `N` is what may be read: names of bins, and paths into them. */
export interface BatchReadOptions<N extends string = string> extends ReadOptions, BatchLimits {
  /** Bins to read for rows that do not say so themselves: `undefined` all, `[]` none (existence only). */
  readonly bins?: readonly N[] | undefined
}

/** Options of `batchWrite` and `batchOperate`: what is said here holds for every row that does not say otherwise. */
export interface BatchWriteOptions extends Omit<ReadOptions, 'hedge'>, WriteOptions, BatchLimits {}

/** Options of `batch`: what is said here holds for every row that does not say otherwise. */
export interface BatchOptions extends Omit<ReadOptions, 'hedge'>, WriteOptions, BatchLimits {}

/** Options of `batchRemove`. */
export interface BatchRemoveOptions extends RemoveOptions, BatchLimits {}

/** Options of `batchApply`. */
export interface BatchApplyOptions extends ApplyOptions, BatchLimits {}

/** What a row of a batch that calls a function may say for itself. */
export interface ApplyRowOptions
  extends Pick<
    ApplyOptions,
    'ttl' | 'expiresAt' | 'durableDelete' | 'commit' | 'filter' | 'integers' | 'maps' | 'doubles' | 'deserialize'
  > {
  /** What option `key: 'send'` says for a whole call; in a row, `key` is the key. */
  readonly sendKey?: boolean | undefined
}

/** What a row of a batch write may say for itself. */
export interface RowOptions
  extends Pick<
    WriteOptions,
    'ttl' | 'expiresAt' | 'exists' | 'generation' | 'generationMode' | 'durableDelete' | 'commit' | 'filter'
  > {
  /** What option `key: 'send'` says for a whole call; in a row, `key` is the key. */
  readonly sendKey?: boolean | undefined
}

/** What a call says for itself alone: no default has it. */
type NoDefault = 'signal' | 'filter' | 'generation' | 'generationMode' | 'transaction' | 'expiresAt'

/** Integers as `I` says, in the place of what the options of calls take. */
type Reads<O, I> = Omit<O, NoDefault | 'integers'> & { readonly integers?: I | undefined }

type QueryDefaults = Pick<
  CallOptions & BatchLimits,
  | 'totalTimeout'
  | 'socketTimeout'
  | 'maxRetries'
  | 'sleepBetweenRetries'
  | 'replica'
  | 'integers'
  | 'maps'
  | 'doubles'
  | 'deserialize'
  | 'concurrency'
>

/**
 * The client's defaults: what a call uses that does not say otherwise. Of two groups that both hold for a call the more
 * special one counts, option by option: `remove` over `write`.
 */
export interface Defaults<I = NonNullable<CallOptions['integers']>> {
  /** For `get`, `find`, `select`, `exists`, and `operate` without writes. */
  readonly read?: Reads<ReadOptions, I> | undefined
  /** For all writes of single records. */
  readonly write?: Reads<WriteOptions, I> | undefined
  /** For `operate` and `operateOrdered`, over `read` or `write`. */
  readonly operate?: Reads<OperateOptions, I> | undefined
  /** For `remove`, over `write`. */
  readonly remove?: Reads<RemoveOptions, I> | undefined
  /** For `apply`, over `write`. */
  readonly apply?: Reads<ApplyOptions, I> | undefined
  /** For queries, scans, aggregations and background jobs. */
  readonly query?: Reads<QueryDefaults, I> | undefined
  /** For what begins with `scan`, over `query`. */
  readonly scan?: Reads<QueryDefaults, I> | undefined
  /** For all batches. */
  readonly batch?: (Reads<BatchWriteOptions, I> & Pick<ReadOptions, 'hedge'>) | undefined
  /** For `info` and all other questions to nodes: statistics, indexes, modules, users and roles. */
  readonly info?: Pick<CallOptions, 'totalTimeout'> | undefined
}
