// The calls on records that the servers find: queries, scans and background jobs.

import { Job, jobId } from '../query/job.js'
import type { QueryOptions } from '../query/options.js'
import { Query } from '../query/query.js'
import type { Bins } from '../values/values.js'
import { BatchCommands } from './batches.js'

/** Queries and scans. What is wrong with one is said when it is run: by its promise or its loop. */
export abstract class QueryCommands extends BatchCommands {
  /**
   * A query over a set, or over a namespace without one: `where` asks a secondary index, and without it every record is
   * read. Nothing is sent before it is run.
   *
   * @example
   * const twens = client.query<User>('test', 'users').where(filter.between('age', 20, 29)).select('name')
   * for await (const { bins } of twens) console.log(bins.name)
   */
  query<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<B> {
    return Query.of<B>(this.boundary, 'query', namespace, set, this.policies.query, options)
  }

  /**
   * All records of a set, or of a namespace: a query without a predicate.
   *
   * @example
   * const names = (await client.scan<User>('test', 'users').select('name').results()).map(({ bins }) => bins.name)
   */
  scan<B extends object = Bins>(namespace: string, set?: string | null, options?: QueryOptions): Query<B> {
    return Query.of<B>(this.boundary, 'scan', namespace, set, this.policies.query, options)
  }

  /**
   * A background job by its id, from wherever it was started.
   *
   * @throws InvalidArgumentError when the id is none
   * @example
   * const { state, progress } = await client.job(id).status()
   */
  job(id: bigint | number | string): Job {
    return new Job(this.boundary, jobId(id))
  }
}
