// Queries over records that are there from the start: by indexes of every type and by none, through contexts and expressions, of
// some partitions, resumed, sampled, with filters and projections; and requests that ask for them in a wrong way.
import { operation } from './collections.mjs'
import { deadlyExpression, isDeadly } from './deadly.mjs'
import { expression } from './expressions.mjs'
import { digestOf, FIELD, info1, info2, info3, op } from './frames.mjs'
import { pack } from './pack.mjs'
import { Random } from './random.mjs'
import { key, scalar } from './values.mjs'

const RECORDS = 90
const PARTITIONS = 4096

/** Sets of the records that are queried. */
export const SETS_OF_DATA = ['differ-q', 'differ-r']

const WORDS = ['', 'a', 'b', 'c', 'abc', 'é', 'x'.repeat(200)]
const SHAPES = [
  '{"type":"Point","coordinates":[1,2]}', '{"type":"Point","coordinates":[-122.5,37.25]}', '{"type":"Point","coordinates":[0,0]}',
  '{"type":"Polygon","coordinates":[[[0,0],[3,0],[3,3],[0,3],[0,0]]]}', '{"type":"AeroCircle","coordinates":[[1,2],100000]}'
]
const INDEXES = {
  q_i: { range: { bin: 'i', kind: 'numeric' } },
  q_s: { range: { bin: 's', kind: 'string' } },
  q_b: { range: { bin: 'b', kind: 'blob' } },
  q_g: { range: { bin: 'g', kind: 'geo2dsphere' } },
  q_li: { range: { bin: 'l', kind: 'numeric' }, collection: 'list' },
  q_ls: { range: { bin: 'l', kind: 'string' }, collection: 'list' },
  q_lg: { range: { bin: 'l', kind: 'geo2dsphere' }, collection: 'list' },
  q_mk: { range: { bin: 'm', kind: 'string' }, collection: 'mapkeys' },
  q_mki: { range: { bin: 'm', kind: 'numeric' }, collection: 'mapkeys' },
  q_mv: { range: { bin: 'm', kind: 'numeric' }, collection: 'mapvalues' },
  q_mvs: { range: { bin: 'm', kind: 'string' }, collection: 'mapvalues' },
  q_c: { range: { bin: 'm', kind: 'numeric' }, steps: [0x22, 'a'] },
  q_cl: { range: { bin: 'n', kind: 'numeric' }, collection: 'list', steps: [0x22, 'a', 0x10, 0] },
  q_r: { range: { bin: 'l', kind: 'numeric' }, steps: [0x11, -1] },
  q_e: { range: { bin: '', kind: 'numeric' }, exp: [20, [81, 2, { s: 'i' }], 1] },
  q_es: { range: { bin: '', kind: 'string' }, exp: [123, [5, [81, 2, { s: 'i' }], 3], [81, 3, { s: 's' }], [0]] }
}
const everywhere = new Set(['q_s'])
const COLLECTIONS = ['default', 'list', 'mapkeys', 'mapvalues']
const PARTICLES = { numeric: 1, string: 3, blob: 4, geo2dsphere: 23 }

const base64 = value => pack(value).toString('base64')

/** Bins of the records, of which some are missing. */
function bins (r, n) {
  const small = () => r.between(-2, 6)
  const any = () => r.weighted([[3, small], [2, () => r.pick(WORDS)], [1, () => ({ g: r.pick(SHAPES) })], [1, () => ({ b: '00' })], [1, null], [1, { d: 1.5 }]])
  const all = {
    i: r.oneIn(10) ? r.pick(['1', { d: 2 }, 2n ** 62n]) : small(), s: r.pick(WORDS), b: { b: r.pick(['', '00', 'ff01', '61']) }, g: { g: r.pick(SHAPES) },
    l: r.many(0, 5, any), m: { m: [...new Set(r.many(0, 4, () => r.oneIn(2) ? r.pick(WORDS) : small()))].map(one => [one, any()]) },
    n: { m: [['a', [r.many(0, 3, small), small()]]] }, d: { d: r.between(0, 4) / 2 }, k: n
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => name === 'k' || !r.oneIn(8)))
}

