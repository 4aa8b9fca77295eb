// The commands on records that the servers find: queries, scans and background jobs.

import { Job, jobId } from '../query/job.js'
import type { QueryOptions } from '../query/options.js'
import { Query } from '../query/query.js'
import type { Bins, ReadAs, ReadIntegers } from '../values/values.js'
import type { CommandContext } from './context.js'

/** Queries and scans. What is wrong with one is said when it is run: by its promise or its loop. */
export interface QueryCommands<I extends ReadIntegers = 'auto'> {
  /**
   * A query over a set, or over a namespace without one: `where` asks a secondary index, and without it every record is
   * read. Nothing is sent before it is run.
   *
   * @example
   * const twens = client.query<User>('test', 'users').where(range.between('age', 20, 29)).select('name')
   * for await (const { bins } of twens) console.log(bins.name)
   */
  query<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<ReadAs<B, I>>

  /**
   * All records of a set, or of a namespace: a query without a predicate.
   *
   * @example
   * const names = (await client.scan<User>('test', 'users').select('name').results()).map(({ bins }) => bins.name)
   */
  scan<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<ReadAs<B, I>>

  /**
   * A background job by its id, from wherever it was started.
   *
   * @throws InvalidArgumentError when the id is none
   * @example
   * const { state, progress } = await client.job(id).status()
   */
  job(id: bigint | number | string): Job
}

export function query<B extends object = Bins>(
  context: CommandContext,
  namespace: string,
  set?: string | null,
  options?: QueryOptions,
): Query<B> {
  return Query.of<B>(context, 'query', namespace, set, context.policies.query, options)
}

export function scan<B extends object = Bins>(
  context: CommandContext,
  namespace: string,
  set?: string | null,
  options?: QueryOptions,
): Query<B> {
  return Query.of<B>(context, 'scan', namespace, set, context.policies.scan, options)
}

export function job(context: CommandContext, id: bigint | number | string): Job {
  return new Job(context, jobId(id), false)
}
