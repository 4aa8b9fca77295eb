// npm run bench [-- --rounds N] [--only REGEX] [--quick]
//
// Runs the official client and ours in alternation on the same server, each measurement in its own process, and takes
// medians. The server is the embedded one as a separate process, or a real one named by AEROSPIKE_HOSTS.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepare, root } from '../scripts/prepare.mjs'
import { draw } from './draw.mjs'
import { lanes } from './lanes.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: 'latest' }
  }
})
const rounds = values.quick ? 1 : Number(values.rounds)
const here = join(root, 'benches')
const clients = ['official', 'ours']

prepare()
if (!existsSync(join(here, 'node_modules', 'aerospike'))) {
  // its binaries are inside the package; install scripts stay off
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' })
  if (npm.status !== 0) process.exit(1)
}

async function startServer () {
  const server = spawn(process.execPath, [join(root, 'bin', 'aerospike-napi.mjs'), 'local', '--nodes', '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise((resolve, reject) => {
    server.stdout.once('data', data => resolve(String(data)))
    server.once('exit', code => reject(new Error(`the embedded server ended with ${code}`)))
  })
  return { hosts: line.trim().replace('ready ', ''), stop: () => server.kill('SIGTERM') }
}

function measure (client, lane, hosts) {
  const child = spawnSync(process.execPath, ['--expose-gc', join(here, 'child.mjs'), client, lane, hosts], { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (child.status !== 0) throw new Error(`${client}, ${lane}: ended with ${child.status ?? child.signal}\n${child.stderr}`)
  return lane === 'load' ? undefined : JSON.parse(child.stdout.trim().split('\n').at(-1))
}

const median = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
const medians = runs => Object.fromEntries(Object.keys(runs[0]).map(key => [key, median(runs.map(run => run[key]))]))

/** How many times better ours is; above 1 is better whatever is measured. */
function ratio (lane, { official, ours }) {
  if (lane.stall) return official.stallMillis / ours.stallMillis
  if (lane.memory) return official.bytesHeld / ours.bytesHeld
  return ours.perSecond / official.perSecond
}

const whole = n => Math.round(n).toLocaleString('en')
function row (lane, result) {
  const figure = of => lane.stall ? `${of.stallMillis.toFixed(1)} ms` : lane.memory ? `${whole(of.bytesHeld)} B` : `${whole(of.perSecond)}/s`
  const micros = of => `${of.cpuMicros.toFixed(2)} / ${of.jsMicros.toFixed(2)}`
  return [lane.title, figure(result.official), figure(result.ours), `${ratio(lane, result).toFixed(2)}x`,
    micros(result.official), micros(result.ours), `${result.official.stallMillis.toFixed(1)} / ${result.ours.stallMillis.toFixed(1)}`]
}

function table (rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map(r => r[i].length)))
  return rows.map(r => r.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  ')).join('\n')
}

const given = process.env.AEROSPIKE_HOSTS
const server = given ? { hosts: given, stop () {} } : await startServer()
try {
  measure('ours', 'load', server.hosts)
  const chosen = lanes.filter(({ name }) => !values.only || new RegExp(values.only).test(name))
  const results = {}
  for (const lane of chosen) {
    const runs = { official: [], ours: [] }
    for (let round = 0; round < rounds; round++) {
      for (const client of round % 2 ? clients.toReversed() : clients) runs[client].push(measure(client, lane.name, server.hosts))
    }
    results[lane.name] = { official: medians(runs.official), ours: medians(runs.ours) }
    results[lane.name].ratio = ratio(lane, results[lane.name])
    console.error(row(lane, results[lane.name]).join('  '))
  }
  const run = {
    date: new Date().toISOString(),
    server: given ? 'a real server' : 'the embedded server, one node',
    rounds,
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version },
    clients: { official: 'aerospike 6.7.1', ours: 'aerospike-napi' },
    lanes: results
  }
  console.log('\n' + table([
    ['', 'official', 'ours', 'ratio', 'µs CPU / JS, official', 'ours', 'longest stall, ms'],
    ...chosen.map(lane => row(lane, results[lane.name]))
  ]))
  mkdirSync(join(here, 'results'), { recursive: true })
  writeFileSync(join(here, 'results', `${values.out}.json`), JSON.stringify(run, null, 2) + '\n')
  writeFileSync(join(here, 'results', `${values.out}.svg`), draw(run, chosen))
} finally {
  server.stop()
}
