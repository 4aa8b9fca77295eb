// Secondary indexes: creating, awaiting, listing, counting and dropping them.

import { randomBytes } from 'node:crypto'
import {
  AbortError,
  ctx,
  exp,
  type IndexDefinition,
  IndexExistsError,
  IndexLimitError,
  IndexNotFoundError,
  InvalidArgumentError,
  NamespaceNotFoundError,
  TimeoutError,
} from 'aerospike-napi'
import test, { type ExecutionContext } from 'ava'
import { client, freshSet } from './support/cluster.mjs'
import { corpus } from './support/corpus.mjs'
import { infoFake } from './support/info.mjs'

const freshName = (): string => `i${randomBytes(8).toString('hex')}`

/** Creates an index that is dropped when the test is over. */
async function created(t: ExecutionContext, definition: IndexDefinition): Promise<void> {
  t.teardown(() => client().dropIndex('test', definition.name))
  await (await client().createIndex(definition)).ready({ pollInterval: 20, timeout: 30_000 })
}

/** The index of a name as the cluster lists it. */
async function listed(name: string) {
  return (await client().listIndexes('test', { statistics: true })).find((index) => index.name === name)
}

// one after another: each asks every node for every index of the others as well, and has a second for it

test.serial('an index is built over the records that are there, and counts those that come', async (t) => {
  const set = freshSet()
  const name = freshName()
  const rows = Array.from({ length: 50 }, (_, i) => ({ key: ['test', set, i] as const, bins: { n: i } }))
  ;(await client().batchWrite(rows.slice(0, 40))).throwIfFailed()
  const job = await client().createIndex({ namespace: 'test', set, bin: 'n', name, type: 'numeric' })
  t.teardown(() => client().dropIndex('test', name))
  t.deepEqual([job.namespace, job.name], ['test', name])
  const seen: number[] = []
  await job.ready({ pollInterval: 10, onProgress: ({ loaded, nodes }) => seen.push(loaded, nodes.size) })
  t.is(seen.at(-2), 100)
  t.is(seen.at(-1), client().nodes().length)
  ;(await client().batchWrite(rows.slice(40))).throwIfFailed()

  const index = await listed(name)
  t.like(index, { namespace: 'test', set, bin: 'n', type: 'numeric', state: 'ready' })
  t.is(index?.collection, undefined)
  t.is(index?.ctx, undefined)
  const copies = (await client().namespaces()).find((one) => one.name === 'test')?.replicationFactor as number
  const { entries, loaded, usedBytes, nodes } = await client().indexStatistics('test', name)
  t.is(entries, 50 * copies)
  t.is(loaded, 100)
  t.true(usedBytes > 0)
  t.is(nodes.size, client().nodes().length)
  t.is(index?.statistics?.entries, 50 * copies)
})

const definitions: [string, Omit<IndexDefinition, 'namespace' | 'set' | 'name'>][] = [
  ['strings', { bin: 's', type: 'string' }],
  ['bytes', { bin: 'b', type: 'blob' }],
  ['places', { bin: 'g', type: 'geo2dsphere' }],
  ['elements of a list', { bin: 'l', type: 'numeric', collection: 'list' }],
  ['keys of a map', { bin: 'm', type: 'string', collection: 'mapKeys' }],
  ['values of a map', { bin: 'm', type: 'numeric', collection: 'mapValues' }],
  ['something nested', { bin: 'm', type: 'string', ctx: [ctx.mapKey('a'), ctx.listIndex(-1)] }],
  ['an expression', { expression: exp.add(exp.bin.int('a'), exp.bin.int('b')), type: 'numeric' }],
] as never

for (const [what, definition] of definitions) {
  test.serial(`an index of ${what} is listed as it was created`, async (t) => {
    const whole = { namespace: 'test', set: freshSet(), name: freshName(), ...definition } as IndexDefinition
    await created(t, whole)
    const index = await listed(whole.name)
    t.deepEqual(
      [index?.set, index?.bin, index?.type, index?.collection, index?.state, index?.statistics?.entries],
      [whole.set, whole.bin, whole.type, whole.collection, 'ready', 0],
    )
    t.deepEqual(index?.ctx, whole.ctx)
    t.is(index?.expression?.toBase64(), whole.expression?.toBase64())
  })
}

