// How long things took: a histogram whose buckets are at most an eighth wide, as the core counts it
// (crates/client/src/metrics/histogram.rs), and what is read from it.

import type { NativeLatency } from '../boundary/addon.js'

/** A bucket of a {@link LatencyHistogram}. */
export interface LatencyBucket {
  /** What is in it took less than this. Milliseconds. */
  readonly below: number
  readonly count: number
}

/** How long things took. Milliseconds; percentiles are at most an eighth above the truth. */
export interface LatencyHistogram {
  readonly count: number
  /** Everything together. */
  readonly sum: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  /** The end of the last bucket that is not empty. */
  readonly max: number
  /** The buckets that are not empty, from short to long. */
  readonly buckets: readonly LatencyBucket[]
}

/** The histogram of buckets; all figures are 0 where there are none. */
export function latencyOf(sum: number, buckets: readonly LatencyBucket[]): LatencyHistogram {
  let count = 0
  for (const bucket of buckets) count += bucket.count
  const percentile = (share: number): number => {
    let left = Math.ceil(count * share)
    for (const bucket of buckets) {
      left -= bucket.count
      if (left <= 0) return bucket.below
    }
    return 0
  }
  return {
    count,
    sum,
    mean: count === 0 ? 0 : sum / count,
    p50: percentile(0.5),
    p90: percentile(0.9),
    p99: percentile(0.99),
    p999: percentile(0.999),
    max: buckets.at(-1)?.below ?? 0,
    buckets,
  }
}

export function readLatency({ sum, buckets: pairs }: NativeLatency): LatencyHistogram {
  const buckets: LatencyBucket[] = []
  for (let at = 0; at < pairs.length; at += 2) {
    buckets.push({ below: pairs[at] as number, count: pairs[at + 1] as number })
  }
  return latencyOf(sum, buckets)
}

/** What came to a histogram after an earlier look at it. */
export function latencySince(now: LatencyHistogram, before: LatencyHistogram | undefined): LatencyHistogram {
  if (before === undefined) return now
  const counts = new Map(before.buckets.map(({ below, count }) => [below, count]))
  const buckets = now.buckets
    .map(({ below, count }) => ({ below, count: count - (counts.get(below) ?? 0) }))
    .filter(({ count }) => count > 0)
  return latencyOf(Math.max(0, now.sum - before.sum), buckets)
}
