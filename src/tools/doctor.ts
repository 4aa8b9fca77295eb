// `aerospike-napi doctor`: connects as a program would, step by step, and says in plain words what is wrong. Whatever a step
// finds, the steps after it are done as far as they can be.

import { checkServerIdentity, type DetailedPeerCertificate, connect as dialTls, type TLSSocket } from 'node:tls'
import { connect } from '../client/connect.js'
import type { ConnectOptions } from '../client/connect-options.js'
import { parseHosts } from '../client/hosts.js'
import { checkTls, readTls } from '../client/tls-options.js'
import { AdminError, type AerospikeError, ClientError, TlsError } from '../errors/classes.js'
import { now, TruePromise, unixTime } from '../host.js'
import { adviceFor, DIAL_MS, dial, partsOf } from './dial.js'
import { type ClusterFacts, examine } from './examine.js'
import { type Finding, problem, warning } from './findings.js'

/** What doctor has to say. */
export interface Diagnosis {
  /** Whether nothing is wrong. */
  readonly ok: boolean
  /** What was asked, as `host:port`. */
  readonly hosts: readonly string[]
  readonly findings: readonly Finding[]
  /** What was done and went well, in sentences. */
  readonly passed: readonly string[]
  /** What the cluster is, when it could be connected to. */
  readonly cluster: ClusterFacts | null
}

/** A certificate that ends within so many days is worth a word. */
const SOON_DAYS = 14
const DAY_MS = 86_400_000

/** Looks for what is wrong between here and a cluster, and in the cluster. */
export async function diagnose(options: ConnectOptions): Promise<Diagnosis> {
  const { hosts, tlsNames } = parseHosts(options.hosts)
  const findings: Finding[] = []
  const passed: string[] = []
  const reached = (await TruePromise.all(hosts.map((host) => reach(host, findings, passed)))).flat()
  const done = (cluster: ClusterFacts | null): Diagnosis => ({
    ok: findings.length === 0,
    hosts,
    findings,
    passed,
    cluster,
  })
  if (reached.length === 0) return done(null)
  const tls = checkTls('doctor', options.tls)
  if (tls !== undefined) {
    const { ca, cert, key, serverName } = await readTls('doctor', tls)
    for (const host of reached) {
      const name = serverName ?? tlsNames[host] ?? partsOf(host).host
      await handshake(host, name, { ca, cert, key }, findings, passed)
    }
  }
  try {
    await using client = await connect(options)
    passed.push(
      `connected${options.user === undefined ? '' : ` and logged in as ${options.user}`}: ${count(client.nodes().length)}`,
    )
    const { facts, found, well } = await examine(client, options)
    findings.push(...found)
    passed.push(...well)
    return done(facts)
  } catch (error) {
    const found = whyNot(error as AerospikeError, options)
    // What the handshake has shown already need not be said twice.
    if (found.trouble !== 'tls' || !findings.some(({ trouble }) => trouble.startsWith('tls'))) findings.push(found)
    return done(null)
  }
}

const count = (nodes: number): string => `${nodes} node${nodes === 1 ? '' : 's'}`

async function reach(host: string, findings: Finding[], passed: string[]): Promise<string[]> {
  const began = now()
  const error = await dial(host)
  if (error === undefined) {
    passed.push(`${host} takes connections (${(now() - began).toFixed(1)} ms)`)
    return [host]
  }
  findings.push(problem('host', `${host} cannot be reached: ${error.message}`, adviceFor(error)))
  return []
}

interface Certificates {
  readonly ca: Uint8Array | undefined
  readonly cert: Uint8Array | undefined
  readonly key: Uint8Array | undefined
}

