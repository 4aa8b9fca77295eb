// A cluster inside this process, for trying things out and for tests.

import type { NativeCluster, NativeRefusal } from './boundary/addon.js'
import { binding } from './boundary/native.js'
import { describe, isPlain } from './checks/check.js'
import { badValue, didYouMean } from './checks/options.js'
import { InvalidArgumentError } from './errors/classes.js'
import { controlError } from './errors/failure.js'
import { MAX_NAMESPACE_SIZE, MAX_UINT32 } from './limits.js'

/** Options of `LocalCluster.start`. */
export interface LocalClusterOptions {
  /** Number of nodes, 1 to 8. Default 1. */
  readonly nodes?: number | undefined
  /** Port of the first node; the others follow. Default 0: free ports. */
  readonly port?: number | undefined
  /** Copies of every record, the master included. Default 2. */
  readonly replicationFactor?: number | undefined
  /** The name of the cluster, as `connect({ clusterName })` checks it. */
  readonly clusterName?: string | undefined
  /**
   * The edition of the nodes. An Enterprise cluster takes durable deletes and what else Community servers refuse with
   * `EnterpriseOnlyError`. Default 'community'.
   */
  readonly edition?: Edition | undefined
  /**
   * Names of more namespaces, strongly consistent ones: they have transactions and linearizable reads, take durable
   * deletes only, and are unavailable while too many nodes are missing. Only with `edition: 'enterprise'`. Default none.
   */
  readonly strongConsistency?: readonly string[] | undefined
}

/** The edition of a server. */
export type Edition = 'community' | 'enterprise'

/** Which rows of batches a node turns away, for `refuseRows`. */
export interface RefuseRowsOptions {
  /** The result code it answers, 1 to 255: 18 (device overload), 14 (key busy), 11 (partition unavailable) and the like. */
  readonly code: number
  /** How likely a row is turned away, 0 to 1. Default 1. */
  readonly probability?: number | undefined
  /** Rows of each request that run in any case: those that the node has room for. Default 0. */
  readonly room?: number | undefined
  /** How many rows are turned away before the node is well again. Default: no end. */
  readonly rows?: number | undefined
}

const REFUSAL_NAMES = ['code', 'probability', 'room', 'rows']

const OPTION_NAMES = ['nodes', 'port', 'replicationFactor', 'clusterName', 'edition', 'strongConsistency']
const EDITIONS: readonly Edition[] = ['community', 'enterprise']

const MAX_NODES = 8

/** The namespaces that every cluster has. */
const NAMESPACES = ['test', 'bar']

/**
 * An in-memory cluster on loopback ports that speaks the protocol of a real one, with the namespaces `test` (records stay)
 * and `bar` (records expire after 30 days). It can be told to misbehave. Nothing is stored on disk.
 *
 * @example
 * await using cluster = await LocalCluster.start({ nodes: 3 })
 * await using client = await connect(cluster.hosts)
 */
export class LocalCluster {
  /** The nodes as `host:port`, for `connect`. */
  readonly hosts: readonly string[]
  readonly #native: NativeCluster
  #stopped: Promise<void> | undefined

  private constructor(native: NativeCluster) {
    this.#native = native
    this.hosts = native.hosts
  }

