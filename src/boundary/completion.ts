// Reads completions of failures and of batches, as the core writes them (docs/internal/boundary.md). Completions of records
// are messages, which records/message.ts reads.

import type { AttemptError, UdfSite } from '../errors/base.js'
import { Code } from '../errors/codes.js'
import { Failure, whyGivenUp } from '../errors/failure.js'
import type { Key } from '../key.js'
import { viewOf } from '../values/unpack.js'
import { Page } from './page-pool.js'

/** A call as its failure needs it. */
export interface FailedCall {
  readonly verb: string
  readonly key: Key | undefined
  /** The user-defined function it called. */
  readonly called: UdfSite | undefined
  /** What the message that came with the failure says. */
  detail(bytes: Buffer, at: number, end: number): string | undefined
}

/** The facts of a failure completion. */
export function readFailure(call: FailedCall, code: number, bytes: Buffer, at: number): Failure {
  const flags = bytes[at + 9] as number
  const attempts = bytes.readUInt32LE(at + 12)
  const elapsed = bytes.readDoubleLE(at + 16)
  let pos = at + 24
  const text = (): string => {
    const length = bytes.readUInt16LE(pos)
    pos += 2 + length
    return bytes.utf8Slice(pos - length, pos)
  }
  const node = text()
  let detail = text()
  const count = bytes.readUInt16LE(pos)
  pos += 2
  const subErrors: AttemptError[] = []
  for (let i = 0; i < count; i++) {
    const subCode = bytes.readInt16LE(pos)
    const inDoubt = bytes[pos + 2] === 1
    const attempt = bytes.readUInt32LE(pos + 3)
    pos += 7
    subErrors.push({ code: subCode, inDoubt, attempt, node: text() || undefined, message: text() })
  }
  if ((flags & 2) !== 0) {
    const length = bytes.readUInt32LE(pos)
    detail = call.detail(bytes, pos + 4, pos + 4 + length) ?? detail
  }
  return new Failure({
    verb: call.verb,
    key: call.key,
    code: whyGivenUp(code),
    node,
    attempts,
    elapsed,
    detail,
    inDoubt: (flags & 1) !== 0,
    subErrors,
    udf: call.called,
  })
}

/** What one node did for a batch. */
export interface NodeReport {
  /** Name of the node. */
  readonly name: string
  /** Rows asked of it, retries included. */
  readonly rows: number
  /** Rows it answered. */
  readonly answered: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly roundTrips: number
  readonly retries: number
  /** Code of its last error, 0 for none. */
  readonly code: number
  /** That error in words. */
  readonly detail: string
}

/** The page of a row that was not answered. */
export const NO_PAGE = 0xffff

/** Bytes of a row in the row table (boundary.md). */
const ROW_BYTES = 12

/** Bytes of a batch completion in front of its pages, of a page there, and of a node between its name and its error. */
const HEAD_BYTES = 22
const PAGE_BYTES = 8
const NODE_BYTES = 34

const NO_BYTES = Buffer.alloc(0)

/** A batch reply as it crossed: a table of where each row is, and the pages as the nodes sent them. */
export class BatchReply {
  readonly rows: number
  readonly elapsed: number
  /** The pages, each until it is given up; none of a reply in place. */
  readonly pages: (Page | undefined)[] = []
  /** Rows that are not done for good: other than ok, not found and filtered out. */
  readonly left: number
  /** For each page how many rows it answers. */
  readonly answered: readonly number[]
  readonly #table: DataView
  readonly #tableAt: number
  /** Of a reply in place: where each page begins in the buffer they share, and where the last one ends. */
  readonly #starts: readonly number[] | undefined
  #nodes: readonly NodeReport[] | undefined
  /** Where its head is, as long as the reports of the nodes have not been read from what follows. */
  #bytes: Buffer
  readonly #head: number

  private constructor(bytes: Buffer, head: number, table: DataView, tableAt: number, starts: number[] | undefined) {
    this.rows = bytes.readUInt32LE(head)
    this.elapsed = bytes.readDoubleLE(head + 8)
    this.left = bytes.readUInt32LE(head + 18)
    this.answered = answeredBy(bytes, head)
    this.#bytes = bytes
    this.#head = head
    this.#table = table
    this.#tableAt = tableAt
    this.#starts = starts
  }

  /** A reply of which only the head has come; there is room for its table and its pages, to be filled in. */
  static announced(bytes: Buffer, head: number): BatchReply {
    const table = new DataView(new ArrayBuffer(bytes.readUInt32LE(head) * ROW_BYTES))
    const reply = new BatchReply(bytes, head, table, 0, undefined)
    const pages = bytes.readUInt32LE(head + 4)
    for (let i = 0; i < pages; i++) reply.pages.push(new Page(pageSize(bytes, head, i)))
    reply.#readNodes()
    return reply
  }

  /** A reply that has come with all its bytes. Good until these are used again: see {@link kept}. */
  static inPlace(bytes: Buffer, head: number): BatchReply {
    const pages = bytes.readUInt32LE(head + 4)
    let pos = head + HEAD_BYTES + PAGE_BYTES * pages
    for (let nodes = bytes.readUInt16LE(head + 16); nodes > 0; nodes--) {
      pos += 2 + bytes.readUInt16LE(pos) + NODE_BYTES
      pos += 2 + bytes.readUInt16LE(pos)
    }
    const starts: number[] = []
    const reply = new BatchReply(bytes, head, viewOf(bytes), pos, starts)
    pos += reply.rows * ROW_BYTES
    for (let i = 0; i < pages; i++) {
      starts.push(pos)
      pos += pageSize(bytes, head, i)
    }
    starts.push(pos)
    return reply
  }

