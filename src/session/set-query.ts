// Queries on sets: a condition, limits, and the records as they come. Which index is asked is chosen by itself.

import { describe } from '../checks/check.js'
import {
  type AerospikeError,
  IndexNotFoundError,
  IndexNotReadableError,
  InvalidArgumentError,
  RecordNotFoundError,
} from '../errors/classes.js'
import { exp } from '../expressions/exp.js'
import type { UserKey } from '../key.js'
import type { QueryOptions } from '../query/options.js'
import type { Query, QueryPage, Selected } from '../query/query.js'
import type { Record } from '../records/record.js'
import type { AnyExp, Exp } from '../values/expression.js'
import type { Bins, Value } from '../values/values.js'
import { conditionOf } from './condition.js'
import type { DataSet } from './data-set.js'
import type { Choice, QueryHint, QueryPlan } from './index-choice.js'
import { errorOf, Failure, judge, type Outcome, RecordResult, Success } from './result.js'
import type { ExecuteOptions, Strategy } from './run.js'
import { validateRead } from './schema.js'
import { Step } from './step.js'
import { ErrorStrategy } from './strategy.js'
import { RecordStream } from './stream.js'
import type { Views } from './views.js'

/** What was said of a query so far. */
interface Said {
  readonly condition?: Exp<'bool'> | undefined
  readonly bins?: readonly string[] | undefined
  readonly options: QueryOptions
  readonly chunk?: number | undefined
  readonly hint?: QueryHint | undefined
  readonly validated?: boolean | undefined
  readonly failure?: unknown
}

function wholeNumber(call: string, value: unknown, least: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number
  throw new InvalidArgumentError(`${call} takes a whole number of at least ${least}, not ${describe(value)}`)
}

/**
 * A query on a set: which records, and what of them. It does not change; each method gives another query. Nothing is sent
 * before it is run: by a loop over it, or by `execute`, `records`, `first` and the like.
 *
 * @example
 * for await (const { bins } of session.query(users).where`$.age >= ${18}`.limit(100)) console.log(bins.name)
 */
export class SetQuery<B extends object = Bins, R extends object = B> implements AsyncIterable<Record<R>> {
  readonly #views: Views
  readonly #set: DataSet<B>
  readonly #said: Said

  /** @internal */
  constructor(views: Views, set: DataSet<B>, said: Said = { options: {} }) {
    this.#views = views
    this.#set = set
    this.#said = said
  }

  /** This query with something more said; what is wrong with it is kept for the run. */
  #with<Q extends object = R>(change: () => Partial<Said>): SetQuery<B, Q> {
    let said = this.#said
    try {
      said = { ...said, ...change() }
    } catch (failure) {
      said = { ...said, failure: said.failure ?? failure }
    }
    return new SetQuery<B, Q>(this.#views, this.#set, said)
  }

