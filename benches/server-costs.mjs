// node benches/server-costs.mjs [RECORDS]
//
// What the embedded server takes for large things: operations on lists and maps of 10,000 elements, a set of a million
// records, an index over them, and its memory. With AEROSPIKE_HOSTS the same of a real server, without its memory.
import { readFileSync } from 'node:fs'
import { connect, lists, maps, range } from '../dist/index.js'
import { median } from './figures.mjs'
import { startServer } from './server.mjs'

const records = Number(process.argv[2] ?? 1_000_000)
const elements = 10_000
const repeats = 200
const rowsOfLoad = 1000
const loadsInFlight = 4

const server = await startServer()
const slow = { totalTimeout: 60_000, socketTimeout: 60_000 }
const client = await connect(server.hosts, { defaults: { read: slow, write: slow, operate: slow, batch: slow, query: slow } })

/** Bytes of memory that the server has; NaN where that cannot be told. */
function memory () {
  if (server.pid === undefined) return NaN
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'latin1'))[1]) * 1024
  } catch {
    return NaN
  }
}

async function timed (name, run) {
  const micros = []
  for (let i = 0; i < repeats; i++) {
    const started = performance.now()
    await run(i)
    micros.push((performance.now() - started) * 1000)
  }
  console.log(`${name.padEnd(56)} ${Math.round(median(micros)).toLocaleString('en').padStart(9)} µs`)
}

async function seconds (name, run) {
  const started = performance.now()
  const count = await run()
  const took = (performance.now() - started) / 1000
  console.log(`${name.padEnd(56)} ${took.toFixed(2).padStart(9)} s, ${(took * 1e6 / count).toFixed(2)} µs each`)
}

const numbers = Array.from({ length: elements }, (_, i) => (i * 7919) % 1_000_003)
const entries = Object.fromEntries(numbers.map((n, i) => [`key${i}`, n]))
const plain = ['test', 'costs', 'plain']
const sorted = ['test', 'costs', 'sorted']

async function collections () {
  await client.put(plain, { l: numbers, m: entries })
  await client.put(sorted, { l: numbers, m: entries })
  await client.operate(sorted, [lists.setOrder('l', { order: 'ordered' }), maps.setOrder('m', { order: 'keyValueOrdered' })])
  for (const [what, key] of [['not ordered', plain], ['ordered', sorted]]) {
    await timed(`list of ${elements}, ${what}: get by index`, i => client.operate(key, [lists.get('l', i)]))
    await timed(`list of ${elements}, ${what}: get by rank`, i => client.operate(key, [lists.getByRank('l', i)]))
    await timed(`list of ${elements}, ${what}: append and remove`, i =>
      client.operate(key, [lists.append('l', 2_000_000 + i), lists.removeByValue('l', 2_000_000 + i)]))
    await timed(`map of ${elements}, ${what}: get by key`, i => client.operate(key, [maps.getByKey('m', `key${i}`)]))
    await timed(`map of ${elements}, ${what}: get by rank`, i => client.operate(key, [maps.getByRank('m', i)]))
    await timed(`map of ${elements}, ${what}: put`, i => client.operate(key, [maps.put('m', `key${i}`, i)]))
  }
}

async function load () {
  const loaders = Array.from({ length: loadsInFlight }, async (_, loader) => {
    for (let from = loader * rowsOfLoad; from < records; from += loadsInFlight * rowsOfLoad) {
      const rows = Array.from({ length: Math.min(rowsOfLoad, records - from) }, (_, i) =>
        ({ key: ['test', 'million', from + i], bins: { n: from + i, text: `record ${from + i}` } }))
      ;(await client.batchWrite(rows)).throwIfFailed()
    }
  })
  await Promise.all(loaders)
  return records
}

async function count (query) {
  let found = 0
  for await (const record of query) found += record.bins === undefined ? 0 : 1
  return found
}

try {
  await collections()
  const empty = memory()
  await seconds(`${records} records written`, load)
  const full = memory()
  console.log(`${'memory for a record (2 bins, 25 bytes of values)'.padEnd(56)} ${Math.round((full - empty) / records).toString().padStart(9)} B`)
  await seconds('index over an integer bin', async () => {
    const job = await client.createIndex({ namespace: 'test', set: 'million', bin: 'n', name: 'costs_n', type: 'numeric' })
    await job.ready({ timeout: 300_000 })
    return records
  })
  console.log(`${'memory for an entry of the index'.padEnd(56)} ${Math.round((memory() - full) / records).toString().padStart(9)} B`)
  await timed('query by the index for 100 records', i =>
    count(client.query('test', 'million').where(range.between('n', i * 100, i * 100 + 99))))
  await timed('get among them', i => client.get(['test', 'million', i * 997 % records]))
  await seconds('all of them read by a query', () => count(client.query('test', 'million')))
  await seconds('the set truncated', async () => {
    await client.truncate('test', 'million')
    return records
  })
} finally {
  await client.dropIndex('test', 'costs_n').catch(() => {})
  await client.close()
  server.stop()
}
