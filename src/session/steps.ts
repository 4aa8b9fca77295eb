// The chain as its callers see it: verbs, and what each step lets them say. Builders (builder.ts) do what is said here.

import type { Key, UserKey } from '../key.js'
import type { Selected } from '../query/query.js'
import type { Record } from '../records/record.js'
import type { AnyExp, Exp, Type } from '../values/expression.js'
import type { Bins, Storable, Value } from '../values/values.js'
import type { Answered, Count } from './answers.js'
import type { ReadBin, WriteBin } from './bins.js'
import type { DataSet, SetKey, SetKeys, ShortNames } from './data-set.js'
import type { RecordResult } from './result.js'
import type { ExecuteOptions } from './run.js'
import type { SetQuery } from './set-query.js'
import type { ErrorHandler, ErrorStrategy } from './strategy.js'
import type { RecordResults } from './stream.js'

declare const STEP: unique symbol

/** Names of bins, and paths into them. */
type BinPaths<B extends object> = (keyof B & string) | `${keyof B & string}${'.' | '['}${string}`

/** What a bin holds, when it is there. */
type Held<V> = Value extends V ? V : NonNullable<V>

/** The value an expression of a type gives. */
export type ValueOf<T extends Type> = T extends 'bool'
  ? boolean
  : T extends 'int'
    ? number
    : T extends 'string'
      ? string
      : T extends 'blob'
        ? Uint8Array
        : Value

/** The bins of a step's rows: what was answered, or else the record. */
export type RowOf<B extends object, A> = [keyof A] extends [never] ? B : A extends object ? A : never

/** What a chain ends with. `R` is the type of the bins of its rows. */
export interface Runnable<R extends object> {
  /**
   * Runs the chain: one key as a single call, everything else as one batch. A single key that fails rejects; of a batch the
   * failures are rows. `ErrorStrategy.THROW`, `ErrorStrategy.IN_STREAM` or a handler decide otherwise.
   *
   * @throws InvalidArgumentError when something in the chain makes no sense; nothing was sent then
   * @example
   * const stream = await session.update(users.ids('user-1', 'user-2')).bin('status').setTo('active').execute()
   * for (const row of stream) if (!row.isOk) console.warn(row.key[2], row.message)
   */
  execute(strategy?: ErrorStrategy | ErrorHandler, options?: ExecuteOptions): Promise<RecordResults<R>>
  /** Runs the chain: the records of its rows. A row that failed throws. */
  records(): Promise<Record<R>[]>
  /** Runs the chain: its first row, or undefined. */
  first(): Promise<RecordResult<R> | undefined>
  /** Runs the chain: the record of its first row. @throws RecordNotFoundError when there is none */
  firstOrThrow(): Promise<Record<R>>
  /** Runs the chain: the records by their user key. A row that failed throws. */
  toMap(): Promise<Map<UserKey, Record<R>>>
  /** Runs the chain: its records, one after the other. A row that failed throws. */
  [Symbol.asyncIterator](): AsyncIterator<Record<R>, undefined, undefined>
}

