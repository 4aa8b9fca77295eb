// Records one at a time: write, read, change, remove, and what happens when a record is not there.
import { connect, op, RecordNotFoundError } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'

const cluster = await LocalCluster.start({ nodes: 1 })
const client = await connect(cluster.hosts)
const key = ['test', 'demo', 'user1']

await client.put(key, { name: 'Alice', age: 30, tags: ['admin', 'beta'] }, { ttl: 3600 })

const record = await client.get(key)
console.log(record.bins.name, record.meta.gen, record.meta.ttl)

const [, meta, bins] = await client.get(key) // the same object, as a tuple
console.log(meta.gen, bins)

const counted = await client.operate(key, [op.increment('visits', 1), op.read('visits')])
console.log('visits', counted.bins.visits)

const [, seen] = await client.exists(['test', 'demo', 'nobody'])
console.log('nobody', seen)

await client.remove(key)
try {
  await client.get(key)
} catch (error) {
  if (!(error instanceof RecordNotFoundError)) throw error
  console.log(error.message)
}

await client.close()
await cluster.stop()
