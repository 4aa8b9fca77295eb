// The package as people install it: packed, unpacked into an empty project, and used from there in every way.
import { execFile, spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'aerospike-napi-project-'))
const modules = join(project, 'node_modules')
let packed: readonly string[] = []

interface Manifest {
  readonly name: string
  readonly version: string
  readonly main: string
  readonly os: readonly string[]
  readonly cpu: readonly string[]
  readonly libc?: readonly string[]
  readonly engines: { readonly node: string }
  readonly license: string
}

const manifest = (path: string): Manifest => JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8'))
const platforms = readdirSync(join(root, 'npm')).map((folder) => ({ folder, ...manifest(`npm/${folder}`) }))

/** npm, also when it is a script that only a shell can start. */
function npm(args: readonly string[], cwd: string): Promise<{ stdout: string }> {
  const env = { ...process.env, npm_config_update_notifier: 'false' }
  return run('npm', args, { cwd, env, shell: process.platform === 'win32', maxBuffer: 1 << 26 })
}

function write(name: string, text: string): string {
  const path = join(project, name)
  writeFileSync(path, text)
  return path
}

test.before('the package is packed and installed', async (t) => {
  t.timeout(60_000)
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', project], root)
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  packed = files.map(({ path }) => path)
  write('package.json', '{ "name": "project", "private": true }')
  const quiet = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--omit=optional']
  await npm(['install', ...quiet, `./${filename}`], project)
  // The addon comes with the package of the platform, which npm would have fetched.
  const fitting = platforms.filter(({ main }) => existsSync(join(root, main)))
  t.true(fitting.length > 0, 'the addon is built')
  for (const { name, main, folder } of fitting) {
    mkdirSync(join(modules, name))
    copyFileSync(join(root, main), join(modules, name, main))
    copyFileSync(join(root, 'npm', folder, 'package.json'), join(modules, name, 'package.json'))
  }
})

test.after.always('the project is removed', () => rmSync(project, { recursive: true, force: true }))

test('the package holds what it needs and nothing else', (t) => {
  const wanted =
    /^(package\.json|README\.md|LICENSE|NOTICE|binding\.(cjs|d\.cts)|(index|local|keyv|session-store|opentelemetry)\.d\.ts|bin\/[\w-]+\.mjs|dist\/.*\.js)$/
  t.deepEqual(
    packed.filter((path) => !wanted.test(path)),
    [],
  )
  for (const path of [
    'README.md',
    'LICENSE',
    'NOTICE',
    'binding.cjs',
    'index.d.ts',
    'local.d.ts',
    'opentelemetry.d.ts',
    'dist/index.js',
    'dist/local.js',
    'keyv.d.ts',
    'dist/keyv.js',
    'session-store.d.ts',
    'dist/session-store.js',
  ]) {
    t.true(packed.includes(path), path)
  }
})

test('every entry of the manifest is in the package', (t) => {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const targets = [exports, bin].flatMap(
    (part) => JSON.stringify(part).match(/(?<=")(\.\/)?[\w./-]+\.\w+(?="[,}])/g) ?? [],
  )
  t.true(targets.length >= 5)
  for (const target of targets) t.true(packed.includes(target.replace('./', '')), target)
})

test('import and require give the same classes', async (t) => {
  const script = write(
    'both.mjs',
    `import { createRequire } from 'node:module'
     import * as imported from 'aerospike-napi'
     import * as importedLocal from 'aerospike-napi/local'
     const require = createRequire(import.meta.url)
     const required = { ...require('aerospike-napi'), ...require('aerospike-napi/local') }
     const differing = Object.keys(required).filter((name) => required[name] !== { ...imported, ...importedLocal }[name])
     console.log(JSON.stringify({ names: Object.keys(required).length, differing }))`,
  )
  const { names, differing } = JSON.parse((await run(process.execPath, [script], { cwd: project })).stdout)
  t.true(names > 50, `${names} names`)
  t.deepEqual(differing, [])
})

const work = `
  const cluster = await LocalCluster.start()
  const client = await connect(cluster.hosts)
  await client.put(['test', 'demo', 1], { name: 'Alice' })
  const [, meta, bins] = await client.get(['test', 'demo', 1])
  const missing = await client.get(['test', 'demo', 2]).catch((error) => error instanceof RecordNotFoundError)
  console.log(meta.gen, bins.name, missing)
  await client.close()
  await cluster.stop()
`

test('an ES module reads and writes with it', async (t) => {
  const script = write(
    'work.mjs',
    `import { connect, RecordNotFoundError } from 'aerospike-napi'
     import { LocalCluster } from 'aerospike-napi/local'
     ${work}`,
  )
  t.is((await run(process.execPath, [script], { cwd: project })).stdout.trim(), '1 Alice true')
})

