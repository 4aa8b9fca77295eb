// Takes completions from the core and settles the calls they belong to, a time slice at a time.

import { afterTurn, now } from '../host.js'
import { SLICE_MS } from '../time-slice.js'
import type { NativeClient } from './addon.js'
import { BatchReply } from './batch-reply.js'
import type { Call } from './call.js'
import type { CallTable } from './call-table.js'
import { readFailure } from './failure-reader.js'
import { CompletionAt, CompletionFlag, CompletionKind } from './layout.js'
import type { Page } from './page-pool.js'
import { takeTiming } from './tracing.js'

export const DRAIN_BYTES = 64 * 1024
/** A buffer that had to grow beyond this is not kept. */
const KEEP_BYTES = 4 * 1024 * 1024

/** Completions that come within this many milliseconds of each other came in one turn of the event loop. */
const TURN_MS = 0.5

/** A batch whose pages are still being copied over. */
interface Gathering {
  readonly call: Call
  readonly ticket: number
  /** More of it follows under the same ticket. */
  readonly isPart: boolean
  readonly reply: BatchReply
  next: number
}

/** Whose calls are settled. */
export interface Settler {
  resolve(call: Call, value: unknown): void
  reject(call: Call, reason: unknown): void
  /** All that was ready is settled: the process may end when no call is in flight. */
  releaseWhenIdle(): void
}

/** The completions of one client. */
export class CompletionReader {
  readonly #native: NativeClient
  readonly #calls: CallTable
  readonly #settler: Settler
  #target = Buffer.allocUnsafeSlow(DRAIN_BYTES)
  #draining = false
  #gathering: Gathering[] = []
  /** Since when completions have come one right after the other, and when the last of them were settled. */
  #turnBegan = 0
  #settledAt = 0
  readonly #continue = (): void => {
    this.#draining = false
    this.drain()
  }

  constructor(native: NativeClient, calls: CallTable, settler: Settler) {
    this.#native = native
    this.#calls = calls
    this.#settler = settler
  }

  /** Completions of inline commands came. What had no room in the target is announced like completions of other threads. */
  wakeInline(target: Buffer, filled: number): void {
    this.#settleAll(target, filled)
    // The next one is too large for that target, or a batch is to be fetched.
    if ((filled === 0 || this.#gathering.length > 0) && !this.#draining) this.drain()
    else this.#settler.releaseWhenIdle()
  }

  /**
   * The core has completions ready. Node calls a thread-safe function again and again within one turn of the event loop,
   * up to 1,000 times, while other threads keep calling it: all that comes in one turn shares one time slice.
   */
  wake(): void {
    if (this.#draining) return
    const began = now()
    if (began - this.#settledAt > TURN_MS) this.#turnBegan = began
    else if (began - this.#turnBegan >= SLICE_MS) {
      this.#continueLater()
      return
    }
    this.drain()
    this.#settledAt = now()
  }

  /** The same, called from the event loop itself: once in a turn at most. */
  wakeOnLoop(): void {
    if (!this.#draining) this.drain()
  }

  /** Settles what is ready, for one time slice at most. */
  drain(): void {
    const native = this.#native
    const until = now() + SLICE_MS
    for (;;) {
      while (this.#gathering.length > 0) {
        this.#gather(until)
        if (now() >= until) {
          this.#continueLater()
          return
        }
      }
      const length = native.drain(this.#target)
      if (length === 0) break
      if (length < 0) {
        this.#target = Buffer.allocUnsafeSlow(-length)
        continue
      }
      this.#settleAll(this.#target, length)
      if (now() >= until) {
        this.#continueLater()
        return
      }
    }
    if (this.#target.length > KEEP_BYTES) this.#target = Buffer.allocUnsafeSlow(DRAIN_BYTES)
    this.#settler.releaseWhenIdle()
  }

  #continueLater(): void {
    this.#draining = true
    afterTurn(this.#continue)
  }

  /** Settles the completions in the first `length` bytes. One that cannot be read fails alone. */
  #settleAll(bytes: Buffer, length: number): void {
    let at = 0
    while (at < length) {
      const next = at + bytes.readUInt32LE(at)
      const ticket = bytes.readUInt32LE(at + CompletionAt.ticket)
      const kind = bytes[at + CompletionAt.kind]
      const call = this.#calls.get(ticket)
      if (call === undefined) {
        if (kind === CompletionKind.batch && (flagsOf(bytes, at) & CompletionFlag.isWhole) === 0) {
          this.#native.release(ticket)
        }
      } else {
        try {
          const isTimed = kind !== CompletionKind.batch && (flagsOf(bytes, at) & CompletionFlag.hasTiming) !== 0
          const end = isTimed ? takeTiming(call.message, bytes, next) : next
          if (kind === CompletionKind.record)
            this.#settler.resolve(call, call.answer(bytes, at + CompletionAt.body, end))
          else if (kind === CompletionKind.failure) this.#failed(call, bytes, at)
          else this.#takeIn(call, ticket, bytes, at)
        } catch (error) {
          this.#settler.reject(call, error)
        }
      }
      at = next
    }
  }

  #failed(call: Call, bytes: Buffer, at: number): void {
    const code = bytes.readInt16LE(at + CompletionAt.code)
    const instead = call.instead(code)
    if (instead !== undefined) this.#settler.resolve(call, instead)
    else this.#settler.reject(call, readFailure(call, code, bytes, at))
  }

  /** A batch completion: what is in it is settled at once, other bytes are copied over first. */
  #takeIn(call: Call, ticket: number, bytes: Buffer, at: number): void {
    const flags = flagsOf(bytes, at)
    const body = at + CompletionAt.body
    const isPart = (flags & CompletionFlag.isPart) !== 0
    if ((flags & CompletionFlag.isWhole) !== 0) this.#settleBatch(call, BatchReply.inPlace(bytes, body), isPart)
    else this.#gathering.push({ call, ticket, isPart, reply: BatchReply.announced(bytes, body), next: 0 })
  }

  #settleBatch(call: Call, reply: BatchReply, isPart: boolean): void {
    if (isPart) call.part(reply)
    else this.#settler.resolve(call, call.batch(reply))
  }

  /** Copies the pages of the oldest batch until it is complete or the time slice is over. */
  #gather(until: number): void {
    const batch = this.#gathering[0] as Gathering
    const { call, ticket, reply } = batch
    try {
      if (call.ticket === ticket) {
        if (batch.next === 0) this.#native.table(ticket, reply.table)
        while (batch.next < reply.pages.length) {
          this.#native.page(ticket, batch.next, (reply.pages[batch.next] as Page).bytes)
          batch.next++
          if (now() >= until && batch.next < reply.pages.length) return
        }
        this.#settleBatch(call, reply, batch.isPart)
      }
    } catch (error) {
      this.#settler.reject(call, error)
    }
    this.#gathering.shift()
    this.#native.release(ticket)
  }
}

function flagsOf(bytes: Buffer, at: number): number {
  return bytes[at + CompletionAt.flags] as number
}
