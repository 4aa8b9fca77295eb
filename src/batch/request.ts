// The request of a batch: keys, and for each row one of a list of specs that say what to do with it. A batch read of
// 1,000 keys has one spec, a batch write one for each row.

import type { Policy } from '../options/policy.js'
import { Info2 } from '../protocol.js'
import { type KeyList, KeyRows, keyList } from '../records/key-list.js'
import type { Body } from '../requests/calls.js'
import type { Command } from '../requests/command.js'
import type { Projection } from '../requests/projection.js'
import type { Exp } from '../values/expression.js'
import type { Common } from './kinds.js'

/** What is done with the rows that point here. A class, so that all have one shape: every row that is read looks here. */
export class Spec {
  readonly command: Command
  readonly body: Body
  readonly argument: unknown
  readonly sendKey: boolean
  /** How the answer is read, as bits of Mode. */
  readonly mode: number
  /** What makes bins of the answers, when parts of bins are read. */
  readonly projection: Projection | undefined
  /** The only row that points here, for messages; -1 when there may be several. */
  readonly row: number
  /** The row's own filter, in the place of the batch's. */
  readonly filter: Exp<'bool'> | undefined

  constructor(
    command: Command,
    body: Body,
    argument: unknown,
    sendKey: boolean,
    mode: number,
    projection?: Projection,
    row = -1,
    filter?: Exp<'bool'>,
  ) {
    this.command = command
    this.body = body
    this.argument = argument
    this.sendKey = sendKey
    this.mode = mode
    this.projection = projection
    this.row = row
    this.filter = filter
  }

  /** The same for one row, maybe with a filter of its own. */
  of(row: number, filter: Exp<'bool'> | undefined): Spec {
    return new Spec(this.command, this.body, this.argument, this.sendKey, this.mode, this.projection, row, filter)
  }
}

/** Whether rows of a spec change records. */
export function writes(spec: Spec): boolean {
  return (spec.command.info2 & Info2.write) !== 0
}

/** What the caller said about all rows of a batch: rows that are to be sent again carry it themselves. */
export interface Said {
  readonly common: Common
  /** Options of the call. */
  readonly options: { readonly [name: string]: unknown }
  /** The client's defaults for batches. */
  readonly defaults: { readonly [name: string]: unknown }
}

/** A batch, ready to be written any number of times: retries write parts of it again. */
export class BatchRequest {
  readonly verb: string
  readonly policy: Policy
  readonly writes: boolean
  #keys: KeyList
  #inputs: readonly unknown[]
  /** What was said about all rows; undefined for requests whose rows are never sent again. */
  readonly said: Said | undefined
  readonly specs: readonly Spec[]
  /** For each row its spec; undefined when there is only one. */
  readonly specOf: ArrayLike<number> | undefined
  /** For each row its position in the request this one was taken from; undefined when it is a request of its own. */
  readonly origins: readonly number[] | undefined
  /** The number of the first row, when the request is a part of a stream. */
  readonly first: number

  constructor(
    verb: string,
    policy: Policy,
    writes: boolean,
    keys: KeyList,
    inputs: readonly unknown[],
    specs: readonly Spec[],
    specOf: ArrayLike<number> | undefined,
    origins?: readonly number[],
    first = 0,
    said?: Said,
  ) {
    this.verb = verb
    this.policy = policy
    this.writes = writes
    this.#keys = keys
    this.#inputs = inputs
    this.specs = specs
    this.specOf = specOf
    this.origins = origins
    this.first = first
    this.said = said
  }

  get keys(): KeyList {
    return this.#keys
  }

  /** Makes a column of many keys, which keys that are few were from the start. */
  *gatherKeys(): Generator<void, void> {
    if (this.#keys instanceof KeyRows) this.#keys = (yield* this.#keys.column()) ?? this.#keys
  }

  /** The rows as the caller gave them; none once all of them are done. */
  get inputs(): readonly unknown[] {
    return this.#inputs
  }

  /** No row will be sent again: nothing is kept of what the caller gave. */
  settle(): void {
    this.#inputs = []
  }

  spec(row: number): Spec {
    return this.specs[this.specOf === undefined ? 0 : (this.specOf[row] as number)] as Spec
  }

  /** The rows at `positions` as a request of their own. */
  subset(positions: readonly number[]): BatchRequest {
    const renumbered = new Map<Spec, number>()
    const specOf = new Uint32Array(positions.length)
    positions.forEach((position, i) => {
      const spec = this.spec(position)
      let number = renumbered.get(spec)
      if (number === undefined) {
        number = renumbered.size
        renumbered.set(spec, number)
      }
      specOf[i] = number
    })
    const pick = <T>(list: readonly T[]): T[] => positions.map((position) => list[position] as T)
    return new BatchRequest(
      this.verb,
      this.policy,
      this.writes,
      keyList(positions.map((position) => this.keys.at(position))),
      pick(this.inputs),
      [...renumbered.keys()],
      specOf,
      this.origins === undefined ? positions : pick(this.origins),
      0,
      this.said,
    )
  }

  /** The same rows under another policy: its timeouts, retries and limits. */
  under(policy: Policy): BatchRequest {
    const { verb, writes, keys, inputs, specs, specOf, origins, first, said } = this
    return new BatchRequest(verb, policy, writes, keys, inputs, specs, specOf, origins, first, said)
  }

  /** The same rows as a part of a stream that begins with row `first`. */
  from(first: number): BatchRequest {
    const { verb, policy, writes, keys, inputs, specs, specOf, origins, said } = this
    return new BatchRequest(verb, policy, writes, keys, inputs, specs, specOf, origins, first, said)
  }
}
