// The keys of a batch as a list: all of one set as a column of their user keys, others as they are.

import { type Key, type KeyNames, keyOf, type UserKey } from '../key.js'
import { atOnce, ROWS_PER_LOOK } from '../time-slice.js'

/** The keys of a batch in their order, not checked yet. */
export interface KeyList {
  readonly length: number
  /** The key of a row, of which there is one. */
  at(row: number): Key
  /** Its user key. */
  user(row: number): unknown
  /** Whether two rows are in the same namespace and set. */
  sameNames(row: number, other: number): boolean
}

/** More keys than this become a column in time slices: they are sent in several entries (batch/run.ts). */
const MAX_AT_ONCE = 4096

/** Keys as a list of its own; as a column, if they are not too many for that at once. */
export function keyList(keys: readonly Key[]): KeyList {
  const column = keys.length > MAX_AT_ONCE ? undefined : atOnce(KeyColumn.of(keys))
  return column ?? new KeyRows(keys.slice())
}

/**
 * The keys of one set, which are gone through in less time. Of many keys only the user keys are kept: in an eighth of the
 * memory, since an array of three for each takes 72 bytes besides the user key.
 */
export class KeyColumn implements KeyList {
  readonly names: KeyNames
  readonly users: readonly UserKey[]
  /** The keys as they were given, if they are few: rows show them, and making them again takes 15 ns each. */
  readonly #given: readonly Key[] | undefined

  private constructor(names: KeyNames, users: readonly UserKey[], given: readonly Key[] | undefined) {
    this.names = names
    this.users = users
    this.#given = given
  }

  /** The keys as a column, unless they are of several sets, have no user key or are no keys. */
  static *of(keys: readonly Key[]): Generator<void, KeyColumn | undefined> {
    const first: unknown = keys[0]
    if (!Array.isArray(first)) return undefined
    const [namespace, set] = first
    const users = new Array<UserKey>(keys.length)
    for (let i = 0; i < users.length; i++) {
      if (i % ROWS_PER_LOOK === ROWS_PER_LOOK - 1) yield
      const key = keys[i] as Key
      if (!Array.isArray(key) || key.length !== 3 || key[0] !== namespace || key[1] !== set) return undefined
      const user = key[2] as UserKey | null | undefined
      if (user === null || user === undefined) return undefined
      users[i] = user
    }
    return new KeyColumn({ namespace, set }, users, keys.length > MAX_AT_ONCE ? undefined : keys.slice())
  }

  get length(): number {
    return this.users.length
  }

  at(row: number): Key {
    return this.#given?.[row] ?? keyOf(this.names, this.users[row] as UserKey)
  }

  user(row: number): UserKey {
    return this.users[row] as UserKey
  }

  sameNames(): boolean {
    return true
  }
}

/** Keys of all kinds. */
export class KeyRows implements KeyList {
  readonly #keys: readonly Key[]

  constructor(keys: readonly Key[]) {
    this.#keys = keys
  }

  /** The same keys as a column, if they can be one. */
  column(): Generator<void, KeyColumn | undefined> {
    return KeyColumn.of(this.#keys)
  }

  get length(): number {
    return this.#keys.length
  }

  at(row: number): Key {
    return this.#keys[row] as Key
  }

  user(row: number): unknown {
    const key: unknown = this.#keys[row]
    // What is no key, or may turn out to be none, has no user key: so it never counts as a duplicate of a key that was checked.
    return Array.isArray(key) && (key.length === 3 || key[2] === null) ? key[2] : undefined
  }

  sameNames(row: number, other: number): boolean {
    const [a, b] = [this.at(row), this.at(other)]
    return a[0] === b[0] && (a[1] ?? '') === (b[1] ?? '')
  }
}
