// One bin of all rows of a batch as a column: numbers are read into a typed array, straight from the bytes that the nodes
// sent.

import { describe } from '../checks/check.js'
import { ClientError, InvalidArgumentError } from '../errors/classes.js'
import { BinPlace } from '../records/message.js'
import { Particle } from '../values/particle-types.js'
import { readText } from '../values/read-text.js'
import { Double } from '../values/wrappers.js'

/** What a column can be made of: see `BatchRecords.column`. */
export type ColumnType =
  | Float64ArrayConstructor
  | Int32ArrayConstructor
  | BigInt64ArrayConstructor
  | Float32ArrayConstructor
  | ArrayConstructor

/** A bin of all rows of a batch. */
export interface Column<T> {
  /** One value for each row, in the order of the rows; 0, or `null` for text, where a row has none. */
  readonly values: T
  /** One bit for each row, lowest first: 1 when the row has a value. The layout of Arrow's validity bitmaps. */
  readonly valid: Uint8Array
  /** Rows. */
  readonly length: number
  /** Rows without a value: without a record, or without the bin. */
  readonly nulls: number
  /** Numbers of a row in `values`: 1, or the length of the vectors. */
  readonly dimensions: number
  /** Whether a row has a value. */
  has(index: number): boolean
}

/** Options of a column. */
export interface ColumnOptions {
  /** Numbers in a vector, for `Float32Array`. Default: as many as the first row with a value has. */
  readonly dimensions?: number | undefined
}

/** Where a column finds its values: bytes of a message, or, when those are gone, the value itself. */
export interface ColumnSource {
  readonly length: number
  /** The bytes of a row with a record, or undefined when they are gone or its bins are answers of operations. */
  bytes(row: number): Buffer | undefined
  /** Where in them its message begins. */
  offset(row: number): number
  /** The decoded value of a row, undefined when it has none. */
  value(row: number, name: string): unknown
  /** Whether a row has a record. */
  has(row: number): boolean
}

/** How one type of column takes in a cell. False: the value is of another type. */
interface Cells<T> {
  readonly holds: string
  readonly values: T
  readonly dimensions: number
  fromBytes(row: number, type: number, bytes: Buffer, at: number, end: number): boolean
  fromValue(row: number, value: unknown): boolean
}

/** Reads a column. */
export function readColumn(
  source: ColumnSource,
  name: string,
  type: ColumnType,
  options: ColumnOptions,
): Column<unknown> {
  if (typeof name !== 'string') {
    throw new InvalidArgumentError(`column: the bin name must be text, not ${describe(name)}`)
  }
  const cells = cellsOf(type, source.length, options)
  const wanted = Buffer.from(name)
  const valid = new Uint8Array((source.length + 7) >> 3)
  let nulls = 0
  for (let row = 0; row < source.length; row++) {
    if (source.has(row) && readCell(source, row, name, wanted, cells)) {
      valid[row >> 3] = (valid[row >> 3] as number) | (1 << (row & 7))
    } else nulls++
  }
  return {
    values: cells.values,
    valid,
    length: source.length,
    nulls,
    dimensions: cells.dimensions,
    has: (index) => ((valid[index >> 3] ?? 0) & (1 << (index & 7))) !== 0,
  }
}

const place = new BinPlace()

function readCell(source: ColumnSource, row: number, name: string, wanted: Buffer, cells: Cells<unknown>): boolean {
  const bytes = source.bytes(row)
  if (bytes === undefined) {
    const value = source.value(row, name)
    if (value === undefined || value === null) return false
    if (!cells.fromValue(row, value)) throw misfit(row, name, cells.holds, describe(value))
    return true
  }
  if (!place.find(bytes, source.offset(row), wanted) || place.type === Particle.null) return false
  if (!cells.fromBytes(row, place.type, bytes, place.at, place.end)) {
    throw misfit(row, name, cells.holds, `particle type ${place.type}, ${place.end - place.at} bytes`)
  }
  return true
}

function misfit(row: number, name: string, holds: string, found: string): ClientError {
  return new ClientError(`column ${JSON.stringify(name)}: rows[${row}] has no ${holds} (${found})`)
}

