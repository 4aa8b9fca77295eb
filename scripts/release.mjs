// npm run release:dry: everything that a release does, up to sending it: packages of every platform, their licences, the
// package itself, and what publint and attw say about it.
//
//   npm run release:dry                              with the addon of this machine
//   node scripts/release.mjs --artifacts DIR         with the addons of all platforms, as the release builds them
//   node scripts/release.mjs --artifacts DIR --publish
//
// It works on a copy in target/release-packages, so that nothing in the repository changes.
import { entries } from './entries.mjs'
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { notices } from './notices.mjs'
import { fail, prepare, root, run, runBin } from './prepare.mjs'

const { values: { artifacts, publish } } = parseArgs({
  options: { artifacts: { type: 'string' }, publish: { type: 'boolean', default: false } }
})
const copy = join(root, 'target', 'release-packages')
const PUBLINT = 'publint@0.3.25'
const ATTW = '@arethetypeswrong/cli@0.18.5'

const json = path => JSON.parse(readFileSync(path, 'utf8'))
const say = text => console.log(`\n== ${text}`)

function must (what, { status }) {
  if (status !== 0) fail(`${what} failed; its output is above.`)
}

function napi (args) {
  must(`napi ${args[0]}`, runBin('@napi-rs/cli', 'napi', [...args, '--cwd', copy], { loud: true }))
}

/** Copies what a package is made of, and the addons. */
function gather () {
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  for (const name of ['package.json', 'README.md', 'LICENSE', 'NOTICE', ...entries.map(entry => `${entry}.d.ts`), 'binding.cjs', 'binding.d.cts', 'bin', 'npm']) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true })
  }
  // compiled anew: dist may hold files whose sources are gone. Comments are in the declarations; source maps with their
  // sources would be three times as large as the package
  const plain = ['--removeComments', '--sourceMap', 'false', '--inlineSources', 'false', '--declaration', 'false']
  must('tsc', runBin('typescript', 'tsc', ['-p', 'tsconfig.json', '--outDir', join(copy, 'dist'), ...plain], { loud: true }))
  const addons = artifacts === undefined ? root : resolve(artifacts)
  const found = readdirSync(addons, { recursive: true }).map(String)
    .filter(name => !name.includes('node_modules') && !name.includes('target') && /aerospike-napi\.[\w-]+\.node$/.test(name))
  mkdirSync(join(copy, 'artifacts'))
  for (const name of found) copyFileSync(join(addons, name), join(copy, 'artifacts', name.split(/[\\/]/).at(-1)))
  return found.length
}

/** The folders of platforms, with whether their addon is there. */
function platforms () {
  return readdirSync(join(copy, 'npm')).map(name => {
    const folder = join(copy, 'npm', name)
    return { name, folder, isComplete: existsSync(join(folder, json(join(folder, 'package.json')).main)) }
  })
}

/** Goes on without platforms whose addons are built elsewhere. */
function leaveOut (absent) {
  if (absent.length === 0) return
  const path = join(copy, 'package.json')
  const manifest = json(path)
  const triples = absent.map(({ folder }) => json(join(folder, 'package.json')).description.split(' ').at(-1))
  manifest.napi.targets = manifest.napi.targets.filter(target => !triples.includes(target))
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`)
  for (const { folder } of absent) rmSync(folder, { recursive: true })
}

/** Gives each platform's package the licences of what is compiled into its addon. */
function addLicences () {
  const thirdParty = notices()
  for (const { folder } of platforms()) {
    for (const name of ['LICENSE', 'NOTICE']) copyFileSync(join(root, name), join(folder, name))
    writeFileSync(join(folder, 'THIRD-PARTY-NOTICES'), thirdParty)
    const path = join(folder, 'package.json')
    const manifest = json(path)
    manifest.files = [...new Set([...manifest.files, 'LICENSE', 'NOTICE', 'THIRD-PARTY-NOTICES'])]
    writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`)
  }
}

/** What is wrong with a package as npm would send it. */
function missingFiles (folder, wanted) {
  const packed = run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', folder])
  must(`npm pack ${folder}`, packed)
  const files = JSON.parse(packed.stdout)[0].files.map(file => file.path)
  return wanted.filter(name => !files.includes(name)).map(name => `${folder} lacks ${name}`)
}

if (artifacts === undefined) prepare()
say('gathering')
const addons = gather()
if (addons === 0) fail('There is no addon to make a package of.')
// copies the addons to the packages of their platforms; without --artifacts those of the others stay empty
if (artifacts === undefined) {
  for (const { folder } of platforms()) {
    const main = json(join(folder, 'package.json')).main
    if (existsSync(join(copy, 'artifacts', main))) copyFileSync(join(copy, 'artifacts', main), join(folder, main))
  }
} else {
  napi(['artifacts', '--output-dir', 'artifacts', '--npm-dir', 'npm'])
}
const incomplete = platforms().filter(platform => !platform.isComplete)
if (artifacts !== undefined && incomplete.length > 0) fail(`No addon for ${incomplete.map(p => p.name).join(', ')}.`)
leaveOut(incomplete)

say('versions and optional dependencies')
napi(['prepublish', '-t', 'npm', '--no-gh-release', '--skip-optional-publish'])
const { version, optionalDependencies = {} } = json(join(copy, 'package.json'))
const wrong = platforms().map(({ folder }) => json(join(folder, 'package.json')))
  .filter(pkg => pkg.version !== version || optionalDependencies[pkg.name] !== version)
if (wrong.length > 0) fail(`Not of version ${version}, or no optional dependency: ${wrong.map(pkg => pkg.name).join(', ')}.`)

say('licences')
addLicences()

say('packages')
const complete = platforms().filter(platform => platform.isComplete)
const missing = [
  ...complete.flatMap(({ folder }) => missingFiles(folder, [json(join(folder, 'package.json')).main, 'LICENSE', 'NOTICE', 'THIRD-PARTY-NOTICES'])),
  ...missingFiles(copy, ['LICENSE', 'NOTICE', 'binding.cjs', ...entries.flatMap(entry => [`${entry}.d.ts`, `dist/${entry}.js`]), 'bin/aerospike-napi.mjs'])
]
if (missing.length > 0) fail(missing.join('\n'))

say('publint and attw')
const packed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', join(copy, 'artifacts'), copy])
must('npm pack', packed)
const tarball = join(copy, 'artifacts', JSON.parse(packed.stdout)[0].filename)
must('publint', run('npm', ['exec', '--yes', '--', PUBLINT, 'run', tarball, '--strict'], { loud: true }))
must('attw', run('npm', ['exec', '--yes', `--package=${ATTW}`, '--', 'attw', tarball], { loud: true }))

const how = publish ? ['--provenance'] : ['--dry-run']
say(publish ? 'publishing' : 'publishing, without sending')
for (const folder of [...complete.map(platform => platform.folder), copy]) {
  must(`npm publish ${folder}`, run('npm', ['publish', folder, '--access', 'public', '--ignore-scripts', ...how], { loud: true }))
}
if (incomplete.length > 0) console.log(`\nNot checked, as their addons are built elsewhere: ${incomplete.map(p => p.name).join(', ')}.`)
