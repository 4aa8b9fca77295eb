// What we write and read, byte for byte, against what was recorded between the public client and a real server.

import { type AerospikeError, type BatchRecords, Double, GeoJSON, type Operation, op } from 'aerospike-napi'
import test from 'ava'
import { readBins } from '#src/records/message'
import { Mode } from '#src/values/unpack'
import { batchRows, type Case, corpus, messages, type Step, value } from './support/corpus.mjs'
import {
  batchCompletion,
  type FakeRow,
  failureCompletion,
  fakeClient,
  readBatch,
  readCommand,
  recordCompletion,
} from './support/fake.mjs'

const EXISTS = ['createOrUpdate', 'create', 'update', 'replace', 'createOrReplace'] as const

/** The recorded policy and metadata as our options. */
function writeOptions({ policy = {}, meta = {} }: Step) {
  const ttls: { [ttl: string]: 'never' | 'keep' | 'default' } = { '-1': 'never', '-2': 'keep', '0': 'default' }
  return {
    ...(policy.exists === undefined ? {} : { exists: EXISTS[policy.exists] as 'create' }),
    ...(policy.gen === 1 || policy.gen === 2
      ? { generation: meta.gen ?? 0, generationMode: policy.gen === 2 ? ('greater' as const) : ('equal' as const) }
      : {}),
    ...(policy.key === 1 ? { key: 'send' as const } : {}),
    ...(policy.commitLevel === 1 ? { commit: 'master' as const } : {}),
    ...(policy.durableDelete === true ? { durableDelete: true } : {}),
    ...(meta.ttl === undefined ? {} : { ttl: ttls[meta.ttl] ?? meta.ttl }),
  }
}

function operations(ops: NonNullable<Step['ops']>): Operation[] | undefined {
  const made = ops.map(({ op: name, bin = '', val }) => {
    switch (name) {
      case 'read':
        return op.read(bin)
      case 'write':
        return op.write(bin, value(val) as string)
      case 'incr':
        return op.increment(bin, value(val) as number)
      case 'append':
        return op.append(bin, value(val) as string)
      case 'prepend':
        return op.prepend(bin, value(val) as string)
      case 'touch':
        return op.touch()
      case 'delete':
        return op.deleteAll()
      default:
        return undefined
    }
  })
  return made.every((one) => one !== undefined) ? made : undefined
}

/** What was read, in the terms of the public client: GeoJSON as text, map keys as text, no doubles apart. */
function shown(one: unknown): unknown {
  if (one instanceof Double) return one.value
  if (one instanceof GeoJSON) return one.text
  if (one instanceof Map)
    return Object.fromEntries(
      [...one].map(([key, entry]) => [Buffer.isBuffer(key) ? `${key}` : String(key), shown(entry)]),
    )
  if (Array.isArray(one)) return one.map(shown)
  if (Buffer.isBuffer(one)) return one
  if (typeof one === 'bigint') return Number.isSafeInteger(Number(one)) ? Number(one) : one
  if (typeof one !== 'object' || one === null) return one
  return Object.fromEntries(Object.entries(one).map(([name, entry]) => [name, shown(entry)]))
}

function readable(json: unknown): unknown {
  return shown(value(json))
}

function withoutRemove<T extends object>({ exists, ttl, ...options }: T & { exists?: unknown; ttl?: unknown }): object {
  return options
}

const kv = corpus<Case>('kv')
const single = kv.filter((line) => line.case === 'kv')

