// Times to live, out of the server's times of death.

/** `meta.ttl` of a record that never expires. */
export const NEVER_EXPIRES = -1

/** The number of seconds between the Unix epoch and the one of the server, 2010-01-01 (protocol 2.6). */
const SERVER_EPOCH = 1262304000

/** Seconds to live from the server's void-time, at `now` or at this moment; an expired record that still answers has one second left. */
export function ttlOf(voidTime: number, now?: number): number {
  if (voidTime === 0) return NEVER_EXPIRES
  const left = voidTime - (Math.floor((now ?? Date.now()) / 1000) - SERVER_EPOCH)
  return left > 0 ? left : 1
}
