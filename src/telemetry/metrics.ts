// What a client counts, as its callers see it: a snapshot of plain data, and the difference of two.

import type { NativeCounted, NativeMetrics, NativeNodeMetrics } from '../boundary/addon.js'
import { Code } from '../errors/codes.js'
import { unixTime } from '../host.js'
import { type LatencyHistogram, latencySince, readLatency } from './latency.js'
import { type PrometheusOptions, toPrometheus } from './prometheus.js'

/** The kinds of commands that are told apart, in the order of tables. */
export const COMMAND_KINDS = [
  'read',
  'write',
  'udf',
  'batchRead',
  'batchWrite',
  'query',
  'job',
  'info',
  'admin',
] as const

/**
 * A kind of command: `read` (get, find, select, exists, operations that only read), `write` (put, remove, touch, operate and
 * the like), `udf` (apply), `batchRead` and `batchWrite` (batches, also coalesced reads; one that writes any row is a
 * `batchWrite`), `query` (queries and aggregations), `job` (background jobs), `info` (info commands and all that is made of
 * them) and `admin` (users and roles).
 */
export type CommandKind = (typeof COMMAND_KINDS)[number]

/** Failures of one result code. */
export interface FailureCount {
  /** The server's code, or a negative one of the client. */
  readonly code: number
  /** What it is called, such as `timeout`; the code where it has no name. */
  readonly name: string
  readonly count: number
}

/** What is counted of one kind of command. Everything only grows while the client lives. */
export interface CommandMetrics {
  /** How many there were, failures included. */
  readonly count: number
  /** Milliseconds that they took, failures included. */
  readonly latency: LatencyHistogram
  /** Failures together. A record that is not there, or that a filter left out, is none. Of batches this counts rows. */
  readonly failed: number
  /** The same by result code. */
  readonly failures: readonly FailureCount[]
  /** Records that are not there, or that a filter left out. */
  readonly missing: number
  /** Records of batches and queries. */
  readonly rows: number
  /** Writes that may have happened although they failed. */
  readonly inDoubt: number
}

/** What is counted of the requests of one kind to one node: a call makes one, and one more for each retry. */
export interface RequestMetrics extends CommandMetrics {
  /** Requests, and rows of batches, that failed there and were tried again. */
  readonly retries: number
  /** Those that were not answered in time: the failures with code 9. */
  readonly timeouts: number
  readonly bytesOut: number
  readonly bytesIn: number
}

/** Connections to one node; the one that watches the node's state is not counted. */
export interface ConnectionMetrics {
  readonly open: number
  readonly inUse: number
  /** Opened, closed, and failed to open so far. */
  readonly opened: number
  readonly closed: number
  readonly failed: number
}

/** One node of the cluster, or one that left. */
export interface NodeMetrics {
  readonly name: string
  /** Whether it is part of the cluster now. Address and version are there only then. */
  readonly present: boolean
  readonly host: string | undefined
  readonly port: number | undefined
  /** Version of the server. */
  readonly build: string | undefined
  /** From the moment a request was made, waiting for a connection included, to its answer. */
  readonly requests: { readonly [kind in CommandKind]: RequestMetrics }
  readonly connections: ConnectionMetrics
  /** Calls and requests that wait for a connection now. */
  readonly queued: number
  /** Requests of batches that are under way there now. */
  readonly batchRequests: number
  readonly breaker: {
    /** `open`: the node failed too often, and calls to it are refused until the next window (`maxErrorRate`). */
    readonly state: 'closed' | 'open'
    /** Errors in this window. */
    readonly errors: number
    /** How often it opened so far. */
    readonly opened: number
  }
  /** Whether it answers nothing at all at the moment: reads begin at another replica. */
  readonly silent: boolean
  /** How often that was found so far. */
  readonly silences: number
  /** Reads, and rows of batches, that were late there and asked of another replica too (option `hedge`), so far. */
  readonly hedged: number
  /** How often it was asked for its state, and how often that failed. */
  readonly tends: { readonly count: number; readonly failed: number }
}

/** What became of transactions. */
export interface TransactionMetrics {
  readonly begun: number
  readonly committed: number
  readonly aborted: number
  /** Commits with an unknown outcome. */
  readonly inDoubt: number
  /** Commits that failed. */
  readonly failed: number
}