test.serial('a listed index can be created again from what is listed', async (t) => {
  const name = freshName()
  const path = [ctx.mapKey('a'), ctx.mapKey(7), ctx.listRank(0)]
  await created(t, { namespace: 'test', set: freshSet(), bin: 'm', name, type: 'string', ctx: path })
  const { state, statistics, expression, collection, bin, ...index } = (await listed(name)) as never as {
    [field: string]: unknown
  }
  await client().dropIndex('test', name)
  t.is(await listed(name), undefined)
  await created(t, { ...index, bin } as unknown as IndexDefinition)
  t.deepEqual((await listed(name))?.ctx, path)
})

test.serial('an index of the whole namespace has no set', async (t) => {
  const name = freshName()
  await created(t, { namespace: 'test', bin: name.slice(0, 15), name, type: 'numeric' })
  const index = await listed(name)
  t.true(index !== undefined && index.set === undefined)
})

test.serial('creating an index again is fine, another one of its name is not', async (t) => {
  const definition = { namespace: 'test', set: freshSet(), bin: 'n', name: freshName(), type: 'numeric' } as const
  await created(t, definition)
  await (await client().createIndex(definition)).ready({ timeout: 30_000 })
  const error = await t.throwsAsync(client().createIndex({ ...definition, bin: 'other' }), {
    instanceOf: IndexExistsError,
  })
  t.is(error?.code, 200)
  t.regex(String(error?.message), /^createIndex: .*different definition.*node /)
})

test.serial('a dropped index is gone; dropping it again is no error', async (t) => {
  const name = freshName()
  const job = await client().createIndex({ namespace: 'test', set: freshSet(), bin: 'n', name, type: 'numeric' })
  await job.ready({ timeout: 30_000 })
  await client().dropIndex('test', name)
  t.is(await listed(name), undefined)
  await t.throwsAsync(client().indexStatistics('test', name), { instanceOf: IndexNotFoundError })
  await t.throwsAsync(job.ready({ timeout: 30_000 }), { instanceOf: IndexNotFoundError })
  await client().dropIndex('test', name)
})

test('a namespace that is not there is an error of all calls', async (t) => {
  const index = { namespace: 'nonesuch', bin: 'n', name: freshName(), type: 'numeric' } as const
  const wrong = [
    client().createIndex(index),
    client().dropIndex('nonesuch', 'x'),
    client().listIndexes('nonesuch'),
    client().indexStatistics('nonesuch', 'x'),
  ]
  for (const call of wrong) await t.throwsAsync(call, { instanceOf: NamespaceNotFoundError, message: /test/ })
})

