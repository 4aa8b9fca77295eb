// The answer to a batch, as the core writes it (docs/internal/boundary.md): a table of rows, and pages of messages.

import type { AttemptError } from '../errors/base.js'
import { Code } from '../errors/codes.js'
import { viewOf } from '../values/unpack.js'
import { OutcomeFlag, Size } from './layout.js'
import { Page } from './page-pool.js'
import { RowAttempts } from './sub-errors.js'

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

const NO_BYTES = Buffer.alloc(0)
/** Bytes that say that there is nothing to tell of attempts: a length. */
const NO_ATTEMPTS = 4

/**
 * What the table says of a row that has a record. It is read for every row, so in one look and into an object that is used
 * again: a method for each of these would be more than V8 inlines where rows are made.
 */
export class RecordPlace {
  page = 0
  /** Where in the page its message begins. */
  offset = 0
  inDoubt = false
  /** Where in {@link BatchReply.nodes} the node is that answered. */
  node = 0
}

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
  #attempts: RowAttempts | undefined
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
    const table = new DataView(new ArrayBuffer(bytes.readUInt32LE(head) * Size.outcome))
    const reply = new BatchReply(bytes, head, table, 0, undefined)
    const pages = bytes.readUInt32LE(head + 4)
    for (let i = 0; i < pages; i++) reply.pages.push(new Page(pageSize(bytes, head, i)))
    reply.#readNodes()
    return reply
  }

  /** A reply that has come with all its bytes. Good until these are used again: see {@link kept}. */
  static inPlace(bytes: Buffer, head: number): BatchReply {
    const pages = bytes.readUInt32LE(head + 4)
    let pos = head + Size.batchReplyHead + Size.page * pages
    for (let nodes = bytes.readUInt16LE(head + 16); nodes > 0; nodes--) {
      pos += 2 + bytes.readUInt16LE(pos) + Size.node
      pos += 2 + bytes.readUInt16LE(pos)
    }
    pos += 4 + bytes.readUInt32LE(pos)
    const starts: number[] = []
    const reply = new BatchReply(bytes, head, viewOf(bytes), pos, starts)
    pos += reply.rows * Size.outcome
    for (let i = 0; i < pages; i++) {
      starts.push(pos)
      pos += pageSize(bytes, head, i)
    }
    starts.push(pos)
    return reply
  }

  /** The reply to a batch of no rows, which never crosses. */
  static empty(): BatchReply {
    return BatchReply.announced(Buffer.alloc(Size.batchReplyHead + NO_ATTEMPTS), 0)
  }

  /** The reply to rows that were not sent, each with the code that says why. */
  static unanswered(rows: number, code: number): BatchReply {
    const head = Buffer.alloc(Size.batchReplyHead + NO_ATTEMPTS)
    head.writeUInt32LE(rows)
    head.writeUInt32LE(rows, 18)
    const reply = BatchReply.announced(head, 0)
    const table = reply.#table
    for (let at = 0; at < table.byteLength; at += Size.outcome) {
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
    const table = new Uint8Array(this.rows * Size.outcome)
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
    let pos = this.#head + Size.batchReplyHead + Size.page * this.answered.length
    const text = (): string => {
      const length = bytes.readUInt16LE(pos)
      pos += 2 + length
      return bytes.utf8Slice(pos - length, pos)
    }
    for (let count = bytes.readUInt16LE(this.#head + 16); count > 0; count--) {
      const name = text()
      const at = pos
      pos += Size.node
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
    const attempts = bytes.readUInt32LE(pos)
    if (attempts > 0) this.#attempts = new RowAttempts(Buffer.from(bytes.subarray(pos + 4, pos + 4 + attempts)))
    // Of a reply with bytes of its own this was all that it needs of the completion.
    if (this.#starts === undefined) this.#bytes = NO_BYTES
    this.#nodes = nodes
    return nodes
  }

  #place(row: number): number {
    return this.#tableAt + row * Size.outcome
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

  /** Finds the record of a row of a reply with bytes of its own; false if the row has none. */
  find(row: number, place: RecordPlace): boolean {
    const table = this.#table
    const at = row * Size.outcome
    const pageAndCode = table.getInt32(at + 4, true)
    // The code is in the upper half: of a success nothing but the page is left.
    if (pageAndCode < 0 || pageAndCode >= NO_PAGE) return false
    const marks = table.getUint16(at + 8, true)
    place.page = pageAndCode
    place.offset = table.getUint32(at, true)
    place.inDoubt = (marks & OutcomeFlag.inDoubt) !== 0
    place.node = marks >> 8
    return true
  }

  /** Whether every row has a record. One look at each, since a session asks it of every batch. */
  get isWhole(): boolean {
    const table = this.#table
    const end = this.#place(this.rows)
    for (let at = this.#tableAt; at < end; at += Size.outcome) {
      if (table.getUint32(at + 4, true) >= NO_PAGE) return false
    }
    return true
  }

  /** Whether a write may have happened although it has no good answer. */
  inDoubt(row: number): boolean {
    return (this.#table.getUint8(this.#place(row) + 8) & OutcomeFlag.inDoubt) !== 0
  }

  /** Whether the outcome of a row is in another part of the reply. */
  isElsewhere(row: number): boolean {
    return (this.#table.getUint8(this.#place(row) + 8) & OutcomeFlag.isElsewhere) !== 0
  }

  /** The node that answered, or was asked last. */
  node(row: number): NodeReport | undefined {
    return this.nodes[this.#table.getUint8(this.#place(row) + 9)]
  }

  /** What each attempt of a row ran into, if it failed after several. */
  attemptErrors(row: number): AttemptError[] {
    if (this.#nodes === undefined) this.#readNodes()
    return this.#attempts?.of(row) ?? []
  }

  /** How often the row was sent. */
  attempts(row: number): number {
    return this.#table.getUint16(this.#place(row) + 10, true)
  }
}

/** The size of a page, from the head of a batch completion. */
function pageSize(bytes: Buffer, head: number, page: number): number {
  return bytes.readUInt32LE(head + Size.batchReplyHead + Size.page * page)
}

/** For each page how many rows it answers, from the same. */
function answeredBy(bytes: Buffer, head: number): number[] {
  const answered: number[] = []
  for (let page = 0; page < bytes.readUInt32LE(head + 4); page++) {
    answered.push(bytes.readUInt32LE(head + Size.batchReplyHead + Size.page * page + 4))
  }
  return answered
}
