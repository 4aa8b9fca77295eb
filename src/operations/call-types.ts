// The types that operations and expressions share: one interface describes a family of functions in both styles.

import type { AnyExp, AnyOperand, Exp, Operand, Type } from '../values/expression.js'
import type { Placeholder } from '../values/placeholders.js'
import type { MapKey, Storable, Value } from '../values/values.js'
import type { Double } from '../values/wrappers.js'
import type { Context } from './ctx.js'
import type { Operation } from './operation.js'

/** `operation`: on a bin of a record. `expression`: on an expression, giving an expression. */
export type Style = 'operation' | 'expression'

/** What a function works on: the name of a bin, or an expression. */
export type Target<S extends Style, T extends Type> = S extends 'operation' ? string : Operand<T>

/** What a read of a list or map works on: either, since one is reached inside the other. */
export type Within<S extends Style> = S extends 'operation' ? string : AnyOperand<'list' | 'map'>

/** Arguments: plain values, in expressions also expressions of their type. */
export type Int<S extends Style> = number | bigint | (S extends 'expression' ? Exp<'int'> : never)
export type Numeric<S extends Style> =
  | number
  | bigint
  | Double
  | (S extends 'expression' ? Exp<'int'> | Exp<'float'> : never)
export type Bool<S extends Style> = boolean | (S extends 'expression' ? Exp<'bool'> : never)
export type Bytes<S extends Style> = Uint8Array | (S extends 'expression' ? Exp<'blob'> : never)
export type Key<S extends Style> = MapKey | (S extends 'expression' ? AnyExp : never)
export type Stored<S extends Style, V> = S extends 'operation' ? Storable<V> & V : Value | AnyExp
export type StoredList<S extends Style, V> = S extends 'operation'
  ? readonly (Storable<V> & V)[]
  : readonly Value[] | Exp<'list'>
export type StoredMap<S extends Style, V> = S extends 'operation'
  ? (Storable<V> & V) | ReadonlyMap<MapKey, unknown>
  : Operand<'map'>
export type Keys<S extends Style> = readonly MapKey[] | (S extends 'expression' ? Exp<'list'> : never)

/** A value to look for; `WILDCARD` and `INFINITY` may stand for parts of it. */
export type Pattern = Value | Placeholder | readonly Pattern[]
export type Sought<S extends Style> = Pattern | (S extends 'expression' ? AnyExp : never)
export type SoughtList<S extends Style> = readonly Pattern[] | (S extends 'expression' ? Exp<'list'> : never)

/** What a read gives. */
export type Reading<S extends Style, T extends Type> = S extends 'operation' ? Operation : Exp<T>
/** What a write gives; in expressions the whole changed collection, which is not stored. */
export type Writing<S extends Style, T extends Type> = S extends 'operation' ? Operation : Exp<T>

/** Options of operations that work on the bin itself: servers know no way to bytes or a sketch inside of a collection. */
export interface WholeBinOptions {
  readonly ctx?: undefined
}

/** Options of writes to the bin itself. */
export interface WholeBinWriteOptions extends WholeBinOptions {
  /** `create` only when the bin is missing, `update` only when it is there. Default `createOrUpdate`. */
  readonly write?: 'createOrUpdate' | 'create' | 'update' | undefined
  /** Do nothing rather than fail. Default false. */
  readonly noFail?: boolean | undefined
}

/** Option of every operation on a collection. */
export interface ContextOptions {
  /** The way to a collection nested in the bin, from the outside in. */
  readonly ctx?: Context | undefined
}

/** Values of option `return` that lists and maps share. */
export type ListReturn =
  | 'none'
  | 'index'
  | 'reverseIndex'
  | 'rank'
  | 'reverseRank'
  | 'count'
  | 'value'
  | 'indexRange'
  | 'reverseIndexRange'
  | 'rankRange'
  | 'reverseRankRange'
  | 'exists'

/** Values of option `return` of maps. */
export type MapReturn = ListReturn | 'key' | 'keyValue' | 'unorderedMap' | 'orderedMap'

/** Type of a selection of one element; `E` is the type of the element. */
export type OneOf<R, E extends Type> = R extends 'value' | 'key'
  ? E
  : R extends 'exists'
    ? 'bool'
    : R extends 'none'
      ? 'nil'
      : R extends 'keyValue' | 'unorderedMap' | 'orderedMap'
        ? 'map'
        : R extends `${string}Range`
          ? 'list'
          : 'int'

