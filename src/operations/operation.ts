// One operation on a record, whatever its family: what it is on the wire, and how its payload is written.

import { nameClasses } from '../identity.js'
import { OpCode } from '../protocol.js'
import { type Encoded, packCall } from '../values/encoded.js'
import { Particle } from '../values/particle-types.js'
import { openOp, writeBareOp, writeBin } from '../values/write-particle.js'
import type { Writer } from '../values/writer.js'

/** What an operation asks of the command around it, as bits. */
export const Needs = {
  /** The command reads (info1 READ). */
  read: 1,
  /** The command writes (info2 WRITE). */
  write: 2,
  /** All bins are read (info1 GET_ALL); no answer for every operation is possible then. */
  allBins: 4,
  /** Generation and expiry are read; nothing of it goes over the wire beside the flag. */
  metaOnly: 8,
  /** Every operation is to be answered (info2 RESPOND_ALL_OPS), as maps, bits, sketches and expressions want. */
  allAnswers: 16,
} as const

const READING = new Set<number>([OpCode.read, OpCode.cdtRead, OpCode.expRead, OpCode.bitsRead, OpCode.hllRead])

/** What the payload of an operation is. */
export type Payload =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly value: unknown }
  | {
      readonly kind: 'call'
      readonly code: number
      readonly args: readonly unknown[]
      readonly path: Encoded | undefined
    }
  | { readonly kind: 'expression'; readonly expression: Encoded; readonly flags: number }
  | { readonly kind: 'wire'; readonly bytes: Uint8Array }

const NONE: Payload = { kind: 'none' }

/**
 * An operation for `operate`, `operateOrdered` and `batchOperate`, made by the functions of `op`, `lists`, `maps`, `bits`, `hll` and
 * `paths`. It is immutable and may
 * be used in any number of calls.
 *
 * @example
 * const visit = [op.increment('visits', 1), op.read('visits')]
 * const { bins } = await client.operate(key, visit)
 */
export class Operation {
  /** The bin it works on; `''` for the whole record. */
  readonly bin: string
  /** Op-code on the wire. */
  readonly code: number
  /** What it asks of the command, as bits of {@link Needs}. */
  readonly needs: number
  /** @internal */
  readonly payload: Payload

  /** @internal */
  constructor(
    code: number,
    bin: string,
    payload: Payload = NONE,
    needs: number = READING.has(code) ? Needs.read : Needs.write,
  ) {
    this.code = code
    this.bin = bin
    this.needs = needs
    this.payload = payload
  }

  /** Whether it changes the record. */
  get writes(): boolean {
    return (this.needs & Needs.write) !== 0
  }

  /** @internal Writes the operation in wire form. */
  write(w: Writer): void {
    const { payload } = this
    switch (payload.kind) {
      case 'none':
        writeBareOp(w, this.code, this.bin)
        return
      case 'value':
        writeBin(w, this.code, this.bin, payload.value)
        return
      case 'call': {
        const start = openOp(w, this.code, this.bin)
        w.bytes[start + 5] = Particle.blob
        packCall(w, payload.code, payload.args, payload.path)
        w.patchU32(start, w.at - start - 4)
        return
      }
      case 'expression': {
        const start = openOp(w, this.code, this.bin)
        w.bytes[start + 5] = Particle.blob
        w.u8(0x92)
        w.raw(payload.expression.bytes)
        w.u8(payload.flags)
        w.patchU32(start, w.at - start - 4)
        return
      }
      case 'wire':
        w.raw(payload.bytes)
    }
  }
}

nameClasses({ Operation })