const keyOf = n => `q${n}`

/** The records, and indexes of every kind over them, as steps. */
export function dataOf (namespace = 'test') {
  const r = new Random(7)
  return SETS_OF_DATA.flatMap(set => Array.from({ length: set === SETS_OF_DATA[0] ? RECORDS : 9 }, (_, n) => [n, set])).flatMap(([n, set]) => [{
    flags: [0, info2.WRITE | info2.DELETE, 0],
    fields: [[FIELD.NAMESPACE, namespace], [FIELD.SET, set], [FIELD.DIGEST, { hex: digestOf(keyOf(n), set).toString('hex') }]]
  }, {
    flags: [0, info2.WRITE, info3.CREATE_OR_REPLACE], ttl: 0xffffffff,
    fields: [[FIELD.NAMESPACE, namespace], [FIELD.SET, set], ...(n % 3 === 0 ? [[FIELD.KEY, { hex: Buffer.from(`\u0003${keyOf(n)}`).toString('hex') }]] : []), [FIELD.DIGEST, { hex: digestOf(keyOf(n), set).toString('hex') }]],
    ops: Object.entries(bins(r, n)).map(([bin, value]) => ({ code: op.WRITE, bin, value }))
  }])
}

export function prepareQueries () {
  const steps = dataOf()
  for (const [name, { range, collection = 'default', steps: context, exp }] of Object.entries(INDEXES)) {
    const of = exp === undefined ? `bin=${range.bin}` : `exp=${base64(exp)}`
    steps.push({ info: [`sindex-create:namespace=test;${everywhere.has(name) ? '' : 'set=differ-q;'}indexname=${name};indextype=${collection};type=${range.kind};${of}${context ? `;context=${base64(context)}` : ''}`] })
  }
  for (const name of Object.keys(INDEXES)) steps.push({ info: [`sindex-stat:namespace=test;indexname=${name}`], until: 'load_pct=100' })
  return steps
}

export function forgetQueries () {
  return [{ info: Object.keys(INDEXES).map(name => `sindex-delete:namespace=test;indexname=${name}`) }]
}

function u32 (n) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(n)
  return bytes
}

function bound (r, kind) {
  switch (kind) {
    case 'numeric': return r.oneIn(15) ? r.pick([2n ** 62n, -(2n ** 63n), 2n ** 63n - 1n]) : BigInt(r.between(-3, 8))
    case 'string': return Buffer.from(r.oneIn(20) ? 'y'.repeat(r.pick([2047, 2048])) : r.pick(WORDS))
    case 'blob': return Buffer.from(r.pick(['', '00', 'ff01', '61', '77']), 'hex')
    default: return Buffer.from(r.oneIn(12) ? r.pick(['', '{}', 'x', '{"type":"Point","coordinates":[500,2]}']) : r.pick([...SHAPES, '{"type":"Polygon","coordinates":[[[-10,-10],[10,-10],[10,10],[-10,10],[-10,-10]]]}', '{"type":"AeroCircle","coordinates":[[0,0],1]}']))
  }
}

const encoded = value => typeof value === 'bigint' ? (() => { const out = Buffer.alloc(8); out.writeBigInt64BE(value); return out })() : value

function rangeBytes (r, { bin, kind }) {
  let [from, to] = [bound(r, kind), bound(r, kind)]
  if (kind !== 'numeric' && !r.oneIn(15)) to = from
  if (kind === 'numeric' && from > to && !r.oneIn(15)) [from, to] = [to, from]
  const [a, b] = [encoded(from), encoded(to)]
  const name = Buffer.from(bin)
  const particle = r.oneIn(60) ? r.below(25) : PARTICLES[kind]
  const bytes = Buffer.concat([Buffer.of(r.oneIn(80) ? r.pick([0, 2]) : 1, name.length), name, Buffer.of(particle), u32(a.length), a, u32(b.length), b])
  return r.oneIn(40) ? r.pick([bytes.subarray(0, r.below(bytes.length)), Buffer.concat([bytes, Buffer.of(0)]), Buffer.concat([bytes.subarray(0, 1), Buffer.of(r.below(256)), bytes.subarray(2)])]) : bytes
}

