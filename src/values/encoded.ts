// MessagePack that is made once, when an operation or expression is built, and copied wherever it is used; and the calls
// of collection operations, whose arguments may be such pieces.

import { nameClasses } from '../identity.js'
import { pack, packInteger, packListHeader } from './pack.js'
import { Writer } from './writer.js'

/** In front of a call inside a nested collection, whose path follows (protocol 9.3). */
const IN_CONTEXT = 0xff

/** A finished piece of MessagePack. */
export class Encoded {
  /** @internal */
  readonly bytes: Uint8Array

  /** @internal */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** The finished particle of a bin's value. */
export class EncodedParticle {
  /** Its type on the wire. */
  readonly type: number
  /** Its bytes on the wire. */
  readonly bytes: Uint8Array

  constructor(type: number, bytes: Uint8Array) {
    this.type = type
    this.bytes = bytes
  }
}

nameClasses({ Encoded, EncodedParticle })

/** The bytes that `write` writes. `root` names the value in messages. */
export function encode(root: string, write: (w: Writer) => void): Uint8Array {
  const w = new Writer(64)
  w.begin(root)
  w.placeholders = true
  write(w)
  return Uint8Array.prototype.slice.call(w.bytes, 0, w.at)
}

/** Writes an argument: finished pieces as they are, anything else as a value. */
export function packArgument(w: Writer, argument: unknown): void {
  if (argument instanceof Encoded) w.raw(argument.bytes)
  else pack(w, argument)
}

/** Writes `[code, arguments…]`, wrapped when it works inside a nested collection: `[0xff, path, [code, arguments…]]`. */
export function packCall(w: Writer, code: number, args: readonly unknown[], path: Encoded | undefined): void {
  if (path !== undefined) {
    packListHeader(w, 3)
    packInteger(w, IN_CONTEXT)
    w.raw(path.bytes)
  }
  packListHeader(w, args.length + 1)
  packInteger(w, code)
  w.placeholders = true
  try {
    for (const argument of args) packArgument(w, argument)
  } finally {
    w.placeholders = false
  }
}
