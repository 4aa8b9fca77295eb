// Random mixed batches against a plain model, with nodes that stop, start again, freeze, slow down, hang up and turn rows away
// in between. Whatever happens, every row ends ok, with an error of its own or unprocessed: none wrong, none lost, none twice,
// and rows of one record run in their order.

import { type BatchRecords, type BatchRow, type Client, type Key, type MixedRow, op } from 'aerospike-napi'
import fc from 'fast-check'
import { another, faultTest, freshSet, local } from './support/cluster.mjs'

const KEYS = 12

const row = fc.record({
  key: fc.integer({ min: 0, max: KEYS - 1 }),
  kind: fc.constantFrom('read', 'read', 'write', 'operate', 'remove'),
})
const step = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 60 }),
  fault: fc.constantFrom('none', 'none', 'freeze', 'slow', 'drop', 'stop', 'refuse'),
  code: fc.constantFrom(9, 11, 14, 18),
  node: fc.integer({ min: 0, max: 2 }),
  during: fc.boolean(),
  split: fc.constantFrom(0, 0, 5),
})

/** What a record may hold: the last value that is known, and what writes in doubt may still make of it. */
class Model {
  readonly #known = new Map<number, number | null>()
  readonly #doubts = new Map<number, Set<number | null>>()

  check(key: number, seen: number | null): boolean {
    return (this.#known.get(key) ?? null) === seen || this.#doubts.get(key)?.has(seen) === true
  }

  wrote(key: number, value: number | null): void {
    this.#known.set(key, value)
  }

  mayHaveWritten(key: number, value: number | null): void {
    const doubts = this.#doubts.get(key) ?? new Set()
    this.#doubts.set(key, doubts.add(value))
  }
}

let value = 0

/** Rows with a value of their own for each write, so that every value seen says where it comes from. */
function rowsOf(set: string, plan: readonly { key: number; kind: string }[]): { rows: MixedRow[]; values: number[] } {
  const values = plan.map(() => ++value)
  const rows = plan.map(({ key: user, kind }, i): MixedRow => {
    const key: Key = ['test', set, user]
    const v = values[i] as number
    if (kind === 'write') return { type: 'write', key, bins: { v } }
    if (kind === 'operate') return { type: 'operate', key, ops: [op.write('v', v), op.read('v')] }
    return kind === 'remove' ? { type: 'remove', key } : { type: 'read', key }
  })
  return { rows, values }
}

/** Checks a row against the model and takes its effect into it. */
function settle(model: Model, kind: string, key: number, written: number, one: BatchRow): void {
  const target = kind === 'remove' ? null : written
  const say = (what: string): never => {
    throw new Error(`rows[${one.index}], ${kind} of ${key}: ${what} (${one.result}, ${one.resultCode})`)
  }
  if (one.result === 'unprocessed' || one.result === 'error') {
    if (one.error === null || one.record !== null) say('a failed row has an error and no record')
    if (one.inDoubt && kind === 'read') say('a read in doubt')
    if (one.inDoubt && one.result !== 'error') say('a write in doubt must not be offered again')
    if (one.inDoubt) model.mayHaveWritten(key, target)
    return
  }
  const seen = one.result === 'ok' ? ((one.record.bins.v as number | undefined) ?? null) : null
  if (kind === 'read' && !model.check(key, seen)) say(`a wrong value: ${seen}`)
  if (kind === 'operate' && seen !== written) say(`its own write reads as ${seen}`)
  if (kind === 'remove' && one.result === 'notFound' && !model.check(key, null)) say('the record was there')
  if (kind !== 'read') model.wrote(key, target)
}

async function breakIt(fault: string, node: number, code: number): Promise<void> {
  if (fault === 'freeze') await local().freezeNode(node)
  else if (fault === 'slow') await local().slowNode(node, 30)
  else if (fault === 'drop') await local().dropConnections(node)
  else if (fault === 'stop') await local().stopNode(node)
  else if (fault === 'refuse') await local().refuseRows(node, { code, probability: 0.5 })
}

async function mend(fault: string, node: number): Promise<void> {
  if (fault === 'freeze') await local().thawNode(node)
  else if (fault === 'slow') await local().slowNode(node, 0)
  else if (fault === 'stop') await local().startNode(node)
  else if (fault === 'refuse') await local().refuseRows(node, null)
}

faultTest('random mixed batches agree with a model through random faults', async (t) => {
  const own: Client = await another({ defaults: { batch: { totalTimeout: 150, maxRetries: 1 } } })
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
    const set = freshSet()
    const model = new Model()
    for (const { rows: plan, fault, code, node, during, split } of steps) {
      const { rows, values } = rowsOf(set, plan)
      if (!during) await breakIt(fault, node, code)
      const call = own.batch(rows, { maxKeysPerRequest: split, onPartial: 'return' })
      if (during) await breakIt(fault, node, code)
      let batch: BatchRecords
      try {
        batch = await call
      } finally {
        await mend(fault, node)
      }
      if (batch.length !== rows.length) throw new Error(`${batch.length} rows for ${rows.length}`)
      let index = 0
      for (const one of batch) {
        const { kind, key } = plan[index] as { kind: string; key: number }
        if (one.index !== index || one.key[2] !== key) throw new Error(`row ${index} is another one`)
        settle(model, kind, key, values[index] as number, one)
        index++
      }
      const left = Array.from(batch).filter((one) => one.result === 'unprocessed')
      const whole = await batch.retry({ attempts: 1000, deadline: 60_000 })
      if (whole.unprocessed.length > 0) throw new Error(`${whole.unprocessed.length} rows are left on a whole cluster`)
      for (const { index: at } of left) {
        const { kind, key } = plan[at] as { kind: string; key: number }
        settle(model, kind, key, values[at] as number, whole.at(at) as BatchRow)
      }
    }
  })
  // A failure prints the seed and the path; { seed, path } here runs it again.
  await fc.assert(property, {
    numRuns: 15,
    interruptAfterTimeLimit: 20_000,
    markInterruptAsFailure: false,
    includeErrorInReport: true,
  })
  await own.close()
  t.pass()
})
