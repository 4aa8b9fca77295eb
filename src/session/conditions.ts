// What a condition asks of single bins, read from the expression itself: what a secondary index could find records by. Only
// parts that all have to be true count, so that whoever asks an index for one of them misses nothing.

import type { Exp } from '../values/expression.js'

/** A value that a bin is compared with. */
export type Literal = bigint | string | Uint8Array

/** What a condition asks of a bin. */
export interface Demand {
  readonly bin: string
  readonly kind: 'equal' | 'range' | 'within' | 'contains'
  /** Of `range`: an open end is undefined. Both ends are included. */
  readonly least?: bigint | undefined
  readonly most?: bigint | undefined
  /** Of `equal`, and the GeoJSON text of the others. */
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
const BIN = 81
/** Types of bins in expressions. */
const INT = 2
const STRING = 3
const BLOB = 6
const GEO = 8
/** Particle types in front of text and bytes. */
const TEXT_PARTICLE = 3
const BYTES_PARTICLE = 4
const GEO_PARTICLE = 23

const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n

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
    if (head < 0xa0) return this.#list(head & 0x0f, depth)
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
        return this.#list(this.#number(2), depth)
      case 0xdd:
        return this.#list(this.#number(4), depth)
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

  #list(length: number, depth: number): Item[] {
    if (length > this.#bytes.length) throw new RangeError('not a condition')
    return Array.from({ length }, () => this.read(depth + 1))
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

/** What a condition asks of bins, in all branches that have to be true. */
export function demandsOf(condition: Exp<'bool'>): Demand[] {
  let tree: Item
  try {
    tree = new Reader(Buffer.from(condition.toBase64(), 'base64')).read()
  } catch {
    // Deeper or stranger than what is looked for: the condition itself is sent as it is.
    return []
  }
  const demands: Demand[] = []
  collect(tree, demands)
  return merged(demands)
}

function collect(item: Item, demands: Demand[]): void {
  if (!Array.isArray(item)) return
  if (item[0] === BigInt(AND)) {
    for (const part of item.slice(1)) collect(part, demands)
    return
  }
  const demand = item.length === 3 ? comparison(Number(item[0]), item[1], item[2]) : undefined
  if (demand !== undefined) demands.push(demand)
}

const MIRRORED: { readonly [code: number]: number } = { [GT]: LT, [GE]: LE, [LT]: GT, [LE]: GE }

function comparison(code: number, left: Item, right: Item): Demand | undefined {
  const bin = binOf(left)
  if (bin === undefined) {
    const mirrored = binOf(right)
    return mirrored === undefined ? undefined : demand(MIRRORED[code] ?? code, mirrored, left)
  }
  return demand(code, bin, right)
}

interface BinRead {
  readonly type: number
  readonly name: string
}

function binOf(item: Item): BinRead | undefined {
  if (!Array.isArray(item) || item.length !== 3 || item[0] !== BigInt(BIN)) return undefined
  const [, type, name] = item
  return typeof type === 'bigint' && Buffer.isBuffer(name) ? { type: Number(type), name: name.toString() } : undefined
}

function demand(code: number, { type, name }: BinRead, value: Item): Demand | undefined {
  if (typeof value === 'bigint' && type === INT && value >= LEAST && value <= MOST) {
    switch (code) {
      case EQ:
        return { bin: name, kind: 'equal', value }
      case GT:
        return value === MOST ? undefined : { bin: name, kind: 'range', least: value + 1n }
      case GE:
        return { bin: name, kind: 'range', least: value }
      case LT:
        return value === LEAST ? undefined : { bin: name, kind: 'range', most: value - 1n }
      case LE:
        return { bin: name, kind: 'range', most: value }
    }
    return undefined
  }
  if (!Buffer.isBuffer(value) || value.length === 0) return undefined
  const particle = value[0]
  const bytes = value.subarray(1)
  if (code === EQ && type === STRING && particle === TEXT_PARTICLE)
    return { bin: name, kind: 'equal', value: bytes.toString() }
  if (code === EQ && type === BLOB && particle === BYTES_PARTICLE) {
    return { bin: name, kind: 'equal', value: Uint8Array.from(bytes) }
  }
  if (code !== GEO_COMPARE || type !== GEO || particle !== GEO_PARTICLE) return undefined
  const text = bytes.toString()
  return { bin: name, kind: /"type"\s*:\s*"Point"/.test(text) ? 'contains' : 'within', value: text }
}

/** Ranges of one bin as one. */
function merged(demands: readonly Demand[]): Demand[] {
  const ranges = new Map<string, Demand>()
  const others: Demand[] = []
  for (const one of demands) {
    const known = ranges.get(one.bin)
    if (one.kind !== 'range') others.push(one)
    else if (known === undefined) ranges.set(one.bin, one)
    else ranges.set(one.bin, narrower(known, one))
  }
  return [...others, ...ranges.values()]
}

function narrower(a: Demand, b: Demand): Demand {
  const least = a.least === undefined || (b.least !== undefined && b.least > a.least) ? b.least : a.least
  const most = a.most === undefined || (b.most !== undefined && b.most < a.most) ? b.most : a.most
  return { bin: a.bin, kind: 'range', least, most }
}
