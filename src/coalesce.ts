// Reads of single records that travel together: what one tick asks for becomes one batch, and every call settles as it
// would have by itself, when the rows of its node are there.

import { BatchRequest, Spec } from './batch-request.js'
import { Call, type KeyCall, SETTLED, TRAVELS } from './call.js'
import { argumentError } from './check.js'
import { type BatchReply, NO_PAGE } from './completion.js'
import { type Facts, Failure } from './failure.js'
import { type Key, keyList } from './key.js'
import type { Boundary } from './native.js'
import { copyPolicy, type Policy } from './policies.js'
import { Projection } from './projection.js'
import type { Writer } from './writer.js'

/** Most reads in one batch: its answers are decoded in one go, in about a millisecond. */
const MOST_ROWS = 1024

/**
 * From this many reads on a tick becomes two batches: while one is decoded, and what follows from it is asked for, the
 * other is still at the server. In one batch, client and server would take turns.
 */
const ENOUGH_FOR_TWO = 48

type Read = KeyCall<unknown>

/** Gathers the reads of a tick, and enters them as batches when the tick is over. */
export class Coalescer {
  readonly #boundary: Boundary
  #groups: Group[] = []
  readonly #enterAll = (): void => {
    const groups = this.#groups
    this.#groups = []
    for (const group of groups) for (const part of group.parts()) enter(this.#boundary, part)
  }

  constructor(boundary: Boundary) {
    this.#boundary = boundary
  }

  /** Takes in a read. */
  submit<T>(call: KeyCall<T>): Promise<T> {
    this.#boundary.admit(call)
    call.ticket = TRAVELS
    this.#groupOf(call.policy).add(call)
    return this.#boundary.promise(call)
  }

  #groupOf(policy: Policy): Group {
    const groups = this.#groups
    for (let i = groups.length - 1; i >= 0; i--) {
      const group = groups[i] as Group
      if (group.takes(policy)) return group
    }
    if (groups.length === 0) this.#boundary.schedule(this.#enterAll)
    const group = new Group(policy)
    groups.push(group)
    return group
  }
}

/** The reads of a tick that may share a batch: those that wait equally long, and try equally hard. */
class Group {
  readonly policy: Policy
  calls: Read[] = []
  /** For each call its spec. */
  specOf: number[] = []
  readonly specs: Spec[] = []
  readonly #known = new Map<string, number>()
  #latest: Read | undefined

  constructor(policy: Policy) {
    this.policy = policy
  }

  takes(policy: Policy): boolean {
    const own = this.policy
    if (this.calls.length >= MOST_ROWS) return false
    return (
      own === policy ||
      (own.totalTimeout === policy.totalTimeout &&
        own.socketTimeout === policy.socketTimeout &&
        own.maxRetries === policy.maxRetries &&
        own.sleepBetweenRetries === policy.sleepBetweenRetries &&
        own.replica === policy.replica)
    )
  }

  add(call: Read): void {
    const latest = this.#latest
    const same = latest !== undefined && latest.verb === call.verb && latest.policy === call.policy
    const spec = same && call.argument === undefined ? this.specOf[this.specOf.length - 1] : this.#spec(call)
    this.specOf.push(spec as number)
    this.calls.push(call)
    this.#latest = call
  }

  #spec(call: Read): number {
    const { command, body, policy } = call
    // Bin names are taken at the time of the call, as a call of its own takes them.
    const argument = Array.isArray(call.argument) ? call.argument.slice() : call.argument
    const reads =
      argument instanceof Projection ? argument.identity : (argument as unknown[] | undefined)?.map(String).join('\0')
    const { filter } = policy
    const condition = filter === undefined ? '' : Buffer.from(filter.bytes).toString('base64')
    const identity = `${command.info1}.${command.info3}.${command.ttl}.${policy.sendKey}.${condition}.${argument instanceof Projection}.${reads}`
    let spec = this.#known.get(identity)
    if (spec === undefined) {
      const { sendKey, mode } = policy
      spec = this.specs.push(new Spec(command, body, argument, sendKey, mode, undefined, -1, filter)) - 1
      this.#known.set(identity, spec)
    }
    return spec
  }

  /** Forgets the calls that were cancelled meanwhile. */
  #compact(): void {
    const { calls, specOf } = this
    if (calls.every((call) => call.ticket !== SETTLED)) return
    this.specOf = specOf.filter((_, i) => (calls[i] as Read).ticket !== SETTLED)
    this.calls = calls.filter((call) => call.ticket !== SETTLED)
  }

  /** The batches to be made of it. */
  parts(): Group[] {
    this.#compact()
    if (this.calls.length < ENOUGH_FOR_TWO) return [this]
    const half = this.calls.length >> 1
    return [this.#part(0, half), this.#part(half, this.calls.length)]
  }

  #part(from: number, to: number): Group {
    const part = new Group(this.policy)
    part.calls = this.calls.slice(from, to)
    part.specOf = this.specOf.slice(from, to)
    part.specs.push(...this.specs)
    return part
  }

  request(): BatchRequest {
    const { calls, specs, specOf } = this
    // The batch is not cancelled with one of its rows, and their filters are not those of all.
    const { signal, filter } = this.policy
    const policy = signal === undefined && filter === undefined ? this.policy : copyPolicy(this.policy)
    policy.signal = undefined
    policy.filter = undefined
    const keys = keyList(calls.map((call) => call.key as Key))
    return new BatchRequest('get', policy, false, keys, [], specs, specs.length === 1 ? undefined : specOf)
  }
}

function enter(boundary: Boundary, group: Group): void {
  const calls = group.calls
  if (calls.length > 1) {
    try {
      boundary.enter(new Together(boundary, group))
      boundary.relieve()
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
class Together extends Call<void> {
  readonly #boundary: Boundary
  /** Those that wait. Settled ones are let go, so that they do not grow old together. */
  readonly #calls: (Read | undefined)[]
  readonly #request: BatchRequest

  constructor(boundary: Boundary, group: Group) {
    const request = group.request()
    super('get', undefined, request.policy, false)
    this.#boundary = boundary
    this.#calls = group.calls
    this.#request = request
    this.resolve = () => {}
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
    return this.#request.write(w, ticket, undefined, true)
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
    const code = reply.code(row)
    if (code === 0) {
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
