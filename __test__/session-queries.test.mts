// Queries on sets: conditions, which index is asked and why, limits, pages; background tasks and what else is done with sets.
import { ctx, dataSet, exp, GeoJSON, InvalidArgumentError, type SetQuery } from 'aerospike-napi'
import test, { type ExecutionContext } from 'ava'
import { client, freshSet, sleep } from './support/cluster.mjs'

interface User {
  name: string
  age: number
  city: string
  place: GeoJSON
}

const session = () => client().session()

/** A hundred users, of ages 0 to 99. */
async function hundred() {
  const users = dataSet<Partial<User>>('test', freshSet())
  const rows = session().insert(users).bins('name', 'age', 'city', 'place')
  for (let i = 0; i < 100; i++) {
    const place = new GeoJSON({ type: 'Point', coordinates: [i / 10, 50] })
    rows.id(i).values(`user ${i}`, i, i % 10 === 0 ? 'Bonn' : `city ${i % 10}`, place)
  }
  await rows.execute()
  return users
}

type Users = Awaited<ReturnType<typeof hundred>>

async function index(t: ExecutionContext, users: Users, bin: keyof User, type: 'numeric' | 'string' | 'geo2dsphere') {
  const name = `${users.set.slice(0, 12)}_${bin}`
  const job = await session().createIndex(users, { bin, type, name }, { totalTimeout: 30_000 })
  t.teardown(() => session().dropIndex(users, name, { totalTimeout: 30_000 }))
  await job.ready()
  return name
}

const agesOf = async (query: SetQuery<Partial<User>>) =>
  (await query.records()).map(({ bins }) => bins.age as number).sort((a, b) => a - b)

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('a condition without an index reads the set, and says so', async (t) => {
  const users = await hundred()
  const query = session().query(users).where`$.age >= ${18} and $.age < ${21}`
  t.deepEqual(await agesOf(query), [18, 19, 20])
  const plan = await query.explain()
  t.is(plan.access, 'scan')
  t.regex(plan.why, /no index that is ready is over age/)
  t.is((await session().query(users).explain()).why, 'there is no condition')
  t.regex((await session().query(users).where`$.age == 1 or $.age == 2`.explain()).why, /no part of the condition/)
})

test('an index is asked by itself, for the part of the condition that it has', async (t) => {
  const users = await hundred()
  const age = await index(t, users, 'age', 'numeric')
  const query = session().query(users).where`$.age >= ${18} and $.age < ${30} and $.city == ${'Bonn'}`
  const plan = await query.explain()
  t.deepEqual([plan.access, plan.index, plan.asks, plan.filtered], ['index', age, 'age from 18 to 29', true])
  t.deepEqual(await agesOf(query), [20])
  // Values on the left, several conditions, and parts inside parentheses count as well.
  const nested = session().query(users).where`(${5} < $.age and $.name != 'x')`.where`$.age <= 8`
  t.is((await nested.explain()).asks, 'age from 6 to 8')
  t.deepEqual(await agesOf(nested), [6, 7, 8])
  // What only may be true is no demand.
  t.is((await session().query(users).where`$.age == 5 or $.city == 'Bonn'`.explain()).access, 'scan')
  t.is((await session().query(users).where`not ($.age == 5)`.explain()).access, 'scan')
  const impossible = session().query(users).where`$.age > 50 and $.age < 10`
  t.deepEqual(await agesOf(impossible), [])
})

test('of several indexes the one that finds less is asked; a hint decides otherwise', async (t) => {
  const users = await hundred()
  const age = await index(t, users, 'age', 'numeric')
  const city = await index(t, users, 'city', 'string')
  const both = session().query(users).where`$.age > ${10} and $.city == ${'Bonn'}`
  const plan = await both.explain()
  t.deepEqual([plan.index, plan.asks], [city, 'city = "Bonn"'])
  t.deepEqual(
    plan.candidates.map(({ index: name, asks }) => [name, asks]),
    [[age, 'age from 11']],
  )
  const expected = [20, 30, 40, 50, 60, 70, 80, 90]
  t.deepEqual(await agesOf(both), expected)
  for (const hinted of [both.hint({ index: age }), both.hint({ scan: true }), both.hint({ index: 'none' })]) {
    t.deepEqual(await agesOf(hinted), expected)
  }
  t.is((await both.hint({ index: age }).explain()).index, age)
  t.is((await both.hint({ scan: true }).explain()).access, 'scan')
  t.regex((await both.hint({ index: 'none' }).explain()).why, /index none of the hint/)
})

