// Batch entries, byte by byte as docs/internal/boundary.md has them (kind 2): whole batches, and parts of large ones.

import { closeEntry, openEntry } from '../boundary/entry.js'
import { EntryAt, EntryKind, RowFlag, Size } from '../boundary/layout.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { now } from '../host.js'
import type { Key, UserKey } from '../key.js'
import type { Policy } from '../options/policy.js'
import {
  checkKey,
  KeyType,
  keyType,
  namesRecord,
  userKeyType,
  writeNames,
  writeUserKey,
} from '../records/key-encoding.js'
import { KeyColumn } from '../records/key-list.js'
import { closeCommand, openCommand, writeFields } from '../requests/command.js'
import { SLICE_MS } from '../time-slice.js'
import { Writer } from '../values/writer.js'
import type { Distinct } from './distinct.js'
import type { BatchRequest, Spec } from './request.js'

/** Batch flags on the wire: every row is answered, and one that fails is named. */
const ANSWER_ALL = 0x04 | 0x08

/** What a row takes on the wire that repeats the one before it, and what another one takes besides its own bytes. */
const REPEATED_BYTES = 25
const ROW_BYTES = 48

/** Rows with specs of their own take longer to write than others to be gone through: the clock is looked at after these. */
const WRITTEN_PER_LOOK = 64

/** How much goes into one part of a batch. */
export interface PartLimits {
  readonly rows: number
  /** Bytes on the wire, 0 for no limit. A row that is larger by itself goes alone. */
  readonly bytes: number
}

/** A part of a batch, written and ready to be handed over. */
export interface Slice {
  readonly bytes: Buffer
  /** Where in the rows that are sent it begins and ends. */
  readonly from: number
  readonly to: number
}

/**
 * Writes an entry of all rows of a request, or of those that differ, and returns where it begins. In parts, rows are answered
 * as soon as their node has.
 */
export function writeBatchEntry(
  request: BatchRequest,
  w: Writer,
  ticket: number,
  distinct?: Distinct,
  inParts = false,
): number {
  return new EntryWriter(request, distinct?.rows).writeAll(w, ticket, inParts)
}

/** Writes the rows of a request, in one entry or in several. */
export class EntryWriter {
  readonly #request: BatchRequest
  readonly #rows: Uint32Array | undefined
  #namespace: unknown
  #set: unknown
  #last = -1

  /** @param rows the rows that are sent, when that is not all of them */
  constructor(request: BatchRequest, rows: Uint32Array | undefined) {
    this.#request = request
    this.#rows = rows
  }

  /** The number of rows that are sent. */
  get length(): number {
    return this.#rows?.length ?? this.#request.keys.length
  }

  /** Writes everything as one entry and returns where it begins. */
  writeAll(w: Writer, ticket: number, inParts: boolean): number {
    const { specs, policy } = this.#request
    w.omitUndefined = policy.omitUndefined
    const start = openBatch(w, ticket, policy, specs.length, this.length)
    if (inParts) {
      // Coalesced, reads get no more attempts than alone.
      w.bytes[start + EntryAt.refusalRetries] = 0
      w.bytes[start + EntryAt.inParts] = 1
    }
    for (const spec of specs) writeSpec(w, spec)
    w.row = -1
    this.#restart()
    const rows = this.#rows
    const { keys, specOf } = this.#request
    const users = keys instanceof KeyColumn && rows === undefined && specOf === undefined ? keys.users : undefined
    const flags = RowFlag.sameKeyspace | RowFlag.sameSpec | (specs[0]?.sendKey === true ? RowFlag.sendKey : 0)
    for (let i = 0; i < this.length; ) {
      const row = rows === undefined ? i : (rows[i] as number)
      this.#writeRow(w, row, specOf?.[row] ?? 0)
      i++
      if (users !== undefined) i = writeUsers(w, users, i, flags)
    }
    closeEntry(w, start, policy)
    return start
  }

  /** Writes rows from `from` on, as many as the limits and a time slice allow. */
  writeSlice(from: number, limits: PartLimits): Slice {
    const request = this.#request
    const until = now() + SLICE_MS
    const specs = new Writer(1024)
    const rows = new Writer(16 * 1024)
    specs.omitUndefined = rows.omitUndefined = request.policy.omitUndefined
    const numbers = new Map<Spec, number>()
    const most = Math.min(this.length, from + limits.rows)
    let wire = 0
    let at = from
    this.#restart()
    for (; at < most; at++) {
      if (at > from && (at - from) % WRITTEN_PER_LOOK === 0 && now() >= until) break
      const row = this.#rows === undefined ? at : (this.#rows[at] as number)
      const spec = request.spec(row)
      const [specsBefore, rowsBefore, last] = [specs.at, rows.at, this.#last]
      let number = numbers.get(spec)
      if (number === undefined) {
        number = numbers.size
        writeSpec(specs, spec)
      }
      const cost = this.#cost(rows, row, number, spec, specs.at - specsBefore)
      if (limits.bytes > 0 && at > from && wire + cost > limits.bytes) {
        specs.at = specsBefore
        rows.at = rowsBefore
        this.#last = last
        break
      }
      numbers.set(spec, number)
      wire += cost
    }
    const whole = new Writer(Size.batchHead + specs.at + rows.at)
    const start = openBatch(whole, 0, request.policy, numbers.size, at - from)
    whole.raw(specs.bytes.subarray(0, specs.at))
    whole.raw(rows.bytes.subarray(0, rows.at))
    closeEntry(whole, start, request.policy)
    return { bytes: whole.bytes.subarray(0, whole.at), from, to: at }
  }

  /** Writes a row and returns about how many bytes it takes on the wire. */
  #cost(rows: Writer, row: number, number: number, spec: Spec, specBytes: number): number {
    const before = rows.at
    const repeats = number === this.#last && !spec.sendKey
    this.#writeRow(rows, row, number)
    const written = rows.at - before
    return repeats && written <= 2 + 4 + 64 ? REPEATED_BYTES : ROW_BYTES + written + specBytes
  }

