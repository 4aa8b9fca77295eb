// Coalesced reads: the reads of single records that one tick asks for become one batch, and every call settles as it would
// have by itself, when the rows of its node are there.

import { type BatchReply, NO_PAGE } from '../boundary/batch-reply.js'
import { Call, COALESCED, SETTLED } from '../boundary/call.js'
import type { Boundary } from '../boundary/native.js'
import { argumentError } from '../checks/check.js'
import { Code } from '../errors/codes.js'
import { type Facts, Failure } from '../errors/failure.js'
import type { Key } from '../key.js'
import { copyPolicy, type Policy } from '../options/policy.js'
import { dividingFields } from '../options/table.js'
import { keyList } from '../records/key-list.js'
import type { KeyCall, RecordTask } from '../requests/calls.js'
import { Projection } from '../requests/projection.js'
import { Encoded } from '../values/encoded.js'
import type { Writer } from '../values/writer.js'
import { writeBatchEntry } from './entry.js'
import { BatchRequest, Spec } from './request.js'

/** Most reads in one batch: its answers are decoded in one go, in about a millisecond. */
const MAX_ROWS = 1024

/**
 * From this many reads on a tick becomes two batches: while one is decoded, and what follows from it is asked for, the
 * other is still at the server. In one batch, client and server would take turns.
 */
const ENOUGH_FOR_TWO = 48

/** Reads share a batch when their policies agree in these fields, and a spec when they also agree in those of the row. */
const OF_THE_BATCH = dividingFields('call')
const OF_THE_ROW = dividingFields('row')

/** A field of a policy as part of a text that tells specs apart. */
function textOf(value: unknown): string {
  return value instanceof Encoded ? Buffer.from(value.bytes).toString('base64') : String(value)
}

type Read = KeyCall<unknown>

/** Reads that waited for their turn share a batch when they waited equally long, as far as these milliseconds tell. */
const WAIT_MS = 10

/** Gathers the reads of a tick, and enters them as batches when the tick is over. */
export class Coalescer {
  readonly #boundary: Boundary
  readonly #plain = new PlainSpec()
  #groups: Group[] = []
  readonly #enterAll = (): void => {
    const groups = this.#groups
    this.#groups = []
    for (const group of groups) {
      group.compact()
      const { length } = group.calls
      const share = length < ENOUGH_FOR_TWO ? length : Math.ceil(length / 2)
      for (let from = 0; from < length; from += share)
        enter(this.#boundary, group, from, Math.min(from + share, length))
    }
  }

  constructor(boundary: Boundary) {
    this.#boundary = boundary
  }

  /** Takes in a read. */
  submit<T>(call: KeyCall<T>): Promise<T> {
    // what a transaction reads is noted with it, call by call
    if (call.task.policy.transaction !== undefined) return this.#boundary.submit(call)
    return this.#boundary.isFollowed ? this.#boundary.followCall(call, () => this.#gather(call)) : this.#gather(call)
  }

  #gather<T>(call: KeyCall<T>): Promise<T> {
    this.#boundary.admit(call)
    call.ticket = COALESCED
    if (this.#boundary.mayGoOn(call, (waited) => this.#afterWait(call, waited))) {
      this.#groupOf(call.task.policy, 0).add(call)
    }
    return this.#boundary.promise(call)
  }

  /** Gathers a read whose turn has come. */
  #afterWait(call: Read, waited: number): void {
    try {
      this.#groupOf(call.task.policy, Math.ceil(waited / WAIT_MS) * WAIT_MS).add(call)
    } catch (error) {
      this.#boundary.reject(call, argumentError(error, call.verb))
    }
  }

  #groupOf(policy: Policy, waited: number): Group {
    const groups = this.#groups
    for (let i = groups.length - 1; i >= 0; i--) {
      const group = groups[i] as Group
      if (group.waited === waited && group.takes(policy)) return group
    }
    if (groups.length === 0) this.#boundary.schedule(this.#enterAll)
    const group = new Group(policy, this.#plain, waited)
    groups.push(group)
    return group
  }
}

