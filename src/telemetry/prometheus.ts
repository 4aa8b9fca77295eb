// The text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/): one table says which families
// there are and where their samples come from.

import { describe } from '../checks/check.js'
import { readOptions } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import type { LatencyHistogram } from './latency.js'
import type { ClientMetrics, CommandKind, CommandMetrics, NodeMetrics, RequestMetrics } from './metrics.js'

/** Options of `toPrometheus`. */
export interface PrometheusOptions {
  /** Labels that every sample gets, such as `{ client: 'sessions' }` where a process has several clients. */
  readonly labels?: { readonly [name: string]: string } | undefined
}

type Labels = readonly (readonly [name: string, value: string])[]

/** A value, or a histogram, with its labels. */
interface Sample {
  readonly labels: Labels
  readonly value: number | LatencyHistogram
}

/** All samples of one name. */
export interface Family<M> {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: (metrics: M) => readonly Sample[]
}

const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/

/** The ends of buckets in seconds: powers of two of microseconds, where buckets of the core end too, so that nothing is guessed. */
const BOUNDS: readonly number[] = Array.from({ length: 20 }, (_, at) => 2 ** (at + 5) / 1e6)

const one = (value: number): Sample[] => [{ labels: [], value }]

/** A sample for each kind of call that there was. */
const perKind =
  (of: (counted: CommandMetrics) => number | LatencyHistogram) =>
  ({ calls }: ClientMetrics): Sample[] =>
    used(calls).map(([kind, counted]) => ({ labels: [['kind', kind]], value: of(counted) }))

const perNode =
  (of: (node: NodeMetrics) => number, wanted = (_: NodeMetrics) => true) =>
  ({ nodes }: ClientMetrics): Sample[] =>
    nodes.filter(wanted).map((node) => ({ labels: [['node', node.name]], value: of(node) }))

const perRequest =
  (of: (counted: RequestMetrics) => number | LatencyHistogram) =>
  ({ nodes }: ClientMetrics): Sample[] =>
    nodes.flatMap(({ name, requests }) =>
      used(requests).map(([kind, counted]) => ({
        labels: [['node', name] as const, ['kind', kind] as const],
        value: of(counted),
      })),
    )

/** The kinds that were used at all: the others would be most of the text. */
function used<T extends CommandMetrics>(all: { readonly [kind in CommandKind]: T }): [CommandKind, T][] {
  return (Object.entries(all) as [CommandKind, T][]).filter(([, { count, rows, failed }]) => count + rows + failed > 0)
}

function failures(labels: Labels, kind: string, { failures }: CommandMetrics): Sample[] {
  return failures.map(({ code, name, count }) => ({
    labels: [...labels, ['kind', kind], ['code', String(code)], ['error', name]],
    value: count,
  }))
}

const isPresent = ({ present }: NodeMetrics): boolean => present

