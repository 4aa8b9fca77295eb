// The commands as a session's behavior wants them: one view for each kind of call, resolved when it is first needed and
// again when the behavior has changed.

import type { BatchCommands } from '../commands/batches.js'
import type { QueryCommands } from '../commands/queries.js'
import type { RecordCommands } from '../commands/records.js'
import type { Behavior } from '../options/behavior.js'
import type { Defaults } from '../options/types.js'
import type { Codecs } from '../values/codecs.js'
import type { Exp } from '../values/expression.js'
import { type Choice, choose, type QueryHint } from './index-choice.js'
import type { KnownIndexes } from './indexes.js'
import type { ErrorStrategy } from './strategy.js'

/** The commands that chains are made of: those of a client, or of whatever else has them. */
export type Calls = Pick<
  RecordCommands & BatchCommands & QueryCommands,
  | 'get'
  | 'exists'
  | 'put'
  | 'remove'
  | 'touch'
  | 'operate'
  | 'operateOrdered'
  | 'apply'
  | 'batch'
  | 'batchRead'
  | 'batchWrite'
  | 'batchOperate'
  | 'batchRemove'
  | 'batchApply'
  | 'query'
>

/** Commands that can be had with other defaults. */
export interface Adaptable {
  with(options: { readonly codecs: Codecs; readonly defaults: Defaults }): Calls
}

/** Sessions translate by their sets. */
const NO_CODECS: Codecs = {}

/** What is known of the cluster's indexes. */
export type Indexes = Pick<KnownIndexes, 'of' | 'again' | 'forget'>

/** The views of a session. */
export class Views {
  readonly #base: Adaptable
  readonly #behavior: Behavior
  readonly #indexes: Indexes
  #revision: number
  #reads: Calls | undefined
  #retryable: Calls | undefined
  #nonRetryable: Calls | undefined

  /** What becomes of failures of many keys where a call says nothing else. */
  readonly failures: ErrorStrategy

  constructor(base: Adaptable, behavior: Behavior, indexes: Indexes, failures: ErrorStrategy = 'inStream') {
    this.failures = failures
    this.#base = base
    this.#indexes = indexes
    this.#behavior = behavior
    this.#revision = behavior.revision
  }

  get behavior(): Behavior {
    return this.#behavior
  }

  /** For what only reads. */
  get reads(): Calls {
    this.#follow()
    if (this.#reads === undefined) {
      const defaults = this.#behavior.defaultsOf('reads')
      // What became of each row is in the stream, also when it is nothing.
      const batch = { ...defaults.batch, onPartial: 'return' } as const
      this.#reads = this.#base.with({ codecs: NO_CODECS, defaults: { ...defaults, batch } })
    }
    return this.#reads
  }

  /** For writes that may be repeated without harm. */
  get retryable(): Calls {
    this.#follow()
    this.#retryable ??= this.#writes('writes.retryable')
    return this.#retryable
  }

  /** For all other writes. */
  get nonRetryable(): Calls {
    this.#follow()
    this.#nonRetryable ??= this.#writes('writes.nonRetryable')
    return this.#nonRetryable
  }

  /** The access to the records of a set that a condition and a hint ask for. */
  async choose(
    condition: Exp<'bool'> | undefined,
    { namespace, set }: { readonly namespace: string; readonly set: string },
    hint?: QueryHint,
  ): Promise<Choice> {
    if (condition === undefined || hint?.scan === true) return choose(condition, set, [], hint)
    const known = await this.#indexes.of(namespace)
    const choice = choose(condition, set, known, hint)
    if (choice.predicate !== undefined || choice.demands === 0) return choice
    const again = await this.#indexes.again(namespace)
    return again === known ? choice : choose(condition, set, again, hint)
  }

  /** Says that the indexes of a namespace are not what they seemed. */
  forgetIndexes(namespace: string): void {
    this.#indexes.forget(namespace)
  }

  #writes(kind: 'writes.retryable' | 'writes.nonRetryable'): Calls {
    const defaults = this.#behavior.defaultsOf(kind)
    // Whether the record must exist is what the verb says, whatever the client's defaults are.
    const exists = 'createOrUpdate'
    const write = { ...defaults.write, exists } as const
    const operate = { ...defaults.operate, exists } as const
    const batch = { ...defaults.batch, exists, onPartial: 'return' } as const
    return this.#base.with({ codecs: NO_CODECS, defaults: { ...defaults, write, operate, batch } })
  }

  #follow(): void {
    const { revision } = this.#behavior
    if (revision === this.#revision) return
    this.#revision = revision
    this.#reads = undefined
    this.#retryable = undefined
    this.#nonRetryable = undefined
  }
}
