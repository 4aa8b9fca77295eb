// Secondary indexes: created with every combination of parameters, contexts and expressions, sound ones and others; what is told of
// them, and what queries through them find.
import { context } from './collections.mjs'
import { deadlyExpression } from './deadly.mjs'
import { expression } from './expressions.mjs'
import { op } from './frames.mjs'
import { pack } from './pack.mjs'
import { dataOf, query, SETS_OF_DATA } from './queries.mjs'
import { key, list, map, place, value } from './values.mjs'

const TYPES = ['numeric', 'string', 'blob', 'geo2dsphere']
/** One without other indexes. */
const NAMESPACE = 'bar'

const NAMES = ['differ_1', 'differ_2', 'differ_3']
const base64 = packed => Buffer.from(packed).toString('base64')

const name = r => r.oneIn(12) ? r.pick(['', 'i'.repeat(63), 'i'.repeat(64), 'a b', 'é', 'a|b', '|']) : r.pick(NAMES)
const namespace = r => r.oneIn(10) ? r.pick(['nope', '', 'n'.repeat(31), 'n'.repeat(32), 'BAR']) : NAMESPACE
const set = r => r.oneIn(10) ? r.pick(['', 's'.repeat(63), 's'.repeat(64), 'a set', 'a|b']) : r.pick(SETS_OF_DATA)
const kind = r => r.oneIn(12) ? r.pick(['', 'NUMERIC', 'integer', 'text', 'geo', 'list', 't'.repeat(31), 't'.repeat(32), 'float']) : r.pick(TYPES)
const collection = r => r.oneIn(12) ? r.pick(['', 'none', 'LIST', 'map', 'set', 'Set', 'c'.repeat(31), 'c'.repeat(32)]) : r.pick(['default', 'list', 'mapkeys', 'mapvalues'])
const bin = r => r.oneIn(12) ? r.pick(['', 'b'.repeat(15), 'b'.repeat(16), 'a|b', 'a,b']) : r.pick(['i', 's', 'b', 'g', 'l', 'm', 'n', 'd'])

/** Steps of a context: those that an index takes, and now and then others. */
function steps (r) {
  if (r.oneIn(6)) return context(r)
  return r.many(1, 3, () => r.weighted([
    [3, () => [0x22, key(r)]], [3, () => [0x10, place(r)]], [1, () => [r.pick([0x11, 0x20, 0x21]), place(r)]], [1, () => [r.pick([0x13, 0x23]), value(r, 1)]],
    [1, () => r.oneIn(3) ? [r.pick([4, 0x204, 0x2a, 0x12, 0x50, 0x62]), r.pick([true, [0], [key(r)], 1])] : [0x22, 'a']]
  ])).flat()
}

/** Bytes of the same value in more room than they need. */
const long = bytes => bytes.length > 0 && bytes[0] >= 0x90 && bytes[0] < 0xa0 ? Buffer.concat([Buffer.of(0xdc, 0, bytes[0] & 15), bytes.subarray(1)]) : bytes

function encodedContext (r) {
  const packed = pack(steps(r))
  return r.weighted([
    [12, () => base64(packed)],
    [1, () => base64(long(packed))],
    [1, () => base64(Buffer.concat([packed, Buffer.of(r.pick([0, 0xc0, 0x90]))]))],
    [1, () => base64(packed.subarray(0, -1))],
    [1, () => base64(packed).replace(/=+$/, '')],
    [1, () => base64(pack(r.pick([[], [0x10], 5, null, { m: [] }, [0x10, 0, 1], 'x'])))],
    [1, () => r.pick(['', '?', 'AA=A', 'kQ', 'x'.repeat(2047), 'x'.repeat(2048), base64(packed) + '\r'])]
  ])
}

const METADATA = [[65], [68], [69], [70], [71], [72], [73], [64, 3]]
const ofBin = r => [81, r.pick([2, 3, 6, 8, 4, 5]), { s: r.pick(['i', 's', 'b', 'g', 'l', 'm']) }]
const OF_TYPE = { i: 2, s: 3, b: 6, g: 8, l: 4, m: 5, d: 7, n: 5 }
const soundBin = r => r.pick(Object.entries(OF_TYPE).map(([one, type]) => [81, type, { s: one }]))

function indexed (r) {
  return r.weighted([
    [5, () => soundBin(r)],
    [2, () => [20, [81, 2, { s: 'i' }], r.between(0, 3)]],
    [2, () => [127, r.pick([2, 3, 4]), 0, [97, 7, 'a'], [81, 5, { s: 'm' }]]],
    [2, () => [123, [5, [81, 2, { s: 'i' }], 3], soundBin(r), [0]]],
    [1, () => [125, { s: 'v' }, soundBin(r), [124, { s: 'v' }]]],
    [1, () => ofBin(r)],
    [1, () => [20, r.pick(METADATA), [81, 2, { s: 'i' }]]],
    [1, () => r.pick(METADATA)],
    [1, () => [82, { s: 'i' }]],
    [1, () => r.pick([5, 'x', { b: '00' }, [126, [1]], { m: [[1, 1]] }, true, null, { d: 1.5 }, [], [0], [80, 2]])],
    [4, () => expression(r, r.pick(['int', 'string', 'blob', 'list', 'map', 'geo', 'bool', 'float', 'hll']), 2)]
  ])
}

