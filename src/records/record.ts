// Records as people hold them: objects with names that also destructure as tuples.

import { inspect } from 'node:util'
import type { Key } from '../key.js'
import { lazyProperty } from '../lazy.js'
import type { Bins } from '../values/values.js'
import { digest } from './digest.js'
import type { BinSource } from './message.js'
import type { Meta } from './meta.js'

/** The tuple a record destructures into. */
type RecordTuple<B> = readonly [key: Key, meta: Meta, bins: B]

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
export interface Record<B extends object = Bins> extends RecordTuple<B> {
  /** The key the record was asked for. */
  readonly key: Key
  readonly meta: Meta
  /** Values by bin name, in the server's order. */
  readonly bins: B
  /** The 20-byte digest of the key. It is computed when it is asked for, and is no part of the record as a value. */
  readonly digest: Buffer
}

/** In the place of a record that does not exist, where records are looked for: `meta` and `bins` are `null`. */
export interface MissingRecord extends Readonly<[key: Key, meta: null, bins: null]> {
  /** The key the record was asked for. */
  readonly key: Key
  readonly meta: null
  readonly bins: null
  readonly digest: Buffer
}

/** A record, or what stands in its place: `meta` and `bins` are both there or both `null`. */
export type MaybeRecord<B extends object = Bins> = Record<B> | MissingRecord

/** What `exists` tells: the key, and `meta` or `null` when there is no such record. Also a tuple `[key, meta]`. */
export interface ExistsResult extends Readonly<[key: Key, meta: Meta | null]> {
  readonly key: Key
  readonly meta: Meta | null
  /** The 20-byte digest of the key. It is computed when it is asked for. */
  readonly digest: Buffer
}

/** What makes `operateOrdered` different: one `[bin, value]` for each operation, in the order of the operations. */
export type OrderedResults = readonly (readonly [bin: string, value: unknown])[]

// Records share the methods of arrays (they are typed as tuples), without being arrays: creating a subclass of Array
// costs several times as much as a plain object. Array's methods only need `length` and the numbered properties. Nor are
// they subclasses of anything else: a constructor that calls `super` is often too large to be inlined where records are made.
abstract class Tuple {
  abstract readonly key: Key
  abstract readonly meta: Meta | null

  get 0(): Key {
    return this.key
  }

  get 1(): Meta | null {
    return this.meta
  }

  get digest(): Buffer {
    return digest(this.key)
  }
}
Object.setPrototypeOf(Tuple.prototype, Array.prototype)
// Every promise asks what it is resolved with for `then`. Found here, it is not looked for among all methods of arrays.
Object.defineProperty(Tuple.prototype, 'then', { value: undefined })

/** Where the bins of a record are decoded from when they are first wanted. */
interface BinPlace {
  readonly source: BinSource
  readonly at: number
}

const decodeLater = lazyProperty('bins', ({ source, at }: BinPlace) => {
  const bins = source.bins(at)
  // The page may be large: one record that is kept must not keep it alive.
  source.leave()
  return bins
})

/** The class behind {@link Record}. People hold many of them: 48 bytes beside key and bins. */
export class RecordObject {
  readonly key: Key
  readonly meta: Meta
  /** Given right after the constructor, which is inlined for certain that way: V8 looks first at the calls that come first. */
  declare bins: object

  private constructor(key: Key, meta: Meta) {
    this.key = key
    this.meta = meta
  }

  static of(key: Key, meta: Meta, bins: object): RecordObject {
    const record = new RecordObject(key, meta)
    record.bins = bins
    return record
  }

  /** A record whose message is at byte `at` of a source. */
  static from(key: Key, source: BinSource, at: number): RecordObject {
    const record = new RecordObject(key, source.meta(at))
    const bins = source.isSmall ? source.readable(at) : undefined
    if (bins === undefined) decodeLater(record, { source, at })
    else {
      record.bins = bins
      source.leave()
    }
    return record
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

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    return `Record ${show({ key: this.key, meta: this.meta, bins: this.bins }, options)}`
  }
}

Object.setPrototypeOf(RecordObject.prototype, Tuple.prototype)

/** The class behind {@link MissingRecord}. */
export class MissingObject {
  readonly key: Key
  readonly meta = null
  readonly bins = null

  constructor(key: Key) {
    this.key = key
  }

  get 2(): null {
    return null
  }

  get length(): number {
    return 3
  }

  [Symbol.iterator](): ArrayIterator<unknown> {
    return [this.key, null, null][Symbol.iterator]()
  }

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    return `MissingRecord ${show({ key: this.key }, options)}`
  }
}
Object.setPrototypeOf(MissingObject.prototype, Tuple.prototype)

/** The class behind {@link ExistsResult}. */
export class ExistsObject {
  readonly key: Key
  readonly meta: Meta | null

  constructor(key: Key, meta: Meta | null) {
    this.key = key
    this.meta = meta
  }

  get length(): number {
    return 2
  }

  [Symbol.iterator](): ArrayIterator<unknown> {
    return [this.key, this.meta][Symbol.iterator]()
  }

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    return `ExistsResult ${show({ key: this.key, meta: this.meta }, options)}`
  }
}
Object.setPrototypeOf(ExistsObject.prototype, Tuple.prototype)
