// Options of queries: those of their own, in one table of what each may be and does. What they share with other calls is in
// options/policy.ts.

import { types } from 'node:util'
import { isPlain } from '../checks/check.js'
import { badValue } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import type { Key } from '../key.js'
import { MAX_UINT32, PARTITIONS } from '../limits.js'
import { applyOptions } from '../options/apply.js'
import type { Policy } from '../options/policy.js'
import { Takes } from '../options/table.js'
import type { CallOptions } from '../options/types.js'
import { digest } from '../records/digest.js'
import type { Exp } from '../values/expression.js'
import { cursorAfter } from './cursor.js'

/** How far a query is. */
export interface QueryProgress {
  /** Partitions read to their end. */
  readonly done: number
  /** Partitions the query is about. */
  readonly total: number
  /** Records (of an aggregation: values) handed out so far. */
  readonly records: number
}

/** Which partitions a query is about. */
export type Partitions =
  | number
  | { readonly begin: number; readonly count: number }
  /** The records after this one in its partition; a key, or the digest of one. */
  | { readonly after: Key | Uint8Array }

/** Options of queries and scans. */
export interface QueryOptions extends Omit<CallOptions, 'key' | 'filter' | 'totalTimeout' | 'maxRetries'> {
  /** Milliseconds the whole query may take, retries included. Default 0: no limit. */
  readonly totalTimeout?: number | undefined
  /** Leaves out records for which this expression is not true, as method `where` does. */
  readonly filter?: Exp<'bool'> | undefined
  /** How often partitions that could not be read are asked for again. Default 5. */
  readonly maxRetries?: number | undefined
  /** Ends the query after this many records; its `cursor` leads on. Default 0: no limit. */
  readonly maxRecords?: number | undefined
  /** Most records each node reads in a second. Default 0: no limit. */
  readonly recordsPerSecond?: number | undefined
  /** Gives keys, generations and times to live only. Default false. */
  readonly noBins?: boolean | undefined
  /**
   * What the servers prepare for: `long` (default) any number of records; `short` a few, with less ado and within one second;
   * `longRelaxAp` like `long`, and during migrations from partitions that may not be complete.
   */
  readonly expectedDuration?: 'long' | 'short' | 'longRelaxAp' | undefined
  /** One partition, a range of them, or what comes after a record in its partition. Default: all 4,096. */
  readonly partitions?: Partitions | undefined
  /** The names of the nodes to ask; the partitions of others are left out. Default: all. */
  readonly nodes?: readonly string[] | undefined
  /** Most nodes asked at once. Default 0: all. */
  readonly concurrency?: number | undefined
  /** The `cursor` of an earlier query for the same: continues after the last record that it handed out. */
  readonly cursor?: string | undefined
  /** Called after each page of results. What it throws ends the query. */
  readonly onProgress?: ((progress: QueryProgress) => void) | undefined
}

/** Options of a query in the form the request needs, beside its policy. */
export interface Limits {
  maxRecords: number
  recordsPerSecond: number
  noBins: boolean
  /** As it crosses: 0 long, 1 short, 2 long with relaxed consistency. */
  duration: number
  partitionBegin: number
  partitionCount: number
  /** The bytes of the cursor that continues after one record. */
  after: Uint8Array | undefined
  nodes: readonly string[] | undefined
  cursor: string | undefined
  onProgress: ((progress: QueryProgress) => void) | undefined
}

export const NO_LIMITS: Readonly<Limits> = {
  maxRecords: 0,
  recordsPerSecond: 0,
  noBins: false,
  duration: 0,
  partitionBegin: 0,
  partitionCount: PARTITIONS,
  after: undefined,
  nodes: undefined,
  cursor: undefined,
  onProgress: undefined,
}

const DURATIONS: { readonly [name: string]: number } = { long: 0, short: 1, longRelaxAp: 2 }

interface LimitOption {
  readonly expects: string
  /** Applies a value, or returns false when it is not acceptable. */
  readonly apply: (limits: Limits, value: unknown) => boolean
}

function whole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most
}

