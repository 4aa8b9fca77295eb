// A call under way: who waits for it, and what becomes of the answer. One subclass for each kind of answer.

import type { BatchReply } from './completion.js'
import type { UdfSite } from './errors/base.js'
import { Failure, rejectThrough } from './errors/failure.js'
import { UDF_FAILED } from './errors/udf.js'
import type { Key } from './key.js'
import type { Policy } from './policies.js'
import { Projection } from './projection.js'
import { keptMeta, readBins, readFirst, readMeta, readResults } from './records/message.js'
import type { Meta } from './records/meta.js'
import { ExistsObject, type ExistsResult, RecordObject } from './records/record.js'
import { type Command, writeRecordEntry } from './request.js'
import { Mode } from './values/unpack.js'
import type { Writer } from './values/writer.js'

/** In place of a ticket: the call is settled, or it travels in the entry of another call. */
export const SETTLED = -1
export const TRAVELS = -2

/** What is to be done, whatever it is done with. Calls without options share theirs. */
export interface Task {
  readonly verb: string
  readonly policy: Policy
  readonly writes: boolean
}

/** What is to be done with one record. */
export interface RecordTask extends Task {
  readonly command: Command
  readonly body: Body
}

/** Nobody waits, or not yet. */
export function nobody(): void {}

/**
 * A call, from its submission to its end. Its subclasses have no constructor, if they can: the engine passes over those
 * that are missing, and makes the call in one step.
 */
export abstract class Call<T = unknown, K extends Task = Task> {
  readonly task: K
  readonly key: Key | undefined
  /** What the body of a command is written from. */
  readonly argument: unknown
  /** Slot and generation, or {@link SETTLED} or {@link TRAVELS}. */
  ticket = SETTLED
  /** Where its entry begins in `writer`. */
  entryAt = 0
  /** The buffer its entry is in, until that has been handed over. */
  writer: Writer | undefined = undefined
  resolve: (value: unknown) => void = nobody

  constructor(task: K, key?: Key, argument?: unknown) {
    this.task = task
    this.key = key
    this.argument = argument
  }

  get verb(): string {
    return this.task.verb
  }

  get policy(): Policy {
    return this.task.policy
  }

  /** Ends the wait with what went wrong. */
  reject(reason: unknown): void {
    rejectThrough(this.resolve, reason)
  }

  /** Writes the entry of the call and returns where it begins. */
  abstract write(w: Writer, ticket: number): number

  /** The result, from a message in `bytes[at .. end]`. */
  abstract answer(bytes: Buffer, at: number, end: number): T

  /** The result when the code is no failure for this call. */
  instead(_code: number): T | undefined {
    return undefined
  }

  /** The result of a batch, whose bytes may be used again afterwards. Only batches are answered with one. */
  batch(_reply: BatchReply): T {
    throw new TypeError(`${this.verb} was answered as a batch`)
  }

  /** Takes in some rows of a batch; the others follow. Only reads that travel together are answered so. */
  part(reply: BatchReply): void {
    this.batch(reply)
  }

  /** The user-defined function it calls, for errors. */
  get called(): UdfSite | undefined {
    return undefined
  }

  /** What the message that came with a failure says. */
  detail(bytes: Buffer, at: number, end: number): string | undefined {
    const first = readFirst(bytes, at, end, Mode.plainDoubles)
    return typeof first === 'string' ? first : undefined
  }
}

/** Writes the operations of a command and returns how many there are; may add to the command what they need. */
export type Body = (w: Writer, argument: never, command: Command) => number

/** A command on one record. */
export abstract class KeyCall<T> extends Call<T, RecordTask> {
  write(w: Writer, ticket: number): number {
    const { policy, command, body } = this.task
    return writeRecordEntry(w, ticket, this.key as Key, policy, command, body, this.argument as never)
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
    return RecordObject.of(this.key as Key, keptMeta(bytes, at), bins)
  }
}

/** `operate`: what the operations answered, by bin. */
export class OperateCall extends KeyCall<RecordObject> {
  answer(bytes: Buffer, at: number, end: number): RecordObject {
    const bins = readBins(bytes, at, end, this.policy.mode | Mode.operations)
    return RecordObject.of(this.key as Key, keptMeta(bytes, at), bins)
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
    return code === 2 ? (new ExistsObject(this.key as Key, null) as unknown as ExistsResult) : undefined
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
    throw new Failure({ verb, key, code: UDF_FAILED, detail: String(value), udf: called })
  }
}

/** `operateOrdered`: `[bin, value]` for each operation. */
export class OrderedCall extends KeyCall<RecordObject> {
  /** For each operation its bin, or undefined for one that the server never answers. */
  bins: readonly (string | undefined)[] = []

  answer(bytes: Buffer, at: number, end: number): RecordObject {
    const answered = readResults(bytes, at, end, this.policy.mode)
    return RecordObject.of(this.key as Key, keptMeta(bytes, at), align(answered, this.bins))
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
