// A cluster inside this process, for trying things out and for tests.

import type { NativeCluster } from './addon.js'
import { describe, isPlain } from './check.js'
import { InvalidArgumentError } from './errors.js'
import { controlError } from './failure.js'
import { binding } from './native.js'
import { didYouMean } from './policies.js'

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
}

const OPTION_NAMES = ['nodes', 'port', 'replicationFactor', 'clusterName']

const MOST_NODES = 8

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
    for (const name of Object.keys(options)) {
      if (!OPTION_NAMES.includes(name)) {
        throw new InvalidArgumentError(
          `LocalCluster.start: there is no option '${name}'${didYouMean(name, OPTION_NAMES)}`,
        )
      }
    }
    const { nodes = 1, port = 0, replicationFactor = 2, clusterName = '' } = options
    whole('nodes', nodes, 1, MOST_NODES)
    whole('port', port, 0, 65535 - MOST_NODES)
    whole('replicationFactor', replicationFactor, 1, MOST_NODES)
    if (typeof clusterName !== 'string')
      throw new InvalidArgumentError(`LocalCluster: clusterName must be text, not ${describe(clusterName)}`)
    const native = {
      nodes,
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
