// One small interface over both clients, in each one's fastest documented form.
import { createRequire } from 'node:module'

const namespace = 'test'
const set = 'bench'

async function official (hosts) {
  const Aerospike = createRequire(import.meta.url)('aerospike')
  const client = await Aerospike.connect({ hosts: hosts.join(','), maxConnsPerNode: 300, log: { level: 0 } })
  const key = id => new Aerospike.Key(namespace, set, id)
  const { BATCH_WRITE } = Aerospike.batchType
  return {
    put: (id, bins) => client.put(key(id), bins),
    get: async id => (await client.get(key(id))).bins,
    /** Rows with `bins` for each id, in order. */
    batchRead: ids => client.batchRead(ids.map(id => ({ key: key(id), readAllBins: true }))),
    binsOf: row => row.record.bins,
    batchWrite: async rows => {
      const results = await client.batchWrite(rows.map(({ id, bins }) => ({
        type: BATCH_WRITE,
        key: key(id),
        ops: Object.entries(bins).map(([name, value]) => Aerospike.operations.write(name, value))
      })))
      if (results.some(row => row.status !== 0)) throw new Error('a batch write row failed')
    },
    close: async () => client.close()
  }
}

async function ours (hosts, options = {}) {
  const { connect } = await import('../dist/index.js')
  const client = await connect({ ...options, hosts })
  const key = id => [namespace, set, id]
  return {
    put: (id, bins) => client.put(key(id), bins),
    get: async id => (await client.get(key(id))).bins,
    batchRead: ids => client.batchRead(ids.map(key)),
    binsOf: row => row.record.bins,
    batchWrite: async rows => {
      (await client.batchWrite(rows.map(({ id, bins }) => ({ key: key(id), bins })))).throwIfFailed()
    },
    close: () => client.close()
  }
}

export const adapters = { official, ours }
