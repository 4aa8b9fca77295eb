// The types of values, a row each, and which of them a value of JavaScript is. The writers and readers of values
// (write-particle.ts, pack.ts, unpack.ts) are switches over the same types, since every value of every bin goes through
// them; a test holds them to this table.

import { types } from 'node:util'
import { isPlain } from '../checks/check.js'
import { isInteger, Particle } from './particle-types.js'
import { Double, GeoJSON, HyperLogLog } from './wrappers.js'

/** The types by the names that they have in expressions. */
export type ValueType = 'nil' | 'bool' | 'int' | 'string' | 'list' | 'map' | 'blob' | 'float' | 'geo' | 'hll'

/** What a type is on the wire: its particle (protocol 2.9), and its number as the type of a result (protocol 10.1). */
export const VALUE_TYPES: { readonly [type in ValueType]: { readonly particle: number; readonly result: number } } = {
  nil: { particle: Particle.null, result: 0 },
  bool: { particle: Particle.bool, result: 1 },
  int: { particle: Particle.integer, result: 2 },
  string: { particle: Particle.string, result: 3 },
  list: { particle: Particle.list, result: 4 },
  map: { particle: Particle.map, result: 5 },
  blob: { particle: Particle.blob, result: 6 },
  float: { particle: Particle.float, result: 7 },
  geo: { particle: Particle.geojson, result: 8 },
  hll: { particle: Particle.hll, result: 9 },
}

/** Those that have a class of their own, since JavaScript has no type for them. */
const CLASSES: readonly (readonly [new (...args: never[]) => object, ValueType])[] = [
  [Double, 'float'],
  [GeoJSON, 'geo'],
  [HyperLogLog, 'hll'],
]

/** The type that a value is stored as; undefined when it cannot be stored. */
export function valueType(value: unknown): ValueType | undefined {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return isInteger(value) ? 'int' : 'float'
    case 'object':
      return value === null ? 'nil' : objectType(value)
    default:
      return undefined
  }
}

function objectType(value: object): ValueType | undefined {
  if (Array.isArray(value)) return 'list'
  if (types.isUint8Array(value)) return 'blob'
  if (isPlain(value) || types.isMap(value)) return 'map'
  return CLASSES.find(([Class]) => value instanceof Class)?.[1]
}
