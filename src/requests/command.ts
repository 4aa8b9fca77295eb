// Commands on one record, byte by byte as docs/internal/boundary.md has them: flags, fields and operations.

import { closeEntry, openEntry } from '../boundary/entry.js'
import { EntryKind, Size } from '../boundary/layout.js'
import { describe, isPlain, type Where } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import type { Key } from '../key.js'
import { MAX_OPS } from '../limits.js'
import { Needs, type Operation, Operation as OperationClass } from '../operations/operation.js'
import type { Policy } from '../options/policy.js'
import { EXISTENCE, FieldType, GENERATION, Info1, Info2, Info3, OpCode, REPLACING, SC_READ } from '../protocol.js'
import { writeKey } from '../records/key-encoding.js'
import type { Exp } from '../values/expression.js'
import { namesOf } from '../values/pack.js'
import { writeBareOp, writeBin } from '../values/write-particle.js'
import type { Writer } from '../values/writer.js'
import { UDF_FIELDS, type UdfCall } from './udf-call.js'

/** Leaves room for the command block, which record commands and batch specs share, and returns where it is. */
export function openCommand(w: Writer): number {
  const at = w.at
  w.reserve(Size.command)
  w.at = at + Size.command
  return at
}

/** What a command is besides its operations. */
export interface Command {
  info1: number
  info2: number
  info3: number
  generation: number
  ttl: number
  /** The function that is called in place of operations. */
  udf?: UdfCall
}

/** The fields of a command: how many there are, and how many bytes. */
interface Fields {
  readonly count: number
  readonly bytes: number
}

const NO_FIELDS: Fields = { count: 0, bytes: 0 }

/** Writes the fields of a command, which stand in front of its operations. */
export function writeFields(w: Writer, filter: Exp<'bool'> | undefined, udf: UdfCall | undefined): Fields {
  if (filter === undefined && udf === undefined) return NO_FIELDS
  const start = w.at
  if (filter !== undefined) {
    w.u32(filter.bytes.length + 1)
    w.u8(FieldType.filter)
    w.raw(filter.bytes)
  }
  if (udf !== undefined) w.raw(udf.bytes)
  return { count: (filter === undefined ? 0 : 1) + (udf === undefined ? 0 : UDF_FIELDS), bytes: w.at - start }
}

/**
 * Fills in a command block whose operations, `count` of them, take up everything from `operations` to the cursor, after
 * its fields.
 */
export function closeCommand(
  w: Writer,
  at: number,
  command: Command,
  count: number,
  operations: number,
  fields: Fields,
): void {
  if (count > MAX_OPS) {
    throw new InvalidArgumentError(`a command has at most ${MAX_OPS} operations or bins, not ${count}`)
  }
  if ((command.info3 & REPLACING) !== 0) checkReplacing(w, command.info3, count, operations)
  const bytes = w.bytes
  bytes[at] = command.info1
  bytes[at + 1] = command.info2
  bytes[at + 2] = command.info3
  bytes[at + 3] = 0
  w.patchU32LE(at + 4, command.generation)
  w.patchU32LE(at + 8, command.ttl)
  w.patchU16LE(at + 12, fields.count)
  w.patchU16LE(at + 14, count)
  w.patchU32LE(at + 16, fields.bytes)
  w.patchU32LE(at + 20, w.at - operations)
}

/** What builds on the bins that a record has, and therefore cannot go with replacing it: by the code of the operation. */
const BUILDING: { readonly [code: number]: string } = {
  [OpCode.cdtModify]: 'a change of a list or map',
  [OpCode.increment]: 'an increment',
  [OpCode.append]: 'an append',
  [OpCode.prepend]: 'a prepend',
  [OpCode.touch]: 'a touch',
  [OpCode.bitsModify]: 'a change of bits',
  [OpCode.deleteAll]: 'the removal of the record',
  [OpCode.hllModify]: 'a change of a HyperLogLog',
}

