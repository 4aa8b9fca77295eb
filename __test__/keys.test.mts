// Keys: every form of them, and the digest the cluster knows them by.

import { digest, InvalidArgumentError, type Key, partition } from 'aerospike-napi'
import test from 'ava'
import { client, freshSet } from './support/cluster.mjs'
import { corpus, value } from './support/corpus.mjs'

test('digests and partitions are those of the recorded keys', (t) => {
  const lines = corpus<{ key: unknown[]; digest: string; partition: number }>('digests')
  for (const line of lines) {
    const key = line.key.map(value) as unknown as Key
    t.is(digest(key).toString('hex'), line.digest, JSON.stringify(line.key))
    t.is(partition(key), line.partition)
  }
  t.is(lines.length, 400)
})

test('user keys are text, integers, bigints and bytes, and each is its own record', async (t) => {
  const set = freshSet()
  const users = [
    '1',
    1,
    '',
    -1,
    2n ** 63n - 1n,
    -(2n ** 63n),
    Number.MAX_SAFE_INTEGER,
    Buffer.from('1'),
    Uint8Array.of(0),
    new Uint8Array(0),
    'a\0b',
    'é',
  ]
  for (const [i, user] of users.entries()) await client().put(['test', set, user], { i })
  for (const [i, user] of users.entries()) t.is((await client().get(['test', set, user])).bins.i, i)
  const batch = await client().batchRead(users.map((user) => ['test', set, user] as const))
  t.deepEqual(
    Array.from(batch, (row) => row.record?.bins.i),
    users.map((_, i) => i),
  )
  t.deepEqual(
    Array.from(batch, (row) => row.key[2]),
    users,
  )
})

test('1 and 1n are the same key', async (t) => {
  const set = freshSet()
  await client().put(['test', set, 1], { v: 'x' })
  t.is((await client().get(['test', set, 1n])).bins.v, 'x')
})

test('a record is found by its digest alone', async (t) => {
  const key = ['test', freshSet(), 'user'] as const
  await client().put(key, { v: 1 })
  const byDigest = ['test', key[1], null, digest(key)] as const
  const record = await client().get(byDigest)
  t.is(record.bins.v, 1)
  t.is(record.key, byDigest)
  const batch = await client().batchRead([byDigest, key])
  t.deepEqual(
    Array.from(batch, (row) => row.record?.bins.v),
    [1, 1],
  )
  t.is(batch.get(key)?.index, 1)
  await client().put(byDigest, { v: 2 })
  t.is((await client().get(key)).bins.v, 2)
})

test('a key may have user key and digest both', async (t) => {
  const plain = ['test', freshSet(), 'user'] as const
  const both: Key = [...plain, digest(plain)]
  t.deepEqual(digest(both), digest(plain))
  await client().put(both, { v: 1 }, { key: 'send' })
  t.is((await client().get(plain)).bins.v, 1)
  const batch = await client().batchRead([both, plain, both])
  t.deepEqual(
    Array.from(batch, (row) => row.record?.bins.v),
    [1, 1, 1],
  )
  t.is(batch.get(plain)?.key, both)
  const mixed = await client().batch([plain, { type: 'write', key: both, bins: { v: 2 } }, plain])
  t.is(mixed.at(2)?.record?.bins.v, 2, 'a write stands between the reads of its record')
  const coalescing = client().with({ coalesceReads: true })
  const [one, two] = await Promise.all([coalescing.get(both), coalescing.get(plain)])
  t.deepEqual([one.bins.v, two.bins.v], [2, 2])
})

test('a digest that is not that of the user key beside it is refused', async (t) => {
  const key = ['test', freshSet(), 1] as const
  const wrong: Key = [...key, digest([key[0], key[1], 2])]
  const refused = { instanceOf: InvalidArgumentError, message: /is that of another record/ }
  t.throws(() => digest(wrong), refused)
  await t.throwsAsync(client().get(wrong), refused)
  await t.throwsAsync(client().batchRead([key, wrong]), { ...refused, message: /rows\[1\].*another record/ })
})