  #restart(): void {
    this.#namespace = undefined
    this.#set = undefined
    this.#last = -1
  }

  #writeRow(w: Writer, row: number, spec: number): void {
    const { keys } = this.#request
    const sendKey = this.#request.spec(row).sendKey ? RowFlag.sendKey : 0
    try {
      // Mostly, nothing but the user key is new.
      if (spec === this.#last && keys instanceof KeyColumn) {
        const user = keys.user(row)
        const type = userKeyType(user, 'key')
        openRow(w, RowFlag.sameKeyspace | RowFlag.sameSpec | sendKey, type)
        writeRowKey(w, user, type)
        return
      }
      const key = keys.at(row)
      checkKey(key, 'key')
      const type = keyType(key, 'key')
      const sameNames = this.#last !== -1 && key[0] === this.#namespace && key[1] === this.#set
      let flags = sameNames ? RowFlag.sameKeyspace : 0
      if (spec === this.#last) flags |= RowFlag.sameSpec
      if (type !== KeyType.digest) flags |= sendKey
      openRow(w, flags, type)
      if (spec !== this.#last) w.u32LE(spec)
      if (!sameNames) {
        writeRowNames(w, key)
        this.#namespace = key[0]
        this.#set = key[1]
      }
      writeRowKey(w, namesRecord(key, type), type)
      this.#last = spec
    } catch (error) {
      throw ofRow(row, error)
    }
  }
}

/** What refused a row, saying which. */
function ofRow(row: number, error: unknown): unknown {
  return error instanceof InvalidArgumentError ? new InvalidArgumentError(`rows[${row}]: ${error.message}`) : error
}

/**
 * Writes rows that differ from the one before in nothing but the user key, from `from` on, up to the first whose key is
 * neither text nor a small integer. Returns that row.
 */
function writeUsers(w: Writer, users: readonly UserKey[], from: number, flags: number): number {
  let row = from
  try {
    for (; row < users.length; row++) {
      const user = users[row]
      if (typeof user === 'number') {
        if ((user | 0) !== user) break
        openRow(w, flags, KeyType.integer)
        w.smallInt64(user)
      } else if (typeof user === 'string') {
        openRow(w, flags, KeyType.string)
        const lengthAt = w.at
        w.u32LE(user.length)
        const written = w.text(user)
        if (written !== user.length) w.patchU32LE(lengthAt, written)
      } else break
    }
  } catch (error) {
    throw ofRow(row, error)
  }
  return row
}

/** Copies a slice into the request buffer, with what is only known now. Returns where its entry begins. */
export function copySlice(w: Writer, slice: Slice, ticket: number, timeout: number, responseBytes: number): number {
  const start = w.at
  w.raw(slice.bytes)
  w.patchU32LE(start + EntryAt.ticket, ticket)
  w.patchU32LE(start + EntryAt.totalTimeout, timeout)
  w.patchU32LE(start + EntryAt.maxResponseBytes, responseBytes)
  return start
}

function openBatch(w: Writer, ticket: number, policy: Policy, specs: number, rows: number): number {
  const start = openEntry(w, ticket, EntryKind.batch, policy)
  w.reserve(24)
  w.bytes[w.at] = policy.inline | ANSWER_ALL
  w.bytes[w.at + 1] = policy.refusalRetries
  w.bytes[w.at + 2] = 0
  w.bytes[w.at + 3] = 0
  w.at += 4
  w.u32LE(policy.maxKeysPerRequest)
  w.u32LE(policy.maxResponseBytes)
  w.u32LE(policy.filter?.bytes.length ?? 0)
  w.u32LE(specs)
  w.u32LE(rows)
  if (policy.filter !== undefined) w.raw(policy.filter.bytes)
  return start
}

function openRow(w: Writer, flags: number, type: number): void {
  w.reserve(2)
  w.bytes[w.at] = flags
  w.bytes[w.at + 1] = type
  w.at += 2
}

function writeRowKey(w: Writer, user: UserKey, type: number): void {
  if (type !== KeyType.string && type !== KeyType.bytes) {
    writeUserKey(w, user)
    return
  }
  const lengthAt = w.at
  w.u32LE(0)
  w.patchU32LE(lengthAt, writeUserKey(w, user))
}

function writeRowNames(w: Writer, key: Key): void {
  const lengths = w.at
  w.u16LE(0)
  const names = writeNames(w, key, 'key')
  w.bytes[lengths] = names >>> 8
  w.bytes[lengths + 1] = names & 0xff
}

function writeSpec(w: Writer, spec: Spec): void {
  w.row = spec.row
  const block = openCommand(w)
  const fields = writeFields(w, spec.filter, spec.command.udf)
  const operations = w.at
  // A copy: operations add flags, and a retry writes the spec again.
  const command = { ...spec.command }
  const count = spec.body(w, spec.argument as never, command)
  closeCommand(w, block, command, count, operations, fields)
}
