// Rows of a batch that are to be sent again, as plain data: each says everything about itself that its batch said, and
// what JSON cannot carry is text. So a list of them can be sliced, spread, stored and sent by another process, and does
// what the first batch would have done.

import { isDeepStrictEqual, types } from 'node:util'
import { describe, isPlain, type Where } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import type { Key } from '../key.js'
import { Operation } from '../operations/operation.js'
import { OPTIONS, optionsOf } from '../options/table.js'
import { Encoded, EncodedParticle } from '../values/encoded.js'
import { Exp, type Type } from '../values/expression.js'
import { packList } from '../values/pack.js'
import { Particle } from '../values/particle-types.js'
import { VALUE_TYPES } from '../values/value-types.js'
import { writeParticle } from '../values/write-particle.js'
import { Writer } from '../values/writer.js'
import { type Common, KINDS, type RowKind, UDF_FIELDS } from './kinds.js'
import type { BatchRequest, Said } from './request.js'

/** What a call may say about rows that say everything themselves: how it goes about it. */
const OPTIONS_OF_CALL: readonly string[] = optionsOf('call')

/** Those of them that rows carry: a signal is not data. */
const CARRIED = OPTIONS_OF_CALL.filter((name) => name !== 'signal')

/** What rows of `batch.unprocessed` have beside the fields and options of their kind. */
export interface Unprocessed {
  /**
   * The position the row had in the batch it was first a row of. Whoever has it takes nothing from the next call's
   * options.
   */
  readonly origin: number
  /**
   * The fields whose values JSON cannot carry and that are encoded: `'key'`, `'ops'`, `'args'`, `'filter'`, `'expiresAt'`,
   * `'bins.name'`.
   */
  readonly encoded?: readonly string[] | undefined
  /** Options of the call it was part of. A call whose rows all agree on one uses it, unless it says otherwise. */
  readonly call?: { readonly [option: string]: unknown } | undefined
}

type Fields = { readonly [name: string]: unknown }

/** The rows at `positions`, to be sent again. */
export function unprocessedRows(request: BatchRequest, positions: readonly number[]): unknown[] {
  const { said } = request
  if (said === undefined) return positions.map((position) => request.keys.at(position))
  const rows = positions.map((position) => {
    const input = request.inputs[position]
    const origin = request.origins?.[position] ?? request.first + position
    return Array.isArray(input) ? keyRow(input as unknown as Key, said, origin) : dataRow(input as Fields, said, origin)
  })
  const origins = positions.map((position) => request.origins?.[position] ?? request.first + position)
  Object.defineProperty(rows, ORIGINS, { value: { rows: [...rows], origins } })
  return rows
}

/** Keys alone have no room for an origin: a list of them that is handed on as it is has theirs under this name. */
const ORIGINS = Symbol('aerospike.origins')

/** Where the rows of a list were in the batch they were first rows of, if they are all of its unprocessed rows. */
export function originsOf(list: readonly unknown[]): readonly number[] | undefined {
  const known = (list as { [ORIGINS]?: { rows: readonly unknown[]; origins: readonly number[] } })[ORIGINS]
  if (known === undefined || known.rows.length !== list.length) return undefined
  return known.rows.every((row, i) => row === list[i]) ? known.origins : undefined
}

/** A row that was given as a key. What is read without further words stays the key it is. */
function keyRow(key: Key, said: Said, origin: number): unknown {
  const kind = said.common.kind ?? 'read'
  const row = dataRow({ type: kind, key }, said, origin)
  const isBare =
    kind === 'read' && Object.keys(row).every((name) => name === 'type' || name === 'key' || name === 'origin')
  return isBare ? (row.key as Key) : row
}

/** The key without a digest that its user key leads to: what is sent again survives JSON, which has no bytes. */
function sparseKey(key: Key): Key {
  return key.length === 4 && key[2] !== null && key[2] !== undefined ? [key[0], key[1], key[2]] : key
}

