// Typed sets: codecs, schemas of three libraries, keys of objects.
import { fileURLToPath } from 'node:url'
import { type Bins, type Codec, codecs, dataSet, ErrorStrategy, InvalidArgumentError } from 'aerospike-napi'
import { type } from 'arktype'
import test from 'ava'
import ts from 'typescript'
import * as v from 'valibot'
import { z } from 'zod'
import { client, freshSet } from './support/cluster.mjs'

const session = () => client().session()

interface Person {
  name: string
  born: Date
  seen?: Date
  roles: Set<string>
  draft: { title: string; parts: (number | null)[] }
  visits: Map<number, string>
  total: bigint
}

const people = () =>
  dataSet<Person>('test', freshSet(), {
    codecs: {
      born: codecs.date,
      seen: codecs.isoDate,
      roles: codecs.set(),
      draft: codecs.json(),
      visits: codecs.map(),
      total: codecs.bigint,
    },
    id: 'name',
  })

const alice: Person = {
  name: 'Alice',
  born: new Date('1990-05-17T00:00:00Z'),
  seen: new Date('2026-01-01T12:00:00.5Z'),
  roles: new Set(['admin', 'author']),
  draft: { title: 'x', parts: [1, null] },
  visits: new Map([[1, 'a']]),
  total: 5n,
}

test('codecs translate both ways: whole records, single bins, batches and queries', async (t) => {
  const set = people()
  await session().insert(set).put(alice).execute()
  const stored = await client().get<Bins>(set.id('Alice'))
  t.is(stored.bins.born, alice.born.getTime())
  t.is(stored.bins.seen, '2026-01-01T12:00:00.500Z')
  t.deepEqual(stored.bins.roles, ['admin', 'author'])
  t.is(stored.bins.draft, JSON.stringify(alice.draft))
  t.deepEqual((await session().query(set.id('Alice')).firstOrThrow()).bins, alice)
  t.deepEqual((await session().query(set.ids('Alice', 'nobody')).records())[0]?.bins, alice)
  t.deepEqual((await session().query(set).records())[0]?.bins, alice)
  t.deepEqual((await session().query(set).page(10)).records[0]?.bins, alice)
  const born = new Date('2000-01-01T00:00:00Z')
  t.deepEqual(await session().update(set.id('Alice')).bin('born').setTo(born).bin('born').get(), born)
  const some = await session().query(set.id('Alice')).bins('born', 'roles').firstOrThrow()
  t.deepEqual(some.bins, { born, roles: alice.roles })
  await session().upsert(set).bins('born', 'seen').id('Bob').values(born, null).execute()
  const bob = await session().query(set.ids('Bob')).bin('born').get().execute()
  t.deepEqual(bob.at(0)?.record?.bins, { born })
  t.deepEqual(bob.at(0)?.record?.bins, { born })
})

test('a value that its codec does not take is refused with the name of the bin', async (t) => {
  const set = people()
  for (const wrong of [{ born: new Date('nonsense') }, { born: 5 }, { roles: [] }, { draft: undefined, visits: {} }]) {
    await t.throwsAsync(
      session()
        .upsert(set.id(1))
        .put(wrong as never)
        .execute(),
      { instanceOf: InvalidArgumentError, message: /bins\.(born|roles|visits): its codec failed/ },
    )
  }
  const failing: Codec<string> = {
    encode: () => {
      throw new Error('not today')
    },
    decode: String,
  }
  const moody = dataSet<{ a: string }>('test', freshSet(), { codecs: { a: failing } })
  await t.throwsAsync(session().upsert(moody.id(1)).bin('a').setTo('x').execute(), { message: /bins\.a.*not today/ })
  t.throws(() => dataSet('test', 'x', { codecs: { a: {} as never } }), { instanceOf: InvalidArgumentError })
})

const zodUsers = () =>
  dataSet('test', freshSet(), {
    schema: z.object({ name: z.string(), age: z.number().int().min(0), email: z.email().optional() }),
    id: 'name',
  })
const valibotUsers = () =>
  dataSet('test', freshSet(), {
    schema: v.object({ name: v.string(), age: v.pipe(v.number(), v.minValue(0)), email: v.optional(v.string()) }),
    id: 'name',
  })
const arkUsers = () =>
  dataSet('test', freshSet(), { schema: type({ name: 'string', age: 'number>=0', 'email?': 'string' }), id: 'name' })

