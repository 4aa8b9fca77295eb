// The options of `connect`, as types.

import type { CallOptions, Defaults } from '../options/types.js'
import type { LogLevel, LogSink } from '../telemetry/log.js'
import type { Codecs } from '../values/codecs.js'
import type { Host } from './hosts.js'
import type { TlsOptions } from './tls-options.js'

/** Values of option `integers`. */
export type Integers = NonNullable<CallOptions['integers']>

/**
 * How a client reads integers, of the values of `integers` that its defaults have: `bigint` when one of them is. When nothing
 * is known of them, since the options are only known as {@link ConnectOptions}, types are as bins are declared.
 */
export type IntegersOf<I extends Integers> = [Integers] extends [I] ? 'auto' : 'bigint' extends I ? 'bigint' : 'auto'

/**
 * Options of a client that are not of its connections: clients on the same connections may differ in them
 * (`client.with`).
 */
export interface ClientOptions<I extends Integers = Integers> {
  /**
   * Merges the `get`, `select` and `exists` calls of one tick into batch messages, one for each node. Each call settles as
   * it would have alone; a slow node holds up its own reads only. A read alone in its tick goes alone. For programs that make many reads at once; default false.
   */
  readonly coalesceReads?: boolean | undefined
  /**
   * How bins are kept that are not kept as they are, by the name of the bin, in all sets: `put`, `batchWrite`, `get`, `select`,
   * batches and queries of records translate. Operations, expressions and filters see what is stored; sessions have the codecs
   * of their sets instead.
   */
  readonly codecs?: Codecs | undefined
  /** Defaults for the options of calls. */
  readonly defaults?: Defaults<I> | undefined
}

/** How a user logs in. */
export type AuthMode = 'internal' | 'external' | 'externalInsecure' | 'pki'

/** Options of {@link connect}. None is needed where the environment names the hosts. */
export interface ConnectOptions<I extends Integers = Integers> extends ClientOptions<I> {
  /**
   * Some nodes of the cluster; the others are found by asking them. Text may name several, separated by commas. Without it,
   * `AEROSPIKE_URL` or `AEROSPIKE_HOSTS` of the environment name them.
   */
  readonly hosts?: string | readonly Host[] | undefined
  /** Refuse nodes of a cluster with another name. */
  readonly clusterName?: string | undefined
  /** User of an Enterprise cluster with security. */
  readonly user?: string | undefined
  /** Password of `user`. Never shown in errors or by `console.log`. */
  readonly password?: string | undefined
  /**
   * How `user` logs in: with a password that the cluster knows ('internal', the default), one that it asks a directory about
   * ('external', which needs `tls`, or 'externalInsecure'), or by the certificate of `tls` ('pki', without user and password).
   */
  readonly authMode?: AuthMode | undefined
  /** Milliseconds for one login. Default 5,000. */
  readonly loginTimeout?: number | undefined
  /** Milliseconds until `connect` gives up. Default 5,000. */
  readonly connectTimeout?: number | undefined
  /** Milliseconds for opening one connection: TCP and TLS; a login comes on top. Also for one question about a node's state. Default 1,000. */
  readonly dialTimeout?: number | undefined
  /**
   * Resolve at once, and connect meanwhile. Calls wait, within their own time, until the cluster was looked for once; if it was not
   * found they fail, while the client goes on looking. Default false: `connect` rejects when no host answers.
   */
  readonly lazy?: boolean | undefined
  /** Milliseconds between two looks at the state of the cluster. Default 1,000. */
  readonly tendInterval?: number | undefined
  /** Connections to each node that are kept open. Default 0. */
  readonly minConnectionsPerNode?: number | undefined
  /** Most connections to each node; more commands wait their turn. Default 100. */
  readonly maxConnectionsPerNode?: number | undefined
  /** Milliseconds after which an idle connection is closed. Default 55,000. */
  readonly maxIdle?: number | undefined
  /** Connect to the alternate addresses that the nodes announce. Default false. */
  readonly useAlternateServices?: boolean | undefined
  /** Refuse to connect when a node of the cluster cannot be reached. Default false: what can be is used. */
  readonly wholeCluster?: boolean | undefined
  /** Replaces addresses that nodes announce, for clusters behind address translation: `{ announced: reachable }`. */
  readonly addressMap?: { readonly [announced: string]: string } | undefined
  /** Errors within the window after which a node is left alone. Default 100; 0 never. */
  readonly maxErrorRate?: number | undefined
  /** The length of that window, in tend intervals. Default 1. */
  readonly errorRateWindow?: number | undefined
  /**
   * Calls that may be under way at once; more wait for their turn. A batch is one call, whatever its size; queries and calls
   * about the cluster do not count. Default 0: no limit.
   */
  readonly maxInFlight?: number | undefined
  /**
   * Calls that may wait for their turn while `maxInFlight` are under way; one more is refused at once with `QueueFullError`.
   * Needs `maxInFlight`. Default 1,048,576.
   */
  readonly maxQueued?: number | undefined
  /**
   * Milliseconds that a call may wait for its turn before it fails with `QueueFullError`. Its `totalTimeout`, which counts the
   * waiting, ends it in any case. Needs `maxInFlight`. Default 0: no limit of its own.
   */
  readonly queueTimeout?: number | undefined
  /**
   * A configuration file of the official clients, which is followed while the client runs: what it says counts more than the
   * options here and those of calls. `AEROSPIKE_CLIENT_CONFIG_URL` of the environment names one as well, and counts more.
   */
  readonly configProvider?: ConfigProvider | undefined
  /** A name for this application, shown by the servers. */
  readonly appId?: string | undefined
  /** The racks to prefer, best first, for `replica: 'preferRack'`. */
  readonly rackIds?: readonly number[] | undefined
  /** `true`, or how, to encrypt connections. */
  readonly tls?: boolean | TlsOptions | undefined
  /** Count and time what is done, for `client.metrics()`. Default true: it costs less than a hundredth of a call. */
  readonly metrics?: boolean | undefined
  /**
   * Gets what the client logs, as objects; a promise it returns is waited for. It may throw or be slow: at most 1,000 events wait for
   * it, and of what is lost it is told the number. No event has keys, values or passwords.
   */
  readonly log?: LogSink | undefined
  /** The least important events that `log` gets. Default 'info'. */
  readonly logLevel?: LogLevel | undefined
  /** Milliseconds from which on a call is logged as slow, with its phases; `log` gets it as `slowCall`. */
  readonly slow?: number | undefined
}

/** A configuration file that is followed. */
export interface ConfigProvider {
  /** YAML, or JSON where it ends in `.json`. A `file:` URL is fine. */
  readonly path: string
  /** Milliseconds between two looks at it; `config_interval` of the file counts more. Default 5,000. */
  readonly interval?: number | undefined
}
