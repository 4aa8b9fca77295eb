// A stand-in for the addon: keeps what is submitted and answers as told. For tests of the TypeScript side alone.

import { Client } from 'aerospike-napi'
import type {
  NativeAdminReply,
  NativeChange,
  NativeClient,
  NativeJobReply,
  NativeJobSpec,
  NativeMetrics,
  NativeQuery,
  NativeQuerySpec,
  NativeQueryStep,
} from '#src/boundary/addon'
import { Boundary } from '#src/boundary/native'
import { resolveDefaults } from '#src/options/apply'

/** One entry as it crossed, read back by the letter of boundary.md. */
export interface Entry {
  ticket: number
  kind: number
  cancellable: boolean
  totalTimeout: number
  socketTimeout: number
  sleep: number
  maxRetries: number
  replica: number
  idempotent: number
  body: Buffer
}

export interface Command {
  info1: number
  info2: number
  info3: number
  generation: number
  ttl: number
  opCount: number
  /** Fields in wire form. */
  fields: Buffer
  ops: Buffer
}

export class FakeNative implements NativeClient {
  entries: Entry[] = []
  submits = 0
  cancelled: number[] = []
  cancelAnswer = true
  refs = 0
  released: number[] = []
  closedWith: number | undefined
  wake: () => void = () => {}
  #ready: Buffer[] = []
  pages = new Map<number, { table: Buffer; pages: Buffer[] }>()
  /** Answers entries by themselves, a turn later. */
  onEntry: ((entry: Entry) => void) | undefined

  inline(): boolean {
    return false
  }

  submit(bytes: Uint8Array, length: number): boolean {
    this.submits++
    const buffer = Buffer.from(bytes.subarray(0, length))
    let at = 0
    while (at < buffer.length) {
      const size = buffer.readUInt32LE(at)
      const kind = buffer[at + 8] as number
      const entry = {
        ticket: buffer.readUInt32LE(at + 4),
        kind,
        cancellable: buffer[at + 9] === 1,
        totalTimeout: buffer.readUInt32LE(at + 12),
        socketTimeout: buffer.readUInt32LE(at + 16),
        sleep: buffer.readUInt32LE(at + 20),
        maxRetries: buffer.readUInt16LE(at + 24),
        replica: buffer[at + 26] as number,
        idempotent: buffer[at + 27] as number,
        body: buffer.subarray(at + 28, at + size),
      }
      if (kind !== 0) {
        this.entries.push(entry)
        if (this.onEntry !== undefined) setImmediate(this.onEntry, entry)
      }
      at += size
    }
    return false
  }

  drain(target: Uint8Array): number {
    const next = this.#ready[0]
    if (next === undefined) return 0
    if (next.length > target.length) return -next.length
    let at = 0
    while (this.#ready[0] !== undefined && at + this.#ready[0].length <= target.length) {
      const one = this.#ready.shift() as Buffer
      target.set(one, at)
      at += one.length
    }
    return at
  }

  /** Puts completions in line and wakes the other side once for all of them. */
  complete(...completions: Buffer[]): void {
    this.#ready.push(...completions)
    this.wake()
  }

  table(ticket: number, target: Uint8Array): void {
    target.set(this.pages.get(ticket)?.table as Buffer)
  }
  page(ticket: number, index: number, target: Uint8Array): void {
    target.set(this.pages.get(ticket)?.pages[index] as Buffer)
  }
  release(ticket: number): void {
    this.released.push(ticket)
    this.pages.delete(ticket)
  }
  cancel(ticket: number): boolean {
    this.cancelled.push(ticket)
    return this.cancelAnswer
  }
  ref(): void {
    this.refs++
  }
  unref(): void {
    this.refs--
  }
  async close(timeout: number): Promise<void> {
    this.closedWith = timeout
  }
  isConnected(): boolean {
    return true
  }
  configure(): void {}
  reach() {
    return { tendAge: 0, unreachable: [], hosts: [] }
  }
  nodes() {
    return []
  }
  observe(): void {}
  unobserve(): void {}
  metrics(): NativeMetrics {
    const transactions = { begun: 0, committed: 0, aborted: 0, inDoubt: 0, failed: 0 }
    return { enabled: true, calls: [], inFlight: 0, resumeDelay: { sum: 0, buckets: [] }, transactions, nodes: [] }
  }
  async info(): Promise<{ node: string; response: string }[]> {
    return []
  }
  /** Who is told of changes of the cluster. */
  changed: ((change: NativeChange) => void) | undefined
  watch(changed: (change: NativeChange) => void): void {
    this.changed = changed
  }
  unwatch(): void {
    this.changed = undefined
  }
  /** What queries and jobs were asked for, and what the queries answer. */
  queries: { spec: NativeQuerySpec; query: FakeQuery }[] = []
  jobs: NativeJobSpec[] = []
  steps: (spec: NativeQuerySpec) => Iterable<FakeStep> = () => []
  reloadTls(): void {}

