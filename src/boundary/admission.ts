// How many calls are under way at once, how many more wait for their turn, and for how long. A client without such limits has
// none of this.

import { QueueFullError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { Failure } from '../errors/failure.js'
import { beginPause, now, type Pause } from '../host.js'
import { MAX_INT32 } from '../limits.js'
import type { Call } from './call.js'

/** The limits, as options of `connect` give them. */
export interface Limits {
  /** Calls under way at once. */
  readonly maxInFlight: number
  /** Calls that wait for their turn. */
  readonly maxQueued: number
  /** Milliseconds that a call waits at most; 0 for as long as its own time allows. */
  readonly queueTimeout: number
}

/** A call that waits. */
interface Waiting {
  /** Lets it go on; it gets the milliseconds that it waited. */
  readonly start: (waited: number) => void
  readonly since: number
  /** When it has waited too long, on the clock of `now`. */
  readonly until: number
}

/** Between two looks at who has waited too long, in ms: a look is at all that wait. */
const LOOK_MS = 5
/** Between two refusals with a stack, in ms. */
const TRACE_MS = 10

/** Who is under way and who waits. */
export class Admission {
  limits: Limits
  readonly #settle: (call: Call, reason: unknown) => void
  readonly #inFlight = new Set<object>()
  readonly #queued = new Map<Call, Waiting>()
  /** Goes through the queue once: looking for the first one anew passes over all that left it. */
  #order: Iterator<[Call, Waiting]> | undefined
  #pause: Pause | undefined
  /** What `drained` waits with. */
  #draining: Pause | undefined
  #lookAt = Number.POSITIVE_INFINITY
  #tracedAt = Number.NEGATIVE_INFINITY

  /** `reject` settles a call that waited too long. */
  constructor(limits: Limits, reject: (call: Call, reason: unknown) => void) {
    this.limits = limits
    this.#settle = reject
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  get queued(): number {
    return this.#queued.size
  }

  /**
   * @throws QueueFullError when one more call has neither room nor a place in the queue
   */
  check(verb: string): void {
    const { maxInFlight, maxQueued } = this.limits
    if (this.#inFlight.size < maxInFlight || this.#queued.size < maxQueued) return
    throw this.#full(`${verb}: ${this.#inFlight.size} calls are under way and ${this.#queued.size} wait already`)
  }

  /** A stack is five sixths of what a refusal costs: of a burst only the first has one. */
  #full(message: string): QueueFullError {
    const moment = now()
    if (moment - this.#tracedAt > TRACE_MS) {
      this.#tracedAt = moment
      return new QueueFullError(message)
    }
    const limit = Error.stackTraceLimit
    Reflect.set(Error, 'stackTraceLimit', 0)
    try {
      return new QueueFullError(message)
    } finally {
      Reflect.set(Error, 'stackTraceLimit', limit)
    }
  }

  /** Takes a call in that was not refused. False when it has to wait; `start` is called when its turn has come. */
  enter(call: Call, start: (waited: number) => void): boolean {
    if (this.#inFlight.size < this.limits.maxInFlight && this.#queued.size === 0) {
      this.#inFlight.add(call)
      return true
    }
    const since = now()
    const { queueTimeout } = this.limits
    const { totalTimeout } = call.task.policy
    const most = Math.min(queueTimeout || Number.POSITIVE_INFINITY, totalTimeout || Number.POSITIVE_INFINITY)
    this.#queued.set(call, { start, since, until: since + most })
    this.#lookBy(since + most)
    return false
  }

  /** Counts something as under way, whatever the limit is. */
  hold(place: object): void {
    this.#inFlight.add(place)
  }

  /** A call has ended, whether it was under way or waited; whoever waits takes its place. */
  leave(call: object): void {
    if (!this.#inFlight.delete(call)) this.#queued.delete(call as Call)
    this.advance()
  }

  /** Starts those that wait, as far as there is room. */
  advance(): void {
    while (this.#queued.size > 0 && this.#inFlight.size < this.limits.maxInFlight) {
      this.#order ??= this.#queued.entries()
      const next = this.#order.next()
      if (next.done === true) {
        this.#order = undefined
        continue
      }
      const [call, { start, since }] = next.value
      this.#queued.delete(call)
      this.#inFlight.add(call)
      start(now() - since)
    }
    if (this.#queued.size === 0) this.#isEmpty()
  }

  /** There are no limits any more: all that wait go on. */
  release(): void {
    this.limits = { ...this.limits, maxInFlight: Number.POSITIVE_INFINITY }
    this.advance()
  }

  /** Waits until nobody waits, for some milliseconds at most. */
  async drained(milliseconds: number): Promise<void> {
    if (this.#queued.size === 0) return
    const pause = beginPause(Math.min(milliseconds, MAX_INT32))
    this.#draining = pause
    await pause.over
  }

  /** The queue ends. What waited is returned, and is no longer part of it. */
  end(): Call[] {
    const calls = [...this.#queued.keys()]
    this.#queued.clear()
    this.#isEmpty()
    return calls
  }

  /** Nobody waits any more. */
  #isEmpty(): void {
    this.#draining?.end()
    if (this.#pause === undefined) return
    this.#lookAt = Number.POSITIVE_INFINITY
    this.#pause.end()
    this.#pause = undefined
  }

  #lookBy(when: number): void {
    if (when >= this.#lookAt || when === Number.POSITIVE_INFINITY) return
    this.#pause?.end()
    this.#lookAt = when
    const pause = beginPause(Math.max(LOOK_MS, Math.ceil(when - now())))
    this.#pause = pause
    void pause.over.then(() => {
      if (this.#pause === pause) this.#look()
    })
  }

  /** Ends the wait of those who have waited too long. */
  #look(): void {
    this.#pause = undefined
    this.#lookAt = Number.POSITIVE_INFINITY
    const moment = now()
    let next = Number.POSITIVE_INFINITY
    for (const [call, waiting] of this.#queued) {
      if (waiting.until <= moment) this.#settle(call, this.#tooLong(call, moment - waiting.since))
      else if (waiting.until < next) next = waiting.until
    }
    this.#lookBy(next)
  }

  /** Its own time is over, or that of the queue. Nothing was sent either way. */
  #tooLong({ verb, key, task }: Call, waited: number): Failure {
    const { totalTimeout } = task.policy
    const code = totalTimeout > 0 && waited >= totalTimeout ? Code.timeout : Code.asyncQueueFull
    const detail = `it waited for its turn, with ${this.limits.maxInFlight} calls under way`
    return new Failure({ verb, key, code, elapsed: waited, detail })
  }
}
