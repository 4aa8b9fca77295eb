// Predicates of queries: which range of a secondary index is asked for, and how that goes over the wire (protocol 8.3).

import { types } from 'node:util'
import { describe, isPlain } from '../checks/check.js'
import { anything, checkOption, type OptionRules, oneOf, readOptions } from '../checks/options.js'
import type { IndexCollection } from '../cluster/index-definition.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { nameClasses } from '../identity.js'
import { MAX_BIN_NAME_SIZE, MAX_INDEX_NAME, MAX_INT64, MIN_INT64 } from '../limits.js'
import { type Context, encodeContext } from '../operations/ctx.js'
import { FieldType } from '../protocol.js'
import { writeField } from '../requests/fields.js'
import { type AnyExp, Exp } from '../values/expression.js'
import { Particle } from '../values/particle-types.js'
import { GeoJSON } from '../values/wrappers.js'
import type { Writer } from '../values/writer.js'

/** Which elements of a collection an index is over, and its number on the wire. */
const COLLECTIONS: { readonly [collection in IndexCollection]: number } = { list: 1, mapKeys: 2, mapValues: 3 }

/** A server takes shorter strings and bytes than this (protocol 8.3). */
const MAX_VALUE = 2048

/**
 * What a predicate is about: a bin, which finds the index over it; an index by its name; or an index over an expression, by
 * that expression.
 */
export type IndexTarget<N extends string = string> = N | { readonly index: string } | { readonly expression: AnyExp }

/** The bin of a predicate, as far as it is known when the program is compiled. */
// biome-ignore lint/suspicious/noExplicitAny: what is not known goes with every query
type Named<N extends string> = string extends N ? any : N

/** Options of predicates. */
export interface RangeOptions {
  /** The way from the bin to the collection or value that the index is over: exactly the one it was created with. */
  readonly ctx?: Context | undefined
}

/** Options of the geospatial predicates. */
export interface GeoRangeOptions extends RangeOptions {
  /** The index is over the elements of a collection. Default: over the bin itself. */
  readonly collection?: IndexCollection | undefined
}

/** A value that an index can be asked for: text and bytes for equality, integers for ranges as well. */
export type IndexValue = string | number | bigint | Uint8Array

/** A value in the form it has on the wire. */
interface Bound {
  readonly type: number
  readonly bytes: Uint8Array
}

/**
 * What a query asks a secondary index for, made by the functions of `range`; the argument of `where`. Immutable, and usable
 * in any number of queries.
 */
// biome-ignore lint/suspicious/noExplicitAny: where nothing is known of the bin it goes with every query
export class Predicate<N extends string = any> {
  /** The bin that it is about; empty for one that names an index or an expression. */
  readonly bin: N
  /** @internal */
  readonly index: Uint8Array | undefined
  /** @internal */
  readonly expression: Uint8Array | undefined
  /** @internal */
  readonly collection: number
  /** @internal */
  readonly begin: Bound
  /** @internal */
  readonly end: Bound
  /** @internal */
  readonly context: Uint8Array | undefined

  /** @internal */
  constructor(verb: string, target: unknown, collection: number, begin: Bound, end: Bound, context: unknown) {
    const { bin = '', index, expression } = targetOf(target, verb)
    this.bin = bin as N
    this.index = index
    this.expression = expression
    this.collection = collection
    this.begin = begin
    this.end = end
    this.context = encodeContext(context, `range.${verb}`)?.bytes
  }

  /** @internal Writes its fields and returns how many. */
  write(w: Writer): number {
    let count = 1
    const optional = (type: number, bytes: Uint8Array | undefined): void => {
      if (bytes === undefined) return
      writeField(w, type, bytes)
      count++
    }
    if (this.collection !== 0) optional(FieldType.indexType, Uint8Array.of(this.collection))
    this.#writeRange(w)
    optional(FieldType.indexContext, this.context)
    optional(FieldType.indexName, this.index)
    optional(FieldType.indexExpression, this.expression)
    return count
  }

  #writeRange(w: Writer): void {
    const start = w.at
    w.u32(0)
    w.u8(FieldType.indexRange)
    w.u8(1)
    const name = Buffer.from(this.bin)
    w.u8(name.length)
    w.raw(name)
    w.u8(this.begin.type)
    for (const { bytes } of [this.begin, this.end]) {
      w.u32(bytes.length)
      w.raw(bytes)
    }
    w.patchU32(start, w.at - start - 4)
  }
}

nameClasses({ Predicate })

function refused(verb: string, text: string): InvalidArgumentError {
  return new InvalidArgumentError(`range.${verb}: ${text}`)
}

