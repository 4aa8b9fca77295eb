// How a background job goes, out of what each node says (protocol 4.10).

/**
 * `running` on some node; `done` on all; `aborted` on some; `unknown` to all of them, who forget jobs that are long over:
 * then it says nothing about whether there was one.
 */
export type JobState = 'running' | 'done' | 'aborted' | 'unknown'

/** How a background job goes, on all nodes together. */
export interface JobStatus {
  readonly id: bigint
  readonly state: JobState
  /** Percent of the work that is done: the mean of the nodes. */
  readonly progress: number
  /** Records that were changed. */
  readonly recordsSucceeded: number
  /** Records on which the operations or the UDF failed. The servers do not say why; a module that is missing shows here. */
  readonly recordsFailed: number
  /** Records that the filter expression left out. */
  readonly recordsFiltered: number
  /** How often the job paused for `recordsPerSecond`. */
  readonly recordsThrottled: number
  /** Milliseconds the slowest node has worked on it. */
  readonly runTime: number
  /** Nodes that know the job, and how many of them still work on it. */
  readonly nodes: { readonly total: number; readonly running: number }
  /** Why it was aborted. */
  readonly reason: string
}

/** The name=value pairs of a node's answer; undefined when it does not know the job. */
function pairsOf(answer: string): Map<string, string> | undefined {
  if (answer === '' || /^(ERROR|FAIL)\b/i.test(answer)) return undefined
  const line = answer.split(';', 1)[0] as string
  return new Map(
    line.split(':').map((pair) => {
      const at = pair.indexOf('=')
      return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** The answers of all nodes to one question about a job, as one. A job that `existed` is over when nobody knows it. */
export function sumUp(id: bigint, answers: readonly string[], existed = true): JobStatus {
  const known = answers.map(pairsOf).filter((pairs) => pairs !== undefined)
  const number = (pairs: Map<string, string>, name: string): number => Number(pairs.get(name) ?? 0) || 0
  const sum = (...names: string[]): number =>
    known.reduce((total, pairs) => total + names.reduce((part, name) => part + number(pairs, name), 0), 0)
  const statuses = known.map((pairs) => pairs.get('status') ?? '')
  const running = statuses.filter((status) => status.startsWith('active')).length
  // `active(…)` or `done(…)`, with `ok` or the reason of an end before time.
  const reason = statuses.map((status) => /\((.*)\)/.exec(status)?.[1] ?? 'ok').find((one) => one !== 'ok') ?? ''
  // A node that has forgotten the job is done with it.
  const progress =
    known.length === 0 ? (existed ? 100 : 0) : sum('job-progress') + 100 * (answers.length - known.length)
  return {
    id,
    state: known.length === 0 ? 'unknown' : running > 0 ? 'running' : reason === '' ? 'done' : 'aborted',
    progress: known.length === 0 ? progress : Math.min(100, progress / answers.length),
    recordsSucceeded: sum('recs-succeeded'),
    recordsFailed: sum('recs-failed'),
    recordsFiltered: sum('recs-filtered-meta', 'recs-filtered-bins'),
    recordsThrottled: sum('recs-throttled'),
    runTime: Math.max(0, ...known.map((pairs) => number(pairs, 'run-time'))),
    nodes: { total: known.length, running },
    reason,
  }
}
