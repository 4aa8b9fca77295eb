// Where in a record something is, as text: a bin, and steps into its maps and lists, as in conditions: `profile.address.city`,
// `tags[0]`, `scores.7`, `"a.b"["c d"]`, with or without the `$.` that conditions begin paths with. Parsed once, at the edge.

import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_STEPS } from '../limits.js'

/** A step into a map (by text or integer) or a list (by index). */
export type Step = { readonly key: string | number } | { readonly index: number }

/** A bin, and the way into it; no steps: the whole bin. */
export interface BinPath {
  readonly bin: string
  readonly steps: readonly Step[]
}

/** Characters that say that a name is not the name of a bin alone. */
const SPECIAL = /[.[]|^["']/

/** Whether a name has to be parsed: most are those of whole bins. */
export function isPath(name: string): boolean {
  return SPECIAL.test(name)
}

/**
 * The path that a text means.
 *
 * @throws InvalidArgumentError with the place of the character that is wrong
 */
export function parseBinPath(text: string, where: string): BinPath {
  return new Parser(text, where).path()
}

class Parser {
  readonly #text: string
  readonly #where: string
  #at = 0

  constructor(text: string, where: string) {
    this.#text = text
    this.#where = where
  }

  path(): BinPath {
    if (this.#text.startsWith('$.')) this.#at = 2
    const bin = this.#name('the name of a bin')
    const steps: Step[] = []
    while (this.#at < this.#text.length) {
      if (steps.length === MAX_STEPS) this.#fail(`at most ${MAX_STEPS} steps`)
      const dot = this.#takes('.')
      if (this.#takes('[')) steps.push(this.#bracket())
      else if (dot) steps.push({ key: this.#key() })
      else this.#fail("'.' or '['")
    }
    return { bin, steps }
  }

  /** A key of a map: text, or an integer when it looks like one. */
  #key(): string | number {
    const digits = /^-?\d+(?![^.[])/.exec(this.#text.slice(this.#at, this.#at + 22))
    return digits === null ? this.#name('a key') : this.#integer()
  }

  /** Text in quotes, or everything up to the next step. */
  #name(expected: string): string {
    const quote = this.#quote()
    if (quote !== undefined) return this.#quoted(quote)
    const from = this.#at
    while (this.#at < this.#text.length && !'.['.includes(this.#text[this.#at] as string)) this.#at++
    if (this.#at === from) this.#fail(`${expected}, in quotes if it has dots or brackets`)
    return this.#text.slice(from, this.#at)
  }

  /** What is between brackets: an index, a key in quotes, or, as an older form of `.7`, an integer key after a `#`. */
  #bracket(): Step {
    let step: Step
    const quote = this.#quote()
    if (quote !== undefined) step = { key: this.#quoted(quote) }
    else if (this.#takes('#')) step = { key: this.#integer() }
    else step = { index: this.#integer() }
    if (!this.#takes(']')) this.#fail("']'")
    return step
  }

  #quote(): string | undefined {
    if (this.#takes('"')) return '"'
    return this.#takes("'") ? "'" : undefined
  }

  #quoted(quote: string): string {
    let name = ''
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) this.#fail('a closing quote')
      this.#at++
      if (character === quote) return name
      if (character === '\\') {
        const escaped = this.#text[this.#at]
        if (escaped !== quote && escaped !== '\\') this.#fail(`\\${quote} or \\\\`)
        this.#at++
        name += escaped
      } else name += character
    }
  }

  #integer(): number {
    const digits = /^-?\d+/.exec(this.#text.slice(this.#at, this.#at + 20))?.[0]
    if (digits === undefined) this.#fail("an index, a key in quotes, or '#' and an integer key")
    const value = Number(digits)
    if (!Number.isSafeInteger(value)) this.#fail('a safe integer')
    this.#at += digits.length
    return value + 0
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #fail(expected: string): never {
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'the end'
    throw new InvalidArgumentError(
      `${this.#where}: expected ${expected} at character ${this.#at + 1} of ${JSON.stringify(this.#text)}, not ${found}`,
    )
  }
}
