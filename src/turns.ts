// Work on many rows that gives the event loop its turn: a generator that yields every now and then.

/** The work stops after so many rows, to be gone on with at once or after a turn of the event loop. */
export const ROWS_PER_LOOK = 512
const STRETCH_MS = 3

/**
 * Calls back when the event loop has had its turn, timers included. An immediate alone would come before them where
 * sockets were read last.
 */
export function afterTurn(callback: () => void): void {
  setImmediate(() => setImmediate(callback))
}

/** Does work to its end without a stop. */
export function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}

/** Does work in stretches of a few milliseconds, between which the event loop has its turn. */
export async function inTurns<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const until = performance.now() + STRETCH_MS
    while (performance.now() < until) {
      const { done, value } = work.next()
      if (done === true) return value
    }
    await new Promise(setImmediate)
  }
}
