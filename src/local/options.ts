// The options of an embedded cluster, checked, in the terms of the addon.

import type {
  NativeAilment,
  NativeClusterOptions,
  NativeLocalTls,
  NativeLocalUser,
  NativeRefusal,
  NativeSecurity,
} from '../boundary/addon.js'
import { describe, isPlain } from '../checks/check.js'
import {
  badValue,
  flag,
  type OptionRule,
  type OptionRules,
  oneOf,
  readOptions,
  text,
  whole,
} from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_INT32, MAX_NAMESPACE_SIZE, MAX_UINT32, PARTITIONS } from '../limits.js'

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
   * Names of namespaces that are strongly consistent, `test` and `bar` or more: they have transactions and linearizable
   * reads, take durable deletes only, and are unavailable while too many nodes are missing. Only with
   * `edition: 'enterprise'`. Default none.
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

/** What ails a node although it answers, for `ailNode`. */
export interface Ailment {
  /** The version it says it has, such as '4.5.0.1'. */
  readonly build?: string | undefined
  /** The `host:port` it announces in place of its own, to clients and to its peers. */
  readonly announced?: string | undefined
  /** Milliseconds that its clock is ahead in what it says of the time; below 0 it is behind. Records expire by the right time. */
  readonly clockAhead?: number | undefined
  /** Partitions of each namespace that it says are still to be moved. */
  readonly migrating?: number | undefined
  /** Whether its namespaces take no writes (`ServerFullError`). */
  readonly stopsWrites?: boolean | undefined
}

const MAX_NODES = 8

const EDITIONS: { readonly [edition in Edition]: true } = { community: true, enterprise: true }

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && isPlain(value)
const isNamespace = (name: unknown): boolean =>
  typeof name === 'string' && name !== '' && name.length <= MAX_NAMESPACE_SIZE && !/[^\w-]/.test(name)

const START: OptionRules<LocalClusterOptions> = {
  nodes: whole(1, MAX_NODES),
  port: whole(0, 65535 - MAX_NODES),
  replicationFactor: whole(1, MAX_NODES),
  clusterName: text,
  edition: oneOf(EDITIONS),
  security: {
    expects: 'true, false or an object',
    check: (value) => typeof value === 'boolean' || isObject(value),
    isSecret: true,
  },
  tls: { expects: "'self-signed' or an object", check: (value) => value === 'self-signed' || isObject(value) },
  strongConsistency: {
    expects: 'an array of names of namespaces',
    check: (value) => Array.isArray(value) && value.every(isNamespace),
  },
}

const named: OptionRule = {
  expects: 'text that is not empty',
  check: (value) => typeof value === 'string' && value !== '',
}
/** What was given may be a key. */
const pem: OptionRule = {
  expects: 'PEM, as text or bytes',
  check: (value) => typeof value === 'string' || value instanceof Uint8Array,
  isSecret: true,
}

const TLS: OptionRules<LocalTlsOptions> = {
  name: named,
  cert: pem,
  key: pem,
  clientCa: pem,
  clientCertificates: oneOf({ none: true, optional: true, required: true }),
}

const users: OptionRule = { expects: 'an object of users by name', check: isObject, isSecret: true }

const SECURITY: OptionRules<LocalSecurityOptions> = {
  users,
  external: users,
  quotas: flag,
  sessionTtl: whole(1, MAX_UINT32),
}

const USER: OptionRules<LocalUser> = {
  password: { ...text, isSecret: true },
  roles: {
    expects: 'a list of names',
    check: (value) => Array.isArray(value) && value.every((role) => typeof role === 'string'),
  },
}

