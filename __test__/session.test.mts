// The session: verbs, what throws and what is a row, options of steps, ways into bins, answers in one line.
import {
  AerospikeError,
  dataSet,
  ErrorStrategy,
  exp,
  FilteredError,
  GenerationError,
  InvalidArgumentError,
  type Key,
  RecordExistsError,
  RecordNotFoundError,
  type UserKey,
  type Value,
} from 'aerospike-napi'
import test from 'ava'
import { client, freshKey, freshSet } from './support/cluster.mjs'

interface User {
  name: string
  age: number
  email?: string
  tags: string[]
  scores: { [game: string]: number }
  profile: { address: { city: string }; visits: number[] }
}

const session = () => client().session()

async function withUsers(count = 3) {
  const users = dataSet<User>('test', freshSet())
  await session()
    .insert(users)
    .bins('name', 'age', 'tags', 'scores')
    .id('u1')
    .values('Alice', 28, ['a', 'b', 'c'], { chess: 10, go: 30, poker: 20 })
    .id('u2')
    .values('Bob', 35, [], {})
    .id('u3')
    .values('Carol', 22, ['c'], { go: 5 })
    .execute()
  if (count < 3) await session().delete(users.id('u3')).execute()
  return users
}

test('keys of a set are keys: plain calls take them, and nothing of the set shows', async (t) => {
  const users = await withUsers()
  const { key, bins } = await client().get<User>(users.id('u1'))
  t.deepEqual(key as readonly unknown[], ['test', users.set, 'u1'])
  t.is(bins.name, 'Alice')
  t.is((await client().getMany(users.ids('u1', 'u2')))[1]?.bins?.name, 'Bob')
  const digest = (await import('aerospike-napi')).digest(users.id('u1'))
  t.is((await session().query(users.idFromDigest(digest)).firstOrThrow()).bins.name, 'Alice')
})

test('a single key that fails rejects; with a strategy or a handler it does not', async (t) => {
  const users = await withUsers()
  const exists = await t.throwsAsync(session().insert(users.id('u1')).put(whole('Eve')).execute(), {
    instanceOf: RecordExistsError,
  })
  t.deepEqual(exists?.key as unknown, ['test', users.set, 'u1'])
  await t.throwsAsync(session().update(users.id('nobody')).bin('age').setTo(1).execute(), {
    instanceOf: RecordNotFoundError,
  })
  const rows = await session().update(users.id('nobody')).bin('age').setTo(1).execute(ErrorStrategy.IN_STREAM)
  t.is(rows.length, 1)
  t.true(rows.at(0)?.error instanceof RecordNotFoundError)
  t.throws(() => rows.at(0)?.recordOrThrow(), { instanceOf: RecordNotFoundError })
  const seen: [UserKey | null, number, string][] = []
  const none = await session()
    .update(users.id('nobody'))
    .bin('age')
    .setTo(1)
    .execute((key, index, error) => seen.push([key[2], index, error.name]))
  t.is(none.length, 0)
  t.deepEqual(seen, [['nobody', 0, 'RecordNotFoundError']])
})

const whole = (name: string): User => ({
  name,
  age: 1,
  tags: [],
  scores: {},
  profile: { address: { city: 'Bonn' }, visits: [] },
})

test('failures of a batch are rows, throw, or go to a handler', async (t) => {
  const users = await withUsers()
  const chain = () =>
    session()
      .update(users.ids('u1', 'nobody', 'u2'))
      .bin('age')
      .add(1)
  t.deepEqual(
    [...(await chain().execute())].map(({ isOk, resultCode }) => [isOk, resultCode]),
    [
      [true, 0],
      [false, 2],
      [true, 0],
    ],
  )
  await t.throwsAsync(chain().execute(ErrorStrategy.THROW), { instanceOf: RecordNotFoundError })
  const seen: number[] = []
  const rows = await chain().execute((_, index) => seen.push(index))
  t.deepEqual([seen, rows.length], [[1], 2])
  t.is((await chain().execute()).length, 3)
  t.is((await (await chain().execute()).failures()).length, 1)
  await t.throwsAsync(chain().records(), { instanceOf: RecordNotFoundError })
})

