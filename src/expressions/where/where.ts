// `where`: conditions as text. A parser by recursive descent over the tokens; types are settled where two parts meet.
//
//   condition  = conjunction { "or" conjunction }
//   conjunction = negation { "and" negation }
//   negation   = "not" negation | comparison
//   comparison = sum [ ( "==" | "=" | "!=" | ">" | ">=" | "<" | "<=" ) sum | "=~" pattern | [ "not" ] "in" sum ]
//   sum        = product { ( "+" | "-" ) product }
//   product    = factor { ( "*" | "/" | "%" ) factor }
//   factor     = "-" factor | "(" condition ")" | literal | parameter | list | path
//   list       = "[" [ item { "," item } ] "]"        item = [ "-" ] literal | parameter
//   path       = "$" "." name { "." name | "." text | "[" index "]" } [ "." type "()" ] [ "." function "()" ]
//              | "$" "." metadata "()"
//   pattern    = text | parameter | "/" regular expression "/" [ "i" ]

import { describe } from '../../checks/check.js'
import { didYouMean } from '../../checks/options.js'
import { InvalidArgumentError } from '../../errors/classes.js'
import type { AnyExp, Exp, Type } from '../../values/expression.js'
import { VALUE_TYPES, type ValueType } from '../../values/value-types.js'
import { Double, type Value } from '../../values/values.js'
import { exp } from '../exp.js'
import { binType, constant, count, exists, finished, type Node, path, type Step } from './nodes.js'
import { Source, type Token } from './tokens.js'

const COMPARE: { readonly [sign: string]: 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le' } = {
  '==': 'eq',
  '=': 'eq',
  '!=': 'ne',
  '>': 'gt',
  '>=': 'ge',
  '<': 'lt',
  '<=': 'le',
}
const ARITHMETIC: { readonly [sign: string]: 'add' | 'sub' | 'mul' | 'div' | 'mod' } = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '%': 'mod',
}
const METADATA = ['ttl', 'lastUpdate', 'sinceUpdate', 'voidTime', 'setName', 'recordSize', 'keyExists'] as const
const FUNCTIONS = ['count', 'exists', 'type'] as const
const CASTS: readonly Type[] = ['bool', 'int', 'float', 'string', 'blob', 'list', 'map', 'geo', 'hll']
/** Deeper than this is a mistake or an attack; recursion would run out of stack. */
const MAX_DEPTH = 200

type Build = (...operands: unknown[]) => AnyExp
const build = exp as unknown as { readonly [name: string]: Build }

class Parser {
  readonly #source: Source
  #next = 0
  #depth = 0

  constructor(source: Source) {
    this.#source = source
  }

  whole(): Exp<'bool'> {
    const node = this.#condition()
    const token = this.#peek()
    if (token.kind !== 'end') throw this.#unexpected(token, "'and', 'or' or the end")
    return this.#bool(node) as Exp<'bool'>
  }

