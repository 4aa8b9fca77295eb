// Random expressions, evaluated by the server and by a plain interpreter: they must agree.

import { exp, op } from 'aerospike-napi'
import test from 'ava'
import fc from 'fast-check'
import { client, freshKey } from './support/cluster.mjs'

const bins: { readonly [name: string]: bigint } = { a: 7n, b: -3n, c: 2n ** 40n }

/** An expression and what it is, worked out in JavaScript; integers wrap at 64 bits, as the server's do. */
type Int = { readonly say: ReturnType<typeof exp.int>; readonly is: bigint }
type Bool = { readonly say: ReturnType<typeof exp.bool>; readonly is: boolean }

const wrap = (n: bigint): bigint => BigInt.asIntN(64, n)

const { int, bool } = fc.letrec<{ int: Int; bool: Bool }>((tie) => ({
  int: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -1000, max: 1000 }).map((n) => ({ say: exp.int(n), is: BigInt(n) })),
    fc.constantFrom(...Object.keys(bins)).map((name) => ({ say: exp.bin.int(name), is: bins[name] as bigint })),
    fc.tuple(tie('int'), tie('int')).map(([x, y]) => ({ say: exp.add(x.say, y.say), is: wrap(x.is + y.is) })),
    fc.tuple(tie('int'), tie('int')).map(([x, y]) => ({ say: exp.sub(x.say, y.say), is: wrap(x.is - y.is) })),
    fc.tuple(tie('int'), tie('int')).map(([x, y]) => ({ say: exp.mul(x.say, y.say), is: wrap(x.is * y.is) })),
    fc.tuple(tie('int'), tie('int')).map(([x, y]) => ({ say: exp.intAnd(x.say, y.say), is: x.is & y.is })),
    fc.tuple(tie('int'), tie('int')).map(([x, y]) => ({ say: exp.max(x.say, y.say), is: x.is > y.is ? x.is : y.is })),
    fc
      .tuple(tie('bool'), tie('int'), tie('int'))
      .map(([test, x, y]) => ({ say: exp.cond(test.say, x.say, y.say), is: test.is ? x.is : y.is })),
  ),
  bool: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.boolean().map((b) => ({ say: exp.bool(b), is: b })),
    fc.tuple(tie('int'), tie('int')).map(([x, y]) => ({ say: exp.lt(x.say, y.say), is: x.is < y.is })),
    fc.tuple(tie('int'), tie('int')).map(([x, y]) => ({ say: exp.eq(x.say, y.say), is: x.is === y.is })),
    fc.tuple(tie('bool'), tie('bool')).map(([x, y]) => ({ say: exp.and(x.say, y.say), is: x.is && y.is })),
    fc.tuple(tie('bool'), tie('bool')).map(([x, y]) => ({ say: exp.or(x.say, y.say), is: x.is || y.is })),
    tie('bool').map((x) => ({ say: exp.not(x.say), is: !x.is })),
  ),
}))

test('random expressions come to what a plain interpreter makes of them', async (t) => {
  const key = freshKey()
  await client().put(key, bins)
  const property = fc.asyncProperty(int, bool, async (number, truth) => {
    const read = await client().operate(key, [op.expRead('n', number.say), op.expRead('t', truth.say)], {
      integers: 'bigint',
    })
    if (read.bins.n !== number.is || read.bins.t !== truth.is) {
      throw new Error(`the server says ${read.bins.n} and ${read.bins.t}, not ${number.is} and ${truth.is}`)
    }
  })
  await fc.assert(property, { numRuns: 300, includeErrorInReport: true })
  t.pass()
})
