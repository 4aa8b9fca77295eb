// Whole records: scalar operations with every policy of writes, values of every kind, and bytes that are no values.
import { info2, info3, op } from './frames.mjs'
import { binValue, integer, value, word } from './values.mjs'

const BINS = ['a', 'b', 'c', 'a name of 16 ch.']

function operation (r) {
  const bin = r.oneIn(30) ? '' : r.oneIn(60) ? BINS[3] : r.pick(BINS.slice(0, 3))
  return r.weighted([
    [4, () => ({ code: op.WRITE, bin, value: r.oneIn(8) ? null : binValue(r) })],
    [2, () => ({ code: op.READ, bin })],
    [2, () => ({ code: op.INCREMENT, bin, value: r.oneIn(5) ? binValue(r) : r.oneIn(4) ? { d: 0.5 } : integer(r) })],
    [2, () => ({ code: r.pick([op.APPEND, op.PREPEND]), bin, value: r.oneIn(5) ? binValue(r) : r.oneIn(3) ? { b: 'ff' } : word(r) })],
    [1, { code: op.TOUCH }],
    [1, { code: op.DELETE }]
  ])
}

export function records (r) {
  const bins = r.oneIn(4) ? {} : Object.fromEntries(r.many(1, 3, () => [r.pick(BINS.slice(0, 3)), binValue(r)]))
  const test = { bins, ops: r.many(1, 3, () => operation(r)) }
  if (r.oneIn(4)) test.two = r.pick([info2.CREATE_ONLY, info2.RESPOND_ALL, info2.DELETE])
  if (r.oneIn(4)) test.three = r.pick([info3.UPDATE_ONLY, info3.CREATE_OR_REPLACE, info3.REPLACE_ONLY])
  if (r.oneIn(6)) {
    test.two = (test.two ?? 0) | info2.GENERATION
    test.generation = r.between(0, 3)
  }
  return test
}

const JUNK = ['c1', 'c0', 'dc', 'dd00000005', 'df00000001', 'd9', 'd903', 'c403', 'c7', 'c70001', 'c8000101', 'd4ff00', 'd4ff01', 'd40000', '80', '9191', '81c0', 'ca3f800000', 'd600000000', 'c9ffffffff01', '93', 'cb']

/** Bytes with a few of them changed, lost or doubled. */
function damaged (r, bytes) {
  const out = Buffer.from(bytes)
  if (out.length === 0) return Buffer.from(r.pick(JUNK), 'hex')
  return r.weighted([
    [4, () => { out[r.below(out.length)] = r.pick([0, 1, 0x7f, 0x80, 0x90, 0xc0, 0xc1, 0xc7, 0xd4, 0xdf, 0xff, r.below(256)]); return out }],
    [2, () => out.subarray(0, r.below(out.length))],
    [1, () => Buffer.concat([out, Buffer.from(r.pick(JUNK), 'hex')])],
    [2, () => {
      const at = r.below(out.length)
      return Buffer.concat([out.subarray(0, at), Buffer.from(r.pick(JUNK), 'hex'), out.subarray(at)])
    }]
  ])
}

/** A payload that was packed from a sound case and then damaged, or a bin written with such bytes. */
export const hostile = (others, pack, payloadAllowed) => r => {
  if (r.oneIn(3)) {
    const written = pack(value(r, 2))
    return { bins: {}, ops: [{ code: op.WRITE, bin: 'c', value: { x: damaged(r, written).toString('hex'), t: r.pick([19, 20, 20, 19, 18, 23, 4, 17, 1]) } }] }
  }
  const test = r.pick(others)(r)
  const one = test.ops.find(({ payload }) => payload !== undefined)
  if (one === undefined) return test
  const payload = { x: damaged(r, pack(one.payload)).toString('hex') }
  return payloadAllowed(payload, one.code) ? { ...test, ops: [{ ...one, payload }] } : test
}

/** Operations of several kinds in one command, each on a bin of its own kind, answered all or none. */
export const mixed = others => r => {
  const parts = r.many(2, 3, () => r.pick(others)(r))
  const bins = {}
  const ops = []
  parts.forEach((part, at) => {
    for (const [bin, start] of Object.entries(part.bins)) bins[bin === 'c' ? `c${at}` : bin] = start
    for (const one of part.ops) ops.push({ ...one, bin: one.bin === 'c' ? `c${at}` : one.bin })
  })
  return { bins, ops: ops.slice(0, 6) }
}

