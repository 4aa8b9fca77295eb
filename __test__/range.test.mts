// Predicates and what else a query says: the bytes are those that a public client sent to a real server.
import {
  ctx,
  Double,
  type Exp,
  exp,
  filter,
  GeoJSON,
  InvalidArgumentError,
  lists,
  maps,
  op,
  type Predicate,
  type Query,
  range,
} from 'aerospike-napi'
import test from 'ava'
import { corpus, messages, value } from './support/corpus.mjs'
import { fakeClient } from './support/fake.mjs'
import type { RecordedOp } from './support/recorded.mjs'
import { expression } from './support/recorded-expressions.mjs'

interface QueryStep {
  call: string
  filter?: [string, string, ...unknown[]]
  select?: string[]
  nobins?: boolean
  expression?: unknown[]
  maxRecords?: number
  partitions?: [number, number]
  ns?: string
  udf?: [string, string, unknown[]]
  ops?: RecordedOp[]
  req: string[]
}

const KINDS = [undefined, 'list', 'mapKeys', 'mapValues'] as const

/** A recorded predicate with our functions. */
function predicate([call, bin, ...args]: [string, string, ...unknown[]]): Predicate {
  if (call === 'geoWithinGeoJSONRegion') return range.geoWithinRegion(bin, args[0] as object)
  const [a, b, c] = args.map(value) as [never, never, number]
  switch (call) {
    case 'equal':
      return range.equal(bin, a)
    case 'range':
      return c === undefined ? range.between(bin, a, b) : range.containsBetween(bin, a, b, KINDS[c] as 'list')
    case 'contains':
      return range.contains(bin, a, KINDS[b as number] as 'list')
    case 'geoWithinRadius':
      return range.geoWithinRadius(bin, a, b, c)
    case 'geoContainsPoint':
      return range.geoContainsPoint(bin, a, b)
    default:
      throw new Error(`no predicate ${call}`)
  }
}

/** Fields that the core adds: names, task, timeouts, partitions and limits. */
const OF_THE_CORE = new Set([0, 1, 7, 9, 10, 11, 12, 13, 15])

const steps = corpus<{ steps: QueryStep[] }>('query')
  .flatMap((line) => line.steps)
  .filter(({ call, req }) => req.length > 0 && /query|scan|background|aggregate/i.test(call))

/** What a recorded request has beside what the core adds. */
function ours(frame: string): {
  fields: Buffer
  count: number
  ops: Buffer
  opCount: number
  info1: number
  info2: number
} {
  const [message] = messages(Buffer.from(frame, 'hex'))
  if (message === undefined) throw new Error('no message')
  const kept = message.fields.filter(({ type }) => !OF_THE_CORE.has(type))
  const fields = Buffer.concat(
    kept.map(({ type, data }) => {
      const head = Buffer.alloc(5)
      head.writeUInt32BE(data.length + 1)
      head[4] = type
      return Buffer.concat([head, data])
    }),
  )
  const { ops, opCount, info1, info2 } = message
  return { fields, count: kept.length, ops, opCount, info1, info2 }
}

test('recorded queries and scans go over the wire as they were recorded', async (t) => {
  let compared = 0
  for (const step of steps.filter(({ call }) => call === 'query' || call === 'scan')) {
    const { client, native } = fakeClient()
    let query = client.query(step.ns ?? 'test', 'q14', {
      ...(step.nobins === true && { noBins: true }),
      ...(step.maxRecords !== undefined && { maxRecords: step.maxRecords }),
      ...(step.partitions !== undefined && {
        partitions: { begin: step.partitions[0], count: step.partitions[1] },
      }),
    })
    if (step.filter !== undefined) query = query.where(predicate(step.filter))
    if (step.select !== undefined) query = query.select(...step.select)
    if (step.expression !== undefined) query = query.where(expression(step.expression) as Exp<'bool'>)
    await query.results()
    const spec = native.queries[0]?.spec
    const recorded = ours(step.req[0] as string)
    t.like(spec, {
      namespace: step.ns ?? 'test',
      set: 'q14',
      fieldCount: recorded.count,
      opCount: recorded.opCount,
      hasRange: step.filter !== undefined,
      noBins: (recorded.info1 & 0x20) !== 0,
      respondAll: false,
      duration: 0,
      maxRecords: step.maxRecords ?? 0,
      partitionBegin: step.partitions?.[0] ?? 0,
      partitionCount: step.partitions?.[1] ?? 4096,
    })
    t.is(Buffer.from(spec?.fields ?? []).toString('hex'), recorded.fields.toString('hex'), JSON.stringify(step.filter))
    t.is(Buffer.from(spec?.ops ?? []).toString('hex'), recorded.ops.toString('hex'))
    compared++
  }
  t.true(compared >= 30, `${compared} compared`)
})

