// npm run peers -- node|python: the suites of the official clients, run against the embedded server and against a real one,
// whose address is in AEROSPIKE_HOSTS. What passes on the one and not on the other is printed.
//
//   --dir DIR             where the suite is kept between runs; a folder beside the system's temporary files otherwise
//   --embedded HOST:PORT  an embedded cluster that runs already; one is started otherwise
//   --only get,put        files of the suite by their names, without endings
//   --suite DIR           python: a checkout of aerospike/aerospike-client-python, whose tests are in no package
//
// Nothing of the suites is part of this repository: the Node client and its tests come from its npm package, which brings
// binaries of its own, and the Python client from PyPI. A test that fails on both servers is the suite's own affair.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs, promisify } from 'node:util'

const NODE_CLIENT = 'aerospike@6.7.1'
const NODE_NEEDS = ['chai@6', 'chai-as-promised@8', 'mocha@11', 'typescript@5.9', 'yargs@17', 'semver@7', 'tmp', 'p-throttle@8',
  'dockerode@4', '@types/mocha@10', '@types/node', '@types/chai', '@types/yargs@17', '@types/semver', '@types/tmp']
const PYTHON_CLIENT = 'aerospike==19.1.0'
/** Of one file of a suite; a server that never answers shows as tests that fail. */
const PATIENCE = 10 * 60_000

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)

const { values: options, positionals: [peer] } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string' }, embedded: { type: 'string' }, only: { type: 'string' }, suite: { type: 'string' } }
})
const real = process.env.AEROSPIKE_HOSTS
const dir = options.dir ?? join(tmpdir(), `aerospike-napi-peers-${peer}`)
const only = options.only?.split(',')

/** The official Node client: its package holds the tests, as TypeScript. */
const node = {
  prepare () {
    const suite = join(dir, 'package')
    if (!existsSync(join(suite, 'test', 'get.js'))) {
      mkdirSync(dir, { recursive: true })
      const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', NODE_CLIENT, '--json', '--ignore-scripts'], { cwd: dir, encoding: 'utf8' }))
      execFileSync('tar', ['xzf', filename], { cwd: dir })
      execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...NODE_NEEDS], { cwd: suite, stdio: 'inherit' })
      // it compiles in spite of what it says about types
      try { execFileSync('npx', ['tsc'], { cwd: join(suite, 'test'), stdio: 'ignore' }) } catch {}
    }
    return readdirSync(join(suite, 'test')).filter(name => name.endsWith('.ts') && name !== 'test_helper.ts').map(name => name.slice(0, -3))
  },
  async results (file, address, name) {
    const suite = join(dir, 'package')
    const report = join(dir, `${name}.json`)
    rmSync(report, { force: true })
    const args = ['mocha', '--exit', '--timeout', '30000', '--reporter', 'json', '--reporter-option', `output=${report}`, `test/${file}.js`, join(import.meta.dirname, 'wait.cjs')]
    const [host, port] = address.split(':')
    const env = { ...process.env, OPTIONS: `--host ${host} --port ${port} --totalTimeout 10000` }
    await run('npx', args, { cwd: suite, env, timeout: PATIENCE, maxBuffer: 1 << 28 }).catch(() => {})
    if (!existsSync(report)) return new Map()
    const { passes, failures } = JSON.parse(readFileSync(report, 'utf8'))
    return new Map([
      ...passes.map(({ fullTitle }) => [fullTitle, 'passes']),
      ...failures.map(({ fullTitle, err }) => [fullTitle, `fails: ${String(err.message ?? err.code).split('\n')[0]}`])
    ])
  }
}

/** The official Python client: the client from PyPI, the tests from a checkout. */
const python = {
  prepare () {
    if (options.suite === undefined) fail('the tests of the Python client are in no package: say with --suite where a checkout of aerospike/aerospike-client-python is')
    if (!existsSync(join(dir, 'bin', 'pytest'))) {
      execFileSync('python3', ['-m', 'venv', dir], { stdio: 'inherit' })
      execFileSync(join(dir, 'bin', 'pip'), ['install', '-q', PYTHON_CLIENT, 'pytest', 'parameterized'], { stdio: 'inherit' })
    }
    return readdirSync(join(options.suite, 'test', 'new_tests')).filter(name => /^test_.*\.py$/.test(name)).map(name => name.slice(0, -3))
  },
  async results (file, address, name) {
    const report = join(dir, `${name}.xml`)
    rmSync(report, { force: true })
    // the suite reads where its server is from a file in its folder
    const cwd = join(dir, name)
    cpSync(join(options.suite, 'test'), cwd, { recursive: true })
    writeFileSync(join(cwd, 'config.conf'), `[community-edition]\nhosts: ${address}\n[input-validation]\nvalidate_keys: true\n`)
    const args = ['-q', '-p', 'no:cacheprovider', `--junitxml=${report}`, `new_tests/${file}.py`]
    await run(join(dir, 'bin', 'pytest'), args, { cwd, timeout: PATIENCE, maxBuffer: 1 << 28 }).catch(() => {})
    if (!existsSync(report)) return new Map()
    const cases = readFileSync(report, 'utf8').matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)
    return new Map([...cases].filter(([,,, body]) => !body?.includes('<skipped')).map(([, within, title, body = '']) => {
      const why = /<(?:failure|error) message="([^"]*)"/.exec(body)
      return [`${within} ${title}`, why ? `fails: ${why[1].split(/&#10;|\n/)[0]}` : 'passes']
    }))
  }
}

function fail (text) {
  console.error(`peers: ${text}`)
  process.exit(2)
}

async function startEmbedded () {
  const child = spawn(process.execPath, [join(root, 'bin', 'aerospike-napi.mjs'), 'local', '--nodes', '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  return { address: line.replace(/^ready /, ''), stop: () => child.kill('SIGTERM') }
}

const suite = { node, python }[peer]
if (suite === undefined) fail("say whose suite: 'node' or 'python'")
if (real === undefined) fail('compares with a real server; put its address into AEROSPIKE_HOSTS, as 127.0.0.1:3000')

const files = suite.prepare().filter(name => only?.includes(name) ?? true)
const embedded = options.embedded === undefined ? await startEmbedded() : { address: options.embedded, stop () {} }
const count = { both: 0, neither: 0, real: 0, embedded: 0 }
for (const file of files) {
  // one after the other: tests write into the suite's folder
  const theirs = await suite.results(file, real, 'real')
  const ours = await suite.results(file, embedded.address, 'embedded')
  for (const title of new Set([...theirs.keys(), ...ours.keys()])) {
    const [there, here] = [theirs.get(title) ?? 'is not run', ours.get(title) ?? 'is not run']
    const kind = there === 'passes' ? here === 'passes' ? 'both' : 'real' : here === 'passes' ? 'embedded' : 'neither'
    count[kind]++
    if (kind === 'real' || kind === 'embedded') console.log(`${file}: ${title}\n  real      ${there}\n  embedded  ${here}`)
  }
}
embedded.stop()
console.log(`peers: ${count.both} pass on both, ${count.neither} on neither, ${count.real} on the real server only, ${count.embedded} on the embedded one only`)
process.exit(count.real + count.embedded > 0 ? 1 : 0)
