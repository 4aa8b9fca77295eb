// The code in README.md and docs/ runs, and type-checks.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as api from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { OPTIONS } from '#src/options/table'
import { compile, programOf, typeErrors } from './support/blocks.mjs'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const guides = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)
const internal = (await readdir(join(root, 'docs', 'internal'))).map((name) => `docs/internal/${name}`)
const telemetry = (await readdir(join(root, 'docs', 'telemetry'))).map((name) => `docs/telemetry/${name}`)
const textOf = async (page: string): Promise<[string, string]> => [page, await readFile(join(root, page), 'utf8')]
/** Pages whose code is a program. */
const pages = new Map(
  await Promise.all(
    ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...guides].map(textOf),
  ),
)
/** Pages that show pieces of code only. */
const internalPages = new Map(await Promise.all([...internal, 'benches/README.md'].map(textOf)))
const allPages = new Map([...pages, ...internalPages])

/** Long enough for a page that waits for a node to come back, short enough to tell a hang. */
const MAX_MS = 30_000

for (const [page, markdown] of pages) {
  const program = programOf(markdown)
  if (program.blocks === 0) continue
  test(`${page}: its ${program.blocks} blocks run`, async (t) => {
    // Pages connect to the host of their examples; it is a cluster of their own here. Inside the repository, so that
    // `import 'aerospike-napi'` finds the package itself.
    const folder = await mkdtemp(join(root, '__test__', '.build', 'page-'))
    const cluster = await LocalCluster.start({ nodes: 3 })
    try {
      const file = join(folder, 'page.mjs')
      await writeFile(
        file,
        compile(program, page).replaceAll("'127.0.0.1:3000'", JSON.stringify(cluster.hosts.join(','))),
      )
      const { stderr } = await run(process.execPath, ['--enable-source-maps', file], { timeout: MAX_MS, cwd: folder })
      t.is(stderr, '', `${page} prints errors`)
    } catch (error) {
      const { killed, stderr = '' } = error as { killed?: boolean; stderr?: string }
      const line = /page-\w+\/[^\s:]*\.mts:(\d+)/.exec(stderr)?.[1]
      t.fail(killed ? `${page} is not done after ${MAX_MS} ms` : `${page}:${line ?? '?'} ${stderr || String(error)}`)
    } finally {
      await cluster.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })
}

test('the code of all pages has the types it claims', (t) => {
  const programs = new Map([...pages].map(([page, markdown]) => [page, programOf(markdown, { all: true })]))
  t.deepEqual(typeErrors(programs, root.replace(/[\\/]$/, '').replaceAll('\\', '/')), [])
})

test('a block that throws is found by its line', async (t) => {
  const program = programOf(
    '# Page\n\n```js\nconst a = 1\n```\n\ntext\n\n```ts\nconst b: number = a\nthrow new Error(String(b))\n```\n',
  )
  t.is(program.blocks, 2)
  t.is(program.source.split('\n')[10], 'throw new Error(String(b))')
  const folder = await mkdtemp(join(root, '__test__', '.build', 'page-'))
  try {
    await writeFile(join(folder, 'page.mjs'), compile(program, 'page.md'))
    const failure = await t.throwsAsync(run(process.execPath, ['--enable-source-maps', join(folder, 'page.mjs')]))
    t.regex(String(failure?.message), /page\.mts:11/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('blocks that are no code, or marked no-run, are left out', (t) => {
  const page = '```sh\nnpm start\n```\n```ts no-run\nnope()\n```\n```js\nlet x\n```\n'
  t.is(programOf(page).blocks, 1)
  t.is(programOf(page, { all: true }).blocks, 2)
  t.false(programOf(page, { all: true }).source.includes('npm'))
})

test('every option is in the guide to options', (t) => {
  const guide = pages.get('docs/options.md') as string
  t.deepEqual(
    Object.keys(OPTIONS).filter((name) => !guide.includes(`\`${name}\``)),
    [],
  )
})

test('every result code is in the guide to errors as the table has it', (t) => {
  const guide = pages.get('docs/errors.md') as string
  const rows = [...api.RESULT_CODES.values()].map(
    ({ code, errorClass, meaning, retryable }) =>
      `| ${code} | \`${errorClass.name}\` | ${meaning} | ${retryable ? 'yes' : ''} |`,
  )
  t.deepEqual(
    rows.filter((row) => !guide.includes(row)),
    [],
  )
})

test('links between pages lead somewhere', (t) => {
  const files = new Set(['LICENSE', 'index.d.ts', ...allPages.keys()])
  const data = new Set(telemetry)
  const dead = [...allPages].flatMap(([page, markdown]) =>
    [...markdown.matchAll(/\]\(((?!https?:)[^)#]*)(#[^)]*)?\)/g)]
      .map((match) => match[1] as string)
      .filter((target) => target !== '' && !target.endsWith('.svg'))
      .map((target) => posix.join(posix.dirname(page), target))
      .filter((target) => !files.has(target) && !data.has(target))
      .map((target) => `${page} links to ${target}`),
  )
  t.deepEqual(dead, [])
})

test('every file that the architecture and the internal pages name is there', async (t) => {
  const text = ['ARCHITECTURE.md', ...internal].map((page) => allPages.get(page)).join('\n')
  const folders = ['src', 'crates', 'scripts', 'docs']
  const files = (await Promise.all(folders.map((folder) => readdir(join(root, folder), { recursive: true }))))
    .flatMap((names, i) => names.map((name) => `/${folders[i]}/${name.replaceAll('\\', '/')}`))
    .concat((await readdir(root)).map((name) => `/${name}`))
    .concat((await readdir(join(root, 'benches'))).map((name) => `/benches/${name}`))
  const named = new Set([...text.matchAll(/`([\w./-]+\.(?:rs|ts|mjs|cjs|cts))`/g)].map((match) => match[1] as string))
  t.true(named.size > 30)
  t.deepEqual(
    [...named].filter((name) => !files.some((file) => file.endsWith(`/${name}`))),
    [],
  )
})

test('every room of src has its row in the architecture', async (t) => {
  const text = await readFile(join(root, 'ARCHITECTURE.md'), 'utf8')
  const entries = await readdir(join(root, 'src'), { withFileTypes: true })
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
  t.true(names.length > 10)
  t.deepEqual(
    names.filter((name) => !new RegExp(`^\\|[^|]*\`${name}\``, 'm').test(text)),
    [],
  )
})

test('every error class is in the guide to errors, under its parent', (t) => {
  const guide = pages.get('docs/errors.md') as string
  const isError = (one: unknown): one is typeof api.AerospikeError =>
    typeof one === 'function' && one.prototype instanceof api.AerospikeError
  const missing = Object.values(api)
    .filter(isError)
    .filter((one) => {
      const parent = Object.getPrototypeOf(one).name as string
      const row = guide.split('\n').find((line) => line.startsWith(`| \`${parent}\` |`))
      return row?.includes(`\`${one.name}\``) !== true
    })
  t.deepEqual(
    missing.map((one) => one.name),
    [],
  )
})
