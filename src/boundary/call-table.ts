// The calls that wait for the core, each under a ticket: a slot of the table, and how often that slot was used before.
// So an answer that comes after a cancellation is recognised, although its slot has another call by then.

import { QueueFullError } from '../errors/classes.js'
import type { Call } from './call.js'

/**
 * Slots are the low 20 bits of a ticket, their generation the 11 above: so it is below 2^31, and V8 keeps it in the
 * call itself. Once one is larger it allocates a number for every call, and throws away what it had compiled.
 */
const SLOT_BITS = 20
const MAX_CALLS = 1 << SLOT_BITS
const GENERATIONS = 1 << 11

/** The calls of one client that have a ticket. */
export class CallTable {
  readonly #calls: (Call | undefined)[] = []
  readonly #generations: number[] = []
  readonly #free: number[] = []
  #waiting = 0

  /** How many calls wait. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Gives a call a ticket.
   *
   * @throws QueueFullError when 1,048,576 calls wait already
   */
  add(call: Call): number {
    const slot = this.#free.pop() ?? this.#calls.length
    if (slot >= MAX_CALLS) throw new QueueFullError(`${call.verb}: ${MAX_CALLS} calls are waiting already`)
    if (slot === this.#calls.length) this.#generations.push(0)
    this.#calls[slot] = call
    this.#waiting++
    call.ticket = ((this.#generations[slot] as number) << SLOT_BITS) | slot
    return call.ticket
  }

  /** Ends a call's hold on its slot. */
  delete(ticket: number): void {
    const slot = ticket & (MAX_CALLS - 1)
    this.#calls[slot] = undefined
    this.#generations[slot] = ((this.#generations[slot] as number) + 1) % GENERATIONS
    this.#free.push(slot)
    this.#waiting--
  }

  /** The call of a ticket, or undefined when it was cancelled meanwhile. */
  get(ticket: number): Call | undefined {
    const call = this.#calls[ticket & (MAX_CALLS - 1)]
    return call?.ticket === ticket ? call : undefined
  }

  /** All calls that wait, those that come while it is gone through included. */
  *[Symbol.iterator](): Generator<Call, void> {
    for (const call of this.#calls) if (call !== undefined) yield call
  }
}
