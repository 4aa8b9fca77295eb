// Every option of every call in one table: what it is called, which calls take it, what it may be, and what it does.
// Code, hints for misspelt names and the documentation all come from here.
//
// A Policy is the resolved form: numbers ready for the request. It is made once for the client's defaults; a call
// without options uses that one as it is, a call with options copies it and applies what it names, nothing else.

import { describe, isPlain } from '../checks/check.js'
import { badValue, didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_INT32, MAX_TTL_SECONDS, MAX_UINT32 } from '../limits.js'
import { EXISTENCE, GENERATION, Info1, Info2, Info3, SC_READ } from '../protocol.js'
import { type Exp, isFilter } from '../values/expression.js'
import { Mode } from '../values/unpack.js'

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
/** Calls of functions: what they write is their own business, how it is kept is the caller's. */
const APPLIES = Takes.apply | Takes.batchApply | Takes.applyRow
const COMMANDS = Takes.read | Takes.write | Takes.remove | Takes.operate | Takes.apply | BATCHES
/** Rows of a batch that may be answered with values. */
const READING_ROWS = Takes.readRow | Takes.applyRow
/** What goes over many records that the servers find. */
const QUERIES = Takes.query | Takes.aggregate

/** What a server may do with rows of a batch in its network thread, as bits. */
const Inline = { memory: 0x01, flash: 0x02 } as const

/** The options of a call in the form a request needs. */
export class Policy {
  totalTimeout = 1000
  socketTimeout = 30_000
  sleepBetweenRetries = 0
  maxRetries = 2
  /** How often a batch sends a row again that was turned away for now: `maxRetries` where that is given. */
  refusalRetries = 5
  replica = 0
  idempotent = 0
  sendKey = false
  info1 = 0
  info2 = 0
  info3 = 0
  generation = 0
  generationBit: number = Info2.generation
  generationGiven = false
  ttl = 0
  readTouch = 0
  mode = 0
  signal: AbortSignal | undefined = undefined
  filter: Exp<'bool'> | undefined = undefined
  inline: number = Inline.memory
  maxKeysPerRequest = 0
  maxResponseBytes = 0
  maxRequestBytes = 0
  concurrency = 0
  throwPartial = false
}

/** A policy like `base`, to be changed by one call. */
export function copyPolicy(base: Policy): Policy {
  return Object.assign(new Policy(), base)
}

/** How an option is checked and applied. */
interface Option {
  /** Which calls take it, as bits of {@link Takes}. */
  readonly takes: number
  /** What it may be, in the words of the message when it is not. */
  readonly expects: string
  /** Applies a value, or returns false when it is not acceptable. */
  readonly apply: (policy: Policy, value: unknown) => boolean
}

type NumberField =
  | 'totalTimeout'
  | 'socketTimeout'
  | 'sleepBetweenRetries'
  | 'maxKeysPerRequest'
  | 'maxResponseBytes'
  | 'maxRequestBytes'
  | 'concurrency'

