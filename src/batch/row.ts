// One reply of a batch and its rows: views on the bytes the nodes sent, and what became of each.

import { inspect } from 'node:util'
import { type BatchReply, NO_PAGE } from '../boundary/completion.js'
import type { Page } from '../boundary/page-pool.js'
import type { AerospikeError } from '../errors/base.js'
import { Code } from '../errors/codes.js'
import { errorOf } from '../errors/failure.js'
import { resultCode } from '../errors/result-codes.js'
import type { Key } from '../key.js'
import { KeyColumn } from '../records/key-list.js'
import { BinSource, readFirst } from '../records/message.js'
import { type Record, RecordObject } from '../records/record.js'
import { Mode } from '../values/unpack.js'
import type { Bins } from '../values/values.js'
import { isFailure } from './kinds.js'
import type { BatchRequest, Spec } from './request.js'

/** What became of a row. */
export type RowResult = 'ok' | 'notFound' | 'filtered' | 'error' | 'unprocessed'

interface RowBase {
  /** The key as it was asked for. */
  readonly key: Key
  /** The position of the row in the request. */
  readonly index: number
  /** The position it had in the batch it was first a row of, when it was handed on as unprocessed; otherwise `index`. */
  readonly origin: number
  /** The code behind `result`: positive from the server, negative from the client, 0 for success. */
  readonly resultCode: number
  /** True when a write may have happened although the row has no good answer. */
  readonly inDoubt: boolean
  /** The node that answered, or was asked last. */
  readonly node: string | undefined
}

/**
 * One row of a batch. `record` is there when `result` is `ok`; `error` when the row failed or was not processed.
 *
 * `notFound`: there is no such record. `filtered`: the filter left it out. `error`: the row failed for good, or is a write
 * in doubt. `unprocessed`: it was certainly not done, and doing it later may work.
 *
 * A row that was to write and did not is a failure, so it has an `error` also when it is `notFound` (`exists: 'update'` of
 * a record that is not there) or `filtered`. Reads that are `notFound` or `filtered`, and removals of what is not there,
 * have none.
 */
export type BatchRow<B extends object = Bins> =
  | (RowBase & { readonly result: 'ok'; readonly record: Record<B>; readonly error: null })
  | (RowBase & {
      readonly result: 'notFound' | 'filtered'
      readonly record: null
      readonly error: AerospikeError | null
    })
  | (RowBase & { readonly result: 'error' | 'unprocessed'; readonly record: null; readonly error: AerospikeError })

/** Pages and row table of one reply, with what each page still has to give. */
export class Part {
  readonly request: BatchRequest
  readonly reply: BatchReply
  /** When the answers were complete, for TTLs. */
  readonly #arrived = Date.now()
  readonly #sources: (BinSource | undefined)[] = []
  /** For each page the rows that have not become records yet. */
  readonly #left: number[]
  #rows: (Row | undefined)[] | undefined
  #duplicates: Map<number, Row> | undefined

  constructor(request: BatchRequest, reply: BatchReply) {
    this.request = request
    this.reply = reply
    // Not `map`: V8's makes arrays of another kind once it is compiled, and all code that knew the first is thrown away.
    this.#left = new Array<number>(reply.pages.length).fill(0)
  }

  /** Assigns the answer of a row of the request to this part; call it before reading the row. */
  expect(row: number): void {
    const page = this.reply.page(row)
    if (page === NO_PAGE) return
    this.#left[page] = (this.#left[page] as number) + 1
    this.reply.pages[page]?.expect(1)
  }

  /** The same for all rows of each page at once. */
  expectAll(rowsOf: readonly number[]): void {
    rowsOf.forEach((rows, page) => {
      this.#left[page] = rows
      this.reply.pages[page]?.expect(rows)
    })
  }

  /** The view of a row; there is one, however many results share this part. Duplicates have views of their own. */
  row(row: number, position: number): Row {
    // Of its full length at once: one that grows ends up with room to spare.
    this.#rows ??= new Array(this.reply.rows)
    const known = this.#rows[row]
    if (known === undefined) {
      const made = new Row(this, row, position)
      this.#rows[row] = made
      return made
    }
    if (known.position === position) return known
    this.#duplicates ??= new Map()
    let duplicate = this.#duplicates.get(position)
    if (duplicate === undefined) {
      duplicate = new Row(this, row, position)
      this.#duplicates.set(position, duplicate)
    }
    return duplicate
  }

