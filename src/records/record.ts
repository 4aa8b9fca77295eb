// Records as people hold them: objects with names that also destructure as tuples.

import { inspect } from 'node:util'
import { type Key, type KeyNames, keyOf, type UserKey } from '../key.js'
import type { Bins } from '../values/values.js'
import { BinSource } from './message.js'
import { type Meta, NEVER_EXPIRES } from './meta.js'

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
// Every promise asks what it is resolved with for `then`. Found here, it is not looked for among all methods of arrays.
Object.defineProperty(Tuple.prototype, 'then', { value: undefined })

/**
 * The class behind {@link Record}. People hold many of them, so its few fields change their meaning rather than being
 * more: 56 bytes beside the bins.
 */
export class RecordObject extends Tuple {
  /** The key, or the user key alone while `#names` has the rest. */
  #key: Key | UserKey
  #names: KeyNames | undefined
  /** The bins, or where they are decoded from when they are first wanted. */
  #bins: object | BinSource
  /** While the bins are not decoded the place of the message; then, of a record that never expires, the generation. */
  #meta: Meta | number

  constructor(key: Key | UserKey, names: KeyNames | undefined, meta: Meta | number, bins: object | BinSource) {
    super()
    this.#key = key
    this.#names = names
    this.#bins = bins
    this.#meta = meta
  }

  /** A record that is all there. */
  static of(key: Key, meta: Meta | number, bins: object): RecordObject {
    return new RecordObject(key, undefined, meta, bins)
  }

  /** A record whose message is at byte `at` of a source. */
  static from(key: Key | UserKey, names: KeyNames | undefined, source: BinSource, at: number): RecordObject {
    return new RecordObject(key, names, at, source)
  }

  get key(): Key {
    const names = this.#names
    if (names !== undefined) {
      this.#key = keyOf(names, this.#key as UserKey)
      this.#names = undefined
    }
    return this.#key as Key
  }

  get meta(): Meta {
    const meta = this.#meta
    if (typeof meta !== 'number') return meta
    const source = this.#bins
    if (source instanceof BinSource) return source.meta(meta)
    const whole = { gen: meta, ttl: NEVER_EXPIRES }
    this.#meta = whole
    return whole
  }

  get bins(): object {
    const source = this.#bins
    if (!(source instanceof BinSource)) return source
    const at = this.#meta as number
    // The page may be large: one record that is kept must not keep it alive.
    const bins = source.bins(at)
    this.#meta = source.keptMeta(at)
    this.#bins = bins
    source.leave()
    return bins
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