test('missing keys: left out of reads, answers of exists, delete and touch', async (t) => {
  const users = await withUsers()
  const ids = users.ids('nobody', 'u1')
  t.deepEqual(
    [...(await session().query(ids).execute())].map(({ index }) => index),
    [1],
  )
  const all = await session().query(ids).includeMissingKeys().execute()
  t.deepEqual(
    [...all].map(({ record, isOk, error }) => [record?.bins.name, isOk, error]),
    [
      [undefined, false, undefined],
      ['Alice', true, undefined],
    ],
  )
  for (const chain of [session().exists(ids), session().touch(ids), session().delete(ids)]) {
    const rows = await chain.execute(ErrorStrategy.THROW)
    t.deepEqual(
      [...rows].map((row) => row.asBoolean()),
      [false, true],
    )
  }
  for (const chain of [
    session().exists(users.id('x')),
    session().touch(users.id('x')),
    session().delete(users.id('x')),
  ]) {
    t.false((await chain.execute()).at(0)?.asBoolean())
  }
  t.is((await session().query(users.id('x')).execute()).length, 0)
  t.is(await session().query(users.id('x')).first(), undefined)
  await t.throwsAsync(session().query(users.id('x')).firstOrThrow(), { instanceOf: RecordNotFoundError })
  const missing = await session().query(users.id('x')).includeMissingKeys().execute()
  t.is(missing.at(0)?.record, null)
})

test('a condition leaves records alone; failOnFilteredOut makes them failures', async (t) => {
  const users = await withUsers()
  const ids = users.ids('u1', 'u2', 'u3')
  const adults = session().query(ids).where`$.age >= ${28}`
  t.deepEqual(
    (await adults.records()).map(({ bins }) => bins.name),
    ['Alice', 'Bob'],
  )
  const failing = await session()
    .query(ids)
    .where(exp.ge(exp.bin.int('age'), 28))
    .failOnFilteredOut()
    .execute()
  t.deepEqual(
    [...failing].map(({ error }) => error instanceof FilteredError),
    [false, false, true],
  )
  const written = await session().update(ids).where`$.age >= ${28}`.bin('email').setTo('x').execute()
  t.deepEqual(
    [...written].map((row) => row.asBoolean()),
    [true, true, false],
  )
  t.is((await session().query(users.id('u3')).where`$.age > ${90}`.execute()).length, 0)
  await t.throwsAsync(session().query(users.id('u3')).where`$.age > ${90}`.failOnFilteredOut().execute(), {
    instanceOf: FilteredError,
  })
  t.false(
    (await session().update(users.id('u3')).where`$.age > ${90}`.bin('age').setTo(1).execute()).at(0)?.asBoolean(),
  )
})

test('verbs ask for the record to be there, or not', async (t) => {
  const users = dataSet<{ a: number; b?: number }>('test', freshSet())
  const id = users.id(1)
  await t.throwsAsync(session().replaceIfExists(id).put({ a: 1 }).execute(), { instanceOf: RecordNotFoundError })
  await session().insert(id).put({ a: 1, b: 2 }).execute()
  await session().upsert(id).put({ a: 2 }).execute()
  t.deepEqual((await session().query(id).firstOrThrow()).bins, { a: 2, b: 2 })
  await session().replace(id).put({ a: 3 }).execute()
  t.deepEqual((await session().query(id).firstOrThrow()).bins, { a: 3 })
  await session().replaceIfExists(id).put({ a: 4 }).execute()
  await session().update(id).bin('b').setTo(5).execute()
  t.deepEqual((await session().query(id).firstOrThrow()).bins, { a: 4, b: 5 })
  const batch = await session()
    .insert(id)
    .put({ a: 9 })
    .replaceIfExists(users.id(2))
    .put({ a: 9 })
    .insert(users.id(3))
    .put({ a: 9 })
    .execute()
  t.deepEqual(
    [...batch].map(({ error }) => error?.name),
    ['RecordExistsError', 'RecordNotFoundError', undefined],
  )
})

