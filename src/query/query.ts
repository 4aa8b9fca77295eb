// The builder of queries: collects what a query is, and runs it.

import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { argumentError, describe } from '../checks/check.js'
import { badValue } from '../checks/options.js'
import type { InfoContext } from '../cluster/info-request.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { exp } from '../expressions/exp.js'
import type { Operation } from '../operations/operation.js'
import { copyPolicy, type Policy } from '../options/policy.js'
import type { Record } from '../records/record.js'
import type { BinPaths, Projected, WholeBins } from '../requests/projection.js'
import { UdfCall } from '../requests/udf-call.js'
import { type Exp, isFilter } from '../values/expression.js'
import type { Bins, Value } from '../values/values.js'
import { type AggregateOptions, Aggregation } from './aggregation.js'
import { type Job, type JobOptions, startJob } from './job.js'
import { applyQueryOptions, NO_LIMITS, type QueryOptions, type QueryProgress } from './options.js'
import { Predicate } from './range.js'
import { QueryRecordStream } from './records.js'
import { checkBins, checkOperations, nameOf, type Plan, type Planned, planOf } from './spec.js'
import type { Visit } from './stream.js'

/** A page of a query's records. */
export interface QueryPage<B extends object = Bins> {
  readonly records: Record<B>[]
  /** Where the next page begins: `query.from(cursor).page(…)`. Undefined when there is none. */
  readonly cursor: string | undefined
  /** Whether this was the last page. */
  readonly done: boolean
}

/** The bins that remain of `B` when only `N` is read: names of bins, or paths to parts of them. */
export type Selected<B extends object, N extends string> = string extends keyof B
  ? B
  : [N] extends [WholeBins<B>]
    ? Pick<B, N>
    : Projected<B, N>

/**
 * A query or scan: which records, and what of them. Made by `client.query` and `client.scan`; immutable, so that each method
 * gives another query and one query may be run any number of times. What is wrong with it is said when it is run. `B` are the
 * bins that it reads, `All` those that its records have, which ranges are checked against.
 *
 * @example
 * const adults = client.query<User>('test', 'users').where(range.between('age', 18, 120)).select('name')
 * for await (const { bins } of adults) console.log(bins.name)
 */
export class Query<B extends object = Bins, All extends object = B> implements AsyncIterable<Record<B>> {
  readonly #context: InfoContext
  readonly #verb: string
  /** @internal */
  readonly plan: Planned
  #last: QueryRecordStream<B> | undefined

  /** @internal */
  constructor(context: InfoContext, verb: string, plan: Planned) {
    this.#context = context
    this.#verb = verb
    this.plan = plan
  }

  /** @internal */
  static of<B extends object>(
    context: InfoContext,
    verb: string,
    namespace: unknown,
    set: unknown,
    base: Policy,
    options: unknown,
  ): Query<B> {
    try {
      const { policy, limits } =
        options === undefined ? { policy: base, limits: NO_LIMITS } : applyQueryOptions(base, NO_LIMITS, options, verb)
      const plan = {
        namespace: nameOf(namespace, 'namespace', verb),
        set: nameOf(set ?? '', 'set', verb) || undefined,
        policy,
        limits,
        predicate: undefined,
        bins: undefined,
        operations: undefined,
      }
      return new Query<B>(context, verb, plan)
    } catch (error) {
      return new Query<B>(context, verb, { failure: argumentError(error, verb) })
    }
  }

  /**
   * This query with something changed; what went wrong in an earlier step, or goes wrong in this one, is kept for the
   * run.
   */
  #with<C extends object>(change: (plan: Plan) => Partial<Plan>): Query<C, All> {
    let plan = this.plan
    if (!('failure' in plan)) {
      try {
        plan = { ...plan, ...change(plan) }
      } catch (error) {
        plan = { failure: argumentError(error, this.#verb) }
      }
    }
    return new Query<C, All>(this.#context, this.#verb, plan)
  }

  /**
   * Reads only the records for which a condition holds. A range of a secondary index, such as `range.between('age', 20, 30)`,
   * is asked of the index, and a query has one at most. Any other condition is an expression, which the servers compute for
   * every record that the query is about: so it is best together with a range. Several conditions all have to hold.
   *
   * @throws IndexNotFoundError when run, if there is no such index
   * @example
   * client.query('test', 'users').where(range.between('age', 20, 30)).where(where`$.city == ${'Berlin'}`)
   */
  where(condition: Predicate<keyof All & string> | Exp<'bool'>): Query<B, All> {
    return this.#with((plan) => {
      if (isFilter(condition)) return { policy: alsoWhere(plan.policy, condition) }
      if (!(condition instanceof Predicate)) {
        throw new InvalidArgumentError(
          `${this.#verb}: where takes a range such as range.equal('name', 'Alice') or an expression of type bool, not ${describe(condition)}`,
        )
      }
      if (plan.predicate !== undefined) {
        throw new InvalidArgumentError(
          `${this.#verb}: a query has one range of an index; more conditions are expressions`,
        )
      }
      return { predicate: condition }
    })
  }

