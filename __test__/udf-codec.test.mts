// Calls of functions, byte for byte, against what was recorded between the public client and a real server.

import { BatchRecords, Double, InvalidArgumentError, UdfError, UdfNotFoundError, type Value } from 'aerospike-napi'
import test from 'ava'
import { batchFields, corpus, type Message, messages, type Step, value } from './support/corpus.mjs'
import {
  batchCompletion,
  failureCompletion,
  fakeClient,
  readBatch,
  readCommand,
  recordCompletion,
} from './support/fake.mjs'

type UdfStep = Step & { key?: unknown[]; udf?: [string, string, unknown[]]; result?: unknown; message?: string }

const queries = corpus<{ steps: UdfStep[] }>('query').flatMap((line) => line.steps)
const kv = corpus<{ steps: Step[] }>('kv').flatMap((line) => line.steps)

/** Fields as they travel, behind the three (namespace, set, digest) that the core writes. */
function wire(fields: readonly { type: number; data: Buffer }[]): string {
  const parts = fields
    .filter(({ type }) => type >= 30)
    .flatMap(({ type, data }) => {
      const head = Buffer.alloc(5)
      head.writeUInt32BE(data.length + 1)
      head[4] = type
      return [head, data]
    })
  return Buffer.concat(parts).toString('hex')
}

/** An answer with doubles as the public client shows them. */
function shown(one: unknown): unknown {
  if (one instanceof Double) return one.value
  if (Array.isArray(one)) return one.map(shown)
  if (typeof one !== 'object' || one === null || Buffer.isBuffer(one)) return one
  return Object.fromEntries(Object.entries(one).map(([name, entry]) => [name, shown(entry)]))
}

/** A recorded result: what has no tag is as it is. */
function recorded(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(recorded)
  if (typeof json !== 'object' || json === null) return json ?? null
  const names = Object.keys(json)
  if (names.length === 1 && names[0]?.startsWith('$')) return shown(value(json))
  return Object.fromEntries(Object.entries(json).map(([name, entry]) => [name, recorded(entry)]))
}

const applies = queries.filter((step) => step.call === 'apply' && step.req.length === 1 && step.udf !== undefined)

test('apply crosses as the recorded request, and its recorded answer is read to the recorded result', async (t) => {
  const { client, native } = fakeClient()
  for (const { key: tagged = ['test', 'q', 1], udf, req, res, result, error, message } of applies) {
    const [module, name, args] = udf as [string, string, unknown[]]
    const key = tagged.map(value) as unknown as readonly [string, string, string]
    native.entries.length = 0
    const settled = client.apply(key, module, name, value(args) as Value[]).then(
      (answer) => ({ answer }),
      (failure: unknown) => ({ failure }),
    )
    await new Promise(setImmediate)
    const entry = native.entries[0]
    if (entry === undefined) return t.fail(JSON.stringify(await settled))
    const ours = readCommand(entry.body, true)
    const theirs = messages(Buffer.from(req[0] as string, 'hex'))[0] as Message
    t.is(ours.fields.toString('hex'), wire(theirs.fields))
    t.deepEqual(
      [ours.info1, ours.info2, ours.info3, ours.generation, ours.ttl, ours.opCount],
      [theirs.info1, theirs.info2, theirs.info3, theirs.generation, theirs.ttl, theirs.opCount],
    )
    const frame = Buffer.from(res[0] as string, 'hex')
    const answer = messages(frame)[0] as Message
    const body = frame.subarray(answer.at, answer.end)
    const { ticket } = entry
    if (answer.code === 0) native.complete(recordCompletion(ticket, body))
    else native.complete(failureCompletion(ticket, answer.code, { message: body }))
    const outcome = await settled
    if (error === undefined) {
      if (!('answer' in outcome)) return t.fail(`${outcome.failure}`)
      // The public client has no form for bytes that a function returns.
      const expected = name === 'bytesfn' ? Buffer.from([0, 0, 1, 2]) : recorded(result)
      t.deepEqual<unknown, unknown>(shown(outcome.answer), expected, JSON.stringify(udf))
      continue
    }
    const failure = (outcome as { failure: unknown }).failure
    if (!(failure instanceof UdfError)) return t.fail(`${failure}`)
    t.is(failure.code, error)
    t.is(failure.module, module)
    t.is(failure.function, name)
    t.true(failure.message.includes(message as string), failure.message)
  }
  t.true(applies.length >= 15, `${applies.length} compared`)
})

