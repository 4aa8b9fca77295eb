// The recorded cases, and their tagged values as the values of this package.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Double, GeoJSON } from 'aerospike-napi'

export interface Step {
  call: string
  bins?: unknown
  names?: string[]
  ops?: { op: string; bin?: string; val?: unknown }[]
  meta?: { gen?: number; ttl?: number }
  policy?: { exists?: number; gen?: number; key?: number; commitLevel?: number; durableDelete?: boolean }
  rows_in?: {
    type: string
    key: number
    bins?: string[]
    ops?: { op: string; bin?: string; val?: unknown }[]
    readAllBins?: boolean
  }[]
  rows?: { status: number; gen?: number; bins?: unknown }[]
  error?: number
  gen?: number
  req: string[]
  res: string[]
}

export interface Case {
  case: string
  key?: unknown[]
  steps: Step[]
}

/** The lines of a recorded file. */
export function corpus<T>(name: string): T[] {
  const file = new URL(`../../corpus/${name}.jsonl.gz`, import.meta.url)
  return gunzipSync(readFileSync(file))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** A recorded value as people would write it; maps become `Map`s, or objects where that is the same. */
export function value(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(value)
  if (typeof json !== 'object' || json === null) return json
  const tagged = json as {
    $int?: string
    $double?: string
    $bytes?: string
    $geo?: string
    $map?: [unknown, unknown][]
  }
  if (tagged.$int !== undefined) return BigInt(tagged.$int)
  if (tagged.$double !== undefined) {
    const number = Number(tagged.$double)
    return Number.isSafeInteger(number) && !Object.is(number, -0) ? new Double(number) : number
  }
  if (tagged.$bytes !== undefined) return Buffer.from(tagged.$bytes, 'hex')
  if (tagged.$geo !== undefined) return new GeoJSON(tagged.$geo)
  const entries = (tagged.$map as [unknown, unknown][]).map(([key, one]) => [value(key), value(one)] as const)
  if (entries.every(([key]) => typeof key === 'string')) return Object.fromEntries(entries)
  return new Map(entries)
}

/** A message of a recorded frame, taken apart. */
export interface Message {
  at: number
  end: number
  info1: number
  info2: number
  info3: number
  code: number
  generation: number
  ttl: number
  index: number
  fields: { type: number; data: Buffer }[]
  ops: Buffer
  opCount: number
}

/** The messages in a frame, whose header of 8 bytes is skipped. */
export function messages(frame: Buffer): Message[] {
  const out: Message[] = []
  let at = 8
  while (at < frame.length) {
    const start = at
    const fieldCount = frame.readUInt16BE(at + 18)
    const opCount = frame.readUInt16BE(at + 20)
    const fields: Message['fields'] = []
    at += 22
    for (let i = 0; i < fieldCount; i++) {
      const size = frame.readUInt32BE(at)
      fields.push({ type: frame[at + 4] as number, data: frame.subarray(at + 5, at + 4 + size) })
      at += 4 + size
    }
    const ops = at
    for (let i = 0; i < opCount; i++) at += 4 + frame.readUInt32BE(at)
    out.push({
      at: start,
      end: at,
      info1: frame[start + 1] as number,
      info2: frame[start + 2] as number,
      info3: frame[start + 3] as number,
      code: frame[start + 5] as number,
      generation: frame.readUInt32BE(start + 6),
      ttl: frame.readUInt32BE(start + 10),
      index: frame.readUInt32BE(start + 14),
      fields,
      ops: frame.subarray(ops, at),
      opCount,
    })
  }
  return out
}

/** A row of a recorded batch request. */
type BatchRow = Pick<Message, 'info1' | 'info2' | 'info3' | 'generation' | 'ttl' | 'fields' | 'ops'>

/** The rows of a recorded frame with a batch. */
export function batchFields(frame: Buffer): BatchRow[] {
  return batchRows(messages(frame)[0]?.fields.find(({ type }) => type === 41)?.data as Buffer)
}

/** The rows of a recorded batch request: header bytes, fields and operations. */
export function batchRows(field: Buffer): BatchRow[] {
  const rows: BatchRow[] = []
  const count = field.readUInt32BE(0)
  let at = 5
  for (let i = 0; i < count; i++) {
    at += 24
    const flags = field[at++] as number
    if ((flags & 1) !== 0) {
      rows.push(rows[i - 1] as (typeof rows)[0])
      continue
    }
    const row = {
      info1: field[at++] as number,
      info2: 0,
      info3: 0,
      generation: 0,
      ttl: 0,
      fields: [] as Message['fields'],
      ops: Buffer.alloc(0) as Buffer,
    }
    if ((flags & 2) !== 0) {
      row.info2 = field[at++] as number
      row.info3 = field[at++] as number
    }
    if ((flags & 4) !== 0) {
      row.generation = field.readUInt16BE(at)
      at += 2
    }
    if ((flags & 8) !== 0) {
      row.ttl = field.readUInt32BE(at)
      at += 4
    }
    const fieldCount = field.readUInt16BE(at)
    const opCount = field.readUInt16BE(at + 2)
    at += 4
    for (let j = 0; j < fieldCount; j++) {
      const end = at + 4 + field.readUInt32BE(at)
      row.fields.push({ type: field[at + 4] as number, data: field.subarray(at + 5, end) })
      at = end
    }
    const ops = at
    for (let j = 0; j < opCount; j++) at += 4 + field.readUInt32BE(at)
    row.ops = field.subarray(ops, at)
    rows.push(row)
  }
  return rows
}
