// The commands on the cluster as a whole: info, indexes, modules, truncation. Half of
// the file is what is said about them, in one interface.

import { argumentError, describe, isPlain } from '../checks/check.js'
import { checkDefinition, type IndexDefinition } from '../cluster/index-definition.js'
import { IndexJob, namespaceParameter, statisticsOf, statOf, withStatistics } from '../cluster/index-job.js'
import { type IndexInfo, type IndexStatistics, readIndexes } from '../cluster/index-list.js'
import { checkCommand, checkName, type InfoOptions, InfoRequest } from '../cluster/info-request.js'
import { readStatistics, type Statistics } from '../cluster/info-text.js'
import {
  type Latency,
  type NamespaceInfo,
  namespaceInfo,
  readLatencies,
  readSets,
  replicationFactor,
  type SetInfo,
  setInfo,
} from '../cluster/info-views.js'
import type { UdfAdmin } from '../cluster/udf-modules.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { now, TruePromise } from '../host.js'
import { MAX_INDEX_NAME, MAX_NAMESPACE_SIZE, MAX_SET_SIZE } from '../limits.js'
import type { CommandContext } from './context.js'

/** Options of `info`. */
export interface NodeInfoOptions extends InfoOptions {
  /** The name of one node to ask; without it all are asked. */
  readonly node?: string | undefined
}

/** Options of `listIndexes`. */
export interface ListIndexesOptions extends InfoOptions {
  /** Asks every node how much each index holds. Default false. */
  readonly statistics?: boolean | undefined
}

/** Options of `truncate`. */
export interface TruncateOptions extends InfoOptions {
  /**
   * Removes only records that were last written before this time: a date, or nanoseconds since 1970 as a bigint. It must not
   * be in the future. Default: now, as the server has it.
   */
  readonly before?: Date | bigint | undefined
}

/** Milliseconds between looks whether all nodes have forgotten an index. */
const LOOK_MS = 50

/** The commands on the cluster as a whole. */
export interface ClusterCommands {
  /** The modules of user-defined functions. */
  readonly udf: UdfAdmin

  /**
   * Sends an info command to every node (or to one) and gives each node's answer as it came, refusals included.
   *
   * @throws NodeNotFoundError when there is no node of that name
   * @example
   * const answers = await client.info('namespaces')
   * answers.get('A1') // 'test;bar'
   */
  info(command: string, options?: NodeInfoOptions): Promise<Map<string, string>>

  /** Sends an info command to every node: `info` without its choice of a node. @example await client.infoAll('build') */
  infoAll(command: string, options?: InfoOptions): Promise<Map<string, string>>

  /**
   * Sends an info command to one node and gives its answer as it came.
   *
   * @throws NodeNotFoundError when there is no node of that name
   * @example await client.infoNode('A1', 'statistics')
   */
  infoNode(node: string, command: string, options?: InfoOptions): Promise<string>

  /**
   * Sends an info command to any node that can be reached and gives its answer as it came. With several nodes it may be sent
   * to more than one, should the first not be reachable.
   *
   * @example await client.infoRandom('edition')
   */
  infoRandom(command: string, options?: InfoOptions): Promise<string>

  /** What each node counts and says of itself, by its name. @example (await client.statistics()).get('A1')?.uptime */
  statistics(options?: InfoOptions): Promise<Map<string, Statistics>>

  /**
   * The namespaces of the cluster with what is in them, over all nodes.
   *
   * @example
   * for (const { name, objects, dataBytes } of await client.namespaces()) console.log(name, objects, dataBytes)
   */
  namespaces(options?: InfoOptions): Promise<NamespaceInfo[]>

  /**
   * The sets of a namespace with what is in them, over all nodes. A set is listed from its first record on, also when it is
   * empty again.
   *
   * @throws NamespaceNotFoundError when there is no such namespace
   * @example
   * const users = (await client.sets('test')).find((set) => set.name === 'users')
   */
  sets(namespace: string, options?: InfoOptions): Promise<SetInfo[]>

