// What crosses between TypeScript and Rust has the same bytes on both sides: crates/node/fixtures/boundary.txt holds entries and
// completions that the tests of each language write, or read, by themselves.

import { readFile } from 'node:fs/promises'
import { type Client, TimeoutError } from 'aerospike-napi'
import test from 'ava'
import { BatchReply } from '#src/boundary/batch-reply'
import { controlError } from '#src/boundary/failure-reader'
import {
  CompletionAt,
  CompletionFlag,
  CompletionKind,
  EntryAt,
  EntryFlag,
  EntryKind,
  OutcomeFlag,
  PolicyFlag,
  RowFlag,
  Size,
} from '#src/boundary/layout'
import { fakeClient } from './support/fake.mjs'

const ours = {
  CompletionAt,
  CompletionFlag,
  CompletionKind,
  EntryAt,
  EntryFlag,
  EntryKind,
  OutcomeFlag,
  PolicyFlag,
  RowFlag,
  Size,
}

const read = (path: string): Promise<string> => readFile(new URL(`../../crates/node/${path}`, import.meta.url), 'utf8')

async function fixture(name: string): Promise<Buffer> {
  const line = (await read('fixtures/boundary.txt')).split('\n').find((line) => line.startsWith(`${name}: `))
  return Buffer.from((line as string).slice(name.length + 2), 'hex')
}

/** The bytes of the entry that a call becomes, under ticket 1. */
async function entryOf(call: (client: Client) => Promise<unknown>): Promise<string> {
  const { client, native } = fakeClient()
  const controller = new AbortController()
  let entry = Buffer.alloc(0) as Buffer
  native.submit = (bytes: Uint8Array, length: number): boolean => {
    entry = Buffer.from(bytes.subarray(0, length))
    return false
  }
  // The first ticket is 0, which would look the same wherever it stands.
  client.get(['test', 'users', 'first'], { signal: controller.signal }).catch(() => {})
  await new Promise(setImmediate)
  await Promise.race([call(client), new Promise(setImmediate)])
  return entry.toString('hex')
}

const TIMES = { totalTimeout: 0x0102_0304, socketTimeout: 30_000, maxRetries: 258 } as const

test('a command on a record is written as Rust reads it', async (t) => {
  const options = { ...TIMES, sleepBetweenRetries: 5, idempotent: true, key: 'send' } as const
  const entry = await entryOf((client) => client.put(['test', 'users', 'k'], { n: 1 }, { ...options, ttl: 60 }))
  t.is(entry, (await fixture('record')).toString('hex'))
})

test('a batch is written as Rust reads it', async (t) => {
  const keys = [
    ['test', 's', 'a'],
    ['test', 's', 7],
  ] as const
  const entry = await entryOf((client) =>
    client.batchRead(keys, { ...TIMES, bins: ['n'], maxResponseBytes: 100, replica: 'any' }),
  )
  t.is(entry, (await fixture('batch entry')).toString('hex'))
})

test('a failure is read as Rust writes it', async (t) => {
  const { client, native } = fakeClient()
  const failed = client.put(['test', 's', 'k'], { n: 1 })
  await new Promise(setImmediate)
  const completion = await fixture('failure')
  completion.writeUInt32LE(native.entries[0]?.ticket as number, CompletionAt.ticket)
  native.complete(completion)
  const error = await t.throwsAsync(failed, { instanceOf: TimeoutError })
  const { code, inDoubt, attempts, elapsed, node, subErrors } = error as TimeoutError
  t.deepEqual(
    { code, inDoubt, attempts, elapsed, node },
    { code: 9, inDoubt: true, attempts: 3, elapsed: 1500, node: 'A1' },
  )
  t.like(subErrors[0], { code: -8, inDoubt: true, attempt: 1, elapsed: 250, message: 'reset' })
})

test('a rejection of the control plane says what a failed command says', async (t) => {
  const failure = await fixture('failure')
  const error = controlError('info', new Error(`failure ${failure.toString('hex')}`))
  t.true(error instanceof TimeoutError)
  t.like(error, { code: 9, inDoubt: true, attempts: 3, elapsed: 1500, node: 'A1' })
  t.like(error.subErrors[0], { code: -8, inDoubt: true, attempt: 1, message: 'reset' })
  t.regex(error.message, /^info: .*\(code 9, node A1, 3 attempts, 1500\.0 ms; the write may have happened\)$/)
  // What is no failure of the core is told as it is; an error of this package stays what it is.
  t.like(controlError('info', new Error('a; malformed; call')), { code: -1 })
  t.regex(controlError('info', new Error('a; malformed; call')).message, /a; malformed; call/)
  t.is(controlError('info', error), error)
})

test('the answer to a batch is read as Rust writes it', async (t) => {
  const completion = await fixture('batch')
  t.is(completion.readUInt32LE(0), completion.length)
  t.is(completion.readUInt32LE(CompletionAt.ticket), 7)
  t.is(completion[CompletionAt.kind], CompletionKind.batch)
  t.is(completion[CompletionAt.flags], CompletionFlag.isPart | CompletionFlag.isWhole)
  const reply = BatchReply.inPlace(completion, CompletionAt.body)
  t.like(reply, { rows: 2, elapsed: 1500, left: 1 })
  t.deepEqual(reply.answered, [1])
  t.deepEqual(reply.nodes, [
    {
      name: 'A1',
      rows: 3,
      answered: 1,
      bytesOut: 100,
      bytesIn: 50,
      roundTrips: 2,
      retries: 1,
      code: 18,
      detail: 'busy',
    },
  ])
  t.deepEqual(reply.attemptErrors(0), [])
  t.deepEqual(reply.attemptErrors(1), [
    { code: 9, inDoubt: false, attempt: 1, elapsed: 500, node: undefined, message: '' },
    { code: 18, inDoubt: false, attempt: 2, elapsed: 250, node: undefined, message: 'busy' },
  ])
  t.is(reply.bytes(0)?.toString('latin1', reply.offset(0)), 'ge')
  const rowOf = (row: number): unknown[] => [
    reply.code(row),
    reply.attempts(row),
    reply.inDoubt(row),
    reply.isElsewhere(row),
  ]
  t.deepEqual([0, 1].map(rowOf), [
    [0, 1, false, false],
    [-8, 258, true, true],
  ])
})

test('kinds, flags, places and sizes have the same numbers in both languages', async (t) => {
  const text = await read('src/layout.rs')
  const modules = [...text.matchAll(/mod (\w+) \{(.*?)\n\}/gs)]
  const camel = (name: string): string => name.toLowerCase().replaceAll(/_(\w)/g, (_, c: string) => c.toUpperCase())
  t.is(modules.length, 9)
  for (const [, module, body] of modules as unknown as [string, string, string][]) {
    const name = camel(module).replace(/^./, (c) => c.toUpperCase()) as keyof typeof ours
    const theirs = [...body.matchAll(/const (\w+): \w+ = (\d+);/g)].map(([, name, n]) => [
      camel(name as string),
      Number(n),
    ])
    t.true(theirs.length > 0)
    for (const [part, number] of theirs) t.is((ours[name] as never)[part as never], number as never, `${name}.${part}`)
  }
})
