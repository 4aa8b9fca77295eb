// Sets of records with the type of what is in them. A key that a set made remembers its set, so that whoever is given the
// key knows how its bins are kept.

import { InvalidArgumentError } from '../errors/classes.js'
import type { Key, UserKey } from '../key.js'
import { type Codec, type Codecs, usedCodecs } from '../values/codecs.js'
import type { Bins, Storable } from '../values/values.js'
import type { InferSchema, StandardSchema } from './schema.js'

/** Under this the type of a set's records is kept in its keys; there is no such property. */
declare const IN: unique symbol

/** What knows the type of the records it is about. */
interface Typed<B extends object> {
  readonly [IN]?: (bins: B) => B
}

/** A key of a typed set: a `Key`, for plain calls as well. */
export type SetKey<B extends object = Bins> = Key & Typed<B>

/** Keys of a typed set: a list of `Key`s, for plain calls as well. */
export type SetKeys<B extends object = Bins> = readonly Key[] & Typed<B>

/** At least sixteen characters, and so more than the 15 bytes of a bin's name. */
type Long<N extends string> =
  N extends `${infer _1}${infer _2}${infer _3}${infer _4}${infer _5}${infer _6}${infer _7}${infer _8}${infer _9}${infer _10}${infer _11}${infer _12}${infer _13}${infer _14}${infer _15}${infer _16}${infer _Rest}`
    ? N
    : never

/** `T`, unless names of bins are too long: then a text that says so, which nothing can be assigned to. */
export type ShortNames<N, T> = [Long<N & string>] extends [never]
  ? T
  : `the name of bin '${Long<N & string>}' has more than 15 bytes`

/** The bins of `B` that need a codec, since a bin cannot hold what is in them. */
export type NeedsCodec<B extends object> = {
  [N in keyof B & string]-?: Exclude<B[N], undefined> extends Storable<Exclude<B[N], undefined>> ? never : N
}[keyof B & string]

/** The codecs of a set: for every bin that needs one, and for others as one likes. */
export type SetCodecs<B extends object> = {
  readonly [N in NeedsCodec<B>]: Codec<NonNullable<B[N]>>
} & { readonly [N in Exclude<keyof B & string, NeedsCodec<B>>]?: Codec<NonNullable<B[N]>> | undefined }

/** How a set gets the user key of an object: the name of a bin that is the key, or a function. */
export type IdOf<B extends object> = (keyof B & string) | ((object: B) => UserKey)

interface Identified<B extends object> {
  /** The user key of an object, for `put` on the set: the name of a bin, or a function. */
  readonly id?: IdOf<B> | undefined
}

/** Options of {@link dataSet}. */
export type DataSetOptions<B extends object> = Identified<B> &
  ([NeedsCodec<B>] extends [never]
    ? {
        /** How bins are kept that are not kept as they are, by name. */
        readonly codecs?: SetCodecs<B> | undefined
      }
    : { readonly codecs: SetCodecs<B> })

type OptionsArgument<B extends object> = [NeedsCodec<B>] extends [never]
  ? [options?: DataSetOptions<B>]
  : [options: DataSetOptions<B>]

/** An array's own private field: what prints, compares or serialises the key does not see it. */
class Holder {
  constructor(array: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the class below puts its field on what this gives back
    return array
  }
}
class Mark extends Holder {
  readonly #set: DataSet<never>

  constructor(array: object, set: DataSet<never>) {
    super(array)
    this.#set = set
  }

  static of(array: object): DataSet<never> | undefined {
    return #set in array ? (array as Mark).#set : undefined
  }
}

/** The set that made a key or a list of keys; undefined for keys that are plain lists. */
export function setOf(keys: object): DataSet<never> | undefined {
  return Mark.of(keys)
}

/**
 * A set with the type of its records; made by {@link dataSet}. It holds names only, and no connection.
 *
 * @example
 * const users = dataSet<User>('test', 'users')
 * const { bins } = await client.get<User>(users.id('user-1'))
 */
