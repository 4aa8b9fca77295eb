// Splits the text of a condition into tokens. Values given as `${…}` are tokens of their own and never part of the text, so
// nothing in them can change what the condition says.

import { InvalidArgumentError } from '../../errors/classes.js'
import { Double } from '../../values/wrappers.js'

/** A piece of a condition. */
export interface Token {
  readonly kind: 'name' | 'sign' | 'value' | 'pattern' | 'parameter' | 'end'
  /** As written; for `pattern` the regular expression. */
  readonly text: string
  /** Of literals and parameters. */
  readonly value?: unknown
  /** Of `pattern`: the letters after it. */
  readonly flags?: string
  readonly at: number
}

/** Longer ones first: each is looked for in this order. */
const SIGNS = [
  '>>>', '**', '==', '!=', '>=', '<=', '=~', '=>', '>>', '<<', '>', '<', '=', '!', '(', ')', '[', ']', '{', '}', '.', ',', ':',
  '+', '-', '*', '/', '%', '&', '|', '^', '~', '#', '@', '$',
] // biome-ignore format: a table
const NUMBER = /(?:0[xX][0-9a-fA-F]+|0[bB][01]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/y
/** A float that begins with its point. */
const FRACTION = /\.\d+(?:[eE][+-]?\d+)?/y
const NAME = /[\p{L}_][\p{L}\p{N}_@]*/uy
const ESCAPES: { readonly [letter: string]: string } = { n: '\n', t: '\t', r: '\r' }

/** The text as it reads in messages: parameters as `${n}`. */
export class Source {
  readonly text: string
  readonly tokens: Token[] = []
  readonly #errors = new WeakSet<Error>()

  constructor(parts: readonly string[], values: readonly unknown[]) {
    let text = ''
    parts.forEach((part, i) => {
      this.#read(part, text.length)
      text += part
      if (i === parts.length - 1) return
      const shown = `\${${i + 1}}`
      this.tokens.push({ kind: 'parameter', text: shown, value: values[i], at: text.length })
      text += shown
    })
    this.text = text
    this.tokens.push({ kind: 'end', text: 'the end', at: text.length })
  }

  /** The error for what is wrong at a character. */
  error(at: number, problem: string, cause?: unknown): InvalidArgumentError {
    const begin = Math.max(0, at - 40)
    const excerpt = this.text.slice(begin, at + 40).replace(/\s/g, ' ')
    const pointer = `${' '.repeat(at - begin)}^`
    const text = `where: ${problem}, at character ${at + 1}\n  ${excerpt}\n  ${pointer}`
    const error = new InvalidArgumentError(text, { cause })
    this.#errors.add(error)
    return error
  }

  /** Whether an error points at a character already. */
  isPlaced(error: Error): boolean {
    return this.#errors.has(error)
  }

  /** Whether the last token is one that a path goes on from: a point after it is no part of a number. */
  #endsOperand(): boolean {
    const last = this.tokens.at(-1)
    return last !== undefined && (last.kind !== 'sign' || [')', ']', '}', '$'].includes(last.text))
  }

  #read(part: string, base: number): void {
    let at = 0
    const fail = (problem: string): InvalidArgumentError => {
      return new InvalidArgumentError(
        `where: ${problem}, at character ${base + at + 1}\n  ${part}\n  ${' '.repeat(at)}^`,
      )
    }
    while (at < part.length) {
      const letter = part[at] as string
      if (/\s/.test(letter)) {
        at++
        continue
      }
      // A template cannot have the name of a variable in `${…}` but after a backslash.
      if (letter === '\\' && part[at + 1] === '$') {
        at++
        continue
      }
      if (part.startsWith('/*', at)) {
        const end = part.indexOf('*/', at + 2)
        if (end < 0) throw fail('a comment without an end')
        at = end + 2
        continue
      }
      const start = at
      if (letter === "'" || letter === '"') {
        let text = ''
        for (at++; part[at] !== letter; at++) {
          if (at >= part.length) {
            at = start
            throw fail('text without an end')
          }
          if (part[at] === '\\') {
            at++
            text += ESCAPES[part[at] as string] ?? part[at] ?? ''
          } else text += part[at]
        }
        at++
        this.tokens.push({ kind: 'value', text: part.slice(start, at), value: text, at: base + start })
        continue
      }
      const last = this.tokens.at(-1)
      if (letter === '/' && last?.text === '=~') {
        const pattern = /\/((?:\\.|[^\\/])+)\/(\w*)/y
        pattern.lastIndex = at
        const found = pattern.exec(part)
        if (found === null) throw fail('a regular expression without an end')
        at += found[0].length
        const [, text = '', flags = ''] = found
        this.tokens.push({ kind: 'pattern', text: text.replaceAll('\\/', '/'), flags, at: base + start })
        continue
      }
      const numeral = letter === '.' && !this.#endsOperand() ? FRACTION : NUMBER
      numeral.lastIndex = at
      const number = numeral.exec(part)?.[0]
      if (number !== undefined) {
        at += number.length
        this.tokens.push({ kind: 'value', text: number, value: numberOf(number), at: base + start })
        continue
      }
      NAME.lastIndex = at
      const name = NAME.exec(part)?.[0]
      if (name !== undefined) {
        at += name.length
        this.tokens.push({ kind: 'name', text: name, at: base + start })
        continue
      }
      const sign = SIGNS.find((one) => part.startsWith(one, at))
      if (sign === undefined) throw fail(`${JSON.stringify(letter)} means nothing here`)
      at += sign.length
      this.tokens.push({ kind: 'sign', text: sign, at: base + start })
    }
  }
}

/** Whole numbers without a point are integers, all others floats. */
function numberOf(text: string): number | bigint | Double {
  if (/^\d+$|^0[xb]/i.test(text)) {
    const number = Number(text)
    return Number.isSafeInteger(number) ? number : BigInt(text)
  }
  return new Double(Number(text))
}
