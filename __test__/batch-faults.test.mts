// One node of three is killed, frozen, restarted or slow while batches run: its own rows suffer, nobody else's, and retry
// finishes what is left once the cluster is whole.

import { type BatchRecords, type BatchRow, type Key, op } from 'aerospike-napi'
import { client, faultTest, freshSet, local, sleep } from './support/cluster.mjs'

/** Enough for a slow machine: what takes longer is lost. */
const PATIENT = { totalTimeout: 30_000 } as const
const WHOLE = { attempts: 1000, deadline: 120_000 } as const

async function filled(count: number): Promise<Key[]> {
  const set = freshSet()
  const keys: Key[] = Array.from({ length: count }, (_, i) => ['test', set, i] as const)
  const written = await client().batchWrite(
    keys.map((key, i) => ({ key, bins: { i } })),
    PATIENT,
  )
  // Partitions may still be coming back from the test before.
  ;(await written.retry(WHOLE)).throwIfFailed()
  return keys
}

/** Which rows a node does not answer, once the client knows that it answers some. */
async function rowsOfOthers(keys: readonly Key[], node: number): Promise<boolean[]> {
  const port = Number(local().hosts[node]?.split(':')[1])
  for (let i = 0; i < 600; i++) {
    const name = client()
      .nodes()
      .find((one) => one.port === port)?.name
    const whole = await client().batchRead(keys, { ...PATIENT, bins: [], replica: 'master' })
    const others = Array.from(whole, (row) => row.node !== name)
    if (whole.unprocessed.length === 0 && others.includes(false)) return others
    await sleep(50)
  }
  throw new Error(`node ${node} never came back`)
}

function check(batch: BatchRecords<{ i: number }>, fail: (message: string) => void): void {
  for (const { index, result, record } of batch) {
    if (result === 'ok' ? record?.bins.i !== index : result !== 'unprocessed') fail(`row ${index} is ${result}`)
  }
}

function shareOfLive(batch: Iterable<BatchRow<{ i: number }>>, isLive: readonly boolean[]): number {
  let arrived = 0
  for (const { index, result } of batch) if (isLive[index] && result === 'ok') arrived++
  return arrived / isLive.filter(Boolean).length
}

const BREAK = {
  killed: { on: (node: number) => local().stopNode(node), off: (node: number) => local().startNode(node) },
  frozen: { on: (node: number) => local().freezeNode(node), off: (node: number) => local().thawNode(node) },
} as const

for (const [what, { on, off }] of Object.entries(BREAK)) {
  faultTest(
    `while a node is ${what}, the rows of the others arrive, and retry brings the rest once it is back`,
    async (t) => {
      const keys = await filled(3000)
      const isLive = await rowsOfOthers(keys, 1)
      await on(1)
      let batch: BatchRecords<{ i: number }>
      try {
        // Nobody else is asked for the rows of the node, and nothing is tried twice.
        batch = await client().batchRead(keys, { totalTimeout: 6000, replica: 'master', maxRetries: 0 })
        check(batch, (message) => t.fail(message))
        t.true(shareOfLive(batch, isLive) >= 0.99, `${shareOfLive(batch, isLive)} of the rows on live nodes`)
      } finally {
        await off(1)
      }
      const whole = await batch.retry(WHOLE)
      check(whole, (message) => t.fail(message))
      t.is(whole.found.length, 3000)
    },
  )

  faultTest(`while a node is ${what}, replicas answer for it in the same call`, async (t) => {
    const keys = await filled(500)
    await on(1)
    try {
      const batch = await client().batchRead<{ i: number }>(keys, { ...PATIENT, totalTimeout: 9000 })
      check(batch, (message) => t.fail(message))
      t.is(batch.found.length, 500)
    } finally {
      await off(1)
    }
  })
}

faultTest('a slow node is waited for', async (t) => {
  const keys = await filled(600)
  await local().slowNode(1, 200)
  try {
    const batch = await client().batchRead<{ i: number }>(keys, { ...PATIENT, maxKeysPerRequest: 100 })
    check(batch, (message) => t.fail(message))
    t.is(batch.found.length, 600)
  } finally {
    await local().slowNode(1, 0)
  }
})

faultTest('a stream goes on through the restart of a node, every row once', async (t) => {
  const keys = await filled(2000)
  const seen = new Set<number>()
  const stream = client().batchStream<{ i: number }>(keys, { chunk: 50, inFlight: 2, ...PATIENT, retry: WHOLE })
  for await (const { index, result, record } of stream) {
    if (result !== 'ok' || record.bins.i !== index || seen.has(index)) t.fail(`row ${index}: ${result}`)
    seen.add(index)
    if (seen.size === 500) await local().stopNode(2)
    if (seen.size === 1200) await local().startNode(2)
  }
  t.is(seen.size, 2000)
})

faultTest('writes while nodes are killed and restarted are done once, or in doubt, or left to do', async (t) => {
  const set = freshSet()
  const keys: Key[] = Array.from({ length: 400 }, (_, i) => ['test', set, i] as const)
  const expected = new Map<number, { least: number; most: number }>(keys.map((_, i) => [i, { least: 0, most: 0 }]))
  const note = (batch: Iterable<BatchRow>, only?: ReadonlySet<number>): void => {
    for (const { index, result, inDoubt } of batch) {
      const count = expected.get(index)
      if (count === undefined || only?.has(index) === false) continue
      if (result === 'ok') count.least++
      if (result === 'ok' || inDoubt) count.most++
      else if (result !== 'unprocessed') t.fail(`row ${index}: ${result}`)
    }
  }
  for (let round = 0; round < 6; round++) {
    const call = client().batchOperate(keys, [op.increment('n', 1)], { totalTimeout: 5000, maxKeysPerRequest: 40 })
    await local().stopNode(round % 3)
    const batch = await call
    note(batch)
    await local().startNode(round % 3)
    const left = new Set(Array.from(batch).flatMap(({ index, result }) => (result === 'unprocessed' ? [index] : [])))
    const whole = await batch.retry(WHOLE)
    t.is(whole.unprocessed.length, 0)
    note(whole, left)
  }
  const read = await (await client().batchRead<{ n: number }>(keys, PATIENT)).retry(WHOLE)
  for (const { index, record } of read) {
    const { least, most } = expected.get(index) as { least: number; most: number }
    const n = record?.bins.n ?? 0
    if (n < least || n > most) t.fail(`row ${index} was counted ${n} times, not ${least} to ${most}`)
  }
  t.pass()
})
