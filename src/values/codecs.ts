// Codecs: how a value of the application becomes one that a bin can hold, and comes back.

import { types } from 'node:util'
import { InvalidArgumentError } from '../errors/classes.js'
import type { MapKey, Value } from './values.js'
import { Double } from './wrappers.js'

/**
 * Both ways between `T`, a value of the application, and `S`, what is stored. A bin without a value is left alone: codecs
 * never see `null` or `undefined`.
 *
 * @example
 * const upper: Codec<string, string> = { encode: (text) => text.toUpperCase(), decode: (text) => text.toLowerCase() }
 */
export interface Codec<T, S extends Value = Value> {
  encode(value: T): S
  decode(stored: S): T
}

/** A codec of whatever values. */
export interface AnyCodec {
  encode(value: never): Value
  decode(stored: never): unknown
}

/** Codecs by the name of the bin. */
export interface Codecs {
  readonly [bin: string]: AnyCodec
}

/** The number that an integer or a double was read as. */
function plain(stored: unknown): number {
  return stored instanceof Double ? stored.value : Number(stored)
}

function refused(codec: string, wanted: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`codecs.${codec}: expected ${wanted}, not ${typeof value}`)
}

function timeOf(value: unknown, codec: string): number {
  const time = types.isDate(value) ? value.getTime() : Number.NaN
  if (Number.isNaN(time)) throw new InvalidArgumentError(`codecs.${codec}: expected a valid Date`)
  return time
}

/**
 * Codecs for what JavaScript has and a bin has not. Your own are objects with `encode` and `decode`.
 *
 * @example
 * const users = dataSet<User>('test', 'users', { codecs: { born: codecs.date, roles: codecs.set(), draft: codecs.json() } })
 */
export const codecs = {
  /** A `Date` as milliseconds since 1970, an integer: comparable in conditions and fit for an index. */
  date: {
    encode: (value: Date): number => timeOf(value, 'date'),
    decode: (stored: number): Date => new Date(plain(stored)),
  } as Codec<Date, number>,

  /** A `Date` as ISO 8601 text in UTC, as other programs may want it. */
  isoDate: {
    encode: (value: Date): string => new Date(timeOf(value, 'isoDate')).toISOString(),
    decode: (stored: string): Date => new Date(stored),
  } as Codec<Date, string>,

  /** Anything that JSON can carry, as one text: nothing inside can be asked for, and what JSON drops is dropped. */
  json: <T>(): Codec<T, string> => ({
    encode: (value) => {
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined) throw refused('json', 'something JSON can carry', value)
      return text
    },
    decode: (stored) => JSON.parse(stored) as T,
  }),

  /** A `Set` as a list in the order of its elements. */
  set: <T extends Value>(): Codec<Set<T>, readonly Value[]> => ({
    encode: (value) => {
      if (!types.isSet(value)) throw refused('set', 'a Set', value)
      return [...value]
    },
    decode: (stored) => new Set(stored as readonly T[]),
  }),

  /** A `Map` that stays a `Map` when it is read, whatever its keys are. */
  map: <K extends MapKey, V extends Value>(): Codec<Map<K, V>, ReadonlyMap<MapKey, Value>> => ({
    encode: (value) => {
      if (!types.isMap(value)) throw refused('map', 'a Map', value)
      return value
    },
    decode: (stored: unknown) =>
      (stored instanceof Map ? stored : new Map(Object.entries(stored as object))) as Map<K, V>,
  }),

  /** A bigint that stays one when it is read, whatever its size. */
  bigint: {
    encode: (value: bigint): bigint => value,
    decode: (stored: bigint): bigint => BigInt(stored),
  } as Codec<bigint, bigint>,
} as const

/** The codecs that were given, checked; undefined when there are none. */
export function usedCodecs(codecs: unknown, where: string): Codecs | undefined {
  if (codecs === undefined) return undefined
  if (typeof codecs !== 'object' || codecs === null) {
    throw new InvalidArgumentError(`${where}: option 'codecs' must be an object with a codec for each bin`)
  }
  const used = Object.entries(codecs as { [bin: string]: Partial<AnyCodec> | undefined }).filter(
    ([, codec]) => codec !== undefined,
  )
  for (const [name, codec] of used) {
    if (typeof codec?.encode === 'function' && typeof codec.decode === 'function') continue
    throw new InvalidArgumentError(`${where}: the codec of bin '${name}' must have encode and decode`)
  }
  return used.length === 0 ? undefined : (Object.fromEntries(used) as Codecs)
}

/** Bins as they are stored. Those without a codec are the same values. */
export function encodeBins(codecs: Codecs, bins: { readonly [bin: string]: unknown }): { [bin: string]: unknown } {
  const encoded: { [bin: string]: unknown } = { ...bins }
  for (const [bin, codec] of Object.entries(codecs)) {
    const value = encoded[bin]
    if (value !== undefined && value !== null) encoded[bin] = encodeWith(codec, bin, value)
  }
  return encoded
}

/** One value as it is stored. */
export function encodeWith(codec: AnyCodec, bin: string, value: unknown): Value {
  try {
    return codec.encode(value as never)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new InvalidArgumentError(`bins.${bin}: its codec failed: ${reason}`, { cause: error })
  }
}

/** Bins that were read, as the application has them: in place, since nobody else has seen them. */
export function decodeBins(codecs: Codecs, bins: { [bin: string]: unknown }): void {
  for (const [bin, codec] of Object.entries(codecs)) {
    const stored = bins[bin]
    if (stored !== undefined && stored !== null) bins[bin] = codec.decode(stored as never)
  }
}
