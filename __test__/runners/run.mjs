// npm run runners [-- --only REGEX]
//
// The package in the test runners, bundlers and compilers that people use, each installed into a temporary folder. Where the
// registry cannot be reached the case is skipped, and says so.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import ts from 'typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const { values: { only = '' } } = parseArgs({ options: { only: { type: 'string' } } })

/** The test that the guide to testing shows, as a program. */
export function guideExample () {
  const guide = readFileSync(join(root, 'docs', 'testing.md'), 'utf8')
  const block = /## In a test\n[^`]*```ts no-run\n(.*?)```/s.exec(guide)
  if (block === null) throw new Error('docs/testing.md shows no test')
  return block[1]
}

const asCommonJs = code => ts.transpileModule(code, { compilerOptions: { module: 'commonjs', target: 'es2022', esModuleInterop: true } }).outputText

/** A folder with the package and what else is needed; undefined when that cannot be installed. */
function project (dependencies) {
  const folder = mkdtempSync(join(tmpdir(), 'aerospike-runners-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'program', private: true }))
  if (dependencies.length > 0) {
    const npm = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...dependencies], { cwd: folder, encoding: 'utf8' })
    if (npm.status !== 0) {
      rmSync(folder, { recursive: true, force: true })
      return undefined
    }
  }
  const own = join(folder, 'node_modules', 'aerospike-napi')
  mkdirSync(own, { recursive: true })
  for (const name of ['package.json', 'index.d.ts', 'local.d.ts', 'keyv.d.ts', 'session-store.d.ts', 'binding.cjs', 'dist']) cpSync(join(root, name), join(own, name), { recursive: true })
  for (const name of readdirSync(root)) if (name.endsWith('.node')) symlinkSync(join(root, name), join(own, name))
  return folder
}

const run = (folder, command, args) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' }, timeout: 240_000 })
  return { ok: status === 0, text: `${stdout}${stderr}` }
}
const bin = (folder, name) => join(folder, 'node_modules', '.bin', name)

/** What a test runner must tell apart, with its own `expect`. */
const EQUALITY = `
const { connect, op } = require('aerospike-napi')
const { LocalCluster } = require('aerospike-napi/local')
let cluster, client
beforeAll(async () => { cluster = await LocalCluster.start(); client = await connect(cluster.hosts) })
afterAll(async () => { await client.close(); await cluster.stop() })
test('what differs is not equal', async () => {
  const [one, other] = [['test', 's', 1], ['test', 's', 2]]
  for (const [key, a] of [[one, 1], [other, 2]]) await client.put(key, { a })
  const rows = async key => [...await client.batchRead([key])]
  expect(await client.get(one)).toEqual(await client.get(one))
  expect(await client.get(one)).not.toEqual(await client.get(other))
  expect(await rows(one)).toEqual(await rows(one))
  expect((await rows(one))[0]).not.toEqual((await rows(other))[0])
  expect(await client.batchRead([one])).toEqual(await client.batchRead([one]))
  expect(await client.batchRead([one])).not.toEqual(await client.batchRead([other]))
  expect({ ...(await client.get(one)) }).toEqual({ key: one, meta: { gen: 1, ttl: -1 }, bins: { a: 1 } })
  expect(op.increment('a', 1)).not.toEqual(op.increment('a', 2))
})
test('errors have their names', async () => {
  await expect(client.get(['test', 's', 'none'])).rejects.toMatchObject({ name: 'RecordNotFoundError', code: 2 })
})
`

