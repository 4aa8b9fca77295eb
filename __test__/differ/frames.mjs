// Requests as bytes, and answers without what two servers may say differently.
import { createHash } from 'node:crypto'
import { formsOf } from './info.mjs'
import { pack, particle } from './pack.mjs'

/** Records that batches are about. */
export const KEYS = ['one', 'two', 'three']

const VERSION = 2
const INFO = 1
const MESSAGE = 3
const HEADER = 8
const MESSAGE_HEADER = 22

export const info1 = { READ: 1, ALL: 2, BATCH: 8 }
export const info2 = { WRITE: 1, DELETE: 2, GENERATION: 4, CREATE_ONLY: 32, RESPOND_ALL: 128 }
export const info3 = { UPDATE_ONLY: 8, REPLACE: 16, CREATE_OR_REPLACE: 16, REPLACE_ONLY: 32 }
export const FIELD = {
  NAMESPACE: 0, SET: 1, KEY: 2, DIGEST: 4, TASK: 7, SOCKET_TIMEOUT: 9, RATE: 10, PARTITIONS: 11, DIGESTS: 12, SAMPLE: 13, VALUES: 15,
  INDEX_NAME: 21, INDEX_RANGE: 22, INDEX_CONTEXT: 23, INDEX_EXPRESSION: 24, INDEX_TYPE: 26, MODULE: 30, FUNCTION: 31, ARGUMENTS: 32,
  CALL: 33, BATCH: 41, FILTER: 43
}

const NAMESPACE = Buffer.from('test')
export const SET = Buffer.from('differ')

/** Codes of the operations of a request. */
export const op = {
  READ: 1, WRITE: 2, CDT_READ: 3, CDT_MODIFY: 4, INCREMENT: 5, EXP_READ: 7, EXP_MODIFY: 8, APPEND: 9, PREPEND: 10,
  TOUCH: 11, BITS_READ: 12, BITS_MODIFY: 13, DELETE: 14, HLL_READ: 15, HLL_MODIFY: 16
}
const READS = new Set([op.READ, op.CDT_READ, op.EXP_READ, op.BITS_READ, op.HLL_READ])

export const digestOf = (key, set = SET) => createHash('ripemd160').update(Buffer.concat([Buffer.from(set), Buffer.of(3), Buffer.from(key)])).digest()

export function field (type, bytes) {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length + 1)
  head[4] = type
  return Buffer.concat([head, bytes])
}

export function operation ({ code, bin = '', type = 0, bytes = Buffer.alloc(0) }) {
  const name = Buffer.from(bin)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(4 + name.length + bytes.length)
  head[4] = code
  head[5] = type
  head[7] = name.length
  return Buffer.concat([head, name, bytes])
}

/** A message: its three bytes of flags, generation, ttl, fields and operations. */
export function message ({ flags: [one, two, three], generation = 0, ttl = 0, fields, operations = [] }) {
  const body = Buffer.concat([Buffer.alloc(MESSAGE_HEADER), ...fields, ...operations.map(operation)])
  body[0] = MESSAGE_HEADER
  body[1] = one
  body[2] = two
  body[3] = three
  body.writeUInt32BE(generation, 6)
  body.writeUInt32BE(ttl, 10)
  body.writeUInt32BE(1000, 14)
  body.writeUInt16BE(fields.length, 18)
  body.writeUInt16BE(operations.length, 20)
  return frame(MESSAGE, body)
}

export function frame (type, body) {
  const head = Buffer.alloc(HEADER)
  head[0] = VERSION
  head[1] = type
  head.writeUIntBE(body.length, 2, 6)
  return Buffer.concat([head, body])
}

const keyFields = digest => [field(FIELD.NAMESPACE, NAMESPACE), field(FIELD.SET, SET), field(FIELD.DIGEST, digest)]

