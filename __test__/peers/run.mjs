// npm run peers -- node|python: the suites of the official clients, run against the embedded server and against a real one,
// whose address is in AEROSPIKE_HOSTS. What passes on the one and not on the other is printed.
//
//   --dir DIR             where the suite is kept between runs; a folder beside the system's temporary files otherwise
//   --embedded HOST:PORT  an embedded cluster that runs already; one is started otherwise
//   --only get,put        files of the suite by their names, without endings
//   --suite DIR           python: a checkout of aerospike/aerospike-client-python, whose tests are in no package
//
// A test that fails on both servers is the suite's own affair. What needs the Enterprise edition is in enterprise.mjs.
import { parseArgs } from 'node:util'
import { fail, nodeSuite, pythonSuite, startEmbedded } from './suites.mjs'

const { values: options, positionals: [peer] } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string' }, embedded: { type: 'string' }, only: { type: 'string' }, suite: { type: 'string' } }
})
const real = process.env.AEROSPIKE_HOSTS
const only = options.only?.split(',')

const makeSuite = { node: nodeSuite, python: pythonSuite }[peer]
if (makeSuite === undefined) fail("say whose suite: 'node' or 'python'")
if (peer === 'python' && options.suite === undefined) fail('the tests of the Python client are in no package: say with --suite where a checkout of aerospike/aerospike-client-python is')
if (real === undefined) fail('compares with a real server; put its address into AEROSPIKE_HOSTS, as 127.0.0.1:3000')

const suite = makeSuite({ dir: options.dir, suite: options.suite })
const embedded = options.embedded === undefined ? await startEmbedded('--nodes', '1') : { address: options.embedded, stop () {} }
const count = { both: 0, neither: 0, real: 0, embedded: 0 }
for (const file of suite.files().filter(name => only?.includes(name) ?? true)) {
  // one after the other: tests write into the suite's folder
  const theirs = await suite.results(file, { address: real }, 'real')
  const ours = await suite.results(file, embedded, 'embedded')
  for (const title of new Set([...theirs.keys(), ...ours.keys()])) {
    const [there, here] = [theirs.get(title) ?? 'is not run', ours.get(title) ?? 'is not run']
    if (there === 'is skipped' && here === 'is skipped') continue
    const kind = there === 'passes' ? here === 'passes' ? 'both' : 'real' : here === 'passes' ? 'embedded' : 'neither'
    count[kind]++
    if (kind === 'real' || kind === 'embedded') console.log(`${file}: ${title}\n  real      ${there}\n  embedded  ${here}`)
  }
}
embedded.stop()
console.log(`peers: ${count.both} pass on both, ${count.neither} on neither, ${count.real} on the real server only, ${count.embedded} on the embedded one only`)
process.exit(count.real + count.embedded > 0 ? 1 : 0)
