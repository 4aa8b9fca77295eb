// Keys: what names a record. How keys become bytes is records/key-encoding.ts.

import { types } from 'node:util'

/**
 * What names a record inside its set: text, a 64-bit integer (a safe integer or a bigint) or bytes.
 * `1` and `1n` name the same record, `1` and `'1'` do not.
 */
export type UserKey = string | number | bigint | Uint8Array

/**
 * The key of a record: namespace (1 to 31 bytes), set (up to 63 bytes; `''` or `null` for no set) and user key, or
 * `null` and the record's 20-byte digest when the user key is not known. A key may have both; the digest has to be that
 * of the user key then.
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
  | readonly [namespace: string, set: string | null, key: UserKey | null, digest: Uint8Array]

/** What the keys of one set have in common. */
export interface KeyNames {
  readonly namespace: string
  readonly set: string | null
}

/** The key of a user key in a set. */
export function keyOf({ namespace, set }: KeyNames, user: UserKey): Key {
  return [namespace, set, user]
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
