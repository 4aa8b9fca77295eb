// A batch that loses a node: what arrived is returned, and the rest is a request that goes straight back.
import { connect } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'

const cluster = await LocalCluster.start({ nodes: 3 })
const client = await connect(cluster.hosts)
const keys = Array.from({ length: 3_000 }, (_, i) => ['test', 'orders', i])
const written = await client.batchWrite(keys.map((key, i) => ({ key, bins: { total: i } })))
written.throwIfFailed()

// without retries, so that the effect of a frozen node can be seen
await cluster.freezeNode(1)
const batch = await client.batchRead(keys, { maxRetries: 0, totalTimeout: 300 })
console.log(`found ${batch.found.length}, unprocessed ${batch.unprocessed.length}`)

await cluster.thawNode(1)
const whole = await batch.retry()
console.log(`after the retry: found ${whole.found.length}, unprocessed ${whole.unprocessed.length}`)
if (whole.found.length !== keys.length) throw new Error('rows are missing')

await client.close()
await cluster.stop()