function encodedExpression (r) {
  for (;;) {
    const made = indexed(r)
    if (deadlyExpression(made, {})) continue
    const packed = pack(made)
    return r.weighted([
      [14, () => base64(packed)],
      [1, () => base64(Buffer.concat([packed, Buffer.of(0xc0)]))],
      [1, () => base64(packed.subarray(0, -1))],
      [1, () => base64(packed).replace(/=+$/, '')],
      [1, () => r.pick(['', '?', 'kQ', 'x'.repeat(16 * 1024)])]
    ])
  }
}

function create (r) {
  const given = []
  if (!r.oneIn(40)) given.push([r.oneIn(3) ? 'ns' : 'namespace', namespace(r)])
  if (!r.oneIn(4)) given.push(['set', set(r)])
  if (!r.oneIn(40)) given.push(['indexname', name(r)])
  const isOfSet = r.oneIn(12)
  if (isOfSet) given.push(['indextype', r.pick(['set', 'SET'])])
  else if (!r.oneIn(3)) given.push(['indextype', collection(r)])
  if (isOfSet && !r.oneIn(4)) return given
  r.weighted([
    [4, () => given.push(['type', kind(r)], ['bin', bin(r)])],
    [3, () => given.push(['indexdata', r.oneIn(8) ? r.pick([bin(r), `,${kind(r)}`, `${bin(r)},${kind(r)},x`, '']) : `${bin(r)},${kind(r)}`])],
    [4, () => given.push(['type', kind(r)], ['exp', encodedExpression(r)])],
    [1, () => given.push(...r.many(0, 3, () => r.pick([['bin', bin(r)], ['type', kind(r)], ['exp', encodedExpression(r)], ['indexdata', `${bin(r)},${kind(r)}`]])))]
  ])
  if (r.oneIn(3)) given.push(['context', encodedContext(r)])
  return given
}

const written = (r, given) => {
  const pairs = (r.oneIn(4) ? given.toReversed() : given).map(pair => pair.join('='))
  if (r.oneIn(20)) pairs.push(r.pick([...pairs, 'x=1', 'context=', 'set=', 'exp=', 'bin=']))
  return `sindex-create:${pairs.join(';')}`
}

const parameter = (given, ...names) => given.find(([one]) => names.includes(one))?.[1]

/** An index, sometimes a second one or the same again; what is told of it; a query through it; and their end. */
export function indexes (r) {
  const made = r.many(1, r.oneIn(3) ? 3 : 1, () => create(r))
  const steps = made.map(given => ({ info: [written(r, given)] }))
  if (r.oneIn(6)) steps.push({ info: [steps[0].info[0].replace(/indexname=differ_\d/, 'indexname=differ_9')] })
  const names = [...new Set([...made.map(given => parameter(given, 'indexname')), 'differ_9'])].filter(one => one)
  const wanted = `sindex-list:${r.pick([`namespace=${NAMESPACE}`, `ns=${NAMESPACE}`, `ns=${NAMESPACE};b64=false`, `namespace=${NAMESPACE};b64=x`])}`
  for (const one of names) steps.push({ info: [`sindex-stat:namespace=${NAMESPACE};indexname=${one}`], until: 'load_pct=100|ERROR' })
  steps.push({ info: [wanted, `sindex-list:namespace=${NAMESPACE};b64=true`, ...names.map(one => `sindex-exists:namespace=${NAMESPACE};indexname=${one}`)], sorted: true })
  for (const one of names) steps.push({ info: [`sindex-stat:namespace=${NAMESPACE};indexname=${one}`], only: 'entries=\\d+' })
  for (const given of made) if (r.oneIn(2)) steps.push(queryOf(r, given, made.length === 1))
  steps.push({ info: names.flatMap(one => [NAMESPACE, 'nope', 'n'.repeat(31), 'BAR'].map(ns => `sindex-delete:namespace=${ns};indexname=${one}`)) })
  steps.push({ info: [`sindex-list:namespace=${NAMESPACE}`], until: `sindex-list:namespace=${NAMESPACE}\\t\\n` })
  return { bins: {}, ops: [], steps }
}

/** A query as the index would have it. */
function queryOf (r, given, isAlone) {
  const data = parameter(given, 'indexdata')?.split(',') ?? [parameter(given, 'bin') ?? '', parameter(given, 'type') ?? 'numeric']
  const range = { bin: data[0] ?? '', kind: TYPES.includes(data[1]) ? data[1] : 'numeric' }
  const about = { set: parameter(given, 'set'), collection: parameter(given, 'indextype'), namespace: NAMESPACE }
  const encoded = { context: parameter(given, 'context'), exp: parameter(given, 'exp') }
  if (encoded.context) about.context = { hex: Buffer.from(encoded.context, 'base64').toString('hex') }
  if (encoded.exp) about.expression = { hex: Buffer.from(encoded.exp, 'base64').toString('hex') }
  // by a name that another index may have, the type would not fit, which is not survived between shapes and numbers
  if (encoded.exp || (isAlone && r.oneIn(4))) range.bin = ''
  if (range.bin === '' && !encoded.exp && isAlone) about.name = parameter(given, 'indexname') ?? ''
  return query(r, range, about)
}

export const prepareIndexes = () => dataOf(NAMESPACE)
