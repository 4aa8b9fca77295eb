// One reply of a batch and its rows: views on the bytes the nodes sent, and what became of each.

import { inspect } from 'node:util'
import { type BatchReply, NO_PAGE, RecordPlace } from '../boundary/batch-reply.js'
import type { Page } from '../boundary/page-pool.js'
import type { AerospikeError, AttemptError } from '../errors/base.js'
import { Code } from '../errors/codes.js'
import { errorOf, whyGivenUp } from '../errors/failure.js'
import { resultCode } from '../errors/result-codes.js'
import { unixTime } from '../host.js'
import type { Key } from '../key.js'
import { lazyProperty } from '../lazy.js'
import { Info2 } from '../protocol.js'
import { BinSource, readFirst } from '../records/message.js'
import { type Record, RecordObject } from '../records/record.js'
import { onlyBin } from '../requests/command.js'
import { Mode } from '../values/unpack.js'
import type { Bins } from '../values/values.js'
import { isFailure, type RowResult } from './kinds.js'
import type { BatchRequest, Spec } from './request.js'

interface RowBase<B extends object> {
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
  /**
   * The record.
   *
   * @throws the row's error; RecordNotFoundError or FilteredError of a read that found nothing
   * @example
   * const { bins } = batch.get(key)?.recordOrThrow() ?? fallback
   */
  recordOrThrow(): Record<B>
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
  | (RowBase<B> & { readonly result: 'ok'; readonly record: Record<B>; readonly error: null })
  | (RowBase<B> & {
      readonly result: 'notFound' | 'filtered'
      readonly record: null
      readonly error: AerospikeError | null
    })
  | (RowBase<B> & { readonly result: 'error' | 'unprocessed'; readonly record: null; readonly error: AerospikeError })

/** Of the row that is made. */
const place = new RecordPlace()

/** Pages and row table of one reply, with what each page still has to give. */
export class Part {
  readonly request: BatchRequest
  readonly reply: BatchReply
  /** When the answers were complete, for TTLs. */
  readonly #arrived = unixTime()
  readonly #sources: (BinSource | undefined)[] = []
  /** For each page the rows that have not become records yet. */
  readonly #left: number[]
  /** The names of the nodes, by their numbers. */
  readonly #nodes: string[] = []
  #rows: (Row | undefined)[] | undefined
  #duplicates: Map<number, Row> | undefined

  constructor(request: BatchRequest, reply: BatchReply) {
    this.request = request
    this.reply = reply
    // Not `map`: V8's makes arrays of another kind once it is compiled, and all code that knew the first is thrown away.
    this.#left = new Array<number>(reply.pages.length).fill(0)
    for (const { name } of reply.nodes) this.#nodes.push(name)
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

  // What runs for every row is kept small: V8 has a limit for what it inlines into one function, and beyond it the
  // constructors of rows and records are calls, which cost a fifth of the whole.

  /** The view of a row; there is one, however many results share this part. Duplicates have views of their own. */
  row(row: number, position: number): Row {
    const known = this.#rows?.[row]
    if (known === undefined) return this.#keep(row, this.#make(row, position))
    return known.index === this.request.first + position ? known : this.#duplicate(row, position)
  }

  #keep(row: number, made: Row): Row {
    // Of its full length at once: one that grows ends up with room to spare.
    this.#rows ??= new Array(this.reply.rows)
    this.#rows[row] = made
    return made
  }

  #duplicate(row: number, position: number): Row {
    this.#duplicates ??= new Map()
    let duplicate = this.#duplicates.get(position)
    if (duplicate === undefined) {
      duplicate = this.#make(row, position)
      this.#duplicates.set(position, duplicate)
    }
    return duplicate
  }

