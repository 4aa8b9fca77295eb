// The chain as it runs: verbs begin steps, everything else says something of the last one. What each step lets its callers
// say is in steps.ts; here the same methods serve all of them, and what does not go together is refused.

import { describe, isPlain } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { TruePromise, unixTime } from '../host.js'

import type { Key, UserKey } from '../key.js'
import { op } from '../operations/op.js'
import type { Operation } from '../operations/operation.js'
import type { Verb } from '../options/behavior.js'
import type { Record } from '../records/record.js'
import { Exp } from '../values/expression.js'
import type { Value } from '../values/values.js'
import { conditionOf } from './condition.js'
import { DataSet, setOf } from './data-set.js'
import { Place, type Target } from './places.js'
import type { RecordResult } from './result.js'
import { answerOf, type ExecuteOptions, recordOf, run, type Strategy } from './run.js'
import { SetQuery } from './set-query.js'
import { define, Step, type StepOptions, VERBS } from './step.js'
import { type RecordResults, recordsOf } from './stream.js'
import type { Views } from './views.js'

/** Steps that were begun, and the first thing that was wrong with them: it is said when the chain is run. */
class Chain {
  readonly views: Views
  readonly steps: Step[]
  failure: unknown = undefined

  /** With its first step. An empty list that is added to takes room for many, and most chains have one. */
  constructor(views: Views, verb: Verb, given: readonly unknown[]) {
    this.views = views
    const step = this.#step(verb, given)
    this.steps = step === undefined ? [] : [step]
  }

  /** Adds a step for what a verb was given. */
  add(verb: Verb, given: readonly unknown[]): void {
    const step = this.#step(verb, given)
    if (step !== undefined) this.steps.push(step)
  }

  #step(verb: Verb, given: readonly unknown[]): Step | undefined {
    try {
      return stepOf(verb, given)
    } catch (error) {
      this.failure ??= error
      return undefined
    }
  }

  /** The record of a single key, where that is all there is to say; undefined otherwise. */
  record(): Promise<Record> | undefined {
    return this.failure === undefined && this.steps.length === 1
      ? recordOf(this.views, this.steps[0] as Step)
      : undefined
  }

  run(strategy: Strategy, options?: ExecuteOptions): Promise<RecordResults> {
    if (this.failure !== undefined) return TruePromise.reject(this.failure)
    return run(this.views, this.steps, strategy, options)
  }
}

/** A step for what a verb was given: a set, a key, keys or a list of them. */
function stepOf(verb: Verb, given: readonly unknown[]): Step {
  const first = given[0]
  if (first instanceof DataSet) {
    if (given.length > 1) throw new InvalidArgumentError(`${verb} takes one set`)
    if (VERBS[verb].exists === undefined) {
      throw new InvalidArgumentError(`${verb} takes keys; what is done with a whole set is a backgroundTask()`)
    }
    const step = new Step(verb, [], first as never, false)
    step.rows = []
    return step
  }
  if (!Array.isArray(first)) {
    throw new InvalidArgumentError(`${verb} takes a set, a key, or keys, not ${describe(first)}`)
  }
  const isKey = typeof first[0] === 'string'
  if (given.length === 1 && isKey) return new Step(verb, given as readonly Key[], setOf(first), true)
  if (given.length === 1) return new Step(verb, first as readonly Key[], setOf(first), false)
  return new Step(verb, given as readonly Key[], isKey ? setOf(first) : undefined, false)
}

/** Bins that are `undefined` are not written: most objects have none, and stay as they are. */
function withoutUndefined(object: { [bin: string]: unknown }): { [bin: string]: unknown } {
  for (const name in object) {
    if (object[name] === undefined) {
      return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
    }
  }
  return object
}

/** The verbs of a session and of a chain. */
abstract class VerbMethods {
  /** Begins a step, of this chain or of a new one. */
  protected abstract begin(verb: Verb, given: readonly unknown[]): Builder
  protected abstract get views(): Views

  query(...given: unknown[]): unknown {
    if (given[0] instanceof DataSet) return new SetQuery(this.views, given[0])
    return this.begin('query', given)
  }

  exists(...given: unknown[]): Builder {
    return this.begin('exists', given)
  }

  insert(...given: unknown[]): Builder {
    return this.begin('insert', given)
  }

  update(...given: unknown[]): Builder {
    return this.begin('update', given)
  }

  upsert(...given: unknown[]): Builder {
    return this.begin('upsert', given)
  }

  replace(...given: unknown[]): Builder {
    return this.begin('replace', given)
  }

  replaceIfExists(...given: unknown[]): Builder {
    return this.begin('replaceIfExists', given)
  }

  touch(...given: unknown[]): Builder {
    return this.begin('touch', given)
  }

  delete(...given: unknown[]): Builder {
    return this.begin('delete', given)
  }

  executeUdf(...given: unknown[]): Builder {
    return this.begin('executeUdf', given)
  }
}

