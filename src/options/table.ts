// Every option of every call, a row each: which calls take it, what it may be, and what it does. Checks, hints for
// misspelt names, batches, coalesced reads and the documentation all go by these rows: a new option is a row here, a line
// in types.ts, and a line in docs/options.md.

import { types } from 'node:util'
import { isAbortSignal, isPlain } from '../checks/check.js'
import { unixTime } from '../host.js'
import { MAX_INT32, MAX_TTL_SECONDS, MAX_UINT32 } from '../limits.js'
import { EXISTENCE, Info1, Info2, Info3, SC_READ } from '../protocol.js'
import { isFilter } from '../values/expression.js'
import { Mode } from '../values/unpack.js'
import { membershipOf } from './membership.js'
import { Inline, OnPartial, type Policy } from './policy.js'
import type { BatchLimits, Hedge, OperateOptions, ReadRowOptions } from './types.js'

/** Calls, as bits, so that an option can name all that take it. */
export const Takes = {
  read: 1,
  write: 2,
  remove: 4,
  operate: 8,
  batchRead: 16,
  batchWrite: 32,
  row: 64,
  removeRow: 128,
  defaults: 256,
  info: 512,
  readRow: 1024,
  batch: 2048,
  query: 4096,
  job: 8192,
  aggregate: 16384,
  apply: 0x10000,
  batchApply: 0x20000,
  applyRow: 0x40000,
} as const

const BATCHES = Takes.batchRead | Takes.batchWrite | Takes.batch | Takes.batchApply
const READS = Takes.read | Takes.operate | Takes.batchRead | Takes.batchWrite | Takes.batch | Takes.readRow
const WRITES = Takes.write | Takes.remove | Takes.operate | Takes.batchWrite | Takes.batch | Takes.row | Takes.removeRow
const REMOVES = Takes.remove | Takes.removeRow
/** Calls of functions: the function decides what is written, the caller how it is kept. */
const APPLIES = Takes.apply | Takes.batchApply | Takes.applyRow
const COMMANDS = Takes.read | Takes.write | Takes.remove | Takes.operate | Takes.apply | BATCHES
const ROWS = Takes.row | Takes.removeRow | Takes.readRow | Takes.applyRow
/** Rows of a batch that may be answered with values. */
const READING_ROWS = Takes.readRow | Takes.applyRow
/** What goes over many records that the servers find. */
const QUERIES = Takes.query | Takes.aggregate
/** What has deadlines and retries of its own. */
const TIMED = COMMANDS | QUERIES | Takes.job | Takes.defaults

/** What a row of the table says. */
export interface Option {
  /** Which calls take it, as bits of {@link Takes}. */
  readonly takes: number
  /** `call`: how a call goes about it, one for all rows of a batch. `row`: what is done with a record. */
  readonly scope: 'call' | 'row'
  /**
   * Whether it goes to the server, or decides how the core sends. Coalesced reads that differ in such an option cannot share:
   * one of the call makes another batch, one of a row another kind of row.
   */
  readonly divides: boolean
  /** The fields of the policy that it sets. */
  readonly sets: readonly (keyof Policy)[]
  /** What it may be, in the words of the message when it is not. */
  readonly expects: string
  /** Applies a value, or returns false when it is not acceptable. */
  readonly apply: (policy: Policy, value: unknown) => boolean
}

/** The fields of a policy that are numbers. */
type NumberField = { [F in keyof Policy]: Policy[F] extends number ? F : never }[keyof Policy]
type FlagField = { [F in keyof Policy]: Policy[F] extends boolean ? F : never }[keyof Policy]

/** A row's scope and calls. */
type Place = Pick<Option, 'scope' | 'takes'> & Partial<Pick<Option, 'divides'>>

