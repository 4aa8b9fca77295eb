// What a condition asks of bins and of what is in them, read from the expression itself: what a secondary index could find
// records by. Only parts that all have to be true count, so that whoever asks an index for one of them misses nothing.

import { exp } from '../expressions/exp.js'
import type { Context } from '../operations/ctx.js'
import type { AnyExp, Exp } from '../values/expression.js'

/** A value that something is compared with. */
export type Literal = bigint | string | Uint8Array

/** What a condition asks of something that records hold: a bin, what a path leads to, or what an expression gives. */
export interface Demand {
  /** What it is about, as the bytes of the expression that reads it, in Base64. */
  readonly subject: string
  /** The bins that are read for it. */
  readonly bins: readonly string[]
  /**
   * `element`: the subject is a list that has the value. `found`, `counted`: the subject is a question to a collection of
   * whether the value is there, or of how often.
   */
  readonly kind: 'equal' | 'range' | 'within' | 'contains' | 'element' | 'found' | 'counted'
  /** Of `range`: an open end is undefined. Both ends are included. */
  readonly least?: bigint | undefined
  readonly most?: bigint | undefined
  /** Of all others the value, or the GeoJSON text. */
  readonly value?: Literal | undefined
}

/** A value read from MessagePack: text and bytes stay bytes, since the first one is their type. */
type Item = bigint | number | boolean | null | Buffer | Item[] | undefined

const AND = 16
const EQ = 1
const GT = 3
const GE = 4
const LT = 5
const LE = 6
const GEO_COMPARE = 8
const IN_LIST = 9
const BIN = 81
/** An operation on a collection, and the mark of one that works inside of a collection, whose path follows. */
const CALL = 127
const IN_CONTEXT = 0xff
/** Particle types in front of text and bytes. */
const TEXT_PARTICLE = 3
const BYTES_PARTICLE = 4
const GEO_PARTICLE = 23

const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n

/** The bytes of each list that was read, of which an expression is one. */
const bytesOf = new WeakMap<Item[], Buffer>()

/** Reads as much of MessagePack as conditions are made of; anything else is undefined, and no demand. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  read(depth = 0): Item {
    if (depth > 64 || this.#at >= this.#bytes.length) throw new RangeError('not a condition')
    const head = this.#bytes.readUInt8(this.#at++)
    if (head < 0x80) return BigInt(head)
    if (head >= 0xe0) return BigInt(head - 0x100)
    if (head < 0x90) return this.#map(head & 0x0f, depth)
    if (head < 0xa0) return this.#list(head & 0x0f, depth, 1)
    if (head < 0xc0) return this.#take(head & 0x1f)
    switch (head) {
      case 0xc0:
        return null
      case 0xc2:
      case 0xc3:
        return head === 0xc3
      case 0xc4:
      case 0xd9:
        return this.#take(this.#number(1))
      case 0xc5:
      case 0xda:
        return this.#take(this.#number(2))
      case 0xc6:
      case 0xdb:
        return this.#take(this.#number(4))
      case 0xca:
        return this.#skip(4)
      case 0xcb:
        return this.#skip(8)
      case 0xcc:
        return BigInt(this.#number(1))
      case 0xcd:
        return BigInt(this.#number(2))
      case 0xce:
        return BigInt(this.#number(4))
      case 0xcf:
        return this.#take(8).readBigUInt64BE()
      case 0xd0:
        return BigInt(this.#take(1).readInt8())
      case 0xd1:
        return BigInt(this.#take(2).readInt16BE())
      case 0xd2:
        return BigInt(this.#take(4).readInt32BE())
      case 0xd3:
        return this.#take(8).readBigInt64BE()
      case 0xdc:
        return this.#list(this.#number(2), depth, 3)
      case 0xdd:
        return this.#list(this.#number(4), depth, 5)
      case 0xde:
        return this.#map(this.#number(2), depth)
      case 0xdf:
        return this.#map(this.#number(4), depth)
      default:
        return this.#extension(head)
    }
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('not a condition')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  #skip(length: number): undefined {
    this.#take(length)
    return undefined
  }

  #number(length: number): number {
    return this.#take(length).readUIntBE(0, length)
  }

  #list(length: number, depth: number, header: number): Item[] {
    if (length > this.#bytes.length) throw new RangeError('not a condition')
    const from = this.#at - header
    const items = Array.from({ length }, () => this.read(depth + 1))
    bytesOf.set(items, this.#bytes.subarray(from, this.#at))
    return items
  }

  #map(length: number, depth: number): undefined {
    for (let i = 0; i < length * 2; i++) this.read(depth + 1)
    return undefined
  }

  #extension(head: number): undefined {
    const fixed = { 212: 1, 213: 2, 214: 4, 215: 8, 216: 16 }[head]
    const length = fixed ?? this.#number(head === 0xc7 ? 1 : head === 0xc8 ? 2 : 4)
    return this.#skip(length + 1)
  }
}

function read(expression: AnyExp): Item {
  try {
    return new Reader(Buffer.from(expression.toBase64(), 'base64')).read()
  } catch {
    // Deeper or stranger than what is looked for: the condition itself is sent as it is.
    return undefined
  }
}

/** What a condition asks of what records hold, in all branches that have to be true. */
export function demandsOf(condition: Exp<'bool'>): Demand[] {
  const demands: Demand[] = []
  collect(read(condition), demands)
  return merged(demands)
}