function targetOf(
  target: unknown,
  verb: string,
): { bin?: string; index?: Uint8Array | undefined; expression?: Uint8Array | undefined } {
  if (typeof target === 'string')
    return { bin: named(target, verb, 'the name of the bin', MAX_BIN_NAME_SIZE).toString() }
  if (typeof target === 'object' && target !== null && isPlain(target)) {
    const { index, expression } = target as { index?: unknown; expression?: unknown }
    const names = Object.keys(target)
    if (names.length === 1 && typeof index === 'string') {
      return { index: named(index, verb, 'the name of the index', MAX_INDEX_NAME) }
    }
    if (names.length === 1 && expression instanceof Exp) return { expression: expression.bytes }
  }
  throw refused(verb, `expected the name of a bin, { index: name } or { expression }, not ${describe(target)}`)
}

function named(name: string, verb: string, what: string, most: number): Buffer {
  const bytes = Buffer.from(name)
  if (bytes.length > 0 && bytes.length <= most && name.isWellFormed()) return bytes
  throw refused(verb, `${what} must have 1 to ${most} bytes, not ${bytes.length}`)
}

function integer(value: unknown, verb: string): bigint {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) {
    const exact = BigInt(value as number | bigint)
    if (exact >= MIN_INT64 && exact <= MAX_INT64) return exact
    throw refused(verb, `${exact} does not fit into 64 bits`)
  }
  throw refused(verb, `the bounds of a range are integers, not ${describe(value)}`)
}

function integerBound(value: bigint): Bound {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return { type: Particle.integer, bytes }
}

function bound(value: unknown, verb: string): Bound {
  if (typeof value === 'string' && value.isWellFormed()) return sized(Particle.string, Buffer.from(value), verb)
  if (types.isUint8Array(value)) return sized(Particle.blob, Uint8Array.prototype.slice.call(value), verb)
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return integerBound(integer(value, verb))
  throw refused(verb, `an index holds integers, text or bytes, and so must be the value, not ${describe(value)}`)
}

function sized(type: number, bytes: Uint8Array, verb: string): Bound {
  if (bytes.length < MAX_VALUE) return { type, bytes }
  throw refused(verb, `the value must have less than ${MAX_VALUE} bytes, not ${bytes.length}`)
}

const REGIONS = ['Polygon', 'MultiPolygon', 'AeroCircle']
const POINTS = ['Point']

/** GeoJSON of one of some types, as text. Text that was given stays as it is, byte for byte. */
function geometry(value: unknown, types: readonly string[], verb: string): Bound {
  const text = typeof value === 'string' ? value : geoText(value)
  let type: unknown
  try {
    type = (JSON.parse(text ?? '') as { type?: unknown } | null)?.type
  } catch {
    throw refused(verb, `expected GeoJSON, not ${describe(value)}`)
  }
  // Both may be wrapped into a feature.
  if (type !== 'Feature' && !types.includes(type as string)) {
    throw refused(verb, `expected a GeoJSON ${types.join(', ')}, not ${describe(type)}`)
  }
  return { type: Particle.geojson, bytes: Buffer.from(text as string) }
}

function geoText(value: unknown): string | undefined {
  if (value instanceof GeoJSON) return value.text
  return typeof value === 'object' && value !== null && isPlain(value) ? JSON.stringify(value) : undefined
}

function coordinate(value: unknown, most: number, what: string, verb: string): number {
  if (typeof value === 'number' && value >= -most && value <= most) return value
  throw refused(verb, `the ${what} must be a number of degrees from -${most} to ${most}, not ${describe(value)}`)
}

const COLLECTION = oneOf(COLLECTIONS)

function collectionOf(value: unknown, verb: string): number {
  checkOption(`range.${verb}`, 'collection', COLLECTION, value)
  return COLLECTIONS[value as IndexCollection]
}

const RULES: OptionRules<RangeOptions> = { ctx: anything }
const GEO_RULES: OptionRules<GeoRangeOptions> = { ctx: anything, collection: COLLECTION }

function equality(verb: string, target: IndexTarget, value: Bound, collection: number, options: unknown): Predicate {
  return new Predicate(
    verb,
    target,
    collection,
    value,
    value,
    readOptions<RangeOptions>(`range.${verb}`, options, RULES).ctx,
  )
}

function integers(
  verb: string,
  target: IndexTarget,
  least: unknown,
  most: unknown,
  collection: number,
  options: unknown,
): Predicate {
  const [begin, end] = [integer(least, verb), integer(most, verb)]
  if (begin > end) throw refused(verb, `the range from ${begin} to ${end} is empty`)
  const { ctx } = readOptions<RangeOptions>(`range.${verb}`, options, RULES)
  return new Predicate(verb, target, collection, integerBound(begin), integerBound(end), ctx)
}