  #peek(ahead = 0): Token {
    return this.#source.tokens[Math.min(this.#next + ahead, this.#source.tokens.length - 1)] as Token
  }

  #take(): Token {
    const token = this.#peek()
    this.#next++
    return token
  }

  #is(text: string, ahead = 0): boolean {
    const token = this.#peek(ahead)
    return (token.kind === 'sign' || token.kind === 'name') && token.text === text
  }

  #skip(text: string): boolean {
    const found = this.#is(text)
    if (found) this.#next++
    return found
  }

  #expect(text: string): void {
    if (!this.#skip(text)) throw this.#unexpected(this.#peek(), `'${text}'`)
  }

  #unexpected(token: Token, wanted: string): InvalidArgumentError {
    return this.#source.error(token.at, `expected ${wanted}, not ${token.text}`)
  }

  /** Runs what builds an expression; what it refuses is refused here, at the character. */
  #at(at: number, make: () => AnyExp): AnyExp {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof InvalidArgumentError) || this.#source.isPlaced(error)) throw error
      throw this.#source.error(at, error.message.replace(/^(exp\.\w+|where): /, ''), error)
    }
  }

  #bool(node: Node): AnyExp {
    if (node.type !== undefined && node.type !== 'bool') {
      throw this.#source.error(node.at, `expected something true or false, not ${node.type}`)
    }
    if (node.likely !== undefined) throw this.#source.error(node.at, 'expected something true or false, not a number')
    return this.#at(node.at, () => node.make('bool'))
  }

  #joined(word: 'and' | 'or', part: () => Node): Node {
    const first = part()
    if (!this.#is(word)) return first
    const all = [this.#bool(first)]
    while (this.#skip(word)) all.push(this.#bool(part()))
    return finished(
      first.at,
      this.#at(first.at, () => (build[word] as Build)(...all)),
    )
  }

  #condition(): Node {
    return this.#joined('or', () => this.#joined('and', () => this.#negation()))
  }

  #deeper<T>(part: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.#source.error(this.#peek().at, `nested more than ${MAX_DEPTH} deep`)
    const made = part()
    this.#depth--
    return made
  }

  #negation(): Node {
    const at = this.#peek().at
    if (!this.#skip('not')) return this.#comparison()
    const inner = this.#bool(this.#deeper(() => this.#negation()))
    return finished(at, exp.not(inner as Exp<'bool'>))
  }

  #comparison(): Node {
    const left = this.#sum()
    const sign = this.#peek()
    const at = sign.at
    if (this.#skip('=~')) return this.#match(left)
    if (this.#is('in') || (this.#is('not') && this.#is('in', 1))) {
      const negated = this.#skip('not')
      this.#expect('in')
      const inside = this.#inList(left, this.#sum(), at)
      return finished(left.at, negated ? exp.not(inside as Exp<'bool'>) : inside)
    }
    const compare = sign.kind === 'sign' ? COMPARE[sign.text] : undefined
    if (compare === undefined) return left
    this.#next++
    let right = this.#sum()
    if (left.named && typeof right.value === 'string') right = this.#typeName(right)
    const type = this.#settle(left, right, at)
    return finished(
      left.at,
      this.#at(at, () => (build[compare] as Build)(left.make(type), right.make(type))),
    )
  }

  #typeName(node: Node): Node {
    const name = node.value as string
    if (Object.hasOwn(VALUE_TYPES, name)) return constant(node.at, VALUE_TYPES[name as ValueType].particle)
    throw this.#source.error(node.at, `there is no type '${name}'${didYouMean(name, Object.keys(VALUE_TYPES))}`)
  }

  /** The type two parts have in common. */
  #settle(left: Node, right: Node, at: number): Type {
    const type = left.type ?? right.type ?? left.likely ?? right.likely
    if (type !== undefined) return type
    throw this.#source.error(at, 'nothing here says of which type the two sides are; say it, as in $.a.int()')
  }

  #match(left: Node): Node {
    const token = this.#take()
    const text = token.kind === 'pattern' ? token.text : token.value
    if (typeof text !== 'string') throw this.#unexpected(token, "a regular expression: /…/ or '…'")
    if (token.flags !== undefined && !/^i?$/.test(token.flags)) {
      throw this.#source.error(token.at, `a regular expression has no flags but i, not ${token.flags}`)
    }
    const options = { extended: true, ignoreCase: token.flags === 'i' }
    return finished(
      left.at,
      this.#at(left.at, () => exp.regex(left.make('string') as Exp<'string'>, text, options)),
    )
  }

  #inList(left: Node, right: Node, at: number): AnyExp {
    const first = Array.isArray(right.value) && right.value.length > 0 ? constant(at, right.value[0]) : undefined
    const type = left.type ?? first?.type ?? left.likely ?? first?.likely
    if (type === undefined)
      throw this.#source.error(left.at, 'nothing says of which type this is; say it, as in $.a.int()')
    return this.#at(at, () => (build.inList as Build)(left.make(type), right.make('list')))
  }

  #chain(part: () => Node, signs: readonly string[]): Node {
    let left = part()
    for (;;) {
      const sign = this.#peek()
      if (sign.kind !== 'sign' || !signs.includes(sign.text)) return left
      this.#next++
      left = this.#arithmetic(left, part(), sign)
    }
  }

  #sum(): Node {
    return this.#chain(() => this.#chain(() => this.#factor(), ['*', '/', '%']), ['+', '-'])
  }

  #arithmetic(left: Node, right: Node, sign: Token): Node {
    const name = ARITHMETIC[sign.text] as string
    return {
      at: left.at,
      type: left.type ?? right.type,
      likely: left.likely ?? right.likely,
      make: (type) => this.#at(sign.at, () => (build[name] as Build)(left.make(type), right.make(type))),
    }
  }

  #factor(): Node {
    const token = this.#take()
    const { at } = token
    if (token.kind === 'parameter' || token.kind === 'value') return this.#constant(token)
    if (token.kind === 'name' && (token.text === 'true' || token.text === 'false')) {
      return constant(at, token.text === 'true')
    }
    if (token.kind === 'sign') {
      if (token.text === '$') return this.#path(at)
      if (token.text === '[') {
        return constant(
          at,
          this.#deeper(() => this.#list()),
        )
      }
      if (token.text === '(') {
        const inner = this.#deeper(() => this.#condition())
        this.#expect(')')
        return inner
      }
      if (token.text === '-') {
        const inner = this.#deeper(() => this.#factor())
        const negative = negate(inner.value)
        if (negative !== undefined) return constant(at, negative)
        return { ...inner, at, make: (type) => this.#at(at, () => (build.sub as Build)(inner.make(type))) }
      }
    }
    throw this.#unexpected(token, "a value, a path such as $.name, or '('")
  }

  #constant({ at, value, text }: Token): Node {
    try {
      const node = constant(at, value)
      if (typeof value === 'object') node.make(node.type ?? 'nil')
      return node
    } catch (error) {
      throw this.#source.error(at, `${text} is neither a value nor an expression`, error)
    }
  }

  #list(): unknown[] {
    const items: unknown[] = []
    while (!this.#skip(']')) {
      if (items.length > 0) this.#expect(',')
      const { at, value, type, likely } = this.#factor()
      if (value === undefined && type !== 'nil') {
        throw this.#source.error(at, `a list holds values, not ${type ?? likely ?? 'paths'}`)
      }
      items.push(value)
    }
    return items
  }

  #name(): Token {
    const token = this.#take()
    if (token.kind === 'name' || (token.kind === 'value' && typeof token.value === 'string')) return token
    throw this.#unexpected(token, 'a name')
  }

  #path(at: number): Node {
    this.#expect('.')
    const first = this.#name()
    if (first.kind === 'name' && this.#is('(')) return this.#metadata(first)
    const bin = (first.value as string | undefined) ?? first.text
    const steps: Step[] = []
    let type: Type | undefined
    for (;;) {
      if (this.#skip('[')) {
        steps.push({ index: this.#index() })
      } else if (this.#skip('.')) {
        const name = this.#name()
        if (name.kind === 'name' && this.#is('(')) {
          this.#call()
          if (CASTS.includes(name.text as Type)) type = name.text as Type
          else return this.#function(name, at, bin, steps, type)
        } else steps.push({ key: (name.value as string | undefined) ?? name.text })
      } else return path(at, bin, steps, type)
      if (type !== undefined && !this.#is('.')) return path(at, bin, steps, type)
    }
  }

  #call(): void {
    this.#expect('(')
    this.#expect(')')
  }

  #index(): number {
    const negative = this.#skip('-')
    const token = this.#take()
    if (!Number.isInteger(token.value)) throw this.#unexpected(token, 'an index')
    this.#expect(']')
    return negative ? -(token.value as number) : (token.value as number)
  }

  #metadata(name: Token): Node {
    this.#call()
    if ((METADATA as readonly string[]).includes(name.text)) return finished(name.at, (build[name.text] as Build)())
    throw this.#source.error(name.at, `there is no $.${name.text}()${didYouMean(name.text, METADATA)}`)
  }

  #function(name: Token, at: number, bin: string, steps: readonly Step[], type: Type | undefined): Node {
    if (name.text === 'count') return count(at, bin, steps, type)
    if (name.text === 'exists') return exists(at, bin, steps)
    if (name.text === 'type' && steps.length === 0) return binType(at, bin)
    if (name.text === 'type') throw this.#source.error(name.at, '.type() is for bins, not for what is in them')
    throw this.#source.error(name.at, `there is no .${name.text}()${didYouMean(name.text, [...FUNCTIONS, ...CASTS])}`)
  }
}

