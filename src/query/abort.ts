// Listening to abort signals: one listener for each signal, however many queries listen, since Node warns of a leak from the
// eleventh on.

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
