// What the compiler must accept, infer and refuse about queries. Compiled with the tests; never run.
import {
  type Aggregation,
  type Bins,
  type Client,
  exp,
  type Job,
  type JobStatus,
  type Key,
  lists,
  op,
  type Predicate,
  type Query,
  type QueryPage,
  type QueryRecordStream,
  type Record,
  range,
  type Value,
} from 'aerospike-napi'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function exactly<_T extends true>(): void {}

interface User {
  name: string
  age: number
  tags: string[]
}

declare const client: Client
declare const key: Key

async function queries() {
  const query = client.query<User>('test', 'users')
  exactly<Same<typeof query, Query<User>>>()
  for await (const record of query) {
    exactly<Same<typeof record, Record<User>>>()
    const [k, , { name }] = record
    exactly<Same<typeof k, Key>>()
    exactly<Same<typeof name, string>>()
  }
  const chosen = query.select('name', 'age')
  exactly<Same<typeof chosen, Query<Pick<User, 'name' | 'age'>, User>>>()
  const parts = await query.select('name', 'tags[0]').results()
  exactly<Same<(typeof parts)[0]['bins']['name'], string>>()
  exactly<Same<(typeof parts)[0]['bins']['tags'], (string | undefined)[] | undefined>>()
  // @ts-expect-error not read
  void parts[0]?.bins.age
  // @ts-expect-error no such bin
  query.select('nope')
  // @ts-expect-error no such bin
  query.select('nope.name')
  const untyped = client.scan('test')
  exactly<Same<typeof untyped, Query<Bins>>>()
  const some = untyped.select('anything', 'any.thing')
  exactly<Same<typeof some, Query<Bins>>>()
  const operated = query.operate<{ tags: number }>([lists.size('tags'), op.read('name')])
  exactly<Same<typeof operated, Query<{ tags: number }, User>>>()

  const results = await query.results()
  exactly<Same<typeof results, Record<User>[]>>()
  const page = await query.page(10)
  exactly<Same<typeof page, QueryPage<User>>>()
  exactly<Same<typeof page.cursor, string | undefined>>()
  const stream = query.stream()
  exactly<Same<typeof stream, QueryRecordStream<User>>>()
  const next = await stream.next()
  if (next.done !== true) exactly<Same<typeof next.value, Record<User>>>()
  const { cursor } = stream
  exactly<Same<typeof cursor, string>>()
  const isYoung = ({ bins }: Record<User>): boolean => bins.age < 5
  await query.forEach(isYoung)
  await query.forEach(async (record) => record.meta.gen)
}

function predicates() {
  const one = range.between('age', 1, 2n)
  exactly<Same<typeof one, Predicate<'age'>>>()
  const any: Predicate = one
  const users = client.query<User>('test', 'users')
  users.where(one).where(range.equal('name', 'x'))
  users.select('name').where(range.between('age', 1, 2))
  users.where(range.equal({ index: 'by_age' }, 5)).where(range.equal({ expression: exp.bin.int('age') }, 5))
  // @ts-expect-error no such bin
  users.where(range.between('agee', 1, 2))
  // @ts-expect-error no such bin
  users.select('name').where(range.equal('nme', 'x'))
  client
    .query('test', 'users')
    .where(any)
    .where(range.between('anything', 1, 2))
  range.equal('name', Buffer.from('x'))
  range.equal({ index: 'by_age' }, 5)
  range.equal({ expression: exp.bin.int('age') }, 5)
  range.contains('tags', 'new', 'list')
  range.geoContainsPoint('area', 8.68, 50.11, { collection: 'mapValues' })
  range.geoContainsPoint('area', { type: 'Point', coordinates: [1, 2] }, { collection: 'list' })
  // @ts-expect-error a range has integers
  range.between('age', '1', 2)
  // @ts-expect-error not a collection
  range.contains('tags', 'new', 'lists')
  // @ts-expect-error a bin, an index or an expression
  range.equal({ bin: 'age' }, 5)
  client.query('test').where(exp.binExists('a')).where(one)
  // @ts-expect-error a range is made by its functions
  client.query('test').where({ bin: 'age' })
  // @ts-expect-error an expression that can decide
  client.query('test').where(exp.bin.int('age'))
}

function options() {
  client.query('test', 'users', { partitions: 5, nodes: ['A1'], expectedDuration: 'short' })
  client.query('test', null, { partitions: { begin: 0, count: 10 } })
  client.query('test', undefined, { partitions: { after: key } })
  client.scan('test', 'users', { onProgress: ({ done, total, records }) => done / total + records })
  // @ts-expect-error no such option
  client.query('test', 'users', { maxRecord: 5 })
  // @ts-expect-error writes have this option
  client.query('test', 'users', { ttl: 5 })
  // @ts-expect-error a range has a count
  client.query('test', 'users', { partitions: { begin: 0 } })
}

async function jobs() {
  const query = client.query<User>('test', 'users')
  const job = await query.execute([op.write('seen', true)], { ttl: 'never', durableDelete: true })
  exactly<Same<typeof job, Job>>()
  exactly<Same<typeof job.id, bigint>>()
  const status = await job.done({ pollInterval: 10, timeout: 1000, onProgress: ({ progress }) => progress })
  exactly<Same<typeof status, JobStatus>>()
  await query.apply('module', 'name', [1, 'a', [true]])
  // @ts-expect-error not a value
  await query.apply('module', 'name', [new Date()])
  client.job(job.id)
  client.job('123')
  const values = query.aggregate<{ [city: string]: number }>('m', 'f', ['city'], { source: 'function f() end' })
  exactly<Same<typeof values, Aggregation<{ [city: string]: number }>>>()
  const value = await values.value()
  exactly<Same<typeof value, { [city: string]: number } | undefined>>()
  for await (const one of query.aggregate('m', 'f')) exactly<Same<typeof one, Value>>()
}

void [queries, predicates, options, jobs]