/** The verbs: what a session begins with, and a chain goes on with. `P` has the bins of the rows before. */
export interface Verbs<P extends object, K extends Count> {
  /** Reads the records of keys, or of a set: see {@link SetQuery}. @example session.query(users.ids('user-1', 'user-2')).bins('name') */
  query<B extends object = Bins>(set: DataSet<B>): SetQuery<B>
  query<B extends object = Bins>(key: SetKey<B>): ReadStep<B, P, unknown, K>
  query<B extends object = Bins>(keys: SetKeys<B>): ReadStep<B, P, unknown, 'many'>
  query<B extends object = Bins>(...keys: readonly SetKey<B>[]): ReadStep<B, P, unknown, 'many'>
  /** Asks whether records exist: `asBoolean()` of each row. @example session.exists(users.ids('user-1', 'user-2')) */
  exists(...keys: KeysArgument): KeyStep<P>
  /** Creates records: one that is there already is a failure. @example session.insert(users.id('user-1')).put({ name: 'Alice', age: 28 }) */
  insert<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, B>
  insert<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, B>
  insert<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, 'many', B>
  insert<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, 'many', B>
  /** Changes records: one that is not there is a failure. @example session.update(users.id('user-1')).bin('age').add(1) */
  update<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, Partial<B>>
  update<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, Partial<B>>
  update<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, 'many', Partial<B>>
  update<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, 'many', Partial<B>>
  /** Creates or changes records. @example session.upsert(users.id('user-1')).bin('status').setTo('active') */
  upsert<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, Partial<B>>
  upsert<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, Partial<B>>
  upsert<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, 'many', Partial<B>>
  upsert<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, 'many', Partial<B>>
  /** Creates records, or replaces all bins of those that are there. @example session.replace(users.id('user-1')).put(user) */
  replace<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, B>
  replace<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, B>
  replace<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, 'many', B>
  replace<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, 'many', B>
  /** Replaces all bins of records: one that is not there is a failure. @example session.replaceIfExists(users.id('user-1')).put(user) */
  replaceIfExists<B extends object = Bins>(set: DataSet<B>): SetWrite<B, P, B>
  replaceIfExists<B extends object = Bins>(key: SetKey<B>): WriteStep<B, P, unknown, K, B>
  replaceIfExists<B extends object = Bins>(keys: SetKeys<B>): WriteStep<B, P, unknown, 'many', B>
  replaceIfExists<B extends object = Bins>(...keys: readonly SetKey<B>[]): WriteStep<B, P, unknown, 'many', B>
  /** Renews the expiry of records. `asBoolean()` of a row is whether it was there. @example session.touch(users.id('user-1')).expireRecordAfter(600) */
  touch(...keys: KeysArgument): ExpiringStep<P>
  /** Removes records. `asBoolean()` of a row is whether it was there. @example session.delete(users.ids('user-1', 'user-2')) */
  delete(...keys: KeysArgument): RemoveStep<P>
  /** Calls a function of a registered module on records: `udfValue` of each row. @example session.executeUdf(key).function('counters', 'add').passing('visits', 1) */
  executeUdf(...keys: KeysArgument): UdfStepOf<P>
}

/** Keys, in whatever form. */
export type KeysArgument = readonly [keys: readonly Key[]] | readonly Key[]

/** What every step lets its callers say. */
export interface Conditions {
  /**
   * Leaves alone, as if it were not there, a record for which the condition is not true. Values stand in `${…}` and are never
   * text. See the guide to conditions for what it may say.
   *
   * @example session.update(users.ids('user-1', 'user-2')).where`$.age >= ${18}`.bin('adult').setTo(true)
   */
  where(condition: TemplateStringsArray, ...values: (Value | AnyExp)[]): this
  where(condition: Exp<'bool'>): this
  /** Makes a record that `where` leaves out a failure (`FilteredError`). Else a read omits it, and a write has a row that is not ok. */
  failOnFilteredOut(): this
  /** Sends the user key along: it is stored with the record, or compared with what is stored. */
  sendKey(): this
}

interface Expiring {
  /** The record expires after so many seconds. */
  expireRecordAfter(seconds: number): this
  /** The record expires at this time. */
  expireRecordAt(time: Date): this
  /** The record never expires. */
  neverExpire(): this
  /** The expiry stays as it is. */
  withNoChangeInExpiration(): this
  /** The record expires as its namespace says. What is so if nothing is said. */
  expiryFromServerDefault(): this
}

interface Generational {
  /** The record must have this generation. @throws GenerationError when it has another: somebody else has written it */
  ensureGenerationIs(generation: number): this
}

interface Durable {
  /** A record that is removed, by this or by losing its last bin, leaves a tombstone. Enterprise servers only. */
  durablyDelete(): this
}

/** A step of reads. `B` is what the set holds, `P` the rows before, `A` what is answered. */
export interface ReadStep<B extends object, P extends object, A, K extends Count>
  extends Conditions,
    Verbs<P | RowOf<B, A>, 'many'>,
    Runnable<P | RowOf<B, A>> {
  /** @internal */
  readonly [STEP]?: 'read'
  /** Reads some bins only, or parts of them: `'profile.address.city'`, `'tags[0]'`. */
  bins<N extends BinPaths<B>>(...names: readonly N[]): ReadStep<B, P, Selected<B, N>, K>
  /** Reads something of a bin. @example session.query(key).bin('tags').list.size() */
  bin<N extends keyof B & string>(name: N): ReadBin<Held<B[N]>, ReadStep<B, P, A, K>, N>
  /** What an expression makes of the record, under a name of its own. @example session.query(key).compute('adult', exp.ge(exp.bin.int('age'), 18)) */
  compute<N extends string, T extends Type>(name: N, expression: Exp<T>): Answered<ReadStep<B, P, A, K>, N, ValueOf<T>>
  /** Reads keys, generations and times to live only. */
  withNoBins(): ReadStep<B, P, Bins, K>
  /** Records that do not exist are rows as well; their `record` is `null`. */
  includeMissingKeys(): this
  /** What is read is judged by the set's schema: what it does not allow is a failure. */
  validated(): this
}