/** A step of a path: its number, which says what it goes by, and its value. */
export interface PathStep {
  readonly code: number
  readonly value: Literal | undefined
}

/** The steps of a path. */
export function stepsOf(path: Context): PathStep[] {
  // what an operation inside of a collection begins with: the path as codes and values by turns
  const call = read(exp.lists.size(exp.bin.list('x'), { ctx: path }))
  const operation = Array.isArray(call) ? call[3] : undefined
  const items = Array.isArray(operation) && Array.isArray(operation[1]) ? operation[1] : []
  return Array.from({ length: items.length / 2 }, (_, i) => ({
    code: Number(items[i * 2]),
    value: literalOf(items[i * 2 + 1]),
  }))
}

function collect(item: Item, demands: Demand[]): void {
  if (!Array.isArray(item)) return
  if (item[0] === BigInt(AND)) {
    for (const part of item.slice(1)) collect(part, demands)
    return
  }
  const found = item[0] === BigInt(CALL) ? asked(item, 'found') : undefined
  const demand = found ?? (item.length === 3 ? comparison(Number(item[0]), item[1], item[2]) : undefined)
  if (demand !== undefined) demands.push(demand)
}

const MIRRORED: { readonly [code: number]: number } = { [GT]: LT, [GE]: LE, [LT]: GT, [LE]: GE }

function comparison(code: number, left: Item, right: Item): Demand | undefined {
  if (code === IN_LIST) return about(right, left, (value) => ({ kind: 'element', value }))
  const counted = Array.isArray(left) && isMoreThanNone(code, right) ? asked(left, 'counted') : undefined
  if (counted !== undefined) return counted
  // of two expressions the one that is no literal is what it is about
  return (
    about(left, right, (value) => demand(code, value, right)) ??
    about(right, left, (value) => demand(MIRRORED[code] ?? code, value, left))
  )
}

const isMoreThanNone = (code: number, than: Item): boolean =>
  (code === GT && than === 0n) || (code === GE && than === 1n)

/** A demand of something with a value. */
function about(
  subject: Item,
  value: Item,
  make: (value: Literal) => Omit<Demand, 'subject' | 'bins'> | undefined,
): Demand | undefined {
  const literal = literalOf(value)
  if (!Array.isArray(subject) || literal === undefined) return undefined
  const made = make(literal)
  const bins = [...binsOf(subject)]
  return made === undefined || bins.length === 0 ? undefined : { subject: base64(subject), bins, ...made }
}

const base64 = (item: Item[]): string => (bytesOf.get(item) as Buffer).toString('base64')

/** The bins that an expression reads. */
function* binsOf(item: Item): Generator<string> {
  if (!Array.isArray(item)) return
  const [code, , name] = item
  if (code === BigInt(BIN) && item.length === 3 && Buffer.isBuffer(name)) yield name.toString()
  else for (const part of item) yield* binsOf(part)
}

/** A value: text, bytes and geometry begin with their type. */
function literalOf(item: Item): Literal | undefined {
  if (typeof item === 'bigint') return item >= LEAST && item <= MOST ? item : undefined
  if (!Buffer.isBuffer(item) || item.length === 0) return undefined
  const bytes = item.subarray(1)
  if (item[0] === BYTES_PARTICLE) return Uint8Array.from(bytes)
  return item[0] === TEXT_PARTICLE || item[0] === GEO_PARTICLE ? bytes.toString() : undefined
}

/** A question to a collection that has one value in it: `[code, what is told, value]`, perhaps inside of another. */
function asked(call: Item[], kind: 'found' | 'counted'): Demand | undefined {
  const whole = call[3]
  const inner = Array.isArray(whole) && whole[0] === BigInt(IN_CONTEXT) ? whole[2] : whole
  return Array.isArray(inner) && inner.length === 3 ? about(call, inner[2], (value) => ({ kind, value })) : undefined
}

function demand(code: number, value: Literal, written: Item): Omit<Demand, 'subject' | 'bins'> | undefined {
  const isGeo = Buffer.isBuffer(written) && written[0] === GEO_PARTICLE
  if (code === GEO_COMPARE && isGeo)
    return { kind: /"type"\s*:\s*"Point"/.test(value as string) ? 'contains' : 'within', value }
  if (code === EQ && !isGeo) return { kind: 'equal', value }
  if (typeof value !== 'bigint') return undefined
  switch (code) {
    case GT:
      return value === MOST ? undefined : { kind: 'range', least: value + 1n }
    case GE:
      return { kind: 'range', least: value }
    case LT:
      return value === LEAST ? undefined : { kind: 'range', most: value - 1n }
    case LE:
      return { kind: 'range', most: value }
  }
  return undefined
}

/** Ranges of one subject as one. */
function merged(demands: readonly Demand[]): Demand[] {
  const ranges = new Map<string, Demand>()
  const others: Demand[] = []
  for (const one of demands) {
    const known = ranges.get(one.subject)
    if (one.kind !== 'range') others.push(one)
    else if (known === undefined) ranges.set(one.subject, one)
    else ranges.set(one.subject, narrower(known, one))
  }
  return [...others, ...ranges.values()]
}

function narrower(a: Demand, b: Demand): Demand {
  const least = a.least === undefined || (b.least !== undefined && b.least > a.least) ? b.least : a.least
  const most = a.most === undefined || (b.most !== undefined && b.most < a.most) ? b.most : a.most
  return { ...a, least, most }
}
