// What the nodes of an embedded cluster tell of themselves, in the form of a client's metrics: a snapshot of plain data, and the text
// of Prometheus under the names that the exporter of real servers has.

import { unixTime } from '../host.js'
import { type Family, type PrometheusOptions, prometheusText } from './prometheus.js'

/** Statistics by the names of the server. True is 1 and false 0; what is no number is left out. */
export interface Figures {
  readonly [name: string]: number
}

/** One node of an embedded cluster. */
export interface LocalNodeMetrics {
  readonly name: string
  /** As the info command `statistics` has them. */
  readonly statistics: Figures
  /** As `namespace/…` has them, by namespace. */
  readonly namespaces: { readonly [namespace: string]: Figures }
}

/** The texts that an embedded node has. */
interface Texts {
  readonly name: string
  readonly node: string
  readonly namespaces: { readonly [namespace: string]: string }
}

/** What an embedded cluster tells of itself at one moment. Made by `cluster.metrics()`. */
export class LocalMetrics {
  /** When this was. Milliseconds since 1970. */
  readonly time: number
  readonly nodes: readonly LocalNodeMetrics[]

  /** @internal */
  constructor(nodes: readonly Texts[]) {
    this.time = unixTime()
    this.nodes = nodes.map(({ name, node, namespaces }) => ({
      name,
      statistics: figuresOf(node),
      namespaces: Object.fromEntries(Object.entries(namespaces).map(([of, text]) => [of, figuresOf(text)])),
    }))
  }

  /**
   * The same in the text format of Prometheus: `aerospike_node_stats_…` and `aerospike_namespace_…`, as the exporter of real
   * servers names them.
   *
   * @throws InvalidArgumentError for a label that Prometheus would not take
   * @example
   * http.createServer((_, response) => response.end(cluster.metrics().toPrometheus())).listen(9145)
   */
  toPrometheus(options?: PrometheusOptions): string {
    return prometheusText([...nodeFamilies(this), ...namespaceFamilies(this)], this, options)
  }
}

function figuresOf(text: string): Figures {
  const pairs = text.split(';').map((pair) => pair.split('=', 2) as [string, string | undefined])
  const figures = pairs.map(([name, value = '']) => [name, numberOf(value)] as const)
  return Object.fromEntries(figures.filter(([name, value]) => name !== '' && Number.isFinite(value)))
}

function numberOf(value: string): number {
  if (value === 'true') return 1
  if (value === 'false') return 0
  return value === '' ? Number.NaN : Number(value)
}

const namesIn = (all: readonly Figures[]): string[] => [...new Set(all.flatMap((figures) => Object.keys(figures)))]
/** Names have dashes and dots, which Prometheus does not take. */
const plain = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_')

function nodeFamilies({ nodes }: LocalMetrics): Family<LocalMetrics>[] {
  return namesIn(nodes.map(({ statistics }) => statistics)).map((stat) => ({
    name: `aerospike_node_stats_${plain(stat)}`,
    type: 'gauge',
    help: `${stat} of the info command statistics.`,
    samples: () =>
      nodes
        .filter(({ statistics }) => stat in statistics)
        .map(({ name, statistics }) => ({ labels: [['node', name]], value: statistics[stat] as number })),
  }))
}

function namespaceFamilies({ nodes }: LocalMetrics): Family<LocalMetrics>[] {
  const all = nodes.flatMap(({ name, namespaces }) =>
    Object.entries(namespaces).map(([ns, figures]) => ({ name, ns, figures })),
  )
  return namesIn(all.map(({ figures }) => figures)).map((stat) => ({
    name: `aerospike_namespace_${plain(stat)}`,
    type: 'gauge',
    help: `${stat} of the info command namespace.`,
    samples: () =>
      all
        .filter(({ figures }) => stat in figures)
        .map(({ name, ns, figures }) => ({
          labels: [
            ['node', name],
            ['ns', ns],
          ],
          value: figures[stat] as number,
        })),
  }))
}