for (const [library, make] of Object.entries({ zod: zodUsers, valibot: valibotUsers, arktype: arkUsers })) {
  test(`${library}: what is written is validated before anything is sent`, async (t) => {
    const users = (make as typeof zodUsers)()
    await session().insert(users).put({ name: 'Alice', age: 28 }, { name: 'Bob', age: 35 }).execute()
    const { bins } = await session().query(users.id('Alice')).firstOrThrow()
    t.deepEqual({ name: bins.name, age: bins.age }, { name: 'Alice', age: 28 })
    const refused = async (chain: { execute(): Promise<unknown> }) =>
      t.throwsAsync(chain.execute(), { instanceOf: InvalidArgumentError, message: /the schema does not allow this/ })
    t.regex(String((await refused(session().insert(users).put({ name: 'Eve', age: -1 })))?.message), /age/)
    await refused(
      session()
        .insert(users.id('Eve'))
        .put({ name: 'Eve' } as never),
    )
    await refused(
      session()
        .upsert(users.id('Alice'))
        .put({ age: 'x' as never }),
    )
    await refused(session().update(users.id('Alice')).bin('age').setTo(-5))
    await refused(session().upsert(users).bins('age').id('Alice').values(-5))
    // Bins that are not written are not missed.
    await session().update(users.id('Alice')).put({ age: 29 }).execute()
    await session().update(users.id('Alice')).bin('age').add(1).bin('name').setTo('A').execute()
    t.is((await session().query(users.id('Alice')).firstOrThrow()).bins.age, 30)
    t.is((await session().query(users).records()).length, 2)
  })
}

test('reads are validated when they ask for it: what the schema does not allow is a failure', async (t) => {
  const users = zodUsers()
  await session().insert(users).put({ name: 'Alice', age: 28 }).execute()
  await client().put(users.id('Eve'), { name: 'Eve', age: 'old' })
  t.is((await session().query(users.ids('Alice', 'Eve')).records()).length, 2)
  const rows = await session().query(users.ids('Alice', 'Eve')).validated().execute()
  t.deepEqual(
    [...rows].map(({ isOk }) => isOk),
    [true, false],
  )
  t.regex(String(rows.at(1)?.message), /age/)
  await t.throwsAsync(session().query(users.id('Eve')).validated().execute(), { instanceOf: InvalidArgumentError })
  const seen: unknown[] = []
  const stream = await session()
    .query(users)
    .validated()
    .execute((key) => seen.push(key[0]))
  t.is((await stream.collect()).length, 1)
  t.is(seen.length, 1)
  await t.throwsAsync((await session().query(users).validated().execute(ErrorStrategy.THROW)).collect(), {
    instanceOf: InvalidArgumentError,
  })
  await t.throwsAsync(session().query(dataSet('test', 'x').id(1)).validated().execute(), { message: /has no schema/ })
})

test('defaults and transforms of a schema are what is stored of a whole record', async (t) => {
  const users = dataSet('test', freshSet(), {
    schema: z.object({ name: z.string().transform((name) => name.trim()), level: z.number().default(1) }),
  })
  await session()
    .insert(users.id(1))
    .put({ name: ' Alice ' } as never)
    .execute()
  t.deepEqual((await client().get(users.id(1))).bins, { name: 'Alice', level: 1 })
})

test('the key of an object', async (t) => {
  const byFunction = dataSet<{ a: string; b: number }>('test', 'x', { id: ({ a, b }) => `${a}:${b}` })
  t.deepEqual(byFunction.keyOf({ a: 'x', b: 1 }) as readonly unknown[], ['test', 'x', 'x:1'])
  const byName = dataSet<{ a: string }>('test', 'x', { id: 'a' })
  t.is(byName.keyOf({ a: 'k' })[2], 'k')
  t.throws(() => dataSet<{ a: string }>('test', 'x').keyOf({ a: 'k' }), { instanceOf: InvalidArgumentError })
  t.throws(() => dataSet('test', 'x', { id: 5 as never }), { instanceOf: InvalidArgumentError })
  t.throws(() => dataSet('test', 'x', { schema: {} as never }), { instanceOf: InvalidArgumentError })
  t.throws(() => dataSet(5 as never, 'x'), { instanceOf: InvalidArgumentError })
})

test('nothing that an editor shows of a typed program is any', (t) => {
  const folder = new URL('../', import.meta.url)
  const path = (name: string) => fileURLToPath(new URL(name, folder))
  const onUnRecoverableConfigFileDiagnostic = ({ messageText }: ts.Diagnostic) => t.fail(String(messageText))
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic }
  const config = ts.getParsedCommandLineOfConfigFile(path('tsconfig.json'), {}, host)
  const program = ts.createProgram([path('types/session.mts')], config?.options ?? {})
  const checker = program.getTypeChecker()
  let shown = 0
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) return
    const isName = ts.isIdentifier(node) && checker.getSymbolAtLocation(node) !== undefined
    if (isName) {
      shown++
      const type = checker.typeToString(checker.getTypeAtLocation(node), undefined, ts.TypeFormatFlags.NoTruncation)
      if (/\bany\b/.test(type.replace(/"[^"]*"/g, ''))) t.fail(`${node.text} is ${type}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(program.getSourceFile(path('types/session.mts')) as ts.SourceFile)
  t.true(shown > 500)
})