/** What an operation of a case carries: a packed payload, the bytes of a bin, or nothing. */
export function operand ({ code, bin, payload, value, type }) {
  if (payload !== undefined) return { code, bin, type: type ?? 4, bytes: pack(payload) }
  if (value === undefined) return { code, bin }
  const [kind, bytes] = particle(value)
  return { code, bin, type: type ?? kind, bytes }
}

const ROW = { INFO: 2, GENERATION: 4, TTL: 8 }

/** A row of a batch: the record, and what is done with it. */
function batchRow ({ key, one, two = 0, three = 0, generation = 0, filter, ops }, index) {
  const fields = [field(FIELD.NAMESPACE, NAMESPACE), field(FIELD.SET, SET), ...(filter === undefined ? [] : [field(FIELD.FILTER, pack(filter))])]
  const writes = (two & info2.WRITE) !== 0
  const head = Buffer.alloc(25 + 3 + (writes ? 2 : 0) + 4 + 4)
  head.writeUInt32BE(index)
  digestOf(key).copy(head, 4)
  head[24] = ROW.INFO | ROW.TTL | (writes ? ROW.GENERATION : 0)
  head[25] = one
  head[26] = two
  head[27] = three
  if (writes) head.writeUInt16BE(generation, 28)
  head.writeUInt16BE(fields.length, head.length - 4)
  head.writeUInt16BE(ops.length, head.length - 2)
  return Buffer.concat([head, ...fields, ...ops.map(operand).map(operation)])
}

/** The requests of a case about a batch: its records are made anew, the batch is run, they are read. */
function batchRequests ({ records, rows, flags, filter }, keys) {
  const of = key => keyFields(digestOf(key))
  const remove = key => message({ flags: [0, info2.WRITE | info2.DELETE, 0], fields: of(key) })
  const write = ([key, bins]) => message({ flags: [0, info2.WRITE, 0], fields: of(key), operations: Object.entries(bins).map(([bin, value]) => operand({ code: op.WRITE, bin, value })) })
  const head = Buffer.alloc(5)
  head.writeUInt32BE(rows.length)
  head[4] = flags
  const batch = field(FIELD.BATCH, Buffer.concat([head, ...rows.map(batchRow)]))
  const filters = filter === undefined ? [] : [field(FIELD.FILTER, pack(filter))]
  const run = message({ flags: [info1.BATCH | info1.READ, 0, 0], fields: [...filters, batch] })
  run.answer = BATCH_ANSWER
  return [...keys.map(remove), ...Object.entries(records).map(write), run, ...keys.map(key => message({ flags: [info1.READ | info1.ALL, 0, 0], fields: of(key) }))]
}

/** The requests of a case, in order: the record is made anew, the case's command is run, the record is read. */
export function requests (test, digest) {
  if (test.steps !== undefined) {
    const task = nextTask++
    return test.steps.map(step => stepRequest(step, digest, task))
  }
  if (test.rows !== undefined) return batchRequests(test, KEYS)
  const fields = keyFields(digest)
  const out = [message({ flags: [0, info2.WRITE | info2.DELETE, 0], fields })]
  const bins = Object.entries(test.bins ?? {})
  if (bins.length > 0) {
    const operations = bins.map(([bin, value]) => operand({ code: op.WRITE, bin, value }))
    out.push(message({ flags: [0, info2.WRITE, 0], fields, operations }))
  }
  const operations = test.ops.map(operand)
  const reads = test.ops.length === 0 || test.ops.some(({ code }) => READS.has(code))
  const writes = test.ops.some(({ code }) => !READS.has(code))
  const one = (reads ? info1.READ : 0) | (test.ops.length === 0 ? info1.ALL : 0) | (test.one ?? 0)
  const two = (writes ? info2.WRITE : 0) | (writes && reads ? info2.RESPOND_ALL : 0) | (test.two ?? 0)
  const filter = test.filter === undefined ? [] : [field(FIELD.FILTER, pack(test.filter))]
  out.push(message({ flags: [one, two, test.three ?? 0], generation: test.generation ?? 0, fields: [...fields, ...filter], operations }))
  out.push(message({ flags: [info1.READ | info1.ALL, 0, 0], fields }))
  return out
}