/** Makes a handshake that accepts anything, to see what there is to be said against it. */
async function handshake(
  host: string,
  name: string,
  pem: Certificates,
  findings: Finding[],
  passed: string[],
): Promise<void> {
  const given = Object.fromEntries(
    Object.entries(pem).flatMap(([kind, bytes]) => (bytes === undefined ? [] : [[kind, Buffer.from(bytes)]])),
  )
  const socket = await new TruePromise<TLSSocket | Error>((resolve) => {
    const opened = dialTls({
      ...partsOf(host),
      ...given,
      rejectUnauthorized: false,
      timeout: DIAL_MS,
      ...(/^[\d.:]+$/.test(name) ? {} : { servername: name }),
    })
    const end = (error: Error): void => {
      opened.destroy()
      resolve(error)
    }
    opened.once('secureConnect', () => resolve(opened))
    opened.once('error', end)
    opened.once('timeout', () => end(new Error(`no answer within ${DIAL_MS} ms`)))
  })
  if (socket instanceof Error) {
    const advice =
      'is that the TLS port of the server (often 4333)? does it want a certificate of the client (tls.cert, tls.key)?'
    findings.push(problem('tls', `${host}: the TLS handshake failed: ${socket.message}`, advice))
    return
  }
  const certificate = socket.getPeerCertificate(true)
  const { authorizationError } = socket
  socket.once('error', () => {})
  socket.destroy()
  const found = certificateFindings(host, name, certificate, String(authorizationError ?? ''))
  findings.push(...found)
  if (found.length === 0) passed.push(`${host} encrypts as ${name}, with a certificate until ${certificate.valid_to}`)
}

function certificateFindings(
  host: string,
  name: string,
  certificate: DetailedPeerCertificate,
  refusal: string,
): Finding[] {
  const found: Finding[] = []
  const ends = Date.parse(certificate.valid_to)
  const left = ends - unixTime()
  if (left < 0) {
    found.push(
      problem('tls-expired', `${host}: its certificate expired on ${certificate.valid_to}`, 'renew it on the server'),
    )
  } else if (left < SOON_DAYS * DAY_MS) {
    found.push(
      warning(
        'tls-expired',
        `${host}: its certificate ends on ${certificate.valid_to}`,
        'renew it on the server before that',
      ),
    )
  }
  if (Date.parse(certificate.valid_from) > unixTime()) {
    found.push(
      problem(
        'tls',
        `${host}: its certificate is not valid before ${certificate.valid_from}`,
        'look at the clock of this machine',
      ),
    )
  }
  const otherName = checkServerIdentity(name, certificate)
  if (otherName !== undefined) {
    const names = certificate.subjectaltname?.replaceAll('DNS:', '') ?? certificate.subject.CN
    found.push(
      problem(
        'tls-name',
        `${host}: its certificate is for ${names}, not for ${name}`,
        `give that name: tls.servername, or 'host:name:port' as the host`,
      ),
    )
  }
  if (refusal !== '' && !/EXPIRED|ALTNAME/i.test(refusal)) {
    found.push(
      problem(
        'tls',
        `${host}: the authority of its certificate is not trusted (${refusal})`,
        'give the certificate of the authority: tls.ca',
      ),
    )
  }
  return found
}

/** Why connecting failed, in terms of what can be done. */
function whyNot(error: AerospikeError, options: ConnectOptions): Finding {
  const text = [error.message, ...(error.subErrors ?? []).map(({ message }) => message)].join('; ')
  const [, actual, expected] = /belongs to cluster "([^"]*)", not "([^"]*)"/.exec(text) ?? []
  if (actual !== undefined) {
    return problem(
      'cluster-name',
      `the cluster is called "${actual}", not "${expected}"`,
      'correct clusterName, or the hosts: they lead to another cluster',
    )
  }
  const [old] = /node \S+ at \S+ is too old: version [\w.-]+/.exec(text) ?? []
  if (old !== undefined) return problem('version', old, 'this client needs servers from 4.9.0.3 on: upgrade the server')
  // A node with access control answers nothing to whoever has not logged in.
  const wantsLogin = options.user === undefined && /did not answer "node"/.test(text)
  if (wantsLogin || error instanceof AdminError) {
    const who = options.user === undefined ? 'without a user' : `as ${options.user}`
    const advice =
      options.user === undefined
        ? 'the cluster has access control: give a user and a password'
        : 'look at the user, the password and authMode'
    return problem('login', `the cluster refuses the login ${who}: ${error.message}`, advice)
  }
  if (error instanceof TlsError)
    return problem('tls', error.message, 'look at tls.ca, tls.servername and the certificates of the servers')
  if (error instanceof ClientError) return problem('connection', error.message, 'look at the options')
  const advice =
    options.tls === undefined || options.tls === false
      ? 'something listens there that does not answer as an Aerospike server: is that its service port, and does it want TLS?'
      : 'something listens there that does not answer as an Aerospike server: is that its TLS port?'
  return problem('connection', error.message, advice)
}
