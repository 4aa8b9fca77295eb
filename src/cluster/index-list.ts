// Indexes as nodes list and count them (protocol 4.7).

import { type Context, ContextStep } from '../operations/ctx.js'
import type { AnyExp } from '../values/expression.js'
import { fromBase64 } from '../values/expression.js'
import { Particle } from '../values/particle-types.js'
import { readFrom, readParticle } from '../values/unpack.js'
import type { IndexCollection, IndexType } from './index-definition.js'
import { readPairs, readStatistics, type Statistics, total } from './info-text.js'

/** An index of the cluster. */
export interface IndexInfo {
  readonly namespace: string
  readonly name: string
  /** Undefined for an index of the whole namespace. */
  readonly set: string | undefined
  /** Undefined for the index of an expression, and for one of nothing but a set. */
  readonly bin: string | undefined
  /** Undefined for an index of nothing but a set. */
  readonly type: IndexType | undefined
  readonly collection: IndexCollection | undefined
  /** The way from the bin to what is indexed. */
  readonly ctx: Context | undefined
  readonly expression: AnyExp | undefined
  /** `building` until the asked node has gone over all records. */
  readonly state: 'ready' | 'building'
  /** With option `statistics`. */
  readonly statistics?: IndexStatistics
}

/** What an index holds, over all nodes. */
export interface IndexStatistics {
  /** Entries of all copies: a record counts once for each of its replicas and values. */
  readonly entries: number
  /** Bytes of memory, all nodes together. */
  readonly usedBytes: number
  /** How much is built on the node that is furthest behind, 0 to 100. */
  readonly loaded: number
  /** Everything each node says of it, by the node's name, in the server's own terms. */
  readonly nodes: ReadonlyMap<string, Statistics>
}

const TYPES: { readonly [name: string]: IndexType } = {
  numeric: 'numeric',
  integer: 'numeric',
  string: 'string',
  blob: 'blob',
  geo2dsphere: 'geo2dsphere',
}
const COLLECTIONS: { readonly [name: string]: IndexCollection } = {
  list: 'list',
  mapkeys: 'mapKeys',
  mapvalues: 'mapValues',
}

function known<T>(table: { readonly [name: string]: T }, name: string | undefined): T | undefined {
  const key = name?.toLowerCase() ?? ''
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** The indexes in an answer to `sindex-list`. */
export function readIndexes(answer: string): IndexInfo[] {
  return answer
    .split(';')
    .map((line) => readPairs(line, ':'))
    .filter((pairs) => pairs.has('indexname'))
    .map(readIndex)
}

function readIndex(pairs: ReadonlyMap<string, string>): IndexInfo {
  const given = (name: string): string | undefined => {
    const value = pairs.get(name)
    return value === 'null' || value === 'NULL' || value === '' ? undefined : value
  }
  const context = given('context')
  const expression = given('exp')
  return {
    namespace: given('ns') ?? given('namespace') ?? '',
    name: pairs.get('indexname') as string,
    set: given('set'),
    bin: given('bin'),
    type: known(TYPES, given('type')),
    collection: known(COLLECTIONS, given('indextype')),
    ctx: context === undefined ? undefined : readContext(Buffer.from(context, 'base64')),
    expression: expression === undefined ? undefined : fromBase64(expression),
    state: given('state') === 'WO' ? 'building' : 'ready',
  }
}

/** A path from its wire form: types and values by turns. */
function readContext(bytes: Buffer): Context {
  readFrom(bytes, 0)
  const parts = readParticle(Particle.list, 0, bytes.length) as unknown[]
  const steps: ContextStep[] = []
  for (let i = 0; i + 1 < parts.length; i += 2) steps.push(new ContextStep(parts[i] as number, parts[i + 1]))
  return steps
}

/** The statistics of an index from the answers of nodes to `sindex-stat`. */
export function indexStatistics(answers: ReadonlyMap<string, string>): IndexStatistics {
  const nodes = new Map([...answers].map(([node, answer]) => [node, readStatistics(answer, ';')]))
  const all = [...nodes.values()]
  return {
    entries: total(all, 'entries'),
    usedBytes: total(all, 'used_bytes', 'memory_used'),
    loaded: all.reduce((least, node) => Math.min(least, total([node], 'load_pct')), 100),
    nodes,
  }
}
