// Which secondary index a query asks, and why. An index only narrows what is read: the whole condition is sent along, so
// that a wrong guess costs time and never a record. An index serves a part of the condition when that part reads what the index
// is over, to the byte: a bin, a path, elements of a collection, or an expression. A collection is asked for single values: for a
// range of them servers may give a record more than once.

import { types } from 'node:util'
import type { IndexCollection } from '../cluster/index-definition.js'
import type { IndexInfo } from '../cluster/index-list.js'
import { exp } from '../expressions/exp.js'
import type { Context } from '../operations/ctx.js'
import { type Predicate, range } from '../query/range.js'
import type { AnyExp, Exp } from '../values/expression.js'
import { type Demand, demandsOf, type Literal, type PathStep, stepsOf } from './conditions.js'

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

const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n

/** An index holds no text and no bytes as long as this. */
const MAX_VALUE = 2048

const isLong = (value: Literal | undefined): boolean =>
  value !== undefined && typeof value !== 'bigint' && Buffer.byteLength(value as string) >= MAX_VALUE

/** Whether an index of a type can hold the value of a demand. */
function fits({ kind, value }: Demand, type: IndexInfo['type']): boolean {
  if (kind === 'range') return type === 'numeric'
  if (kind === 'within' || kind === 'contains') return type === 'geo2dsphere'
  return (
    !isLong(value) && type === (typeof value === 'bigint' ? 'numeric' : typeof value === 'string' ? 'string' : 'blob')
  )
}

/** What the values of an index are as expressions have it. */
const VALUES = { numeric: 'int', string: 'string', blob: 'blob', geo2dsphere: 'geo' } as const

type Call = (...given: unknown[]) => AnyExp
type Calls = { readonly [call: string]: Call }
const lists = exp.lists as unknown as Calls
const maps = exp.maps as unknown as Calls
const bins = exp.bin as unknown as { readonly [type: string]: (name: string) => AnyExp }

/** How expressions read what a step of a path leads to, by the number of the step. */
const READERS: { readonly [code: number]: Call | undefined } = {
  16: lists.getByIndex,
  17: lists.getByRank,
  19: lists.getFirstByValue,
  32: maps.getByIndex,
  33: maps.getByRank,
  34: maps.getByKey,
  35: maps.getFirstByValue,
}
const FIRST_OF_MAPS = 32

/** A bin with the way to what an index is over. */
interface Place {
  readonly bin: string
  readonly steps: readonly PathStep[]
  readonly ctx: Context
}

const collectionAt = ({ bin, steps }: Place, itself: 'list' | 'map'): AnyExp => {
  const isMap = steps[0] === undefined ? itself === 'map' : steps[0].code >= FIRST_OF_MAPS
  return isMap ? exp.bin.map(bin) : exp.bin.list(bin)
}

const inside = (ctx: Context): { ctx?: Context } => (ctx.length === 0 ? {} : { ctx })

/** The expression that reads a value of a type at a place, as `where` and everybody else writes it. */
function readingOf(place: Place, type: string): AnyExp | undefined {
  const last = place.steps.at(-1)
  if (last === undefined) return bins[type]?.(place.bin)
  const read = last.value === undefined ? undefined : READERS[last.code]
  return read?.(collectionAt(place, 'list'), last.value, { type, ...inside(place.ctx.slice(0, -1)) })
}

/** The expression that asks a collection for a value, for each kind of demand that does. */
function questionOf(place: Place, collection: IndexCollection, { kind, value }: Demand): AnyExp | undefined {
  if (kind === 'element') return collection === 'list' ? readingOf(place, 'list') : undefined
  const on = collectionAt(place, collection === 'list' ? 'list' : 'map')
  const calls = collection === 'list' ? lists : maps
  const told = { return: kind === 'found' ? 'exists' : 'count', ...inside(place.ctx) }
  if (collection === 'mapKeys') return kind === 'found' ? maps.getByKey?.(on, value, told) : undefined
  return calls[kind === 'found' ? 'getFirstByValue' : 'getByValue']?.(on, value, told)
}

