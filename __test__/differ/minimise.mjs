// A case that differs, made as small as it can be while it differs in the same way.
import { FIELD } from './frames.mjs'

const isHex = answer => /^[0-9a-f|:]*$/.test(answer)

/** The result codes of an answer, its rows' too; of text, its command and what it begins with. */
function gist (answer) {
  if (answer === '') return 'nothing'
  if (isHex(answer)) return [...new Set(answer.split('|').map(row => Number.parseInt(row.slice(10, 12), 16)))].join('+')
  return answer.replace(/[0-9a-f]{12,}/g, '').split('\t').map(part => part.split(/[/:;= ]/).slice(0, 2).join(':')).join(' ').slice(0, 60)
}

/** Of two answers of lines, the first lines that differ. */
function lines (real, ours) {
  if (isHex(real) && isHex(ours)) return [real, ours]
  const [theirs, mine] = [real.split('\n'), ours.split('\n')]
  const at = theirs.findIndex((line, i) => line !== mine[i])
  return [theirs[at] ?? '', mine[at] ?? '']
}

/** What a difference is like: where it starts, and the result codes there. */
export function likeness ({ real, ours }) {
  const at = real.findIndex((answer, i) => answer !== ours[i])
  const [theirs, mine] = lines(real[at], ours[at])
  return `answer ${at - real.length}: real ${gist(theirs)}, ours ${gist(mine)}`
}

const without = (list, at, n = 1) => [...list.slice(0, at), ...list.slice(at + n)]

/** Everything that is a little smaller than a value. */
function * smaller (value) {
  if (typeof value === 'number' || typeof value === 'bigint') {
    for (const n of [0, 1, 2, -1]) if (n !== value && (typeof value === 'bigint' || Math.abs(n) < Math.abs(value) || (value < 0 && n >= 0))) yield n
    if (typeof value === 'number' && Math.abs(value) > 4) yield Math.trunc(value / 2)
    return
  }
  if (typeof value === 'string') {
    if (value !== '') yield ''
    if (value.length > 1) yield value.slice(0, Math.floor(value.length / 2))
    return
  }
  if (value === null || typeof value !== 'object') return
  if (Array.isArray(value)) return yield * smallerList(value)
  if ('l' in value) {
    yield value.l
    for (const l of smallerList(value.l)) yield { ...value, l }
  } else if ('m' in value) {
    if (value.o !== undefined) yield { m: value.m }
    for (const m of smallerList(value.m)) if (m.every(pair => Array.isArray(pair) && pair.length === 2)) yield { ...value, m }
  } else if ('b' in value && value.b.length > 0) {
    yield { ...value, b: value.b.slice(0, -2) }
    yield { ...value, b: value.b.slice(2) }
    if (/[^0]/.test(value.b)) yield { ...value, b: '0'.repeat(value.b.length) }
  } else if ('x' in value && value.x.length > 2) {
    for (let at = 0; at < value.x.length; at += 2) yield { ...value, x: value.x.slice(0, at) + value.x.slice(at + 2) }
  } else if ('d' in value && value.d !== 0) {
    yield { d: 0 }
  }
}

function * smallerList (items) {
  for (let n = items.length; n > 0; n = Math.floor(n / 2)) {
    for (let at = 0; at + n <= items.length; at += n) yield without(items, at, n)
  }
  for (const [at, item] of items.entries()) {
    if (Array.isArray(item)) for (const inner of item) if (Array.isArray(inner)) yield items.with(at, inner)
    for (const less of [...(typeof item === 'object' && item !== null ? [0] : []), ...smaller(item)]) yield items.with(at, less)
  }
}

/** Namespace, set and digest: without them a case is about records that no case makes anew. */
const NAMES_RECORD = new Set([FIELD.NAMESPACE, FIELD.SET, FIELD.DIGEST])

/** Everything that is a little smaller than a case that says its requests itself. */
function * smallerSteps (test) {
  const with_ = (at, step) => ({ ...test, steps: test.steps.with(at, step) })
  for (const [at, step] of test.steps.entries()) {
    if (test.steps.length > 1) yield { ...test, steps: without(test.steps, at) }
    if (step.info !== undefined) {
      for (const info of smallerList(step.info)) if (info.length > 0 && info.every(line => typeof line === 'string')) yield with_(at, { ...step, info })
      for (const [n, line] of step.info.entries()) {
        const parts = line.split(';')
        for (const m of parts.keys()) if (parts.length > 1) yield with_(at, { ...step, info: step.info.with(n, without(parts, m).join(';')) })
      }
    }
    for (const [n, [type]] of (step.fields ?? []).entries()) if (!NAMES_RECORD.has(type)) yield with_(at, { ...step, fields: without(step.fields, n) })
    for (const [n] of (step.ops ?? []).entries()) yield with_(at, { ...step, ops: without(step.ops, n) })
    for (const name of ['generation', 'ttl']) if (step[name]) yield with_(at, { ...step, [name]: undefined })
    for (const [n, [type, value]] of (step.fields ?? []).entries()) {
      if (value?.packed !== undefined) for (const packed of smaller(value.packed)) yield with_(at, { ...step, fields: step.fields.with(n, [type, { packed }]) })
    }
    for (const [n, one] of (step.ops ?? []).entries()) {
      for (const part of ['payload', 'value']) if (one[part] !== undefined) for (const less of smaller(one[part])) yield with_(at, { ...step, ops: step.ops.with(n, { ...one, [part]: less }) })
    }
  }
}

/** Everything that is a little smaller than a case. */
export function * smallerCases (test) {
  if (test.steps !== undefined) return yield * smallerSteps(test)
  for (const [at] of test.ops.entries()) if (test.ops.length > 1 || test.filter !== undefined) yield { ...test, ops: without(test.ops, at) }
  for (const bin of Object.keys(test.bins)) yield { ...test, bins: Object.fromEntries(Object.entries(test.bins).filter(([name]) => name !== bin)) }
  for (const extra of ['one', 'two', 'three', 'generation', 'filter']) if (test[extra] !== undefined) yield { ...test, [extra]: undefined }
  for (const [bin, value] of Object.entries(test.bins)) for (const less of smaller(value)) yield { ...test, bins: { ...test.bins, [bin]: less } }
  for (const [at, one] of test.ops.entries()) {
    for (const part of ['payload', 'value']) {
      if (one[part] !== undefined) for (const less of smaller(one[part])) yield { ...test, ops: test.ops.with(at, { ...one, [part]: less }) }
    }
  }
  if (test.filter !== undefined) for (const filter of smaller(test.filter)) yield { ...test, filter }
}

const ROUNDS = 60
const AT_ONCE = 400

/**
 * The smallest case that was found by making it smaller step by step, each of which is told; `allowed` says what may be
 * sent.
 */
export async function minimise (pair, test, difference, allowed, tell = () => {}) {
  const wanted = likeness(difference)
  let best = { test, difference }
  for (let round = 0; round < ROUNDS; round++) {
    const candidates = []
    for (const candidate of smallerCases(best.test)) {
      if (allowed(candidate)) candidates.push(candidate)
      if (candidates.length === AT_ONCE) break
    }
    const differences = await pair.compare(candidates)
    const at = differences.findIndex(found => found !== undefined && likeness(found) === wanted)
    if (at < 0) break
    best = { test: candidates[at], difference: differences[at] }
    tell(best)
  }
  return best
}
