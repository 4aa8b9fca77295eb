// What the commands of one client share: the boundary, and what is done where a call says nothing else.

import { Coalescer } from '../batch/coalesce.js'
import type { Resend } from '../batch/results.js'
import { run } from '../batch/run.js'
import type { Boundary } from '../boundary/native.js'
import type { Policies } from '../options/apply.js'
import type { Policy } from '../options/policy.js'
import { Info1, Info2 } from '../protocol.js'
import type { RecordTask } from '../requests/calls.js'
import { readCommand, writeBins, writeCommand, writeNothing } from '../requests/command.js'

/** The tasks of calls without options, made once. */
interface PlainTasks {
  readonly get: RecordTask
  readonly find: RecordTask
  readonly exists: RecordTask
  readonly put: RecordTask
}

/** What a command is carried out with. */
export class CommandContext {
  readonly boundary: Boundary
  /** What calls without options do. */
  policies: Policies
  /** The same without what a configuration file says. */
  own: Policies
  coalesceReads: boolean
  /** Where reads of single records go: to the boundary, or to what coalesces them. */
  reads: Pick<Coalescer, 'submit'>
  plain: PlainTasks
  /** How the rest of a batch is sent again. */
  readonly resend: Resend

  constructor(boundary: Boundary, policies: Policies, coalesceReads = false) {
    this.boundary = boundary
    this.own = policies
    this.policies = policies
    this.coalesceReads = coalesceReads
    this.reads = coalesceReads ? new Coalescer(boundary) : boundary
    this.resend = (request) => run(boundary, request)
    this.plain = plainTasks(policies)
  }

  /** Has the calls that come use these. */
  change(policies: Policies, coalesceReads: boolean): void {
    if (coalesceReads !== this.coalesceReads) this.reads = coalesceReads ? new Coalescer(this.boundary) : this.boundary
    this.coalesceReads = coalesceReads
    this.policies = policies
    this.plain = plainTasks(policies)
  }
}

function plainTasks(policies: Policies): PlainTasks {
  return {
    get: getTask(policies.read),
    find: { ...getTask(policies.read), verb: 'find' },
    exists: existsTask(policies.read),
    put: putTask(policies.write),
  }
}

export function getTask(policy: Policy): RecordTask {
  const command = readCommand(policy, Info1.read | Info1.getAll)
  return { verb: 'get', policy, writes: false, command, body: writeNothing }
}

export function existsTask(policy: Policy): RecordTask {
  const command = readCommand(policy, Info1.read | Info1.getNoBins)
  return { verb: 'exists', policy, writes: false, command, body: writeNothing }
}

export function putTask(policy: Policy): RecordTask {
  return { verb: 'put', policy, writes: true, command: writeCommand(policy, Info2.write), body: writeBins }
}
