// The examples of the classic clients' manual about queries, scans, functions, indexes, info and truncation, in the calls
// of this package: each does what its example does and gets what the manual says.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exp, GeoJSON, IndexNotFoundError, type Record, range, UdfNotFoundError } from 'aerospike-napi'
import test, { type ExecutionContext } from 'ava'
import { client, freshSet, secure, sleep } from './support/cluster.mjs'
import { index } from './support/indexes.mjs'

const fresh = (): string => `m${randomBytes(8).toString('hex')}`

/** The set of the examples of scans: two records, with their user keys. */
async function idsAndLetters(): Promise<string> {
  const set = freshSet()
  await client().put(['test', set, 'key1'], { id: 1, a: 1 }, { key: 'send' })
  await client().put(['test', set, 'key2'], { id: 2, b: 2 }, { key: 'send' })
  return set
}

interface User {
  name: string
  first_name: string
  age: number
  email: string
}

const FIRST_NAMES = ['Ann', 'Bob', 'Cid']

/** The set of the examples of queries: users of 0 to 59 years, five of each age, with an index over the age. */
async function users(t: ExecutionContext): Promise<string> {
  const set = freshSet()
  const rows = Array.from({ length: 300 }, (_, i) => ({
    key: ['test', set, i] as const,
    bins: { name: `user ${i}`, first_name: FIRST_NAMES[i % 3] as string, age: i % 60, email: `${i}@example.com` },
  }))
  ;(await client().batchWrite(rows, { totalTimeout: 60_000 })).throwIfFailed()
  await index(t, { set, bin: 'age', type: 'numeric' })
  return set
}

/** Registers a module under a name of its own, until the test ends. */
async function registered(t: ExecutionContext, source: string): Promise<string> {
  const name = fresh()
  t.teardown(() => client().udf.remove(name, { totalTimeout: 30_000 }))
  await (await client().udf.register({ source, name })).done({ timeout: 30_000 })
  return name
}

/** Collects so many keys, and then says that it has enough. */
const limit =
  (most: number, keys: unknown[]) =>
  ({ key }: Record) => {
    if (keys.length === most) return false
    keys.push(key)
    return undefined
  }

const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b)
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('classic: scan.results with select leaves out bins that a record does not have', async (t) => {
  const set = await idsAndLetters()
  const records = await client().scan('test', set).select('id', 'a', 'zzz').results()
  const found = Object.fromEntries(records.map(({ key, bins }) => [String(key[2]), bins]))
  t.deepEqual(found, { key1: { id: 1, a: 1 }, key2: { id: 2 } })
  t.true(records.every((one) => one.meta.gen === 1 && one.key[1] === set))
})

test('classic: scan.foreach with nobins and concurrent gives keys alone', async (t) => {
  const set = await idsAndLetters()
  const keys: unknown[] = []
  await client()
    .scan('test', set, { noBins: true, concurrency: 0 })
    .forEach(({ key, bins }) => {
      t.deepEqual(bins, {})
      keys.push(key[2])
    })
  t.deepEqual(keys.sort(), ['key1', 'key2'])
})

test('classic: scan.foreach with a callback that stops', async (t) => {
  const set = await users(t)
  const keys: unknown[] = []
  await client().scan('test', set).forEach(limit(100, keys))
  t.is(keys.length, 100)
})

test('classic: scan limited to one node by name', async (t) => {
  const set = await users(t)
  const names = client()
    .nodes()
    .map(({ name }) => name)
  const counts = await Promise.all(
    names.map(
      async (name) =>
        (
          await client()
            .scan('test', set, { nodes: [name] })
            .results()
        ).length,
    ),
  )
  t.is(
    counts.reduce((a, b) => a + b),
    300,
  )
})

test('classic: a scan without a set is one of the whole namespace', async (t) => {
  const bin = `b${randomBytes(6).toString('hex')}`
  const sets = [freshSet(), freshSet()]
  for (const set of sets) await client().put(['test', set, 1], { [bin]: set })
  const records = await client()
    .scan('test', null, { filter: exp.binExists(bin) })
    .results()
  t.deepEqual(records.map(({ bins }) => bins[bin]).sort(), sets.sort())
})

