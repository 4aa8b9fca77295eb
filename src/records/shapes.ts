// Records of one set have the same bins in the same order nearly always. A trie of bin names, walked along with the
// record, recognises that: a name is compared with the one that followed last time instead of being decoded, and
// records of a sequence seen often are read by a function made for them (compiled-reader.ts).
//
// A node also remembers the texts its bin had lately: where they are few (a city, a status), a record shares one string
// with all others instead of having its own.

import { readText } from '../values/read-text.js'
import { type CompiledReader, compileReader } from './compiled-reader.js'

/** Nodes kept in all; records beyond that are decoded without the trie. */
const MAX_NODES = 4096

/** After this many records of one shape they are read by a function of their own. */
const OFTEN = 32

/** Longer texts are taken to be all different. */
const MAX_SHARED = 16

/** Places for remembered texts of a bin, a power of two. */
const PLACES = 64

/** After this many texts it is judged whether remembering them is worth it: when half of them were known. */
const TRIAL = 512

let nodes = 0

/** One bin name after a certain sequence of names; so a node stands for the sequence up to itself. */
export class Shape {
  readonly name: string
  /** The name, as it is on the wire. */
  readonly bytes: Uint8Array
  readonly #length: number
  #likely: Shape | undefined
  #others: Map<string, Shape> | undefined
  #uses = 0
  #reader: CompiledReader | undefined
  /** Texts by a hash of their bytes; undefined when the bin's texts are too different. */
  #texts: string[] | undefined = []
  #asked = 0
  #known = 0

  constructor(name: string, bytes: Uint8Array) {
    this.name = name
    this.bytes = bytes
    this.#length = bytes.length
  }

  /** The node of the name at `at`, or `undefined` when the trie is full. */
  next(bytes: Buffer, at: number, length: number): Shape | undefined {
    const likely = this.#likely
    if (likely !== undefined && likely.#length === length) {
      const known = likely.bytes
      let i = 0
      while (i < length && known[i] === bytes[at + i]) i++
      if (i === length) return likely
    }
    return this.#find(bytes, at, length)
  }

  #find(bytes: Buffer, at: number, length: number): Shape | undefined {
    const name = bytes.utf8Slice(at, at + length)
    let found = this.#others?.get(name)
    if (found === undefined) {
      if (nodes >= MAX_NODES) return undefined
      nodes++
      found = new Shape(name, Uint8Array.prototype.slice.call(bytes, at, at + length))
      this.#others ??= new Map()
      this.#others.set(name, found)
    }
    this.#likely = found
    return found
  }

  /** The text at `at` as a value of this bin. */
  text(bytes: Buffer, at: number, length: number): string {
    const texts = this.#texts
    if (texts === undefined || length > MAX_SHARED || length === 0) return readText(bytes, at, length)
    if (++this.#asked === TRIAL) this.#judge()
    const last = at + length - 1
    const place =
      ((bytes[at] as number) * 7 + (bytes[last] as number) * 31 + (bytes[at + (length >> 1)] as number) * 3 + length) &
      (PLACES - 1)
    const known = texts[place]
    if (known !== undefined && known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[at + i]) i++
      if (i === length) {
        this.#known++
        return known
      }
    }
    const text = readText(bytes, at, length)
    // As many characters as bytes: ASCII, or bytes that are no text and match nothing.
    if (text.length === length) texts[place] = text
    return text
  }

  #judge(): void {
    if (this.#known * 2 < this.#asked) this.#texts = undefined
    this.#asked = 0
    this.#known = 0
  }

  /** The compiled reader of records whose last bin is this node's, and `bins` all of them, once there were many of them. */
  reader(bins: readonly Shape[], types: readonly number[]): CompiledReader | undefined {
    if (this.#uses < OFTEN && ++this.#uses === OFTEN) this.#reader = compileReader(bins, types)
    return this.#reader
  }
}

/** Where every record starts. */
export const ROOT = new Shape('', new Uint8Array(0))
