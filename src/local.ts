// A cluster inside this process, for trying things out and for tests.

import {
  binding,
  type NativeCluster,
  type NativeLocalTls,
  type NativeLocalUser,
  type NativeRefusal,
  type NativeSecurity,
} from './boundary/addon.js'
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
  /** Who may do what: `true` for one user, `admin` with the password `admin`. Enterprise only. Default: anyone may do everything. */
  readonly security?: boolean | LocalSecurityOptions | undefined
  /**
   * Encrypts connections: 'self-signed' makes the certificates, which are in `cluster.certificates` then. Nodes listen on two
   * ports each: `hosts` and `port` are for encrypted connections, `plainHosts` for plain ones. Enterprise only. Default none.
   */
  readonly tls?: 'self-signed' | LocalTlsOptions | undefined
  /**
   * Names of more namespaces, strongly consistent ones: they have transactions and linearizable reads, take durable
   * deletes only, and are unavailable while too many nodes are missing. Only with `edition: 'enterprise'`. Default none.
   */
  readonly strongConsistency?: readonly string[] | undefined
}

/** A user that a cluster begins with. */
export interface LocalUser {
  /** Absent for one who logs in by certificate. */
  readonly password?: string | undefined
  /** Names of roles. Default none. */
  readonly roles?: readonly string[] | undefined
}

/** How the nodes of a cluster encrypt, with certificates of yours. */
export interface LocalTlsOptions {
  /** The name that nodes announce; their certificate has it. Default 'localhost'. */
  readonly name?: string | undefined
  /** The certificate of the nodes, PEM. Default: one that the cluster makes. */
  readonly cert?: string | Uint8Array | undefined
  /** Its key, PEM. */
  readonly key?: string | Uint8Array | undefined
  /** The authorities that sign the certificates of clients, PEM. Default: the one that the cluster makes. */
  readonly clientCa?: string | Uint8Array | undefined
  /** Whether clients show a certificate. One that is shown must be valid. Default 'optional' where there is an authority for it. */
  readonly clientCertificates?: 'none' | 'optional' | 'required' | undefined
}

/** What a client of a cluster with certificates of its own needs: `connect({ hosts: cluster.hosts, tls: cluster.certificates })`. */
export interface LocalCertificates {
  /** The certificate of the authority, PEM. */
  readonly ca: string
  /** A certificate for the user `admin`, PEM. */
  readonly cert: string
  /** Its key, PEM. */
  readonly key: string
  /** The name that the certificate of the nodes has. */
  readonly servername: string
}