test('indexes that make no sense are refused before anything is sent', async (t) => {
  const good = { namespace: 'test', set: 's', bin: 'n', name: 'x', type: 'numeric' } as const
  const { client: fake, sent } = infoFake(() => 'ok')
  const wrong: [object | undefined, RegExp][] = [
    [undefined, /must be a plain object/],
    [{ ...good, type: 'number' }, /'type' must be 'numeric', .* or 'geo2dsphere', not "number"/],
    [{ ...good, collection: 'mapkeys' }, /did you mean 'mapKeys'/],
    [{ ...good, kind: 'list' }, /an index has no 'kind'/],
    [{ ...good, bin: undefined }, /either of a bin or of an expression/],
    [{ ...good, expression: exp.bin.int('n') }, /either of a bin or of an expression/],
    [{ ...good, bin: undefined, expression: 'n' }, /expression must be one of exp/],
    [{ ...good, bin: undefined, expression: exp.bin.int('n'), ctx: [] }, /has no ctx/],
    [{ ...good, bin: 'x'.repeat(16) }, /bin has at most 15 bytes, not 16/],
    [{ ...good, name: 'x'.repeat(64) }, /name has at most 63 bytes/],
    [{ ...good, name: '' }, /the name must be a name/],
    [{ ...good, name: 'x;type=string' }, /has a character/],
    [{ ...good, set: 'a\nstatus' }, /has a character/],
    [{ ...good, namespace: 7 }, /namespace must be a name, not 7/],
    [{ ...good, ctx: ['a'] }, /ctx\[0\] must be a step/],
    [{ ...good, ctx: [ctx.mapKey('x'.repeat(2000))] }, /ctx is too long/],
  ]
  for (const [index, message] of wrong) {
    await t.throwsAsync(fake.createIndex(index as never), { instanceOf: InvalidArgumentError, message })
  }
  await t.throwsAsync(fake.createIndex(good, { timeout: 5 } as never), { message: /no option 'timeout'/ })
  await t.throwsAsync(fake.dropIndex('test', 'a;b'), { instanceOf: InvalidArgumentError })
  t.deepEqual(sent, [])
})

interface Recorded {
  steps: { call: string; index?: string; bin?: string; type?: number; datatype?: number; info?: [string, string][] }[]
}

test('indexes are created with the commands that were recorded', async (t) => {
  const types = ['string', 'numeric', 'geo2dsphere', 'blob'] as const
  const collections = [undefined, 'list', 'mapKeys', 'mapValues'] as const
  let compared = 0
  for (const step of corpus<Recorded>('query').flatMap((line) => line.steps)) {
    if (step.call !== 'createIndex' || step.index === undefined) continue
    const [[recorded]] = step.info as [[string, string]]
    const { client: fake, sent } = infoFake((command) => (command === 'namespaces' ? 'test;bar' : 'ok'))
    await fake.createIndex({
      namespace: 'test',
      set: 'q14',
      bin: step.bin as string,
      name: step.index,
      type: types[step.datatype as number] as 'string',
      collection: collections[step.type as number],
    })
    t.is(`${sent.at(-1)?.[1]}\n`, recorded)
    compared++
  }
  t.is(compared, 9)
})

test('servers before 8.1 get the commands they know', async (t) => {
  const { client: fake, sent } = infoFake((command) => (command === 'namespaces' ? 'test' : 'ok'), { build: '6.4.0.1' })
  await fake.createIndex({ namespace: 'test', bin: 'n', name: 'x', type: 'string', collection: 'list' })
  t.is(sent.at(-1)?.[1], 'sindex-create:ns=test;indexname=x;indextype=LIST;indexdata=n,STRING')
})

const refusals: [string, string, new (...parts: never[]) => Error, number][] = [
  ['of today', "ERROR:200:'indexname' already exists", IndexExistsError, 200],
  ['of older servers', 'FAIL:200:Index already exists', IndexExistsError, 200],
  ['at the limit', 'FAIL:206:too many', IndexLimitError, 206],
  ['in lower case', 'fail:201:NO INDEX', IndexNotFoundError, 201],
]

for (const [what, answer, errorClass, code] of refusals) {
  test(`a refusal ${what} becomes an error of its class`, async (t) => {
    const { client: fake } = infoFake((command) => (command === 'namespaces' ? 'test' : answer))
    const call = fake.createIndex({ namespace: 'test', bin: 'n', name: 'x', type: 'string' })
    const error = await t.throwsAsync<Error>(call, { instanceOf: errorClass as never })
    t.like(error, { code, node: 'A1' })
    t.true(error?.message.includes(answer.split(':')[2] as string), error?.message)
  })
}

/** A cluster of two nodes that build an index; `loaded` says how far each is. */
function building(loaded: (node: string) => number | undefined) {
  return infoFake(
    (command, node) => {
      if (command === 'namespaces') return 'test'
      if (!command.startsWith('sindex-stat:')) return 'ok'
      const percent = loaded(node)
      return percent === undefined ? 'ERROR:201:no index' : `entries=5;used_bytes=100;load_pct=${percent};load_time=0`
    },
    { nodes: ['A1', 'A2'] },
  )
}