  /** The reply to a batch of no rows, which never crosses. */
  static empty(): BatchReply {
    return BatchReply.announced(Buffer.alloc(HEAD_BYTES), 0)
  }

  /** The reply to rows that were not sent, each with the code that says why. */
  static unanswered(rows: number, code: number): BatchReply {
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUInt32LE(rows)
    head.writeUInt32LE(rows, 18)
    const reply = BatchReply.announced(head, 0)
    const table = reply.#table
    for (let at = 0; at < table.byteLength; at += ROW_BYTES) {
      table.setUint16(at + 4, NO_PAGE, true)
      table.setInt16(at + 6, code, true)
      table.setUint8(at + 9, 0xff)
    }
    return reply
  }

  /** The same reply with bytes of its own. */
  kept(): BatchReply {
    const starts = this.#starts
    if (starts === undefined) return this
    const bytes = this.#bytes
    const table = new Uint8Array(this.rows * ROW_BYTES)
    table.set(bytes.subarray(this.#tableAt, this.#tableAt + table.length))
    const reply = new BatchReply(bytes, this.#head, new DataView(table.buffer), 0, undefined)
    for (let i = 0; i + 1 < starts.length; i++) {
      const start = starts[i] as number
      const page = new Page((starts[i + 1] as number) - start)
      bytes.copy(page.bytes, 0, start)
      reply.pages.push(page)
    }
    reply.#readNodes()
    return reply
  }

  /** The table of an announced reply, to be filled in. */
  get table(): Uint8Array {
    return new Uint8Array(this.#table.buffer)
  }

  /** What each node did. */
  get nodes(): readonly NodeReport[] {
    return this.#nodes ?? this.#readNodes()
  }

  #readNodes(): readonly NodeReport[] {
    const bytes = this.#bytes
    const nodes: NodeReport[] = []
    let pos = this.#head + HEAD_BYTES + PAGE_BYTES * this.answered.length
    const text = (): string => {
      const length = bytes.readUInt16LE(pos)
      pos += 2 + length
      return bytes.utf8Slice(pos - length, pos)
    }
    for (let count = bytes.readUInt16LE(this.#head + 16); count > 0; count--) {
      const name = text()
      const at = pos
      pos += NODE_BYTES
      // In one literal: for a copy with one property more the engine takes its slow path each time.
      nodes.push({
        name,
        rows: bytes.readUInt32LE(at),
        answered: bytes.readUInt32LE(at + 4),
        bytesOut: bytes.readDoubleLE(at + 8),
        bytesIn: bytes.readDoubleLE(at + 16),
        roundTrips: bytes.readUInt32LE(at + 24),
        retries: bytes.readUInt32LE(at + 28),
        code: bytes.readInt16LE(at + 32),
        detail: text(),
      })
    }
    // Of a reply with bytes of its own this was all that it needs of the completion.
    if (this.#starts === undefined) this.#bytes = NO_BYTES
    this.#nodes = nodes
    return nodes
  }

  #place(row: number): number {
    return this.#tableAt + row * ROW_BYTES
  }

  /** The page that has the answer of a row, or {@link NO_PAGE}. */
  page(row: number): number {
    return this.#table.getUint16(this.#place(row) + 4, true)
  }

  /** The bytes that the answer of a row is in, unless their page is given up. */
  bytes(row: number): Buffer | undefined {
    return this.#starts === undefined ? this.pages[this.page(row)]?.bytes : this.#bytes
  }

  /** Where in them the answer begins. */
  offset(row: number): number {
    const offset = this.#table.getUint32(this.#place(row), true)
    return this.#starts === undefined ? offset : offset + (this.#starts[this.page(row)] as number)
  }

  /** The server's result code, or the client's own code for why there is no answer. */
  code(row: number): number {
    const code = this.#table.getInt16(this.#place(row) + 6, true)
    return code === Code.ok && this.page(row) === NO_PAGE ? Code.noResponse : code
  }

  /** Whether a write may have happened although it has no good answer. */
  inDoubt(row: number): boolean {
    return (this.#table.getUint8(this.#place(row) + 8) & 1) !== 0
  }

  /** Whether the outcome of a row is in another part of the reply. */
  isElsewhere(row: number): boolean {
    return (this.#table.getUint8(this.#place(row) + 8) & 2) !== 0
  }

  /** The node that answered, or was asked last. */
  node(row: number): NodeReport | undefined {
    return this.nodes[this.#table.getUint8(this.#place(row) + 9)]
  }

  /** How often the row was sent. */
  attempts(row: number): number {
    return this.#table.getUint16(this.#place(row) + 10, true)
  }
}

/** The size of a page, from the head of a batch completion. */
function pageSize(bytes: Buffer, head: number, page: number): number {
  return bytes.readUInt32LE(head + HEAD_BYTES + PAGE_BYTES * page)
}

/** For each page how many rows it answers, from the same. */
function answeredBy(bytes: Buffer, head: number): number[] {
  const answered: number[] = []
  for (let page = 0; page < bytes.readUInt32LE(head + 4); page++) {
    answered.push(bytes.readUInt32LE(head + HEAD_BYTES + PAGE_BYTES * page + 4))
  }
  return answered
}
