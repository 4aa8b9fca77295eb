// The only reader of messages: what a server sent becomes records (protocol 2). values/unpack.ts reads the values in them.

import type { Page } from '../boundary/page-pool.js'
import { DIGEST_BYTES } from '../limits.js'
import { FieldType, OpCode } from '../protocol.js'
import { type Codecs, decodeBins } from '../values/codecs.js'
import { readText } from '../values/read-text.js'
import { define, Mode, malformed, readFrom, readParticle, viewOf } from '../values/unpack.js'
import type { CompiledReader } from './compiled-reader.js'
import { type Meta, metaOf } from './meta.js'
import { ROOT, type Shape } from './shapes.js'

/** Bytes of the header in front of every message. */
export const HEADER = 22

/** Records with more bins than this are read without the trie of shapes. */
const MAX_SHAPED = 64

/** Bytes of a record, on an average of its page, that are decoded along with it: about 300 ns. */
const MAX_SMALL = 512

/** Operations whose answer, if any, is an empty one. */
const SILENT = new Set<number>([
  OpCode.write,
  OpCode.increment,
  OpCode.expModify,
  OpCode.append,
  OpCode.prepend,
  OpCode.bitsModify,
  OpCode.deleteAll,
])

/**
 * The results of several operations on one bin, in the order of the operations. `operate` gives a bin that was
 * answered once its value, and one that was answered more often an `OperationResults`, so that no answer is lost.
 */
export class OperationResults extends Array<unknown> {
  // Methods such as map give ordinary arrays: what they make are no longer results of operations.
  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }
}

