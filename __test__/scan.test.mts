// Scans: every record once, in bounded memory, as far as wanted and on from there, whatever the consumer does.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  AbortError,
  type AerospikeError,
  digest,
  exp,
  InvalidArgumentError,
  type Key,
  NamespaceNotFoundError,
  op,
  partition,
  type Record,
} from 'aerospike-napi'
import test from 'ava'
import { another, client, faultTest, freshSet, local, sleep, target } from './support/cluster.mjs'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

interface Row {
  i: number
  text: string
}

/** A set with records 0 to count - 1, and what identifies them in the answers. */
async function filled(count: number, size = 10): Promise<{ set: string; keys: Key[] }> {
  const set = freshSet()
  const keys: Key[] = Array.from({ length: count }, (_, i) => ['test', set, i] as const)
  const text = 'x'.repeat(size)
  const options = { totalTimeout: 60_000 }
  ;(
    await client().batchWrite(
      keys.map((key, i) => ({ key, bins: { i, text } })),
      options,
    )
  ).throwIfFailed()
  return { set, keys }
}

const numbers = (records: readonly Record<{ i: number }>[]): number[] =>
  records.map(({ bins }) => bins.i).sort((a, b) => a - b)

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

test('a scan gives every record of the set once, with key, generation, TTL and bins', async (t) => {
  const { set, keys } = await filled(3000)
  await client().put(['test', freshSet(), 1], { i: -1 })
  const records = await client().scan<Row>('test', set).results()
  t.deepEqual(numbers(records), upTo(3000))
  const expected = new Map(keys.map((key, i) => [digest(key).toString('hex'), i]))
  for (const { key, meta, bins } of records) {
    t.deepEqual([key[0], key[1], key[2]], ['test', set, null])
    t.is(expected.get(digest(key).toString('hex')), bins.i)
    t.is(meta.gen, 1)
    t.is(bins.text, 'xxxxxxxxxx')
  }
  const [again] = records
  const read = await client().get<Row>(again?.key as Key)
  t.deepEqual(read.bins, again?.bins, 'the key of a record leads to it')
})

test('user keys that were stored come back', async (t) => {
  const set = freshSet()
  const users = ['text', 5, 2n ** 60n, Buffer.from([0, 1])]
  for (const user of users) await client().put(['test', set, user], { i: 1 }, { key: 'send' })
  const records = await client().scan('test', set).results()
  t.deepEqual(records.map(({ key }) => String(key[2])).sort(), users.map(String).sort())
})

test('a namespace has the records of all its sets', async (t) => {
  const [a, b] = [await filled(20), await filled(30)]
  const mine = exp.or(exp.eq(exp.setName(), a.set), exp.eq(exp.setName(), b.set))
  const records = await client().scan<Row>('test').where(mine).results()
  const count = (set: string): number => records.filter(({ key }) => key[1] === set).length
  t.deepEqual([count(a.set), count(b.set)], [20, 30])
})

test('a set that does not exist is empty; a namespace that does not is an error', async (t) => {
  t.deepEqual(await client().scan('test', freshSet()).results(), [])
  await t.throwsAsync(client().scan('nonesuch').results(), { instanceOf: NamespaceNotFoundError })
})

test('chosen bins, no bins, filters and operations', async (t) => {
  const { set } = await filled(200)
  const scan = client().scan<Row>('test', set)
  const chosen = await scan.select('i').results()
  t.true(chosen.every(({ bins }) => Object.keys(bins).join() === 'i'))
  t.deepEqual(numbers(chosen), upTo(200))
  const bare = await scan.with({ noBins: true }).results()
  t.true(bare.length === 200 && bare.every(({ bins }) => Object.keys(bins).length === 0))
  const few = await scan.where(exp.lt(exp.bin.int('i'), 20)).results()
  t.deepEqual(numbers(few), upTo(20))
  const computed = await scan
    .operate<{ i: number; twice: number }>([op.read('i'), op.expRead('twice', exp.mul(exp.bin.int('i'), 2))])
    .results()
  t.deepEqual(numbers(computed), upTo(200))
  t.true(computed.every(({ bins }) => bins.twice === bins.i * 2))
})

test('options of reading values hold', async (t) => {
  const set = freshSet()
  await client().put(['test', set, 1], { n: 5, m: { a: 1 } })
  const [record] = await client().scan('test', set, { integers: 'bigint', maps: 'map' }).results()
  t.deepEqual<unknown, unknown>(record?.bins, { n: 5n, m: new Map([['a', 1n]]) })
})

