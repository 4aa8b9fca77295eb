// batchStream: every row once, in bounded memory, in either direction's own time, and again from a cursor.

import { InvalidArgumentError, type Key, type StreamProgress } from 'aerospike-napi'
import test from 'ava'
import { client, faultTest, freshSet, local, sleep } from './support/cluster.mjs'

async function filled(count: number): Promise<Key[]> {
  const set = freshSet()
  const keys: Key[] = Array.from({ length: count }, (_, i) => ['test', set, i] as const)
  ;(await client().batchWrite(keys.map((key, i) => ({ key, bins: { i } })))).throwIfFailed()
  return keys
}

test('every row comes once, with its index, from a list and from an async source', async (t) => {
  const keys = await filled(950)
  async function* slowly() {
    for (const [i, key] of keys.entries()) {
      if (i % 100 === 0) await sleep(1)
      yield key
    }
  }
  for (const source of [keys, slowly()]) {
    const seen = new Set<number>()
    for await (const row of client().batchStream<{ i: number }>(source, { chunk: 64, inFlight: 3 })) {
      t.is(row.record?.bins.i, row.index)
      t.deepEqual(row.key, keys[row.index] as Key)
      seen.add(row.index)
    }
    t.is(seen.size, 950)
  }
})

test('the source is taken from only as the consumer keeps up', async (t) => {
  const keys = await filled(10)
  let taken = 0
  function* source() {
    for (;;) {
      taken++
      yield keys[taken % 10] as Key
    }
  }
  let most = 0
  let delivered = 0
  for await (const _ of client().batchStream(source(), { chunk: 10, inFlight: 2 })) {
    delivered++
    if (delivered % 10 === 0) await sleep(1)
    most = Math.max(most, taken - delivered)
    if (delivered === 500) break
  }
  t.true(most <= 45, `${most} rows ahead`)
  const after = taken
  await sleep(30)
  t.true(taken <= after + 11, 'leaving the loop ends the source')
})

test('a cursor goes on where the consumer stopped', async (t) => {
  const keys = await filled(500)
  const seen: number[] = []
  const first = client().batchStream(keys, { chunk: 30 })
  for await (const { index } of first) {
    if (seen.length === 130) break
    seen.push(index)
  }
  const cursor = JSON.parse(JSON.stringify(first.cursor)) as string
  for await (const { index } of client().batchStream(keys, { chunk: 30, cursor })) seen.push(index)
  t.is(seen.length, 500)
  t.is(new Set(seen).size, 500)
  const end = client().batchStream(keys)
  for await (const _ of end);
  t.is(end.cursor, '1:0-500')
})

test('progress counts, and a stream may write', async (t) => {
  const keys = await filled(100)
  const reports: StreamProgress[] = []
  const rows = keys.map((key, i) => ({ type: 'write', key, bins: { i: i * 2 } }) as const)
  for await (const row of client().batchStream(rows, { chunk: 40, progress: (one) => reports.push(one) })) {
    t.is(row.result, 'ok')
  }
  t.like(reports.at(-1), { sent: 100, answered: 100, found: 100, total: 100 })
  t.is((await client().get<{ i: number }>(keys[7] as Key)).bins.i, 14)
})

test('as a Web stream', async (t) => {
  const keys = await filled(120)
  let rows = 0
  for await (const row of client().batchStream(keys, { chunk: 50, bins: [] }).toReadableStream()) {
    t.deepEqual<unknown, unknown>(row.record?.bins, {})
    rows++
  }
  t.is(rows, 120)
  const reader = client().batchStream(keys).toReadableStream().getReader()
  t.is((await reader.read()).done, false)
  await reader.cancel()
})

test('what is wrong is thrown by the loop: options, rows, the source', async (t) => {
  const consume = async (stream: AsyncIterable<unknown>) => {
    for await (const _ of stream);
  }
  const key = ['test', 's', 1] as const
  for (const options of [
    { chunk: 0 },
    { inFlight: 'x' },
    { cursor: 'zz' },
    { chnk: 1 },
    { progress: 1 },
    { retry: { attempts: 0 } },
    { retry: 5 },
  ]) {
    await t.throwsAsync(consume(client().batchStream([key], options as never)), { instanceOf: InvalidArgumentError })
  }
  await t.throwsAsync(consume(client().batchStream([null] as never)), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(consume(client().batchStream(5 as never)), { instanceOf: InvalidArgumentError })
  async function* broken() {
    yield key
    throw new Error('the source broke')
  }
  await t.throwsAsync(consume(client().batchStream(broken())), { message: 'the source broke' })
})

faultTest('rows that were not processed are sent again before they are handed out, unless told not to', async (t) => {
  const keys = await filled(300)
  const results = async (retry: false | { attempts: number; deadline: number }): Promise<Map<string, number>> => {
    const counts = new Map<string, number>()
    // Each node turns 40 rows away, and the batches themselves do not try again.
    for (const node of [0, 1, 2]) await local().refuseRows(node, { code: 18, rows: 40 })
    const stream = client().batchStream(keys, { chunk: 50, maxRetries: 0, totalTimeout: 20_000, retry })
    for await (const { result } of stream) counts.set(result, (counts.get(result) ?? 0) + 1)
    for (const node of [0, 1, 2]) await local().refuseRows(node, null)
    return counts
  }
  t.deepEqual(await results({ attempts: 30, deadline: 60_000 }), new Map([['ok', 300]]))
  const left = (await results(false)).get('unprocessed') ?? 0
  t.is(left, 120)
})