  /** The name that `where` had before for expressions. @deprecated Use `where`. */
  filter(expression: Exp<'bool'>): Query<B, All> {
    return this.#with(({ policy }) => {
      if (!isFilter(expression)) throw badValue(this.#verb, 'filter', 'an expression of type bool', expression)
      return { policy: alsoWhere(policy, expression) }
    })
  }

  /**
   * Reads some bins only, or parts of them: `'profile.address.city'`, `'tags[0]'` and the other paths of `client.select`.
   * What a record does not have is absent; a record that has none of the bins is left out, unless there is a path among
   * them. Names of bins that have a dot or a bracket themselves stand in quotes: `'"a.b"'`. Paths need servers from 8.1.2 on.
   *
   * @throws InvalidArgumentError when run, if a path is none
   * @example
   * client.query<User>('test', 'users').select('name', 'profile.address.city')
   */
  select<N extends BinPaths<B>>(...bins: readonly N[]): Query<Selected<B, N>, All> {
    return this.#with(() => ({ bins: checkBins(bins, 'select'), operations: undefined }))
  }

  /**
   * Answers operations in place of the bins; they must not write. As with `client.operate`, a bin answered once has its
   * value. Records for which no operation has an answer are left out. Servers from 8.1.2 on; reads of whole bins on all.
   *
   * @example
   * client.query('test', 'users').operate<{ tags: number }>([lists.size('tags')])
   */
  operate<R extends object = Bins>(operations: readonly Operation[]): Query<R, All> {
    return this.#with(() => ({ operations: checkOperations(operations, false, 'operate'), bins: undefined }))
  }

  /** With other options, each in the place of what was said for it before. @example query.with({ maxRecords: 10 }) */
  with(options: QueryOptions): Query<B, All> {
    return this.#with(({ policy, limits }) => applyQueryOptions(policy, limits, options, this.#verb))
  }

  /** From where an earlier run stood: its `cursor`. @example query.from(cursor).results() */
  from(cursor: string): Query<B, All> {
    return this.#with(({ policy, limits }) => applyQueryOptions(policy, limits, { cursor }, this.#verb))
  }

  /** Runs the query: its records as they come. A query that makes no sense fails with its first record. */
  stream(): QueryRecordStream<B> {
    const stream = new QueryRecordStream<B>(this.#context, this.#verb, this.plan)
    this.#last = stream
    return stream
  }

  /** Runs the query: `for await (const record of query)`. Leaving the loop ends the query. */
  [Symbol.asyncIterator](): QueryRecordStream<B> {
    return this.stream()
  }

  /** Runs the query: all its records in one list. */
  async results(): Promise<Record<B>[]> {
    return this.stream().results()
  }

  /**
   * Runs the query: a function is called with each record, one after the other; a promise that it returns is waited for.
   * When it returns or resolves to `false`, the query ends.
   */
  async forEach(visit: Visit<Record<B>>): Promise<void> {
    return this.stream().forEach(visit)
  }

  /**
   * Runs the query for one page of at most `size` records, and of no more than its `maxRecords`. When they end with a page that is full, there is one more, and
   * it is empty.
   *
   * @example
   * const first = await query.page(100)
   * const second = first.done ? undefined : await query.from(first.cursor!).page(100)
   */
  async page(size: number): Promise<QueryPage<B>> {
    if (!Number.isSafeInteger(size) || size < 1) throw badValue('page', 'size', 'a whole number of at least 1', size)
    const most = 'failure' in this.plan ? 0 : this.plan.limits.maxRecords
    const query = this.with({ maxRecords: most === 0 ? size : Math.min(size, most) })
    const stream = query.stream()
    this.#last = stream
    const records = await stream.results()
    const done = !stream.more
    return { records, cursor: done ? undefined : stream.cursor, done }
  }

  /** Runs the query: its records as a Web stream. */
  toReadableStream(): ReadableStream<Record<B>> {
    return this.stream().toReadableStream()
  }

  /** Runs the query: its records as a stream of Node in object mode. */
  toNodeStream(): Readable {
    return this.stream().toNodeStream()
  }

  /** Where the run begun last stands, also after it failed; undefined before the first. See `QueryRecordStream.cursor`. */
  get cursor(): string | undefined {
    return this.#last?.cursor
  }

  /** How far the run begun last is; undefined before the first. */
  get progress(): QueryProgress | undefined {
    return this.#last?.progress
  }

  /**
   * Starts a job that runs operations on every record of the query. The servers do it by themselves, in the background;
   * resolves when all of them have taken it on.
   *
   * @throws InvalidArgumentError when an operation reads
   * @example
   * const job = await client.query('test', 'users').where(range.between('age', 0, 17)).execute([op.write('minor', true)])
   * await job.done()
   */
  async execute(operations: readonly Operation[], options?: JobOptions): Promise<Job> {
    const work = { operations: checkOperations(operations, true, 'execute') }
    return startJob(this.#context, 'execute', planOf(this.plan), work, options)
  }

  /**
   * Starts a job that calls a function of a UDF module with every record of the query, in the background.
   *
   * @example
   * const job = await client.scan('test', 'users').apply('simple', 'add_val', ['age', 1])
   * const { recordsSucceeded } = await job.done()
   */
  async apply(module: string, name: string, args: readonly Value[] = [], options?: JobOptions): Promise<Job> {
    const work = { udf: new UdfCall('apply', module, name, args) }
    return startJob(this.#context, 'apply', planOf(this.plan), work, options)
  }

  /**
   * Runs a stream UDF over the records of the query: what the servers made of their records is put together on this side, off
   * the JavaScript thread. The module is fetched from the cluster unless option `source` has its text.
   *
   * @example
   * const total = await client.query('test', 'users').aggregate('stats', 'sum', ['age']).value()
   */
  aggregate<T = Value>(
    module: string,
    name: string,
    args: readonly Value[] = [],
    options?: AggregateOptions,
  ): Aggregation<T> {
    const call = 'aggregate'
    return Aggregation.of<T>(this.#context, () => ({
      plan: planOf(this.plan),
      udf: new UdfCall(call, module, name, args),
      options,
    }))
  }
}

/** A policy under which one more condition has to hold. */
function alsoWhere(policy: Policy, condition: Exp<'bool'>): Policy {
  const changed = copyPolicy(policy)
  changed.filter = policy.filter === undefined ? condition : exp.and(policy.filter, condition)
  return changed
}
