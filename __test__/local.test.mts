// The local cluster: starting, stopping, and misbehaving on request.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AerospikeError, connect, InvalidArgumentError } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'

test.serial('a cluster starts on free ports and stops twice', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 2 })
  t.is(cluster.hosts.length, 2)
  t.not(cluster.hosts[0], cluster.hosts[1])
  const client = await connect(cluster.hosts)
  t.is(client.nodes().length, 2)
  await client.close()
  await cluster.stop()
  await cluster.stop()
})

test.serial('await using stops the cluster at the end of the block', async (t) => {
  let host: string
  {
    await using cluster = await LocalCluster.start()
    host = cluster.hosts[0] as string
    await using client = await connect(cluster.hosts)
    await client.put(['test', 'demo', 1], { a: 1 })
    t.is((await client.get(['test', 'demo', 1])).bins.a, 1)
  }
  await t.throwsAsync(connect({ hosts: [host], connectTimeout: 500 }), { instanceOf: AerospikeError })
})

/** Runs a script with a garbage collector at hand, and returns what it printed. */
async function runWithGc(script: string): Promise<string> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const args = ['--expose-gc', '--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 30_000 })
  return stdout.trim()
}

const IMPORTS = `
  import { Worker } from 'node:worker_threads'
  import { connect } from 'aerospike-napi'
  import { LocalCluster } from 'aerospike-napi/local'
  async function collect () {
    for (let i = 0; i < 5; i++) {
      gc()
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
`

test.serial('a cluster runs on when nothing but its clients or its addresses is kept', async (t) => {
  const script = `${IMPORTS}
    const start = async () => (await LocalCluster.start()).hosts
    const open = async () => connect(await start())
    const client = await open()
    const hosts = await start()
    await collect()
    for (let i = 0; i < 200; i++) await client.put(['test', 'demo', i], { i })
    const other = await connect(hosts)
    await other.put(['test', 'demo', 1], { a: 1 })
    console.log((await other.get(['test', 'demo', 1])).bins.a, (await client.get(['test', 'demo', 199])).bins.i)
  `
  t.is(await runWithGc(script), '1 199')
})

test.serial('a cluster that was stopped is freed, and one that was not ends with its thread', async (t) => {
  const script = `${IMPORTS}
    let collected = 0
    const registry = new FinalizationRegistry(() => collected++)
    const once = async () => {
      const cluster = await LocalCluster.start()
      registry.register(cluster)
      await cluster.stop()
    }
    for (let i = 0; i < 5; i++) await once()
    await collect()
    const worker = new Worker(\`
      import { parentPort } from 'node:worker_threads'
      import { LocalCluster } from 'aerospike-napi/local'
      parentPort.postMessage((await LocalCluster.start()).hosts)
      setInterval(() => {}, 1000)
    \`, { eval: true })
    const hosts = await new Promise(resolve => worker.once('message', resolve))
    await (await connect(hosts)).close()
    await worker.terminate()
    const error = await connect({ hosts, connectTimeout: 500 }).catch(error => error)
    console.log(collected, error instanceof Error)
  `
  t.is(await runWithGc(script), '5 true')
})

test.serial('two clusters do not know each other', async (t) => {
  await using one = await LocalCluster.start()
  await using two = await LocalCluster.start()
  await using a = await connect(one.hosts)
  await using b = await connect(two.hosts)
  await a.put(['test', 'demo', 1], { a: 1 })
  t.is((await b.exists(['test', 'demo', 1]))[1], null)
})

test.serial('bar expires after 30 days, test never', async (t) => {
  await using cluster = await LocalCluster.start()
  await using client = await connect(cluster.hosts)
  t.is((await client.put(['test', 'demo', 1], { a: 1 })).ttl, -1)
  await client.put(['bar', 'demo', 1], { a: 1 })
  const { ttl } = (await client.get(['bar', 'demo', 1])).meta
  t.true(Math.abs(ttl - 30 * 86400) < 5, String(ttl))
})

