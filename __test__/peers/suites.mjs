// The suites of the official clients: where they are got, and how a file of one is run against a server.
//
// Nothing of the suites is part of this repository: the Node client and its tests come from its npm package, which brings
// binaries of its own, and the Python client from PyPI; its tests are in no package, so a checkout of them is named.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const NODE_CLIENT = 'aerospike@6.7.1'
const NODE_NEEDS = ['chai@6', 'chai-as-promised@8', 'mocha@11', 'typescript@5.9', 'yargs@17', 'semver@7', 'tmp', 'p-throttle@8',
  'dockerode@4', '@types/mocha@10', '@types/node', '@types/chai', '@types/yargs@17', '@types/semver', '@types/tmp']
const PYTHON_CLIENT = 'aerospike==19.1.0'
/** Runs pytest when the suite has read its configuration: files that ask for it as they are loaded would skip themselves. */
const PYTEST = 'import sys, pytest; from new_tests.test_base_class import TestBaseClass; TestBaseClass.get_hosts(); sys.exit(pytest.main(sys.argv[1:]))'
/** Of one file of a suite; a server that never answers shows as tests that fail. */
const PATIENCE = 10 * 60_000

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)

/** Where a suite is kept between runs. */
export const homeOf = peer => join(tmpdir(), `aerospike-napi-peers-${peer}`)

/** Where the package of the official Node client is, with its tests compiled. */
export function prepareNode (dir = homeOf('node')) {
  const suite = join(dir, 'package')
  if (existsSync(join(suite, 'test', 'get.js'))) return suite
  mkdirSync(dir, { recursive: true })
  const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', NODE_CLIENT, '--json', '--ignore-scripts'], { cwd: dir, encoding: 'utf8' }))
  execFileSync('tar', ['xzf', filename], { cwd: dir })
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...NODE_NEEDS], { cwd: suite, stdio: 'inherit' })
  // it compiles in spite of what it says about types
  try { execFileSync('npx', ['tsc'], { cwd: join(suite, 'test'), stdio: 'ignore' }) } catch {}
  return suite
}

/** Where a virtual environment with the official Python client is. */
export function preparePython (dir = homeOf('python')) {
  if (!existsSync(join(dir, 'bin', 'pytest'))) {
    execFileSync('python3', ['-m', 'venv', dir], { stdio: 'inherit' })
    execFileSync(join(dir, 'bin', 'pip'), ['install', '-q', PYTHON_CLIENT, 'pytest', 'parameterized'], { stdio: 'inherit' })
  }
  return dir
}

/**
 * The official Node client: its package holds the tests, as TypeScript.
 *
 * A suite has `files()`, the names of its files, and `results(file, server, name)`: what became of each test, by its title.
 * A server is its `address`, and `user`, `password`, `strong` (a strongly consistent namespace) where it has them.
 */
export function nodeSuite ({ dir = homeOf('node') } = {}) {
  const suite = prepareNode(dir)
  return {
    files: () => readdirSync(join(suite, 'test')).filter(name => name.endsWith('.ts') && name !== 'test_helper.ts').map(name => name.slice(0, -3)),
    async results (file, { address, user, password, strong }, name) {
      const report = join(dir, `${name}.json`)
      rmSync(report, { force: true })
      const args = ['mocha', '--exit', '--timeout', '30000', '--reporter', 'json', '--reporter-option', `output=${report}`, `test/${file}.js`, join(import.meta.dirname, 'wait.cjs')]
      const [host, port] = address.split(':')
      const flags = Object.entries({ host, port, totalTimeout: 10000, user, password, namespace: strong, testStrongConsistency: strong && true })
      const OPTIONS = flags.filter(([, value]) => value !== undefined).map(([flag, value]) => `--${flag} ${value}`).join(' ')
      await run('npx', args, { cwd: suite, env: { ...process.env, OPTIONS }, timeout: PATIENCE, maxBuffer: 1 << 28 }).catch(() => {})
      if (!existsSync(report)) return new Map()
      const { passes, failures, pending } = JSON.parse(readFileSync(report, 'utf8'))
      return new Map([
        ...passes.map(({ fullTitle }) => [fullTitle, 'passes']),
        ...pending.map(({ fullTitle }) => [fullTitle, 'is skipped']),
        ...failures.map(({ fullTitle, err }) => [fullTitle, `fails: ${String(err.message ?? err.code).split('\n')[0]}`])
      ])
    }
  }
}

/** The official Python client: the client from PyPI, the tests from a checkout. Its strongly consistent namespace is `test`. */
export function pythonSuite ({ dir = homeOf('python'), suite }) {
  preparePython(dir)
  return {
    files: () => readdirSync(join(suite, 'test', 'new_tests')).filter(name => /^test_.*\.py$/.test(name)).map(name => name.slice(0, -3)),
    async results (file, { address, user, password, isEnterprise = false }, name) {
      const report = join(dir, `${name}.xml`)
      rmSync(report, { force: true })
      // the suite reads where its server is from a file in its folder
      const cwd = join(dir, name)
      cpSync(join(suite, 'test'), cwd, { recursive: true })
      const login = user === undefined ? '' : `user: ${user}\npassword: ${password}\n`
      const section = isEnterprise ? 'enterprise-edition' : 'community-edition'
      writeFileSync(join(cwd, 'config.conf'), `[${section}]\nhosts: ${address}\n${login}[input-validation]\nvalidate_keys: true\n`)
      const args = ['-c', PYTEST, '-q', '-p', 'no:cacheprovider', `--junitxml=${report}`, `new_tests/${file}.py`]
      await run(join(dir, 'bin', 'python'), args, { cwd, timeout: PATIENCE, maxBuffer: 1 << 28 }).catch(() => {})
      if (!existsSync(report)) return new Map()
      const cases = readFileSync(report, 'utf8').matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)
      return new Map([...cases].map(([, within, title, body = '']) => {
        const why = /<(?:failure|error) message="([^"]*)"/.exec(body)
        const outcome = why ? `fails: ${why[1].split(/&#10;|\n/)[0]}` : body.includes('<skipped') ? 'is skipped' : 'passes'
        return [`${within} ${title}`, outcome]
      }))
    }
  }
}

/** Starts an embedded cluster with options of the command line: its addresses, what it said, and how to stop it. */
export async function startEmbedded (...options) {
  const child = spawn(process.execPath, [join(root, 'bin', 'aerospike-napi.mjs'), 'local', ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said = {}
  for await (const [line] of lines(child.stdout)) {
    const [word, value] = line.split(' ')
    said[word] = value
    if (word === 'ready') break
  }
  if (said.ready === undefined) throw new Error('the embedded cluster did not start')
  return { address: said.ready.split(',')[0], hosts: said.ready.split(','), plain: said.plain?.split(','), certificates: said.certificates, stop: () => child.kill('SIGTERM') }
}

async function * lines (stream) {
  const reader = createInterface(stream)
  const ended = once(reader, 'close').then(() => undefined)
  for (;;) {
    const next = await Promise.race([once(reader, 'line'), ended])
    if (next === undefined) return
    yield next
  }
}

/** Ends a program that was called wrongly. */
export function fail (text) {
  console.error(`peers: ${text}`)
  process.exit(2)
}