test('indexes over what is in a bin, and over expressions, are asked for the parts that read just that', async (t) => {
  interface Order {
    n: number
    tags: string[]
    m: { [name: string]: string | number | number[] }
    a: number
    b: number
    long: string
  }
  const orders = dataSet<Order>('test', freshSet())
  const rows = session().insert(orders).bins('n', 'tags', 'm', 'a', 'b', 'long')
  for (let i = 0; i < 50; i++) {
    const m = { city: `city ${i % 5}`, sum: i * 10, marks: [i, i % 7, i], [`only${i % 10}`]: 1 }
    rows.id(i).values(i, [`tag ${i}`, i % 2 === 0 ? 'even' : 'odd', 'all'], m, i, 2 * i, 'x'.repeat(3000))
  }
  await rows.execute()
  const sum = exp.add(exp.bin.int('a'), exp.bin.int('b'))
  const definitions = {
    tags: { bin: 'tags', type: 'string', collection: 'list' },
    keys: { bin: 'm', type: 'string', collection: 'mapKeys' },
    vals: { bin: 'm', type: 'numeric', collection: 'mapValues' },
    sum: { bin: 'm', type: 'numeric', ctx: [ctx.mapKey('sum')] },
    city: { bin: 'm', type: 'string', ctx: [ctx.mapKey('city')] },
    marks: { bin: 'm', type: 'numeric', collection: 'list', ctx: [ctx.mapKey('marks')] },
    first: { bin: 'm', type: 'numeric', ctx: [ctx.mapKey('marks'), ctx.listIndex(0)] },
    exp: { expression: sum, type: 'numeric' },
    long: { bin: 'long', type: 'string' },
  } as const
  for (const [short, definition] of Object.entries(definitions)) {
    const name = `${orders.set.slice(0, 12)}_${short}`
    const job = await session().createIndex(orders, { ...definition, name } as never, { totalTimeout: 30_000 })
    t.teardown(() => session().dropIndex(orders, name, { totalTimeout: 30_000 }))
    await job.ready()
  }
  const all = range(0, 49)
  const query = () => session().query(orders)
  const cases: readonly [
    SetQuery<Order>,
    keyof typeof definitions | undefined,
    string | undefined,
    (i: number) => boolean,
  ][] = [
    [query().where`${'tag 7'} in $.tags`, 'tags', 'tags has the value "tag 7"', (i) => i === 7],
    [query().where`$.tags.[='tag 7'].exists()`, 'tags', 'tags has the value "tag 7"', (i) => i === 7],
    [query().where`$.tags.[='tag 7'].count() > 0`, 'tags', 'tags has the value "tag 7"', (i) => i === 7],
    [query().where`$.tags.[='tag 7'].count() >= 1`, 'tags', 'tags has the value "tag 7"', (i) => i === 7],
    [query().where`$.tags.[='tag 7'].count() == 0`, undefined, undefined, (i) => i !== 7],
    [query().where`not ($.tags.[='tag 7'].exists())`, undefined, undefined, (i) => i !== 7],
    [query().where`$.m.only3.exists()`, 'keys', 'm has the key "only3"', (i) => i % 10 === 3],
    [query().where`$.m.{=490}.exists() and $.n > 3`, 'vals', 'm has the value 490', (i) => i === 49],
    [query().where`$.m.{=490}.count() > 0`, 'vals', 'm has the value 490', (i) => i === 49],
    [query().where`$.m.sum >= 450 and $.m.sum < 470`, 'sum', 'm.sum from 450 to 469', (i) => i === 45 || i === 46],
    [query().where`$.m.city == 'city 3'`, 'city', 'm.city = "city 3"', (i) => i % 5 === 3],
    [query().where`5 in $.m.marks`, 'marks', 'm.marks has the value 5', (i) => i === 5 || i % 7 === 5],
    [query().where`$.m.marks[0] == 12`, 'first', 'm.marks[0] = 12', (i) => i === 12],
    [query().where`$.m.marks[1] == 6`, undefined, undefined, (i) => i % 7 === 6],
    [query().where`$.a + $.b > 141`, 'exp', 'the expression from 142', (i) => 3 * i > 141],
    [query().where`$.b + $.a > 141`, undefined, undefined, (i) => 3 * i > 141],
    // longer than any index holds, and a record can have it all the same
    [query().where`$.long == ${'x'.repeat(3000)}`, undefined, undefined, () => true],
    // a range of elements would give a record twice
    [query().where`$.m.marks.[=40:50].count() > 0`, undefined, undefined, (i) => i >= 40],
  ]
  for (const [i, [query, index, asks, matches]] of cases.entries()) {
    const plan = await query.explain()
    t.is(plan.index?.replace(/^.*_/, ''), index, `case ${i}: ${plan.why}`)
    t.is(plan.asks, asks, `case ${i}`)
    const found = (await query.records()).map(({ bins }) => bins.n).sort((a, b) => a - b)
    t.deepEqual(found, all.filter(matches), `case ${i}`)
  }
})

test('geometry is asked of its index', async (t) => {
  const users = await hundred()
  const place = await index(t, users, 'place', 'geo2dsphere')
  const region = new GeoJSON({
    type: 'Polygon',
    coordinates: [
      [
        [0.15, 49],
        [0.55, 49],
        [0.55, 51],
        [0.15, 51],
        [0.15, 49],
      ],
    ],
  })
  const query = session()
    .query(users)
    .where(exp.geoCompare(exp.bin.geo('place'), region))
  t.deepEqual([(await query.explain()).index, (await query.explain()).asks], [place, 'place within a region'])
  t.deepEqual(await agesOf(query), [2, 3, 4, 5])
})

