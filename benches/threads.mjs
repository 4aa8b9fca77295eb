// A lane in several worker_threads: each has a client of its own and does a whole run whenever it is told to.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { adapters } from './adapters.mjs'
import { lanes } from './lanes.mjs'
import { measure } from './measure.mjs'

/** Starts the threads; what it resolves to runs the lane in all of them at once and says what they did together. */
export async function startThreads (count, data) {
  const workers = Array.from({ length: count }, () => new Worker(fileURLToPath(import.meta.url), { workerData: data }))
  await Promise.all(workers.map(worker => once(worker, 'message')))
  return async millis => {
    const started = performance.now()
    const each = await Promise.all(workers.map(async worker => {
      worker.postMessage(millis)
      const [measured] = await once(worker, 'message')
      return measured
    }))
    const sum = name => each.reduce((total, measured) => total + measured[name], 0)
    return {
      done: sum('done'),
      elapsed: performance.now() - started,
      jsMillis: sum('jsMillis'),
      busyMillis: sum('busyMillis'),
      stallMillis: Math.max(...each.map(({ stallMillis }) => stallMillis))
    }
  }
}

if (!isMainThread) {
  const { who, laneName, hosts } = workerData
  const lane = lanes.find(({ name }) => name === laneName)
  const client = await adapters[who](hosts, lane.options?.[who])
  parentPort.on('message', async millis => parentPort.postMessage(await measure(() => lane.run(client, undefined, millis))))
  parentPort.postMessage('ready')
}
