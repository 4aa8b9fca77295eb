// Fields of a message (protocol 2.7).

import type { Writer } from '../values/writer.js'

/** Fields that queries and jobs add to those of every command. */
export const Field = {
  indexName: 21,
  indexRange: 22,
  context: 23,
  indexExpression: 24,
  indexType: 26,
  udfKind: 33,
  filter: 43,
} as const

/** Writes one field: its size, which counts the type, then type and data. */
export function writeField(w: Writer, type: number, data: Uint8Array): void {
  w.u32(data.length + 1)
  w.u8(type)
  w.raw(data)
}
