// The kinds of cases, by name, and how often each comes up.
import { batches } from './batches.mjs'
import { bits, hyperLogLogs } from './bits.mjs'
import { collections } from './collections.mjs'
import { isDeadly, isHarmless } from './deadly.mjs'
import { expired } from './expired.mjs'
import { expressions } from './expressions.mjs'
import { functions, prepareFunctions } from './functions.mjs'
import { geo } from './geo.mjs'
import { indexes, prepareIndexes } from './indexes.mjs'
import { info } from './info.mjs'
import { forgetJobs, jobs, prepareJobs } from './jobs.mjs'
import { messages } from './messages.mjs'
import { pack } from './pack.mjs'
import { paths } from './paths.mjs'
import { forgetQueries, prepareQueries, queries } from './queries.mjs'
import { chanceOf } from './random.mjs'
import { hostile, mixed, records } from './records.mjs'

/** How often each comes up, and its maker. */
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
  mixed: [1, mixed([collections, bits, hyperLogLogs, paths])],
  queries: [1, queries],
  functions: [1, functions],
  info: [1, info]
}

/** Kinds that take their time: of so many blocks of cases, the one of a number is of that kind. */
const SLOW = { 7: jobs, 13: indexes, 23: messages, 33: expired }
const [BLOCK, ROUND] = [128, 40]

const makers = { ...Object.fromEntries(Object.entries(KINDS).map(([name, [, make]]) => [name, make])), indexes, jobs, messages, expired }
export const names = Object.keys(makers)

/** What is asked of both servers before cases of a kind, and after all, as steps. */
export const prepare = { queries: prepareQueries, functions: prepareFunctions, indexes: prepareIndexes, jobs: prepareJobs }
export const forget = { queries: forgetQueries, jobs: forgetJobs }

/** The case of a seed and a number: always the same, and none that a real server does not survive. */
export function makeCase (seed, number, only) {
  const r = chanceOf(seed, number)
  const kind = only === undefined ? kindOf(r, Math.floor(number / BLOCK) % ROUND) : r.pick(only)
  for (;;) {
    const test = makers[kind](r)
    if (!isDeadly(test)) return { kind, ...test }
  }
}

const kindOf = (r, block) => SLOW[block]?.name ?? r.weighted(Object.entries(KINDS).map(([name, [weight]]) => [weight, name]))
