// Inline I/O: few commands at a time, which the JavaScript thread itself writes and reads.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { RecordNotFoundError } from 'aerospike-napi'
import test from 'ava'
import { another, client, faultTest, freshKey, freshSet, local, sleep, target } from './support/cluster.mjs'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const module_ = new URL('../../dist/index.js', import.meta.url).href

test('commands one after another are all answered', async (t) => {
  const set = freshSet()
  for (let i = 0; i < 2000; i++) {
    const key = ['test', set, i % 50] as const
    await client().put(key, { i })
    const record = await client().get(key)
    t.is(record.bins.i, i)
  }
  await t.throwsAsync(client().get(['test', set, 1000]), { instanceOf: RecordNotFoundError })
  const [, meta] = await client().exists(['test', set, 1000])
  t.is(meta, null)
})

test('an answer larger than one read arrives whole', async (t) => {
  const key = freshKey()
  const text = 'x'.repeat(200_000)
  await client().put(key, { text })
  for (let i = 0; i < 100; i++) t.is((await client().get<{ text: string }>(key)).bins.text, text)
})

test('lone commands and groups of commands take turns', async (t) => {
  const set = freshSet()
  for (let round = 0; round < 200; round++) {
    const alone = client().put(['test', set, 'alone'], { round })
    await new Promise(setImmediate)
    const rest = Array.from({ length: round % 5 }, (_, i) => client().put(['test', set, i], { round }))
    await Promise.all([alone, ...rest])
    t.is((await client().get(['test', set, 'alone'])).bins.round, round)
  }
})

test('each of many commands in flight gets its own answer', async (t) => {
  const set = freshSet()
  const worker = async (n: number) => {
    for (let i = 0; i < 100; i++) {
      await client().put(['test', set, n], { n, i, text: 'x'.repeat((n * 37 + i) % 400) })
      const { bins } = await client().get(['test', set, n])
      if (bins.n !== n || bins.i !== i) return bins
      if (i % 10 === n % 10) await t.throwsAsync(client().get(['test', set, -1]), { instanceOf: RecordNotFoundError })
    }
    return undefined
  }
  // As many as one connection takes, as several do, and more than are sent from here.
  for (const workers of [8, 70, 200]) {
    const wrong = await Promise.all(Array.from({ length: workers }, (_, n) => worker(n)))
    t.deepEqual(
      wrong.filter((bins) => bins !== undefined),
      [],
    )
  }
})

test('small batches at the same time get each its own rows', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 200 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.slice(0, 150).map((key) => ({ key, bins: { i: key[2] } })))).throwIfFailed()
  const worker = async (n: number) => {
    for (let round = 0; round < 50; round++) {
      const from = (n * 13 + round * 7) % 180
      const batch = await client().batchRead<{ i: number }>(keys.slice(from, from + 20))
      for (const { index, result, record } of batch) {
        const expected = from + index < 150 ? from + index : undefined
        if (record?.bins.i !== expected || result !== (expected === undefined ? 'notFound' : 'ok')) return [from, index]
      }
    }
    return undefined
  }
  const wrong = await Promise.all(Array.from({ length: 10 }, (_, n) => worker(n)))
  t.deepEqual(
    wrong.filter((row) => row !== undefined),
    [],
  )
})

