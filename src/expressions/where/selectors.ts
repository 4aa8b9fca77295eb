// Steps into lists and maps, as text: `.key`, `[0]`, `[#-1]`, `[=5]`, `{@a}`, `{0:3}`, `{!=1:5}`, `[#-1:2~10]`. What a step
// selects in is told by its brackets, by what it selects by the sign in front: none an index, `@` a key, `=` a value, `#` a
// rank; `!` turns a selection of many around.

import type { Cursor } from './cursor.js'
import type { Token } from './tokens.js'

/** A step to one element. */
export interface OneStep {
  readonly on: 'list' | 'map'
  readonly by: 'Index' | 'Rank' | 'FirstByValue' | 'Key'
  readonly value: unknown
  readonly at: number
}

/** A step to many elements, with which a path ends. */
export interface ManyStep {
  readonly on: 'list' | 'map'
  /** The selection, as `lists` and `maps` have it behind `get`: `ByIndexRange`. */
  readonly many: string
  readonly args: readonly unknown[]
  readonly inverted: boolean
  readonly at: number
}

export type Step = OneStep | ManyStep

/** Where a range begins and ends: both may be left out. */
interface Bounds {
  readonly begin: unknown
  readonly end: unknown
}

/** The step for a key: `.name`, `.'text'`, `.42`, `.${key}`. */
export function keyStep(value: unknown, at: number): OneStep {
  return { on: 'map', by: 'Key', value, at }
}

/** Reads a step in brackets or braces, whose opening sign was taken. `[]` and `{}` are no steps: they say what is there. */
export function readSelector(cursor: Cursor, opening: Token): Step | 'list' | 'map' {
  const on = opening.text === '[' ? 'list' : 'map'
  const closing = on === 'list' ? ']' : '}'
  const { at } = opening
  if (cursor.skip(closing)) return on
  const notEqual = cursor.skip('!=')
  const inverted = notEqual || cursor.skip('!')
  const sign = notEqual ? '=' : ['=', '#', '@'].find((one) => cursor.skip(one))
  const step = new SelectorReader(cursor, on, at, inverted).read(sign)
  cursor.expect(closing)
  return step
}

const isText = (token: Pick<Token, 'value'> & Partial<Token>): boolean =>
  token.kind === 'name' || typeof token.value === 'string'
const isKey = (token: Token): boolean => isText(token) || Number.isSafeInteger(token.value)

class SelectorReader {
  readonly #cursor: Cursor
  readonly #on: 'list' | 'map'
  readonly #at: number
  readonly #inverted: boolean

  constructor(cursor: Cursor, on: 'list' | 'map', at: number, inverted: boolean) {
    this.#cursor = cursor
    this.#on = on
    this.#at = at
    this.#inverted = inverted
  }

  read(sign: string | undefined): Step {
    const range = this.#keyRange(sign)
    if (range !== undefined) return range
    const first = this.#cursor.is(':') ? undefined : this.#value()
    if (this.#cursor.skip(':')) return this.#range(sign, first)
    const more: unknown[] = []
    while (this.#cursor.skip(',')) more.push(this.#value())
    return more.length > 0 ? this.#list(sign, [first, ...more]) : this.#single(sign, first)
  }

  /** `{a-c}`, `{1-5}`, and `{a-}` or `{-c}` without an end: the older way to write a range of keys. */
  #keyRange(sign: string | undefined): Step | undefined {
    if (this.#on === 'list' || sign !== undefined) return undefined
    const cursor = this.#cursor
    const isOpen = cursor.is('-') && isText(cursor.peek(1)) && cursor.is('}', 2)
    if (!isOpen && !(isKey(cursor.peek()) && cursor.is('-', 1))) return undefined
    const begin = isOpen ? null : this.#value()
    cursor.take()
    return this.#many('ByKeyRange', [begin, this.#openEnd()])
  }

  #openEnd(): unknown {
    return this.#cursor.is('}') ? null : this.#value()
  }

  #single(sign: string | undefined, value: unknown): Step {
    if (sign === '=') return this.#inverted ? this.#many('ByValue', [value]) : this.#one('FirstByValue', value)
    if (sign === '@') return this.#inverted ? this.#many('ByKeyList', [[value]]) : this.#one('Key', value)
    if (sign === '#') return this.#placed('Rank', value)
    // A bare name in braces is a key.
    if (this.#on === 'map' && typeof value === 'string') return this.#many('ByKeyList', [[value]])
    return this.#placed('Index', value)
  }

  #placed(by: 'Index' | 'Rank', value: unknown): Step {
    const place = this.#integer(value)
    return this.#inverted ? this.#many(`By${by}Range`, [place, 1]) : this.#one(by, place)
  }