/** What {@link ClientMetrics} is made of. */
interface Facts {
  readonly enabled: boolean
  readonly time: number
  readonly calls: { readonly [kind in CommandKind]: CommandMetrics }
  readonly waiting: number
  readonly inFlight: number
  readonly resumeDelay: LatencyHistogram
  readonly transactions: TransactionMetrics
  readonly nodes: readonly NodeMetrics[]
}

/** What a client counted so far: plain data, of one moment. Made by `client.metrics()`. */
export class ClientMetrics implements Facts {
  /** False with `connect({ metrics: false })`: only what is there at the moment is told then, all counts are 0. */
  readonly enabled: boolean
  /** When this was. Milliseconds since 1970. */
  readonly time: number
  /** Calls by kind, from the call to its outcome, retries included, in the core. */
  readonly calls: { readonly [kind in CommandKind]: CommandMetrics }
  /** Calls that wait for their outcome now. */
  readonly waiting: number
  /** Commands that are under way in the core now. A batch in parts, or reads that were made one batch, are others than those that wait. */
  readonly inFlight: number
  /**
   * How late the event loop of this process took up answers that were there. Large values mean that your own code, or
   * garbage collection, held it up: the cluster was not the slow one.
   */
  readonly resumeDelay: LatencyHistogram
  readonly transactions: TransactionMetrics
  /** The nodes of the cluster, and after them up to 64 that left. */
  readonly nodes: readonly NodeMetrics[]

  /** @internal */
  constructor(facts: Facts) {
    this.enabled = facts.enabled
    this.time = facts.time
    this.calls = facts.calls
    this.waiting = facts.waiting
    this.inFlight = facts.inFlight
    this.resumeDelay = facts.resumeDelay
    this.transactions = facts.transactions
    this.nodes = facts.nodes
  }

  /**
   * What happened after an earlier snapshot of the same client: counts and histograms of the time between, and of what is
   * there at the moment (`waiting`, `queued`, open connections, the state of breakers) the value of now.
   *
   * @example
   * const before = client.metrics()
   * await work()
   * console.log(client.metrics().since(before).calls.read.latency.p99)
   */
  since(earlier: ClientMetrics): ClientMetrics {
    const past = new Map(earlier.nodes.map((node) => [node.name, node]))
    return new ClientMetrics({
      enabled: this.enabled,
      time: this.time,
      calls: byKind((kind) => commandSince(this.calls[kind], earlier.calls[kind])),
      waiting: this.waiting,
      inFlight: this.inFlight,
      resumeDelay: latencySince(this.resumeDelay, earlier.resumeDelay),
      transactions: difference(this.transactions, earlier.transactions),
      nodes: this.nodes.map((node) => nodeSince(node, past.get(node.name))),
    })
  }

  /**
   * The snapshot in the text format of Prometheus. Times are seconds there, and sizes bytes.
   *
   * @throws InvalidArgumentError for a label that Prometheus would not take
   * @example
   * http.createServer((_, response) => response.end(client.metrics().toPrometheus())).listen(9464)
   */
  toPrometheus(options?: PrometheusOptions): string {
    return toPrometheus(this, options)
  }
}

const NAMES = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]))

/** An object with a property for each kind. */
function byKind<T>(of: (kind: CommandKind) => T): { readonly [kind in CommandKind]: T } {
  return Object.fromEntries(COMMAND_KINDS.map((kind) => [kind, of(kind)])) as { [kind in CommandKind]: T }
}

const NOTHING: Omit<NativeCounted, 'kind'> = {
  latency: { sum: 0, buckets: [] },
  rows: 0,
  missing: 0,
  bytesOut: 0,
  bytesIn: 0,
  retries: 0,
  inDoubt: 0,
  failures: [],
}

function readCommand(counted: Omit<NativeCounted, 'kind'>): CommandMetrics {
  const latency = readLatency(counted.latency)
  const failures = counted.failures.map(({ code, count }) => ({ code, name: NAMES.get(code) ?? String(code), count }))
  return {
    count: latency.count,
    latency,
    failed: failures.reduce((sum, { count }) => sum + count, 0),
    failures,
    missing: counted.missing,
    rows: counted.rows,
    inDoubt: counted.inDoubt,
  }
}