/** Where chains begin. */
export class Beginning extends VerbMethods {
  readonly #views: Views

  constructor(views: Views) {
    super()
    this.#views = views
  }

  protected get views(): Views {
    return this.#views
  }

  protected begin(verb: Verb, given: readonly unknown[]): Builder {
    return new Builder(new Chain(this.#views, verb, given))
  }
}

/** A chain under construction. */
class Builder extends VerbMethods implements Target {
  protected readonly chain: Chain
  /** Names of the bins of rows to come. */
  #names: readonly string[] | undefined

  constructor(chain: Chain) {
    super()
    this.chain = chain
  }

  protected get views(): Views {
    return this.chain.views
  }

  protected begin(verb: Verb, given: readonly unknown[]): Builder {
    this.chain.add(verb, given)
    return new Builder(this.chain)
  }

  get #last(): Step | undefined {
    const { steps } = this.chain
    return steps[steps.length - 1]
  }

  /**
   * Says something of the last step. `put`, `id` and `values` do without: they are said of every record, and the function that
   * this takes costs more than what it does.
   */
  #say(change: (step: Step) => void): this {
    try {
      const step = this.#last
      if (step !== undefined) change(step)
    } catch (error) {
      this.chain.failure ??= error
    }
    return this
  }

  #option<N extends keyof StepOptions>(name: N, value: NonNullable<StepOptions[N]>): this {
    return this.#say((step) => {
      const { rows } = step
      const row = rows?.at(-1)
      if (rows === undefined || row === undefined) step.option(name, value)
      else rows[rows.length - 1] = { ...row, [name]: value }
    })
  }

  bins(...names: string[]): this {
    return this.#say((step) => {
      if (step.verb !== 'query') this.#names = names
      else if (step.ops !== undefined) for (const name of names) step.readBin(name)
      else if (names.length === 0) throw new InvalidArgumentError('bins: name at least one bin, or use withNoBins()')
      else step.bins = [...(step.bins ?? []), ...names]
    })
  }

  bin(name: string): BinPlace {
    return new BinPlace(this, this.chain, name)
  }

  compute(name: string, expression: Exp): unknown {
    return this.#answering((step) => step.addOperation(op.expRead(name, expression as never), true))
  }

  put(...objects: unknown[]): this {
    const step = this.#last
    if (step === undefined) return this
    try {
      for (const object of objects) this.#putOne(step, object)
    } catch (error) {
      this.chain.failure ??= error
    }
    return this
  }

  #putOne(step: Step, object: unknown): void {
    if (typeof object !== 'object' || object === null || !isPlain(object)) {
      throw new InvalidArgumentError(`${step.verb}: put takes an object with bins, not ${describe(object)}`)
    }
    const bins = withoutUndefined(object as { [bin: string]: unknown })
    if (step.rows === undefined) step.setBins(bins)
    else this.#addRow(step, step.begun ?? (step.set as DataSet<never>).keyOf(object as never), bins)
  }

  id(user: UserKey): this {
    const step = this.#last
    if (step === undefined) return this
    try {
      if (step.begun !== undefined)
        throw new InvalidArgumentError(`${step.verb}: the id before '${user}' has no values`)
      const { namespace, set } = step.set as DataSet<never>
      step.begun = [namespace, set, user]
    } catch (error) {
      this.chain.failure ??= error
    }
    return this
  }

  values(...values: unknown[]): this {
    const step = this.#last
    if (step === undefined) return this
    try {
      this.#valuesOf(step, values)
    } catch (error) {
      this.chain.failure ??= error
    }
    return this
  }

  #valuesOf(step: Step, values: readonly unknown[]): void {
    const names = this.#names ?? []
    const key = step.begun
    if (key === undefined) throw new InvalidArgumentError(`${step.verb}: id comes before values`)
    if (values.length !== names.length) {
      throw new InvalidArgumentError(
        `${step.verb}: ${values.length} values for ${names.length} bins (${names.join(', ')})`,
      )
    }
    const bins = {}
    for (let i = 0; i < names.length; i++) define(bins, names[i] as string, values[i])
    this.#addRow(step, key, bins)
  }

  #addRow(step: Step, key: Key, bins: { [bin: string]: unknown }): void {
    step.rows?.push({ key, bins })
    step.begun = undefined
  }

  where(condition: TemplateStringsArray | Exp<'bool'>, ...values: never[]): this {
    return this.#say((step) => step.option('filter', conditionOf(condition, values)))
  }

  failOnFilteredOut(): this {
    return this.#say((step) => {
      step.failOnFiltered = true
    })
  }

  sendKey(): this {
    return this.#say((step) => step.option('sendKey', true))
  }

  expireRecordAfter(seconds: number): this {
    return this.#option('ttl', seconds)
  }

  expireRecordAt(time: Date): this {
    return this.#say(() => {
      const seconds = Math.ceil((time.getTime() - unixTime()) / 1000)
      if (!(seconds >= 1))
        throw new InvalidArgumentError(`expireRecordAt: the time must be in the future, not ${describe(time)}`)
      this.#option('ttl', seconds)
    })
  }

  neverExpire(): this {
    return this.#option('ttl', 'never')
  }

  withNoChangeInExpiration(): this {
    return this.#option('ttl', 'keep')
  }

  expiryFromServerDefault(): this {
    return this.#option('ttl', 'default')
  }

  ensureGenerationIs(generation: number): this {
    return this.#option('generation', generation)
  }

  durablyDelete(): this {
    return this.#option('durableDelete', true)
  }

  withNoBins(): this {
    return this.#say((step) => {
      step.bins = []
    })
  }

  includeMissingKeys(): this {
    return this.#say((step) => {
      step.includeMissing = true
    })
  }

  validated(): this {
    return this.#say((step) => {
      if (step.set?.schema === undefined) throw new InvalidArgumentError('validated: the set has no schema')
      step.validated = true
    })
  }

  function(module: string, name: string): this {
    return this.#say((step) => {
      step.udf = { module, function: name, args: step.udf?.args ?? [] }
    })
  }

  passing(...args: Value[]): this {
    return this.#say((step) => {
      step.udf = { module: step.udf?.module ?? '', function: step.udf?.function ?? '', args }
    })
  }

  /** Adds an operation that answers: a step on one key can be awaited for it. */
  answer(make: () => Operation, repeatable: boolean): unknown {
    return this.#answering((step) => step.addOperation(make(), repeatable))
  }

  silent(make: () => Operation, repeatable: boolean): this {
    return this.#say((step) => {
      step.addOperation(checked(step, make()), repeatable)
    })
  }

  /** Reads a bin, which is an answer. */
  readBin(name: string): unknown {
    return this.#answering((step) => step.readBin(name))
  }

  setBin(name: string, value: unknown): this {
    return this.#say((step) => {
      if (!step.writes)
        throw new InvalidArgumentError(`${step.verb}: bin '${name}' would be written; begin with update or upsert`)
      if (value instanceof Exp) step.addOperation(op.expWrite(name, value as never), false)
      else step.setBin(name, value)
    })
  }

  #answering(change: (step: Step) => void): unknown {
    this.#say((step) => {
      change(step)
      const added = step.ops?.at(-1)
      if (added !== undefined) checked(step, added)
    })
    const { steps } = this.chain
    return steps.length === 1 && steps[0]?.single === true ? new Answering(this.chain) : this
  }

  execute(strategy?: Strategy, options?: ExecuteOptions): Promise<RecordResults> {
    return this.chain.run(strategy, options)
  }

  async records(): Promise<Record[]> {
    return recordsOf([...(await this.chain.run(undefined))])
  }

  async first(): Promise<RecordResult | undefined> {
    return (await this.chain.run(undefined)).at(0)
  }

  firstOrThrow(): Promise<Record> {
    return this.chain.record() ?? this.chain.run(undefined).then((rows) => rows.firstOrThrow())
  }

  async toMap(): Promise<Map<UserKey, Record>> {
    return (await this.chain.run(undefined)).toMap()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Record, undefined, undefined> {
    yield* await this.records()
    return undefined
  }
}

