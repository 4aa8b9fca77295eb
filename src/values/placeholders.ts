// Wildcard and infinity: comparison values that cannot be stored.

import { nameClasses } from '../identity.js'

/** What {@link WILDCARD} and {@link INFINITY} are. Their place is in the arguments of operations, also inside lists there. */
export class Placeholder {
  /** @internal Third byte on the wire, after d4 ff (protocol 9.1). */
  readonly code: number
  /** @internal */
  readonly name: string

  /** @internal */
  constructor(code: number, name: string) {
    this.code = code
    this.name = name
  }

  toString(): string {
    return this.name
  }
}

nameClasses({ Placeholder })

/**
 * Matches anything to the end of a list: `['x', WILDCARD]` matches every list that begins with `'x'`.
 *
 * @example
 * lists.getByValue('events', ['login', WILDCARD])
 */
export const WILDCARD = new Placeholder(0, 'WILDCARD')

/**
 * Greater than every value: the end of a range over lists that share their beginning.
 *
 * @example
 * lists.getByValueRange('events', ['login', 10], ['login', INFINITY])
 */
export const INFINITY = new Placeholder(1, 'INFINITY')
