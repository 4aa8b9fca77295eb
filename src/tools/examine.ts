// What the nodes of a cluster say of themselves, and what is wrong with it.

import type { Client } from '../client/client.js'
import type { ConnectOptions } from '../client/connect-options.js'
import type { UnreachableNode } from '../client/events.js'
import { readPairs } from '../cluster/info-text.js'
import { TruePromise, unixTime } from '../host.js'
import { PARTITIONS } from '../limits.js'
import { adviceFor, dial } from './dial.js'
import { type Finding, problem, warning } from './findings.js'

/** A node, as it describes itself. */
export interface NodeFacts {
  readonly name: string
  readonly address: string
  readonly build: string
  readonly edition: string
  /** Seconds that it runs. */
  readonly uptime: number
  /** Milliseconds that its clock is ahead of the one here. */
  readonly clockAhead: number | null
  readonly clusterSize: number
}

/** A cluster, as its nodes describe it. */
export interface ClusterFacts {
  readonly name: string
  readonly nodes: readonly NodeFacts[]
  readonly namespaces: readonly string[]
}

type Values = ReadonlyMap<string, string>

/** One node's answers. */
interface Answers {
  readonly name: string
  readonly address: string
  readonly build: string
  /** By info command. */
  readonly said: Values
  readonly statistics: Values
  readonly namespaces: ReadonlyMap<string, Values>
  /** The middle of the time in which it was asked for its clock, in ms since 1970. */
  readonly askedAt: number
}

interface Examined {
  readonly facts: ClusterFacts
  readonly found: Finding[]
  readonly well: string[]
}

/** Seconds from 1970 to 2010, where the clocks of servers begin. */
const EPOCH_SECONDS = 1_262_304_000
/** Clocks that differ by less do not matter; by more, times to live are wrong by as much. */
const CLOCK_WARNING_MS = 5000
const CLOCK_ERROR_MS = 60_000

/** Asks all nodes, and judges what they answer. */
export async function examine(client: Client, options: ConnectOptions): Promise<Examined> {
  const isEncrypted = options.tls !== undefined && options.tls !== false
  const silent: Finding[] = []
  const asked = client.nodes().map(async ({ name, host, port, build }) => {
    const address = `${host}:${port}`
    try {
      return [await ask(client, name, address, build, isEncrypted)]
    } catch (error) {
      silent.push(
        problem(
          'silent',
          `node ${name} at ${address} does not answer: ${(error as Error).message}`,
          'look at its log and its load',
        ),
      )
      return []
    }
  })
  const nodes = (await TruePromise.all(asked)).flat()
  const well: string[] = []
  const found = [...silent]
  for (const [name, check] of CHECKS) {
    const wrong = await check({ nodes, unreachable: client.health().unreachable, isEncrypted })
    found.push(...wrong)
    if (wrong.length === 0) well.push(name)
  }
  return { facts: factsOf(nodes), found, well }
}

async function ask(
  client: Client,
  name: string,
  address: string,
  build: string,
  isEncrypted: boolean,
): Promise<Answers> {
  const commands = [
    'cluster-name',
    'edition',
    'statistics',
    'namespaces',
    'replicas',
    'alumni-clear-std',
    isEncrypted ? 'service-tls-std' : 'service-clear-std',
  ]
  const said = new Map<string, string>()
  for (const command of commands) said.set(command, await client.infoNode(name, command))
  const namespaces = new Map<string, Values>()
  let askedAt = 0
  for (const namespace of (said.get('namespaces') ?? '').split(';').filter((text) => text !== '')) {
    const before = unixTime()
    namespaces.set(namespace, readPairs(await client.infoNode(name, `namespace/${namespace}`), ';'))
    askedAt = (before + unixTime()) / 2
  }
  return { name, address, build, said, statistics: readPairs(said.get('statistics') ?? '', ';'), namespaces, askedAt }
}

const numberIn = (values: Values | undefined, name: string): number => Number(values?.get(name) ?? 0) || 0

interface Cluster {
  readonly nodes: readonly Answers[]
  readonly unreachable: readonly UnreachableNode[]
  readonly isEncrypted: boolean
}

/** What is looked at, in the words of a cluster where it is well. */
const CHECKS: readonly (readonly [well: string, check: (cluster: Cluster) => Finding[] | Promise<Finding[]>])[] = [
  ['every node is reached at the address it announces', addresses],
  ['all nodes see the same cluster', agreement],
  ['no node that was there is missing', missing],
  ['all nodes have the same version', versions],
  ['every partition has a master', partitions],
  ['no migrations are under way', migrations],
  ['every namespace takes writes', writes],
  ['the clocks agree', clocks],
]

