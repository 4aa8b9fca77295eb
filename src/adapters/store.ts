// What the adapters share: text or bytes by text keys, each a record of a set, on a client that may still be connecting.

import { describe } from '../checks/check.js'
import { checkNames } from '../checks/options.js'
import { InvalidArgumentError, RecordNotFoundError } from '../errors/classes.js'
import { MAX_TTL_SECONDS } from '../limits.js'

type EntryKey = readonly [namespace: string, set: string, key: string]
type Found = { readonly bins: object }

/** What a store needs of a client: any of this package's has it. */
export interface StoreCommands {
  find(key: EntryKey): Promise<Found | null>
  getMany(keys: readonly EntryKey[]): Promise<readonly (Found | null)[]>
  existsMany(keys: readonly EntryKey[]): Promise<readonly { readonly meta: object | null }[]>
  put(key: EntryKey, bins: Entry, options: { readonly ttl: Ttl; readonly exists: 'createOrReplace' }): Promise<unknown>
  touch(key: EntryKey, options: { readonly ttl: Ttl }): Promise<unknown>
  batchWrite(
    rows: readonly { readonly key: EntryKey; readonly bins: Entry; readonly ttl: Ttl }[],
    options: { readonly exists: 'createOrReplace'; readonly onPartial: 'throw' },
  ): Promise<unknown>
  batchRemove(
    keys: readonly EntryKey[],
    options: { readonly onPartial: 'throw' },
  ): Promise<Iterable<{ readonly result: string }>>
  query(namespace: string, set: string): AsyncIterable<Found> & { select(bin: string): AsyncIterable<Found> }
}

/** A client, or the promise of one, such as `connect` returns. */
export type StoreClient = StoreCommands | PromiseLike<StoreCommands>

/** Where the records are. */
export interface Place {
  readonly namespace: string
  readonly set: string
}

/** The options that say where the records are, checked. */
export function checkPlace(what: string, options: unknown, fallback: Place, more: readonly string[] = []): Place {
  checkNames(what, options, ['namespace', 'set', ...more])
  const { namespace = fallback.namespace, set = fallback.set } = options as Partial<Place>
  for (const [name, text] of Object.entries({ namespace, set })) {
    if (typeof text === 'string' && text !== '') continue
    throw new InvalidArgumentError(`${what}: option '${name}' must be text that is not empty, not ${describe(text)}`)
  }
  return { namespace, set }
}

/** Seconds to live, as servers count them; 'never' for no end. */
export type Ttl = number | 'never'

/** Milliseconds to live in the seconds of servers, rounded up; none is for ever. */
export function secondsOf(milliseconds: number | undefined): Ttl {
  if (milliseconds === undefined || milliseconds === Number.POSITIVE_INFINITY) return 'never'
  return Math.min(Math.max(1, Math.ceil(milliseconds / 1000)), MAX_TTL_SECONDS)
}

export type StoredValue = string | Uint8Array

/** The bins of an entry: its key, so that all can be listed, and its value. */
export interface Entry {
  readonly k: string
  readonly v: StoredValue
}

const CLEARED_AT_ONCE = 1000

/** Entries of a set. */
export class Store {
  readonly #client: StoreClient
  readonly #place: Place

  constructor(client: StoreClient, place: Place) {
    this.#client = client
    this.#place = place
  }

  #key(key: string): EntryKey {
    return [this.#place.namespace, this.#place.set, key]
  }

  async read(key: string): Promise<StoredValue | undefined> {
    const record = await (await this.#client).find(this.#key(key))
    return valueIn(record)
  }

  async readMany(keys: readonly string[]): Promise<(StoredValue | undefined)[]> {
    const client = await this.#client
    const records = await client.getMany(keys.map((key) => this.#key(key)))
    return records.map(valueIn)
  }

  async write(key: string, value: StoredValue, ttl: Ttl): Promise<void> {
    const client = await this.#client
    await client.put(this.#key(key), { k: key, v: value }, { ttl, exists: 'createOrReplace' })
  }

  /** Writes all, or rejects with a `BatchPartialError` that has what became of each. */
  async writeMany(entries: readonly (Entry & { readonly ttl: Ttl })[]): Promise<void> {
    const client = await this.#client
    const rows = entries.map(({ k, v, ttl }) => ({ key: this.#key(k), bins: { k, v }, ttl }))
    await client.batchWrite(rows, { exists: 'createOrReplace', onPartial: 'throw' })
  }

  /** How many were there. */
  async remove(keys: readonly string[]): Promise<number> {
    const client = await this.#client
    const batch = await client.batchRemove(
      keys.map((key) => this.#key(key)),
      { onPartial: 'throw' },
    )
    let removed = 0
    for (const { result } of batch) if (result === 'ok') removed++
    return removed
  }

  /** Gives an entry another time to live, if it is there. */
  async touch(key: string, ttl: Ttl): Promise<void> {
    const client = await this.#client
    try {
      await client.touch(this.#key(key), { ttl })
    } catch (error) {
      if (!(error instanceof RecordNotFoundError)) throw error
    }
  }

  async exist(keys: readonly string[]): Promise<boolean[]> {
    const client = await this.#client
    const found = await client.existsMany(keys.map((key) => this.#key(key)))
    return found.map(({ meta }) => meta !== null)
  }

  /** All entries whose keys begin with a text, in no order. */
  async *all(prefix = ''): AsyncGenerator<Entry, void> {
    const client = await this.#client
    for await (const { bins } of client.query(this.#place.namespace, this.#place.set)) {
      if (isEntry(bins, prefix)) yield bins
    }
  }

  /** Removes all entries whose keys begin with a text. */
  async clear(prefix = ''): Promise<void> {
    const client = await this.#client
    let keys: string[] = []
    for await (const { bins } of client.query(this.#place.namespace, this.#place.set).select('k')) {
      if (isEntry(bins, prefix)) keys.push(bins.k)
      if (keys.length < CLEARED_AT_ONCE) continue
      await this.remove(keys)
      keys = []
    }
    await this.remove(keys)
  }
}

function valueIn(record: Found | null): StoredValue | undefined {
  return (record?.bins as Entry | undefined)?.v
}

/** The set may have records of others. */
function isEntry(bins: object, prefix: string): bins is Entry {
  const { k } = bins as Partial<Entry>
  return typeof k === 'string' && k.startsWith(prefix)
}
