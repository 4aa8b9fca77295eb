// Queries: secondary indexes of every kind, and background jobs.

import {
  ctx,
  exp,
  GeoJSON,
  IndexNotFoundError,
  InvalidArgumentError,
  JobNotFoundError,
  type Key,
  lists,
  op,
  type Predicate,
  QueryAbortedError,
  type Record,
  range,
  TimeoutError,
} from 'aerospike-napi'
import test from 'ava'
import { another, client, freshSet } from './support/cluster.mjs'
import { index } from './support/indexes.mjs'

interface Person {
  i: number
  age: number
  name: string
  tags: string[]
  scores: { [subject: string]: number }
  code: Buffer
  place: GeoJSON
  area: GeoJSON
  deep: { list: number[] }
}

const COUNT = 300

function person(i: number): Person {
  return {
    i,
    age: i % 100,
    name: `name ${i % 10}`,
    tags: [`tag ${i % 7}`, `tag ${(i + 1) % 7}`],
    scores: { [`subject ${i % 5}`]: i % 50 },
    code: Buffer.from([i % 4]),
    place: new GeoJSON({ type: 'Point', coordinates: [(i % 20) / 10, 50] }),
    area: new GeoJSON({ type: 'AeroCircle', coordinates: [[i % 20, 10], 50_000] }),
    deep: { list: [i % 30, 1000] },
  }
}

/** A set with people in it. */
async function people(): Promise<string> {
  const set = freshSet()
  const rows = Array.from({ length: COUNT }, (_, i) => ({ key: ['test', set, i] as Key, bins: person(i) }))
  ;(await client().batchWrite(rows as never, { totalTimeout: 60_000 })).throwIfFailed()
  return set
}

/** Which people a predicate finds. */
async function found(set: string, predicate: Predicate): Promise<number[]> {
  const records = await client().query<Person>('test', set).where(predicate).select('i').results()
  return [...new Set(records.map(({ bins }) => bins.i))].sort((a, b) => a - b)
}

const those = (condition: (one: Person) => boolean): number[] =>
  Array.from({ length: COUNT }, (_, i) => i).filter((i) => condition(person(i)))

test('integers, text and bytes: equal and in a range', async (t) => {
  const set = await people()
  await index(t, { set, bin: 'age', type: 'numeric' })
  await index(t, { set, bin: 'name', type: 'string' })
  await index(t, { set, bin: 'code', type: 'blob' })
  t.deepEqual(
    await found(set, range.equal('age', 42)),
    those(({ age }) => age === 42),
  )
  t.deepEqual(
    await found(set, range.between('age', 20, 30)),
    those(({ age }) => age >= 20 && age <= 30),
  )
  t.deepEqual(
    await found(set, range.between('age', -(2n ** 63n), 3n)),
    those(({ age }) => age <= 3),
  )
  t.deepEqual(
    await found(set, range.equal('name', 'name 3')),
    those(({ name }) => name === 'name 3'),
  )
  t.deepEqual(
    await found(set, range.equal('code', Buffer.from([2]))),
    those(({ code }) => code[0] === 2),
  )
  t.deepEqual(await found(set, range.equal('age', 1000)), [])
})

test('elements of lists, keys and values of maps', async (t) => {
  const set = await people()
  await index(t, { set, bin: 'tags', type: 'string', collection: 'list' })
  await index(t, { set, bin: 'scores', type: 'string', collection: 'mapKeys' })
  await index(t, { set, bin: 'scores', type: 'numeric', collection: 'mapValues' })
  t.deepEqual(
    await found(set, range.contains('tags', 'tag 3', 'list')),
    those(({ tags }) => tags.includes('tag 3')),
  )
  t.deepEqual(
    await found(set, range.contains('scores', 'subject 2', 'mapKeys')),
    those(({ scores }) => 'subject 2' in scores),
  )
  t.deepEqual(
    await found(set, range.containsBetween('scores', 45, 100, 'mapValues')),
    those(({ scores }) => Object.values(scores).some((score) => score >= 45)),
  )
})