const OPERATIONS: { [name: string]: (one: RecordedOp) => ReturnType<typeof op.write> } = {
  incr: ({ bin, val }) => op.increment(bin as string, val as number),
  write: ({ bin, val }) => op.write(bin as string, val as number),
}

test('recorded background jobs and aggregations go over the wire as they were recorded', async (t) => {
  let compared = 0
  for (const step of steps.filter(({ call }) => call !== 'query' && call !== 'scan')) {
    const { client, native } = fakeClient()
    const recorded = ours(step.req[0] as string)
    // The predicate was not recorded in words: it is what the bytes say.
    const asked = messages(Buffer.from(step.req[0] as string, 'hex'))[0]?.fields.find(({ type }) => type === 22)?.data
    let query = client.query('test', 'q14')
    if (asked !== undefined) query = query.where(range.between('n', asked.readBigInt64BE(8), asked.readBigInt64BE(20)))
    const operations = (step.ops ?? []).map((one) => (OPERATIONS[one.op] as (typeof OPERATIONS)[''])(one))
    const [module, name, args] = step.udf ?? ['', '', []]
    if (step.call === 'aggregate') await query.aggregate(module, name, args as never, { source: '' }).results()
    else if (step.udf !== undefined) await query.apply(module, name, args as never)
    else await query.execute(operations)
    const spec = native.jobs[0] ?? native.queries[0]?.spec
    t.is(Buffer.from(spec?.fields ?? []).toString('hex'), recorded.fields.toString('hex'), step.call)
    t.is(Buffer.from(spec?.ops ?? []).toString('hex'), recorded.ops.toString('hex'))
    t.is(spec?.fieldCount, recorded.count)
    t.is(spec?.opCount, recorded.opCount)
    if (native.jobs[0] !== undefined) t.is(native.jobs[0].info2, recorded.info2)
    else t.like(native.queries[0]?.spec.aggregation, { module, function: name, source: '' })
    compared++
  }
  t.true(compared >= 6, `${compared} compared`)
})

/** The fields of a query with a predicate, by type. */
const fieldsOf = (one: Predicate): Promise<Map<number, Buffer>> => fieldsSent((query) => query.where(one))

/** The fields of a query, by type. */
async function fieldsSent(build: (query: Query) => Query): Promise<Map<number, Buffer>> {
  const { client, native } = fakeClient()
  await build(client.query('test', 's')).results()
  const bytes = Buffer.from(native.queries[0]?.spec.fields ?? [])
  const fields = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    fields.set(bytes[at + 4] as number, bytes.subarray(at + 5, at + 4 + bytes.readUInt32BE(at)))
  }
  return fields
}

test('an index is found by bin, by name, by context and by expression', async (t) => {
  const byBin = await fieldsOf(range.equal('n', 5))
  t.deepEqual([...byBin.keys()], [22])
  t.is(byBin.get(22)?.toString('hex'), `01016e01${'00000008'}${'0000000000000005'}${'00000008'}${'0000000000000005'}`)

  const byName = await fieldsOf(range.contains({ index: 'tags_idx' }, 'new', 'list'))
  t.is(byName.get(22)?.toString('hex'), '01000300000003' + '6e6577' + '00000003' + '6e6577')
  t.is(byName.get(21)?.toString(), 'tags_idx')
  t.is(byName.get(26)?.toString('hex'), '01')

  const path = [ctx.mapKey('a'), ctx.listIndex(-1)]
  const byContext = await fieldsOf(range.between('m', 1, 2, { ctx: path }))
  t.is(byContext.get(23)?.toString('hex'), '9422a2036110ff')

  const age = exp.bin.int('age')
  const byExpression = await fieldsOf(range.between({ expression: age }, 1n, 2n))
  t.is(byExpression.get(24)?.toString('base64'), age.toBase64())
  t.is(byExpression.get(22)?.[1], 0)
})

