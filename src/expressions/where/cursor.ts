// Where a parser stands among the tokens of a condition, and the errors that point there.

import { InvalidArgumentError } from '../../errors/classes.js'
import type { AnyExp } from '../../values/expression.js'
import type { Source, Token } from './tokens.js'

/** Deeper than this is a mistake or an attack; recursion would run out of stack. */
const MAX_DEPTH = 200

/** A place among tokens. */
export class Cursor {
  readonly source: Source
  #next = 0
  #depth = 0

  constructor(source: Source) {
    this.source = source
  }

  /** The next token, or one after it. */
  peek(ahead = 0): Token {
    const { tokens } = this.source
    return tokens[Math.min(this.#next + ahead, tokens.length - 1)] as Token
  }

  take(): Token {
    const token = this.peek()
    this.#next++
    return token
  }

  /** Whether a sign or a word is next. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return (token.kind === 'sign' || token.kind === 'name') && token.text === text
  }

  /** Whether a word is next that is followed by parentheses. */
  isCall(text: string): boolean {
    const token = this.peek()
    return token.kind === 'name' && token.text === text && this.is('(', 1)
  }

  /** Goes past a sign or a word, if it is next. */
  skip(text: string): boolean {
    const found = this.is(text)
    if (found) this.#next++
    return found
  }

  expect(text: string): void {
    if (!this.skip(text)) throw this.unexpected(this.peek(), `'${text}'`)
  }

  unexpected(token: Token, wanted: string): InvalidArgumentError {
    return this.error(token.at, `expected ${wanted}, not ${token.text}`)
  }

  error(at: number, problem: string, cause?: unknown): InvalidArgumentError {
    return this.source.error(at, problem, cause)
  }

  /** Runs what builds an expression; what it refuses is refused here, at the character. */
  at(at: number, make: () => AnyExp): AnyExp {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof InvalidArgumentError) || this.source.isPlaced(error)) throw error
      throw this.error(at, error.message.replace(/^(exp(\.\w+)+|ctx\.\w+|where): /, ''), error)
    }
  }

  /** Runs what reads something nested. */
  deeper<T>(part: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.error(this.peek().at, `nested more than ${MAX_DEPTH} deep`)
    const made = part()
    this.#depth--
    return made
  }
}
