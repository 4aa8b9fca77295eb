// Turns what the caller gives to a batch (keys, rows, options) into a BatchRequest. Everything is checked; rows that ask the
// same share a spec.

import { describe, isPlain, type Where } from '../checks/check.js'
import { didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import type { Key } from '../key.js'
import { Needs, type Operation } from '../operations/operation.js'
import { applyOptions } from '../options/apply.js'
import { copyPolicy, Policy } from '../options/policy.js'
import { Info1, Info2, SC_READ } from '../protocol.js'
import { keyList } from '../records/key-list.js'
import {
  applyCommand,
  type Command,
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
import { encodeBins } from '../values/codecs.js'
import { Mode } from '../values/unpack.js'
import { type Common, KINDS, type RowKind, UDF_FIELDS } from './kinds.js'
import { BatchRequest, type Said, Spec, writes } from './request.js'
import { decodeRow, isUnprocessed, originsOf } from './unprocessed.js'

/** The rows of a batch. */
export function rowsOf(rows: unknown, verb: string): readonly unknown[] {
  if (Array.isArray(rows)) return rows
  throw new InvalidArgumentError(`${verb}: expected a list of keys or rows, not ${describe(rows)}`)
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
  #origins: number[] | undefined

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

  /** Says where the row that is added next was in the batch it was first a row of. */
  setOrigin(origin: unknown, where: Where): void {
    if (typeof origin !== 'number' || !Number.isSafeInteger(origin) || origin < 0) {
      throw new InvalidArgumentError(`${where}: origin must be a whole number from 0, not ${describe(origin)}`)
    }
    this.#origins ??= []
    this.#origins[this.keys.length] = origin
  }

  request(verb: string, policy: Policy, inputs: readonly unknown[], said: Said): BatchRequest {
    const { keys, specs } = this
    const specOf = specs.length <= 1 ? undefined : Uint32Array.from(this.#specOf)
    const origins = this.#origins && keys.map((_, row) => this.#origins?.[row] ?? row)
    return new BatchRequest(verb, policy, specs.some(writes), keyList(keys), inputs, specs, specOf, origins, 0, said)
  }
}

/** Whether a batch, by the looks of its rows, changes records: what its retries go by. */
export function mayWrite(rows: readonly unknown[], kind: RowKind | undefined): boolean {
  if (kind !== undefined) return kind !== 'read'
  return rows.some((row) => !Array.isArray(row) && (row as { type?: unknown } | null)?.type !== 'read')
}

/** A batch: keys or rows, each of the common kind or of its own. */
export function planBatch(verb: string, rows: readonly unknown[], given: Policy, said: Said): BatchRequest {
  const { common } = said
  const policy = masterFirst(given, rows, common.kind)
  // Of keys alone there is nothing to say one by one.
  if (common.kind !== undefined && common.kind !== 'write' && rows.every(Array.isArray)) {
    const spec = specOf(common.kind, verb, policy, common)
    const keys = keyList(rows as unknown as Key[])
    return new BatchRequest(verb, policy, writes(spec), keys, rows.slice(), [spec], undefined, originsOf(rows), 0, said)
  }
  const plan = new Plan()
  const shared = new Map<RowKind, Spec>()
  const sharedSpec = (kind: RowKind, where: Where): Spec => {
    const spec = shared.get(kind) ?? specOf(kind, where, policy, common)
    shared.set(kind, spec)
    return spec
  }
  const writing = writeCommand(policy, Info2.write | Info2.respondAllOps)
  const where = new RowPlace(verb)
  rows.forEach((row, i) => {
    where.row = i
    if (Array.isArray(row) && common.kind !== 'write') {
      const spec = sharedSpec(common.kind ?? 'read', verb)
      plan.add(row as unknown as Key, spec, () => spec)
      return
    }
    const fields = rowFields(row, where)
    const kind = kindOf(fields, where, verb, common.kind)
    const isAgain = isUnprocessed(fields)
    if (isAgain) plan.setOrigin(fields.origin, where)
    // A row that is sent again has all that made it, so nothing said about the other rows holds for it.
    const rowPolicy = rowPolicyOf(isAgain ? NOTHING_SAID : policy, fields, where, kind)
    const key = fields.key as Key
    if (kind === 'read' && rowPolicy === policy) {
      const own = fields.ops ?? fields.bins
      if (own === undefined) {
        const spec = sharedSpec('read', where)
        plan.add(key, spec, () => spec)
      } else plan.add(key, own, () => specOf(kind, where, policy, fields))
    } else if (kind === 'operate' && rowPolicy === policy) {
      const ops = fields.ops ?? common.ops
      plan.add(key, ops, () => specOf(kind, where, policy, { ops }))
    } else {
      // A row without a filter of its own has the batch's, which is written once for all of them.
      const filter = fields.filter === undefined ? undefined : rowPolicy.filter
      const what = isAgain ? (fields as object) : withCommon(kind, fields, common)
      plan.addSingle(key, specOf(kind, where, rowPolicy, what, rowPolicy === policy ? writing : undefined), filter)
    }
  })
  return plan.request(verb, policy, rows.slice(), said)
}

/** The policy of rows that say everything themselves. */
const NOTHING_SAID = new Policy()

/** Rows of one record keep their order at the master only: what reads and writes does not go to other copies by choice. */
function masterFirst(policy: Policy, rows: readonly unknown[], kind: RowKind | undefined): Policy {
  const byChoice = policy.replica > 1
  if (kind !== undefined || !byChoice || !mayWrite(rows, kind)) return policy
  const copy = copyPolicy(policy)
  copy.replica = 0
  return copy
}

/** A row with what its batch says for rows that do not say it themselves. */
function withCommon(kind: RowKind, fields: { readonly [name: string]: unknown }, common: Common): Omit<Common, 'kind'> {
  switch (kind) {
    case 'read':
      return fields.bins === undefined && fields.ops === undefined ? common : fields
    case 'operate':
      return { ops: fields.ops ?? common.ops }
    case 'apply':
      return { ...callOf(common), ...callOf(fields) }
    default:
      return fields
  }
}

/** The fields of a row or batch that name a function, as far as they are given. */
function callOf(said: { readonly [name: string]: unknown } | Common): Common {
  const all = said as { readonly [name: string]: unknown }
  return Object.fromEntries(
    UDF_FIELDS.filter((name) => all[name] !== undefined).map((name) => [name, all[name]]),
  ) as never
}

/** The batches of one kind, for messages. */
const VERBS: { readonly [kind in RowKind]: string } = {
  read: 'batchRead',
  write: 'batchWrite',
  operate: 'batchOperate',
  remove: 'batchRemove',
  apply: 'batchApply',
}

/** The kind of a row: that of all rows, which it may repeat, or its own where the batch has all kinds. */
function kindOf(
  { type }: { readonly [name: string]: unknown },
  where: Where,
  verb: string,
  common: RowKind | undefined,
): RowKind {
  if (common !== undefined && (type === undefined || type === common)) return common
  if (typeof type === 'string' && Object.hasOwn(KINDS, type)) {
    if (common === undefined) return type as RowKind
    throw new InvalidArgumentError(
      `${where} is of type '${type}', which ${verb} does not do: hand them to ${VERBS[type as RowKind]} or batch`,
    )
  }
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
): Policy {
  const { fields: own, takes } = KINDS[kind]
  for (const name of Object.keys(fields)) {
    if (own.includes(name) || OF_EVERY_ROW.includes(name)) continue
    return applyOptions(policy, fields, takes, String(where), [...own, ...OF_EVERY_ROW])
  }
  return policy
}

/** Fields that rows of all kinds may have: what they do, and what rows have that are sent again. */
const OF_EVERY_ROW = ['type', 'origin', 'encoded', 'call']

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
  const command = writing ?? writeCommand(policy, Info2.write | Info2.respondAllOps)
  const { codecs } = policy
  const stored = codecs === undefined || !isObject(bins) ? bins : encodeBins(codecs, bins)
  return new Spec(command, writeBins, stored, policy.sendKey, policy.mode | Mode.operations)
}

/** Whether bins are worth translating; what they are not is said where they are written. */
function isObject(bins: unknown): bins is { [bin: string]: unknown } {
  return typeof bins === 'object' && bins !== null && !Array.isArray(bins)
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
    return new Spec(readCommand(policy, Info1.read | Info1.getAll), writeNothing, undefined, sendKey, mode)
  }
  if (!Array.isArray(bins))
    throw new InvalidArgumentError(`${where}: bins must be a list of bin names, not ${describe(bins)}`)
  if (bins.length === 0) {
    return new Spec(readCommand(policy, Info1.read | Info1.getNoBins), writeNothing, undefined, sendKey, mode)
  }
  const command = readCommand(policy, Info1.read)
  const reads = readsOf(bins, String(where))
  if (!(reads instanceof Projection)) return new Spec(command, writeReads, reads, sendKey, mode)
  return new Spec(command, Projection.write, reads, sendKey, mode | Mode.operations, reads)
}

function operationSpec(where: Where, policy: Policy, ops: unknown): Spec {
  const writes = (needsOf(ops, where) & Needs.write) !== 0
  const command = writes ? writeCommand(policy, Info2.write | Info2.respondAllOps) : readCommand(policy, 0)
  if (writes) {
    command.info1 |= policy.info1
    command.info3 |= policy.info3 & SC_READ
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
  command.info2 |= Info2.respondAllOps
  return new Spec(command, writeNothing, undefined, policy.sendKey, policy.mode)
}

/** A copy of a row object: a getter in it runs once. */
function rowFields(row: unknown, where: Where): { readonly [name: string]: unknown } {
  if (typeof row !== 'object' || row === null || !isPlain(row)) {
    throw new InvalidArgumentError(`${where}: expected a key or a row object, not ${describe(row)}`)
  }
  return decodeRow({ ...row } as { [name: string]: unknown }, where)
}