test('integers of 64 bits, text and bytes keep what they are', async (t) => {
  const rangeField = async (one: Predicate) => (await fieldsOf(one)).get(22) as Buffer
  const widest = await rangeField(range.between('n', -(2n ** 63n), 2n ** 63n - 1n))
  t.is(widest.readBigInt64BE(8), -(2n ** 63n))
  t.is(widest.readBigInt64BE(20), 2n ** 63n - 1n)
  t.is((await rangeField(range.equal('s', 'grüße\0'))).toString('hex', 3, 4), '03')
  t.is((await rangeField(range.equal('s', 'grüße\0'))).readUInt32BE(4), 8)
  t.is(
    (await rangeField(range.equal('b', Buffer.from([0, 255])))).toString('hex', 3),
    '04' + '00000002' + '00ff' + '00000002' + '00ff',
  )
  const circle = new GeoJSON('{"type": "AeroCircle", "coordinates": [[1, 2], 3]}')
  t.true((await rangeField(range.geoWithinRegion('g', circle, { collection: 'list' }))).includes(circle.text))
  t.true((await rangeField(range.geoContainsPoint('g', { type: 'Point', coordinates: [1, 2] }))).includes('[1,2]'))
})

test('bytes that are changed afterwards do not change the predicate', async (t) => {
  const bytes = Buffer.from('ab')
  const one = range.equal('b', bytes)
  bytes.fill(0)
  t.true((await fieldsOf(one)).get(22)?.includes('ab'))
})

test('what no index can be asked for is refused before anything is sent', (t) => {
  const refused: [() => unknown, RegExp][] = [
    [() => range.equal('', 1), /1 to 15 bytes/],
    [() => range.equal('a-name-too-long!', 1), /1 to 15 bytes/],
    [() => range.equal({ index: 'x'.repeat(64) }, 1), /1 to 63 bytes/],
    [() => range.equal({ indx: 'a' } as never, 1), /the name of a bin/],
    [() => range.equal({ index: 'a', bin: 'b' } as never, 1), /the name of a bin/],
    [() => range.equal({ expression: 5 } as never, 1), /the name of a bin/],
    [() => range.equal('n', 1.5), /integers, text or bytes/],
    [() => range.equal('n', new Double(1) as never), /integers, text or bytes/],
    [() => range.equal('n', null as never), /integers, text or bytes/],
    [() => range.equal('n', 2n ** 63n), /64 bits/],
    [() => range.equal('s', 'x'.repeat(2048)), /less than 2048 bytes/],
    [() => range.equal('s', '\ud800'), /integers, text or bytes/],
    [() => range.between('n', 2, 1), /from 2 to 1 is empty/],
    [() => range.between('n', '1' as never, 2), /integers, not "1"/],
    [() => range.contains('l', 1, 'lists' as never), /did you mean 'list'/],
    [() => range.between('n', 1, 2, { ctxt: [] } as never), /did you mean 'ctx'/],
    [() => range.between('n', 1, 2, { ctx: [5] } as never), /must be a step/],
    [() => range.geoWithinRadius('g', 181, 0, 1), /longitude/],
    [() => range.geoWithinRadius('g', 0, 91, 1), /latitude/],
    [() => range.geoWithinRadius('g', 0, 0, -1), /radius/],
    [() => range.geoWithinRegion('g', '{'), /expected GeoJSON/],
    [() => range.geoWithinRegion('g', null as never), /expected GeoJSON/],
    [() => range.geoWithinRegion('g', { type: 'Point', coordinates: [0, 0] }), /Polygon, MultiPolygon, AeroCircle/],
    [() => range.geoContainsPoint('g', { type: 'AeroCircle', coordinates: [[0, 0], 1] }), /Point/],
  ]
  for (const [make, message] of refused) t.throws(make, { instanceOf: InvalidArgumentError, message })
})

