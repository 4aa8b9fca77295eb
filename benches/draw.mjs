// Draws a run as bars: how many times faster than the official client, lane by lane.
import { hasBar } from './figures.mjs'

const escape = text => text.replace(/[&<>]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c])

export function draw (run, lanes) {
  const speed = lanes.filter(lane => hasBar(lane, run.lanes[lane.name]))
  const left = 330
  const width = 420
  const line = 26
  const height = 64 + speed.length * line + 34
  const most = Math.max(...speed.map(lane => run.lanes[lane.name].ratio), 2)
  const x = ratio => left + ratio / most * width
  const bars = speed.map((lane, i) => {
    const { ratio } = run.lanes[lane.name]
    const y = 56 + i * line
    return `<text x="${left - 10}" y="${y + 13}" text-anchor="end">${escape(lane.title)}</text>` +
      `<rect x="${left}" y="${y}" width="${(x(ratio) - left).toFixed(1)}" height="18" rx="2" fill="#2f6f9f"/>` +
      `<text x="${(x(ratio) + 6).toFixed(1)}" y="${y + 13}" font-weight="600">${ratio.toFixed(1)}x</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 70}" height="${height}" font-family="system-ui, sans-serif" font-size="13" fill="#333">
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="26" font-size="15" font-weight="600">Throughput as a multiple of the official client (${escape(run.clients.official)})</text>
<line x1="${x(1).toFixed(1)}" y1="46" x2="${x(1).toFixed(1)}" y2="${height - 40}" stroke="#c33" stroke-dasharray="4 3"/>
<text x="${x(1).toFixed(1)}" y="42" text-anchor="middle" fill="#c33" font-size="11">official = 1x</text>
${bars.join('\n')}
<text x="16" y="${height - 12}" font-size="11" fill="#777">${escape(`${run.server}, ${run.machine.cores} cores shared with the server, Node ${run.machine.node}, median of ${run.rounds} runs, ${run.date.slice(0, 10)}`)}</text>
</svg>
`
}
