// Sending what is left of a batch again: how often, for how long, and with which pauses.

import { isPlain } from '../checks/check.js'
import { badValue, didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { MAX_INT32 } from '../limits.js'

/** How `retry` goes about it. */
export interface RetryOptions {
  /** How many more times the unprocessed rows are sent, at least 1. Default 3. */
  readonly attempts?: number
  /** Milliseconds all of it may take. Default 10,000. */
  readonly deadline?: number
}

/** Codes of a node that has too much to do: batch queues, storage, a hot record, quota. */
export const OVERLOADED = new Set<number>([Code.keyBusy, Code.deviceOverload, Code.quotaExceeded, Code.batchQueuesFull])

/** @internal The options of a retry, with what they leave out. */
export function retryOptions(options: unknown, verb: string): { attempts: number; deadline: number } {
  const given = options ?? {}
  if (typeof given !== 'object' || !isPlain(given)) throw badValue(verb, 'retry', 'a plain object', options)
  for (const name of Object.keys(given)) {
    if (name === 'attempts' || name === 'deadline') continue
    throw new InvalidArgumentError(
      `${verb}: there is no option '${name}' of a retry${didYouMean(name, ['attempts', 'deadline'])}`,
    )
  }
  const { attempts = 3, deadline = 10_000 } = given as RetryOptions
  if (!Number.isInteger(attempts) || attempts < 1) throw badValue(verb, 'attempts', 'a whole number from 1', attempts)
  if (typeof deadline !== 'number' || !(deadline > 0 && deadline <= MAX_INT32)) {
    throw badValue(verb, 'deadline', 'a number of milliseconds above 0', deadline)
  }
  return { attempts, deadline }
}

/** Waits before another attempt: exponential with full jitter. False when the deadline comes first. */
export async function pause(attempt: number, until: number): Promise<boolean> {
  const ms = Math.random() * Math.min(1000, 25 * 2 ** attempt)
  if (performance.now() + ms >= until) return false
  await new Promise((resolve) => setTimeout(resolve, ms))
  return true
}
