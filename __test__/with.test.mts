// Clients with other defaults on the same connections: client.with.

import { type Client, ClientClosedError, InvalidArgumentError } from 'aerospike-napi'
import test from 'ava'
import { another, client, faultTest, freshKey, freshSet, local, sleep } from './support/cluster.mjs'
import { failureCompletion, fakeClient, readCommand } from './support/fake.mjs'

const key = ['test', 's', 1] as const

/** What a call of the client that `derive` makes sends, with the defaults that it was derived from. */
async function sent(defaults: unknown, derive: (client: Client) => Client, act: (client: Client) => Promise<unknown>) {
  const { client, native } = fakeClient(defaults)
  const promise = act(derive(client))
  promise.catch(() => {})
  await new Promise(setImmediate)
  const entry = native.entries[0]
  if (entry === undefined) throw await promise.catch((error: unknown) => error)
  native.complete(failureCompletion(entry.ticket, 4))
  return { ...entry, command: readCommand(entry.body, true) }
}

test('what is given holds, and what is not stays as it was in the client it was made from', async (t) => {
  const defaults = { read: { totalTimeout: 250, maxRetries: 7 }, write: { ttl: 77, commit: 'master' } }
  const derive = (from: Client) => from.with({ defaults: { read: { totalTimeout: 99 }, write: { totalTimeout: 88 } } })
  const read = await sent(defaults, derive, (own) => own.get(key))
  t.like(read, { totalTimeout: 99, maxRetries: 7 })
  const write = await sent(defaults, derive, (own) => own.put(key, { a: 1 }))
  t.like(write, { totalTimeout: 88, maxRetries: 0 })
  t.like(write.command, { ttl: 77, info3: 0x02 })
  const remove = await sent(defaults, derive, (own) => own.remove(key))
  t.like(remove, { totalTimeout: 88 })
  t.like(remove.command, { ttl: 0, info3: 0x02 })
  const call = await sent(defaults, derive, (own) => own.get(key, { totalTimeout: 11 }))
  t.like(call, { totalTimeout: 11, maxRetries: 7 })
  const again = await sent(
    defaults,
    (from) => derive(from).with({ defaults: { read: { maxRetries: 1 } } }),
    (own) => own.get(key),
  )
  t.like(again, { totalTimeout: 99, maxRetries: 1 })
})

test('the client it was made from keeps its defaults', async (t) => {
  const kept = await sent(
    { read: { totalTimeout: 250 } },
    (from) => {
      from.with({ defaults: { read: { totalTimeout: 1 } } })
      return from
    },
    (own) => own.get(key),
  )
  t.like(kept, { totalTimeout: 250 })
})

test('each client coalesces its reads or not, as it was told', async (t) => {
  const reads = (own: Client) => Promise.allSettled([own.get(key), own.get(['test', 's', 2])])
  const entries = async (derive: (client: Client) => Client) => {
    const { client, native } = fakeClient()
    void reads(derive(client))
    await new Promise(setImmediate)
    return native.entries.map(({ kind }) => kind)
  }
  t.deepEqual(await entries((from) => from), [1, 1])
  t.deepEqual(await entries((from) => from.with({ coalesceReads: true })), [2])
  t.deepEqual(await entries((from) => from.with({ coalesceReads: true }).with({})), [2])
  t.deepEqual(await entries((from) => from.with({ coalesceReads: true }).with({ coalesceReads: false })), [1, 1])
})

test('both work side by side, and closing one closes the connections of both', async (t) => {
  const first = await another()
  const second = first.with({ defaults: { read: { integers: 'bigint' } } })
  const record = freshKey()
  await second.put(record, { n: 1 })
  t.deepEqual((await first.get(record)).bins, { n: 1 })
  t.deepEqual((await second.get(record)).bins, { n: 1n })
  t.deepEqual(
    first.nodes().map(({ name }) => name),
    second.nodes().map(({ name }) => name),
  )
  await second.close()
  t.false(first.isConnected())
  await t.throwsAsync(first.get(record), { instanceOf: ClientClosedError })
  await t.throwsAsync(second.get(record), { instanceOf: ClientClosedError })
  await first.close()
})

test('batches, queries and info requests take the defaults too', async (t) => {
  const set = freshSet()
  const own = client().with({ defaults: { batch: { integers: 'bigint' }, query: { integers: 'bigint' } } })
  await client().put(['test', set, 1], { n: 1 })
  const [row] = await own.batchRead([['test', set, 1]])
  t.deepEqual(row?.record?.bins, { n: 1n })
  const [found] = await own.query('test', set).results()
  t.deepEqual(found?.bins, { n: 1n })
  t.true((await own.infoAll('build')).size > 0)
})

faultTest('events come to the listeners of all of them', async (t) => {
  const first = await another({ tendInterval: 50 })
  const second = first.with({})
  const seen: string[] = []
  first.on('nodeRemoved', () => seen.push('first'))
  second.on('nodeRemoved', () => seen.push('second'))
  await local().stopNode(2)
  for (let i = 0; i < 200 && seen.length < 2; i++) await sleep(50)
  await local().startNode(2)
  await first.close()
  t.deepEqual(seen.sort(), ['first', 'second'])
})

for (const [options, message] of [
  [{ hosts: 'a' }, "with: option 'hosts' is of the connections, which are shared"],
  [{ default: {} }, "with: there is no option 'default'; did you mean 'defaults'?"],
  [{ defaults: { reads: {} } }, "with: there is no group 'reads' of defaults; did you mean 'read'?"],
  [
    { defaults: { read: { totalTimout: 1 } } },
    "with: defaults.read: there is no option 'totalTimout'; did you mean 'totalTimeout'?",
  ],
  [{ coalesceReads: 1 }, "with: option 'coalesceReads' must be true or false, not 1"],
  [null, 'with: options must be a plain object, not null'],
] as const) {
  test(`refused: ${message}`, (t) => {
    t.throws(() => fakeClient().client.with(options as object), { instanceOf: InvalidArgumentError, message })
  })
}
