// How many calls of a client are under way at once, and what becomes of those beyond.
import {
  AbortError,
  type Client,
  ClientClosedError,
  InvalidArgumentError,
  QueueFullError,
  TimeoutError,
} from 'aerospike-napi'
import test from 'ava'
import { another, faultTest, freshKey, freshSet, local } from './support/cluster.mjs'

/** How many of the promises ended in which way, by the class of the error. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<{ [kind: string]: number }> {
  const count: { [kind: string]: number } = {}
  for (const { status, ...rest } of await Promise.allSettled(calls)) {
    const kind = status === 'fulfilled' ? 'answered' : (rest as { reason: Error }).reason.constructor.name
    count[kind] = (count[kind] ?? 0) + 1
  }
  return count
}

for (const coalesceReads of [false, true]) {
  const how = coalesceReads ? 'coalesced' : 'single'
  test(`of 100,000 ${how} gets in one tick exactly those beyond the limits are refused, at once`, async (t) => {
    const client = await another({
      maxInFlight: 1000,
      maxQueued: 10_000,
      coalesceReads,
      defaults: { read: { totalTimeout: 30_000 } },
    })
    const key = freshKey()
    await client.put(key, { n: 1 })
    const refused: Promise<unknown>[] = []
    const calls: Promise<unknown>[] = []
    let settledWithin = 0
    for (let i = 0; i < 100_000; i++) {
      const call = client.get(key)
      calls.push(call)
      if (i >= 11_000) refused.push(call.catch(() => settledWithin++))
    }
    // No answer of a server can have come yet: these are refused here.
    await Promise.all(refused)
    t.is(settledWithin, 89_000)
    t.deepEqual(await outcomes(calls), { answered: 11_000, QueueFullError: 89_000 })
    await client.close()
  })
}

test('bursts over the limits leave no memory behind', async (t) => {
  const client = await another({ maxInFlight: 100, maxQueued: 1000, defaults: { read: { totalTimeout: 30_000 } } })
  const key = freshKey()
  await client.put(key, { n: 1 })
  const burst = async (): Promise<number> => {
    await outcomes(Array.from({ length: 20_000 }, () => client.get(key)))
    return process.memoryUsage().rss
  }
  for (let i = 0; i < 5; i++) await burst()
  const before = await burst()
  for (let i = 0; i < 10; i++) await burst()
  const after = await burst()
  t.true(after < before + 64 * 1024 * 1024, `${before} bytes before, ${after} after`)
  await client.close()
})

/** What calls take that are to be answered, however busy the machine is. */
const PATIENT = { totalTimeout: 30_000 }

/**
 * A client that has two calls under way, of nodes that are late by 200 ms. Its connections are open before they are: a new
 * one takes as long again where it has to log in.
 */
async function limited(use: (client: Client) => Promise<void>, options: object = {}): Promise<void> {
  const client = await another({
    maxInFlight: 2,
    maxQueued: 3,
    defaults: { read: PATIENT, write: PATIENT, batch: PATIENT },
    ...options,
  })
  const set = freshSet()
  const everywhere = Array.from({ length: 50 }, (_, i) => ['test', set, i] as const)
  for (const key of everywhere) await client.exists(key)
  await client.batchRead(everywhere)
  try {
    for (let node = 0; node < 3; node++) await local().slowNode(node, 200)
    await use(client)
  } finally {
    for (let node = 0; node < 3; node++) await local().slowNode(node, 0)
    await client.close()
  }
}

faultTest('a refused call says so: nothing was sent, and it may be tried again', async (t) => {
  await limited(async (client) => {
    const calls = Array.from({ length: 5 }, () => client.put(freshKey(), { n: 1 }))
    const error = await t.throwsAsync(client.put(freshKey(), { n: 1 }), { instanceOf: QueueFullError })
    t.like(error, { code: -11, retryable: true, inDoubt: false })
    t.regex(error.message, /^put: 2 calls are under way and 3 wait already$/)
    t.deepEqual(await outcomes(calls), { answered: 5 })
  })
})

faultTest('calls that wait have their turn in order, with the values they were made with', async (t) => {
  await limited(
    async (client) => {
      const key = freshKey()
      const order: number[] = []
      const bins = { n: 0 }
      const calls = [0, 1, 2, 3].map((n) => {
        bins.n = n
        return client.put(key, bins).then(() => order.push(n))
      })
      bins.n = 99
      await Promise.all(calls)
      t.deepEqual(order, [0, 1, 2, 3])
      t.is((await client.get<{ n: number }>(key)).bins.n, 3)
    },
    { maxInFlight: 1 },
  )
})

