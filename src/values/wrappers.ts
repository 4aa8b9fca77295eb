// The classes for values that JavaScript has no type of its own for.

import { types } from 'node:util'
import { nameClasses } from '../identity.js'

/**
 * A double, whatever its value. Integer-valued numbers are stored as integers, so a bin that must stay a double is
 * written as `new Double(1)`. Reading gives a `Double` for exactly those doubles that would turn into integers when
 * written back (`1`, `-7`, `0`); every other double is a plain number. Use option `doubles: 'number'` to read plain
 * numbers always.
 *
 * A `Double` counts like a number: `d + 1`, `d < 3`, `` `${d}` `` and `JSON.stringify(d)` do what they do for `d.value`.
 *
 * @example
 * await client.put(key, { score: new Double(1) })
 */
export class Double {
  /** The number itself. */
  readonly value: number

  /** @throws TypeError when `value` is not a number. */
  constructor(value: number) {
    if (typeof value !== 'number') throw new TypeError(`new Double() takes a number, not ${typeof value}`)
    this.value = value
  }

  valueOf(): number {
    return this.value
  }

  toString(): string {
    return String(this.value)
  }

  toJSON(): number {
    return this.value
  }
}

/**
 * A GeoJSON value (a point or a region). Plain objects are maps; only a `GeoJSON` is stored as geometry and found by
 * geospatial indexes.
 *
 * @example
 * await client.put(key, { place: new GeoJSON({ type: 'Point', coordinates: [8.68, 50.11] }) })
 */
export class GeoJSON {
  /** The GeoJSON text, exactly as it was given or as the server holds it. */
  readonly text: string

  /** @throws TypeError when `value` is neither text nor an object that `JSON.stringify` accepts. */
  constructor(value: string | object) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    if (typeof text !== 'string' || value === null) throw new TypeError('new GeoJSON() takes GeoJSON text or an object')
    this.text = text
  }

  /** The parsed geometry. */
  get value(): unknown {
    return JSON.parse(this.text)
  }

  toString(): string {
    return this.text
  }

  toJSON(): unknown {
    return this.value
  }
}

/**
 * A HyperLogLog sketch as the server stores it. Its bytes are opaque: reading and writing them back, or handing them
 * to HyperLogLog operations of another record, is what they are for.
 *
 * @example
 * const { bins } = await client.get(key)
 * await client.put(backup, { visitors: bins.visitors })
 */
export class HyperLogLog {
  /** The sketch, in the server's own layout. */
  readonly bytes: Uint8Array

  /** @throws TypeError when `bytes` is not a Uint8Array. */
  constructor(bytes: Uint8Array) {
    if (!types.isUint8Array(bytes)) throw new TypeError('new HyperLogLog() takes the bytes of a sketch')
    this.bytes = bytes
  }

  toJSON(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length).toString('base64')
  }
}

nameClasses({ Double, GeoJSON, HyperLogLog })