test('conditions that are expressions all have to hold, and those of the options are in their place', async (t) => {
  const [a, b] = [exp.binExists('a'), exp.binExists('b')]
  const filterOf = async (build: (query: Query) => Query) => (await fieldsSent(build)).get(43)?.toString('base64')
  t.is(await filterOf((query) => query), undefined)
  t.is(await filterOf((query) => query.where(a)), a.toBase64())
  t.is(await filterOf((query) => query.where(a).where(b)), exp.and(a, b).toBase64())
  t.is(await filterOf((query) => query.where(a).where(range.equal('n', 1)).where(b)), exp.and(a, b).toBase64())
  t.is(await filterOf((query) => query.where(a).with({ filter: b })), b.toBase64())
})

test('the names that ranges and conditions had before still work', async (t) => {
  t.is(filter, range)
  const { client, native } = fakeClient()
  const same = [
    client.query('test', 's').where(range.equal('n', 1)).where(exp.binExists('a')),
    client.query('test', 's').where(filter.equal('n', 1)).filter(exp.binExists('a')),
  ]
  for (const query of same) await query.results()
  t.deepEqual(native.queries[1]?.spec, native.queries[0]?.spec)
})

test('a query that makes no sense says so when it is run, with the nearest option', async (t) => {
  const { client, native } = fakeClient()
  const one = range.equal('n', 1)
  const refused: [() => Promise<unknown>, RegExp][] = [
    [() => client.query('', 's').results(), /namespace must have 1 to 31 bytes/],
    [() => client.query(5 as never).results(), /namespace must be text/],
    [() => client.query('test', 'x'.repeat(64)).results(), /set must have 0 to 63 bytes/],
    [() => client.query('test', 's', { maxRecord: 1 } as never).results(), /did you mean 'maxRecords'/],
    [() => client.query('test', 's', { ttl: 1 } as never).results(), /'ttl' does not apply/],
    [() => client.query('test', 's', { expectedDuration: 'shrt' } as never).results(), /did you mean 'short'/],
    [() => client.query('test', 's', { maxRecords: -1 }).results(), /maxRecords/],
    [() => client.query('test', 's', { partitions: 4096 }).results(), /partition from 0 to 4095/],
    [() => client.query('test', 's', { partitions: { begin: 4000, count: 97 } }).results(), /partition from 0/],
    [() => client.query('test', 's', { partitions: { after: Buffer.alloc(19) } }).results(), /partition from 0/],
    [
      () =>
        client
          .query('test', 's', { partitions: { after: Buffer.alloc(20) } })
          .where(one)
          .results(),
      /predicate/,
    ],
    [() => client.query('test', 's', { nodes: [] }).results(), /nodes/],
    [() => client.query('test', 's', { onProgress: 5 as never }).results(), /a function/],
    [() => client.query('test', 's', { expectedDuration: 'short', recordsPerSecond: 5 }).results(), /'short'/],
    [() => client.query('test', 's', { noBins: true }).select('a').results(), /exclude/],
    [
      () =>
        client
          .query('test', 's')
          .where(5 as never)
          .results(),
      /where takes a range such as range\.equal/,
    ],
    [() => client.query('test', 's').where(one).where(one).results(), /one range of an index/],
    [
      () =>
        client
          .query('test', 's')
          .where(exp.bin.int('a') as never)
          .results(),
      /type bool/,
    ],
    [
      () =>
        client
          .query('test', 's')
          .filter(one as never)
          .results(),
      /'filter' must be an expression of type bool/,
    ],
    [() => client.query('test', 's').select().results(), /at least one bin/],
    [
      () =>
        client
          .query('test', 's')
          .select(...Array.from({ length: 32_769 }, (_, i) => `a.${i}`))
          .results(),
      /at most 32768 bins, not 32769/,
    ],
    [() => client.query('test', 's').select('a-name-too-long!').results(), /limit is 15/],
    [
      () =>
        client
          .query('test', 's')
          .operate([op.write('a', 1)])
          .results(),
      /writes: use execute/,
    ],
    [() => client.query('test', 's').operate([op.readAll()]).results(), /reads whole records/],
    [() => client.query('test', 's').page(0), /at least 1/],
    [() => client.query('test', 's').forEach(5 as never), /expected a function/],
    [() => client.query('test', 's').execute([op.read('a')]), /can only write/],
    [() => client.query('test', 's').execute([]), /at least one operation/],
    [
      () =>
        client
          .query('test', 's')
          .select('a')
          .execute([op.write('a', 1)]),
      /leave select/,
    ],
    [() => client.query('test', 's', { maxRecords: 5 }).execute([op.write('a', 1)]), /'maxRecords'/],
    [() => client.query('test', 's', { partitions: 5 }).execute([op.write('a', 1)]), /'partitions'/],
    [() => client.query('test', 's').execute([op.write('a', 1)], { tl: 5 } as never), /did you mean 'ttl'/],
    [() => client.query('test', 's').apply('', 'f'), /module must be a name/],
    [() => client.query('test', 's').apply('m', 'f', 5 as never), /must be a list/],
    [() => client.query('test', 's').apply('m', 'f', [undefined as never]), /args\[0\]/],
    [() => client.query('test', 's').aggregate('m', 'x'.repeat(128)).results(), /at most 127 bytes/],
    [() => client.query('test', 's').where(exp.bool(true)).aggregate('m', 'f').results(), /filter expression/],
    [() => client.query('test', 's', { noBins: true }).aggregate('m', 'f').results(), /'noBins'/],
    [
      () =>
        client
          .query('test', 's')
          .aggregate('m', 'f', [], { source: 5 as never })
          .results(),
      /the text of a module/,
    ],
  ]
  for (const [run, message] of refused) await t.throwsAsync(run, { instanceOf: InvalidArgumentError, message })
  t.is(native.queries.length + native.jobs.length, 0)
  t.throws(() => client.job('x'), { instanceOf: InvalidArgumentError, message: /whole number/ })
})