for (const call of ['put', 'get', 'select', 'exists', 'remove', 'operate']) {
  test(`${call} crosses as the recorded request, and its recorded answer is read to the recorded result`, async (t) => {
    const { client, native } = fakeClient()
    let compared = 0
    for (const { key: tagged, steps } of single) {
      const key = (tagged as unknown[]).map(value) as unknown as readonly [string, string, string]
      for (const step of steps) {
        if (step.call !== call || step.req.length !== 1) continue
        const recordedMeta = call === 'remove' ? { gen: step.gen ?? 0 } : step.meta
        const options = writeOptions({ ...step, ...(recordedMeta === undefined ? {} : { meta: recordedMeta }) })
        const ops = step.ops && operations(step.ops)
        if (call === 'operate' && ops === undefined) continue
        native.entries.length = 0
        const promise: Promise<unknown> =
          call === 'put'
            ? client.put(key, value(step.bins) as { a: string }, options)
            : call === 'get'
              ? client.get(key)
              : call === 'select'
                ? client.select(key, step.names as string[])
                : call === 'exists'
                  ? client.exists(key)
                  : call === 'remove'
                    ? client.remove(key, withoutRemove(options))
                    : client.operate(key, ops as Operation[], options)
        const settled = promise.then(
          (result) => ({ result }),
          (error: unknown) => ({ error }),
        )
        await new Promise(setImmediate)
        const entry = native.entries[0]
        if (entry === undefined) {
          const outcome = await settled
          // What every server refuses with a bare 4 is refused here, with what does not go together.
          const { message = '' } = 'error' in outcome ? (outcome.error as Error) : {}
          if (step.error === 4 && message.includes('does not go with')) continue
          t.fail(`nothing was sent: ${JSON.stringify(outcome)} ${JSON.stringify(step)}`)
          return
        }
        const ours = readCommand(entry.body, true)
        const [theirs] = messages(Buffer.from(step.req[0] as string, 'hex'))
        if (theirs === undefined) throw new Error('a frame without a message')
        t.is(ours.ops.toString('hex'), theirs.ops.toString('hex'))
        const { info1, info2, info3, generation, ttl, opCount } = ours
        const want = {
          info1: theirs.info1,
          info2: theirs.info2,
          info3: theirs.info3,
          generation: theirs.generation,
          ttl: theirs.ttl,
          opCount: theirs.opCount,
        }
        // The public client sends the conditions of a write with operations that only read; here they are left out.
        const onlyReads = call === 'operate' && (theirs.info2 & 1) === 0
        if (onlyReads) t.deepEqual({ info1, opCount }, { info1: want.info1, opCount: want.opCount })
        else t.deepEqual({ info1, info2, info3, generation, ttl, opCount }, want, JSON.stringify(step))
        t.is(
          ours.key[0] === 1,
          theirs.fields.some((field) => field.type === 2),
          'the key is sent as recorded',
        )

        const frame = Buffer.from(step.res[0] as string, 'hex')
        native.complete(
          step.error === undefined && frame[13] === 0
            ? recordCompletion(entry.ticket, frame.subarray(8))
            : failureCompletion(entry.ticket, frame[13] as number, { node: 'A1' }),
        )
        const outcome = (await settled) as { result?: { bins?: unknown; meta?: unknown }; error?: AerospikeError }
        if (step.error !== undefined) t.is(outcome.error?.code, step.error)
        else if (outcome.error !== undefined) t.is((step as { result?: boolean }).result, false)
        else if (step.bins !== undefined && call !== 'put')
          t.deepEqual(shown(outcome.result?.bins), readable(step.bins), JSON.stringify(step))
        compared++
      }
    }
    t.true(compared > 150, `${compared} steps were compared`)
  })
}

