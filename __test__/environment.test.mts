// Functions and clocks that anyone may replace: whatever is done to them, and whenever, every call settles, and the client
// works on when they are back. Each case is a program of its own, since the replacements would break the test runner too.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** How each is replaced, and how it is put back. */
const REPLACEMENTS: Record<string, string> = {
  'process.nextTick': `replace(process, 'nextTick', () => {})`,
  setImmediate: `replace(globalThis, 'setImmediate', () => {}); replace(require('node:timers'), 'setImmediate', () => {})`,
  queueMicrotask: `replace(globalThis, 'queueMicrotask', () => {})`,
  timers: `
    for (const name of ['setTimeout', 'setInterval', 'clearTimeout']) {
      replace(globalThis, name, () => {})
      replace(require('node:timers'), name, () => {})
    }`,
  'performance that stands still': `replace(performance, 'now', () => 1)`,
  'performance that is no number': `replace(performance, 'now', () => Number.NaN)`,
  Date: `
    const RealDate = Date
    replace(globalThis, 'Date', class extends RealDate { static now () { return 0 } })
    replace(RealDate, 'now', () => 0)`,
  Promise: `
    replace(globalThis, 'Promise', class {
      constructor () { throw new Error('not this one') }
      static resolve () { throw new Error('not this one') }
      static reject () { throw new Error('not this one') }
      static all () { throw new Error('not this one') }
      static race () { throw new Error('not this one') }
    })`,
  'prototypes that others have written to': `
    for (const { prototype } of [Object, Array, String, Map, Function]) {
      prototype.evil = 'evil'
      undo.push(() => { delete prototype.evil })
    }`,
  'all that fake timers take': `
    const clock = require('@sinonjs/fake-timers').install({ now: 0 })
    undo.push(() => clock.uninstall())`,
}

const PROGRAM = (replacement: string, loadFirst: boolean) => `
  import { createRequire } from 'node:module'
  import assert from 'node:assert'
  const require = createRequire(${JSON.stringify(`${root}package.json`)})
  let undo = []
  const replace = (object, name, value) => {
    const real = object[name]
    object[name] = value
    undo.push(() => { object[name] = real })
  }
  const on = () => { ${replacement} }
  const off = () => { for (const each of undo.splice(0).reverse()) each() }
  if (${!loadFirst}) on()
  const { connect, op } = require('aerospike-napi')
  const { LocalCluster } = require('aerospike-napi/local')
  if (${!loadFirst}) off()
  const cluster = await LocalCluster.start({ nodes: 2 })
  if (${!loadFirst}) on()
  // The machine may be busy: what is tested is that calls settle, not how soon.
  const patient = { totalTimeout: 20_000 }
  const defaults = { read: patient, write: patient, batch: patient }
  const client = await connect({ hosts: cluster.hosts, defaults })
  const together = await connect({ hosts: cluster.hosts, coalesceReads: true, defaults })
  const keys = Array.from({ length: 300 }, (_, i) => ['test', 'demo', i])

  async function everything () {
    const other = await connect({ hosts: cluster.hosts, addressMap: { '10.0.0.1:3000': '127.0.0.1:3000' } })
    await other.close()
    await client.put(keys[0], { i: 0 }, { ttl: 1000 })
    const { meta, bins } = await client.get(keys[0])
    assert.strictEqual(bins.i, 0)
    assert.ok(meta.ttl > 900 && meta.ttl <= 1000, 'a ttl of ' + meta.ttl)
    const written = await client.batchWrite(keys.map((key, i) => ({ key, bins: { i } })))
    assert.strictEqual(written.failed.length, 0)
    const read = await client.batchRead(keys, { maxRequestBytes: 500 })
    assert.strictEqual(read.found.length, keys.length)
    const few = []
    for (const key of keys.slice(0, 60)) few.push(together.get(key))
    for (const call of few) assert.ok((await call).bins.i >= 0)
    let seen = 0
    for await (const record of client.query('test', 'demo')) seen += record.bins.i >= 0 ? 1 : 0
    assert.strictEqual(seen, keys.length)
    const aborter = new AbortController()
    const aborted = client.get(keys[1], { signal: aborter.signal }).catch(error => error.name)
    aborter.abort()
    assert.strictEqual(await aborted, 'AbortError')
    const job = await client.createIndex({ namespace: 'test', set: 'demo', bin: 'i', name: 'demo_i', type: 'numeric' })
    await job.ready({ pollInterval: 5 })
    await client.dropIndex('test', 'demo_i')
    await cluster.refuseRows(0, { code: 18, rows: 40 })
    const refused = await client.batchRead(keys.slice(0, 40), { maxRetries: 0 })
    assert.strictEqual((await refused.retry()).found.length, 40)
    await cluster.refuseRows(0, null)
    await cluster.freezeNode(0)
    await cluster.freezeNode(1)
    const late = await client.get(keys[2], { totalTimeout: 50 }).catch(error => error)
    assert.strictEqual(late.name, 'TimeoutError')
    assert.ok(late.elapsed >= 49 && late.elapsed < 10_000, 'after ' + late.elapsed + ' ms')
    await cluster.thawNode(0)
    await cluster.thawNode(1)
    await client.get(keys[2])
  }

  for (let round = 0; round < 2; round++) {
    if (${loadFirst} || round > 0) on()
    await everything()
    off()
    await everything()
  }
  on()
  await client.close()
  await together.close()
  await cluster.stop()
  console.log('done')
`

for (const [name, replacement] of Object.entries(REPLACEMENTS)) {
  for (const loadFirst of [true, false]) {
    const when = loadFirst ? 'after' : 'before'
    test(`${name}, replaced ${when} the package is loaded, put back and replaced again`, async (t) => {
      const args = ['--input-type=module', '-e', PROGRAM(replacement, loadFirst)]
      // What is still waiting then was never called back.
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, timeout: 50_000 })
      t.is(stdout.trim(), 'done')
    })
  }
}
