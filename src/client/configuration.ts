// What of a client's options may change while it runs: by `client.configure`, and by a file that is followed. One for all clients
// on the same connections.

import { type StatWatcher, unwatchFile, watchFile } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { NativeSettings } from '../boundary/addon.js'
import type { Boundary } from '../boundary/native.js'
import { badValue, checkNames, type OptionRules, readOptions, text, whole } from '../checks/options.js'
import type { CommandContext } from '../commands/context.js'
import { type AerospikeError, InvalidArgumentError } from '../errors/classes.js'
import { MAX_INT32 } from '../limits.js'
import { policiesUnder, resolveDefaults } from '../options/apply.js'
import { type FileConfig, readConfig } from '../options/config-file.js'
import { readOptionsFile } from '../options/yaml-file.js'
import type { ConfigProvider, ConnectOptions } from './connect-options.js'
import { limitsOf } from './resolve.js'
import { SETTINGS, type Setting, settingOf } from './settings.js'

/** The options of `connect` that may change while the client runs. */
export type ChangeableOptions = Pick<
  ConnectOptions,
  | 'dialTimeout'
  | 'tendInterval'
  | 'minConnectionsPerNode'
  | 'maxConnectionsPerNode'
  | 'maxIdle'
  | 'useAlternateServices'
  | 'maxErrorRate'
  | 'errorRateWindow'
  | 'maxInFlight'
  | 'maxQueued'
  | 'queueTimeout'
  | 'appId'
  | 'rackIds'
  | 'coalesceReads'
  | 'defaults'
>

/** What a configuration file led to. */
export interface ConfigChange {
  readonly path: string
  /** Keys of the file that mean nothing to this client. */
  readonly ignored: readonly string[]
}

const PROVIDER: OptionRules<ConfigProvider> = { path: text, interval: whole(100, MAX_INT32, ' of milliseconds') }
const INTERVAL_MS = 5000

/** What to do in place of changing an option that cannot change. */
const INSTEAD: { readonly [option: string]: string } = {
  password: 'client.users.changePassword changes it',
  tls: 'client.reloadTls takes new certificates',
  codecs: 'client.with makes a client with others',
}

/** The file that options or the environment name; the environment counts more, as in the official clients. */
export function configProvider(options: Partial<ConnectOptions>): Required<ConfigProvider> | undefined {
  const { configProvider: given } = options
  const checked =
    given === undefined ? undefined : readOptions<ConfigProvider>('connect: configProvider', given, PROVIDER)
  if (checked !== undefined && checked.path === undefined) {
    throw new InvalidArgumentError('connect: configProvider needs a path')
  }
  const named = process.env.AEROSPIKE_CLIENT_CONFIG_URL || checked?.path
  if (named === undefined || named === '') return undefined
  const path = named.startsWith('file:') ? fileURLToPath(named) : named
  return { path, interval: checked?.interval ?? INTERVAL_MS }
}

/** Who hears of changes of the file. */
export interface ConfigListener {
  changed(change: ConfigChange): void
  failed(error: AerospikeError): void
}

/** Reads a file. What it says is checked by the same table as the options of `connect`. */
async function load(path: string): Promise<FileConfig> {
  const config = readConfig(path, await readOptionsFile(path))
  for (const [name, value] of Object.entries(config.settings)) {
    const { expects, check } = settingOf(name) as Setting
    if (!check(value)) throw badValue(path, name, expects, value)
  }
  return config
}

/** What a file says, or why it says nothing: then the options of the program hold. */
export async function firstLoad(path: string): Promise<FileConfig | AerospikeError> {
  try {
    return await load(path)
  } catch (error) {
    return error as AerospikeError
  }
}

/** The options of a client as they are now. */
export class Configuration {
  readonly #boundary: Boundary
  /** As the program says. */
  #options: Partial<ConnectOptions>
  #file: FileConfig | undefined
  #provider: Required<ConfigProvider> | undefined
  #watcher: StatWatcher | undefined
  /** The commands of the clients on these connections. Those of clients that nobody has any more are let go. */
  #contexts: WeakRef<CommandContext>[] = []
  #listener: ConfigListener | undefined

  constructor(boundary: Boundary, options: Partial<ConnectOptions>) {
    this.#boundary = boundary
    this.#options = options
  }

