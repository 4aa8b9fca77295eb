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

/** `{test}-read:msec,PER_SECOND,over 1 ms,over 2 ms,…` of all nodes and namespaces, by kind. */
function kindsOf(texts: readonly string[]): KindView[] {
  const kinds: KindView[] = []
  for (const kind of KINDS) {
    let perSecond = 0
    const over = { ms1: 0, ms8: 0, ms64: 0 }
    for (const text of texts) {
      for (const line of text.split(';')) {
        const [, name = '', numbers = ''] = /^(?:\{[^}]*\}-)?([\w-]+):msec,(.*)$/.exec(line) ?? []
        if (name !== kind) continue
        const [rate = 0, ...buckets] = numbers.split(',').map(Number)
        perSecond += rate
        over.ms1 += rate * (buckets[0] ?? 0)
        over.ms8 += rate * (buckets[3] ?? 0)
        over.ms64 += rate * (buckets[6] ?? 0)
      }
    }
    const share = (sum: number): number => (perSecond === 0 ? 0 : sum / perSecond)
    kinds.push({ kind, perSecond, over: { ms1: share(over.ms1), ms8: share(over.ms8), ms64: share(over.ms64) } })
  }
  return kinds
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
