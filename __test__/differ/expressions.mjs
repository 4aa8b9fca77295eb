// Expressions over every type: mostly sound ones, with now and then an argument of another type, as reads, writes and filters.
import { bitsCall, hllCall, sketch } from './bits.mjs'
import { operation } from './collections.mjs'
import { op } from './frames.mjs'
import { path } from './paths.mjs'
import { blob, float, geo, integer, list, map, small, value, word } from './values.mjs'

export const TYPE = { nil: 0, bool: 1, int: 2, string: 3, list: 4, map: 5, blob: 6, float: 7, geo: 8, hll: 9 }
const TYPES = Object.keys(TYPE)

/** Bins that a record of an expression case has, with the type that fits. */
const BINS = { i: 'int', j: 'int', d: 'float', s: 'string', b: 'blob', t: 'bool', l: 'list', m: 'map', h: 'hll', g: 'geo' }
const binOf = type => Object.keys(BINS).filter(bin => BINS[bin] === type)
const ODD = ['x', 'i', 'l', 'm', 's', '', 'a bin whose name is too long']

const bin = (r, type) => [81, r.oneIn(60) ? r.below(12) : TYPE[type], { s: r.oneIn(12) ? r.pick(ODD) : r.pick([...binOf(type), 'x']) }]

const REGEXES = ['h.*', '^a', 'b$', 'A', '(a)\\1', '[[:alpha:]]+', 'a|b', '(a|b)*', '\\(a\\)\\1', '[', 'a{2}', '.*', '', '^$', '(.)\\1', '[^a]', 'a+?', 'x*y']

const literal = {
  nil: () => null,
  bool: r => r.oneIn(2),
  int: r => integer(r),
  string: r => r.oneIn(4) ? 'hello' : word(r),
  list: r => [126, list(r, 1)],
  map: r => map(r, 1),
  blob: r => blob(r),
  float: r => float(r),
  geo: r => geo(r),
  hll: r => sketch(r)
}

const many = (r, depth, type, least = 1, most = 3) => r.many(least, most, () => expression(r, type, depth - 1))
const numbers = (r, depth, code, type) => [code, ...many(r, depth, type)]
const pair = (r, depth, code, type) => [code, ...many(r, depth, type, 2, 2)]

/** What makes a value of a type, besides literals and bins. */
const makers = {
  nil: () => null,
  bool: (r, depth) => r.weighted([
    [6, () => pair(r, depth, r.between(1, 6), r.pick(['int', 'int', 'string', 'float', 'bool', 'blob', 'list', 'map', 'nil']))],
    [2, () => [r.pick([16, 17, 19]), ...many(r, depth, 'bool', r.oneIn(20) ? 0 : 2, 4)]],
    [1, () => [18, expression(r, 'bool', depth - 1)]],
    [1, () => [7, r.oneIn(20) ? small(r) : r.below(16), { s: r.pick(REGEXES) }, expression(r, 'string', depth - 1)]],
    [1, () => pair(r, depth, 8, 'geo')],
    [1, () => [9, expression(r, r.pick(TYPES), depth - 1), expression(r, 'list', depth - 1)]],
    [1, () => [r.pick([71, 72])]]
  ]),
  int: (r, depth) => r.weighted([
    [6, () => numbers(r, depth, r.pick([20, 21, 22, 23, 50, 51]), 'int')],
    [2, () => pair(r, depth, 26, 'int')],
    [1, () => [27, expression(r, 'int', depth - 1)]],
    [1, () => [30, expression(r, 'float', depth - 1)]],
    [3, () => [r.pick([32, 33, 34]), ...many(r, depth, 'int', 1, 3)]],
    [1, () => [r.pick([35, 39]), expression(r, 'int', depth - 1)]],
    [2, () => pair(r, depth, r.pick([36, 37, 38]), 'int')],
    [2, () => [r.pick([40, 41]), expression(r, 'int', depth - 1), expression(r, 'bool', depth - 1)]],
    [1, () => [64, r.oneIn(8) ? integer(r) : r.between(1, 9)]],
    [1, () => [82, { s: r.pick([...Object.keys(BINS), 'x']) }]],
    [1, () => [r.pick([65, 68, 69, 73])]]
  ]),
  float: (r, depth) => r.weighted([
    [4, () => numbers(r, depth, r.pick([20, 21, 22, 23, 50, 51]), 'float')],
    [2, () => pair(r, depth, r.pick([24, 25]), 'float')],
    [2, () => [r.pick([27, 28, 29]), expression(r, 'float', depth - 1)]],
    [1, () => [31, expression(r, 'int', depth - 1)]]
  ]),
  string: () => [70],
  list: (r, depth) => [r.pick([101, 102]), expression(r, 'map', depth - 1)],
  map: r => literal.map(r),
  blob: r => literal.blob(r),
  geo: r => literal.geo(r),
  hll: r => literal.hll(r)
}

