// Behaviors: named options for kinds of calls, derived from one another. What a kind of call uses is resolved once, and
// again when the behavior, or one it was derived from, changes.

import { describe } from '../checks/check.js'
import { checkNames, checkOption, didYouMean, type OptionRules, whole } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { applyOptions, type Group, ofGroup } from './apply.js'
import type { BehaviorFileOptions, FileBehavior } from './behavior-file.js'
import { Policy } from './policy.js'
import { Takes } from './table.js'
import type { BatchLimits, CallOptions, Defaults, ReadOptions, WriteOptions } from './types.js'

/** What a behavior can say of all calls. */
export type CallSettings = Pick<
  CallOptions,
  | 'totalTimeout'
  | 'socketTimeout'
  | 'maxRetries'
  | 'sleepBetweenRetries'
  | 'replica'
  | 'key'
  | 'integers'
  | 'maps'
  | 'doubles'
  | 'deserialize'
>

/** What a behavior can say of batches. */
export type BatchSettings = Omit<BatchLimits, 'onPartial'>

/** What a behavior can say of reads. */
export type ReadSettings = CallSettings &
  Pick<ReadOptions, 'hedge' | 'readModeAP' | 'readModeSC' | 'readTouchTtlPercent'>

/** What a behavior can say of queries on sets. */
export type QuerySettings = Omit<CallSettings, 'key'> & Pick<BatchLimits, 'concurrency'>

/** What a behavior can say of writes, of single keys and in batches. */
export type WriteSettings = CallSettings &
  BatchSettings &
  Pick<WriteOptions, 'ttl' | 'durableDelete' | 'commit' | 'idempotent'>

/** What a behavior can say of background tasks. */
export type BackgroundSettings = Pick<
  CallSettings,
  'totalTimeout' | 'socketTimeout' | 'maxRetries' | 'sleepBetweenRetries'
> &
  Pick<WriteOptions, 'ttl' | 'durableDelete'>

/** What a behavior can say of transactions. */
export interface TransactionSettings {
  /** Seconds after which the server gives a transaction up. */
  readonly timeout?: number | undefined
  /** How often the function is run at most. */
  readonly attempts?: number | undefined
}

/** The options of a behavior: what is said of a group holds for what is in it, unless that says otherwise. */
export interface BehaviorOptions {
  /** For every call that takes them. */
  readonly all?: CallSettings | undefined
  readonly reads?:
    | (ReadSettings & {
        readonly point?: ReadSettings | undefined
        readonly batch?: (ReadSettings & BatchSettings) | undefined
        readonly query?: QuerySettings | undefined
      })
    | undefined
  readonly writes?:
    | (WriteSettings & {
        /** For writes that may be repeated without harm, by what they do. */
        readonly retryable?: WriteSettings | undefined
        /** For all others: those that add, append, insert or call a function. */
        readonly nonRetryable?: WriteSettings | undefined
      })
    | undefined
  readonly background?: BackgroundSettings | undefined
  readonly transaction?: TransactionSettings | undefined
}

/** A kind of call. */
export type Category =
  | 'reads.point'
  | 'reads.batch'
  | 'reads.query'
  | 'writes.retryable'
  | 'writes.nonRetryable'
  | 'background'
  | 'transaction'

/**
 * What the verbs of a session are: reads, or writes that may be repeated without harm or not, unless their operations
 * say otherwise.
 */
export const VERB_KINDS = {
  query: 'reads',
  exists: 'reads',
  insert: 'nonRetryable',
  update: 'retryable',
  upsert: 'retryable',
  replace: 'retryable',
  replaceIfExists: 'retryable',
  touch: 'retryable',
  delete: 'retryable',
  executeUdf: 'nonRetryable',
} as const

/** A verb of a session. */
export type Verb = keyof typeof VERB_KINDS

/** A resolved option and the behavior and group that say so. */
export interface Explained {
  readonly value: unknown
  /** `'feed: reads.batch'` */
  readonly from: string
}

/** What `explain` tells. */
export interface Explanation {
  readonly category: Category
  /** What differs from the defaults of the client. */
  readonly options: { readonly [option: string]: Explained }
}

const RETRIES = ['totalTimeout', 'socketTimeout', 'maxRetries', 'sleepBetweenRetries']
const VALUES = ['integers', 'maps', 'doubles', 'deserialize']
const COMMON = [...RETRIES, 'replica', 'key', ...VALUES]
const READS = [...COMMON, 'hedge', 'readModeAP', 'readModeSC', 'readTouchTtlPercent']
const BATCHES = [
  'inlineMemory',
  'inlineFlash',
  'maxKeysPerRequest',
  'maxResponseBytes',
  'maxRequestBytes',
  'concurrency',
]
const WRITES = [...COMMON, ...BATCHES, 'ttl', 'durableDelete', 'commit', 'idempotent']

