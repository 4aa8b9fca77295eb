// Time slices: work that takes long runs for a few milliseconds, then the event loop has its turn.

import { afterTurn, now, TruePromise } from './host.js'

/** Milliseconds of work in one go: what anything else that runs on this thread may have to wait. */
export const SLICE_MS = 4

/** Work on rows looks at the clock, and may stop, after this many of them. */
export const ROWS_PER_LOOK = 512

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new TruePromise(afterTurn)
}

/** Does work to its end without a stop. Work is a generator that yields where it may stop. */
export function atOnce<T>(work: Generator<void, T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}

/** Does work in time slices, between which the event loop has its turn. */
export async function inSlices<T>(work: Generator<void, T>): Promise<T> {
  for (;;) {
    const until = now() + SLICE_MS
    while (now() < until) {
      const { done, value } = work.next()
      if (done === true) return value
    }
    await turn()
  }
}

/** Looking at the clock costs 40 ns, a tenth of decoding a small record. */
const LOOK_EVERY = 4
/** A record with more bytes than this is worth a look of its own. */
const LARGE_BYTES = 16 * 1024

/** One time slice, for work that cannot be a generator: it asks whether its time is over. */
export class TimeSlice {
  #until = 0
  #looks = 0

  /** The event loop just had its turn. */
  begin(): void {
    this.#until = now() + SLICE_MS
    this.#looks = LOOK_EVERY
  }

  /** Counts something that was decoded from this many bytes. */
  count(bytes: number): void {
    if (bytes > LARGE_BYTES) this.#looks = 0
    else this.#looks--
  }

  /** Whether it is time to let others run. */
  isOver(): boolean {
    if (this.#looks > 0) return false
    this.#looks = LOOK_EVERY
    return now() >= this.#until
  }
}
