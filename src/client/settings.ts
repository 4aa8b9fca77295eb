// The options of `connect` in one table: what each may be, what holds without it, and who gets it. `connect`, `client.with`
// and URLs go by it.

import { isPlain } from '../checks/check.js'
import { callback, flag, type OptionRule, oneOf, quoted, text, whole } from '../checks/options.js'
import { MAX_INT32, MAX_UINT32 } from '../limits.js'
import { LOG_LEVELS, type LogLevel } from '../telemetry/log.js'
import type { AuthMode, ConnectOptions } from './connect-options.js'

/** Calls that one client can have at once (boundary/call-table.ts). */
export const MAX_CALLS = 1 << 20

/** What an option may be, what holds without it, and whose it is. */
export interface Setting extends OptionRule {
  readonly fallback?: unknown
  /** Who gets it: each client (`client.with`), the boundary, or, where nothing is said, the core. */
  readonly of?: 'client' | 'boundary'
  /** Whether it may change while a client runs (`client.configure`). */
  readonly changes?: true
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

/** Every option of `connect`, a row each. */
export const SETTINGS: { readonly [name in keyof ConnectOptions]-?: Setting } = {
  hosts: { expects: "a list of hosts such as '127.0.0.1:3000'", check: () => true },
  clusterName: named,
  user: named,
  password: { ...text, isSecret: true },
  authMode: oneOf(AUTH_MODES),
  loginTimeout: count(1, MAX_INT32, 5000, MS),
  connectTimeout: count(1, MAX_INT32, 5000, MS),
  dialTimeout: { ...count(1, MAX_INT32, 1000, MS), changes: true },
  lazy: { ...flag, fallback: false },
  tendInterval: { ...count(10, MAX_INT32, 1000, MS), changes: true },
  minConnectionsPerNode: { ...count(0, 15_000, 0), changes: true },
  maxConnectionsPerNode: { ...count(1, 15_000, 100), changes: true },
  maxIdle: { ...count(1, MAX_INT32, 55_000, MS), changes: true },
  useAlternateServices: { ...flag, fallback: false, changes: true },
  wholeCluster: { ...flag, fallback: false },
  addressMap: {
    expects: 'an object of addresses by announced address',
    fallback: {},
    check: (value) =>
      typeof value === 'object' && value !== null && Object.values(value).every((to) => typeof to === 'string'),
  },
  maxErrorRate: { ...count(0, 1_000_000, 100), changes: true },
  errorRateWindow: { ...count(1, 1_000_000, 1), changes: true },
  maxInFlight: { ...whole(0, MAX_CALLS), of: 'boundary', changes: true },
  maxQueued: { ...whole(0, MAX_CALLS), of: 'boundary', changes: true },
  queueTimeout: { ...whole(0, MAX_INT32, MS), of: 'boundary', changes: true },
  configProvider: {
    of: 'boundary',
    expects: 'an object { path, interval }',
    check: (value) => typeof value === 'object' && value !== null,
  },
  appId: {
    expects: 'text of at most 63 bytes',
    fallback: '',
    changes: true,
    check: (value) => typeof value === 'string' && Buffer.byteLength(value) <= 63,
  },
  rackIds: {
    expects: 'a list of whole numbers',
    fallback: [],
    changes: true,
    check: (value) => Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_UINT32),
  },
  tls: {
    isSecret: true,
    expects: 'true, false or an object',
    check: (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null && isPlain(value)),
  },
  metrics: { ...flag, fallback: true },
  log: { of: 'boundary', ...callback },
  logLevel: {
    of: 'boundary',
    expects: quoted(LOG_LEVELS),
    check: (value) => LOG_LEVELS.includes(value as LogLevel),
  },
  slow: {
    of: 'boundary',
    expects: 'a number of milliseconds',
    check: (value) => typeof value === 'number' && value >= 0,
  },
  coalesceReads: { ...flag, fallback: false, of: 'client', changes: true },
  codecs: { of: 'client', expects: 'an object', check: (value) => typeof value === 'object' && value !== null },
  defaults: {
    of: 'client',
    changes: true,
    expects: 'an object',
    check: (value) => typeof value === 'object' && value !== null,
  },
}

/** The row of an option, if there is one of that name. */
export function settingOf(name: string): Setting | undefined {
  return Object.hasOwn(SETTINGS, name) ? SETTINGS[name as keyof typeof SETTINGS] : undefined
}
