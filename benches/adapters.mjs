// One small interface over both clients, in each one's fastest documented form.
import { tracingChannel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'

const namespace = 'test'
const set = 'bench'
/** A busy machine makes a bench slow, and must not make it fail. In ms. */
const totalTimeout = 30_000
/** How connections are encrypted, in the lanes over TLS. */
const tls = process.env.BENCH_TLS === undefined ? undefined : JSON.parse(process.env.BENCH_TLS)

function secured (hosts) {
  if (tls === undefined) return { hosts: hosts.join(',') }
  const named = hosts.map(host => host.split(':')).map(([addr, port]) => ({ addr, port: Number(port), tlsname: tls.name }))
  return { hosts: named, tls: { enable: true, cafile: tls.ca } }
}

async function official (hosts, options = {}) {
  const Aerospike = createRequire(import.meta.url)('aerospike')
  const policies = {
    read: new Aerospike.ReadPolicy({ totalTimeout }),
    write: new Aerospike.WritePolicy({ totalTimeout }),
    batch: new Aerospike.BatchPolicy({ totalTimeout }),
    batchParentWrite: new Aerospike.BatchPolicy({ totalTimeout })
  }
  const client = await Aerospike.connect({ policies, maxConnsPerNode: 300, log: { level: 0 }, ...options, ...secured(hosts) })
  const key = (id, inSet = set) => new Aerospike.Key(namespace, inSet, id)
  const { BATCH_WRITE } = Aerospike.batchType
  return {
    put: (id, bins) => client.put(key(id), bins),
    get: async id => (await client.get(key(id))).bins,
    /** What a batch read takes. */
    requests: (ids, inSet) => ids.map(id => ({ key: key(id, inSet), readAllBins: true })),
    /** Rows for each of the requests, in order. */
    batchRead: requests => client.batchRead(requests),
    binsOf: row => row.record.bins,
    /** An integer bin of all rows as an array. */
    column: (rows, bin) => Int32Array.from(rows, row => row.record.bins[bin]),
    batchWrite: async rows => {
      const results = await client.batchWrite(rows.map(({ id, bins }) => ({
        type: BATCH_WRITE,
        key: key(id),
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
  const { connect } = await import(process.env.BENCH_DIST ?? '../dist/index.js')
  const client = await connect({
    defaults: { read: { totalTimeout }, write: { totalTimeout }, batch: { totalTimeout } },
    ...options,
    hosts,
    ...(tls && { tls: { ca: { file: tls.ca }, servername: tls.name } })
  })
  const key = (id, inSet = set) => [namespace, inSet, id]
  return {
    put: (id, bins) => client.put(key(id), bins),
    get: async id => (await client.get(key(id))).bins,
    requests: (ids, inSet) => ids.map(id => key(id, inSet)),
    batchRead: requests => client.batchRead(requests),
    binsOf: row => row.record.bins,
    column: (batch, bin) => batch.column(bin, Int32Array).values,
    batchWrite: async rows => {
      (await client.batchWrite(rows.map(({ id, bins }) => ({ key: key(id), bins })))).throwIfFailed()
    },
    /** Writes records that have these bins and no others, whatever somebody left there. */
    replace: async (rows, inSet) => {
      (await client.batchWrite(rows.map(({ id, bins }) => ({ key: key(id, inSet), bins, exists: 'createOrReplace' })))).throwIfFailed()
    },
    scan: async (set, use) => {
      for await (const { bins } of client.scan(namespace, set)) use(bins)
    },
    close: () => client.close()
  }
}

/** Ours without metrics. */
const uncounted = (hosts, options = {}) => ours(hosts, { ...options, metrics: false })

/** Ours while somebody listens to its commands. */
async function listenedTo (hosts, options) {
  const client = await ours(hosts, options)
  let slow = 0
  tracingChannel('aerospike-napi:command').subscribe({ asyncEnd: ({ elapsed }) => { if (elapsed > 1000) slow++ } })
  return client
}

/** The fluent session on our client: the same work in sentences. */
async function session (hosts, options = {}) {
  const { connect, dataSet } = await import(process.env.BENCH_DIST ?? '../dist/index.js')
  const client = await connect({ defaults: { read: { totalTimeout }, write: { totalTimeout }, batch: { totalTimeout } }, ...options, hosts })
  const said = client.session()
  const records = dataSet(namespace, set)
  return {
    put: (id, bins) => said.upsert(records.id(id)).put(bins).execute(),
    get: async id => (await said.query(records.id(id)).firstOrThrow()).bins,
    requests: ids => records.ids(...ids),
    batchRead: requests => said.query(requests).execute(),
    binsOf: row => row.record.bins,
    batchWrite: async rows => {
      const chain = said.upsert(records)
      for (const { id, bins } of rows) chain.id(id).put(bins)
      await chain.execute('throw')
    },
    close: () => client.close()
  }
}

export const adapters = { official, ours, uncounted, listenedTo, session }