test('what a callback throws is an uncaught exception like any other', async (t) => {
  const script = `
    const { connect } = await import(${JSON.stringify(module_)})
    const client = await connect(${JSON.stringify(target())})
    const key = ['test', ${JSON.stringify(freshSet())}, 1]
    for (let i = 0; i < 500; i++) await client.put(key, { i })
    let caught = 0
    process.on('uncaughtException', () => caught++)
    for (let i = 0; i < 20; i++) {
      await client.get(key)
      process.nextTick(() => { throw new Error('thrown') })
      await client.get(key)
    }
    await client.close()
    console.log(caught)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: root, timeout: 20_000 })
  t.is(stdout.trim(), '20')
})

for (const ending of [
  'await client.close()',
  '',
  'process.exit(0)',
  'client.get(key)',
  'client.get(key); process.exit(0)',
]) {
  test(`a script ends by itself after its work: ${ending || 'nothing more'}`, async (t) => {
    const script = `
      const { connect } = await import(${JSON.stringify(module_)})
      const client = await connect(${JSON.stringify(target())})
      const key = ['test', ${JSON.stringify(freshSet())}, 1]
      for (let i = 0; i < 500; i++) await client.put(key, { i })
      process.on('exit', () => console.log('done', performance.now() - end))
      const end = performance.now()
      ${ending}`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: root,
      timeout: 20_000,
    })
    const [done, ms] = stdout.trim().split(' ')
    t.is(done, 'done')
    t.true(Number(ms) < 500, `${ms} ms`)
  })
}

test('a worker can be terminated while a command is in flight', async (t) => {
  const script = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.module).then(async ({ connect }) => {
      const client = await connect(workerData.hosts)
      const key = ['test', workerData.set, 1]
      for (let i = 0; i < 300; i++) await client.put(key, { i })
      parentPort.postMessage('busy')
      for (;;) await client.get(key)
    })`
  for (let i = 0; i < 20; i++) {
    const workerData = { module: module_, hosts: target(), set: freshSet() }
    const worker = new Worker(script, { eval: true, workerData })
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await sleep(i % 4)
    t.is(await worker.terminate(), 1)
  }
})

test('clients come and go with commands in flight', async (t) => {
  for (let i = 0; i < 10; i++) {
    const own = await another()
    const key = freshKey()
    for (let n = 0; n < 60; n++) await own.put(key, { n })
    const last = own.get(key)
    await Promise.all([own.close(), last.then((record) => t.is(record.bins.n, 59))])
  }
})

faultTest('a node that freezes costs a read its timeout only', async (t) => {
  const own = await another({ tendInterval: 250 })
  const set = freshSet()
  for (let i = 0; i < 300; i++) await own.put(['test', set, i % 30], { i })
  for (let i = 0; i < 300; i++) await own.get(['test', set, i % 30])
  local().freezeNode(1)
  try {
    for (let i = 0; i < 30; i++) {
      const start = performance.now()
      await own.get(['test', set, i])
      t.true(performance.now() - start < 1000)
    }
  } finally {
    await local().thawNode(1)
  }
  await sleep(1000)
  for (let i = 0; i < 300; i++) await own.get(['test', set, i % 30])
  await own.close()
})

faultTest(
  'many commands on a node that freezes are answered once it goes on, and so are those after them',
  async (t) => {
    const own = await another({ tendInterval: 250 })
    const set = freshSet()
    const keys = Array.from({ length: 60 }, (_, i) => ['test', set, i] as const)
    await Promise.all(keys.map((key) => own.put(key, { i: key[2] })))
    // Until there are connections, with answers of some size.
    for (let i = 0; i < 50; i++) await Promise.all(keys.map((key) => own.get(key)))
    for (let round = 0; round < 3; round++) {
      const options = { totalTimeout: 20_000, replica: 'master', maxRetries: 0 } as const
      for (const node of [0, 1, 2]) await local().freezeNode(node)
      const reads = keys.map((key) => own.get<{ i: number }>(key, options))
      await sleep(60)
      for (const node of [0, 1, 2]) await local().thawNode(node)
      t.deepEqual(
        (await Promise.all(reads)).map(({ bins }) => bins.i),
        keys.map((key) => key[2]),
      )
      // One that can be cancelled goes through the runtime, on the connections that were here before.
      for (const key of keys) {
        const start = performance.now()
        await own.get(key, { signal: new AbortController().signal, totalTimeout: 20_000 })
        t.true(performance.now() - start < 1000)
      }
    }
    await own.close()
  },
)

faultTest('lines whose connections the server drops are replaced', async (t) => {
  const own = await another()
  const key = freshKey()
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 100; i++) await own.put(key, { i })
    for (const node of [0, 1, 2]) await local().dropConnections(node)
    await sleep(20)
    t.is((await own.get(key)).bins.i, 99)
  }
  await own.close()
})
