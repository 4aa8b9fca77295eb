// What a record has beside its bins: its generation and the seconds it has left to live.

import { unixTime } from '../host.js'

/** `meta.ttl` of a record that never expires. */
export const NEVER_EXPIRES = -1

/** Generation and time to live of a record. */
export interface Meta {
  /** How often the record was written since it was created, 1 to 65,535, then 1 again. */
  readonly gen: number
  /** Seconds until the record expires, at least 1; `-1` ({@link NEVER_EXPIRES}) when it never does. */
  readonly ttl: number
}

/** The number of seconds between the Unix epoch and the one of the server, 2010-01-01 (protocol 2.6). */
const SERVER_EPOCH = 1262304000

/**
 * Converts the server's void time into seconds to live, from `now` or this moment on; an expired record that is still
 * there has one.
 */
export function ttlOf(voidTime: number, now?: number): number {
  if (voidTime === 0) return NEVER_EXPIRES
  const left = voidTime - (Math.floor((now ?? unixTime()) / 1000) - SERVER_EPOCH)
  return left > 0 ? left : 1
}

/** Records that never expire share what says so, up to this generation: most of them do not, and have few writes behind them. */
const MAX_SHARED = 1024

const shared: (Meta | undefined)[] = new Array(MAX_SHARED).fill(undefined)

/** The meta of a record that never expires. Frozen where it is shared, so that nobody changes another record's. */
function lasting(gen: number): Meta {
  if (gen >= MAX_SHARED) return { gen, ttl: NEVER_EXPIRES }
  const known = shared[gen]
  if (known !== undefined) return known
  const made = Object.freeze({ gen, ttl: NEVER_EXPIRES })
  shared[gen] = made
  return made
}

/** Generation and time to live from what a server says of them. `now`: when it said so, if not just now. */
export function metaOf(gen: number, voidTime: number, now?: number): Meta {
  return voidTime === 0 ? lasting(gen) : { gen, ttl: ttlOf(voidTime, now) }
}
