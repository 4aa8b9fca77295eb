// One client's side of the boundary: which calls are in flight, and when they are handed over (docs/internal/boundary.md).
//
// In: every call of a tick is written into one buffer (request-buffer.ts), which is handed over after the tick. Out: one
// wake-up takes all that is ready and settles the promises (completion-reader.ts). What a call means, only the Call knows.

import { type CommandMessage, commandMessage } from '../channels/command.js'
import { ClientClosedError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { aborted, Failure } from '../errors/failure.js'
import { atEndOfTick, beginPause, isLibuv, now, type Pause, TruePromise } from '../host.js'
import { MAX_INT32 } from '../limits.js'
import { AbortListeners } from './abort.js'
import { binding, type NativeClient, type NativeConfig } from './addon.js'
import { Admission, type Limits } from './admission.js'
import { type Call, COALESCED, ignore, SETTLED } from './call.js'
import { CallTable } from './call-table.js'
import { CompletionReader, DRAIN_BYTES, type Settler } from './completion-reader.js'
import { controlError } from './failure-reader.js'
import { EntryAt, EntryKind } from './layout.js'
import { Observation } from './observation.js'
import { RequestBuffer } from './request-buffer.js'
import { type CommandObserver, follow, isFollowed, NodePlaces } from './tracing.js'

/**
 * With at most this many calls in flight, the JavaScript thread sends them itself. Above it, handing over to the runtime is
 * cheaper.
 */
const INLINE_CALLS = 96

const NOTHING = Buffer.alloc(0)

let resolveLast: (value: unknown) => void
// One executor for all promises: a closure per call is what this saves.
const capture = (resolve: (value: unknown) => void): void => {
  resolveLast = resolve
}

/** One client's side of the boundary. */
export class Boundary implements Settler {
  #native: NativeClient | undefined
  #completions: CompletionReader | undefined
  readonly #requests = new RequestBuffer()
  readonly #calls = new CallTable()
  #scheduled = false
  /** Whether this side keeps the process alive. */
  #referenced = false
  readonly #abortListeners = new AbortListeners((call, reason) => {
    if (call.ticket !== SETTLED) this.reject(call, this.#abort(call, reason))
    this.releaseWhenIdle()
  })
  /** What gathers calls until the end of a tick, and enters them when the tick is handed over. */
  #before: (() => void)[] = []
  #closed: Promise<void> | undefined
  /** Hears of the commands of this client. */
  observer: CommandObserver | undefined
  #isFollowed = false
  readonly observation = new Observation()
  /** Called when the client is closed. */
  onClosed: (() => void) | undefined
  readonly places = new NodePlaces(() => (this.#closed === undefined ? (this.#native?.nodes() ?? []) : []))
  /** Undefined while nothing limits how many calls are under way. */
  #admission: Admission | undefined
  /** What goes on beside the calls, and what `close` waits with until it is over. */
  readonly #work = new Set<object>()
  #untilIdle: Pause | undefined
  readonly #flush = (): void => this.flush()

  /** Connects; rejects with the reason as an AerospikeError. */
  static async connect(config: NativeConfig): Promise<Boundary> {
    const boundary = new Boundary()
    try {
      const native = await binding().NativeClient.connect(config, () => boundary.#wakeReferenced())
      boundary.#open(native)
      native.unref()
      if (isLibuv) {
        const target = Buffer.allocUnsafeSlow(DRAIN_BYTES)
        native.inline((filled) => boundary.#wakeOnLoop(target, filled), target)
      }
    } catch (error) {
      throw controlError('connect', error, { user: config.user })
    }
    return boundary
  }

  /** A boundary over a client that is connected already, or stands in for one. */
  static over(native: NativeClient): Boundary {
    const boundary = new Boundary()
    boundary.#open(native)
    return boundary
  }

  #open(native: NativeClient): void {
    this.#native = native
    this.#completions = new CompletionReader(native, this.#calls, this)
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

  /** Whether it is closed and nothing goes on any more. */
  get isShutDown(): boolean {
    return this.closed && this.#native === undefined
  }

  /** Calls under way, and calls that wait for their turn. */
  get load(): { readonly inFlight: number; readonly queued: number } {
    const { inFlight, queued } = this.#admission ?? { inFlight: this.#calls.waiting, queued: 0 }
    return { inFlight, queued }
  }

  /**
   * Takes in a call: its entry goes into the buffer. Throws what writing the entry throws, leaving no trace of the call.
   * What is `large` is handed over at once: the core works on it while this thread does something else.
   */
  submit<T>(call: Call<T>, large = false): Promise<T> {
    return call.isCommand && this.isFollowed
      ? this.followCall(call, () => this.#submit(call, large))
      : this.#submit(call, large)
  }

  /** Whether somebody wants to hear of commands. */
  get isFollowed(): boolean {
    // Asked once in a tick: with 64 calls in one, asking all parts of the channel for each would take a hundredth of their time.
    if (!this.#scheduled) this.#isFollowed = isFollowed(this)
    return this.#isFollowed
  }

  /** Carries out a command, and tells those who listen what becomes of it. */
  follow<T>(message: CommandMessage, work: () => Promise<T>): Promise<T> {
    return follow(message, this, work)
  }

  /** The same for a call on one record. */
  followCall<T>(call: Call<T>, work: () => Promise<T>): Promise<T> {
    const key: unknown = call.key
    const [namespace, set] = Array.isArray(key) ? (key as unknown[]) : []
    const isText = (name: unknown): name is string => typeof name === 'string'
    const message = commandMessage(call.verb, isText(namespace) ? namespace : undefined, isText(set) ? set : undefined)
    call.message = message
    return this.follow(message, work)
  }

  #submit<T>(call: Call<T>, large: boolean): Promise<T> {
    this.admit(call)
    return this.#admission === undefined ? this.send(call, large) : this.#submitLimited(this.#admission, call, large)
  }

  /** Takes in a call that was admitted already, such as a part of a batch. */
  send<T>(call: Call<T>, large = false): Promise<T> {
    this.enter(call)
    const promise = this.promise(call)
    if (large && !this.#requests.isWriting) this.#handOver()
    else this.flushIfLarge()
    return promise
  }

  /** The same where there are limits: what has to wait is written as it is now, and handed over when its turn comes. */
  #submitLimited<T>(admission: Admission, call: Call<T>, large: boolean): Promise<T> {
    let held: Buffer = NOTHING
    try {
      if (admission.enter(call, (waited) => this.#release(call, held, waited))) return this.send(call, large)
      const ticket = this.#calls.add(call)
      held = this.#requests.hold(call, ticket)
    } catch (error) {
      if (call.ticket >= 0) this.#calls.delete(call.ticket)
      call.ticket = SETTLED
      admission.leave(call)
      throw error
    }
    return this.promise(call)
  }

  /** Hands over a call that has waited. */
  #release(call: Call, entry: Buffer, waited: number): void {
    const { totalTimeout } = call.task.policy
    this.#requests.add(call, entry, totalTimeout === 0 ? 0 : Math.max(1, Math.ceil(totalTimeout - waited)))
    this.flushIfLarge()
    this.schedule()
  }

  /** Whether a call goes on at once; when it has to wait, `start` is called in its turn with the milliseconds that it waited. */
  mayGoOn(call: Call, start: (waited: number) => void): boolean {
    return this.#admission === undefined || this.#admission.enter(call, start)
  }

  /** Waits for the turn of a call that is sent in parts and counts as one. What it resolves to ends it. */
  async turnOf(call: Call): Promise<() => void> {
    const admission = this.#admission
    if (admission === undefined) return ignore
    let place: object = call
    call.ticket = COALESCED
    const isFirst = admission.enter(call, () => {
      // The call that waited is settled, and what follows has its place.
      place = {}
      admission.hold(place)
      this.resolve(call, undefined)
    })
    if (!isFirst) await this.promise(call)
    return () => admission.leave(place)
  }

  /** Limits how many calls are under way from now on, or does not any more. Those under way already do not count. */
  limit(limits: Limits | undefined): void {
    if (limits === undefined) {
      const admission = this.#admission
      this.#admission = undefined
      admission?.release()
    } else if (this.#admission === undefined) {
      this.#admission = new Admission(limits, (call, reason) => this.reject(call, reason))
    } else {
      this.#admission.limits = limits
      this.#admission.advance()
    }
  }

  /** Throws when nobody waits for a call any more: the client is closed, or its signal was aborted. */
  checkGoesOn(call: Call): void {
    const { signal } = call.task.policy
    if (this.#closed !== undefined) throw new ClientClosedError(`${call.verb}: the client is closed`)
    if (signal?.aborted === true) throw aborted(call.verb, call.key, signal.reason, false)
  }

  /** Throws when a call cannot be taken in: the client is closed, its signal was aborted before, or there is no room. */
  admit(call: Call): void {
    const { transaction } = call.task.policy
    this.checkGoesOn(call)
    if (this.#admission !== undefined) this.#admission.check(call.verb)
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
    try {
      this.#requests.write(call, ticket)
    } catch (error) {
      this.#calls.delete(ticket)
      call.ticket = before
      throw error
    }
    this.schedule()
  }

  /** Hands over what was written so far when the buffer has become large. */
  flushIfLarge(): void {
    if (this.#requests.isLarge) this.#handOver()
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
    const requests = this.#requests
    const calls = requests.takeCalls()
    if (calls.length === 0) return
    let failure: unknown
    try {
      // Not through `native`: what waited for its turn may still go out while the client closes.
      const native = this.#native
      if (native === undefined) throw new ClientClosedError('the client is closed')
      const few = this.#calls.waiting <= INLINE_CALLS
      this.observation.update(native)
      const { bytes, at } = requests.entries
      // Commands that are carried out inline keep the process alive by themselves.
      if (at > 0 && !native.submit(bytes, at, few)) this.#reference()
      for (const { bytes, at } of requests.takeNested()) {
        this.#reference()
        native.submit(bytes, at)
      }
    } catch (error) {
      failure = error
    }
    for (const call of calls) call.writer = undefined
    requests.clear()
    // Last: those that wait for a turn may be written as soon as others have failed.
    if (failure !== undefined) for (const call of calls) this.reject(call, controlError(call.verb, failure))
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

  /** The core has completions ready. */
  wake(): void {
    this.#completions?.wake()
  }

  /** The same, called from the event loop itself: -1, or so many bytes of completions of inline commands in the target. */
  #wakeOnLoop(target: Buffer, filled: number): void {
    if (filled >= 0) {
      this.#completions?.wakeInline(target, filled)
      return
    }
    this.#takeOver()
    this.#completions?.wakeOnLoop()
  }

  /** Whether the core kept the process alive for its completions or not, from here on it is done on this side. */
  #takeOver(): void {
    if (!this.#referenced) this.#native?.ref()
    this.#referenced = true
  }

  /** Lets the process end when no call is under way. */
  releaseWhenIdle(): void {
    this.#endWhenIdle()
    if (this.#calls.waiting > 0 || !this.#referenced) return
    this.#referenced = false
    this.#native?.unref()
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
    if (this.#admission !== undefined) this.#admission.leave(call)
  }

  /** Drops a call whose caller no longer waits. */
  #abort(call: Call, reason: unknown): Failure {
    let sent = false
    if (call.ticket === COALESCED) {
      // Its row stays in the batch; the answer goes nowhere.
    } else if (call.writer !== undefined) {
      // Still in the buffer: it will be skipped.
      call.writer.bytes[call.entryAt + EntryAt.kind] = EntryKind.skipped
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

  /**
   * Closes once: later calls reject, calls under way get `timeout` milliseconds to finish. With `drain` so do queries that are
   * being read.
   */
  close(timeout: number, drain = false): Promise<void> {
    this.#closed ??= this.#shutDown(timeout, drain)
    return this.#closed
  }

  /** Something goes on that is no call, such as a query that is being read. */
  begin(work: object): void {
    this.#work.add(work)
  }

  /** It is over. */
  finish(work: object): void {
    this.#work.delete(work)
    this.#endWhenIdle()
  }

  /** Waits until nothing is under way, for some milliseconds at most. */
  async #drained(milliseconds: number): Promise<void> {
    const pause = beginPause(Math.min(milliseconds, MAX_INT32))
    this.#untilIdle = pause
    this.#endWhenIdle()
    await pause.over
    this.#untilIdle = undefined
  }

  #endWhenIdle(): void {
    if (this.#untilIdle === undefined) return
    const queued = this.#admission?.queued ?? 0
    if (this.#calls.waiting === 0 && queued === 0 && this.#work.size === 0) this.#untilIdle.end()
  }

  async #shutDown(timeout: number, drain: boolean): Promise<void> {
    const native = this.#native
    if (native === undefined) return
    const until = now() + timeout
    const hasWaited = drain || (this.#admission?.queued ?? 0) > 0
    // Runs before `closed` is set: what was submitted in this tick still goes out.
    this.flush()
    try {
      if (drain) await this.#drained(timeout)
      else if (this.#admission !== undefined) await this.#admission.drained(timeout)
      await native.close(hasWaited ? Math.max(0, until - now()) : timeout)
    } catch (error) {
      throw controlError('close', error)
    } finally {
      this.#completions?.drain()
      const admission = this.#admission
      this.#admission = undefined
      for (const call of admission?.end() ?? []) {
        this.reject(call, new Failure({ verb: call.verb, key: call.key, code: Code.clientClosed }))
      }
      for (const call of this.#calls) {
        const { verb, key, task } = call
        this.reject(call, new Failure({ verb, key, code: Code.clientClosed, inDoubt: task.writes }))
      }
      if (this.#referenced) native.unref()
      this.#referenced = false
      this.onClosed?.()
      // The core holds the function that wakes this: while each held the other, neither was ever freed.
      this.#native = undefined
      this.#completions = undefined
      this.#requests.free()
    }
  }
}