/** Info commands, each a line. */
export const infoFrame = lines => frame(INFO, Buffer.from(lines.map(line => `${line}\n`).join('')))

/**
 * A request of a case that says its requests itself. `info` has lines; `send` is made by whoever makes the case, since it is
 * plain data there: a message, or bytes.
 */
function stepRequest (step, digest, task) {
  const request = step.info === undefined
    ? messageOf(step, digest, task)
    : Object.assign(infoFrame(step.info.map(line => line.replace(TASK, task))), { answer: infoAnswer(step) })
  if (step.raw !== undefined) request.onItsOwn = true
  if (step.until !== undefined) request.until = new RegExp(step.until)
  if (step.later !== undefined) request.later = step.later
  if (step.ignored) request.answer = { isOver: () => true, told: () => '' }
  return request
}

/** A message of a step: its flags, fields by number, operations; or its bytes, in hex. */
function messageOf ({ raw, flags = [0, 0, 0], generation, ttl, fields = [], ops = [], rows }, digest, task) {
  if (raw !== undefined) return Buffer.from(raw, 'hex')
  const given = fields.map(([type, value]) => field(type, bytesOf(value, digest, task)))
  const request = message({ flags, generation, ttl, fields: given, operations: ops.map(operand) })
  if (rows) request.answer = QUERY_ANSWER
  return request
}

/** The bytes of a field: text, a digest, hex, or a packed value. */
function bytesOf (value, digest, task) {
  if (value === DIGEST) return digest
  if (value === TASK) return Buffer.from(task.toString(16).padStart(16, '0'), 'hex')
  if (typeof value === 'string') return Buffer.from(value)
  if ('hex' in value) return Buffer.from(value.hex, 'hex')
  return pack(value.packed)
}

/** Stands for the digest of a case's record. */
export const DIGEST = 'digest of the case'

/** Stands for the number of a query that goes on by itself: no server takes one twice. */
export const TASK = '{task}'
let nextTask = BigInt(Date.now()) * 1000n

/** An answer as text, without the clock: of an expiry only whether there is one is compared. */
export function comparable (body) {
  if (body.length < MESSAGE_HEADER) return body.toString('hex')
  const copy = withoutPaths(body)
  if (copy.readUInt32BE(10) !== 0) copy.writeUInt32BE(1, 10)
  copy.writeUInt32BE(0, 14)
  return copy.toString('hex')
}

const PATH = /(?<=[ ]|^|FAILURE)\/[^ :]*\/(?=[^/ :]*\.lua)/g

/** A copy of a message, without the folders in which a server keeps modules of functions: errors of Lua have them. */
function withoutPaths (body) {
  if (!body.includes('.lua:')) return Buffer.from(body)
  const parts = [body.subarray(0, MESSAGE_HEADER)]
  let left = body.readUInt16BE(18) + body.readUInt16BE(20)
  let at = MESSAGE_HEADER
  for (; left > 0; left--) {
    const end = at + 4 + body.readUInt32BE(at)
    const rest = Buffer.from(body.toString('latin1', at + 4, end).replace(PATH, ''), 'latin1')
    const head = Buffer.alloc(4)
    head.writeUInt32BE(rest.length)
    parts.push(head, rest)
    at = end
  }
  return Buffer.concat([...parts, body.subarray(at)])
}

const LAST = 1

/** The messages of a frame, each as it is, and whether the last of an answer is among them. */
export function messagesOf (body) {
  const messages = []
  let at = 0
  let last = false
  while (at + MESSAGE_HEADER <= body.length) {
    const from = at
    last ||= (body[at + 3] & LAST) !== 0
    let left = body.readUInt16BE(at + 18) + body.readUInt16BE(at + 20)
    for (at += MESSAGE_HEADER; left > 0; left--) at += 4 + body.readUInt32BE(at)
    messages.push(body.subarray(from, at))
  }
  return { messages, last }
}

