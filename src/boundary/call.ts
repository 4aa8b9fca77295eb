// A call in flight: the promise that waits for it, and how it is settled. Its subclasses know what it asks and what its
// answer means (requests/calls.ts, batch/).

import type { CommandMessage } from '../channels/command.js'
import type { UdfSite } from '../errors/base.js'
import { rejectThrough } from '../errors/failure.js'
import type { Key } from '../key.js'
import type { Policy } from '../options/policy.js'
import type { Writer } from '../values/writer.js'
import type { BatchReply } from './batch-reply.js'

/** In place of a ticket: the call is settled, or it is a row of a batch of coalesced reads. */
export const SETTLED = -1
export const COALESCED = -2

/** What is to be done, whatever it is done with. Calls without options share theirs. */
export interface Task {
  readonly verb: string
  readonly policy: Policy
  readonly writes: boolean
}

/** The resolver of a call without a promise: it has none yet, or is settled. */
export function ignore(): void {}

/**
 * A call, from its submission to its end. Its subclasses have no constructor, if they can: the engine passes over those
 * that are missing, and makes the call in one step.
 */
export abstract class Call<T = unknown, K extends Task = Task> {
  readonly task: K
  readonly key: Key | undefined
  /** What the body of a command is written from. */
  readonly argument: unknown
  /** Slot and generation, or {@link SETTLED} or {@link COALESCED}. */
  ticket = SETTLED
  /** Where its entry begins in `writer`. */
  entryAt = 0
  /** The buffer its entry is in, until that has been handed over. */
  writer: Writer | undefined = undefined
  resolve: (value: unknown) => void = ignore
  /** What is published of it, while somebody listens. */
  message: CommandMessage | undefined = undefined

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

  /** Whether it is a command that a caller made, and not a part of one. */
  get isCommand(): boolean {
    return false
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

  /** Takes in some rows of a batch; the others follow. Only coalesced reads are answered so. */
  part(reply: BatchReply): void {
    this.batch(reply)
  }

  /** The user-defined function it calls, for errors. */
  get bin(): string | undefined {
    return undefined
  }

  get called(): UdfSite | undefined {
    return undefined
  }

  /** What the message that came with a failure says. */
  detail(_bytes: Buffer, _at: number, _end: number): string | undefined {
    return undefined
  }
}
