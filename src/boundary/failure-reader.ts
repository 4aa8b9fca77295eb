// A failure as the core writes it (docs/internal/boundary.md). It has one form: as a completion of a command, as the end of a
// query or job, and in hexadecimal digits as what a promise of the control plane rejects with.

import type { UdfSite } from '../errors/base.js'
import { AerospikeError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { errorOf, Failure, whyGivenUp } from '../errors/failure.js'
import type { Key } from '../key.js'
import { CompletionAt, CompletionFlag } from './layout.js'
import { readSubErrors } from './sub-errors.js'

/** A call as its failure needs it. */
export interface FailedCall {
  readonly verb: string
  readonly key: Key | undefined
  /** The user-defined function it called. */
  readonly called: UdfSite | undefined
  /** The only bin it is about. */
  readonly bin?: string | undefined
  /** What the message that came with the failure says. */
  detail(bytes: Buffer, at: number, end: number): string | undefined
}

/** The facts of a failure completion. */
export function readFailure(call: FailedCall, code: number, bytes: Buffer, at: number): Failure {
  const flags = bytes[at + CompletionAt.flags] as number
  const attempts = bytes.readUInt32LE(at + CompletionAt.body)
  const elapsed = bytes.readDoubleLE(at + CompletionAt.body + 4)
  let pos = at + CompletionAt.body + 12
  const text = (): string => {
    const length = bytes.readUInt16LE(pos)
    pos += 2 + length
    return bytes.utf8Slice(pos - length, pos)
  }
  const node = text()
  let detail = text()
  const { read: subErrors, end } = readSubErrors(bytes, pos + 2, bytes.readUInt16LE(pos))
  pos = end
  if ((flags & CompletionFlag.hasMessage) !== 0) {
    const length = bytes.readUInt32LE(pos)
    detail = call.detail(bytes, pos + 4, pos + 4 + length) ?? detail
  }
  return new Failure({
    verb: call.verb,
    key: call.key,
    code: whyGivenUp(code),
    node,
    attempts,
    elapsed,
    detail,
    inDoubt: (flags & CompletionFlag.inDoubt) !== 0,
    subErrors,
    udf: call.called,
    bin: call.bin,
  })
}

/** A rejection of the control plane as an error: `failure` and its digits. */
const REJECTION = /^failure ([0-9a-f]+)$/

/** The facts of a failure that is a completion of no ticket. */
export function failureOf(call: FailedCall, completion: Buffer): Failure {
  return readFailure(call, completion.readInt16LE(CompletionAt.code), completion, 0)
}

/** Whom a call of the control plane is about. */
export interface About {
  readonly user?: string | undefined
  readonly role?: string | undefined
}

/** The error for what a call of the control plane threw or rejected with; other text is of the binding itself. */
export function controlError(verb: string, error: unknown, about: About = {}): AerospikeError {
  if (error instanceof AerospikeError) return error
  const text = error instanceof Error ? error.message : String(error)
  const digits = REJECTION.exec(text)?.[1]
  if (digits === undefined) return errorOf({ verb, key: undefined, code: Code.client, detail: text })
  const call = { verb, key: undefined, called: undefined, detail: () => undefined }
  return errorOf({ ...failureOf(call, Buffer.from(digits, 'hex')).facts, ...about })
}