  #option(options: QueryOptions): SetQuery<B, R> {
    return this.#with(() => ({ options: { ...this.#said.options, ...options } }))
  }

  /**
   * Only records for which the condition is true; said twice, both have to be. Values stand in `${…}` and are never text. A
   * secondary index is asked when there is one for a part of it: see {@link SetQuery.explain}.
   *
   * @example session.query(users).where`$.age >= ${18} and $.city == ${'Berlin'}`
   */
  where(condition: TemplateStringsArray, ...values: (Value | AnyExp)[]): SetQuery<B, R>
  where(condition: Exp<'bool'>): SetQuery<B, R>
  where(condition: TemplateStringsArray | Exp<'bool'>, ...values: (Value | AnyExp)[]): SetQuery<B, R> {
    return this.#with(() => {
      const added = conditionOf(condition, values)
      const { condition: known } = this.#said
      return { condition: known === undefined ? added : exp.and(known, added) }
    })
  }

  /** Reads some bins only, or parts of them: `'profile.address.city'`, `'tags[0]'`. */
  bins<N extends (keyof B & string) | `${keyof B & string}${'.' | '['}${string}`>(
    ...names: readonly N[]
  ): SetQuery<B, Selected<B, N>> {
    return this.#with<Selected<B, N>>(() => ({ bins: names }))
  }

  /** Reads keys, generations and times to live only. */
  withNoBins(): SetQuery<B, R> {
    return this.#option({ noBins: true })
  }

  /** At most so many records. */
  limit(records: number): SetQuery<B, R> {
    return this.#with(() => ({ options: { ...this.#said.options, maxRecords: wholeNumber('limit', records, 1) } }))
  }

  /** Reads the records in chunks of so many, one query after the other: servers keep nothing open while a chunk is worked on. */
  chunkSize(records: number): SetQuery<B, R> {
    return this.#with(() => ({ chunk: wholeNumber('chunkSize', records, 1) }))
  }

  /** Only some of the 4,096 partitions: `count` of them from `begin` on. @example session.query(users).onPartitions(0, 1024) */
  onPartitions(begin: number, count = 1): SetQuery<B, R> {
    return this.#option({ partitions: { begin, count } })
  }

  /** At most so many records in a second, from each node. */
  recordsPerSecond(records: number): SetQuery<B, R> {
    return this.#option({ recordsPerSecond: records })
  }

  /** Says which index is asked, or that none is. @example session.query(users).where`$.age > ${30}`.hint({ index: 'users_age' }) */
  hint(hint: QueryHint): SetQuery<B, R> {
    return this.#with(() => ({ hint }))
  }

  /** What is read is judged by the set's schema: what it does not allow is a failure. */
  validated(): SetQuery<B, R> {
    return this.#with(() => {
      if (this.#set.schema === undefined) throw new InvalidArgumentError('validated: the set has no schema')
      return { validated: true }
    })
  }

  /** What the query would do, and why: which index is asked for what, or that all records are read. Reads no record. */
  async explain(): Promise<QueryPlan> {
    return (await this.#choice()).plan
  }

  /**
   * Runs the query: its rows as they come. A query that fails as a whole throws where its rows are taken; records that the
   * schema does not allow are rows, or failures as the strategy says.
   */
  async execute(strategy?: Strategy, options: ExecuteOptions = {}): Promise<RecordStream<R>> {
    const { failure } = this.#said
    if (failure !== undefined) throw failure
    return new QueryResults<R>(this.#rows(strategy, options))
  }

  /** Runs the query: all its records. */
  async records(): Promise<Record<R>[]> {
    return (await this.execute()).records()
  }

  /** Runs the query for its first row; undefined when there is none. */
  async first(): Promise<RecordResult<R> | undefined> {
    return (await this.limit(1).execute()).first()
  }

  /** Runs the query for its first record. @throws RecordNotFoundError when there is none */
  async firstOrThrow(): Promise<Record<R>> {
    const row = await this.first()
    if (row === undefined) throw new RecordNotFoundError('no record was found')
    return row.recordOrThrow()
  }

  /** Runs the query: the records whose user key is known, by it. */
  async toMap(): Promise<Map<UserKey, Record<R>>> {
    return (await this.execute()).toMap()
  }

  /** Runs the query: a function is called with each row, one after the other; `false` ends it. */
  async forEach(visit: (row: RecordResult<R>) => unknown): Promise<void> {
    return (await this.execute()).forEach(visit)
  }

  /**
   * A page of at most `size` records, from the beginning or from the `cursor` of the page before: in another process as well.
   *
   * @example
   * const { records, cursor } = await session.query(users).page(100)
   * const next = cursor === undefined ? undefined : await session.query(users).page(100, cursor)
   */
  async page(size: number, cursor?: string): Promise<QueryPage<R>> {
    const { failure } = this.#said
    if (failure !== undefined) throw failure
    const query = this.#query(await this.#choice())
    const page = await (cursor === undefined ? query : query.from(cursor)).page(size)
    const step = this.#step()
    for (const record of page.records) void new RecordResult(0, new Success(record.key, record), step).record
    return page as QueryPage<R & Bins> as unknown as QueryPage<R>
  }

  /** Runs the query: its records, one after the other. Leaving the loop ends it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Record<R>, undefined, undefined> {
    for await (const row of await this.execute()) yield row.recordOrThrow()
    return undefined
  }

  async #choice(): Promise<Choice> {
    const { failure, condition, hint } = this.#said
    if (failure !== undefined) throw failure
    return this.#views.choose(condition, this.#set, hint)
  }

  #query({ predicate }: Pick<Choice, 'predicate'>, more: QueryOptions = {}): Query<Bins> {
    const { condition, bins, options } = this.#said
    let query = this.#views.reads.query(this.#set.namespace, this.#set.set, { ...options, ...more })
    if (predicate !== undefined) query = query.where(predicate)
    if (condition !== undefined) query = query.where(condition)
    return bins === undefined ? query : query.select(...bins)
  }

  /** What results are read by. */
  #step(): Step {
    const step = new Step('query', [], this.#set as never, false)
    step.bins = this.#said.bins
    return step
  }

  /** The records, from the index that was chosen; should it be gone meanwhile, from all of the set. */
  async *#records(options: ExecuteOptions): AsyncGenerator<Record<Bins>, undefined, undefined> {
    const choice = await this.#choice()
    let taken = 0
    try {
      for await (const record of this.#chunks(choice, options)) {
        taken++
        yield record
      }
    } catch (error) {
      const gone = error instanceof IndexNotFoundError || error instanceof IndexNotReadableError
      if (!gone || taken > 0 || choice.predicate === undefined) throw error
      this.#views.forgetIndexes(this.#set.namespace)
      yield* this.#chunks({ predicate: undefined }, options)
    }
    return undefined
  }

  async *#chunks(
    choice: Pick<Choice, 'predicate'>,
    options: ExecuteOptions,
  ): AsyncGenerator<Record<Bins>, undefined, undefined> {
    const query = this.#query(choice, options)
    const { chunk, options: said } = this.#said
    if (chunk === undefined) {
      yield* query
      return undefined
    }
    let left = said.maxRecords ?? Number.POSITIVE_INFINITY
    let cursor: string | undefined
    do {
      const page: QueryPage<Bins> = await (cursor === undefined ? query : query.from(cursor)).page(
        Math.min(chunk, left),
      )
      yield* page.records
      left -= page.records.length
      cursor = page.cursor
    } while (cursor !== undefined && left > 0)
    return undefined
  }

  async *#rows(strategy: Strategy, options: ExecuteOptions): AsyncGenerator<RecordResult<R>, undefined, undefined> {
    const step = this.#step()
    const { schema } = this.#set
    let index = 0
    for await (const record of this.#records(options)) {
      let outcome: Outcome = new Success(record.key, record)
      if (this.#said.validated && schema !== undefined) {
        outcome = await validateRead(
          schema,
          new RecordResult(0, outcome, step).record as Record<Bins>,
          step.bins === undefined,
        )
      }
      const row = new RecordResult<R>(index++, outcome, step)
      if (outcome instanceof Failure && judge(step, outcome) === 'failure') {
        if (strategy === ErrorStrategy.THROW) throw errorOf(outcome)
        if (typeof strategy === 'function') {
          strategy(row.key, row.index, errorOf(outcome) as AerospikeError)
          continue
        }
      }
      yield row
    }
    return undefined
  }
}

/** The results of a query, as they come, once. */
class QueryResults<R extends object> extends RecordStream<R> {
  readonly #rows: AsyncGenerator<RecordResult<R>, undefined, undefined>

  constructor(rows: AsyncGenerator<RecordResult<R>, undefined, undefined>) {
    super()
    this.#rows = rows
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordResult<R>, undefined, undefined> {
    return this.#rows
  }

  override close(): void {
    this.#rows.return(undefined).catch(() => {
      // What ended it has been said where its rows were taken, or nobody wants to know.
    })
  }
}