const REFUSAL: OptionRules<RefuseRowsOptions> = {
  code: whole(1, 255),
  probability: {
    expects: 'a number from 0 to 1',
    check: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  room: whole(0, MAX_UINT32),
  rows: whole(0, MAX_UINT32),
}

/** How a cluster starts. */
export function startOptions(options: unknown): NativeClusterOptions {
  const verb = 'LocalCluster.start'
  const given = readOptions<LocalClusterOptions>(verb, options, START)
  const { nodes = 1, port = 0, replicationFactor = 2, clusterName = '', edition = 'community' } = given
  const security = securityOf(`${verb}: security`, given.security)
  const tls = tlsOf(`${verb}: tls`, given.tls)
  const strongConsistency = [...(given.strongConsistency ?? [])]
  if (edition !== 'enterprise') {
    const needs = Object.entries({ security, tls, strongConsistency: strongConsistency[0] })
    const refused = needs.find(([, value]) => value !== undefined)
    if (refused !== undefined) {
      throw new InvalidArgumentError(`${verb}: option '${refused[0]}' needs edition: 'enterprise'`)
    }
  }
  const again = strongConsistency.find((name, i) => strongConsistency.indexOf(name) !== i)
  if (again !== undefined) throw new InvalidArgumentError(`${verb}: strongConsistency names '${again}' twice`)
  return {
    nodes,
    edition,
    strongConsistency,
    replicationFactor,
    ...(security !== undefined && { security }),
    ...(tls !== undefined && { tls }),
    ...(port !== 0 && { port }),
    ...(clusterName !== '' && { clusterName }),
  }
}

function tlsOf(place: string, given: LocalClusterOptions['tls']): NativeLocalTls | undefined {
  if (given === undefined) return undefined
  if (given === 'self-signed') return { name: 'localhost', clientCertificates: 'optional' }
  const {
    name = 'localhost',
    cert,
    key,
    clientCa,
    clientCertificates,
  } = readOptions<LocalTlsOptions>(place, given, TLS)
  if ((cert === undefined) !== (key === undefined)) {
    throw new InvalidArgumentError(`${place}: 'cert' and 'key' come together`)
  }
  if (cert === undefined && clientCa !== undefined) {
    throw new InvalidArgumentError(`${place}: 'clientCa' needs 'cert' and 'key'`)
  }
  const bytes = (value: string | Uint8Array): Uint8Array => Buffer.from(value as string)
  return {
    name,
    clientCertificates: clientCertificates ?? (cert !== undefined && clientCa === undefined ? 'none' : 'optional'),
    ...(cert !== undefined && { cert: bytes(cert) }),
    ...(key !== undefined && { key: bytes(key) }),
    ...(clientCa !== undefined && { clientCa: bytes(clientCa) }),
  }
}

function securityOf(place: string, given: LocalClusterOptions['security']): NativeSecurity | undefined {
  if (given === undefined || given === false) return undefined
  if (given === true) return { external: [], quotas: false }
  const { users, external = {}, quotas = false, sessionTtl } = readOptions<LocalSecurityOptions>(place, given, SECURITY)
  return {
    ...(users !== undefined && { users: usersOf(`${place}.users`, users) }),
    external: usersOf(`${place}.external`, external),
    quotas,
    ...(sessionTtl !== undefined && { sessionTtl }),
  }
}

function usersOf(place: string, users: { readonly [name: string]: LocalUser }): NativeLocalUser[] {
  return Object.entries(users).map(([name, user]) => {
    // No user at all is not the same as a user without options.
    if (!isObject(user)) throw badValue(place, name, 'an object', undefined)
    const { password, roles = [] } = readOptions<LocalUser>(`${place}.${name}`, user, USER)
    return { name, roles: [...roles], ...(password !== undefined && { password }) }
  })
}

const AILMENT: OptionRules<Ailment> = {
  build: text,
  announced: text,
  clockAhead: whole(-MAX_INT32, MAX_INT32, ' of milliseconds'),
  migrating: whole(0, PARTITIONS),
  stopsWrites: flag,
}

/** What ails a node, as the addon takes it. */
export function ailmentOf(ailment: Ailment | null): NativeAilment {
  const given = ailment === null ? {} : readOptions<Ailment>('LocalCluster.ailNode', ailment, AILMENT)
  const { clockAhead = 0, migrating = 0, stopsWrites = false, build, announced } = given
  const said = { ...(build === undefined ? {} : { build }), ...(announced === undefined ? {} : { announced }) }
  return { ...said, clockAhead, migrating, stopsWrites }
}

/** Which rows a node turns away; none any more for null. */
export function refusalOf(options: RefuseRowsOptions | null): NativeRefusal | undefined {
  if (options === null) return undefined
  const verb = 'LocalCluster.refuseRows'
  if (options === undefined) {
    throw new InvalidArgumentError(`${verb}: options must be an object or null, not ${describe(options)}`)
  }
  const { code, probability = 1, room = 0, rows } = readOptions<RefuseRowsOptions>(verb, options, REFUSAL)
  if (code === undefined) throw badValue(verb, 'code', REFUSAL.code.expects, code)
  return { code, probability, room, ...(rows !== undefined && { rows }) }
}
