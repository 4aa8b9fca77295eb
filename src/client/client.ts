// The client: connecting, looking at the cluster, and closing.

import { inspect } from 'node:util'
import { Boundary } from '../boundary/native.js'
import { argumentError, describe } from '../checks/check.js'
import { AdminCommands } from '../commands/cluster.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { resolveDefaults } from '../options/policy.js'
import { type ConnectOptions, resolveConfig } from './connect-options.js'
import { type ClientEvents, type ClientListener, Listeners, type Node } from './events.js'

/** Options of `close`. */
export interface CloseOptions {
  /** Milliseconds that calls under way may still take. Default 1,000. */
  readonly timeout?: number | undefined
}

const CLOSE_MS = 1000

/**
 * A client of one cluster: connections, the map of the cluster and the commands. One client serves a whole process; it may
 * be used from any number of calls at once. Made by {@link connect}.
 *
 * A client that has nothing under way does not keep the process alive.
 */
export class Client extends AdminCommands {
  readonly #listeners = new Listeners(this.boundary)

  /** Whether the client is open and knows a node that answers. */
  isConnected(): boolean {
    return !this.boundary.closed && this.boundary.native.isConnected()
  }

  /**
   * The nodes of the cluster as last seen.
   *
   * @throws ClientClosedError after `close`
   */
  nodes(): Node[] {
    return this.boundary.native.nodes()
  }

  /**
   * Listens to an event of the cluster: `nodeAdded`, `nodeRemoved`, `connected`, `disconnected`. Listening does not keep the
   * process alive, and ends with `close`, which is no event.
   *
   * @throws InvalidArgumentError for an event that does not exist
   * @throws ClientClosedError after `close`
   * @example
   * client.on('nodeRemoved', ({ name, host }) => console.warn(`lost ${name} at ${host}`))
   */
  on<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this {
    this.#listeners.add('on', event, listener)
    return this
  }

  /** Listens to the next event of a kind, and then no more. @example client.once('connected', resume) */
  once<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this {
    this.#listeners.add('once', event, listener)
    return this
  }

  /** Ends what `on` or `once` began. @example client.off('nodeRemoved', warn) */
  off<E extends keyof ClientEvents>(event: E, listener: ClientListener<E>): this {
    this.#listeners.remove(event, listener)
    return this
  }

  /**
   * Closes the client. Calls under way may finish within `timeout`; what is left then, and every later call, rejects with
   * ClientClosedError. Closing again does nothing.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const timeout = options?.timeout ?? CLOSE_MS
    if (typeof timeout !== 'number' || !(timeout >= 0)) {
      throw new InvalidArgumentError(
        `close: option 'timeout' must be a number of milliseconds, not ${describe(timeout)}`,
      )
    }
    await this.boundary.close(timeout)
  }

  /** `await using client = await connect(…)` closes it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  [inspect.custom](): string {
    return this.boundary.closed
      ? 'Client { closed }'
      : `Client { nodes: ${this.nodes()
          .map((node) => node.name)
          .join(', ')} }`
  }
}

/**
 * Connects to a cluster. Resolves when its nodes and partitions are known; never blocks the event loop.
 *
 * @param options hosts to start from, or all options
 * @throws InvalidArgumentError for options that do not exist or make no sense
 * @throws ClusterError, ConnectionError, TimeoutError when no host answers in time
 * @example
 * const client = await connect('127.0.0.1:3000')
 * await using other = await connect({ hosts: ['10.0.0.1', '10.0.0.2'], defaults: { read: { totalTimeout: 50 } } })
 */
export async function connect(options: string | readonly string[] | ConnectOptions): Promise<Client> {
  try {
    const given =
      typeof options === 'string' || Array.isArray(options) ? { hosts: options } : (options as ConnectOptions)
    const config = resolveConfig(given)
    const policies = resolveDefaults((given as ConnectOptions).defaults)
    return new Client(await Boundary.connect(config), policies, (given as ConnectOptions).coalesceReads)
  } catch (error) {
    throw argumentError(error, 'connect: the options')
  }
}
