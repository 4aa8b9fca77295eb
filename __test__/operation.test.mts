// What operators ask of a client: whether it works, how it starts while the cluster is away, how it ends.
import { createServer } from 'node:net'
import {
  type Client,
  ClientClosedError,
  type ConnectOptions,
  connect,
  NodeNotFoundError,
  TimeoutError,
} from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { another, faultTest, freshKey, freshSet, sleep } from './support/cluster.mjs'

async function withCluster(
  use: (client: Client, cluster: LocalCluster) => Promise<void>,
  options: Partial<ConnectOptions> = {},
  nodes = 3,
): Promise<void> {
  await using cluster = await LocalCluster.start({ nodes })
  await using client = await connect({ hosts: cluster.hosts, ...options })
  await use(client, cluster)
}

/** Milliseconds until something holds. */
async function until(holds: () => boolean, most = 10_000): Promise<number> {
  const began = performance.now()
  while (!holds()) {
    if (performance.now() - began > most) throw new Error(`it does not hold after ${most} ms`)
    await sleep(5)
  }
  return performance.now() - began
}

async function freeze(cluster: LocalCluster, frozen = true): Promise<void> {
  for (let node = 0; node < cluster.hosts.length; node++) {
    await (frozen ? cluster.freezeNode(node) : cluster.thawNode(node))
  }
}

test('ping asks every node', async (t) => {
  const client = await another()
  const times = await client.ping()
  t.deepEqual(
    [...times.keys()].sort(),
    client
      .nodes()
      .map(({ name }) => name)
      .sort(),
  )
  for (const time of times.values()) t.true(time > 0 && time < 1000)
  await client.close()
  await t.throwsAsync(client.ping(), { instanceOf: ClientClosedError })
})

test('health of a client that is well, as plain data', async (t) => {
  const client = await another()
  const health = client.health()
  t.like(health, {
    ready: true,
    live: true,
    status: 'connected',
    problems: [],
    calls: { inFlight: 0, queued: 0 },
    unreachable: [],
  })
  t.deepEqual(structuredClone(health), health)
  t.deepEqual(
    health.nodes.map(({ name, answering, breaker, queued }) => ({ name, answering, breaker, queued })),
    client.nodes().map(({ name }) => ({ name, answering: true, breaker: 'closed', queued: 0 })),
  )
  t.true(health.tendAge < 2500)
  const pending = client.exists(freshKey())
  t.is(client.health().calls.inFlight, 1)
  await pending
  await client.close()
  t.like(client.health(), { ready: false, live: false, status: 'closed', nodes: [] })
})

faultTest('with all nodes frozen the client knows it after two looks at them, without any calls', async (t) => {
  await withCluster(
    async (client, cluster) => {
      await freeze(cluster)
      const time = await until(() => !client.isConnected())
      t.true(time < 900, `${time} ms`)
      t.like(client.health(), { ready: false, live: true, status: 'disconnected' })
      t.regex(client.health().problems.join(), /node \S+ at 127\.0\.0\.1:\d+ does not answer/)
      await t.throwsAsync(client.ping({ totalTimeout: 100 }), { instanceOf: TimeoutError })
      await freeze(cluster, false)
      await until(() => client.isConnected())
      t.is((await client.ping()).size, 3)
    },
    { tendInterval: 200, dialTimeout: 200 },
  )
})

faultTest('while calls are made the client knows it after a quarter of a second', async (t) => {
  await withCluster(
    async (client, cluster) => {
      await client.put(freshKey(), { a: 1 })
      await freeze(cluster)
      const calls = Array.from({ length: 100 }, () => client.exists(freshKey(), { totalTimeout: 1500 }).catch(() => {}))
      const time = await until(() => !client.isConnected())
      t.true(time < 1200, `${time} ms`)
      await Promise.all(calls)
    },
    { tendInterval: 60_000 },
  )
})

faultTest('with one node frozen the others answer: degraded, and ready', async (t) => {
  await withCluster(
    async (client, cluster) => {
      await cluster.freezeNode(1)
      await until(() => client.health().status === 'degraded')
      t.like(client.health(), { ready: true, live: true })
      t.is(client.health().nodes.filter(({ answering }) => !answering).length, 1)
      t.is((await client.ping({ totalTimeout: 300 })).size, 2)
    },
    { tendInterval: 200, dialTimeout: 200 },
  )
})

faultTest('an open breaker and waiting calls are visible', async (t) => {
  await withCluster(
    async (client, cluster) => {
      await cluster.freezeNode(0)
      const calls = Array.from({ length: 50 }, () => client.exists(freshKey(), { totalTimeout: 400 }).catch(() => {}))
      await until(() => client.health().nodes[0]?.queued !== 0)
      await Promise.all(calls)
      await cluster.stopNode(0)
      for (let i = 0; i < 10; i++) await client.exists(freshKey(), { totalTimeout: 100 }).catch(() => {})
      t.is(client.health().nodes[0]?.breaker, 'open')
      t.regex(client.health().problems.join(), /is left alone after too many errors/)
    },
    { maxConnectionsPerNode: 1, maxErrorRate: 3, errorRateWindow: 100, tendInterval: 5000 },
    1,
  )
})

