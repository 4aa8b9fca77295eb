// node benches/alternate.mjs LANES DIST [DIST …]
//
// Other builds of ours (each a path of dist/index.js) against this one, in alternation on the same server, in the lanes
// whose name matches. Each build runs in two processes: one and the same build differs by a few percent from process to
// process, and less than that says nothing. ROUNDS=20 in the environment makes more of them than 8.
import { join, resolve } from 'node:path'
import { root } from '../scripts/prepare.mjs'
import { figureText, median, medians, ratioOf, ratioText } from './figures.mjs'
import { lanes } from './lanes.mjs'
import { load, start } from './process.mjs'
import { startServer } from './server.mjs'

const rounds = Number(process.env.ROUNDS ?? 8)
const [only, ...others] = process.argv.slice(2)
if (others.length === 0) throw new Error('usage: node benches/alternate.mjs LANES DIST [DIST …]')
const builds = [...others.map(path => resolve(path)), join(root, 'dist', 'index.js')]
const server = await startServer()
try {
  await load(server)
  for (const lane of lanes.filter(({ name, overTls }) => !overTls && new RegExp(only).test(name))) {
    const all = await Promise.all([...builds, ...builds].map(async dist => ({ dist, runs: [], ...await start('ours', lane.name, server, dist) })))
    for (let round = 0; round < rounds; round++) {
      for (const one of round % 2 ? all.toReversed() : all) one.runs.push(await one.measure())
    }
    for (const { dist, runs, end } of all) {
      const ratio = median(runs.map((run, round) => ratioOf(lane, { ours: run, official: all[0].runs[round] })))
      const { cpuMicros, jsMicros, busyMicros } = medians(runs)
      console.log(`${lane.name}: ${figureText(lane, medians(runs))} ${ratioText(ratio, 2)}, µs CPU / JS / busy ${[cpuMicros, jsMicros, busyMicros].map(n => n.toFixed(2)).join(' / ')}  ${dist}`)
      end()
    }
  }
} finally {
  server.stop()
}
