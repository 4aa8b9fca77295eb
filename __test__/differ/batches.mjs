// Batches: rows that read, write and remove a few records, with filters of their own or for all, sound ones and others.
import { bitsCall } from './bits.mjs'
import { operation } from './collections.mjs'
import { isDeadly } from './deadly.mjs'
import { expression } from './expressions.mjs'
import { info1, info2, info3, KEYS, op } from './frames.mjs'
import { binValue, blob, integer, list, map, word } from './values.mjs'

/** Of the records that the rows are of, the one that is never there at the start. */
const ABSENT = 'three'

const bins = r => ({ i: integer(r), s: word(r), l: list(r, 1), m: map(r, 1), b: blob(r) })

const condition = r => r.weighted([[6, () => expression(r, 'bool', 2)], [1, () => expression(r)], [1, () => r.pick([true, false, [0], [3, [81, 2, { s: 'i' }], 2]])]])

function reads (r) {
  return r.weighted([
    [3, () => ({ one: info1.READ | info1.ALL, ops: [] })],
    [2, () => ({ one: info1.READ, ops: [{ code: op.READ, bin: r.pick(['i', 'l', 'none']) }] })],
    [1, () => ({ one: info1.READ | 32, ops: [] })], // no bins
    [2, () => ({ one: info1.READ, ops: [{ code: op.CDT_READ, bin: r.pick(['l', 'm', 'none']), payload: readCall(r) }] })],
    [2, () => ({ one: info1.READ, ops: [{ code: op.EXP_READ, bin: 'r', payload: [expression(r, undefined, 2), r.pick([0, 16])] }] })]
  ])
}

function readCall (r) {
  for (;;) {
    const { code, payload } = operation(r, undefined, r.pick(['list', 'map']))
    if (code === op.CDT_READ) return payload
  }
}

function writes (r) {
  const ops = r.many(1, 2, () => r.weighted([
    [3, () => ({ code: op.WRITE, bin: r.pick(['i', 'x']), value: r.oneIn(6) ? null : binValue(r) })],
    [1, () => ({ code: op.INCREMENT, bin: r.pick(['i', 's']), value: integer(r) })],
    [1, () => ({ code: op.APPEND, bin: r.pick(['s', 'i']), value: word(r) })],
    [2, () => ({ ...operation(r, undefined, 'list'), bin: 'l' })],
    [1, () => ({ code: op.BITS_MODIFY, bin: 'b', payload: bitsCall(r, true) })],
    [1, () => ({ code: op.EXP_MODIFY, bin: 'e', payload: [expression(r, undefined, 2), r.pick([0, 16])] })],
    [1, { code: op.TOUCH }]
  ])).filter(({ code }) => code !== op.CDT_READ)
  if (ops.length === 0) ops.push({ code: op.TOUCH })
  const row = { one: 0, two: info2.WRITE, three: r.oneIn(4) ? r.pick([info3.UPDATE_ONLY, info3.CREATE_OR_REPLACE, info3.REPLACE_ONLY]) : 0, ops }
  if (r.oneIn(6)) row.two |= info2.CREATE_ONLY
  return row
}

function row (r) {
  const made = r.weighted([[5, () => reads(r)], [4, () => writes(r)], [1, () => ({ one: 0, two: info2.WRITE | info2.DELETE, ops: [] })]])
  made.key = r.pick(KEYS)
  if ((made.two ?? 0) !== 0 && r.oneIn(6)) {
    made.two |= info2.GENERATION
    made.generation = r.below(3)
  }
  if (r.oneIn(4)) made.filter = condition(r)
  return made
}

/** Whether a row is one that a real server does not survive. */
const isDeadlyRow = (test, { ops, filter = test.filter }) => isDeadly({ bins: test.records.one, ops, filter }) || isDeadly({ bins: test.records.two, ops, filter })

export function batches (r) {
  for (;;) {
    const records = Object.fromEntries(KEYS.filter(key => key !== ABSENT).map(key => [key, bins(r)]))
    // rows of one record may run in any order, so each record has one
    const rows = r.many(1, 4, () => row(r)).filter(({ key }, at, all) => all.findIndex(other => other.key === key) === at)
    const test = { bins: {}, ops: [], records, rows, flags: r.pick([4, 4, 5, 6, 7]) }
    if (r.oneIn(3)) test.filter = condition(r)
    if (Object.values(records).every(stored => !isDeadly({ bins: stored, ops: [] })) && !rows.some(one => isDeadlyRow(test, one))) return test
  }
}