/** What each kind of call takes, from the groups it is in to itself. */
const CATEGORIES: {
  readonly [category in Category]: { readonly path: readonly string[]; readonly takes: readonly string[] }
} = {
  'reads.point': { path: ['all', 'reads', 'reads.point'], takes: READS },
  'reads.batch': { path: ['all', 'reads', 'reads.batch'], takes: [...READS, ...BATCHES] },
  'reads.query': { path: ['all', 'reads', 'reads.query'], takes: [...RETRIES, 'replica', ...VALUES, 'concurrency'] },
  'writes.retryable': { path: ['all', 'writes', 'writes.retryable'], takes: WRITES },
  'writes.nonRetryable': { path: ['all', 'writes', 'writes.nonRetryable'], takes: WRITES },
  background: { path: ['all', 'background'], takes: [...RETRIES, 'ttl', 'durableDelete'] },
  transaction: { path: ['transaction'], takes: ['timeout', 'attempts'] },
}

/** The groups of options: what may stand in each, and which groups are inside. */
const GROUPS: { readonly [group: string]: { readonly takes: readonly string[]; readonly inside: readonly string[] } } =
  {
    '': { takes: [], inside: ['all', 'reads', 'writes', 'background', 'transaction'] },
    all: { takes: COMMON, inside: [] },
    reads: { takes: READS, inside: ['point', 'batch', 'query'] },
    writes: { takes: WRITES, inside: ['retryable', 'nonRetryable'] },
    ...Object.fromEntries(Object.entries(CATEGORIES).map(([category, { takes }]) => [category, { takes, inside: [] }])),
  }

type Settings = { readonly [option: string]: unknown }

/** The settings of each group that has any, checked and frozen. */
type Groups = ReadonlyMap<string, Settings>

/** The options of transactions are not those of calls. A server takes 120 seconds at most. */
export const TRANSACTIONS: OptionRules<TransactionSettings> = {
  timeout: whole(1, 120, ' of seconds'),
  attempts: whole(1, 1000),
}

function checkValue(where: string, group: string, option: string, value: unknown): void {
  if (group === 'transaction') checkOption(where, option, TRANSACTIONS[option as keyof TransactionSettings], value)
  else applyOptions(new Policy(), { [option]: value }, Takes.defaults, where)
}

/** Reads the options of a behavior, whoever wrote them: a program or a file. */
function groupsOf(options: unknown, name: string): Groups {
  const groups = new Map<string, Settings>()
  const read = (given: unknown, group: string): void => {
    const where = `behavior '${name}'${group === '' ? '' : `: ${group}`}`
    const { takes, inside } = GROUPS[group] as (typeof GROUPS)[string]
    checkNames(where, given, [...inside, ...takes])
    const settings: { [option: string]: unknown } = {}
    for (const [option, value] of Object.entries(given)) {
      if (value === undefined) continue
      if (inside.includes(option)) read(value, group === '' ? option : `${group}.${option}`)
      else {
        checkValue(where, group, option, value)
        settings[option] = value
      }
    }
    if (Object.keys(settings).length > 0) groups.set(group, Object.freeze(settings))
  }
  read(options, '')
  return groups
}

/** Where a behavior has what it says: not private, so that behaviors which say different things compare as different. */
const SAID = Symbol('said')

/**
 * How calls of a session behave: timeouts, retries, replicas and the like, by kind of call. A behavior does not change; it is
 * derived from another, and says only what is different. What none of them says is as the client has it.
 *
 * @example
 * const feed = Behavior.DEFAULT.derive('feed', { reads: { batch: { totalTimeout: 50 } } })
 * const session = client.session(feed)
 * feed.explain('query', 'batch').options.totalTimeout // { value: 50, from: 'feed: reads.batch' }
 */
export class Behavior {
  readonly name: string
  readonly parent: Behavior | undefined;
  /** @internal */
  [SAID]: Groups
  #revision = 0
  #resolvedAt = -1
  readonly #resolved = new Map<Category, Settings>()

  /** @internal */
  constructor(name: string, parent: Behavior | undefined, options: unknown) {
    if (typeof name !== 'string' || name === '') {
      throw new InvalidArgumentError(`a behavior has a name, which is text, not ${describe(name)}`)
    }
    this.name = name
    this.parent = parent
    this[SAID] = groupsOf(options, name)
  }

  /** As the client is, except that writes that can be repeated without harm are, twice. */
  static readonly DEFAULT = new Behavior('DEFAULT', undefined, {
    writes: { retryable: { maxRetries: 2, idempotent: true } },
  })

  /** Reads that rather fail, or ask a replica, than wait: 50 ms for an attempt, 200 for all. */
  static readonly READ_FAST = Behavior.DEFAULT.derive('READ_FAST', {
    reads: { totalTimeout: 200, socketTimeout: 50, maxRetries: 3, replica: 'any' },
  })

  /** For namespaces with strong consistency: reads are linearizable, writes wait for all copies. */
  static readonly STRICTLY_CONSISTENT = Behavior.DEFAULT.derive('STRICTLY_CONSISTENT', {
    reads: { point: { readModeSC: 'linearize' }, batch: { readModeSC: 'linearize' }, replica: 'sequence' },
    writes: { commit: 'all', durableDelete: true },
  })