test('generation and expiry, of one key, of a step and of a row', async (t) => {
  const users = await withUsers()
  const { meta } = await session().query(users.id('u1')).firstOrThrow()
  await t.throwsAsync(
    session()
      .update(users.id('u1'))
      .ensureGenerationIs(meta.gen + 5)
      .bin('age')
      .setTo(1)
      .execute(),
    {
      instanceOf: GenerationError,
    },
  )
  await session()
    .update(users.id('u1'))
    .ensureGenerationIs(meta.gen)
    .bin('age')
    .setTo(1)
    .expireRecordAfter(500)
    .execute()
  const ttl = async (id: string) => (await session().query(users.id(id)).withNoBins().firstOrThrow()).meta.ttl
  t.true((await ttl('u1')) > 400 && (await ttl('u1')) <= 500)
  await session()
    .touch(users.ids('u1', 'u2'))
    .expireRecordAt(new Date(Date.now() + 900_000))
    .execute()
  t.true((await ttl('u2')) > 800 && (await ttl('u2')) <= 901)
  await session().update(users.id('u1')).withNoChangeInExpiration().bin('age').setTo(2).execute()
  t.true((await ttl('u1')) > 800)
  await session().update(users.id('u1')).neverExpire().bin('age').setTo(3).execute()
  t.is(await ttl('u1'), -1)
  await session()
    .upsert(users)
    .bins('age')
    .expireRecordAfter(300)
    .id('u1')
    .values(1)
    .id('u2')
    .values(2)
    .neverExpire()
    .execute()
  t.true((await ttl('u1')) > 200 && (await ttl('u1')) <= 300)
  t.is(await ttl('u2'), -1)
})

test('answers in one line: the awaited step runs and gives the last one', async (t) => {
  const users = await withUsers()
  const u1 = users.id('u1')
  t.is(await session().upsert(u1).bin('tags').list.append('x'), 4)
  t.is(await session().query(u1).bin('tags').list.getByIndex(-1), 'x')
  t.deepEqual(await session().query(u1).bin('tags').list.getByIndexRange(0, 2), ['a', 'b'])
  t.is(await session().query(u1).bin('age').get(), 28)
  t.is(
    await session()
      .query(u1)
      .compute('next', exp.add(exp.bin.int('age'), 1)),
    29,
  )
  t.is(await session().upsert(u1).bin('age').add(1).bin('age').get(), 29)
  await t.throwsAsync(async () => session().query(users.id('nobody')).bin('tags').list.size(), {
    instanceOf: RecordNotFoundError,
  })
  const rows = await session().upsert(users.ids('u1', 'u2')).bin('tags').list.append('y').bin('age').get().execute()
  t.deepEqual(
    [...rows].map((row) => row.recordOrThrow().bins as object),
    [
      { tags: 5, age: 29 },
      { tags: 1, age: 35 },
    ],
  )
})

test('the 38 methods of the classic clients on lists and maps are one line each', async (t) => {
  const set = dataSet<{ l: number[]; m: { [key: string]: number } }>('test', freshSet())
  const key = set.id('k')
  const l = () => session().upsert(key).bin('l').list
  const m = () => session().upsert(key).bin('m').map
  const steps: [call: () => PromiseLike<unknown>, answer: unknown][] = [
    [() => l().append(1), 1],
    [() => l().appendItems([2, 3, 4]), 4],
    [() => l().insert(0, 0), 5],
    [() => l().insertItems(1, [8, 9]), 7],
    [() => l().pop(1), 8],
    [() => l().popRange(1, 1), [9]],
    [() => l().remove(0), 1],
    [() => l().removeRange(0, 1), 1],
    [() => l().set(0, 7), null],
    [() => l().get(0), 7],
    [() => l().getRange(0, 2), [7, 3]],
    [() => l().trim(0, 2), 1],
    [() => l().size(), 2],
    [() => l().clear(), null],
    [() => m().setOrder({ order: 'keyOrdered' }), null],
    [() => m().put('a', 1), 1],
    [() => m().putItems({ b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 }), 7],
    [() => m().increment('a', 10), 11],
    [() => m().decrement('a', 10), 1],
    [() => m().size(), 7],
    [() => m().getByKey('a'), 1],
    [() => m().getByKeyRange('a', 'c'), [1, 2]],
    [() => m().getByKeyList(['a', 'c'], { return: 'key' }), ['a', 'c']],
    [() => m().getByValue(2, { return: 'key' }), ['b']],
    [() => m().getByValueRange(2, 4), [2, 3]],
    [() => m().getByValueList([1, 7], { return: 'count' }), 2],
    [() => m().getByIndex(0, { return: 'key' }), 'a'],
    [() => m().getByIndexRange(0, 2), [1, 2]],
    [() => m().getByRank(-1), 7],
    [() => m().getByRankRange(-2), [6, 7]],
    [() => m().removeByKey('a', { return: 'value' }), 1],
    [() => m().removeByKeyList(['b', 'x'], { return: 'count' }), 1],
    [() => m().removeByKeyRange('c', 'd', { return: 'count' }), 1],
    [() => m().removeByValue(4, { return: 'count' }), 1],
    [() => m().removeByValueList([5], { return: 'count' }), 1],
    [() => m().removeByValueRange(6, 7, { return: 'count' }), 1],
    [() => m().removeByIndex(0, { return: 'key' }), 'g'],
    [() => m().putItems({ x: 1, y: 2, z: 3 }), 3],
    [() => m().removeByIndexRange(0, 1, { return: 'key' }), ['x']],
    [() => m().removeByRank(0, { return: 'key' }), 'y'],
    [() => m().removeByRankRange(0, 5, { return: 'count' }), 1],
    [() => m().clear(), null],
  ]
  for (const [call, answer] of steps) t.deepEqual(await call(), answer, String(call))
})