/** Everything a client tells. */
export const CLIENT_FAMILIES: readonly Family<ClientMetrics>[] = [
  {
    name: 'aerospike_client_call_duration_seconds',
    type: 'histogram',
    help: 'Calls by kind, from the call to its outcome, failures and retries included.',
    samples: perKind(({ latency }) => latency),
  },
  {
    name: 'aerospike_client_call_failures_total',
    type: 'counter',
    help: 'Failed calls, and failed rows of batches, by result code.',
    samples: ({ calls }) => used(calls).flatMap(([kind, counted]) => failures([], kind, counted)),
  },
  {
    name: 'aerospike_client_call_records_total',
    type: 'counter',
    help: 'Rows of batches.',
    samples: perKind(({ rows }) => rows),
  },
  {
    name: 'aerospike_client_call_records_missing_total',
    type: 'counter',
    help: 'Records that calls did not find, or that a filter left out.',
    samples: perKind(({ missing }) => missing),
  },
  {
    name: 'aerospike_client_calls_in_doubt_total',
    type: 'counter',
    help: 'Failed writes that may have happened all the same.',
    samples: perKind(({ inDoubt }) => inDoubt),
  },
  {
    name: 'aerospike_client_calls_waiting',
    type: 'gauge',
    help: 'Calls that wait for their outcome.',
    samples: ({ waiting }) => one(waiting),
  },
  {
    name: 'aerospike_client_commands_in_flight',
    type: 'gauge',
    help: 'Commands that are under way in the core.',
    samples: ({ inFlight }) => one(inFlight),
  },
  {
    name: 'aerospike_client_loop_resume_delay_seconds',
    type: 'histogram',
    help: 'How late the event loop of this process took up answers that were there.',
    samples: ({ resumeDelay }) => [{ labels: [], value: resumeDelay }],
  },
  {
    name: 'aerospike_client_transactions_begun_total',
    type: 'counter',
    help: 'Transactions that were begun.',
    samples: ({ transactions }) => one(transactions.begun),
  },
  {
    name: 'aerospike_client_transactions_ended_total',
    type: 'counter',
    help: 'Transactions by how they, or their commits, ended.',
    samples: ({ transactions: { committed, aborted, inDoubt, failed } }) =>
      Object.entries({ committed, aborted, in_doubt: inDoubt, failed }).map(([outcome, value]) => ({
        labels: [['outcome', outcome]],
        value,
      })),
  },
  {
    name: 'aerospike_client_nodes',
    type: 'gauge',
    help: 'Nodes of the cluster that are in use.',
    samples: ({ nodes }) => one(nodes.filter(isPresent).length),
  },
  {
    name: 'aerospike_client_node_info',
    type: 'gauge',
    help: 'Address and version of a node.',
    samples: ({ nodes }) =>
      nodes.filter(isPresent).map(({ name, host, port, build }) => ({
        labels: [
          ['node', name],
          ['host', host ?? ''],
          ['port', String(port)],
          ['build', build ?? ''],
        ],
        value: 1,
      })),
  },
  {
    name: 'aerospike_client_request_duration_seconds',
    type: 'histogram',
    help: 'Requests to a node, from the moment they were made to their answer, failures included.',
    samples: perRequest(({ latency }) => latency),
  },
  {
    name: 'aerospike_client_request_failures_total',
    type: 'counter',
    help: 'Failed requests to a node, and failed rows of batches there, by result code.',
    samples: ({ nodes }) =>
      nodes.flatMap(({ name, requests }) =>
        used(requests).flatMap(([kind, counted]) => failures([['node', name]], kind, counted)),
      ),
  },
  {
    name: 'aerospike_client_request_retries_total',
    type: 'counter',
    help: 'Requests, and rows of batches, that failed at a node and were tried again.',
    samples: perRequest(({ retries }) => retries),
  },
  {
    name: 'aerospike_client_request_records_total',
    type: 'counter',
    help: 'Records of batches and queries that a node answered.',
    samples: perRequest(({ rows }) => rows),
  },
  {
    name: 'aerospike_client_request_sent_bytes_total',
    type: 'counter',
    help: 'Bytes of requests to a node.',
    samples: perRequest(({ bytesOut }) => bytesOut),
  },
  {
    name: 'aerospike_client_request_received_bytes_total',
    type: 'counter',
    help: 'Bytes of answers from a node.',
    samples: perRequest(({ bytesIn }) => bytesIn),
  },
  {
    name: 'aerospike_client_connections',
    type: 'gauge',
    help: 'Open connections to a node, by whether commands are on them.',
    samples: ({ nodes }) =>
      nodes.filter(isPresent).flatMap(({ name, connections: { open, inUse } }) =>
        Object.entries({ idle: open - inUse, used: inUse }).map(([state, value]) => ({
          labels: [['node', name] as const, ['state', state] as const],
          value,
        })),
      ),
  },
  {
    name: 'aerospike_client_connections_opened_total',
    type: 'counter',
    help: 'Connections to a node that were opened.',
    samples: perNode(({ connections }) => connections.opened),
  },
  {
    name: 'aerospike_client_connections_closed_total',
    type: 'counter',
    help: 'Connections to a node that were closed, by either side.',
    samples: perNode(({ connections }) => connections.closed),
  },
  {
    name: 'aerospike_client_connections_failed_total',
    type: 'counter',
    help: 'Connections to a node that could not be opened.',
    samples: perNode(({ connections }) => connections.failed),
  },
  {
    name: 'aerospike_client_calls_queued',
    type: 'gauge',
    help: 'Calls that wait for a connection to a node.',
    samples: perNode(({ queued }) => queued, isPresent),
  },
  {
    name: 'aerospike_client_batch_requests_in_flight',
    type: 'gauge',
    help: 'Requests of batches that are under way at a node.',
    samples: perNode(({ batchRequests }) => batchRequests, isPresent),
  },
  {
    name: 'aerospike_client_breaker_open',
    type: 'gauge',
    help: '1 while calls to a node are refused because it failed too often.',
    samples: perNode(({ breaker }) => (breaker.state === 'open' ? 1 : 0), isPresent),
  },
  {
    name: 'aerospike_client_breaker_opened_total',
    type: 'counter',
    help: 'How often that began.',
    samples: perNode(({ breaker }) => breaker.opened),
  },
  {
    name: 'aerospike_client_node_silent',
    type: 'gauge',
    help: '1 while a node answers nothing at all.',
    samples: perNode(({ silent }) => (silent ? 1 : 0), isPresent),
  },
  {
    name: 'aerospike_client_node_silences_total',
    type: 'counter',
    help: 'How often a node was found to answer nothing at all.',
    samples: perNode(({ silences }) => silences),
  },
  {
    name: 'aerospike_client_node_hedged_total',
    type: 'counter',
    help: 'Reads that were late at a node and asked of another replica too.',
    samples: perNode(({ hedged }) => hedged),
  },
  {
    name: 'aerospike_client_node_tends_total',
    type: 'counter',
    help: 'How often a node was asked for its state.',
    samples: perNode(({ tends }) => tends.count),
  },
  {
    name: 'aerospike_client_node_tend_failures_total',
    type: 'counter',
    help: 'How often a node that was asked for its state did not answer as it should.',
    samples: perNode(({ tends }) => tends.failed),
  },
]

