// The growable buffer every request is written into. It knows numbers and text, nothing of Aerospike.
//
// Numbers of our own envelope are little-endian (suffix LE), numbers that travel on to the server are big-endian.

import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_BODY_SIZE } from '../limits.js'

/** Up to this length a loop over the characters beats the call into the engine's UTF-8 writer. */
const SHORT = 24

const scratch = new DataView(new ArrayBuffer(8))

/** An append-only buffer with a cursor that may be set back, which is how a refused value leaves no trace. */
export class Writer {
  bytes: Buffer
  at = 0
  /** Where in the caller's value we are, for the message when something is refused: `bins.tags[2]`. */
  readonly path: (string | number)[] = []
  depth = 0
  /** The row of a batch that is being written, -1 when there are no rows or it belongs to several. */
  row = -1
  /** Whether WILDCARD and INFINITY are allowed: in arguments of operations they are, in values to be stored not. */
  placeholders = false
  /** Whether properties that are undefined are left out; otherwise they are refused. */
  omitUndefined = false
  #view: DataView

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.#view = viewOf(this.bytes)
  }

  /** Makes room for `more` bytes beyond the cursor. */
  reserve(more: number): void {
    if (this.at + more > this.bytes.length) this.#grow(this.at + more)
  }

  #grow(needed: number): void {
    if (needed > MAX_BODY_SIZE) throw new InvalidArgumentError('the request is larger than 128 MiB')
    const bigger = Buffer.allocUnsafeSlow(Math.min(MAX_BODY_SIZE, Math.max(needed, this.bytes.length * 2)))
    this.bytes.copy(bigger, 0, 0, this.at)
    this.bytes = bigger
    this.#view = viewOf(bigger)
  }

  u8(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  u16(value: number): void {
    this.reserve(2)
    this.#view.setUint16(this.at, value)
    this.at += 2
  }

  u32(value: number): void {
    this.reserve(4)
    this.#view.setUint32(this.at, value)
    this.at += 4
  }

  f64(value: number): void {
    this.reserve(8)
    this.#view.setFloat64(this.at, value)
    this.at += 8
  }

  /** A safe integer as 8 bytes, without going through a bigint. */
  safeInt64(value: number): void {
    this.reserve(8)
    this.#view.setInt32(this.at, Math.floor(value / 4294967296))
    this.#view.setUint32(this.at + 4, value >>> 0)
    this.at += 8
  }

  /** An integer of 32 bits as 8 bytes. */
  smallInt64(value: number): void {
    this.reserve(8)
    this.#view.setInt32(this.at, value >> 31)
    this.#view.setInt32(this.at + 4, value)
    this.at += 8
  }

  bigInt64(value: bigint): void {
    this.reserve(8)
    this.#view.setBigInt64(this.at, value)
    this.at += 8
  }

  u16LE(value: number): void {
    this.reserve(2)
    this.#view.setUint16(this.at, value, true)
    this.at += 2
  }

  u32LE(value: number): void {
    this.reserve(4)
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  /** Overwrites four bytes written earlier; lengths are only known once what they count has been written. */
  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value)
  }

  patchU32LE(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  patchU16LE(at: number, value: number): void {
    this.#view.setUint16(at, value, true)
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Writes text as UTF-8 and returns its length in bytes. A lone surrogate has no UTF-8 form and is refused. */
  text(value: string): number {
    const length = value.length
    if (length <= SHORT) {
      this.reserve(length)
      const bytes = this.bytes
      const start = this.at
      let i = 0
      for (; i < length; i++) {
        const unit = value.charCodeAt(i)
        if (unit > 127) break
        bytes[start + i] = unit
      }
      if (i === length) {
        this.at = start + length
        return length
      }
    }
    this.reserve(length * 3)
    const written = this.bytes.write(value, this.at)
    if (written !== length && !value.isWellFormed()) {
      throw new InvalidArgumentError(`${this.where()}: the string holds half a surrogate pair, which has no UTF-8 form`)
    }
    this.at += written
    return written
  }

  /** The path of the value being written, as a person would type it. */
  where(): string {
    let text = ''
    const row = this.row < 0 ? '' : `rows[${this.row}].`
    for (let i = 0; i <= this.depth && i < this.path.length; i++) {
      const step = this.path[i]
      if (typeof step === 'number') text += `[${step}]`
      else
        text +=
          text === '' ? step : /^[A-Za-z_$][\w$]*$/.test(step as string) ? `.${step}` : `[${JSON.stringify(step)}]`
    }
    return `${row}${text === '' ? 'value' : text}`
  }

  /** Starts the path of refused values at `root`. */
  begin(root: string): void {
    this.path.length = 1
    this.path[0] = root
    this.depth = 0
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The eight bytes of a double as two words, for comparing bit patterns. */
export function doubleWords(value: number): [number, number] {
  scratch.setFloat64(0, value)
  return [scratch.getUint32(0), scratch.getUint32(4)]
}