test('operations in place of bins: plain reads as bins, anything else answered one by one', async (t) => {
  const { client, native } = fakeClient()
  await client
    .query('test', 's')
    .operate([op.read('a')])
    .results()
  await client
    .query('test')
    .operate([lists.size('l'), maps.size('m'), op.read('a')])
    .results()
  t.like(native.queries[0]?.spec, { respondAll: false, opCount: 1 })
  t.like(native.queries[1]?.spec, { respondAll: true, opCount: 3 })
  t.false('set' in (native.queries[1]?.spec ?? {}))
})

test('options and defaults arrive, a later word over an earlier one', async (t) => {
  const { client, native } = fakeClient({ query: { totalTimeout: 9000, concurrency: 2, replica: 'any' } })
  const query = client.query('test', 's', { maxRecords: 5, recordsPerSecond: 7, expectedDuration: 'longRelaxAp' })
  await query.with({ maxRecords: 6, nodes: ['A1'], partitions: 12, totalTimeout: 800 }).results()
  await query.results()
  t.like(native.queries[0]?.spec, {
    maxRecords: 6,
    recordsPerSecond: 7,
    duration: 2,
    nodes: ['A1'],
    partitionBegin: 12,
    partitionCount: 1,
    totalTimeout: 800,
    socketTimeout: 800,
    maxRetries: 5,
    concurrency: 2,
    replica: 2,
  })
  t.like(native.queries[1]?.spec, { maxRecords: 5, totalTimeout: 9000, partitionCount: 4096 })
  await client.query('test', 's').execute([op.touch()], { ttl: 77, durableDelete: true })
  t.like(native.jobs[0], { info2: 0x11, recordTtl: 77, totalTimeout: 9000, opCount: 1 })
  t.true((native.jobs[0]?.taskId ?? 0n) > 0n)
})
