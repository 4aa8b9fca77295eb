// Random chains against the same work done by plain calls, on records that begin alike: what is answered and what is stored
// in the end must be the same.
import {
  type BatchRow,
  type Bins,
  dataSet,
  type Key,
  lists,
  type MixedRow,
  maps,
  op,
  type RecordResults,
  type Session,
  type Value,
  where,
} from 'aerospike-napi'
import test from 'ava'
import fc from 'fast-check'
import { client, freshSet } from './support/cluster.mjs'

const IDS = 5

/** One thing done with bins, said in both ways. */
interface Change {
  readonly name: string
  readonly amount: number
}

/** The parts of a builder that the test uses, whatever their types are. */
interface Said {
  bin(name: string): {
    setTo(value: Value): Said
    add(by: number): Said
    append(value: string): Said
    prepend(value: string): Said
    remove(): Said
    get(): Said
    readonly list: { append(value: Value): Said; size(): Said }
    readonly map: { put(key: string, value: Value): Said; getByKey(key: string): Said }
  }
  bins(...names: string[]): Said
  put(object: Bins): Said
  where(condition: ReturnType<typeof where>): Said
  ensureGenerationIs(generation: number): Said
  includeMissingKeys(): Said
  failOnFilteredOut(): Said
  function(module: string, name: string): Said
  passing(...args: Value[]): Said
  execute(): Promise<RecordResults<Bins>>
}
type Verbs = { [verb: string]: (...keys: readonly unknown[]) => Said & Verbs }

const CHANGES = {
  set: (said: Said, { amount }: Change) => said.bin('n').setTo(amount),
  add: (said: Said, { amount }: Change) => said.bin('n').add(amount),
  append: (said: Said, { amount }: Change) => said.bin('s').append(String(amount)),
  prepend: (said: Said, { amount }: Change) => said.bin('s').prepend(String(amount)),
  size: (said: Said) => said.bin('l').list.size(),
  value: (said: Said) => said.bin('m').map.getByKey('k'),
  drop: (said: Said) => said.bin('s').remove(),
  read: (said: Said) => said.bin('n').get(),
  push: (said: Said, { amount }: Change) => said.bin('l').list.append(amount),
  entry: (said: Said, { amount }: Change) => said.bin('m').map.put('k', amount),
} as const

const OPERATIONS: { readonly [name in keyof typeof CHANGES]: (change: Change) => ReturnType<typeof op.read> } = {
  set: ({ amount }) => op.write('n', amount),
  add: ({ amount }) => op.increment('n', amount),
  append: ({ amount }) => op.append('s', String(amount)),
  prepend: ({ amount }) => op.prepend('s', String(amount)),
  size: () => lists.size('l'),
  value: () => maps.getByKey('m', 'k'),
  drop: () => op.write('s', null),
  read: () => op.read('n'),
  push: ({ amount }) => lists.append('l', amount),
  entry: ({ amount }) => maps.put('m', 'k', amount),
}

const BESIDE_REPLACING = new Set<keyof typeof CHANGES>(['set', 'size', 'value', 'read'])

const EXISTS = {
  insert: 'create',
  update: 'update',
  upsert: 'createOrUpdate',
  replace: 'createOrReplace',
  replaceIfExists: 'replace',
} as const
type Writes = keyof typeof EXISTS