test('ways into lists and maps, as deep as they go', async (t) => {
  const users = await withUsers()
  const u1 = users.id('u1')
  await session()
    .update(u1)
    .bin('profile')
    .setTo({ address: { city: 'Bonn' }, visits: [5, 1, 3] })
    .execute()
  const read = () => session().query(u1)
  const write = () => session().update(u1)
  t.is(await read().bin('profile').onMapKey('address').onMapKey('city').getValue(), 'Bonn')
  t.true(await read().bin('profile').onMapKey('address').exists())
  t.is(await read().bin('profile').onMapKey('visits').list.size(), 3)
  t.is(await write().bin('profile').onMapKey('visits').list.append(9, { addUnique: true }), 4)
  t.is(await read().bin('profile').onMapKey('visits').onListRank(-1).getValue(), 9)
  t.deepEqual(await read().bin('profile').onMapKey('visits').onListIndexRange(1).getValues(), [1, 3, 9])
  t.is(await read().bin('profile').onMapKey('visits').list.getByIndexRange(0, 2, { return: 'count' }), 2)
  t.is(await write().bin('profile').onMapKey('visits').onListIndex(0).add(2), 7)
  await write().bin('profile').onMapKey('address').onMapKey('city').setTo('Rome').execute()
  await write().bin('tags').onListIndex(0).setTo('z').execute()
  t.deepEqual(await read().bin('tags').get(), ['z', 'b', 'c'])
  t.is(await read().bin('profile').onMapKey('address').map.getByKey('city'), 'Rome')
  t.deepEqual(await read().bin('scores').onMapKeyRange('chess', 'go').getValues(), [10])
  t.deepEqual(await read().bin('scores').onMapValueRange(15, null).getKeys(), ['go', 'poker'])
  t.deepEqual(
    await read().bin('scores').onMapRankRange(-2).getEntries(),
    new Map([
      ['poker', 20],
      ['go', 30],
    ]),
  )
  t.is(await read().bin('scores').onMapKeyList(['go', 'x']).count(), 1)
  t.is(await read().bin('scores').onMapKeyList(['go']).others.count(), 2)
  t.is(await write().bin('scores').onMapIndex(0).remove(), 1)
  t.is(await write().bin('tags').onListValueList(['b', 'c']).others.remove(), 1)
  t.deepEqual(await read().bin('tags').get(), ['b', 'c'])
  t.deepEqual(await read().bin('tags').onListValue('c').getIndexes(), [1])
})

test('bytes, sketches and anything else of an untyped bin', async (t) => {
  const key = freshKey()
  await session()
    .upsert(key)
    .put({ flags: Buffer.of(0b1010), n: 1 })
    .execute()
  t.is(await session().query(key).bin('flags').bits.count(0, 8), 2)
  t.is(await session().upsert(key).bin('seen').hll.add(['a', 'b'], { indexBits: 8 }), 2)
  t.is(await session().query(key).bin('seen').hll.getCount(), 2)
  await session()
    .upsert(key)
    .bin('n')
    .setTo(exp.mul(exp.bin.int('n'), 5))
    .execute()
  t.is(await session().query(key).bin('n').get(), 5)
  await session().upsert(key).bin('n').remove().execute()
  t.false('n' in (await session().query(key).firstOrThrow()).bins)
})

