// What top shows, as plain data: what the nodes say of themselves at one moment, and what happened since the moment before.

import type { Client } from '../client/client.js'
import { readPairs } from '../cluster/info-text.js'
import { now, TruePromise } from '../host.js'

/** The kinds of commands that servers count the times of. */
const KINDS = ['read', 'write', 'udf', 'batch-index', 'pi-query', 'si-query'] as const

/** Commands of one kind at all nodes. */
export interface KindView {
  readonly kind: string
  /** A second. */
  readonly perSecond: number
  /**
   * Milliseconds that so many of 100 commands take at most, as the node measures them: the bounds of its buckets, each twice
   * the one before. Null where nothing was done, or it took longer than the last one.
   */
  readonly percentiles: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null }
  /** Of 100 commands how many took longer than 1, 8 and 64 ms. */
  readonly over: { readonly ms1: number; readonly ms8: number; readonly ms64: number }
}

export interface NodeView {
  readonly name: string
  readonly address: string
  readonly build: string
  readonly answering: boolean
  readonly breaker: 'open' | 'closed'
  /** Connections of all clients, as the node counts them. */
  readonly connections: number
  /** Milliseconds that the node took to answer, as this client sees it. */
  readonly ping: number | null
  readonly objects: number
  readonly migrating: number
}

export interface NamespaceView {
  readonly name: string
  readonly objects: number
  readonly usedBytes: number
  readonly stopsWrites: boolean
  readonly unavailable: number
  readonly migrating: number
}

/** One look at a cluster. */
export interface View {
  readonly cluster: string
  readonly status: string
  readonly nodes: readonly NodeView[]
  readonly kinds: readonly KindView[]
  readonly namespaces: readonly NamespaceView[]
}

const counter = (values: ReadonlyMap<string, string>, name: string): number => Number(values.get(name) ?? 0) || 0

/** Looks at the cluster once. A node that does not answer is shown as such. */
export async function look(client: Client): Promise<View> {
  const health = client.health()
  const builds = new Map(client.nodes().map(({ name, build }) => [name, build]))
  const asked = await TruePromise.all(
    health.nodes.map(async ({ name, address, answering, breaker }) => {
      const began = now()
      try {
        const statistics = readPairs(await client.infoNode(name, 'statistics'), ';')
        const ping = now() - began
        const names = (await client.infoNode(name, 'namespaces')).split(';').filter((text) => text !== '')
        const namespaces = await TruePromise.all(
          names.map(async (one) => [one, readPairs(await client.infoNode(name, `namespace/${one}`), ';')] as const),
        )
        const latencies = await client.infoNode(name, 'latencies:')
        const cluster = await client.infoNode(name, 'cluster-name')
        return { name, address, answering, breaker, ping, statistics, namespaces, latencies, cluster }
      } catch {
        return {
          name,
          address,
          answering: false,
          breaker,
          ping: null,
          statistics: new Map<string, string>(),
          namespaces: [],
          latencies: '',
          cluster: '',
        }
      }
    }),
  )
  return {
    cluster: asked.find(({ cluster }) => cluster !== '')?.cluster ?? '',
    status: health.status,
    nodes: asked.map(({ name, address, answering, breaker, ping, statistics }) => ({
      name,
      address,
      build: builds.get(name) ?? '',
      answering,
      breaker,
      connections: counter(statistics, 'client_connections'),
      ping,
      objects: counter(statistics, 'objects'),
      migrating: counter(statistics, 'migrate_partitions_remaining'),
    })),
    kinds: kindsOf(asked.map(({ latencies }) => latencies)),
    namespaces: namespacesOf(asked.flatMap(({ namespaces }) => namespaces)),
  }
}

/** `{test}-read:msec,PER_SECOND,over 1 ms,over 2 ms,over 4 ms,…` of all nodes and namespaces, by kind. Or in `usec`. */
export function kindsOf(texts: readonly string[]): KindView[] {
  return KINDS.map((kind) => {
    let perSecond = 0
    /** How many a second took longer than so many milliseconds. */
    const longer = new Map<number, number>()
    for (const line of texts.flatMap((text) => text.split(';'))) {
      const [, name = '', unit = '', numbers = ''] = /^(?:\{[^}]*\}-)?([\w-]+):(msec|usec),(.*)$/.exec(line) ?? []
      if (name !== kind) continue
      const [rate = 0, ...buckets] = numbers.split(',').map(Number)
      perSecond += rate
      buckets.forEach((percent, i) => {
        const bound = 2 ** i / (unit === 'usec' ? 1000 : 1)
        longer.set(bound, (longer.get(bound) ?? 0) + rate * percent)
      })
    }
    const bounds = [...longer].sort(([a], [b]) => a - b)
    const over = (bound: number): number =>
      perSecond === 0 ? 0 : (bounds.find(([at]) => at >= bound)?.[1] ?? 0) / perSecond
    const within = (percent: number): number | null =>
      perSecond === 0 ? null : (bounds.find(([, sum]) => sum / perSecond <= 100 - percent)?.[0] ?? null)
    return {
      kind,
      perSecond,
      percentiles: { p50: within(50), p95: within(95), p99: within(99) },
      over: { ms1: over(1), ms8: over(8), ms64: over(64) },
    }
  })
}

function namespacesOf(all: readonly (readonly [name: string, values: ReadonlyMap<string, string>])[]): NamespaceView[] {
  return [...new Set(all.map(([name]) => name))].map((name) => {
    const own = all.filter(([other]) => other === name).map(([, values]) => values)
    const total = (counted: string): number => own.reduce((sum, values) => sum + counter(values, counted), 0)
    return {
      name,
      objects: total('master_objects'),
      usedBytes: total('data_used_bytes'),
      stopsWrites: own.some((values) => values.get('stop_writes') === 'true'),
      unavailable: Math.max(0, ...own.map((values) => counter(values, 'unavailable_partitions'))),
      migrating: total('migrate_tx_partitions_remaining') + total('migrate_rx_partitions_remaining'),
    }
  })
}
