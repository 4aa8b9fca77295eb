// The options of `connect` in one table: they are checked and resolved into what the core needs.

import type { NativeConfig } from '../boundary/addon.js'
import { describe, isPlain } from '../checks/check.js'
import {
  checkNames,
  checkOption,
  flag,
  type OptionRule,
  type OptionRules,
  oneOf,
  readOptions,
  text,
  whole,
} from '../checks/options.js'
import { InvalidArgumentError, InvalidHostError } from '../errors/classes.js'
import { MAX_INT32, MAX_UINT32 } from '../limits.js'
import type { Defaults } from '../options/types.js'
import { LOG_LEVELS, Log, type LogLevel, type LogSink } from '../telemetry/log.js'
import type { Codecs } from '../values/codecs.js'
import { checkTls, readTls, type TlsOptions } from './tls-options.js'

/**
 * A host to start from: `'host:port'`, `'host'` (port 3000), `'[::1]:3000'`, `'host:tlsname:port'` with the name that its
 * certificate has, or the parts.
 */
export type Host =
  | string
  | { readonly host: string; readonly port?: number | undefined; readonly tlsName?: string | undefined }

/**
 * Options of a client that are not of its connections: clients on the same connections may differ in them
 * (`client.with`).
 */
export interface ClientOptions {
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
  readonly defaults?: Defaults | undefined
}

/** How a user logs in. */
export type AuthMode = 'internal' | 'external' | 'externalInsecure' | 'pki'

/** Options of {@link connect}. Only `hosts` is needed. */
export interface ConnectOptions extends ClientOptions {
  /** Some nodes of the cluster; the others are found by asking them. Text may name several, separated by commas. */
  readonly hosts: string | readonly Host[]
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

/** What an option may be, and what holds without it. */
interface Setting extends OptionRule {
  readonly fallback?: unknown
}

const named: OptionRule = {
  expects: 'text that is not empty',
  check: (value) => typeof value === 'string' && value !== '',
}
const count = (least: number, most: number, fallback: number, unit = ''): Setting => ({
  ...whole(least, most, unit),
  fallback,
})
const MS = ' of milliseconds'

const AUTH_MODES: { readonly [mode in AuthMode]: true } = {
  internal: true,
  external: true,
  externalInsecure: true,
  pki: true,
}

const SETTINGS: { readonly [name: string]: Setting } = {
  hosts: { expects: "a list of hosts such as '127.0.0.1:3000'", check: () => true },
  clusterName: named,
  user: named,
  password: { ...text, isSecret: true },
  authMode: oneOf(AUTH_MODES),
  loginTimeout: count(1, MAX_INT32, 5000, MS),
  connectTimeout: count(1, MAX_INT32, 5000, MS),
  tendInterval: count(10, MAX_INT32, 1000, MS),
  minConnectionsPerNode: count(0, 100_000, 0),
  maxConnectionsPerNode: count(1, 100_000, 100),
  maxIdle: count(0, MAX_INT32, 55_000, MS),
  useAlternateServices: { ...flag, fallback: false },
  wholeCluster: { ...flag, fallback: false },
  addressMap: {
    expects: 'an object of addresses by announced address',
    fallback: {},
    check: (value) =>
      typeof value === 'object' && value !== null && Object.values(value).every((to) => typeof to === 'string'),
  },
  maxErrorRate: count(0, 1_000_000, 100),
  errorRateWindow: count(1, 1_000_000, 1),
  appId: {
    expects: 'text of at most 63 bytes',
    fallback: '',
    check: (value) => typeof value === 'string' && Buffer.byteLength(value) <= 63,
  },
  rackIds: {
    expects: 'a list of whole numbers',
    fallback: [],
    check: (value) => Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_UINT32),
  },
  tls: {
    isSecret: true,
    expects: 'true, false or an object',
    check: (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null && isPlain(value)),
  },
  metrics: { ...flag, fallback: true },
  log: { expects: 'a function', check: (value) => typeof value === 'function' },
  logLevel: {
    expects: LOG_LEVELS.map((level) => `'${level}'`)
      .join(', ')
      .replace(/, (?='trace')/, ' or '),
    check: (value) => LOG_LEVELS.includes(value as LogLevel),
  },
  slow: { expects: 'a number of milliseconds', check: (value) => typeof value === 'number' && value >= 0 },
  coalesceReads: { ...flag, fallback: false },
  codecs: { expects: 'an object', check: (value) => typeof value === 'object' && value !== null },
  defaults: { expects: 'an object', check: (value) => typeof value === 'object' && value !== null },
}

/** The settings of {@link ClientOptions}: the core does not get them. */
const OF_THE_CLIENT: OptionRules<ClientOptions> = {
  coalesceReads: SETTINGS.coalesceReads as Setting,
  codecs: SETTINGS.codecs as Setting,
  defaults: SETTINGS.defaults as Setting,
}

/** Options of this side that hold for all clients on the same connections. */
const OF_THE_LOG = ['log', 'logLevel', 'slow']

/** The log that the options ask for. */
export function logOf({ log, logLevel, slow }: ConnectOptions): Log | undefined {
  if (log !== undefined) return new Log(log, logLevel, slow)
  const without = logLevel !== undefined ? 'logLevel' : slow !== undefined ? 'slow' : undefined
  if (without !== undefined) throw new InvalidArgumentError(`connect: ${without} needs a log`)
  return undefined
}

/** Checks the options of `client.with`. */
export function checkClientOptions(verb: string, options: unknown): ClientOptions {
  for (const name of isPlain(Object(options)) ? Object.keys(Object(options)) : []) {
    if (Object.hasOwn(SETTINGS, name) && !Object.hasOwn(OF_THE_CLIENT, name)) {
      throw new InvalidArgumentError(`${verb}: option '${name}' is of the connections, which are shared`)
    }
  }
  return readOptions<ClientOptions>(verb, options ?? null, OF_THE_CLIENT)
}

