// What particles and MessagePack have in common: types, what counts as an integer, and refusing the rest.

import { types } from 'node:util'
import { describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_INT64, MIN_INT64 } from '../limits.js'
import type { Writer } from './writer.js'

/** Particle types (protocol 2.9). */
export const Particle = {
  null: 0,
  integer: 1,
  float: 2,
  string: 3,
  blob: 4,
  bool: 17,
  hll: 18,
  map: 19,
  list: 20,
  geojson: 23,
} as const

/** Whether a number is stored as an integer. -0 is not: an integer has no negative zero. */
export function isInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !(value === 0 && 1 / value < 0)
}

/** A bigint that fits into 64 bits. */
export function int64(w: Writer, value: bigint): bigint {
  if (value < MIN_INT64 || value > MAX_INT64) {
    throw new InvalidArgumentError(`${w.where()}: ${value} does not fit into 64 bits (-2^63 to 2^63 - 1)`)
  }
  return value
}

const HINTS: { readonly [kind: string]: string } = {
  'an instance of Date': 'store value.toISOString() or value.getTime()',
  'an instance of Set': 'store [...value]',
  'an instance of ArrayBuffer': 'store new Uint8Array(value)',
  undefined: "use null to remove a bin, leave the name out, or give option undefined: 'omit'",
}

/** Ends in the error for a value that cannot be stored. */
export function refuse(w: Writer, value: unknown): never {
  throw unstorable(w.where(), value)
}

/** The error for a value that cannot be stored. */
export function unstorable(where: string, value: unknown): InvalidArgumentError {
  const kind = types.isDate(value) ? 'an instance of Date' : describe(value)
  const hint = HINTS[kind]
  return new InvalidArgumentError(`${where}: ${kind} cannot be stored${hint === undefined ? '' : `; ${hint}`}`)
}