test('a failure is taken apart: line and words, or no such function', async (t) => {
  const { client, native } = fakeClient()
  const failing = async (text: string): Promise<UdfError | undefined> => {
    native.entries.length = 0
    const promise = t.throwsAsync<UdfError>(client.apply(['test', 's', 1], 'mod', 'fn'), { instanceOf: UdfError })
    await new Promise(setImmediate)
    native.complete(failureCompletion(native.entries[0]?.ticket as number, 100, { message: failureMessage(text) }))
    return promise
  }
  const deep = await failing('/opt/udf/lua/other.lua:15: it broke: badly\nin two lines')
  t.deepEqual(
    [deep?.module, deep?.function, deep?.line, deep?.reason],
    ['other', 'fn', 15, 'it broke: badly\nin two lines'],
  )
  t.deepEqual(JSON.parse(JSON.stringify(deep)).line, 15)
  const plain = await failing('UDF Execution Timeout')
  t.deepEqual([plain?.module, plain?.line, plain?.reason], ['mod', undefined, 'UDF Execution Timeout'])
  t.false(plain instanceof UdfNotFoundError)
  t.true((await failing('function not found')) instanceof UdfNotFoundError)
  t.true((await failing('UDF: Execution Error 1')) instanceof UdfNotFoundError)
  for (const odd of ['', '.lua:', '.lua:1: x', 'a.lua:', 'a.lua:x: y', 'a.lua:99999999999: y']) {
    t.is((await failing(odd))?.reason, odd)
  }
})

/** A message with one text under the name FAILURE. */
function failureMessage(text: string): Buffer {
  const head = Buffer.alloc(22)
  head[0] = 22
  head[5] = 100
  head.writeUInt16BE(1, 20)
  const name = Buffer.from('FAILURE')
  const op = Buffer.alloc(8)
  op.writeUInt32BE(4 + name.length + Buffer.byteLength(text))
  op[4] = 1
  op[5] = 3
  op[7] = name.length
  return Buffer.concat([head, op, name, Buffer.from(text)])
}

test('batchApply crosses as the recorded batch and its rows are read', async (t) => {
  const step = queries.find((one) => one.call === 'batchApply') as UdfStep
  const { client, native } = fakeClient()
  const [theirs] = batchFields(Buffer.from(step.req[0] as string, 'hex'))
  if (theirs === undefined) return t.fail('the recorded batch has no rows')
  const keys = [0, 1, 2, 3].map((id) => ['test', 'q14', id] as const)
  const promise = client.batchApply<number | null>(keys, 'corpus_udf', 'get_bin', ['n'])
  await new Promise(setImmediate)
  const entry = native.entries[0]
  if (entry === undefined) return t.fail('nothing was sent')
  const { specs, rows } = readBatch(entry.body)
  t.deepEqual([specs.length, rows.length], [1, 4])
  const [ours] = specs
  t.is(ours?.fields.toString('hex'), wire(theirs.fields))
  t.deepEqual([ours?.info1, ours?.info2, ours?.info3, ours?.opCount], [theirs.info1, theirs.info2, theirs.info3, 0])
  const answers = messages(Buffer.from(step.res[0] as string, 'hex'))
  const bytes = Buffer.from(step.res[0] as string, 'hex')
  const inOrder = answers.sort((a, b) => a.index - b.index).map(({ at, end }) => ({ message: bytes.subarray(at, end) }))
  native.complete(batchCompletion(native, entry.ticket, inOrder))
  const batch = await promise
  t.true(batch instanceof BatchRecords)
  const expected = (step.result as { bins: unknown }[]).map(({ bins }) => value(bins))
  t.deepEqual(
    Array.from(batch, (row) => row.record?.bins as unknown),
    expected,
  )
})