const id = fc.integer({ min: 0, max: IDS - 1 })
const change = fc.record({
  name: fc.constantFrom(...(Object.keys(CHANGES) as (keyof typeof CHANGES)[])),
  amount: fc.integer({ min: 0, max: 99 }),
})
const condition = fc.constantFrom(undefined, undefined, 10, 50)
const step = fc.oneof(
  fc
    .record({
      kind: fc.constant('write' as const),
      verb: fc.constantFrom(...(Object.keys(EXISTS) as Writes[])),
      ids: fc.array(id, { minLength: 1, maxLength: 3 }),
      changes: fc.array(change, { minLength: 1, maxLength: 4 }),
      above: condition,
      generation: fc.constantFrom(undefined, undefined, 1, 2),
    })
    // What builds on the bins that are there does not go with replacing them, and is refused before it is sent.
    .filter(
      ({ verb, changes }) => !verb.startsWith('replace') || changes.every(({ name }) => BESIDE_REPLACING.has(name)),
    ),
  fc.record({
    kind: fc.constant('put' as const),
    verb: fc.constantFrom(...(Object.keys(EXISTS) as Writes[])),
    ids: fc.array(id, { minLength: 1, maxLength: 3 }),
    amount: fc.integer({ min: 0, max: 99 }),
    above: condition,
  }),
  fc.record({
    kind: fc.constant('query' as const),
    ids: fc.array(id, { minLength: 1, maxLength: 3 }),
    bins: fc.constantFrom(undefined, ['n'], ['n', 's']),
    above: condition,
    missing: fc.boolean(),
    strict: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('executeUdf' as const),
    ids: fc.array(id, { minLength: 1, maxLength: 3 }),
    amount: fc.integer({ min: 0, max: 99 }),
    above: condition,
  }),
  fc.record({
    kind: fc.constantFrom('exists' as const, 'delete' as const, 'touch' as const),
    ids: fc.array(id, { minLength: 1, maxLength: 3 }),
  }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const filterOf = (above: number | undefined) => (above === undefined ? undefined : where`$.n > ${above}`)

/** A module with the function that steps call. */
const MODULE = 'session_property'

/** One step of a chain, or the beginning of one. */
function sayOne(begin: Verbs, keys: unknown, one: Step): Said & Verbs {
  const verb = 'verb' in one ? one.verb : one.kind
  let said: Said = begin[verb]?.(keys) as Said
  switch (one.kind) {
    case 'write':
      for (const each of one.changes) said = CHANGES[each.name](said, each)
      if (one.generation !== undefined) said = said.ensureGenerationIs(one.generation)
      break
    case 'put':
      said = said.put({ n: one.amount, s: 'put' })
      break
    case 'executeUdf':
      said = said.function(MODULE, 'add').passing('n', one.amount)
      break
    case 'query':
      if (one.bins !== undefined) said = said.bins(...one.bins)
      if (one.missing) said = said.includeMissingKeys()
      if (one.strict) said = said.failOnFilteredOut()
  }
  const filter = 'above' in one ? filterOf(one.above) : undefined
  return (filter === undefined ? said : said.where(filter)) as Said & Verbs
}

/** The chain. */
function say(session: Session, set: string, steps: readonly Step[]): Said {
  const keysOf = dataSet<Bins>('test', set)
  let said = session as unknown as Said & Verbs
  for (const one of steps) said = sayOne(said, keysOf.ids(...one.ids), one)
  return said
}

/** The same as rows of a plain batch. */
function rowsOf(set: string, steps: readonly Step[]): MixedRow[] {
  return steps.flatMap((one) =>
    one.ids.map((user): MixedRow => {
      const key: Key = ['test', set, user]
      const filter = 'above' in one ? filterOf(one.above) : undefined
      const filtered = filter === undefined ? {} : { filter }
      switch (one.kind) {
        case 'write': {
          const ops = one.changes.map((each) => OPERATIONS[each.name](each))
          const at = one.generation === undefined ? {} : { generation: one.generation }
          const common = { key, ...filtered, ...at, exists: EXISTS[one.verb] }
          return { type: 'operate', ops, ...common }
        }
        case 'put':
          return { type: 'write', key, bins: { n: one.amount, s: 'put' }, exists: EXISTS[one.verb], ...filtered }
        case 'executeUdf':
          return { type: 'apply', key, module: MODULE, function: 'add', args: ['n', one.amount], ...filtered }
        case 'query':
          return { type: 'read', key, ...filtered, ...(one.bins === undefined ? {} : { bins: one.bins }) }
        case 'exists':
          return { type: 'read', key, bins: [] }
        case 'touch':
          return { type: 'operate', key, ops: [op.touch()] }
        default:
          return { type: 'remove', key }
      }
    }),
  )
}

async function state(set: string): Promise<unknown[]> {
  const batch = await client().batchRead(Array.from({ length: IDS }, (_, i) => ['test', set, i] as const))
  return [...batch].map(({ record }) => (record === null ? null : [record.bins, record.meta.gen]))
}

/** What a row of a plain batch says, as a row of a session would: undefined where a session has none. */
function seen(row: BatchRow, one: Step): unknown {
  const omitted =
    one.kind === 'query' && ((row.resultCode === 2 && !one.missing) || (row.resultCode === 27 && !one.strict))
  return omitted ? undefined : [row.index, row.resultCode, row.record?.bins ?? null]
}

test.before(async () => {
  const source = `
function add(rec, bin, by)
  rec[bin] = (rec[bin] or 0) + by
  if aerospike:exists(rec) then aerospike:update(rec) else aerospike:create(rec) end
  return rec[bin]
end`
  const job = await client().udf.register({ source, name: MODULE })
  await job.done({ pollInterval: 20, timeout: 30_000 })
})

test('a chain does what the plain batch of the same rows does', async (t) => {
  const begin = async (set: string) => {
    const rows = [0, 1, 2].map((user) => ({
      key: ['test', set, user] as Key,
      bins: { n: user * 30, s: 'x', l: [1], m: { a: 1 } },
    }))
    ;(await client().batchWrite(rows)).throwIfFailed()
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 6 }), async (steps) => {
      const [ours, theirs] = [freshSet(), freshSet()]
      await Promise.all([begin(ours), begin(theirs)])
      const chain = say(client().session(), ours, steps)
      const [said, plain] = [await chain.execute(), await client().batch(rowsOf(theirs, steps))]
      const whose = steps.flatMap((one) => one.ids.map(() => one))
      t.deepEqual(
        [...said].map(({ index, resultCode, record }) => [index, resultCode, record?.bins ?? null]) as unknown[],
        [...plain].map((row) => seen(row, whose[row.index] as Step)).filter((row) => row !== undefined),
      )
      t.deepEqual(await state(ours), await state(theirs))
    }),
    { numRuns: 150 },
  )
})

test('a single key does what the plain call does', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const [ours, theirs] = [freshSet(), freshSet()]
      for (const one of steps) {
        const user = one.ids[0] as number
        const single = { ...one, ids: [user] } as Step
        const keyed = dataSet<Bins>('test', ours).id(user)
        const said = sayOne(client().session() as unknown as Verbs, keyed, single)
        const [row] = await (said as unknown as { execute(how: string): Promise<RecordResults<Bins>> }).execute(
          'inStream',
        )
        const [plain] = await client().batch(rowsOf(theirs, [single]))
        const expected = seen(plain as BatchRow, single)
        if (expected === undefined) t.is(row, undefined)
        else t.deepEqual([row?.index, row?.resultCode], (expected as unknown[]).slice(0, 2))
      }
      t.deepEqual(await state(ours), await state(theirs))
    }),
    { numRuns: 100 },
  )
})
