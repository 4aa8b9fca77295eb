// Options: checked strictly, merged one by one.

import { exp, InvalidArgumentError } from 'aerospike-napi'
import test from 'ava'
import { editDistance, nearest } from '#src/checks/nearest'
import { resolveDefaults } from '#src/options/policy'
import { OPTIONS, Takes } from '#src/options/table'
import { failureCompletion, fakeClient, readCommand } from './support/fake.mjs'

const key = ['test', 's', 1] as const

async function crossing(
  act: (client: ReturnType<typeof fakeClient>['client']) => Promise<unknown>,
  defaults?: unknown,
) {
  const { client, native } = fakeClient(defaults)
  const promise = act(client)
  promise.catch(() => {})
  await new Promise(setImmediate)
  const entry = native.entries[0]
  if (entry === undefined) throw await promise.catch((error: unknown) => error)
  native.complete(failureCompletion(entry.ticket, 4))
  return { ...entry, command: readCommand(entry.body, true) }
}

test('the defaults are those of the documentation', async (t) => {
  const read = await crossing((client) => client.get(key))
  t.like(read, {
    totalTimeout: 1000,
    socketTimeout: 1000,
    maxRetries: 2,
    sleep: 0,
    replica: 0,
    idempotent: 0,
    cancellable: false,
  })
  const write = await crossing((client) => client.put(key, { a: 1 }))
  t.like(write, { totalTimeout: 1000, socketTimeout: 1000, maxRetries: 0 })
  const patient = await crossing((client) => client.get(key, { totalTimeout: 20_000 }))
  t.like(patient, { totalTimeout: 20_000, socketTimeout: 20_000 })
  t.like(write.command, { info1: 0, info2: 1, info3: 0, generation: 0, ttl: 0 })
})

test('an option of a call overrides the default of that option and no other', async (t) => {
  const defaults = {
    read: { totalTimeout: 250, maxRetries: 5, replica: 'any' },
    write: { ttl: 77, commit: 'master', durableDelete: true },
  }
  const read = await crossing((client) => client.get(key, { maxRetries: 1 }), defaults)
  t.like(read, { totalTimeout: 250, socketTimeout: 250, maxRetries: 1, replica: 2 })
  const write = await crossing((client) => client.put(key, { a: 1 }, { totalTimeout: 99, exists: 'update' }), defaults)
  t.like(write, { totalTimeout: 99, socketTimeout: 99, maxRetries: 0 })
  t.like(write.command, { ttl: 77, info2: 0x11, info3: 0x0a })
  const again = await crossing((client) => client.put(key, { a: 1 }, { ttl: 'default' }), defaults)
  t.is(again.command.ttl, 0)
  const remove = await crossing((client) => client.remove(key), defaults)
  t.like(remove.command, { ttl: 0, info2: 0x13, info3: 0x02 })
})

test('a call without options uses the very same policy each time', async (t) => {
  const one = resolveDefaults(undefined)
  t.is(one.read.totalTimeout, 1000)
  t.is(one.batchRead.maxRetries, 2)
  t.is(one.batchWrite.maxRetries, 0)
})

test('an undefined option is an option that was not given', async (t) => {
  const read = await crossing((client) => client.get(key, { signal: undefined, totalTimeout: undefined }))
  t.like(read, { totalTimeout: 1000, cancellable: false })
})

test('every option reaches the request', async (t) => {
  const read = await crossing((client) =>
    client.get(key, {
      readModeAP: 'all',
      readModeSC: 'linearize',
      readTouchTtlPercent: 80,
      key: 'send',
      sleepBetweenRetries: 7,
      socketTimeout: 5,
    }),
  )
  t.like(read, { sleep: 7, socketTimeout: 5 })
  t.like(read.command, { info1: 0x43, info3: 0x40, ttl: 80 })
  t.is(read.command.key[0], 1)
  const write = await crossing((client) =>
    client.put(
      key,
      { a: 1 },
      {
        ttl: 'never',
        generation: 3,
        generationMode: 'greater',
        exists: 'replace',
        durableDelete: true,
        commit: 'master',
        idempotent: true,
        maxRetries: 4,
      },
    ),
  )
  t.like(write, { idempotent: 1, maxRetries: 4 })
  t.like(write.command, { info2: 0x19, info3: 0x22, ttl: 0xffffffff, generation: 3 })
  t.is((await crossing((client) => client.put(key, { a: 1 }, { ttl: 'keep' }))).command.ttl, 0xfffffffe)
  t.is((await crossing((client) => client.put(key, { a: 1 }, { exists: 'createOrReplace' }))).command.info3, 0x10)
  t.is((await crossing((client) => client.get(key, { readTouchTtlPercent: 'never' }))).command.ttl, 0xffffffff)
})