test('classic: query.results with equals on an integer and select, in limited time', async (t) => {
  const set = await users(t)
  const query = client().query<User>('test', set, { totalTimeout: 30_000 }).select('name', 'age')
  const records = await query.where(range.equal('age', 40)).results()
  t.deepEqual(
    records.map(({ bins }) => bins.name).sort(),
    [100, 160, 220, 280, 40].map((i) => `user ${i}`),
  )
  t.true(records.every(({ bins }) => bins.age === 40 && Object.keys(bins).length === 2))
})

test('classic: query.foreach with between', async (t) => {
  const set = await users(t)
  const ages: number[] = []
  await client()
    .query<User>('test', set, { totalTimeout: 30_000 })
    .where(range.between('age', 20, 30))
    .select('name', 'age')
    .forEach(({ bins }) => {
      ages.push(bins.age)
    })
  t.deepEqual(sorted(ages), sorted(numbers(20, 30).flatMap((age) => [age, age, age, age, age])))
})

test('classic: query.foreach with a callback that stops', async (t) => {
  const set = await users(t)
  const keys: unknown[] = []
  const query = client()
    .query('test', set)
    .where(range.between('age', 20, 59))
  await query.forEach(limit(100, keys))
  t.is(keys.length, 100)
})

test('classic: query.results without a predicate is a scan, and nobins leaves keys', async (t) => {
  const set = await users(t)
  const records = await client().query('test', set, { noBins: true }).results()
  t.is(records.length, 300)
  t.true(records.every(({ bins }) => Object.keys(bins).length === 0))
})

test('classic: predicates.equals on text', async (t) => {
  const set = freshSet()
  await index(t, { set, bin: 'name', type: 'string' })
  await client().put(['test', set, 1], { name: 'that guy' })
  await client().put(['test', set, 2], { name: 'another guy' })
  const records = await client().query('test', set).where(range.equal('name', 'that guy')).results()
  t.deepEqual(
    records.map(({ bins }) => bins),
    [{ name: 'that guy' }],
  )
})

test('classic: predicates.range on elements of a list, after index_list_create', async (t) => {
  const set = freshSet()
  await index(t, { set, bin: 'age', type: 'numeric', collection: 'list' })
  await client().put(['test', set, 1], { age: [10, 25, 90] })
  await client().put(['test', set, 2], { age: [19, 31] })
  await client().put(['test', set, 3], { age: 25 })
  const records = await client()
    .query('test', set)
    .where(range.containsBetween('age', 20, 30, 'list'))
    .results()
  t.deepEqual(
    records.map(({ bins }) => bins),
    [{ age: [10, 25, 90] }],
  )
})

test('classic: predicates.contains on keys and values of maps, after index_map_keys_create and index_map_values_create', async (t) => {
  const set = freshSet()
  await index(t, { set, bin: 'fav_movies', type: 'string', collection: 'mapKeys' })
  await index(t, { set, bin: 'fav_movies', type: 'numeric', collection: 'mapValues' })
  const doom = { age: 43, fav_movies: { '12 Monkeys': 1, Brasil: 2 } }
  const hulk = { age: 38, fav_movies: { Blindness: 1, 'Eternal Sunshine': 3 } }
  await client().put(['test', set, 'Dr. Doom'], doom)
  await client().put(['test', set, 'The Hulk'], hulk)
  const bins = async (predicate: Parameters<ReturnType<typeof query>['where']>[0]) =>
    (await query().where(predicate).results()).map((record) => record.bins)
  const query = () => client().query('test', set)
  t.deepEqual(await bins(range.contains('fav_movies', '12 Monkeys', 'mapKeys')), [doom])
  t.deepEqual(await bins(range.contains('fav_movies', 3, 'mapValues')), [hulk])
  t.is((await bins(range.contains('fav_movies', 1, 'mapValues'))).length, 2)
  t.deepEqual(await bins(range.containsBetween('fav_movies', 3, 9, 'mapValues')), [hulk])
})

/** The corners of the screen in the examples, closed. */
const SCREEN = {
  type: 'Polygon',
  coordinates: [
    [
      [-80.59, 28.6],
      [-80.59, 28.618],
      [-80.62, 28.618],
      [-80.62, 28.6],
      [-80.59, 28.6],
    ],
  ],
}

