// Options and operations that no server takes together are refused before anything is sent, with words: a server says a bare
// code 4. The pairs are tried rather than listed.
import { bits, exp, hll, InvalidArgumentError, lists, maps, type Operation, op } from 'aerospike-napi'
import test from 'ava'
import { client, freshKey } from './support/cluster.mjs'

const OPERATIONS: { [name: string]: () => Operation } = {
  read: () => op.read('a'),
  readAll: () => op.readAll(),
  readMeta: () => op.readMeta(),
  write: () => op.write('a', 1),
  removeBin: () => op.write('z', null),
  increment: () => op.increment('a', 1),
  append: () => op.append('s', 'x'),
  prepend: () => op.prepend('s', 'x'),
  touch: () => op.touch(),
  deleteAll: () => op.deleteAll(),
  'maps.put': () => maps.put('m', 'x', 1),
  'maps.getByKey': () => maps.getByKey('m', 'x'),
  'lists.append': () => lists.append('l', 1),
  'lists.size': () => lists.size('l'),
  expRead: () => op.expRead('e', exp.bin.int('a')),
  expWrite: () => op.expWrite('a', exp.int(1)),
  'bits.get': () => bits.get('b', 0, 8),
  'bits.set': () => bits.set('b', 0, 8, Buffer.of(1)),
  'hll.add': () => hll.add('h', ['x'], { indexBits: 8 }),
  'hll.getCount': () => hll.getCount('h'),
}

const EXISTS = [undefined, 'create', 'update', 'replace', 'createOrReplace'] as const

test('no pair of operations and no way to replace is left to the server to refuse', async (t) => {
  const key = freshKey()
  const names = Object.keys(OPERATIONS)
  const left: string[] = []
  let refused = 0
  const attempt = async (what: string, call: () => Promise<unknown>): Promise<void> => {
    await call().catch((error) => {
      if (error.code === 4 || error.batch?.failed[0]?.resultCode === 4) left.push(`${what}: ${error.message}`)
      if (!(error instanceof InvalidArgumentError)) return
      refused++
      t.regex(error.message, /does not go with/, what)
    })
  }
  for (const exists of EXISTS) {
    for (const a of names) {
      for (const b of [...names, undefined]) {
        const bins = { a: 1, s: 'x', m: { x: 1 }, l: [1], b: Buffer.alloc(4) }
        await client().put(key, bins, { exists: 'createOrReplace' })
        const ops = [a, b].flatMap((name) => (name === undefined ? [] : [OPERATIONS[name]?.() as Operation]))
        const what = `${exists}: ${a}, ${b}`
        await attempt(what, () => client().operate(key, ops, { exists }))
        await attempt(`ordered, ${what}`, () => client().operateOrdered(key, ops, { exists }))
        await attempt(`batch, ${what}`, async () =>
          (await client().batchOperate([key], ops, { exists })).throwIfFailed(),
        )
      }
    }
  }
  t.deepEqual(
    left.filter((text) => !/batch, /.test(text)),
    [],
  )
  t.deepEqual(left, [])
  t.true(refused > 500, `${refused}`)
})

test('what builds on the bins of a record does not go with replacing it', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1, s: 'x' })
  for (const exists of ['replace', 'createOrReplace'] as const) {
    const calls: [RegExp, () => Promise<unknown>][] = [
      [
        /^option exists: '(createOrR|r)eplace' does not go with an append:/,
        () => client().append(key, 's', 'y', { exists }),
      ],
      [/^option exists: .* does not go with a prepend:/, () => client().prepend(key, 's', 'y', { exists })],
      [/^option exists: .* does not go with an increment:/, () => client().increment(key, 'a', 1, { exists })],
      [/^option exists: .* does not go with a touch:/, () => client().touch(key, { exists })],
      [/^option exists: .* does not go with the removal of a bin:/, () => client().removeBin(key, 'a', { exists })],
    ]
    for (const [message, call] of calls) await t.throwsAsync(call(), { instanceOf: InvalidArgumentError, message })
    await client().put(key, { a: 1, s: 'x', gone: null }, { exists })
    await client().operate(key, [op.write('a', 2), op.read('a')], { exists })
  }
  await client().put(key, { a: 1, s: 'x' })
  const answered = client().operate(key, [op.readAll(), maps.put('m', 'x', 1)])
  await t.throwsAsync(answered, {
    instanceOf: InvalidArgumentError,
    message: /op\.readAll\(\) does not go with operations\[1\] on bin "m"/,
  })
  // In a call that only reads they go together.
  await client().operate(key, [op.readAll(), op.read('a')])
})
