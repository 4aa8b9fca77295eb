// The indexes of namespaces as sessions know them: asked for once, and again in the background when they are old. What is
// known may be out of date: an index is only ever a way to read less.

import type { IndexInfo } from '../cluster/index-list.js'
import { now } from '../host.js'

/** Who can be asked for the indexes of a namespace. */
export interface IndexSource {
  listIndexes(namespace: string, options: { readonly statistics: boolean }): Promise<IndexInfo[]>
}

/** After this, in ms, the indexes are asked for again, while what is known is used. */
const OLD_MS = 30_000
/** After this, in ms, they are asked for again before a query does without: an index may be new. */
const MISSED_MS = 1000

interface Known {
  readonly indexes: readonly IndexInfo[]
  readonly at: number
}

/** What is known of the indexes of a cluster. */
export class KnownIndexes {
  readonly #source: IndexSource
  readonly #known = new Map<string, Known>()
  readonly #asking = new Map<string, Promise<readonly IndexInfo[]>>()
  /** Grows with every `forget`: what was asked for before counts no more. */
  #epoch = 0

  constructor(source: IndexSource) {
    this.#source = source
  }

  /** The indexes of a namespace. Where they cannot be asked for, there are none. */
  async of(namespace: string): Promise<readonly IndexInfo[]> {
    const known = this.#known.get(namespace)
    // One that is being built may be ready by now.
    if (known === undefined || known.indexes.some(({ state }) => state !== 'ready')) return this.#ask(namespace)
    if (now() - known.at > OLD_MS) void this.#ask(namespace)
    return known.indexes
  }

  /** The indexes of a namespace once more, unless they were asked for just now: none of those known would do. */
  async again(namespace: string): Promise<readonly IndexInfo[]> {
    const known = this.#known.get(namespace)
    if (known !== undefined && now() - known.at < MISSED_MS) return known.indexes
    return this.#ask(namespace)
  }

  /** Forgets what is known: an index was not there, or is new. */
  forget(namespace: string): void {
    this.#epoch++
    this.#known.delete(namespace)
    this.#asking.delete(namespace)
  }

  #ask(namespace: string): Promise<readonly IndexInfo[]> {
    const under = this.#asking.get(namespace)
    if (under !== undefined) return under
    const epoch = this.#epoch
    const asking = this.#source
      .listIndexes(namespace, { statistics: true })
      .then(
        (indexes) => {
          if (epoch === this.#epoch) this.#known.set(namespace, { indexes, at: now() })
          return indexes
        },
        () => this.#known.get(namespace)?.indexes ?? [],
      )
      .finally(() => {
        if (this.#asking.get(namespace) === asking) this.#asking.delete(namespace)
      })
    this.#asking.set(namespace, asking)
    return asking
  }
}