test('points in regions, and regions around points', async (t) => {
  const set = await people()
  await index(t, { set, bin: 'place', type: 'geo2dsphere' })
  await index(t, { set, bin: 'area', type: 'geo2dsphere' })
  const box = {
    type: 'Polygon',
    coordinates: [
      [
        [0.05, 49],
        [0.55, 49],
        [0.55, 51],
        [0.05, 51],
        [0.05, 49],
      ],
    ],
  }
  t.deepEqual(
    await found(set, range.geoWithinRegion('place', box)),
    those(({ i }) => i % 20 >= 1 && i % 20 <= 5),
  )
  t.deepEqual(
    await found(set, range.geoWithinRadius('place', 1, 50, 8000)),
    those(({ i }) => (i % 20) / 10 >= 0.9 && (i % 20) / 10 <= 1.1),
  )
  t.deepEqual(
    await found(set, range.geoContainsPoint('area', 7, 10.1)),
    those(({ i }) => i % 20 === 7),
  )
  const point = new GeoJSON({ type: 'Point', coordinates: [7, 10.1] })
  t.deepEqual(
    await found(set, range.geoContainsPoint('area', point)),
    those(({ i }) => i % 20 === 7),
  )
})

test('an index inside a collection, by name, and over an expression', async (t) => {
  const set = await people()
  const path = [ctx.mapKey('list'), ctx.listIndex(0)]
  await index(t, { set, bin: 'deep', type: 'numeric', ctx: path })
  t.deepEqual(
    await found(set, range.between('deep', 5, 6, { ctx: path })),
    those(({ i }) => i % 30 === 5 || i % 30 === 6),
  )

  const name = await index(t, { set, bin: 'age', type: 'numeric' })
  t.deepEqual(
    await found(set, range.equal({ index: name }, 42)),
    those(({ age }) => age === 42),
  )

  const double = exp.mul(exp.bin.int('age'), 2)
  await index(t, { set, type: 'numeric', expression: double })
  t.deepEqual(
    await found(set, range.between({ expression: double }, 10, 12)),
    those(({ age }) => age === 5 || age === 6),
  )
})

test('an index that is not there is an error with its name', async (t) => {
  const query = client()
    .query('test', await people(), { maxRetries: 0 })
    .where(range.equal('nosuch', 1))
  await t.throwsAsync(query.results(), { instanceOf: IndexNotFoundError })
})

test('a predicate goes with filters, chosen bins, operations and limits', async (t) => {
  const set = await people()
  await index(t, { set, bin: 'age', type: 'numeric' })
  const query = client()
    .query<Person>('test', set)
    .where(range.between('age', 0, 49))
  const both = await query
    .where(exp.eq(exp.bin.string('name'), 'name 4'))
    .select('i', 'name')
    .results()
  t.deepEqual(
    both.map(({ bins }) => bins.i).sort((a, b) => a - b),
    those(({ age, name }) => age <= 49 && name === 'name 4'),
  )
  const sizes = await query.operate<{ tags: number }>([lists.size('tags')]).results()
  t.is(sizes.length, those(({ age }) => age <= 49).length)
  t.true(sizes.every(({ bins }) => bins.tags === 2))
  t.is((await query.with({ maxRecords: 17 }).results()).length, 17)
})

test('pages over an index, from one client to the other', async (t) => {
  const set = await people()
  await index(t, { set, bin: 'age', type: 'numeric' })
  const other = await another()
  t.teardown(() => other.close())
  const seen: number[] = []
  let cursor: string | undefined
  for (let turn = 0; turn < 100; turn++) {
    const query = (turn % 2 === 0 ? client() : other).query<Person>('test', set).where(range.between('age', 10, 79))
    const page = await (cursor === undefined ? query : query.from(cursor)).page(37)
    t.true(page.records.length <= 37)
    seen.push(...page.records.map(({ bins }) => bins.i))
    cursor = page.cursor
    if (page.done) break
  }
  t.deepEqual(
    seen.sort((a, b) => a - b),
    those(({ age }) => age >= 10 && age <= 79),
  )
  t.is(cursor, undefined)
})

test('a job changes the records of a query, and tells how it goes', async (t) => {
  const set = await people()
  await index(t, { set, bin: 'age', type: 'numeric' })
  const job = await client()
    .query('test', set)
    .where(range.between('age', 0, 9))
    .execute([op.write('child', true), op.increment('age', 100)])
  let looks = 0
  const status = await job.done({ pollInterval: 10, onProgress: () => looks++, timeout: 30_000 })
  t.true(looks > 0)
  t.like(status, {
    id: job.id,
    state: 'done',
    progress: 100,
    recordsFailed: 0,
    recordsSucceeded: those(({ age }) => age <= 9).length,
  })
  const changed = (await client().scan<Person & { child?: boolean }>('test', set).results()).filter(
    ({ bins }: Record<Person & { child?: boolean }>) => bins.child === true,
  )
  t.deepEqual(
    changed.map(({ bins }) => bins.i).sort((a, b) => a - b),
    those(({ age }) => age <= 9),
  )
  t.true(changed.every(({ bins }) => bins.age >= 100 && bins.age < 110))
  const again = await client().job(String(job.id)).status()
  t.is(again.state, 'done')
  t.deepEqual(JSON.parse(JSON.stringify(job)), { id: String(job.id) })
})