test('ready waits for the slowest node, also for one that has not heard of the index', async (t) => {
  let looks = 0
  const { client: fake } = building((node) => {
    if (node === 'A1') looks++
    if (node === 'A1') return 100
    return looks < 3 ? undefined : Math.min(100, looks * 20)
  })
  const job = await fake.createIndex({ namespace: 'test', bin: 'n', name: 'x', type: 'string' })
  const seen: [number, number | undefined][] = []
  await job.ready({ pollInterval: 1, onProgress: ({ loaded, nodes }) => seen.push([loaded, nodes.get('A1')]) })
  t.deepEqual(seen, [
    [0, 100],
    [0, 100],
    [60, 100],
    [80, 100],
    [100, 100],
  ])
})

test('waiting ends with the timeout, the signal, or an error of the callback', async (t) => {
  const { client: fake } = building(() => 50)
  const job = await fake.createIndex({ namespace: 'test', bin: 'n', name: 'x', type: 'string' })
  const late = await t.throwsAsync(job.ready({ pollInterval: 5, timeout: 50 }), { instanceOf: TimeoutError })
  t.is(late?.code, 9)
  const controller = new AbortController()
  const aborted = job.ready({ signal: controller.signal, pollInterval: 60_000 })
  setImmediate(() => controller.abort(new Error('enough')))
  const error = await t.throwsAsync(aborted, { instanceOf: AbortError })
  t.like(error?.cause, { message: 'enough' })
  const failing = job.ready({
    onProgress: () => {
      throw new RangeError('mine')
    },
  })
  await t.throwsAsync(failing, { instanceOf: RangeError, message: 'mine' })
  await t.throwsAsync(job.ready({ interval: 5 } as never), { message: /no option 'interval'/ })
  await t.throwsAsync(job.ready({ pollInterval: 0 }), { instanceOf: InvalidArgumentError })
})

test('lists of older and newer servers are read, whatever is in them', async (t) => {
  const lines = [
    'ns=test:indexname=a:set=NULL:bin=x:type=NUMERIC:indextype=NONE:context=NULL:exp=NULL:state=WO',
    'ns=test:indexname=b:set=s:indextype=set',
    'ns=test:indexname=c:set=s:bin=y:type=integer:indextype=mapvalues:context=null:exp=null:state=RW',
    'rubbish',
  ]
  const { client: fake } = infoFake((command) => (command === 'namespaces' ? 'test' : lines.join(';')))
  const indexes = await fake.listIndexes('test')
  t.deepEqual(
    indexes.map(({ name, set, bin, type, collection, state }) => [name, set, bin, type, collection, state]),
    [
      ['a', undefined, 'x', 'numeric', undefined, 'building'],
      ['b', 's', undefined, undefined, undefined, 'ready'],
      ['c', 's', 'y', 'numeric', 'mapValues', 'ready'],
    ],
  )
})

test('a call that was cancelled settles at once, in doubt when it changes the cluster', async (t) => {
  const { client: fake, native } = infoFake(() => 'test')
  const info = native.info.bind(native)
  Object.assign(native, {
    info: (node: string, command: string) =>
      command === 'namespaces' ? (info as never as (...a: string[]) => unknown)(node, command) : new Promise(() => {}),
  })
  const controller = new AbortController()
  const { signal } = controller
  const index = { namespace: 'test', bin: 'n', name: 'x', type: 'string' } as const
  const calls = [fake.createIndex(index, { signal }), fake.listIndexes('test', { signal })]
  setTimeout(() => controller.abort(), 20)
  const errors = await Promise.all(
    calls.map((call) => t.throwsAsync(call as Promise<unknown>, { instanceOf: AbortError })),
  )
  t.deepEqual(
    errors.map((error) => error?.inDoubt),
    [true, false],
  )
})
