// Reads that are asked of another replica when the first is late.

import { Behavior, connect, dataSet, InvalidArgumentError, op } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'

/** How late a node is, in ms: not so late that it counts as silent, which is another reason to ask others. */
const LATE = 200
const patient = { totalTimeout: 5000, maxRetries: 0 }

test('a late read is asked of another replica, alone and in batches, as far as the budget goes', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 3 })
  const client = await connect({ hosts: cluster.hosts })
  const keys = Array.from({ length: 60 }, (_, i) => ['test', 'hedge', i] as const)
  await client.batchWrite(keys.map((key) => ({ key, bins: { i: key[2] } }))).then((batch) => batch.throwIfFailed())
  await cluster.slowNode(1, LATE)
  const took = async (work: () => Promise<unknown>): Promise<number> => {
    const begun = performance.now()
    await work()
    return performance.now() - begun
  }
  const readAll = (hedge: { after: number; budget?: number } | false) => async () => {
    const found = await Promise.all(keys.map((key) => client.get<{ i: number }>(key, { hedge, ...patient })))
    t.deepEqual(
      found.map(({ bins }) => bins.i),
      keys.map((key) => key[2]),
    )
  }
  t.true((await took(readAll(false))) >= LATE)
  // Before the other: what is not used of a budget is kept for later.
  t.true((await took(readAll({ after: 10, budget: 0.01 }))) >= LATE)
  t.true((await took(readAll({ after: 10, budget: 1 }))) < LATE)

  const batch = (hedge: { after: number; budget: number } | false) => async () => {
    const rows = await client.batchRead(keys, { hedge, ...patient })
    t.is(rows.found.length, keys.length)
  }
  t.true((await took(batch(false))) >= LATE)
  t.true((await took(batch({ after: 10, budget: 1 }))) < LATE)

  const sizes = (hedge: { after: number; budget: number } | false) => async () => {
    const read = [op.read('i')]
    const calls = keys.map((key) => client.operate<{ i: number }>(key, read, { hedge, ...patient }))
    t.deepEqual(
      (await Promise.all(calls)).map(({ bins }) => bins.i),
      keys.map((key) => key[2]),
    )
  }
  t.true((await took(sizes(false))) >= LATE)
  t.true((await took(sizes({ after: 10, budget: 1 }))) < LATE)
  await t.throwsAsync(
    client.operate(keys[0] ?? ['test', 'hedge', 0], [op.increment('i', 1)], { hedge: { after: 10 } }),
    {
      instanceOf: InvalidArgumentError,
      message: /option 'hedge' is for operations that only read/,
    },
  )
  const behavior = Behavior.DEFAULT.derive('late', {
    reads: { hedge: { after: 10, budget: 1 }, totalTimeout: 5000, maxRetries: 0 },
  })
  const session = client.session(behavior)
  const readOne = (key: (typeof keys)[number]) => session.query(dataSet('test', 'hedge').id(key[2])).execute()
  t.true((await took(() => Promise.all(keys.map(readOne)))) < LATE)
  const hedged = client.metrics().nodes.map((node) => node.hedged)
  t.is(hedged.filter((count) => count > 0).length, 1, `of one node: ${hedged}`)

  const hedging = client.with({ defaults: { read: { hedge: { after: 10, budget: 1 } } } })
  t.true((await took(() => Promise.all(keys.map((key) => hedging.exists(key, patient))))) < LATE)
  t.true((await took(() => Promise.all(keys.map((key) => hedging.exists(key, { hedge: false, ...patient }))))) >= LATE)
  await client.close()
  await cluster.stop()
})

test('what a hedge may be is checked', async (t) => {
  const cluster = await LocalCluster.start({ nodes: 1 })
  const client = await connect({ hosts: cluster.hosts })
  const key = ['test', 'hedge', 1] as const
  const wrong = [
    true,
    5,
    { after: 0 },
    { after: '95' },
    { after: 1.5 },
    { budget: 0 },
    { budget: 2 },
    { budget: NaN },
    { every: 1 },
    [],
  ]
  for (const hedge of wrong) {
    const error = await t.throwsAsync(client.exists(key, { hedge } as object), { instanceOf: InvalidArgumentError })
    t.regex(error.message, /^exists: option 'hedge' must be false, or \{ after, budget \}/)
  }
  await t.throwsAsync(client.put(key, { a: 1 }, { hedge: {} } as object), { message: /'hedge' does not apply/ })
  t.is((await client.exists(key, { hedge: {} })).meta, null)
  await client.close()
  await cluster.stop()
})