test('a lazy client is there at once, and its first calls wait for the cluster', async (t) => {
  const client = await another({ lazy: true })
  const key = freshKey()
  await client.put(key, { a: 1 })
  t.is((await client.get(key)).bins.a, 1)
  t.like(client.health(), { ready: true, status: 'connected' })
  await client.close()
})

test('every kind of call of a lazy client waits for the cluster', async (t) => {
  const fresh = (): Promise<Client> => another({ lazy: true })
  const calls: ((client: Client) => Promise<unknown>)[] = [
    (client) => client.batchRead([freshKey(), freshKey()]),
    (client) => client.info('node'),
    (client) => client.ping(),
    async (client) => {
      for await (const _ of client.query('test', freshSet())) t.fail()
    },
  ]
  for (const call of calls) {
    const client = await fresh()
    await t.notThrowsAsync(call(client))
    await client.close()
  }
})

faultTest('a lazy client goes on looking for a cluster that is not there yet', async (t) => {
  const probe = await LocalCluster.start()
  const port = probe.hosts[0]?.split(':')[1]
  await probe.stop()
  const client = await connect({ hosts: `127.0.0.1:${port}`, lazy: true, tendInterval: 100, connectTimeout: 500 })
  t.like(client.health(), { ready: false, live: true })
  const error = await t.throwsAsync(client.exists(freshKey(), { totalTimeout: 3000 }), {
    instanceOf: NodeNotFoundError,
  })
  t.regex(error?.message ?? '', /no active node: .*could not connect to 127\.0\.0\.1/)
  t.like(client.health(), { ready: false, live: true, status: 'disconnected' })
  t.regex(client.health().problems.join(), /no host answers: /)
  // Listening does not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  const found = new Promise<void>((resolve) => client.once('connected', resolve))
  await using cluster = await LocalCluster.start({ port: Number(port) })
  t.truthy(cluster)
  await found
  clearInterval(alive)
  await client.put(freshKey(), { a: 1 })
  t.true(client.health().ready)
  await client.close()
})

faultTest('a cluster that was found again can be called as soon as the client says so', async (t) => {
  await using cluster = await LocalCluster.start()
  const client = await connect({ hosts: cluster.hosts, tendInterval: 100, connectTimeout: 5000 })
  // Listening does not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  const lost = new Promise<void>((resolve) => client.once('disconnected', resolve))
  await cluster.stopNode(0)
  await lost
  const found = new Promise<void>((resolve) => client.once('connected', resolve))
  await cluster.startNode(0)
  // Every answer takes so long: also the one that says who has which partition.
  await cluster.slowNode(0, 100)
  await found
  clearInterval(alive)
  t.is((await client.put(freshKey(), { a: 1 }, { maxRetries: 0 })).gen, 1)
  await client.close()
})

test('dialTimeout bounds what a host that says nothing costs', async (t) => {
  const silent = createServer(() => {})
  const port = await new Promise<number>((resolve) => {
    silent.listen(0, '127.0.0.1', () => resolve((silent.address() as { port: number }).port))
  })
  const began = performance.now()
  await t.throwsAsync(connect({ hosts: `127.0.0.1:${port}`, connectTimeout: 300, dialTimeout: 100 }))
  t.true(performance.now() - began < 900)
  silent.close()
})

faultTest('close with drain waits for calls and queries under way, and takes no more', async (t) => {
  await using cluster = await LocalCluster.start()
  const client = await connect({ hosts: cluster.hosts })
  const set = freshSet()
  await client.batchWrite(
    Array.from({ length: 3000 }, (_, i) => ({ key: ['test', set, i] as const, bins: { text: 'x'.repeat(200) } })),
  )
  const reading = client.query('test', set)[Symbol.asyncIterator]()
  await reading.next()
  await cluster.slowNode(0, 300)
  const slow = client.exists(freshKey(), { totalTimeout: 5000 })
  const closed = client.close({ drain: true })
  await t.throwsAsync(client.exists(freshKey()), { instanceOf: ClientClosedError })
  t.like(client.health(), { ready: false, live: true, status: 'closing' })
  t.is((await slow).meta, null)
  await cluster.slowNode(0, 0)
  let count = 1
  for (let step = await reading.next(); step.done !== true; step = await reading.next()) count++
  t.is(count, 3000)
  await closed
  t.like(client.health(), { status: 'closed' })
})

faultTest('close with drain waits no longer than its timeout', async (t) => {
  await withCluster(async (client, cluster) => {
    await freeze(cluster)
    const call = t.throwsAsync(client.exists(freshKey(), { totalTimeout: 0 }), { instanceOf: ClientClosedError })
    const began = performance.now()
    await client.close({ drain: true, timeout: 200 })
    const time = performance.now() - began
    t.true(time > 150 && time < 1000, `${time} ms`)
    await call
  })
  const client = await another()
  await t.throwsAsync(client.close({ drian: true } as object), {
    message: /there is no option 'drian'; did you mean 'drain'/,
  })
  await client.close()
})
