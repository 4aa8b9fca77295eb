// Info commands: raw answers of one node, any or all, and what people ask for in a form of its own.

import {
  AbortError,
  AerospikeError,
  connect,
  InvalidArgumentError,
  NamespaceNotFoundError,
  NodeNotFoundError,
  PartialInfoError,
  TimeoutError,
} from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { client, faultTest, freshSet, sleep } from './support/cluster.mjs'
import { infoFake } from './support/info.mjs'

test('a command goes to all nodes, to one, or to any', async (t) => {
  const names = client()
    .nodes()
    .map((node) => node.name)
    .sort()
  const all = await client().infoAll('node')
  t.deepEqual([...all.keys()].sort(), names)
  for (const [node, answer] of all) t.is(answer, node)
  for (const name of names) t.is(await client().infoNode(name, 'node'), name)
  t.true(names.includes(await client().infoRandom('node')))
  t.deepEqual([...(await client().info('node'))].sort(), [...all].sort())
  t.deepEqual([...(await client().info('node', { node: names[0] }))], [[names[0], names[0]]])
})

test('answers come as the node gave them, refusals included', async (t) => {
  const [name] = client()
    .nodes()
    .map((node) => node.name) as [string]
  t.is(await client().infoNode(name, 'no-such-command'), 'ERROR:4:unrecognized command')
  t.is((await client().infoRandom('namespaces')).split(';').sort().join(), 'bar,test')
})

test('commands and nodes that make no sense are refused', async (t) => {
  const wrong: Promise<unknown>[] = [
    client().info(''),
    client().info('node\nbuild'),
    client().infoAll(7 as never),
    client().infoRandom('node\n'),
    client().infoNode('*', 'node'),
    client().infoNode('', 'node'),
    client().info('node', { nodes: 'A1' } as never),
    client().infoAll('node', { totalTimeout: -1 }),
  ]
  for (const call of wrong) await t.throwsAsync(call, { instanceOf: InvalidArgumentError })
  await t.throwsAsync(client().infoNode('nonesuch', 'node'), { instanceOf: NodeNotFoundError })
})

test('an aborted signal ends a call', async (t) => {
  const signal = AbortSignal.abort(new Error('enough'))
  const error = await t.throwsAsync(client().infoAll('node', { signal }), { instanceOf: AbortError })
  t.like(error?.cause, { message: 'enough' })
})

test('a call without a limit of time is one', async (t) => {
  t.is((await client().infoAll('node', { totalTimeout: 0 })).size, client().nodes().length)
})

test('statistics are numbers, flags and text', async (t) => {
  const statistics = await client().statistics()
  t.is(statistics.size, client().nodes().length)
  for (const one of statistics.values()) {
    t.is(one.cluster_size, client().nodes().length)
    t.is(typeof one.uptime, 'number')
    t.is(one.cluster_integrity, true)
    t.is(typeof one.cluster_key, 'string')
  }
})

test('namespaces and sets count each record once', async (t) => {
  const set = freshSet()
  const rows = Array.from({ length: 60 }, (_, i) => ({ key: ['test', set, i] as const, bins: { i } }))
  ;(await client().batchWrite(rows)).throwIfFailed()

  const namespaces = await client().namespaces()
  t.deepEqual(namespaces.map((one) => one.name).sort(), ['bar', 'test'])
  const namespace = namespaces.find((one) => one.name === 'test')
  t.true((namespace?.objects ?? 0) >= 60)
  t.true((namespace?.dataBytes ?? 0) > 0)
  t.is(namespace?.stopWrites, false)
  t.is(namespace?.nodes.size, client().nodes().length)
  t.true((namespace?.replicationFactor ?? 0) >= 1)
  t.true((namespace?.replicationFactor ?? 9) <= client().nodes().length)

  const found = (await client().sets('test')).find((one) => one.name === set)
  t.like(found, { namespace: 'test', name: set, objects: 60, tombstones: 0, indexes: 0 })
  t.true((found?.dataBytes ?? 0) > 0)
  await t.throwsAsync(client().sets('nonesuch'), { instanceOf: NamespaceNotFoundError })
})

test('latencies are histograms of what was measured', async (t) => {
  t.timeout(90_000)
  const set = freshSet()
  const keys = Array.from({ length: 30 }, (_, i) => ['test', set, i] as const)
  const wanted = ['{test}-write', '{test}-read', '{test}-batch-sub-read', 'batch-index']
  const missing = new Set(wanted)
  // Servers tell of whole windows of ten seconds.
  for (let looks = 0; missing.size > 0 && looks < 200; looks++) {
    await Promise.all(
      keys.map((key) =>
        client()
          .put(key, { a: 1 })
          .then(() => client().get(key)),
      ),
    )
    await client().batchRead(keys)
    const latencies = await client().latencies()
    t.is(latencies.size, client().nodes().length)
    for (const { name, namespace, unit, perSecond, over } of [...latencies.values()].flat()) {
      if (perSecond > 0) missing.delete(name)
      t.is(namespace, name === 'batch-index' ? undefined : /^\{(.*)\}/.exec(name)?.[1])
      t.is(unit, 'msec')
      t.deepEqual([...over.keys()].slice(0, 3), [1, 2, 4])
      const percents = [...over.values()]
      t.true(percents.every((percent, i) => percent >= 0 && percent <= (percents[i - 1] ?? 100)))
    }
    await sleep(300)
  }
  t.deepEqual([...missing], [])
})