/** How the access control of a cluster begins. */
export interface LocalSecurityOptions {
  /**
   * Users by name. Default: `admin` with the password `admin`, who may do everything. The `admin` of a real cluster may
   * administer users alone, until it grants itself other roles.
   */
  readonly users?: { readonly [name: string]: LocalUser } | undefined
  /** Users by name whom a directory knows, which stands in for LDAP: for `authMode: 'external'`. */
  readonly external?: { readonly [name: string]: LocalUser } | undefined
  /** Whether quotas can be set, and are kept. Default false. */
  readonly quotas?: boolean | undefined
  /** Seconds that a session lives, 1 or more. Default 86,400. */
  readonly sessionTtl?: number | undefined
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

const OPTION_NAMES = [
  'nodes',
  'port',
  'replicationFactor',
  'clusterName',
  'edition',
  'security',
  'tls',
  'strongConsistency',
]
const TLS_NAMES = ['name', 'cert', 'key', 'clientCa', 'clientCertificates']
const CLIENT_CERTIFICATES = ['none', 'optional', 'required']
const SECURITY_NAMES = ['users', 'external', 'quotas', 'sessionTtl']
const USER_NAMES = ['password', 'roles']
const EDITIONS: readonly Edition[] = ['community', 'enterprise']

const MAX_NODES = 8

/** The namespaces that every cluster has. */
const NAMESPACES = ['test', 'bar']

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
    if (typeof options !== 'object' || options === null || !isPlain(options)) {
      throw new InvalidArgumentError(`LocalCluster.start: options must be an object, not ${describe(options)}`)
    }
    known('LocalCluster.start', options, OPTION_NAMES)
    const {
      nodes = 1,
      port = 0,
      replicationFactor = 2,
      clusterName = '',
      edition = 'community',
      security = false,
      tls,
      strongConsistency = [],
    } = options
    whole('nodes', nodes, 1, MAX_NODES)
    whole('port', port, 0, 65535 - MAX_NODES)
    whole('replicationFactor', replicationFactor, 1, MAX_NODES)
    if (typeof clusterName !== 'string')
      throw new InvalidArgumentError(`LocalCluster: clusterName must be text, not ${describe(clusterName)}`)
    if (!EDITIONS.includes(edition)) {
      throw badValue('LocalCluster.start', 'edition', "'community' or 'enterprise'", edition)
    }
    checkStrong(strongConsistency, edition)
    const access = securityOf(security)
    if (access !== undefined && edition !== 'enterprise') {
      throw new InvalidArgumentError("LocalCluster.start: option 'security' needs edition 'enterprise'")
    }
    const encryption = tlsOf(tls)
    if (encryption !== undefined && edition !== 'enterprise') {
      throw new InvalidArgumentError("LocalCluster.start: option 'tls' needs edition 'enterprise'")
    }
    const native = {
      nodes,
      edition,
      strongConsistency: [...strongConsistency],
      ...(access === undefined ? {} : { security: access }),
      ...(encryption === undefined ? {} : { tls: encryption }),
      replicationFactor,
      ...(port === 0 ? {} : { port }),
      ...(clusterName === '' ? {} : { clusterName }),
    }
    return new LocalCluster(
      await control('LocalCluster.start', binding().NativeCluster.start(native)),
      encryption?.name,
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

function tlsOf(tls: unknown): NativeLocalTls | undefined {
  const verb = 'LocalCluster.start'
  if (tls === undefined) return undefined
  if (tls === 'self-signed') return { name: 'localhost', clientCertificates: 'optional' }
  if (typeof tls !== 'object' || tls === null || !isPlain(tls)) {
    throw badValue(verb, 'tls', "'self-signed' or an object", tls)
  }
  known(`${verb}: tls`, tls, TLS_NAMES)
  const { name = 'localhost', cert, key, clientCa, clientCertificates } = tls as LocalTlsOptions
  if (typeof name !== 'string' || name === '') throw badValue(verb, 'tls.name', 'text that is not empty', name)
  if ((cert === undefined) !== (key === undefined)) {
    throw new InvalidArgumentError(`${verb}: tls.cert and tls.key come together`)
  }
  if (cert === undefined && clientCa !== undefined) {
    throw new InvalidArgumentError(`${verb}: tls.clientCa needs tls.cert and tls.key`)
  }
  const asked = clientCertificates ?? (cert !== undefined && clientCa === undefined ? 'none' : 'optional')
  if (!CLIENT_CERTIFICATES.includes(asked)) {
    throw badValue(verb, 'tls.clientCertificates', "'none', 'optional' or 'required'", asked)
  }
  const pem = (field: string, value: string | Uint8Array): Uint8Array => {
    if (typeof value === 'string' || value instanceof Uint8Array) return Buffer.from(value as string)
    throw new InvalidArgumentError(`${verb}: tls.${field} must be PEM, as text or bytes`)
  }
  return {
    name,
    clientCertificates: asked,
    ...(cert === undefined ? {} : { cert: pem('cert', cert) }),
    ...(key === undefined ? {} : { key: pem('key', key) }),
    ...(clientCa === undefined ? {} : { clientCa: pem('clientCa', clientCa) }),
  }
}

function securityOf(security: unknown): NativeSecurity | undefined {
  const verb = 'LocalCluster.start'
  if (security === false) return undefined
  if (security === true) return { external: [], quotas: false }
  if (typeof security !== 'object' || security === null || !isPlain(security)) {
    throw badValue(verb, 'security', 'true, false or an object', security)
  }
  known(`${verb}: security`, security, SECURITY_NAMES)
  const { users, external = {}, quotas = false, sessionTtl } = security as LocalSecurityOptions
  if (typeof quotas !== 'boolean') throw badValue(verb, 'security.quotas', 'true or false', quotas)
  if (sessionTtl !== undefined) whole('security.sessionTtl', sessionTtl, 1, MAX_UINT32)
  return {
    ...(users === undefined ? {} : { users: usersOf('users', users) }),
    external: usersOf('external', external),
    quotas,
    ...(sessionTtl === undefined ? {} : { sessionTtl }),
  }
}

function usersOf(list: string, users: unknown): NativeLocalUser[] {
  const verb = `LocalCluster.start: security.${list}`
  if (typeof users !== 'object' || users === null || !isPlain(users)) {
    throw new InvalidArgumentError(`${verb} must be an object of users by name, not ${describe(users)}`)
  }
  return Object.entries(users).map(([name, user]) => {
    if (typeof user !== 'object' || user === null || !isPlain(user)) {
      throw new InvalidArgumentError(`${verb}.${name} must be an object`)
    }
    known(`${verb}.${name}`, user, USER_NAMES)
    const { password, roles = [] } = user as LocalUser
    if (password !== undefined && typeof password !== 'string') {
      throw new InvalidArgumentError(`${verb}.${name}.password must be text`)
    }
    if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) {
      throw new InvalidArgumentError(`${verb}.${name}.roles must be a list of names, not ${describe(roles)}`)
    }
    return { name, roles, ...(password === undefined ? {} : { password }) }
  })
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
