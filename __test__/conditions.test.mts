// Conditions as text: every form of the grammar is the expression it stands for, and decides as it should on a server.
import {
  type AnyExp,
  ctx,
  Double,
  type Exp,
  exp,
  GeoJSON,
  HyperLogLog,
  hll as hllCalls,
  InvalidArgumentError,
  where,
} from 'aerospike-napi'
import test from 'ava'
import { client, freshKey } from './support/cluster.mjs'

const int = exp.bin.int
const float = exp.bin.float
const list = exp.bin.list
const map = exp.bin.map
const hll = exp.bin.hll
const { lists, maps } = exp
const sketch = new HyperLogLog(Buffer.from([0, 4, 0, ...Array(24).fill(0)]))
const region = new GeoJSON({ type: 'AeroCircle', coordinates: [[8.68, 50.11], 1000] })

/** Each text beside what it stands for. */
const FORMS: readonly (readonly [text: Exp<'bool'>, expression: Exp<'bool'>])[] = [
  // comparisons and logic
  [where`$.age == 30`, exp.eq(int('age'), 30)],
  [where`$.age != 30 and $.age >= 18`, exp.and(exp.ne(int('age'), 30), exp.ge(int('age'), 18))],
  [where`$.a < 1 or $.a > 5`, exp.or(exp.lt(int('a'), 1), exp.gt(int('a'), 5))],
  [where`not ($.age <= 5)`, exp.not(exp.le(int('age'), 5))],
  [where`exclusive($.a == 1, $.b == 2)`, exp.exclusive(exp.eq(int('a'), 1), exp.eq(int('b'), 2))],
  [where`$.a == true`, exp.eq(exp.bin.bool('a'), true)],
  [where`$.'my bin' == "x"`, exp.eq(exp.bin.string('my bin'), 'x')],
  [where`30 < $.age`, exp.lt(exp.int(30), int('age'))],
  [where`$.age > 21 /* adults */ and $.ok`, exp.and(exp.gt(int('age'), 21), exp.bin.bool('ok'))],
  [where`$.city in ["Bonn", "Rome"]`, exp.inList(exp.bin.string('city'), ['Bonn', 'Rome'])],
  [where`"gold" in $.tiers`, exp.inList('gold', list('tiers'))],
  [where`$.name =~ /^a.*z$/`, exp.regex(exp.bin.string('name'), '^a.*z$', { extended: true })],
  // numbers
  [where`$.a + $.b * 2 - 1 == 0`, exp.eq(exp.sub(exp.add(int('a'), exp.mul(int('b'), 2)), 1), 0)],
  [where`$.a / 2 % 3 == 0`, exp.eq(exp.mod(exp.div(int('a'), 2), 3), 0)],
  [where`$.base ** 2 > 100.0`, exp.gt(exp.pow(float('base'), 2), 100)],
  [where`$.flags & 0xFF == 1`, exp.eq(exp.intAnd(int('flags'), 0xff), 1)],
  [where`$.mask | 0b101 ^ 3 & 2 == 7`, exp.eq(exp.intOr(int('mask'), exp.intXor(5, exp.intAnd(3, 2))), 7)],
  [where`~$.mask == 5`, exp.eq(exp.intNot(int('mask')), 5)],
  [where`$.bits << 4 == 16`, exp.eq(exp.intLshift(int('bits'), 4), 16)],
  [where`$.bits >> 2 == 1`, exp.eq(exp.intArshift(int('bits'), 2), 1)],
  [where`$.bits >>> 2 == 1`, exp.eq(exp.intRshift(int('bits'), 2), 1)],
  [where`-$.a < 5`, exp.lt(exp.sub(int('a')), 5)],
  [where`abs($.balance) > 100`, exp.gt(exp.abs(int('balance')), 100)],
  [where`ceil($.r) == 5.0`, exp.eq(exp.ceil(float('r')), exp.float(5))],
  [where`floor($.r) == 5.0`, exp.eq(exp.floor(float('r')), exp.float(5))],
  [where`pow($.b, 2) > 1.5`, exp.gt(exp.pow(float('b'), 2), 1.5)],
  [where`log($.v, 10) > 2.5`, exp.gt(exp.log(float('v'), 10), 2.5)],
  [where`log($.v) > 2.5`, exp.gt(exp.log(float('v'), Math.E), 2.5)],
  [where`max($.a, $.b, 3) > 5`, exp.gt(exp.max(int('a'), int('b'), 3), 5)],
  [where`min($.a, 1.5) > 0.5`, exp.gt(exp.min(float('a'), 1.5), 0.5)],
  [where`countOneBits($.f) == 2`, exp.eq(exp.intCount(int('f')), 2)],
  [where`findBitLeft($.f, true) == 2`, exp.eq(exp.intLscan(int('f'), true), 2)],
  [where`findBitRight($.f, false) == 2`, exp.eq(exp.intRscan(int('f'), false), 2)],
  // types
  [where`$.a:INT > $.b`, exp.gt(int('a'), int('b'))],
  [where`$.a.get(type: INT) > $.b.int()`, exp.gt(int('a'), int('b'))],
  [where`$.count.asFloat() > 3.5`, exp.gt(exp.toFloat(int('count')), 3.5)],
  [where`$.price.asInt() == 3`, exp.eq(exp.toInt(float('price')), 3)],
  [where`$.a == 5.asFloat()`, exp.eq(float('a'), exp.toFloat(5))],
  [where`$.a.type() == 'map'`, exp.eq(exp.binType('a'), 19)],
  [where`$.a.exists()`, exp.binExists('a')],
  // the record
  [where`$.ttl() < 3600`, exp.lt(exp.ttl(), 3600)],
  [where`$.voidTime() == -1`, exp.eq(exp.voidTime(), -1)],
  [where`$.lastUpdate() > 5`, exp.gt(exp.lastUpdate(), 5)],
  [where`$.lastUpdateTime() > 5`, exp.gt(exp.lastUpdate(), 5)],
  [where`$.sinceUpdate() < 7200000`, exp.lt(exp.sinceUpdate(), 7_200_000)],
  [where`$.timeSinceLastUpdate() < 1`, exp.lt(exp.sinceUpdate(), 1)],
  [where`$.setName() == 'users'`, exp.eq(exp.setName(), 'users')],
  [where`$.recordSize() > 1024`, exp.gt(exp.recordSize(), 1024)],
  [where`$.deviceSize() > 1`, exp.gt(exp.deviceSize(), 1)],
  [where`$.memorySize() > 1`, exp.gt(exp.memorySize(), 1)],
  [where`$.keyExists() and $.isTombstone()`, exp.and(exp.keyExists(), exp.isTombstone())],
  [where`$.digestModulo(3) == 0`, exp.eq(exp.digestModulo(3), 0)],
  [where`$.key() == 'user-1'`, exp.eq(exp.key.string(), 'user-1')],
  [where`$.key():INT == $.a`, exp.eq(exp.key.int(), int('a'))],
  // one element
  [where`$.p.name == 'x'`, exp.eq(maps.getByKey(map('p'), 'name', { type: 'string' }), 'x')],
  [where`$.p.["theme"] == "dark"`, exp.eq(maps.getByKey(map('p'), 'theme', { type: 'string' }), 'dark')],
  [where`$.p.42 == 1`, exp.eq(maps.getByKey(map('p'), 42, { type: 'int' }), 1)],
  [where`$.p.-3 == 1`, exp.eq(maps.getByKey(map('p'), -3, { type: 'int' }), 1)],
  [where`$.p.${'k'} == 1`, exp.eq(maps.getByKey(map('p'), 'k', { type: 'int' }), 1)],
  [where`$.m.{@1} == 1`, exp.eq(maps.getByKey(map('m'), 1, { type: 'int' }), 1)],
  [where`$.m.{0} == 1`, exp.eq(maps.getByIndex(map('m'), 0, { type: 'int' }), 1)],
  [where`$.m{#-1} == 1`, exp.eq(maps.getByRank(map('m'), -1, { type: 'int' }), 1)],
  [where`$.m.{='bb'} == 'bb'`, exp.eq(maps.getFirstByValue(map('m'), 'bb', { type: 'string' }), 'bb')],
  [where`$.l.[0] > 90`, exp.gt(lists.getByIndex(list('l'), 0, { type: 'int' }), 90)],
  [where`$.l[-1] > 90`, exp.gt(lists.getByIndex(list('l'), -1, { type: 'int' }), 90)],
  [where`$.l.[#-1] > 90`, exp.gt(lists.getByRank(list('l'), -1, { type: 'int' }), 90)],
  [where`$.l.[=5] == 5`, exp.eq(lists.getFirstByValue(list('l'), 5, { type: 'int' }), 5)],
  [where`$.l.[0].[1] == 42`, exp.eq(lists.getByIndex(list('l'), 1, { type: 'int', ctx: [ctx.listIndex(0)] }), 42)],
  [
    where`$.users.["alice"].{#0}.age > 30`,
    exp.gt(maps.getByKey(map('users'), 'age', { type: 'int', ctx: [ctx.mapKey('alice'), ctx.mapRank(0)] }), 30),
  ],
  [where`$.m.a.[#0] == 1`, exp.eq(lists.getByRank(map('m'), 0, { type: 'int', ctx: [ctx.mapKey('a')] }), 1)],
  [where`$.l.[=5].exists()`, lists.getFirstByValue(list('l'), 5, { return: 'exists' })],
  [where`$.m.k.exists()`, maps.getByKey(map('m'), 'k', { return: 'exists' })],
  // many elements
  [where`$.l.[1:3] == [2, 3]`, exp.eq(lists.getByIndexRange(list('l'), 1, 2), [2, 3])],
  [where`$.l.[-3:-1] == [2, 3]`, exp.eq(lists.getByIndexRange(list('l'), -3, 2), [2, 3])],
  [where`$.l.[2:] == [3]`, exp.eq(lists.getByIndexRange(list('l'), 2), [3])],
  [where`$.l.[:2].count() == 2`, exp.eq(lists.getByIndexRange(list('l'), 0, 2, { return: 'count' }), 2)],
  [where`$.l.[!1:3] == [1]`, exp.eq(lists.getByIndexRange(list('l'), 1, 2, { inverted: true }), [1])],
  [where`$.l.[=1,2].count() > 0`, exp.gt(lists.getByValueList(list('l'), [1, 2], { return: 'count' }), 0)],
  [where`$.l.[=a,b].exists()`, lists.getByValueList(list('l'), ['a', 'b'], { return: 'exists' })],
  [where`$.l.[=1:5].count() > 0`, exp.gt(lists.getByValueRange(list('l'), 1, 5, { return: 'count' }), 0)],
  [
    where`$.l.[!=:5].count() > 0`,
    exp.gt(lists.getByValueRange(list('l'), null, 5, { inverted: true, return: 'count' }), 0),
  ],
  [where`$.l.[=5].count() > 1`, exp.gt(lists.getByValue(list('l'), 5, { return: 'count' }), 1)],
  [where`$.l.[#-3:] == [1]`, exp.eq(lists.getByRankRange(list('l'), -3), [1])],
  [where`$.l.[#0:2] == [1]`, exp.eq(lists.getByRankRange(list('l'), 0, 2), [1])],
  [
    where`$.l.[#-1:1~10].count() == 1`,
    exp.eq(lists.getByValueRelRankRange(list('l'), 10, -1, 2, { return: 'count' }), 1),
  ],
  [where`$.l.[#0:~10].count() == 1`, exp.eq(lists.getByValueRelRankRange(list('l'), 10, 0, { return: 'count' }), 1)],
  [where`$.m.{a,b} == [1]`, exp.eq(maps.getByKeyList(map('m'), ['a', 'b']), [1])],
  [where`$.m.{@'a','b'}.count() == 2`, exp.eq(maps.getByKeyList(map('m'), ['a', 'b'], { return: 'count' }), 2)],
  [
    where`$.m.{!a,b}.count() == 2`,
    exp.eq(maps.getByKeyList(map('m'), ['a', 'b'], { inverted: true, return: 'count' }), 2),
  ],
  [where`$.m.{a-c} == [1]`, exp.eq(maps.getByKeyRange(map('m'), 'a', 'c'), [1])],
  [where`$.m.{'a'-} == [1]`, exp.eq(maps.getByKeyRange(map('m'), 'a', null), [1])],
  [where`$.m.{@'a':'d'}.count() == 1`, exp.eq(maps.getByKeyRange(map('m'), 'a', 'd', { return: 'count' }), 1)],
  [where`$.m.{1:3} == [1]`, exp.eq(maps.getByIndexRange(map('m'), 1, 2), [1])],
  [where`$.m.{=1,2} == [1]`, exp.eq(maps.getByValueList(map('m'), [1, 2]), [1])],
  [where`$.m.{=111:334}.count() == 1`, exp.eq(maps.getByValueRange(map('m'), 111, 334, { return: 'count' }), 1)],
  [where`$.m.{#0:3}.count() == 1`, exp.eq(maps.getByRankRange(map('m'), 0, 3, { return: 'count' }), 1)],
  [
    where`$.m.{#-1:1~10}.count() == 1`,
    exp.eq(maps.getByValueRelRankRange(map('m'), 10, -1, 2, { return: 'count' }), 1),
  ],
  [where`$.m.{0:1~a}.count() == 1`, exp.eq(maps.getByKeyRelIndexRange(map('m'), 'a', 0, 1, { return: 'count' }), 1)],
  [
    where`$.m.a.{=1:5}.count() == 1`,
    exp.eq(maps.getByValueRange(map('m'), 1, 5, { ctx: [ctx.mapKey('a')], return: 'count' }), 1),
  ],
  // what is told of them
  [where`$.l.[#-1].get(return: INDEX) == 0`, exp.eq(lists.getByRank(list('l'), -1, { return: 'index' }), 0)],
  [
    where`$.m.{#-1}.get(type: STRING, return: KEY) == 'a'`,
    exp.eq(maps.getByRank(map('m'), -1, { type: 'string', return: 'key' }), 'a'),
  ],
  [where`$.m.{=1:5}.get(return: KEY) == ['a']`, exp.eq(maps.getByValueRange(map('m'), 1, 5, { return: 'key' }), ['a'])],
  [where`$.m.a.get(type: INT, return: VALUE) == 1`, exp.eq(maps.getByKey(map('m'), 'a', { type: 'int' }), 1)],
  [where`$.l.[].count() == 5`, exp.eq(lists.size(list('l')), 5)],
  [where`$.m.{}.count() == 5`, exp.eq(maps.size(map('m')), 5)],
  [where`$.m.a.{}.count() == 5`, exp.eq(maps.size(map('m'), { ctx: [ctx.mapKey('a')] }), 5)],
  [where`$.m.a.count() == 5`, exp.eq(lists.size(map('m'), { ctx: [ctx.mapKey('a')] }), 5)],
  [where`$.l.list().size() == 5`, exp.eq(lists.size(list('l')), 5)],
  // geometry, variables, choices
  [where`geoCompare($.place, ${region})`, exp.geoCompare(exp.bin.geo('place'), region)],
  [
    where`let (x = $.a + 1, y = x * 2) then (y > 5)`,
    exp.let(
      exp.def('x', exp.add(int('a'), 1)),
      exp.def('y', exp.mul(exp.var('x', 'int'), 2)),
      exp.gt(exp.var('y', 'int'), 5),
    ),
  ],
  [where`with (x = $.a.int()) do (\${x} > 5)`, exp.let(exp.def('x', int('a')), exp.gt(exp.var('x', 'int'), 5))],
  [
    where`let ($total = $.p * $.q * 1) then ($total > 5)`,
    exp.let(exp.def('total', exp.mul(exp.mul(int('p'), int('q')), 1)), exp.gt(exp.var('total', 'int'), 5)),
  ],
  [
    where`when ($.tier == 1 => 'gold', $.tier == 2 => 'silver', default => 'bronze') == $.name`,
    exp.eq(
      exp.cond(
        exp.eq(int('tier'), 1),
        exp.string('gold'),
        exp.eq(int('tier'), 2),
        exp.string('silver'),
        exp.string('bronze'),
      ),
      exp.bin.string('name'),
    ),
  ],
  [
    where`when ($.a > 0 => $.b, default => unknown) == 5`,
    exp.eq(exp.cond(exp.gt(int('a'), 0), int('b'), exp.unknown<'int'>()) as Exp<'int'>, 5),
  ],
  // as newer guides write it
  [where`$.name@host == 1`, exp.eq(int('name@host'), 1)],
  [where`$.@attr.[0] == 5`, exp.eq(lists.getByIndex(list('@attr'), 0, { type: 'int' }), 5)],
  [where`$.a-1 == 4`, exp.eq(exp.sub(int('a'), 1), 4)],
  [where`$.m.+5 == +5`, exp.eq(maps.getByKey(map('m'), 5, { type: 'int' }), 5)],
  [where`$.m.{1-5}.count() == 1`, exp.eq(maps.getByKeyRange(map('m'), 1, 5, { return: 'count' }), 1)],
  [where`$.m.{-c}.count() == 1`, exp.eq(maps.getByKeyRange(map('m'), null, 'c', { return: 'count' }), 1)],
  [where`$.m.{1,2}.count() == 1`, exp.eq(maps.getByKeyList(map('m'), [1, 2], { return: 'count' }), 1)],
  [where`$.x == .5 and $.y == -.5`, exp.and(exp.eq(float('x'), 0.5), exp.eq(float('y'), -0.5))],
  [where`$.x == 0XFF and $.y == 0B101`, exp.and(exp.eq(int('x'), 255), exp.eq(int('y'), 5))],
  [where`$.city IN ['Bonn']`, exp.inList(exp.bin.string('city'), ['Bonn'])],
  [where`$.price in [1, 2.5]`, exp.inList(float('price'), [new Double(1), 2.5])],
  [where`$.m.{} == {'a': 1, 2: ['b', {}]}`, exp.eq(map('m'), new Map<unknown, unknown>([['a', 1], [2, ['b', new Map()]]]) as never)], // biome-ignore format: short
  [where`{} == $.m`, exp.eq(exp.map(new Map()), map('m'))],
  [where`$.a == unknown`, exp.eq(int('a'), exp.unknown<'int'>())],
  [where`max($.a, $.b) > min($.c, $.d)`, exp.gt(exp.max(int('a'), int('b')), exp.min(int('c'), int('d')))],
  [
    where`let $total = $.p * $.q then $total > 5`,
    exp.let(exp.def('total', exp.mul(int('p'), int('q'))), exp.gt(exp.var('total', 'int'), 5)),
  ],
  [where`geoCompare($.place, geoJson(${region.text}))`, exp.geoCompare(exp.bin.geo('place'), region)],
  // HyperLogLogs
  [where`$.h.hllCount() > 5`, exp.gt(exp.hll.getCount(hll('h')), 5)],
  [where`$.h.hllDescribe() == [14, 0]`, exp.eq(exp.hll.describe(hll('h')), [14, 0])],
  [where`$.h.hllMayContain(['a', 'b']) == 1`, exp.eq(exp.hll.mayContain(hll('h'), ['a', 'b']), 1)],
  [where`$.h.hllUnionCount($.o) > 5`, exp.gt(exp.hll.getUnionCount(hll('h'), hll('o')), 5)],
  [where`$.h.hllUnionCount(${sketch}) > 5`, exp.gt(exp.hll.getUnionCount(hll('h'), [sketch]), 5)],
  [where`$.h.hllIntersectCount(${[sketch]}) > 5`, exp.gt(exp.hll.getIntersectCount(hll('h'), [sketch]), 5)],
  [where`$.h.hllSimilarity($.o) >= 0.5`, exp.ge(exp.hll.getSimilarity(hll('h'), hll('o')), 0.5)],
  [where`$.h.hllUnion($.o) == ${sketch}`, exp.eq(exp.hll.getUnion(hll('h'), hll('o')), exp.hllValue(sketch))],
  [where`when ($.a > 0 => $.ok, default => false)`, exp.cond(exp.gt(int('a'), 0), exp.bin.bool('ok'), exp.bool(false))],
]

