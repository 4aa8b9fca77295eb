// `where`: conditions as text. A parser by recursive descent over the tokens; types are settled where two parts meet.
//
//   condition   = conjunction { "or" conjunction }
//   conjunction = negation { "and" negation }
//   negation    = "not" negation | comparison
//   comparison  = bits [ ( "==" | "=" | "!=" | ">" | ">=" | "<" | "<=" ) bits | "=~" pattern | [ "not" ] "in" bits ]
//   bits        = shifts { ( "&" | "^" | "|" ) shifts }          "&" binds closest, then "^", then "|"
//   shifts      = sum { ( "<<" | ">>" | ">>>" ) sum }
//   sum         = product { ( "+" | "-" ) product }
//   product     = power { ( "*" | "/" | "%" ) power }
//   power       = factor [ "**" power ]
//   factor      = ( "-" | "+" | "~" ) factor | "(" condition ")" | literal | parameter | list | map | path | variable | call | let | when
//   list        = "[" [ item { "," item } ] "]"                   item = [ "-" | "+" ] literal | parameter | list | map
//   map         = "{" [ item ":" item { "," item ":" item } ] "}"
//   call        = name "(" condition { "," condition } ")"        see functions.ts; "exclusive" takes conditions
//   let         = ( "let" | "with" ) "(" name "=" condition { "," name "=" condition } ")" ( "then" | "do" ) "(" condition ")"
//               | "let" name "=" condition { "," name "=" condition } "then" condition
//   when        = "when" "(" { condition "=>" condition "," } "default" "=>" condition ")"
//   path        = "$" "." name { "." key | [ "." ] selector } [ ending ]
//               | "$" "." metadata "()" | "$" "." "digestModulo" "(" number ")" | "$" "." "key" "()" [ ":" type ]
//   key         = name | text | integer | parameter               selector: see selectors.ts
//   ending      = ":" type | "." type "()" | "." ( "asInt" | "asFloat" | "count" | "size" | "exists" | "type" ) "()"
//               | "." "get" "(" [ "type" ":" type ] [ "," ] [ "return" ":" what ] ")" | "." sketch "(" [ condition ] ")"
//   pattern     = text | parameter | "/" regular expression "/" [ "i" ]

import { describe } from '../../checks/check.js'
import { didYouMean } from '../../checks/options.js'
import { InvalidArgumentError } from '../../errors/classes.js'
import type { AnyExp, Exp, Type } from '../../values/expression.js'
import { VALUE_TYPES, type ValueType } from '../../values/value-types.js'
import type { Value } from '../../values/values.js'
import { Double } from '../../values/wrappers.js'
import { exp } from '../exp.js'
import { Cursor } from './cursor.js'
import { STANDING, type Standing } from './functions.js'
import { alikeNode, constant, finished, type Node } from './nodes.js'
import { cast, readPath } from './path-text.js'
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

/** Operators between two numbers, from those that bind least; those of integers alone say so. */
const LEVELS: readonly { readonly [sign: string]: { readonly build: string; readonly type?: Type } }[] = [
  { '|': { build: 'intOr', type: 'int' } },
  { '^': { build: 'intXor', type: 'int' } },
  { '&': { build: 'intAnd', type: 'int' } },
  {
    '<<': { build: 'intLshift', type: 'int' },
    '>>': { build: 'intArshift', type: 'int' },
    '>>>': { build: 'intRshift', type: 'int' },
  },
  { '+': { build: 'add' }, '-': { build: 'sub' } },
  { '*': { build: 'mul' }, '/': { build: 'div' }, '%': { build: 'mod' } },
]

type Build = (...operands: unknown[]) => AnyExp
const build = exp as unknown as { readonly [name: string]: Build }

class Parser {
  readonly #cursor: Cursor
  /** Variables that can be used here, by their names. */
  #variables: ReadonlyMap<string, Type> = new Map()

  constructor(source: Source) {
    this.#cursor = new Cursor(source)
  }