test('an index that is gone costs a second try, and no record', async (t) => {
  const users = await hundred()
  const age = await index(t, users, 'age', 'numeric')
  const query = session().query(users).where`$.age < ${3}`
  t.is((await query.explain()).index, age)
  // Behind the session's back.
  await client().dropIndex('test', age)
  t.deepEqual(await agesOf(query), [0, 1, 2])
})

test('limits, chunks, partitions and pages', async (t) => {
  const users = await hundred()
  const query = session().query(users)
  t.is((await query.limit(7).records()).length, 7)
  t.deepEqual(await agesOf(query.chunkSize(9)), range(0, 99))
  t.is((await query.chunkSize(9).limit(20).records()).length, 20)
  const half = await query.onPartitions(0, 2048).records()
  const other = await query.onPartitions(2048, 2048).records()
  t.is(half.length + other.length, 100)
  const seen: number[] = []
  let cursor: string | undefined
  do {
    const page = await query.page(30, cursor)
    t.true(page.records.length <= 30)
    seen.push(...page.records.map(({ bins }) => bins.age as number))
    cursor = page.cursor
  } while (cursor !== undefined)
  t.deepEqual(
    seen.sort((a, b) => a - b),
    range(0, 99),
  )
  const sizes: number[] = []
  for await (const page of (await query.execute()).pages(40)) sizes.push(page.length)
  t.deepEqual(sizes, [40, 40, 20])
  const [bare] = await query.withNoBins().limit(1).records()
  t.deepEqual(bare?.bins, {})
  const [named] = await query.where`$.age == 5`.bins('name').records()
  t.deepEqual(named?.bins, { name: 'user 5' })
})

test('a loop can be left, and a stream closed', async (t) => {
  const users = await hundred()
  let count = 0
  for await (const { bins } of session().query(users)) {
    t.is(typeof bins.age, 'number')
    if (++count === 3) break
  }
  const stream = await session().query(users).execute()
  stream.close()
  t.deepEqual(await stream.collect(), [])
  t.is((await session().query(users).where`$.age == 5`.first())?.record?.bins.age, 5)
  await t.throwsAsync(session().query(users).where`$.age == 500`.firstOrThrow(), { name: 'RecordNotFoundError' })
  const rows: number[] = []
  await session()
    .query(users)
    .forEach((row) => {
      rows.push(row.index)
    })
  t.deepEqual(rows, range(0, 99))
})

test('what makes no sense rejects when the query is run', async (t) => {
  const users = dataSet<User>('test', freshSet())
  const refused = (query: SetQuery<User>) => t.throwsAsync(query.records(), { instanceOf: InvalidArgumentError })
  await refused(session().query(users).limit(0))
  await refused(session().query(users).chunkSize(1.5))
  await refused(session().query(users).onPartitions(5000))
  await refused(session().query(users).where`$.age >`)
  await refused(session().query(users).validated())
  await t.throwsAsync(session().query(users).limit(0).explain(), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(session().query(users).where`$.age =`.page(5), { instanceOf: InvalidArgumentError })
})

test('background tasks change, touch and remove the records of a condition', async (t) => {
  const users = dataSet<Partial<User> & { minor?: boolean; n?: number }>('test', (await hundred()).set)
  const task = () => session().backgroundTask()
  const done = async (job: Promise<{ done(options: object): Promise<unknown> }>) =>
    (await job).done({ timeout: 30_000 })
  await done(task().update(users).where`$.age < ${18}`.bin('minor').setTo(true).bin('age').add(100).execute())
  t.deepEqual(
    (await session().query(users).where`$.minor == true`.records()).map(({ bins }) => bins.age).sort(),
    range(100, 117),
  )
  await done(
    task().update(users).where`$.age < ${20}`
      .bin('n')
      .setTo(exp.add(exp.bin.int('age'), 1))
      .execute(),
  )
  t.deepEqual((await session().query(users).where`$.n > 0`.records()).map(({ bins }) => bins.n).sort(), [19, 20])
  await done(task().touch(users).where`$.age == ${50}`.expireRecordAfter(500).execute())
  const { meta } = await session().query(users.id(50)).firstOrThrow()
  t.true(meta.ttl > 400)
  await done(task().delete(users).where`$.age > ${30}`.execute())
  t.is((await session().query(users).records()).length, 13)
  await t.throwsAsync(task().update(users).execute(), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(task().update(users).where`$.age >`.put({ n: 1 }).execute(), { instanceOf: InvalidArgumentError })
})

test('a set is emptied; the cluster tells of itself', async (t) => {
  const users = await hundred()
  // A server compares with the time of the last write, in milliseconds.
  await sleep(5)
  await session().truncate(users)
  for (let i = 0; i < 100 && (await session().query(users).records()).length > 0; i++) await sleep(20)
  t.is((await session().query(users).records()).length, 0)
  const info = session().info()
  t.true((await info.namespaces()).some(({ name }) => name === 'test'))
  t.true((await info.sets('test')).some(({ name }) => name === users.set))
  t.true(Array.isArray(await info.indexes('test')))
  t.true((await info.ask('build')).size > 0)
})