/** Checks the options of `connect` and fills in the defaults. */
export function resolveConfig(options: unknown): NativeConfig {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`connect: expected hosts or an object of options, not ${describe(options)}`)
  }
  const given = options as { [name: string]: unknown }
  checkNames('connect', given, Object.keys(SETTINGS))
  const config: { [name: string]: unknown } = {}
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const value = given[name] ?? setting.fallback
    if (value === undefined) continue
    checkOption('connect', name, setting, value)
    if (!Object.hasOwn(OF_THE_CLIENT, name) && !OF_THE_LOG.includes(name)) config[name] = value
  }
  if ((config.minConnectionsPerNode as number) > (config.maxConnectionsPerNode as number)) {
    throw new InvalidArgumentError('connect: minConnectionsPerNode is larger than maxConnectionsPerNode')
  }
  Object.assign(config, parseHosts(given.hosts))
  resolveLogin(config)
  return config as unknown as NativeConfig
}

/** Adds what certificates the options name, which takes reading files. */
export async function withTls(config: NativeConfig, tls: ConnectOptions['tls']): Promise<NativeConfig> {
  const checked = checkTls('connect', tls)
  const { tls: _, ...rest } = config
  return checked === undefined ? rest : { ...rest, tls: await readTls('connect', checked) }
}

/** Whoever has a name logs in with a password, and whoever has none by certificate. */
function resolveLogin(config: { [name: string]: unknown }): void {
  const { user, password, authMode } = config
  const tls = checkTls('connect', config.tls)
  if (authMode === 'pki') {
    if (user !== undefined || password !== undefined) {
      throw new InvalidArgumentError(
        "connect: authMode 'pki' takes no user and no password: the certificate names the user",
      )
    }
    if (tls?.cert === undefined || tls.key === undefined) {
      throw new InvalidArgumentError("connect: authMode 'pki' needs tls.cert and tls.key")
    }
  } else if (user === undefined) {
    const without = password !== undefined ? 'password' : authMode !== undefined ? 'authMode' : undefined
    if (without !== undefined) throw new InvalidArgumentError(`connect: ${without} needs a user`)
  } else if (authMode === 'external' && tls === undefined) {
    throw new InvalidArgumentError(
      "connect: authMode 'external' sends the password as it is and needs tls; 'externalInsecure' does without",
    )
  } else {
    config.authMode ??= 'internal'
  }
}

/** Hosts as `host:port` each, and the tls-names of those that have one, by that. */
interface Hosts {
  readonly hosts: string[]
  readonly tlsNames: { readonly [host: string]: string }
}

/** `'a:3000,b'` or a list of hosts, each perhaps with a tls-name. */
export function parseHosts(hosts: unknown): Hosts {
  const list = typeof hosts === 'string' ? hosts.split(',').map((host) => host.trim()) : hosts
  if (!Array.isArray(list) || list.length === 0) {
    throw new InvalidArgumentError(
      `connect: option 'hosts' must be a list of hosts such as '127.0.0.1:3000', not ${describe(hosts)}`,
    )
  }
  const parsed = list.map(parseHost)
  const named = parsed.flatMap(({ host, tlsName }) => (tlsName === undefined ? [] : [[host, tlsName] as const]))
  return { hosts: parsed.map(({ host }) => host), tlsNames: Object.fromEntries(named) }
}

const DEFAULT_PORT = 3000

/** What was given as a host, as it may be shown: whatever stands before an `@` may be a password. */
function shownHost(host: unknown): string {
  return describe(typeof host === 'string' ? host.replace(/^.*@/s, '***@') : host)
}

/**
 * A name or address, perhaps a tls-name, and a port. Two parts whose second has digits alone are a host and a port. An `@` is in
 * none of them: what stands before one is for nobody's eyes.
 */
const HOST = /^(\[[0-9a-fA-F:.%\w]+\]|[^\s:[\]/@]+)(?::([^\s:[\]/@]+))?(?::(\d{1,5}))?$/

const HOST_PARTS = ['host', 'port', 'tlsName']

function parseHost(host: unknown): { readonly host: string; readonly tlsName: string | undefined } {
  if (typeof host === 'string') {
    const [, name, second, third] = HOST.exec(host) ?? []
    const isPort = third === undefined && second !== undefined && /^\d{1,5}$/.test(second)
    const port = isPort ? second : third
    if (name !== undefined) {
      const address = joined(name, port === undefined ? DEFAULT_PORT : Number(port), host)
      return { host: address, tlsName: isPort ? undefined : second }
    }
  } else if (typeof host === 'object' && host !== null) {
    checkNames('connect', host, HOST_PARTS, 'a host has no option')
    const { host: name, port = DEFAULT_PORT, tlsName } = host as { host?: unknown; port?: unknown; tlsName?: unknown }
    if (tlsName !== undefined && (typeof tlsName !== 'string' || tlsName === '')) {
      throw new InvalidHostError(`connect: ${describe(tlsName)} is not a tls-name`)
    }
    if (typeof name === 'string') {
      const bare = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name
      if (HOST.exec(bare)?.[1] === bare) return { host: joined(bare, port, name), tlsName }
      throw new InvalidHostError(`connect: ${shownHost(name)} is not the name or address of a host`)
    }
  }
  throw new InvalidHostError(`connect: ${shownHost(host)} is not a host; expected 'host:port'`)
}

function joined(name: string, port: unknown, host: string): string {
  if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536) return `${name}:${port}`
  throw new InvalidHostError(`connect: ${describe(port)} is not a port (host ${JSON.stringify(host)})`)
}