const hex = bytes => ({ hex: Buffer.from(bytes).toString('hex') })

function partitions (r) {
  const all = Array.from({ length: PARTITIONS }, (_, i) => i)
  const some = r.weighted([[8, () => all], [2, () => all.slice(0, r.below(PARTITIONS))], [2, () => r.many(1, 40, () => r.below(PARTITIONS)).filter((id, at, ids) => ids.indexOf(id) === at)], [1, () => r.many(0, 4, () => r.below(PARTITIONS + 5))]])
  if (some.length > 0 && r.oneIn(4)) some.reverse()
  return some
}

function little (ids) {
  const out = Buffer.alloc(2 * ids.length)
  ids.forEach((id, at) => out.writeUInt16LE(id, 2 * at))
  return out
}

const partitionOf = digest => digest.readUInt16LE(0) & (PARTITIONS - 1)

/** Reading operations of a projection; now and then one that writes. */
function projection (r) {
  return r.many(1, 4, () => r.weighted([
    [5, () => ({ code: op.READ, bin: r.pick(['i', 's', 'l', 'm', 'g', 'none', 'k']) })],
    [2, () => {
      for (;;) {
        const made = operation(r, undefined, r.pick(['list', 'map']))
        if (made.code === op.CDT_READ && !isDeadly({ bins: {}, ops: [made] })) return { ...made, bin: r.pick(['l', 'm', 'n', 'none']) }
      }
    }],
    [2, () => ({ code: op.EXP_READ, bin: 'r', payload: [safe(r, undefined), r.pick([0, 16])] })],
    [1, () => r.oneIn(4) ? { code: r.pick([op.WRITE, op.INCREMENT, op.TOUCH, op.DELETE]), bin: 'i', value: 1 } : { code: op.READ, bin: 'i' }]
  ]))
}

/** An expression that a real server survives whatever record it meets. */
function safe (r, type) {
  for (;;) {
    const made = expression(r, type, 2)
    if (!deadlyExpression(made, {})) return made
  }
}

const condition = r => r.weighted([
  [4, () => [r.between(1, 6), [81, 2, { s: r.pick(['i', 'k', 'x']) }], r.between(-1, 40)]],
  [2, () => [r.pick([16, 17]), [5, [81, 2, { s: 'i' }], 4], [1, [81, 3, { s: 's' }], r.pick(WORDS)]]],
  [1, () => [r.between(1, 6), r.pick([[71], [72], [70], [65], [73], [64, 3]]), r.pick([true, 'differ-q', 0, 1])]],
  [2, () => safe(r, 'bool')]
])

