// What is closed is freed, whatever it was used for and in whichever thread: its objects are collected, and so is all that
// they held.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { target } from './support/cluster.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A module that connects and closes `CLIENTS` times, and counts how many of the clients and queries are collected. */
const PROGRAM = (use: string, report: string) => `
  import { connect, op } from 'aerospike-napi'
  import { Boundary } from '#src/boundary/native'
  const CLIENTS = 30
  let collected = 0
  const registry = new FinalizationRegistry(() => collected++)
  const signal = new AbortController().signal
  const key = i => ['test', 'freed', i]
  // The client's side of the addon, which the addon in turn calls.
  const connectBoundary = Boundary.connect
  Boundary.connect = async config => {
    const boundary = await connectBoundary.call(Boundary, config)
    registry.register(boundary)
    return boundary
  }
  async function use (client, i) { ${use} }
  async function once (i) {
    const client = await connect({ ...${JSON.stringify(target())}, coalesceReads: i % 2 === 0 })
    registry.register(client)
    await client.put(key(1), { i })
    const used = await use(client, i)
    if (used !== undefined) registry.register(used)
    await client.close()
    return used === undefined ? 2 : 3
  }
  let made = 0
  for (let i = 0; i < CLIENTS; i++) made += await once(i)
  for (let turn = 0; turn < 100 && collected < made - 4; turn++) {
    globalThis.gc()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  // The last ones may still be in a register of the engine.
  ${report}(collected >= made - 4 ? 'freed' : 'kept ' + (made - collected) + ' of ' + made)
`

const USES: Record<string, string> = {
  'single calls and batches': `
    await Promise.all(Array.from({ length: 20 }, () => client.get(key(1), { signal })))
    await client.batchWrite(Array.from({ length: 50 }, (_, n) => ({ key: key(n), bins: { n } })))
    await client.batchRead(Array.from({ length: 50 }, (_, n) => key(n)))`,
  'calls that are cut off by closing': `
    client.get(key(1)).catch(() => {})
    client.batchRead([key(1), key(2)]).catch(() => {})`,
  listeners: `
    client.on('nodeRemoved', () => client.nodes())
    client.once('disconnected', () => client.nodes())`,
  'a query that was read': `
    const stream = client.query('test', 'freed').stream()
    for await (const record of stream) if (record.bins === undefined) throw new Error()
    return stream`,
  'a query that was left in the middle, without a word': `
    const stream = client.query('test', 'freed').with({ signal }).stream()
    await stream.next()
    return stream`,
  'a job': `
    const job = await client.query('test', 'freed').execute([op.write('job', i)])
    return job`,
}

async function output(program: string): Promise<string> {
  const args = ['--expose-gc', '--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 50_000 })
  return stdout.trim()
}

for (const [what, use] of Object.entries(USES)) {
  test(`a closed client is freed: ${what}`, async (t) => {
    t.is(await output(PROGRAM(use, 'console.log')), 'freed')
  })
}

test('a closed client is freed in a worker as well', async (t) => {
  const program = PROGRAM(USES['single calls and batches'] as string, 'parentPort.postMessage')
  const main = `
    import { Worker } from 'node:worker_threads'
    const program = "import { parentPort } from 'node:worker_threads'\\n" + ${JSON.stringify(program)}
    const worker = new Worker(program, { eval: true })
    console.log(await new Promise(resolve => worker.once('message', resolve)))
    await worker.terminate()
  `
  t.is(await output(main), 'freed')
})
