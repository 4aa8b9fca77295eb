// The only importer of the addon, and the only place that knows how calls cross (docs/internal/boundary.md).
//
// In: every call of a tick is written into one buffer, handed over once, after the tick. Out: one wake-up drains all
// that is ready and settles the promises. Nothing here knows what a call means: the Call does.

import { ClientClosedError, ClientError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { aborted, controlError, Failure } from '../errors/failure.js'
import { afterTurn, atEndOfTick, isLibuv, now, serveFrom, TruePromise } from '../host.js'
import { SLICE_MS } from '../time-slice.js'
import { Writer } from '../values/writer.js'
import { AbortListeners } from './abort.js'
import type { Binding, NativeClient, NativeConfig } from './addon.js'
import { type Call, COALESCED, ignore, SETTLED } from './call.js'
import { CallTable } from './call-table.js'
import { BatchReply, readFailure } from './completion.js'
import { EntryKind, KIND_AT } from './entry.js'
import type { Page } from './page-pool.js'

/** A tick that writes more than this hands over in between, so that the buffer stays small. */
const FLUSH_BYTES = 1024 * 1024
const REQUEST_BYTES = 64 * 1024
const DRAIN_BYTES = 64 * 1024
/** A buffer that had to grow beyond this is not kept. */
const KEEP_BYTES = 4 * 1024 * 1024

/** Flags of a batch completion: others of its ticket follow; its table and pages are in it. */
const IS_PART = 4
const IS_WHOLE = 8

/**
 * With at most this many calls in flight, the JavaScript thread sends them itself. Above it, handing over to the runtime is
 * cheaper.
 */
const INLINE_CALLS = 96

/** Completions that come within this many milliseconds of each other came in one turn of the event loop. */
const TURN_MS = 0.5

let loaded: Binding | undefined

/** The addon. Loaded when first needed, so that importing the package never fails for want of it. */
export function binding(): Binding {
  if (loaded !== undefined) return loaded
  try {
    // From dist/src/boundary/native.js.
    loaded = require('../../../binding.cjs') as Binding
    serveFrom(loaded)
    return loaded
  } catch (cause) {
    throw new ClientError(loadingFailed(cause), { cause })
  }
}

/** Why there is no addon: none is installed, or one is and the loader says what is wrong with it. */
export function loadingFailed(cause: unknown): string {
  const system = `${process.platform}-${process.arch}, Node ${process.version}`
  const reasons = new Set<string>()
  for (let error = cause, depth = 0; error instanceof Error && depth < MAX_CAUSES; error = error.cause, depth++) {
    const { code, message } = error as Error & { code?: string }
    // What is not there says nothing about what is, and the outermost error only sums up.
    if (depth > 0 && code !== 'MODULE_NOT_FOUND') {
      reasons.add((message.split('\n', 1)[0] as string).trim())
    }
  }
  if (reasons.size > 0) {
    return `the native addon of aerospike-napi for ${system} cannot be loaded: ${[...reasons].join('; ')}`
  }
  return `aerospike-napi has no native addon for ${system}: reinstall it with optional dependencies, or build it with npm run build`
}

/** The loader tries a dozen files at most. */
const MAX_CAUSES = 32

let resolveLast: (value: unknown) => void
// One executor for all promises: a closure per call is what this saves.
const capture = (resolve: (value: unknown) => void): void => {
  resolveLast = resolve
}

const NOTHING = Buffer.alloc(0)

/** A batch whose pages are still being copied over. */
interface Gathering {
  readonly call: Call
  readonly ticket: number
  /** More of it follows under the same ticket. */
  readonly isPart: boolean
  readonly reply: BatchReply
  next: number
}

/** One client's side of the boundary. */
export class Boundary {
  #native: NativeClient | undefined
  #writer = new Writer(REQUEST_BYTES)
  #writing = false
  #scheduled = false
  /** Calls written since the last hand-over. */
  #fresh: Call[] = []
  /** Entries written while another entry was being written: a getter of one call's value made another call. */
  #nested: Writer[] = []
  readonly #calls = new CallTable()
  #referenced = false
  #target = Buffer.allocUnsafeSlow(DRAIN_BYTES)
  #draining = false
  #gathering: Gathering[] = []
  readonly #abortListeners = new AbortListeners((call, reason) => {
    if (call.ticket !== SETTLED) this.reject(call, this.#abort(call, reason))
    this.#releaseWhenIdle()
  })
  /** What gathers calls until the end of a tick, and enters them when the tick is handed over. */
  #before: (() => void)[] = []
  #closed: Promise<void> | undefined
  readonly #flush = (): void => this.flush()
  /** Since when completions have come one right after the other, and when the last of them were settled. */
  #turnBegan = 0
  #settledAt = 0
  readonly #continue = (): void => {
    this.#draining = false
    this.#drain()
  }

  /** Connects; rejects with the reason as an AerospikeError. */
  static async connect(config: NativeConfig): Promise<Boundary> {
    const boundary = new Boundary()
    try {
      boundary.#native = await binding().NativeClient.connect(config, () => boundary.#wakeReferenced())
      boundary.#native.unref()
      if (isLibuv) {
        const target = Buffer.allocUnsafeSlow(DRAIN_BYTES)
        boundary.#native.inline((n) => (n < 0 ? boundary.#wakeOnLoop() : boundary.#wakeInline(target, n)), target)
      }
    } catch (error) {
      throw controlError('connect', error)
    }
    return boundary
  }

  /** A boundary over a client that is connected already, or stands in for one. */
  static over(native: NativeClient): Boundary {
    const boundary = new Boundary()
    boundary.#native = native
    return boundary
  }

  /** For the control plane: the addon's client, as long as it is open. */
  get native(): NativeClient {
    if (this.#native === undefined || this.#closed !== undefined) throw new ClientClosedError('the client is closed')
    return this.#native
  }

  /** Calls that wait for their outcome. */
  get waiting(): number {
    return this.#calls.waiting
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /**
   * Takes in a call: its entry goes into the buffer. Throws what writing the entry throws, leaving no trace of the call.
   * What is `large` is handed over at once: the core works on it while this thread does something else.
   */
  submit<T>(call: Call<T>, large = false): Promise<T> {
    this.admit(call)
    this.enter(call)
    const promise = this.promise(call)
    if (large && !this.#writing) this.#handOver()
    else this.flushIfLarge()
    return promise
  }

  /** Throws when a call cannot be taken in: the client is closed, or its signal was aborted before. */
  admit(call: Call): void {
    const { signal, transaction } = call.task.policy
    if (this.#closed !== undefined) throw new ClientClosedError(`${call.verb}: the client is closed`)
    if (signal?.aborted === true) throw aborted(call.verb, call.key, signal.reason, false)
    if (transaction !== undefined) transaction.admit(this, call.verb)
  }

  /** What the caller of a call waits for; its signal counts from here on. */
  promise<T>(call: Call<T>): Promise<T> {
    const promise = new TruePromise<T>(capture as never)
    call.resolve = resolveLast
    const { signal } = call.task.policy
    if (signal !== undefined) this.#abortListeners.add(call, signal)
    return promise
  }

  /** Writes the entry of a call into the buffer that is handed over after this tick. */
  enter(call: Call): void {
    const before = call.ticket
    const ticket = this.#calls.add(call)
    const nested = this.#writing
    const writer = nested ? new Writer(1024) : this.#writer
    const start = writer.at
    this.#writing = true
    try {
      call.entryAt = call.write(writer, ticket)
    } catch (error) {
      writer.at = start
      this.#calls.delete(ticket)
      call.ticket = before
      throw error
    } finally {
      this.#writing = nested
    }
    call.writer = writer
    if (nested) this.#nested.push(writer)
    this.#fresh.push(call)
    this.schedule()
  }

  /** Hands over what was written so far when the buffer has become large. */
  flushIfLarge(): void {
    if (!this.#writing && this.#writer.at >= FLUSH_BYTES) this.#handOver()
  }

  /** Sees to it that this tick is handed over, and that `before` runs then. */
  schedule(before?: () => void): void {
    if (before !== undefined) this.#before.push(before)
    if (this.#scheduled) return
    this.#scheduled = true
    atEndOfTick(this.#flush)
  }

  /** Ends a tick: everything it asked for goes to the core. */
  flush(): void {
    const before = this.#before
    try {
      if (before.length > 0) {
        this.#before = []
        for (const gather of before) gather()
      }
    } finally {
      // Whatever happens: a flag that stayed would keep every later call from being handed over.
      this.#scheduled = false
      this.#handOver()
    }
  }

  /** Hands everything written since the last time over to the core. */
  #handOver(): void {
    const writer = this.#writer
    const fresh = this.#fresh
    if (fresh.length === 0) return
    this.#fresh = []
    try {
      const few = this.#calls.waiting <= INLINE_CALLS
      // Commands that are carried out inline keep the process alive by themselves.
      if (writer.at > 0 && !this.native.submit(writer.bytes, writer.at, few)) this.#reference()
      if (this.#nested.length > 0) this.#submitNested()
    } catch (error) {
      for (const call of fresh) this.reject(call, controlError(call.verb, error))
    }
    for (const call of fresh) call.writer = undefined
    if (writer.bytes.length > KEEP_BYTES) this.#writer = new Writer(REQUEST_BYTES)
    else writer.at = 0
  }

  #submitNested(): void {
    const nested = this.#nested
    this.#nested = []
    this.#reference()
    for (const writer of nested) this.native.submit(writer.bytes, writer.at)
  }

  /** Keeps the process alive until nothing is under way. */
  #reference(): void {
    // A call cancelled before it is submitted does not keep the process running.
    if (this.#calls.waiting === 0) return
    if (!this.#referenced) this.#native?.ref()
    this.#referenced = true
  }

  /** The core has completions ready that other threads brought. */
  #wakeReferenced(): void {
    this.#takeOver()
    this.wake()
  }

  /** The same, called from the event loop itself: once in a turn at most. */
  #wakeOnLoop(): void {
    this.#takeOver()
    if (!this.#draining) this.#drain()
  }

  /** Whether the core kept the process alive for its completions or not, from here on it is done on this side. */
  #takeOver(): void {
    if (!this.#referenced) this.#native?.ref()
    this.#referenced = true
  }

  /** Completions of inline commands came. What had no room in the target is announced like completions of other threads. */
  #wakeInline(target: Buffer, filled: number): void {
    const native = this.#native
    if (native === undefined) return
    this.#settleAll(native, target, filled)
    // The next one is too large for that target, or a batch is to be fetched.
    if ((filled === 0 || this.#gathering.length > 0) && !this.#draining) this.#drain()
    else this.#releaseWhenIdle()
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
    this.#drain()
    this.#settledAt = now()
  }

  /** Settles what is ready, for one time slice at most. */
  #drain(): void {
    const native = this.#native
    if (native === undefined) return
    const until = now() + SLICE_MS
    for (;;) {
      while (this.#gathering.length > 0) {
        this.#gather(native, until)
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
      this.#settleAll(native, this.#target, length)
      if (now() >= until) {
        this.#continueLater()
        return
      }
    }
    if (this.#target.length > KEEP_BYTES) this.#target = Buffer.allocUnsafeSlow(DRAIN_BYTES)
    this.#releaseWhenIdle()
  }

  /** Lets the process end when no call is under way. */
  #releaseWhenIdle(): void {
    if (this.#calls.waiting > 0 || !this.#referenced) return
    this.#referenced = false
    this.#native?.unref()
  }

  #continueLater(): void {
    this.#draining = true
    afterTurn(this.#continue)
  }

  /** Settles the completions in the first `length` bytes. One that cannot be read fails alone. */
  #settleAll(native: NativeClient, bytes: Buffer, length: number): void {
    let at = 0
    while (at < length) {
      const next = at + bytes.readUInt32LE(at)
      const ticket = bytes.readUInt32LE(at + 4)
      const kind = bytes[at + 8]
      const call = this.#calls.get(ticket)
      if (call === undefined) {
        if (kind === 3 && ((bytes[at + 9] as number) & IS_WHOLE) === 0) native.release(ticket)
      } else {
        try {
          if (kind === 1) this.resolve(call, call.answer(bytes, at + 12, next))
          else if (kind === 2) this.#failed(call, bytes, at)
          else this.#takeIn(call, ticket, bytes, at)
        } catch (error) {
          this.reject(call, error)
        }
      }
      at = next
    }
  }

  #failed(call: Call, bytes: Buffer, at: number): void {
    const code = bytes.readInt16LE(at + 10)
    const instead = call.instead(code)
    if (instead !== undefined) this.resolve(call, instead)
    else this.reject(call, readFailure(call, code, bytes, at))
  }

  /** A batch completion: what is in it is settled at once, other bytes are copied over first. */
  #takeIn(call: Call, ticket: number, bytes: Buffer, at: number): void {
    const flags = bytes[at + 9] as number
    const isPart = (flags & IS_PART) !== 0
    if ((flags & IS_WHOLE) !== 0) this.#settleBatch(call, BatchReply.inPlace(bytes, at + 12), isPart)
    else this.#gathering.push({ call, ticket, isPart, reply: BatchReply.announced(bytes, at + 12), next: 0 })
  }

  #settleBatch(call: Call, reply: BatchReply, isPart: boolean): void {
    if (isPart) call.part(reply)
    else this.resolve(call, call.batch(reply))
  }

  /** Copies the pages of the oldest batch until it is complete or the time slice is over. */
  #gather(native: NativeClient, until: number): void {
    const batch = this.#gathering[0] as Gathering
    const { call, ticket, reply } = batch
    try {
      if (call.ticket === ticket) {
        if (batch.next === 0) native.table(ticket, reply.table)
        while (batch.next < reply.pages.length) {
          native.page(ticket, batch.next, (reply.pages[batch.next] as Page).bytes)
          batch.next++
          if (now() >= until && batch.next < reply.pages.length) return
        }
        this.#settleBatch(call, reply, batch.isPart)
      }
    } catch (error) {
      this.reject(call, error)
    }
    this.#gathering.shift()
    native.release(ticket)
  }

  /** Settles a call with its result. */
  resolve(call: Call, value: unknown): void {
    const { resolve } = call
    this.#end(call)
    resolve(value)
  }

  /** Settles a call with what went wrong. */
  reject(call: Call, reason: unknown): void {
    // Already settled: what failed was something after it.
    if (call.ticket === SETTLED) return
    call.reject(reason)
    this.#end(call)
  }

  /**
   * A settled call lets go of its promise. Otherwise a call that survived a collection while it waited would keep its result
   * alive for the next one, and with it whatever the result leads to: garbage that only a full collection finds.
   */
  #end(call: Call): void {
    if (call.ticket >= 0) this.#calls.delete(call.ticket)
    call.ticket = SETTLED
    call.resolve = ignore
    const { signal } = call.task.policy
    if (signal !== undefined) this.#abortListeners.delete(call, signal)
  }

  /** Drops a call whose caller no longer waits. */
  #abort(call: Call, reason: unknown): Failure {
    let sent = false
    if (call.ticket === COALESCED) {
      // Its row stays in the batch; the answer goes nowhere.
    } else if (call.writer !== undefined) {
      // Still in the buffer: it will be skipped.
      call.writer.bytes[call.entryAt + KIND_AT] = EntryKind.skipped
    } else {
      sent = this.#native?.cancel(call.ticket) ?? false
    }
    return new Failure({
      verb: call.verb,
      key: call.key,
      code: Code.clientAbort,
      inDoubt: sent && call.task.writes,
      cause: reason,
    })
  }

  /** Closes once: later calls reject, calls under way get `timeout` milliseconds to finish. */
  close(timeout: number): Promise<void> {
    this.#closed ??= this.#shutDown(timeout)
    return this.#closed
  }

  async #shutDown(timeout: number): Promise<void> {
    const native = this.#native
    if (native === undefined) return
    // Runs before `closed` is set: what was submitted in this tick still goes out.
    this.flush()
    try {
      await native.close(timeout)
    } catch (error) {
      throw controlError('close', error)
    } finally {
      this.#drain()
      for (const call of this.#calls) {
        const { verb, key, task } = call
        this.reject(call, new Failure({ verb, key, code: Code.clientClosed, inDoubt: task.writes }))
      }
      if (this.#referenced) native.unref()
      this.#referenced = false
      // The core holds the function that wakes this: while each held the other, neither was ever freed.
      this.#native = undefined
      this.#target = NOTHING
      this.#writer = new Writer(0)
    }
  }
}
