// Written from keyv.ts by npm run declarations.

import { EventEmitter } from 'node:events';

/**
 * A store for Keyv.
 *
 * Entries are records with the key of Keyv, its namespace included, and expire on the server as well. Keyv itself checks the
 * time to live to the millisecond; the server's counts seconds, rounded up.
 *
 * @example
 * const cache = new Keyv({ store: new KeyvAerospike(client, { namespace: 'test', set: 'cache' }) })
 * await cache.set('user-1', { name: 'Alice' }, 60_000)
 */
export declare class KeyvAerospike extends EventEmitter {
  #private;
  /** What Keyv asks a store about itself. */
  readonly opts: {
    readonly dialect: string;
    readonly url: string;
  } & Place;
  /** Set by Keyv: what its keys begin with. */
  namespace?: string;
  /**
   * @param client a client, or what will be one; whoever made it closes it
   * @throws InvalidArgumentError for options that do not exist or make no sense
   */
  constructor(client: StoreClient, options?: KeyvAerospikeOptions);
  get<Value>(key: string): Promise<Value | undefined>;
  getMany<Value>(keys: string[]): Promise<(Value | undefined)[]>;
  /** @param ttl milliseconds; without it the entry stays until it is deleted */
  set(key: string, value: StoredValue, ttl?: number): Promise<void>;
  /** Writes all, or rejects with a `BatchPartialError`. */
  setMany(entries: {
    key: string;
    value: StoredValue;
    ttl?: number;
  }[]): Promise<void>;
  delete(key: string): Promise<boolean>;
  /** Whether any of them was there. */
  deleteMany(keys: string[]): Promise<boolean>;
  has(key: string): Promise<boolean>;
  hasMany(keys: string[]): Promise<boolean[]>;
  /** Removes the entries of this namespace of Keyv's; without one, all of the set. */
  clear(): Promise<void>;
  /** All entries of a namespace of Keyv's, in no order. */
  iterator<Value>(namespace?: string): AsyncGenerator<(string | Awaited<Value> | undefined)[], void>;
  /** Nothing: the client is closed by whoever made it. */
  disconnect(): Promise<void>;
}
/** The bins of an entry: its key, so that all can be listed, and its value. */
export interface Entry {
  readonly k: string;
  readonly v: StoredValue;
}
/** Options of {@link KeyvAerospike}. */
export interface KeyvAerospikeOptions {
  /** The namespace of the records. Default 'test'. */
  readonly namespace?: string | undefined;
  /** Their set. Default 'keyv'. */
  readonly set?: string | undefined;
}
/** Where the records are. */
export interface Place {
  readonly namespace: string;
  readonly set: string;
}
/** What a store needs of a client: any of this package's has it. */
export interface StoreCommands {
  find(key: EntryKey): Promise<Found | null>;
  getMany(keys: readonly EntryKey[]): Promise<readonly (Found | null)[]>;
  existsMany(keys: readonly EntryKey[]): Promise<readonly {
    readonly meta: object | null;
  }[]>;
  put(key: EntryKey, bins: Entry, options: {
    readonly ttl: Ttl;
    readonly exists: "createOrReplace";
  }): Promise<unknown>;
  touch(key: EntryKey, options: {
    readonly ttl: Ttl;
  }): Promise<unknown>;
  batchWrite(rows: readonly {
    readonly key: EntryKey;
    readonly bins: Entry;
    readonly ttl: Ttl;
  }[], options: {
    readonly exists: "createOrReplace";
    readonly onPartial: "throw";
  }): Promise<unknown>;
  batchRemove(keys: readonly EntryKey[], options: {
    readonly onPartial: "throw";
  }): Promise<Iterable<{
    readonly result: string;
  }>>;
  query(namespace: string, set: string): AsyncIterable<Found> & {
    select(bin: string): AsyncIterable<Found>;
  };
}
export type EntryKey = readonly [
  namespace: string,
  set: string,
  key: string
];
export type Found = {
  readonly bins: object;
};
/** A client, or the promise of one, such as `connect` returns. */
export type StoreClient = StoreCommands | PromiseLike<StoreCommands>;
export type StoredValue = string | Uint8Array;
/** Seconds to live, as servers count them; 'never' for no end. */
export type Ttl = number | "never";

export {};
