// Expressions: the bytes they become, and what filters and expression operations do.

import { ctx, type Exp, exp, FilteredError, GeoJSON, InvalidArgumentError, op, paths, where } from 'aerospike-napi'
import test from 'ava'
import fc from 'fast-check'
import { client, freshKey } from './support/cluster.mjs'
import { type Case, corpus, messages, type Step } from './support/corpus.mjs'
import { fakeClient, readBatch, readCommand } from './support/fake.mjs'
import type { RecordedOp } from './support/recorded.mjs'
import { expression, Unsaid } from './support/recorded-expressions.mjs'

interface ExpressionStep extends Omit<Step, 'ops'> {
  ops?: RecordedOp[]
  filter?: unknown[]
}

function expressionOperation({ op: name, bin = '', exp: call, flags = 0 }: RecordedOp) {
  if (name === 'read') return op.read(bin)
  const made = expression(call)
  const evalNoFail = (flags & 16) !== 0
  if (name === 'exp.read') return op.expRead(bin, made, { evalNoFail })
  return op.expWrite(bin, made, {
    write: (['createOrUpdate', 'create', 'update'] as const)[flags & 3] as 'create',
    allowDelete: (flags & 4) !== 0,
    noFail: (flags & 8) !== 0,
    evalNoFail,
  })
}

test('expressions cross as recorded, as filters and as operations', async (t) => {
  const { client: fake, native } = fakeClient()
  const unsaid = new Map<string, number>()
  const failures: string[] = []
  let compared = 0
  for (const { steps } of corpus<Omit<Case, 'steps'> & { steps: ExpressionStep[] }>('expressions')) {
    for (const step of steps) {
      if (step.req.length !== 1 || (step.ops === undefined && step.filter === undefined)) continue
      native.entries.length = 0
      const key = ['test', 'exp', 1] as const
      try {
        const promise: Promise<unknown> =
          step.filter === undefined
            ? fake.operate(key, (step.ops ?? []).map(expressionOperation))
            : fake.get(key, { filter: expression(step.filter) as Exp<'bool'> })
        promise.catch(() => {})
      } catch (error) {
        const why = error instanceof Unsaid ? error.message : `${error}`
        unsaid.set(why, (unsaid.get(why) ?? 0) + 1)
        continue
      }
      await new Promise(setImmediate)
      const entry = native.entries[0]
      if (entry === undefined) {
        failures.push(`nothing sent: ${JSON.stringify(step.filter ?? step.ops)}`)
        continue
      }
      const ours = readCommand(entry.body, true)
      const [theirs] = messages(Buffer.from(step.req[0] as string, 'hex'))
      const field = theirs?.fields.find((one) => one.type === 43)
      const same =
        ours.ops.equals(theirs?.ops as Buffer) &&
        ours.info1 === theirs?.info1 &&
        ours.info2 === theirs?.info2 &&
        (field === undefined ? ours.fields.length === 0 : ours.fields.subarray(5).equals(field.data))
      if (!same) {
        const [mine, want] = step.filter ? [ours.fields.subarray(5), field?.data] : [ours.ops, theirs?.ops]
        failures.push(
          `${JSON.stringify(step.filter ?? step.ops)}\n  ${mine.toString('hex')}\n  ${want?.toString('hex')}`,
        )
      }
      compared++
    }
  }
  t.log(`${compared - failures.length} of ${compared} equal; not said: ${JSON.stringify([...unsaid])}`)
  t.deepEqual(failures.slice(0, 8), [])
  t.true(compared > 2000)
})

test('an expression survives Base64', (t) => {
  const filter = exp.gt(exp.bin.int('a'), 20)
  t.is(filter.toBase64(), Buffer.from('9303935102a16114', 'hex').toString('base64'))
  t.deepEqual(exp.fromBase64(filter.toBase64()).toBase64(), filter.toBase64())
  t.throws(() => exp.fromBase64('not base64!'), { instanceOf: InvalidArgumentError })
})

test('literals take the type of what they stand beside', (t) => {
  t.deepEqual(exp.add(exp.bin.float('f'), 1).toBase64(), exp.add(exp.bin.float('f'), exp.float(1)).toBase64())
  t.deepEqual(exp.eq(exp.bin.list('l'), [1]).toBase64(), exp.eq(exp.bin.list('l'), exp.list([1])).toBase64())
  t.throws(() => exp.gt(exp.bin.int('a'), 'x' as never), { message: /exp\.gt: expected int, not "x"/ })
  t.throws(() => exp.lists.getByIndex(exp.bin.list('l'), 0), { message: /say the type of the element/ })
})

