// Records as people hold them: objects with names that also destructure as tuples.

import { inspect } from 'node:util'
import type { Key } from './key.js'
import type { BinSource } from './page.js'
import type { Bins } from './values.js'

/** `meta.ttl` of a record that never expires. */
export const NEVER_EXPIRES = -1

/** Generation and time to live of a record. */
export interface Meta {
  /** How often the record was written since it was created, 1 to 65,535, then 1 again. */
  readonly gen: number
  /** Seconds until the record expires, at least 1; `-1` ({@link NEVER_EXPIRES}) when it never does. */
  readonly ttl: number
}

/** The tuple a record destructures into. */
type RecordTuple<B> = readonly [key: Key, meta: Meta, bins: B]

/**
 * A record: `key`, `meta` and `bins`, by name or as `[key, meta, bins]`.
 *
 * Rows of a batch decode their bins when `bins` is first touched; until then they hold the bytes.
 *
 * @example
 * const record = await client.get<User>(key)
 * record.bins.name
 * const [, { gen }, { name }] = record
 */
export interface Record<B extends object = Bins> extends RecordTuple<B> {
  /** The key the record was asked for. */
  readonly key: Key
  readonly meta: Meta
  /** Values by bin name, in the server's order. */
  readonly bins: B
}

/** What `exists` tells: the key, and `meta` or `null` when there is no such record. Also a tuple `[key, meta]`. */
export interface ExistsResult extends Readonly<[key: Key, meta: Meta | null]> {
  readonly key: Key
  readonly meta: Meta | null
}

/** What makes `operateOrdered` different: one `[bin, value]` for each operation, in the order of the operations. */
export type OrderedResults = readonly (readonly [bin: string, value: unknown])[]

/** The number of seconds between the Unix epoch and the one of the server, 2010-01-01 (protocol 2.6). */
const SERVER_EPOCH = 1262304000

/** Seconds to live from the server's void-time; an expired record that still answers has one second left. */
export function ttlOf(voidTime: number, now: number): number {
  if (voidTime === 0) return NEVER_EXPIRES
  const left = voidTime - (Math.floor(now / 1000) - SERVER_EPOCH)
  return left > 0 ? left : 1
}

// Records share the methods of arrays (they are typed as tuples), without being arrays: creating a subclass of Array
// costs several times as much as a plain object. Array's methods only need `length` and the numbered properties.
abstract class Tuple {
  abstract readonly key: Key
  abstract readonly meta: Meta | null

  get 0(): Key {
    return this.key
  }

  get 1(): Meta | null {
    return this.meta
  }
}
Object.setPrototypeOf(Tuple.prototype, Array.prototype)

/** The class behind {@link Record}. */
export class RecordObject extends Tuple {
  readonly key: Key
  readonly meta: Meta
  #bins: object | undefined
  #source: BinSource | undefined
  #at: number

  /** With a source, `bins` are decoded from byte `at` of it when they are first wanted. */
  constructor(key: Key, meta: Meta, bins: object | undefined, source: BinSource | undefined, at: number) {
    super()
    this.key = key
    this.meta = meta
    this.#bins = bins
    this.#source = source
    this.#at = at
  }

  get bins(): object {
    const bins = this.#bins
    if (bins !== undefined) return bins
    const decoded = (this.#source as BinSource).bins(this.#at)
    this.#bins = decoded
    // The page may be large: one record that is kept must not keep it alive.
    this.#source = undefined
    return decoded
  }

  get 2(): object {
    return this.bins
  }

  get length(): number {
    return 3
  }

  [Symbol.iterator](): ArrayIterator<unknown> {
    return [this.key, this.meta, this.bins][Symbol.iterator]()
  }

  toJSON(): unknown {
    return { key: this.key, meta: this.meta, bins: this.bins }
  }

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    return `Record ${show({ key: this.key, meta: this.meta, bins: this.bins }, options)}`
  }
}

/** The class behind {@link ExistsResult}. */
export class ExistsObject extends Tuple {
  readonly key: Key
  readonly meta: Meta | null

  constructor(key: Key, meta: Meta | null) {
    super()
    this.key = key
    this.meta = meta
  }

  get length(): number {
    return 2
  }

  [Symbol.iterator](): ArrayIterator<unknown> {
    return [this.key, this.meta][Symbol.iterator]()
  }

  toJSON(): unknown {
    return { key: this.key, meta: this.meta }
  }

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    return `ExistsResult ${show({ key: this.key, meta: this.meta }, options)}`
  }
}