async function addresses({ nodes, unreachable }: Cluster): Promise<Finding[]> {
  const found = unreachable.map(({ name, tried }) => {
    const where = tried.map(({ address, reason }) => `${address} (${reason})`).join(' or ')
    const old = tried.find(({ reason }) => /too old/.test(reason))
    if (old !== undefined)
      return problem('version', old.reason, 'this client needs servers from 4.9.0.3 on: upgrade the server')
    return problem(
      'address',
      `node ${name} announces an address that does not lead to it from here: ${where}`,
      ADDRESS_ADVICE,
    )
  })
  // A node that was named as a host is reached there, whatever it announces to others.
  for (const { name, address, said } of nodes) {
    const announced = (said.get('service-clear-std') ?? said.get('service-tls-std') ?? '')
      .split(/[,;]/)
      .filter((text) => text !== '')
    if (announced.length === 0 || announced.includes(address)) continue
    for (const other of announced) {
      const error = await dial(other)
      if (error !== undefined)
        found.push(
          problem(
            'address',
            `node ${name} is reached at ${address}, but announces ${other} (${error.message})`,
            `${ADDRESS_ADVICE}; ${adviceFor(error)}`,
          ),
        )
    }
  }
  return found
}

const ADDRESS_ADVICE =
  'set access-address on the server to one that clients reach; or connect with useAlternateServices, or with addressMap'

function agreement({ nodes }: Cluster): Finding[] {
  const keys = new Set(nodes.map(({ statistics }) => statistics.get('cluster_key')))
  const found: Finding[] = []
  if (keys.size > 1) {
    found.push(
      problem(
        'split',
        `the nodes belong to ${keys.size} clusters that do not see each other`,
        'look at the network between the nodes, and at the heartbeat section of their configuration',
      ),
    )
  }
  for (const { name, statistics } of nodes) {
    const size = numberIn(statistics, 'cluster_size')
    if (size > nodes.length) {
      found.push(
        problem(
          'node-missing',
          `node ${name} sees ${size} nodes, and ${nodes.length} are reached from here`,
          'look at the addresses that the others announce, and at firewalls',
        ),
      )
    }
    if (statistics.get('cluster_integrity') === 'false') {
      found.push(
        problem('split', `node ${name} says that the cluster is not whole`, 'look at the network between the nodes'),
      )
    }
  }
  return found
}

function missing({ nodes }: Cluster): Finding[] {
  const known = new Set(nodes.map(({ name }) => name))
  const gone = new Map<string, string>()
  for (const { said } of nodes) {
    for (const [, name = '', address = ''] of (said.get('alumni-clear-std') ?? '').matchAll(
      /\[([0-9A-F]+),[^,[]*,\[([^\]]*)\]\]/g,
    )) {
      if (!known.has(name)) gone.set(name, address)
    }
  }
  return [...gone].map(([name, address]) =>
    warning(
      'node-missing',
      `node ${name} at ${address} was a member of the cluster and is gone`,
      'start it again; if it was taken out on purpose, asinfo -v services-alumni-reset makes the others forget it',
    ),
  )
}

function versions({ nodes }: Cluster): Finding[] {
  const builds = new Set(nodes.map(({ build }) => build))
  if (builds.size <= 1) return []
  const list = nodes.map(({ name, build }) => `${name} ${build}`).join(', ')
  return [
    warning(
      'version',
      `the nodes have ${builds.size} versions: ${list}`,
      'that is right during an upgrade only: what only some of them know fails at the others',
    ),
  ]
}

