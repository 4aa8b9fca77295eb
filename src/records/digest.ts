// The digest of a key, and the partition it lives in.

import type { Key } from '../key.js'
import { PARTITIONS } from '../limits.js'
import { checkKey, digestOf, keyType } from './key-encoding.js'

/**
 * The 20-byte digest (RIPEMD-160 of set and user key) that the cluster knows the record by. The namespace does not
 * count. A digest-only key gives its own.
 *
 * @throws InvalidArgumentError when the key is malformed
 * @example
 * digest(['test', 'demo', 1]).toString('hex') // 'b7f4b83889e2da67de683e1df6919a1eacc446c8'
 */
export function digest(key: Key): Buffer {
  checkKey(key, 'key')
  return digestOf(key, keyType(key, 'key'))
}

/**
 * The partition of a record, 0 to 4,095.
 *
 * @throws InvalidArgumentError when the key is malformed
 * @example
 * partition(['test', 'demo', 1]) // 1207
 */
export function partition(key: Key): number {
  return digest(key).readUInt32LE(0) % PARTITIONS
}
