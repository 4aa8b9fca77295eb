// Events of the cluster: nodes that come and go.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Client, ClientClosedError, type ClientEvents, connect, InvalidArgumentError } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { target } from './support/cluster.mjs'
import { fakeClient } from './support/fake.mjs'

/** The next event of a kind. Listening alone does not keep the process alive, so something else has to. */
function next<E extends keyof ClientEvents>(client: Client, event: E): Promise<ClientEvents[E]> {
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 1000)
    client.once(event, (...facts: ClientEvents[E]) => {
      clearInterval(alive)
      resolve(facts)
    })
  })
}

test('nodes that cannot be reached where they say they are: events, errors and wholeCluster say so', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 3 })
  const [host] = cluster.hosts as [string]
  // What a client outside of a container network meets: one node by its own address, the others by those they announce.
  const misled = { hosts: [host], addressMap: { '127.0.0.1': '127.0.0.2' } }
  await using client = await connect(misled)
  t.is(client.nodes().length, 1)
  const [unreachable] = await next(client, 'nodeUnreachable')
  t.regex(unreachable.name, /^[0-9A-F]+$/)
  t.regex(unreachable.tried[0]?.address ?? '', /^127\.0\.0\.2:\d+$/)
  const calls = Array.from({ length: 50 }, (_, i) => client.put(['test', 'half', i], { i }))
  const failed = (await Promise.allSettled(calls)).filter((call) => call.status === 'rejected')
  t.true(failed.length > 0)
  for (const { reason } of failed) t.regex(reason.message, /127\.0\.0\.2:\d+.*addressMap/)
  const error = await t.throwsAsync(connect({ ...misled, wholeCluster: true }))
  t.regex(error.message, /not the whole cluster can be reached: .*127\.0\.0\.2:\d+.*useAlternateServices/)
  await (await connect({ hosts: cluster.hosts, wholeCluster: true })).close()
})

// Clusters of their own: nodes are stopped here.
test('a node that is stopped and started again goes and comes', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 2 })
  await using client = await connect({ hosts: cluster.hosts, tendInterval: 50 })
  const removed = next(client, 'nodeRemoved')
  await cluster.stopNode(1)
  const [gone] = await removed
  t.is(`${gone.host}:${gone.port}`, cluster.hosts.at(-1) as string)
  t.false(gone.active)
  t.deepEqual(
    client.nodes().map((node) => `${node.host}:${node.port}`),
    [cluster.hosts[0] as string],
  )
  const added = next(client, 'nodeAdded')
  await cluster.startNode(1)
  const [back] = await added
  t.is(`${back.host}:${back.port}`, cluster.hosts.at(-1) as string)
  t.true(back.active)
  t.is(back.name, gone.name)
})

test('losing the last node and finding it again are events of their own', async (t) => {
  await using cluster = await LocalCluster.start()
  await using client = await connect({ hosts: cluster.hosts, tendInterval: 50 })
  const events: string[] = []
  for (const event of ['nodeAdded', 'nodeRemoved', 'connected', 'disconnected'] as const) {
    client.on(event, () => events.push(event))
  }
  const lost = next(client, 'disconnected')
  const found = next(client, 'nodeAdded')
  await cluster.stopNode(0)
  await lost
  t.false(client.isConnected())
  await cluster.startNode(0)
  await found
  t.true(client.isConnected())
  t.deepEqual(events, ['nodeRemoved', 'disconnected', 'connected', 'nodeAdded'])
})

test('a client that only listens lets the process end', async (t) => {
  const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
  const program = `
    const { connect } = require(${JSON.stringify(entry)})
    connect(${JSON.stringify(target())}).then((client) => client.on('nodeRemoved', () => {}))
    process.on('exit', () => console.log('ended by itself'))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  const [code] = await once(child, 'close')
  t.is(code, 0)
  t.is(Buffer.concat(output).toString(), 'ended by itself\n')
})

test('nothing is asked of the core before somebody listens, and after the last has gone', (t) => {
  const { client, native } = fakeClient()
  const heard: unknown[] = []
  const first = (...facts: unknown[]): void => void heard.push(['first', ...facts])
  const second = (...facts: unknown[]): void => void heard.push(['second', ...facts])
  t.is(native.changed, undefined)
  client.on('nodeAdded', first).once('disconnected', second)
  const node = {
    name: 'A1',
    host: 'h',
    port: 1,
    active: true,
    answering: true,
    connections: { open: 0, inUse: 0 },
    build: '8',
  }
  native.changed?.({ kind: 'nodeAdded', node })
  native.changed?.({ kind: 'disconnected' })
  native.changed?.({ kind: 'disconnected' })
  native.changed?.({ kind: 'connected' })
  t.deepEqual(heard, [['first', node], ['second']])
  client.off('nodeAdded', second)
  t.not(native.changed, undefined)
  client.off('nodeAdded', first)
  t.is(native.changed, undefined)
  client.on('connected', first)
  native.changed?.({ kind: 'connected' })
  t.deepEqual(heard.at(-1), ['first'])
})

test('events that do not exist are refused, and listeners of a closed client', async (t) => {
  const { client } = fakeClient()
  t.throws(() => client.on('nodeadded' as never, () => {}), {
    instanceOf: InvalidArgumentError,
    message: /no event "nodeadded"; did you mean 'nodeAdded'/,
  })
  t.throws(() => client.on('removeListener' as never, () => {}), { instanceOf: InvalidArgumentError })
  t.throws(() => client.once('connected', 'x' as never), { instanceOf: InvalidArgumentError })
  const listener = (): void => {}
  client.on('connected', listener)
  await client.close()
  t.throws(() => client.on('connected', () => {}), { instanceOf: ClientClosedError })
  client.off('connected', listener)
})
