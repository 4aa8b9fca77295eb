// What the compiler must accept, infer and refuse. Compiled with the tests; never run.
import {
  type AerospikeError,
  type BatchRecords,
  type BatchRow,
  type Bins,
  type Client,
  type ConnectOptions,
  connect,
  Double,
  type ExistsResult,
  exp,
  type Key,
  type MaybeRecord,
  type Meta,
  type MixedRow,
  type Node,
  op,
  type Record,
  type UnprocessedRow,
  type UserKey,
  type Value,
  type WriteRow,
} from 'aerospike-napi'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function exactly<_T extends true>(): void {}

interface Address {
  city: string
  zip?: string
}
interface User {
  name: string
  age: number
  address: Address
  tags: string[]
}

declare const client: Client
declare const key: Key
declare const user: User

async function records() {
  const record = await client.get<User>(key)
  exactly<Same<typeof record, Record<User>>>()
  const [k, meta, bins] = record
  exactly<Same<typeof k, Key>>()
  exactly<Same<typeof meta, Meta>>()
  exactly<Same<typeof bins, User>>()
  exactly<Same<typeof record.bins.name, string>>()
  exactly<Same<typeof record.length, 3>>()
  const [, , { age }] = await client.get<User>(['test', 'demo', 1])
  exactly<Same<typeof age, number>>()
  // @ts-expect-error no such bin
  record.bins.nope
  // @ts-expect-error records are not changed
  record.meta = meta

  const untyped = await client.get(key)
  exactly<Same<typeof untyped.bins, Bins>>()
  exactly<Same<(typeof untyped.bins)['x'], Value>>()

  const [existsKey, seen] = await client.exists(key)
  exactly<Same<typeof existsKey, Key>>()
  exactly<Same<typeof seen, Meta | null>>()
  const there: ExistsResult = await client.exists(key)
  // @ts-expect-error meta may be null
  there.meta.gen

  const partial = await client.select<User>(key, ['name'])
  exactly<Same<typeof partial.bins, Partial<User>>>()
  const exact = await client.select<User, 'name' | 'age'>(key, ['name', 'age'])
  exactly<Same<typeof exact.bins, Pick<User, 'name' | 'age'>>>()
  const loose = await client.select(key, ['anything'])
  exactly<Same<typeof loose.bins, Bins>>()
  // @ts-expect-error not a bin of User
  await client.select<User>(key, ['nme'])
  interface Nested {
    name: string
    profile: { address: { city: string; zip: number }; tags: string[] }
    'a.b': number
  }
  const parts = await client.select<Nested, 'name' | 'profile.address.city' | 'profile.tags[0]'>(key, [
    'name',
    'profile.address.city',
    'profile.tags[0]',
  ])
  exactly<Same<typeof parts.bins.name, string>>()
  const profile = parts.bins.profile
  if (profile !== undefined) {
    const city: string | undefined = profile.address?.city
    const tag: string | undefined = profile.tags?.[0]
    // @ts-expect-error it may be absent
    profile.address.city
    void [city, tag]
  }
  // @ts-expect-error not read
  parts.bins['a.b']
  // A name with a dot is a path: its bin is not there.
  const dotted = await client.select<Nested, 'a.b'>(key, ['a.b'])
  // @ts-expect-error not read
  dotted.bins['a.b']
  const any = await client.select<Nested>(key, ['profile.address'])
  exactly<Same<typeof any.bins.name, string | undefined>>()
  // @ts-expect-error not a bin of Nested
  await client.select<Nested>(key, ['profil.address'])

  const operated = await client.operate<{ visits: number }>(key, [op.increment('visits'), op.read('visits')])
  exactly<Same<typeof operated.bins.visits, number>>()
  const ordered = await client.operateOrdered(key, [op.read('a')])
  for (const [bin, value] of ordered.bins) {
    exactly<Same<typeof bin, string>>()
    exactly<Same<typeof value, unknown>>()
  }
}

