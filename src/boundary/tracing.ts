// Following calls for those who want to know: subscribers of the tracing channel, and the observer of a client.

import { BEGAN, type CommandMessage, hasCommandListeners, publish, runStarted } from '../channels/command.js'
import { now } from '../host.js'

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

  of(node: string): Place | undefined {
    const time = now()
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

async function settle<T>(message: CommandMessage, followed: Followed, promise: Promise<T>): Promise<T> {
  try {
    const result = await promise
    finish(message, followed, result)
    return result
  } catch (error) {
    finish(message, followed, undefined, error)
    publish('error', message)
    throw error
  } finally {
    publish('asyncStart', message)
    publish('asyncEnd', message)
    followed.observer?.(message)
  }
}

/** Fills in how a call ended. */
function finish(message: CommandMessage, { places }: Followed, result: unknown, error?: unknown): void {
  fillIn(message, result, error)
  const place = message.node === undefined ? undefined : places.of(message.node)
  message.host = place?.host
  message.port = place?.port
}

function fillIn(message: CommandMessage, result: unknown, error: unknown): void {
  const elapsed = now() - message[BEGAN]
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

/** Takes the timing off the end of a completion, and fills it in. Returns where the rest ends. */
export function takeTiming(message: CommandMessage | undefined, bytes: Buffer, end: number): number {
  const start = end - bytes.readUInt16LE(end - 2)
  if (message === undefined) return start
  const began = message[BEGAN]
  const sent = bytes.readDoubleLE(start + 8)
  message.phases = {
    queued: Math.max(0, bytes.readDoubleLE(start) - began),
    sent: Number.isNaN(sent) ? undefined : Math.max(0, sent - began),
    answered: Math.max(0, bytes.readDoubleLE(start + 16) - began),
    settled: 0,
  }
  message.bytesOut = bytes.readDoubleLE(start + 24)
  message.bytesIn = bytes.readDoubleLE(start + 32)
  message.attempts = bytes.readUInt32LE(start + 40)
  const name = bytes.utf8Slice(start + TIMING_BYTES - 2, end - 2)
  if (name !== '') message.node = name
  return start
}
