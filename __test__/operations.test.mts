// Operations on lists, maps, bits and HyperLogLogs: the bytes they become, and what they do.

import { readFileSync } from 'node:fs'
import {
  bits,
  ctx,
  exp,
  hll,
  InvalidArgumentError,
  lists,
  maps,
  type Operation,
  OperationResults,
  op,
  WILDCARD,
} from 'aerospike-napi'
import test from 'ava'
import { BIT_FAMILY } from '#src/operations/bits'
import { HLL_FAMILY } from '#src/operations/hll'
import { LIST_FAMILY } from '#src/operations/lists'
import { MAP_FAMILY } from '#src/operations/maps'
import { client, freshKey } from './support/cluster.mjs'
import { type Case, corpus, messages, type Step } from './support/corpus.mjs'
import { fakeClient, readCommand } from './support/fake.mjs'
import { operation, type RecordedOp } from './support/recorded.mjs'

interface CdtStep extends Omit<Step, 'ops'> {
  ops?: RecordedOp[]
}

test('what cannot be the key of a map entry is refused before anything is sent', (t) => {
  const refused = { instanceOf: InvalidArgumentError, message: /'key' must be the key of a map entry/ }
  for (const key of [true, null, 1.5, Number.NaN, [1], { a: 1 }, new Map()] as never[]) {
    t.throws(() => maps.put('m', key, 1), refused)
    t.throws(() => maps.increment('m', key), refused)
    t.throws(() => exp.maps.put(exp.bin.map('m'), key, 1), refused)
  }
  for (const key of ['a', 1, 5n, Buffer.from('x')]) t.notThrows(() => maps.put('m', key, 1))
})

test('bits and sketches take no context, as no server does', (t) => {
  const options = { ctx: [ctx.mapKey('b')] } as never
  const refused = { instanceOf: InvalidArgumentError, message: /no server takes 'ctx' here/ }
  t.throws(() => bits.get('m', 0, 8, options), refused)
  t.throws(() => bits.set('m', 0, 8, Buffer.of(1), options), refused)
  t.throws(() => hll.getCount('m', options), refused)
  t.throws(() => exp.bits.get(exp.bin.blob('m'), 0, 8, options), refused)
  t.notThrows(() => bits.get('m', 0, 8, { ctx: undefined }))
})

test('list, map, bit and HyperLogLog operations cross as recorded', async (t) => {
  const { client: fake, native } = fakeClient()
  const unsaid = new Map<string, number>()
  const failures: string[] = []
  let compared = 0
  for (const { steps } of corpus<Omit<Case, 'steps'> & { steps: CdtStep[] }>('cdt')) {
    for (const step of steps) {
      if (step.call !== 'operate' || step.req.length !== 1) continue
      const ops = (step.ops ?? []).map(operation)
      const why = ops.find((one) => typeof one === 'string') as string | undefined
      if (why !== undefined) {
        unsaid.set(why, (unsaid.get(why) ?? 0) + 1)
        continue
      }
      native.entries.length = 0
      fake.operate(['test', 'cdt', 1], ops as Operation[]).catch(() => {})
      await new Promise(setImmediate)
      const ours = readCommand((native.entries[0] as (typeof native.entries)[0]).body, true)
      const [theirs] = messages(Buffer.from(step.req[0] as string, 'hex'))
      const same =
        ours.ops.equals(theirs?.ops as Buffer) && ours.info1 === theirs?.info1 && ours.info2 === theirs?.info2
      if (!same) {
        failures.push(
          `${JSON.stringify(step.ops)}\n  ${ours.ops.toString('hex')}\n  ${theirs?.ops.toString('hex')} ${ours.info2} ${theirs?.info2}`,
        )
      }
      compared++
    }
  }
  t.log(`${compared - failures.length} of ${compared} equal; not said: ${JSON.stringify([...unsaid])}`)
  t.deepEqual(failures.slice(0, 8), [])
  t.true(compared > 2000)
})

test('every operation is declared with an example of its use', (t) => {
  const declared = readFileSync(new URL('../../index.d.ts', import.meta.url), 'utf8')
  for (const { name, table } of [LIST_FAMILY, MAP_FAMILY, BIT_FAMILY, HLL_FAMILY]) {
    // create and setOrder are one operation on the wire.
    const codes = Object.values(table).flatMap(({ code, creates }) => (creates === undefined ? [code] : []))
    t.is(new Set(codes).size, codes.length, `${name}: two operations have one op-code`)
    for (const operation of Object.keys(table)) {
      t.true(declared.includes(`@example ${name}.${operation}(`), `${name}.${operation} has no example`)
    }
  }
})

