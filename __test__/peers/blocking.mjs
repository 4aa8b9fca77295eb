// node __test__/peers/blocking.mjs: an open transaction of our client stands in the way of the official Node client, and the
// other way round, on the embedded cluster. Prints a line for each case, and ends with 1 when one is not as it should be.
import { connect } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import { Aerospike, connectOfficial, officialKey } from './official.mjs'

const BLOCKED = 120
const CHANGED = 121
const FAILED = -17

const cluster = await LocalCluster.start({ nodes: 3, edition: 'enterprise', strongConsistency: ['sc'] })
const client = await connect(cluster.hosts)
const official = await connectOfficial(cluster.hosts)

/** Both clients by the same few calls; a transaction is an object with `commit` and `abort`. */
const CLIENTS = {
  ours: {
    begin: () => client.beginTransaction({ timeout: 5 }),
    get: async (key, transaction) => (await client.get(key, { transaction })).bins.n,
    put: (key, n, transaction) => client.put(key, { n }, { transaction }),
    remove: (key, transaction) => client.remove(key, { transaction, durableDelete: true }),
    batch: (keys, n, transaction) => client.batchWrite(keys.map(key => ({ key, bins: { n } })), { transaction, onPartial: 'throw' })
  },
  official: {
    begin () {
      const txn = new Aerospike.Transaction()
      txn.setTimeout(5)
      return { txn, commit: () => official.commit(txn), abort: () => official.abort(txn) }
    },
    get: async (key, { txn } = {}) => (await official.get(officialKey(key), txn && { txn })).bins.n,
    put: (key, n, { txn } = {}) => official.put(officialKey(key), { n }, {}, txn && { txn }),
    remove: (key, { txn } = {}) => official.remove(officialKey(key), { txn, durableDelete: true }),
    async batch (keys, n, { txn } = {}) {
      const ops = [Aerospike.operations.write('n', n)]
      const rows = await official.batchWrite(keys.map(key => ({ type: Aerospike.batchType.BATCH_WRITE, key: officialKey(key), ops })), txn && { txn })
      const bad = rows.find(row => row.status !== 0)
      if (bad !== undefined) throw Object.assign(new Error('a row failed'), { code: bad.status })
    }
  }
}

let failed = 0
let count = 0
const is = (what, actual, wanted) => {
  count++
  if (actual === wanted) return
  failed++
  console.log(`  ${what}: ${actual} where ${wanted} is expected`)
}
/** The code of a failure; of a batch that of its first failed row. */
const codeOf = promise => Promise.resolve(promise).then(() => 'done', error => error.cause?.code ?? error.code)

/** What the one sees while the other has a transaction open. */
async function check (holderName, otherName) {
  const holder = CLIENTS[holderName]
  const other = CLIENTS[otherName]
  const key = name => ['sc', 'blocking', `${holderName} ${otherName} ${name}`]
  for (const name of ['a', 'b', 'gone', 'seen']) await other.put(key(name), 1)

  const open = holder.begin()
  await holder.put(key('a'), 2, open)
  await holder.put(key('new'), 2, open)
  await holder.remove(key('gone'), open)
  await holder.batch([key('b'), key('c')], 2, open)
  is('a write from outside', await codeOf(other.put(key('a'), 3)), BLOCKED)
  is('a removal from outside', await codeOf(other.remove(key('b'))), BLOCKED)
  is('a batch from outside', await codeOf(other.batch([key('c')], 3)), BLOCKED)
  is('a read from outside', await other.get(key('a')), 1)
  is('a read of what is removed', await other.get(key('gone')), 1)
  is('a read of what is new', await codeOf(other.get(key('new'))), 2)
  const second = other.begin()
  is('a read in a transaction', await codeOf(other.get(key('a'), second)), BLOCKED)
  is('a write in a transaction', await codeOf(other.put(key('b'), 3, second)), BLOCKED)
  is('a read of the transaction itself', await holder.get(key('a'), open), 2)
  await second.abort()
  await open.commit()
  is('what was committed', await other.get(key('a')), 2)
  is('what was removed', await codeOf(other.get(key('gone'))), 2)
  is('a write after the commit', await codeOf(other.put(key('new'), 3)), 'done')

  const undone = holder.begin()
  await holder.put(key('a'), 9, undone)
  await undone.abort()
  is('what was undone', await other.get(key('a')), 2)
  is('a write after the end', await codeOf(other.put(key('a'), 3)), 'done')

  const reader = holder.begin()
  await holder.get(key('seen'), reader)
  await other.put(key('seen'), 2)
  is('a read again of what has changed', await codeOf(holder.get(key('seen'), reader)), CHANGED)
  is('a commit of what has changed', await codeOf(reader.commit()), FAILED)

  const abandoned = holder.begin()
  await holder.put(key('a'), 7, abandoned)
  is('a write while the transaction lasts', await codeOf(other.put(key('a'), 8)), BLOCKED)
  await new Promise(resolve => setTimeout(resolve, 6500))
  is('a write when its time is over', await codeOf(other.put(key('a'), 8)), 'done')
  await abandoned.abort()
  is('and what the late abort leaves', await other.get(key('a')), 8)
}

for (const [holder, other] of [['ours', 'official'], ['official', 'ours'], ['ours', 'ours']]) {
  const before = failed
  await check(holder, other)
  console.log(`${failed === before ? 'ok' : 'FAILED'} - a transaction of ${holder} in the way of ${other}`)
}
console.log(`${count - failed} of ${count} as they should be`)
official.close()
await client.close()
await cluster.stop()
process.exit(failed === 0 ? 0 : 1)
