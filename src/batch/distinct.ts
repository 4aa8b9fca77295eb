// Finds the rows of a batch that have to be sent: of equal reads of one record only the first is.

import { randomInt } from 'node:crypto'
import { KeyColumn, type KeyList } from '../records/key-list.js'
import { ROWS_PER_LOOK } from '../time-slice.js'
import type { BatchRequest } from './request.js'
import { writes } from './request.js'

/** The rows that are sent, and for each row of the request the one of them that answers it. */
export interface Distinct {
  readonly rows: Uint32Array
  readonly answeredBy: Uint32Array
}

/** No two processes put the same keys into the same places. */
const SEED = randomInt(1 << 30)

const NO_PLACES = new Uint32Array(0)

/** Characters of a key that its place depends on. */
const MAX_HASHED = 40

/** Places of a table that is used again, 64 KiB: a new one costs as much as filling it. */
const SPARE_PLACES = 16 * 1024
let spare: Uint32Array | undefined

/**
 * Which row named a record last. An open table of row numbers, three quarters empty or more: 6 ns a key, where a Map
 * takes 45, and a table half full 13.
 */
class Places {
  readonly #keys: KeyList
  #table: Uint32Array
  readonly #mask: number
  #place = 0

  constructor(keys: KeyList) {
    this.#keys = keys
    const size = 1 << (32 - Math.clz32(keys.length * 3))
    this.#mask = size - 1
    if (size > SPARE_PLACES) this.#table = new Uint32Array(size)
    else {
      this.#table = spare ?? new Uint32Array(SPARE_PLACES)
      // Keys may be Proxies, whose traps may begin another batch meanwhile.
      spare = undefined
      this.clear()
    }
  }

  /** Ends its use. */
  free(): void {
    if (this.#table.length === SPARE_PLACES) spare = this.#table
    this.#table = NO_PLACES
  }

  /** The row that named a row's record last, -1 if none did. It is at the record's place, which {@link put} means. */
  find(row: number, user: string | number): number {
    const keys = this.#keys
    const table = this.#table
    let place = hash(user) & this.#mask
    let found = table[place] as number
    while (found !== 0 && !(comparable(keys.user(found - 1)) === user && keys.sameNames(found - 1, row))) {
      place = (place + 1) & this.#mask
      found = table[place] as number
    }
    this.#place = place
    return found - 1
  }

  /** Says that a row names the record that was looked for last. */
  put(row: number): void {
    this.#table[this.#place] = row + 1
  }

  clear(): void {
    this.#table.fill(0, 0, this.#mask + 1)
  }
}

function hash(user: string | number): number {
  let sum = SEED
  if (typeof user === 'number') {
    sum ^= Math.imul(user | 0, 0x9e3779b1)
    if ((user | 0) !== user) sum ^= Math.imul((user / 4294967296) | 0, 0x85ebca6b)
  } else
    for (let i = Math.max(0, user.length - MAX_HASHED); i < user.length; i++)
      sum = Math.imul(sum ^ user.charCodeAt(i), 0x01000193)
  return Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d) >>> 7
}

/**
 * Finds equal reads. A write of a key stands between the reads before and after it. Undefined when all rows differ. What
 * is malformed about a key is for the writer of the entry to say.
 */
export function* distinctRows(request: BatchRequest): Generator<void, Distinct | undefined> {
  const { keys, specs } = request
  const count = keys.length
  if (count < 2 || (request.writes && specs.every(writes)) || isAscending(keys)) return undefined
  const places = new Places(keys)
  let sent = 0
  let rows: Uint32Array | undefined
  let answeredBy: Uint32Array | undefined
  for (let row = 0; row < count; row++) {
    if (row % ROWS_PER_LOOK === ROWS_PER_LOOK - 1) yield
    const named = keys.user(row)
    const user = comparable(named)
    let duplicate = -1
    if (user !== undefined) {
      duplicate = places.find(row, user)
      // A duplicate asks the same; it is a read if this one is.
      if (duplicate >= 0 && (request.spec(duplicate) !== request.spec(row) || writes(request.spec(row)))) duplicate = -1
      if (duplicate < 0) places.put(row)
    } else if ((named === null || named === undefined) && request.writes && writes(request.spec(row))) {
      // A digest may be that of any key, alone or beside a user key.
      places.clear()
    }
    if (duplicate >= 0 && rows === undefined) {
      rows = new Uint32Array(count)
      answeredBy = new Uint32Array(count)
      for (let i = 0; i < row; i++) rows[i] = answeredBy[i] = i
    }
    if (rows === undefined || answeredBy === undefined) sent++
    else if (duplicate >= 0) answeredBy[row] = answeredBy[duplicate] as number
    else {
      rows[sent] = row
      answeredBy[row] = sent++
    }
  }
  places.free()
  return rows === undefined || answeredBy === undefined ? undefined : { rows: rows.slice(0, sent), answeredBy }
}

/** Whether all keys are integers in ascending order, as those of a range or a sorted list: no two are the same then. */
function isAscending(keys: KeyList): boolean {
  if (!(keys instanceof KeyColumn)) return false
  let last = -Infinity
  for (const user of keys.users) {
    if (typeof user !== 'number' || user <= last) return false
    last = user
  }
  return true
}

/** Whether a request names a record twice, so that its parts have to follow one another. Bytes and digests count. */
export function* repeatsKeys(request: BatchRequest): Generator<void, boolean> {
  const { keys } = request
  const places = new Places(keys)
  let row = 0
  for (; row < keys.length; row++) {
    if (row % ROWS_PER_LOOK === ROWS_PER_LOOK - 1) yield
    const user = comparable(keys.user(row))
    if (user === undefined || places.find(row, user) >= 0) break
    places.put(row)
  }
  places.free()
  return row < keys.length
}

/** A user key as something that can be looked up; undefined for bytes, digests and integers that are not safe. */
function comparable(user: unknown): string | number | undefined {
  if (typeof user === 'string') return user
  // Zero has two signs and one key.
  if (typeof user === 'number') return user + 0
  // 1n and 1 name the same record; a larger bigint has no number of its own.
  return typeof user === 'bigint' && BigInt.asIntN(53, user) === user ? Number(user) : undefined
}
