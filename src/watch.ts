// The signals that calls listen to.

import type { Call } from './call.js'

/** The calls that wait for one signal. */
interface Watch {
  readonly calls: Set<Call>
  readonly onAbort: () => void
}

/**
 * One listener for all calls of a signal: Node warns of a leak from the eleventh on, and a request with many calls has
 * one signal for all of them.
 */
export class Watches {
  readonly #watches = new Map<AbortSignal, Watch>()
  readonly #abort: (call: Call, reason: unknown) => void

  /** @param abort what is done with a call whose signal was aborted */
  constructor(abort: (call: Call, reason: unknown) => void) {
    this.#abort = abort
  }

  /** Starts listening to the signal of a call. */
  add(call: Call, signal: AbortSignal): void {
    let watch = this.#watches.get(signal)
    if (watch === undefined) {
      const calls = new Set<Call>()
      const onAbort = (): void => {
        this.#watches.delete(signal)
        for (const call of calls) this.#abort(call, signal.reason)
      }
      watch = { calls, onAbort }
      this.#watches.set(signal, watch)
      signal.addEventListener('abort', onAbort, { once: true })
    }
    watch.calls.add(call)
  }

  /** Stops listening for a call. */
  delete(call: Call, signal: AbortSignal): void {
    const watch = this.#watches.get(signal)
    if (watch?.calls.delete(call) !== true || watch.calls.size > 0) return
    this.#watches.delete(signal)
    signal.removeEventListener('abort', watch.onAbort)
  }
}