  /** Like `READ_FAST`, from the racks of `connect({ rackIds })` first. */
  static readonly FAST_RACK_AWARE = Behavior.READ_FAST.derive('FAST_RACK_AWARE', { reads: { replica: 'preferRack' } })

  /**
   * A behavior like this one, except for what `options` says. When this one changes, so does the new one.
   *
   * @throws InvalidArgumentError for options that do not exist or make no sense
   * @example
   * const patient = Behavior.DEFAULT.derive('patient', { all: { totalTimeout: 10_000 }, writes: { retryable: { maxRetries: 5 } } })
   */
  derive(name: string, options: BehaviorOptions = {}): Behavior {
    return new Behavior(name, this, options)
  }

  /**
   * A behavior that is kept in a file and follows it: YAML (with the package `yaml` beside this one) or JSON, with the options
   * of `derive`, a `name` (default: that of the file) and a `parent`, which is a preset (default: `DEFAULT`). What is wrong
   * with a later version of the file goes to `onError`, and changes nothing.
   *
   * @throws InvalidArgumentError when the file cannot be read or says something that makes no sense
   * @example
   * const session = client.session(await Behavior.fromFile('feed.yaml', { onError: console.error }))
   */
  static async fromFile(path: string, options?: BehaviorFileOptions): Promise<FileBehavior> {
    const { behaviorFromFile } = await import('./behavior-file.js')
    return behaviorFromFile(path, options)
  }

  /**
   * What a verb uses, and where each option comes from.
   *
   * @param how one key (`point`), several (`batch`) or a whole set (`set`)
   * @example
   * Behavior.READ_FAST.explain('query').options.replica // { value: 'any', from: 'READ_FAST: reads' }
   */
  explain(verb: Verb | 'backgroundTask' | 'transaction', how: 'point' | 'batch' | 'set' = 'point'): Explanation {
    const category = categoryOf(verb, how)
    const options: { [option: string]: Explained } = {}
    for (const [option, value, behavior, group] of this.#said(category)) {
      options[option] = { value, from: `${behavior.name}: ${group}` }
    }
    return { category, options }
  }

  /** @internal Grows whenever what this behavior resolves to may be another. */
  get revision(): number {
    return this.#revision + (this.parent?.revision ?? 0)
  }

  /** @internal What a kind of call uses. */
  optionsOf(category: Category): Settings {
    const { revision } = this
    if (this.#resolvedAt !== revision) {
      this.#resolved.clear()
      this.#resolvedAt = revision
    }
    let options = this.#resolved.get(category)
    if (options === undefined) {
      options = Object.freeze(Object.fromEntries(this.#said(category).map(([option, value]) => [option, value])))
      this.#resolved.set(category, options)
    }
    return options
  }

  /** @internal What a kind of call uses, as defaults of a client: said to all groups that such calls may go by. */
  defaultsOf(kind: 'reads' | 'writes.retryable' | 'writes.nonRetryable'): Defaults {
    const all = kind === 'reads' ? 'reads.point' : kind
    const options: { readonly [group in Group]?: Settings } = {
      read: this.optionsOf(all),
      operate: this.optionsOf(all),
      batch: this.optionsOf(kind === 'reads' ? 'reads.batch' : kind),
      ...(kind === 'reads'
        ? { query: this.optionsOf('reads.query') }
        : { write: this.optionsOf(kind), remove: this.optionsOf(kind), apply: this.optionsOf(kind) }),
    }
    return Object.fromEntries(
      Object.entries(options).map(([group, settings]) => [group, ofGroup(group as Group, settings)]),
    )
  }

  /** @internal Says something else from now on: a file was changed. */
  protected change(options: unknown): void {
    this[SAID] = groupsOf(options, this.name)
    this.#revision++
  }

  /** What is said of a kind of call, by the behaviors from the first to this one; what is said later counts. */
  #said(category: Category): [option: string, value: unknown, behavior: Behavior, group: string][] {
    const { path, takes } = CATEGORIES[category]
    const own = path.flatMap((group) =>
      Object.entries(this[SAID].get(group) ?? {})
        .filter(([option]) => takes.includes(option))
        .map(([option, value]): [string, unknown, Behavior, string] => [option, value, this, group]),
    )
    return [...(this.parent === undefined ? [] : this.parent.#said(category)), ...own]
  }
}

function categoryOf(verb: string, how: string): Category {
  if (verb === 'backgroundTask') return 'background'
  if (verb === 'transaction') return 'transaction'
  const kind = Object.hasOwn(VERB_KINDS, verb) ? VERB_KINDS[verb as Verb] : undefined
  if (kind === undefined) {
    throw new InvalidArgumentError(`explain: there is no verb '${verb}'${didYouMean(verb, Object.keys(VERB_KINDS))}`)
  }
  if (kind !== 'reads') return `writes.${kind}`
  return how === 'batch' ? 'reads.batch' : how === 'set' ? 'reads.query' : 'reads.point'
}