const wrong: [string, object, RegExp][] = [
  ['a misspelt option', { totalTimout: 5 }, /'totalTimout'; did you mean 'totalTimeout'/],
  ['an option in another case', { TTL: 5 }, /did you mean 'ttl'/],
  ['something unheard of', { frobnicate: 1 }, /there is no option 'frobnicate'$/],
  ['an option of another call', { readModeAP: 'one' }, /does not apply/],
  ['a misspelt value', { exists: 'creat' }, /did you mean 'create'/],
  ['a number for a choice', { exists: 1 }, /'exists' must be/],
  ['a name of Object.prototype', { exists: 'toString' }, /'exists' must be/],
  ['an option named like a method of objects', { toString: 1 }, /there is no option 'toString'/],
  ['a negative timeout', { totalTimeout: -1 }, /totalTimeout/],
  ['a fraction of a millisecond', { totalTimeout: 1.5 }, /whole number/],
  ['NaN', { totalTimeout: Number.NaN }, /whole number/],
  ['a timeout as text', { totalTimeout: '100' }, /"100"/],
  ['a TTL of zero', { ttl: 0 }, /'ttl' must be/],
  ['a TTL above ten years', { ttl: 315_360_001 }, /315360000/],
  ['a generation beyond 16 bits', { generation: 65536 }, /65535/],
  ['a flag that is no boolean', { durableDelete: 1 }, /true or false/],
  ['a signal that is none', { signal: {} }, /AbortSignal/],
  ['null instead of an option', { ttl: null }, /not null/],
]
for (const [name, options, message] of wrong) {
  test(`${name} is refused`, async (t) => {
    const { client, native } = fakeClient()
    await t.throwsAsync(client.put(key, { a: 1 }, options), { instanceOf: InvalidArgumentError, message })
    await new Promise(setImmediate)
    t.is(native.submits, 0)
  })
}

test('options must be a plain object', async (t) => {
  const { client } = fakeClient()
  for (const options of [null, 5, 'x', [], new Date(), () => 1]) {
    await t.throwsAsync(client.get(key, options as object), {
      instanceOf: InvalidArgumentError,
      message: /plain object/,
    })
  }
  await t.throwsAsync(
    client.get(key, {
      get totalTimeout(): number {
        throw new Error('boo')
      },
    }),
    { instanceOf: InvalidArgumentError, message: /boo/ },
  )
})

test('defaults are checked like options', (t) => {
  t.throws(() => resolveDefaults({ raed: {} }), { instanceOf: InvalidArgumentError, message: /did you mean 'read'/ })
  t.throws(() => resolveDefaults({ read: { totalTimout: 1 } }), {
    instanceOf: InvalidArgumentError,
    message: /totalTimeout/,
  })
  t.throws(() => resolveDefaults({ write: { generation: 1 } }), { instanceOf: InvalidArgumentError })
})

test('the nearest name is the one that was meant', (t) => {
  t.is(editDistance('kitten', 'sitting'), 3)
  t.is(editDistance('ab', 'ba'), 1)
  t.is(nearest('socketTimout', ['totalTimeout', 'socketTimeout']), 'socketTimeout')
  t.is(nearest('x', ['totalTimeout']), undefined)
})

/** For each option that reads take: two values, and what becomes of two coalesced reads that differ in it. */
const DIFFERENCES: { readonly [option: string]: readonly [unknown, unknown, 'batches' | 'specs' | 'shared'] } = {
  totalTimeout: [100, 200, 'batches'],
  socketTimeout: [10, 20, 'batches'],
  maxRetries: [0, 1, 'batches'],
  sleepBetweenRetries: [0, 1, 'batches'],
  replica: ['master', 'any', 'batches'],
  key: ['digest', 'send', 'specs'],
  readModeAP: ['one', 'all', 'specs'],
  readModeSC: ['session', 'linearize', 'specs'],
  readTouchTtlPercent: [0, 50, 'specs'],
  filter: [exp.binExists('a'), exp.binExists('b'), 'specs'],
  integers: ['auto', 'bigint', 'shared'],
  maps: ['auto', 'map', 'shared'],
  doubles: ['auto', 'number', 'shared'],
  signal: [new AbortController().signal, new AbortController().signal, 'shared'],
}

test('coalesced reads share a batch and a spec as far as their options let them', async (t) => {
  // What is read in a transaction goes by itself: __test__/transactions.test.mts.
  const ofReads = Object.keys(OPTIONS).filter(
    (name) => ((OPTIONS[name]?.takes ?? 0) & Takes.read) !== 0 && name !== 'transaction',
  )
  t.deepEqual(ofReads.sort(), Object.keys(DIFFERENCES).sort())
  for (const [name, [one, other, outcome]] of Object.entries(DIFFERENCES)) {
    const { client, native } = fakeClient()
    const own = client.with({ coalesceReads: true })
    const reads = [one, other, one, other].map((value, i) => own.get(['test', 's', i], { [name]: value }))
    for (const read of reads) read.catch(() => {})
    await new Promise(setImmediate)
    // The number of specs is behind that of the bytes of the filter.
    const specs = native.entries.map(({ body }) => body.readUInt32LE(16))
    t.deepEqual(specs, { batches: [1, 1], specs: [2], shared: [1] }[outcome], name)
  }
})
