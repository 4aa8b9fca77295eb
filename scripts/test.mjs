// npm test: every suite, one after another, then one line with the sum of all.
//
//   npm test                                  on the embedded cluster
//   AEROSPIKE_HOSTS=127.0.0.1:3000 npm test   the same suite on a real cluster
//   npm test -- --only node                   one suite: house, rust, node or no-inline
//   npm test -- --only node --secure          on an embedded cluster with access control and encryption
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checks } from './house.mjs'
import { buildAddon, cargoEnv, prepare, root, runBin } from './prepare.mjs'

const { values: { only, secure } } = parseArgs({ options: { only: { type: 'string' }, secure: { type: 'boolean' } } })
if (secure) process.env.AEROSPIKE_SECURE = '1'

/** Runs a program, shows its output as it comes and returns it with the exit code. */
function tee (command, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...cargoEnv(), ...env } })
    let text = ''
    for (const [stream, out] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      stream.setEncoding('utf8')
      stream.on('data', data => {
        text += data
        out.write(data)
      })
    }
    child.once('error', reject)
    child.once('close', code => resolve({ code, text }))
  })
}

const sum = (text, pattern) => [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0)

/** A suite that ended badly without naming a failed test still counts as one. */
const counted = (passed, failed, code) => ({ passed, failed: failed === 0 && code !== 0 ? 1 : failed })

async function rustTests (args) {
  const { code, text } = await tee('cargo', ['test', '--quiet', ...args])
  const totals = counted(sum(text, /^test result: .* (\d+) passed/gm), sum(text, /^test result: .* (\d+) failed/gm), code)
  return { ...totals, text }
}

/** What cargo says would run each failed target again: `-p aerospike-core --test failover`. */
const failedTargets = text =>
  [...new Set([...text.matchAll(/^ +`(-p [^`]+)`$/gm)].map(match => match[1]))].map(args => args.split(' '))

/** The names at the end of each failed target's output. */
const failedTests = text =>
  [...text.matchAll(/^failures:\n((?: {4}\S+\n)+)/gm)].flatMap(match => match[1].trim().split(/\s+/))

const builtTest = name => join(root, '__test__', '.build', `${name}.test.mjs`)

const compileTests = () => runBin('typescript', 'tsc', ['-p', '__test__/tsconfig.json'], { loud: true }).status === 0

async function nodeTests (args, env) {
  const { code, text } = await tee(process.execPath, [join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs'), '--tap', ...args], env)
  return { ...counted(sum(text, /^# pass (\d+)/gm), sum(text, /^# fail (\d+)/gm), code), text }
}

/**
 * Tests of nodes that die and freeze wait for clocks, which a machine that is busy with something else does not keep. So
 * what failed runs once more, alone; what fails again has failed. Both runs are on the screen.
 */
const announceSecondRun = names => console.log(`\n== again, alone: ${names.join(', ')}`)

const settled = (first, failed) => ({ passed: first.passed + first.failed - Math.min(failed, first.failed), failed })

const suites = {
  async house () {
    let passed = 0
    let failed = 0
    for (const [name, check] of Object.entries(checks)) {
      const problems = await check()
      if (problems.length === 0) passed++
      else failed++
      console.log(`${problems.length === 0 ? 'ok' : 'FAILED'} - ${name}${problems.map(problem => `\n    ${problem}`).join('')}`)
    }
    return { passed, failed }
  },

  async rust () {
    const first = await rustTests(['--workspace', '--no-fail-fast'])
    const targets = failedTargets(first.text)
    const names = failedTests(first.text)
    if (first.failed === 0 || targets.length === 0 || names.length === 0) return first
    announceSecondRun(names)
    const again = { passed: 0, failed: 0 }
    for (const target of targets) {
      const { passed, failed } = await rustTests([...target, '--', '--test-threads=1', '--exact', ...names])
      again.passed += passed
      again.failed += failed
    }
    return settled(first, again.failed)
  },

  async node () {
    if (!compileTests()) return { passed: 0, failed: 1 }
    const first = await nodeTests([])
    const titles = [...first.text.matchAll(/^not ok \d+ - (.*)$/gm)].map(match => match[1])
    const files = [...new Set(titles.map(title => title.split(' › ')[0]))].map(builtTest).filter(existsSync)
    if (first.failed === 0 || files.length === 0) return first
    announceSecondRun(titles)
    return settled(first, (await nodeTests(['--concurrency=1', '--serial', ...files])).failed)
  },

  // the addon as it is on Windows, where the event loop cannot watch sockets: compiled and run on every system
  async 'no-inline' () {
    if (!compileTests()) return { passed: 0, failed: 1 }
    const folder = join('target', 'no-inline')
    const built = buildAddon(['--features', 'no-inline'], { folder, profile: [] })
    if (built.status !== 0) return { passed: 0, failed: 1 }
    const files = ['inline', 'records', 'lifecycle'].map(builtTest)
    return nodeTests(files, { NAPI_RS_NATIVE_LIBRARY_PATH: join(root, folder, 'aerospike-napi.node') })
  }
}

prepare()
const total = { passed: 0, failed: 0 }
for (const [name, suite] of Object.entries(suites)) {
  if (only && only !== name) continue
  console.log(`\n== ${name}`)
  const started = performance.now()
  const { passed, failed } = await suite()
  total.passed += passed
  total.failed += failed
  console.log(`== ${name}: ${passed} passed, ${failed} failed, ${((performance.now() - started) / 1000).toFixed(0)} s`)
}
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)
