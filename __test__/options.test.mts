// Options: checked strictly, merged one by one.

import { Behavior, type Client, connect, exp, InvalidArgumentError, op, type WriteOptions } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { editDistance, nearest } from '#src/checks/nearest'
import { resolveDefaults } from '#src/options/apply'
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

test('operate, remove, apply, scan and info have defaults of their own, over those of their kind', async (t) => {
  const defaults = {
    read: { totalTimeout: 100, maxRetries: 9 },
    write: { totalTimeout: 200, commit: 'master' },
    operate: { totalTimeout: 300 },
    remove: { totalTimeout: 400, durableDelete: true },
    apply: { totalTimeout: 500 },
    query: { socketTimeout: 7000 },
    scan: { totalTimeout: 600 },
  }
  t.like(await crossing((one) => one.operate(key, [op.read('a')]), defaults), { totalTimeout: 300, maxRetries: 9 })
  const increment = [op.increment('a')]
  const write = await crossing((one) => one.operateOrdered(key, increment), defaults)
  t.like(write, { totalTimeout: 300, maxRetries: 0 })
  t.is(write.command.info3, 0x02)
  t.is((await crossing((one) => one.operate(key, increment, { totalTimeout: 1 }), defaults)).totalTimeout, 1)
  const remove = await crossing((one) => one.remove(key), defaults)
  t.is(remove.totalTimeout, 400)
  t.like(remove.command, { info2: 0x13, info3: 0x02 })
  t.like(await crossing((one) => one.apply(key, 'm', 'f'), defaults), { totalTimeout: 500 })
  t.like(await crossing((one) => one.put(key, { a: 1 }), defaults), { totalTimeout: 200 })
  // Said later of the wider kind, it does not override what was said of the call.
  const later = (one: Client) => one.with({ defaults: { write: { totalTimeout: 1, commit: 'all' } } })
  t.is((await crossing((one) => later(one).remove(key), defaults)).totalTimeout, 400)
  t.is((await crossing((one) => later(one).put(key, { a: 1 }), defaults)).totalTimeout, 1)

  const { client, native } = fakeClient(defaults)
  native.steps = () => []
  await client.query('test', 's').results()
  await client.scan('test', 's').results()
  t.like(native.queries[0]?.spec, { totalTimeout: 0, socketTimeout: 7000 })
  t.like(native.queries[1]?.spec, { totalTimeout: 600, socketTimeout: 600 })
})

test('questions to nodes have a default of their own', async (t) => {
  const waits = async (defaults: unknown, act: (client: Client) => Promise<unknown>) => {
    const { client, native } = fakeClient(defaults)
    const given: number[] = []
    native.info = async (...[, command, timeout]: unknown[]) => {
      given.push(timeout as number)
      return [{ node: 'A1', response: `${command as string}\t\n` }]
    }
    await act(client).catch(() => {})
    // What is left of the time when it crosses: hundreds of milliseconds, on a machine that has other work.
    return Math.ceil((given[0] as number) / 1000) * 1000
  }
  const info = { info: { totalTimeout: 77_000 } }
  t.is(await waits({}, (one) => one.info('build')), 1000)
  t.is(await waits(info, (one) => one.info('build')), 77_000)
  t.is(await waits(info, (one) => one.info('build', { totalTimeout: 5000 })), 5000)
  t.is(await waits(info, (one) => one.udf.list()), 77_000)
  t.is(await waits({}, (one) => one.with({ defaults: info }).udf.remove('m')), 77_000)
  t.is(await waits(info, (one) => one.job(1).status({})), 77_000)
})

test('a default on a group whose calls do not take it is refused', (t) => {
  const refused = { instanceOf: InvalidArgumentError, message: /does not apply to this call/ }
  for (const defaults of [
    { remove: { ttl: 5 } },
    { read: { commit: 'all' } },
    { apply: { exists: 'create' } },
    { info: { maxRetries: 1 } },
    { scan: { key: 'send' } },
    { write: { expiresAt: new Date(Date.now() + 1e6) } },
  ]) {
    t.throws(() => resolveDefaults(defaults), refused, JSON.stringify(defaults))
  }
})

