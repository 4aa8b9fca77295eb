// Codecs of a client: what plain calls write and read of records as a whole.
import { type Bins, codecs, dataSet, InvalidArgumentError, op } from 'aerospike-napi'
import test from 'ava'
import { another, client, freshSet } from './support/cluster.mjs'

const born = new Date('1990-05-17T00:00:00Z')
/** A `Date` is no value: for plain calls with codecs the caller says that it is taken. */
const user = { name: 'Ann', born, roles: new Set(['admin']) } as unknown as Bins
const given = { born: codecs.date, roles: codecs.set() }

test('records of plain calls are translated, one by one, in batches, in queries and coalesced', async (t) => {
  for (const coalesceReads of [false, true]) {
    const own = await another({ codecs: given, coalesceReads })
    t.teardown(() => own.close())
    const set = freshSet()
    const key = ['test', set, 'a'] as const
    await own.put(key, user)
    t.deepEqual((await client().get(key)).bins, { name: 'Ann', born: born.getTime(), roles: ['admin'] })
    t.deepEqual((await own.get(key)).bins, user)
    t.deepEqual((await own.select(key, ['born'])).bins, { born } as unknown as Bins)
    const [one, two] = await Promise.all([own.get(key), own.get(key)])
    t.deepEqual([one.bins, two.bins], [user, user])
    const keys = ['b', 'c'].map((id) => ['test', set, id] as const)
    ;(await own.batchWrite(keys.map((each) => ({ key: each, bins: user })))).throwIfFailed()
    const batch = await own.batchRead([...keys, key])
    t.deepEqual(
      [...batch].map(({ record }) => record?.bins),
      [user, user, user],
    )
    t.deepEqual((await own.getMany(keys))[1]?.bins, user)
    t.deepEqual(
      (await own.scan('test', set).results()).map(({ bins }) => bins),
      [user, user, user],
    )
    // Operations see what is stored.
    t.deepEqual((await own.operate(key, [op.read('born')])).bins, { born: born.getTime() })
  }
})

test('another client of the same connections may have others, or none; sessions have those of their sets', async (t) => {
  const own = await another({ codecs: given })
  t.teardown(() => own.close())
  const key = ['test', freshSet(), 'a'] as const
  await own.with({ defaults: { write: { ttl: 300 } } }).put(key, user)
  t.is((await own.with({ codecs: {} }).get(key)).bins.born, born.getTime())
  t.is((await own.session().query(key).firstOrThrow()).bins.born, born.getTime())
  const set = dataSet<{ born: Date }>('test', key[1], { codecs: { born: codecs.date } })
  t.deepEqual((await own.session().query(set.id('a')).firstOrThrow()).bins.born, born)
  await own
    .session()
    .upsert(set.id('a'))
    .put({ born: new Date(5) })
    .execute()
  t.deepEqual((await own.get<{ born: Date }>(key)).bins.born, new Date(5))
})

test('what a codec does not take, and what is no codec, is refused', async (t) => {
  const own = await another({ codecs: given })
  t.teardown(() => own.close())
  const key = ['test', freshSet(), 'a'] as const
  const wrong = { born: 'yesterday' }
  await t.throwsAsync(own.put(key, wrong), {
    instanceOf: InvalidArgumentError,
    message: /bins\.born: its codec failed/,
  })
  await t.throwsAsync(own.batchWrite([{ key, bins: wrong }]), { instanceOf: InvalidArgumentError, message: /born/ })
  await t.throwsAsync(another({ codecs: { a: {} as never } }), {
    instanceOf: InvalidArgumentError,
    message: /encode and decode/,
  })
  t.throws(() => own.with({ codecs: { a: 5 as never } }), { instanceOf: InvalidArgumentError })
})
