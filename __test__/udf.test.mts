// User-defined functions: registering modules, calling them on records and in batches, and what they fail with.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Double, exp, FilteredError, GeoJSON, UdfCompileError, UdfError, UdfNotFoundError } from 'aerospike-napi'
import test, { type ExecutionContext } from 'ava'
import { client, freshKey, freshSet } from './support/cluster.mjs'

const freshModule = (): string => `m${randomBytes(8).toString('hex')}`

const LUA = `
function echo(rec, ...) return list{...} end
function first(rec, value) return value end
function nothing(rec) end
function get(rec, bin) return rec[bin] end
function put(rec, bin, value)
  rec[bin] = value
  if aerospike:exists(rec) then return aerospike:update(rec) end
  return aerospike:create(rec)
end
function add(rec, bin, by)
  rec[bin] = (rec[bin] or 0) + by
  if aerospike:exists(rec) then aerospike:update(rec) else aerospike:create(rec) end
  return rec[bin]
end
function break_it(rec, bin)
  rec[bin] = 'half done'
  error('it broke')
end
`
/** The line of `error` in it. */
const BROKEN_LINE = 18

/** Registers a module that is removed when the test is over. */
async function registered(t: ExecutionContext, source = LUA): Promise<string> {
  const name = freshModule()
  t.teardown(() => client().udf.remove(name))
  const job = await client().udf.register({ source, name })
  t.is(job.module, name)
  await job.done({ pollInterval: 20, timeout: 30_000 })
  return name
}

test('a module is registered, listed, read and removed', async (t) => {
  const name = await registered(t)
  const found = (await client().udf.list()).find((one) => one.module === name)
  t.like(found, { module: name, file: `${name}.lua`, type: 'LUA' })
  t.regex(String(found?.hash), /^[0-9a-f]{40}$/)
  t.is(await client().udf.get(name), LUA)
  t.is(await client().udf.get(`${name}.lua`), LUA)
  await client().udf.remove(`${name}.lua`)
  t.false((await client().udf.list()).some((one) => one.module === name))
  const error = await t.throwsAsync(client().udf.get(name), { instanceOf: UdfNotFoundError })
  t.is(error?.module, name)
  await client().udf.remove(name)
})

test('a module comes from a file, from bytes or from text, and is replaced by the next of its name', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'lua-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const name = freshModule()
  const path = join(folder, `${name}.lua`)
  await writeFile(path, 'function version(rec) return "file" end')
  t.teardown(() => client().udf.remove(name))
  const sources = [
    { file: path },
    { source: Buffer.from('function version(rec) return "bytes" end'), name },
    { source: 'function version(rec) return "text" end', name: `${name}.lua` },
  ]
  const seen: unknown[] = []
  for (const source of sources) {
    const job = await client().udf.register(source)
    t.is(job.module, name)
    await job.done({ timeout: 30_000, onProgress: ({ done, total }) => seen.push(done <= total) })
    seen.push(await client().apply(freshKey(), name, 'version'))
  }
  t.deepEqual(
    seen.filter((one) => typeof one === 'string'),
    ['file', 'bytes', 'text'],
  )
  t.true(seen.includes(true) && !seen.includes(false))
  const same = await client().udf.register(sources[2] as { source: string; name: string })
  await same.done({ timeout: 30_000 })
})

test('values go to a function and come back as they were', async (t) => {
  const name = await registered(t)
  const values = [
    1,
    -1n * 2n ** 63n,
    1.5,
    new Double(4),
    'text with é and 😀',
    '',
    true,
    Buffer.from([0, 1, 255]),
    [1, 'a', [2, { b: 3 }]],
    { a: 1, b: { c: [true, null] } },
    new Map<unknown, unknown>([[1, 'one']]),
    new GeoJSON({ type: 'Point', coordinates: [1, 2] }),
  ]
  for (const value of values) {
    t.deepEqual<unknown, unknown>(await client().apply(freshKey(), name, 'first', [value as never]), value)
  }
  t.deepEqual(await client().apply(freshKey(), name, 'echo', [1, 'a', true]), [1, 'a', true])
  t.is(await client().apply(freshKey(), name, 'nothing'), null)
  t.is(await client().apply(freshKey(), name, 'first', [7], { integers: 'bigint' }), 7n)
})

