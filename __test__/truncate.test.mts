// Truncation: a set, a namespace, and what was written before a time.

import { connect, InvalidArgumentError, InvalidRequestError, NamespaceNotFoundError } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { client, freshSet, sleep } from './support/cluster.mjs'
import { infoFake } from './support/info.mjs'

async function fill(set: string, from: number, to: number): Promise<void> {
  const rows = Array.from({ length: to - from }, (_, i) => ({ key: ['test', set, from + i] as const, bins: { i } }))
  ;(await client().batchWrite(rows)).throwIfFailed()
}

/** How many records of a set are there: as soon as it is `expected`, or after a while. */
async function left(set: string, expected: number): Promise<number> {
  const keys = Array.from({ length: 40 }, (_, i) => ['test', set, i] as const)
  for (let looks = 0; ; looks++) {
    const there = (await client().existsMany(keys)).filter(([, meta]) => meta !== null).length
    // Nodes of a real cluster hear of a truncation one after another.
    if (there === expected || looks === 100) return there
    await sleep(50)
  }
}

test('a set is emptied, its neighbours are not, and it can be written again', async (t) => {
  const [set, neighbour] = [freshSet(), freshSet()]
  await fill(set, 0, 40)
  await fill(neighbour, 0, 40)
  await sleep(20)
  await client().truncate('test', set)
  t.is(await left(set, 0), 0)
  t.is(await left(neighbour, 40), 40)
  await sleep(20)
  await fill(set, 0, 10)
  t.is(await left(set, 10), 10)
})

for (const [what, before] of [
  ['a date', (at: Date) => at],
  ['nanoseconds', (at: Date) => BigInt(at.getTime()) * 1_000_000n],
] as const) {
  test(`what was written before ${what} goes, the rest stays`, async (t) => {
    const set = freshSet()
    await fill(set, 0, 15)
    await sleep(60)
    const cutoff = new Date()
    await sleep(60)
    await fill(set, 15, 40)
    await client().truncate('test', set, { before: before(cutoff) })
    t.is(await left(set, 25), 25)
    t.is((await client().exists(['test', set, 0]))[1], null)
    t.not((await client().exists(['test', set, 39]))[1], null)
  })
}

test('without a set the whole namespace is emptied, and no other', async (t) => {
  // A cluster of its own: this would take the records of every other test.
  await using cluster = await LocalCluster.start({ nodes: 2 })
  await using own = await connect(cluster.hosts)
  for (const key of [['test', 'a', 1] as const, ['test', null, 1] as const, ['bar', 'a', 1] as const]) {
    await own.put(key, { a: 1 })
  }
  await sleep(5)
  await own.truncate('test', null)
  t.is((await own.exists(['test', 'a', 1]))[1], null)
  t.is((await own.exists(['test', null, 1]))[1], null)
  t.not((await own.exists(['bar', 'a', 1]))[1], null)
  await own.truncate('bar')
  t.is((await own.exists(['bar', 'a', 1]))[1], null)
})

test('the future, other namespaces and what is no time are errors', async (t) => {
  const set = freshSet()
  const tomorrow = new Date(Date.now() + 86_400_000)
  await t.throwsAsync(client().truncate('test', set, { before: tomorrow }), {
    instanceOf: InvalidRequestError,
    message: /future/,
  })
  await t.throwsAsync(client().truncate('nonesuch', set), { instanceOf: NamespaceNotFoundError })
  await t.throwsAsync(client().truncate('nonesuch'), { instanceOf: NamespaceNotFoundError })
})

test('arguments that make no sense are refused before anything is sent', async (t) => {
  const { client: fake, sent } = infoFake(() => 'ok')
  const wrong: [Promise<void>, RegExp][] = [
    [fake.truncate('', 's'), /namespace must be a name/],
    [fake.truncate('test', ''), /set must be a name, not ""/],
    [fake.truncate('test', undefined), /set must be a name, not undefined/],
    [fake.truncate('test', 's;lut=1'), /has a character/],
    [fake.truncate('test', { before: new Date() } as never), /set comes before the options/],
    [fake.truncate('test', 's', { before: Date.now() as never }), /'before' must be a date/],
    [fake.truncate('test', 's', { before: new Date(Number.NaN) }), /an invalid date/],
    [fake.truncate('test', 's', { before: -1n }), /not -1/],
    [fake.truncate('test', 's', { until: new Date() } as never), /no option 'until'/],
  ]
  for (const [call, message] of wrong) await t.throwsAsync(call, { instanceOf: InvalidArgumentError, message })
  t.deepEqual(sent, [])
})

test('commands are those of the protocol', async (t) => {
  const { client: fake, sent } = infoFake((command) => (command === 'namespaces' ? 'test' : 'ok'))
  await fake.truncate('test', 'q14')
  await fake.truncate('test')
  await fake.truncate('test', 's', { before: new Date(1_500_000_000_123) })
  await fake.truncate('test', null, { before: 1_500_000_000_123_456_789n })
  t.deepEqual(
    sent.map(([, command]) => command).filter((command) => command !== 'namespaces'),
    [
      'truncate:namespace=test;set=q14',
      'truncate-namespace:namespace=test',
      'truncate:namespace=test;set=s;lut=1500000000123000000',
      'truncate-namespace:namespace=test;lut=1500000000123456789',
    ],
  )
})
