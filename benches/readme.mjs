// node benches/readme.mjs: puts the last run (benches/results/latest.json and latest.svg) into README.md and
// docs/bench.svg. Figures in the README come from here and from nowhere else.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { figureText, ratioText } from './figures.mjs'
import { lanes } from './lanes.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const results = join(root, 'benches', 'results')
const start = '<!-- bench:start -->'
const end = '<!-- bench:end -->'

/** What the table shows; the picture has every lane. */
const shown = [
  'batchRead, every bin', 'batchRead, one bin', 'batchWrite', 'get, 64 in flight', 'put, 64 in flight', 'get, 1 in flight',
  'batch of 50,000', 'memory held'
]

/** The lines between the marks, from a run. */
export function section (run) {
  const rows = lanes.filter(({ name }) => shown.includes(name) && run.lanes[name] !== undefined).map(lane => {
    const { official, ours, ratio } = run.lanes[lane.name]
    return `| ${lane.title} | ${figureText(lane, official)} | ${figureText(lane, ours)} | ${ratioText(ratio, 1)} |`
  })
  const { server, machine, rounds, date, clients } = run
  return [
    `| | ${clients.official} | ${clients.ours} | better by |`,
    '|---|--:|--:|--:|',
    ...rows,
    '',
    `Both clients in the same run on ${server}, ${machine.cores} cores shared with it, Node.js ${machine.node.slice(1)}, ` +
      `median of ${rounds} run${rounds === 1 ? '' : 's'}, ${date.slice(0, 10)}.`
  ].join('\n')
}

/** `text` with `content` between its marks. */
export function fill (text, content) {
  const from = text.indexOf(start)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`README.md has no ${start} … ${end}`)
  return `${text.slice(0, from)}${start}\n${content}\n${text.slice(to)}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(results, 'latest.json')
  if (!existsSync(file)) {
    console.error('There is no run yet: npm run bench makes one.')
    process.exit(1)
  }
  const readme = join(root, 'README.md')
  writeFileSync(readme, fill(readFileSync(readme, 'utf8'), section(JSON.parse(readFileSync(file, 'utf8')))))
  copyFileSync(join(results, 'latest.svg'), join(root, 'docs', 'bench.svg'))
}
