// Which secondary index a query asks, and why. An index only narrows what is read: the whole condition is sent along, so
// that a wrong guess costs time and never a record.

import type { IndexInfo } from '../cluster/index-list.js'
import { type Predicate, range } from '../query/range.js'
import type { Exp } from '../values/expression.js'
import { type Demand, demandsOf } from './conditions.js'

/** What a query does, and why: of `query.explain()`. */
export interface QueryPlan {
  /** `index`: a secondary index is asked. `scan`: all records of the set are read. */
  readonly access: 'index' | 'scan'
  /** The name of the index that is asked. */
  readonly index: string | undefined
  /** What it is asked for: `age from 18 to 30`. */
  readonly asks: string | undefined
  /** About how many entries of the index that are, copies on other nodes included; undefined when its statistics say nothing. */
  readonly estimate: number | undefined
  /** Why, in a sentence. */
  readonly why: string
  /** The other indexes that would do, the best first. */
  readonly candidates: readonly {
    readonly index: string
    readonly asks: string
    readonly estimate: number | undefined
  }[]
  /** Whether the condition is checked of each record that is read. */
  readonly filtered: boolean
}

/** What the caller says about indexes. */
export interface QueryHint {
  /** Asks this index, if the condition has a part for it. */
  readonly index?: string | undefined
  /** Reads all records of the set, whatever indexes there are. */
  readonly scan?: boolean | undefined
}

interface Candidate {
  readonly index: string
  readonly asks: string
  readonly estimate: number | undefined
  readonly predicate: Predicate
  readonly rank: number
}

/** A plan with the predicate that carries it out. */
export interface Choice {
  readonly plan: QueryPlan
  readonly predicate: Predicate | undefined
  /** How many parts of the condition an index could be asked for. */
  readonly demands: number
}

/** Types of indexes by what a demand is about. */
function fits(demand: Demand, type: IndexInfo['type']): boolean {
  switch (demand.kind) {
    case 'range':
      return type === 'numeric'
    case 'equal':
      return (
        type === (typeof demand.value === 'bigint' ? 'numeric' : typeof demand.value === 'string' ? 'string' : 'blob')
      )
    default:
      return type === 'geo2dsphere'
  }
}

const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n

function predicateOf(index: string, demand: Demand): Predicate | undefined {
  const { kind, least = LEAST, most = MOST, value } = demand
  const target = { index }
  if (kind === 'range') return least > most ? undefined : range.between(target, least, most)
  if (kind === 'within') return range.geoWithinRegion(target, value as string)
  if (kind === 'contains') return range.geoContainsPoint(target, value as string)
  return range.equal(target, value as string)
}

function asksOf({ bin, kind, least, most, value }: Demand): string {
  if (kind === 'equal')
    return `${bin} = ${value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : typeof value === 'bigint' ? value : JSON.stringify(value)}`
  if (kind === 'within') return `${bin} within a region`
  if (kind === 'contains') return `${bin} contains a point`
  if (least === undefined) return `${bin} up to ${most}`
  return most === undefined ? `${bin} from ${least}` : `${bin} from ${least} to ${most}`
}

/** How much of an index a demand is likely to find, where the index does not know: one guess for each kind. */
const SHARE = { equal: 0.01, within: 0.05, contains: 0.05, range: 0.1, open: 0.4 } as const

function shareOf({ kind, least, most }: Demand): number {
  if (kind !== 'range') return SHARE[kind]
  return least === undefined || most === undefined ? SHARE.open : SHARE.range
}

/** About how many records an index finds for a demand; the ends of equal guesses are told apart by the share. */
function estimateOf({ statistics }: IndexInfo, demand: Demand): number | undefined {
  if (statistics === undefined) return undefined
  if (demand.kind === 'equal') {
    const each = [...statistics.nodes.values()].map((node) => Number(node.entries_per_bval)).filter(Number.isFinite)
    if (each.length > 0)
      return Math.min(
        statistics.entries,
        each.reduce((sum, one) => sum + one, 0),
      )
  }
  return Math.ceil(statistics.entries * shareOf(demand))
}

/** Chooses among the indexes of a set for a condition. */
export function choose(
  condition: Exp<'bool'> | undefined,
  set: string,
  indexes: readonly IndexInfo[],
  hint: QueryHint | undefined,
): Choice {
  const demands = condition === undefined ? [] : demandsOf(condition)
  const scan = (why: string, candidates: readonly Candidate[] = []): Choice => ({
    plan: planOf(undefined, why, candidates, condition !== undefined),
    predicate: undefined,
    demands: demands.length,
  })
  if (condition === undefined) return scan('there is no condition')
  if (demands.length === 0) return scan('no part of the condition that has to be true compares a bin with a value')
  const candidates = demands
    .flatMap((demand) =>
      indexes.filter((index) => usable(index, set, demand)).flatMap((index) => candidateOf(index, demand)),
    )
    .sort((a, b) => (a.estimate ?? Number.MAX_VALUE) - (b.estimate ?? Number.MAX_VALUE) || a.rank - b.rank)
  if (hint?.scan === true) return scan('the hint says so', candidates)
  const wanted = hint?.index
  const chosen = wanted === undefined ? candidates[0] : candidates.find(({ index }) => index === wanted)
  if (chosen === undefined) {
    if (wanted !== undefined)
      return scan(
        `the index ${wanted} of the hint is not there, not ready, or nothing it could be asked for`,
        candidates,
      )
    return scan(`no index that is ready is over ${[...new Set(demands.map(({ bin }) => bin))].join(' or ')}`)
  }
  const others = candidates.filter((one) => one !== chosen)
  const why =
    wanted !== undefined
      ? 'the hint says so'
      : others.length === 0
        ? 'it is the only index that the condition has a part for'
        : 'of the indexes that would do it is likely to find the fewest records'
  return { plan: planOf(chosen, why, others, true), predicate: chosen.predicate, demands: demands.length }
}

function usable(index: IndexInfo, set: string, demand: Demand): boolean {
  const { bin, collection, ctx, expression, state, type } = index
  if (index.set !== set || bin !== demand.bin || state !== 'ready' || expression !== undefined) return false
  return collection === undefined && (ctx === undefined || ctx.length === 0) && fits(demand, type)
}

function candidateOf(info: IndexInfo, demand: Demand): Candidate[] {
  const predicate = predicateOf(info.name, demand)
  if (predicate === undefined) return []
  const estimate = estimateOf(info, demand)
  return [{ index: info.name, asks: asksOf(demand), estimate, predicate, rank: shareOf(demand) }]
}

function planOf(
  chosen: Candidate | undefined,
  why: string,
  others: readonly Candidate[],
  filtered: boolean,
): QueryPlan {
  return {
    access: chosen === undefined ? 'scan' : 'index',
    index: chosen?.index,
    asks: chosen?.asks,
    estimate: chosen?.estimate,
    why,
    candidates: others.map(({ index, asks, estimate }) => ({ index, asks, estimate })),
    filtered,
  }
}