function negate(value: unknown): number | bigint | Double | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return -value
  return value instanceof Double ? new Double(-value.value) : undefined
}

/**
 * A condition as text, as an expression: for the option `filter`. `${…}` gives values (or expressions), never text.
 *
 * Paths: `$.bin`, `$.bin.key`, `$.bin[0]`, `$.bin.'odd key'[-1]`. Their types come from what they are compared with; where
 * nothing tells, say it: `$.a.int() > $.b.int()`. Functions: `.count()`, `.exists()`, `.type()`; of the record `$.ttl()`,
 * `$.lastUpdate()`, `$.sinceUpdate()`, `$.voidTime()`, `$.setName()`, `$.recordSize()`, `$.keyExists()`. Whole numbers are
 * integers, numbers with a point floats. `and`, `or`, `not`, `in`, `=~` (POSIX extended), `+ - * / %`, parentheses.
 *
 * @throws InvalidArgumentError that points at the character where the text is wrong
 * @example
 * const filter = where`$.age >= ${min} and ($.tags.count() < 5 or $.address.city in ['Bonn', 'Rome'])`
 */
export function where(text: TemplateStringsArray, ...values: (Value | AnyExp)[]): Exp<'bool'> {
  if (!Array.isArray(text) || !Array.isArray(text.raw)) {
    throw new InvalidArgumentError(`where is the tag of a template (where\`…\`), not a function of ${describe(text)}`)
  }
  const source = new Source(text.raw, values)
  return new Parser(source).whole()
}