test('a job over a whole set, with a filter, and one that deletes', async (t) => {
  const set = await people()
  const scan = client().scan<Person>('test', set)
  const some = await scan.where(exp.lt(exp.bin.int('i'), 50)).execute([op.write('mark', 1)])
  t.is((await some.done({ timeout: 30_000 })).recordsSucceeded, 50)
  t.is((await scan.where(exp.binExists('mark')).results()).length, 50)
  const removal = await scan.where(exp.binExists('mark')).execute([op.deleteAll()])
  await removal.done({ timeout: 30_000 })
  t.is((await scan.results()).length, COUNT - 50)
})

test('waiting for a job has an end: its own, a limit, or a signal; and it can be stopped', async (t) => {
  const set = await people()
  const job = await client()
    .scan('test', set, { recordsPerSecond: 1 })
    .execute([op.write('slow', 1)])
  t.is((await job.status()).state, 'running')
  await t.throwsAsync(job.done({ timeout: 50, pollInterval: 10 }), { instanceOf: TimeoutError })
  await t.throwsAsync(job.done({ signal: AbortSignal.timeout(20), pollInterval: 5 }), { name: 'AbortError' })
  await t.throwsAsync(job.done({ onProgress: () => JSON.parse('{') }), { instanceOf: SyntaxError })
  await t.throwsAsync(job.done({ pollIntervall: 5 } as never), {
    instanceOf: InvalidArgumentError,
    message: /pollInterval/,
  })
  t.true(await job.abort())
  await t.throwsAsync(job.done({ timeout: 30_000 }), { instanceOf: QueryAbortedError })
  t.false(await job.abort())
})

test('a query that finds no index says which the bin has', async (t) => {
  const set = freshSet()
  await client().put(['test', set, 1], { age: 1 })
  const name = await index(t, { set, bin: 'age', type: 'numeric' })
  const missing = async (predicate: Predicate) =>
    t.throwsAsync(client().query('test', set).where(predicate).results(), { instanceOf: IndexNotFoundError })
  const error = await missing(range.equal('age', 'x'))
  t.is(error.bin, 'age')
  t.regex(error.message, new RegExp(`needs an index over bin "age" \\(string\\); the bin has "${name}" \\(numeric\\)`))
  t.regex((await missing(range.contains('age', 1, 'list'))).message, /\(numeric, list\); the bin has/)
  t.regex((await missing(range.equal('name', 'x'))).message, /the bin has none here/)
  t.like(await missing(range.equal({ index: 'nope' }, 1)), { index: 'nope', bin: undefined })
  t.like(await t.throwsAsync(client().indexStatistics('test', 'nope')), { index: 'nope' })
  const other = { namespace: 'test', set, bin: 'n', name, type: 'numeric' } as const
  t.like(await t.throwsAsync(client().createIndex(other)), { index: name, bin: 'n', name: 'IndexExistsError' })
})

test('a page has no more records than the query', async (t) => {
  const set = freshSet()
  await client().batchWrite(Array.from({ length: 30 }, (_, i) => ({ key: ['test', set, i] as Key, bins: { i } })))
  const query = client().query('test', set, { maxRecords: 10 })
  const first = await query.page(20)
  t.is(first.records.length, 10)
  t.false(first.done)
  t.is((await query.from(first.cursor as string).page(4)).records.length, 4)
})

test('a job on a set that is not there says so', async (t) => {
  const set = freshSet()
  await t.throwsAsync(
    client()
      .query('test', set)
      .execute([op.write('a', 1)]),
    {
      message: new RegExp(`^execute: there is no set "${set}" in namespace "test" \\(code 2`),
    },
  )
})

test('a job that nobody knows has not been done', async (t) => {
  const job = client().job(123456789012345n)
  t.like(await job.status(), { state: 'unknown', progress: 0, recordsSucceeded: 0 })
  await t.throwsAsync(job.done(), { instanceOf: JobNotFoundError, message: /no node knows a job of this id/ })
  t.false(await job.abort())
})