/** Refuses what every server refuses with a bare code 4 where a record is replaced (protocol 4.2). */
function checkReplacing(w: Writer, info3: number, count: number, operations: number): void {
  let at = operations
  for (let i = 0; i < count; i++) {
    const code = w.bytes[at + 4] as number
    const isRemoval = code === OpCode.write && w.bytes[at + 5] === 0
    const building = isRemoval ? 'the removal of a bin' : BUILDING[code]
    if (building !== undefined) {
      const exists = (info3 & Info3.replaceOnly) !== 0 ? 'replace' : 'createOrReplace'
      throw new InvalidArgumentError(
        `option exists: '${exists}' does not go with ${building}: a record is replaced by bins that are written whole`,
      )
    }
    at +=
      4 +
      (((w.bytes[at] as number) << 24) |
        ((w.bytes[at + 1] as number) << 16) |
        ((w.bytes[at + 2] as number) << 8) |
        (w.bytes[at + 3] as number))
  }
}

/** A read as the policy has it. */
export function readCommand(policy: Policy, info1: number): Command {
  return { info1: info1 | policy.info1, info2: 0, info3: policy.info3 & SC_READ, generation: 0, ttl: policy.readTouch }
}

/** A write as the policy has it. */
export function writeCommand(policy: Policy, info2: number): Command {
  return {
    info1: 0,
    info2: info2 | policy.info2,
    info3: policy.info3 & (Info3.commitLevelMaster | EXISTENCE),
    generation: policy.generationGiven ? policy.generation : 0,
    ttl: policy.ttl,
  }
}

/** A deletion: expiry and existence mean nothing to it. */
export function removeCommand(policy: Policy): Command {
  const command = writeCommand(policy, Info2.write | Info2.delete)
  command.info2 &= ~Info2.createOnly
  command.info3 &= Info3.commitLevelMaster
  command.ttl = 0
  return command
}

/** A call of a function: only it decides about existence and generations, and servers refuse conditions on them. */
export function applyCommand(policy: Policy, udf: UdfCall): Command {
  const command = writeCommand(policy, Info2.write)
  command.info2 &= ~(GENERATION | Info2.createOnly)
  command.info3 &= Info3.commitLevelMaster
  command.generation = 0
  command.udf = udf
  return command
}

/** The whole entry of a command on one record. `body` writes the operations and returns their number. */
export function writeRecordEntry<T>(
  w: Writer,
  ticket: number,
  key: Key,
  policy: Policy,
  command: Command,
  body: (w: Writer, argument: T, command: Command) => number,
  argument: T,
): number {
  const start = openEntry(w, ticket, EntryKind.record, policy)
  const block = openCommand(w)
  writeKey(w, key, policy.sendKey)
  const fields = writeFields(w, policy.filter, command.udf)
  const operations = w.at
  const count = body(w, argument, command)
  closeCommand(w, block, command, count, operations, fields)
  closeEntry(w, start, policy)
  return start
}

/** Body of commands without operations. */
export function writeNothing(): number {
  return 0
}

/** Body of `select`: a read of each bin. */
export function writeReads(w: Writer, names: readonly unknown[]): number {
  for (const name of names) writeBareOp(w, OpCode.read, binName(name))
  return names.length
}

/**
 * Body of `put`: a write of each bin. Where the record is replaced, a null removes nothing that would stay: it is left out,
 * since servers refuse a removal then.
 */
export function writeBins(w: Writer, bins: unknown, command: Command): number {
  if (typeof bins !== 'object' || bins === null || !isPlain(bins)) {
    throw new InvalidArgumentError(`bins must be a plain object of values by bin name, not ${describe(bins)}`)
  }
  const values = bins as { [name: string]: unknown }
  const replaces = (command.info3 & REPLACING) !== 0
  let names = namesOf(w, bins)
  if (names.length === 0) throw new InvalidArgumentError('bins is empty: there is nothing to write')
  if (replaces && names.some((name) => values[name] === null)) {
    names = names.filter((name) => values[name] !== null)
    if (names.length === 0) {
      throw new InvalidArgumentError('bins has only null: a record cannot be replaced by nothing; remove it instead')
    }
  }
  w.begin('bins')
  w.depth = 1
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    w.path[1] = name
    writeBin(w, OpCode.write, name, values[name])
  }
  return names.length
}

