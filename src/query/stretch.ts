// Giving the event loop its turn: results that are at hand are decoded for some milliseconds, then something else may run.

/** Milliseconds of work in one go. */
const STRETCH_MS = 4
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
    this.#until = performance.now() + STRETCH_MS
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
