// The snippets of the batch guide of the newest clients, in the form they have here, with the results that the guide states.
import { readFile } from 'node:fs/promises'
import { dataSet, ErrorStrategy, RecordNotFoundError } from 'aerospike-napi'
import test from 'ava'
import { another, client, freshSet } from './support/cluster.mjs'

interface User {
  name: string
  email: string
  age: number
  score: number
  status: string
  balance: number
  lastSeen: number
}

const fresh = () => dataSet<Partial<User>>('test', freshSet())

/** A set with three users, as the guide has them. */
async function three() {
  const users = fresh()
  await client()
    .session()
    .insert(users)
    .bins('name', 'email')
    .id('user-1')
    .values('Alice', 'alice@example.com')
    .id('user-2')
    .values('Bob', 'bob@example.com')
    .id('user-3')
    .values('Carol', 'carol@example.com')
    .execute()
  return { users, session: client().session() }
}

test('batch read: records in the order of their ids', async (t) => {
  const { users, session } = await three()
  const records = await session.query(users.ids('user-1', 'user-2', 'user-3')).records()
  t.deepEqual(
    records.map(({ bins }) => bins.name),
    ['Alice', 'Bob', 'Carol'],
  )
  const [first, second] = records
  t.deepEqual([first?.key[2], second?.key[2]], ['user-1', 'user-2'])
})

test('batch write: rows of named bins become records', async (t) => {
  const { users, session } = await three()
  const map = await session.query(users.ids('user-1', 'user-2', 'user-3')).toMap()
  t.deepEqual([...map.keys()], ['user-1', 'user-2', 'user-3'])
  t.deepEqual(map.get('user-2')?.bins, { name: 'Bob', email: 'bob@example.com' })
})

test('batch upsert: several steps with operations, as one batch', async (t) => {
  const { users, session } = await three()
  await session
    .upsert(users.ids('user-1', 'user-2'))
    .bin('status')
    .setTo('active')
    .bin('balance')
    .add(500)
    .upsert(users.id('user-3'))
    .bin('status')
    .setTo('inactive')
    .execute()
  const records = await session
    .query(users.ids('user-1', 'user-2', 'user-3'))
    .bins('status', 'balance')
    .records()
  t.deepEqual(
    records.map(({ bins }) => bins as object),
    [{ status: 'active', balance: 500 }, { status: 'active', balance: 500 }, { status: 'inactive' }],
  )
})

test('batch delete: each row says whether there was a record', async (t) => {
  const { users, session } = await three()
  const stream = await session.delete(users.ids('user-1', 'nobody', 'user-3')).execute()
  t.deepEqual(
    [...stream].map((row) => row.asBoolean()),
    [true, false, true],
  )
  t.deepEqual(await stream.failures(), [])
})

test('mixed batch: results in the order of the chain, each with its key and index', async (t) => {
  const { users, session } = await three()
  const stream = await session
    .query(users.ids('user-1', 'user-2'))
    .upsert(users.id('user-3'))
    .bin('status')
    .setTo('active')
    .delete(users.id('user-4'))
    .execute()
  t.deepEqual(
    [...stream].map(({ index, key, isOk }) => [index, key[2], isOk]),
    [
      [0, 'user-1', true],
      [1, 'user-2', true],
      [2, 'user-3', true],
      [3, 'user-4', false],
    ],
  )
  t.is(stream.at(0)?.recordOrThrow().bins.name, 'Alice')
  t.is(stream.at(2)?.message, 'ok')
  t.is(stream.at(3)?.message, 'record not found')
})

test('batch with selected bins', async (t) => {
  const { users, session } = await three()
  await session.update(users.id('user-1')).put({ age: 5 }).execute()
  const records = await session
    .query(users.ids('user-1', 'user-2', 'user-3'))
    .bins('name', 'email')
    .records()
  t.deepEqual(records[0]?.bins, { name: 'Alice', email: 'alice@example.com' })
})

test('partial failures are rows, and a read leaves missing keys out', async (t) => {
  const { users, session } = await three()
  const stream = await session
    .update(users.ids('user-1', 'nonexistent', 'user-3'))
    .bin('lastSeen')
    .setTo(Date.now())
    .execute(ErrorStrategy.IN_STREAM)
  t.deepEqual(
    [...stream].map((row) => [row.key[2], row.isOk]),
    [
      ['user-1', true],
      ['nonexistent', false],
      ['user-3', true],
    ],
  )
  t.true(stream.at(1)?.error instanceof RecordNotFoundError)
  const found = await session.query(users.ids('user-1', 'nonexistent', 'user-3')).execute()
  t.deepEqual(
    [...found].map(({ index, key }) => [index, key[2]]),
    [
      [0, 'user-1'],
      [2, 'user-3'],
    ],
  )
})

test('dynamic batch building: rows in a loop', async (t) => {
  const users = fresh()
  const session = client().session()
  const rows = session.upsert(users).bins('name', 'score').id('user-1').values('User 1', 10)
  for (let id = 2; id <= 50; id++) rows.id(`user-${id}`).values(`User ${id}`, id * 10)
  const written = await rows.execute()
  t.is(written.length, 50)
  const read = await session.query(users.ids('user-1', 'user-50')).records()
  t.deepEqual(
    read.map(({ bins }) => bins as object),
    [
      { name: 'User 1', score: 10 },
      { name: 'User 50', score: 500 },
    ],
  )
})

test('the complete example', async (t) => {
  await using own = await another()
  const session = own.session()
  const users = fresh()
  const [key1, key2, key3] = ['batch-example-1', 'batch-example-2', 'batch-example-3'] as const
  await session.delete(users.ids(key1, key2, key3)).execute()
  await session
    .insert(users)
    .bins('name', 'age')
    .id(key1)
    .values('Alice', 28)
    .id(key2)
    .values('Bob', 35)
    .id(key3)
    .values('Carol', 22)
    .execute()
  const names: unknown[] = []
  for await (const { bins } of session.query(users.ids(key1, key2, key3))) names.push(bins.name)
  t.deepEqual(names, ['Alice', 'Bob', 'Carol'])
  await session
    .upsert(users.id(key1), users.id(key2))
    .bin('status')
    .setTo('active')
    .upsert(users.id(key3))
    .bin('status')
    .setTo('inactive')
    .execute()
  const status = await session
    .query(users.ids(key1, key2, key3))
    .bins('status')
    .records()
  t.deepEqual(
    status.map(({ bins }) => bins.status),
    ['active', 'active', 'inactive'],
  )
  await session.delete(users.ids(key1, key2, key3)).execute()
  t.deepEqual(await session.query(users.ids(key1, key2, key3)).records(), [])
})

test('no snippet of docs/session.md has more lines than the guide has in Java', async (t) => {
  const page = await readFile(new URL('../../docs/session.md', import.meta.url), 'utf8')
  const snippets = [...page.matchAll(/^### .*\(Java (\d+), Python (\d+)\)\n\n```ts\n([\s\S]*?)```/gm)]
  t.is(snippets.length, 9)
  for (const [heading, java, python, code = ''] of snippets) {
    const lines = code.split('\n').filter((line) => line.trim() !== '').length
    t.true(lines <= Number(java) && lines <= Number(python), `${lines} lines: ${heading?.split('\n')[0]}`)
  }
})
