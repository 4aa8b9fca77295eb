// Draws docs/doctor.svg and docs/top.svg from what the commands really print about an embedded cluster in trouble.
// usage: node scripts/tool-pictures.mjs
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker, isMainThread, parentPort } from 'node:worker_threads'

const root = fileURLToPath(new URL('..', import.meta.url))
const [ROW, COLUMN, MARGIN] = [18, 8.43, 16]
const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const COLORS = [[/^ {2}ok /, '#3fb950'], [/^ {2}error /, '#ff7b72'], [/^ {2}warning /, '#d29922'], [/STOPPED|silent|left alone/, '#ff7b72']]

function picture (command, output) {
  const lines = [`$ ${command}`, ...output.trimEnd().split('\n')]
  const width = Math.ceil(Math.max(...lines.map(line => line.length)) * COLUMN) + 2 * MARGIN
  const rows = lines.map((line, i) => {
    const color = i === 0 ? '#8b949e' : COLORS.find(([pattern]) => pattern.test(line))?.[1] ?? '#c9d1d9'
    return `<text x="${MARGIN}" y="${MARGIN + 13 + i * ROW}" fill="${color}">${escape(line)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${lines.length * ROW + 2 * MARGIN}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" xml:space="preserve"><rect width="100%" height="100%" rx="8" fill="#0d1117"/>${rows.join('')}</svg>\n`
}

if (isMainThread) {
  // The cluster is in a thread of its own: the commands are waited for here.
  const worker = new Worker(fileURLToPath(import.meta.url))
  const host = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const run = (...args) => spawnSync(process.execPath, [join(root, 'bin', 'aerospike-napi.mjs'), ...args], { encoding: 'utf8' }).stdout
  for (const [name, ...args] of [['doctor', 'doctor', host], ['top', 'top', host, '--once']]) {
    writeFileSync(join(root, 'docs', `${name}.svg`), picture(`npx aerospike-napi ${args.filter(arg => arg !== '--once').join(' ')}`, run(...args)))
  }
  await worker.terminate()
} else {
  const { connect } = await import('aerospike-napi')
  const { LocalCluster } = await import('aerospike-napi/local')
  const cluster = await LocalCluster.start({ nodes: 4, port: 3900, clusterName: 'blue' })
  const client = await connect(cluster.hosts)
  for (let i = 0; i < 20; i++) {
    await client.batchWrite(Array.from({ length: 1000 }, (_, n) => ({ key: ['test', 'pictures', i * 1000 + n], bins: { n, text: 'x'.repeat(100) } })))
  }
  await cluster.stopNode(3)
  await cluster.ailNode(0, { migrating: 1365 })
  await cluster.ailNode(1, { clockAhead: 3_600_000 })
  await cluster.ailNode(2, { stopsWrites: true })
  // The cluster ends with its thread, which ends with its last timer.
  setInterval(() => {}, 1000)
  parentPort.postMessage(cluster.hosts[0])
}
