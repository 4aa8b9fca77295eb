// `npm run contend -- --seeds 20 --first 1 --seconds 10`: transactions under contention and faults, a run for each seed
// (__test__/support/contention.mts). Prints a line for each, and ends with 1 when a history was not serialisable. With --peers
// the official Node client contends as well (__test__/peers/contender.mjs), which is fetched from its registry.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { prepare, runBin } from './prepare.mjs'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '10' },
    peers: { type: 'boolean' }
  }
})
prepare()
if (runBin('typescript', 'tsc', ['-p', '__test__/tsconfig.json']).status !== 0) process.exit(1)
const { contend } = await import('../__test__/.build/support/contention.mjs')
const support = new URL('../__test__/.build/support/contender-process.mjs', import.meta.url)
const official = new URL('../__test__/peers/contender.mjs', import.meta.url)
const processes = { [fileURLToPath(support)]: 2, [fileURLToPath(official)]: 2 }
let failed = 0
for (let seed = Number(values.first); seed < Number(values.first) + Number(values.seeds); seed++) {
  const report = await contend({ seed, milliseconds: Number(values.seconds) * 1000, ...(values.peers && { processes }) })
  failed += report.problems.length > 0 ? 1 : 0
  console.log(`seed ${seed}: ${JSON.stringify(report)}`)
}
console.log(failed === 0 ? 'every history is serialisable' : `${failed} histories are not`)
process.exit(failed === 0 ? 0 : 1)
