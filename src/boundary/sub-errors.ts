// Why attempts failed, as the core writes it (docs/internal/boundary.md): of single calls, and of the rows of a batch.

import type { AttemptError } from '../errors/base.js'

/** Reads so many of them, and says where what follows begins. */
export function readSubErrors(bytes: Buffer, at: number, count: number): { read: AttemptError[]; end: number } {
  let pos = at
  const text = (): string => {
    const length = bytes.readUInt16LE(pos)
    pos += 2 + length
    return bytes.utf8Slice(pos - length, pos)
  }
  const read: AttemptError[] = []
  for (let i = 0; i < count; i++) {
    const code = bytes.readInt16LE(pos)
    const inDoubt = bytes[pos + 2] === 1
    const attempt = bytes.readUInt32LE(pos + 3)
    const elapsed = bytes.readDoubleLE(pos + 7)
    pos += 15
    read.push({ code, inDoubt, attempt, elapsed, node: text() || undefined, message: text() })
  }
  return { read, end: pos }
}

/** What the attempts of rows ran into, of those that failed after several. Read when an error asks for it. */
export class RowAttempts {
  readonly #bytes: Buffer
  #failures: readonly AttemptError[] = []
  /** Where the attempts are: each says which one was before it. */
  #tries = 0
  /** The last attempt of each row, plus 1. */
  #last: Map<number, number> | undefined

  /** @param bytes of its own: those of completions are written over */
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** The attempts of a row, oldest first. */
  of(row: number): AttemptError[] {
    const bytes = this.#bytes
    this.#last ??= this.#read()
    const last = this.#last
    const attempts: AttemptError[] = []
    for (let next = last.get(row) ?? 0; next > 0; ) {
      const at = this.#tries + (next - 1) * TRY_BYTES
      attempts.unshift(this.#failures[bytes.readUInt16LE(at + 4)] as AttemptError)
      next = bytes.readUInt32LE(at)
    }
    return attempts
  }

  #read(): Map<number, number> {
    const bytes = this.#bytes
    const { read, end } = readSubErrors(bytes, 2, bytes.readUInt16LE(0))
    this.#failures = read
    this.#tries = end + 4
    const rows = this.#tries + bytes.readUInt32LE(end) * TRY_BYTES
    const last = new Map<number, number>()
    for (let at = rows + 4; at < bytes.length; at += 8) last.set(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4) + 1)
    return last
  }
}

/** An attempt: the one before it, and why it failed. */
const TRY_BYTES = 6
