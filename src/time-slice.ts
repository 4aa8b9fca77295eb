// Work on many rows that gives the event loop its turn: a generator that yields every now and then.

/** The work stops after so many rows, to be gone on with at once or after a turn of the event loop. */
export const ROWS_PER_LOOK = 512
const STRETCH_MS = 3
/** Milliseconds of decoding in one go. */
const DECODE_MS = 4

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

/** Looking at the clock costs 40 ns, a tenth of decoding a small record. */
const LOOK_EVERY = 4
/** A record with more bytes than this is worth a look of its own. */
const LARGE_BYTES = 16 * 1024

/** Since when the event loop has not had its turn. */
export class Stretch {
  #until = 0
  #looks = 0

  /** The event loop just had its turn. */
  begin(): void {
    this.#until = performance.now() + DECODE_MS
    this.#looks = LOOK_EVERY
  }

  /** Counts something that was decoded from so many bytes. */
  count(bytes: number): void {
    if (bytes > LARGE_BYTES) this.#looks = 0
    else this.#looks--
  }

  /** Whether it is time to let others run. */
  isOver(): boolean {
    if (this.#looks > 0) return false
    this.#looks = LOOK_EVERY
    return performance.now() >= this.#until
  }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
