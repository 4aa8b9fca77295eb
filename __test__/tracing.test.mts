// The diagnostics channels: what is published of commands and of what happens at nodes, and that listening changes nothing.

import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import {
  type BreakerMessage,
  type Client,
  type CommandMessage,
  type ConnectionMessage,
  type NodeMessage,
  RecordExistsError,
  RecordNotFoundError,
  type RetryMessage,
} from 'aerospike-napi'
import test from 'ava'
import { another, client, faultTest, freshKey, freshSet, local, sleep } from './support/cluster.mjs'

const commands = tracingChannel<string, CommandMessage>('aerospike-napi:command')

interface Heard {
  readonly part: string
  readonly message: CommandMessage
}

/** What is published of commands of one set while something is done. */
async function heard(set: string | undefined, work: () => Promise<unknown>): Promise<Heard[]> {
  const all: Heard[] = []
  const note = (part: string) => (message: unknown) => all.push({ part, message: message as CommandMessage })
  const parts = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
  const listeners = Object.fromEntries(parts.map((part) => [part, note(part)])) as never
  commands.subscribe(listeners)
  try {
    await work()
  } finally {
    commands.unsubscribe(listeners)
  }
  return all.filter(({ message }) => set === undefined || message.set === set)
}

const parts = (all: Heard[]): string[] => all.map(({ part }) => part)

test.serial('a get is published from its start to its end, with all that is known', async (t) => {
  const set = freshSet()
  const key = ['test', set, 'a'] as const
  await client().put(key, { n: 1 })
  const all = await heard(set, () => client().get(key))
  t.deepEqual(parts(all), ['start', 'end', 'asyncStart', 'asyncEnd'])
  const { message } = all.at(-1) as Heard
  t.true(
    all.every((one) => one.message === message),
    'one object goes through',
  )
  t.like(message, { verb: 'get', namespace: 'test', set, rows: undefined, code: 0, attempts: 1 })
  const node = client()
    .nodes()
    .find(({ name }) => name === message.node)
  t.like(message, { host: node?.host as string, port: node?.port as number })
  t.true((message.bytesOut ?? 0) > 40 && (message.bytesIn ?? 0) > 30)
  t.deepEqual((message.result as { bins: unknown }).bins, { n: 1 })
  const { queued, sent, answered, settled } = message.phases ?? { settled: -1 }
  const moments = [0, queued ?? -1, sent ?? -1, answered ?? -1, settled, message.elapsed ?? -1]
  t.deepEqual(
    moments,
    moments.toSorted((a, b) => a - b),
  )
})

