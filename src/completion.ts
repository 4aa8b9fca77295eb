// Completions as the core writes them (docs/internal/boundary.md): failures and batches. Records are messages: page.ts.

import type { Call } from './call.js'
import type { AttemptError } from './error.js'
import { Failure } from './failure.js'

/** The facts of a failure completion. */
export function readFailure(
  call: Pick<Call, 'verb' | 'key' | 'called' | 'detail'>,
  code: number,
  bytes: Buffer,
  at: number,
): Failure {
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
    code,
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

/** The code of a row that should have been answered, and was not. */
const NO_RESPONSE = -15

/** A batch reply as it crossed: the pages as the nodes sent them, and a table of where each row is. */
export class BatchReply {
  readonly rows: number
  readonly pages: (Buffer | undefined)[] = []
  readonly nodes: NodeReport[] = []
  readonly table: Uint8Array
  readonly elapsed: number

  /** The reply to a batch of no rows, which never crosses. */
  static empty(): BatchReply {
    return new BatchReply(Buffer.alloc(18), 0)
  }

  /** The reply to rows that were not sent, each with the code that says why. */
  static unanswered(rows: number, code: number): BatchReply {
    const head = Buffer.alloc(18)
    head.writeUInt32LE(rows)
    const reply = new BatchReply(head, 0)
    const table = Buffer.from(reply.table.buffer)
    for (let at = 0; at < table.length; at += ROW_BYTES) {
      table.writeUInt16LE(NO_PAGE, at + 4)
      table.writeInt16LE(code, at + 6)
      table[at + 9] = 0xff
    }
    return reply
  }

  /** Reads a batch completion, from byte 12 of it. The table and the pages are filled in afterwards. */
  constructor(bytes: Buffer, at: number) {
    this.rows = bytes.readUInt32LE(at)
    const pages = bytes.readUInt32LE(at + 4)
    this.elapsed = bytes.readDoubleLE(at + 8)
    const nodes = bytes.readUInt16LE(at + 16)
    let pos = at + 18
    this.table = new Uint8Array(this.rows * ROW_BYTES)
    // Slow buffers: one from the pool would keep its neighbours alive.
    for (let i = 0; i < pages; i++, pos += 4) this.pages.push(Buffer.allocUnsafeSlow(bytes.readUInt32LE(pos)))
    const text = (): string => {
      const length = bytes.readUInt16LE(pos)
      pos += 2 + length
      return bytes.utf8Slice(pos - length, pos)
    }
    for (let i = 0; i < nodes; i++) {
      const name = text()
      const at = pos
      pos += 34
      // In one literal: for a copy with one property more the engine takes its slow path each time.
      this.nodes.push({
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
  }

  /** The page that has the answer of a row, or {@link NO_PAGE}. */
  page(row: number): number {
    const table = this.table
    const at = row * ROW_BYTES + 4
    return (table[at] as number) | ((table[at + 1] as number) << 8)
  }

  /** Where in its page the answer begins. */
  offset(row: number): number {
    const table = this.table
    const at = row * ROW_BYTES
    return (
      ((table[at] as number) |
        ((table[at + 1] as number) << 8) |
        ((table[at + 2] as number) << 16) |
        ((table[at + 3] as number) << 24)) >>>
      0
    )
  }

  /** The server's result code, or the client's own code for why there is no answer. */
  code(row: number): number {
    const table = this.table
    const at = row * ROW_BYTES + 6
    const code = (((table[at] as number) | ((table[at + 1] as number) << 8)) << 16) >> 16
    return code === 0 && this.page(row) === NO_PAGE ? NO_RESPONSE : code
  }

  /** Whether a write may have happened although it has no good answer. */
  inDoubt(row: number): boolean {
    return ((this.table[row * ROW_BYTES + 8] as number) & 1) !== 0
  }

  /** Whether the outcome of a row is in another part of the reply. */
  isElsewhere(row: number): boolean {
    return ((this.table[row * ROW_BYTES + 8] as number) & 2) !== 0
  }

  /** The node that answered, or was asked last. */
  node(row: number): NodeReport | undefined {
    return this.nodes[this.table[row * ROW_BYTES + 9] as number]
  }

  /** How often the row was sent. */
  attempts(row: number): number {
    const at = row * ROW_BYTES + 10
    return (this.table[at] as number) | ((this.table[at + 1] as number) << 8)
  }
}
