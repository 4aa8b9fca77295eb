// The tracing channel of commands (https://nodejs.org/api/diagnostics_channel.html#class-tracingchannel): what is published for
// each call, for whoever subscribes. Nobody here knows who that is.

import * as diagnostics from 'node:diagnostics_channel'

/** The name of the tracing channel: `tracing:aerospike-napi:command:start` and so on are its parts. */
export const COMMAND_CHANNEL = 'aerospike-napi:command'

/** When a call went which way, each in milliseconds after the call. What did not happen, or is not known, is undefined. */
export interface CommandPhases {
  /** The core took it over: the tick that made the call was over. */
  readonly queued: number | undefined
  /** Bytes of the attempt that ended it went out: a connection was free, and earlier attempts were over. */
  readonly sent: number | undefined
  /** The answer was there, or it was given up. */
  readonly answered: number | undefined
  /** The promise was settled: what lies between is this process's own delay. */
  readonly settled: number
}

/** When a call began, on the clock of `now`: not for those who listen. */
export const BEGAN = Symbol('began')

/**
 * What is published for a call: one object from its start to its end, which gains facts on the way. `start` has the first group,
 * `asyncEnd`, which ends it, and `error` before that, have all that is known.
 */
export interface CommandMessage {
  /** The method that was called, such as `get` or `batchRead`. */
  readonly verb: string
  /** Undefined where there is none, or rows are of several. */
  readonly namespace: string | undefined
  readonly set: string | undefined
  /** How many rows a batch has; of queries at their end how many records were handed over. Undefined for other calls. */
  rows: number | undefined

  /** The node that answered, or was asked last; undefined where several were. */
  node: string | undefined
  /** Where that node is. */
  host: string | undefined
  port: number | undefined
  /** How often the command was sent; of batches the most of a row. */
  attempts: number | undefined
  /** Bytes of requests and answers. */
  bytesOut: number | undefined
  bytesIn: number | undefined
  /** The result code: 0, or why it failed. */
  code: number | undefined
  /** Milliseconds from the call to its end. */
  elapsed: number | undefined
  phases: CommandPhases | undefined
  /** What the call resolved with. */
  result?: unknown
  /** Why it rejected. */
  error?: unknown
  /** @internal */
  [BEGAN]: number
}

/** The events of the channel, in the order in which they are published. */
type Part = 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error'

/** Undefined where the runtime has no such channels. */
const channel =
  typeof diagnostics.tracingChannel === 'function'
    ? diagnostics.tracingChannel<'aerospike-napi:command', CommandMessage>(COMMAND_CHANNEL)
    : undefined

const PARTS: readonly Part[] = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']

/** Runtimes before Node.js 20.13 do not say it of all parts at once. */
const saysItself = channel !== undefined && typeof channel.hasSubscribers === 'boolean'

/** Whether anybody subscribed to commands. */
export function hasCommandListeners(): boolean {
  if (channel === undefined) return false
  return saysItself ? channel.hasSubscribers : PARTS.some((part) => channel[part].hasSubscribers)
}

/** A message of a call that begins. */
export function commandMessage(verb: string, namespace?: string, set?: string | null, rows?: number): CommandMessage {
  return {
    verb,
    namespace,
    set: set ?? undefined,
    rows,
    node: undefined,
    host: undefined,
    port: undefined,
    attempts: undefined,
    bytesOut: undefined,
    bytesIn: undefined,
    code: undefined,
    elapsed: undefined,
    phases: undefined,
    result: undefined,
    error: undefined,
    [BEGAN]: 0,
  }
}

/** Publishes a part. A runtime whose channels throw for a subscriber hurts no call. */
export function publish(part: Part, message: CommandMessage): void {
  const one = channel?.[part]
  if (one?.hasSubscribers !== true) return
  try {
    one.publish(message)
  } catch {}
}

/** Publishes the start, and runs `work` in the stores that are bound to it: spans that begin there have this one as parent. */
export function runStarted<T>(message: CommandMessage, work: () => T): T {
  const start = channel?.start
  if (start === undefined || !start.hasSubscribers || typeof start.runStores !== 'function') {
    publish('start', message)
    return work()
  }
  return start.runStores(message, work)
}