  #list(sign: string | undefined, values: readonly unknown[]): Step {
    if (sign === '=') return this.#many('ByValueList', [values])
    const keys =
      this.#on === 'map' && (sign === '@' || values.every((value) => isText({ value }) || Number.isSafeInteger(value)))
    if (keys && sign !== '#') return this.#many('ByKeyList', [values])
    throw this.#error('several of them are values (=) or keys (@); indexes and ranks are ranges, as in [0:3]')
  }

  #range(sign: string | undefined, begin: unknown): Step {
    const end = this.#atEnd() ? undefined : this.#value()
    const bounds = { begin, end }
    const relative = this.#cursor.skip('~')
    const anchor = relative ? this.#value() : undefined
    switch (sign) {
      case '=':
      case '@':
        if (relative) throw this.#error('~ goes with ranges of ranks (#), or of indexes in a map')
        return this.#many(sign === '=' ? 'ByValueRange' : 'ByKeyRange', [begin ?? null, end ?? null])
      case '#':
        if (relative) return this.#many('ByValueRelRankRange', [anchor, ...this.#counted(bounds)])
        return this.#many('ByRankRange', this.#counted(bounds))
      default:
        if (!relative) return this.#many('ByIndexRange', this.#counted(bounds))
        if (this.#on === 'list') throw this.#error('in a list, ~ goes with a range of ranks, as in [#-1:1~10]')
        return this.#many('ByKeyRelIndexRange', [anchor, ...this.#counted(bounds)])
    }
  }

  #atEnd(): boolean {
    return this.#cursor.is('~') || this.#cursor.is(this.#on === 'list' ? ']' : '}')
  }

  /** A range as a begin and a count. */
  #counted({ begin, end }: Bounds): number[] {
    const from = begin === undefined ? 0 : this.#integer(begin)
    if (end === undefined) return [from]
    const to = this.#integer(end)
    // From the front to so many before the end is not a count that anybody knows.
    if (from >= 0 && to < 0) throw this.#error('a range that begins at the front must end there, as in [1:3]')
    if (to <= from) throw this.#error(`the range from ${from} to ${to} is empty: it ends before its end`)
    return [from, to - from]
  }

  #one(by: OneStep['by'], value: unknown): OneStep {
    if (by === 'Key' && this.#on === 'list') throw this.#error('a list has no keys')
    return { on: this.#on, by, value, at: this.#at }
  }

  #many(many: string, args: readonly unknown[]): ManyStep {
    if (this.#on === 'list' && many.startsWith('ByKey')) throw this.#error('a list has no keys')
    return { on: this.#on, many, args, inverted: this.#inverted, at: this.#at }
  }

  #integer(value: unknown): number {
    if (Number.isSafeInteger(value)) return value as number
    throw this.#error('an index or a rank is a whole number')
  }

  /** A value: a literal, a parameter, or a bare name, which is text. */
  #value(): unknown {
    const negative = this.#cursor.skip('-')
    if (!negative) this.#cursor.skip('+')
    const token = this.#cursor.take()
    if (negative) {
      if (typeof token.value === 'number' || typeof token.value === 'bigint') return -token.value
      throw this.#cursor.unexpected(token, 'a number')
    }
    if (token.kind === 'value' || token.kind === 'parameter') return token.value
    if (token.kind !== 'name') throw this.#cursor.unexpected(token, 'a value')
    return token.text === 'true' ? true : token.text === 'false' ? false : token.text
  }

  #error(problem: string): Error {
    return this.#cursor.error(this.#at, problem)
  }
}