function whole(takes: number, field: NumberField, most: number, unit: string): Option {
  return {
    takes,
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

function choice<const T extends { readonly [name: string]: number }>(
  takes: number,
  names: T,
  set: (policy: Policy, bits: number) => void,
): Option {
  return {
    takes,
    expects: oneOf(Object.keys(names)),
    apply(policy, value) {
      if (typeof value !== 'string' || !Object.hasOwn(names, value)) return false
      set(policy, names[value] as number)
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

function flag(takes: number, set: (policy: Policy, on: boolean) => void): Option {
  return {
    takes,
    expects: 'true or false',
    apply(policy, value) {
      if (typeof value !== 'boolean') return false
      set(policy, value)
      return true
    },
  }
}

/** Replaces the bits in `mask`. */
function bits(old: number, mask: number, value: number): number {
  return (old & ~mask) | value
}

// exists: bits of info2 in the low byte, of info3 in the next (protocol 6.1)
const EXISTS = { createOrUpdate: 0, create: 0x0020, update: 0x0800, createOrReplace: 0x1000, replace: 0x2000 } as const

export const TTL_NEVER = MAX_UINT32
const TTL_KEEP = 0xfffffffe
const TTLS: { readonly [name: string]: number } = { default: 0, never: TTL_NEVER, keep: TTL_KEEP }

/** The table. */
export const OPTIONS: { readonly [name: string]: Option } = {
  totalTimeout: whole(
    COMMANDS | QUERIES | Takes.job | Takes.defaults | Takes.info,
    'totalTimeout',
    MAX_INT32,
    ' of milliseconds (0: no limit)',
  ),
  socketTimeout: whole(
    COMMANDS | QUERIES | Takes.job | Takes.defaults,
    'socketTimeout',
    MAX_INT32,
    ' of milliseconds (0: as totalTimeout)',
  ),
  maxRetries: {
    takes: COMMANDS | QUERIES | Takes.job | Takes.defaults,
    expects: 'a whole number from 0 to 65535',
    apply(policy, value) {
      if (!isWhole(value, 0, 65535)) return false
      policy.maxRetries = value
      policy.refusalRetries = Math.min(value, 255)
      return true
    },
  },
  sleepBetweenRetries: whole(
    COMMANDS | QUERIES | Takes.job | Takes.defaults,
    'sleepBetweenRetries',
    MAX_INT32,
    ' of milliseconds',
  ),
  replica: choice(
    COMMANDS | Takes.query | Takes.defaults,
    { sequence: 0, master: 1, any: 2, preferRack: 3 },
    (policy, value) => {
      policy.replica = value
    },
  ),
  key: choice(COMMANDS | Takes.defaults, { digest: 0, send: 1 }, (policy, value) => {
    policy.sendKey = value === 1
  }),
  sendKey: flag(Takes.row | Takes.removeRow | Takes.readRow | Takes.applyRow, (policy, on) => {
    policy.sendKey = on
  }),
  readModeAP: choice(READS | Takes.defaults, { one: 0, all: Info1.readModeApAll }, (policy, value) => {
    policy.info1 = bits(policy.info1, Info1.readModeApAll, value)
  }),
  readModeSC: choice(
    READS | Takes.defaults,
    { session: 0, linearize: Info3.scReadType, allowReplica: Info3.scReadRelax, allowUnavailable: SC_READ },
    (policy, value) => {
      policy.info3 = bits(policy.info3, SC_READ, value)
    },
  ),
  readTouchTtlPercent: {
    takes: READS | Takes.defaults,
    expects: "a whole number from 0 (the server's default) to 100, or 'never'",
    apply(policy, value) {
      if (value !== 'never' && !isWhole(value, 0, 100)) return false
      policy.readTouch = value === 'never' ? TTL_NEVER : value
      return true
    },
  },
  integers: choice(
    COMMANDS | QUERIES | READING_ROWS | Takes.defaults,
    { auto: 0, bigint: Mode.bigints, number: Mode.numbers },
    (policy, value) => {
      policy.mode = bits(policy.mode, Mode.bigints | Mode.numbers, value)
    },
  ),
  maps: choice(
    COMMANDS | QUERIES | READING_ROWS | Takes.defaults,
    { auto: 0, map: Mode.maps, object: Mode.objects },
    (policy, value) => {
      policy.mode = bits(policy.mode, Mode.maps | Mode.objects, value)
    },
  ),
  doubles: choice(
    COMMANDS | QUERIES | READING_ROWS | Takes.defaults,
    { auto: 0, number: Mode.plainDoubles },
    (policy, value) => {
      policy.mode = bits(policy.mode, Mode.plainDoubles, value)
    },
  ),
  ttl: {
    takes: ((WRITES | Takes.defaults) & ~REMOVES) | APPLIES | Takes.job,
    expects: `seconds from 1 to ${MAX_TTL_SECONDS}, 'never', 'default' or 'keep'`,
    apply(policy, value) {
      if (isWhole(value, 1, MAX_TTL_SECONDS)) policy.ttl = value
      else if (typeof value === 'string' && Object.hasOwn(TTLS, value)) policy.ttl = TTLS[value] as number
      else return false
      return true
    },
  },
  generation: {
    takes: WRITES,
    expects: 'a whole number from 0 to 65535',
    apply(policy, value) {
      if (!isWhole(value, 0, 65535)) return false
      policy.generation = value
      policy.generationGiven = true
      return true
    },
  },
  generationMode: choice(WRITES, { equal: Info2.generation, greater: Info2.generationGt }, (policy, value) => {
    policy.generationBit = value
  }),
  exists: choice((WRITES | Takes.defaults) & ~REMOVES, EXISTS, (policy, value) => {
    policy.info2 = bits(policy.info2, Info2.createOnly, value & 0xff)
    policy.info3 = bits(policy.info3, EXISTENCE, value >>> 8)
  }),
  durableDelete: flag(WRITES | APPLIES | Takes.job | Takes.defaults, (policy, on) => {
    policy.info2 = bits(policy.info2, Info2.durableDelete, on ? Info2.durableDelete : 0)
  }),
  commit: choice(WRITES | APPLIES | Takes.defaults, { all: 0, master: Info3.commitLevelMaster }, (policy, value) => {
    policy.info3 = bits(policy.info3, Info3.commitLevelMaster, value)
  }),
  idempotent: flag(
    (WRITES | APPLIES | Takes.defaults) & ~(Takes.row | Takes.removeRow | Takes.applyRow),
    (policy, on) => {
      policy.idempotent = on ? 1 : 0
    },
  ),
  inlineMemory: flag(BATCHES | Takes.defaults, (policy, on) => {
    policy.inline = bits(policy.inline, Inline.memory, on ? Inline.memory : 0)
  }),
  inlineFlash: flag(BATCHES | Takes.defaults, (policy, on) => {
    policy.inline = bits(policy.inline, Inline.flash, on ? Inline.flash : 0)
  }),
  maxKeysPerRequest: whole(BATCHES | Takes.defaults, 'maxKeysPerRequest', MAX_UINT32, ' (0: no limit)'),
  maxResponseBytes: whole(BATCHES | Takes.defaults, 'maxResponseBytes', MAX_UINT32, ' of bytes (0: no limit)'),
  maxRequestBytes: whole(BATCHES | Takes.defaults, 'maxRequestBytes', MAX_UINT32, ' of bytes (0: no limit)'),
  concurrency: whole(BATCHES | QUERIES | Takes.defaults, 'concurrency', 1024, ' (0: as it seems best)'),
  onPartial: choice(BATCHES | Takes.defaults, { return: 0, throw: 1 }, (policy, value) => {
    policy.throwPartial = value === 1
  }),
  filter: {
    takes: COMMANDS | Takes.query | Takes.job | Takes.row | Takes.removeRow | Takes.readRow | Takes.applyRow,
    expects: 'an expression of type bool',
    apply(policy, value) {
      if (!isFilter(value)) return false
      policy.filter = value
      return true
    },
  },
  signal: {
    takes: COMMANDS | QUERIES | Takes.job | Takes.info,
    expects: 'an AbortSignal',
    apply(policy, value) {
      if (!(value instanceof AbortSignal)) return false
      policy.signal = value
      return true
    },
  },
}

/**
 * `base` with what `options` says, for the calls in `takes`.
 *
 * @param extra names that the call itself reads from the same object, such as `bins` of a batch read
 */
export function applyOptions(
  base: Policy,
  options: unknown,
  takes: number,
  verb: string,
  extra?: readonly string[],
): Policy {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`${verb}: options must be a plain object, not ${describe(options)}`)
  }
  const policy = copyPolicy(base)
  for (const name of Object.keys(options)) {
    if (extra?.includes(name) === true) continue
    const value = (options as { [name: string]: unknown })[name]
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    if (option === undefined || (option.takes & takes) === 0)
      throw unknownOption(name, takes, verb, option !== undefined, extra)
    // A value that is undefined is an option that was not given: { signal: maybeSignal }.
    if (value !== undefined && !option.apply(policy, value)) throw badValue(verb, name, option.expects, value)
  }
  if (policy.generationGiven) policy.info2 = bits(policy.info2, GENERATION, policy.generationBit)
  return policy
}

/** The socket timeout of a call: it never outlasts the call. The policy keeps its own, for calls with another total. */
export function socketTimeoutOf({ socketTimeout, totalTimeout }: Policy): number {
  return totalTimeout > 0 && (socketTimeout === 0 || socketTimeout > totalTimeout) ? totalTimeout : socketTimeout
}

function unknownOption(
  name: string,
  takes: number,
  verb: string,
  elsewhere: boolean,
  extra: readonly string[] = [],
): InvalidArgumentError {
  if (elsewhere) return new InvalidArgumentError(`${verb}: option '${name}' does not apply to this call`)
  const names = [...extra, ...Object.keys(OPTIONS).filter((known) => ((OPTIONS[known] as Option).takes & takes) !== 0)]
  return new InvalidArgumentError(`${verb}: there is no option '${name}'${didYouMean(name, names)}`)
}

/** The policies of a client: what a call uses that gives no options. */
export interface Policies {
  readonly read: Policy
  readonly write: Policy
  readonly remove: Policy
  readonly batchRead: Policy
  readonly batchWrite: Policy
  readonly query: Policy
  /** The defaults as they were given. */
  readonly given: { readonly batch: { readonly [name: string]: unknown } }
}

/** The groups of `connect({ defaults })`. */
const GROUPS = ['read', 'write', 'batch', 'query']

/** What a client does that was given no defaults. */
function standardPolicies(): Policies {
  const read = new Policy()
  const write = copyPolicy(read)
  // A write may have happened although it failed; trying again is the caller's decision.
  write.maxRetries = 0
  const query = copyPolicy(read)
  // How long a query takes is a matter of how much there is; that it is not stuck, the socket timeout sees to.
  query.totalTimeout = 0
  query.maxRetries = 5
  return { read, write, remove: removalOf(write), batchRead: read, batchWrite: write, query, given: { batch: {} } }
}

/** The policy of removals: that of writes, without what means nothing to a removal. */
function removalOf(write: Policy): Policy {
  const remove = copyPolicy(write)
  remove.ttl = 0
  remove.info2 &= ~Info2.createOnly
  remove.info3 &= ~EXISTENCE
  return remove
}

/**
 * Resolves `defaults` of `connect` or `client.with`: its groups, over what holds without them.
 *
 * @param verb the call that they were given to
 */
export function resolveDefaults(defaults: unknown, verb = 'connect', base: Policies = standardPolicies()): Policies {
  const groups = (defaults ?? {}) as { [group: string]: unknown }
  if (typeof groups !== 'object' || !isPlain(groups)) {
    throw new InvalidArgumentError(`${verb}: option 'defaults' must be a plain object, not ${describe(defaults)}`)
  }
  for (const name of Object.keys(groups)) {
    if (!GROUPS.includes(name)) {
      throw new InvalidArgumentError(`${verb}: there is no group '${name}' of defaults${didYouMean(name, GROUPS)}`)
    }
  }
  const group = (policy: Policy, name: string): Policy =>
    applyOptions(policy, groups[name] ?? {}, Takes.defaults, `${verb}: defaults.${name}`)
  const write = group(base.write, 'write')
  return {
    read: group(base.read, 'read'),
    write,
    remove: removalOf(write),
    batchRead: group(base.batchRead, 'batch'),
    batchWrite: group(base.batchWrite, 'batch'),
    query: group(base.query, 'query'),
    given: { batch: { ...base.given.batch, ...(groups.batch as object | undefined) } },
  }
}
