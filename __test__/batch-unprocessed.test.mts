// What is left to do of a batch: rows that can be sliced, filtered, spread, copied and kept as JSON, and still do what their
// batch would have done, nothing else.

import {
  type BatchRecords,
  bits,
  connect,
  Double,
  exp,
  GeoJSON,
  InvalidArgumentError,
  type Key,
  lists,
  type MixedRow,
  maps,
  op,
} from 'aerospike-napi'
import fc from 'fast-check'
import { client, faultTest, freshSet, local, target } from './support/cluster.mjs'

/** A batch of which no row was processed: the nodes turn every row away, once. */
async function turnedAway<T>(send: () => Promise<T>): Promise<T> {
  for (const node of [0, 1, 2]) await local().refuseRows(node, { code: 18, rows: 1000 })
  try {
    return await send()
  } finally {
    for (const node of [0, 1, 2]) await local().refuseRows(node, null)
  }
}

const json = <T,>(value: T): T => JSON.parse(JSON.stringify(value)) as T

/** What people do with a list of rows before they send it again. */
const HANDLINGS: { readonly [name: string]: <R extends MixedRow>(rows: readonly R[]) => R[] } = {
  slice: (rows) => rows.slice(),
  filter: (rows) => rows.filter(() => true),
  spread: (rows) => rows.map((row) => (Array.isArray(row) ? row : { ...row })),
  json: (rows) => json([...rows]),
  clone: (rows) => structuredClone([...rows]),
  'spread, then json': (rows) => json(rows.map((row) => (Array.isArray(row) ? row : { ...row }))),
}

for (const [name, handle] of Object.entries(HANDLINGS)) {
  faultTest(`rows that were to create records create them only, after ${name}`, async (t) => {
    const set = freshSet()
    const rows = Array.from({ length: 20 }, (_, i) => ({ key: ['test', set, i] as const, bins: { v: 'new' } }))
    const batch = await turnedAway(() =>
      client().batchWrite(rows, { exists: 'create', maxRetries: 0, onPartial: 'return' }),
    )
    t.is(batch.unprocessed.length, 20)
    ;(await client().batchWrite(rows.map((row) => ({ ...row, bins: { v: 'old' } })))).throwIfFailed()
    const again = await client().batchWrite(handle(batch.unprocessed))
    t.is(again.failed.length, 20)
    const mixed = await client().batch(handle(batch.unprocessed))
    t.is(mixed.failed.length, 20)
    const read = await client().batchRead(rows.map(({ key }) => key))
    t.true(read.found.every(({ record }) => record.bins.v === 'old'))
  })
}

const userKey = fc.oneof(
  fc.integer({ min: 0, max: 5 }),
  fc.constantFrom('a', 'b', 'c\0', '\u{1f600}'),
  fc.constantFrom(2n ** 60n, -(2n ** 62n)),
  fc.constantFrom(Buffer.from([1]), new Uint8Array([255, 0])),
)

const binValue = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.double({ noNaN: false }),
  fc.constantFrom<unknown>(
    -0,
    2n ** 60n,
    new Double(3),
    Buffer.from('bytes'),
    new Map<unknown, unknown>([
      [1, 'one'],
      ['1', 'text'],
    ]),
    new GeoJSON({ type: 'Point', coordinates: [8, 50] }),
    { particle: 4, base64: 'AQ==' },
    { nested: [1, { deep: Buffer.from([1, 2]) }, null] },
    { plain: [1, { deep: 'x' }, null, true, 1.5] },
    [],
  ),
)

/** Operations that may stand where a record is replaced: what they write does not build on what is there. */
const whole = [op.write('v', Buffer.from('op')), op.read('v')]
const operations = fc.constantFrom(
  [op.increment('n', 1), op.read('n')],
  whole,
  [lists.append('l', 2n ** 55n), lists.size('l')],
  [maps.put('m', 'k', new Double(2)), maps.getByKey('m', 'k')],
  [op.touch()],
  [op.append('s', 'x')],
  [bits.set('b', 0, 8, Buffer.from([7]))],
)

const positive = exp.ge(exp.bin.int('n'), 5)

/** Options that a row or its call may have. */
const rowOptions = fc.record(
  {
    exists: fc.constantFrom('create', 'update', 'replace', 'createOrUpdate', 'createOrReplace'),
    ttl: fc.constantFrom<number | 'never' | 'keep'>(1000, 'never', 'keep'),
    generation: fc.constantFrom(1, 2),
    generationMode: fc.constantFrom('equal', 'greater'),
    filter: fc.constant(positive),
  },
  { requiredKeys: [] },
)

