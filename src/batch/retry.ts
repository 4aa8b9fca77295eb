// Sends unprocessed rows of a batch again: how often, for how long, and with which pauses.

import { type OptionRules, readOptions } from '../checks/options.js'
import { Code } from '../errors/codes.js'
import { beginPause, now } from '../host.js'
import { MAX_INT32 } from '../limits.js'

/** How `retry` goes about it. */
export interface RetryOptions {
  /** How many more times the unprocessed rows are sent, at least 1. Default 3. */
  readonly attempts?: number
  /** Milliseconds all of it may take. Default 10,000. */
  readonly deadline?: number
}

/** Codes of a node that has too much to do: batch queues, storage, a hot record, quota, or connections that too many wait for. */
export const OVERLOADED = new Set<number>([
  Code.keyBusy,
  Code.deviceOverload,
  Code.quotaExceeded,
  Code.batchQueuesFull,
  Code.asyncQueueFull,
])

const RULES: OptionRules<RetryOptions> = {
  attempts: { expects: 'a whole number from 1', check: (value) => Number.isInteger(value) && (value as number) >= 1 },
  deadline: {
    expects: 'a number of milliseconds above 0',
    check: (value) => typeof value === 'number' && value > 0 && value <= MAX_INT32,
  },
}

/** @internal The options of a retry, with what they leave out. */
export function retryOptions(options: unknown, verb: string): { attempts: number; deadline: number } {
  const { attempts = 3, deadline = 10_000 } = readOptions<RetryOptions>(verb, options ?? undefined, RULES)
  return { attempts, deadline }
}

/** Waits before another attempt: exponential with full jitter. False when the deadline comes first. */
export async function pause(attempt: number, until: number): Promise<boolean> {
  const ms = Math.random() * Math.min(1000, 25 * 2 ** attempt)
  if (now() + ms >= until) return false
  await beginPause(ms).over
  return true
}
