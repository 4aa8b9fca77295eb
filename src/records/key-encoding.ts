// The bytes that a key becomes in a request, its digest, and the checks of its parts.

import { types } from 'node:util'
import { binding } from '../boundary/addon.js'
import { describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { type Key, keyText, type UserKey } from '../key.js'
import { DIGEST_BYTES, MAX_INT64, MAX_NAMESPACE_SIZE, MAX_SET_SIZE, MIN_INT64 } from '../limits.js'
import { Writer } from '../values/writer.js'

/** Key types in a request: the particle type of the user key, 0 for a digest. */
export const KeyType = { digest: 0, integer: 1, string: 3, bytes: 4 } as const

/** Refuses what has not the shape of a key. The parts are checked where they are written. */
export function checkKey(key: unknown, where: string): asserts key is Key {
  if (!Array.isArray(key)) {
    throw new InvalidArgumentError(`${where}: a key is [namespace, set, user key], not ${describe(key)}`)
  }
  if (key.length === 3 || key.length === 4) return
  throw new InvalidArgumentError(
    `${where}: a key is [namespace, set, user key] or [namespace, set, user key or null, digest], not an array of ${key.length}`,
  )
}

/** The type of a key's user key, after checking it. */
export function keyType(key: Key, where: string): number {
  const user = key[2]
  if (key.length !== 4) return userKeyType(user, where)
  const digest: unknown = key[3]
  if (!types.isUint8Array(digest) || digest.length !== DIGEST_BYTES) {
    throw new InvalidArgumentError(`${where}: a digest is ${DIGEST_BYTES} bytes, not ${describe(digest)}`)
  }
  if (user === null || user === undefined) return KeyType.digest
  const type = userKeyType(user, where)
  // Two names for one record that are of two records: whichever counted, the other was meant by somebody.
  if (!digestOf(key, type).equals(digest)) {
    throw new InvalidArgumentError(`${where}: the digest of ${keyText(key)} is that of another record`)
  }
  return type
}

const digested = new Writer(256)

/** The digest that a key has or leads to; `type` is its {@link keyType}. */
export function digestOf(key: Key, type: number): Buffer {
  const set: unknown = key[1] ?? ''
  if (typeof set !== 'string') throw new InvalidArgumentError(`key: the set must be text, not ${describe(set)}`)
  digested.at = 0
  writeUserKey(digested, namesRecord(key, type))
  const bytes = digested.bytes.subarray(0, digested.at)
  return type === KeyType.digest ? Buffer.from(bytes) : binding().digest(set, type, bytes)
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
  if (namespaceLength === 0 || namespaceLength > MAX_NAMESPACE_SIZE) {
    throw new InvalidArgumentError(
      `${where}: the namespace must have 1 to ${MAX_NAMESPACE_SIZE} bytes, not ${namespaceLength}`,
    )
  }
  const setLength = w.text(set)
  if (setLength > MAX_SET_SIZE) {
    throw new InvalidArgumentError(`${where}: the set must have at most ${MAX_SET_SIZE} bytes, not ${setLength}`)
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