const anyRow = fc.oneof(
  fc.record({
    type: fc.constant('write'),
    key: userKey,
    bins: fc.dictionary(fc.constantFrom('v', 'w', 'n'), binValue, { minKeys: 1 }),
    options: rowOptions,
  }),
  fc.record({ type: fc.constant('operate'), key: userKey, ops: operations, options: rowOptions }),
  fc.record({
    type: fc.constant('remove'),
    key: userKey,
    options: rowOptions.map(({ generation, generationMode, filter }) => ({ generation, generationMode, filter })),
  }),
)

/** A record as it is compared: its bins, and whether it expires and has its key. */
async function state(keys: readonly Key[]): Promise<unknown[]> {
  const batch = await client().batchRead(keys)
  return Array.from(batch, ({ record }) =>
    record === null ? null : { bins: record.bins, gen: record.meta.gen, expires: (record.meta.ttl ?? 0) > 0 },
  )
}

faultTest('rows left to do change nothing that the rows themselves would not have changed', async (t) => {
  const replaces = (exists?: string) => exists === 'replace' || exists === 'createOrReplace'
  const all = fc.record({
    rows: fc.array(anyRow, { minLength: 1, maxLength: 6 }),
    call: rowOptions,
    sendKey: fc.boolean(),
    handling: fc.constantFrom(...Object.keys(HANDLINGS)),
    kept: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    seeded: fc.boolean(),
  })
  // What no server takes is refused before it is sent, in whichever batch it is.
  const scenario = all.filter(({ rows, call }) =>
    rows.every((row) => !('ops' in row) || row.ops === whole || !replaces(row.options.exists ?? call.exists)),
  )
  const property = fc.asyncProperty(scenario, async ({ rows: plan, call, sendKey, handling, kept, seeded }) => {
    const sets = [freshSet(), freshSet()] as const
    const [first, second] = sets.map((set) =>
      plan.map(({ key, options, ...row }) => ({ ...row, key: ['test', set, key] as const, ...options }) as MixedRow),
    ) as [MixedRow[], MixedRow[]]
    const keysOf = (rows: MixedRow[]): Key[] => rows.map((row) => (row as { key: Key }).key)
    if (seeded) {
      for (const rows of [first, second]) {
        const seeds = keysOf(rows).map((key) => ({ key, bins: { n: 5, s: 's', b: Buffer.from([1, 2]) } }))
        ;(await client().batchWrite(seeds, { exists: 'createOrReplace' })).throwIfFailed()
      }
    }
    const options = { ...call, key: sendKey ? ('send' as const) : ('digest' as const) }
    const batch = await turnedAway(() => client().batch(first, { ...options, maxRetries: 0, onPartial: 'return' }))
    const isKept = (index: number) => kept[index] === true
    const left = batch.unprocessed.filter((row) => isKept((row as unknown as { origin: number }).origin))
    const again = await client().batch(HANDLINGS[handling]!(left))
    const direct = await client().batch(
      second.filter((_, index) => isKept(index)),
      options,
    )
    t.is(batch.unprocessed.length, plan.length)
    t.deepEqual(await state(keysOf(first)), await state(keysOf(second)))
    t.deepEqual(resultsOf(again), resultsOf(direct))
  })
  await fc.assert(property, { numRuns: 60 })
  t.pass()
})

const resultsOf = (batch: BatchRecords) =>
  Array.from(batch, ({ result, resultCode, record }) => [result, resultCode, record?.bins])

faultTest('reads keep what they were to read and how, and functions their arguments', async (t) => {
  const set = freshSet()
  const keys = [1, 2, 3].map((id) => ['test', set, id] as const)
  await client().batchWrite(keys.map((key) => ({ key, bins: { v: 1, w: { x: 2 } } })))
  const read = await turnedAway(() =>
    client().batchRead(keys, {
      bins: ['w.x'],
      integers: 'bigint',
      filter: positive,
      maxRetries: 0,
      onPartial: 'return',
    }),
  )
  for (const handle of Object.values(HANDLINGS)) {
    const again = await client().batchRead(handle(read.unprocessed))
    t.deepEqual(
      Array.from(again, ({ result }) => result),
      ['filtered', 'filtered', 'filtered'],
    )
  }
  const bigints = await turnedAway(() =>
    client().batchRead(keys, { bins: ['w.x'], integers: 'bigint', maxRetries: 0, onPartial: 'return' }),
  )
  for (const handle of Object.values(HANDLINGS)) {
    const again = await client().batchRead(handle(bigints.unprocessed))
    t.deepEqual(
      Array.from(again, ({ record }) => record?.bins),
      Array(3).fill({ w: { x: 2n } }),
    )
  }
  const module = { name: 'left_to_do.lua', source: 'function echo(rec, a, b) return b end' }
  await (await client().udf.register(module)).done({ pollInterval: 20, timeout: 30_000 })
  const applied = await turnedAway(() =>
    client().batchApply(keys, 'left_to_do', 'echo', [1, Buffer.from('bytes')], { maxRetries: 0, onPartial: 'return' }),
  )
  for (const handle of Object.values(HANDLINGS)) {
    const again = await client().batch<{ SUCCESS: Uint8Array }>(handle(applied.unprocessed))
    t.deepEqual(
      Array.from(again, ({ record }) => Buffer.from(record?.bins.SUCCESS ?? []).toString()),
      ['bytes', 'bytes', 'bytes'],
    )
  }
})

