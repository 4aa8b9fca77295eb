// What people ask a cluster for, read from the answers of its nodes: namespaces, sets, latencies (protocol 4.6).

import { readPairs, readStatistics, type Statistics, total } from './info-text.js'

/** A namespace, over all nodes. */
export interface NamespaceInfo {
  readonly name: string
  /** Records, each counted once however many copies there are. */
  readonly objects: number
  /** Tombstones, each counted once. */
  readonly tombstones: number
  /** Copies of every record that the cluster keeps now: fewer than configured when there are fewer nodes. */
  readonly replicationFactor: number
  /** Bytes of data, all copies together. */
  readonly dataBytes: number
  /** Seconds a record lives that is written with `ttl: 'default'`; 0 for ever. */
  readonly defaultTtl: number
  /** True when any node takes no more writes. */
  readonly stopWrites: boolean
  /** Partitions that have yet to move between nodes. */
  readonly migrations: number
  /** Everything each node says of it, by the node's name, in the server's own terms. */
  readonly nodes: ReadonlyMap<string, Statistics>
}

/** A set, over all nodes. */
export interface SetInfo {
  readonly namespace: string
  readonly name: string
  /** Records, each counted once; about, while partitions move. */
  readonly objects: number
  /** Tombstones, each counted once; about, while partitions move. */
  readonly tombstones: number
  /** Bytes of data, all copies together. */
  readonly dataBytes: number
  /** Secondary indexes of the set. */
  readonly indexes: number
  /** True while a node still removes what was truncated. */
  readonly truncating: boolean
  /** Everything each node says of it, by the node's name, in the server's own terms. */
  readonly nodes: ReadonlyMap<string, Statistics>
}

/** How long operations of one kind took on a node, over the latest 10 seconds. */
export interface Latency {
  /** As the server calls it: `{test}-read`, `batch-index`. */
  readonly name: string
  /** The namespace; undefined for what concerns all. */
  readonly namespace: string | undefined
  /** The kind of operation: `read`, `write`, `udf`, `batch-sub-read`, `pi-query`, `si-query`, `batch-index` and so on. */
  readonly operation: string
  readonly unit: 'msec' | 'usec'
  /** Operations per second. */
  readonly perSecond: number
  /** The percentage of operations that took longer than 1, 2, 4, 8, … units, by that number. */
  readonly over: ReadonlyMap<number, number>
}

type ByNode = ReadonlyMap<string, Statistics>

/** A namespace from what each node says of it. */
export function namespaceInfo(name: string, nodes: ByNode): NamespaceInfo {
  const all = [...nodes.values()]
  return {
    name,
    objects: total(all, 'master_objects'),
    tombstones: total(all, 'master_tombstones'),
    replicationFactor: replicationFactor(nodes),
    dataBytes: total(all, 'data_used_bytes', 'memory_used_bytes'),
    defaultTtl: greatest(all, 'default-ttl'),
    stopWrites: all.some((node) => node.stop_writes === true),
    migrations: total(all, 'migrate_tx_partitions_remaining'),
    nodes,
  }
}

/** The copies that the cluster keeps of every record of a namespace. */
export function replicationFactor(nodes: ByNode): number {
  return Math.max(1, greatest([...nodes.values()], 'effective_replication_factor'))
}

function greatest(nodes: readonly Statistics[], name: string): number {
  return nodes.reduce((most, node) => Math.max(most, total([node], name)), 0)
}

/** The sets in an answer of a node to `sets/<namespace>`. */
export function readSets(answer: string): Map<string, Statistics> {
  const sets = new Map<string, Statistics>()
  for (const line of answer.split(';')) {
    // As text first: a set may be called 1.
    const pairs = readPairs(line, ':')
    const name = pairs.get('set') ?? pairs.get('set_name')
    if (name !== undefined) sets.set(name, readStatistics(line, ':'))
  }
  return sets
}

/** A set from what each node says of it; nodes count all copies they hold. */
export function setInfo(namespace: string, name: string, copies: number, nodes: ByNode): SetInfo {
  const all = [...nodes.values()]
  return {
    namespace,
    name,
    objects: Math.round(total(all, 'objects') / copies),
    tombstones: Math.round(total(all, 'tombstones') / copies),
    dataBytes: total(all, 'data_used_bytes', 'memory_data_bytes'),
    indexes: greatest(all, 'sindexes'),
    truncating: all.some((node) => node.truncating === true),
    nodes,
  }
}

/** The histograms in an answer to `latencies:`; those without a sample are left out. */
export function readLatencies(answer: string): Latency[] {
  const latencies: Latency[] = []
  for (const entry of answer.split(';')) {
    const at = entry.lastIndexOf(':')
    const [unit, perSecond, ...percents] = entry.slice(at + 1).split(',')
    if (at < 0 || (unit !== 'msec' && unit !== 'usec')) continue
    const name = entry.slice(0, at)
    const [, namespace, operation = name] = /^\{([^}]*)\}-(.*)$/.exec(name) ?? []
    const over = new Map(percents.map((percent, power) => [2 ** power, Number(percent)]))
    latencies.push({ name, namespace, operation, unit, perSecond: Number(perSecond), over })
  }
  return latencies
}
