// The session: what chains, queries and tasks begin with. It is made of the commands that anybody can call, and knows
// nothing of how they reach a server.

import { describe } from '../checks/check.js'
import type { IndexDefinition, IndexType } from '../cluster/index-definition.js'
import type { IndexJob } from '../cluster/index-job.js'
import type { IndexInfo } from '../cluster/index-list.js'
import type { InfoOptions } from '../cluster/info-request.js'
import type { NamespaceInfo, SetInfo } from '../cluster/info-views.js'
import type { TruncateOptions } from '../commands/cluster.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { Behavior } from '../options/behavior.js'
import type { TransactionOptions } from '../transactions/options.js'
import { BackgroundTask } from './background.js'
import { Beginning } from './builder.js'
import { DataSet } from './data-set.js'
import { type IndexSource, KnownIndexes } from './indexes.js'
import type { Verbs } from './steps.js'
import { inTransaction, type TransactionSession, type TransactionSource } from './transaction.js'
import { type Calls, Views } from './views.js'

/** What a session needs of a client. */
export interface SessionClient extends TransactionSource, IndexSource {
  truncate(namespace: string, set?: string | null, options?: TruncateOptions): Promise<void>
  createIndex(index: IndexDefinition, options?: InfoOptions): Promise<IndexJob>
  dropIndex(namespace: string, name: string, options?: InfoOptions): Promise<void>
  info(command: string): Promise<Map<string, string>>
  namespaces(): Promise<NamespaceInfo[]>
  sets(namespace: string): Promise<SetInfo[]>
}

/** An index on a bin of a set. */
export interface SetIndex<B extends object> extends Pick<IndexDefinition, 'collection' | 'ctx'> {
  readonly bin: keyof B & string
  readonly type: IndexType
  /** Default: the names of the set and the bin, with `_` between. */
  readonly name?: string | undefined
}

/** What a session tells of the cluster. */
export interface SessionInfo {
  /** The namespaces, with what is in them. */
  namespaces(): Promise<NamespaceInfo[]>
  /** The sets of a namespace, with what is in them. */
  sets(namespace: string): Promise<SetInfo[]>
  /** The secondary indexes of a namespace, with what they hold. */
  indexes(namespace: string): Promise<IndexInfo[]>
  /** The answer of every node to an info command, by its name. */
  ask(command: string): Promise<Map<string, string>>
}

/**
 * Sentences about records: a verb, keys or a set, and what is to be done; made by `client.session()`. A session holds a
 * behavior and nothing else; it may be shared, and needs no closing.
 *
 * @example
 * const users = dataSet<User>('test', 'users')
 * const session = client.session()
 * await session.insert(users).bins('name', 'age').id('user-1').values('Alice', 28).id('user-2').values('Bob', 35).execute()
 * const size = await session.upsert(users.id('user-1')).bin('tags').list.append('new')
 */
export interface Session extends Verbs<never, 'one'> {
  /** How its calls behave. */
  readonly behavior: Behavior
  /**
   * Runs a function in a transaction and commits it: all that the session it gets does is done together or not at all. When
   * another transaction was faster the function is run again, so it must not do anything else that cannot be done twice. Of
   * batches the first failure throws, unless `execute` is told otherwise. `timeout` and `attempts` are those of the behavior
   * where the options say nothing. Needs a strongly consistent namespace of an Enterprise server from 8.0 on.
   *
   * @throws CommitError with `inDoubt` when it may be committed: then the function is not run again
   * @throws TransactionBlockedError, TransactionVersionMismatchError, CommitError when others were faster each time
   * @example
   * await session.transaction(async (tx) => {
   *   const { bins } = await tx.query(accounts.id('alice')).firstOrThrow()
   *   if (bins.sum < 25) throw new Error('not enough')
   *   await tx.update(accounts.id('alice')).bin('sum').add(-25).update(accounts.id('bob')).bin('sum').add(25).execute()
   * })
   */
  transaction<T>(work: (tx: TransactionSession) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>
  /** Changes of all records of a set, made by the servers in the background. */
  backgroundTask(): BackgroundTask
  /**
   * Removes all records of a set, or those that were last written before a time.
   *
   * @example await session.truncate(users, { before: new Date('2026-01-01') })
   */
  truncate<B extends object>(set: DataSet<B>, options?: TruncateOptions): Promise<void>
  /**
   * Creates a secondary index on a bin of a set; `ready()` of the result waits until it can be asked.
   *
   * @example await (await session.createIndex(users, { bin: 'age', type: 'numeric' })).ready()
   */
  createIndex<B extends object>(set: DataSet<B>, index: SetIndex<B>, options?: InfoOptions): Promise<IndexJob>
  /** Removes a secondary index of a set by its name. */
  dropIndex<B extends object>(set: DataSet<B>, name: string, options?: InfoOptions): Promise<void>
  /** What there is to know of the cluster. */
  info(): SessionInfo
}

/** What is known of the indexes of a client's cluster, for all of its sessions. */
const known = new WeakMap<object, KnownIndexes>()

/** A session on a client. */
export function makeSession(client: SessionClient, behavior: Behavior = Behavior.DEFAULT): Session {
  if (!(behavior instanceof Behavior)) {
    throw new InvalidArgumentError(`session: expected a Behavior, not ${describe(behavior)}`)
  }
  return new ClientSession(client, behavior) as unknown as Session
}

function indexesOf(client: SessionClient): KnownIndexes {
  const indexes = known.get(client) ?? new KnownIndexes(client)
  known.set(client, indexes)
  return indexes
}

class ClientSession extends Beginning {
  readonly #client: SessionClient
  readonly #indexes: KnownIndexes
  readonly behavior: Behavior

  constructor(client: SessionClient, behavior: Behavior) {
    const indexes = indexesOf(client)
    super(new Views(client, behavior, indexes))
    this.#client = client
    this.#indexes = indexes
    this.behavior = behavior
  }

  transaction<T>(work: (tx: TransactionSession) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T> {
    return inTransaction(this.#client, this.behavior, work, options)
  }

  backgroundTask(): BackgroundTask {
    return new BackgroundTask(this.views)
  }

  async truncate(set: DataSet, options?: TruncateOptions): Promise<void> {
    if (!(set instanceof DataSet)) throw new InvalidArgumentError(`truncate takes a set, not ${describe(set)}`)
    await this.#client.truncate(set.namespace, set.set, options)
  }

  async createIndex(set: DataSet, index: SetIndex<object>, options?: InfoOptions): Promise<IndexJob> {
    if (!(set instanceof DataSet)) throw new InvalidArgumentError(`createIndex takes a set, not ${describe(set)}`)
    const name = index.name ?? `${set.set}_${index.bin}`
    const definition = { ...index, name, namespace: set.namespace, set: set.set } as IndexDefinition
    const job = await this.#client.createIndex(definition, options)
    // Which indexes there are is asked again, by queries that come later.
    this.#indexes.forget(set.namespace)
    return job
  }

  async dropIndex(set: DataSet, name: string, options?: InfoOptions): Promise<void> {
    await this.#client.dropIndex(set.namespace, name, options)
    this.#indexes.forget(set.namespace)
  }

  info(): SessionInfo {
    const client = this.#client
    return {
      namespaces: () => client.namespaces(),
      sets: (namespace) => client.sets(namespace),
      indexes: (namespace) => client.listIndexes(namespace, { statistics: true }),
      ask: (command) => client.info(command),
    }
  }
}

export type { Calls }