test('an unknown option, value or argument is refused with the nearest name', (t) => {
  const message = (call: () => unknown): string => t.throws(call, { instanceOf: InvalidArgumentError })?.message ?? ''
  t.regex(
    message(() => lists.append('l', 1, { addUniqe: true } as object)),
    /lists\.append: .*'addUniqe'; did you mean 'addUnique'/,
  )
  t.regex(
    message(() => maps.getByKey('m', 'a', { return: 'keyvalue' as 'key' })),
    /did you mean 'keyValue'/,
  )
  t.regex(
    message(() => ctx.mapKey('a', { create: 'ordered' as 'unordered' })),
    /option 'create' must be .*did you mean 'unordered'/,
  )
  t.regex(
    message(() => bits.set('b', 0, 8, 5 as never)),
    /'bytes' must be bytes, not 5/,
  )
  t.regex(
    message(() => lists.getByIndex('l', 1.5)),
    /'index' must be an integer, not 1.5/,
  )
  t.regex(
    message(() => (maps.size as (...args: unknown[]) => unknown)('m', {}, 1)),
    /takes 0 arguments and options, not 2/,
  )
  t.regex(
    message(() => lists.size('l', { ctx: ['a'] as never })),
    /ctx\[0\] must be a step/,
  )
})

test('WILDCARD is an argument and cannot be stored', async (t) => {
  const key = freshKey()
  await t.throwsAsync(client().put(key, { l: [WILDCARD as never] }), { message: /bins\.l\[0\]/ })
  await client().put(key, { l: [['a', 1], ['b'], ['a', 2]] })
  const { bins } = await client().operate(key, [lists.getByValue('l', ['a', WILDCARD], { return: 'index' })])
  t.deepEqual(bins, { l: [0, 2] })
})

test('operateOrdered answers every operation in order, several on one bin included', async (t) => {
  const key = freshKey()
  await client().put(key, { l: [5, 3], m: { a: 1 }, b: Buffer.of(1, 2) })
  const { bins } = await client().operateOrdered(key, [
    lists.append('l', 4),
    lists.sort('l'),
    lists.getByIndexRange('l', 0),
    maps.getByKey('m', 'missing'),
    maps.put('m', 'b', 2, { order: 'keyOrdered' }),
    bits.setInt('b', 0, 8, 255),
    bits.count('b', 0, 16),
    hll.add('h', ['x', 'y'], { indexBits: 8 }),
    hll.getCount('h'),
  ])
  t.deepEqual(bins, [
    ['l', 3],
    ['l', null],
    ['l', [3, 4, 5]],
    ['m', null],
    ['m', 2],
    ['b', null],
    ['b', 9],
    ['h', 2],
    ['h', 2],
  ])
})

test("return: 'keyValue' gives a Map in the order of the selection, numbers as text included", async (t) => {
  const key = freshKey()
  await client().put(key, { m: { '9': 'b', '10': 'a', x: 'c' } })
  const { bins } = await client().operate<{ m: Map<string, string> }>(key, [
    maps.getByRankRange('m', 0, { return: 'keyValue' }),
  ])
  t.deepEqual(
    [...bins.m],
    [
      ['10', 'a'],
      ['9', 'b'],
      ['x', 'c'],
    ],
  )
})

test('a path with create makes the collections on its way', async (t) => {
  const key = freshKey()
  await client().operate(key, [
    maps.put('m', 'leaf', 1, {
      ctx: [ctx.mapKey('a', { create: 'keyOrdered' }), ctx.mapKey('b', { create: 'unordered' })],
    }),
    lists.append('m', 'x', { ctx: [ctx.mapKey('list', { create: 'unordered' })] }),
  ])
  t.deepEqual((await client().get(key)).bins, { m: { a: { b: { leaf: 1 } }, list: ['x'] } })
})

test('inverted removals keep what was selected', async (t) => {
  const key = freshKey()
  await client().put(key, { l: [1, 2, 3, 4, 5], m: { a: 1, b: 2, c: 3 } })
  const { bins } = await client().operateOrdered(key, [
    lists.removeByRankRange('l', -2, { inverted: true, return: 'count' }),
    maps.removeByKeyList('m', ['b'], { inverted: true, return: 'key' }),
    op.read('l'),
    op.read('m'),
  ])
  t.deepEqual(bins, [
    ['l', 3],
    ['m', ['a', 'c']],
    ['l', [4, 5]],
    ['m', { b: 2 }],
  ])
})

test('the same operations run on many records', async (t) => {
  const keys = [freshKey(), freshKey()]
  const batch = await client().batchOperate<{ l: unknown }>(keys, [
    lists.appendItems('l', [2, 1]),
    lists.getByRank('l', 0),
  ])
  t.deepEqual(
    Array.from(batch, (row) => row.record?.bins.l),
    [OperationResults.of(2, 1), OperationResults.of(2, 1)],
  )
})