faultTest('the time that a call waits counts', async (t) => {
  await limited(
    async (client) => {
      const first = client.get(freshKey(), { totalTimeout: 1000 })
      const started = performance.now()
      const error = await t.throwsAsync(client.get(freshKey(), { totalTimeout: 50 }), { instanceOf: TimeoutError })
      t.true(performance.now() - started < 150)
      t.like(error, { inDoubt: false, attempts: 0 })
      await t.throwsAsync(first)
      // 200 ms of waiting leave too little for an answer that takes 200 ms
      const [, second] = [client.exists(freshKey()), client.exists(freshKey(), { totalTimeout: 300 })]
      await t.throwsAsync(second, { instanceOf: TimeoutError })
    },
    { maxInFlight: 1 },
  )
})

faultTest('queueTimeout ends the waiting alone', async (t) => {
  await limited(
    async (client) => {
      const first = client.exists(freshKey())
      const error = await t.throwsAsync(client.exists(freshKey()), { instanceOf: QueueFullError })
      t.like(error, { code: -11, retryable: true })
      await first
    },
    { maxInFlight: 1, queueTimeout: 50 },
  )
})

faultTest('a call that waits can be cancelled, and leaves its place', async (t) => {
  await limited(
    async (client) => {
      const first = client.exists(freshKey())
      const cancel = new AbortController()
      const second = client.exists(freshKey(), { signal: cancel.signal })
      await t.throwsAsync(client.exists(freshKey()), { instanceOf: QueueFullError })
      cancel.abort()
      await t.throwsAsync(second, { instanceOf: AbortError })
      const third = client.exists(freshKey())
      t.deepEqual(await outcomes([first, third]), { answered: 2 })
    },
    { maxInFlight: 1, maxQueued: 1 },
  )
})

faultTest('a batch is one call, in parts too, and a part is never refused', async (t) => {
  await limited(
    async (client) => {
      const set = freshSet()
      const keys = Array.from({ length: 10_000 }, (_, i) => ['test', set, i] as const)
      const batch = client.batchRead(keys)
      const small = client.batchRead(keys.slice(0, 10))
      await t.throwsAsync(client.batchRead(keys), { instanceOf: QueueFullError })
      t.is((await batch).length, 10_000)
      t.is((await small).length, 10)
      t.is((await client.batchRead(keys.slice(0, 10))).length, 10)
    },
    { maxInFlight: 1, maxQueued: 1 },
  )
})

faultTest('close lets those that wait have their turn, within its time', async (t) => {
  await limited(
    async (client) => {
      const calls = Array.from({ length: 3 }, () => client.exists(freshKey()))
      await client.close({ timeout: 30_000 })
      t.deepEqual(await outcomes(calls), { answered: 3 })
      await t.throwsAsync(client.exists(freshKey()), { instanceOf: ClientClosedError })
    },
    { maxInFlight: 1 },
  )
  await limited(
    async (client) => {
      const calls = Array.from({ length: 3 }, () => client.exists(freshKey(), { totalTimeout: 0 }))
      await client.close({ timeout: 300 })
      t.deepEqual(await outcomes(calls), { answered: 1, ClientClosedError: 2 })
    },
    { maxInFlight: 1 },
  )
})

test('what cannot be written is refused while others wait, and leaves nothing behind', async (t) => {
  const client = await another({ maxInFlight: 1, maxQueued: 10, defaults: { read: PATIENT } })
  const calls = [
    client.exists(freshKey()),
    client.put(freshKey(), { 'a name of more than 15 bytes': 1 }),
    client.exists(freshKey()),
  ]
  t.deepEqual(await outcomes(calls), { answered: 2, InvalidArgumentError: 1 })
  await client.close()
})

test('the options are checked', async (t) => {
  const refused = { instanceOf: InvalidArgumentError }
  await t.throwsAsync(another({ maxQueued: 5 }), { ...refused, message: 'connect: maxQueued needs maxInFlight' })
  await t.throwsAsync(another({ queueTimeout: 5 }), { ...refused, message: 'connect: queueTimeout needs maxInFlight' })
  await t.throwsAsync(another({ maxInFlight: -1 }), {
    ...refused,
    message: /'maxInFlight' must be a whole number from 0/,
  })
})