async function bigints() {
  const { bins } = await client.get<User>(key, { integers: 'bigint' })
  exactly<Same<typeof bins.age, number | bigint>>()
  exactly<Same<typeof bins.name, string>>()
  exactly<Same<typeof bins.tags, string[]>>()
  const untyped = await client.get(key, { integers: 'bigint' })
  exactly<Same<typeof untyped.bins, Bins>>()
  const exact = await client.get<{ id: bigint; score: Double; deep: { n: number }[] }>(key, { integers: 'bigint' })
  exactly<Same<typeof exact.bins.id, bigint>>()
  exactly<Same<typeof exact.bins.score, Double>>()
  exactly<Same<(typeof exact.bins.deep)[0]['n'], number | bigint>>()
  const one = await client.select<User, 'age'>(key, ['age'], { integers: 'bigint' })
  exactly<Same<typeof one.bins.age, number | bigint>>()
  const found = await client.find<User>(key, { integers: 'auto' })
  exactly<Same<typeof found, Record<User> | null>>()

  const big = await connect({ hosts: 'h', defaults: { read: { integers: 'bigint' }, batch: { integers: 'bigint' } } })
  exactly<Same<typeof big, Client<'bigint'>>>()
  const record = await big.get<User>(key)
  exactly<Same<typeof record.bins.age, number | bigint>>()
  const batch = await big.batchRead<User>([key])
  exactly<Same<(typeof batch.found)[0]['record']['bins']['age'], number | bigint>>()
  for await (const { bins: scanned } of big.scan<User>('test', 'users')) {
    exactly<Same<typeof scanned.age, number | bigint>>()
  }
  await big.transaction(async (tx) => {
    const inside = await tx.get<User>(key)
    exactly<Same<typeof inside.bins.age, number | bigint>>()
  })
  const plain = await connect('h')
  exactly<Same<typeof plain, Client>>()
  const withDefaults = await connect({ hosts: 'h', defaults: { read: { totalTimeout: 5 } } })
  exactly<Same<typeof withDefaults, Client>>()
  const options: ConnectOptions = { hosts: 'h' }
  const unknown = await connect(options)
  exactly<Same<typeof unknown, Client>>()
  const derived = plain.with({ defaults: { read: { integers: 'bigint' } } })
  exactly<Same<typeof derived, Client<'bigint'>>>()
  const kept = derived.with({ coalesceReads: true })
  exactly<Same<typeof kept, Client<'bigint'>>>()
  // @ts-expect-error not a way to read integers
  await connect({ hosts: 'h', defaults: { read: { integers: 'big' } } })
  // @ts-expect-error a misspelt default
  await connect({ hosts: 'h', defaults: { read: { totalTimout: 5 } } })
  // @ts-expect-error a misspelt option
  await connect({ host: 'h' })
}

async function names(list: Key[]) {
  await client.get<User>(key, { bins: ['name', 'address.city'] })
  // @ts-expect-error no such bin
  await client.get<User>(key, { bins: ['nme'] })
  // @ts-expect-error no such bin
  await client.find<User>(key, { bins: ['name', 'adress.city'] })
  const loose = await client.get(key, { bins: ['anything'] })
  exactly<Same<typeof loose.bins, Bins>>()
  await client.batchRead<User>([key, { key, bins: ['name', 'tags[0]'] }], { bins: ['age'] })
  // @ts-expect-error no such bin
  await client.batchRead<User>(list, { bins: ['nme'] })
  // @ts-expect-error no such bin
  await client.batchRead<User>([{ key, bins: ['nme'] }])
  const chosen = await client.batchRead<User, 'name' | 'address.city'>(list, { bins: ['name', 'address.city'] })
  const row = chosen.found[0]
  if (row !== undefined) {
    exactly<Same<typeof row.record.bins.name, string>>()
    // @ts-expect-error not read
    row.record.bins.age
  }
  // @ts-expect-error no such bin
  await client.getMany<User>(list, { bins: ['nme'] })
  await client.getMany(list, { bins: ['anything'] })
  const dollar = await client.select<User, '$.name' | '$.address.city'>(key, ['$.name', '$.address.city'])
  exactly<Same<typeof dollar.bins.name, string>>()
}