test('classic: predicates.geo_within_geojson_region and geo_within_radius find the pad, after index_geo2dsphere_create', async (t) => {
  const set = freshSet()
  await index(t, { set, bin: 'loc', type: 'geo2dsphere' })
  const loc = new GeoJSON('{"type":"Point", "coordinates":[-80.604333, 28.608389]}')
  await client().put(['test', set, 'launchpad1'], { pad_id: 1, loc })
  await client().put(['test', set, 'elsewhere'], {
    pad_id: 2,
    loc: new GeoJSON({ type: 'Point', coordinates: [9, 48] }),
  })
  const pads = client().query('test', set).select('pad_id', 'loc')
  const within = await pads.where(range.geoWithinRegion('loc', new GeoJSON(SCREEN))).results()
  const near = await pads.where(range.geoWithinRadius('loc', -80.605, 28.609, 400)).results()
  for (const records of [within, near]) {
    t.deepEqual(
      records.map(({ bins }) => bins),
      [{ pad_id: 1, loc }],
    )
  }
  t.deepEqual(await pads.where(range.geoWithinRadius('loc', -80.605, 28.609, 10)).results(), [])
})

test('classic: predicates.geo_contains_geojson_point and geo_contains_point find the centre', async (t) => {
  const set = freshSet()
  await index(t, { set, bin: 'area', type: 'geo2dsphere' })
  await client().put(['test', set, 'kennedy space center'], { area: new GeoJSON(SCREEN) }, { key: 'send' })
  const centres = client().query('test', set)
  const point = new GeoJSON({ type: 'Point', coordinates: [-80.604333, 28.608389] })
  const byText = await centres.where(range.geoContainsPoint('area', point)).results()
  const byNumbers = await centres.where(range.geoContainsPoint('area', -80.604333, 28.608389)).results()
  for (const records of [byText, byNumbers])
    t.deepEqual(
      records.map(({ key }) => key[2]),
      ['kennedy space center'],
    )
  t.deepEqual(await centres.where(range.geoContainsPoint('area', 0, 0)).results(), [])
})

test('classic: index_remove, and the query that needed the index', async (t) => {
  const set = freshSet()
  await client().put(['test', set, 1], { age: 40 })
  const name = await index(t, { set, bin: 'age', type: 'numeric' })
  const query = client().query('test', set, { maxRetries: 0 }).where(range.equal('age', 40))
  t.is((await query.results()).length, 1)
  await client().dropIndex('test', name, { totalTimeout: 30_000 })
  await t.throwsAsync(query.results(), { instanceOf: IndexNotFoundError })
})

const SIMPLE = `
function add_val(rec, bin, by)
  rec[bin] = (rec[bin] or 0) + by
  return aerospike:update(rec)
end
function kinds(rec, ...)
  return list{...}
end
`

test('classic: udf_put from a file, udf_list, udf_get and udf_remove', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'classic-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const name = fresh()
  const file = join(folder, `${name}.lua`)
  await writeFile(file, SIMPLE)
  t.teardown(() => client().udf.remove(name, { totalTimeout: 30_000 }))
  await (await client().udf.register({ file })).done({ timeout: 30_000 })
  t.like(
    (await client().udf.list()).find((one) => one.module === name),
    { file: `${name}.lua`, type: 'LUA' },
  )
  t.is(await client().udf.get(name), SIMPLE)
  await client().udf.remove(`${name}.lua`, { totalTimeout: 30_000 })
  t.is(
    (await client().udf.list()).find((one) => one.module === name),
    undefined,
  )
  await t.throwsAsync(client().udf.get(name), { instanceOf: UdfNotFoundError })
})

test('classic: apply takes and returns integers, text, floats, bytes, lists and maps', async (t) => {
  const module = await registered(t, SIMPLE)
  const key = ['test', freshSet(), 'someone'] as const
  await client().put(key, { age: 30 })
  const values = [7, 'text', 1.5, Buffer.from([1, 2]), [1, ['two']], { a: { b: 2 } }]
  t.deepEqual(await client().apply(key, module, 'kinds', values), values)
  t.is(await client().apply(key, module, 'add_val', ['age', 1]), 0)
  t.deepEqual((await client().get(key)).bins, { age: 31 })
})

test('classic: scan_apply, and job_info until it is completed', async (t) => {
  const set = await users(t)
  const module = await registered(t, SIMPLE)
  const { id } = await client().scan('test', set).apply(module, 'add_val', ['age', 1000])
  const job = client().job(id)
  let status = await job.status()
  while (status.state === 'running') {
    await sleep(250)
    status = await job.status()
  }
  t.like(status, { id, state: 'done', progress: 100, recordsSucceeded: 300, recordsFailed: 0 })
  const ages = (await client().scan<User>('test', set).results()).map(({ bins }) => bins.age)
  t.true(ages.every((age) => age >= 1000 && age < 1060))
})