faultTest("a client's defaults go along, and a call may say how, not what", async (t) => {
  const set = freshSet()
  const own = await connect({
    ...target(),
    defaults: { batch: { exists: 'create', ttl: 500, key: 'send', maxRetries: 0, onPartial: 'return' } },
  })
  const rows = [{ key: ['test', set, 1] as const, bins: { v: 1 } }]
  const { unprocessed } = await turnedAway(() => own.batchWrite(rows, { totalTimeout: 700, onPartial: 'return' }))
  t.like(unprocessed[0], { exists: 'create', ttl: 500, sendKey: true, call: { totalTimeout: 700 }, origin: 0 })
  await t.throwsAsync(client().batchWrite(unprocessed, { exists: 'update' }), {
    instanceOf: InvalidArgumentError,
    message: /'exists'.*rows\[0\] has "create"/,
  })
  ;(await client().batchWrite(unprocessed, { exists: 'create', totalTimeout: 2000 })).throwIfFailed()
  t.like((await client().get(rows[0]!.key)).meta, { gen: 1 })
  t.true(((await client().get(rows[0]!.key)).meta.ttl ?? 0) > 400)
  await own.close()
})

faultTest('rows keep the moment at which their records expire', async (t) => {
  const set = freshSet()
  const soon = new Date(Date.now() + 300_000)
  const later = new Date(Date.now() + 900_000)
  const rows = [
    { key: ['test', set, 1] as const, bins: { v: 1 } },
    { key: ['test', set, 2] as const, bins: { v: 1 }, expiresAt: later },
    { key: ['test', set, 3] as const, bins: { v: 1 }, ttl: 50 },
  ]
  const own = client().with({ defaults: { batch: { ttl: 5000 } } })
  const { unprocessed } = await turnedAway(() =>
    own.batchWrite(rows, { expiresAt: soon, maxRetries: 0, onPartial: 'return' }),
  )
  t.deepEqual(
    unprocessed.map((row) => [row.ttl, row.expiresAt]),
    [
      [undefined, soon.toISOString()],
      [undefined, later.toISOString()],
      [50, undefined],
    ] as unknown[],
  )
  ;(await client().batchWrite(json(unprocessed) as typeof unprocessed, { expiresAt: undefined })).throwIfFailed()
  const ttls = (await client().getMany(rows.map(({ key }) => key))).map(({ meta }) => meta?.ttl ?? 0)
  for (const [i, wanted] of [300, 900, 50].entries()) t.true(Math.abs((ttls[i] as number) - wanted) < 20, `${ttls}`)
  const damaged = json(unprocessed).map((row) => ({ ...(row as object), expiresAt: 'soon' }))
  await t.throwsAsync(client().batchWrite(damaged as never), { instanceOf: InvalidArgumentError, message: /expiresAt/ })
})

faultTest('rows that somebody changed on the way are refused before anything is sent', async (t) => {
  const set = freshSet()
  const rows = [
    { type: 'operate', key: ['test', set, 1n] as const, ops: [op.increment('n', 1)], filter: positive } as const,
  ]
  const batch = await turnedAway(() => client().batch(rows, { maxRetries: 0, onPartial: 'return' }))
  const [row] = json(batch.unprocessed) as unknown as [{ [name: string]: unknown }]
  t.deepEqual(row.encoded, ['key', 'ops', 'filter'])
  for (const change of [
    { key: ['test', set, { integer: 'x' }] },
    { key: 5 },
    { ops: [{ ...(row.ops as object[])[0], base64: 'AAAA' }] },
    { ops: [{ ...(row.ops as object[])[0], base64: '!' }] },
    { ops: [null] },
    { ops: {} },
    { filter: null },
    { filter: { expression: 'AAAA', type: 'nothing' } },
    { encoded: ['nothing'] },
    { encoded: 'ops' },
    { encoded: ['bins.v'] },
    { origin: -1 },
  ]) {
    await t.throwsAsync(
      client().batch([{ ...row, ...change } as never]),
      { instanceOf: InvalidArgumentError },
      JSON.stringify(change),
    )
  }
})
