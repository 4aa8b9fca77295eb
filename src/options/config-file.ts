// The configuration file of the official clients (protocol-2 6.1): what its keys mean here. What this client has no use for is
// told, not refused, since one file serves clients of several languages.

import { describe, isPlain } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { Policy } from './policy.js'
import { OPTIONS } from './table.js'

/** What a file says, in the words of this client. */
export interface FileConfig {
  /** Options of `connect` that hold from the beginning on, and options that may change. */
  readonly settings: { readonly [option: string]: unknown }
  /** Options of calls, by the policies that they are for. */
  readonly calls: { readonly [policy: string]: { readonly [option: string]: unknown } }
  /** Milliseconds between two looks at the file. */
  readonly interval: number | undefined
  /** Keys that mean nothing here. */
  readonly ignored: readonly string[]
}

type Plain = { readonly [name: string]: unknown }

/** A key: what it is called here, and how its value is read. Undefined: this value says nothing. */
interface KeyRule {
  readonly option: string
  readonly read: (value: unknown) => unknown
}

const same = (option: string): KeyRule => ({ option, read: (value) => value })
const names = (option: string, table: { readonly [name: string]: string }): KeyRule => ({
  option,
  read: (value) => (typeof value === 'string' && Object.hasOwn(table, value) ? table[value] : value),
})
const seconds = (option: string): KeyRule => ({
  option,
  read: (value) => (typeof value === 'number' ? value * 1000 : value),
})

const REPLICA = names('replica', {
  MASTER: 'master',
  MASTER_PROLES: 'any',
  SEQUENCE: 'sequence',
  PREFER_RACK: 'preferRack',
  RANDOM: 'any',
})
const READ_AP = names('readModeAP', { ONE: 'one', ALL: 'all' })
const READ_SC = names('readModeSC', {
  SESSION: 'session',
  LINEARIZE: 'linearize',
  ALLOW_REPLICA: 'allowReplica',
  ALLOW_UNAVAILABLE: 'allowUnavailable',
})

const STATIC: { readonly [key: string]: KeyRule } = {
  config_interval: same('interval'),
  async_max_connections_per_node: same('maxConnectionsPerNode'),
  async_min_connections_per_node: same('minConnectionsPerNode'),
}

const CLIENT: { readonly [key: string]: KeyRule } = {
  app_id: same('appId'),
  timeout: same('dialTimeout'),
  error_rate_window: same('errorRateWindow'),
  max_error_rate: same('maxErrorRate'),
  max_socket_idle: seconds('maxIdle'),
  rack_ids: same('rackIds'),
  tend_interval: same('tendInterval'),
  use_service_alternative: same('useAlternateServices'),
}

const CALL: { readonly [key: string]: KeyRule } = {
  replica: REPLICA,
  socket_timeout: same('socketTimeout'),
  total_timeout: same('totalTimeout'),
  max_retries: same('maxRetries'),
  sleep_between_retries: same('sleepBetweenRetries'),
}
const READ: { readonly [key: string]: KeyRule } = { ...CALL, read_mode_ap: READ_AP, read_mode_sc: READ_SC }
const WRITE: { readonly [key: string]: KeyRule } = {
  ...CALL,
  durable_delete: same('durableDelete'),
  // It can be turned on only: a program may rely on it.
  send_key: { option: 'key', read: (value) => (value === true ? 'send' : value === false ? undefined : value) },
}
const BATCH: { readonly [key: string]: KeyRule } = {
  ...READ,
  allow_inline: same('inlineMemory'),
  allow_inline_ssd: same('inlineFlash'),
}
const QUERY: { readonly [key: string]: KeyRule } = CALL

/** For each section the policies that it is about, and its keys. */
const SECTIONS: {
  readonly [section: string]: { readonly policies: readonly string[]; readonly keys: Readonly<typeof CALL> }
} = {
  read: { policies: ['read', 'operateRead'], keys: READ },
  write: { policies: ['write', 'operateWrite', 'apply', 'remove'], keys: WRITE },
  query: { policies: ['query'], keys: QUERY },
  scan: { policies: ['scan'], keys: QUERY },
  batch_read: { policies: ['batchRead'], keys: BATCH },
  batch_write: { policies: ['batchWrite'], keys: { ...BATCH, ...WRITE } },
}

/**
 * Reads what a file says.
 *
 * @param path for messages
 * @throws InvalidArgumentError when a value makes no sense: then nothing of the file counts
 */
export function readConfig(path: string, said: unknown): FileConfig {
  const ignored: string[] = []
  const section = (parent: Plain, name: string, place: string): Plain => {
    const value = parent[name] ?? {}
    if (typeof value === 'object' && isPlain(value)) return value as Plain
    throw new InvalidArgumentError(`${path}: ${place} must be a map, not ${describe(value)}`)
  }
  const read = (
    keys: { readonly [key: string]: KeyRule },
    values: Plain,
    place: string,
  ): { [option: string]: unknown } => {
    const options: { [option: string]: unknown } = {}
    for (const [key, value] of Object.entries(values)) {
      const rule = Object.hasOwn(keys, key) ? keys[key] : undefined
      const meant = rule?.read(value)
      if (rule === undefined || value === null) ignored.push(`${place}.${key}`)
      else if (meant !== undefined) options[rule.option] = meant
    }
    return options
  }
  const top = section({ said }, 'said', 'the file')
  const fixed = section(top, 'static', 'static')
  const dynamic = section(top, 'dynamic', 'dynamic')
  for (const name of Object.keys(top)) if (!['version', 'static', 'dynamic'].includes(name)) ignored.push(name)
  const { interval, ...atStart } = read(STATIC, section(fixed, 'client', 'static.client'), 'static.client')
  if (interval !== undefined && !(Number.isInteger(interval) && (interval as number) > 0)) {
    throw new InvalidArgumentError(
      `${path}: static.client.config_interval must be milliseconds, not ${describe(interval)}`,
    )
  }
  const calls: { [policy: string]: Plain } = {}
  for (const name of Object.keys(dynamic)) {
    const { policies, keys } = (Object.hasOwn(SECTIONS, name) ? SECTIONS[name] : undefined) ?? {
      policies: [],
      keys: {},
    }
    const values = section(dynamic, name, `dynamic.${name}`)
    if (name === 'client') continue
    const options = read(keys, values, `dynamic.${name}`)
    checkCalls(path, `dynamic.${name}`, options)
    for (const policy of policies) calls[policy] = options
  }
  const settings = { ...atStart, ...read(CLIENT, section(dynamic, 'client', 'dynamic.client'), 'dynamic.client') }
  return { settings, calls, interval: interval as number | undefined, ignored }
}

function checkCalls(path: string, place: string, options: Plain): void {
  for (const [name, value] of Object.entries(options)) {
    const option = OPTIONS[name]
    if (option?.apply(new Policy(), value) === true) continue
    throw new InvalidArgumentError(`${path}: ${place}: ${name} must be ${option?.expects}, not ${describe(value)}`)
  }
}
