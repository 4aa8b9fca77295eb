// From what the caller gives a batch (keys, rows, options) to a BatchRequest: checked, and with equal rows sharing a spec.

import { describe, isPlain, type Where } from '../checks/check.js'
import { didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import type { Key } from '../key.js'
import { Needs, type Operation } from '../operations/operation.js'
import { applyOptions, copyPolicy, type Policy, Takes } from '../options/policy.js'
import { keyList } from '../records/key-list.js'
import {
  applyCommand,
  type Command,
  Info1,
  Info2,
  needsOf,
  readCommand,
  removeCommand,
  writeBins,
  writeCommand,
  writeNothing,
  writeOperations,
  writeReads,
} from '../requests/command.js'
import { Projection, readsOf } from '../requests/projection.js'
import { UdfCall } from '../requests/udf-call.js'
import { Mode } from '../values/unpack.js'
import { BatchRequest, Spec, writes } from './request.js'
import { ORIGIN } from './results.js'

/** The rows of a batch as they came, or the request they came from when they are another batch's unprocessed rows. */
export function rowsOf(rows: unknown, verb: string): readonly unknown[] | BatchRequest {
  if (!Array.isArray(rows))
    throw new InvalidArgumentError(`${verb}: expected a list of keys or rows, not ${describe(rows)}`)
  return (rows as { [ORIGIN]?: BatchRequest })[ORIGIN] ?? rows
}

/** Options that say how a batch goes about it, not what is done with its rows. */
const OF_THE_CALL = new Set([
  'totalTimeout',
  'socketTimeout',
  'maxRetries',
  'sleepBetweenRetries',
  'idempotent',
  'signal',
  'inlineMemory',
  'inlineFlash',
  'maxKeysPerRequest',
  'maxResponseBytes',
  'maxRequestBytes',
  'concurrency',
  'onPartial',
])

/**
 * Another batch's unprocessed rows as a request again, with its options, and over them what `options` says for the call.
 * Undefined when the options say something else, and the rows have to be read as rows.
 */
export function continued(
  origin: BatchRequest,
  verb: string,
  options: unknown,
  takes: number,
): BatchRequest | undefined {
  if (origin.verb !== verb && verb !== 'batch') {
    throw new InvalidArgumentError(
      `${verb}: these are unprocessed rows of a ${origin.verb}; hand them to ${origin.verb} or batch`,
    )
  }
  if (options === undefined) return origin
  if (typeof options !== 'object' || options === null || !isPlain(options)) return undefined
  if (Object.keys(options).every((name) => OF_THE_CALL.has(name))) {
    return origin.under(applyOptions(origin.policy, options, takes, verb))
  }
  if (origin.verb === verb) return undefined
  throw new InvalidArgumentError(`${verb}: unprocessed rows of a ${origin.verb} keep what it did with them`)
}

/** The row that is looked at, for messages: its text is made only when there is one. */
class RowPlace implements Where {
  readonly #verb: string
  row = 0

  constructor(verb: string) {
    this.#verb = verb
  }

  toString(): string {
    return `${this.#verb}: rows[${this.row}]`
  }
}

/** Collects rows and the specs they share. */
class Plan {
  readonly keys: Key[] = []
  readonly specs: Spec[] = []
  readonly #specOf: number[] = []
  readonly #known = new Map<unknown, number>()

  /** Adds a row whose spec is that of earlier rows with the same `identity`. */
  add(key: Key, identity: unknown, make: () => Spec): void {
    let number = this.#known.get(identity)
    if (number === undefined) {
      number = this.specs.push(make()) - 1
      this.#known.set(identity, number)
    }
    this.keys.push(key)
    this.#specOf.push(number)
  }

  /** Adds a row with a spec, and maybe a filter, of its own. */
  addSingle(key: Key, spec: Spec, filter: Spec['filter']): void {
    this.#specOf.push(this.specs.push(spec.of(this.keys.length, filter)) - 1)
    this.keys.push(key)
  }

  request(verb: string, policy: Policy, inputs: readonly unknown[]): BatchRequest {
    const specOf = this.specs.length <= 1 ? undefined : Uint32Array.from(this.#specOf)
    return new BatchRequest(verb, policy, this.specs.some(writes), keyList(this.keys), inputs, this.specs, specOf)
  }
}

/** The kinds of rows. */
export type RowKind = 'read' | 'write' | 'operate' | 'remove' | 'apply'

interface Kind {
  /** The fields of a row that its policy does not read. */
  readonly fields: readonly string[]
  /** The options it may have, as bits of {@link Takes}. */
  readonly takes: number
}

/** The fields of a row that name a function; a row that has none of them shares the call of the batch. */
const UDF_FIELDS = ['module', 'function', 'args'] as const

const KINDS: { readonly [kind in RowKind]: Kind } = {
  read: { fields: ['key', 'bins', 'ops'], takes: Takes.readRow },
  write: { fields: ['key', 'bins', 'ops'], takes: Takes.row },
  operate: { fields: ['key', 'ops'], takes: Takes.row | Takes.readRow },
  remove: { fields: ['key'], takes: Takes.removeRow },
  apply: { fields: ['key', ...UDF_FIELDS], takes: Takes.applyRow },
}

/** What holds for the rows of a batch that do not say otherwise. */
export interface Common {
  /** The kind of all rows; undefined when each says it itself. */
  readonly kind: RowKind | undefined
  readonly bins?: unknown
  readonly ops?: unknown
  readonly module?: unknown
  readonly function?: unknown
  readonly args?: unknown
}

/** Whether a batch, by the looks of its rows, changes records: what its retries go by. */
export function mayWrite(rows: readonly unknown[], kind: RowKind | undefined): boolean {
  if (kind !== undefined) return kind !== 'read'
  return rows.some((row) => !Array.isArray(row) && (row as { type?: unknown } | null)?.type !== 'read')
}

/** A batch: keys or rows, each of the common kind or of its own. */
export function planBatch(verb: string, rows: readonly unknown[], common: Common, given: Policy): BatchRequest {
  const policy = masterFirst(given, rows, common.kind)
  // Of keys alone there is nothing to say one by one.
  if (common.kind !== undefined && common.kind !== 'write' && rows.every(Array.isArray)) {
    const spec = specOf(common.kind, verb, policy, common)
    const keys = keyList(rows as unknown as Key[])
    return new BatchRequest(verb, policy, writes(spec), keys, rows.slice(), [spec], undefined)
  }
  const plan = new Plan()
  const shared = new Map<RowKind, Spec>()
  const sharedSpec = (kind: RowKind, where: Where): Spec => {
    const spec = shared.get(kind) ?? specOf(kind, where, policy, common)
    shared.set(kind, spec)
    return spec
  }
  const writing = writeCommand(policy, Info2.write | Info2.allAnswers)
  const where = new RowPlace(verb)
  rows.forEach((row, i) => {
    where.row = i
    if (Array.isArray(row) && common.kind !== 'write') {
      const spec = sharedSpec(common.kind ?? 'read', verb)
      plan.add(row as unknown as Key, spec, () => spec)
      return
    }
    const fields = rowFields(row, where)
    const kind = common.kind ?? kindOf(fields, where)
    const rowPolicy = rowPolicyOf(policy, fields, where, kind, common.kind === undefined)
    const key = fields.key as Key
    if (kind === 'read' && rowPolicy === policy) {
      const own = fields.ops ?? fields.bins
      if (own === undefined) {
        const spec = sharedSpec('read', where)
        plan.add(key, spec, () => spec)
      } else plan.add(key, own, () => specOf(kind, where, policy, fields))
    } else if (kind === 'operate' && rowPolicy === policy) {
      plan.add(key, fields.ops, () => specOf(kind, where, policy, fields))
    } else {
      // A row without a filter of its own has the batch's, which is written once for all of them.
      const filter = fields.filter === undefined ? undefined : rowPolicy.filter
      const what = kind === 'apply' ? { ...callOf(common), ...callOf(fields) } : fields
      plan.addSingle(key, specOf(kind, where, rowPolicy, what, rowPolicy === policy ? writing : undefined), filter)
    }
  })
  return plan.request(verb, policy, rows.slice())
}

/** Rows of one record keep their order at the master only: what reads and writes does not go to other copies by choice. */
function masterFirst(policy: Policy, rows: readonly unknown[], kind: RowKind | undefined): Policy {
  const byChoice = policy.replica > 1
  if (kind !== undefined || !byChoice || !mayWrite(rows, kind)) return policy
  const copy = copyPolicy(policy)
  copy.replica = 0
  return copy
}

/** What is said of a function, without what is left out. */
function callOf(said: { readonly [name: string]: unknown } | Common): Common {
  const all = said as { readonly [name: string]: unknown }
  return Object.fromEntries(
    UDF_FIELDS.filter((name) => all[name] !== undefined).map((name) => [name, all[name]]),
  ) as never
}

function kindOf(fields: { readonly [name: string]: unknown }, where: Where): RowKind {
  const type = fields.type
  if (typeof type === 'string' && Object.hasOwn(KINDS, type)) return type as RowKind
  const hint = typeof type === 'string' ? didYouMean(type, Object.keys(KINDS)) : ''
  throw new InvalidArgumentError(
    `${where}: type must be 'read', 'write', 'operate', 'remove' or 'apply', not ${describe(type)}${hint}`,
  )
}

/** A row's options; most rows have none, and share the batch's policy. */
function rowPolicyOf(
  policy: Policy,
  fields: { readonly [name: string]: unknown },
  where: Where,
  kind: RowKind,
  mixed: boolean,
): Policy {
  const { fields: own, takes } = KINDS[kind]
  for (const name of Object.keys(fields)) {
    if (own.includes(name) || (mixed && name === 'type')) continue
    return applyOptions(policy, fields, takes, String(where), mixed ? [...own, 'type'] : own)
  }
  return policy
}

/**
 * What is done with a row, or with all rows that say nothing of their own. `writing` is the command of a write under this
 * policy, when there is one already.
 */
function specOf(kind: RowKind, where: Where, policy: Policy, fields: Omit<Common, 'kind'>, writing?: Command): Spec {
  const { bins, ops } = fields
  switch (kind) {
    case 'read':
      if (bins !== undefined && ops !== undefined) throw new InvalidArgumentError(`${where} has both bins and ops`)
      return readSpec(where, policy, bins, ops)
    case 'operate':
      return operationSpec(where, policy, ops)
    case 'apply':
      return applySpec(policy, new UdfCall(String(where), fields.module, fields.function, fields.args))
    case 'remove':
      return removeSpec(policy)
    case 'write':
      if ((bins === undefined) === (ops === undefined)) {
        throw new InvalidArgumentError(`${where} must have either bins or ops`)
      }
      return ops === undefined ? writeSpec(policy, bins, writing) : operationSpec(where, policy, ops)
  }
}

function writeSpec(policy: Policy, bins: unknown, writing: Command | undefined): Spec {
  const command = writing ?? writeCommand(policy, Info2.write | Info2.allAnswers)
  return new Spec(command, writeBins, bins, policy.sendKey, policy.mode | Mode.operations)
}

function readSpec(where: Where, policy: Policy, bins: unknown, ops: unknown): Spec {
  const { sendKey, mode } = policy
  if (ops !== undefined) {
    if ((needsOf(ops, where) & Needs.write) !== 0) {
      throw new InvalidArgumentError(`${where}: the operations of a batch read must not write; use batchOperate`)
    }
    return new Spec(readCommand(policy, 0), writeOperations, ops, sendKey, mode | Mode.operations)
  }
  if (bins === undefined) {
    return new Spec(readCommand(policy, Info1.read | Info1.allBins), writeNothing, undefined, sendKey, mode)
  }
  if (!Array.isArray(bins))
    throw new InvalidArgumentError(`${where}: bins must be a list of bin names, not ${describe(bins)}`)
  if (bins.length === 0) {
    return new Spec(readCommand(policy, Info1.read | Info1.noBins), writeNothing, undefined, sendKey, mode)
  }
  const command = readCommand(policy, Info1.read)
  const reads = readsOf(bins, String(where))
  if (!(reads instanceof Projection)) return new Spec(command, writeReads, reads, sendKey, mode)
  return new Spec(command, Projection.write, reads, sendKey, mode | Mode.operations, reads)
}

function operationSpec(where: Where, policy: Policy, ops: unknown): Spec {
  const writes = (needsOf(ops, where) & Needs.write) !== 0
  const command = writes ? writeCommand(policy, Info2.write | Info2.allAnswers) : readCommand(policy, 0)
  if (writes) {
    command.info1 |= policy.info1
    command.info3 |= policy.info3 & 0xc0
  }
  const operations = [...(ops as readonly Operation[])]
  return new Spec(command, writeOperations, operations, policy.sendKey, policy.mode | Mode.operations)
}

function applySpec(policy: Policy, udf: UdfCall): Spec {
  const command = applyCommand(policy, udf)
  return new Spec(command, writeNothing, undefined, policy.sendKey, policy.mode)
}

function removeSpec(policy: Policy): Spec {
  const command = removeCommand(policy)
  command.info2 |= Info2.allAnswers
  return new Spec(command, writeNothing, undefined, policy.sendKey, policy.mode)
}

/** A copy of a row object: a getter in it runs once. */
function rowFields(row: unknown, where: Where): { readonly [name: string]: unknown } {
  if (typeof row !== 'object' || row === null || !isPlain(row)) {
    throw new InvalidArgumentError(`${where}: expected a key or a row object, not ${describe(row)}`)
  }
  return { ...row } as { [name: string]: unknown }
}