function readRequests(counted: Omit<NativeCounted, 'kind'>): RequestMetrics {
  const { retries, bytesOut, bytesIn } = counted
  const timeouts = counted.failures.find(({ code }) => code === Code.timeout)?.count ?? 0
  return { ...readCommand(counted), retries, timeouts, bytesOut, bytesIn }
}

function readNode(node: NativeNodeMetrics): NodeMetrics {
  const { name, present, queued, batchRequests, silent } = node
  const requests = new Map(node.requests.map((counted) => [counted.kind, counted]))
  return {
    name,
    present,
    host: node.host ?? undefined,
    port: node.port ?? undefined,
    build: node.build ?? undefined,
    requests: byKind((kind) => readRequests(requests.get(kind) ?? NOTHING)),
    connections: {
      open: node.open,
      inUse: node.inUse,
      opened: node.opened,
      closed: node.closed,
      failed: node.failed,
    },
    queued,
    batchRequests,
    breaker: { state: node.breakerOpen ? 'open' : 'closed', errors: node.breakerErrors, opened: node.breakerOpened },
    silent,
    silences: node.fellSilent,
    hedged: node.hedged,
    tends: { count: node.tends + node.failedTends, failed: node.failedTends },
  }
}

/** The snapshot that the core took. `waiting` is how many calls wait on this side. */
export function readMetrics(native: NativeMetrics, waiting: number): ClientMetrics {
  const calls = new Map(native.calls.map((counted) => [counted.kind, counted]))
  return new ClientMetrics({
    enabled: native.enabled,
    time: unixTime(),
    calls: byKind((kind) => readCommand(calls.get(kind) ?? NOTHING)),
    waiting,
    inFlight: native.inFlight,
    resumeDelay: readLatency(native.resumeDelay),
    transactions: native.transactions,
    nodes: native.nodes.map(readNode),
  })
}

// -- the difference of two snapshots

/** For each number of an object by how much it grew. A node that came back under its name may have begun anew. */
function difference<T extends { readonly [name in keyof T]: number }>(now: T, before: T): T {
  const grown = (Object.keys(now) as (keyof T)[]).map((name) => [name, Math.max(0, now[name] - before[name])])
  return Object.fromEntries(grown) as T
}

function commandSince(now: CommandMetrics, before: CommandMetrics): CommandMetrics {
  const past = new Map(before.failures.map(({ code, count }) => [code, count]))
  const failures = now.failures
    .map((failure) => ({ ...failure, count: failure.count - (past.get(failure.code) ?? 0) }))
    .filter(({ count }) => count > 0)
  const latency = latencySince(now.latency, before.latency)
  const { missing, rows, inDoubt } = now
  return {
    count: latency.count,
    latency,
    failed: failures.reduce((sum, { count }) => sum + count, 0),
    failures,
    ...difference({ missing, rows, inDoubt }, { missing: before.missing, rows: before.rows, inDoubt: before.inDoubt }),
  }
}

function requestsSince(now: RequestMetrics, before: RequestMetrics): RequestMetrics {
  const counts = ({ retries, timeouts, bytesOut, bytesIn }: RequestMetrics) => ({
    retries,
    timeouts,
    bytesOut,
    bytesIn,
  })
  return { ...commandSince(now, before), ...difference(counts(now), counts(before)) }
}

function nodeSince(now: NodeMetrics, before: NodeMetrics | undefined): NodeMetrics {
  if (before === undefined) return now
  const { opened, closed, failed } = now.connections
  return {
    ...now,
    requests: byKind((kind) => requestsSince(now.requests[kind], before.requests[kind])),
    connections: { ...now.connections, ...difference({ opened, closed, failed }, pick(before.connections)) },
    breaker: { ...now.breaker, opened: Math.max(0, now.breaker.opened - before.breaker.opened) },
    silences: Math.max(0, now.silences - before.silences),
    hedged: Math.max(0, now.hedged - before.hedged),
    tends: difference(now.tends, before.tends),
  }
}

const pick = ({ opened, closed, failed }: ConnectionMetrics) => ({ opened, closed, failed })