test('latencies are read as servers write them', async (t) => {
  const answer =
    'batch-index:msec,0.5,10.00,5.00,0.00;{test}-read:;{a:b}-batch-sub-read:usec,12.0,1.25;{test}-write:;oddity'
  const { client: fake } = infoFake((command) => (command === 'latencies:' ? answer : undefined))
  const latencies = (await fake.latencies()).get('A1')
  t.deepEqual(latencies, [
    {
      name: 'batch-index',
      namespace: undefined,
      operation: 'batch-index',
      unit: 'msec',
      perSecond: 0.5,
      over: new Map([
        [1, 10],
        [2, 5],
        [4, 0],
      ]),
    },
    {
      name: '{a:b}-batch-sub-read',
      namespace: 'a:b',
      operation: 'batch-sub-read',
      unit: 'usec',
      perSecond: 12,
      over: new Map([[1, 1.25]]),
    },
  ])
})

test('values of statistics keep what a number would lose', async (t) => {
  const answer = 'a=1;b=-2.50;c=true;d=9007199254740993;cluster_key=123456789012;e=007;f=x=y;g=;h=1e5;__proto__=1;plain'
  const { client: fake } = infoFake(() => answer)
  const statistics = (await fake.statistics()).get('A1')
  t.deepEqual(Object.entries(statistics ?? {}), [
    ['a', 1],
    ['b', -2.5],
    ['c', true],
    ['d', '9007199254740993'],
    ['cluster_key', '123456789012'],
    ['e', '007'],
    ['f', 'x=y'],
    ['g', ''],
    ['h', '1e5'],
    ['__proto__', 1],
  ])
})

test('views add up what nodes say, and leave out nodes that do not know', async (t) => {
  const { client: fake } = infoFake(
    (command, node) => {
      if (command === 'namespaces') return 'test;bar'
      if (command === 'namespace/bar' && node === 'A2') return 'type=unknown'
      if (command.startsWith('namespace/')) {
        return 'effective_replication_factor=2;master_objects=3;data_used_bytes=10;stop_writes=true;default-ttl=60'
      }
      const line = (name: string) => `ns=test:set=${name}:objects=3:data_used_bytes=5:truncating=false:sindexes=1;`
      return node === 'A1' ? line('1') : line('1') + line('true')
    },
    { nodes: ['A1', 'A2'] },
  )
  const [whole, half] = await fake.namespaces()
  t.like(whole, { name: 'test', objects: 6, dataBytes: 20, replicationFactor: 2, stopWrites: true, defaultTtl: 60 })
  t.like(half, { name: 'bar', objects: 3 })
  t.deepEqual([...(half?.nodes.keys() ?? [])], ['A1'])
  t.deepEqual(
    (await fake.sets('test')).map(({ name, objects, indexes }) => [name, objects, indexes]),
    [
      ['1', 3, 1],
      ['true', 2, 1],
    ],
  )
})

test('a node that answers something else is an error that names it', async (t) => {
  const { client: fake, native } = infoFake(() => '')
  Object.assign(native, { info: async () => [{ node: 'A1', response: 'other\tvalue\n' }] })
  const error = await t.throwsAsync(fake.statistics(), { instanceOf: AerospikeError })
  t.is(error?.node, 'A1')
  const { client: refusing } = infoFake(() => 'ERROR:81:role violation')
  t.like(await t.throwsAsync(refusing.statistics()), { code: 81, node: 'A1', name: 'RoleViolationError' })
})

faultTest('what the others say is kept when one node does not answer', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 3 })
  await using own = await connect({ hosts: cluster.hosts, tendInterval: 60_000 })
  const names = own.nodes().map(({ name }) => name)
  await cluster.freezeNode(1)
  const error = await t.throwsAsync(own.info('build', { totalTimeout: 300 }), { instanceOf: PartialInfoError })
  t.deepEqual([...error.answers.keys(), ...error.errors.keys()].sort(), names.sort())
  t.regex([...error.answers.values()].join(), /^8\.[\d.]+,8\.[\d.]+$/)
  const [[frozen, reason] = []] = error.errors
  t.true(reason instanceof TimeoutError)
  t.like(error, { cause: reason, node: frozen, code: 9, retryable: true })
  t.regex(error.message, /^info: 1 of 3 nodes did not answer; first: info: timed out/)
  t.is(Object.keys(JSON.parse(JSON.stringify(error)).answers).length, 2)
  await t.throwsAsync(own.statistics({ totalTimeout: 300 }), { instanceOf: PartialInfoError })
  for (const node of [0, 2]) await cluster.freezeNode(node)
  await t.throwsAsync(own.info('build', { totalTimeout: 300 }), { instanceOf: TimeoutError })
})

faultTest('a node that is frozen or gone is passed over by what any node can answer', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 3 })
  await using own = await connect(cluster.hosts)
  await cluster.freezeNode(1)
  for (let i = 0; i < 6; i++)
    t.is(await own.infoRandom('edition', { totalTimeout: 6000 }), 'Aerospike Community Edition')
  await cluster.thawNode(1)
  await cluster.stopNode(2)
  for (let i = 0; i < 6; i++)
    t.is(await own.infoRandom('edition', { totalTimeout: 6000 }), 'Aerospike Community Edition')
})
