// A store of Keyv's, and with it of cache-manager's and NestJS's caches.

import { EventEmitter } from 'node:events'
import { InvalidArgumentError } from '../errors/classes.js'
import { checkPlace, type Entry, type Place, Store, type StoreClient, type StoredValue, secondsOf } from './store.js'

export type { StoreClient, StoredValue }

/** Options of {@link KeyvAerospike}. */
export interface KeyvAerospikeOptions {
  /** The namespace of the records. Default 'test'. */
  readonly namespace?: string | undefined
  /** Their set. Default 'keyv'. */
  readonly set?: string | undefined
}

/** Keyv iterates the stores whose address has a name that it knows, and no others. */
const ITERABLE = 'aerospike:?iterates=redis'

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
export class KeyvAerospike extends EventEmitter {
  /** What Keyv asks a store about itself. */
  readonly opts: { readonly dialect: string; readonly url: string } & Place
  /** Set by Keyv: what its keys begin with. */
  namespace?: string
  readonly #store: Store

  /**
   * @param client a client, or what will be one; whoever made it closes it
   * @throws InvalidArgumentError for options that do not exist or make no sense
   */
  constructor(client: StoreClient, options: KeyvAerospikeOptions = {}) {
    super()
    const place = checkPlace('KeyvAerospike', options, { namespace: 'test', set: 'keyv' })
    this.opts = { dialect: 'aerospike', url: ITERABLE, ...place }
    this.#store = new Store(client, place)
  }

  // Keyv wants its own types of what it stored; what that is, it alone knows.
  get<Value>(key: string): Promise<Value | undefined> {
    return this.#store.read(key) as Promise<Value | undefined>
  }

  getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    return this.#store.readMany(keys) as Promise<(Value | undefined)[]>
  }

  /** @param ttl milliseconds; without it the entry stays until it is deleted */
  async set(key: string, value: StoredValue, ttl?: number): Promise<void> {
    await this.#store.write(key, entryOf(key, value).v, secondsOf(ttl))
  }

  /** Writes all, or rejects with a `BatchPartialError`. */
  async setMany(entries: { key: string; value: StoredValue; ttl?: number }[]): Promise<void> {
    await this.#store.writeMany(entries.map(({ key, value, ttl }) => ({ ...entryOf(key, value), ttl: secondsOf(ttl) })))
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#store.remove([key])) > 0
  }

  /** Whether any of them was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#store.remove(keys)) > 0
  }

  async has(key: string): Promise<boolean> {
    const [has] = await this.#store.exist([key])
    return has === true
  }

  hasMany(keys: string[]): Promise<boolean[]> {
    return this.#store.exist(keys)
  }

  /** Removes the entries of this namespace of Keyv's; without one, all of the set. */
  clear(): Promise<void> {
    return this.#store.clear(this.namespace === undefined ? '' : `${this.namespace}:`)
  }

  /** All entries of a namespace of Keyv's, in no order. */
  async *iterator<Value>(namespace?: string): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    for await (const { k, v } of this.#store.all(namespace === undefined ? '' : `${namespace}:`)) {
      yield [k, v as Awaited<Value>]
    }
  }

  /** Nothing: the client is closed by whoever made it. */
  async disconnect(): Promise<void> {}
}

function entryOf(key: string, value: unknown): Entry {
  if (typeof value === 'string' || value instanceof Uint8Array) return { k: key, v: value }
  throw new InvalidArgumentError('KeyvAerospike: this store needs the serializer of Keyv, which was switched off')
}