function partitions({ nodes }: Cluster): Finding[] {
  const found: Finding[] = []
  const masters = new Map<string, Uint8Array>()
  for (const { said } of nodes) {
    for (const [, namespace = '', bitmap = ''] of (said.get('replicas') ?? '').matchAll(
      /(?:^|;)([^:;]+):\d+,\d+,([A-Za-z0-9+/=]+)/g,
    )) {
      const owned = masters.get(namespace) ?? new Uint8Array(PARTITIONS / 8)
      Buffer.from(bitmap, 'base64').forEach((byte, i) => {
        owned[i] = (owned[i] ?? 0) | byte
      })
      masters.set(namespace, owned)
    }
  }
  for (const [namespace, owned] of masters) {
    let count = 0
    for (let byte of owned) for (; byte > 0; byte &= byte - 1) count++
    if (count < PARTITIONS) {
      found.push(
        problem(
          'partitions',
          `${PARTITIONS - count} of ${PARTITIONS} partitions of namespace ${namespace} have no master among the nodes that are reached`,
          'look for the nodes that are missing',
        ),
      )
    }
  }
  for (const { name, namespaces } of nodes) {
    for (const [namespace, values] of namespaces) {
      const [unavailable, dead] = [numberIn(values, 'unavailable_partitions'), numberIn(values, 'dead_partitions')]
      if (unavailable > 0)
        found.push(
          problem(
            'partitions',
            `node ${name}: ${unavailable} partitions of namespace ${namespace} are unavailable`,
            'start the nodes of the roster that are missing',
          ),
        )
      if (dead > 0)
        found.push(
          problem(
            'partitions',
            `node ${name}: ${dead} partitions of namespace ${namespace} are dead: copies of records are lost`,
            'look what was lost, then revive the namespace',
          ),
        )
    }
  }
  return found
}

function migrations({ nodes }: Cluster): Finding[] {
  return nodes.flatMap(({ name, statistics }) => {
    const left = numberIn(statistics, 'migrate_partitions_remaining')
    if (left === 0) return []
    return [
      warning(
        'migrations',
        `node ${name}: ${left} partitions are still to be moved`,
        'wait until they are before another node is stopped; until then calls may be slower, and reads with readModeAP one may see older records',
      ),
    ]
  })
}

function writes({ nodes }: Cluster): Finding[] {
  const found: Finding[] = []
  for (const { name, namespaces } of nodes) {
    for (const [namespace, values] of namespaces) {
      if (values.get('clock_skew_stop_writes') === 'true') {
        found.push(
          problem(
            'stop-writes',
            `node ${name}: namespace ${namespace} takes no writes, because the clocks of the nodes differ`,
            'run NTP on all nodes',
          ),
        )
      } else if (values.get('stop_writes') === 'true') {
        found.push(
          problem(
            'stop-writes',
            `node ${name}: namespace ${namespace} takes no writes: it is out of memory or storage`,
            'remove records, add nodes, or raise stop-writes-used-pct and its kin',
          ),
        )
      }
      if (values.get('hwm_breached') === 'true') {
        found.push(
          warning(
            'memory',
            `node ${name}: namespace ${namespace} is above its high-water mark, and evicts records before they expire`,
            'add memory, storage or nodes',
          ),
        )
      }
    }
  }
  return found
}

/** How far the clock of a node is ahead, in ms. */
function clockAhead({ namespaces, askedAt }: Answers): number | null {
  for (const values of [...namespaces.values()].reverse()) {
    const seconds = numberIn(values, 'current_time')
    // It says whole seconds: half of one is the best guess.
    if (seconds > 0) return Math.round((seconds + EPOCH_SECONDS + 0.5) * 1000 - askedAt)
  }
  return null
}

function clocks({ nodes }: Cluster): Finding[] {
  const off = nodes.flatMap((node) => {
    const ahead = clockAhead(node) ?? 0
    return Math.abs(ahead) < CLOCK_WARNING_MS ? [] : [{ name: node.name, ahead }]
  })
  const all = off.length === nodes.length && nodes.length > 1
  const advice = all
    ? 'all nodes differ from here: it may be the clock of this machine that is wrong'
    : 'run NTP there: records expire too early or too late, and transactions and truncation go by it'
  return off.map(({ name, ahead }) => {
    const judge = Math.abs(ahead) < CLOCK_ERROR_MS ? warning : problem
    return judge(
      'clock',
      `the clock of node ${name} is ${span(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} the one here`,
      advice,
    )
  })
}

function span(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${(seconds / 3600).toFixed(1)} hours`
}

function factsOf(nodes: readonly Answers[]): ClusterFacts {
  const names = new Set(nodes.flatMap(({ namespaces }) => [...namespaces.keys()]))
  return {
    name: nodes[0]?.said.get('cluster-name') ?? '',
    namespaces: [...names],
    nodes: nodes.map((node) => ({
      name: node.name,
      address: node.address,
      build: node.build,
      edition: node.said.get('edition') ?? '',
      uptime: numberIn(node.statistics, 'uptime'),
      clockAhead: clockAhead(node),
      clusterSize: numberIn(node.statistics, 'cluster_size'),
    })),
  }
}