  admin(): Promise<NativeAdminReply> {
    return Promise.resolve({ users: [], roles: [] })
  }

  beginTransaction(): never {
    throw new Error('the fake core has no transactions')
  }

  openQuery(spec: NativeQuerySpec): NativeQuery {
    const query = new FakeQuery(this.steps(spec))
    this.queries.push({ spec, query })
    return query
  }
  async startJob(spec: NativeJobSpec): Promise<NativeJobReply> {
    this.jobs.push(spec)
    return { taskId: spec.taskId ?? 0n }
  }
}

/** A step of a stand-in query: what is not said is as on an empty page. `hold` never comes by itself. */
export type FakeStep = Partial<NativeQueryStep> & { hold?: true; cursor?: Buffer }

/** A query that takes the steps it is given, then ends. */
export class FakeQuery implements NativeQuery {
  readonly #steps: Iterator<FakeStep>
  #cursor: Buffer = Buffer.from([1, 0, 0, 0])
  #settle: ((step: NativeQueryStep) => void) | undefined
  closed = 0
  asked = 0

  constructor(steps: Iterable<FakeStep>) {
    this.#steps = steps[Symbol.iterator]()
  }

  async next(): Promise<NativeQueryStep> {
    this.asked++
    const end = { kind: 1, count: 0, done: 1, total: 1 }
    const { done, value } = this.closed > 0 ? { done: true, value: undefined } : this.#steps.next()
    if (done === true || value === undefined) return end
    if (value.cursor !== undefined) this.#cursor = value.cursor
    if (value.hold === true) {
      return new Promise((resolve) => {
        this.#settle = resolve
      })
    }
    return { kind: 0, count: 0, done: 0, total: 1, ...value }
  }
  cursor(): Buffer {
    return this.#cursor
  }
  progress() {
    return { done: 0, total: 1 }
  }
  close(): void {
    this.closed++
    this.#settle?.({ kind: 1, count: 0, done: 0, total: 1 })
  }
}

/** A client on a stand-in. */
export function fakeClient(defaults?: unknown, coalesceReads = false): { client: Client; native: FakeNative } {
  const native = new FakeNative()
  const boundary = Boundary.over(native)
  native.wake = () => boundary.wake()
  return {
    client: new (Client as unknown as new (...parts: unknown[]) => Client)(
      boundary,
      resolveDefaults(defaults),
      coalesceReads,
    ),
    native,
  }
}

/** The command block of a record entry or a spec, and where it ends. */
export function readCommand(body: Buffer, withKey: boolean): Command & { key: Buffer; end: number } {
  let at = 24
  let key = Buffer.alloc(0) as Buffer
  if (withKey) {
    const length = 8 + (body[at + 2] as number) + (body[at + 3] as number) + body.readUInt32LE(at + 4)
    key = body.subarray(at, at + length)
    at += length
  }
  const opBytes = body.readUInt32LE(20)
  const fields = body.subarray(at, at + body.readUInt32LE(16))
  at += fields.length
  return {
    info1: body[0] as number,
    info2: body[1] as number,
    info3: body[2] as number,
    generation: body.readUInt32LE(4),
    ttl: body.readUInt32LE(8),
    opCount: body.readUInt16LE(14),
    key,
    fields,
    ops: body.subarray(at, at + opBytes),
    end: at + opBytes,
  }
}

/** The specs and rows of a batch entry. */
export function readBatch(body: Buffer): {
  flags: number
  filter: Buffer
  specs: (Command & { end: number })[]
  rows: { spec: number; type: number; sendKey: boolean; names: string; key: Buffer }[]
} {
  const specCount = body.readUInt32LE(16)
  const rowCount = body.readUInt32LE(20)
  let at = 24 + body.readUInt32LE(12)
  const specs: (Command & { end: number })[] = []
  for (let i = 0; i < specCount; i++) {
    const spec = readCommand(body.subarray(at), false)
    specs.push(spec)
    at += spec.end
  }
  const rows: ReturnType<typeof readBatch>['rows'] = []
  let spec = 0
  let names = ''
  for (let i = 0; i < rowCount; i++) {
    const flags = body[at] as number
    const type = body[at + 1] as number
    at += 2
    if ((flags & 2) === 0) {
      spec = body.readUInt32LE(at)
      at += 4
    }
    if ((flags & 1) === 0) {
      const namespace = body[at] as number
      const set = body[at + 1] as number
      names = `${body.toString('utf8', at + 2, at + 2 + namespace)}/${body.toString('utf8', at + 2 + namespace, at + 2 + namespace + set)}`
      at += 2 + namespace + set
    }
    let length = type === 0 ? 20 : 8
    if (type === 3 || type === 4) {
      length = body.readUInt32LE(at)
      at += 4
    }
    rows.push({ spec, type, sendKey: (flags & 4) !== 0, names, key: body.subarray(at, at + length) })
    at += length
  }
  if (at !== body.length) throw new Error(`a batch entry has ${body.length - at} bytes too many`)
  return { flags: body[0] as number, filter: body.subarray(24, 24 + body.readUInt32LE(12)), specs, rows }
}