test('where says the same as exp', (t) => {
  const same = (text: Exp<'bool'>, built: Exp<'bool'>): void => {
    t.is(text.toBase64(), built.toBase64())
  }
  const age = exp.bin.int('age')
  same(where`$.age >= ${18}`, exp.ge(age, 18))
  same(
    where`$.age > 1 and not ($.name == 'x' or $.flag)`,
    exp.and(exp.gt(age, 1), exp.not(exp.or(exp.eq(exp.bin.string('name'), 'x'), exp.bin.bool('flag')))),
  )
  same(where`$.age + 2 * 3 == 36`, exp.eq(exp.add(age, exp.mul(2, 3)), 36))
  same(where`($.age + 2) * 3 == -1`, exp.eq(exp.mul(exp.add(age, 2), 3), -1))
  same(where`$.price > 5.0`, exp.gt(exp.bin.float('price'), 5))
  same(
    where`$.m.n[1].'a b' == 8`,
    exp.eq(exp.maps.getByKey(exp.bin.map('m'), 'a b', { type: 'int', ctx: [ctx.mapKey('n'), ctx.listIndex(1)] }), 8),
  )
  same(where`$.tags.list().count() < 5`, exp.lt(exp.lists.size(exp.bin.list('tags')), 5))
  same(where`$.m.city.exists()`, exp.maps.getByKey(exp.bin.map('m'), 'city', { return: 'exists' }))
  same(where`$.a.type() == 'string'`, exp.eq(exp.binType('a'), 3))
  same(where`$.ttl() < 60`, exp.lt(exp.ttl(), 60))
  same(where`$.name =~ /^a\d/i`, exp.regex(exp.bin.string('name'), '^a\\d', { extended: true, ignoreCase: true }))
  same(where`$.city in ${['Bonn', 'Rome']}`, exp.inList(exp.bin.string('city'), ['Bonn', 'Rome']))
  same(where`$.city not in ['Bonn']`, exp.not(exp.inList(exp.bin.string('city'), ['Bonn'])))
  same(
    where`${exp.gt(age, 1)} and $.b.int() > $.c.int()`,
    exp.and(exp.gt(age, 1), exp.gt(exp.bin.int('b'), exp.bin.int('c'))),
  )
})

test('a value in where is never read as part of the condition', (t) => {
  const hostile = "' or true or '"
  t.is(where`$.name == ${hostile}`.toBase64(), exp.eq(exp.bin.string('name'), hostile).toBase64())
})

test('errors in where point at the character', (t) => {
  const at = (make: () => unknown): string => {
    const error = t.throws(make, { instanceOf: InvalidArgumentError })
    const [, text = '', pointer = ''] = error?.message.split('\n') ?? []
    return `${text.slice(pointer.indexOf('^'))}|${error?.message.split('\n')[0]}`
  }
  t.regex(
    at(() => where`$.age > > 5`),
    /^> 5\|.*expected a value.*character 9$/,
  )
  t.regex(
    at(() => where`$.a > $.b`),
    /^> \$\.b\|.*\$\.a\.int\(\)/,
  )
  t.regex(
    at(() => where`$.tags.cuont() > 1`),
    /^cuont.*did you mean 'count'/,
  )
  t.regex(
    at(() => where`$.a == 'x`),
    /^'x\|.*text without an end/,
  )
  t.regex(
    at(() => where`$.a + 'x' > 5`),
    /^\+ 'x'.*expected int or float/,
  )
  t.regex(
    at(() => where`$.a == ${new Date() as never}`),
    /^\$\{1\}\|.*neither a value nor an expression/,
  )
})

test('where takes or refuses any text, and never fails otherwise', (t) => {
  const words = [
    '$',
    '.',
    'a',
    '[',
    ']',
    '(',
    ')',
    '0',
    '-1',
    '2.5',
    "'x'",
    '"',
    'and',
    'or',
    'not',
    'in',
    '==',
    '<',
    '=~',
    '{',
    '}',
    '#',
    '@',
    '~',
    ':',
    '!',
    '**',
    '>>',
    '=>',
    'let (',
    'then (',
    'when (',
    'default',
    'get (',
    'return : COUNT',
    'abs (',
    'INT',
    '$ . a',
  ]
  const word = fc.oneof(fc.constantFrom(...words, '/x/i', '+', '*', '%', ',', 'count', 'true', '\\', '`'), fc.string())
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), fc.array(fc.anything(), { maxLength: 2 }), (parts, values) => {
      const text = parts.join(' ')
      const raw = [text, ...values.map(() => text)]
      try {
        where(Object.assign([...raw], { raw }) as unknown as TemplateStringsArray, ...(values as number[]))
      } catch (error) {
        if (!(error instanceof InvalidArgumentError)) throw error
      }
    }),
    { numRuns: 5000 },
  )
  for (const opening of ['(', '[', '-', 'not ', '~', 'abs(', 'let (x = ', 'when (', '2 ** ']) {
    const deep = opening.repeat(50_000)
    t.throws(() => where(Object.assign([deep], { raw: [deep] })), { message: /nested more than 200 deep/ })
  }
})