/** Body of `removeBin`: a null write of each bin. */
export function writeRemovals(w: Writer, names: readonly unknown[]): number {
  for (const name of names) writeBareOp(w, OpCode.write, binName(name))
  return names.length
}

/** One operation with a value on one bin: append, prepend, increment. */
export function writeOne(w: Writer, operation: Operation): number {
  w.begin('value')
  operation.write(w)
  return 1
}

/** Body of `operate`: the operations in order. Sets the flags they need. */
export function writeOperations(w: Writer, operations: readonly unknown[], command: Command): number {
  let needs = 0
  let count = 0
  w.begin('operations')
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i]
    if (!(operation instanceof OperationClass)) {
      throw new InvalidArgumentError(
        `operations[${i}] must be an operation such as op.read('name'), not ${describe(operation)}`,
      )
    }
    needs |= operation.needs
    if ((operation.needs & Needs.metaOnly) !== 0) continue
    w.depth = 1
    w.path[1] = i
    operation.write(w)
    count++
  }
  if ((needs & Needs.allBins) !== 0 && (command.info2 & Info2.write) !== 0) checkReadAll(operations as Operation[])
  applyNeeds(command, needs, count)
  return count
}

/** Refuses what every server refuses with a bare code 4: answers beside all bins, in a call that writes (protocol 4.2). */
function checkReadAll(operations: readonly Operation[]): void {
  let readsAll = false
  for (const [i, { bin, code, needs }] of operations.entries()) {
    const isAll = (needs & Needs.allBins) !== 0
    const answers = code === OpCode.cdtModify || code === OpCode.hllModify || ((needs & Needs.read) !== 0 && !isAll)
    if ((!isAll || !readsAll) && !answers) {
      readsAll ||= isAll
      continue
    }
    if ((needs & Needs.metaOnly) !== 0) continue
    const what = isAll ? 'a second one' : `operations[${i}] on bin ${JSON.stringify(bin)}`
    throw new InvalidArgumentError(
      `op.readAll() does not go with ${what}, which has an answer of its own, in a call that writes: read the bins one by one, or in another call`,
    )
  }
}

/** Sets the flags of a command for what its operations need. */
export function applyNeeds(command: Command, needs: number, count: number): void {
  if ((needs & Needs.read) !== 0 && count > 0) command.info1 |= Info1.read
  if ((needs & Needs.allBins) !== 0) {
    command.info1 |= Info1.getAll
    command.info2 &= ~Info2.respondAllOps
  } else if ((needs & Needs.allAnswers) !== 0) command.info2 |= Info2.respondAllOps
  if (count === 0) command.info1 |= Info1.read | Info1.getNoBins
}

/** The needs of a list of operations, for choosing the policy before anything is written. */
export function needsOf(operations: unknown, verb: Where): number {
  if (!Array.isArray(operations) || operations.length === 0) {
    throw new InvalidArgumentError(
      `${verb}: operations must be a list of at least one operation, not ${describe(operations)}`,
    )
  }
  let needs = 0
  for (const operation of operations) if (operation instanceof OperationClass) needs |= operation.needs
  return needs
}

function binName(name: unknown): string {
  if (typeof name === 'string') return name
  throw new InvalidArgumentError(`a bin name must be text, not ${describe(name)}`)
}

/** The bin that a command is about, by what its body is written from, if there is only one. */
export function onlyBin(argument: unknown): string | undefined {
  if (argument instanceof OperationClass) return argument.bin
  if (typeof argument !== 'object' || argument === null) return undefined
  const parts = Array.isArray(argument) ? argument : isPlain(argument) ? Object.keys(argument) : []
  const [first, ...others] = parts.map((part) => (part instanceof OperationClass ? part.bin : part))
  return typeof first === 'string' && first !== '' && others.every((bin) => bin === first) ? first : undefined
}
