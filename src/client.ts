// The client: connecting, looking at the cluster, and closing.

import { inspect } from 'node:util'
import { argumentError, describe } from './check.js'
import { QueryCommands } from './commands/queries.js'
import { type ConnectOptions, resolveConfig } from './config.js'
import { InvalidArgumentError } from './errors.js'
import { controlError } from './failure.js'
import { Boundary } from './native.js'
import { applyOptions, Policy, resolveDefaults, Takes } from './policies.js'

/** A node of the cluster. */
export interface Node {
  readonly name: string
  readonly host: string
  readonly port: number
  /** False while it is being dropped because it does not answer. */
  readonly active: boolean
  /** Open connections to it, and how many of them are in use. */
  readonly connections: { readonly open: number; readonly inUse: number }
  /** Version of the server. */
  readonly build: string
}

/** Options of `info`. */
export interface InfoOptions {
  /** The name of one node to ask; without it all are asked. */
  readonly node?: string | undefined
  /** Milliseconds the answer may take. Default 1,000. */
  readonly totalTimeout?: number | undefined
}

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
export class Client extends QueryCommands {
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
   * Sends an info command to every node (or to one) and gives each node's answer.
   *
   * @throws NodeNotFoundError when there is no node of that name
   * @example
   * const answers = await client.info('namespaces')
   * answers.get('A1') // 'test;bar'
   */
  async info(command: string, options: InfoOptions = {}): Promise<Map<string, string>> {
    try {
      if (typeof command !== 'string' || command === '') {
        throw new InvalidArgumentError(`info: the command must be text, not ${describe(command)}`)
      }
      const policy = applyOptions(INFO_POLICY, options, Takes.info, 'info', ['node'])
      const node = options.node ?? '*'
      if (typeof node !== 'string')
        throw new InvalidArgumentError(`info: option 'node' must be text, not ${describe(node)}`)
      const answers = await this.boundary.native.info(node, command, policy.totalTimeout)
      return new Map(answers.map((answer) => [answer.node, answerOf(answer.response)]))
    } catch (error) {
      throw error instanceof InvalidArgumentError ? error : controlError('info', error)
    }
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

/** An info response repeats the command, a tab in between, and ends with a line feed (protocol 4.1). */
function answerOf(response: string): string {
  return response.slice(response.indexOf('\t') + 1).replace(/\n$/, '')
}

const INFO_POLICY = new Policy()

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
