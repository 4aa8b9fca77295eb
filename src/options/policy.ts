// The resolved form of options: numbers ready for the request.

import { Info2 } from '../protocol.js'
import type { Codecs } from '../values/codecs.js'
import type { Exp } from '../values/expression.js'
import type { Membership } from './membership.js'

/** What a batch does about rows that failed or were not processed. */
export const OnPartial = { throwIfNothing: 0, return: 1, throw: 2 } as const

/** What a server may do with rows of a batch in its network thread. */
export const Inline = { memory: 0x01, flash: 0x02 } as const

/** The options of a call in the form a request needs. */
export class Policy {
  totalTimeout = 1000
  socketTimeout = 30_000
  sleepBetweenRetries = 0
  maxRetries = 2
  /** How often a batch sends a row again that was turned away for now: `maxRetries` where that is given. */
  refusalRetries = 5
  replica = 0
  idempotent = 0
  /** Copies for every 10,000 reads at most, 0 for none; and after how many milliseconds, 0 by the pace of the node. */
  hedgeBudget = 0
  hedgeAfter = 0
  sendKey = false
  info1 = 0
  info2 = 0
  info3 = 0
  generation = 0
  generationBit: number = Info2.generation
  generationGiven = false
  ttl = 0
  readTouch = 0
  mode = 0
  signal: AbortSignal | undefined = undefined
  transaction: Membership | undefined = undefined
  filter: Exp<'bool'> | undefined = undefined
  inline: number = Inline.memory
  maxKeysPerRequest = 0
  maxResponseBytes = 0
  maxRequestBytes = 0
  concurrency = 0
  omitUndefined = false
  onPartial: number = OnPartial.throwIfNothing
  /** How bins are kept that are not kept as they are: of records as a whole, not of what operations see. */
  codecs: Codecs | undefined = undefined
  /** Options that hold whatever a call says: those of the configuration file. */
  forced: { readonly [name: string]: unknown } | undefined = undefined
}

/** A policy like `base`, to be changed by one call. */
export function copyPolicy(base: Policy): Policy {
  return Object.assign(new Policy(), base)
}

/** The socket timeout of a call: it never outlasts the call. The policy keeps its own, for calls with another total. */
export function socketTimeoutOf({ socketTimeout, totalTimeout }: Policy): number {
  return totalTimeout > 0 && (socketTimeout === 0 || socketTimeout > totalTimeout) ? totalTimeout : socketTimeout
}