test('rows of mixed batches that call functions are those that were recorded', async (t) => {
  const { client, native } = fakeClient()
  let compared = 0
  for (const step of kv) {
    const mixed = step.rows_in ?? []
    if (!mixed.some((row) => row.type === 'apply') || mixed.length < 2) continue
    const rows = batchFields(Buffer.from(step.req[0] as string, 'hex'))
    for (const [i, row] of mixed.entries()) {
      if (row.type !== 'apply') continue
      const [module, name, args] = (row as unknown as { udf: [string, string, unknown[]] }).udf
      native.entries.length = 0
      const call = { type: 'apply', key: ['test', 'batch', row.key], module, function: name, args } as const
      const promise = client.batch([{ type: 'read', key: ['test', 'batch', 1] }, call as never])
      await new Promise(setImmediate)
      const entry = native.entries[0]
      if (entry === undefined) return t.fail('nothing was sent')
      const ours = readBatch(entry.body).specs[1]
      const theirs = rows[i]
      t.is(ours?.fields.toString('hex'), wire(theirs?.fields ?? []))
      t.deepEqual(
        [ours?.info1, ours?.info2, ours?.info3, ours?.generation, ours?.ttl],
        [theirs?.info1, theirs?.info2, theirs?.info3, theirs?.generation, theirs?.ttl],
      )
      compared++
      const failed = failureMessage('/udf/nomodule.lua:3: oops')
      native.complete(batchCompletion(native, entry.ticket, [{ code: 2 }, { message: failed }]))
      const error = (await promise).at(1)?.error
      if (!(error instanceof UdfError)) return t.fail(`${error}`)
      t.deepEqual([error.module, error.function, error.line, error.reason], [module, name, 3, 'oops'])
    }
  }
  t.true(compared > 100, `${compared} compared`)
})

test('rows may have arguments of their own', async (t) => {
  const { client, native } = fakeClient()
  const keys = [['test', 's', 1] as const, { key: ['test', 's', 2] as const, args: ['own'], ttl: 60 }]
  void client.batchApply(keys, 'mod', 'fn', ['common'], { ttl: 5 }).catch(() => {})
  await new Promise(setImmediate)
  const { specs, rows } = readBatch(native.entries[0]?.body as Buffer)
  t.deepEqual(
    rows.map((row) => {
      const spec = specs[row.spec]
      return [spec?.ttl, spec?.fields.includes('own'), spec?.fields.includes('common'), spec?.info2]
    }),
    [
      [5, false, true, 1],
      [60, true, false, 1],
    ],
  )
})

test('what no server would take is refused before anything is sent', async (t) => {
  const { client, native } = fakeClient()
  const key = ['test', 's', 1] as const
  const refused: [Promise<unknown>, RegExp][] = [
    [client.apply(key, 'mod.lua', 'fn'), /did you mean 'mod'/],
    [client.apply(key, '', 'fn'), /module must be a name/],
    [client.apply(key, 'm'.repeat(128), 'fn'), /at most 127 bytes, not 128/],
    [client.apply(key, 'mod', 'é'.repeat(64)), /at most 127 bytes, not 128/],
    [client.apply(key, 'mod', 7 as never), /function must be a name, not 7/],
    [client.apply(key, 'mod', 'fn', 'text' as never), /must be a list/],
    [client.apply(key, 'mod', 'fn', [1, { a: [undefined as never] }]), /args\[1\]\.a\[0\]/],
    [client.apply(key, 'mod', 'fn', [new Date() as never]), /args\[0\]/],
    [client.apply(key, 'mod', 'fn', [2n ** 64n]), /args\[0\]/],
    [client.apply(key, 'mod', 'fn', [], { generation: 1 } as never), /'generation' does not apply/],
    [client.apply(key, 'mod', 'fn', [], { exists: 'create' } as never), /'exists' does not apply/],
    [client.batchApply([key], 'mod', 'fn', [() => 1] as never), /args\[0\]/],
    [client.batchApply([{ key, bins: {} } as never], 'mod', 'fn'), /no option 'bins'/],
    [client.batch([{ type: 'apply', key, module: 'mod' } as never]), /rows\[0\].*function must be a name/],
    [client.batch([{ type: 'aply', key } as never]), /did you mean 'apply'/],
  ]
  for (const [promise, message] of refused) await t.throwsAsync(promise, { instanceOf: InvalidArgumentError, message })
  t.is(native.entries.length, 0)
})
