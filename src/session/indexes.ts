// The indexes of namespaces as sessions know them: asked for once, and again in the background when they are old. What is
// known may be out of date: an index is only ever a way to read less.

import type { IndexInfo } from '../cluster/index-list.js'

/** Who can be asked for the indexes of a namespace. */
export interface IndexSource {
  listIndexes(namespace: string, options: { readonly statistics: boolean }): Promise<IndexInfo[]>
}

/** After this, in ms, the indexes are asked for again, while what is known is used. */
const OLD_MS = 30_000

interface Known {
  indexes: readonly IndexInfo[]
  at: number
  asking: boolean
}

/** What is known of the indexes of a cluster. */
export class KnownIndexes {
  readonly #source: IndexSource
  readonly #known = new Map<string, Known>()
  readonly #first = new Map<string, Promise<readonly IndexInfo[]>>()

  constructor(source: IndexSource) {
    this.#source = source
  }

  /** The indexes of a namespace. Where they cannot be asked for, there are none. */
  async of(namespace: string): Promise<readonly IndexInfo[]> {
    const known = this.#known.get(namespace)
    if (known === undefined) return this.#ask(namespace)
    if (!known.asking && performance.now() - known.at > OLD_MS) {
      known.asking = true
      void this.#ask(namespace).finally(() => {
        known.asking = false
      })
    }
    return known.indexes
  }

  /** Forgets what is known: an index was not there, or is new. */
  forget(namespace: string): void {
    this.#known.delete(namespace)
  }

  #ask(namespace: string): Promise<readonly IndexInfo[]> {
    let asking = this.#first.get(namespace)
    if (asking === undefined) {
      asking = this.#source
        .listIndexes(namespace, { statistics: true })
        .then(
          (indexes) => {
            this.#known.set(namespace, { indexes, at: performance.now(), asking: false })
            return indexes
          },
          () => this.#known.get(namespace)?.indexes ?? [],
        )
        .finally(() => this.#first.delete(namespace))
      this.#first.set(namespace, asking)
    }
    return asking
  }
}