test('classic: query_apply changes what the predicate finds', async (t) => {
  const set = await users(t)
  const module = await registered(t, SIMPLE)
  const job = await client()
    .query('test', set)
    .where(range.between('age', 20, 29))
    .apply(module, 'add_val', ['years', 5])
  t.like(await job.done({ timeout: 60_000 }), { state: 'done', recordsSucceeded: 50, recordsFailed: 0 })
  const changed = await client()
    .scan<User>('test', set, { filter: exp.eq(exp.bin.int('years'), 5) })
    .results()
  t.deepEqual([...new Set(sorted(changed.map(({ bins }) => bins.age)))], numbers(20, 29))
  t.is(changed.length, 50)
})

/** A stream function that groups by a bin and counts, of all records or of those at or over a threshold. */
const GROUPS = `
local function at_least(bin, threshold)
  return function(rec)
    return rec[bin] >= threshold
  end
end
local function tally(bin)
  return function(groups, rec)
    local name = rec[bin]
    if name then
      groups[name] = (groups[name] or 0) + 1
      debug("%s was seen %s times", tostring(name), tostring(groups[name]))
    end
    return groups
  end
end
local function plus(a, b) return a + b end
local function together(a, b) return map.merge(a, b, plus) end
function group_count(stream, by, having, threshold)
  if having and threshold then
    return stream : filter(at_least(having, threshold)) : aggregate(map{}, tally(by)) : reduce(together)
  end
  return stream : aggregate(map{}, tally(by)) : reduce(together)
end
`

test('classic: query.apply groups and counts, with the last step on this side', async (t) => {
  const set = await users(t)
  const module = await registered(t, GROUPS)
  const twens = client()
    .query('test', set)
    .where(range.between('age', 20, 29))
  const expected = (ages: number[]) => {
    const counts: { [name: string]: number } = {}
    for (let i = 0; i < 300; i++) {
      const name = FIRST_NAMES[i % 3] as string
      if (ages.includes(i % 60)) counts[name] = (counts[name] ?? 0) + 1
    }
    return counts
  }
  t.deepEqual(await twens.aggregate(module, 'group_count', ['first_name']).results(), [expected(numbers(20, 29))])
  t.deepEqual(await twens.aggregate(module, 'group_count', ['first_name', 'age', 28]).value(), expected([28, 29]))
  t.deepEqual(
    await client().query('test', set).aggregate(module, 'group_count', ['first_name']).value(),
    expected(numbers(0, 59)),
  )
})

test('classic: get_nodes, info_all, info_node, and info for some nodes', async (t) => {
  const nodes = client().nodes()
  const all = await client().infoAll('namespaces')
  t.deepEqual([...all.keys()].sort(), nodes.map(({ name }) => name).sort())
  t.true([...all.values()].every((answer) => answer.split(';').includes('test')))
  for (const { name, port } of nodes) {
    t.is(all.get(name), await client().infoNode(name, 'namespaces'))
    t.true((await client().infoNode(name, secure ? 'service-tls-std' : 'service-clear-std')).endsWith(`:${port}`))
  }
})

test('classic: has_geo and the other features are in the answer of each node', async (t) => {
  const answers = await client().infoAll('features')
  t.true([...answers.values()].every((answer) => answer.split(';').includes('geo')))
})

test('classic: truncate up to a time, then all of a set; a record in no set stays', async (t) => {
  const set = freshSet()
  const items = async (): Promise<number[]> =>
    sorted((await client().scan<{ item: number }>('test', set).results()).map(({ bins }) => bins.item))
  const store = async (from: number, to: number): Promise<void> => {
    for (const item of numbers(from, to)) await client().put(['test', set, item], { item })
  }
  const outside = ['test', '', fresh()] as const
  t.teardown(() => client().remove(outside))
  await store(0, 9)
  await sleep(100)
  const threshold = BigInt(Date.now()) * 1_000_000n
  await sleep(100)
  await store(10, 19)
  await client().put(outside, { item: 'no set' })
  await client().truncate('test', set, { before: threshold })
  t.deepEqual(await items(), numbers(10, 19))
  await client().truncate('test', set)
  t.deepEqual(await items(), [])
  t.deepEqual((await client().get(outside)).bins, { item: 'no set' })
})
