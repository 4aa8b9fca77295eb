// What people write every day, and what they are told when it is not quite right.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { inspect } from 'node:util'
import * as everything from 'aerospike-napi'
import {
  AerospikeError,
  type Client,
  ClientClosedError,
  connect,
  Double,
  digest,
  exp,
  GeoJSON,
  InvalidArgumentError,
  InvalidHostError,
  op,
  QueueFullError,
  RecordNotFoundError,
} from 'aerospike-napi'
import test from 'ava'
import { loadingFailed } from '#src/boundary/addon'
import { another, client, faultTest, freshKey, freshSet, local } from './support/cluster.mjs'

interface User {
  name: string
  nick?: string | undefined
  tags?: { main?: string | undefined; rest: string[] }
}

test('find gives the record, or null', async (t) => {
  const key = freshKey()
  t.is(await client().find(key), null)
  t.is(await client().find(key, { bins: ['a'], totalTimeout: 5000 }), null)
  await client().put(key, { a: 1, b: 2 })
  t.deepEqual((await client().find<{ a: number; b: number }>(key))?.bins, { a: 1, b: 2 })
  t.deepEqual((await client().find(key, { bins: ['a'] }))?.bins, { a: 1 })
  await t.throwsAsync(client().find(['nonesuch', 's', 1], { totalTimeout: 2000 }))
  const coalescing = await another({ coalesceReads: true })
  t.deepEqual(
    (await Promise.all([coalescing.find(key), coalescing.find(freshKey()), coalescing.find(key)])).map(
      (one) => one?.bins.b,
    ),
    [2, undefined, 2],
  )
  await coalescing.close()
})

test("with undefined: 'omit' what is undefined is left out, and refused otherwise", async (t) => {
  const key = freshKey()
  const user: User = { name: 'Ann', nick: undefined, tags: { main: undefined, rest: ['x'] } }
  await t.throwsAsync(client().put(key, user as never), { message: /undefined cannot be stored; .*undefined: 'omit'/ })
  await client().put(key, user as never, { undefined: 'omit' })
  t.deepEqual((await client().get(key)).bins, { name: 'Ann', tags: { rest: ['x'] } })
  const omitting = await another({ defaults: { write: { undefined: 'omit' }, batch: { undefined: 'omit' } } })
  ;(
    await omitting.batchWrite([{ key, bins: { ...user, nick: undefined } as never, exists: 'createOrReplace' }])
  ).throwIfFailed()
  await omitting.operate(key, [op.write('more', { a: undefined, b: 1 } as never)])
  t.deepEqual((await client().get(key)).bins, { name: 'Ann', tags: { rest: ['x'] }, more: { b: 1 } })
  await t.throwsAsync(omitting.put(key, { nick: undefined } as never), { message: /nothing to write/ })
  await t.throwsAsync(omitting.put(key, { list: [undefined] } as never), { message: /list\[0\]/ })
  await t.throwsAsync(client().put(key, { a: 1, b: undefined } as never), { instanceOf: InvalidArgumentError })
  await omitting.close()
})

test('null is left out where a record is replaced', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1, b: 2 })
  await client().put(key, { a: 3, b: null }, { exists: 'replace' })
  t.deepEqual((await client().get(key)).bins, { a: 3 })
  ;(await client().batchWrite([{ key, bins: { a: null, c: 4 }, exists: 'createOrReplace' }])).throwIfFailed()
  t.deepEqual((await client().get(key)).bins, { c: 4 })
  await t.throwsAsync(client().put(key, { a: null }, { exists: 'replace' }), {
    instanceOf: InvalidArgumentError,
    message: /remove it instead/,
  })
})

test('options of the official client are recognised', async (t) => {
  const wrong = async (options: object, hint: RegExp) => {
    await t.throwsAsync(connect({ hosts: 'a', ...options } as never), {
      instanceOf: InvalidArgumentError,
      message: hint,
    })
  }
  await wrong({ policies: {} }, /did you mean 'defaults'/)
  await wrong({ maxConnsPerNode: 1 }, /did you mean 'maxConnectionsPerNode'/)
  await wrong({ connTimeoutMs: 1 }, /did you mean 'connectTimeout'/)
  await wrong({ hosts: [{ addr: 'a', port: 1 }] }, /no option 'addr'; did you mean 'host'/)
  await wrong({ hosts: [{ host: 'a', tlsname: 'b' }] }, /no option 'tlsname'; did you mean 'tlsName'/)
  await t.throwsAsync(client().get(freshKey(), { timeout: 5 } as never), { message: /did you mean 'totalTimeout'/ })
})