test('records, and what stands in for missing ones, have the digest of their key', async (t) => {
  const key = ['test', freshSet(), 'user'] as const
  await client().put(key, { v: 1 })
  const hex = digest(key).toString('hex')
  const record = await client().get(key)
  t.is(record.digest.toString('hex'), hex)
  t.false(Object.keys(record).includes('digest'))
  t.is((await client().exists(key)).digest.toString('hex'), hex)
  const [missing] = await client().getMany([['test', freshSet(), 1]])
  t.is(missing?.digest.length, 20)
  const [found] = await client().query('test', key[1]).results()
  t.is(found?.digest.toString('hex'), hex)
})

test('a set may be empty or null', async (t) => {
  const user = freshSet()
  await client().put(['test', '', user], { v: 1 })
  t.is((await client().get(['test', null, user])).bins.v, 1)
  await client().remove(['test', null, user])
})

test('sending the key stores it: another key of the same digest would be noticed', async (t) => {
  const key = ['test', freshSet(), 'user'] as const
  await client().put(key, { v: 1 }, { key: 'send' })
  t.is((await client().get(key, { key: 'send' })).bins.v, 1)
})

const malformed: [string, unknown, RegExp][] = [
  ['null', null, /not null/],
  ['undefined', undefined, /undefined/],
  ['text', 'test.demo.1', /\[namespace, set, user key\]/],
  ['an object', { ns: 'test' }, /an object/],
  ['two parts', ['test', 'demo'], /array of 2/],
  ['five parts', ['test', 'demo', 1, 2, 3], /array of 5/],
  ['no user key', ['test', 'demo', null], /not null/],
  ['an undefined user key', ['test', 'demo', undefined], /undefined/],
  ['a boolean user key', ['test', 'demo', true], /true/],
  ['an object as user key', ['test', 'demo', {}], /an object/],
  ['a fraction as user key', ['test', 'demo', 1.5], /safe integer/],
  ['an unsafe number as user key', ['test', 'demo', 2 ** 53], /bigint/],
  ['a bigint above int64', ['test', 'demo', 2n ** 63n], /64 bits/],
  ['a short digest', ['test', 'demo', null, Buffer.alloc(19)], /20 bytes, not 19/],
  ['a user key beside a digest of another size', ['test', 'demo', 1, Buffer.alloc(21)], /20 bytes, not 21/],
  ['a namespace that is no text', [1, 'demo', 1], /namespace/],
  ['an empty namespace', ['', 'demo', 1], /1 to 31/],
  ['a namespace of 32 bytes', ['n'.repeat(32), 'demo', 1], /1 to 31/],
  ['a set of 64 bytes', ['test', 's'.repeat(64), 1], /at most 63/],
  ['a set of 32 two-byte letters', ['test', 'é'.repeat(32), 1], /at most 63/],
  ['a set that is no text', ['test', 5, 1], /set must be text/],
  ['half a surrogate pair', ['test', 'demo', '\ud800'], /surrogate/],
  [
    'a throwing Proxy',
    new Proxy([], {
      get() {
        throw new Error('trap')
      },
    }),
    /trap/,
  ],
]
for (const [name, key, message] of malformed) {
  test(`a key that is ${name} is refused before anything is sent`, async (t) => {
    await t.throwsAsync(client().get(key as Key), { instanceOf: InvalidArgumentError, message })
    const keys = [['test', 'demo', 1], ['test', 'demo', 'a'], key] as Key[]
    await t.throwsAsync(client().batchRead(keys), { instanceOf: InvalidArgumentError, message: /rows\[2\]|trap/ })
  })
}

test('names of exactly the longest length are fine', async (t) => {
  const [, meta] = await client().exists(['test', 's'.repeat(63), 'user'])
  t.is(meta, null)
})