test('a CommonJS module reads and writes with it', async (t) => {
  const script = write(
    'work.cjs',
    `const { connect, RecordNotFoundError } = require('aerospike-napi')
     const { LocalCluster } = require('aerospike-napi/local')
     const main = async () => { ${work} }
     main()`,
  )
  t.is((await run(process.execPath, [script], { cwd: project })).stdout.trim(), '1 Alice true')
})

const stops = process.platform === 'win32' ? test.skip : test

stops('the command runs a cluster and stops on SIGTERM', async (t) => {
  // What npx runs once it has found it.
  const command = spawn(join(modules, '.bin', 'aerospike-napi'), ['local', '--nodes', '1'], { cwd: project })
  const ended = new Promise((resolve) => command.once('close', (code, signal) => resolve(code ?? signal)))
  const line = await new Promise<string>((resolve, reject) => {
    command.stdout.once('data', (data) => resolve(String(data)))
    command.once('error', reject)
    command.once('close', (code) => reject(new Error(`it ended with ${code}`)))
  })
  t.regex(line, /^ready 127\.0\.0\.1:\d+\n$/)
  command.kill('SIGTERM')
  t.is(await ended, 0)
})

stops('started by npx, the command ends when npx does', async (t) => {
  const npx = spawn('npm', ['exec', '--offline', '--no', '--', 'aerospike-napi', 'local', '--nodes', '1'], {
    cwd: project,
  })
  const port = await new Promise<number>((resolve, reject) => {
    npx.stdout.once('data', (data) => resolve(Number(/^ready 127\.0\.0\.1:(\d+)/.exec(String(data))?.[1])))
    npx.once('error', reject)
  })
  t.true(await accepts(port))
  npx.kill('SIGTERM')
  const until = Date.now() + 10_000
  while ((await accepts(port)) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50))
  t.false(await accepts(port))
})

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

const program = `
  import { connect, op, RecordNotFoundError, type BatchRecords, type Client, type Key, type Record } from 'aerospike-napi'
  import { LocalCluster } from 'aerospike-napi/local'

  interface User { name: string; age: number }

  export async function main(client: Client, keys: readonly Key[]): Promise<string | undefined> {
    const record: Record<User> = await client.get<User>(['test', 'users', 1], { totalTimeout: 50 })
    const [key, meta, bins] = record
    const name: string = bins.name
    const gen: number = meta.gen
    const batch: BatchRecords<User> = await client.batchRead<User>(keys, { bins: ['name'] })
    const { bins: counted } = await client.operate<{ age: number }>(key, [op.increment('age', 1), op.read('age')])
    // @ts-expect-error a date cannot be stored
    await client.put(key, { at: new Date() })
    // @ts-expect-error there is no such option
    await client.put(key, { age: counted.age }, { exist: 'create' })
    return batch.at(0)?.record?.bins.name ?? name + gen
  }

  await using cluster = await LocalCluster.start({ nodes: 1 })
  await using client = await connect(cluster.hosts)
  main(client, []).catch((error: unknown) => error instanceof RecordNotFoundError && error.key)
`

for (const [resolution, module] of [
  ['nodenext', 'nodenext'],
  ['bundler', 'esnext'],
] as const) {
  test(`the declarations work with moduleResolution ${resolution}`, async (t) => {
    const file = write(`types-${resolution}.mts`, program)
    const config = write(
      `tsconfig.${resolution}.json`,
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution: resolution,
          target: 'es2022',
          lib: ['es2023', 'esnext.disposable'],
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          types: ['node'],
          typeRoots: [join(root, 'node_modules', '@types')],
        },
        files: [file],
      }),
    )
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = await run(process.execPath, [compiler, '-p', config], { cwd: project }).catch(
      (error: { stdout: string }) => error,
    )
    t.is(stdout, '')
  })
}

test('every platform that the addon is built for has a package that fits it', (t) => {
  const { napi, version, engines, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.is(platforms.length, napi.targets.length)
  for (const platform of platforms) {
    const [os, cpu, abi] = platform.folder.split('-')
    t.deepEqual(platform.os, [os], platform.name)
    t.deepEqual(platform.cpu, [cpu], platform.name)
    if (os === 'linux') t.deepEqual(platform.libc, [abi === 'gnu' ? 'glibc' : 'musl'], platform.name)
    t.is(platform.main, `aerospike-napi.${platform.folder}.node`)
    t.is(platform.version, version)
    t.is(platform.license, license)
    t.deepEqual(platform.engines, engines)
  }
})