/** Arguments of calls are expressions themselves: lists have to be quoted, and any may be computed. */
const argument = (r, given, depth) => {
  if (r.oneIn(12)) return expression(r, r.pick(TYPES), Math.min(depth, 1))
  if (Array.isArray(given) || (given !== null && typeof given === 'object' && 'l' in given)) return r.oneIn(30) ? given : [126, given]
  return given
}

function withArguments (r, [code, ...given], depth) {
  if (code === 0xff) return [code, given[0], withArguments(r, given[1], depth)]
  if (code === 0xfe) return [code, ...given]
  return [code, ...given.map(one => argument(r, one, depth))]
}

const RETURN_KIND = { 0: 'nil', 5: 'int', 8: 'map', 13: 'bool', 16: 'map', 17: 'map', 9: 'list', 11: 'list', 6: 'list' }

/** The type that a collection call of this payload is likely to give. */
function resultOf (payload, r) {
  const [code, first] = payload[0] === 0xff ? payload[2] : payload
  if (code === 16 || code === 96) return 'int'
  if (code === 0xfe) return r.pick(['list', 'list', 'map'])
  return RETURN_KIND[Number(first) & 0xff] ?? r.pick(['int', 'list', 'string', 'map'])
}

function call (r, type, depth) {
  const on = r.weighted([[4, 'list'], [4, 'map'], [3, 'blob'], [2, 'hll']])
  const modifies = type === on && !r.oneIn(4)
  const subject = expression(r, r.oneIn(30) ? r.pick(TYPES) : on, depth - 1)
  const local = modifies ? 0x40 : 0
  if (on === 'blob') {
    const payload = bitsCall(r, modifies)
    return [127, TYPE[modifies || payload[0] === 50 ? 'blob' : 'int'], 1 | local, withArguments(r, payload, depth), subject]
  }
  if (on === 'hll') {
    const payload = hllCall(r, modifies)
    const kind = { 51: 'hll', 54: 'float', 55: 'list' }[payload[0]] ?? 'int'
    return [127, TYPE[modifies ? 'hll' : kind], 2 | local, withArguments(r, payload, depth), subject]
  }
  if (r.oneIn(10)) return [127, TYPE[modifies ? on : r.pick(['list', on])], local, path(r, modifies), subject]
  let made
  do made = operation(r, undefined, on)
  while ((made.code === op.CDT_MODIFY) !== modifies)
  const kind = r.oneIn(25) ? r.pick(TYPES) : modifies ? on : resultOf(made.payload, r)
  return [127, TYPE[kind], local, withArguments(r, made.payload, depth), subject]
}

/** An expression whose value is of a type, `depth` levels deep at most. */
export function expression (r, wanted = r.pick(TYPES), depth = 3) {
  const type = r.oneIn(50) ? r.pick(TYPES) : wanted
  if (depth <= 0 || type === 'nil') return r.oneIn(2) && binOf(type).length > 0 ? bin(r, type) : literal[type](r)
  return r.weighted([
    [3, () => literal[type](r)],
    [4, () => bin(r, type)],
    [5, () => makers[type](r, depth)],
    [4, () => call(r, type, depth)],
    [1, () => [123, ...r.many(1, 2, () => [expression(r, 'bool', depth - 1), expression(r, type, depth - 1)]).flat(), expression(r, type, depth - 1)]],
    [1, () => [125, { s: 'v' }, expression(r, type, depth - 1), r.oneIn(2) ? [124, { s: 'v' }] : expression(r, type, depth - 1)]],
    [1, () => [0]],
    [1, () => r.oneIn(6) ? [r.pick([80, 122, 10, 99, 121, 128]), r.below(10), r.below(4)] : [80, TYPE[type]]]
  ])
}

function bins (r) {
  const all = {
    i: integer(r), j: small(r), d: float(r), s: r.pick(['hello', 'abab', 'aa', '', 'Aé']), b: blob(r), t: r.oneIn(2), l: list(r), m: map(r), h: sketch(r), g: geo(r)
  }
  return Object.fromEntries(Object.entries(all).filter(() => !r.oneIn(6)))
}

export function expressions (r) {
  const test = { bins: bins(r), ops: [] }
  const type = r.pick(TYPES)
  r.weighted([
    [4, () => test.ops.push({ code: op.EXP_READ, bin: 'r', payload: [expression(r, type), r.pick([0, 16])] })],
    [3, () => {
      const flags = r.oneIn(3) ? r.below(34) : 0
      test.ops.push({ code: op.EXP_MODIFY, bin: r.pick(['r', 'i', 'l', 'x']), payload: [expression(r, type), flags] })
    }],
    [3, () => { test.filter = expression(r, r.oneIn(20) ? type : 'bool') }],
    [1, () => {
      test.filter = expression(r, 'bool', 2)
      test.ops.push({ code: op.WRITE, bin: 'w', value: value(r, 1) })
    }]
  ])
  return test
}