  /**
   * How long operations took lately at each node, by its name. What had no operations is left out, and a server begins to
   * count with the first of a kind.
   *
   * @example
   * for (const [node, latencies] of await client.latencies()) {
   *   for (const { name, perSecond, over } of latencies) console.log(node, name, perSecond, `${over.get(1)}% over 1 ms`)
   * }
   */
  latencies(options?: InfoOptions): Promise<Map<string, Latency[]>>

  /**
   * Creates a secondary index and resolves when the cluster has accepted it; `ready` of the result waits until every node has
   * built it. An index that exists already with this name and definition is fine; one with this definition under another
   * name takes the new name.
   *
   * @throws IndexExistsError when the name belongs to an index with another definition
   * @throws IndexLimitError when the namespace has as many indexes as it can have
   * @throws NamespaceNotFoundError when there is no such namespace
   * @example
   * const job = await client.createIndex({ namespace: 'test', set: 'users', bin: 'age', name: 'users_age', type: 'numeric' })
   * await job.ready()
   */
  createIndex(index: IndexDefinition, options?: InfoOptions): Promise<IndexJob>

  /**
   * Removes a secondary index and resolves when no node has it any more. One that is not there is no error.
   *
   * @example await client.dropIndex('test', 'users_age')
   */
  dropIndex(namespace: string, name: string, options?: InfoOptions): Promise<void>

  /**
   * The secondary indexes of a namespace.
   *
   * @throws NamespaceNotFoundError when there is no such namespace
   * @example
   * for (const { name, bin, statistics } of await client.listIndexes('test', { statistics: true })) {
   *   console.log(name, bin, statistics?.entries)
   * }
   */
  listIndexes(namespace: string, options?: ListIndexesOptions): Promise<IndexInfo[]>

  /**
   * What an index holds, over all nodes.
   *
   * @throws IndexNotFoundError when there is no such index
   * @example const { entries, loaded } = await client.indexStatistics('test', 'users_age')
   */
  indexStatistics(namespace: string, name: string, options?: InfoOptions): Promise<IndexStatistics>

  /**
   * Removes all records of a set, or of a namespace, at once: those that were last written before now, or before option
   * `before`. The servers do it in the background: for a moment after this resolves, some can still be read. Records written
   * afterwards stay.
   *
   * @param set the set; `null`, or nothing at all, is the whole namespace. `undefined` is refused: it is more likely a mistake
   * @throws InvalidRequestError when `before` is in the future
   * @throws NamespaceNotFoundError when there is no such namespace
   * @example
   * await client.truncate('test', 'sessions', { before: new Date(Date.now() - 86_400_000) })
   */
  truncate(namespace: string, ...what: [set?: string | null, options?: TruncateOptions]): Promise<void>
}

export function info(
  context: CommandContext,
  command: string,
  options: NodeInfoOptions = {},
): Promise<Map<string, string>> {
  return attempt('info', async () => {
    const request = InfoRequest.read(context, 'info', options, ['node'])
    const line = checkCommand('info', command)
    const { node } = options
    if (node === undefined) return byNode(await request.all(line))
    return byNode([await request.node(nodeName('info', node), line)])
  })
}

export function infoAll(context: CommandContext, command: string, options?: InfoOptions): Promise<Map<string, string>> {
  return attempt('infoAll', async () => {
    const request = InfoRequest.read(context, 'infoAll', options)
    return byNode(await request.all(checkCommand('infoAll', command)))
  })
}

export function infoNode(
  context: CommandContext,
  node: string,
  command: string,
  options?: InfoOptions,
): Promise<string> {
  return attempt('infoNode', async () => {
    const request = InfoRequest.read(context, 'infoNode', options)
    const { answers } = await request.node(nodeName('infoNode', node), checkCommand('infoNode', command))
    return answers[0] ?? ''
  })
}

export function ping(context: CommandContext, options?: InfoOptions): Promise<Map<string, number>> {
  return attempt('ping', async () => {
    const request = InfoRequest.read(context, 'ping', options)
    const nodes = context.boundary.native.nodes()
    // Without a node this says why there is none.
    if (nodes.length === 0) await request.any('node')
    const began = now()
    const asked = nodes.map(async ({ name }) => {
      await request.node(name, 'node')
      return [name, now() - began] as const
    })
    const outcomes = await TruePromise.allSettled(asked)
    const times = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const [first] = outcomes
    if (times.length === 0 && first?.status === 'rejected') throw first.reason
    return new Map(times)
  })
}

