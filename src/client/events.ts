// Cluster events. Nothing is collected until someone subscribes.

import { EventEmitter } from 'node:events'
import type { Boundary } from '../boundary/native.js'
import { describe } from '../checks/check.js'
import { didYouMean } from '../checks/options.js'
import { type AerospikeError, InvalidArgumentError } from '../errors/classes.js'
import type { ConfigChange } from './configuration.js'

/** A node of the cluster. */
export interface Node {
  readonly name: string
  readonly host: string
  readonly port: number
  /** False while it is being dropped because it does not answer. */
  readonly active: boolean
  /** Whether it answers: the last look at it and the calls of late had answers. */
  readonly answering: boolean
  /** Open connections to it, and how many of them are in use. */
  readonly connections: { readonly open: number; readonly inUse: number }
  /** Version of the server. */
  readonly build: string
}

/** A node of the cluster that the client cannot reach: calls for records that only it holds fail. */
export interface UnreachableNode {
  readonly name: string
  /** The addresses that it announces, as far as they were tried, and what happened there. */
  readonly tried: readonly { readonly address: string; readonly reason: string }[]
}

/** The events of a client, with what their listeners get. */
export interface ClientEvents {
  /** A node was found: a new one, or one that is back. */
  nodeAdded: [node: Node]
  /** A node is not asked any more: it left the cluster, or did not answer for too long. */
  nodeRemoved: [node: Node]
  /**
   * Other nodes list a node that cannot be reached at any address it announces, as happens with containers and address
   * translation: `useAlternateServices` or `addressMap` may lead to it. Who begins to listen hears of those known already.
   */
  nodeUnreachable: [node: UnreachableNode]
  /** The configuration file was changed, and what it says is in use. */
  configChanged: [change: ConfigChange]
  /** The configuration file cannot be read or makes no sense: what held before still holds. */
  configFailed: [error: AerospikeError]
  /** There are nodes again after `disconnected`. */
  connected: []
  /** The last node is gone. The client keeps trying the hosts it was made with. */
  disconnected: []
}

/** A listener of an event. */
export type ClientListener<E extends keyof ClientEvents> = (...facts: ClientEvents[E]) => void

const NAMES: readonly string[] = [
  'nodeAdded',
  'nodeRemoved',
  'nodeUnreachable',
  'configChanged',
  'configFailed',
  'connected',
  'disconnected',
] satisfies (keyof ClientEvents)[]

/** The listeners of a client. */
export class Listeners {
  readonly #boundary: Boundary
  readonly #emitter = new EventEmitter()
  #count = 0

  constructor(boundary: Boundary) {
    this.#boundary = boundary
    this.#emitter.on('removeListener', () => {
      this.#count--
      if (this.#count === 0 && !this.#boundary.closed) this.#boundary.native.unwatch()
    })
  }

  /** Adds a listener; the first has the core tell of changes. */
  add(verb: 'on' | 'once', event: unknown, listener: unknown): void {
    const name = check(verb, event, listener)
    // Throws when the client is closed, before anything is changed.
    const native = this.#boundary.native
    this.#emitter[verb](name, listener as () => void)
    this.#count++
    if (this.#count > 1) return
    native.watch(({ kind, node, unreachable }) => {
      const about = node ?? unreachable
      if (about == null) this.#emitter.emit(kind)
      else this.#emitter.emit(kind, about)
    })
  }

  /** Tells of something that the core knows nothing of. Whether anybody listened. */
  tell<E extends keyof ClientEvents>(event: E, ...facts: ClientEvents[E]): boolean {
    return this.#emitter.emit(event, ...facts)
  }

  /** Removes a listener, if it is one; the last lets the core be quiet again. */
  remove(event: unknown, listener: unknown): void {
    this.#emitter.off(check('off', event, listener), listener as () => void)
  }
}

function check(verb: string, event: unknown, listener: unknown): string {
  if (typeof event !== 'string' || !NAMES.includes(event)) {
    const hint = typeof event === 'string' ? didYouMean(event, NAMES) : ''
    throw new InvalidArgumentError(`${verb}: there is no event ${describe(event)}${hint}`)
  }
  if (typeof listener === 'function') return event
  throw new InvalidArgumentError(`${verb}: the listener must be a function, not ${describe(listener)}`)
}