function geo(verb: string, target: IndexTarget, shape: Bound, options: unknown): Predicate {
  const { ctx, collection } = readOptions<GeoRangeOptions>(`range.${verb}`, options, GEO_RULES)
  const number = collection === undefined ? 0 : collectionOf(collection, verb)
  return new Predicate(verb, target, number, shape, shape, ctx)
}

/**
 * Predicates of queries: ranges of a secondary index, the argument of `where`. Each needs an index of the right kind over what it names: a bin, or `{ index: name }` or
 * `{ expression }` in its place.
 *
 * @example
 * const adults = client.query('test', 'users').where(range.between('age', 18, 120))
 */
export const range = {
  /** Records whose bin equals an integer, text or bytes. @example range.equal('name', 'Alice') */
  equal: <N extends string>(target: IndexTarget<N>, value: IndexValue, options?: RangeOptions): Predicate<Named<N>> =>
    equality('equal', target, bound(value, 'equal'), 0, options),

  /** Records whose bin holds an integer in a range, both ends included. @example range.between('age', 20, 30) */
  between: <N extends string>(
    target: IndexTarget<N>,
    least: number | bigint,
    most: number | bigint,
    options?: RangeOptions,
  ): Predicate<Named<N>> => integers('between', target, least, most, 0, options),

  /**
   * Records whose list or map has a value: among the elements of a `list`, the `mapKeys` or the `mapValues`.
   * @example range.contains('tags', 'new', 'list')
   */
  contains: <N extends string>(
    target: IndexTarget<N>,
    value: IndexValue,
    collection: IndexCollection,
    options?: RangeOptions,
  ): Predicate<Named<N>> =>
    equality('contains', target, bound(value, 'contains'), collectionOf(collection, 'contains'), options),

  /**
   * Records whose list or map has an integer in a range, both ends included. A record with several
   * of them comes once as far as a server sees them at the same time, and else again.
   * @example range.containsBetween('scores', 90, 100, 'mapValues')
   */
  containsBetween: <N extends string>(
    target: IndexTarget<N>,
    least: number | bigint,
    most: number | bigint,
    collection: IndexCollection,
    options?: RangeOptions,
  ): Predicate<Named<N>> =>
    integers('containsBetween', target, least, most, collectionOf(collection, 'containsBetween'), options),

  /**
   * Records whose point lies in a region: a GeoJSON `Polygon`, `MultiPolygon` or `AeroCircle`.
   * @example range.geoWithinRegion('place', { type: 'AeroCircle', coordinates: [[8.68, 50.11], 1000] })
   */
  geoWithinRegion: <N extends string>(
    target: IndexTarget<N>,
    region: GeoJSON | string | object,
    options?: GeoRangeOptions,
  ): Predicate<Named<N>> => geo('geoWithinRegion', target, geometry(region, REGIONS, 'geoWithinRegion'), options),

  /**
   * Records whose point lies within a number of metres around a place.
   * @example range.geoWithinRadius('place', 8.68, 50.11, 1000)
   */
  geoWithinRadius: <N extends string>(
    target: IndexTarget<N>,
    longitude: number,
    latitude: number,
    metres: number,
    options?: GeoRangeOptions,
  ): Predicate<Named<N>> => {
    const call = 'geoWithinRadius'
    const centre = [coordinate(longitude, 180, 'longitude', call), coordinate(latitude, 90, 'latitude', call)]
    if (typeof metres !== 'number' || !(metres >= 0 && metres < Number.POSITIVE_INFINITY)) {
      throw refused(call, `the radius must be a number of metres, not ${describe(metres)}`)
    }
    const circle = { type: 'AeroCircle', coordinates: [centre, metres] }
    return geo(call, target, geometry(circle, REGIONS, call), options)
  },

  /**
   * Records whose region contains a point, given as GeoJSON or as longitude and latitude.
   * @example range.geoContainsPoint('area', 8.68, 50.11)
   */
  geoContainsPoint,
} as const

/** The name that `range` had before. @deprecated Use `range`. */
export const filter = range

function geoContainsPoint<N extends string>(
  target: IndexTarget<N>,
  point: GeoJSON | string | object,
  options?: GeoRangeOptions,
): Predicate<Named<N>>
function geoContainsPoint<N extends string>(
  target: IndexTarget<N>,
  longitude: number,
  latitude: number,
  options?: GeoRangeOptions,
): Predicate<Named<N>>
function geoContainsPoint(target: IndexTarget, place: unknown, second?: unknown, third?: unknown): Predicate {
  const call = 'geoContainsPoint'
  if (typeof place !== 'number') return geo(call, target, geometry(place, POINTS, call), second)
  const coordinates = [coordinate(place, 180, 'longitude', call), coordinate(second, 90, 'latitude', call)]
  return geo(call, target, geometry({ type: 'Point', coordinates }, POINTS, call), third)
}
