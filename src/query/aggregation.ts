// Aggregations: what stream UDFs make of the records of a query. The servers run the first steps of the stream, the core the
// last ones; here the values are decoded and handed out.

import { argumentError } from '../checks/check.js'
import { badValue } from '../checks/options.js'
import type { InfoContext } from '../cluster/info-request.js'
import { UdfAdmin } from '../cluster/udf-modules.js'
import { InvalidArgumentError, UdfError, UdfNotFoundError } from '../errors/classes.js'
import { applyOptions } from '../options/apply.js'
import type { Policy } from '../options/policy.js'
import { Takes } from '../options/table.js'
import { readOperation } from '../records/message.js'
import type { UdfCall } from '../requests/udf-call.js'
import type { Value } from '../values/values.js'
import { type QueryOptions, refuseLimits } from './options.js'
import { type Plan, querySpec } from './spec.js'
import { Steps } from './steps.js'
import { type Decoder, QueryStream } from './stream.js'

/** Options of `aggregate`. */
export interface AggregateOptions
  extends Pick<
    QueryOptions,
    | 'totalTimeout'
    | 'socketTimeout'
    | 'maxRetries'
    | 'sleepBetweenRetries'
    | 'integers'
    | 'maps'
    | 'doubles'
    | 'concurrency'
    | 'signal'
  > {
  /** The text of the module, when it is at hand; it must be what the servers have. Default: fetched from the cluster. */
  readonly source?: string | undefined
}

class ValueReader<T> implements Decoder<T> {
  next = 0
  mode = 0

  read(page: Buffer, at: number): T {
    const { value, next } = readOperation(page, at, this.mode)
    this.next = next
    return value as T
  }
}

/** What an aggregation was told, once it is known to make sense. */
interface Order {
  readonly plan: Plan
  readonly udf: UdfCall
  readonly options: unknown
}

/**
 * The values of an aggregation, made by `query.aggregate`. Most aggregations end in a reduction and have one value, or none
 * when there was no record: `value()`.
 *
 * @example
 * const byCity = await client.query('test', 'users').aggregate<{ [city: string]: number }>('stats', 'count_by', ['city']).value()
 */
export class Aggregation<T = Value> extends QueryStream<T> {
  /** @internal What is wrong with the order is thrown by the first step, not here. */
  static of<T>(context: InfoContext, make: () => Order): Aggregation<T> {
    const reader = new ValueReader<T>()
    let order: (Order & { policy: Policy; source: string | undefined }) | { failure: Error }
    try {
      order = checked(make())
      reader.mode = order.policy.mode
    } catch (error) {
      order = { failure: argumentError(error, 'aggregate') }
    }
    const spec = async () => {
      if ('failure' in order) throw order.failure
      const { plan, policy, udf } = order
      const source = order.source ?? (await sourceOf(context, udf.module, policy))
      const libraries = await librariesOf(context, source, policy)
      return querySpec({ ...plan, policy }, 'aggregate', { udf, source, libraries })
    }
    const signal = 'failure' in order ? undefined : order.policy.signal
    const called = 'failure' in order ? undefined : order.udf
    return new Aggregation<T>(new Steps(context.boundary, 'aggregate', spec, signal, called), reader, undefined)
  }

  /**
   * The one value of an aggregation that ends in a reduction; undefined when there was none.
   *
   * @throws UdfError when there are several: the stream does not end in a reduction
   */
  async value(): Promise<T | undefined> {
    const values = await this.results()
    if (values.length > 1) {
      throw new UdfError(
        `aggregate: ${values.length} values where one was expected; end the stream in reduce, or use results()`,
      )
    }
    return values[0]
  }
}

/** Options of queries that aggregations have no use for. */
const POINTLESS = ['maxRecords', 'recordsPerSecond', 'noBins', 'duration', 'after', 'nodes', 'cursor'] as const

function checked(order: Order): Order & { policy: Policy; source: string | undefined } {
  const { plan, options } = order
  const refuse = (text: string): never => {
    throw new InvalidArgumentError(`aggregate: ${text}`)
  }
  const source = (options as { source?: unknown } | undefined)?.source
  if (source !== undefined && typeof source !== 'string')
    throw badValue('aggregate', 'source', 'the text of a module', source)
  const policy =
    options === undefined ? plan.policy : applyOptions(plan.policy, options, Takes.aggregate, 'aggregate', ['source'])
  if (policy.filter !== undefined) refuse('the servers take no filter expression here; filter in the stream UDF')
  if ((plan.bins ?? plan.operations) !== undefined)
    refuse('the stream UDF says what is read; leave select and operate out')
  refuseLimits(plan.limits, POINTLESS, 'aggregate')
  return { ...order, policy, source }
}

/** The text of a module as the cluster has it. */
function sourceOf(context: InfoContext, module: string, { totalTimeout, signal }: Policy): Promise<string> {
  return new UdfAdmin(context).get(module, { totalTimeout, signal })
}

/** What a module requires, as it stands in the text. */
const REQUIRES = /\brequire\s*\(?\s*(?:"([^"\n]+)"|'([^'\n]+)')/g

/** More than these are not looked for. */
const MAX_LIBRARIES = 100

/** The modules of the cluster that a module requires, and those that they require. What is not registered, Lua misses. */
async function librariesOf(
  context: InfoContext,
  source: string,
  policy: Policy,
): Promise<{ readonly [module: string]: string }> {
  const libraries: { [module: string]: string } = Object.create(null)
  const seen = new Set<string>()
  const texts = [source]
  for (const text of texts) {
    for (const [, quoted, single] of text.matchAll(REQUIRES)) {
      const name = (quoted ?? single) as string
      if (seen.has(name) || seen.size === MAX_LIBRARIES) continue
      seen.add(name)
      try {
        const library = await sourceOf(context, name, policy)
        libraries[name] = library
        texts.push(library)
      } catch (error) {
        // A part of Lua, or a name that cannot be one of a module.
        if (!(error instanceof UdfNotFoundError || error instanceof InvalidArgumentError)) throw error
      }
    }
  }
  return libraries
}
