// One measurement in a process of its own: node child.mjs CLIENT LANE HOSTS. Prints a JSON line.
//
// Stalls are measured by a 1 ms timer that notes how late it fires: a histogram of the event loop's delay would do, but
// its resolution hides what a single long task did.
import { performance } from 'node:perf_hooks'
import { adapters } from './adapters.mjs'
import { lanes, profile, records, scanned } from './lanes.mjs'

const [who, laneName, hosts] = process.argv.slice(2)
const lane = lanes.find(({ name }) => name === laneName)
const client = await adapters[who](hosts.split(','), lane?.options)

if (laneName === 'load') {
  const fill = async (count, set) => {
    for (let id = 0; id < count; id += 1000) {
      await client.batchWrite(Array.from({ length: 1000 }, (_, i) => ({ id: id + i, bins: profile(id + i) })), set)
    }
  }
  await fill(records)
  await fill(scanned.records, scanned.set)
  await client.close()
  process.exit(0)
}

await lane.run(client) // warm-up: connections, caches, the JIT

function watchStalls () {
  let last = performance.now()
  let worst = 0
  const timer = setInterval(() => {
    const now = performance.now()
    worst = Math.max(worst, now - last - 1)
    last = now
  }, 1)
  return () => {
    clearInterval(timer)
    return worst
  }
}

globalThis.held = undefined
globalThis.gc?.()
globalThis.gc?.()
const memory = process.memoryUsage()
const stop = watchStalls()
const cpu = process.cpuUsage()
const loop = performance.eventLoopUtilization()
const started = performance.now()
const done = await lane.run(client)
const elapsed = performance.now() - started
const used = process.cpuUsage(cpu)
const busy = performance.eventLoopUtilization(loop)
const stall = stop()
globalThis.gc?.()
globalThis.gc?.()
const after = process.memoryUsage()

console.log(JSON.stringify({
  perSecond: done / elapsed * 1000,
  cpuMicros: (used.user + used.system) / done,
  jsMicros: busy.active * 1000 / done,
  stallMillis: stall,
  bytesHeld: (after.heapUsed + after.external - memory.heapUsed - memory.external) / done
}))
await client.close()
process.exit(0)
