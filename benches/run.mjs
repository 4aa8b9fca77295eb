// npm run bench [-- --rounds N] [--only REGEX] [--quick]
//
// Runs the official client and ours in alternation on the same server, each in its own process, and takes medians. The
// server is the embedded one as a separate process, or a real one named by AEROSPIKE_HOSTS. What the numbers mean is in
// README.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { prepare, root } from '../scripts/prepare.mjs'
import { draw } from './draw.mjs'
import { figureText, median, medians, ratioOf, ratioText } from './figures.mjs'
import { lanes } from './lanes.mjs'
import { load, start } from './process.mjs'
import { startSecureServer, startServer } from './server.mjs'

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

/** What each client did in each of the rounds, the two in alternation. */
async function measureLane (lane, on) {
  const taking = lane.alone === undefined ? clients : ['ours']
  const adapterOf = lane.clients ?? { official: 'official', ours: 'ours' }
  const runs = Object.fromEntries(taking.map(client => [client, []]))
  const started = {}
  for (let round = 0; round < rounds; round++) {
    for (const client of round % 2 ? taking.toReversed() : taking) {
      started[client] ??= await start(adapterOf[client], lane.name, on)
      runs[client].push(await started[client].measure())
      if (lane.once) {
        started[client].end()
        started[client] = undefined
      }
    }
  }
  for (const child of Object.values(started)) child?.end()
  return runs
}

/** The median of the rounds' ratios: in a round the machine was much the same for both. */
function medianRatio (lane, { official, ours }) {
  return official === undefined ? null : median(ours.map((one, round) => ratioOf(lane, { ours: one, official: official[round] })))
}

function row (lane, { official, ours, ratio }) {
  const micros = of => of === null ? '-' : [of.cpuMicros, of.jsMicros, of.busyMicros].map(n => n.toFixed(2)).join(' / ')
  const stall = of => of === null ? '-' : of.stallMillis.toFixed(1)
  return [lane.title, figureText(lane, official), figureText(lane, ours), ratioText(ratio, 2),
    micros(official), micros(ours), `${stall(official)} / ${stall(ours)}`]
}

function table (rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map(r => r[i].length)))
  return rows.map(r => r.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join('  ')).join('\n')
}

const server = await startServer()
let secure
try {
  await load(server)
  const chosen = lanes.filter(({ name }) => !values.only || new RegExp(values.only).test(name))
  const results = {}
  for (const lane of chosen) {
    if (lane.overTls && secure === undefined) {
      secure = await startSecureServer()
      await load(secure)
    }
    const runs = await measureLane(lane, lane.overTls ? secure : server)
    results[lane.name] = {
      official: lane.alone === undefined ? medians(runs.official) : null,
      ours: medians(runs.ours),
      ratio: medianRatio(lane, runs),
      ...(lane.alone && { note: `without the official client, since ${lane.alone}` })
    }
    console.error(row(lane, results[lane.name]).join('  '))
  }
  const run = {
    date: new Date().toISOString(),
    server: server.isReal ? 'a real server' : 'the embedded server, one node',
    rounds,
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version },
    clients: { official: 'aerospike 6.7.1', ours: 'aerospike-napi' },
    lanes: results
  }
  console.log('\n' + table([
    ['', 'official', 'ours', 'ratio', 'µs CPU / JS / busy, official', 'ours', 'longest stall, ms'],
    ...chosen.map(lane => row(lane, results[lane.name]))
  ]))
  for (const { title, alone } of chosen) if (alone !== undefined) console.log(`${title}: without the official client, since ${alone}`)
  mkdirSync(join(here, 'results'), { recursive: true })
  writeFileSync(join(here, 'results', `${values.out}.json`), JSON.stringify(run, null, 2) + '\n')
  writeFileSync(join(here, 'results', `${values.out}.svg`), draw(run, chosen))
} finally {
  server.stop()
  secure?.stop()
}
