// Writing fields of a message (protocol 2.7).

import type { Writer } from '../values/writer.js'

/** Writes one field: its size, which counts the type, then type and data. */
export function writeField(w: Writer, type: number, data: Uint8Array): void {
  w.u32(data.length + 1)
  w.u8(type)
  w.raw(data)
}