export function infoRandom(context: CommandContext, command: string, options?: InfoOptions): Promise<string> {
  return attempt('infoRandom', async () => {
    const request = InfoRequest.read(context, 'infoRandom', options)
    const { answers } = await request.any(checkCommand('infoRandom', command))
    return answers[0] ?? ''
  })
}

export function statistics(context: CommandContext, options?: InfoOptions): Promise<Map<string, Statistics>> {
  return attempt('statistics', async () => {
    const request = InfoRequest.read(context, 'statistics', options)
    const answers = await request.all('statistics')
    return new Map(
      answers.map(({ node, answers: [answer = ''] }) => [node, readStatistics(request.accepted(node, answer), ';')]),
    )
  })
}

export function namespaces(context: CommandContext, options?: InfoOptions): Promise<NamespaceInfo[]> {
  return attempt('namespaces', async () => {
    const request = InfoRequest.read(context, 'namespaces', options)
    const { node, answers } = await request.any('namespaces')
    const names = request
      .accepted(node, answers[0] ?? '')
      .split(';')
      .filter(Boolean)
    const said = await request.all(...names.map((name) => `namespace/${name}`))
    return names.map((name, i) => namespaceInfo(name, statisticsByNode(request, said, i)))
  })
}

export function sets(context: CommandContext, namespace: string, options?: InfoOptions): Promise<SetInfo[]> {
  return attempt('sets', async () => {
    checkName('sets', 'namespace', namespace, MAX_NAMESPACE_SIZE)
    const request = InfoRequest.read(context, 'sets', options)
    await request.checkNamespace(namespace)
    const said = await request.all(`namespace/${namespace}`, `sets/${namespace}`)
    const copies = replicationFactor(statisticsByNode(request, said, 0))
    const sets = new Map<string, Map<string, Statistics>>()
    for (const { node, answers } of said) {
      for (const [name, statistics] of readSets(request.accepted(node, answers[1] ?? ''))) {
        const nodes = sets.get(name) ?? new Map<string, Statistics>()
        sets.set(name, nodes.set(node, statistics))
      }
    }
    return [...sets].map(([name, nodes]) => setInfo(namespace, name, copies, nodes))
  })
}

export function latencies(context: CommandContext, options?: InfoOptions): Promise<Map<string, Latency[]>> {
  return attempt('latencies', async () => {
    const request = InfoRequest.read(context, 'latencies', options)
    const said = await request.all('latencies:')
    return new Map(
      said.map(({ node, answers: [answer = ''] }) => [node, readLatencies(request.accepted(node, answer))]),
    )
  })
}

export function createIndex(context: CommandContext, index: IndexDefinition, options?: InfoOptions): Promise<IndexJob> {
  return attempt('createIndex', async () => {
    const checked = checkDefinition('createIndex', index)
    const { namespace, name } = checked
    const request = InfoRequest.write(context, 'createIndex', options)
    await request.checkNamespace(namespace)
    const parameters = checked.parameters(request.supports(8, 1))
    const { node, answers } = await request.any(
      `sindex-create:${namespaceParameter(request)}=${namespace};${parameters}`,
    )
    request.accepted(node, answers[0] ?? '', {
      index: name,
      bin: typeof index.bin === 'string' ? index.bin : undefined,
    })
    return new IndexJob(context, namespace, name)
  })
}

export function dropIndex(
  context: CommandContext,
  namespace: string,
  name: string,
  options?: InfoOptions,
): Promise<void> {
  return attempt('dropIndex', async () => {
    const request = await indexRequest(context, 'dropIndex', namespace, name, options)
    const { node, answers } = await request.any(
      `sindex-delete:${namespaceParameter(request)}=${namespace};indexname=${name}`,
    )
    const answer = answers[0] ?? ''
    // Servers before 8.1 say that there is none.
    if (!/^(error|fail):201:/i.test(answer)) request.accepted(node, answer, { index: name })
    while ((await statOf(request, namespace, name)).found.size > 0) {
      if (!(await request.pause(LOOK_MS))) throw request.timeoutError('some nodes still have the index')
    }
  })
}