/** Calls while timers are fake, real, and fake again: `on` and `off` are what the runner has for it. */
const FAKE_TIMERS = (on, off) => `
test('calls settle while timers are fake, when they are real again, and when they are fake once more', async () => {
  const { connect } = require('aerospike-napi')
  const { LocalCluster } = require('aerospike-napi/local')
  const cluster = await LocalCluster.start()
  const client = await connect({ hosts: cluster.hosts })
  const key = i => ['test', 'timers', i]
  const use = async () => {
    await client.put(key(1), { a: 1 })
    const { bins } = await client.get(key(1))
    if (bins.a !== 1) throw new Error('not what was written')
    const batch = await client.batchWrite(Array.from({ length: 3000 }, (_, i) => ({ key: key(i), bins: { i } })))
    batch.throwIfFailed()
    if ((await client.batchRead(Array.from({ length: 3000 }, (_, i) => key(i)))).found.length !== 3000) throw new Error('rows are missing')
    let records = 0
    for await (const _ of client.query('test', 'timers')) records++
    if (records !== 3000) throw new Error(records + ' records')
    const missing = await client.get(key('none'), { totalTimeout: 5000 }).catch(error => error)
    if (missing.code !== 2) throw missing
    await cluster.freezeNode(0)
    const late = await client.get(key(1), { totalTimeout: 200, maxRetries: 0 }).catch(error => error)
    if (late.code !== 9) throw new Error('no timeout, but ' + late.message)
    await cluster.thawNode(0)
    await client.get(key(1), { totalTimeout: 5000 })
  }
  for (let turn = 0; turn < 2; turn++) {
    ${on}
    await use()
    ${off}
    await use()
  }
  ${on}
  const other = await connect({ hosts: cluster.hosts })
  await other.get(key(1))
  await other.close()
  await client.close()
  await cluster.stop()
  ${off}
}TIMEOUT)
`

const jest = version => ({
  name: `jest ${version}`,
  dependencies: [`jest@${version}`],
  check (folder) {
    // Jest has its own describe, test and hooks.
    const example = asCommonJs(guideExample().replace("import { after, before, test } from 'node:test'", 'const [after, before] = [afterAll, beforeAll]'))
    writeFileSync(join(folder, 'example.test.js'), example)
    writeFileSync(join(folder, 'equality.test.js'), EQUALITY)
    writeFileSync(join(folder, 'timers.test.js'), FAKE_TIMERS('jest.useFakeTimers()', 'jest.useRealTimers()').replace('TIMEOUT', ', 60_000'))
    return run(folder, bin(folder, 'jest'), ['--ci'])
  }
})

const vitest = version => ({
  name: `vitest ${version}`,
  dependencies: [`vitest@${version}`],
  check (folder) {
    const hooks = "import { afterAll, afterAll as after, beforeAll, beforeAll as before, expect, test } from 'vitest'"
    writeFileSync(join(folder, 'example.test.ts'), guideExample().replace("import { after, before, test } from 'node:test'", hooks))
    const asModule = EQUALITY.replaceAll(/const (\{.*\}) = require\((.*)\)/g, 'import $1 from $2')
    writeFileSync(join(folder, 'equality.test.mjs'), `${hooks.replace('afterAll as after, ', '').replace('beforeAll as before, ', '')}\n${asModule}`)
    // Vitest leaves nextTick alone where its own processes need it; in threads it can be faked too.
    const timers = FAKE_TIMERS("vi.useFakeTimers({ toFake: [...FAKED] })", 'vi.useRealTimers()').replace('TIMEOUT', ', 60_000')
    const faked = "const FAKED = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'Date', 'performance', 'queueMicrotask']"
    writeFileSync(join(folder, 'timers.test.mjs'), `import { createRequire } from 'node:module'\nimport { test, vi } from 'vitest'\nconst require = createRequire(import.meta.url)\n${faked}\n${timers}`)
    return run(folder, bin(folder, 'vitest'), ['run'])
  }
})

const BUNDLED = `
const { connect, RecordNotFoundError, GenerationError } = require('aerospike-napi')
const { LocalCluster } = require('aerospike-napi/local')
async function main () {
  const cluster = await LocalCluster.start()
  const client = await connect(cluster.hosts)
  const error = await client.get(['test', 's', 'none']).catch(error => error)
  await client.close()
  await cluster.stop()
  const names = [error.name, JSON.parse(JSON.stringify(error)).name, new GenerationError('x').name, RecordNotFoundError.name]
  if (names.join() !== 'RecordNotFoundError,RecordNotFoundError,GenerationError,RecordNotFoundError') throw new Error(names.join())
  if (!(error instanceof RecordNotFoundError) || !String(error.stack).startsWith('RecordNotFoundError')) throw new Error(error.stack)
}
main().catch(error => { console.error(error); process.exit(1) })
`

