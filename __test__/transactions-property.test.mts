// Whatever happens to nodes and clients, transactions are serialisable and money is neither made nor lost. This is a short
// run; `npm run contend -- --seeds 20 --seconds 10` makes longer ones.

import test from 'ava'
import { contend } from './support/contention.mjs'
import { type Attempt, problemsOf, type Step } from './support/histories.mjs'

const read = (key: number, ...list: number[]): Step => ({ kind: 'read', key, list })
const append = (key: number, value: number): Step => ({ kind: 'append', key, value })

/** Transactions that all overlap in time. */
function history(...attempts: [steps: Step[], outcome?: Attempt['outcome']][]): Attempt[] {
  return attempts.map(([steps, outcome = 'committed'], i) => ({
    name: `T${i + 1}`,
    steps,
    outcome,
    began: 0,
    ended: 9,
  }))
}

const lists = (...all: number[][]): Map<number, number[]> => new Map(all.map((list, key) => [key, list]))

test('the checker accepts what one after another could have done', (t) => {
  const good = history(
    [[append(0, 1), read(0, 1)]],
    [[read(0, 1), append(1, 2)]],
    [[append(0, 3)], 'aborted'],
    [[append(1, 4)], 'unknown'],
    [[append(0, 5)], 'unknown'],
    [[read(0), read(1)]],
  )
  t.deepEqual(problemsOf(good, lists([1], [2, 4])), [])
})

const planted: { readonly [name: string]: readonly [Attempt[], Map<number, number[]>, RegExp] } = {
  'write skew': [history([[read(0), append(1, 1)]], [[read(1), append(0, 2)]]), lists([2], [1]), /circle/],
  'a lost update': [history([[read(0), append(0, 1)]], [[read(0), append(0, 2)]]), lists([2]), /is lost/],
  'two that both saw the list empty': [
    history([[read(0), append(0, 1)]], [[read(0), append(0, 2)]]),
    lists([1, 2]),
    /circle/,
  ],
  'half of a transaction': [
    history([[append(0, 1), append(1, 2)]], [[read(0, 1), read(1)]]),
    lists([1], [2]),
    /circle/,
  ],
  'what was aborted': [history([[append(0, 1)], 'aborted'], [[read(0, 1)]]), lists([1]), /was aborted/],
  'a read of what never was': [history([[append(0, 1)]], [[read(0, 7)]]), lists([1]), /read \[7\]/],
  'its own write missing': [history([[append(0, 1), read(0)]]), lists([1]), /read \[\]/],
  'a read of the past': [
    [
      { name: 'T1', steps: [append(0, 1)], outcome: 'committed', began: 0, ended: 1 },
      { name: 'T2', steps: [read(0)], outcome: 'committed', began: 2, ended: 3 },
    ],
    lists([1]),
    /circle/,
  ],
}

for (const [name, [attempts, last, expected]] of Object.entries(planted)) {
  test(`the checker finds a planted violation: ${name}`, (t) => {
    t.regex(problemsOf(attempts, last).join('; '), expected)
  })
}

test('transactions are serialisable while nothing goes wrong', async (t) => {
  const report = await contend({ seed: 1, milliseconds: 2000, faulty: false, processes: {} })
  t.deepEqual(report.problems, [])
  t.true(report.committed > 20 && report.transfers > 5, JSON.stringify(report))
})

test('transactions are serialisable while nodes stop, freeze and restart and clients die', async (t) => {
  const report = await contend({ seed: 2, milliseconds: 4000 })
  t.deepEqual(report.problems, [])
  t.true(report.committed > 10 && report.faults > 3 && report.deaths > 0, JSON.stringify(report))
})