test('expiresAt is the moment of the expiry, and ttl takes what meta.ttl is', async (t) => {
  const soon = new Date(Date.now() + 60_000)
  const write = await crossing((one) => one.put(key, { a: 1 }, { expiresAt: soon }))
  t.true(write.command.ttl >= 59 && write.command.ttl <= 60, `${write.command.ttl}`)
  const over = await crossing((one) => one.put(key, { a: 1 }, { expiresAt: soon }), { write: { ttl: 5 } })
  t.true(over.command.ttl >= 59)
  t.is((await crossing((one) => one.put(key, { a: 1 }, { ttl: -1 }))).command.ttl, 0xffffffff)
  const { client } = fakeClient()
  const refused = (options: WriteOptions, message: RegExp) =>
    t.throwsAsync(client.put(key, { a: 1 }, options), { instanceOf: InvalidArgumentError, message })
  await refused({ expiresAt: new Date(Date.now() - 1) }, /must be a date from now to .*, not the date 20/)
  await refused({ expiresAt: new Date(Number.NaN) }, /not an invalid date/)
  await refused({ expiresAt: new Date(Date.now() + 4e11) }, /expiresAt/)
  await refused({ expiresAt: soon, ttl: 5 }, /both say when/)
  await refused({ ttl: -2 }, /'ttl' must be/)
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
  hedge: [{ after: 10 }, { after: 20 }, 'batches'],
  key: ['digest', 'send', 'specs'],
  readModeAP: ['one', 'all', 'specs'],
  readModeSC: ['session', 'linearize', 'specs'],
  readTouchTtlPercent: [0, 50, 'specs'],
  filter: [exp.binExists('a'), exp.binExists('b'), 'specs'],
  integers: ['auto', 'bigint', 'shared'],
  maps: ['auto', 'map', 'shared'],
  doubles: ['auto', 'number', 'shared'],
  deserialize: [true, false, 'shared'],
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

test('an unknown property is refused in the same words wherever it stands', async (t) => {
  const wrong: [() => unknown, RegExp][] = [
    [() => connect({ hosts: [{ host: 'h', tlsname: 'x' }] as never }), /: a host has no option 'tlsname'; .*'tlsName'/],
    [() => connect({ hosts: 'h', tls: { certt: '' } as never }), /connect: tls: there is no option 'certt'; .*'cert'/],
    [() => LocalCluster.start({ tls: { nam: 'x' } as never }), /start: tls: there is no option 'nam'; .*'name'/],
    [
      () => LocalCluster.start({ security: { users: { ann: { role: [] } } } as never }),
      /start: security.users.ann: there is no option 'role'; .*'roles'/,
    ],
    [() => Behavior.DEFAULT.derive('d', { reads: { pointt: {} } as never }), /reads: there is no option 'pointt'/],
    [() => Behavior.fromFile('none', { wach: false } as never), /fromFile: there is no option 'wach'; .*'watch'/],
    [() => fakeClient().client.transaction(() => 1, { attempt: 1 } as never), /there is no option 'attempt'/],
  ]
  for (const [call, message] of wrong) {
    await t.throwsAsync(async () => call(), { instanceOf: InvalidArgumentError, message })
  }
})

test('what may be a secret is in no message', async (t) => {
  const wrong = [
    () => connect({ hosts: 'h', user: 'u', password: 12_345 as never }),
    () => connect({ hosts: 'h', tls: { ca: 12_345 } as never }),
    () => LocalCluster.start({ edition: 'enterprise', security: { users: { ann: { password: 12_345 } } } as never }),
    () => LocalCluster.start({ edition: 'enterprise', tls: { key: 12_345, cert: '' } as never }),
  ]
  for (const call of wrong) {
    const error = await t.throwsAsync(async () => call(), { instanceOf: InvalidArgumentError })
    t.notRegex(error.message, /12345|undefined/)
  }
})
