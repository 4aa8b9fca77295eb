// Keys: what names a record, and the bytes it becomes in a request.

import { types } from 'node:util'
import { describe } from './checks/check.js'
import { InvalidArgumentError } from './errors/classes.js'
import { DIGEST_BYTES, MAX_INT64, MAX_NAMESPACE, MAX_SET, MIN_INT64 } from './limits.js'
import { atOnce, ROWS_PER_LOOK } from './turns.js'
import type { Writer } from './values/writer.js'

/**
 * What names a record inside its set: text, a 64-bit integer (a safe integer or a bigint) or bytes.
 * `1` and `1n` name the same record, `1` and `'1'` do not.
 */
export type UserKey = string | number | bigint | Uint8Array

/**
 * The key of a record: namespace (1 to 31 bytes), set (up to 63 bytes; `''` or `null` for no set) and user key, or
 * `null` and the record's 20-byte digest when the user key is not known.
 *
 * Keys are kept by reference until a call has settled; do not change one meanwhile. `record.key` is the same key, though
 * not always the same array.
 *
 * @example
 * const key = ['test', 'demo', 'user1'] as const
 * const byDigest = ['test', 'demo', null, digest(key)] as const
 */
export type Key =
  | readonly [namespace: string, set: string | null, key: UserKey]
  | readonly [namespace: string, set: string | null, key: null, digest: Uint8Array]

/** What the keys of one set have in common. */
export interface KeyNames {
  readonly namespace: string
  readonly set: string | null
}

/** The key of a user key in a set. */
export function keyOf({ namespace, set }: KeyNames, user: UserKey): Key {
  return [namespace, set, user]
}

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

/** More keys than these are made a column in turns, as they are sent in several entries (batch-run.ts). */
const MOST_AT_ONCE = 4096

/** Keys as a list of its own; as a column, if they are not too many for that at once. */
export function keyList(keys: readonly Key[]): KeyList {
  const column = keys.length > MOST_AT_ONCE ? undefined : atOnce(KeyColumn.of(keys))
  return column ?? new KeyRows(keys.slice())
}

/**
 * The keys of one set: in an eighth of the memory, since an array of three for each takes 72 bytes besides the user key,
 * and gone through in less time.
 */
export class KeyColumn implements KeyList {
  readonly names: KeyNames
  readonly users: readonly UserKey[]

  private constructor(names: KeyNames, users: readonly UserKey[]) {
    this.names = names
    this.users = users
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
    return new KeyColumn({ namespace, set }, users)
  }

  get length(): number {
    return this.users.length
  }

  at(row: number): Key {
    return keyOf(this.names, this.users[row] as UserKey)
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
    // Of what is no key it is unknown: it must not pass for the twin of one, which nobody would check.
    return Array.isArray(key) && (key.length === 3 || key[2] === null) ? key[2] : undefined
  }

  sameNames(row: number, other: number): boolean {
    const [a, b] = [this.at(row), this.at(other)]
    return a[0] === b[0] && (a[1] ?? '') === (b[1] ?? '')
  }
}

/** Key types in a request: the particle type of the user key, 0 for a digest. */
export const KeyType = { digest: 0, integer: 1, string: 3, bytes: 4 } as const

/** Refuses what has not the shape of a key. The parts are checked where they are written. */
export function checkKey(key: unknown, where: string): asserts key is Key {
  if (!Array.isArray(key)) {
    throw new InvalidArgumentError(`${where}: a key is [namespace, set, user key], not ${describe(key)}`)
  }
  if (key.length === 3) return
  if (key.length === 4 && (key[2] === null || key[2] === undefined)) return
  throw new InvalidArgumentError(
    `${where}: a key is [namespace, set, user key] or [namespace, set, null, digest], not an array of ${key.length}`,
  )
}

/** The type of a key's user key, after checking it. */
export function keyType(key: Key, where: string): number {
  const user = key[2]
  if (key.length !== 4 || (user !== null && user !== undefined)) return userKeyType(user, where)
  const digest: unknown = key[3]
  if (types.isUint8Array(digest) && digest.length === DIGEST_BYTES) return KeyType.digest
  throw new InvalidArgumentError(`${where}: a digest is ${DIGEST_BYTES} bytes, not ${describe(digest)}`)
}