/** The spec of the latest read of whole records: mostly that of the next one, in this tick and in those to come. */
class PlainSpec {
  #task: RecordTask | undefined
  #spec: Spec | undefined

  of({ task, argument }: Read): Spec | undefined {
    return argument === undefined && task === this.#task ? this.#spec : undefined
  }

  keep({ task, argument }: Read, spec: Spec): void {
    if (argument !== undefined) return
    this.#task = task
    this.#spec = spec
  }
}

/** The reads of a tick that may share a batch: those that wait equally long, and try equally hard. */
class Group {
  readonly policy: Policy
  /** Milliseconds that its reads have waited for their turn. */
  readonly waited: number
  calls: Read[] = []
  readonly specs: Spec[] = []
  /** For each call its spec, once there are several. */
  specOf: number[] | undefined
  readonly #plain: PlainSpec
  /** The specs by what they ask. */
  #known: Map<string, Spec> | undefined
  #lastPolicy: Policy | undefined
  #lastAsked = ''

  constructor(policy: Policy, plain: PlainSpec, waited: number) {
    this.policy = policy
    this.waited = waited
    this.#plain = plain
  }

  takes(policy: Policy): boolean {
    const own = this.policy
    if (this.calls.length >= MAX_ROWS) return false
    return own === policy || OF_THE_BATCH.every((field) => own[field] === policy[field])
  }

  add(call: Read): void {
    const spec = this.#plain.of(call) ?? this.#spec(call)
    const { specs, calls } = this
    if (spec !== specs[specs.length - 1] || this.specOf !== undefined) this.#number(spec)
    calls.push(call)
  }

  /** Notes the spec of the next call, which differs from that of all calls before it. */
  #number(spec: Spec): void {
    const { specs } = this
    let number = specs.indexOf(spec)
    if (number < 0) number = specs.push(spec) - 1
    if (specs.length > 1) {
      this.specOf ??= new Array<number>(this.calls.length).fill(0)
      this.specOf.push(number)
    }
  }

  /** The spec of a call: that of the calls before it which ask the same. */
  #spec(call: Read): Spec {
    const { command, body, policy } = call.task
    // Bin names are taken at the time of the call, as a call of its own takes them.
    const argument = Array.isArray(call.argument) ? call.argument.slice() : call.argument
    const reads =
      argument instanceof Projection ? argument.identity : (argument as unknown[] | undefined)?.map(String).join('\0')
    const { filter, sendKey, mode } = policy
    const { info1, info3, ttl } = command
    const identity = `${info1}.${info3}.${ttl}.${this.#askedBy(policy)}.${argument instanceof Projection}.${reads}`
    this.#known ??= new Map()
    let spec = this.#known.get(identity)
    if (spec === undefined) {
      spec = new Spec(command, body, argument, sendKey, mode, undefined, -1, filter)
      this.#known.set(identity, spec)
    }
    this.#plain.keep(call, spec)
    return spec
  }

  /** What a policy asks for its rows, as text; mostly it is that of the call before. */
  #askedBy(policy: Policy): string {
    if (policy !== this.#lastPolicy) {
      this.#lastPolicy = policy
      this.#lastAsked = OF_THE_ROW.map((field) => textOf(policy[field])).join('.')
    }
    return this.#lastAsked
  }

  /** Forgets the calls that were cancelled meanwhile. */
  compact(): void {
    const { calls, specOf } = this
    if (!calls.some(isSettled)) return
    this.specOf = specOf?.filter((_, i) => !isSettled(calls[i] as Read))
    this.calls = calls.filter((call) => !isSettled(call))
  }

  /** A batch of the reads from `from` to `to`. */
  request(from: number, to: number): BatchRequest {
    const { specs } = this
    // The batch is not cancelled with one of its rows, and their filters are not those of all.
    const { signal, filter, totalTimeout } = this.policy
    const isOwn = signal === undefined && filter === undefined && this.waited === 0
    const policy = isOwn ? this.policy : copyPolicy(this.policy)
    policy.signal = undefined
    policy.filter = undefined
    if (this.waited > 0 && totalTimeout > 0) policy.totalTimeout = Math.max(1, totalTimeout - this.waited)
    const keys = new Array<Key>(to - from)
    for (let i = 0; i < keys.length; i++) keys[i] = (this.calls[from + i] as Read).key as Key
    return new BatchRequest('get', policy, false, keyList(keys), [], specs, this.specOf?.slice(from, to))
  }
}

