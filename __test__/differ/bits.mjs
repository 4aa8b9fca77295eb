// Bits of blobs, with offsets and sizes in and out of range, and HyperLogLogs.
import { op } from './frames.mjs'
import { blob, integer, place, scalar, word } from './values.mjs'

const bytes = (r, most) => ({ b: Buffer.from(r.many(0, most, () => r.pick([0, 255, r.below(256)]))).toString('hex') })
const offset = r => r.weighted([[8, () => r.between(-48, 48)], [2, () => r.between(-3, 3)], [1, () => place(r)]])
const size = r => r.weighted([[8, () => r.between(1, 48)], [2, () => r.between(0, 8)], [1, () => r.between(40, 80)], [1, () => place(r)]])
const shift = r => r.weighted([[6, () => r.between(0, 20)], [2, () => r.between(0, 70)], [1, () => place(r)]])
const flags = r => r.oneIn(20) ? r.pick([16, 255, -1]) : r.weighted([[3, 0], [2, 8], [2, () => r.below(16)]])
const policy = r => r.oneIn(20) ? r.pick([8, 9, -1]) : r.below(8)
const bool = r => r.oneIn(20) ? scalar(r) : r.oneIn(2)
const buffer = r => r.oneIn(20) ? scalar(r) : bytes(r, 6)
const byteOffset = r => r.oneIn(12) ? place(r) : r.between(-6, 7)
const byteSize = r => r.oneIn(12) ? place(r) : r.between(0, 7)
const number = r => r.oneIn(3) ? integer(r) : r.between(-300, 300)

/** Code, arguments, how many may be left out. */
const MODIFY = [
  [0, [byteSize, flags, policy], 2], [1, [byteOffset, buffer, flags], 1], [2, [byteOffset, byteSize, flags], 1], [3, [offset, size, buffer, flags], 1],
  [4, [offset, size, buffer, flags], 1], [5, [offset, size, buffer, flags], 1], [6, [offset, size, buffer, flags], 1], [7, [offset, size, flags], 1],
  [8, [offset, size, shift, flags], 1], [9, [offset, size, shift, flags], 1], [10, [offset, size, number, flags, policy], 2],
  [11, [offset, size, number, flags, policy], 2], [12, [offset, size, number, flags], 1]
]
const READ = [
  [50, [offset, size], 0], [51, [offset, size], 0], [52, [offset, size, bool], 0], [53, [offset, size, bool], 0], [54, [offset, size, policy], 1]
]

function call (r, table) {
  const [code, parameters, optional] = r.pick(table)
  let given = parameters.length - r.below(optional + 1)
  if (r.oneIn(60)) given = r.below(parameters.length + 2)
  const args = parameters.slice(0, given).map(make => r.oneIn(80) ? scalar(r) : make(r))
  while (args.length < given) args.push(1)
  return [r.oneIn(200) ? r.pick([13, 49, 55, -1]) : code, ...args]
}

export const bitsCall = (r, modifies) => call(r, modifies ? MODIFY : READ)

export function bits (r) {
  const modifies = !r.oneIn(3)
  const start = r.weighted([[12, () => bytes(r, r.oneIn(10) ? 90 : 7)], [1, undefined], [1, () => scalar(r)]])
  const code = modifies !== r.oneIn(100) ? op.BITS_MODIFY : op.BITS_READ
  return { bins: start == null ? {} : { c: start }, ops: [{ code, bin: 'c', payload: bitsCall(r, modifies) }] }
}

const HLL = 18
const indexBits = r => r.oneIn(10) ? r.pick([-1, 0, 3, 17, 255, -2]) : r.pick([4, 4, 5, 6, 8])
const hashBits = r => r.oneIn(10) ? r.pick([-1, 0, 3, 52, 58, 255]) : r.pick([4, 5, 8, 10])
const hllFlags = r => r.oneIn(20) ? r.pick([16, -1]) : r.weighted([[3, 0], [2, 8], [2, () => r.below(16)]])
const values = r => r.oneIn(20) ? scalar(r) : r.many(0, 6, () => r.oneIn(5) ? scalar(r) : word(r))

/** An empty sketch as a particle: what a server writes for these bits. */
export function sketch (r) {
  const [n, m] = [r.pick([4, 4, 5, 6]), r.pick([0, 0, 4, 5])]
  const length = Math.ceil((1 << n) * (6 + m) / 8)
  const head = Buffer.alloc(11)
  head[1] = n
  head[2] = m
  head.fill(0xff, 3)
  return { b: Buffer.concat([r.oneIn(3) ? head.fill(0, 3) : head, Buffer.alloc(length)]).toString('hex'), t: HLL }
}
const sketches = r => r.oneIn(20) ? scalar(r) : r.many(0, 3, () => r.oneIn(15) ? blob(r) : sketch(r))

const HLL_MODIFY = [
  [0, [indexBits, hashBits, hllFlags], 2], [1, [values, indexBits, hashBits, hllFlags], 3], [2, [sketches, hllFlags], 1], [3, [], 0], [4, [indexBits], 0]
]
const HLL_READ = [[50, [], 0], [51, [sketches], 0], [52, [sketches], 0], [53, [sketches], 0], [54, [sketches], 0], [55, [], 0], [56, [values], 0]]

export const hllCall = (r, modifies) => call(r, modifies ? HLL_MODIFY : HLL_READ)

/** A sketch with something in it is made by operations of the same command. */
export function hyperLogLogs (r) {
  const start = r.weighted([[6, () => sketch(r)], [6, undefined], [1, () => scalar(r)]])
  const operation = () => {
    const modifies = r.oneIn(2)
    return { code: modifies !== r.oneIn(100) ? op.HLL_MODIFY : op.HLL_READ, bin: 'c', payload: hllCall(r, modifies) }
  }
  return { bins: start == null ? {} : { c: start }, ops: r.many(1, 4, operation) }
}
