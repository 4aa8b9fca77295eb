// Written from session-store.ts by npm run declarations.

import { EventEmitter } from 'node:events';

/**
 * A store for sessions: of `express-session` and of `@fastify/session`. A session expires on the server when its cookie does.
 *
 * @example
 * app.use(session({ store: new AerospikeSessionStore(client, { namespace: 'test' }), secret, resave: false, saveUninitialized: false }))
 */
export declare class AerospikeSessionStore extends EventEmitter {
  #private;
  /** Set by express-session: gives a request a new session. */
  generate?: (request: SessionRequest) => void;
  /**
   * @param client a client, or what will be one; whoever made it closes it
   * @throws InvalidArgumentError for options that do not exist or make no sense
   */
  constructor(client: StoreClient, options?: SessionStoreOptions);
  /** The session of an id; null when there is none, or no more. */
  get(id: string, done: Done<SessionData>): void;
  set(id: string, session: SessionData, done?: Done): void;
  destroy(id: string, done?: Done): void;
  /** Lets a session live as long as its cookie says now. One that is gone stays gone. */
  touch(id: string, session: SessionData, done?: Done): void;
  /** All sessions that live. */
  all(done: Done<SessionData[]>): void;
  /** How many sessions live. */
  length(done: Done<number>): void;
  /** Ends all sessions. */
  clear(done?: Done): void;
  /** Gives a request a new session in the place of its own. */
  regenerate(request: SessionRequest, done: Done): void;
  /** A session without a request. */
  load(id: string, done: Done<object>): void;
  /** Makes a session of the framework out of its data, and gives it to a request. */
  createSession(request: SessionRequest, data: SessionData): object;
}
/** The bins of an entry: its key, so that all can be listed, and its value. */
export interface Entry {
  readonly k: string;
  readonly v: StoredValue;
}
/** What a framework keeps of a session: plain data with a cookie. */
export interface SessionData {
  readonly cookie?: {
    readonly expires?: Date | string | null | undefined;
    readonly originalMaxAge?: number | null | undefined;
  };
}
/** A request, as far as express-session gives it to its store. */
export interface SessionRequest {
  sessionID: string;
  session?: unknown;
  sessionStore?: unknown;
}
/** Options of {@link AerospikeSessionStore}. */
export interface SessionStoreOptions {
  /** The namespace of the records. Default 'test'. */
  readonly namespace?: string | undefined;
  /** Their set. Default 'sessions'. */
  readonly set?: string | undefined;
  /** Seconds that a session lives whose cookie does not say when it expires. Default 86,400: a day. */
  readonly ttl?: number | undefined;
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
export type Done<T = void> = (error?: unknown, result?: T | null) => void;
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