export function listIndexes(
  context: CommandContext,
  namespace: string,
  options: ListIndexesOptions = {},
): Promise<IndexInfo[]> {
  return attempt('listIndexes', async () => {
    checkName('listIndexes', 'namespace', namespace, MAX_NAMESPACE_SIZE)
    const request = InfoRequest.read(context, 'listIndexes', options, ['statistics'])
    await request.checkNamespace(namespace)
    const { node, answers } = await request.any(`sindex-list:${namespaceParameter(request)}=${namespace};b64=true`)
    const indexes = readIndexes(request.accepted(node, answers[0] ?? ''))
    return options.statistics === true ? withStatistics(request, namespace, indexes) : indexes
  })
}

export function indexStatistics(
  context: CommandContext,
  namespace: string,
  name: string,
  options?: InfoOptions,
): Promise<IndexStatistics> {
  return attempt('indexStatistics', async () => {
    const request = await indexRequest(context, 'indexStatistics', namespace, name, options)
    return statisticsOf(request, namespace, name)
  })
}

async function indexRequest(
  context: CommandContext,
  verb: string,
  namespace: unknown,
  name: unknown,
  options: unknown,
): Promise<InfoRequest> {
  checkName(verb, 'namespace', namespace, MAX_NAMESPACE_SIZE)
  checkName(verb, 'name', name, MAX_INDEX_NAME)
  const request = InfoRequest.write(context, verb, options)
  await request.checkNamespace(namespace as string)
  return request
}

export function truncate(
  context: CommandContext,
  namespace: string,
  ...what: [set?: string | null, options?: TruncateOptions]
): Promise<void> {
  return attempt('truncate', async () => {
    const [set, options = {}] = what
    checkName('truncate', 'namespace', namespace, MAX_NAMESPACE_SIZE)
    if (typeof set === 'object' && set !== null && isPlain(set)) {
      throw new InvalidArgumentError('truncate: the set comes before the options; null is the whole namespace')
    }
    // Never by a name that was meant to be another: that would be the whole namespace.
    if (set !== null && what.length > 0) checkName('truncate', 'set', set, MAX_SET_SIZE)
    const request = InfoRequest.write(context, 'truncate', options, ['before'])
    const before = options.before === undefined ? '' : `;lut=${nanoseconds(options.before)}`
    await request.checkNamespace(namespace)
    const command =
      set == null ? `truncate-namespace:namespace=${namespace}` : `truncate:namespace=${namespace};set=${set}`
    const { node, answers } = await request.any(`${command}${before}`)
    request.accepted(node, answers[0] ?? '')
  })
}

/** Nanoseconds since 1970, as the server counts. */
function nanoseconds(before: unknown): bigint {
  if (before instanceof Date && !Number.isNaN(before.getTime())) return BigInt(before.getTime()) * 1_000_000n
  if (typeof before === 'bigint' && before > 0n && before < 1n << 63n) return before
  const what = before instanceof Date ? 'an invalid date' : describe(before)
  throw new InvalidArgumentError(
    `truncate: option 'before' must be a date, or nanoseconds since 1970 as a bigint, not ${what}`,
  )
}

function nodeName(verb: string, node: unknown): string {
  if (typeof node === 'string' && node !== '' && node !== '*') return node
  throw new InvalidArgumentError(`${verb}: the node must be the name of one, not ${describe(node)}`)
}

type Said = Awaited<ReturnType<InfoRequest['all']>>

/** The answer of each node to the only command. */
function byNode(said: Said): Map<string, string> {
  return new Map(said.map(({ node, answers }) => [node, answers[0] ?? '']))
}

/** What each node answered to one of several commands; a node that does not have the thing is left out. */
function statisticsByNode(request: InfoRequest, said: Said, command: number): Map<string, Statistics> {
  const answers = said.map(({ node, answers }) => [node, request.accepted(node, answers[command] ?? '')] as const)
  const known = answers.filter(([, answer]) => !answer.endsWith('type=unknown'))
  return new Map(known.map(([node, answer]) => [node, readStatistics(answer, ';')]))
}

/** Runs a call of which every failure is an AerospikeError, and a rejection. */
async function attempt<T>(verb: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw argumentError(error, verb)
  }
}
