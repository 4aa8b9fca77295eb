// Queries in the background: operations and functions on the records of a set, with filters, policies and through indexes; and what
// the records are like when they are done.
import { operation as collection } from './collections.mjs'
import { isDeadly } from './deadly.mjs'
import { expression } from './expressions.mjs'
import { digestOf, FIELD, info1, info2, info3, op, TASK } from './frames.mjs'
import { prepareFunctions } from './functions.mjs'
import { binValue, integer, word } from './values.mjs'

const SET = 'differ-b'
const RECORDS = 6
const ALL = Buffer.alloc(2 * 4096)
for (let id = 0; id < 4096; id++) ALL.writeUInt16LE(id, 2 * id)

const of = n => [[FIELD.NAMESPACE, 'test'], [FIELD.SET, SET], [FIELD.DIGEST, { hex: digestOf(`b${n}`, SET).toString('hex') }]]
const records = r => Array.from({ length: RECORDS }, (_, n) => n).flatMap(n => [{ flags: [0, info2.WRITE | info2.DELETE, 0], fields: of(n), ignored: true }, {
  flags: [0, info2.WRITE, info3.CREATE_OR_REPLACE], fields: of(n),
  ops: Object.entries({ i: n - 2, s: word(r), l: [n, 1], m: { m: [['a', n]] } }).filter(([bin]) => bin === 'i' || !r.oneIn(5)).map(([bin, value]) => ({ code: op.WRITE, bin, value }))
}])

function change (r) {
  for (;;) {
    const one = r.weighted([
      [4, () => ({ code: op.WRITE, bin: r.pick(['i', 's', 'x']), value: r.oneIn(5) ? null : binValue(r) })],
      [3, () => ({ code: op.INCREMENT, bin: r.pick(['i', 's']), value: integer(r) })],
      [1, () => ({ code: op.APPEND, bin: 's', value: word(r) })],
      [2, () => ({ ...collection(r, undefined, 'list'), bin: 'l' })],
      [1, () => ({ code: op.EXP_MODIFY, bin: 'e', payload: [expression(r, undefined, 2), r.pick([0, 16])] })],
      [1, { code: op.TOUCH }],
      [1, { code: op.DELETE }],
      [1, () => r.oneIn(4) ? { code: op.READ, bin: 'i' } : { code: op.TOUCH }]
    ])
    if (!isDeadly({ bins: { i: 1, s: 'a', l: [1, 1] }, ops: [one] })) return one
  }
}

/** A condition that a real server survives. */
function condition (r) {
  if (r.oneIn(2)) return [r.between(1, 6), [81, 2, { s: 'i' }], r.between(-3, 5)]
  for (;;) {
    const made = expression(r, 'bool', 2)
    if (!isDeadly({ bins: {}, ops: [], filter: made })) return made
  }
}

export const prepareJobs = () => [...prepareFunctions(), { info: [`sindex-create:namespace=test;set=${SET};indexname=b_i;type=numeric;bin=i`] }, { info: ['sindex-stat:namespace=test;indexname=b_i'], until: 'load_pct=100' }]
export const forgetJobs = () => [{ info: ['sindex-delete:namespace=test;indexname=b_i'] }]

export function jobs (r) {
  const fields = [[FIELD.NAMESPACE, 'test'], [FIELD.SET, r.oneIn(40) ? 'nosuch' : SET], [FIELD.TASK, TASK]]
  const step = { flags: [0, info2.WRITE, 0], fields, ops: [], rows: true }
  if (r.oneIn(3)) {
    const name = r.pick(['echo', 'put', 'drop', 'nothing', 'clear', 'ttl', 'twice', 'make', 'many_bins', 'nosuch', 'fail', 'exists'])
    const args = { put: ['i', integer(r)], nothing: ['s'], ttl: [100], twice: [1], make: [1], many_bins: [2] }[name] ?? [word(r)]
    fields.push([FIELD.MODULE, r.oneIn(20) ? 'nosuch' : 'differ_fn'], [FIELD.FUNCTION, name], [FIELD.ARGUMENTS, { packed: args }], [FIELD.CALL, { hex: r.oneIn(30) ? r.pick(['', '00', '03', '0202']) : '02' }])
    if (r.oneIn(20)) step.ops = [change(r)]
  } else {
    step.ops = r.many(r.oneIn(15) ? 0 : 1, 2, () => change(r))
    if (r.oneIn(12)) step.flags[0] = r.pick([1, 4, 32])
    if (r.oneIn(8)) step.flags[1] |= r.pick([2, 16, 32, 128])
    if (r.oneIn(5)) step.flags[2] = r.pick([8, 16, 32, 4])
    if (r.oneIn(4)) step.ttl = r.pick([1000, 0xffffffff, 0xfffffffe, 0xfffffffd])
  }
  if (r.oneIn(2)) fields.push([FIELD.FILTER, r.oneIn(20) ? { packed: 5 } : { packed: condition(r) }])
  if (r.oneIn(3)) {
    const bytes = Buffer.from('01016901000000080000000000000000000000080000000000000003', 'hex')
    fields.push([FIELD.INDEX_RANGE, { hex: bytes.toString('hex') }])
  }
  if (r.oneIn(20)) fields.push([FIELD.RATE, { hex: r.pick(['00000000', '00002710', '00002711', '01']) }])
  // but for the number, without which nobody can wait for the job
  const [dropped] = r.pick(fields)
  if (r.oneIn(30) && dropped !== FIELD.TASK) fields.splice(fields.findIndex(([type]) => type === dropped), 1)
  const scan = { flags: [info1.READ, 0, 4], fields: [[FIELD.NAMESPACE, 'test'], [FIELD.SET, SET], [FIELD.PARTITIONS, { hex: ALL.toString('hex') }]], rows: true }
  return {
    bins: {}, ops: [],
    steps: [
      ...records(r), step, { info: [`query-show:id=${TASK}`], until: 'status=done|ERROR' },
      { info: [`query-show:id=${TASK}`], only: 'recs-filtered-meta=.*:recs-failed=\\d+|ERROR.*' }, scan
    ]
  }
}
