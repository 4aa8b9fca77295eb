// A cluster inside this process, for trying things out and for tests.

import { binding, type NativeCluster } from '../boundary/addon.js'
import { controlError } from '../boundary/failure-reader.js'
import { describe } from '../checks/check.js'
import { checkOption, flag, whole } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { LocalMetrics } from '../telemetry/local-metrics.js'
import {
  type Ailment,
  ailmentOf,
  type LocalCertificates,
  type LocalClusterOptions,
  type RefuseRowsOptions,
  refusalOf,
  startOptions,
} from './options.js'

/** What a node can be slowed down by. */
const DELAY = whole(0, 3_600_000)

/**
 * An in-memory cluster on loopback ports that speaks the protocol of a real one, with the namespaces `test` (records stay)
 * and `bar` (records expire after 30 days). It can be told to misbehave. Nothing is stored on disk.
 *
 * It runs until it is stopped, or until the process or the worker that started it ends; it does not keep them alive.
 *
 * @example
 * await using cluster = await LocalCluster.start({ nodes: 3 })
 * await using client = await connect(cluster.hosts)
 */
export class LocalCluster {
  /** The nodes as `host:port`, for `connect`. */
  readonly hosts: readonly string[]
  /** The nodes as `host:port` for plain connections: other than `hosts` where connections are encrypted. */
  readonly plainHosts: readonly string[]
  readonly #native: NativeCluster
  readonly #tlsName: string | undefined
  #certificates: LocalCertificates | undefined
  #stopped: Promise<void> | undefined

  private constructor(native: NativeCluster, tlsName: string | undefined) {
    this.#native = native
    this.#tlsName = tlsName
    this.hosts = native.hosts
    this.plainHosts = native.plainHosts
  }

  /**
   * What the nodes tell of themselves, frozen and stopped ones included: statistics of nodes and namespaces by the names that real
   * servers have, as numbers and as Prometheus text.
   *
   * @example
   * const [node] = cluster.metrics().nodes
   * console.log(node?.statistics.client_connections, node?.namespaces.test?.objects)
   */
  metrics(): LocalMetrics {
    return new LocalMetrics(this.#native.statistics())
  }

  /** What a client needs where the cluster made its certificates; `undefined` where it did not. @example connect({ hosts: cluster.hosts, tls: cluster.certificates }) */
  get certificates(): LocalCertificates | undefined {
    const { authority } = this.#native
    if (authority === null || authority === undefined || this.#tlsName === undefined) return undefined
    this.#certificates ??= { ca: authority, ...this.#native.clientCertificate('admin'), servername: this.#tlsName }
    return this.#certificates
  }

  /**
   * A new certificate for a client whose user has a name, with its key: for `authMode: 'pki'`.
   *
   * @throws InvalidArgumentError where the cluster did not make its certificates
   * @example
   * const { cert, key } = cluster.clientCertificate('ann')
   */
  clientCertificate(user: string): { readonly cert: string; readonly key: string } {
    if (typeof user !== 'string' || user === '') {
      throw new InvalidArgumentError(`LocalCluster.clientCertificate: a user has a name, not ${describe(user)}`)
    }
    if (this.certificates === undefined) {
      throw new InvalidArgumentError('LocalCluster.clientCertificate: the cluster has no authority of its own')
    }
    return this.#native.clientCertificate(user)
  }

  /**
   * Starts a cluster and resolves when its nodes accept connections.
   *
   * @throws InvalidArgumentError for options that make no sense
   */
  static async start(options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const native = startOptions(options)
    return new LocalCluster(
      await control('LocalCluster.start', binding().NativeCluster.start(native)),
      native.tls?.name,
    )
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
    return this.#control('freezeNode', node, (native) => native.setFault(node, 'frozen', 1))
  }

  /** Lets a frozen node go on. */
  thawNode(node: number): Promise<void> {
    return this.#control('thawNode', node, (native) => native.setFault(node, 'frozen', 0))
  }

  /** Delays every answer of a node by some milliseconds; 0 ends it. */
  slowNode(node: number, milliseconds: number): Promise<void> {
    return this.#control('slowNode', node, (native) => {
      checkOption('LocalCluster.slowNode', 'milliseconds', DELAY, milliseconds)
      return native.setFault(node, 'slow', milliseconds)
    })
  }

  /** Makes a node close new connections as soon as they are made, those that are open stay; `false` ends it. */
  rejectConnections(node: number, rejects: boolean): Promise<void> {
    return this.#control('rejectConnections', node, (native) => {
      checkOption('LocalCluster.rejectConnections', 'rejects', flag, rejects)
      return native.setFault(node, 'rejecting', rejects ? 1 : 0)
    })
  }

  /**
   * Makes a node turn rows of batches away instead of running them, as an overloaded one does; `null` ends it.
   *
   * @example
   * await cluster.refuseRows(0, { code: 18, room: 100 }) // no more than 100 rows of a request
   */
  refuseRows(node: number, options: RefuseRowsOptions | null): Promise<void> {
    return this.#control('refuseRows', node, (native) => native.refuseRows(node, refusalOf(options)))
  }

  /**
   * Has something ail a node although it answers, as operators find it in clusters in trouble; `null` ends it.
   *
   * @example
   * await cluster.ailNode(0, { stopsWrites: true })
   */
  ailNode(node: number, ailment: Ailment | null): Promise<void> {
    return this.#control('ailNode', node, (native) => native.ailNode(node, ailmentOf(ailment)))
  }

  /** Closes all connections of a node at once; it accepts new ones. */
  dropConnections(node: number): Promise<void> {
    return this.#control('dropConnections', node, (native) => native.dropConnections(node))
  }

  async #control(verb: string, node: number, act: (native: NativeCluster) => Promise<void>): Promise<void> {
    checkOption(`LocalCluster.${verb}`, 'node', whole(0, this.hosts.length - 1), node)
    await control(`LocalCluster.${verb}`, act(this.#native))
  }

  /** `await using cluster = await LocalCluster.start()` stops it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

async function control<T>(verb: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw controlError(verb, error)
  }
}