function dataRow(given: Fields, said: Said, origin: number): Fields {
  if (isUnprocessed(given)) return given
  const kind = said.common.kind ?? (given.type as RowKind)
  const row: { [name: string]: unknown } = { type: kind, ...contents(kind, given, said.common) }
  for (const name of Object.keys(OPTIONS)) {
    const value = optionOf(name, kind, given, said)
    if (value !== undefined) row[name] = value
  }
  // Of the two ways to say it the row's own counts, then the call's, then the client's.
  if (row.ttl !== undefined && row.expiresAt !== undefined) {
    const first = [given, said.options].find((one) => one.ttl !== undefined || one.expiresAt !== undefined)
    delete row[first?.expiresAt === undefined ? 'expiresAt' : 'ttl']
  }
  row.origin = origin
  const call = callOptions(said.options)
  if (call !== undefined) row.call = call
  return encodeRow(row)
}

/** What a row is about: its key, and bins, operations or a function, its own or those of its batch. */
function contents(kind: RowKind, given: Fields, common: Common): Fields {
  const key = sparseKey(given.key as Key)
  const bins = given.bins ?? undefined
  const ops = given.ops ?? undefined
  switch (kind) {
    case 'read':
      if (bins === undefined && ops === undefined) return defined({ key, bins: common.bins })
      return defined({ key, bins, ops })
    case 'write':
      return defined({ key, bins, ops })
    case 'operate':
      return { key, ops: ops ?? common.ops }
    case 'remove':
      return { key }
    case 'apply':
      return { key, ...defined(pick({ ...common }, UDF_FIELDS)), ...defined(pick(given, UDF_FIELDS)) }
  }
}

/** What holds for a row: its own option, its call's or the client's. */
function optionOf(name: string, kind: RowKind, given: Fields, { options, defaults }: Said): unknown {
  const option = OPTIONS[name]
  if (option === undefined || (option.takes & KINDS[kind].takes) === 0) return undefined
  // A row has its key under this name, so that the option of the call has another one there.
  if (name === 'sendKey') return given.sendKey ?? ((options.key ?? defaults.key) === 'send' ? true : undefined)
  return given[name] ?? options[name] ?? defaults[name]
}

function callOptions(options: Fields): Fields | undefined {
  const call = defined(pick(options, CARRIED))
  return Object.keys(call).length === 0 ? undefined : call
}

function pick(from: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.map((name) => [name, from[name]]))
}

function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Whether a row came from `batch.unprocessed`, and so has all that made it. */
export function isUnprocessed(row: unknown): row is Fields & Unprocessed {
  return typeof row === 'object' && row !== null && !Array.isArray(row) && Object.hasOwn(row, 'origin')
}

/**
 * The options that a call over unprocessed rows goes by: its own, and of the rows what all of them agree on.
 *
 * @throws InvalidArgumentError when the call says something about the rows that they do not say themselves
 */
export function callOver(verb: string, rows: readonly unknown[], options: unknown): unknown {
  if (rows.length === 0 || !rows.every(isUnprocessed)) return options
  const given = options ?? {}
  if (typeof given !== 'object' || !isPlain(given)) return options
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || OPTIONS_OF_CALL.includes(name)) continue
    const [field, wanted] = name === 'key' ? ['sendKey', value === 'send' ? true : undefined] : [name, value]
    const said =
      wanted instanceof Exp ? encodeExpression(wanted) : wanted instanceof Date ? wanted.toISOString() : wanted
    const odd = rows.findIndex((row) => !isDeepStrictEqual((row as Fields)[field as string], said))
    if (odd < 0) continue
    const own = (rows[odd] as unknown as Fields)[field as string]
    throw new InvalidArgumentError(
      `${verb}: option '${name}' does not apply: unprocessed rows keep what their batch said of them, and rows[${odd}] has ${own === undefined ? 'nothing' : describe(own)} there`,
    )
  }
  const [first] = rows
  const agreed = Object.entries(first?.call ?? {}).filter(
    ([name, value]) =>
      CARRIED.includes(name) && rows.every((row) => isDeepStrictEqual((row.call as Fields | undefined)?.[name], value)),
  )
  return { ...Object.fromEntries(agreed), ...defined(given as Fields) }
}

