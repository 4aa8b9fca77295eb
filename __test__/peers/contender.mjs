// The official Node client as a contender of `npm run contend -- --peers`, in a process of its own that kills itself between two
// steps: as __test__/support/contender-process.mts does with ours.
import { clock, contend, random, TIMEOUT } from '../.build/support/contender.mjs'
import { Aerospike, connectOfficial, officialKey } from './official.mjs'

const NOT_FOUND = 2
const FAILED = -17

const { hosts, seed, number, end, faulty } = JSON.parse(process.argv[2])
const dice = random(seed * 1000 + number)
const die = () => process.kill(process.pid, 'SIGKILL')
// nodes may be away just now: another process comes in the place of this one
const client = await connectOfficial(hosts, { tenderInterval: 250 }).catch(() => process.exit(0))

function begin () {
  const txn = new Aerospike.Transaction()
  txn.setTimeout(TIMEOUT)
  const policy = { txn, totalTimeout: 700 }
  return {
    read: key => client.get(officialKey(key), policy).then(({ bins }) => bins.l ?? [], error => {
      if (error.code === NOT_FOUND) return []
      throw error
    }),
    append: (key, value) => client.operate(officialKey(key), [Aerospike.lists.append('l', value)], {}, policy),
    async sums (keys) {
      const rows = await client.batchRead(keys.map(key => ({ key: officialKey(key), readAllBins: true })), policy)
      const bad = rows.find(({ status }) => status !== 0 && status !== NOT_FOUND)
      if (bad !== undefined) throw Object.assign(new Error('a row failed'), { code: bad.status })
      return rows.map(({ record }) => record.bins?.sum ?? 0)
    },
    setSum: (key, sum) => client.put(officialKey(key), { sum }, {}, policy),
    // what the client throws at once, rather than in a promise, is a failure as well
    commit: async () => client.commit(txn),
    abort: async () => client.abort(txn),
    isUndone: error => error.code === FAILED
  }
}

/** As `transaction()` of ours does. */
async function transact (work) {
  for (let attempt = 1; ; attempt++) {
    const tx = begin()
    try {
      await work(tx)
      await tx.commit()
      return
    } catch (error) {
      await tx.abort().catch(() => undefined)
      if (attempt === 3) throw error
    }
  }
}

await contend({
  begin,
  transact,
  number,
  dice,
  tell: told => process.stdout.write(`${JSON.stringify(told)}\n`),
  isOver: () => clock() >= end,
  between () {
    const fate = faulty ? dice() : 1
    if (fate < 0.01) die()
    else if (fate < 0.02) setTimeout(die, dice() * 4)
  }
})
process.exit(0)