  /** The record of an answered row. When the last row of a page has become a record, the batch gives the page up. */
  record(row: number, position: number, { mode, projection }: Spec): RecordObject {
    const page = this.reply.page(row)
    let source = this.#sources[page]
    if (source === undefined || source.mode !== mode || source.projection !== projection) {
      source = new BinSource(this.reply.pages[page] as Page, mode, projection, this.#arrived)
      this.#sources[page] = source
    }
    const { keys } = this.request
    const at = this.reply.offset(row)
    const record =
      keys instanceof KeyColumn
        ? RecordObject.from(keys.user(position), keys.names, source, at)
        : RecordObject.from(keys.at(position), undefined, source, at)
    const left = (this.#left[page] as number) - 1
    this.#left[page] = left
    if (left === 0) {
      this.reply.pages[page] = undefined
      this.#sources[page] = undefined
    }
    return record
  }
}

/**
 * The class behind {@link BatchRow}: a view on the reply that remembers the record it made. There are many: 56 bytes each,
 * and no private methods, which would be a field more.
 */
export class Row {
  /** Its place in the request. */
  readonly position: number
  readonly #part: Part
  readonly #at: number
  /** What it turned out to be, once someone looked. */
  #outcome: RecordObject | AerospikeError | undefined

  constructor(part: Part, at: number, position: number) {
    this.#part = part
    this.#at = at
    this.position = position
  }

  get index(): number {
    return this.#part.request.first + this.position
  }

  get origin(): number {
    return this.#part.request.origins?.[this.position] ?? this.index
  }

  get key(): Key {
    return this.#outcome instanceof RecordObject ? this.#outcome.key : this.#part.request.keys.at(this.position)
  }

  get resultCode(): number {
    return this.#part.reply.code(this.#at)
  }

  get result(): RowResult {
    return resultOf(this.#part.request, this.#part.reply, this.#at)
  }

  get inDoubt(): boolean {
    return this.#part.reply.inDoubt(this.#at)
  }

  get node(): string | undefined {
    return this.#part.reply.node(this.#at)?.name
  }

  get record(): RecordObject | null {
    if (this.#outcome instanceof RecordObject) return this.#outcome
    if (this.#part.reply.code(this.#at) !== Code.ok) return null
    const record = this.#part.record(this.#at, this.position, this.#part.request.spec(this.position))
    this.#outcome = record
    return record
  }

  get error(): AerospikeError | null {
    const result = this.result
    if (result === 'ok') return null
    const { command } = this.#part.request.spec(this.position)
    if (result !== 'unprocessed' && !isFailure(result, command)) return null
    this.#outcome ??= errorOf({
      verb: `${this.#part.request.verb} rows[${this.index}]`,
      key: this.key,
      code: this.resultCode,
      node: this.node,
      attempts: this.#part.reply.attempts(this.#at),
      elapsed: this.#part.reply.elapsed,
      inDoubt: this.inDoubt,
      detail: detailOf(this.#part, this.#at),
      udf: command.udf,
    })
    return this.#outcome as AerospikeError
  }

  toJSON(): unknown {
    const { key, index, result, resultCode, inDoubt, node, record, error } = this
    return { key, index, result, resultCode, inDoubt, node, record, error }
  }

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    const { key, index, result, resultCode, record, error } = this
    return `BatchRow ${show({ key, index, result, resultCode, record, error }, options)}`
  }
}

/** Why a row has no answer, or what the function it called answered instead. */
function detailOf({ reply }: Part, row: number): string {
  if (reply.page(row) === NO_PAGE) return reply.node(row)?.detail ?? ''
  const bytes = reply.code(row) === Code.udfExecution ? reply.bytes(row) : undefined
  if (bytes === undefined) return ''
  const said = readFirst(bytes, reply.offset(row), bytes.length, Mode.plainDoubles)
  return typeof said === 'string' ? said : ''
}

/** What a code means for a row. */
export function resultOf(request: BatchRequest, reply: BatchReply, row: number): RowResult {
  const code = reply.code(row)
  if (code === Code.ok) return 'ok'
  if (code === Code.notFound) return 'notFound'
  if (code === Code.filteredOut) return 'filtered'
  // Doing it again would not be safe, so it is not offered as something left to do.
  if (request.writes && reply.inDoubt(row) && request.policy.idempotent === 0) return 'error'
  if (resultCode(code).retryable) return 'unprocessed'
  return reply.page(row) === NO_PAGE && code < 0 && code !== Code.param ? 'unprocessed' : 'error'
}
