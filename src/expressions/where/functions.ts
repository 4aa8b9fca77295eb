// The functions of conditions, as tables: those that stand alone, those of the record, and what a path can be asked for.

import { InvalidArgumentError } from '../../errors/classes.js'
import type { AnyExp, Type } from '../../values/expression.js'
import { GeoJSON, HyperLogLog } from '../../values/wrappers.js'
import { exp } from '../exp.js'

type Build = (...operands: unknown[]) => AnyExp

/** Text as a geometry; text that is no JSON is told at its character, rather than by every server. */
function geometry(text: unknown): GeoJSON {
  try {
    JSON.parse(String(text))
  } catch (error) {
    throw new InvalidArgumentError(`this is no GeoJSON: ${(error as Error).message}`)
  }
  return new GeoJSON(text as string)
}

/** A function that stands alone: `abs($.delta)`. */
export interface Standing {
  /** The types of its operands; `number` for integers or floats that are all alike, and so is the result. */
  readonly takes: readonly Type[] | 'number'
  /** Of `number`: how many operands at least and at most. */
  readonly least?: number
  readonly most?: number
  readonly build: Build
  /** Set when it makes a value of a literal: what it makes of it. */
  readonly literal?: (value: unknown) => unknown
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
  geoJson: { takes: ['string'], literal: geometry, build: plain('geo') },
  geoCompare: { takes: ['geo', 'geo'], build: plain('geoCompare') },
}

/** What a HyperLogLog can be asked: `$.visitors.hllCount()`. */
export interface Sketch {
  readonly build: Build
  /** What stands in its parentheses; a HyperLogLog may stand for a list of one. */
  readonly takes?: 'list' | 'hll'
}

const sketches = exp.hll as unknown as { readonly [name: string]: Build }
const asked = (name: string, takes?: 'list' | 'hll'): Sketch => {
  const build: Build = (sketch, given) => {
    const one = given instanceof HyperLogLog ? [given] : given
    return (sketches[name] as Build)(sketch, ...(takes === undefined ? [] : [one]))
  }
  return takes === undefined ? { build } : { build, takes }
}

export const SKETCHES: { readonly [name: string]: Sketch } = {
  hllCount: asked('getCount'),
  hllDescribe: asked('describe'),
  hllMayContain: asked('mayContain', 'list'),
  hllUnion: asked('getUnion', 'hll'),
  hllUnionCount: asked('getUnionCount', 'hll'),
  hllIntersectCount: asked('getIntersectCount', 'hll'),
  hllSimilarity: asked('getSimilarity', 'hll'),
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
