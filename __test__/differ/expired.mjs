// Records that have expired and are not collected yet: written with a short time to live, and asked for when it is over.
import { FIELD, info1, info2, info3, op, SET, DIGEST } from './frames.mjs'
import { binValue, integer, word } from './values.mjs'

/** Milliseconds after which a record of a second is gone: its end is counted in whole seconds. */
const OVER = 2_300

const NEVER = 0xffffffff
const KEEP = 0xfffffffe

const operation = r => r.weighted([
  [4, () => ({ code: op.WRITE, bin: r.pick(['a', 'b']), value: r.oneIn(6) ? null : binValue(r) })],
  [3, () => ({ code: op.READ, bin: r.pick(['a', 'b']) })],
  [2, () => ({ code: op.INCREMENT, bin: 'a', value: integer(r) })],
  [1, () => ({ code: op.APPEND, bin: 'b', value: word(r) })],
  [2, () => ({ code: op.CDT_MODIFY, bin: 'l', payload: [1, integer(r)] })],
  [1, () => ({ code: op.EXP_READ, bin: 'r', payload: [r.pick([[65], [68], [69], [71], [72], [73]]), 16] })],
  [2, { code: op.TOUCH }],
  [1, { code: op.DELETE }]
])

const READS = new Set([op.READ, op.EXP_READ])

/** A command on the record, with a policy or without. */
function command (r, fields) {
  if (r.oneIn(4)) {
    const flags = r.pick([[info1.READ | info1.ALL, 0, 0], [info1.READ | 32, 0, 0], [0, info2.WRITE | info2.DELETE, 0], [0, info2.WRITE | info2.DELETE | 16, 0]])
    const step = { flags: [...flags], fields }
    if (r.oneIn(3)) Object.assign(step, { generation: r.below(4), flags: [flags[0], flags[1] | r.pick([4, 8]), flags[2]] })
    return step
  }
  const ops = r.many(1, 3, () => operation(r))
  const [reads, writes] = [ops.some(({ code }) => READS.has(code)), ops.some(({ code }) => !READS.has(code))]
  const flags = [reads ? info1.READ : 0, writes ? info2.WRITE : 0, 0]
  if (r.oneIn(3)) flags[2] = r.pick([info3.UPDATE_ONLY, info3.CREATE_OR_REPLACE, info3.REPLACE_ONLY])
  if (r.oneIn(6)) flags[1] |= info2.CREATE_ONLY
  if (r.oneIn(6)) flags[1] |= info2.RESPOND_ALL
  const step = { flags, fields, ops, ttl: r.oneIn(3) ? r.pick([NEVER, KEEP, 1000, 0, 0xfffffffd, 400000000]) : 0 }
  if (r.oneIn(4)) {
    step.generation = r.below(4)
    flags[1] |= r.pick([info2.GENERATION, 8])
  }
  return step
}

export function expired (r) {
  const own = [[FIELD.NAMESPACE, 'test'], [FIELD.SET, SET.toString()], [FIELD.DIGEST, DIGEST]]
  const filtered = fields => r.oneIn(6) ? [...fields, [FIELD.FILTER, { packed: r.pick([[1, [81, 2, { s: 'a' }], 1], [72], [3, [69], 0], [5, [71], 0], [3, [73], 0], false]) }]] : fields
  const bins = () => [{ code: op.WRITE, bin: 'a', value: integer(r) }, { code: op.WRITE, bin: 'b', value: word(r) }]
  // whether there is a record from the case before is no part of this one
  const steps = [{ flags: [0, info2.WRITE | info2.DELETE, 0], fields: own, ignored: true }]
  for (let n = r.between(1, 2); n > 0; n--) steps.push({ flags: [0, info2.WRITE, 0], ttl: r.pick([1, 1, 1, NEVER, 1000]), fields: own, ops: bins() })
  if (r.oneIn(3)) steps.push(command(r, filtered(own)))
  for (let n = r.between(1, 2); n > 0; n--) steps.push({ ...command(r, filtered(own)), later: OVER })
  steps.push({ flags: [info1.READ | info1.ALL, 0, 0], fields: own, later: OVER })
  return { bins: {}, ops: [], steps, later: OVER }
}