test('rows of batches cross as recorded, and their recorded answers are read to the recorded results', async (t) => {
  const { client, native } = fakeClient()
  let compared = 0
  for (const { case: family, steps } of kv) {
    if (family !== 'batch') continue
    for (const step of steps) {
      const rows = step.rows_in ?? []
      const frame = Buffer.from(step.req[0] as string, 'hex')
      const field = messages(frame)[0]?.fields.find((one) => one.type === 41)
      if (field === undefined) continue // the public client sends a batch of one row as a single command
      const recorded = batchRows(field.data)
      const answers = step.res.flatMap((hex) => {
        const answer = Buffer.from(hex, 'hex')
        return messages(answer)
          .filter((message) => (message.info3 & 1) === 0)
          .map((message) => ({ index: message.index, bytes: answer.subarray(message.at, message.end) }))
      })
      for (const [i, row] of rows.entries()) {
        const key = ['test', 'batch', row.key] as const
        native.entries.length = 0
        const ops = row.ops === undefined ? undefined : operations(row.ops)
        if (row.ops !== undefined && ops === undefined) continue
        let promise: Promise<BatchRecords>
        if (row.type === 'read')
          promise = client.batchRead([
            {
              key,
              ...(ops === undefined
                ? row.bins === undefined
                  ? row.readAllBins === false
                    ? { bins: [] }
                    : {}
                  : { bins: row.bins }
                : { ops }),
            },
          ])
        else if (row.type === 'write') promise = client.batchWrite([{ key, ops: ops as Operation[] }])
        else if (row.type === 'remove') promise = client.batchRemove([key])
        else continue
        await new Promise(setImmediate)
        const entry = native.entries[0]
        if (entry === undefined) throw await promise.catch((error: unknown) => error)
        const batch = readBatch(entry.body)
        const [spec] = batch.specs
        const want = recorded[i] as (typeof recorded)[0]
        if (spec === undefined) throw new Error('a batch without a spec')
        t.is<unknown, unknown>(batch.flags, field.data[4])
        t.is(spec.ops.toString('hex'), want.ops.toString('hex'))
        const { info1, info2, info3, generation, ttl } = spec
        t.deepEqual(
          { info1, info2, info3, generation, ttl },
          { info1: want.info1, info2: want.info2, info3: want.info3, generation: want.generation, ttl: want.ttl },
        )

        const answer = answers.find((one) => one.index === i)
        const reply: FakeRow = answer === undefined ? { code: -15 } : { message: answer.bytes }
        native.complete(batchCompletion(native, entry.ticket, [reply]))
        const result = (await promise).at(0)
        const expected = step.rows?.[i]
        t.is<unknown, unknown>(result?.resultCode, expected?.status)
        if (expected?.status === 0) {
          const bins = { ...(readable(expected.bins ?? { $map: [] }) as object) } as { [name: string]: unknown }
          // The public client shows operations without an answer as null; here they leave no trace.
          if (row.type !== 'read') for (const name of Object.keys(bins)) if (bins[name] === null) delete bins[name]
          t.deepEqual(shown(result?.record?.bins), bins)
          if (row.type !== 'remove') t.is<unknown, unknown>(result?.record?.meta.gen, expected.gen)
        }
        compared++
      }
    }
  }
  t.true(compared > 500, `${compared} rows were compared`)
})

test('every value that was recorded as put is read back from the recorded answer of get', (t) => {
  let compared = 0
  for (const { steps } of corpus<Case>('cdt')) {
    const put = steps.find((step) => step.call === 'put')
    const get = steps.find((step) => step.call === 'get')
    if (put === undefined || get === undefined || get.error !== undefined || get.res.length !== 1) continue
    const frame = Buffer.from(get.res[0] as string, 'hex')
    t.deepEqual(shown(readBins(frame, 8, frame.length, 0)), readable(get.bins), JSON.stringify(get.bins))
    compared++
  }
  t.true(compared > 2000, `${compared} records were compared`)
})

test('values of lists, maps and nested collections are encoded as recorded', async (t) => {
  const { client, native } = fakeClient()
  let compared = 0
  for (const { steps } of corpus<Case>('cdt')) {
    const put = steps.find((step) => step.call === 'put')
    if (put === undefined || put.req.length !== 1) continue
    native.entries.length = 0
    const promise = client.put(['test', 's', 1], value(put.bins) as { a: string })
    promise.catch(() => {})
    await new Promise(setImmediate)
    const entry = native.entries[0]
    if (entry === undefined) throw await promise.catch((error: unknown) => error)
    t.is<unknown, unknown>(
      readCommand(entry.body, true).ops.toString('hex'),
      messages(Buffer.from(put.req[0] as string, 'hex'))[0]?.ops.toString('hex'),
      JSON.stringify(put.bins),
    )
    native.complete(failureCompletion(entry.ticket, 2))
    compared++
  }
  t.true(compared > 2000, `${compared} values were compared`)
})

test('GeoJSON and doubles come back as what they are', (t) => {
  t.is(new GeoJSON({ type: 'Point', coordinates: [1, 2] }).text, '{"type":"Point","coordinates":[1,2]}')
  t.is(Number(new Double(3)) + 1, 4)
  t.is(JSON.stringify({ d: new Double(3) }), '{"d":3}')
  t.is(Mode.operations, 32)
})
