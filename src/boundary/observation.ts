// What happens at the nodes, told by the core while anybody listens: to the channels, and to the observer of a client.

import { type CoreEvent, hasNodeListeners, publishEvent } from '../channels/events.js'
import { now, unixTime } from '../host.js'
import type { NativeClient, NativeEvents } from './addon.js'

/** Hears of what happens at nodes, and how many events before it were lost. It must not throw. */
export type NodeObserver = (event: CoreEvent, lost: number) => void

/** The watch over the nodes of one client. */
export class Observation {
  /** Of this client, besides the channels. */
  observer: NodeObserver | undefined
  #isOn = false
  readonly #take = ({ events, lost }: NativeEvents): void => {
    const offset = unixTime() - now()
    let missed = lost
    for (const event of events) {
      const told = { ...event, time: event.time + offset }
      publishEvent(told)
      this.observer?.(told, missed)
      missed = 0
    }
  }

  /** Begins or ends, as somebody listens or nobody does any more. Called once in a tick that has calls. */
  update(native: NativeClient): void {
    const isWanted = this.observer !== undefined || hasNodeListeners()
    if (isWanted === this.#isOn) return
    this.#isOn = isWanted
    if (isWanted) native.observe(this.#take)
    else native.unobserve()
  }
}