test('arguments that nobody takes are refused, not ignored', async (t) => {
  const key = freshKey()
  const loose = client() as unknown as { [name: string]: (...args: unknown[]) => Promise<unknown> }
  await t.throwsAsync(loose.put!(key, { a: 1 }, { ttl: 5 }, { exists: 1 }), {
    instanceOf: InvalidArgumentError,
    message: /put takes at most 3 arguments, not 4/,
  })
  await t.throwsAsync(
    loose.get!(key, {}, () => {}),
    { message: /no callbacks/ },
  )
  await t.throwsAsync(client().get(key), { instanceOf: RecordNotFoundError }, 'nothing was written')
  await loose.put!(key, { a: 1 }, undefined, undefined)
})

test('a Proxy around a client works, and a method without its client says so', async (t) => {
  const key = freshKey()
  const seen: string[] = []
  const traced = new Proxy(client(), {
    get(target, name, receiver) {
      seen.push(String(name))
      return Reflect.get(target, name, receiver)
    },
  })
  await traced.put(key, { a: 1 })
  t.is((await traced.get(key)).bins.a, 1)
  t.is([...(await traced.batchRead([key]))].length, 1)
  t.is((await traced.query(key[0], key[1] as string).results()).length > 0, true)
  t.true(seen.includes('put'))
  const heir = Object.create(client()) as Client
  t.is((await heir.get(key)).bins.a, 1)
  const { get } = client()
  await t.throwsAsync(get(key), { instanceOf: InvalidArgumentError, message: /get was called without its client/ })
  t.is((await client().get.bind(client())(key)).bins.a, 1)
})

test('no error shows a password, whatever it was given as', async (t) => {
  const attempts: unknown[] = [
    'aerospike://user:s3cret@h:3000',
    'user:s3cret@h',
    ['h', 'user:s3cret@h:3000'],
    [{ host: 'user:s3cret@h' }],
    [{ host: 's3cret@h' }],
    's3cret@h:3000',
    { hosts: 'h', password: Buffer.from('s3cret') },
    { hosts: 'h', password: ['s3cret'] },
    { hosts: 'h', tls: 's3cret' },
    { hosts: 'h', tls: { key: ['s3cret'] } },
    { hosts: 'h', tls: ['s3cret'] },
    { hosts: 'h', addressMap: 'user:s3cret@h' },
  ]
  for (const given of attempts) {
    const error = await t.throwsAsync(connect(given as never), { instanceOf: AerospikeError })
    for (const shown of [String(error), inspect(error), JSON.stringify(error), error?.stack]) {
      t.notRegex(String(shown), /s3cret/, inspect(given))
    }
  }
})

test('codes of errors made here are those of the table', async (t) => {
  t.is((await t.throwsAsync(connect('a b'), { instanceOf: InvalidHostError }))?.code, -4)
  t.like(new QueueFullError('full'), { code: -11, retryable: true })
})

