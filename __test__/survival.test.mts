// Requests that some servers do not survive: what means something is sent in another way, the rest is refused.
import {
  bits,
  ctx,
  type Exp,
  exp,
  InvalidArgumentError,
  lists,
  maps,
  OperationNotApplicableError,
  op,
} from 'aerospike-napi'
import test from 'ava'
import { client, freshKey } from './support/cluster.mjs'

const LEAST = -(2n ** 63n)
const REFUSED = { instanceOf: InvalidArgumentError, message: /8\.1\.1 and 8\.1\.2 do not survive/ }

test('an inverted selection of a map by an empty list is everything', async (t) => {
  const key = freshKey('survival')
  const m = new Map([
    ['a', 3],
    ['b', 1],
    ['c', 2],
  ])
  await client().put(key, { m })
  for (const [operation, answer] of [
    [maps.getByKeyList('m', [], { inverted: true }), [3, 1, 2]],
    [maps.getByValueList('m', [], { inverted: true, return: 'key' }), ['a', 'b', 'c']],
    [maps.getByKeyList('m', [], { inverted: true, return: 'count' }), 3],
    [maps.getByKeyList('m', [], { inverted: true, return: 'exists' }), true],
    [maps.getByKeyList('m', []), []],
    [maps.getByKeyList('m', ['a'], { inverted: true }), [1, 2]],
  ] as const) {
    const { bins } = await client().operate(key, [operation])
    t.deepEqual(bins.m as unknown, answer)
  }
  const size = op.expRead('n', exp.maps.getByValueList(exp.bin.map('m'), [], { inverted: true, return: 'count' }))
  t.is((await client().operate(key, [size])).bins.n, 3)
  await client().operate(key, [maps.removeByValueList('m', [], { inverted: true })])
  t.deepEqual((await client().get(key)).bins.m as unknown, {})
})

test('a list that is computed may be empty, so it does not invert', (t) => {
  const keys = exp.bin.list('keys')
  t.throws(() => exp.maps.getByKeyList(exp.bin.map('m'), keys, { inverted: true }), REFUSED)
  t.notThrows(() => exp.maps.getByKeyList(exp.bin.map('m'), keys))
  t.notThrows(() => exp.lists.getByValueList(exp.bin.list('l'), keys, { inverted: true }))
})

test('a list that is padded far keeps no index', async (t) => {
  const key = freshKey('survival')
  const list = [1, null, [], 6, 7]
  for (const index of [127, 128, 300]) {
    await client().put(key, { b: list })
    const step = ctx.listIndex(index, { create: 'padded', persistIndex: true })
    const append = client().operate(key, [lists.append('b', 'x', { ctx: [step] })])
    // below 128 the server is asked as it is, and makes no list that keeps an index below the top
    if (index < 128) await t.throwsAsync(append, { instanceOf: OperationNotApplicableError })
    else await append
    const { b } = (await client().get<{ b: unknown[] }>(key)).bins
    t.is(b.length, index < 128 ? list.length : index + 1)
    if (index >= 128) t.deepEqual(b[index], ['x'])
  }
})

test('before the start of a list nothing is created', async (t) => {
  const key = freshKey('survival')
  const append = (index: number, create: 'padded' | 'unordered' | 'ordered') =>
    client().operate(key, [lists.append('b', 1, { ctx: [ctx.listIndex(index, { create })] })])
  await client().put(key, { a: 0 })
  for (const create of ['padded', 'unordered', 'ordered'] as const) {
    await t.throwsAsync(append(-2, create), { instanceOf: OperationNotApplicableError })
  }
  await append(-1, 'padded')
  t.deepEqual((await client().get(key)).bins.b as unknown, [[1]])
  await append(-1, 'padded')
  t.deepEqual((await client().get(key)).bins.b as unknown, [[1, 1]])
  await t.throwsAsync(append(-2, 'padded'), { instanceOf: OperationNotApplicableError })
  t.throws(() => lists.append('b', 1, { ctx: [ctx.listIndex(2 ** 27, { create: 'padded' })] }), REFUSED)
})

test('a new unordered list with an index does not begin far from its start', (t) => {
  t.throws(() => lists.increment('b', 200, 1, { persistIndex: true }), REFUSED)
  t.notThrows(() => lists.increment('b', 127, 1, { persistIndex: true }))
  t.notThrows(() => lists.increment('b', 200, 1, { persistIndex: true, order: 'ordered' }))
})

test('integers are divided by -1 without a division', async (t) => {
  const key = freshKey('survival')
  await client().put(key, { least: LEAST, n: 7 })
  const read = async (value: Exp<'int'>) => (await client().operate(key, [op.expRead('r', value)])).bins.r
  t.is(await read(exp.div<'int'>(exp.bin.int('n'), -1)), -7)
  t.is(await read(exp.mod(exp.bin.int('n'), -1)), 0)
  t.is(await read(exp.div<'int'>(exp.bin.int('least'), -1)), LEAST)
  t.is(await read(exp.mod(exp.bin.int('least'), -1)), 0)
  t.is(await read(exp.div<'int'>(exp.bin.int('n'), 2)), 3)
  t.throws(() => exp.div<'int'>(LEAST, exp.bin.int('n')), REFUSED)
  t.throws(() => exp.mod(LEAST, -1), REFUSED)
})

test('what is shifted out of bits that may be cut off is written as zeros', async (t) => {
  const key = freshKey('survival')
  const bytes = Uint8Array.of(1, 2, 3, 4, 5)
  const after = async (operation: ReturnType<typeof bits.lshift>) => {
    await client().put(key, { b: bytes })
    await client().operate(key, [operation])
    return [...((await client().get(key)).bins.b as Uint8Array)]
  }
  const partial = { partial: true, noFail: true }
  t.deepEqual(await after(bits.lshift('b', 16, 48, 48, partial)), [1, 2, 0, 0, 0])
  t.deepEqual(await after(bits.rshift('b', -8, 16, 20, partial)), [1, 2, 3, 4, 0])
  t.deepEqual(await after(bits.lshift('b', 32, 16, 1, partial)), [1, 2, 3, 4, 10])
  t.deepEqual(await after(bits.rshift('b', 4, 60, 8, partial)), [0, 1, 2, 3, 4])
  t.throws(() => bits.lshift('b', 16, 48, 8, partial), REFUSED)
  t.throws(() => bits.rshift('b', -8, 16, 9, { partial: true }), REFUSED)
  t.throws(() => exp.bits.or(exp.bin.blob('b'), 8, 8, Uint8Array.of(1), { partial: true }), REFUSED)
  t.notThrows(() => bits.lshift('b', 16, 48, 8))
})