function envelope(ticket: number, kind: number, flags: number, code: number, rest: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt32LE(12 + rest.length, 0)
  head.writeUInt32LE(ticket, 4)
  head[8] = kind
  head[9] = flags
  head.writeInt16LE(code, 10)
  return Buffer.concat([head, rest])
}

/** A record completion around a message. */
export function recordCompletion(ticket: number, message: Buffer): Buffer {
  return envelope(ticket, 1, 0, 0, message)
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16LE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** A failure completion. */
export function failureCompletion(
  ticket: number,
  code: number,
  more: {
    inDoubt?: boolean
    attempts?: number
    elapsed?: number
    node?: string
    detail?: string
    subs?: { code: number; node: string; detail: string; elapsed: number }[]
    message?: Buffer
  } = {},
): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt32LE(more.attempts ?? 1, 0)
  head.writeDoubleLE(more.elapsed ?? 1.5, 4)
  const count = Buffer.alloc(2)
  const subs = more.subs ?? []
  count.writeUInt16LE(subs.length)
  const parts = [head, text(more.node ?? ''), text(more.detail ?? ''), count]
  subs.forEach((sub, i) => {
    const fixed = Buffer.alloc(15)
    fixed.writeInt16LE(sub.code, 0)
    fixed.writeUInt32LE(i + 1, 3)
    fixed.writeDoubleLE(sub.elapsed, 7)
    parts.push(fixed, text(sub.node), text(sub.detail))
  })
  if (more.message !== undefined) {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(more.message.length)
    parts.push(length, more.message)
  }
  return envelope(
    ticket,
    2,
    (more.inDoubt === true ? 1 : 0) | (more.message === undefined ? 0 : 2),
    code,
    Buffer.concat(parts),
  )
}

/** A row of a batch reply: a message, or the code why there is none. */
export type FakeRow = { message: Buffer } | { code: number; inDoubt?: boolean; node?: number }

/** A batch completion; all messages are in one page. `whole`: with the table and the page in it. */
export function batchCompletion(native: FakeNative, ticket: number, rows: FakeRow[], whole = false): Buffer {
  const page = Buffer.concat(rows.map((row) => ('message' in row ? row.message : Buffer.alloc(0))))
  const table = Buffer.alloc(rows.length * 12)
  let offset = 0
  rows.forEach((row, i) => {
    const at = i * 12
    if ('message' in row) {
      table.writeUInt32LE(offset, at)
      table.writeInt16LE(row.message[5] as number, at + 6)
      offset += row.message.length
    } else {
      table.writeUInt16LE(0xffff, at + 4)
      table.writeInt16LE(row.code, at + 6)
      table[at + 8] = row.inDoubt === true ? 1 : 0
    }
    table[at + 9] = 0
    table.writeUInt16LE(1, at + 10)
  })
  if (!whole) native.pages.set(ticket, { table, pages: [page] })
  const answered = rows.filter((row) => 'message' in row)
  const done = answered.filter(({ message }) => [0, 2, 27].includes(message[5] as number))
  const head = Buffer.alloc(30)
  head.writeUInt32LE(rows.length, 0)
  head.writeUInt32LE(1, 4)
  head.writeDoubleLE(2.5, 8)
  head.writeUInt16LE(1, 16)
  head.writeUInt32LE(rows.length - done.length, 18)
  head.writeUInt32LE(page.length, 22)
  head.writeUInt32LE(answered.length, 26)
  const numbers = Buffer.alloc(34)
  numbers.writeUInt32LE(rows.length, 0)
  numbers.writeUInt32LE(rows.length, 4)
  numbers.writeDoubleLE(100, 8)
  numbers.writeDoubleLE(page.length, 16)
  numbers.writeUInt32LE(1, 24)
  const nothingOfAttempts = Buffer.alloc(4)
  const parts = [head, text('A1'), numbers, text(''), nothingOfAttempts, ...(whole ? [table, page] : [])]
  return envelope(ticket, 3, whole ? 8 : 0, 0, Buffer.concat(parts))
}