test(`${FORMS.length} forms are the expressions they stand for`, (t) => {
  FORMS.forEach(([text, expression], i) => {
    t.is(text.toBase64(), expression.toBase64(), `form ${i + 1}`)
  })
})

test('conditions decide on a server as they read', async (t) => {
  const key = freshKey()
  await client().put(key, {
    age: 30,
    name: 'Alice',
    price: 2.5,
    l: [5, 1, 9, 5],
    m: { a: 1, b: 2, c: 3 },
    deep: { list: [{ n: 1 }, { n: 7 }] },
    at: new GeoJSON({ type: 'Point', coordinates: [8.68, 50.11] }),
  })
  await client().operate(key, [
    hllCalls.add('h', ['a', 'b', 'c'], { indexBits: 12 }),
    hllCalls.add('o', ['c', 'd'], { indexBits: 12 }),
  ])
  const holds = async (condition: Exp<'bool'>): Promise<boolean> =>
    (await client().operate(key, [(await import('aerospike-napi')).op.expRead('r', condition as AnyExp)])).bins
      .r as boolean
  const yes: Exp<'bool'>[] = [
    where`$.l.[#-1] == 9 and $.l.[#0:2].count() == 2`,
    where`$.l.[=5].count() == 2`,
    where`$.l.[!=5].count() == 2`,
    where`$.l.[#-1].get(return: INDEX) == 2`,
    where`$.m.{a-c}.count() == 2`,
    where`$.m.{=2:}.get(return: KEY) == ['b', 'c']`,
    where`$.m.{#-1}.get(type: STRING, return: KEY) == 'c'`,
    where`$.m.{0:2~b}.count() == 2`,
    where`$.deep.list.[-1].n == 7`,
    where`$.deep.list.count() == 2 and $.deep.list.[0].{}.count() == 1`,
    where`let (x = $.age + 1) then (x * 2 == 62)`,
    where`when ($.age < 18 => 'minor', default => 'adult') == 'adult'`,
    where`$.age & 0b10 == 2 and $.age >> 1 == 15 and ~$.age == -31`,
    where`$.price ** 2 == 6.25 and $.price.asInt() == 2`,
    where`exclusive($.age == 30, $.name == 'Bob')`,
    where`abs(0 - $.age) == 30 and max($.age, 5) == 30`,
    where`$.l[-1] == ${5} and $.m.${'b'} == ${2}`,
    where`$.h.hllCount() == 3 and $.h.hllUnionCount($.o) == 4 and $.h.hllIntersectCount($.o) == 1`,
    where`$.h.hllMayContain(['a']) == 1 and $.h.hllDescribe() == [12, 0]`,
    where`geoCompare($.at, geoJson('{"type":"AeroCircle","coordinates":[[8.68,50.11],1000]}'))`,
    where`$.m.{} == {'a': 1, 'b': 2, 'c': 3} and $.m.{-c}.count() == 2`,
    where`$.price IN [1, 2.5] and $.age not in [1, 2]`,
    where`let $n = $.age - 1 then $n == 29`,
  ]
  const no: Exp<'bool'>[] = [where`$.m.{@x}.exists()`, where`$.l.[=7].exists()`, where`$.m.{x,y}.count() > 0`]
  for (const [i, condition] of yes.entries()) t.true(await holds(condition), `yes ${i}`)
  for (const [i, condition] of no.entries()) t.false(await holds(condition), `no ${i}`)
})

