// Waits for what a cluster does by itself, by asking again until all nodes are done.

import { pause } from '../boundary/abort.js'
import { callback, milliseconds, type OptionRules, readOptions, signal } from '../checks/options.js'
import { ClusterError, TimeoutError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { errorOf } from '../errors/failure.js'
import { now } from '../host.js'

/** How to wait for a job. */
export interface WaitOptions<Progress> {
  /** Called after every look that found the job unfinished, and once at its end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Milliseconds between looks, at least 1. Default 100, and up to 2,000 when it takes long. */
  readonly pollInterval?: number | undefined
  /** Milliseconds to wait at most. Default 0: no limit. */
  readonly timeout?: number | undefined
  /** Ends the waiting, not the job. */
  readonly signal?: AbortSignal | undefined
}

const RULES: OptionRules<WaitOptions<never>> = {
  onProgress: callback,
  pollInterval: milliseconds(1, ' of at least 1'),
  timeout: milliseconds(0, ' (0: no limit)'),
  signal,
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2000

/** Looks that may fail in a row: a node that restarts must not end the waiting, a cluster that is gone must. */
const MAX_FAILURES = 10

/** What a look found. */
export interface Look<Progress> {
  readonly progress: Progress
  readonly done: boolean
}

/** Looks until the job is done. `look` gets the milliseconds that a look may take. */
export async function waitFor<Progress>(
  verb: string,
  given: WaitOptions<Progress> | undefined,
  look: (options: { totalTimeout: number; signal: AbortSignal | undefined }) => Promise<Look<Progress>>,
): Promise<void> {
  const { onProgress, pollInterval, timeout = 0, signal } = readOptions<WaitOptions<Progress>>(verb, given, RULES)
  const started = now()
  const left = (): number => (timeout === 0 ? Number.POSITIVE_INFINITY : timeout - (now() - started))
  let failures = 0
  let next = pollInterval ?? FIRST_PAUSE_MS
  for (;;) {
    try {
      const { progress, done } = await look({ totalTimeout: Math.ceil(Math.max(1, Math.min(5000, left()))), signal })
      failures = 0
      onProgress?.(progress)
      if (done) return
    } catch (error) {
      if (!(error instanceof ClusterError || error instanceof TimeoutError) || ++failures === MAX_FAILURES) throw error
    }
    if (left() <= next) throw tooLate(verb, now() - started)
    await pause(verb, next, signal)
    if (pollInterval === undefined) next = Math.min(LONGEST_PAUSE_MS, next * 1.5)
  }
}

function tooLate(verb: string, elapsed: number): Error {
  return errorOf({ verb, key: undefined, code: Code.timeout, elapsed, detail: 'not every node is done yet' })
}
