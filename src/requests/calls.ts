// Calls on one record: what each asks, and what it makes of the answer. One class for each kind of answer.

import { Call, type Task } from '../boundary/call.js'
import type { UdfSite } from '../errors/base.js'
import { Code } from '../errors/codes.js'
import { Failure } from '../errors/failure.js'
import type { Key } from '../key.js'
import { readBins, readDetail, readMeta, readResults } from '../records/message.js'
import type { Meta } from '../records/meta.js'
import { ExistsObject, type ExistsResult, RecordObject } from '../records/record.js'
import { decodeBins } from '../values/codecs.js'
import { Mode } from '../values/unpack.js'
import type { Writer } from '../values/writer.js'
import { type Command, onlyBin, writeRecordEntry } from './command.js'
import { Projection } from './projection.js'

/** What is to be done with one record. */
export interface RecordTask extends Task {
  readonly command: Command
  readonly body: Body
}

/** Writes the operations of a command and returns how many there are; may add to the command what they need. */
export type Body = (w: Writer, argument: never, command: Command) => number

/** A command on one record. */
export abstract class KeyCall<T> extends Call<T, RecordTask> {
  write(w: Writer, ticket: number): number {
    const { policy, command, body } = this.task
    w.omitUndefined = policy.omitUndefined
    return writeRecordEntry(w, ticket, this.key as Key, policy, command, body, this.argument as never)
  }

  override get isCommand(): boolean {
    return true
  }

  override get bin(): string | undefined {
    return onlyBin(this.argument)
  }

  override detail(bytes: Buffer, at: number, end: number): string | undefined {
    return readDetail(bytes, at, end)
  }
}

/** `get`, `select`: a record. */
export class RecordCall extends KeyCall<RecordObject> {
  answer(bytes: Buffer, at: number, end: number): RecordObject {
    const { argument, policy } = this
    const bins =
      argument instanceof Projection
        ? argument.bins(readResults(bytes, at, end, policy.mode), policy.mode)
        : readBins(bytes, at, end, policy.mode)
    if (policy.codecs !== undefined && !(argument instanceof Projection)) {
      decodeBins(policy.codecs, bins as { [bin: string]: unknown })
    }
    return RecordObject.of(this.key as Key, readMeta(bytes, at), bins)
  }
}

/** `find`: a missing record is an answer, not a failure. */
export class FindCall extends RecordCall {
  override instead(code: number): RecordObject | undefined {
    return code === Code.notFound ? (null as unknown as RecordObject) : undefined
  }
}

/** `operate`: what the operations answered, by bin. */
export class OperateCall extends KeyCall<RecordObject> {
  answer(bytes: Buffer, at: number, end: number): RecordObject {
    const bins = readBins(bytes, at, end, this.policy.mode | Mode.operations)
    return RecordObject.of(this.key as Key, readMeta(bytes, at), bins)
  }
}

/** Writes: the generation and TTL the record has now. */
export class MetaCall extends KeyCall<Meta> {
  answer(bytes: Buffer, at: number): Meta {
    return readMeta(bytes, at)
  }
}

/** `remove`: nothing. */
export class VoidCall extends KeyCall<void> {
  answer(): void {}
}

/** `exists`: a missing record is an answer, not a failure. */
export class ExistsCall extends KeyCall<ExistsResult> {
  answer(bytes: Buffer, at: number): ExistsResult {
    return new ExistsObject(this.key as Key, readMeta(bytes, at)) as unknown as ExistsResult
  }

  override instead(code: number): ExistsResult | undefined {
    return code === Code.notFound ? (new ExistsObject(this.key as Key, null) as unknown as ExistsResult) : undefined
  }
}

/** `apply`: what the function returned. */
export class ApplyCall extends KeyCall<unknown> {
  override get called(): UdfSite | undefined {
    const { udf } = this.task.command
    return udf && { module: udf.module, function: udf.function }
  }

  answer(bytes: Buffer, at: number, end: number): unknown {
    const [name, value] = readResults(bytes, at, end, this.policy.mode)[0] ?? ['SUCCESS', null]
    if (name !== 'FAILURE') return value
    const { verb, key, called } = this
    throw new Failure({ verb, key, code: Code.udfExecution, detail: String(value), udf: called })
  }
}

/** `operateOrdered`: `[bin, value]` for each operation. */
export class OrderedCall extends KeyCall<RecordObject> {
  /** For each operation its bin, or undefined for one that the server never answers. */
  bins: readonly (string | undefined)[] = []

  answer(bytes: Buffer, at: number, end: number): RecordObject {
    const answered = readResults(bytes, at, end, this.policy.mode)
    return RecordObject.of(this.key as Key, readMeta(bytes, at), align(answered, this.bins))
  }
}

/**
 * The answers in the places of their operations. A read of all bins is answered by bin instead of by operation; then
 * the answers stay as they came.
 */
function align(answered: [string, unknown][], bins: readonly (string | undefined)[]): [string, unknown][] {
  let expected = 0
  for (const bin of bins) if (bin !== undefined) expected++
  if (answered.length !== expected) return answered
  let next = 0
  return bins.map((bin) => (bin === undefined ? ['', null] : (answered[next++] as [string, unknown])))
}