// Encoding: what JSON cannot carry, as text.

function encodeRow(row: Fields): Fields {
  const encoded: string[] = []
  const made: { [name: string]: unknown } = { ...row }
  const replace = (name: string, value: unknown): void => {
    made[name] = value
    encoded.push(name)
  }
  const key = encodeKey(row.key as Key)
  if (key !== undefined) replace('key', key)
  if (row.ops !== undefined) replace('ops', (row.ops as readonly Operation[]).map(encodeOperation))
  if (row.args !== undefined && !isJson(row.args))
    replace('args', { base64: base64Of((w) => packList(w, row.args as [])) })
  if (row.filter !== undefined) replace('filter', encodeExpression(row.filter as Exp))
  if (row.expiresAt !== undefined) replace('expiresAt', (row.expiresAt as Date).toISOString())
  if (row.type === 'write' && row.bins !== undefined) {
    const bins: { [name: string]: unknown } = Object.create(null)
    for (const [name, value] of Object.entries(row.bins as object)) {
      // It was left out (option `undefined`), or it would have been refused.
      if (value === undefined) continue
      if (!isJson(value)) encoded.push(`bins.${name}`)
      bins[name] = isJson(value) ? value : encodeValue(value)
    }
    made.bins = { ...bins }
  }
  if (encoded.length > 0) made.encoded = encoded
  return made
}

/** More levels than these are encoded: neither this nor JSON's own reader should meet what is nested without an end. */
const MAX_JSON_DEPTH = 32

/** Whether a value is the same after JSON. */
function isJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value !== 'object' || depth >= MAX_JSON_DEPTH) return false
  if (Array.isArray(value)) return value.every((element) => isJson(element, depth + 1))
  return isPlain(value) && Object.values(value).every((member) => isJson(member, depth + 1))
}

function base64Of(write: (w: Writer) => void): string {
  const w = new Writer(64)
  w.omitUndefined = true
  w.begin('row')
  write(w)
  return w.bytes.toString('base64', 0, w.at)
}

function encodeValue(value: unknown): Fields {
  let particle = 0
  const base64 = base64Of((w) => {
    particle = writeParticle(w, value)
  })
  return { particle, base64 }
}

function encodeExpression(expression: Exp): Fields {
  return { expression: expression.toBase64(), type: expression.type ?? null }
}

function encodeOperation(operation: Operation): Fields {
  const { code, bin, needs } = operation
  return { code, bin, needs, base64: base64Of((w) => operation.write(w)) }
}

/** The key in a form for JSON, unless it is one already. */
function encodeKey(key: Key): readonly unknown[] | undefined {
  const [namespace, set, user] = key
  if (typeof user === 'bigint') return [namespace, set, { integer: String(user) }]
  if (types.isUint8Array(user)) return [namespace, set, { bytes: Buffer.from(user).toString('base64') }]
  if (user !== null && user !== undefined) return undefined
  return [namespace, set, null, { bytes: Buffer.from(key[3] as Uint8Array).toString('base64') }]
}

/** The row that an unprocessed row stands for. */
export function decodeRow(row: Fields, where: Where): Fields {
  const { encoded } = row
  if (encoded === undefined) return row
  if (!Array.isArray(encoded)) throw damaged(where, 'encoded')
  const made: { [name: string]: unknown } = { ...row }
  for (const place of encoded) {
    if (place === 'key') made.key = decodeKey(row.key, where)
    else if (place === 'ops') made.ops = decodeOperations(row.ops, where)
    else if (place === 'args') made.args = new Encoded(bytesOf((row.args as Fields | null)?.base64, where, 'args'))
    else if (place === 'expiresAt') made.expiresAt = decodeDate(row.expiresAt, where)
    else if (place === 'filter') made.filter = decodeExpression(row.filter, where)
    else if (typeof place === 'string' && place.startsWith('bins.')) decodeBin(row, made, place.slice(5), where)
    else throw damaged(where, 'encoded')
  }
  return made
}

