// Stream UDFs over queries, and record UDFs in the background.

import { randomBytes } from 'node:crypto'
import { type Key, range, UdfError, UdfNotFoundError } from 'aerospike-napi'
import test, { type ExecutionContext } from 'ava'
import { client, freshSet } from './support/cluster.mjs'
import { index } from './support/indexes.mjs'

const SOURCE = `
local function one(record) return 1 end
local function add(a, b) return a + b end
local function tally(bin)
  return function(groups, record)
    local name = record[bin]
    groups[name] = (groups[name] or 0) + 1
    return groups
  end
end

function count(stream) return stream : map(one) : reduce(add) end
function sum(stream, bin)
  local function value(record) return record[bin] end
  return stream : map(value) : reduce(add)
end
function by(stream, bin)
  local function merge(a, b) return map.merge(a, b, add) end
  return stream : aggregate(map{}, tally(bin)) : reduce(merge)
end
function values(stream, bin)
  local function value(record) return record[bin] end
  return stream : map(value)
end
function broken(stream)
  local function fail(record) error('on purpose') end
  return stream : map(fail) : reduce(add)
end
function raise(record, bin, by)
  record[bin] = record[bin] + by
  return aerospike:update(record)
end
`

const COUNT = 500

/** A registered module of a name of its own, and a set with records. */
async function prepared(t: ExecutionContext): Promise<{ module: string; set: string }> {
  const module = `m${randomBytes(8).toString('hex')}`
  const job = await client().udf.register({ source: SOURCE, name: module })
  t.teardown(() => client().udf.remove(module))
  await job.done()
  const set = freshSet()
  const rows = Array.from({ length: COUNT }, (_, i) => ({
    key: ['test', set, i] as Key,
    bins: { i, city: ['Lima', 'Lagos', 'Lisbon'][i % 3] as string },
  }))
  ;(await client().batchWrite(rows, { totalTimeout: 60_000 })).throwIfFailed()
  return { module, set }
}

test('modules that ask the clock or require another when they are loaded run to their last step', async (t) => {
  const { set } = await prepared(t)
  const [library, module] = [`l${randomBytes(8).toString('hex')}`, `m${randomBytes(8).toString('hex')}`]
  const sources = {
    [library]: 'local m = {} function m.add(a, b) return a + b end return m',
    [module]: `
      math.randomseed(os.time())
      local started = os.clock()
      local sums = require('${library}')
      local function one(record) return 1 end
      function count(stream) return stream : map(one) : reduce(sums.add) end
      function stamp(record) return os.date('!%Y', 0) end`,
  }
  for (const [name, source] of Object.entries(sources)) {
    const job = await client().udf.register({ source, name })
    t.teardown(() => client().udf.remove(name))
    await job.done()
  }
  t.is(await client().query('test', set).aggregate<number>(module, 'count').value(), COUNT)
  t.is(await client().apply<string>(['test', set, 0], module, 'stamp'), '1970')
  // A module that is registered anew is what the next call requires.
  await (await client().udf.register({ source: 'return { add = function(a, b) return 7 end }', name: library })).done()
  t.is(await client().query('test', set).aggregate<number>(module, 'count').value(), 7)
})

test('reductions over a whole set have one value', async (t) => {
  const { module, set } = await prepared(t)
  const scan = client().scan('test', set)
  t.is(await scan.aggregate<number>(module, 'count').value(), COUNT)
  t.is(await scan.aggregate<number>(module, 'sum', ['i']).value(), (COUNT * (COUNT - 1)) / 2)
  t.deepEqual(await scan.aggregate<{ [city: string]: number }>(module, 'by', ['city']).value(), {
    Lagos: 167,
    Lima: 167,
    Lisbon: 166,
  })
  t.is(await scan.aggregate<bigint>(module, 'count', [], { integers: 'bigint', source: SOURCE }).value(), BigInt(COUNT))
})

test('an aggregation over an index sees what the predicate finds; without a reduction every value comes', async (t) => {
  const { module, set } = await prepared(t)
  await index(t, { set, bin: 'i', type: 'numeric' })
  const query = client()
    .query('test', set)
    .where(range.between('i', 100, 199))
  t.is(await query.aggregate<number>(module, 'count').value(), 100)
  const values: number[] = []
  for await (const value of query.aggregate<number>(module, 'values', ['i'])) values.push(value)
  t.deepEqual(
    values.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => 100 + i),
  )
  t.is(await client().query('test', set).where(range.equal('i', -1)).aggregate(module, 'count').value(), undefined)
})

test('what fails in Lua, or is not there, is a UdfError', async (t) => {
  const { module, set } = await prepared(t)
  const scan = client().scan('test', set)
  await t.throwsAsync(scan.aggregate(module, 'broken').value(), { message: /on purpose/ })
  await t.throwsAsync(scan.aggregate(module, 'nosuch').value())
  await t.throwsAsync(scan.aggregate('nosuchmodule', 'count').value(), { instanceOf: UdfNotFoundError })
  await t.throwsAsync(scan.aggregate(module, 'values', ['i']).value(), { instanceOf: UdfError, message: /500 values/ })
})

test('leaving an aggregation early ends it', async (t) => {
  const { module, set } = await prepared(t)
  let count = 0
  for await (const _ of client().scan('test', set).aggregate(module, 'values', ['i'])) if (++count === 5) break
  t.is(count, 5)
})

test('a function is applied to all records of a query, in the background', async (t) => {
  const { module, set } = await prepared(t)
  await index(t, { set, bin: 'i', type: 'numeric' })
  const job = await client()
    .query('test', set)
    .where(range.between('i', 0, 9))
    .apply(module, 'raise', ['i', 1000])
  t.like(await job.done({ timeout: 30_000 }), { state: 'done', recordsSucceeded: 10, recordsFailed: 0 })
  const records = await client()
    .query<{ i: number }>('test', set)
    .where(range.between('i', 1000, 1009))
    .results()
  t.is(records.length, 10)
  const nosuch = await client().scan('test', set).apply('nosuchmodule', 'raise')
  t.is((await nosuch.done({ timeout: 30_000 })).recordsFailed, COUNT)
})
