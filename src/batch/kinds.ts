// The kinds of rows in a batch: the fields each has, the options it may have, and which results are failures of it.

import { AdminError, BatchError, NamespaceNotFoundError, ServerFullError } from '../errors/classes.js'
import { resultCode } from '../errors/result-codes.js'
import { Takes } from '../options/table.js'
import { Info2 } from '../protocol.js'
import type { Command } from '../requests/command.js'

/** What became of a row. */
export type RowResult = 'ok' | 'notFound' | 'filtered' | 'error' | 'unprocessed'

/** The kinds of rows. */
export type RowKind = 'read' | 'write' | 'operate' | 'remove' | 'apply'

interface Kind {
  /** The fields of a row that its policy does not read. */
  readonly fields: readonly string[]
  /** The options it may have, as bits of {@link Takes}. */
  readonly takes: number
}

/** The fields of a row that name a function; a row that has none of them shares the call of the batch. */
export const UDF_FIELDS = ['module', 'function', 'args'] as const

export const KINDS: { readonly [kind in RowKind]: Kind } = {
  read: { fields: ['key', 'bins', 'ops'], takes: Takes.readRow },
  write: { fields: ['key', 'bins', 'ops'], takes: Takes.row | Takes.readRow },
  operate: { fields: ['key', 'ops'], takes: Takes.row | Takes.readRow },
  remove: { fields: ['key'], takes: Takes.removeRow },
  apply: { fields: ['key', ...UDF_FIELDS], takes: Takes.applyRow },
}

/** What holds for the rows of a batch that do not say otherwise. */
export interface Common {
  /** The kind of all rows; undefined when each says it itself. */
  readonly kind: RowKind | undefined
  readonly bins?: unknown
  readonly ops?: unknown
  readonly module?: unknown
  readonly function?: unknown
  readonly args?: unknown
}

/**
 * Whether a result means that a row failed, by what the row was to do:
 *
 * | result | read | write, operate that writes, apply | remove |
 * |---|---|---|---|
 * | `notFound` | no | yes: `exists: 'update'` and `'replace'`, touch, and operations that need a record wrote nothing | no: it is gone |
 * | `filtered` | no | yes: nothing was written | yes: the record is still there |
 * | `error` | yes | yes | yes |
 *
 * Rows that are `unprocessed` have not failed yet: they can be sent again.
 */
export function isFailure(result: RowResult, { info2 }: Command): boolean {
  switch (result) {
    case 'error':
      return true
    case 'notFound':
      return (info2 & (Info2.write | Info2.delete)) === Info2.write
    case 'filtered':
      return (info2 & Info2.write) !== 0
    default:
      return false
  }
}

/** Errors of rows that no record had a part in: the servers take none of the kind, or none of this user. */
const OF_NO_RECORD = [NamespaceNotFoundError, ServerFullError, BatchError, AdminError]

/**
 * Whether a row was processed, well or badly: a server looked at its record, or at what was to be done to it. One that is
 * `unprocessed` was not, and neither was one of a namespace that is not there, that is full, or that the user may not use.
 */
export function isProcessed(result: RowResult, code: number): boolean {
  if (result !== 'error') return result !== 'unprocessed'
  const { errorClass } = resultCode(code)
  return !OF_NO_RECORD.some((one) => errorClass === one || errorClass.prototype instanceof one)
}