/** The table. */
const LIMITS: { readonly [name: string]: LimitOption } = {
  maxRecords: {
    expects: `a whole number from 0 (no limit) to ${Number.MAX_SAFE_INTEGER}`,
    apply(limits, value) {
      if (!whole(value, 0, Number.MAX_SAFE_INTEGER)) return false
      limits.maxRecords = value
      return true
    },
  },
  recordsPerSecond: {
    expects: 'a whole number from 0 (no limit) to 4294967295',
    apply(limits, value) {
      if (!whole(value, 0, MAX_UINT32)) return false
      limits.recordsPerSecond = value
      return true
    },
  },
  noBins: {
    expects: 'true or false',
    apply(limits, value) {
      if (typeof value !== 'boolean') return false
      limits.noBins = value
      return true
    },
  },
  expectedDuration: {
    expects: "'long', 'short' or 'longRelaxAp'",
    apply(limits, value) {
      if (typeof value !== 'string' || !Object.hasOwn(DURATIONS, value)) return false
      limits.duration = DURATIONS[value] as number
      return true
    },
  },
  partitions: {
    expects: `a partition from 0 to ${PARTITIONS - 1}, { begin, count } within them, or { after: key or digest }`,
    apply: applyPartitions,
  },
  nodes: {
    expects: 'a list of at least one name of a node',
    apply(limits, value) {
      if (!Array.isArray(value) || value.length === 0) return false
      if (!value.every((name) => typeof name === 'string' && name !== '')) return false
      limits.nodes = [...value]
      return true
    },
  },
  cursor: {
    expects: 'the cursor of an earlier query',
    apply(limits, value) {
      if (typeof value !== 'string') return false
      limits.cursor = value
      return true
    },
  },
  onProgress: {
    expects: 'a function',
    apply(limits, value) {
      if (typeof value !== 'function') return false
      limits.onProgress = value as Limits['onProgress']
      return true
    },
  },
}

function applyPartitions(limits: Limits, value: unknown): boolean {
  if (whole(value, 0, PARTITIONS - 1)) return range(limits, value, 1)
  if (typeof value !== 'object' || value === null || !isPlain(value)) return false
  const names = Object.keys(value)
  const { begin, count, after } = value as { begin?: unknown; count?: unknown; after?: unknown }
  if (names.length === 1 && after !== undefined) {
    const record = types.isUint8Array(after) ? after : digest(after as Key)
    if (record.length !== 20) return false
    limits.after = cursorAfter(record)
    return true
  }
  if (names.some((name) => name !== 'begin' && name !== 'count')) return false
  if (!whole(begin, 0, PARTITIONS - 1) || !whole(count, 1, PARTITIONS - begin)) return false
  return range(limits, begin, count)
}

function range(limits: Limits, begin: number, count: number): boolean {
  limits.partitionBegin = begin
  limits.partitionCount = count
  limits.after = undefined
  return true
}

/** The names of the options that are in this table. */
const NAMES = Object.keys(LIMITS)

/** The policy and the limits of a query with what `options` says. */
export function applyQueryOptions(
  base: Policy,
  limits: Readonly<Limits>,
  options: unknown,
  verb: string,
): { policy: Policy; limits: Limits } {
  const policy = applyOptions(base, options, Takes.query, verb, NAMES)
  const changed = { ...limits }
  for (const name of NAMES) {
    const value = (options as { [name: string]: unknown })[name]
    const option = LIMITS[name] as LimitOption
    if (value !== undefined && !option.apply(changed, value)) throw badValue(verb, name, option.expects, value)
  }
  return { policy, limits: changed }
}

/** Refuses limits of a query that what is made of it cannot keep. */
export function refuseLimits(limits: Readonly<Limits>, pointless: readonly (keyof Limits)[], verb: string): void {
  const named: { readonly [name: string]: string } = { duration: 'expectedDuration', after: 'partitions' }
  const wrong = pointless.find((name) => limits[name] !== NO_LIMITS[name])
  const partitions =
    limits.partitionBegin !== NO_LIMITS.partitionBegin || limits.partitionCount !== NO_LIMITS.partitionCount
  if (wrong === undefined && !partitions) return
  const name = wrong === undefined ? 'partitions' : (named[wrong] ?? wrong)
  throw new InvalidArgumentError(`${verb}: option '${name}' of the query does not apply`)
}