test('mistakes are pointed at', (t) => {
  const at = (make: () => unknown, pointed: RegExp): void => {
    const error = t.throws(make, { instanceOf: InvalidArgumentError })
    const [, text = '', pointer = ''] = error?.message.split('\n') ?? []
    t.regex(`${text.slice(pointer.indexOf('^'))}|${error?.message.split('\n')[0]}`, pointed)
  }
  at(() => where`$.l.[1:-1] == [1]`, /^\[1:-1\].*must end there/)
  at(() => where`$.l.[3:1] == [1]`, /^\[3:1\].*is empty/)
  at(() => where`$.l.[1:3].[0] == 1`, /^\[0\].*a selection of many ends a path/)
  at(() => where`$.l.[@a] == 1`, /^\[@a\].*a list has no keys/)
  at(() => where`$.l.[0:1~5].count() > 0`, /^\[0:1~5\].*goes with a range of ranks/)
  at(() => where`$.l.[0,1] == [1]`, /^\[0,1\].*indexes and ranks are ranges/)
  at(() => where`$.l.[x] == 1`, /^\[x\].*whole number/)
  at(() => where`$.m.{0 == 1`, /^== 1.*expected '}'/)
  at(() => where`$.m.{}.[0] == 1`, /^\[0\].*said to be a map/)
  at(() => where`$.a:INTEGR > 1`, /^INTEGR.*there is no type INTEGR/)
  at(() => where`$.m.a.get(return: KEYS) == 1`, /^KEYS.*did you mean 'KEY'/)
  at(() => where`$.m.a.get(tpye: INT) == 1`, /^tpye.*expected 'type' or 'return'/)
  at(() => where`$.a.get(return: COUNT) == 1`, /^get.*what is in a bin/)
  at(() => where`$.tlt() > 1`, /^tlt.*did you mean 'ttl'/)
  at(() => where`abbs($.a) > 1`, /^abbs.*did you mean 'abs'/)
  at(() => where`pow($.a) > 1.5`, /^pow.*takes 2 operands, not 1/)
  at(() => where`let (x = $.a) then (x > 1)`, /^\$\.a\).*of which type/)
  at(() => where`let (x = 1) then (y > 1)`, /^y > 1/)
  at(() => where`x > 1`, /^x > 1.*expected a value/)
  at(() => where`when (default => true)`, /^when.*at least one condition/)
  at(() => where`$.name & 1 == 'x' & 1`, /^& 1\|.*goes with integers, not string/)
  at(() => where`$.a /* never`, /^\/\* never.*a comment without an end/)
  at(() => where`$.a:STRING == $.b:FLOAT`, /^==.*float does not go together with string/)
  at(() => where`['a'] == $.m:MAP`, /^==.*map does not go together with list/)
  at(() => where`$.a in [1, 'b']`, /^\[1, 'b'\].*a value of type int, which no string is in/)
  at(() => where`$.name:STRING in [1, 2]`, /^\[1, 2\].*a value of type int/)
  at(() => where`$.h.hllCuont() > 1`, /^hllCuont.*did you mean 'hllCount'/)
  at(() => where`$.m.h.hllCount() > 1`, /^hllCount.*for bins/)
  at(() => where`geoCompare($.a, geoJson('{'))`, /^'\{'.*GeoJSON/)
  at(() => where`$.m == {'a' 1}`, /^1\}.*expected ':'/)
  at(() => where`$.m == {5: $.b}`, /a map holds values/)
  at(() => where`$.key() == 1.5`, /^key.*a key is an integer, text or bytes/)
})
