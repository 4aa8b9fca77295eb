// Hosts to start from, as text or in parts.

import { describe } from '../checks/check.js'
import { checkNames } from '../checks/options.js'
import { InvalidArgumentError, InvalidHostError } from '../errors/classes.js'

/**
 * A host to start from: `'host:port'`, `'host'` (port 3000), `'[::1]:3000'`, `'host:tlsname:port'` with the name that its
 * certificate has, or the parts.
 */
export type Host =
  | string
  | { readonly host: string; readonly port?: number | undefined; readonly tlsName?: string | undefined }

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
  return { hosts: parsed.map(({ host }) => host), tlsNames: withoutPrototype(Object.fromEntries(named)) }
}

/** An object for the addon, which reads what it inherits too: others may have put something on all objects. */
export function withoutPrototype<T extends object>(object: T): T {
  return Object.assign(Object.create(null), object)
}

const DEFAULT_PORT = 3000

/** What was given as a host, as it may be shown: whatever stands before an `@` may be a password. */
function shownHost(host: unknown): string {
  return describe(typeof host === 'string' ? host.replace(/^.*@/s, '***@') : host)
}

/**
 * A name or address, perhaps a tls-name, and a port. Two parts whose second has digits alone are a host and a port. An `@` is in
 * none of them: what stands before one is not shown.
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
