// An index that is being built: every node builds its own part, and the job waits for all of them.

import { Code } from '../errors/codes.js'
import { now } from '../host.js'
import { type IndexInfo, type IndexStatistics, indexStatistics } from './index-list.js'
import { type InfoContext, InfoRequest, readRefusal } from './info-request.js'
import { type Look, type WaitOptions, waitFor } from './wait.js'

/** How far an index is. */
export interface IndexProgress {
  /** How much is built on the node that is furthest behind, 0 to 100. */
  readonly loaded: number
  /** The same for each node, by its name. */
  readonly nodes: ReadonlyMap<string, number>
}

/** The code of an index that is not there. */

/** Milliseconds in which a new index becomes known to all nodes; after that one that no node knows was dropped. */
const GRACE_MS = 10_000

/**
 * An index that was created. The nodes build it on their own; until all are done, queries that need it fail with
 * `IndexNotReadableError` or `IndexNotFoundError`.
 *
 * @example
 * const job = await client.createIndex({ namespace: 'test', set: 'users', bin: 'age', name: 'users_age', type: 'numeric' })
 * await job.ready({ onProgress: ({ loaded }) => console.log(`${loaded}%`) })
 */
export class IndexJob {
  readonly namespace: string
  /** The name of the index. */
  readonly name: string
  readonly #context: InfoContext
  readonly #created = now()
  #seen = false

  /** @internal */
  constructor(context: InfoContext, namespace: string, name: string) {
    this.#context = context
    this.namespace = namespace
    this.name = name
  }

  /**
   * Waits until every node has built the index.
   *
   * @throws IndexNotFoundError when it was dropped meanwhile
   * @throws TimeoutError after `timeout`; the nodes go on
   */
  async ready(options?: WaitOptions<IndexProgress>): Promise<void> {
    await waitFor('IndexJob.ready', options, (limits) => this.#look(limits))
  }

  async #look(limits: object): Promise<Look<IndexProgress>> {
    const request = InfoRequest.read(this.#context, 'IndexJob.ready', limits)
    const { found, missing } = await statOf(request, this.namespace, this.name)
    if (found.size > 0) this.#seen = true
    if (found.size === 0 && (this.#seen || now() - this.#created > GRACE_MS)) {
      throw request.refused(
        '',
        { code: Code.indexNotFound, message: `${this.namespace}.${this.name}` },
        { index: this.name },
      )
    }
    const { nodes } = indexStatistics(found)
    const loaded = new Map([...nodes].map(([node, { load_pct }]) => [node, Number(load_pct)]))
    for (const node of missing) loaded.set(node, 0)
    const least = Math.min(...loaded.values())
    return { progress: { loaded: least, nodes: loaded }, done: least >= 100 }
  }
}

/** What the nodes that know an index say of it, and those that do not know it. */
interface Stat {
  readonly found: Map<string, string>
  readonly missing: string[]
}

/** What the nodes say of an index. */
export async function statOf(request: InfoRequest, namespace: string, name: string): Promise<Stat> {
  const [stat] = await statsOf(request, namespace, [name])
  return stat as Stat
}

/** What the nodes say of several indexes, in their order. Each node is asked once. */
async function statsOf(request: InfoRequest, namespace: string, names: readonly string[]): Promise<Stat[]> {
  const parameter = `${namespaceParameter(request)}=${namespace}`
  const said = await request.all(...names.map((name) => `sindex-stat:${parameter};indexname=${name}`))
  return names.map((_, i) => {
    const stat: Stat = { found: new Map(), missing: [] }
    for (const { node, answers } of said) {
      const answer = answers[i] ?? ''
      const refusal = readRefusal(answer)
      if (refusal === undefined) stat.found.set(node, answer)
      else if (refusal.code === Code.indexNotFound) stat.missing.push(node)
      else throw request.refused(node, refusal, { index: names[i] })
    }
    return stat
  })
}

/** The statistics of an index. */
export async function statisticsOf(request: InfoRequest, namespace: string, name: string): Promise<IndexStatistics> {
  const { found, missing } = await statOf(request, namespace, name)
  if (found.size === 0)
    throw request.refused(
      missing[0] ?? '',
      { code: Code.indexNotFound, message: `${namespace}.${name}` },
      { index: name },
    )
  return indexStatistics(found)
}

/** Indexes with their statistics, without those that were dropped since they were listed. */
export async function withStatistics(
  request: InfoRequest,
  namespace: string,
  indexes: IndexInfo[],
): Promise<IndexInfo[]> {
  if (indexes.length === 0) return indexes
  const names = indexes.map(({ name }) => name)
  const stats = await statsOf(request, namespace, names)
  return indexes.flatMap((index, i) => {
    const found = stats[i]?.found
    return found === undefined || found.size === 0 ? [] : [{ ...index, statistics: indexStatistics(found) }]
  })
}

/** What the parameter with the namespace is called. From 8.1 on, servers note every use of the old name in their log. */
export function namespaceParameter(request: InfoRequest): string {
  return request.supports(8, 1) ? 'namespace' : 'ns'
}
