// npm run fuzz -- [--seconds 60] [target…]: the fuzz targets of fuzz/, built with stable Rust and run one after another.
//
// libFuzzer needs to know which branches an input took; cargo-fuzz has that from nightly compilers together with sanitizers.
// Coverage alone is a pass of LLVM that stable compilers have as well, and without `unsafe` in what is tested there is nothing
// for a sanitizer to find. What was found lies in fuzz/artifacts.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const FLAGS = [
  '--cfg=fuzzing',
  '-Cpasses=sancov-module',
  ...['level=4', 'inline-8bit-counters', 'pc-table', 'trace-compares'].map(
    (option) => `-Cllvm-args=-sanitizer-coverage-${option}`,
  ),
  '-Cdebug-assertions',
  '-Coverflow-checks',
  '-Ccodegen-units=1',
]
/** An input that takes longer, in seconds, or more memory, in MiB, is a finding. */
const SLOW = 10
const MEMORY = 2048
const LONGEST = 4096

const fuzz = join(import.meta.dirname, '..', 'fuzz')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' } },
})
const all = readdirSync(join(fuzz, 'fuzz_targets')).map((file) => file.replace(/\.rs$/, ''))
const unknown = positionals.find((name) => !all.includes(name))
if (unknown !== undefined) {
  console.error(`fuzz: there is no target '${unknown}', only ${all.join(', ')}`)
  process.exit(2)
}

const host = /host: (.*)/.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' }))[1]
// a target of its own, so that build scripts are built without the flags
execFileSync('cargo', ['build', '--release', '--target', host], {
  cwd: fuzz,
  stdio: 'inherit',
  env: { ...process.env, RUSTFLAGS: FLAGS.join(' ') },
})
let findings = 0
for (const name of positionals.length > 0 ? positionals : all) {
  const [corpus, artifacts] = ['corpus', 'artifacts'].map((folder) => join(fuzz, folder, name))
  for (const folder of [corpus, artifacts]) mkdirSync(folder, { recursive: true })
  const limits = [`-max_total_time=${values.seconds}`, `-timeout=${SLOW}`, `-rss_limit_mb=${MEMORY}`, `-max_len=${LONGEST}`]
  const { status, stderr } = spawnSync(
    join(fuzz, 'target', host, 'release', name),
    [corpus, `-artifact_prefix=${artifacts}/`, '-print_final_stats=1', ...limits],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  const runs = /number_of_executed_units:\s*(\d+)/.exec(stderr)?.[1] ?? '0'
  const coverage = [...stderr.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? '0'
  console.log(`${name}: ${runs} inputs, ${coverage} branches, ${status === 0 ? 'nothing found' : 'a finding'}`)
  if (status !== 0) {
    findings++
    console.log(stderr.split('\n').slice(-40).join('\n'))
  }
}
process.exit(findings === 0 ? 0 : 1)
