// Carries out a batch: in one entry, or, when it is large or its limits say so, in parts. Parts are sent one after another,
// and their replies are put together.

import { BatchReply, NO_PAGE } from '../boundary/batch-reply.js'
import { Call } from '../boundary/call.js'
import type { Boundary } from '../boundary/native.js'
import { type CommandMessage, commandMessage } from '../channels/command.js'
import { AbortError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { aborted } from '../errors/failure.js'
import { now, TruePromise } from '../host.js'
import { atOnce, inSlices, ROWS_PER_LOOK, turn } from '../time-slice.js'
import type { Writer } from '../values/writer.js'
import { type Distinct, distinctRows, repeatsKeys } from './distinct.js'
import { copySlice, EntryWriter, type Slice, writeBatchEntry } from './entry.js'
import type { BatchRequest } from './request.js'

/** Rows that go in one entry: about 3 ms of encoding for keys alone, and for rows with specs of their own. */
const WHOLE_READS = 4096
const WHOLE_WRITES = 1024

/** So many rows are worth a call of their own into the core. */
const LARGE = 256

/** Parts under way at once when nothing else is said. */
const PARTS = 4

/** The replies to a batch: for each row the reply that has its answer, and the row there. Undefined: the only, the same. */
export interface Answers {
  readonly replies: readonly BatchReply[]
  readonly partOf: Uint32Array | undefined
  readonly rowOf: Uint32Array | undefined
  /**
   * Where a row of a reply may be the answer of several: for each reply, and each of its pages, how many rows it answers.
   * Undefined: each row once.
   */
  readonly duplicates: readonly (readonly number[])[] | undefined
  /** Milliseconds until the last answer. */
  readonly elapsed: number
}

/** The answers to no rows. */
export const NO_ANSWERS: Answers = {
  replies: [BatchReply.empty()],
  partOf: undefined,
  rowOf: undefined,
  duplicates: undefined,
  elapsed: 0,
}

/** Sends a request and gathers the answers. Throws, or rejects with, what refuses the request as a whole. */
export function run(boundary: Boundary, request: BatchRequest): Promise<Answers> {
  if (request.keys.length === 0) return TruePromise.resolve(NO_ANSWERS)
  if (!boundary.isFollowed) return start(boundary, request)
  const message = messageOf(request)
  return boundary.follow(message, () => start(boundary, request).then((answers) => tell(message, answers)))
}

/** What is published of a batch when it begins. */
function messageOf({ verb, keys }: BatchRequest): CommandMessage {
  let isOne = true
  for (let row = 1; row < keys.length && isOne; row++) isOne = keys.sameNames(0, row)
  const key: unknown = isOne ? keys.at(0) : undefined
  const [namespace, set] = Array.isArray(key) ? (key as (string | undefined)[]) : []
  return commandMessage(verb, namespace, set, keys.length)
}

/** Adds to it what the nodes did. */
function tell(message: CommandMessage, answers: Answers): Answers {
  const nodes = answers.replies.flatMap((reply) => reply.nodes)
  const [first] = nodes
  message.node = nodes.every(({ name }) => name === first?.name) ? first?.name : undefined
  message.bytesOut = nodes.reduce((sum, node) => sum + node.bytesOut, 0)
  message.bytesIn = nodes.reduce((sum, node) => sum + node.bytesIn, 0)
  message.attempts = 0
  for (const reply of answers.replies) {
    for (let row = 0; row < reply.rows; row++) message.attempts = Math.max(message.attempts, reply.attempts(row))
  }
  return answers
}

function start(boundary: Boundary, request: BatchRequest): Promise<Answers> {
  const { policy, specs } = request
  const most = specs.length > 64 ? WHOLE_WRITES : WHOLE_READS
  if (request.keys.length > most || policy.maxRequestBytes > 0 || policy.concurrency > 0) {
    return runInParts(boundary, request)
  }
  // Refused before any work on its rows.
  boundary.admit(new WholeCall(request, undefined))
  const distinct = atOnce(distinctRows(request))
  const sent = boundary.submit(new WholeCall(request, distinct), request.keys.length >= LARGE)
  return sent.then((reply) => {
    const replies = [reply]
    const places = { partOf: undefined, rowOf: distinct?.answeredBy }
    const duplicates = distinct && atOnce(countDuplicates(replies, request.keys.length, places))
    return { replies, ...places, duplicates, elapsed: reply.elapsed }
  })
}

/** A batch in one entry. */
class WholeCall extends Call<BatchReply> {
  readonly #request: BatchRequest
  readonly #distinct: Distinct | undefined

  constructor(request: BatchRequest, distinct: Distinct | undefined) {
    super(request)
    this.#request = request
    this.#distinct = distinct
  }

  write(w: Writer, ticket: number): number {
    return writeBatchEntry(this.#request, w, ticket, this.#distinct)
  }

  answer(): BatchReply {
    throw new TypeError('a batch was answered as a record')
  }

  override batch(reply: BatchReply): BatchReply {
    return reply.kept()
  }
}

/** A part of a batch. */
class SliceCall extends WholeCall {
  readonly #slice: Slice
  readonly #timeout: number
  readonly #responseBytes: number

  constructor(request: BatchRequest, slice: Slice, timeout: number, responseBytes: number) {
    super(request, undefined)
    this.#slice = slice
    this.#timeout = timeout
    this.#responseBytes = responseBytes
  }

  override write(w: Writer, ticket: number): number {
    return copySlice(w, this.#slice, ticket, this.#timeout, this.#responseBytes)
  }
}

type Range = Pick<Slice, 'from' | 'to'>

async function runInParts(boundary: Boundary, request: BatchRequest): Promise<Answers> {
  const started = now()
  const call = new WholeCall(request, undefined)
  boundary.admit(call)
  const leave = await boundary.turnOf(call)
  try {
    return await sendInParts(boundary, request, started)
  } finally {
    leave()
  }
}

async function sendInParts(boundary: Boundary, request: BatchRequest, started: number): Promise<Answers> {
  // First a turn for the caller: several time slices of work follow.
  await turn()
  await inSlices(request.gatherKeys())
  const distinct = await inSlices(distinctRows(request))
  const slices = await writeInParts(request, distinct)
  const ranges = slices.map(({ from, to }) => ({ from, to }))
  const replies = await new Parts(boundary, request, slices, started).run()
  const elapsed = now() - started
  // The last reply took a time slice of this turn.
  await turn()
  const places = await inSlices(placeRows(request.keys.length, ranges, distinct))
  const duplicates = distinct && (await inSlices(countDuplicates(replies, request.keys.length, places)))
  return { replies, ...places, duplicates, elapsed }
}

type Places = Pick<Answers, 'partOf' | 'rowOf'>

/** For each reply, and each of its pages, how many of `count` rows it answers. */
function* countDuplicates(
  replies: readonly BatchReply[],
  count: number,
  { partOf, rowOf }: Places,
): Generator<void, number[][]> {
  const duplicates: number[][] = []
  for (const { pages } of replies) duplicates.push(new Array<number>(pages.length).fill(0))
  for (let row = 0; row < count; row++) {
    if (row % ROWS_PER_LOOK === ROWS_PER_LOOK - 1) yield
    const part = partOf?.[row] ?? 0
    const page = (replies[part] as BatchReply).page(rowOf?.[row] ?? row)
    if (page === NO_PAGE) continue
    const rows = duplicates[part] as number[]
    rows[page] = (rows[page] as number) + 1
  }
  return duplicates
}

/** For each row the part that has its answer, and the row there. */
function* placeRows(count: number, ranges: readonly Range[], distinct: Distinct | undefined): Generator<void, Places> {
  const partOf = new Uint32Array(count)
  const rowOf = new Uint32Array(count)
  let part = 0
  for (let row = 0; row < count; row++) {
    if (row % ROWS_PER_LOOK === ROWS_PER_LOOK - 1) yield
    const sent = distinct === undefined ? row : (distinct.answeredBy[row] as number)
    // Rows that repeat an earlier one point back to it, the others are numbered.
    while (sent >= (ranges[part] as Range).to) part++
    let own = part
    while (sent < (ranges[own] as Range).from) own--
    partOf[row] = own
    rowOf[row] = sent - (ranges[own] as Range).from
  }
  return { partOf, rowOf }
}

/**
 * All parts are written before the first is sent, so that a value that is refused refuses the whole batch. The event
 * loop has a turn after each.
 */
async function writeInParts(request: BatchRequest, distinct: Distinct | undefined): Promise<Slice[]> {
  const { policy } = request
  const writer = new EntryWriter(request, distinct?.rows)
  const rows = policy.concurrency > 0 && policy.maxKeysPerRequest > 0 ? policy.maxKeysPerRequest : WHOLE_READS
  const slices: Slice[] = []
  for (let from = 0; from < writer.length; ) {
    const slice = writer.writeSlice(from, { rows, bytes: policy.maxRequestBytes })
    slices.push(slice)
    from = slice.to
    if (from < writer.length) await turn()
  }
  return slices
}

/** The parts of a batch on their way. */
class Parts {
  readonly #boundary: Boundary
  readonly #request: BatchRequest
  readonly #slices: (Slice | undefined)[]
  readonly #until: number
  readonly #replies: BatchReply[] = []
  #next = 0
  #sent = 0
  #taken = 0
  #over = false

  constructor(boundary: Boundary, request: BatchRequest, slices: Slice[], started: number) {
    this.#boundary = boundary
    this.#request = request
    this.#slices = slices
    const total = request.policy.totalTimeout
    this.#until = total === 0 ? Number.POSITIVE_INFINITY : started + total
  }

  async run(): Promise<BatchReply[]> {
    try {
      await TruePromise.all(Array.from({ length: await this.#width() }, () => this.#work()))
    } catch (error) {
      this.#over = true
      // What the parts before it wrote is written.
      const others = this.#sent > 1 || this.#replies.length > 0
      if (error instanceof AbortError && this.#request.writes && others) {
        throw aborted(this.#request.verb, undefined, error.cause, true)
      }
      throw error
    }
    return this.#replies
  }

  /** Parts under way at once. Writes of one record, and a limit on all answers, make them follow one another. */
  async #width(): Promise<number> {
    const { policy, writes } = this.#request
    if (policy.maxResponseBytes > 0) return 1
    if (writes && this.#slices.length > 1 && (await inSlices(repeatsKeys(this.#request)))) return 1
    return policy.concurrency > 0 ? policy.concurrency : PARTS
  }

  async #work(): Promise<void> {
    while (this.#next < this.#slices.length && !this.#over) {
      const part = this.#next++
      const slice = this.#slices[part] as Slice
      // The bytes are copied when they are handed over.
      this.#slices[part] = undefined
      this.#replies[part] = await this.#send(slice)
    }
  }

  async #send(slice: Slice): Promise<BatchReply> {
    const most = this.#request.policy.maxResponseBytes
    const left = this.#until - now()
    if (left <= 0) return BatchReply.unanswered(slice.to - slice.from, Code.timeout)
    if (most > 0 && this.#taken >= most) return BatchReply.unanswered(slice.to - slice.from, Code.noResponse)
    const timeout = left === Number.POSITIVE_INFINITY ? 0 : Math.ceil(left)
    const call = new SliceCall(this.#request, slice, timeout, most > 0 ? most - this.#taken : 0)
    // It may have been aborted between two parts, or before the first.
    this.#boundary.checkGoesOn(call)
    this.#sent++
    const reply = await this.#boundary.send(call)
    for (const node of reply.nodes) this.#taken += node.bytesIn
    return reply
  }
}