/** An option that is a whole number. */
function whole(place: Place, field: NumberField, most: number, unit = ''): Option {
  return {
    divides: true,
    ...place,
    sets: [field],
    expects: `a whole number${unit} from 0 to ${most}`,
    apply(policy, value) {
      if (!isWhole(value, 0, most)) return false
      policy[field] = value
      return true
    },
  }
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

/** An option whose values are bits of a field, by name. Those of `mask` are replaced. */
function named(place: Place, field: NumberField, mask: number, values: { readonly [name: string]: number }): Option {
  return {
    divides: true,
    ...place,
    sets: [field],
    expects: oneOf(Object.keys(values)),
    apply(policy, value) {
      if (typeof value !== 'string' || !Object.hasOwn(values, value)) return false
      policy[field] = bits(policy[field], mask, values[value] as number)
      return true
    },
  }
}

function oneOf(names: readonly string[]): string {
  return names
    .map((name) => `'${name}'`)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1')
}

/** An option that sets or clears bits of a field. */
function flag(place: Place, field: NumberField, bit: number): Option {
  return {
    divides: true,
    ...place,
    sets: [field],
    expects: 'true or false',
    apply(policy, value) {
      if (typeof value !== 'boolean') return false
      policy[field] = bits(policy[field], bit, value ? bit : 0)
      return true
    },
  }
}

/** An option that is one of two values, `on` being the second. */
function toggle<T extends string | boolean>(place: Place, field: FlagField, off: T, on: T): Option {
  return {
    divides: true,
    ...place,
    sets: [field],
    expects: typeof on === 'string' ? oneOf([off as string, on]) : 'true or false',
    apply(policy, value) {
      if (value !== on && value !== off) return false
      policy[field] = value === on
      return true
    },
  }
}

/** Replaces the bits in `mask`. */
export function bits(old: number, mask: number, value: number): number {
  return (old & ~mask) | value
}

/** Copies of reads are counted in parts of this many reads. */
const HEDGE_UNITS = 10_000

/** All bits of a field. */
const ALL = 0xff

/** The values of `exists` (protocol 6.1). */
const EXISTS: { readonly [name: string]: { readonly info2: number; readonly info3: number } } = {
  createOrUpdate: { info2: 0, info3: 0 },
  create: { info2: Info2.createOnly, info3: 0 },
  update: { info2: 0, info3: Info3.updateOnly },
  createOrReplace: { info2: 0, info3: Info3.createOrReplace },
  replace: { info2: 0, info3: Info3.replaceOnly },
}

export const TTL_NEVER = MAX_UINT32
/** What `meta.ttl` of a record that never expires is. */
const NEVER = -1
const TTLS: { readonly [name: string]: number } = { default: 0, never: TTL_NEVER, keep: MAX_UINT32 - 1 }

/** The names of all options: the table and the types have the same. */
type OptionName = keyof (OperateOptions & BatchLimits & ReadRowOptions)

const ofCall = (takes: number): Place => ({ scope: 'call', takes })
const ofRow = (takes: number): Place => ({ scope: 'row', takes })
/** How an answer is read is of no concern to the server, nor to other reads. */
const ofAnswer: Place = { scope: 'row', takes: COMMANDS | QUERIES | READING_ROWS | Takes.defaults, divides: false }

const TABLE: { readonly [name in OptionName]: Option } = {
  totalTimeout: whole(ofCall(TIMED | Takes.info), 'totalTimeout', MAX_INT32, ' of milliseconds (0: no limit)'),
  socketTimeout: whole(ofCall(TIMED), 'socketTimeout', MAX_INT32, ' of milliseconds (0: as totalTimeout)'),
  maxRetries: {
    ...ofCall(TIMED),
    divides: true,
    sets: ['maxRetries', 'refusalRetries'],
    expects: 'a whole number from 0 to 65535',
    apply(policy, value) {
      if (!isWhole(value, 0, 65535)) return false
      policy.maxRetries = value
      policy.refusalRetries = Math.min(value, 255)
      return true
    },
  },
  hedge: {
    ...ofCall(Takes.read | Takes.operate | Takes.batchRead | Takes.defaults),
    divides: true,
    sets: ['hedgeBudget', 'hedgeAfter'],
    expects: "false, or { after, budget }: milliseconds from 1 on or 'p95', and a part of all reads from 0.0001 to 1",
    apply(policy, value) {
      if (value === false) {
        policy.hedgeBudget = policy.hedgeAfter = 0
        return true
      }
      if (typeof value !== 'object' || value === null || !isPlain(value)) return false
      const { after = 'p95', budget = 0.05, ...others } = value as Hedge
      if (Object.keys(others).length > 0) return false
      if (after !== 'p95' && !isWhole(after, 1, MAX_INT32)) return false
      if (typeof budget !== 'number' || !(budget >= 0.0001 && budget <= 1)) return false
      policy.hedgeAfter = after === 'p95' ? 0 : after
      policy.hedgeBudget = Math.round(budget * HEDGE_UNITS)
      return true
    },
  },
  sleepBetweenRetries: whole(ofCall(TIMED), 'sleepBetweenRetries', MAX_INT32, ' of milliseconds'),
  replica: named(ofCall(COMMANDS | Takes.query | Takes.defaults), 'replica', ALL, {
    sequence: 0,
    master: 1,
    any: 2,
    preferRack: 3,
  }),
  key: toggle(ofRow(COMMANDS | Takes.defaults), 'sendKey', 'digest', 'send'),
  sendKey: toggle(ofRow(ROWS), 'sendKey', false, true),
  readModeAP: named(ofRow(READS | Takes.defaults), 'info1', Info1.readModeApAll, { one: 0, all: Info1.readModeApAll }),
  readModeSC: named(ofRow(READS | Takes.defaults), 'info3', SC_READ, {
    session: 0,
    linearize: Info3.scReadType,
    allowReplica: Info3.scReadRelax,
    allowUnavailable: SC_READ,
  }),
  readTouchTtlPercent: {
    ...ofRow(READS | Takes.defaults),
    divides: true,
    sets: ['readTouch'],
    expects: "a whole number from 0 (the server's default) to 100, or 'never'",
    apply(policy, value) {
      if (value !== 'never' && !isWhole(value, 0, 100)) return false
      policy.readTouch = value === 'never' ? TTL_NEVER : value
      return true
    },
  },
  integers: named(ofAnswer, 'mode', Mode.bigints | Mode.numbers, {
    auto: 0,
    bigint: Mode.bigints,
    number: Mode.numbers,
  }),
  maps: named(ofAnswer, 'mode', Mode.maps | Mode.objects, { auto: 0, map: Mode.maps, object: Mode.objects }),
  doubles: named(ofAnswer, 'mode', Mode.plainDoubles, { auto: 0, number: Mode.plainDoubles }),
  deserialize: {
    ...ofAnswer,
    divides: false,
    sets: ['mode'],
    expects: 'true or false',
    apply(policy, value) {
      if (typeof value !== 'boolean') return false
      policy.mode = value ? policy.mode & ~Mode.raw : policy.mode | Mode.raw
      return true
    },
  },
  undefined: toggle(
    ofCall((WRITES & ~(Takes.row | Takes.removeRow) & ~REMOVES) | Takes.defaults),
    'omitUndefined',
    'refuse',
    'omit',
  ),
  ttl: {
    ...ofRow(((WRITES | Takes.defaults) & ~REMOVES) | APPLIES | Takes.job),
    divides: true,
    sets: ['ttl'],
    expects: `seconds from 1 to ${MAX_TTL_SECONDS}, 'never' (or -1), 'default' or 'keep'`,
    apply(policy, value) {
      if (isWhole(value, 1, MAX_TTL_SECONDS)) policy.ttl = value
      // As `meta.ttl` says it.
      else if (value === NEVER) policy.ttl = TTL_NEVER
      else if (typeof value === 'string' && Object.hasOwn(TTLS, value)) policy.ttl = TTLS[value] as number
      else return false
      return true
    },
  },
  expiresAt: {
    ...ofRow((WRITES & ~REMOVES) | APPLIES | Takes.job),
    divides: true,
    sets: ['ttl'],
    expects: `a date from now to ${MAX_TTL_SECONDS} seconds on`,
    apply(policy, value) {
      if (!types.isDate(value)) return false
      const seconds = Math.ceil((value.getTime() - unixTime()) / 1000)
      if (!isWhole(seconds, 1, MAX_TTL_SECONDS)) return false
      policy.ttl = seconds
      return true
    },
  },
  generation: {
    ...ofRow(WRITES),
    divides: true,
    sets: ['generation', 'generationGiven'],
    expects: 'a whole number from 0 to 65535',
    apply(policy, value) {
      if (!isWhole(value, 0, 65535)) return false
      policy.generation = value
      policy.generationGiven = true
      return true
    },
  },
  generationMode: named(ofRow(WRITES), 'generationBit', ALL, { equal: Info2.generation, greater: Info2.generationGt }),
  exists: {
    ...ofRow((WRITES | Takes.defaults) & ~REMOVES),
    divides: true,
    sets: ['info2', 'info3'],
    expects: oneOf(Object.keys(EXISTS)),
    apply(policy, value) {
      const wanted = typeof value === 'string' && Object.hasOwn(EXISTS, value) ? EXISTS[value] : undefined
      if (wanted === undefined) return false
      policy.info2 = bits(policy.info2, Info2.createOnly, wanted.info2)
      policy.info3 = bits(policy.info3, EXISTENCE, wanted.info3)
      return true
    },
  },
  durableDelete: flag(ofRow(WRITES | APPLIES | Takes.job | Takes.defaults), 'info2', Info2.durableDelete),
  commit: named(ofRow(WRITES | APPLIES | Takes.defaults), 'info3', Info3.commitLevelMaster, {
    all: 0,
    master: Info3.commitLevelMaster,
  }),
  idempotent: flag(ofCall((WRITES | APPLIES | Takes.defaults) & ~ROWS), 'idempotent', 1),
  inlineMemory: flag(ofCall(BATCHES | Takes.defaults), 'inline', Inline.memory),
  inlineFlash: flag(ofCall(BATCHES | Takes.defaults), 'inline', Inline.flash),
  maxKeysPerRequest: whole(ofCall(BATCHES | Takes.defaults), 'maxKeysPerRequest', MAX_UINT32, ' (0: no limit)'),
  maxResponseBytes: whole(ofCall(BATCHES | Takes.defaults), 'maxResponseBytes', MAX_UINT32, ' of bytes (0: no limit)'),
  maxRequestBytes: whole(ofCall(BATCHES | Takes.defaults), 'maxRequestBytes', MAX_UINT32, ' of bytes (0: no limit)'),
  concurrency: whole(ofCall(BATCHES | QUERIES | Takes.defaults), 'concurrency', 1024, ' (0: as it seems best)'),
  onPartial: named(ofCall(BATCHES | Takes.defaults), 'onPartial', 0x03, {
    return: OnPartial.return,
    throw: OnPartial.throw,
  }),
  filter: {
    ...ofRow(COMMANDS | Takes.query | Takes.job | ROWS),
    divides: true,
    sets: ['filter'],
    expects: 'an expression of type bool',
    apply(policy, value) {
      if (!isFilter(value)) return false
      policy.filter = value
      return true
    },
  },
  transaction: {
    ...ofCall(COMMANDS),
    // Reads of a transaction are not coalesced at all.
    divides: false,
    sets: ['transaction'],
    expects: 'a transaction of beginTransaction',
    apply(policy, value) {
      policy.transaction = membershipOf(value)
      return policy.transaction !== undefined
    },
  },
  signal: {
    ...ofCall(COMMANDS | QUERIES | Takes.job | Takes.info),
    // It is listened to on this side.
    divides: false,
    sets: ['signal'],
    expects: 'an AbortSignal',
    apply(policy, value) {
      if (!isAbortSignal(value)) return false
      policy.signal = value
      return true
    },
  },
}

/** The table. */
export const OPTIONS: { readonly [name: string]: Option } = TABLE

/** The names of the options of a scope. */
export function optionsOf(scope: Option['scope']): readonly string[] {
  return Object.keys(OPTIONS).filter((name) => (OPTIONS[name] as Option).scope === scope)
}

/** The fields of a policy in which coalesced reads that share must agree, by what those that do not agree need. */
export function dividingFields(scope: Option['scope']): readonly (keyof Policy)[] {
  const rows = Object.values(OPTIONS).filter(
    (option) => option.divides && option.scope === scope && (option.takes & Takes.read) !== 0,
  )
  return [...new Set(rows.flatMap(({ sets }) => sets))]
}
