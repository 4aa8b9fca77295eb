// ESM and CommonJS: the same classes, whichever way they are loaded.
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as named from 'aerospike-napi'
import * as local from 'aerospike-napi/local'
import test from 'ava'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)

test('import and require give the same classes', (t) => {
  const required = require('aerospike-napi') as typeof named
  const imported = new Map<string, unknown>(Object.entries(named))
  for (const [name, one] of Object.entries(required)) t.is(imported.get(name), one, name)
  t.true(Object.keys(required).length > 80)
  t.is(local.LocalCluster, (require('aerospike-napi/local') as typeof local).LocalCluster)
})

test('importing loads no addon, and names that people import are there', async (t) => {
  const script = `
    import { connect, op, Double, GeoJSON, RecordNotFoundError, AerospikeError, BatchPartialError, digest } from 'aerospike-napi'
    import { LocalCluster } from 'aerospike-napi/local'
    import { createRequire } from 'node:module'
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => path.endsWith('.node'))
    console.log([connect, Double, GeoJSON, RecordNotFoundError, BatchPartialError, LocalCluster, digest].every((x) => typeof x === 'function'), loaded.length)
  `
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: root })
  t.is(stdout.trim(), 'true 0')
})

test('without code generation from strings everything still works', async (t) => {
  const script = `
    const { readBins } = require('./dist/src/records/message.js')
    const message = Buffer.from('16000000000000000001000000000000000000000001' + '0000000601030001' + '6178', 'hex')
    let bins
    for (let i = 0; i < 100; i++) bins = readBins(message, 0, message.length, 0)
    console.log(JSON.stringify(bins))
  `
  const { stdout } = await run(process.execPath, ['--disallow-code-generation-from-strings', '-e', script], {
    cwd: root,
  })
  t.is(stdout.trim(), '{"a":"x"}')
})