async function keys() {
  await client.get(['test', 'demo', 'x'] as const)
  await client.get(['test', null, 5n])
  await client.get(['test', 'demo', null, Buffer.alloc(20)])
  // @ts-expect-error two parts
  await client.get(['test', 'demo'])
  // @ts-expect-error a boolean is no user key
  await client.get(['test', 'demo', true])
  // @ts-expect-error a digest is needed
  await client.get(['test', 'demo', null])
}

async function writes() {
  const meta = await client.put(key, user)
  exactly<Same<typeof meta, Meta>>()
  await client.put<User>(key, user, { ttl: 300 })
  await client.put(key, {
    a: 1,
    b: 2n,
    c: 'x',
    d: null,
    e: Buffer.of(1),
    f: new Double(1),
    g: [1, ['x']],
    h: { i: new Map([[1, 'x']]) },
  })
  await client.put(key, { when: 'never' }, { ttl: 'never', exists: 'create', generation: 1, generationMode: 'greater' })
  // @ts-expect-error a Date cannot be stored
  await client.put(key, { when: new Date() })
  // @ts-expect-error a Set cannot be stored
  await client.put(key, { deep: { inside: [new Set([1])] } })
  // @ts-expect-error a function cannot be stored
  await client.put(key, { f: () => 1 })
  // @ts-expect-error a symbol cannot be stored
  await client.put(key, { s: Symbol('x') })
  // @ts-expect-error undefined cannot be stored
  await client.put(key, { u: undefined })
  // @ts-expect-error a misspelt option
  await client.put(key, { a: 1 }, { tttl: 5 })
  // @ts-expect-error a misspelt value
  await client.put(key, { a: 1 }, { exists: 'crate' })
  // @ts-expect-error an option of reads
  await client.put(key, { a: 1 }, { readModeAP: 'one' })
  // @ts-expect-error removing has no TTL
  await client.remove(key, { ttl: 5 })
  // @ts-expect-error text cannot be added to a number
  op.increment('n', 'x')
  // @ts-expect-error a Date cannot be stored
  op.write('d', new Date())
}

