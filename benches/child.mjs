// One measurement in a process of its own: node child.mjs CLIENT LANE HOSTS. Prints a JSON line.
import { adapters } from './adapters.mjs'
import { sets } from './data.mjs'
import { lanes } from './lanes.mjs'
import { measure } from './measure.mjs'
import { startThreads } from './threads.mjs'

const [who, laneName, hostList] = process.argv.slice(2)
const hosts = hostList.split(',')
const rowsOfLoad = 500
const warmUpMillis = 700
const measuredMillis = 1000

async function load () {
  const client = await adapters[who](hosts)
  for (const [set, { records, bins }] of Object.entries(sets)) {
    for (let from = 0; from < records; from += rowsOfLoad) {
      await client.batchWrite(Array.from({ length: rowsOfLoad }, (_, i) => ({ id: from + i, bins: bins(from + i) })), set)
    }
  }
}

async function runnerOf (lane) {
  if (lane.threads !== undefined) return startThreads(lane.threads, { who, laneName, hosts })
  const client = await adapters[who](hosts, lane.options?.[who])
  const prepared = lane.prepare?.(client)
  return () => measure(() => lane.run(client, prepared))
}

function collect () {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Runs as often as it takes to fill the time, and adds up. */
async function repeat (run, millis) {
  const all = { done: 0, elapsed: 0, jsMillis: 0, stallMillis: 0 }
  do {
    const one = await run()
    for (const name of ['done', 'elapsed', 'jsMillis']) all[name] += one[name]
    all.stallMillis = Math.max(all.stallMillis, one.stallMillis)
  } while (all.elapsed < millis)
  return all
}

async function measureLane (lane) {
  const run = await runnerOf(lane)
  // warm-up: connections, caches, the JIT. A short run of a fast client is over before the JIT is done.
  await repeat(run, lane.once ? 0 : warmUpMillis)
  globalThis.held = undefined
  const before = collect()
  const cpu = process.cpuUsage()
  const { done, elapsed, jsMillis, stallMillis } = await repeat(run, lane.once ? 0 : measuredMillis)
  const used = process.cpuUsage(cpu)
  return {
    perSecond: done / elapsed * 1000,
    cpuMicros: (used.user + used.system) / done,
    jsMicros: jsMillis * 1000 / done,
    stallMillis,
    bytesHeld: (collect() - before) / done
  }
}

if (laneName === 'load') await load()
else console.log(JSON.stringify(await measureLane(lanes.find(({ name }) => name === laneName))))
process.exit(0)