function cellsOf(type: ColumnType, rows: number, options: ColumnOptions): Cells<unknown> {
  switch (type) {
    case Float64Array:
      return floats(rows)
    case Int32Array:
      return integers(rows)
    case BigInt64Array:
      return bigIntegers(rows)
    case Float32Array:
      return new Vectors(rows, options.dimensions)
    case Array:
      return texts(rows)
    default:
      throw new InvalidArgumentError(
        'column: the type must be Float64Array, Int32Array, BigInt64Array, Float32Array or Array',
      )
  }
}

/** An integer, rounded when it is not safe. */
function integer(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4294967296 + bytes.readUInt32BE(at + 4)
}

function floats(rows: number): Cells<Float64Array> {
  const values = new Float64Array(rows)
  return {
    holds: 'number',
    values,
    dimensions: 1,
    fromBytes(row, type, bytes, at, end) {
      if (end - at !== 8) return false
      const number =
        type === Particle.float ? bytes.readDoubleBE(at) : type === Particle.integer ? integer(bytes, at) : NaN
      values[row] = number
      return type === Particle.float || Number.isSafeInteger(number)
    },
    fromValue(row, value) {
      const number = value instanceof Double ? value.value : typeof value === 'bigint' ? Number(value) : value
      if (typeof number !== 'number') return false
      // An integer that would lose a digit is no number of this column.
      if (typeof value === 'bigint' && !Number.isSafeInteger(number)) return false
      values[row] = number
      return true
    },
  }
}

function integers(rows: number): Cells<Int32Array> {
  const values = new Int32Array(rows)
  return {
    holds: 'integer of 32 bits',
    values,
    dimensions: 1,
    fromBytes(row, type, bytes, at, end) {
      if (type !== Particle.integer || end - at !== 8) return false
      const low = bytes.readInt32BE(at + 4)
      // The upper half of a small integer is its sign.
      if (bytes.readInt32BE(at) !== low >> 31) return false
      values[row] = low
      return true
    },
    fromValue(row, value) {
      const number = typeof value === 'bigint' ? Number(value) : value
      if (typeof number !== 'number' || (number | 0) !== number) return false
      values[row] = number
      return true
    },
  }
}

function bigIntegers(rows: number): Cells<BigInt64Array> {
  const values = new BigInt64Array(rows)
  return {
    holds: 'integer',
    values,
    dimensions: 1,
    fromBytes(row, type, bytes, at, end) {
      if (type !== Particle.integer || end - at !== 8) return false
      values[row] = bytes.readBigInt64BE(at)
      return true
    },
    fromValue(row, value) {
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return false
      values[row] = BigInt(value as number)
      return true
    },
  }
}

function texts(rows: number): Cells<(string | null)[]> {
  const values = new Array<string | null>(rows).fill(null)
  return {
    holds: 'text',
    values,
    dimensions: 1,
    fromBytes(row, type, bytes, at, end) {
      if (type !== Particle.string) return false
      values[row] = readText(bytes, at, end - at)
      return true
    },
    fromValue(row, value) {
      if (typeof value !== 'string') return false
      values[row] = value
      return true
    },
  }
}

/** Vectors of 32-bit floats, stored as little-endian bytes: what a `Float32Array` has in memory. */
class Vectors implements Cells<Float32Array> {
  readonly holds = 'vector of 32-bit floats in bytes, as long as the others'
  values = new Float32Array(0)
  dimensions: number
  readonly #rows: number
  #bytes = new Uint8Array(0)

  constructor(rows: number, dimensions: unknown) {
    if (dimensions !== undefined && !(Number.isInteger(dimensions) && (dimensions as number) > 0)) {
      throw new InvalidArgumentError(`column: dimensions must be a whole number from 1, not ${describe(dimensions)}`)
    }
    this.#rows = rows
    this.dimensions = 0
    if (dimensions !== undefined) this.#take(dimensions as number)
  }

  #take(dimensions: number): void {
    this.dimensions = dimensions
    this.values = new Float32Array(this.#rows * dimensions)
    this.#bytes = new Uint8Array(this.values.buffer)
  }

  fromBytes(row: number, type: number, bytes: Buffer, at: number, end: number): boolean {
    return type === Particle.blob && this.fromValue(row, bytes.subarray(at, end))
  }

  fromValue(row: number, value: unknown): boolean {
    if (!(value instanceof Uint8Array) || value.length === 0 || value.length % 4 !== 0) return false
    if (this.dimensions === 0) this.#take(value.length / 4)
    if (value.length !== this.dimensions * 4) return false
    this.#bytes.set(value, row * value.length)
    return true
  }
}
