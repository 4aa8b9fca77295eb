// Listening to AbortSignals. A signal has one listener, however many calls wait for it: Node warns of a leak from the
// eleventh on, and a request with many calls has one signal for all of them.

import { aborted } from '../errors/failure.js'
import { beginPause, TruePromise } from '../host.js'
import type { Call } from './call.js'

interface Listeners {
  readonly calls: Set<() => void>
  readonly onAbort: () => void
}

const listening = new WeakMap<AbortSignal, Listeners>()

/** Calls `call` when the signal is aborted, once; the function that is returned ends that. */
export function whenAborted(signal: AbortSignal | undefined, call: () => void): () => void {
  if (signal === undefined) return () => {}
  const listeners = listening.get(signal) ?? listen(signal)
  // A function of its own, in case that one is given twice.
  const own = (): void => call()
  listeners.calls.add(own)
  return () => {
    if (!listeners.calls.delete(own) || listeners.calls.size > 0) return
    signal.removeEventListener('abort', listeners.onAbort)
    listening.delete(signal)
  }
}

function listen(signal: AbortSignal): Listeners {
  const calls = new Set<() => void>()
  const onAbort = (): void => {
    listening.delete(signal)
    for (const call of calls) call()
    calls.clear()
  }
  const listeners = { calls, onAbort }
  listening.set(signal, listeners)
  signal.addEventListener('abort', onAbort, { once: true })
  return listeners
}

/** The calls of one boundary that wait for one signal. */
interface Waiting {
  readonly calls: Set<Call>
  /** Ends the listening. */
  readonly forget: () => void
}

/** The calls of one boundary that have a signal: an abort ends all that wait for it. */
export class AbortListeners {
  readonly #waiting = new Map<AbortSignal, Waiting>()
  readonly #abort: (call: Call, reason: unknown) => void

  /** @param abort what is done with a call whose signal was aborted */
  constructor(abort: (call: Call, reason: unknown) => void) {
    this.#abort = abort
  }

  /** Starts listening to the signal of a call. */
  add(call: Call, signal: AbortSignal): void {
    const waiting = this.#waiting.get(signal) ?? this.#listen(signal)
    waiting.calls.add(call)
  }

  #listen(signal: AbortSignal): Waiting {
    const calls = new Set<Call>()
    const forget = whenAborted(signal, () => {
      this.#waiting.delete(signal)
      for (const call of calls) this.#abort(call, signal.reason)
    })
    const waiting = { calls, forget }
    this.#waiting.set(signal, waiting)
    return waiting
  }

  /** Stops listening for a call. */
  delete(call: Call, signal: AbortSignal): void {
    const waiting = this.#waiting.get(signal)
    if (waiting?.calls.delete(call) !== true || waiting.calls.size > 0) return
    this.#waiting.delete(signal)
    waiting.forget()
  }
}

/** Waits; rejects when the signal is aborted. */
export function pause(verb: string, milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  const { over, end } = beginPause(milliseconds)
  return untilAborted(verb, signal, over).finally(end)
}

/** A promise that a signal can end before its time. */
export async function untilAborted<T>(
  verb: string,
  signal: AbortSignal | undefined,
  promise: Promise<T>,
  inDoubt = false,
): Promise<T> {
  if (signal === undefined) return promise
  let forget = (): void => {}
  const abort = new TruePromise<never>((_, reject) => {
    const end = (): void => reject(aborted(verb, undefined, signal.reason, inDoubt))
    if (signal.aborted) end()
    else forget = whenAborted(signal, end)
  })
  // How it settles after the abort is of no interest.
  promise.catch(() => {})
  try {
    return await TruePromise.race([promise, abort])
  } finally {
    forget()
  }
}