function damaged(where: Where, place: string): InvalidArgumentError {
  return new InvalidArgumentError(`${where}: ${place} is not what a row of batch.unprocessed has there`)
}

function bytesOf(text: unknown, where: Where, place: string): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined
  if (bytes === undefined || bytes.toString('base64') !== text) throw damaged(where, place)
  return bytes
}

function decodeKey(key: unknown, where: Where): unknown {
  if (!Array.isArray(key)) throw damaged(where, 'key')
  const last: Fields = key[key.length - 1] ?? {}
  const { integer } = last
  if (typeof integer === 'string' && /^-?\d{1,20}$/.test(integer)) return [...key.slice(0, -1), BigInt(integer)]
  return [...key.slice(0, -1), bytesOf(last.bytes, where, 'key')]
}

function decodeDate(text: unknown, where: Where): Date {
  const date = new Date(typeof text === 'string' ? text : Number.NaN)
  if (Number.isNaN(date.getTime())) throw damaged(where, 'expiresAt')
  return date
}

function decodeExpression(filter: unknown, where: Where): Exp {
  const { expression, type } = (filter ?? {}) as Fields
  const known = type === null || (typeof type === 'string' && Object.hasOwn(VALUE_TYPES, type))
  if (!known) throw damaged(where, 'filter')
  return new Exp(bytesOf(expression, where, 'filter'), (type ?? undefined) as Type | undefined)
}

/** Bytes of an operation in front of its bin's name: size, op-code, particle type, version, length of the name. */
const OPERATION_HEAD = 8

function decodeOperations(ops: unknown, where: Where): Operation[] {
  if (!Array.isArray(ops)) throw damaged(where, 'ops')
  return ops.map((given: Fields | null, i) => {
    const place = `ops[${i}]`
    const { code, bin, needs, base64 } = given ?? {}
    const bytes = bytesOf(base64, where, place)
    // Nothing but whole operations goes out, wherever the row has been meanwhile: the rest of the request depends on it.
    const isWhole =
      bytes.length >= OPERATION_HEAD &&
      bytes.readUInt32BE(0) === bytes.length - 4 &&
      bytes[4] === code &&
      (bytes[7] as number) <= bytes.length - OPERATION_HEAD
    if (!isWhole || typeof bin !== 'string' || !isSmallWhole(needs)) throw damaged(where, place)
    return new Operation(code as number, bin, { kind: 'wire', bytes }, needs)
  })
}

function isSmallWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xff
}

/** Bytes of the particles that have a size of their own. */
const PARTICLE_BYTES: { readonly [type: number]: number } = {
  [Particle.integer]: 8,
  [Particle.float]: 8,
  [Particle.bool]: 1,
}

function decodeBin(row: Fields, made: { [name: string]: unknown }, name: string, where: Where): void {
  const place = `bins.${name}`
  const given = (row.bins as { [name: string]: Fields | undefined } | null)?.[name]
  const { particle, base64 } = given ?? {}
  const bytes = bytesOf(base64, where, place)
  const known = (Object.values(Particle) as unknown[]).includes(particle) && particle !== Particle.null
  if (!known || bytes.length !== (PARTICLE_BYTES[particle as number] ?? bytes.length)) throw damaged(where, place)
  if (made.bins === row.bins) made.bins = { ...(row.bins as object) }
  Object.defineProperty(made.bins, name, {
    value: new EncodedParticle(particle as number, bytes),
    enumerable: true,
    configurable: true,
    writable: true,
  })
}