/** A query step for a range, with what it is about: a set, an index's type, a context, an expression or a name. */
export function query (r, range, { set = SETS_OF_DATA[0], collection, context, expression: exp, name, namespace = 'test' } = {}) {
  const fields = [[FIELD.NAMESPACE, r.oneIn(60) ? r.pick(['nope', 'bar', '']) : namespace]]
  if (!r.oneIn(10) && set !== '') fields.push([FIELD.SET, r.oneIn(20) ? r.pick(['nosuch', 'differ-r']) : set])
  const add = (chance, ...pair) => { if (!r.oneIn(chance)) fields.push(pair) }
  if (range !== undefined) {
    const number = COLLECTIONS.indexOf((collection ?? 'default').toLowerCase())
    if (number > 0 || r.oneIn(10)) fields.push([FIELD.INDEX_TYPE, hex(r.oneIn(40) ? r.pick([[], [4], [0, 0], [255], [r.below(5)]]) : [Math.max(number, 0)])])
    add(60, FIELD.INDEX_RANGE, hex(rangeBytes(r, range)))
    if (context !== undefined) add(15, FIELD.INDEX_CONTEXT, r.oneIn(30) ? hex([0x90]) : context)
    if (exp !== undefined) add(15, FIELD.INDEX_EXPRESSION, exp)
    if (name !== undefined) add(15, FIELD.INDEX_NAME, r.oneIn(20) ? r.pick(['nosuch', '', 'n'.repeat(63), 'n'.repeat(64)]) : name)
  }
  const ids = partitions(r)
  if (ids.length > 0 || r.oneIn(3)) add(50, FIELD.PARTITIONS, hex(r.oneIn(80) ? [1] : little(ids)))
  if (r.oneIn(8)) {
    const digests = r.many(1, 3, () => digestOf(keyOf(r.below(RECORDS)), SETS_OF_DATA[0])).filter(one => r.oneIn(10) || !ids.includes(partitionOf(one)))
    if (r.oneIn(3) && ids.length === PARTITIONS) fields.splice(fields.findIndex(([type]) => type === FIELD.PARTITIONS), 1)
    if (digests.length > 0) fields.push([FIELD.DIGESTS, hex(Buffer.concat(digests))])
    if (range !== undefined && !r.oneIn(5)) {
      const values = Buffer.alloc(8 * digests.length)
      digests.forEach((_, at) => values.writeBigInt64LE(BigInt(r.between(-3, 6)), 8 * at))
      fields.push([FIELD.VALUES, hex(values)])
    }
  }
  if (r.oneIn(15)) fields.push([FIELD.SOCKET_TIMEOUT, hex(r.oneIn(5) ? [1] : u32(1000))])
  if (r.oneIn(15)) fields.push([FIELD.RATE, hex(r.oneIn(5) ? [1] : u32(r.pick([0, 10000, 1000000])))])
  if (r.oneIn(20)) fields.push([FIELD.SAMPLE, hex(r.oneIn(4) ? [1] : [0, 0, 0, 0, 0, 0, 0, r.pick([0, 1, 5, 200])])])
  if (r.oneIn(3)) fields.push([FIELD.FILTER, r.oneIn(40) ? hex([0xc1]) : { packed: condition(r) }])
  if (r.oneIn(40)) fields.push(r.pick(fields))
  if (r.oneIn(6)) fields.reverse()
  const flags = [info1.READ, 0, 4]
  if (r.oneIn(6)) flags[0] |= r.pick([4, 32, 2, 32])
  if (r.oneIn(10)) flags[1] |= r.pick([64, 128, 128])
  if (r.oneIn(60)) flags[2] = r.pick([0, 12, 5])
  if (r.oneIn(60)) flags[0] = r.pick([0, 9, 2])
  const ops = r.oneIn(3) ? projection(r) : []
  return { flags, ttl: 0xffffffff, fields, ops, rows: true }
}

export function queries (r) {
  if (r.oneIn(5)) return { bins: {}, ops: [], steps: [query(r)] }
  const [name, index] = r.pick(Object.entries(INDEXES))
  const range = { ...index.range }
  const about = { collection: index.collection }
  if (index.steps !== undefined) about.context = { packed: index.steps }
  if (index.exp !== undefined) about.expression = { packed: index.exp }
  if (r.oneIn(4) && index.exp === undefined) {
    range.bin = ''
    about.name = name
  }
  // a range of shapes is another thing to a real server than one of numbers, and an index that is named is not asked for its type
  if (about.name === undefined && r.oneIn(25)) range.kind = r.pick(Object.keys(PARTICLES))
  if (r.oneIn(25)) about.collection = r.pick(COLLECTIONS)
  if (r.oneIn(25)) range.bin = r.pick(['i', 'none', '', 'b'.repeat(16)])
  if (r.oneIn(25)) about.context = { packed: r.pick([[0x22, key(r)], [], [0x10, 1], scalar(r)]) }
  return { bins: {}, ops: [], steps: [query(r, range, about)] }
}
