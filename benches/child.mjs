// One client in one lane, in a process of its own: node child.mjs CLIENT LANE HOSTS, started with an IPC channel. Every
// message asks for a measurement, and is answered with one. LANE `load` writes what the lanes read, and ends.
import { adapters } from './adapters.mjs'
import { sets } from './data.mjs'
import { lanes } from './lanes.mjs'
import { measure } from './measure.mjs'
import { startThreads } from './threads.mjs'

const [who, laneName, hostList] = process.argv.slice(2)
const hosts = hostList.split(',')
const rowsOfLoad = 500
/** Connections, caches, the JIT: a short run of a fast client is over before the JIT is done. */
const warmUpMillis = 700
/** The other client had the machine meanwhile. */
const settlingMillis = 200
const measuredMillis = 1000

async function load () {
  const client = await adapters[who](hosts)
  for (const [set, { records, bins }] of Object.entries(sets)) {
    for (let from = 0; from < records; from += rowsOfLoad) {
      await client.replace(Array.from({ length: rowsOfLoad }, (_, i) => ({ id: from + i, bins: bins(from + i) })), set)
    }
  }
}

async function runnerOf (lane) {
  if (lane.threads !== undefined) return startThreads(lane.threads, { who, laneName, hosts })
  const client = await adapters[who](hosts, lane.options?.[who])
  const prepared = lane.prepare?.(client)
  return millis => measure(() => lane.run(client, prepared, millis))
}

function collect () {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Runs for a time: once, or as often as it takes, and adds up. */
async function repeat (run, millis) {
  const all = { done: 0, elapsed: 0, jsMillis: 0, busyMillis: 0, stallMillis: 0 }
  do {
    const one = await run(millis)
    for (const name of ['done', 'elapsed', 'jsMillis', 'busyMillis']) all[name] += one[name]
    all.stallMillis = Math.max(all.stallMillis, one.stallMillis)
    // A timer may be a little early.
  } while (all.elapsed < millis * 0.95)
  return all
}

async function measureOnce (run, lane) {
  await repeat(run, lane.once ? 0 : settlingMillis)
  globalThis.held = undefined
  const before = lane.once ? collect() : 0
  const cpu = process.cpuUsage()
  const { done, elapsed, jsMillis, busyMillis, stallMillis } = await repeat(run, lane.once ? 0 : measuredMillis)
  const used = process.cpuUsage(cpu)
  return {
    perSecond: done / elapsed * 1000,
    cpuMicros: (used.user + used.system) / done,
    jsMicros: jsMillis * 1000 / done,
    busyMicros: busyMillis * 1000 / done,
    stallMillis,
    bytesHeld: lane.once ? (collect() - before) / done : 0
  }
}

if (laneName === 'load') {
  await load()
  process.exit(0)
}
const lane = lanes.find(({ name }) => name === laneName)
const run = await runnerOf(lane)
if (!lane.once) await repeat(run, warmUpMillis)
process.on('message', async () => process.send(await measureOnce(run, lane)))
process.on('disconnect', () => process.exit(0))
process.send('ready')
