// npm run chaos -- [options]
//
// Readers, writers and batches work while one of three nodes is frozen, slow or stopped: a table with a line for each
// second says what that cost. Without --hosts it runs on an embedded cluster; on a real one, --break and --mend are
// commands of a shell that do it, for example 'kill -STOP 4711' and 'kill -CONT 4711'.
//
//   --fault NAME       on the embedded cluster: freeze (default), pauses (200 ms in every second), slow (50 ms), stop,
//                      late (50 ms for about one request in 100: what comes in 5 ms of each 500)
//   --hedge            reads and batches of reads ask another replica too when an answer is late (budget 0.05)
//   --hosts H,H        a real cluster; its set "chaos" in namespace "test" is written to
//   --break CMD        what breaks a node there, and
//   --mend CMD         what mends it
//   --readers N        gets in flight (16), --writers N puts (4), --batches N batches (2) of --rows N keys (300)
//   --before S         seconds before the fault (4), --during S with it (6), --after S after it (5)
//   --timeout MS       totalTimeout of every call (1000)
//   --records N        how many records there are (10000)
//   --json             prints the lines as JSON as well
//
// Every acknowledged write is looked for at the end. The exit code is 1 when one is lost.
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { root } from '../scripts/prepare.mjs'

const number = (name, value) => ({ [name]: { type: 'string', default: String(value) } })
const { values: given } = parseArgs({
  options: {
    fault: { type: 'string', default: 'freeze' },
    hosts: { type: 'string' },
    break: { type: 'string' },
    mend: { type: 'string' },
    json: { type: 'boolean', default: false },
    hedge: { type: 'boolean', default: false },
    ...number('readers', 16),
    ...number('writers', 4),
    ...number('batches', 2),
    ...number('rows', 300),
    ...number('before', 4),
    ...number('during', 6),
    ...number('after', 5),
    ...number('timeout', 1000),
    ...number('records', 10_000),
  },
})
const [readers, writers, batches, rows, before, during, after, timeout, records] =
  ['readers', 'writers', 'batches', 'rows', 'before', 'during', 'after', 'timeout', 'records'].map(name => Number(given[name]))

const require = createRequire(join(root, 'package.json'))
const { connect } = require('aerospike-napi')
const { LocalCluster } = require('aerospike-napi/local')

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))
const shell = command => promisify(execFile)('/bin/sh', ['-c', command])

/** What breaks and mends a node of the embedded cluster. */
function faultsOf (cluster) {
  let pausing
  return {
    freeze: { begin: () => cluster.freezeNode(1), end: () => cluster.thawNode(1) },
    stop: { begin: () => cluster.stopNode(1), end: () => cluster.startNode(1) },
    slow: { begin: () => cluster.slowNode(1, 50), end: () => cluster.slowNode(1, 0) },
    late: {
      begin () {
        const delay = async () => {
          await cluster.slowNode(1, 50)
          await sleep(5)
          await cluster.slowNode(1, 0)
        }
        pausing = setInterval(delay, 500)
      },
      async end () {
        clearInterval(pausing)
        await sleep(10)
        await cluster.slowNode(1, 0)
      },
    },
    pauses: {
      begin () {
        const pause = async () => {
          await cluster.freezeNode(1)
          await sleep(200)
          await cluster.thawNode(1)
        }
        pause()
        pausing = setInterval(pause, 1000)
      },
      async end () {
        clearInterval(pausing)
        await sleep(250)
        await cluster.thawNode(1)
      },
    },
  }
}

/** One second of the run. */
class Second {
  gets = []
  batches = []
  puts = []
  rows = 0
  missing = 0
  errors = new Map()
  fail (error) {
    this.errors.set(error.name, (this.errors.get(error.name) ?? 0) + 1)
  }
}

/** The cells of what metrics say: silent nodes, and those whose breaker is open. */
function troubleCells (trouble) {
  if (trouble === undefined) return ['', '', '', '', '']
  const { silent, breakers, retries, timeouts, queued, lateP99 } = trouble
  const names = [...silent.map(name => `${name} silent`), ...breakers.map(name => `${name} breaker`)]
  return [retries, timeouts, queued, lateP99.toFixed(1), names.join(' ')]
}

const quantile = (sorted, q) => sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]