/** The type of a user key, after checking it. */
export function userKeyType(user: unknown, where: string): number {
  switch (typeof user) {
    case 'string':
      return KeyType.string
    case 'number':
      if (Number.isSafeInteger(user)) return KeyType.integer
      throw new InvalidArgumentError(
        `${where}: a numeric user key must be a safe integer, not ${user}; use a bigint for larger ones`,
      )
    case 'bigint':
      if (user >= MIN_INT64 && user <= MAX_INT64) return KeyType.integer
      throw new InvalidArgumentError(`${where}: the user key ${user} does not fit into 64 bits`)
    case 'object':
      if (types.isUint8Array(user)) return KeyType.bytes
  }
  throw new InvalidArgumentError(`${where}: the user key must be text, an integer or bytes, not ${describe(user)}`)
}

/** What names the record in its set: the user key, or the digest. */
export function namesRecord(key: Key, type: number): UserKey {
  return (type === KeyType.digest ? key[3] : key[2]) as UserKey
}

/** Writes the bytes of what names a record in its set, a user key or a digest, and returns how many. */
export function writeUserKey(w: Writer, user: UserKey): number {
  if (typeof user === 'string') return w.text(user)
  if (typeof user === 'number') {
    w.safeInt64(user)
    return 8
  }
  if (typeof user === 'bigint') {
    w.bigInt64(user)
    return 8
  }
  w.raw(user)
  return user.length
}

/** Writes namespace and set, and returns both lengths as `namespace << 8 | set`. */
export function writeNames(w: Writer, key: Key, where: string): number {
  const namespace: unknown = key[0]
  if (typeof namespace !== 'string') {
    throw new InvalidArgumentError(`${where}: the namespace must be text, not ${describe(namespace)}`)
  }
  const set: unknown = key[1] ?? ''
  if (typeof set !== 'string') throw new InvalidArgumentError(`${where}: the set must be text, not ${describe(set)}`)
  const namespaceLength = w.text(namespace)
  if (namespaceLength === 0 || namespaceLength > MAX_NAMESPACE) {
    throw new InvalidArgumentError(
      `${where}: the namespace must have 1 to ${MAX_NAMESPACE} bytes, not ${namespaceLength}`,
    )
  }
  const setLength = w.text(set)
  if (setLength > MAX_SET) {
    throw new InvalidArgumentError(`${where}: the set must have at most ${MAX_SET} bytes, not ${setLength}`)
  }
  return (namespaceLength << 8) | setLength
}

/** Writes the key block of a record command (boundary.md). */
export function writeKey(w: Writer, key: Key, send: boolean): void {
  const where = 'key'
  checkKey(key, where)
  const type = keyType(key, where)
  const start = w.at
  w.reserve(8)
  w.at = start + 8
  const names = writeNames(w, key, where)
  const length = writeUserKey(w, namesRecord(key, type))
  const bytes = w.bytes
  bytes[start] = send && type !== KeyType.digest ? 1 : 0
  bytes[start + 1] = type
  bytes[start + 2] = names >>> 8
  bytes[start + 3] = names & 0xff
  w.patchU32LE(start + 4, length)
}

/**
 * What makes two keys name the same record, as one string: for looking rows up. Digest-only keys give their digest,
 * and so compare equal to each other only.
 */
export function keyIdentity(key: Key): string {
  const set = key[1] ?? ''
  // The lengths keep a NUL inside a name from making two keys look alike.
  const names = `${key[0].length}.${set.length}.${key[0]}${set}.`
  const user = key[2]
  switch (typeof user) {
    case 'string':
      return `${names}s${user}`
    case 'number':
    case 'bigint':
      return `${names}i${user}`
    default: {
      const bytes = (user ?? key[3]) as Uint8Array
      return `${names}${user == null ? 'd' : 'b'}${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`
    }
  }
}

/** A key as it reads in a message. */
export function keyText(key: Key): string {
  const parts = [key[0], key[1] ?? '', key[2] ?? key[3]].map((part) => {
    if (typeof part === 'bigint') return `${part}n`
    if (typeof part === 'string') return JSON.stringify(part.length > 64 ? `${part.slice(0, 61)}...` : part)
    if (types.isUint8Array(part)) return `0x${Buffer.from(part.subarray(0, 32)).toString('hex')}`
    return String(part)
  })
  return `[${parts.join(', ')}]`
}