/** Type of a selection of many elements. */
export type ManyOf<R> = R extends 'count'
  ? 'int'
  : R extends 'exists'
    ? 'bool'
    : R extends 'none'
      ? 'nil'
      : R extends 'keyValue' | 'unorderedMap' | 'orderedMap'
        ? 'map'
        : 'list'

interface Returning<R> extends ContextOptions {
  /** What is answered about the selected elements. Default `value` for reads, `none` for removals. */
  readonly return?: R | undefined
}

/** Options of reads of one element. */
export type OneOptions<S extends Style, R, E> = Returning<R> &
  (S extends 'operation'
    ? unknown
    : {
        /** The type of the element, where it is the answer. */
        readonly type?: E | undefined
      })

/** Options of reads of many elements. */
export interface ManyOptions<R> extends Returning<R> {
  /** Select everything else instead. Default false. */
  readonly inverted?: boolean | undefined
}

/** Options of removals. In expressions nothing is answered about the removed elements. */
export type RemoveOneOptions<S extends Style, R> = S extends 'operation' ? Returning<R> : ContextOptions
export type RemoveManyOptions<S extends Style, R> = S extends 'operation'
  ? ManyOptions<R>
  : Omit<ManyOptions<R>, 'return'>

/** Values of option `return` of a kind of collection. */
type ReturnOf<C extends 'list' | 'map'> = C extends 'map' ? MapReturn : ListReturn

// The shapes that functions of lists and maps have: `Given` is what stands between the collection and the options.

/** A read of one element. */
export type ReadOne<S extends Style, C extends 'list' | 'map', Given extends readonly unknown[]> = <
  R extends ReturnOf<C> = 'value',
  E extends Type = never,
>(
  collection: Within<S>,
  ...given: [...Given, options?: OneOptions<S, R, E>]
) => Reading<S, OneOf<R, E>>

/** A read of many elements. */
export type ReadMany<S extends Style, C extends 'list' | 'map', Given extends readonly unknown[]> = <
  R extends ReturnOf<C> = 'value',
>(
  collection: Within<S>,
  ...given: [...Given, options?: ManyOptions<R>]
) => Reading<S, ManyOf<R>>

/** A read of `count` elements, of all up to the end when it is left out. */
export interface ReadRange<S extends Style, C extends 'list' | 'map', Given extends readonly unknown[]> {
  <R extends ReturnOf<C> = 'value'>(
    collection: Within<S>,
    ...given: [...Given, count?: Int<S>, options?: ManyOptions<R>]
  ): Reading<S, ManyOf<R>>
  <R extends ReturnOf<C> = 'value'>(
    collection: Within<S>,
    ...given: [...Given, options: ManyOptions<R>]
  ): Reading<S, ManyOf<R>>
}

/** The removal of one element. In expressions the collection may be nested in one of the other kind. */
export type RemoveOne<S extends Style, C extends 'list' | 'map', Given extends readonly unknown[]> = <
  R extends ReturnOf<C> = 'none',
  B extends 'list' | 'map' = C,
>(
  collection: Target<S, B>,
  ...given: [...Given, options?: RemoveOneOptions<S, R>]
) => Writing<S, B>

/** The removal of many elements. */
export type RemoveMany<S extends Style, C extends 'list' | 'map', Given extends readonly unknown[]> = <
  R extends ReturnOf<C> = 'none',
  B extends 'list' | 'map' = C,
>(
  collection: Target<S, B>,
  ...given: [...Given, options?: RemoveManyOptions<S, R>]
) => Writing<S, B>

/** The removal of `count` elements, of all up to the end when it is left out. */
export interface RemoveRange<S extends Style, C extends 'list' | 'map', Given extends readonly unknown[]> {
  <R extends ReturnOf<C> = 'none', B extends 'list' | 'map' = C>(
    collection: Target<S, B>,
    ...given: [...Given, count?: Int<S>, options?: RemoveManyOptions<S, R>]
  ): Writing<S, B>
  <R extends ReturnOf<C> = 'none', B extends 'list' | 'map' = C>(
    collection: Target<S, B>,
    ...given: [...Given, options: RemoveManyOptions<S, R>]
  ): Writing<S, B>
}
