// What all request entries begin with, byte by byte as docs/internal/boundary.md has it.

import { type Policy, socketTimeoutOf } from '../options/policy.js'
import type { Writer } from '../values/writer.js'
import { EntryFlag, PolicyFlag, Size } from './layout.js'

/** Opens an entry: what all of them have in front. The length is written by {@link closeEntry}. */
export function openEntry(w: Writer, ticket: number, kind: number, policy: Policy): number {
  const start = w.at
  w.row = -1
  w.reserve(Size.entryHead)
  w.u32LE(0)
  w.u32LE(ticket)
  w.bytes[w.at] = kind
  w.bytes[w.at + 1] = policy.signal === undefined ? 0 : EntryFlag.cancellable
  const transaction = policy.transaction === undefined ? 0 : policy.transaction.number
  w.bytes[w.at + 2] = transaction & 0xff
  w.bytes[w.at + 3] = transaction >>> 8
  w.at += 4
  w.u32LE(policy.totalTimeout)
  w.u32LE(socketTimeoutOf(policy))
  w.u32LE(policy.sleepBetweenRetries)
  w.u16LE(policy.maxRetries)
  w.u8(policy.replica)
  w.u8(policy.hedgeBudget === 0 ? policy.idempotent : policy.idempotent | PolicyFlag.hedged)
  return start
}

/** Writes what stands after the body of the entry that began at `start`, and its length. */
export function closeEntry(w: Writer, start: number, policy: Policy): void {
  if (policy.hedgeBudget !== 0) {
    w.u32LE(policy.hedgeAfter)
    w.u16LE(policy.hedgeBudget)
  }
  w.patchU32LE(start, w.at - start)
}