test.serial('a failure is published as an error before the end, and rejects the call as ever', async (t) => {
  const set = freshSet()
  const all = await heard(set, async () => {
    try {
      await client().get(['test', set, 'none'])
    } catch (error) {
      t.regex((error as Error).stack ?? '', /tracing\.test/, 'the stack shows who called')
    }
  })
  t.deepEqual(parts(all), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  t.like(all.at(-1)?.message, { code: 2, attempts: 1 })
  t.true(all.at(-1)?.message.error instanceof RecordNotFoundError)
  t.not(all.at(-1)?.message.phases?.sent, undefined)
})

test.serial('what cannot be sent is published as an error as well', async (t) => {
  const set = freshSet()
  const all = await heard(set, async () => {
    await t.throwsAsync(client().put(['test', set, 'a'], { n: Symbol('no') } as never))
  })
  t.deepEqual(parts(all), ['start', 'error', 'end'])
})

test.serial('a batch is one command, whatever it is sent in', async (t) => {
  const set = freshSet()
  const rows = (n: number) => Array.from({ length: n }, (_, i) => ({ key: ['test', set, i] as const, bins: { n: i } }))
  const all = await heard(set, async () => {
    await client().batchWrite(rows(50))
    await client().batchRead(rows(6000).map(({ key }) => key))
  })
  const ends = all.filter(({ part }) => part === 'asyncEnd').map(({ message }) => message)
  t.deepEqual(
    ends.map(({ verb, rows }) => [verb, rows]),
    [
      ['batchWrite', 50],
      ['batchRead', 6000],
    ],
  )
  t.true(
    ends.every(
      ({ bytesIn, bytesOut, attempts, code }) =>
        (bytesIn ?? 0) > 0 && (bytesOut ?? 0) > 0 && attempts === 1 && code === 0,
    ),
  )
})

test.serial('coalesced reads, queries and calls about the cluster are published', async (t) => {
  const set = freshSet()
  await client().batchWrite(Array.from({ length: 20 }, (_, i) => ({ key: ['test', set, i] as const, bins: { n: i } })))
  const coalescing = client().with({ coalesceReads: true })
  const reads = await heard(set, () =>
    Promise.all(Array.from({ length: 10 }, (_, i) => coalescing.get(['test', set, i]))),
  )
  const ends = reads.filter(({ part }) => part === 'asyncEnd').map(({ message }) => message)
  t.is(ends.length, 10)
  t.true(ends.every(({ verb, node, attempts }) => verb === 'get' && node !== undefined && attempts === 1))
  const queries = await heard(set, async () => {
    for await (const _ of client().query('test', set));
    for await (const _ of client().query('test', set)) break
  })
  const verbs = queries.filter(({ part }) => part === 'asyncEnd').map(({ message }) => [message.verb, message.code])
  t.deepEqual(verbs, [
    ['query', 0],
    ['query', 0],
  ])
  t.is(queries.find(({ part }) => part === 'asyncEnd')?.message.rows, 20)
  const info = await heard(undefined, () => client().infoAll('node'))
  t.true(info.some(({ part, message }) => part === 'asyncEnd' && message.verb === 'infoAll'))
})

test.serial('a store that is bound to the start holds while the command is made', async (t) => {
  const set = freshSet()
  const storage = new AsyncLocalStorage<string>()
  let seen: string | undefined
  commands.start.bindStore(storage, (message) => `span of ${(message as CommandMessage).verb}`)
  const note = () => {
    seen = storage.getStore()
  }
  commands.end.subscribe(note)
  await client().put(['test', set, 'a'], { n: 1 })
  commands.end.unsubscribe(note)
  commands.start.unbindStore(storage)
  t.is(storage.getStore(), undefined)
  t.is(seen, undefined, 'the end is published outside of it, as tracePromise of Node.js does')
})

test.serial('commands of transactions and results other than records are published with their code', async (t) => {
  const set = freshSet()
  const key = ['test', set, 'a'] as const
  const all = await heard(set, async () => {
    await client().put(key, { n: 1 }, { exists: 'create' })
    await t.throwsAsync(client().put(key, { n: 1 }, { exists: 'create' }), { instanceOf: RecordExistsError })
    await client().exists(['test', set, 'none'])
    await client().remove(key)
  })
  const ends = all.filter(({ part }) => part === 'asyncEnd').map(({ message }) => [message.verb, message.code])
  t.deepEqual(ends, [
    ['put', 0],
    ['put', 5],
    ['exists', 0],
    ['remove', 0],
  ])
})

/** Collects what is published on a channel. */
function collect<T>(name: string): { readonly messages: T[]; end(): void } {
  const messages: T[] = []
  const note = (message: unknown) => messages.push(message as T)
  channel(name).subscribe(note)
  return { messages, end: () => channel(name).unsubscribe(note) }
}

async function until(condition: () => boolean): Promise<void> {
  for (let waits = 0; !condition() && waits < 300; waits++) await sleep(10)
}

test.serial('connections are published when they are opened', async (t) => {
  const { messages, end } = collect<ConnectionMessage>('aerospike-napi:connection')
  const own = await another()
  await own.put(freshKey(), { n: 1 })
  await own.batchRead(Array.from({ length: 40 }, () => freshKey()))
  await until(() => messages.length > 0)
  end()
  t.true(messages.some(({ event, node, code }) => event === 'opened' && node !== '' && code === 0))
  t.true(Math.abs((messages[0]?.time ?? 0) - Date.now()) < 60_000)
  await own.close()
})

faultTest('a frozen node is published: silence, retries, its breaker, and when it is awake', async (t) => {
  const nodes = collect<NodeMessage>('aerospike-napi:node')
  const retries = collect<RetryMessage>('aerospike-napi:retry')
  const breakers = collect<BreakerMessage>('aerospike-napi:breaker')
  const own: Client = await another({ tendInterval: 300, maxErrorRate: 5, errorRateWindow: 3 })
  const keys = Array.from({ length: 40 }, () => freshKey())
  for (const key of keys) await own.put(key, { n: 1 })
  await local().freezeNode(0)
  try {
    await Promise.allSettled(keys.map((key) => own.get(key, { totalTimeout: 1500 })))
    await Promise.allSettled(keys.map((key) => own.put(key, { n: 2 }, { totalTimeout: 150, maxRetries: 0 })))
    await until(() => breakers.messages.length > 0)
  } finally {
    await local().thawNode(0)
  }
  for (let i = 0; i < 20; i++) await Promise.allSettled(keys.map((key) => own.get(key)))
  await until(() => nodes.messages.some(({ event }) => event === 'awake' || event === 'added'))
  const events = nodes.messages.map(({ event }) => event)
  t.true(events.includes('silent'), events.join())
  t.true(events.includes('awake') || events.includes('added'), events.join())
  t.true(retries.messages.some(({ kind, attempt, rows }) => kind === 'read' && attempt === 1 && rows === 0))
  t.like(breakers.messages[0], { event: 'opened' })
  for (const one of [nodes, retries, breakers]) one.end()
  await own.close()
})
