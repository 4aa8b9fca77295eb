// House rules that a machine can hold: the import arrows of the map, where `unsafe` may live, and generated files that
// are what their generators write. Each check returns the list of what is wrong.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { entries } from './entries.mjs'
import { problems as moduleProblems } from './modules.mjs'
import { root, run, runBin } from './prepare.mjs'
import { problems } from './rooms.mjs'

/** Which of our crates a crate may depend on; tests of the client may also use the server. */
const arrows = {
  wire: { needs: [], tests: [] },
  client: { needs: ['wire'], tests: ['server'] },
  lua: { needs: ['wire'], tests: [] },
  server: { needs: ['lua', 'wire'], tests: [] },
  node: { needs: ['client', 'lua', 'server', 'wire'], tests: [] }
}
const packages = { 'aerospike-wire': 'wire', 'aerospike-core': 'client', 'aerospike-server': 'server', 'aerospike-lua': 'lua', 'aerospike-napi': 'node' }

const read = path => readFileSync(join(root, path), 'utf8')

function * sources (folder, pattern) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    const path = relative(root, join(entry.parentPath, entry.name))
    if (entry.isFile() && pattern.test(path)) yield path
  }
}

/** The crates of ours that a manifest names in its sections of one kind. */
function ourDependencies (manifest, section) {
  const blocks = manifest.split(/^\[/m).filter(block => block.startsWith(`${section}]`))
  return blocks.flatMap(block => [...block.matchAll(/^(aerospike-\w+)/gm)].map(match => packages[match[1]] ?? match[1]))
}

function crateArrows () {
  return Object.entries(arrows).flatMap(([crate, { needs, tests }]) => {
    const manifest = read(`crates/${crate}/Cargo.toml`)
    const wrong = (section, allowed) => ourDependencies(manifest, section)
      .filter(name => !allowed.includes(name))
      .map(name => `crates/${crate} must not depend on crates/${name} (${section})`)
    return [...wrong('dependencies', needs), ...wrong('dev-dependencies', [...needs, ...tests])]
  })
}

function unsafeCode () {
  return Object.keys(arrows).filter(crate => crate !== 'node').flatMap(crate => {
    const forbids = read(`crates/${crate}/src/lib.rs`).includes('#![forbid(unsafe_code)]')
    return forbids ? [] : [`crates/${crate} must forbid unsafe code: it lives in crates/node alone`]
  })
}

/** The texts of TypeScript's sources by path. */
export function typescriptSources () {
  const paths = [...entries.map(entry => `${entry}.ts`), ...sources('src', /\.ts$/)]
  return Object.fromEntries(paths.map(path => [path.replaceAll('\\', '/'), read(path)]))
}

/** The texts of the crates' sources by path. */
export function rustSources () {
  return Object.fromEntries([...sources('crates', /^crates.\w+.src.*\.rs$/)].map(path => [path.replaceAll('\\', '/'), read(path)]))
}

function bindingFiles () {
  if (!existsSync(join(root, '.git'))) return []
  // the build that made the addon wrote them; a difference from the index means that nobody added what it wrote
  const files = ['binding.cjs', 'binding.d.cts']
  const { status } = run('git', ['diff', '--quiet', '--', ...files])
  return status === 0 ? [] : [`${files.join(' and ')} are not what the napi CLI writes: add what the build wrote`]
}

function declarations () {
  const folder = mkdtempSync(join(tmpdir(), 'aerospike-napi-'))
  try {
    const made = run(process.execPath, [join(root, 'scripts', 'declarations.mjs'), folder])
    if (made.status !== 0) return ['scripts/declarations.mjs failed']
    return entries.map(entry => `${entry}.d.ts`)
      .filter(name => !existsSync(join(root, name)) || read(name) !== readFileSync(join(folder, name), 'utf8'))
      .map(name => `${name} is stale: run npm run declarations and review the difference`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function formatted () {
  const problems = []
  if (run('cargo', ['fmt', '--all', '--check']).status !== 0) problems.push('Rust is not formatted: run cargo fmt --all')
  if (runBin('@biomejs/biome', 'biome', ['check', '.']).status !== 0) problems.push('TypeScript or JavaScript does not pass biome: run npm run lint')
  return problems
}

/** Functions and clocks that anyone may replace at any time: src/host.ts alone takes them, and says why. */
const replaceable = /\b(process\.nextTick|setImmediate|queueMicrotask|setTimeout|setInterval|performance\.\w+|process\.hrtime|Date\.now|new Date\(\)|new Promise\b|(?<!\w)Promise\.\w+)/

function replaceableFunctions () {
  return [...sources('src', /\.ts$/)].filter(path => path !== join('src', 'host.ts')).flatMap(path => {
    const lines = read(path).split('\n')
    return lines.flatMap((line, at) => {
      const found = /^\s*(\/\/|\/?\*)/.test(line) ? null : replaceable.exec(line)
      return found === null ? [] : [`${path}:${at + 1} takes ${found[0]} from the environment: src/host.ts has what stands in for it`]
    })
  })
}

/** Facts of this or that machine do not belong into the repository. */
function machinePaths () {
  if (!existsSync(join(root, '.git'))) return []
  const found = run('git', ['grep', '-nIE', '(^|[^A-Za-z0-9_.])/(root|home/[a-z]+|work)/', '--', ':!*.lock', ':!package-lock.json', ':!scripts/house.mjs', ':!.github'])
  return found.status === 0 ? found.stdout.trim().split('\n') : []
}

/** The sections that texts cite as `protocol 2.6` and that the page does not have. */
export function missingSections (texts, page) {
  const sections = new Set([...page.matchAll(/^#+ (\d+(?:\.\d+)?)\.? /gm)].map(match => match[1]))
  const cited = /\bprotocol (?:section )?(\d+(?:\.\d+)?(?:(?:, | and )\d+\.\d+)*)/g
  return Object.entries(texts).flatMap(([path, text]) => [...text.matchAll(cited)]
    .flatMap(match => match[1].split(/, | and /))
    .filter(section => !sections.has(section))
    .map(section => `${path} cites section ${section}, which docs/internal/protocol.md does not have`))
}

/** Whoever reads a comment can look its fact up. */
function citations () {
  const paths = [...sources('crates', /\.(rs|lua)$/), ...sources('src', /\.ts$/), ...sources('__test__', /\.mts$/), ...sources('docs', /\.md$/)]
  return missingSections(Object.fromEntries(paths.map(path => [path, read(path)])), read('docs/internal/protocol.md'))
}

/** Files that the pages for contributors name, from the root of the repository, and that are not there. */
function namedFiles () {
  const pages = ['ARCHITECTURE.md', 'CONTRIBUTING.md', ...sources('docs/internal', /\.md$/)]
  return pages.flatMap(page => [...read(page).matchAll(/`((?:src|crates|scripts|benches|docs|__test__)\/[\w./-]*\w)`/g)]
    .filter(match => !existsSync(join(root, match[1])))
    .map(match => `${page} names ${match[1]}, which does not exist`))
}

export const checks = {
  'crates depend only along the arrows of the map': crateArrows,
  'only the binding has unsafe code': unsafeCode,
  'TypeScript imports only along the arrows of the table of rooms': () => problems(typescriptSources()),
  'modules of the crates use one another only along the arrows of their table': () => moduleProblems(rustSources()),
  'only src/host.ts takes what anyone may replace': replaceableFunctions,
  'sections of the protocol that comments cite are in its page': citations,
  'files that the pages for contributors name exist': namedFiles,
  'binding.cjs and binding.d.cts are what the napi CLI writes': bindingFiles,
  'index.d.ts and the other declarations are what the entries declare': declarations,
  'the code is formatted and linted': formatted,
  'no path of a machine is in the repository': machinePaths
}