  /**
   * Starts a cluster and resolves when its nodes accept connections.
   *
   * @throws InvalidArgumentError for options that make no sense
   */
  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    if (typeof options !== 'object' || options === null || !isPlain(options)) {
      throw new InvalidArgumentError(`LocalCluster.start: options must be an object, not ${describe(options)}`)
    }
    known('LocalCluster.start', options, OPTION_NAMES)
    const { nodes = 1, port = 0, replicationFactor = 2, clusterName = '', edition = 'community' } = options
    const { strongConsistency = [] } = options
    whole('nodes', nodes, 1, MAX_NODES)
    whole('port', port, 0, 65535 - MAX_NODES)
    whole('replicationFactor', replicationFactor, 1, MAX_NODES)
    if (typeof clusterName !== 'string')
      throw new InvalidArgumentError(`LocalCluster: clusterName must be text, not ${describe(clusterName)}`)
    if (!EDITIONS.includes(edition)) {
      throw badValue('LocalCluster.start', 'edition', "'community' or 'enterprise'", edition)
    }
    checkStrong(strongConsistency, edition)
    const native = {
      nodes,
      edition,
      strongConsistency: [...strongConsistency],
      replicationFactor,
      ...(port === 0 ? {} : { port }),
      ...(clusterName === '' ? {} : { clusterName }),
    }
    return new LocalCluster(await control('LocalCluster.start', binding().NativeCluster.start(native)))
  }

  /** Stops all nodes. Stopping again does nothing. */
  stop(): Promise<void> {
    this.#stopped ??= control('LocalCluster.stop', this.#native.stop())
    return this.#stopped
  }

  /** Stops a node, as if its process had been killed. Its data is lost; the replicas take over. */
  stopNode(node: number): Promise<void> {
    return this.#control('stopNode', node, (native) => native.stopNode(node))
  }

  /** Starts a stopped node again, on its port. */
  startNode(node: number): Promise<void> {
    return this.#control('startNode', node, (native) => native.startNode(node))
  }

  /** Makes a node accept everything and answer nothing. */
  freezeNode(node: number): Promise<void> {
    return this.#control('freezeNode', node, (native) => native.freezeNode(node))
  }

  /** Lets a frozen node go on. */
  thawNode(node: number): Promise<void> {
    return this.#control('thawNode', node, (native) => native.thawNode(node))
  }

  /** Delays every answer of a node by some milliseconds; 0 ends it. */
  slowNode(node: number, milliseconds: number): Promise<void> {
    return this.#control('slowNode', node, (native) => {
      whole('milliseconds', milliseconds, 0, 3_600_000)
      return native.slowNode(node, milliseconds)
    })
  }

  /**
   * Makes a node turn rows of batches away instead of running them, as an overloaded one does; `null` ends it.
   *
   * @example
   * await cluster.refuseRows(0, { code: 18, room: 100 }) // no more than 100 rows of a request
   */
  refuseRows(node: number, options: RefuseRowsOptions | null): Promise<void> {
    return this.#control('refuseRows', node, (native) => native.refuseRows(node, refusal(options)))
  }

  /** Closes all connections of a node at once; it accepts new ones. */
  dropConnections(node: number): Promise<void> {
    return this.#control('dropConnections', node, (native) => native.dropConnections(node))
  }

  async #control(verb: string, node: number, act: (native: NativeCluster) => Promise<void>): Promise<void> {
    whole('node', node, 0, this.hosts.length - 1)
    await control(`LocalCluster.${verb}`, act(this.#native))
  }

  /** `await using cluster = await LocalCluster.start()` stops it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function refusal(options: RefuseRowsOptions | null): NativeRefusal | undefined {
  if (options === null) return undefined
  if (typeof options !== 'object' || !isPlain(options)) {
    throw new InvalidArgumentError(
      `LocalCluster.refuseRows: options must be an object or null, not ${describe(options)}`,
    )
  }
  known('LocalCluster.refuseRows', options, REFUSAL_NAMES)
  const { code, probability = 1, room = 0, rows } = options
  whole('code', code, 1, 255)
  whole('room', room, 0, MAX_UINT32)
  if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
    throw new InvalidArgumentError(
      `LocalCluster: probability must be a number from 0 to 1, not ${describe(probability)}`,
    )
  }
  if (rows === undefined) return { code, probability, room }
  whole('rows', rows, 0, MAX_UINT32)
  return { code, probability, room, rows }
}

function known(verb: string, options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw new InvalidArgumentError(`${verb}: there is no option '${name}'${didYouMean(name, names)}`)
  }
}

function whole(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return
  throw new InvalidArgumentError(
    `LocalCluster: ${name} must be a whole number from ${least} to ${most}, not ${describe(value)}`,
  )
}

async function control<T>(verb: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw controlError(verb, error)
  }
}

function checkStrong(names: unknown, edition: Edition): void {
  const verb = 'LocalCluster.start'
  const isName = (name: unknown): boolean =>
    typeof name === 'string' && name !== '' && name.length <= MAX_NAMESPACE_SIZE && !/[^\w-]/.test(name)
  if (!Array.isArray(names) || !names.every(isName)) {
    throw badValue(verb, 'strongConsistency', 'an array of names of namespaces', names)
  }
  if (names.length > 0 && edition !== 'enterprise') {
    throw new InvalidArgumentError(`${verb}: strongConsistency needs edition: 'enterprise'`)
  }
  const taken = names.find((name, i) => NAMESPACES.includes(name) || names.indexOf(name) !== i)
  if (taken !== undefined) {
    throw new InvalidArgumentError(`${verb}: there is a namespace '${taken}' already`)
  }
}