/** Whether an index has what a demand is about. */
function isAbout(index: IndexInfo, demand: Demand): boolean {
  const { bin, collection, ctx = [], expression, type } = index
  if (type === undefined || !fits(demand, type)) return false
  const isOfCollection = demand.kind === 'element' || demand.kind === 'found' || demand.kind === 'counted'
  if ((collection !== undefined) !== isOfCollection) return false
  if (expression !== undefined) {
    const isElement = demand.kind === 'element' && collection === 'list'
    return (isElement || !isOfCollection) && expression.toBase64() === demand.subject
  }
  if (bin === undefined || !demand.bins.includes(bin)) return false
  const place = { bin, ctx, steps: stepsOf(ctx) }
  const wanted = collection === undefined ? readingOf(place, VALUES[type]) : questionOf(place, collection, demand)
  return wanted?.toBase64() === demand.subject
}

function predicateOf(index: IndexInfo, demand: Demand): Predicate | undefined {
  const { kind, least = LEAST, most = MOST, value } = demand
  const target = { index: index.name }
  if (index.collection !== undefined) return range.contains(target, value as string, index.collection)
  if (kind === 'range') return least > most ? undefined : range.between(target, least, most)
  if (kind === 'within') return range.geoWithinRegion(target, value as string)
  if (kind === 'contains') return range.geoContainsPoint(target, value as string)
  return range.equal(target, value as string)
}

const shown = (value: Literal | undefined): string =>
  types.isUint8Array(value)
    ? `0x${Buffer.from(value).toString('hex')}`
    : typeof value === 'bigint'
      ? `${value}`
      : JSON.stringify(value)

/** What an index is over: `age`, `m.city`, `orders[0].sum`. */
function nameOf({ bin, ctx = [] }: IndexInfo): string {
  if (bin === undefined) return 'the expression'
  const step = ({ code, value }: PathStep): string => {
    if (code === 34) return typeof value === 'string' ? `.${value}` : `.{@${shown(value)}}`
    const [open, close] = code < FIRST_OF_MAPS ? '[]' : '{}'
    return `${open}${code % 16 === 1 ? '#' : code % 16 === 3 ? '=' : ''}${shown(value)}${close}`
  }
  return bin + stepsOf(ctx).map(step).join('')
}

function asksOf(index: IndexInfo, { kind, least, most, value }: Demand): string {
  const name = nameOf(index)
  if (index.collection !== undefined)
    return `${name} has the ${index.collection === 'mapKeys' ? 'key' : 'value'} ${shown(value)}`
  if (kind === 'equal') return `${name} = ${shown(value)}`
  if (kind === 'within') return `${name} within a region`
  if (kind === 'contains') return `${name} contains a point`
  if (least === undefined) return `${name} up to ${most}`
  return most === undefined ? `${name} from ${least}` : `${name} from ${least} to ${most}`
}

/** How much of an index a demand is likely to find, where the index does not know: one guess for each kind. */
const SHARE = {
  equal: 0.01,
  element: 0.01,
  found: 0.01,
  counted: 0.01,
  within: 0.05,
  contains: 0.05,
  range: 0.1,
  open: 0.4,
} as const

function shareOf({ kind, least, most }: Demand): number {
  if (kind !== 'range') return SHARE[kind]
  return least === undefined || most === undefined ? SHARE.open : SHARE.range
}

/** About how many records an index finds for a demand; the ends of equal guesses are told apart by the share. */
function estimateOf({ statistics }: IndexInfo, demand: Demand): number | undefined {
  if (statistics === undefined) return undefined
  if (shareOf(demand) === SHARE.equal) {
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
  if (demands.length === 0)
    return scan('no part of the condition that has to be true compares something of a record with a value')
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
    return scan(`no index that is ready is over ${[...new Set(demands.flatMap(({ bins }) => bins))].join(' or ')}`)
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
  return index.set === set && index.state === 'ready' && isAbout(index, demand)
}

function candidateOf(info: IndexInfo, demand: Demand): Candidate[] {
  const predicate = predicateOf(info, demand)
  if (predicate === undefined) return []
  const estimate = estimateOf(info, demand)
  return [{ index: info.name, asks: asksOf(info, demand), estimate, predicate, rank: shareOf(demand) }]
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
