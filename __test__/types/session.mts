// What the compiler must accept, infer and refuse of sessions and typed sets. Compiled with the tests; never run.
import {
  type Bins,
  type Client,
  type Codec,
  codecs,
  type DataSet,
  dataSet,
  type Exp,
  exp,
  type Key,
  type OperationResults,
  type Record,
  type RecordResult,
  type RecordResults,
  type RecordStream,
  type Value,
} from 'aerospike-napi'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function exactly<_T extends true>(): void {}

interface User {
  name: string
  age: number
  email?: string
  active: boolean
  tags: string[]
  scores: { [game: string]: number }
  profile: { address: { city: string; zip: number }; visits: number[] }
}

declare const client: Client
declare const key: Key
const session = client.session()
const users = dataSet<User>('test', 'users')

async function reads() {
  const many = await session.query(users.ids('a', 'b')).execute()
  exactly<Same<typeof many, RecordResults<User>>>()
  for (const row of many) exactly<Same<typeof row, RecordResult<User>>>()
  for await (const row of many) exactly<Same<typeof row.record, Record<User> | null>>()
  const one = await session.query(users.id('a')).firstOrThrow()
  exactly<Same<typeof one, Record<User>>>()
  const some = await session.query(users.ids('a')).bins('name', 'age').records()
  exactly<Same<typeof some, Record<Pick<User, 'name' | 'age'>>[]>>()
  const parts = await session.query(users.ids('a')).bins('profile.address.city').records()
  parts[0]?.bins.profile?.address?.city
  // @ts-expect-error not a bin of User
  session.query(users.ids('a')).bins('nme')
  const untyped = await session.query(key).firstOrThrow()
  exactly<Same<typeof untyped.bins, Bins>>()
  for await (const { bins } of session.query(users).where`$.age >= ${18}`.limit(100)) exactly<Same<typeof bins, User>>()
  const names = await session.query(users).bins('name').records()
  exactly<Same<typeof names, Record<Pick<User, 'name'>>[]>>()
  const stream = await session.query(users).execute()
  exactly<Same<typeof stream, RecordStream<User>>>()
}

async function writes() {
  await session.insert(users).bins('name', 'age').id('a').values('Alice', 28).id('b').values('Bob', 35).execute()
  // @ts-expect-error values in the order of the bins
  session.insert(users).bins('name', 'age').id('a').values(28, 'Alice')
  // @ts-expect-error a value too few
  session.insert(users).bins('name', 'age').id('a').values('Alice')
  // @ts-expect-error not a bin of User
  session.insert(users).bins('nme')
  session
    .upsert(users.id('a'))
    .bin('age')
    .add(1)
    .bin('name')
    .append('x')
    .bin('email')
    .setTo('a@b')
    .bin('email')
    .remove()
  session.upsert(users.id('a')).put({ age: 1 })
  // @ts-expect-error an insert has all bins that a user has
  session.insert(users.id('a')).put({ name: 'Alice', age: 28 })
  // @ts-expect-error not a bin of User
  session.upsert(users.id('a')).bin('agee')
  // @ts-expect-error text is no number
  session.upsert(users.id('a')).bin('age').setTo('x')
  // @ts-expect-error nothing is added to text
  session.upsert(users.id('a')).bin('name').add(1)
  // @ts-expect-error nothing is appended to a number
  session.upsert(users.id('a')).bin('age').append('x')
  // @ts-expect-error a list of texts
  session.upsert(users.id('a')).bin('tags').list.append(1)
  // @ts-expect-error text is no list
  session.upsert(users.id('a')).bin('name').list
  // @ts-expect-error a read does not write
  session.query(users.id('a')).bin('tags').list.append('x')
  session
    .upsert(users.id('a'))
    .bin('age')
    .setTo(exp.add(exp.bin.int('age'), 1))
  // @ts-expect-error an expression of another type
  session.upsert(users.id('a')).bin('age').setTo(exp.bin.string('name'))
  // @ts-expect-error a condition is true or false
  session.update(users.id('a')).where(exp.bin.int('age'))
  session
    .update(users.id('a'))
    .where(exp.ge(exp.bin.int('age'), 18))
    .bin('active')
    .setTo(true)
  session.upsert(key).put({ anything: 1, goes: ['x'] })
  // @ts-expect-error a Date cannot be stored
  session.upsert(key).put({ when: new Date() })
  // @ts-expect-error the name has more than 15 bytes
  session.upsert(key).bin('a_very_long_name').setTo(1)
}