function isSettled(call: Read): boolean {
  return call.ticket === SETTLED
}

/** Enters the reads of a group from `from` to `to`. */
function enter(boundary: Boundary, group: Group, from: number, to: number): void {
  const calls = group.calls.slice(from, to)
  if (calls.length > 1) {
    try {
      boundary.enter(new CoalescedReads(boundary, calls, group.request(from, to)))
      boundary.flushIfLarge()
      return
    } catch {
      // A key or a name that is refused, or no room: below, every call meets its own fate.
    }
  }
  for (const call of calls) {
    try {
      boundary.enter(call)
    } catch (error) {
      boundary.reject(call, argumentError(error, call.verb))
    }
  }
}

/** A batch of reads under way. */
class CoalescedReads extends Call<void> {
  readonly #boundary: Boundary
  /** Those that wait. Settled ones are let go, so that the garbage collector need not keep them. */
  readonly #calls: (Read | undefined)[]
  readonly #request: BatchRequest

  constructor(boundary: Boundary, calls: Read[], request: BatchRequest) {
    super(request)
    this.#boundary = boundary
    this.#calls = calls
    this.#request = request
  }

  /** The batch as a whole failed, and with it every call. */
  override reject(reason: unknown): void {
    for (const call of this.#calls) {
      if (call === undefined) continue
      const own = reason instanceof Failure ? new Failure({ ...reason.facts, verb: call.verb, key: call.key }) : reason
      this.#boundary.reject(call, own)
    }
  }

  write(w: Writer, ticket: number): number {
    return writeBatchEntry(this.#request, w, ticket, undefined, true)
  }

  answer(): void {
    throw new TypeError('a batch was answered as a record')
  }

  override batch(reply: BatchReply): void {
    const calls = this.#calls
    for (let row = 0; row < calls.length; row++) {
      const call = calls[row]
      if (call === undefined || call.ticket === SETTLED || reply.isElsewhere(row)) continue
      calls[row] = undefined
      try {
        this.#settle(call, reply, row)
      } catch (error) {
        // An answer that cannot be read fails its own call.
        this.#boundary.reject(call, error)
      }
    }
    for (const page of reply.pages) page?.wasReadWhole()
  }

  #settle(call: Read, reply: BatchReply, row: number): void {
    if (call.message !== undefined) {
      call.message.node = reply.node(row)?.name
      call.message.attempts = reply.attempts(row)
    }
    const code = reply.code(row)
    if (code === Code.ok) {
      const bytes = reply.bytes(row) as Buffer
      this.#boundary.resolve(call, call.answer(bytes, reply.offset(row), bytes.length))
      return
    }
    const instead = call.instead(code)
    if (instead !== undefined) this.#boundary.resolve(call, instead)
    else this.#boundary.reject(call, new Failure(factsOf(call, reply, row, code)))
  }
}

function factsOf(call: Read, reply: BatchReply, row: number, code: number): Facts {
  const node = reply.node(row)
  return {
    verb: call.verb,
    key: call.key,
    code,
    node: node?.name,
    attempts: reply.attempts(row),
    elapsed: reply.elapsed,
    detail: reply.page(row) === NO_PAGE ? (node?.detail ?? '') : '',
  }
}