faultTest('calls of all kinds that close cuts off say that the client is closed', async (t) => {
  const own = await another({ tendInterval: 1000 })
  const key = freshKey()
  for (const node of [0, 1, 2]) await local().freezeNode(node)
  try {
    const patient = { totalTimeout: 20_000 }
    const calls = [
      own.get(key, patient),
      own.batchRead([key], patient),
      own.scan('test', 'none').results(),
      own.info('build', patient),
      own.listIndexes('test'),
    ].map((call) =>
      call.then(
        () => undefined,
        (error) => error as Error,
      ),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    await own.close({ timeout: 100 })
    for (const error of await Promise.all(calls)) t.true(error instanceof ClientClosedError, String(error))
  } finally {
    for (const node of [0, 1, 2]) await local().thawNode(node)
  }
})

test('messages say what is wrong', async (t) => {
  const bytes = Buffer.alloc(5)
  await t.throwsAsync(client().get(['test', 's', null, bytes] as never), {
    message: /a digest is 20 bytes, not 5 bytes/,
  })
  t.throws(() => digest(['test', 's', null, bytes] as never), { message: /not 5 bytes/ })
  await t.throwsAsync(client().put(freshKey(), Object.create({ own: 1 }) as never), {
    message: /plain object .*not an object with a prototype of its own/,
  })
  await t.throwsAsync(client().infoNode('nobody', 'build'), { message: /^(?!.*partition)/ })
})

test('an addon that is there and cannot be loaded says what the loader said', (t) => {
  const missing = Object.assign(new Error("Cannot find module 'x'"), { code: 'MODULE_NOT_FOUND' })
  const broken = Object.assign(new Error('libgcc_s.so.1: cannot open shared object file'), {
    code: 'ERR_DLOPEN_FAILED',
    cause: missing,
  })
  t.regex(loadingFailed(new Error('Cannot find native binding.', { cause: broken })), /cannot be loaded: libgcc_s/)
  t.regex(
    loadingFailed(new Error('Cannot find native binding.', { cause: missing })),
    /has no native addon .*reinstall/,
  )
})

test('values, operations, expressions and errors of another copy of the package work', async (t) => {
  const require = createRequire(import.meta.url)
  const path = require.resolve('aerospike-napi')
  const loaded = Object.keys(require.cache).filter((name) => name.startsWith(join(path, '..')))
  const kept = loaded.map((name) => [name, require.cache[name]] as const)
  for (const name of loaded) delete require.cache[name]
  const copy = require('aerospike-napi') as typeof everything
  for (const [name, module] of kept) require.cache[name] = module
  t.not(copy.Double, Double)
  const key = freshKey()
  await client().put(key, { d: new copy.Double(1), g: new copy.GeoJSON({ type: 'Point', coordinates: [1, 2] }), n: 1 })
  const { bins } = await client().get(key)
  t.true(
    bins.d instanceof copy.Double &&
      bins.d instanceof Double &&
      bins.g instanceof copy.GeoJSON &&
      bins.g instanceof GeoJSON,
  )
  await client().operate(key, [copy.op.increment('n', 2), copy.lists.append('l', new copy.Double(3))])
  t.is((await client().get(key, { filter: copy.exp.eq(copy.exp.bin.int('n'), 3) })).bins.n, 3)
  await t.throwsAsync(client().get(key, { filter: copy.exp.eq(copy.exp.bin.int('n'), 4) }), {
    instanceOf: copy.FilteredError,
  })
  await t.throwsAsync(client().get(key, { filter: exp.eq(copy.exp.bin.int('n') as never, 4) }), {
    instanceOf: copy.AerospikeError,
  })
  const error = await t.throwsAsync(client().get(freshKey()))
  t.true(copy.AerospikeError.is(error) && copy.RecordNotFoundError.is(error) && !copy.GenerationError.is(error))
  t.false(error instanceof copy.Double)
  const query = client().query('test', freshSet()).where(copy.range.equal('a', 1))
  await t.throwsAsync(query.results(), { instanceOf: copy.IndexNotFoundError })
})

test('names of classes are data, whatever a bundler calls the classes', (t) => {
  for (const [name, value] of Object.entries(everything)) {
    if (typeof value !== 'function' || !(value.prototype instanceof AerospikeError)) continue
    t.truthy(
      Object.getOwnPropertySymbols(value.prototype).find((one) => one.description === 'aerospike-napi.class'),
      name,
    )
    t.is(Object.getOwnPropertyDescriptor(value, 'name')?.value, name)
  }
})

test('the declarations name no class that the package does not have, and none that older compilers cannot read', (t) => {
  const root = join(createRequire(import.meta.url).resolve('aerospike-napi/package.json'), '..')
  const text = readFileSync(join(root, 'index.d.ts'), 'utf8')
  const classes = [...text.matchAll(/^export declare (?:abstract )?class (\w+)/gm)].map((match) => match[1] as string)
  t.true(classes.length > 100)
  t.deepEqual(
    classes.filter((name) => typeof (everything as { [name: string]: unknown })[name] !== 'function'),
    [],
  )
  t.notRegex(text, /Record\$1|\bNoInfer<|\bArrayIterator<|<ArrayBufferLike>/)
})

test('what is published has no source maps, and the release makes code that refers to none', (t) => {
  const root = join(createRequire(import.meta.url).resolve('aerospike-napi/package.json'), '..')
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] }
  t.false(files.some((pattern) => pattern.endsWith('.map')))
  t.regex(readFileSync(join(root, 'scripts', 'release.mjs'), 'utf8'), /'--sourceMap', 'false'/)
})