  whole(): Exp<'bool'> {
    const node = this.#condition()
    const token = this.#cursor.peek()
    if (token.kind !== 'end') throw this.#cursor.unexpected(token, "'and', 'or' or the end")
    return this.#bool(node) as Exp<'bool'>
  }

  #bool(node: Node): AnyExp {
    if (node.type !== undefined && node.type !== 'bool') {
      throw this.#cursor.error(node.at, `expected something true or false, not ${node.type}`)
    }
    if (node.likely !== undefined) throw this.#cursor.error(node.at, 'expected something true or false, not a number')
    return this.#cursor.at(node.at, () => node.make('bool'))
  }

  #joined(word: 'and' | 'or', part: () => Node): Node {
    const first = part()
    if (!this.#cursor.is(word)) return first
    const all = [this.#bool(first)]
    while (this.#cursor.skip(word)) all.push(this.#bool(part()))
    return finished(
      first.at,
      this.#cursor.at(first.at, () => (build[word] as Build)(...all)),
    )
  }

  #condition(): Node {
    return this.#joined('or', () => this.#joined('and', () => this.#negation()))
  }

  #negation(): Node {
    const at = this.#cursor.peek().at
    if (!this.#cursor.skip('not')) return this.#comparison()
    const inner = this.#bool(this.#cursor.deeper(() => this.#negation()))
    return finished(at, exp.not(inner as Exp<'bool'>))
  }

  #comparison(): Node {
    const left = this.#level(0)
    const sign = this.#cursor.peek()
    const at = sign.at
    if (this.#cursor.skip('=~')) return this.#match(left)
    const negated = this.#cursor.is('not') && this.#isIn(1)
    if (negated || this.#isIn(0)) {
      if (negated) this.#cursor.take()
      this.#cursor.take()
      const inside = this.#inList(left, this.#level(0), at)
      return finished(left.at, negated ? exp.not(inside as Exp<'bool'>) : inside)
    }
    const compare = sign.kind === 'sign' ? COMPARE[sign.text] : undefined
    if (compare === undefined) return left
    this.#cursor.take()
    let right = this.#level(0)
    if (left.named && typeof right.value === 'string') right = this.#typeName(right)
    const type = this.#settle(left, right, at)
    return finished(
      left.at,
      this.#cursor.at(at, () => (build[compare] as Build)(left.make(type), right.make(type))),
    )
  }

  /** `in`, in any case. */
  #isIn(ahead: number): boolean {
    const { kind, text } = this.#cursor.peek(ahead)
    return kind === 'name' && text.toLowerCase() === 'in'
  }

  #typeName(node: Node): Node {
    const name = node.value as string
    if (Object.hasOwn(VALUE_TYPES, name)) return constant(node.at, VALUE_TYPES[name as ValueType].particle)
    throw this.#cursor.error(node.at, `there is no type '${name}'${didYouMean(name, Object.keys(VALUE_TYPES))}`)
  }

  /** The type two parts have in common. */
  #settle(left: Node, right: Node, at: number): Type {
    const type = left.type ?? right.type ?? left.likely ?? right.likely
    if (type !== undefined) return type
    if (left.unknown === true || right.unknown === true) return 'int'
    throw this.#cursor.error(at, 'nothing here says of which type the two sides are; say it, as in $.a.int()')
  }

  #match(left: Node): Node {
    const token = this.#cursor.take()
    const text = token.kind === 'pattern' ? token.text : token.value
    if (typeof text !== 'string') throw this.#cursor.unexpected(token, "a regular expression: /…/ or '…'")
    if (token.flags !== undefined && !/^i?$/.test(token.flags)) {
      throw this.#cursor.error(token.at, `a regular expression has no flags but i, not ${token.flags}`)
    }
    const options = { extended: true, ignoreCase: token.flags === 'i' }
    return finished(
      left.at,
      this.#cursor.at(left.at, () => exp.regex(left.make('string') as Exp<'string'>, text, options)),
    )
  }

  #inList(left: Node, right: Node, at: number): AnyExp {
    const items = Array.isArray(right.value) ? right.value.map((item) => constant(right.at, item)) : []
    const type =
      left.type ??
      items.find((item) => item.type !== undefined)?.type ??
      left.likely ??
      items.find((item) => item.likely !== undefined)?.likely
    if (type === undefined)
      throw this.#cursor.error(left.at, 'nothing says of which type this is; say it, as in $.a.int()')
    const other = items.find(
      (item) => item.type !== type && !(item.likely !== undefined && (type === 'int' || type === 'float')),
    )
    if (other !== undefined) {
      throw this.#cursor.error(
        right.at,
        `the list has a value of type ${other.type ?? other.likely}, which no ${type} is in`,
      )
    }
    // A whole number in a list of floats is a float: servers compare a value with those of its own type.
    const list =
      type === 'float'
        ? constant(
            right.at,
            items.map(({ value }) => (typeof value === 'number' ? new Double(value) : value)),
          )
        : right
    return this.#cursor.at(at, () =>
      (build.inList as Build)(left.make(type), (items.length > 0 ? list : right).make('list')),
    )
  }

  /** Operators between numbers, from those that bind as `LEVELS[level]` on. */
  #level(level: number): Node {
    const operators = LEVELS[level]
    if (operators === undefined) return this.#power()
    let left = this.#level(level + 1)
    for (;;) {
      const sign = this.#cursor.peek()
      const operator = sign.kind === 'sign' && Object.hasOwn(operators, sign.text) ? operators[sign.text] : undefined
      if (operator === undefined) return left
      this.#cursor.take()
      left = this.#arithmetic(left, this.#level(level + 1), sign, operator)
    }
  }

  #arithmetic(left: Node, right: Node, sign: Token, { build: name, type }: { build: string; type?: Type }): Node {
    const both = alikeNode(left.at, [left, right], (_, parts) =>
      this.#cursor.at(sign.at, () => (build[name] as Build)(...parts)),
    )
    if (type === undefined) return numeric(both)
    const wrong = [left, right].find((part) => part.type !== undefined && part.type !== type)
    if (wrong !== undefined) throw this.#cursor.error(sign.at, `${sign.text} goes with integers, not ${wrong.type}`)
    return { at: both.at, type, make: () => both.make(type) }
  }

  #power(): Node {
    const base = this.#factor()
    const sign = this.#cursor.peek()
    if (!this.#cursor.skip('**')) return base
    const exponent = this.#cursor.deeper(() => this.#power())
    return {
      at: base.at,
      type: 'float',
      make: () => this.#cursor.at(sign.at, () => (build.pow as Build)(base.make('float'), exponent.make('float'))),
    }
  }

  #factor(): Node {
    const cursor = this.#cursor
    const token = cursor.take()
    const { at } = token
    if (token.kind === 'parameter' || token.kind === 'value') return this.#converted(this.#constant(token))
    if (token.kind === 'name') return this.#word(token)
    if (token.kind === 'sign') {
      switch (token.text) {
        case '$':
          return cursor.is('.') ? readPath(cursor, at, () => this.#condition()) : this.#variable(this.#variableName())
        case '[':
          return constant(
            at,
            cursor.deeper(() => this.#list()),
          )
        case '{':
          return constant(
            at,
            cursor.deeper(() => this.#map()),
          )
        case '+':
          return cursor.deeper(() => this.#factor())
        case '(': {
          const inner = cursor.deeper(() => this.#condition())
          cursor.expect(')')
          return inner
        }
        case '-': {
          const inner = cursor.deeper(() => this.#factor())
          const negative = negate(inner.value)
          if (negative !== undefined) return constant(at, negative)
          return alikeNode(at, [inner], (_, [one]) => cursor.at(at, () => (build.sub as Build)(one)))
        }
        case '~': {
          const inner = cursor.deeper(() => this.#factor())
          return { at, type: 'int', make: () => cursor.at(at, () => (build.intNot as Build)(inner.make('int'))) }
        }
      }
    }
    throw cursor.unexpected(token, "a value, a path such as $.name, or '('")
  }

  #word(token: Token): Node {
    const cursor = this.#cursor
    const { text, at } = token
    const isLet = (text === 'let' || text === 'with') && !this.#variables.has(text)
    if (isLet && (cursor.is('(') || cursor.is('$') || cursor.is('=', 1))) return cursor.deeper(() => this.#let(token))
    if (cursor.is('(')) {
      if (text === 'when') return cursor.deeper(() => this.#when(token))
      if (text === 'exclusive') return cursor.deeper(() => this.#exclusive(token))
      const standing = Object.hasOwn(STANDING, text) ? STANDING[text] : undefined
      if (standing !== undefined) return cursor.deeper(() => this.#standing(token, standing))
    }
    if (this.#variables.has(text)) return this.#variable(token)
    if (text === 'true' || text === 'false') return constant(at, text === 'true')
    if (text === 'unknown' || text === 'error') return { at, unknown: true, make: () => exp.unknown() as AnyExp }
    if (!cursor.is('(')) throw cursor.unexpected(token, "a value, a path such as $.name, or '('")
    const names = [...Object.keys(STANDING), 'let', 'when', 'exclusive']
    throw cursor.error(at, `there is no ${text}()${didYouMean(text, names)}`)
  }

  /** A value that a conversion may follow: `5.asFloat()`. */
  #converted(node: Node): Node {
    const cursor = this.#cursor
    const name = cursor.peek(1)
    if (!cursor.is('.') || name.kind !== 'name' || !cursor.is('(', 2)) return node
    cursor.take()
    return cast(cursor, cursor.take(), node)
  }

  #constant({ at, value, text }: Token): Node {
    try {
      const node = constant(at, value)
      if (typeof value === 'object') node.make(node.type ?? 'nil')
      return node
    } catch (error) {
      throw this.#cursor.error(at, `${text} is neither a value nor an expression`, error)
    }
  }

  #list(): unknown[] {
    const items: unknown[] = []
    while (!this.#cursor.skip(']')) {
      if (items.length > 0) this.#cursor.expect(',')
      items.push(this.#item('list'))
    }
    return items
  }

  #map(): Map<unknown, unknown> {
    const entries = new Map<unknown, unknown>()
    while (!this.#cursor.skip('}')) {
      if (entries.size > 0) this.#cursor.expect(',')
      const key = this.#item('map')
      this.#cursor.expect(':')
      entries.set(key, this.#item('map'))
    }
    return entries
  }

  #item(what: string): unknown {
    const { at, value, type, likely } = this.#factor()
    if (value !== undefined || type === 'nil') return value
    throw this.#cursor.error(at, `a ${what} holds values, not ${type ?? likely ?? 'paths'}`)
  }

  /** `${name}` after a backslash, or `$name`. */
  #variableName(): Token {
    const braces = this.#cursor.skip('{')
    const token = this.#cursor.take()
    if (token.kind !== 'name') throw this.#cursor.unexpected(token, 'a path such as $.name, or the name of a variable')
    if (braces) this.#cursor.expect('}')
    return token
  }

  #variable({ text, at }: Token): Node {
    const type = this.#variables.get(text)
    if (type !== undefined) return finished(at, exp.var(text, type) as AnyExp)
    throw this.#cursor.error(at, `there is no variable ${text}${didYouMean(text, [...this.#variables.keys()])}`)
  }

  #let({ at }: Token): Node {
    const cursor = this.#cursor
    const outside = this.#variables
    const definitions: unknown[] = []
    const parentheses = cursor.skip('(')
    do {
      cursor.skip('$')
      const name = cursor.take()
      if (name.kind !== 'name') throw cursor.unexpected(name, 'the name of a variable')
      cursor.expect('=')
      const value = this.#condition()
      const type = value.type ?? value.likely
      if (type === undefined)
        throw cursor.error(value.at, 'nothing says of which type this is; say it, as in $.a.int()')
      definitions.push(exp.def(name.text, cursor.at(value.at, () => value.make(type)) as Exp<'int'>))
      this.#variables = new Map([...this.#variables, [name.text, type]])
    } while (cursor.skip(','))
    if (parentheses) cursor.expect(')')
    if (!cursor.skip('then')) cursor.expect('do')
    if (parentheses) cursor.expect('(')
    const body = this.#condition()
    if (parentheses) cursor.expect(')')
    this.#variables = outside
    return alikeNode(at, [body], (_, [one]) => cursor.at(at, () => (build.let as Build)(...definitions, one)))
  }

  #when({ at }: Token): Node {
    const cursor = this.#cursor
    cursor.expect('(')
    const tests: AnyExp[] = []
    const values: Node[] = []
    while (!cursor.is('default')) {
      tests.push(this.#bool(this.#condition()))
      cursor.expect('=>')
      values.push(this.#condition())
      cursor.expect(',')
    }
    cursor.take()
    cursor.expect('=>')
    values.push(this.#condition())
    cursor.expect(')')
    if (tests.length === 0) throw cursor.error(at, 'when has at least one condition before default')
    return alikeNode(at, values, (_, made) =>
      cursor.at(at, () => (build.cond as Build)(...tests.flatMap((test, i) => [test, made[i]]), made.at(-1))),
    )
  }

  #operands(): Node[] {
    const operands: Node[] = []
    this.#cursor.expect('(')
    do operands.push(this.#condition())
    while (this.#cursor.skip(','))
    this.#cursor.expect(')')
    return operands
  }

  #exclusive({ at }: Token): Node {
    const conditions = this.#operands().map((one) => this.#bool(one))
    return finished(
      at,
      this.#cursor.at(at, () => (build.exclusive as Build)(...conditions)),
    )
  }

  /** A value that is made of another one while the condition is read: `geoJson('…')`. */
  #made(given: Node, make: (value: unknown) => unknown): Node {
    try {
      if (given.value === undefined) throw new InvalidArgumentError('expected a value')
      return constant(given.at, make(given.value))
    } catch (error) {
      throw this.#cursor.error(given.at, (error as Error).message, error)
    }
  }

  #standing(
    { at, text }: Token,
    { takes, literal, least = 1, most = Infinity, build: make, defaults = [] }: Standing,
  ): Node {
    const operands = this.#operands()
    const [fewest, many] = takes === 'number' ? [least, most] : [takes.length - defaults.length, takes.length]
    if (operands.length < fewest || operands.length > many) {
      const wanted = many === Infinity ? `at least ${fewest}` : fewest === many ? fewest : `${fewest} or ${many}`
      throw this.#cursor.error(at, `${text}() takes ${wanted} operands, not ${operands.length}`)
    }
    if (literal !== undefined) return this.#made(operands[0] as Node, literal)
    if (takes === 'number') {
      return numeric(alikeNode(at, operands, (_, parts) => this.#cursor.at(at, () => make(...parts))))
    }
    return finished(
      at,
      this.#cursor.at(at, () =>
        make(...takes.map((type, i) => operands[i]?.make(type) ?? defaults[i - (takes.length - defaults.length)])),
      ),
    )
  }
}

/** Numbers of which nothing tells whether they are whole: integers, unless something around them says otherwise. */
function numeric(node: Node): Node {
  return node.type === undefined && node.likely === undefined ? { ...node, likely: 'int' } : node
}

function negate(value: unknown): number | bigint | Double | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return -value
  return value instanceof Double ? new Double(-value.value) : undefined
}

/**
 * A condition as text, as an expression: for the option `filter` and the method `where`. `${…}` gives values (or
 * expressions), never text. The guide to conditions has the whole grammar.
 *
 * Paths: `$.bin`, `$.bin.key`, `$.bin[0]`, `$.bin.'odd key'[-1]`, and selections `$.list[#-3:]`, `$.map{@a,b}`. Their types
 * come from what they are compared with; where nothing tells, say it: `$.a.int() > $.b.int()`. Functions: `.count()`,
 * `.exists()`, `.type()`, `.get(return: INDEX)`; of the record `$.ttl()`, `$.lastUpdate()` and others. Whole numbers are
 * integers, numbers with a point floats. `and`, `or`, `not`, `in`, `=~` (POSIX extended), `+ - * / % **`, `& | ^ ~ << >>`,
 * `let (x = …) then (…)`, `when (… => …, default => …)`.
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
