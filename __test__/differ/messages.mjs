// Messages that are not as they should be: flags in every combination, fields of a wrong length, twice or unknown, counts that do not
// match, operations cut off; and frames of a wrong version, type or size. Each goes on a connection of its own.
import { operation as collection } from './collections.mjs'
import { isDeadly } from './deadly.mjs'
import { digestOf, FIELD, field, frame, message, op, operand, operation, SET } from './frames.mjs'
import { pack } from './pack.mjs'
import { binValue, integer, word } from './values.mjs'

const DIGEST = digestOf('case')
const MESSAGE = 3
const HEADER = 22

const SOUND = {
  namespace: () => field(FIELD.NAMESPACE, Buffer.from('test')),
  set: () => field(FIELD.SET, SET),
  key: r => field(FIELD.KEY, r.pick([Buffer.concat([Buffer.of(3), Buffer.from('case')]), Buffer.from('010000000000000005', 'hex'), Buffer.from('0461', 'hex')])),
  digest: () => field(FIELD.DIGEST, DIGEST),
  filter: r => field(FIELD.FILTER, pack(r.pick([[1, 1, 1], [3, [81, 2, { s: 'i' }], 2], true, [0]])))
}

/** Numbers of fields, but those of batches and of lists of bins, whose insides a real server trusts. */
const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33, 34, 43, 44, 45, 46, 50, 127, 128, 254, 255]
const bytes = (r, most = 24) => Buffer.from(r.many(0, most, () => r.pick([0, 1, 3, 255, r.below(256)])))

function fields (r) {
  const given = [SOUND.namespace(r), SOUND.set(r), SOUND.digest(r)]
  if (r.oneIn(4)) given.splice(2, 0, SOUND.key(r))
  if (r.oneIn(8)) given.push(SOUND.filter(r))
  const changes = {
    drop: () => given.splice(r.below(given.length), 1),
    twice: () => given.push(r.pick(given)),
    swap: () => given.reverse(),
    odd: () => given.splice(r.below(given.length + 1), 0, field(r.pick(NUMBERS), bytes(r))),
    name: () => { given[0] = field(FIELD.NAMESPACE, Buffer.from(r.pick(['', 'nope', 'TEST', 'test\u0000', 'n'.repeat(31), 'n'.repeat(32), 'n'.repeat(300)]))) },
    set: () => { given[1] = field(FIELD.SET, Buffer.from(r.pick(['', 's'.repeat(63), 's'.repeat(64), 'a\u0000b', 'é', 'other']))) },
    key: () => { given.splice(2, 0, field(FIELD.KEY, r.pick([Buffer.alloc(0), Buffer.of(3), Buffer.of(1, 0), Buffer.of(1, 0, 0, 0, 0, 0, 0, 0, 5, 5), Buffer.of(0), Buffer.of(2, 0, 0, 0, 0, 0, 0, 0, 0), Buffer.of(20, 0x90), Buffer.of(99, 1), Buffer.concat([Buffer.of(3), Buffer.alloc(2000, 65)])]))) },
    digest: () => { given[given.length - 1] = field(FIELD.DIGEST, r.pick([Buffer.alloc(0), DIGEST.subarray(0, 19), Buffer.concat([DIGEST, Buffer.of(0)]), Buffer.concat([DIGEST, DIGEST])])) },
    empty: () => given.push(Buffer.from('00000000', 'hex').subarray(0, r.pick([4, 4, 3])))
  }
  if (!r.oneIn(3)) for (let n = r.between(1, 2); n > 0 && given.length > 0; n--) r.pick(Object.values(changes))()
  return given
}

function sound (r) {
  return r.weighted([
    [4, () => ({ code: op.WRITE, bin: r.pick(['i', 's', 'x']), value: binValue(r) })],
    [3, () => ({ code: op.READ, bin: r.pick(['i', 's', 'none', '']) })],
    [2, () => ({ code: op.INCREMENT, bin: 'i', value: integer(r) })],
    [1, () => ({ code: r.pick([op.APPEND, op.PREPEND]), bin: 's', value: word(r) })],
    [2, () => collection(r)],
    [1, { code: op.TOUCH }],
    [1, { code: op.DELETE }]
  ])
}

/** An operation as bytes: sound, or of an unknown code or type, with a name that is too long, or sizes that do not fit. */
function bytesOf (r) {
  for (;;) {
    const one = sound(r)
    if (isDeadly({ bins: {}, ops: [one] })) continue
    const made = operand(one)
    if (r.oneIn(8)) made.code = r.pick([0, 6, 17, 18, 19, 128, 129, 130, 255, ...Object.values(op)])
    if (r.oneIn(10)) made.type = r.pick([0, 1, 2, 3, 4, 5, 7, 12, 17, 18, 19, 20, 21, 22, 23, 24, 99, 255])
    if (r.oneIn(15)) made.bin = r.pick(['n'.repeat(15), 'n'.repeat(16), 'n'.repeat(200), 'a\u0000b', ''])
    if (r.oneIn(12)) made.bytes = bytes(r, 12)
    // what became of a payload by another code or type is only sent where it can do no harm
    const isPayload = one.payload !== undefined
    if (isPayload && (made.code !== one.code || made.type !== 4)) continue
    if (!isPayload && [op.CDT_READ, op.CDT_MODIFY, op.EXP_READ, op.EXP_MODIFY, op.BITS_READ, op.BITS_MODIFY, op.HLL_READ, op.HLL_MODIFY].includes(made.code)) made.bytes = Buffer.from(r.pick(['', '90', '9110', '00', 'c0', '91c1', 'ff']), 'hex')
    return made
  }
}

