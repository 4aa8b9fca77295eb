// node --expose-gc benches/soak.mjs [--minutes 30] [--pause 0]: mixed load for a long time, with a pause in ms between calls, on the embedded cluster in a process of its own or on
// AEROSPIKE_HOSTS. Prints the client's memory every half minute and fails when it grew by more than a tenth (and by
// more than 8 MiB) from the second quarter of the run to the last.
import { parseArgs } from 'node:util'
import { prepare } from '../scripts/prepare.mjs'
import { startServer } from './server.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' }, pause: { type: 'string', default: '0' } } })
const minutes = Number(values.minutes)
const pause = Number(values.pause)

prepare()
const { connect, op } = await import('../dist/index.js')

const server = await startServer(3)
// calls that are told to time out would open the circuit breaker
const client = await connect({ hosts: server.hosts.split(','), maxErrorRate: 0 })
const key = id => ['test', 'soak', id]
const records = 20_000
const random = n => Math.floor(Math.random() * n)
const bins = id => ({ name: `name ${id}`, n: id, tags: ['a', 'b', id], profile: { city: 'Lima', score: id / 3 }, blob: Buffer.alloc(100, id) })
const refused = name => error => { if (error.constructor.name !== name) throw error }

/** What runs, and how often compared with the others. */
const work = [
  [20, () => client.get(key(random(records))).catch(refused('RecordNotFoundError'))],
  [10, () => client.put(key(random(records)), bins(random(1e6)), { ttl: 3600 })],
  [3, () => client.operate(key(random(records)), [op.increment('count', 1), op.read('count')])],
  [3, () => client.remove(key(random(records))).catch(refused('RecordNotFoundError'))],
  [2, async () => { for (const row of await client.batchRead(Array.from({ length: 500 }, () => key(random(records))))) row.record?.bins }],
  [1, () => client.batchWrite(Array.from({ length: 200 }, () => ({ key: key(random(records)), bins: bins(random(1e6)) })))],
  [1, () => client.get(key(0), { signal: AbortSignal.timeout(random(3)) }).catch(() => {})],
  [1, () => client.put(key(1), { bad: new Date() }).catch(refused('InvalidArgumentError'))],
  [1, () => client.get(key(2), { totalTimeout: 1 }).catch(() => {})]
].flatMap(([often, run]) => Array(often).fill(run))

let calls = 0
let going = true
const started = performance.now()
const workers = Array.from({ length: 32 }, async () => {
  while (going) {
    await work[random(work.length)]()
    calls++
    if (pause > 0) await new Promise(resolve => setTimeout(resolve, pause))
  }
})

const samples = []
const sample = () => {
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const mib = n => Math.round(n / 2 ** 20)
  samples.push(rss / 2 ** 20)
  console.log(`${((performance.now() - started) / 60_000).toFixed(1)} min  rss ${mib(rss)} MiB  heap ${mib(heapUsed)} MiB  external ${mib(external)} MiB  ${calls.toLocaleString('en')} calls`)
}
const sampler = setInterval(sample, minutes >= 5 ? 30_000 : minutes * 60_000 / 10)
await new Promise(resolve => setTimeout(resolve, minutes * 60_000))
clearInterval(sampler)
going = false
await Promise.all(workers)
sample()
await client.close()
server.stop()

const median = of => of.toSorted((a, b) => a - b)[of.length >> 1]
const quarter = Math.floor(samples.length / 4)
const early = median(samples.slice(quarter, 2 * quarter))
const late = median(samples.slice(-quarter))
const flat = late <= early * 1.1 || late - early <= 8
console.log(`${calls.toLocaleString('en')} calls, rss ${early.toFixed(0)} MiB in the second quarter, ${late.toFixed(0)} MiB in the last: ${flat ? 'flat' : 'growing'}`)
process.exit(flat ? 0 : 1)
