// The functions of conditions, as tables: those that stand alone, those of the record, and what a path can be asked for.

import type { AnyExp, Type } from '../../values/expression.js'
import { exp } from '../exp.js'

type Build = (...operands: unknown[]) => AnyExp

/** A function that stands alone: `abs($.delta)`. */
export interface Standing {
  /** The types of its operands; `number` for integers or floats that are all alike, and so is the result. */
  readonly takes: readonly Type[] | 'number'
  /** Of `number`: how many operands at least and at most. */
  readonly least?: number
  readonly most?: number
  readonly build: Build
  /** What operands at the end are that were left out. */
  readonly defaults?: readonly unknown[]
}

const build = exp as unknown as { readonly [name: string]: Build }
const plain = (name: string): Build => build[name] as Build

export const STANDING: { readonly [name: string]: Standing } = {
  abs: { takes: 'number', least: 1, most: 1, build: plain('abs') },
  min: { takes: 'number', least: 1, build: plain('min') },
  max: { takes: 'number', least: 1, build: plain('max') },
  ceil: { takes: ['float'], build: plain('ceil') },
  floor: { takes: ['float'], build: plain('floor') },
  pow: { takes: ['float', 'float'], build: plain('pow') },
  log: { takes: ['float', 'float'], build: plain('log'), defaults: [exp.float(Math.E)] },
  countOneBits: { takes: ['int'], build: plain('intCount') },
  findBitLeft: { takes: ['int', 'bool'], build: plain('intLscan') },
  findBitRight: { takes: ['int', 'bool'], build: plain('intRscan') },
  geoCompare: { takes: ['geo', 'geo'], build: plain('geoCompare') },
}

/** What is known of a record beside its bins: `$.ttl()`. Two have a second name, as newer servers call them. */
export const METADATA: { readonly [name: string]: () => AnyExp } = {
  ttl: exp.ttl,
  voidTime: exp.voidTime,
  lastUpdate: exp.lastUpdate,
  lastUpdateTime: exp.lastUpdate,
  sinceUpdate: exp.sinceUpdate,
  timeSinceLastUpdate: exp.sinceUpdate,
  setName: exp.setName,
  recordSize: exp.recordSize,
  deviceSize: exp.deviceSize,
  memorySize: exp.memorySize,
  keyExists: exp.keyExists,
  isTombstone: exp.isTombstone,
}

/** The user key, of the types it can have. */
export const KEYS: { readonly [type: string]: () => AnyExp } = exp.key

/** Types by the names that conditions have for them: `$.a.int()`, `$.a:INT`, `.get(type: INT)`. */
export const CASTS: readonly Type[] = ['bool', 'int', 'float', 'string', 'blob', 'list', 'map', 'geo', 'hll']

/** What `.get(return: …)` may say, and what that is in `lists` and `maps`. */
export const RETURNS: { readonly [name: string]: string } = {
  VALUE: 'value',
  KEY: 'key',
  KEY_VALUE: 'keyValue',
  UNORDERED_MAP: 'unorderedMap',
  ORDERED_MAP: 'orderedMap',
  INDEX: 'index',
  REVERSE_INDEX: 'reverseIndex',
  RANK: 'rank',
  REVERSE_RANK: 'reverseRank',
  COUNT: 'count',
  EXISTS: 'exists',
  NONE: 'none',
}