test('a filter of another type is refused before anything is sent', async (t) => {
  const filter = exp.bin.int('a') as unknown as Exp<'bool'>
  await t.throwsAsync(client().get(freshKey(), { filter }), {
    instanceOf: InvalidArgumentError,
    message: /option 'filter' must be an expression of type bool/,
  })
})

test('rows of a batch carry their own filter, the batch one for the others', async (t) => {
  const { client: fake, native } = fakeClient()
  const key = ['test', 'exp', 1] as const
  const own = exp.eq(exp.bin.int('a'), 1)
  const common = exp.eq(exp.bin.int('a'), 2)
  fake.batchRead([key, { key, filter: own }], { filter: common }).catch(() => {})
  fake
    .batchWrite(
      [
        { key, bins: { a: 1 } },
        { key, bins: { a: 2 }, filter: own },
      ],
      { filter: common },
    )
    .catch(() => {})
  await new Promise(setImmediate)
  for (const entry of native.entries) {
    const { filter, specs } = readBatch(entry.body)
    t.deepEqual(filter, Buffer.from(common.toBase64(), 'base64'))
    t.deepEqual(
      specs.map((spec) => spec.fields.subarray(5)),
      [Buffer.alloc(0), Buffer.from(own.toBase64(), 'base64')],
    )
  }
  t.is(native.entries.length, 2)
})

test('a filter decides over reads, writes, removals and rows of batches', async (t) => {
  const key = freshKey()
  await client().put(key, { age: 30, tags: ['a'] })
  const yes = where`$.age >= 30 and $.tags.count() == 1`
  const no = where`$.age < 30`
  t.is((await client().get(key, { filter: yes })).bins.age, 30)
  for (const call of [
    client().get(key, { filter: no }),
    client().put(key, { age: 1 }, { filter: no }),
    client().remove(key, { filter: no }),
    client().operate(key, [op.increment('age')], { filter: no }),
  ]) {
    await t.throwsAsync(call, { instanceOf: FilteredError })
  }
  const batch = await client().batchRead([key, { key, filter: yes }], { filter: no })
  t.deepEqual(
    Array.from(batch, (row) => row.result),
    ['filtered', 'ok'],
  )
  const written = await client().batchWrite([
    { key, bins: { z: 1 }, filter: no },
    { key, bins: { z: 2 } },
  ])
  const mixed = await client().batch(
    [
      { type: 'read', key, filter: yes },
      { type: 'operate', key, ops: [op.read('age')] },
      { type: 'write', key, bins: { z: 3 }, filter: no },
      { type: 'remove', key, filter: no },
      { type: 'remove', key, filter: yes },
    ],
    { filter: no },
  )
  t.deepEqual(
    Array.from(mixed, (row) => row.result),
    ['ok', 'filtered', 'filtered', 'filtered', 'ok'],
  )
  t.deepEqual(
    Array.from(written, (row) => row.result),
    ['filtered', 'ok'],
  )
})

test('expressions are read and written with their flags', async (t) => {
  const key = freshKey()
  await client().put(key, { n: 5, l: [1, 2], place: new GeoJSON({ type: 'Point', coordinates: [8, 50] }) })
  const circle = new GeoJSON({ type: 'AeroCircle', coordinates: [[8, 50], 1000] })
  const { bins } = await client().operate(key, [
    op.expRead('double', exp.let(exp.def('x', exp.bin.int('n')), exp.mul(exp.var('x', 'int'), 2))),
    op.expRead('near', exp.geoCompare(exp.bin.geo('place'), circle)),
    op.expRead('none', exp.bin.int('missing'), { evalNoFail: true }),
    op.expWrite('l', exp.lists.append(exp.bin.list('l'), exp.bin.int('n'))),
    op.expWrite('n', exp.nil(), { allowDelete: true }),
    op.read('l'),
  ])
  t.deepEqual({ ...bins }, { double: 10, near: true, none: null, l: [1, 2, 5] })
  t.false('n' in (await client().get(key)).bins)
})

test('paths select and change elements by expression', async (t) => {
  const key = freshKey()
  await client().put(key, { o: { items: [{ p: 10 }, { p: 20 }] } })
  const dear = ctx.where(exp.gt(exp.maps.getByKey(exp.path.value('map'), 'p', { type: 'int' }), 15))
  const prices = [ctx.mapKey('items'), ctx.all(), ctx.mapKey('p')]
  const { bins } = await client().operateOrdered(key, [
    paths.select('o', [ctx.mapKey('items'), dear, ctx.mapKey('p')], { return: 'values' }),
    paths.modify('o', prices, exp.add(exp.path.value('int'), 1)),
    paths.select('o', prices, { return: 'values' }),
  ])
  t.deepEqual(bins, [
    ['o', [20]],
    ['o', null],
    ['o', [11, 21]],
  ])
})
