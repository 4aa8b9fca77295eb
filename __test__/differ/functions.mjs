// Functions on records, called with values of every kind: what they return, what they make of the record, and how they fail;
// and aggregations.
import { deadlyFunction } from './deadly.mjs'
import { dataOf, query, SETS_OF_DATA } from './queries.mjs'
import { digestOf, FIELD, info1, info2, op, SET } from './frames.mjs'
import { binValue, integer, list, map, scalar, value, word } from './values.mjs'

/** The module: small functions, most of them about what becomes of their arguments. */
const MODULE = `
function echo(rec, a) return a end
function two(rec, a, b) return list{a, b} end
function kind(rec, a) return type(a) end
function text(rec, a) return tostring(a) end
function get(rec, name) return rec[name] end
function put(rec, name, a)
  rec[name] = a
  if aerospike:exists(rec) then return aerospike:update(rec) else return aerospike:create(rec) end
end
function drop(rec) return aerospike:remove(rec) end
function meta(rec) return list{record.gen(rec) or -1, record.setname(rec), record.numbins(rec), type(record.digest(rec)), record.key(rec)} end
function names(rec) local out = list() for i, name in ipairs(record.bin_names(rec) or {}) do list.append(out, name) end return out end
function ttl(rec, n) record.set_ttl(rec, n) return aerospike:update(rec) end
function add(rec, a, b) return a + b end
function divide(rec, a, b) return a / b end
function join(rec, a, b) return a .. b end
function size(rec, a) return #a end
function less(rec, a, b) return a < b end
function same(rec, a, b) return a == b end
function at(rec, a, i) return a[i] end
function setat(rec, a, i, b) a[i] = b return a end
function push(rec, a, b) list.append(a, b) list.prepend(a, b) return a end
function part(rec, a, n) return list{list.take(a, n), list.drop(a, n), list.size(a)} end
function merged(rec, a, b) return map.merge(a, b) end
function keys(rec, a) local n = 0 for k in map.keys(a) do n = n + 1 end return n end
function values(rec, a) local n = 0 for v in map.values(a) do n = n + 1 end return n end
function pairs_of(rec, a) local n = 0 for k, v in map.pairs(a) do n = n + 1 end return n end
function without(rec, a, k) map.remove(a, k) return a end
function cut(rec, a, i) list.remove(a, i) return a end
function inserted(rec, a, i, b) list.insert(a, i, b) return a end
function trimmed(rec, a, i) list.trim(a, i) return a end
function clone(rec, a) local b = list.clone(a) list.append(b, 1) return list{a, b} end
function bytes_of(rec, n) local b = bytes(n) bytes.set_byte(b, 1, 65) return b end
function bytes_put(rec, n, a) local b = bytes(8) return list{bytes.set_int32(b, n, a), bytes.get_int32(b, n), bytes.size(b), b} end
function bytes_read(rec, a, n) return list{bytes.get_byte(a, n), bytes.get_int16(a, n), bytes.size(a), bytes.get_type(a)} end
function fail(rec, a) error(a) end
function none(rec) end
function many(rec) return 1, 2 end
function fn(rec) return fn end
function tbl(rec) return {1, 2} end
function float(rec, a) return a * 1.5 end
function int(rec, a) return math.floor(a) end
function up(rec, a) return string.upper(a) end
function sub(rec, a, i, j) return string.sub(a, i, j) end
function fmt(rec, a, b) return string.format(a, b) end
function num(rec, a) return tonumber(a) end
function exists(rec) return aerospike:exists(rec) end
function twice(rec, a) rec.t = a aerospike:update(rec) rec.u = a return aerospike:update(rec) end
function make(rec, a) rec.t = a return aerospike:create(rec) end
function dropkey(rec) record.drop_key(rec) return aerospike:update(rec) end
function many_bins(rec, n) for i = 1, n do rec['b' .. i] = i end return aerospike:update(rec) end
function clear(rec) for i, name in ipairs(record.bin_names(rec)) do rec[name] = nil end return aerospike:update(rec) end
function nothing(rec, name) rec[name] = nil return aerospike:update(rec) end
function clock(rec) return list{type(os.time()), type(os.date()), type(os.clock()), type(aerospike:get_current_time())} end
function libs(rec) return list{type(os), type(debug), type(info), type(loadstring), type(load), type(coroutine), type(utf8), type(bit32), _VERSION} end
function loop(rec, n) local s = 0 for i = 1, n do s = s + i end return s end
local function filtered(rec) return rec.i ~= nil end
local function field(rec) return rec.i end
local function plus(a, b) return a + b end
function ints(stream) return stream : filter(filtered) : map(field) end
function sum(stream) return stream : filter(filtered) : map(field) : reduce(plus) end
function count(stream) return stream : aggregate(0, function (n, rec) return n + 1 end) end
function groups(stream) return stream : aggregate(map(), function (m, rec) local k = tostring(rec.i) m[k] = (m[k] or 0) + 1 return m end) end
function bad(stream) return stream : map(function (rec) return rec.i + rec.s end) end
function stamped(stream) return stream : map(function (rec) return type(aerospike:get_current_time()) end) end
function metas(stream, a) return stream : map(function (rec) return list{record.gen(rec), record.setname(rec), a} end) end
function plain(stream) return 5 end
`
const FILE = 'differ_fn.lua'

/** What stands in front of all cases. */
export function prepareFunctions () {
  const content = btoa(MODULE)
  return [...dataOf(), { info: [`udf-put:filename=${FILE};content=${content};content-len=${content.length};udf-type=LUA;`] }, { info: [`udf-get:filename=${FILE}`], until: 'content' }]
}

