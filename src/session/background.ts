// Background tasks: changes of all records of a set that the servers make by themselves.

import { InvalidArgumentError } from '../errors/classes.js'
import { exp } from '../expressions/exp.js'
import { op } from '../operations/op.js'
import type { Operation } from '../operations/operation.js'
import type { Job, JobOptions } from '../query/job.js'
import { encodeWith } from '../values/codecs.js'
import type { AnyExp, Exp } from '../values/expression.js'
import { Exp as ExpClass } from '../values/expression.js'
import type { Storable, Value } from '../values/values.js'
import type { Double } from '../values/wrappers.js'
import type { ExpOf } from './bins.js'
import { conditionOf } from './condition.js'
import type { DataSet } from './data-set.js'
import type { Views } from './views.js'

/** What a background task does with a bin. */
export interface BackgroundBin<V, S> {
  /** Writes the bin: a value, or what an expression gives. */
  setTo(value: V | ExpOf<V>): S
  /** Removes the bin. */
  remove(): S
  /** Adds to a number. */
  add: [V] extends [number | bigint | Double]
    ? (by: number | bigint | Double) => S
    : Value extends V
      ? (by: number) => S
      : never
}

/** The kinds of tasks: what a session's `backgroundTask()` gives. */
export class BackgroundTask {
  readonly #views: Views

  /** @internal */
  constructor(views: Views) {
    this.#views = views
  }

  /** Changes the records of a set. @example await session.backgroundTask().update(users).where`$.age < ${18}`.bin('minor').setTo(true).execute() */
  update<B extends object>(set: DataSet<B>): BackgroundUpdate<B> {
    return new BackgroundUpdate(this.#views, set, [])
  }

  /** Renews the expiry of the records of a set. @example await session.backgroundTask().touch(users).expireRecordAfter(600).execute() */
  touch<B extends object>(set: DataSet<B>): BackgroundStep<B> {
    return new BackgroundStep(this.#views, set, [op.touch()])
  }

  /** Removes the records of a set for which a condition is true. All of them are removed faster by `session.truncate`. */
  delete<B extends object>(set: DataSet<B>): BackgroundStep<B> {
    return new BackgroundStep(this.#views, set, [op.deleteAll()])
  }

  /** Calls a function of a registered module with the records of a set. @example await session.backgroundTask().executeUdf(users).function('counters', 'add').passing('visits', 1).execute() */
  executeUdf<B extends object>(set: DataSet<B>): BackgroundUdf<B> {
    return new BackgroundUdf(this.#views, set, [])
  }
}

/** A task on the records of a set. */
export class BackgroundStep<B extends object> {
  protected readonly views: Views
  protected readonly set: DataSet<B>
  protected readonly operations: Operation[]
  protected failure: unknown
  readonly #options: { ttl?: number | 'never' | 'keep' | 'default'; durableDelete?: boolean } = {}
  #condition: Exp<'bool'> | undefined

  /** @internal */
  constructor(views: Views, set: DataSet<B>, operations: Operation[]) {
    this.views = views
    this.set = set
    this.operations = operations
  }

  /** @internal What is wrong is said when the task is started. */
  protected say(change: () => void): this {
    try {
      change()
    } catch (error) {
      this.failure ??= error
    }
    return this
  }

  /** Only records for which the condition is true; said twice, both have to be. */
  where(condition: TemplateStringsArray, ...values: (Value | AnyExp)[]): this
  where(condition: Exp<'bool'>): this
  where(condition: TemplateStringsArray | Exp<'bool'>, ...values: (Value | AnyExp)[]): this {
    return this.say(() => {
      const added = conditionOf(condition, values)
      this.#condition = this.#condition === undefined ? added : exp.and(this.#condition, added)
    })
  }

  /** The records expire after so many seconds. */
  expireRecordAfter(seconds: number): this {
    this.#options.ttl = seconds
    return this
  }

  /** The records never expire. */
  neverExpire(): this {
    this.#options.ttl = 'never'
    return this
  }

  /** The expiry stays as it is. */
  withNoChangeInExpiration(): this {
    this.#options.ttl = 'keep'
    return this
  }

  /** Records that are removed leave tombstones. Enterprise servers only. */
  durablyDelete(): this {
    this.#options.durableDelete = true
    return this
  }

  /** Starts the task; resolves when all servers have taken it on. `done()` of the job waits for its end. */
  async execute(options: JobOptions = {}): Promise<Job> {
    if (this.failure !== undefined) throw this.failure
    const { namespace, set } = this.set
    const condition = this.#condition
    const { predicate } = await this.views.choose(condition, this.set)
    let query = this.views.reads.query(namespace, set)
    if (predicate !== undefined) query = query.where(predicate)
    if (condition !== undefined) query = query.where(condition)
    return this.start(query, { ...this.views.behavior.optionsOf('background'), ...this.#options, ...options })
  }

  /** @internal */
  protected start(query: ReturnType<Views['reads']['query']>, options: JobOptions): Promise<Job> {
    if (this.operations.length === 0) {
      throw new InvalidArgumentError('backgroundTask: say what is to be written, with bin, put or operate')
    }
    return query.execute(this.operations, options)
  }
}

/** A task that changes records. */
export class BackgroundUpdate<B extends object> extends BackgroundStep<B> {
  /** Does something with a bin. */
  bin<N extends keyof B & string>(name: N): BackgroundBin<NonNullable<B[N]>, this> {
    const bin = {
      setTo: (value: unknown) => this.#write(name, value),
      remove: () => this.#write(name, null),
      add: (by: number) => this.operate(op.increment(name, by)),
    }
    return bin as unknown as BackgroundBin<NonNullable<B[N]>, this>
  }

  /** Writes the bins of an object. */
  put<O extends object>(object: string extends keyof B ? O & Storable<O> : Partial<B>): this {
    for (const [name, value] of Object.entries(object)) this.#write(name, value)
    return this
  }

  /** Runs operations of `op`, `lists`, `maps`, `bits` or `hll` that only write. */
  operate(...operations: readonly Operation[]): this {
    this.operations.push(...operations)
    return this
  }

  #write(name: string, value: unknown): this {
    return this.say(() => {
      if (value instanceof ExpClass) {
        this.operations.push(op.expWrite(name, value as never))
        return
      }
      const codec = value === null ? undefined : this.set.codecs?.[name]
      this.operations.push(op.write(name, (codec === undefined ? value : encodeWith(codec, name, value)) as Value))
    })
  }
}

/** A task that calls a function. */
export class BackgroundUdf<B extends object> extends BackgroundStep<B> {
  #module = ''
  #name = ''
  #args: readonly Value[] = []

  /** Which function is called. */
  function(module: string, name: string): this {
    this.#module = module
    this.#name = name
    return this
  }

  /** What it gets after the record. */
  passing(...args: readonly Value[]): this {
    this.#args = args
    return this
  }

  /** @internal */
  protected override start(query: ReturnType<Views['reads']['query']>, options: JobOptions): Promise<Job> {
    return query.apply(this.#module, this.#name, this.#args, options)
  }
}
