// The options of `connect`, checked and resolved into what the core needs.

import type { NativeConfig } from '../boundary/addon.js'
import type { Limits } from '../boundary/admission.js'
import { describe, isPlain } from '../checks/check.js'
import { checkNames, checkOption, type OptionRules, readOptions } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { Log } from '../telemetry/log.js'
import type { ClientOptions, ConnectOptions } from './connect-options.js'
import { parseHosts, withoutPrototype } from './hosts.js'
import { MAX_CALLS, SETTINGS, type Setting, settingOf } from './settings.js'
import { checkTls, readTls } from './tls-options.js'

/** The settings of {@link ClientOptions}: the core does not get them. */
const OF_THE_CLIENT: OptionRules<ClientOptions> = {
  coalesceReads: SETTINGS.coalesceReads,
  codecs: SETTINGS.codecs,
  defaults: SETTINGS.defaults,
}

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
    const setting = settingOf(name)
    if (setting !== undefined && setting.of !== 'client') {
      throw new InvalidArgumentError(`${verb}: option '${name}' is of the connections, which are shared`)
    }
  }
  return readOptions<ClientOptions>(verb, options ?? null, OF_THE_CLIENT)
}

/** What the options of `connect` come to, apart from those of the client itself. */
export interface Resolved {
  readonly config: NativeConfig
  readonly limits: Limits | undefined
}

/** Checks the options of `connect` and fills in the defaults. */
export function resolveConfig(options: unknown): Resolved {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`connect: expected hosts or an object of options, not ${describe(options)}`)
  }
  const given = options as { [name: string]: unknown }
  checkNames('connect', given, Object.keys(SETTINGS))
  const config: { [name: string]: unknown } = {}
  for (const [name, setting] of Object.entries<Setting>(SETTINGS)) {
    const value = given[name] ?? setting.fallback
    if (value === undefined) continue
    checkOption('connect', name, setting, value)
    if (setting.of === undefined) config[name] = value
  }
  config.addressMap = withoutPrototype(config.addressMap as object)
  if ((config.minConnectionsPerNode as number) > (config.maxConnectionsPerNode as number)) {
    throw new InvalidArgumentError('connect: minConnectionsPerNode is larger than maxConnectionsPerNode')
  }
  if (config.lazy === true && config.wholeCluster === true) {
    throw new InvalidArgumentError('connect: lazy and wholeCluster do not go together: nobody waits to be refused')
  }
  Object.assign(config, parseHosts(given.hosts))
  resolveLogin(config)
  return { config: config as unknown as NativeConfig, limits: limitsOf('connect', given) }
}

/** The limits that options name, which are checked already. */
export function limitsOf(verb: string, options: Partial<ConnectOptions>): Limits | undefined {
  const { maxInFlight, maxQueued, queueTimeout } = options
  if (maxInFlight !== undefined && maxInFlight > 0) {
    return { maxInFlight, maxQueued: maxQueued ?? MAX_CALLS, queueTimeout: queueTimeout ?? 0 }
  }
  if (maxInFlight === 0) return undefined
  const without = maxQueued !== undefined ? 'maxQueued' : queueTimeout !== undefined ? 'queueTimeout' : undefined
  if (without === undefined) return undefined
  throw new InvalidArgumentError(`${verb}: ${without} needs maxInFlight`)
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
  if (tls?.loginOnly && user === undefined && authMode !== 'pki') {
    throw new InvalidArgumentError("connect: tls.loginOnly encrypts logins, and needs a user or authMode 'pki'")
  }
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
