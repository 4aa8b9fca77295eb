// node benches/transactions.mjs
//
// Transactions of both clients on an embedded Enterprise cluster of one node with a strongly consistent namespace: how many
// messages each sends for one, and how long it takes. A relay between client and node (relay.mjs) counts the messages.
import { createRequire } from 'node:module'
import { connect } from '../dist/index.js'
import { LocalCluster } from '../dist/local.js'
import { median } from './figures.mjs'
import { startRelay } from './relay.mjs'

const rounds = 40
const warmUps = 10
const namespace = 'bank'
const totalTimeout = 30_000
async function official (host) {
  const Aerospike = createRequire(import.meta.url)('aerospike')
  const client = await Aerospike.connect({ hosts: host, log: { level: 0 }, maxConnsPerNode: 300 })
  const key = id => new Aerospike.Key(namespace, 'bench', id)
  const { BATCH_WRITE } = Aerospike.batchType
  return {
    async transaction (reads, writes) {
      const txn = new Aerospike.Transaction()
      await Promise.all(reads.map(id => client.get(key(id), new Aerospike.ReadPolicy({ txn, totalTimeout }))))
      // One after the other: "Writing to the same transaction with independent threads is unsafe", it says otherwise.
      for (const id of writes) await client.put(key(id), { sum: id }, {}, new Aerospike.WritePolicy({ txn, totalTimeout }))
      await client.commit(txn)
    },
    async batch (ids) {
      const txn = new Aerospike.Transaction()
      const rows = ids.map(id => ({ type: BATCH_WRITE, key: key(id), ops: [Aerospike.operations.write('sum', id)] }))
      const results = await client.batchWrite(rows, new Aerospike.BatchPolicy({ txn, totalTimeout }))
      if (results.some(row => row.status !== 0)) throw new Error('a row failed')
      await client.commit(txn)
    },
    close: async () => client.close()
  }
}

async function ours (host) {
  const client = await connect(host, { defaults: { read: { totalTimeout }, write: { totalTimeout }, batch: { totalTimeout } } })
  const key = id => [namespace, 'bench', id]
  return {
    transaction: (reads, writes) => client.transaction(async tx => {
      await Promise.all(reads.map(id => tx.get(key(id))))
      await Promise.all(writes.map(id => tx.put(key(id), { sum: id })))
    }),
    batch: ids => client.transaction(tx => tx.batchWrite(ids.map(id => ({ key: key(id), bins: { sum: id } })))),
    fill: ids => client.batchWrite(ids.map(id => ({ key: key(id), bins: { sum: 0 } }))),
    close: () => client.close()
  }
}

const range = (from, n) => Array.from({ length: n }, (_, i) => from + i)
const kinds = {
  '2 reads, 2 writes': client => client.transaction(range(0, 2), range(10, 2)),
  '100 writes': client => client.transaction([], range(100, 100)),
  '100 writes as a batch': client => client.batch(range(100, 100))
}

const cluster = await LocalCluster.start({ nodes: 1, edition: 'enterprise', strongConsistency: [namespace] })
const port = Number(cluster.hosts[0].split(':')[1])
const clients = {}
for (const [name, open] of Object.entries({ official, ours })) {
  const between = await startRelay(port)
  clients[name] = { between, direct: await open(cluster.hosts[0]), relayed: await open(between.host) }
}
await clients.ours.direct.fill(range(0, 200))
try {
  for (const [kind, run] of Object.entries(kinds)) {
    const micros = { official: [], ours: [] }
    for (let round = 0; round < warmUps + rounds; round++) {
      for (const [name, { direct }] of Object.entries(clients)) {
        const started = performance.now()
        await run(direct)
        if (round >= warmUps) micros[name].push((performance.now() - started) * 1000)
      }
    }
    for (const [name, { between, relayed }] of Object.entries(clients)) {
      await run(relayed)
      const before = between.commands()
      await run(relayed)
      console.log(`${kind}: ${name}, ${between.commands() - before} messages, ${Math.round(median(micros[name]))} µs`)
    }
    const ratios = micros.official.map((one, round) => one / micros.ours[round])
    console.log(`${kind}: ${median(ratios).toFixed(2)} times as fast`)
  }
} finally {
  for (const { between, direct, relayed } of Object.values(clients)) {
    await direct.close()
    await relayed.close()
    await between.stop()
  }
  await cluster.stop()
}
process.exit(0)
