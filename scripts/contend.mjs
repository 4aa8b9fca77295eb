// `npm run contend -- --seeds 20 --first 1 --seconds 10`: transactions under contention and faults, a run for each seed
// (__test__/support/contention.mts). Prints a line for each, and ends with 1 when a history was not serialisable.
import { parseArgs } from 'node:util'
import { prepare, runBin } from './prepare.mjs'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '10' }
  }
})
prepare()
if (runBin('typescript', 'tsc', ['-p', '__test__/tsconfig.json']).status !== 0) process.exit(1)
const { contend } = await import('../__test__/.build/support/contention.mjs')
let failed = 0
for (let seed = Number(values.first); seed < Number(values.first) + Number(values.seeds); seed++) {
  const report = await contend(seed, Number(values.seconds) * 1000)
  failed += report.problems.length > 0 ? 1 : 0
  console.log(`seed ${seed}: ${JSON.stringify(report)}`)
}
console.log(failed === 0 ? 'every history is serialisable' : `${failed} histories are not`)
process.exit(failed === 0 ? 0 : 1)
