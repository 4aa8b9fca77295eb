// The records of a query, and where the query stands.

import type { InfoContext } from '../cluster/info-request.js'
import type { Record } from '../records/record.js'
import { Projection } from '../requests/projection.js'
import { Mode } from '../values/unpack.js'
import type { Bins } from '../values/values.js'
import { advance, beginning, cursorText } from './cursor.js'
import { explainIndex } from './missing-index.js'
import { lastRecords, RowReader } from './rows.js'
import { cursorCheck, type Planned, planOf, querySpec } from './spec.js'
import { Steps } from './steps.js'
import { QueryStream } from './stream.js'

/**
 * The records of one run of a query or scan, made by its methods.
 *
 * @example
 * const stream = client.scan('test', 'users').stream()
 * for await (const { key, bins } of stream) if (!(await handle(key, bins))) break
 * await save(stream.cursor)
 */
export class QueryRecordStream<B extends object = Bins> extends QueryStream<Record<B>> {
  readonly #planned: Planned

  /** @internal */
  constructor(context: InfoContext, verb: string, planned: Planned) {
    const plan = 'failure' in planned ? undefined : planned
    const { namespace = '', set, bins, operations, policy, limits } = plan ?? {}
    const mode = (policy?.mode ?? 0) | (operations === undefined ? 0 : Mode.operations)
    const spec = () => querySpec(planOf(planned), verb)
    const steps = new Steps(context.boundary, verb, spec, policy?.signal, undefined, plan, (facts) =>
      plan === undefined ? facts : explainIndex(context, verb, plan, facts),
    )
    const projection = bins instanceof Projection ? bins : undefined
    // What operations answer need not be what a bin holds.
    const codecs = operations === undefined ? policy?.codecs : undefined
    super(steps, new RowReader<B>(namespace, set, mode, projection, codecs), limits?.onProgress)
    this.#planned = planned
  }

  /**
   * Where the query is: exactly after the record that was handed out last. As text to keep; with it as option
   * `cursor`, a query for the same continues from there, in another process too. It is good at any time, also after the query
   * ended, failed or was left.
   *
   * It is made when it is asked for, in about a millisecond: ask now and then, not for each record.
   */
  get cursor(): string {
    const plan = planOf(this.#planned)
    const { limits, predicate } = plan
    const check = cursorCheck(plan)
    const base = this.steps.cursor()
    if (base !== undefined) {
      const { page, end } = this.consumed()
      return cursorText(advance(base, lastRecords(page, end)), check)
    }
    const { partitionBegin, partitionCount } = limits
    return (
      limits.cursor ??
      cursorText(limits.after ?? beginning(partitionBegin, partitionCount, predicate !== undefined), check)
    )
  }

  /** Whether there may be more after `cursor`: the query has not ended, or `maxRecords` ended it. */
  get more(): boolean {
    return this.steps.more
  }
}