function u16(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

function i32(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}

function u32(bytes: Buffer, at: number): number {
  return i32(bytes, at) >>> 0
}

/** What makes bins of the answers to several reads: a projection. */
export interface Assembles {
  bins(answers: readonly (readonly [string, unknown])[], mode: number): object
}

/** The bytes that rows of a batch decode their records from. */
export class BinSource {
  readonly bytes: Buffer
  readonly mode: number
  readonly projection: Assembles | undefined
  /** Whether its records are so small that decoding one costs no more than seeing to it that it is decoded later. */
  readonly isSmall: boolean
  /** How bins are kept that are not kept as they are. */
  codecs: Codecs | undefined = undefined
  readonly #view: DataView
  readonly #page: Page
  /** When the bytes were complete, in milliseconds: times to live count from then. */
  readonly #arrived: number

  /** `rows`: how many records are in the page. */
  constructor(page: Page, rows: number, readMode: number, projection: Assembles | undefined, arrived: number) {
    this.bytes = page.bytes
    this.#view = viewOf(page.bytes)
    this.isSmall = page.bytes.length <= rows * MAX_SMALL
    this.#page = page
    this.mode = readMode
    this.projection = projection
    this.#arrived = arrived
  }

  /** Whether records that are asked for in this way are read from it. */
  takes(asked: { readonly mode: number; readonly projection: Assembles | undefined }): boolean {
    return asked.mode === this.mode && asked.projection === this.projection
  }

  /** The bins of the message at `at`. */
  bins(at: number): object {
    if (this.projection !== undefined) {
      return this.projection.bins(readResults(this.bytes, at, this.bytes.length, this.mode), this.mode)
    }
    const bins = readBins(this.bytes, at, this.bytes.length, this.mode)
    if (this.codecs !== undefined) decodeBins(this.codecs, bins as { [bin: string]: unknown })
    return bins
  }

  /** The same, or undefined where they cannot be read: whoever touches them is told, and nobody else. */
  readable(at: number): object | undefined {
    try {
      return this.bins(at)
    } catch {
      return undefined
    }
  }

  meta(at: number): Meta {
    return metaOf(this.#view.getUint32(at + 6), this.#view.getUint32(at + 10), this.#arrived)
  }

  /** A record has taken all it needs: it must not come back, the bytes may be used for others from now on. */
  leave(): void {
    this.#page.wasRead()
  }
}

/** Generation and time to live from the header of the message at `at`. */
export function readMeta(bytes: Buffer, at: number, now?: number): Meta {
  return metaOf(u32(bytes, at + 6), u32(bytes, at + 10), now)
}

/** The bins of the message at `start`, as an object. */
export function readBins(bytes: Buffer, start: number, limit: number, mode: number): object {
  const op = firstOp(bytes, start, limit)
  const count = u16(bytes, start + 20)
  readFrom(bytes, mode)
  if ((mode & Mode.operations) !== 0) return mergeResults(bytes, op, limit, count)
  if (count === 0) return {}
  const reader = readers[placeOf(bytes, op, count)]
  if (reader !== undefined) {
    const bins = reader(bytes, viewOf(bytes), op, limit, isPlain(mode))
    if (bins !== undefined) return bins
  }
  return readShaped(bytes, op, limit, count, mode)
}

function isPlain(mode: number): boolean {
  return (mode & (Mode.bigints | Mode.numbers)) === 0
}

/** Compiled readers that were used lately, by what is seen of a record at once. */
const readers: (CompiledReader | undefined)[] = new Array(64).fill(undefined)

function placeOf(bytes: Buffer, op: number, count: number): number {
  return (count * 5 + (bytes[op + 7] as number) * 11 + (bytes[op + 8] as number)) & 63
}

const path: Shape[] = []
const types: number[] = []

/** Finds the shape of the record whose bins begin at `first`, and reads it as that or name by name. */
function readShaped(bytes: Buffer, first: number, limit: number, count: number, mode: number): object {
  if (count > MAX_SHAPED) return manyBins(bytes, first, limit, count)
  let shape: Shape | undefined = ROOT
  path.length = types.length = count
  for (let i = 0, op = first; i < count; i++) {
    const next = opEnd(bytes, op)
    const length = bytes[op + 7] as number
    if (next > limit || op + 8 + length > next) malformed()
    shape = shape.next(bytes, op + 8, length)
    // Too many different sequences of names for the trie: without it, then.
    if (shape === undefined) return manyBins(bytes, first, limit, count)
    path[i] = shape
    types[i] = bytes[op + 5] as number
    op = next
  }
  const reader = shape.reader(path, types)
  if (reader !== undefined) {
    readers[placeOf(bytes, first, count)] = reader
    const bins = reader(bytes, viewOf(bytes), first, limit, isPlain(mode))
    if (bins !== undefined) return bins
  }
  const object = {}
  for (let i = 0, op = first; i < count; i++, op = opEnd(bytes, op)) {
    define(object, (path[i] as Shape).name, opValue(bytes, op))
  }
  return object
}

/** Where the value of a bin is in a message. */
export class BinPlace {
  /** Its particle type. */
  type = 0
  at = 0
  end = 0

  /** Finds the bin of that name in the message at `start`; false when it is not there. */
  find(bytes: Buffer, start: number, name: Uint8Array): boolean {
    let op = firstOp(bytes, start, bytes.length)
    for (let count = u16(bytes, start + 20); count > 0; count--) {
      const end = opEnd(bytes, op)
      const length = bytes[op + 7] as number
      const at = op + 8 + length
      if (end > bytes.length || at > end) malformed()
      if (length === name.length) {
        let i = 0
        while (i < length && name[i] === bytes[op + 8 + i]) i++
        if (i === length) {
          this.type = bytes[op + 5] as number
          this.at = at
          this.end = end
          return true
        }
      }
      op = end
    }
    return false
  }
}

/** Where the parts of a message that names its record are, and where it ends. 0 stands for a part that is not there. */
export class RowPlace {
  digest = 0
  set = 0
  setEnd = 0
  /** A byte for its type, then the user key. */
  key = 0
  keyEnd = 0
  /** The value by which an index found the record: 8 bytes that only a server understands. */
  indexValue = 0
  next = 0

  /** Finds the parts of the message at `at`. */
  find(bytes: Buffer, at: number): void {
    const limit = bytes.length
    if (at + HEADER > limit) malformed()
    this.digest = this.set = this.setEnd = this.key = this.keyEnd = this.indexValue = 0
    let pos = at + HEADER
    for (let fields = u16(bytes, at + 18); fields > 0; fields--) {
      const next = pos + 4 + u32(bytes, pos)
      const data = pos + 5
      if (next > limit || data > next) malformed()
      this.#field(bytes[pos + 4] as number, data, next)
      pos = next
    }
    for (let ops = u16(bytes, at + 20); ops > 0; ops--) {
      const next = opEnd(bytes, pos)
      if (next > limit || next < pos + 8) malformed()
      pos = next
    }
    if (this.digest === 0) malformed()
    this.next = pos
  }

  #field(type: number, data: number, next: number): void {
    if (type === FieldType.digest && next - data === DIGEST_BYTES) this.digest = data
    else if (type === FieldType.set) {
      this.set = data
      this.setEnd = next
    } else if (type === FieldType.key && next > data) {
      this.key = data
      this.keyEnd = next
    } else if (type === FieldType.bvalArray && next - data === 8) this.indexValue = data
  }
}

/** The user key in `at .. end`: its type and its bytes. */
export function readUserKey(bytes: Buffer, at: number, end: number): unknown {
  readFrom(bytes, 0)
  return readParticle(bytes[at] as number, at + 1, end)
}

/** The value of the operation at `at`, and where the operation ends. */
export function readOperation(bytes: Buffer, at: number, mode: number): { value: unknown; next: number } {
  if (at + 8 > bytes.length) malformed()
  const next = opEnd(bytes, at)
  if (next > bytes.length || at + 8 + (bytes[at + 7] as number) > next) malformed()
  readFrom(bytes, mode)
  return { value: opValue(bytes, at), next }
}

/** Where the operations of a message begin: after its header and fields. */
function firstOp(bytes: Buffer, at: number, limit: number): number {
  if (at + HEADER > limit) malformed()
  let op = at + HEADER
  for (let fields = u16(bytes, at + 18); fields > 0; fields--) op += 4 + u32(bytes, op)
  return op
}

/** The name of the operation at `op`, whose bounds it checks. */
function opName(bytes: Buffer, op: number, limit: number): string {
  const next = opEnd(bytes, op)
  const length = bytes[op + 7] as number
  if (op + 8 > limit || next > limit || op + 8 + length > next) malformed()
  return readText(bytes, op + 8, length)
}

/** Where the operation at `op` ends. A size beyond 31 bits gives an end before the name, which no reader accepts. */
function opEnd(bytes: Buffer, op: number): number {
  return op + 4 + i32(bytes, op)
}

/** The value of the operation at `op`, whose bounds are known to be right. */
function opValue(bytes: Buffer, op: number): unknown {
  return readParticle(bytes[op + 5] as number, op + 8 + (bytes[op + 7] as number), opEnd(bytes, op))
}

function manyBins(bytes: Buffer, first: number, limit: number, count: number): object {
  const object = {}
  for (let i = 0, op = first; i < count; i++, op = opEnd(bytes, op)) {
    define(object, opName(bytes, op, limit), opValue(bytes, op))
  }
  return object
}

/** What several operations answered, by bin. A bin answered more than once gives all its answers. */
function mergeResults(bytes: Buffer, first: number, limit: number, count: number): object {
  const object: { [name: string]: unknown } = {}
  let several: Set<string> | undefined
  for (let i = 0, op = first; i < count; i++, op = opEnd(bytes, op)) {
    const name = opName(bytes, op, limit)
    const value = opValue(bytes, op)
    if (value === null && SILENT.has(bytes[op + 4] as number)) continue
    if (!Object.hasOwn(object, name)) define(object, name, value)
    else if (several?.has(name) === true) (object[name] as unknown[]).push(value)
    else {
      several ??= new Set()
      several.add(name)
      define(object, name, OperationResults.of(object[name], value))
    }
  }
  return object
}

/** The answers of a message one by one: `[bin, value]`. */
export function readResults(bytes: Buffer, start: number, limit: number, mode: number): [string, unknown][] {
  const results: [string, unknown][] = []
  let op = firstOp(bytes, start, limit)
  readFrom(bytes, mode)
  for (let count = u16(bytes, start + 20); count > 0; count--, op = opEnd(bytes, op)) {
    results.push([opName(bytes, op, limit), opValue(bytes, op)])
  }
  return results
}

/** The value of the first operation of a message: what a UDF returned, or the text of its failure. */
export function readFirst(bytes: Buffer, start: number, limit: number, mode: number): unknown {
  return readResults(bytes, start, limit, mode)[0]?.[1] ?? null
}

/** What the message that came with a failure says. */
export function readDetail(bytes: Buffer, at: number, end: number): string | undefined {
  const first = readFirst(bytes, at, end, Mode.plainDoubles)
  return typeof first === 'string' ? first : undefined
}