async function answers() {
  const size: number = await session.upsert(users.id('a')).bin('tags').list.append('x')
  const last = await session.query(users.id('a')).bin('tags').list.getByIndex(-1)
  exactly<Same<typeof last, string>>()
  const all = await session.query(users.id('a')).bin('tags').list.getByIndexRange(0, 2)
  exactly<Same<typeof all, string[]>>()
  const count = await session.query(users.id('a')).bin('tags').list.getByValue('x', { return: 'count' })
  exactly<Same<typeof count, number>>()
  const score = await session.query(users.id('a')).bin('scores').onMapKey('chess').getValue()
  exactly<Same<typeof score, number>>()
  const city = await session.query(users.id('a')).bin('profile').onMapKey('address').onMapKey('city').getValue()
  exactly<Same<typeof city, string>>()
  const visits = await session.upsert(users.id('a')).bin('profile').onMapKey('visits').list.append(1)
  exactly<Same<typeof visits, number>>()
  const keys = await session.query(users.id('a')).bin('scores').onMapValueRange(10, null).getKeys()
  exactly<Same<typeof keys, string[]>>()
  const others = await session.update(users.id('a')).bin('tags').onListIndexRange(0, 3).others.remove()
  exactly<Same<typeof others, number>>()
  // @ts-expect-error no such key
  session.query(users.id('a')).bin('profile').onMapKey('adress')
  // @ts-expect-error of several keys there is not one answer
  const none: number = await session.upsert(users.ids('a', 'b')).bin('tags').list.append('x')
  const rows = await session.upsert(users.ids('a', 'b')).bin('tags').list.append('x').bin('age').get().execute()
  const first = rows.at(0)?.record?.bins
  exactly<Same<NonNullable<typeof first>['tags'], number>>()
  exactly<Same<NonNullable<typeof first>['age'], number>>()
  const twice = await session.query(users.id('a')).bin('tags').list.size().bin('tags').get().execute()
  const both = twice.at(0)?.record?.bins.tags
  exactly<Same<typeof both, OperationResults | undefined>>()
  const adult = await session.query(users.id('a')).compute('adult', exp.ge(exp.bin.int('age'), 18))
  exactly<Same<typeof adult, boolean>>()
  const anything = await session.query(key).bin('x').get()
  exactly<Same<typeof anything, Value>>()
  return [size, none]
}

async function chains() {
  const orders = dataSet<{ total: number }>('test', 'orders')
  const mixed = await session
    .query(users.ids('a', 'b'))
    .bins('name')
    .upsert(orders.id('o'))
    .bin('total')
    .add(5)
    .delete(users.id('d'))
    .execute('inStream')
  for (const row of mixed) {
    const name: unknown = row.record?.bins
    void name
  }
  const same = await session.query(users.ids('a')).bins('name').upsert(users.id('b')).bin('age').add(1).execute()
  const name = same.at(0)?.record?.bins.name
  exactly<Same<typeof name, string | undefined>>()
}

function sets() {
  exactly<Same<typeof users, DataSet<User>>>()
  interface Person {
    name: string
    born: Date
    roles: Set<string>
  }
  // @ts-expect-error a Date and a Set need codecs
  dataSet<Person>('test', 'people')
  // @ts-expect-error the Set needs one too
  dataSet<Person>('test', 'people', { codecs: { born: codecs.date } })
  const people = dataSet<Person>('test', 'people', { codecs: { born: codecs.date, roles: codecs.set() } })
  session.upsert(people.id(1)).bin('born').setTo(new Date())
  // @ts-expect-error what is stored is not what is written
  session.upsert(people.id(1)).bin('born').setTo(5)
  // @ts-expect-error a codec for something else
  dataSet<Person>('test', 'people', { codecs: { born: codecs.json<string>(), roles: codecs.set() } })
  const wrong: Codec<string> = { encode: (text) => text, decode: (stored) => String(stored) }
  // @ts-expect-error a codec for something else
  dataSet<Person>('test', 'people', { codecs: { born: wrong, roles: codecs.set() } })
  // @ts-expect-error the name of the bin has more than 15 bytes
  dataSet<{ a_very_long_name: string }>('test', 'x')
  dataSet<{ fifteen_letters: string }>('test', 'x')
  dataSet<User>('test', 'users', { id: 'name' })
  dataSet<User>('test', 'users', { id: (user) => `${user.name}/${user.age}` })
  // @ts-expect-error not a bin of User
  dataSet<User>('test', 'users', { id: 'nme' })
  const plain: Key = users.id('x')
  const list: readonly Key[] = users.ids('x')
  const filter: Exp<'bool'> = exp.bool(true)
  void [plain, list, filter]
}

function schemas() {
  const zod = dataSet('test', 'u', { schema: z.object({ name: z.string(), age: z.number() }) })
  exactly<Same<typeof zod, DataSet<{ name: string; age: number }>>>()
  const valibot = dataSet('test', 'u', { schema: v.object({ name: v.string(), age: v.number() }), id: 'name' })
  exactly<Same<typeof valibot, DataSet<{ name: string; age: number }>>>()
  const ark = dataSet('test', 'u', { schema: type({ name: 'string', age: 'number' }), id: 'name' })
  exactly<Same<typeof ark, DataSet<{ name: string; age: number }>>>()
  session.insert(zod.id(1)).put({ name: 'Ann', age: 41 })
  // @ts-expect-error a field that the schema has is missing
  session.insert(zod.id(1)).put({ name: 'Ann' })
  // @ts-expect-error not what the schema says
  session.upsert(valibot.id(1)).bin('age').setTo('old')
  // @ts-expect-error the schema has a Date, which needs a codec
  dataSet('test', 'u', { schema: z.object({ born: z.date() }) })
  dataSet('test', 'u', { schema: z.object({ born: z.date() }), codecs: { born: codecs.date } })
}

export { answers, chains, reads, schemas, sets, writes }
