// The rows that callers give to batches, and get back when they are left to do.

import type { Key } from '../key.js'
import type { Operation } from '../operations/operation.js'
import type { ApplyRowOptions, ReadRowOptions, RowOptions } from '../options/types.js'
import type { Exp } from '../values/expression.js'
import type { Storable, Value } from '../values/values.js'
import type { Unprocessed } from './unprocessed.js'

/** A row of a batch read that says itself what it wants: bins, `[]` for existence only, or reading operations. */
export interface ReadRow<N extends string = string> extends ReadRowOptions {
  readonly key: Key
  readonly bins?: readonly N[] | undefined
  readonly ops?: readonly Operation[] | undefined
  /** Leaves the row `filtered` when it is not true of the record; in the place of the batch's filter. */
  readonly filter?: Exp<'bool'> | undefined
}

/** A row of a batch write: bins or operations, and what it says for itself. */
export type WriteRow<B extends object = object> = { readonly key: Key } & RowOptions &
  ReadRowOptions &
  ({ readonly bins: B; readonly ops?: undefined } | { readonly bins?: undefined; readonly ops: readonly Operation[] })

/** A row of a batch remove with conditions of its own. */
export type RemoveRow = { readonly key: Key } & Omit<RowOptions, 'ttl' | 'expiresAt' | 'exists'>

/** A row of `batchOperate` with operations of its own, in the place of the call's. */
export type OperateRow = { readonly key: Key; readonly ops?: readonly Operation[] | undefined } & RowOptions &
  ReadRowOptions

/** A row of `batchApply`: what it does not say is as the call has it. */
export interface ApplyRow extends ApplyRowOptions {
  readonly key: Key
  readonly module?: string | undefined
  readonly function?: string | undefined
  readonly args?: readonly Value[] | undefined
}

/** The bins of a row that called a function: what it returned. */
export interface Applied<T = Value> {
  SUCCESS: T
}

/**
 * A row of a mixed batch, or a key alone, which is read with all its bins. `operate` runs operations; `read` with `ops`
 * only such that read.
 */
export type MixedRow =
  | Key
  | ({ readonly type: 'read' } & ReadRow)
  | ({ readonly type: 'write' } & WriteRow)
  | ({ readonly type: 'operate'; readonly key: Key; readonly ops: readonly Operation[] } & RowOptions & ReadRowOptions)
  | ({ readonly type: 'remove' } & RemoveRow)
  | ({ readonly type: 'apply'; readonly module: string; readonly function: string } & ApplyRow)

/** A row of a mixed batch, in which a value that cannot be stored does not compile. */
export type StorableRow<R> = R extends { readonly type: 'write'; readonly bins: infer B }
  ? R & { readonly bins: Storable<B> }
  : R

/**
 * A row of `unprocessed`: what its batch would have done, in a form that goes into the same kind of batch and into
 * `batch`.
 */
export type UnprocessedRow<T extends 'read' | 'write' | 'operate' | 'remove' | 'apply'> =
  | (T extends 'read' ? Key : never)
  | (Extract<MixedRow, { readonly type: T }> & Unprocessed)
