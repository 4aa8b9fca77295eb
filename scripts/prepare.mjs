// Brings a fresh clone to the point where the product runs: dependencies, addon, compiled TypeScript.
// Each step is skipped when its inputs have not changed since it last succeeded.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join, relative } from 'node:path'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { entries } from './entries.mjs'

export const root = fileURLToPath(new URL('..', import.meta.url))
const stamps = join(root, 'target', 'stamps')
const oldestNode = [20, 17]

/** Ends the program with one sentence for the person in front of it. */
export function fail (sentence) {
  console.error(sentence)
  process.exit(1)
}

/** Runs a program in the repository; output is shown only when it fails, unless `loud`. */
export function run (command, args, { loud = false, env } = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: loud ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env },
    shell: process.platform === 'win32' && !command.endsWith('.exe')
  })
  if (result.error) throw result.error
  if (result.status !== 0 && !loud) process.stderr.write(`${result.stdout}${result.stderr}`)
  return result
}

/** A program installed in node_modules, run by this Node. */
export function runBin (pkg, bin, args, options) {
  const manifest = JSON.parse(readFileSync(join(root, 'node_modules', pkg, 'package.json'), 'utf8'))
  const entry = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin]
  return run(process.execPath, [join(root, 'node_modules', pkg, entry), ...args], options)
}

function * files (path) {
  if (!existsSync(path)) return
  if (statSync(path).isFile()) return yield path
  for (const name of readdirSync(path).sort()) {
    if (name === 'node_modules' || name === 'target' || name === 'dist' || name === '.build') continue
    yield * files(join(path, name))
  }
}

function fingerprint (inputs) {
  const hash = createHash('sha256').update(process.version)
  for (const input of inputs) {
    for (const file of files(join(root, input))) hash.update(relative(root, file)).update(readFileSync(file))
  }
  return hash.digest('hex')
}

/** Whether a step succeeded before with the same inputs, and its outputs are still there. */
function isFresh (name, { inputs, outputs }) {
  const stamp = join(stamps, name)
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(inputs) && outputs().every(o => existsSync(join(root, o)))
}

/** Runs `work` unless the step is fresh. */
function step (name, files, work) {
  if (isFresh(name, files)) return
  // a step that fails may leave half of its outputs behind
  rmSync(join(stamps, name), { force: true })
  work()
  mkdirSync(stamps, { recursive: true })
  writeFileSync(join(stamps, name), fingerprint(files.inputs))
}

function checkNode () {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    fail(`aerospike-napi needs Node.js ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`)
  }
}

/** Where rustup puts cargo, for shells that were opened before it was installed. */
export function cargoEnv () {
  return { PATH: [process.env.PATH, join(homedir(), '.cargo', 'bin')].join(delimiter) }
}

function checkRust () {
  const found = spawnSync('cargo', ['--version'], { env: { ...process.env, ...cargoEnv() }, encoding: 'utf8' })
  if (found.error || found.status !== 0) {
    fail('aerospike-napi is built from source here and needs stable Rust: install it from https://rustup.rs and run this command again.')
  }
}

function say (what) {
  console.error(`aerospike-napi: ${what}`)
}

function npm (args) {
  const cli = process.env.npm_execpath
  return cli ? run(process.execPath, [cli, ...args]) : run('npm', args)
}

const built = pattern => () => {
  const found = readdirSync(root).filter(name => pattern.test(name))
  return found.length > 0 ? found : ['missing']
}

/** Installs, builds the addon and compiles the TypeScript, as far as needed. */
export function prepare () {
  checkNode()
  const addon = { inputs: ['Cargo.toml', 'Cargo.lock', 'crates'], outputs: built(/^aerospike-napi\..*\.node$/) }
  if (!isFresh('addon', addon)) checkRust() // before anything that takes time
  step('dependencies', { inputs: ['package-lock.json'], outputs: () => ['node_modules'] }, () => {
    say('installing dependencies')
    if (npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund']).status !== 0) fail('npm ci failed; its output is above.')
  })
  step('addon', addon, () => {
    say('building the Rust core (a few minutes the first time)')
    if (buildAddon().status !== 0) fail('The Rust core did not build; the compiler\'s output is above.')
  })
  step('typescript', { inputs: ['tsconfig.json', ...entries.map(name => `${name}.ts`), 'src', 'package-lock.json'], outputs: () => ['dist/index.js'] }, () => {
    say('compiling TypeScript')
    if (runBin('typescript', 'tsc', ['-p', 'tsconfig.json']).status !== 0) fail('TypeScript found errors; they are above.')
  })
}

/** Builds the addon with the napi CLI, which also writes binding.cjs and binding.d.cts. */
export function buildAddon (args = [], { folder = '.', profile = ['--platform', '--release'] } = {}) {
  return runBin('@napi-rs/cli', 'napi', [
    'build', ...profile, '--manifest-path', 'crates/node/Cargo.toml', '--output-dir', folder,
    '--js', 'binding.cjs', '--dts', 'binding.d.cts', ...args
  ], { env: cargoEnv() })
}
