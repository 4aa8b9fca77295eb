// Many clients in one process, and clients in worker threads.

import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { another, client, freshKey, freshSet, target } from './support/cluster.mjs'

const require = createRequire(import.meta.url)
const entry = require.resolve('aerospike-napi')

function inWorker(body: string, data: object): Worker {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { connect } = require(workerData.entry)
    const main = async () => { ${body} }
    main().then((value) => parentPort.postMessage({ value }), (error) => parentPort.postMessage({ error: String(error && error.stack) }))
  `
  return new Worker(code, { eval: true, workerData: { entry, hosts: target(), ...data } })
}

function answer(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('message', ({ value, error }: { value?: unknown; error?: string }) =>
      error === undefined ? resolve(value) : reject(new Error(error)),
    )
    worker.once('error', reject)
  })
}

test('many clients live side by side', async (t) => {
  const clients = await Promise.all(Array.from({ length: 5 }, () => another()))
  const key = freshKey()
  await Promise.all(clients.map((own, i) => own.put(key, { [`c${i}`]: i })))
  t.is(Object.keys((await client().get(key)).bins).length, 5)
  await Promise.all(clients.map((own) => own.close()))
  t.is((await client().exists(key))[1]?.gen, 5)
})

test('a client works in a worker thread, several at once', async (t) => {
  const set = freshSet()
  const workers = Array.from({ length: 3 }, (_, n) =>
    inWorker(
      `const client = await connect(workerData.hosts)
       const keys = Array.from({ length: 200 }, (_, i) => ['test', workerData.set, workerData.n * 1000 + i])
       await Promise.all(keys.map((key, i) => client.put(key, { i })))
       const batch = await client.batchRead(keys)
       await client.close()
       return batch.found.length`,
      { set, n },
    ),
  )
  t.deepEqual(await Promise.all(workers.map(answer)), [200, 200, 200])
  await Promise.all(workers.map((worker) => worker.terminate()))
})

test('a worker that is terminated in the middle of its batches takes nobody down', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: 2000 }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key, i) => ({ key, bins: { i, text: 'x'.repeat(200) } })))).throwIfFailed()
  for (let round = 0; round < 5; round++) {
    const worker = inWorker(
      `const client = await connect(workerData.hosts)
       const keys = Array.from({ length: 2000 }, (_, i) => ['test', workerData.set, i])
       parentPort.postMessage({ value: 'going' })
       for (;;) await Promise.all([client.batchRead(keys), client.batchRead(keys), client.get(keys[0])])`,
      { set },
    )
    t.is(await answer(worker), 'going')
    await new Promise((resolve) => setTimeout(resolve, 10 + round * 7))
    await worker.terminate()
  }
  t.is((await client().batchRead(keys)).found.length, 2000)
})
