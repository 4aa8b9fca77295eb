// node --expose-gc benches/cycles.mjs [--times 5000] [--only REGEX]: what is opened and closed again and again, and whether
// anything stays. One process for each kind, on the embedded cluster in a process of its own or on AEROSPIKE_HOSTS; a line for each
// tenth of the run. Fails when the memory that is not a file's grew by more than a tenth (and by more than 8 MiB) from the middle of
// the run to its end. Workers and clusters take longer to start: they are opened a tenth and a fiftieth as often.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { prepare } from '../scripts/prepare.mjs'
import { startServer } from './server.mjs'

const text = { type: 'string' }
const { values } = parseArgs({ options: { times: { ...text, default: '5000' }, only: { ...text, default: '' }, kind: text, hosts: text } })
const times = Number(values.times)

const key = id => ['test', 'cycles', id]

/** A kind: how much less often than the others it is repeated, and once around. */
const KINDS = {
  calls: [1, async ({ connect, op }, hosts) => {
    const client = await connect({ hosts })
    await Promise.all(Array.from({ length: 20 }, (_, i) => client.put(key(i), { i })))
    await client.get(key(1))
    await client.get(key('none')).catch(() => {})
    await client.operate(key(1), [op.increment('n', 1), op.read('n')])
    await client.batchRead(Array.from({ length: 50 }, (_, i) => key(i)))
    client.on('nodeRemoved', () => client.nodes())
    await client.close()
  }],
  queries: [2, async ({ connect }, hosts) => {
    const client = await connect({ hosts })
    await client.put(key(1), { i: 1 })
    await client.query('test', 'cycles').results()
    for await (const { bins } of client.query('test', 'cycles')) if (bins !== undefined) break
    await client.query('test', 'cycles').stream().next() // left in the middle
    await client.close()
  }],
  jobs: [5, async ({ connect, op }, hosts) => {
    const client = await connect({ hosts })
    await client.put(key(1), { i: 1 })
    await client.query('test', 'cycles').execute([op.write('job', 1)])
    await client.close()
  }],
  workers: [10, async (_, hosts) => {
    const program = `
      const { workerData } = require('node:worker_threads')
      const { connect } = require(workerData.entry)
      connect({ hosts: workerData.hosts }).then(async client => {
        await client.put(['test', 'cycles', 1], { i: 1 })
        await client.get(['test', 'cycles', 1])
        if (Math.random() < 0.5) await client.close() // the others end with their worker
        process.exit()
      })`
    const entry = fileURLToPath(new URL('../dist/index.js', import.meta.url))
    const worker = new Worker(program, { eval: true, workerData: { entry, hosts } })
    await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  }],
  clusters: [50, async ({ connect }) => {
    const { LocalCluster } = await import('../dist/local.js')
    const cluster = await LocalCluster.start({ nodes: 3 })
    const client = await connect({ hosts: cluster.hosts })
    await client.put(key(1), { i: 1 })
    await client.close()
    await cluster.stop()
  }]
}

const mib = bytes => bytes / 2 ** 20
const isLinux = process.platform === 'linux'
/** Memory that is no file's. */
const anonymous = () => isLinux ? Number(/Anonymous:\s+(\d+)/.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1]) / 1024 : mib(process.memoryUsage().rss)
const threads = () => isLinux ? Number(/Threads:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) : 0
const descriptors = () => isLinux ? readdirSync('/proc/self/fd').length : 0

async function cycle (kind, hosts) {
  const api = await import('../dist/index.js')
  const [fewer, once] = KINDS[kind]
  const count = Math.ceil(times / fewer)
  const step = Math.max(1, Math.ceil(count / 10))
  const samples = []
  for (let n = 0; n <= count; n++) {
    if (n % step === 0 || n === count) {
      for (let turn = 0; turn < 3; turn++) {
        globalThis.gc?.()
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      const { rss, heapUsed } = process.memoryUsage()
      samples.push(anonymous())
      console.log(`${kind.padEnd(9)} ${String(n).padStart(6)} times  ${anonymous().toFixed(1).padStart(6)} MiB  rss ${mib(rss).toFixed(1)}  heap ${mib(heapUsed).toFixed(1)}  threads ${threads()}  descriptors ${descriptors()}`)
    }
    if (n < count) await once(api, hosts)
  }
  const [middle, end] = [samples[Math.floor(samples.length / 2)], samples.at(-1)]
  const isFlat = end < middle + Math.max(8, middle / 10)
  console.log(`${kind.padEnd(9)} ${isFlat ? 'flat' : 'GREW'}: ${middle.toFixed(1)} MiB after half, ${end.toFixed(1)} MiB at the end`)
  process.exit(isFlat ? 0 : 1)
}

if (values.kind !== undefined) await cycle(values.kind, values.hosts.split(','))
else {
  prepare()
  const server = await startServer(3)
  let failed = 0
  for (const kind of Object.keys(KINDS).filter(kind => new RegExp(values.only).test(kind))) {
    const args = ['--expose-gc', fileURLToPath(import.meta.url), '--kind', kind, '--times', String(times), '--hosts', server.hosts]
    if (spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0) failed++
  }
  await server.stop?.()
  process.exit(failed === 0 ? 0 : 1)
}