const flagBits = r => r.oneIn(2) ? 0 : 1 << r.below(8)

function flags (r, ops) {
  const reads = ops.some(({ code }) => [op.READ, op.CDT_READ].includes(code)) || ops.length === 0
  const writes = ops.some(({ code }) => ![op.READ, op.CDT_READ].includes(code))
  const given = [(reads ? 1 : 0) | (ops.length === 0 ? 2 : 0), writes ? 1 : 0, 0]
  if (r.oneIn(2)) return given
  if (r.oneIn(4)) return [r.below(256) & 0xf7, r.below(256), r.below(256)]
  return given.map(bits => bits ^ flagBits(r))
}

const raw = made => ({ raw: made.toString('hex') })

/** A message with counts, sizes or bits changed behind its making. */
function spoilt (r, whole) {
  const out = Buffer.from(whole)
  const change = r.weighted([
    [3, () => out.writeUInt16BE(r.pick([0, 1, 2, 3, 4, 5, 100, 65535]), 8 + 18)],
    [3, () => out.writeUInt16BE(r.pick([0, 1, 2, 3, 100, 65535]), 8 + 20)],
    [2, () => { out[8] = r.pick([0, 21, 23, 22, 255]) }],
    [1, () => { out[8 + 4] = r.below(256) }],
    [1, () => { out[8 + 5] = r.below(256) }],
    [1, () => out.writeUInt32BE(r.pick([0xffffffff, 0xfffffffe, 0xfffffffd, 0xfffffffc, 1, 315360000, 315360001]), 8 + 10)],
    [2, () => { const at = 8 + HEADER + r.below(out.length - 8 - HEADER); out[at] = r.pick([0, 1, 255, 128, r.below(256)]) }],
    [2, () => 'cut'],
    [1, () => 'grown']
  ])
  if (change === 'cut' || change === 'grown') {
    const body = out.subarray(8)
    return frame(MESSAGE, change === 'cut' ? body.subarray(0, r.between(1, body.length - 1)) : Buffer.concat([body, bytes(r, 9)]))
  }
  return out
}

/** A frame that is not sound; an empty one ends the connection if something came right behind it, which is chance. */
function framed (r, whole) {
  const out = Buffer.from(whole)
  return r.weighted([
    [1, () => { out[0] = r.pick([0, 1, 3, 255]); return out }],
    [2, () => { out[1] = r.pick([0, 2, 4, 5, 6, 255]); return out }],
    [1, () => frame(1, r.pick([Buffer.from('build'), Buffer.from('\n\n'), Buffer.from('build\nedition'), Buffer.from('\u0000\n'), Buffer.from([0xff, 0xfe, 10]), Buffer.from('node\n\nbuild\n')]))],
    [1, () => frame(4, Buffer.concat([Buffer.of(0), bytes(r, 40)]))],
    [1, () => { out.writeUIntBE(r.pick([0x80000001, 0xffffffffffff, 0x8000000]), 2, 6); return out }],
    [1, () => frame(2, Buffer.concat([Buffer.from('00000000000000000000000000000000', 'hex'), bytes(r, 4)]))]
  ])
}

/** Whether a message writes whatever there is: without a digest it begins a job, and nobody knows when that is over. */
function beginsJob (whole) {
  const [WRITE, COUNT, FIELDS] = [1, 8 + 18, 8 + HEADER]
  if (whole[1] !== MESSAGE || whole.length < FIELDS || (whole[8 + 2] & WRITE) === 0) return false
  let at = FIELDS
  for (let left = whole.readUInt16BE(COUNT); left > 0 && at + 5 <= whole.length; left--) {
    if (whole[at + 4] === FIELD.DIGEST) return false
    at += 4 + whole.readUInt32BE(at)
  }
  return true
}

/** The record is made, then comes the message, then it is read. */
export function messages (r) {
  for (;;) {
    const made = oneMessage(r)
    if (!beginsJob(Buffer.from(made.steps[2].raw, 'hex'))) return made
  }
}

function oneMessage (r) {
  const own = [SOUND.namespace(), SOUND.set(), SOUND.digest()]
  const write = message({ flags: [0, 1, 16], fields: own, operations: [{ code: op.WRITE, bin: 'i', value: 2 }, { code: op.WRITE, bin: 's', value: 'abc' }].map(operand) })
  const ops = r.many(r.oneIn(4) ? 0 : 1, 3, () => bytesOf(r))
  let whole = message({ flags: flags(r, ops), generation: r.oneIn(4) ? r.below(4) : 0, ttl: r.oneIn(6) ? r.pick([1000, 0xffffffff, 0xfffffffe]) : 0, fields: fields(r), operations: ops })
  if (r.oneIn(4)) whole = spoilt(r, whole)
  if (r.oneIn(15)) whole = framed(r, whole)
  const remove = message({ flags: [0, 3, 0], fields: own })
  const steps = [{ ...raw(remove), ignored: true }, raw(write), raw(whole), raw(message({ flags: [3, 0, 0], fields: own }))]
  return { bins: {}, ops: [], steps }
}
