// One small interface over both clients, in each one's fastest documented form.
import { createRequire } from 'node:module'

const namespace = 'test'
const set = 'bench'

async function official (hosts) {
  const Aerospike = createRequire(import.meta.url)('aerospike')
  const client = await Aerospike.connect({ hosts: hosts.join(','), maxConnsPerNode: 300, log: { level: 0 } })
  const key = (id, inSet = set) => new Aerospike.Key(namespace, inSet, id)
  const { BATCH_WRITE } = Aerospike.batchType
  return {
    put: (id, bins) => client.put(key(id), bins),
    get: async id => (await client.get(key(id))).bins,
    /** Rows with `bins` for each id, in order. */
    batchRead: ids => client.batchRead(ids.map(id => ({ key: key(id), readAllBins: true }))),
    binsOf: row => row.record.bins,
    batchWrite: async (rows, inSet) => {
      const results = await client.batchWrite(rows.map(({ id, bins }) => ({
        type: BATCH_WRITE,
        key: key(id, inSet),
        ops: Object.entries(bins).map(([name, value]) => Aerospike.operations.write(name, value))
      })))
      if (results.some(row => row.status !== 0)) throw new Error('a batch write row failed')
    },
    /** Hands every record of a set over, one after the other. */
    scan: (set, use) => new Promise((resolve, reject) => {
      client.scan(namespace, set).foreach(null, record => use(record.bins), reject, resolve)
    }),
    close: async () => client.close()
  }
}

async function ours (hosts, options = {}) {
  const { connect } = await import('../dist/index.js')
  const client = await connect({ ...options, hosts })
  const key = (id, inSet = set) => [namespace, inSet, id]
  return {
    put: (id, bins) => client.put(key(id), bins),
    get: async id => (await client.get(key(id))).bins,
    batchRead: ids => client.batchRead(ids.map(id => key(id))),
    binsOf: row => row.record.bins,
    batchWrite: async (rows, inSet) => {
      (await client.batchWrite(rows.map(({ id, bins }) => ({ key: key(id, inSet), bins })))).throwIfFailed()
    },
    scan: async (set, use) => {
      for await (const { bins } of client.scan(namespace, set)) use(bins)
    },
    close: () => client.close()
  }
}

export const adapters = { official, ours }