export class DataSet<in out B extends object = Bins> {
  readonly namespace: string
  readonly set: string
  /** @internal */
  readonly schema: StandardSchema | undefined
  /** @internal Undefined when there is nothing to translate. */
  readonly codecs: Codecs | undefined
  readonly #id: IdOf<B> | undefined

  /** @internal */
  constructor(
    namespace: string,
    set: string,
    options: { schema?: StandardSchema; codecs?: Codecs; id?: IdOf<B> } = {},
  ) {
    const { schema, codecs, id } = options
    for (const [what, name] of [
      ['namespace', namespace],
      ['set', set],
    ]) {
      if (typeof name !== 'string')
        throw new InvalidArgumentError(`dataSet: the ${what} must be text, not ${typeof name}`)
    }
    if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function') {
      throw new InvalidArgumentError(
        "dataSet: option 'schema' must be a Standard Schema, as zod, valibot and arktype make them",
      )
    }
    const used = usedCodecs(codecs, 'dataSet')
    if (id !== undefined && typeof id !== 'string' && typeof id !== 'function') {
      throw new InvalidArgumentError("dataSet: option 'id' must be the name of a bin or a function")
    }
    this.namespace = namespace
    this.set = set
    this.schema = schema
    this.codecs = used
    this.#id = id
  }

  /** The key of a record by its user key. @example users.id('user-1') */
  id(user: UserKey): SetKey<B> {
    const key = [this.namespace, this.set, user] as const
    new Mark(key, this as never)
    return key
  }

  /** The keys of records, for one batch. @example users.ids('user-1', 'user-2') */
  ids(...users: readonly UserKey[]): SetKeys<B> {
    const { namespace, set } = this
    const keys = users.map((user) => [namespace, set, user] as const)
    new Mark(keys, this as never)
    return keys
  }

  /** The key of a record of which only the digest is known. @example users.idFromDigest(digest(key)) */
  idFromDigest(digest: Uint8Array): SetKey<B> {
    const key = [this.namespace, this.set, null, digest] as const
    new Mark(key, this as never)
    return key
  }

  /**
   * The key of an object, as option `id` says.
   *
   * @throws InvalidArgumentError when the set was made without `id`
   * @example dataSet<User>('test', 'users', { id: 'email' }).keyOf(user)
   */
  keyOf(object: B): SetKey<B> {
    const id = this.#id
    if (id === undefined) {
      throw new InvalidArgumentError(
        `the set ${this.namespace}.${this.set} does not know the key of an object: give it option 'id'`,
      )
    }
    return this.id(typeof id === 'function' ? id(object) : (object[id] as UserKey))
  }
}

/**
 * A set of records and their type. Nothing is sent: it is a name that keys and conditions are made with. Bins that cannot
 * hold what `B` says (a `Date`, a `Set`) need a codec; names of bins that are too long for a server do not compile.
 *
 * @example
 * const users = dataSet<User>('test', 'users')
 * const { bins } = await client.get(users.id('user-1'))
 */
export function dataSet<B extends object = Bins>(
  namespace: ShortNames<keyof B, string>,
  set: string,
  ...options: OptionsArgument<B>
): DataSet<B>
/**
 * A set of records whose type is inferred from a schema. What is written is validated before it is sent.
 *
 * @example
 * const orders = dataSet('test', 'orders', { schema: z.object({ id: z.string(), total: z.number() }), id: 'id' })
 */
export function dataSet<S extends StandardSchema<object>>(
  namespace: ShortNames<keyof InferSchema<S>, string>,
  set: string,
  options: { readonly schema: S } & DataSetOptions<InferSchema<S> & object>,
): DataSet<InferSchema<S> & object>
export function dataSet(namespace: string, set: string, options?: object): DataSet {
  return new DataSet(namespace, set, options as never)
}
