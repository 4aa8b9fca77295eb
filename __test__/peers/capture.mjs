// node __test__/peers/capture.mjs [--all]: what our client and the official Node client send for the same transactions,
// message by message and field by field, through a proxy before an embedded cluster of one node. Prints what differs, and
// the round trips of each; with --all everything that was sent. The tests have to be compiled (npx tsc -p __test__/tsconfig.json).
import { parseArgs } from 'node:util'
import { connect, lists } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import { COMMAND, startProxy } from '../.build/support/proxy.mjs'
import { Aerospike, connectOfficial, officialKey } from './official.mjs'
import { purpose, showRequest } from './messages.mjs'

const { values: { all } } = parseArgs({ options: { all: { type: 'boolean' } } })
const MANY = 100
const key = name => ['sc', 'capture', name]
const many = Array.from({ length: MANY }, (_, i) => key(i))

/** The same transaction for both clients, by the name of what it does. */
const SCENARIOS = {
  'reads, writes and a commit': {
    async ours (client) {
      const tx = client.beginTransaction({ timeout: 7 })
      await tx.get(key('a'))
      await tx.get(key('missing')).catch(() => {})
      await tx.put(key('a'), { n: 2 })
      await tx.put(key('new'), { n: 1 })
      await tx.operate(key('list'), [lists.append('l', 1)])
      await tx.remove(key('gone'))
      await tx.get(key('a'))
      await tx.commit()
    },
    async official (client) {
      const txn = new Aerospike.Transaction()
      txn.setTimeout(7)
      await client.get(officialKey(key('a')), { txn })
      await client.get(officialKey(key('missing')), { txn }).catch(() => {})
      await client.put(officialKey(key('a')), { n: 2 }, {}, { txn })
      await client.put(officialKey(key('new')), { n: 1 }, {}, { txn })
      await client.operate(officialKey(key('list')), [Aerospike.lists.append('l', 1)], {}, { txn })
      await client.remove(officialKey(key('gone')), { txn, durableDelete: true })
      await client.get(officialKey(key('a')), { txn })
      await client.commit(txn)
    }
  },
  'a batch of writes, undone': {
    async ours (client) {
      const tx = client.beginTransaction()
      await tx.batchWrite(many.slice(0, 3).map(key => ({ key, bins: { n: 1 } })))
      await tx.abort()
    },
    async official (client) {
      const txn = new Aerospike.Transaction()
      const ops = [Aerospike.operations.write('n', 1)]
      await client.batchWrite(many.slice(0, 3).map(key => ({ type: Aerospike.batchType.BATCH_WRITE, key: officialKey(key), ops })), { txn })
      await client.abort(txn)
    }
  },
  [`${MANY} writes of one tick`]: {
    async ours (client) {
      const tx = client.beginTransaction()
      await Promise.all(many.map(key => tx.put(key, { n: 1 })))
      await tx.commit()
    },
    async official (client) {
      const txn = new Aerospike.Transaction()
      const [first, ...rest] = many.map(officialKey)
      // all at once they fail with 127: each then makes the monitor
      await client.put(first, { n: 1 }, {}, { txn })
      await Promise.all(rest.map(key => client.put(key, { n: 1 }, {}, { txn })))
      await client.commit(txn)
    }
  }
}

/** Words for bytes that differ from run to run: the same bytes are called the same. */
function namer () {
  const known = new Map()
  return (kind, data) => {
    if (kind === 'transaction' || kind === 'version') return kind === 'version' && data.every(byte => byte === 0) ? 'of nothing' : 'present'
    if (kind === 'deadline') return data.every(byte => byte === 0) ? 'none' : 'present'
    if (kind !== 'digest') return data.toString('hex')
    const hex = data.toString('hex')
    if (!known.has(hex)) known.set(hex, `record ${known.size + 1}`)
    return known.get(hex)
  }
}

async function capture (proxy, heard, connectTo, run) {
  const client = await connectTo(proxy.hosts)
  // a scenario begins with the messages after this one
  await proxy.settled()
  heard.length = 0
  await run(client)
  await proxy.settled()
  const messages = heard.filter(({ type, from }) => type === COMMAND && from === 'client').map(({ body }) => Buffer.from(body))
  await client.close()
  return messages
}

/** The lines of two messages side by side, where they differ. */
function differences (ours, theirs) {
  const text = line => line.replace(/: .*/, '')
  const names = [...new Set([...ours, ...theirs].map(text))]
  const of = (lines, name) => lines.filter(line => text(line) === name).map(line => line.slice(name.length + 2)).join(' | ')
  return names.filter(name => of(ours, name) !== of(theirs, name)).map(name => `    ${name.trim()}: ours ${of(ours, name) || 'absent'}; official ${of(theirs, name) || 'absent'}`)
}

const cluster = await LocalCluster.start({ nodes: 1, edition: 'enterprise', strongConsistency: ['sc'] })
const setup = await connect(cluster.hosts)
const heard = []
const proxy = await startProxy(cluster.hosts, message => heard.push(message))
for (const [name, { ours, official }] of Object.entries(SCENARIOS)) {
  const reset = async () => {
    for (const name of ['a', 'gone']) await setup.put(key(name), { n: 1 })
    for (const name of ['missing', 'new', 'list']) await setup.remove(key(name), { durableDelete: true }).catch(() => {})
  }
  await reset()
  const mine = await capture(proxy, heard, hosts => connect(hosts), ours)
  await reset()
  const theirs = await capture(proxy, heard, connectOfficial, official)
  console.log(`\n${name}: ${mine.length} round trips; the official client ${theirs.length}`)
  const [nameMine, nameTheirs] = [namer(), namer()]
  if (all) {
    for (const [who, messages, names] of [['ours', mine, namer()], ['official', theirs, namer()]]) {
      for (const body of messages) console.log(`  ${who}: ${purpose(body)}\n${showRequest(body, names).map(line => `    ${line}`).join('\n')}`)
    }
  }
  if (mine.length !== theirs.length) {
    console.log(`  ours:     ${summary(mine)}\n  official: ${summary(theirs)}`)
    continue
  }
  for (const [i, body] of mine.entries()) {
    const lines = differences(showRequest(body, nameMine), showRequest(theirs[i], nameTheirs))
    console.log(`  ${i + 1} ${purpose(body)}${purpose(body) === purpose(theirs[i]) ? '' : `; official ${purpose(theirs[i])}`}${lines.length === 0 ? ': the same' : `\n${lines.join('\n')}`}`)
  }
}
await proxy.stop()
await setup.close()
await cluster.stop()

/** Messages by what they are for, with how many there are in a row. */
function summary (messages) {
  const runs = []
  for (const what of messages.map(purpose)) {
    if (runs.at(-1)?.what === what) runs.at(-1).count++
    else runs.push({ what, count: 1 })
  }
  return runs.length > 12 ? `${runs.length} runs, among them ${[...new Set(runs.map(({ what }) => what))].join(', ')}` : runs.map(({ what, count }) => `${count} × ${what}`).join(', ')
}