  /** After so many milliseconds without a look at the cluster nobody looks any more: each may take its time. */
  get staleAfter(): number {
    const { tendInterval, dialTimeout, connectTimeout } = {
      ...this.#settings(),
      connectTimeout: this.#options.connectTimeout ?? 5000,
    }
    return 10 * (tendInterval + dialTimeout) + connectTimeout
  }

  /** A client on these connections: what the file says of calls holds for it as well. */
  add(context: CommandContext): void {
    if (this.#provider === undefined) return
    this.#contexts = this.#contexts.filter((known) => known.deref() !== undefined)
    this.#contexts.push(new WeakRef(context))
    if (this.#file !== undefined) context.change(policiesUnder(context.own, this.#file.calls), context.coalesceReads)
  }

  /** Changes options by the program's wish. Nothing is changed when one of them cannot be. */
  change(options: unknown, context: CommandContext): void {
    checkNames('configure', options, Object.keys(SETTINGS))
    const changes: { [name: string]: unknown } = {}
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined) continue
      const { changes: may, expects, check } = settingOf(name) as Setting
      if (may !== true) {
        const instead = INSTEAD[name] ?? 'connect anew'
        throw new InvalidArgumentError(`configure: option '${name}' cannot change while the client runs: ${instead}`)
      }
      if (!check(value)) throw badValue('configure', name, expects, value)
      changes[name] = value
    }
    const { defaults, coalesceReads, ...settings } = changes as ChangeableOptions
    const own = defaults === undefined ? context.own : resolveDefaults(defaults, 'configure', context.own)
    this.#apply('configure', { ...this.#options, ...settings }, this.#file)
    context.own = own
    context.change(policiesUnder(own, this.#file?.calls ?? {}), coalesceReads ?? context.coalesceReads)
  }

  /** Follows a file, of which this was read already. */
  follow(provider: Required<ConfigProvider>, first: FileConfig | AerospikeError, listener: ConfigListener): void {
    this.#provider = provider
    this.#listener = listener
    if (first instanceof Error) listener.failed(first)
    else this.#file = first
    const interval = first instanceof Error ? provider.interval : (first.interval ?? provider.interval)
    // It asks for the state of the file, as official clients do: files of configuration maps are links that change.
    this.#watcher = watchFile(provider.path, { interval, persistent: false }, this.#reload)
  }

  /** Follows the file no more. */
  close(): void {
    if (this.#watcher === undefined || this.#provider === undefined) return
    unwatchFile(this.#provider.path, this.#reload)
    this.#watcher = undefined
  }

  readonly #reload = async (): Promise<void> => {
    const path = this.#provider?.path as string
    try {
      const file = await load(path)
      if (this.#watcher === undefined || this.#boundary.closed) return
      this.#apply(path, this.#options, file)
      for (const reference of this.#contexts) {
        const context = reference.deref()
        context?.change(policiesUnder(context.own, file.calls), context.coalesceReads)
      }
      this.#listener?.changed({ path, ignored: file.ignored })
    } catch (error) {
      this.#listener?.failed(error as AerospikeError)
    }
  }

  /** Has the core and the boundary use these options, or throws and changes nothing. */
  #apply(verb: string, options: Partial<ConnectOptions>, file: FileConfig | undefined): void {
    const limits = limitsOf(verb, options)
    const settings = settingsOf(options, file)
    if (settings.minConnectionsPerNode > settings.maxConnectionsPerNode) {
      throw new InvalidArgumentError(`${verb}: minConnectionsPerNode is larger than maxConnectionsPerNode`)
    }
    this.#boundary.native.configure(settings)
    this.#boundary.limit(limits)
    this.#options = options
    this.#file = file
  }

  #settings(): NativeSettings {
    return settingsOf(this.#options, this.#file)
  }
}

/** The settings of the core: what the file says, else the program, else the table. */
function settingsOf(options: Partial<ConnectOptions>, file: FileConfig | undefined): NativeSettings {
  const rows = Object.entries<Setting>(SETTINGS).filter(([, { of, changes }]) => of === undefined && changes === true)
  return Object.fromEntries(
    rows.map(([name, { fallback }]) => [
      name,
      file?.settings[name] ?? options[name as keyof ConnectOptions] ?? fallback,
    ]),
  ) as unknown as NativeSettings
}
