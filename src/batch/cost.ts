// What a batch cost, over all nodes and retries.

import type { BatchReply, NodeReport } from '../boundary/batch-reply.js'

/** What a batch cost. */
export interface BatchCost {
  /** Rows asked for. */
  readonly keys: number
  /** Rows with a record. */
  readonly found: number
  readonly bytesOut: number
  readonly bytesIn: number
  readonly roundTrips: number
  readonly retries: number
  /** Milliseconds until the last answer. */
  readonly elapsed: number
  /** The same for each node. */
  readonly nodes: readonly NodeReport[]
}

/** A round of a batch: the first, or a retry. */
interface Round {
  readonly elapsed: number
  readonly replies: readonly BatchReply[]
}

/** The cost of all rounds. */
export function costOf(rounds: readonly Round[], keys: number, found: number): BatchCost {
  const nodes = new Map<string, NodeReport>()
  let elapsed = 0
  rounds.forEach((round, retry) => {
    elapsed += round.elapsed
    const known = new Set<string>()
    for (const reply of round.replies) {
      for (const report of reply.nodes) {
        // Asking a node again in a later round is a retry; another part of the same round is not.
        const again = retry > 0 && !known.has(report.name) ? 1 : 0
        known.add(report.name)
        nodes.set(report.name, added(nodes.get(report.name), report, again))
      }
    }
  })
  const sum = (field: 'bytesOut' | 'bytesIn' | 'roundTrips' | 'retries'): number => {
    let total = 0
    for (const report of nodes.values()) total += report[field]
    return total
  }
  return {
    keys,
    found,
    bytesOut: sum('bytesOut'),
    bytesIn: sum('bytesIn'),
    roundTrips: sum('roundTrips'),
    retries: sum('retries'),
    elapsed,
    nodes: [...nodes.values()],
  }
}

function added(a: NodeReport | undefined, b: NodeReport, again: number): NodeReport {
  if (a === undefined) return { ...b, retries: b.retries + again }
  return {
    name: b.name,
    rows: a.rows + b.rows,
    answered: a.answered + b.answered,
    bytesOut: a.bytesOut + b.bytesOut,
    bytesIn: a.bytesIn + b.bytesIn,
    roundTrips: a.roundTrips + b.roundTrips,
    retries: a.retries + b.retries + again,
    code: b.code === 0 ? a.code : b.code,
    detail: b.code === 0 ? a.detail : b.detail,
  }
}