test('partitions: a range, one, and what comes behind a record', async (t) => {
  const { set, keys } = await filled(2000)
  const inRange = (begin: number, count: number): number[] =>
    upTo(2000).filter((i) => {
      const p = partition(keys[i] as Key)
      return p >= begin && p < begin + count
    })
  const scan = client().scan<Row>('test', set)
  const some = await scan.with({ partitions: { begin: 1000, count: 700 } }).results()
  t.deepEqual(numbers(some), inRange(1000, 700))
  const crowded = upTo(4096).find((p) => inRange(p, 1).length > 1) as number
  const one = await scan.with({ partitions: crowded }).results()
  t.deepEqual(numbers(one), inRange(crowded, 1))
  const behind = await scan.with({ partitions: { after: one[0]?.key as Key } }).results()
  t.deepEqual(
    behind.map(({ bins }) => bins.i),
    one.slice(1).map(({ bins }) => bins.i),
  )
})

test('the nodes of the cluster together have what each of them has', async (t) => {
  const { set } = await filled(500)
  const names = client()
    .nodes()
    .map(({ name }) => name)
  const parts = await Promise.all(
    names.map((name) =>
      client()
        .scan<Row>('test', set, { nodes: [name], replica: 'master' })
        .results(),
    ),
  )
  t.deepEqual(numbers(parts.flat()), upTo(500))
  if (names.length > 1) t.true(parts.every((part) => part.length < 500))
})

test('pages follow one another, in this process and in another, with no record lost or twice', async (t) => {
  const { set } = await filled(950)
  const scan = client().scan<Row>('test', set)
  const seen: number[] = []
  let page = await scan.page(100)
  for (let i = 0; i < 4; i++) {
    t.is(page.records.length, 100)
    seen.push(...page.records.map(({ bins }) => bins.i))
    page = await scan.from(page.cursor as string).page(100)
  }
  seen.push(...page.records.map(({ bins }) => bins.i))
  const script = `
    const { connect } = require('.')
    ;(async () => {
      const client = await connect(${JSON.stringify(target())})
      const records = await client.scan('test', '${set}', { cursor: process.argv[1] }).select('i').results()
      console.log(JSON.stringify(records.map(({ bins }) => bins.i)))
      await client.close()
    })()`
  const { stdout } = await run(
    process.execPath,
    ['-e', script.replace("require('.')", "require('./dist')"), '--', page.cursor as string],
    {
      cwd: root,
    },
  )
  seen.push(...(JSON.parse(stdout) as number[]))
  t.deepEqual(
    seen.sort((a, b) => a - b),
    upTo(950),
  )
})

test('a cursor taken in the middle of a page goes on with the next record', async (t) => {
  const { set } = await filled(3000)
  const other = await another()
  t.teardown(() => other.close())
  const seen: number[] = []
  let query = client().scan<Row>('test', set)
  for (const stop of [1, 7, 1234, 999_999]) {
    const from = seen.length
    const stream = query.stream()
    for await (const { bins } of stream) {
      seen.push(bins.i)
      if (seen.length - from === stop) break
    }
    // Every second time another client goes on.
    query = (stop === 7 ? client() : other).scan<Row>('test', set).from(stream.cursor)
  }
  t.deepEqual(
    seen.sort((a, b) => a - b),
    upTo(3000),
  )
})

test('leaving early, a function that says false, and streams', async (t) => {
  const { set } = await filled(2000, 200)
  const scan = client().scan<Row>('test', set)
  let count = 0
  for await (const _ of scan) if (++count === 10) break
  t.is(count, 10)
  await scan.forEach(async () => {
    await null
    return ++count < 25
  })
  t.is(count, 25)
  const web = new Set<number>()
  for await (const { bins } of scan.toReadableStream()) web.add(bins.i)
  t.is(web.size, 2000)
  const node = new Set<number>()
  for await (const { bins } of scan.toNodeStream()) node.add((bins as Row).i)
  t.is(node.size, 2000)
})

