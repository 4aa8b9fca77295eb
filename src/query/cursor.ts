// Cursors: where a query is, exact to the record, as text that another process can go on from.
//
// The core knows which pages it has handed out; only this side knows which of their records were consumed. The bytes
// (docs/internal/boundary.md) list the partitions of the query: not begun, begun with the digest of the last record (and,
// over an index, the value it was found by), or done.

import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { badValue } from '../checks/options.js'
import { DIGEST_BYTES, PARTITIONS } from '../limits.js'

const VERSION = 1
const HAS_VALUES = 1
const BEGUN = 1
const DONE = 2
const VALUE_BYTES = 8
const HEAD_BYTES = 4

/** Bytes of the check in front of a cursor's text. */
const CHECK_BYTES = 4
const MAX_BYTES = HEAD_BYTES + PARTITIONS * (3 + DIGEST_BYTES + VALUE_BYTES)
/** Beyond this a text is no cursor, and is not looked at. */
const MAX_TEXT = Math.ceil(((MAX_BYTES + 1024) * 4) / 3)

/** The last record of a partition that was consumed. */
export interface LastRecord {
  /** 20 bytes. */
  readonly digest: Uint8Array
  /** 8 bytes, when the query goes over an index. */
  readonly value: Uint8Array | undefined
}

/** The partition of a digest. */
export function partitionOf(digest: Uint8Array): number {
  return ((digest[0] as number) | ((digest[1] as number) << 8)) & (PARTITIONS - 1)
}

/** The bytes of a cursor that continues after one record of one partition. */
export function cursorAfter(digest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + 3 + DIGEST_BYTES)
  const partition = partitionOf(digest)
  bytes.set([VERSION, 0, 1, 0, partition & 0xff, partition >>> 8, BEGUN])
  bytes.set(digest, HEAD_BYTES + 3)
  return bytes
}

/** The bytes of a cursor that has all of a range of partitions before it. */
export function beginning(begin: number, count: number, overIndex: boolean): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + count * 3)
  bytes.set([VERSION, overIndex ? HAS_VALUES : 0, count & 0xff, count >>> 8])
  for (let i = 0; i < count; i++) bytes.set([(begin + i) & 0xff, (begin + i) >>> 8], HEAD_BYTES + i * 3)
  return bytes
}

/** `base` with what was consumed since, by partition. A partition that is done stays done. */
export function advance(base: Uint8Array, consumed: ReadonlyMap<number, LastRecord>): Uint8Array {
  if (consumed.size === 0) return base
  const width = DIGEST_BYTES + ((base[1] as number) & HAS_VALUES) * VALUE_BYTES
  const pieces: Uint8Array[] = [base.subarray(0, HEAD_BYTES)]
  let at = HEAD_BYTES
  // Everything between two changed entries is one piece.
  let kept = at
  while (at + 3 <= base.length) {
    const partition = (base[at] as number) | ((base[at + 1] as number) << 8)
    const state = base[at + 2]
    const next = at + 3 + (state === BEGUN ? width : 0)
    const last = state === DONE ? undefined : consumed.get(partition)
    if (last !== undefined) {
      pieces.push(base.subarray(kept, at + 2), Uint8Array.of(BEGUN), last.digest)
      if (width > DIGEST_BYTES) pieces.push(last.value ?? new Uint8Array(VALUE_BYTES))
      kept = next
    }
    at = next
  }
  pieces.push(base.subarray(kept))
  return Buffer.concat(pieces)
}

/**
 * A number that tells the cursors of one query from those of another: a cursor is only good for the namespace, the set and the
 * predicate it came from.
 */
export function checkOf(namespace: string, set: string, predicate: Uint8Array): number {
  // FNV-1a: this is against mistakes, not against malice, which the core's own checks are for.
  let hash = 0x811c9dc5
  const add = (byte: number): void => {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  }
  for (const part of [Buffer.from(namespace), Buffer.from(set), predicate]) {
    for (const byte of part) add(byte)
    add(0xff)
  }
  return hash
}

/** A cursor as text. Its digests do not shrink, its partitions that are done or not begun do. */
export function cursorText(bytes: Uint8Array, check: number): string {
  const head = Buffer.alloc(CHECK_BYTES)
  head.writeUInt32LE(check)
  return Buffer.concat([head, deflateRawSync(bytes, { level: 1 })]).toString('base64url')
}

/** The bytes of a cursor's text. What they say is checked by the core. */
export function parseCursor(text: unknown, check: number, verb: string): Uint8Array {
  const refuse = (why: string): never => {
    throw badValue(verb, 'cursor', why, text)
  }
  if (typeof text !== 'string' || text.length > MAX_TEXT || !/^[\w-]{8,}$/.test(text)) {
    return refuse('the cursor of an earlier query')
  }
  const packed = Buffer.from(text, 'base64url')
  let bytes: Uint8Array
  try {
    bytes = inflateRawSync(packed.subarray(CHECK_BYTES), { maxOutputLength: MAX_BYTES })
  } catch {
    return refuse('the cursor of an earlier query')
  }
  if (packed.readUInt32LE(0) !== check) {
    return refuse('a cursor of the same query: namespace, set and predicate')
  }
  return bytes
}