/** The text of a client's metrics. */
export function toPrometheus(metrics: ClientMetrics, options?: PrometheusOptions): string {
  return prometheusText(CLIENT_FAMILIES, metrics, options)
}

/** The text of families that have samples. */
export function prometheusText<M>(families: readonly Family<M>[], metrics: M, options?: PrometheusOptions): string {
  const { labels = {} } = readOptions<PrometheusOptions>('toPrometheus', options, {
    labels: { expects: 'an object of texts by name', check: (value) => typeof value === 'object' && value !== null },
  })
  const common = Object.entries(labels).map(([name, value]) => checkLabel(name, value))
  let text = ''
  for (const { name, type, help, samples } of families) {
    const all = samples(metrics)
    if (all.length === 0) continue
    text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
    for (const { labels, value } of all) {
      const own = [...common, ...labels]
      text += typeof value === 'number' ? line(name, own, value) : histogram(name, own, value)
    }
  }
  return text
}

/** Names that samples have themselves. */
const RESERVED = ['node', 'kind', 'code', 'error', 'outcome', 'state', 'host', 'port', 'build', 'ns', 'le']

function checkLabel(name: string, value: unknown): readonly [string, string] {
  if (!LABEL.test(name) || RESERVED.includes(name)) {
    throw new InvalidArgumentError(`toPrometheus: ${describe(name)} cannot be the name of a label`)
  }
  if (typeof value !== 'string') {
    throw new InvalidArgumentError(`toPrometheus: the label ${name} must be text, not ${describe(value)}`)
  }
  return [name, value]
}

function histogram(name: string, labels: Labels, { count, sum, buckets }: LatencyHistogram): string {
  let text = ''
  let [at, below] = [0, 0]
  for (const bound of BOUNDS) {
    // in microseconds, which are whole: what two roads lead to is compared
    const end = Math.round(bound * 1e6)
    for (; at < buckets.length && Math.round((buckets[at]?.below ?? 0) * 1000) <= end; at++)
      below += buckets[at]?.count ?? 0
    text += line(`${name}_bucket`, [...labels, ['le', String(bound)]], below)
  }
  text += line(`${name}_bucket`, [...labels, ['le', '+Inf']], count)
  return text + line(`${name}_sum`, labels, sum / 1000) + line(`${name}_count`, labels, count)
}

function line(name: string, labels: Labels, value: number): string {
  const inside = labels.map(([label, text]) => `${label}="${escapeValue(text)}"`).join(',')
  return `${name}${inside === '' ? '' : `{${inside}}`} ${value}\n`
}

const escapeValue = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