test('what makes no sense rejects when it is run, and nothing is sent', async (t) => {
  const users = await withUsers()
  const refused = async (chain: { execute(): Promise<unknown> }, message: RegExp) => {
    const error = await t.throwsAsync(chain.execute(), { instanceOf: InvalidArgumentError })
    t.regex(String(error?.message), message)
  }
  const js = session() as unknown as { [verb: string]: (...given: unknown[]) => never }
  const any = (chain: unknown) =>
    chain as { [call: string]: (...given: unknown[]) => never } & { execute(): Promise<unknown> }
  await refused(any(js.query?.('nonsense')), /takes a set, a key, or keys/)
  await refused(session().upsert(users.id('u1')) as never, /say what is to be written/)
  t.is((await (session().insert(users).bins('name') as { execute(): Promise<{ length: number }> }).execute()).length, 0)
  await refused(any(js.delete?.(users)), /backgroundTask/)
  await refused(session().upsert(users).bins('age').id('u1') as never, /the last id has no values/)
  await refused(any(session().upsert(users).bins('age').id('u1')).values?.(1, 2) as never, /2 values for 1 bins/)
  await refused(session().update(users.id('u1')).expireRecordAt(new Date(0)).bin('age').setTo(1), /in the future/)
  await refused(session().update(users.id('u1')).where`$.age >`.bin('age').setTo(1), /at character/)
  await refused(session().executeUdf(users.id('u1')), /say which function/)
  await refused(any(any(session().query(users.id('u1'))).bin?.('tags')).setTo?.(1) as never, /would be written/)
  await refused(
    session()
      .upsert(users.id('u1'))
      .put(null as never),
    /put takes an object/,
  )
  await refused(session().insert(users).put(whole('x')), /does not know the key of an object/)
  await t.throwsAsync(
    async () =>
      session()
        .upsert(users.id('u1'))
        .bin('tags')
        .list.append(undefined as never),
    {
      instanceOf: InvalidArgumentError,
    },
  )
  await t.throwsAsync(
    session()
      .query(users.id('u1'))
      .execute('never' as never),
    { instanceOf: InvalidArgumentError },
  )
})

test('streams: pages, visits, maps, and going through twice', async (t) => {
  const users = await withUsers()
  const stream = await session()
    .query(users.ids('u1', 'u2', 'u3'))
    .bins('name')
    .execute()
  const pages: number[] = []
  for await (const page of stream.pages(2)) pages.push(page.length)
  t.deepEqual(pages, [2, 1])
  const seen: unknown[] = []
  // biome-ignore lint/suspicious/useIterableCallbackReturn: what it returns ends the stream
  await stream.forEach((row) => {
    seen.push(row.key[2])
    return seen.length < 2
  })
  t.deepEqual(seen, ['u1', 'u2'])
  t.deepEqual([...(await stream.toMap()).keys()], ['u1', 'u2', 'u3'])
  t.is((await stream.first())?.record?.bins.name, 'Alice')
  t.is((await stream.collect()).length, 3)
  await t.throwsAsync(stream.pages(0).next(), { instanceOf: InvalidArgumentError })
})

test('a signal cancels a chain', async (t) => {
  const users = await withUsers()
  const signal = AbortSignal.abort()
  await t.throwsAsync(session().query(users.id('u1')).execute(undefined, { signal }), { name: 'AbortError' })
  await t.throwsAsync(session().query(users.ids('u1', 'u2')).execute(undefined, { signal }), { name: 'AbortError' })
})

test('a chain over several sets and namespaces is one batch', async (t) => {
  const users = await withUsers()
  const orders = dataSet<{ total: number }>('test', freshSet())
  const plain: Key = ['test', freshSet(), 1]
  const rows = await session()
    .upsert(orders.id(1))
    .bin('total')
    .add(5)
    .query(users.id('u1'))
    .bins('name')
    .upsert(plain)
    .put({ x: 1 })
    .exists(users.ids('u1', 'nobody'))
    .query(orders.id(1))
    .execute()
  t.deepEqual(
    [...rows].map(({ index, isOk }) => [index, isOk]),
    [
      [0, true],
      [1, true],
      [2, true],
      [3, true],
      [4, false],
      [5, true],
    ],
  )
  const bins = rows.at(5)?.record?.bins as { total?: Value } | undefined
  t.deepEqual([rows.at(1)?.record?.bins as object, bins?.total], [{ name: 'Alice' }, 5])
  t.true([...rows].every((row) => row.error === undefined || row.error instanceof AerospikeError))
})