// Alone: what other tests hold counts as well.
test.serial('a slow consumer gets everything, and holds a few pages of it at a time', async (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { set } = await filled(3000, 20_000)
  const seen = new Set<number>()
  let most = 0
  collect()
  const before = process.memoryUsage().arrayBuffers
  for await (const { bins } of client().scan<Row>('test', set)) {
    seen.add(bins.i)
    if (seen.size % 100 === 0) {
      await sleep(10)
      collect()
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
  }
  t.is(seen.size, 3000)
  // All of it is 60 MB.
  t.true(most < 10e6, `${most} bytes`)
})

test('an abort ends a scan, and its cursor leads on', async (t) => {
  const { set } = await filled(2000)
  const controller = new AbortController()
  const stream = client().scan<Row>('test', set, { signal: controller.signal }).stream()
  const seen: number[] = []
  await t.throwsAsync(
    async () => {
      for await (const { bins } of stream) {
        seen.push(bins.i)
        if (seen.length === 50) controller.abort()
      }
    },
    { instanceOf: AbortError },
  )
  t.is(seen.length, 50)
  const rest = await client().scan<Row>('test', set).from(stream.cursor).results()
  t.deepEqual(
    [...seen, ...rest.map(({ bins }) => bins.i)].sort((a, b) => a - b),
    upTo(2000),
  )
})

test('progress goes from nothing to all partitions', async (t) => {
  const { set } = await filled(500)
  const reports: number[] = []
  const stream = client()
    .scan('test', set, { onProgress: ({ done, total }) => reports.push(done / total) })
    .stream()
  const records = await stream.results()
  t.is(records.length, 500)
  t.deepEqual(stream.progress, { done: 4096, total: 4096, records: 500 })
  t.true(reports.length > 0)
  t.deepEqual(
    reports,
    reports.toSorted((a, b) => a - b),
  )
})

test('a short query and a limit of records per second give the same records', async (t) => {
  const { set } = await filled(300)
  for (const options of [{ expectedDuration: 'short' }, { recordsPerSecond: 5000 }, { concurrency: 1 }] as const) {
    t.deepEqual(numbers(await client().scan<Row>('test', set, options).results()), upTo(300), JSON.stringify(options))
  }
})

test('a cursor with bytes that make no sense is refused, and does no harm', async (t) => {
  const { set } = await filled(10)
  const scan = client().scan<Row>('test', set)
  const good = Buffer.from(scan.stream().cursor, 'base64url')
  const { deflateRawSync } = await import('node:zlib')
  const lies = [
    Buffer.alloc(0),
    Buffer.from([1]),
    Buffer.from([2, 0, 0, 0]),
    Buffer.from([1, 0, 1, 0]),
    Buffer.from([1, 0, 1, 0, 0, 0, 3]),
    Buffer.from([1, 0, 1, 0, 0, 16, 0]),
    Buffer.from([1, 0, 1, 0, 0, 0, 1, 5]),
    Buffer.from([1, 0, 2, 0, 5, 0, 0, 5, 0, 0]),
    Buffer.from([1, 0, 1, 0, 0, 0, 0, 0, 0]),
    Buffer.from([1, 255, 1, 0, 0, 0, 0]),
    // A record of another partition than the one it is said to be in.
    Buffer.concat([Buffer.from([1, 0, 1, 0, 7, 0, 1]), Buffer.alloc(20)]),
  ]
  for (const lie of lies) {
    const cursor = Buffer.concat([good.subarray(0, 4), deflateRawSync(lie)]).toString('base64url')
    const error = await t.throwsAsync<AerospikeError>(scan.from(cursor).results(), undefined, lie.toString('hex'))
    t.true(error.code === -2 || error instanceof InvalidArgumentError, `${lie.toString('hex')}: ${error.message}`)
  }
  t.is((await scan.results()).length, 10)
})

test('a process that left a scan in the middle ends by itself', async (t) => {
  const { set } = await filled(2000, 500)
  const script = `
    const { connect } = require('./dist')
    ;(async () => {
      const client = await connect(${JSON.stringify(target())})
      const stream = client.scan('test', '${set}').stream()
      await stream.next()
      console.log('left')
    })()`
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: root, timeout: 30_000 })
  t.is(stdout.trim(), 'left')
})

test('closing the client ends its scans', async (t) => {
  const { set } = await filled(2000, 500)
  const own = await another()
  const stream = own.scan('test', set).stream()
  await stream.next()
  await own.close()
  await t.throwsAsync(async () => {
    for await (const _ of stream);
    // What was at hand may have been all there was; asking for more is refused in any case.
    await own.scan('test', set).results()
  })
})

for (const [what, damage] of [
  ['killed and started again', () => local().stopNode(1)],
  ['frozen for a while', () => local().freezeNode(1)],
  ['losing its connections', () => local().dropConnections(1)],
] as const) {
  faultTest(`a node ${what} in the middle of a scan: no record is lost or comes twice`, async (t) => {
    const { set } = await filled(20_000, 300)
    const own = await another({ tendInterval: 100 })
    t.teardown(() => own.close())
    const seen: number[] = []
    const scan = own.scan<Row>('test', set, { socketTimeout: 1000, maxRetries: 50, sleepBetweenRetries: 100 })
    try {
      for await (const { bins } of scan) {
        seen.push(bins.i)
        if (seen.length === 2000) {
          await damage()
          // The replicas take over while the consumer is busy.
          await sleep(500)
          if (what.startsWith('frozen')) setTimeout(() => void local().thawNode(1), 1500)
        }
      }
    } finally {
      if (what.startsWith('killed')) await local().startNode(1)
      await local().thawNode(1)
    }
    t.is(seen.length, 20_000)
    t.is(new Set(seen).size, 20_000)
  })
}
