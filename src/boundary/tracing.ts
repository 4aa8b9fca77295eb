// Following calls for those who want to know: subscribers of the tracing channel, and the observer of a client.

import { BEGAN, type CommandMessage, hasCommandListeners, publish, runStarted } from '../channels/command.js'
import { afterwards, now } from '../host.js'
import { viewOf } from '../values/unpack.js'

/** Hears of every command of a client when it is over. It must not throw. */
export type CommandObserver = (message: CommandMessage) => void

/** Bytes of a timing besides the name of its node. */
const TIMING_BYTES = 48

const { hasOwn } = Object

/** Whose commands are followed. */
export interface Followed {
  readonly observer: CommandObserver | undefined
  readonly places: NodePlaces
}

/** Whether anybody wants to hear of commands. */
export function isFollowed({ observer }: Followed): boolean {
  return observer !== undefined || hasCommandListeners()
}

interface Place {
  readonly host: string
  readonly port: number
}

/** Milliseconds for which it is remembered where nodes are. */
const REMEMBERED_MS = 1000

/** Where the nodes of a client are. */
export class NodePlaces {
  readonly #nodes: () => readonly (Place & { readonly name: string })[]
  #known = new Map<string, Place>()
  #until = 0

  constructor(nodes: () => readonly (Place & { readonly name: string })[]) {
    this.#nodes = nodes
  }

  /** `time`: now. */
  of(node: string, time: number): Place | undefined {
    if (time >= this.#until) {
      this.#until = time + REMEMBERED_MS
      this.#known = new Map(this.#nodes().map((place) => [place.name, place]))
    }
    return this.#known.get(node)
  }
}

/** Carries out a command and publishes what becomes of it, as `tracePromise` of Node.js does. */
export function follow<T>(message: CommandMessage, followed: Followed, work: () => Promise<T>): Promise<T> {
  message[BEGAN] = now()
  let promise: Promise<T>
  try {
    promise = runStarted(message, work)
  } catch (error) {
    finish(message, followed, undefined, error)
    publish('error', message)
    publish('end', message)
    followed.observer?.(message)
    throw error
  }
  publish('end', message)
  return settle(message, followed, promise)
}

function settle<T>(message: CommandMessage, followed: Followed, promise: Promise<T>): Promise<T> {
  // Not an async function, which costs twice as much.
  return afterwards(
    promise,
    (result) => {
      finish(message, followed, result)
      end(message, followed)
      return result
    },
    (error: unknown) => {
      finish(message, followed, undefined, error)
      publish('error', message)
      end(message, followed)
      throw error
    },
  )
}

function end(message: CommandMessage, { observer }: Followed): void {
  publish('asyncStart', message)
  publish('asyncEnd', message)
  observer?.(message)
}

/** Fills in how a call ended. */
function finish(message: CommandMessage, { places }: Followed, result: unknown, error?: unknown): void {
  const time = now()
  fillIn(message, time - message[BEGAN], result, error)
  const place = message.node === undefined ? undefined : places.of(message.node, time)
  message.host = place?.host
  message.port = place?.port
}

function fillIn(message: CommandMessage, elapsed: number, result: unknown, error: unknown): void {
  message.elapsed = elapsed
  const { phases } = message
  if (phases === undefined)
    message.phases = { queued: undefined, sent: undefined, answered: undefined, settled: elapsed }
  else (phases as { settled: number }).settled = elapsed
  if (error === undefined) {
    message.code = 0
    message.result = result
    return
  }
  message.error = error
  if (typeof error !== 'object' || error === null || !hasOwn(error, 'code')) return
  const { code, node, attempts } = error as { code?: unknown; node?: unknown; attempts?: unknown }
  if (typeof code === 'number') message.code = code
  if (typeof node === 'string') message.node = node
  if (typeof attempts === 'number') message.attempts = attempts
}

/** Names of nodes that were read lately, with their bytes: few nodes answer all commands. */
const names: { readonly bytes: Buffer; readonly text: string }[] = []
const MAX_NAMES = 8

function readName(bytes: Buffer, start: number, end: number): string {
  next: for (const { bytes: known, text } of names) {
    if (known.length !== end - start) continue
    for (let i = known.length - 1; i >= 0; i--) if (known[i] !== bytes[start + i]) continue next
    return text
  }
  const text = bytes.utf8Slice(start, end)
  if (names.length >= MAX_NAMES) names.shift()
  names.push({ bytes: Buffer.from(bytes.subarray(start, end)), text })
  return text
}

/** Takes the timing off the end of a completion, and fills it in. Returns where the rest ends. */
export function takeTiming(message: CommandMessage | undefined, bytes: Buffer, end: number): number {
  const view = viewOf(bytes)
  const start = end - view.getUint16(end - 2, true)
  if (message === undefined) return start
  const began = message[BEGAN]
  const sent = view.getFloat64(start + 8, true)
  message.phases = {
    queued: Math.max(0, view.getFloat64(start, true) - began),
    sent: Number.isNaN(sent) ? undefined : Math.max(0, sent - began),
    answered: Math.max(0, view.getFloat64(start + 16, true) - began),
    settled: 0,
  }
  message.bytesOut = view.getFloat64(start + 24, true)
  message.bytesIn = view.getFloat64(start + 32, true)
  message.attempts = view.getUint32(start + 40, true)
  const name = readName(bytes, start + TIMING_BYTES - 2, end - 2)
  if (name !== '') message.node = name
  return start
}