/** The answer to a batch as text: its rows in the order of their numbers, without the clock and the fields that only locate them. */
export function comparableRows (bodies) {
  const rows = bodies.flatMap(body => messagesOf(body).messages).map(row => {
    const copy = Buffer.from(row)
    if (copy.readUInt32BE(10) !== 0) copy.writeUInt32BE(1, 10)
    return copy.toString('hex')
  })
  return rows.sort((a, b) => a.slice(28, 36) < b.slice(28, 36) ? -1 : 1).join('|')
}

/** Cuts frames out of what arrives. */
export class Frames {
  #held

  constructor () {
    this.#held = Buffer.alloc(0)
  }

  /** The frames that are complete with these bytes: type, body, and all of it. */
  * add (data) {
    this.#held = this.#held.length === 0 ? data : Buffer.concat([this.#held, data])
    let at = 0
    while (this.#held.length - at >= HEADER) {
      const end = at + HEADER + this.#held.readUIntBE(at + 2, 6)
      if (end > this.#held.length) break
      yield { type: this.#held[at + 1], body: this.#held.subarray(at + HEADER, end), bytes: this.#held.subarray(at, end) }
      at = end
    }
    this.#held = this.#held.subarray(at)
  }
}

/** How an answer comes and is told: of one message, of the rows of a batch or a query, or of lines. */
export const ONE_ANSWER = { isOver: () => true, told: ([body]) => comparable(body) }
const BATCH_ANSWER = { isOver: body => messagesOf(body).last, told: comparableRows }
const QUERY_ANSWER = { isOver: isQueryOver, told: comparableRecords }

/** Info answers as a step wants them told: by their forms, only a part of them, or with the items of lists in order. */
function infoAnswer ({ forms, only, sorted }) {
  const told = ([body]) => {
    const text = comparableInfo(body)
    if (forms) return formsOf(text)
    if (only !== undefined) return text.match(new RegExp(only))?.[0] ?? text
    return sorted ? text.split('\n').map(line => line.split(/[;\t]/).sort().join(';')).join('\n') : text
  }
  return { isOver: () => true, told }
}


/** Whether a query's answer ends: with its last message, or with a refusal of the whole, which is not marked. */
function isQueryOver (body) {
  const { messages, last } = messagesOf(body)
  const end = messages.at(-1)
  return last || end === undefined || (end[5] !== 0 && end[3] === 0)
}

const FAILURE = Buffer.from('\u0007FAILURE')

/** What a function of the module failed with, behind the line at which it did. */
const AT_RECORD = /(?<=\.lua:\d+: ).*/

/**
 * The records of a query in the order of their bytes, with what is said of partitions. How many threads of a real server run
 * into a failure of an aggregation before the first has stopped them, at which records, and what they had said until then, is
 * chance.
 */
function comparableRecords (bodies) {
  const rows = bodies.flatMap(body => messagesOf(body).messages)
  const failures = rows.filter(row => row.includes(FAILURE))
  if (failures.length === 0) return rows.map(row => comparable(row)).sort().join('|')
  const texts = failures.map(row => withoutPaths(row).toString('latin1', row.indexOf(FAILURE)).replace(AT_RECORD, ''))
  return [...new Set(texts)].sort().concat(comparable(rows.at(-1))).join('|')
}

/** Numbers and addresses that belong to a server, not to what it says. */
const OWN = [[/\b(?:BB9[0-9A-F]{6,}|[aA]\d{4,5}|A1)\b/g, 'NODE'], [/127\.0\.0\.1:\d+/g, 'ADDRESS']]

export function comparableInfo (body) {
  return OWN.reduce((text, [pattern, name]) => text.replace(pattern, name), body.toString('latin1'))
}

/** Requests that get a connection of their own, behind which one follows whose answer shows that the connection still works. */
export const alone = {
  LAST: 'build_arch\t',
  last: infoFrame(['build_arch']),
  told: (said, end) => [...said.map(({ type, body }) => `${type}:${type === INFO ? comparableInfo(body) : comparable(body)}`), end].join('|')
}
