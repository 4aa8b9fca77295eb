// node benches/latency.mjs [--rounds N]: how long a get takes that is alone in its client, in µs, on the short way of lone
// commands (the JavaScript thread sends and receives them itself) and on the way of all others, through the runtime.
//
// Each measurement is in a process of its own, the variants take turns, and medians count. The long way is what a lone
// command takes where there is no short one, as on Windows: the addon is told that there is no event loop to use.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { prepare, root } from '../scripts/prepare.mjs'
import { adapters } from './adapters.mjs'
import { profile, touchProfile } from './data.mjs'
import { startServer } from './server.mjs'

const gets = 20_000

/** What is compared: an adapter, and what is done before it connects. */
const variants = {
  'on the JavaScript thread': { adapter: 'ours' },
  'through the runtime': { adapter: 'ours', before: withoutShortWay },
  'the official client': { adapter: 'official', isMissing: !existsSync(join(root, 'benches', 'node_modules', 'aerospike')) }
}

function withoutShortWay () {
  const { NativeClient } = createRequire(import.meta.url)('../binding.cjs')
  NativeClient.prototype.inline = () => false
}

async function measure ({ adapter, before }, hosts) {
  before?.()
  const client = await adapters[adapter](hosts.split(','))
  await client.put(0, profile(0))
  const run = async () => {
    const took = new Float64Array(gets)
    for (let i = 0; i < gets; i++) {
      const from = performance.now()
      touchProfile(await client.get(0))
      took[i] = (performance.now() - from) * 1000
    }
    return took.sort()
  }
  await run() // warm-up: connections, caches, the JIT
  const cpu = process.cpuUsage()
  const took = await run()
  const { user, system } = process.cpuUsage(cpu)
  return { median: took[gets >> 1], p99: took[Math.floor(gets * 0.99)], cpu: (user + system) / gets }
}

function measureApart (name, hosts) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name, hosts], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name}: ended with ${status ?? signal}\n${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

const median = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

const { values, positionals } = parseArgs({ options: { rounds: { type: 'string', default: '5' } }, allowPositionals: true })
if (positionals.length === 2) {
  const [name, hosts] = positionals
  console.log(JSON.stringify(await measure(variants[name], hosts)))
  process.exit(0)
}

prepare()
const names = Object.keys(variants).filter(name => !variants[name].isMissing)
const server = await startServer()
try {
  const runs = Object.fromEntries(names.map(name => [name, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of round % 2 ? names.toReversed() : names) runs[name].push(measureApart(name, server.hosts))
  }
  console.log('a get that is alone'.padEnd(26) + ['median', 'p99', 'CPU'].map(title => title.padStart(9)).join('') + '  (µs)')
  for (const name of names) {
    const columns = ['median', 'p99', 'cpu'].map(column => median(runs[name].map(run => run[column])).toFixed(1).padStart(9))
    console.log(name.padEnd(26) + columns.join(''))
  }
} finally {
  server.stop()
}