/** A chain on one key with an answer: awaited, it runs and gives the last one. */
class Answering extends Builder implements PromiseLike<unknown> {
  then<T = unknown, U = never>(
    resolved?: ((value: unknown) => T | PromiseLike<T>) | null,
    rejected?: ((reason: unknown) => U | PromiseLike<U>) | null,
  ): Promise<T | U> {
    const { chain } = this
    const answer =
      chain.failure === undefined ? answerOf(chain.views, chain.steps[0] as Step) : TruePromise.reject(chain.failure)
    return answer.then(resolved, rejected)
  }
}

/** A bin of a step. */
class BinPlace extends Place {
  readonly #builder: Builder
  readonly #name: string

  constructor(builder: Builder, chain: Chain, name: string) {
    super(builder, name)
    this.#builder = builder
    this.#name = name
    if (typeof name !== 'string') {
      chain.failure ??= new InvalidArgumentError(`bin: the name of a bin is text, not ${describe(name)}`)
    }
  }

  get(): unknown {
    return this.#builder.readBin(this.#name)
  }

  setTo(value: unknown): Builder {
    return this.#builder.setBin(this.#name, value)
  }

  remove(): Builder {
    return this.#builder.setBin(this.#name, null)
  }

  add(by: number): Builder {
    return this.#builder.silent(() => op.increment(this.#name, by), false)
  }

  append(value: string): Builder {
    return this.#builder.silent(() => op.append(this.#name, value), false)
  }

  prepend(value: string): Builder {
    return this.#builder.silent(() => op.prepend(this.#name, value), false)
  }
}

function checked(step: Step, operation: Operation): Operation {
  if (step.verb !== 'query' || !operation.writes) return operation
  throw new InvalidArgumentError(`query: bin '${operation.bin}' would be written; begin with update or upsert`)
}
