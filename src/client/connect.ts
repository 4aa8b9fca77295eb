// Connecting: from options in whatever form to a client that runs.

import { Boundary } from '../boundary/native.js'
import { argumentError } from '../checks/check.js'
import { policiesWithCodecs, resolveDefaults } from '../options/apply.js'
import type { Log } from '../telemetry/log.js'
import { usedCodecs } from '../values/codecs.js'
import { Client } from './client.js'
import { Configuration, configProvider, firstLoad } from './configuration.js'
import type { ConnectOptions, Integers, IntegersOf } from './connect-options.js'
import { Listeners } from './events.js'
import { logOf, resolveConfig, withTls } from './resolve.js'
import { isUrl, optionsOfEnvironment, optionsOfUrl } from './url.js'

/** Has a log hear of what happens from now on. */
function startLog(boundary: Boundary, log: Log): void {
  boundary.observation.observer = (event, lost) => log.node(event, lost)
  boundary.observation.update(boundary.native)
  if (log.followsCalls) boundary.observer = (message) => log.call(message)
  boundary.onClosed = () => log.write('closed', 'the client is closed')
  const nodes = boundary.native.nodes().map(({ name }) => name)
  log.write('connected', `connected to ${nodes.length === 1 ? 'node' : 'nodes'} ${nodes.join(', ')}`)
}

/**
 * Connects to a cluster. Resolves when its nodes and partitions are known; never blocks the event loop.
 *
 * @param options a URL, hosts to start from, or all options. Without hosts, `AEROSPIKE_URL` or `AEROSPIKE_HOSTS` of the
 *   environment name them
 * @throws InvalidArgumentError for options that do not exist or make no sense
 * @throws ClusterError, ConnectionError, TimeoutError when no host answers in time
 * @example
 * const client = await connect('127.0.0.1:3000')
 * await using other = await connect({ hosts: ['10.0.0.1', '10.0.0.2'], defaults: { read: { totalTimeout: 50 } } })
 * const third = await connect('aerospike://user:secret@10.0.0.1:3000,10.0.0.2/?tls=true&maxInFlight=1000')
 */
export async function connect<I extends Integers = 'auto'>(
  options?: string | readonly string[] | ConnectOptions<I>,
): Promise<Client<IntegersOf<I>>> {
  try {
    const given = optionsFrom(options)
    const { config: plain, limits } = resolveConfig(given)
    const provider = configProvider(given)
    const file = provider === undefined ? undefined : await firstLoad(provider.path)
    const settings = file === undefined || file instanceof Error ? {} : file.settings
    const config = await withTls({ ...plain, ...settings }, given.tls)
    const codecs = usedCodecs(given.codecs, 'connect')
    const policies = policiesWithCodecs(resolveDefaults(given.defaults, 'connect'), codecs)
    const log = logOf(given)
    const boundary = await Boundary.connect(config)
    if (log !== undefined) startLog(boundary, log)
    boundary.limit(limits)
    const listeners = new Listeners(boundary)
    const configuration = new Configuration(boundary, given)
    if (provider !== undefined && file !== undefined) {
      configuration.follow(provider, file, {
        changed: (change) => listeners.tell('configChanged', change),
        // Somebody has to hear of it.
        failed: (error) =>
          listeners.tell('configFailed', error) || process.emitWarning(error.message, 'AerospikeConfigWarning'),
      })
    }
    return new Client(boundary, policies, given.coalesceReads, listeners, configuration)
  } catch (error) {
    throw argumentError(error, 'connect: the options')
  }
}

/** The options in whatever form they were given, with what the environment says where they name no hosts. */
function optionsFrom(options: unknown): ConnectOptions {
  if (typeof options === 'string') return isUrl(options) ? optionsOfUrl(options) : { hosts: options }
  if (Array.isArray(options)) return { hosts: options }
  if (options === undefined) return optionsOfEnvironment(process.env)
  const hasHosts = typeof options !== 'object' || options === null || (options as ConnectOptions).hosts !== undefined
  return hasHosts ? (options as ConnectOptions) : { ...optionsOfEnvironment(process.env), ...options }
}
