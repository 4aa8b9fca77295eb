// Codecs: how a value of the application becomes one that a bin can hold, and comes back.

import { InvalidArgumentError } from '../errors/classes.js'
import { Double, type MapKey, type Value } from '../values/values.js'

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

/** Codecs by the name of the bin. */
export interface Codecs {
  readonly [bin: string]: Codec<never>
}

/** The number that an integer or a double was read as. */
function plain(stored: unknown): number {
  return stored instanceof Double ? stored.value : Number(stored)
}

function refused(codec: string, wanted: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`codecs.${codec}: expected ${wanted}, not ${typeof value}`)
}

function timeOf(value: unknown, codec: string): number {
  const time = value instanceof Date ? value.getTime() : Number.NaN
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
      if (!(value instanceof Set)) throw refused('set', 'a Set', value)
      return [...value]
    },
    decode: (stored) => new Set(stored as readonly T[]),
  }),

  /** A `Map` that stays a `Map` when it is read, whatever its keys are. */
  map: <K extends MapKey, V extends Value>(): Codec<Map<K, V>, ReadonlyMap<MapKey, Value>> => ({
    encode: (value) => {
      if (!(value instanceof Map)) throw refused('map', 'a Map', value)
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