async function main () {
  const cluster = given.hosts === undefined ? await LocalCluster.start({ nodes: 3 }) : undefined
  const fault = cluster !== undefined
    ? faultsOf(cluster)[given.fault]
    : { begin: () => shell(given.break ?? 'true'), end: () => shell(given.mend ?? 'true') }
  if (fault === undefined) throw new Error(`there is no fault ${given.fault}`)
  const limits = { totalTimeout: timeout }
  const reads = given.hedge ? { ...limits, hedge: { after: 'p95', budget: 0.05 } } : limits
  const client = await connect({
    hosts: cluster?.hosts ?? given.hosts.split(','),
    defaults: { read: reads, write: limits, batch: reads },
  })
  const key = i => ['test', 'chaos', i]
  const all = Array.from({ length: records }, (_, i) => i)
  for (let from = 0; from < records; from += 1000) {
    const part = all.slice(from, from + 1000).map(i => ({ key: key(i), bins: { i, n: 0, text: 'a record of some bytes' } }))
    const done = await client.batchWrite(part, { totalTimeout: 20_000 })
    done.throwIfFailed()
  }

  const seconds = []
  const started = performance.now()
  const now = () => (seconds[Math.floor((performance.now() - started) / 1000)] ??= new Second())
  let over = false

  async function read (at) {
    for (let n = at; !over; n += readers) {
      const began = performance.now()
      try {
        await client.get(key((n * 7919) % records))
        now().gets.push(performance.now() - began)
      } catch (error) {
        now().fail(error)
      }
    }
  }

  async function readBatch (at) {
    for (let n = at; !over; n++) {
      const keys = Array.from({ length: rows }, (_, i) => key((n * 104_729 + i * 31) % records))
      const began = performance.now()
      try {
        const batch = await client.batchRead(keys)
        const second = now()
        second.batches.push(performance.now() - began)
        second.rows += batch.found.length
        second.missing += rows - batch.found.length
      } catch (error) {
        now().fail(error)
      }
    }
  }

  /** The last acknowledged write of each record that was written; those in doubt since may be there too. */
  const acknowledged = new Map()
  const doubtful = new Set()
  async function write (at) {
    for (let n = 1; !over; n++) {
      const i = records + at + writers * (n % 1000)
      const began = performance.now()
      try {
        await client.put(key(i), { n })
        acknowledged.set(i, n)
        now().puts.push(performance.now() - began)
      } catch (error) {
        if (error.inDoubt) doubtful.add(`${i}:${n}`)
        now().fail(error)
      }
    }
  }

  const work = [
    ...Array.from({ length: readers }, (_, at) => read(at)),
    ...Array.from({ length: batches }, (_, at) => readBatch(at)),
    ...Array.from({ length: writers }, (_, at) => write(at)),
  ]
  // What the client's own metrics say of each second: nodes in trouble at its end, and what was tried again in it.
  const troubles = []
  let looked = client.metrics()
  const looking = setInterval(() => {
    const metrics = client.metrics()
    const { nodes, resumeDelay } = metrics.since(looked)
    looked = metrics
    const sum = of => nodes.reduce((all, node) => all + of(node), 0)
    const inRequests = of => sum(({ requests }) => Object.values(requests).reduce((all, counted) => all + of(counted), 0))
    const named = is => nodes.filter(is).map(({ name }) => name)
    troubles.push({
      silent: named(node => node.silent),
      breakers: named(({ breaker }) => breaker.state === 'open'),
      retries: inRequests(({ retries }) => retries),
      timeouts: inRequests(({ timeouts }) => timeouts),
      queued: sum(({ queued }) => queued),
      lateP99: resumeDelay.p99,
    })
  }, 1000)
  const until = second => sleep(started + second * 1000 - performance.now())
  await until(before)
  await fault.begin()
  await until(before + during)
  await fault.end()
  await until(before + during + after)
  over = true
  clearInterval(looking)
  await Promise.all(work)

  const lines = []
  for (let at = 0; at < before + during + after; at++) {
    const second = seconds[at] ?? new Second()
    const [gets, batchTimes, puts] = [second.gets, second.batches, second.puts].map(times => times.toSorted((a, b) => a - b))
    lines.push({
      second: at,
      fault: at >= before && at < before + during,
      gets: gets.length,
      getP99: quantile(gets, 0.99),
      getP999: quantile(gets, 0.999),
      getMax: gets.at(-1) ?? 0,
      rows: second.rows,
      missing: second.missing,
      batchMax: batchTimes.at(-1) ?? 0,
      puts: puts.length,
      putMax: puts.at(-1) ?? 0,
      errors: Object.fromEntries(second.errors),
      metrics: troubles[at],
    })
  }
  const head = ['second', '', 'gets/s', 'p99 ms', 'p99.9 ms', 'max ms', 'rows/s', 'missing', 'max ms', 'puts/s', 'max ms', 'retries', 'timeouts', 'queued', 'late ms', 'in trouble', 'errors']
  const body = lines.map(line => [
    line.second, line.fault ? 'fault' : '', line.gets, line.getP99.toFixed(1), line.getP999.toFixed(1), line.getMax.toFixed(0),
    line.rows, line.missing, line.batchMax.toFixed(0), line.puts, line.putMax.toFixed(0),
    ...troubleCells(line.metrics),
    Object.entries(line.errors).map(([name, count]) => `${count} ${name}`).join(', '),
  ].map(String))
  const widths = head.map((_, column) => Math.max(...[head, ...body].map(cells => cells[column].length)))
  for (const cells of [head, ...body]) console.log(cells.map((cell, column) => column === head.length - 1 ? cell : cell.padStart(widths[column])).join('  ').trimEnd())
  if (given.json) for (const line of lines) console.log(JSON.stringify(line))

  // Until a node that came back has been told what it missed, it may answer with what it had.
  let lost = [...acknowledged]
  for (let look = 0; look < 40 && lost.length > 0; look++) {
    if (look > 0) await sleep(500)
    const stillLost = []
    for (const [i, n] of lost) {
      const { bins } = await client.get(key(i), { totalTimeout: 5000 })
      // A later write that was in doubt may have been carried out.
      if (bins.n !== n && !doubtful.has(`${i}:${bins.n}`)) stillLost.push([i, n])
    }
    lost = stillLost
  }
  console.log(`${acknowledged.size} written records looked for, ${lost.length} lost`)
  await client.close()
  await cluster?.stop()
  process.exitCode = lost.length === 0 ? 0 : 1
}

await main()