async function batches(list: Key[]) {
  const batch = await client.batchRead<User>(list, { bins: ['name'] })
  exactly<Same<typeof batch, BatchRecords<User, UnprocessedRow<'read'>>>>()
  const anyKind: BatchRecords<User> = batch
  await client.batch(anyKind.unprocessed)
  for (const { key: k, record, result, error } of batch) {
    exactly<Same<typeof k, Key>>()
    exactly<Same<typeof record, Record<User> | null>>()
    exactly<Same<typeof result, 'ok' | 'notFound' | 'filtered' | 'error' | 'unprocessed'>>()
    if (error !== null) error.code
  }
  for (const row of batch) {
    if (row.result === 'ok') {
      const [, , { name }] = row.record
      exactly<Same<typeof name, string>>()
      exactly<Same<typeof row.error, null>>()
    } else exactly<Same<typeof row.record, null>>()
  }
  const first = batch.at(0)
  exactly<Same<typeof first, BatchRow<User> | undefined>>()
  const map = batch.toMap()
  exactly<Same<typeof map, Map<UserKey, Record<User>>>>()
  exactly<Same<(typeof batch.found)[0]['record'], Record<User>>>()
  await client.batchRead(batch.unprocessed)
  await client.batch(batch.unprocessed.slice(1))
  const written = await client.batchWrite([{ key, bins: user }])
  await client.batchWrite(written.unprocessed.filter((row) => row.origin > 0).map((row) => ({ ...row })))
  exactly<Same<(typeof written.failed)[0]['error'], AerospikeError>>()
  // @ts-expect-error rows that write are not read
  await client.batchRead(written.unprocessed)
  await client.batchRemove((await client.batchRemove(list)).unprocessed)
  await client.batchOperate((await client.batchOperate(list, [op.touch()])).unprocessed)
  await client.batch((await client.batchApply(list, 'm', 'f')).unprocessed)
  await client.batchApply((await client.batchApply(list, 'm', 'f')).unprocessed, 'm', 'f')
  await client.batchRead([list[0] as Key, { key, bins: ['a'] }, { key, ops: [op.read('b')] }])
  await client.batchWrite([{ key, bins: user, ttl: 5 }])
  await client.batchWrite([{ key, ops: [op.touch()] }])
  // @ts-expect-error neither bins nor ops
  await client.batchWrite([{ key }])
  // @ts-expect-error a Date cannot be stored
  await client.batchWrite([{ key, bins: { when: new Date() } }])
  await client.batch([key, { type: 'write', key, bins: user }, { type: 'write', key, bins: { a: 1, b: [new Map()] } }])
  // @ts-expect-error a Date cannot be stored
  await client.batch([{ type: 'write', key, bins: { when: new Date() } }])
  // @ts-expect-error a Date cannot be stored, and be it deep inside
  await client.batch([key, { type: 'write', key, bins: { a: [{ b: new Date() }] } }])
  const rows: WriteRow<User>[] = [{ key, bins: user }]
  await client.batchWrite(rows)
  const mixed: MixedRow[] = [{ type: 'write', key, bins: user }]
  await client.batch<User>(mixed)
  // @ts-expect-error a Date cannot be stored
  client.batchStream([{ type: 'write', key, bins: { when: new Date() } }])
  const many = await client.getMany<User>(list)
  exactly<Same<typeof many, MaybeRecord<User>[]>>()
  const names = await client.selectMany<User, 'name'>(list, ['name'])
  exactly<Same<typeof names, MaybeRecord<Pick<User, 'name'>>[]>>()
}

async function functions(list: Key[]) {
  const total = await client.apply<number>(key, 'counters', 'add', ['n', 1], { ttl: 60 })
  exactly<Same<typeof total, number>>()
  const untyped = await client.apply(key, 'counters', 'add')
  exactly<Same<typeof untyped, Value>>()
  // @ts-expect-error a function judges itself what is there
  await client.apply(key, 'counters', 'add', [], { exists: 'create' })
  // @ts-expect-error a Date is no value
  await client.apply(key, 'counters', 'add', [new Date()])
  const batch = await client.batchApply<string>([...list, { key, args: [1], ttl: 5 }], 'counters', 'add')
  const returned = batch.at(0)?.record?.bins.SUCCESS
  exactly<Same<typeof returned, string | undefined>>()
  await client.batch([{ type: 'apply', key, module: 'counters', function: 'add', args: [1] }])
  // @ts-expect-error no function
  await client.batch([{ type: 'apply', key, module: 'counters' }])
}

async function cluster() {
  await client.createIndex({ namespace: 'test', bin: 'a', name: 'a', type: 'numeric', collection: 'mapKeys' })
  await client.createIndex({ namespace: 'test', expression: exp.bin.int('a'), name: 'a', type: 'numeric' })
  // @ts-expect-error of a bin or of an expression
  await client.createIndex({ namespace: 'test', name: 'a', type: 'numeric' })
  // @ts-expect-error no such type
  await client.createIndex({ namespace: 'test', bin: 'a', name: 'a', type: 'integer' })
  // @ts-expect-error milliseconds would be a thousandfold mistake
  await client.truncate('test', 'a', { before: Date.now() })
  client.on('nodeAdded', (node) => exactly<Same<typeof node, Node>>()).once('disconnected', () => {})
  // @ts-expect-error no such event
  client.on('nodeadded', () => {})
  const info = await client.infoAll('build')
  exactly<Same<typeof info, Map<string, string>>>()
}

export { batches, bigints, cluster, functions, keys, names, records, writes }
