// What a client logs: events with a level, to a function of the caller's. It is called when the event loop had its turn, one event
// at a time, from a queue with an end: a sink that throws, or is slow, costs no call anything.

import type { CommandMessage, CommandPhases } from '../channels/command.js'
import type { CoreEvent } from '../channels/events.js'
import { Code } from '../errors/codes.js'
import { afterTurn, now, unixTime } from '../host.js'
import { SLICE_MS } from '../time-slice.js'

/** From what needs somebody to what is of use only in a search: each level has those before it. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const

/** How much an event matters. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The events by name, with the level of each. */
const LEVELS = {
  /** The client is connected. */
  connected: 'info',
  /** The client is closed. */
  closed: 'info',
  nodeAdded: 'info',
  nodeRemoved: 'warn',
  /** A node answers nothing at all; reads begin at another replica. */
  nodeSilent: 'warn',
  nodeAwake: 'info',
  /** A node failed too often and is left alone until the next window. */
  breakerOpened: 'warn',
  breakerClosed: 'info',
  connectionFailed: 'warn',
  connectionOpened: 'debug',
  connectionClosed: 'debug',
  retry: 'debug',
  /** A call took longer than `slow`. */
  slowCall: 'warn',
  callFailed: 'debug',
  /** Every call that is over. */
  call: 'trace',
  /** Events were not logged, since they came faster than the sink took them. */
  eventsLost: 'warn',
} as const satisfies { readonly [name: string]: LogLevel }

/** The name of an event. */
export type LogEventName = keyof typeof LEVELS

/** What is logged. No event has a key, a value or a password. */
export interface LogEvent {
  readonly level: LogLevel
  readonly name: LogEventName
  /** The event as a sentence. */
  readonly message: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly node?: string
  /** The result code of a failure, and what it is called. */
  readonly code?: number
  readonly reason?: string
  /** Of calls: the method, where, for how many rows, how often it was sent, and how long it took, in milliseconds. */
  readonly verb?: string
  readonly namespace?: string
  readonly set?: string
  readonly rows?: number
  readonly attempts?: number
  readonly elapsed?: number
  /** Of calls: when, in milliseconds after the call, it was queued, sent, answered and settled. */
  readonly phases?: CommandPhases
  /** Events that were lost. */
  readonly count?: number
}

/** Where events go. A promise that it returns is waited for before it gets the next. */
export type LogSink = (event: LogEvent) => unknown

/** Events that wait for the sink. */
const MAX_WAITING = 1000

const NAMES = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]))

type Facts = Omit<LogEvent, 'level' | 'name' | 'message' | 'time'>

/** The log of one client. */
export class Log {
  readonly #sink: LogSink
  readonly #most: number
  readonly #slow: number
  #waiting: LogEvent[] = []
  #lost = 0
  #isBusy = false

  /** @param slow milliseconds from which on a call is slow */
  constructor(sink: LogSink, level: LogLevel = 'info', slow = Number.POSITIVE_INFINITY) {
    this.#sink = sink
    this.#most = LOG_LEVELS.indexOf(level)
    this.#slow = slow
  }

  /** Whether it wants to hear of calls. */
  get followsCalls(): boolean {
    return this.#takes('callFailed') || (this.#slow < Number.POSITIVE_INFINITY && this.#takes('slowCall'))
  }

  #takes(name: LogEventName): boolean {
    return LOG_LEVELS.indexOf(LEVELS[name]) <= this.#most
  }

  /** Logs an event; `facts` without a value are left out. */
  write(name: LogEventName, message: string, facts: Facts = {}, time = unixTime()): void {
    if (!this.#takes(name)) return
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lost++
      return
    }
    const given = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
    this.#waiting.push({ level: LEVELS[name], name, message, time, ...given })
    this.#schedule()
  }

  /** Logs a call that is over, if it is one to log. */
  call(message: CommandMessage): void {
    const { verb, namespace, set, rows, node, code = 0, attempts, elapsed = 0, phases } = message
    const name = elapsed >= this.#slow ? 'slowCall' : code !== 0 ? 'callFailed' : 'call'
    if (!this.#takes(name)) return
    const reason = code === 0 ? undefined : (NAMES.get(code) ?? String(code))
    const where = namespace === undefined ? '' : ` of ${namespace}${set === undefined ? '' : `.${set}`}`
    const how = reason === undefined ? '' : ` and failed: ${reason}`
    const facts = { verb, namespace, set, rows, node, attempts, elapsed, phases }
    this.write(name, `${verb}${where} took ${elapsed.toFixed(1)} ms${how}`, {
      ...facts,
      ...(reason === undefined ? {} : { code, reason }),
    } as Facts)
  }

  /** Logs what happened at a node. */
  node(event: CoreEvent, lost: number): void {
    this.#lost += lost
    const { node, code, detail, kind, attempt, rows, time } = event
    const name = event.event as LogEventName
    if (!Object.hasOwn(LEVELS, name) || !this.#takes(name)) return
    const reason = detail === '' ? (NAMES.get(code) ?? String(code)) : detail
    const facts = code === 0 ? { node } : { node, code, reason, ...(rows > 0 ? { rows } : {}) }
    this.write(name, sentences[event.event]?.({ node, reason, what: kind ?? '', attempt }) ?? name, facts, time)
  }

  #schedule(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    afterTurn(() => void this.#deliver())
  }

  async #deliver(): Promise<void> {
    const until = now() + SLICE_MS
    while (this.#waiting.length > 0 && now() < until) {
      const event = this.#waiting.shift() as LogEvent
      try {
        const result = this.#sink(event)
        if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') await result
      } catch {
        // A log that fails has nowhere to say so, and the calls it is about have not failed.
      }
      if (this.#lost > 0) this.#tellLost()
    }
    this.#isBusy = false
    if (this.#waiting.length > 0) this.#schedule()
  }

  #tellLost(): void {
    const count = this.#lost
    this.#lost = 0
    this.write('eventsLost', `${count} events were not logged: they came faster than the log took them`, { count })
  }
}

/** The events of nodes in words. */
const sentences: {
  readonly [event: string]: (facts: {
    readonly node: string
    readonly reason: string
    readonly what: string
    readonly attempt: number
  }) => string
} = {
  nodeAdded: ({ node }) => `node ${node} is in use`,
  nodeRemoved: ({ node }) => `node ${node} is not used any more: it left the cluster or does not answer`,
  nodeSilent: ({ node }) => `node ${node} answers nothing at all; reads begin at another replica`,
  nodeAwake: ({ node }) => `node ${node} answers again`,
  breakerOpened: ({ node }) => `node ${node} failed too often and is left alone until the next window`,
  breakerClosed: ({ node }) => `node ${node} is asked again`,
  connectionFailed: ({ node, reason }) => `no connection to node ${node}: ${reason}`,
  connectionOpened: ({ node }) => `a connection to node ${node} was opened`,
  connectionClosed: ({ node }) => `a connection to node ${node} was closed`,
  retry: ({ node, reason, what, attempt }) =>
    `attempt ${attempt} of a ${what} failed at node ${node} (${reason}), and is repeated`,
}
