// Sessions in transactions. They need a strongly consistent namespace, which only the Enterprise edition has: these tests
// have a cluster of their own.

import { randomBytes } from 'node:crypto'
import {
  Behavior,
  type Client,
  connect,
  type DataSet,
  dataSet,
  EnterpriseOnlyError,
  ErrorStrategy,
  InvalidArgumentError,
  RecordExistsError,
  TransactionBlockedError,
  TransactionEndedError,
} from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'

interface Account {
  sum: number
}

let cluster: LocalCluster
let client: Client

test.before(async () => {
  cluster = await LocalCluster.start({ edition: 'enterprise', strongConsistency: ['sc'] })
  client = await connect(cluster.hosts)
})

test.after.always(async () => {
  await client?.close()
  await cluster?.stop()
})

/** A set that no other test uses, with two accounts. */
async function accounts(): Promise<DataSet<Account>> {
  const set = dataSet<Account>('sc', `t${randomBytes(6).toString('hex')}`)
  await client.session().insert(set).bins('sum').id('ann').values(100).id('bob').values(0).execute()
  return set
}

const sums = async (set: DataSet<Account>): Promise<(number | undefined)[]> =>
  (await client.getMany<Account>(set.ids('ann', 'bob'))).map((record) => record?.bins?.sum)

test('what a session does in a transaction is done together', async (t) => {
  const set = await accounts()
  const left = await client.session().transaction(async (tx) => {
    const { bins } = await tx.query(set.id('ann')).firstOrThrow()
    await tx.update(set.id('ann')).bin('sum').add(-30).update(set.id('bob')).bin('sum').add(30).execute()
    t.deepEqual(await sums(set), [100, 0])
    return bins.sum - 30
  })
  t.is(left, 70)
  t.deepEqual(await sums(set), [70, 30])
})

test('what throws leaves nothing', async (t) => {
  const set = await accounts()
  const broken = client.session().transaction(async (tx) => {
    await tx.update(set.id('ann')).bin('sum').setTo(1).execute()
    await tx.delete(set.id('bob')).execute()
    throw new Error('no')
  })
  await t.throwsAsync(broken, { message: 'no' })
  t.deepEqual(await sums(set), [100, 0])
})

test('a failure among many keys throws, unless the call wants it as a row', async (t) => {
  const set = await accounts()
  const session = client.session()
  const insert = session.transaction(async (tx) => {
    await tx.insert(set.ids('carl', 'bob')).bin('sum').setTo(1).execute()
  })
  await t.throwsAsync(insert, { instanceOf: RecordExistsError })
  t.is((await client.exists(set.id('carl'))).meta, null)
  await session.transaction(async (tx) => {
    const rows = await tx.insert(set.ids('carl', 'bob')).bin('sum').setTo(1).execute(ErrorStrategy.IN_STREAM)
    t.deepEqual(
      [...rows].map(({ isOk }) => isOk),
      [true, false],
    )
  })
  t.not((await client.exists(set.id('carl'))).meta, null)
})

test('the function runs again when another transaction was faster', async (t) => {
  const set = await accounts()
  const other = client.beginTransaction()
  await other.put(set.id('ann'), { sum: 7 })
  let runs = 0
  await client.session().transaction(async (tx) => {
    runs++
    if (runs === 3) await other.commit()
    await tx.update(set.id('ann')).bin('sum').add(1).execute()
  })
  t.is(runs, 3)
  t.deepEqual(await sums(set), [8, 0])
})

test('the behavior says how often, and how long, unless the call does', async (t) => {
  const set = await accounts()
  const other = client.beginTransaction()
  await other.put(set.id('ann'), { sum: 7 })
  const session = client.session(Behavior.DEFAULT.derive('hasty', { transaction: { attempts: 2, timeout: 30 } }))
  const runsOf = async (options?: object): Promise<number> => {
    let runs = 0
    const work = session.transaction(async (tx) => {
      runs++
      await tx.update(set.id('ann')).bin('sum').add(1).execute()
    }, options)
    await t.throwsAsync(work, { instanceOf: TransactionBlockedError })
    return runs
  }
  t.is(await runsOf(), 2)
  t.is(await runsOf({ attempts: 3 }), 3)
  t.is(await runsOf({ attempts: undefined }), 2)
  await other.abort()
})

test('what cannot be in a transaction is refused, and so is what comes after its end', async (t) => {
  const set = await accounts()
  const session = client.session()
  const invalid = { instanceOf: InvalidArgumentError }
  const scan = session.transaction((tx) => tx.query(set).records())
  await t.throwsAsync(scan, { ...invalid, message: /by their keys/ })
  await t.throwsAsync(session.transaction(5 as never), invalid)
  await t.throwsAsync(
    session.transaction(() => 1, 5 as never),
    invalid,
  )
  await t.throwsAsync(
    session.transaction(() => 1, { attempt: 1 } as never),
    { ...invalid, message: /'attempts'/ },
  )
  t.throws(() => Behavior.DEFAULT.derive('x', { transaction: { timeout: 121 } }), invalid)
  const after = await session.transaction(async (tx) => tx)
  await t.throwsAsync(after.query(set.id('ann')).execute(), { instanceOf: TransactionEndedError })
  t.is(after.transaction.state, 'committed')
})

test('a Community server has no transactions: that is what the error says, and nothing is left behind', async (t) => {
  await using community = await LocalCluster.start()
  await using own = await connect(community.hosts)
  const set = dataSet<Account>('test', 'accounts')
  const written = own.session().transaction((tx) => tx.upsert(set.id('ann')).put({ sum: 1 }).execute())
  await t.throwsAsync(written, { instanceOf: EnterpriseOnlyError, message: /transactions need Enterprise servers/ })
  const read = own.session().transaction((tx) => tx.query(set.id('ann')).execute())
  await t.throwsAsync(read, { instanceOf: EnterpriseOnlyError })
  t.deepEqual(
    (await own.sets('test')).map(({ name, objects }) => [name, objects]),
    [['<ERO~MRT', 0]],
  )
})