const ints = r => r.between(-3, 9)
const any = r => r.weighted([[3, () => value(r, 1)], [2, () => list(r, 2)], [2, () => map(r, 2)], [2, () => scalar(r)], [1, () => word(r)]])
const bin = r => r.pick(['a', 'b', 'c', 'none', '', 'n'.repeat(15), 'n'.repeat(16), 'é'])
const number = r => r.pick([integer(r), ints(r), { d: 1.5 }, { d: -0.5 }])
const blob = r => ({ b: r.pick(['', '41', '0001020304', 'ff'.repeat(9)]) })

/** Functions and what they take. */
const CALLS = {
  echo: [any], two: [any, any], kind: [any], text: [any], get: [bin], put: [bin, any], drop: [], meta: [], names: [], ttl: [number], add: [number, number], divide: [number, number],
  join: [any, any], size: [any], less: [any, any], same: [any, any], at: [any, ints], setat: [any, any, any], push: [list, any], part: [list, ints],
  merged: [map, map], keys: [any], values: [any], pairs_of: [map], without: [map, any], cut: [list, ints], inserted: [list, ints, any], trimmed: [list, ints], clone: [list],
  bytes_of: [ints], bytes_put: [ints, number], bytes_read: [blob, ints], fail: [any], none: [], many: [], fn: [], tbl: [], float: [number], int: [number], up: [any],
  sub: [word, ints, ints], fmt: [r => r.pick(['%d', '%s', '%5.2f', '%q', '%', '%x']), any], num: [any], exists: [], twice: [any], make: [any], dropkey: [], many_bins: [r => r.pick([0, 1, 5, 40])],
  clear: [], nothing: [bin], clock: [], libs: [], loop: [ints], nosuch: [any]
}
const STREAMS = ['ints', 'sum', 'count', 'groups', 'bad', 'stamped', 'metas', 'plain', 'nosuch', 'echo']

const packed = value => ({ packed: value })

function argumentsOf (r, wanted) {
  const given = wanted.map(make => r.oneIn(15) ? any(r) : make(r, 2))
  if (r.oneIn(12)) given.pop()
  if (r.oneIn(12)) given.push(any(r))
  return given
}

/** Arguments that a real server survives. */
function survivable (r, name, wanted) {
  for (;;) {
    const args = argumentsOf(r, wanted)
    if (!deadlyFunction(name, args)) return args
  }
}

function callFields (r, name, args) {
  const fields = [[FIELD.MODULE, r.oneIn(40) ? r.pick(['nosuch', '', 'm'.repeat(128), 'differ_fn.lua']) : 'differ_fn'], [FIELD.FUNCTION, r.oneIn(60) ? r.pick(['', 'f'.repeat(128), 'print', 'string', 'MODULE']) : name]]
  fields.push([FIELD.ARGUMENTS, r.oneIn(50) ? r.pick([{ hex: '' }, { hex: 'c1' }, { hex: '05' }, { hex: '80' }, packed(any(r))]) : packed(args)])
  if (r.oneIn(60)) fields.splice(r.below(fields.length), 1)
  return fields
}

/** A function called on the case's record, which is read afterwards; or an aggregation. */
export function functions (r) {
  if (r.oneIn(8)) {
    const step = query(r, undefined, { set: SETS_OF_DATA[0] })
    const name = r.pick(STREAMS)
    step.fields = step.fields.filter(([type]) => type !== FIELD.FILTER || r.oneIn(10))
    step.fields.push(...callFields(r, name, r.many(0, 2, () => scalar(r))), [FIELD.CALL, { hex: r.oneIn(40) ? r.pick(['', '00', '03']) : '01' }])
    return { bins: {}, ops: [], steps: [step] }
  }
  const [name, wanted] = r.pick(Object.entries(CALLS))
  const of = [[FIELD.NAMESPACE, 'test'], [FIELD.SET, SET.toString()]]
  const hex = digestOf('case').toString('hex')
  const own = [...of, [FIELD.DIGEST, { hex }]]
  const keyed = [...of, ...(r.oneIn(3) ? [[FIELD.KEY, { hex: '0363617365' }]] : []), [FIELD.DIGEST, { hex }]]
  // whether there is a record from the case before is no part of this one
  const steps = [{ flags: [0, info2.WRITE, 16], fields: own, ops: [{ code: op.WRITE, bin: 'a', value: 0 }] }, { flags: [0, info2.WRITE | info2.DELETE, 0], fields: own }]
  steps[0].ignored = true
  if (!r.oneIn(4)) steps.push({ flags: [0, info2.WRITE, 0], ttl: r.oneIn(3) ? 1000 : 0, fields: keyed, ops: Object.entries({ a: binValue(r), b: binValue(r) }).map(([one, made]) => ({ code: op.WRITE, bin: one, value: made })) })
  const call = { flags: [0, info2.WRITE, 0], fields: [...own, ...callFields(r, name, survivable(r, name, wanted))] }
  if (r.oneIn(30)) call.flags = r.pick([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 3, 0], [0, 5, 0], [0, 33, 0], [0, 1, 8], [3, 1, 0]])
  if (r.oneIn(12)) call.fields.push([FIELD.FILTER, packed([r.between(1, 6), [81, 2, { s: 'a' }], 1])])
  if (r.oneIn(40)) call.ops = [{ code: op.WRITE, bin: 'a', value: 1 }]
  steps.push(call, { flags: [info1.READ | info1.ALL, 0, 0], fields: own })
  return { bins: {}, ops: [], steps }
}