test.serial('a node can be stopped and started; the others serve its records meanwhile', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 3 })
  await using client = await connect({ hosts: cluster.hosts, tendInterval: 100 })
  const keys = Array.from({ length: 200 }, (_, i) => ['test', 'demo', i] as const)
  ;(await client.batchWrite(keys.map((key, i) => ({ key, bins: { i } })))).throwIfFailed()
  await cluster.stopNode(2)
  await new Promise((resolve) => setTimeout(resolve, 400))
  const whole = await (await client.batchRead(keys, { totalTimeout: 3000 })).retry()
  t.is(whole.found.length, 200)
  await cluster.startNode(2)
  await new Promise((resolve) => setTimeout(resolve, 600))
  t.is(client.nodes().filter((node) => node.active).length, 3)
})

test.serial('a slow node is slow, a node that drops connections goes on', async (t) => {
  await using cluster = await LocalCluster.start()
  await using client = await connect(cluster.hosts)
  const key = ['test', 'demo', 1] as const
  await client.put(key, { a: 1 })
  await cluster.slowNode(0, 120)
  const started = performance.now()
  await client.get(key)
  t.true(performance.now() - started >= 100)
  await cluster.slowNode(0, 0)
  await cluster.dropConnections(0)
  t.is((await client.get(key)).bins.a, 1)
})

test.serial('a node that rejects connections goes on with those that are open', async (t) => {
  await using cluster = await LocalCluster.start()
  await using client = await connect(cluster.hosts)
  const key = ['test', 'demo', 1] as const
  await client.put(key, { a: 1 })
  await cluster.rejectConnections(0, true)
  t.is((await client.get(key)).bins.a, 1)
  await t.throwsAsync(connect({ hosts: cluster.hosts, connectTimeout: 300 }), { instanceOf: AerospikeError })
  await cluster.rejectConnections(0, false)
  await (await connect(cluster.hosts)).close()
  await t.throwsAsync(cluster.rejectConnections(0, 1 as never), { instanceOf: InvalidArgumentError })
})

test.serial('a frozen node answers nothing until it thaws', async (t) => {
  await using cluster = await LocalCluster.start()
  await using client = await connect(cluster.hosts)
  const key = ['test', 'demo', 1] as const
  await client.put(key, { a: 1 })
  await cluster.freezeNode(0)
  const started = performance.now()
  const error = await t.throwsAsync(client.get(key, { totalTimeout: 200 }), { instanceOf: AerospikeError })
  t.true(performance.now() - started < 1000)
  t.true((error?.elapsed ?? 0) > 100)
  t.is(error?.inDoubt, false)
  const write = await t.throwsAsync(client.put(key, { a: 2 }, { totalTimeout: 200 }), { instanceOf: AerospikeError })
  t.is(write?.inDoubt, true)
  await cluster.thawNode(0)
  t.is(typeof (await client.get(key, { totalTimeout: 3000 })).bins.a, 'number')
})

test('options and node numbers are checked', async (t) => {
  const wrong = [{ nodes: 0 }, { nodes: 9 }, { nodes: 1.5 }, { port: -1 }, { node: 3 }, null, 5] as never[]
  for (const options of wrong) await t.throwsAsync(LocalCluster.start(options), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(LocalCluster.start({ nodez: 3 } as never), {
    instanceOf: InvalidArgumentError,
    message: /did you mean 'nodes'/,
  })
  await using cluster = await LocalCluster.start()
  await t.throwsAsync(cluster.stopNode(1), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(cluster.slowNode(0, -1), { instanceOf: InvalidArgumentError })
  for (const options of [
    {},
    { code: 0 },
    { code: 18, probability: 2 },
    { code: 18, rows: -1 },
    { code: 18, rom: 1 },
    5,
  ]) {
    await t.throwsAsync(cluster.refuseRows(0, options as never), { instanceOf: InvalidArgumentError })
  }
})

test.serial('an enterprise cluster is one by its own account and deletes durably', async (t) => {
  await using cluster = await LocalCluster.start({ edition: 'enterprise' })
  await using client = await connect(cluster.hosts)
  t.is(await client.infoRandom('edition'), 'Aerospike Enterprise Edition')
  await client.put(['test', 'demo', 1], { a: 1 })
  await client.remove(['test', 'demo', 1], { durableDelete: true })
  t.is((await client.exists(['test', 'demo', 1]))[1], null)
  await t.throwsAsync(LocalCluster.start({ edition: 'enterprize' as 'enterprise' }), {
    instanceOf: InvalidArgumentError,
    message: /option 'edition' must be 'community' or 'enterprise', not .*did you mean 'enterprise'/,
  })
})
