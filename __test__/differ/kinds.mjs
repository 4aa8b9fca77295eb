// The kinds of cases, by name, and how often each comes up.
import { batches } from './batches.mjs'
import { bits, hyperLogLogs } from './bits.mjs'
import { collections } from './collections.mjs'
import { isDeadly, isHarmless } from './deadly.mjs'
import { expressions } from './expressions.mjs'
import { geo } from './geo.mjs'
import { pack } from './pack.mjs'
import { paths } from './paths.mjs'
import { chanceOf } from './random.mjs'
import { hostile, mixed, records } from './records.mjs'

const KINDS = {
  collections: [8, collections],
  bits: [3, bits],
  hll: [2, hyperLogLogs],
  expressions: [6, expressions],
  paths: [3, paths],
  records: [2, records],
  geo: [1, geo],
  batches: [2, batches],
  hostile: [3, hostile([collections, bits, hyperLogLogs, paths], pack, isHarmless)],
  mixed: [1, mixed([collections, bits, hyperLogLogs, paths])]
}
export const names = Object.keys(KINDS)

/** The case of a seed and a number: always the same, and none that a real server does not survive. */
export function makeCase (seed, number, only) {
  const r = chanceOf(seed, number)
  const kind = only === undefined ? r.weighted(names.map(name => [KINDS[name][0], name])) : r.pick(only)
  for (;;) {
    const test = KINDS[kind][1](r)
    if (!isDeadly(test)) return { kind, ...test }
  }
}