test('a function reads and writes its record', async (t) => {
  const name = await registered(t)
  const key = freshKey()
  t.is(await client().apply<number>(key, name, 'add', ['n', 5], { ttl: 1000, key: 'send' }), 5)
  t.is(await client().apply<number>(key, name, 'add', ['n', 5]), 10)
  const { bins, meta } = await client().get(key)
  t.deepEqual(bins, { n: 10 })
  t.is(meta.gen, 2)
  t.is(await client().apply(key, name, 'get', ['n']), 10)
  t.is(await client().apply(key, name, 'get', ['nonesuch']), null)
})

test('what fails says where, and leaves no trace', async (t) => {
  const name = await registered(t)
  const key = freshKey()
  await client().put(key, { a: 'before' })
  const error = await t.throwsAsync<UdfError>(client().apply(key, name, 'break_it', ['a']), { instanceOf: UdfError })
  t.like(error, { code: 100, module: name, function: 'break_it', line: BROKEN_LINE, reason: 'it broke' })
  t.deepEqual((await client().get(key)).bins, { a: 'before' })
  await t.throwsAsync(client().apply(key, name, 'nonesuch'), { instanceOf: UdfNotFoundError })
  const missing = await t.throwsAsync(client().apply(key, freshModule(), 'echo'), { instanceOf: UdfNotFoundError })
  t.is(missing?.code, 100)
})

test('a filter keeps a function from a record', async (t) => {
  const name = await registered(t)
  const key = freshKey()
  await client().put(key, { n: 1 })
  const filter = exp.gt(exp.bin.int('n'), 5)
  await t.throwsAsync(client().apply(key, name, 'add', ['n', 1], { filter }), { instanceOf: FilteredError })
  t.is(await client().apply(key, name, 'add', ['n', 9]), 10)
  t.is(await client().apply(key, name, 'add', ['n', 1], { filter }), 11)
})

test('batchApply calls a function on many records, each with arguments of its own', async (t) => {
  const name = await registered(t)
  const set = freshSet()
  const keys = Array.from({ length: 30 }, (_, i) => ['test', set, i] as const)
  const rows = keys.map((key, i) => (i % 3 === 0 ? { key, args: ['n', 100 + i] } : key))
  const batch = await client().batchApply<number>(rows, name, 'add', ['n', 1])
  t.deepEqual(
    Array.from(batch, (row) => row.record?.bins.SUCCESS),
    keys.map((_, i) => (i % 3 === 0 ? 100 + i : 1)),
  )
  t.deepEqual(
    (await client().getMany<{ n: number }>(keys)).map((record) => record?.bins?.n),
    keys.map((_, i) => (i % 3 === 0 ? 100 + i : 1)),
  )
  const failed = await client().batchApply([keys[0] as never], name, 'break_it', ['n'])
  const [row] = failed.failed
  t.is(row?.resultCode, 100)
  t.like(row?.error, { module: name, function: 'break_it', line: BROKEN_LINE, reason: 'it broke' })
  t.true(row?.error instanceof UdfError)
})

test('rows that call functions stand beside other rows', async (t) => {
  const name = await registered(t)
  const set = freshSet()
  const [a, b, c] = [1, 2, 3].map((id) => ['test', set, id] as const) as [never, never, never]
  await client().put(a, { n: 1 })
  const batch = await client().batch([
    a,
    { type: 'apply', key: b, module: name, function: 'put', args: ['n', 2] },
    { type: 'write', key: c, bins: { n: 3 } },
    { type: 'apply', key: a, module: name, function: 'nonesuch' },
  ])
  t.deepEqual(
    Array.from(batch, (row) => row.result),
    ['ok', 'ok', 'ok', 'error'],
  )
  t.deepEqual(batch.at(0)?.record?.bins, { n: 1 })
  t.true(batch.at(3)?.error instanceof UdfNotFoundError)
  t.deepEqual((await client().get(b)).bins, { n: 2 })
})

test('a module that is no Lua is refused with its line', async (t) => {
  const name = freshModule()
  const error = await t.throwsAsync<UdfCompileError>(
    client().udf.register({ name, source: 'function fine(rec) end\n\nfunction oops( end\n' }),
    { instanceOf: UdfCompileError },
  )
  t.like(error, { code: 100, module: name, line: 3 })
  t.regex(String(error?.reason), /expected/)
  t.false((await client().udf.list()).some((one) => one.module === name))
})