  #make(row: number, position: number): Row {
    const { request, reply } = this
    if (!reply.find(row, place)) return this.#makeWithoutRecord(row, position)
    const { page, inDoubt } = place
    const index = request.first + position
    const origin = request.origins?.[position] ?? index
    const key = request.keys.at(position)
    const made = new Row(key, index, origin, Code.ok, 'ok', inDoubt, this.#nodes[place.node], null)
    const spec = request.spec(position)
    const known = this.#sources[page]
    const source = known?.takes(spec) === true ? known : this.#source(page, spec)
    made.record = RecordObject.from(key, source, place.offset)
    const left = (this.#left[page] as number) - 1
    this.#left[page] = left
    if (left === 0) this.#giveUp(page)
    return made
  }

  #makeWithoutRecord(row: number, position: number): Row {
    const { request, reply } = this
    const index = request.first + position
    const origin = request.origins?.[position] ?? index
    const result = resultOf(request, reply, row)
    const hasError = result === 'unprocessed' || isFailure(result, request.spec(position).command)
    const [key, code, node] = [request.keys.at(position), reply.code(row), reply.node(row)?.name]
    const made = new Row(key, index, origin, code, result, reply.inDoubt(row), node, null, hasError)
    if (hasError) explainLater(made, { part: this, row, position })
    return made
  }

  /** What records of a page are read from, from now on as this spec says. */
  #source(page: number, spec: Spec): BinSource {
    const { mode, projection } = spec
    const rows = this.reply.answered[page] as number
    const source = new BinSource(this.reply.pages[page] as Page, rows, mode, projection, this.#arrived)
    // What operations answer need not be what a bin holds.
    if ((mode & Mode.operations) === 0) source.codecs = this.request.policy.codecs
    this.#sources[page] = source
    return source
  }

  /** The last row of a page has become a record. */
  #giveUp(page: number): void {
    this.reply.pages[page] = undefined
    this.#sources[page] = undefined
  }
}

/** What the error of a row is made from. */
interface Why {
  readonly part: Part
  /** The row in the reply. */
  readonly row: number
  readonly position: number
}

const explainLater = lazyProperty('error', ({ part, row, position }: Why): AerospikeError => {
  const { request, reply } = part
  return errorOf({
    verb: `${request.verb} rows[${request.first + position}]`,
    key: request.keys.at(position),
    code: whyGivenUp(reply.code(row)),
    node: reply.node(row)?.name,
    attempts: reply.attempts(row),
    subErrors: subErrorsOf(reply, row, request.spec(position)),
    elapsed: reply.elapsed,
    inDoubt: reply.inDoubt(row),
    detail: detailOf(part, row),
    bin: onlyBin(request.spec(position).argument),
    udf: request.spec(position).command.udf,
  })
})

/**
 * The class behind {@link BatchRow}: plain data, which knows nothing of its batch once its error, if any, was looked at.
 * There are many: 96 bytes each.
 */
export class Row {
  readonly key: Key
  readonly index: number
  readonly origin: number
  readonly resultCode: number
  readonly result: RowResult
  readonly inDoubt: boolean
  readonly node: string | undefined
  record: RecordObject | null
  declare readonly error: AerospikeError | null

  constructor(
    key: Key,
    index: number,
    origin: number,
    resultCode: number,
    result: RowResult,
    inDoubt: boolean,
    node: string | undefined,
    record: RecordObject | null,
    hasError = false,
  ) {
    this.key = key
    this.index = index
    this.origin = origin
    this.resultCode = resultCode
    this.result = result
    this.inDoubt = inDoubt
    this.node = node
    this.record = record
    // Of those that have one it follows.
    if (!hasError) (this as { error: AerospikeError | null }).error = null
  }

  recordOrThrow(): RecordObject {
    const { record, error, key, resultCode: code } = this
    if (record !== null) return record
    throw error ?? errorOf({ verb: `rows[${this.index}]`, key, code, node: this.node })
  }

  [inspect.custom](_depth: number, options: object, show: typeof inspect): string {
    const { key, index, result, resultCode, record, error } = this
    return `BatchRow ${show({ key, index, result, resultCode, record, error }, options)}`
  }
}

/** The attempts of a row; a read is in doubt by none of them. */
function subErrorsOf(reply: BatchReply, row: number, { command }: Spec): AttemptError[] {
  const writes = (command.info2 & Info2.write) !== 0
  return reply.attemptErrors(row).map((one) => (one.inDoubt && !writes ? { ...one, inDoubt: false } : one))
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
