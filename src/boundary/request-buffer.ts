// The buffer that requests are written into until they are handed over, all of a tick at once.

import { Writer } from '../values/writer.js'
import type { Call } from './call.js'
import { EntryAt, EntryFlag } from './layout.js'

/** A tick that writes more than this hands over in between, so that the buffer stays small. */
const FLUSH_BYTES = 1024 * 1024
const FIRST_BYTES = 64 * 1024
/** A buffer that had to grow beyond this is not kept. */
const KEEP_BYTES = 4 * 1024 * 1024

const NO_WRITERS: readonly Writer[] = []

/** Entries of calls that were not handed over yet. */
export class RequestBuffer {
  #writer = new Writer(FIRST_BYTES)
  #writing = false
  /** What entries of calls that have to wait are written in. */
  #spare: Writer | undefined
  #calls: Call[] = []
  /** Entries written while another entry was being written: a getter of one call's value made another call. */
  #nested: Writer[] = []

  /** Whether an entry is being written, so that nothing can be handed over. */
  get isWriting(): boolean {
    return this.#writing
  }

  /** Whether so much is in it that it should not wait for the end of the tick. */
  get isLarge(): boolean {
    return !this.#writing && this.#writer.at >= FLUSH_BYTES
  }

  /** Writes the entry of a call. Throws what writing it throws, and has no trace of the call then. */
  write(call: Call, ticket: number): void {
    const nested = this.#writing
    const writer = nested ? new Writer(1024) : this.#writer
    const start = writer.at
    this.#writing = true
    try {
      call.entryAt = call.write(writer, ticket)
    } catch (error) {
      writer.at = start
      throw error
    } finally {
      this.#writing = nested
    }
    call.writer = writer
    if (call.message !== undefined) {
      const at = call.entryAt + EntryAt.flags
      writer.bytes[at] = (writer.bytes[at] as number) | EntryFlag.timed
    }
    if (nested) this.#nested.push(writer)
    this.#calls.push(call)
  }

  /** The entry of a call that has to wait: written as it is now, to be added later. */
  hold(call: Call, ticket: number): Buffer {
    const writer = this.#spare ?? new Writer(1024)
    this.#spare = undefined
    writer.at = 0
    call.write(writer, ticket)
    const entry = Buffer.from(writer.bytes.subarray(0, writer.at))
    if (writer.bytes.length <= FIRST_BYTES) this.#spare = writer
    return entry
  }

  /** Adds an entry that was held, with the time that is left to its call. */
  add(call: Call, entry: Buffer, totalTimeout: number): void {
    const nested = this.#writing
    const writer = nested ? new Writer(entry.length) : this.#writer
    const start = writer.at
    writer.raw(entry)
    writer.patchU32LE(start + EntryAt.totalTimeout, totalTimeout)
    call.entryAt = start
    call.writer = writer
    if (nested) this.#nested.push(writer)
    this.#calls.push(call)
  }

  /** The calls whose entries are in it, which are no longer its own. */
  takeCalls(): readonly Call[] {
    const calls = this.#calls
    if (calls.length > 0) this.#calls = []
    return calls
  }

  /** The entries, to be handed over: all but the nested ones. */
  get entries(): Writer {
    return this.#writer
  }

  /** The nested entries, each by itself. */
  takeNested(): readonly Writer[] {
    const nested = this.#nested
    if (nested.length === 0) return NO_WRITERS
    this.#nested = []
    return nested
  }

  /** Begins anew after entries were handed over. */
  clear(): void {
    if (this.#writer.bytes.length > KEEP_BYTES) this.#writer = new Writer(FIRST_BYTES)
    else this.#writer.at = 0
  }

  /** Gives up its memory. */
  free(): void {
    this.#writer = new Writer(0)
  }
}