/** A step of writes. `W` is what `put` takes. */
export interface WriteStep<B extends object, P extends object, A, K extends Count, W>
  extends Conditions,
    Expiring,
    Generational,
    Durable,
    Verbs<P | RowOf<Partial<B>, A>, 'many'>,
    Runnable<P | RowOf<Partial<B>, A>> {
  /** @internal */
  readonly [STEP]?: 'write'
  /** Writes the bins of an object. */
  put<O extends object>(object: string extends keyof B ? O & Storable<O> : W): this
  /** Does something with a bin; operations are done in their order. @example session.upsert(key).bin('visits').add(1) */
  bin<N extends keyof B & string>(name: N & ShortNames<N, unknown>): WriteBin<Held<B[N]>, WriteStep<B, P, A, K, W>, N>
  /** What an expression makes of the record at this point, under a name of its own. */
  compute<N extends string, T extends Type>(
    name: N,
    expression: Exp<T>,
  ): Answered<WriteStep<B, P, A, K, W>, N, ValueOf<T>>
}

/** A step that says nothing of bins. */
export interface KeyStep<P extends object> extends Conditions, Verbs<P | Bins, 'many'>, Runnable<P | Bins> {}

/** A step that removes. */
export interface RemoveStep<P extends object> extends KeyStep<P>, Generational, Durable {}

/** A step that renews the expiry. */
export interface ExpiringStep<P extends object> extends KeyStep<P>, Generational, Expiring {}

/** A step that calls a function. */
export interface UdfStepOf<P extends object> extends KeyStep<P>, Expiring, Durable {
  /** Which function is called. */
  function(module: string, name: string): this
  /** What it gets after the record. */
  passing(...args: readonly Value[]): this
}

/** A write of records that are named one by one. */
export interface SetWrite<B extends object, P extends object, W> {
  /** The bins that the rows give values for, in their order. @example session.insert(users).bins('name', 'age').id('user-1').values('Alice', 28) */
  bins<const N extends readonly (keyof B & string)[]>(
    ...names: N & { readonly [I in keyof N]: ShortNames<N[I], unknown> }
  ): NamedRows<B, P, N>
  /** Begins a record by its user key. */
  id(user: UserKey): RowToPut<B, P, W>
  /** Writes objects, each under the key that option `id` of the set finds in it. */
  put(...objects: readonly B[]): PutRows<B, P, W>
}

/** What a row can say for itself, or, before the first, for all of them. */
interface RowConditions extends Expiring, Generational, Durable {}

/** The rows of a write with named bins. */
export interface NamedRows<B extends object, P extends object, N extends readonly (keyof B & string)[]>
  extends RowConditions,
    Conditions,
    Verbs<P | Partial<B>, 'many'>,
    Runnable<P | Partial<B>> {
  /** Begins the next record by its user key. */
  id(user: UserKey): {
    /** The values of its bins, in the order in which they were named. */
    values(...values: { readonly [I in keyof N]: NonNullable<B[N[I]]> | null }): NamedRows<B, P, N>
  }
}

/** A record that was begun by its user key. */
export interface RowToPut<B extends object, P extends object, W> {
  /** Its bins. */
  put<O extends object>(object: string extends keyof B ? O & Storable<O> : W): PutRows<B, P, W>
}

/** The rows of a write of objects. */
export interface PutRows<B extends object, P extends object, W>
  extends RowConditions,
    Conditions,
    Verbs<P | Partial<B>, 'many'>,
    Runnable<P | Partial<B>> {
  /** Begins the next record by its user key. */
  id(user: UserKey): RowToPut<B, P, W>
  /** Writes more objects. */
  put(...objects: readonly B[]): PutRows<B, P, W>
}