const compiler = version => ({
  name: `TypeScript ${version}`,
  dependencies: [`typescript@${version}`, '@types/node@20'],
  check (folder) {
    writeFileSync(join(folder, 'example.mts'), guideExample())
    writeFileSync(join(folder, 'repository.mts'), `
import { type Client, type Key, type Record, type Storable } from 'aerospike-napi'

export class Repository<T extends object> {
  constructor (private readonly client: Client, private readonly set: string) {}
  key = (id: string): Key => ['test', this.set, id]
  put = (id: string, value: T & Storable<T>) => this.client.put<T>(this.key(id), value, { undefined: 'omit' })
  patch = (id: string, change: Partial<T> & Storable<Partial<T>>) => this.client.put<Partial<T>>(this.key(id), change)
  find = async (id: string): Promise<T | undefined> => (await this.client.find<T>(this.key(id)))?.bins
  get = (id: string): Promise<Record<T>> => this.client.get<T>(this.key(id))
}
`)
    const args = ['--noEmit', '--strict', '--module', 'nodenext', '--moduleResolution', 'nodenext', '--target', 'es2022', '--lib', 'es2022,esnext.disposable', '--types', 'node', 'example.mts', 'repository.mts']
    const { text } = run(folder, bin(folder, 'tsc'), args)
    // What others' declarations need is not ours to say.
    const ours = text.split('\n').filter(line => /^(example|repository|node_modules\/aerospike-napi)/.test(line))
    return { ok: ours.length === 0, text: ours.join('\n') }
  }
})

export const cases = [
  {
    name: 'node:test',
    dependencies: [],
    check (folder) {
      writeFileSync(join(folder, 'example.test.cjs'), asCommonJs(guideExample()))
      const timers = FAKE_TIMERS('mock.timers.enable()', 'mock.timers.reset()').replace('TIMEOUT', '')
      writeFileSync(join(folder, 'timers.test.cjs'), `const { mock, test } = require('node:test')\n${timers}`)
      return run(folder, process.execPath, ['--test', 'example.test.cjs', 'timers.test.cjs'])
    }
  },
  ...['5.2.2', '5.4.5', '5.6.3', '5.7.3', '5.9.3', '6.0.3'].map(compiler),
  ...['29', '30'].map(jest),
  ...['3', '4'].map(vitest),
  {
    name: 'attw',
    dependencies: ['@arethetypeswrong/cli@0.18'],
    check (folder) {
      const packed = run(root, 'npm', ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder])
      if (!packed.ok) return packed
      const [archive] = readdirSync(folder).filter(name => name.endsWith('.tgz'))
      return run(folder, bin(folder, 'attw'), [archive, '--no-emoji', '--exclude-entrypoints', 'package.json'])
    }
  },
  {
    name: 'esbuild, minified',
    dependencies: ['esbuild@0.25'],
    check (folder) {
      writeFileSync(join(folder, 'main.js'), BUNDLED)
      const built = run(folder, bin(folder, 'esbuild'), ['main.js', '--bundle', '--minify', '--platform=node', '--loader:.node=copy', '--outfile=out/main.js'])
      return built.ok ? run(folder, process.execPath, ['out/main.js']) : built
    }
  },
  {
    name: 'webpack, minified, the package external',
    dependencies: ['webpack@5', 'webpack-cli@6'],
    check (folder) {
      writeFileSync(join(folder, 'main.js'), BUNDLED)
      writeFileSync(join(folder, 'webpack.config.cjs'), `module.exports = { mode: 'production', target: 'node', entry: './main.js', externals: { 'aerospike-napi': 'commonjs aerospike-napi', 'aerospike-napi/local': 'commonjs aerospike-napi/local' } }`)
      const built = run(folder, bin(folder, 'webpack'), ['--config', 'webpack.config.cjs'])
      return built.ok ? run(folder, process.execPath, ['dist/main.js']) : built
    }
  }
]

/** Runs a case: 'ok', 'skipped' or 'FAILED', and what it printed. */
export function runCase ({ dependencies, check }) {
  const folder = project(dependencies)
  if (folder === undefined) return { outcome: 'skipped', text: `${dependencies.join(' and ')} cannot be installed: is the registry reachable?` }
  try {
    const { ok, text } = check(folder)
    return { outcome: ok ? 'ok' : 'FAILED', text }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  let failed = 0
  for (const one of cases.filter(({ name }) => new RegExp(only).test(name))) {
    const { outcome, text } = runCase(one)
    if (outcome === 'FAILED') failed++
    console.log(`${outcome} - ${one.name}${outcome === 'ok' ? '' : `\n    ${text.trim().split('\n').slice(0, 40).join('\n    ')}`}`)
  }
  process.exit(failed === 0 ? 0 : 1)
}
