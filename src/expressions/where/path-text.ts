// Paths as text: `$.bin.key[0]`, with what is asked of them at their end.

import { didYouMean } from '../../checks/options.js'
import type { AnyExp, Exp, Type } from '../../values/expression.js'
import { exp } from '../exp.js'
import type { Cursor } from './cursor.js'
import { CASTS, KEYS, METADATA, RETURNS, SKETCHES, type Sketch } from './functions.js'
import { finished, type Node } from './nodes.js'
import { Path } from './paths.js'
import { keyStep, readSelector, type Step } from './selectors.js'
import type { Token } from './tokens.js'

/** What a path can be asked for, beside `get` and the types. */
const ENDINGS = ['count', 'size', 'exists', 'type', 'get', 'asInt', 'asFloat'] as const

/** Reads a path whose `$` was taken. `operand` reads what stands in the parentheses after it. */
export function readPath(cursor: Cursor, at: number, operand: () => Node): Node {
  cursor.expect('.')
  const first = cursor.take()
  if (first.kind === 'name' && cursor.is('(')) return metadata(cursor, first)
  return new PathReader(cursor, at, nameOf(cursor, first), operand).read()
}

function nameOf(cursor: Cursor, token: Token): string {
  if (token.kind === 'name') return token.text
  const next = cursor.peek()
  if (token.text === '@' && next.kind === 'name' && next.at === token.at + 1) return `@${cursor.take().text}`
  if (token.kind === 'value' && typeof token.value === 'string') return token.value
  throw cursor.unexpected(token, 'a name')
}

function call(cursor: Cursor): void {
  cursor.expect('(')
  cursor.expect(')')
}

/** A type by its name in any case: `INT`, `int`. */
function typeNamed(cursor: Cursor): Type {
  const token = cursor.take()
  const name = token.text.toLowerCase() as Type
  if (token.kind === 'name' && CASTS.includes(name)) return name
  const known = CASTS.map((type) => type.toUpperCase())
  throw cursor.error(token.at, `there is no type ${token.text}${didYouMean(token.text, known)}`)
}

function metadata(cursor: Cursor, name: Token): Node {
  const { text, at } = name
  if (text === 'digestModulo') {
    cursor.expect('(')
    const modulus = cursor.take().value
    cursor.expect(')')
    return finished(
      at,
      cursor.at(at, () => exp.digestModulo(modulus as number)),
    )
  }
  if (text === 'key') {
    call(cursor)
    const type = cursor.skip(':') ? typeNamed(cursor) : undefined
    return { at, type, make: (wanted) => userKey(cursor, at, wanted) }
  }
  const build = Object.hasOwn(METADATA, text) ? METADATA[text] : undefined
  if (build === undefined) {
    const names = [...Object.keys(METADATA), 'key', 'digestModulo']
    throw cursor.error(at, `there is no $.${text}()${didYouMean(text, names)}`)
  }
  call(cursor)
  return finished(at, build())
}

function userKey(cursor: Cursor, at: number, type: Type): AnyExp {
  const read = Object.hasOwn(KEYS, type) ? KEYS[type] : undefined
  if (read !== undefined) return read()
  throw cursor.error(at, `a key is an integer, text or bytes, not ${type}`)
}

/** `.asInt()` and `.asFloat()`: a number as one of the other type. */
export function cast(cursor: Cursor, name: Token, node: Node): Node {
  const { text, at } = name
  if (text !== 'asInt' && text !== 'asFloat') throw cursor.error(at, `there is no .${text}() of a value`)
  call(cursor)
  const from = node.type ?? node.likely ?? (text === 'asInt' ? 'float' : 'int')
  const convert = (text === 'asInt' ? exp.toInt : exp.toFloat) as (value: Exp<'int'>) => AnyExp
  return finished(
    node.at,
    cursor.at(at, () => convert(node.make(from) as Exp<'int'>)),
  )
}

class PathReader {
  readonly #cursor: Cursor
  readonly #at: number
  readonly #bin: string
  readonly #operand: () => Node
  readonly #steps: Step[] = []
  #ends: 'list' | 'map' | undefined

  constructor(cursor: Cursor, at: number, bin: string, operand: () => Node) {
    this.#cursor = cursor
    this.#at = at
    this.#bin = bin
    this.#operand = operand
  }

  get #path(): Path {
    return new Path(this.#at, this.#bin, this.#steps, this.#ends)
  }

  read(): Node {
    const cursor = this.#cursor
    for (;;) {
      if (cursor.skip(':')) return this.#path.value(typeNamed(cursor))
      const dot = cursor.skip('.')
      const token = cursor.peek()
      if (cursor.is('[') || cursor.is('{')) this.#selector()
      else if (!dot) return this.#path.value(undefined)
      else {
        cursor.take()
        if (token.kind === 'name' && cursor.is('(')) return this.#ending(token)
        this.#add(keyStep(this.#key(token), token.at))
      }
    }
  }

  #add(step: Step): void {
    const last = this.#steps.at(-1)
    if (last !== undefined && 'many' in last) throw this.#cursor.error(step.at, 'a selection of many ends a path')
    if (this.#ends !== undefined && this.#ends !== step.on) {
      throw this.#cursor.error(step.at, `what is there was said to be a ${this.#ends}`)
    }
    this.#ends = undefined
    this.#steps.push(step)
  }

  #selector(): void {
    const opening = this.#cursor.take()
    const key = opening.text === '[' ? this.#quotedKey() : undefined
    if (key !== undefined) {
      this.#add(keyStep(key, opening.at))
      return
    }
    const step = readSelector(this.#cursor, opening)
    if (typeof step === 'string') this.#ends = step
    else this.#add(step)
  }

  /** `["key"]` */
  #quotedKey(): string | undefined {
    const token = this.#cursor.peek()
    const isText = (token.kind === 'value' || token.kind === 'parameter') && typeof token.value === 'string'
    if (!isText || !this.#cursor.is(']', 1)) return undefined
    this.#cursor.take()
    this.#cursor.take()
    return token.value as string
  }

  #key(token: Token): unknown {
    if (token.kind === 'parameter') return token.value
    if (token.kind === 'value' && Number.isSafeInteger(token.value)) return token.value
    if ((token.text === '-' || token.text === '+') && Number.isSafeInteger(this.#cursor.peek().value)) {
      const number = this.#cursor.take().value as number
      return token.text === '-' ? -number : number
    }
    return nameOf(this.#cursor, token)
  }

  /** What is asked of the path at its end. */
  #ending(name: Token): Node {
    const cursor = this.#cursor
    const path = this.#path
    const { text } = name
    if (CASTS.includes(text as Type)) {
      call(cursor)
      return this.#typed(text as Type)
    }
    switch (text) {
      case 'count':
      case 'size':
        call(cursor)
        return path.count(undefined)
      case 'exists':
        call(cursor)
        return path.exists()
      case 'type':
        if (this.#steps.length > 0) throw cursor.error(name.at, '.type() is for bins, not for what is in them')
        call(cursor)
        return path.binType()
      case 'asInt':
      case 'asFloat':
        return cast(cursor, name, path.value(undefined))
      case 'get':
        return this.#converted(this.#get(name))
    }
    const sketch = Object.hasOwn(SKETCHES, text) ? SKETCHES[text] : undefined
    if (sketch !== undefined) return this.#sketch(name, sketch)
    const names = [...ENDINGS, ...CASTS, ...Object.keys(SKETCHES)]
    throw cursor.error(name.at, `there is no .${text}()${didYouMean(text, names)}`)
  }

  /** What a HyperLogLog is asked: `.hllCount()`, `.hllUnionCount($.other)`. */
  #sketch({ at, text }: Token, { build, takes }: Sketch): Node {
    const cursor = this.#cursor
    if (this.#steps.length > 0) throw cursor.error(at, `.${text}() is for bins, not for what is in them`)
    cursor.expect('(')
    const argument = takes === undefined ? undefined : this.#operand()
    cursor.expect(')')
    return finished(
      this.#at,
      cursor.at(at, () => {
        const given = argument === undefined ? [] : [argument.value ?? argument.make(takes as Type)]
        return build(exp.bin.hll(this.#bin), ...given)
      }),
    )
  }

  /** A path whose type was said: it can be counted, or converted. */
  #typed(type: Type): Node {
    const cursor = this.#cursor
    if (!cursor.is('.')) return this.#path.value(type)
    cursor.take()
    const next = cursor.take()
    if (next.text === 'count' || next.text === 'size') {
      call(cursor)
      return this.#path.count(type)
    }
    if (next.text === 'exists') {
      call(cursor)
      return this.#path.exists()
    }
    return cast(cursor, next, this.#path.value(type))
  }

  #converted(node: Node): Node {
    return this.#cursor.skip('.') ? cast(this.#cursor, this.#cursor.take(), node) : node
  }

  #get({ at }: Token): Node {
    const cursor = this.#cursor
    let type: Type | undefined
    let returned: string | undefined
    cursor.expect('(')
    while (!cursor.skip(')')) {
      if (type !== undefined || returned !== undefined) cursor.expect(',')
      const name = cursor.take()
      if (name.text !== 'type' && name.text !== 'return') throw cursor.unexpected(name, "'type' or 'return'")
      cursor.expect(':')
      if (name.text === 'type') type = typeNamed(cursor)
      else returned = this.#returned()
    }
    if (returned === undefined || returned === 'value') return this.#path.value(type)
    if (this.#steps.length === 0) throw cursor.error(at, 'return is for what is in a bin, not for the bin')
    const what = returned
    const node = cursor.at(at, () => this.#path.told(what, type).make('int'))
    return finished(this.#at, node)
  }

  #returned(): string {
    const token = this.#cursor.take()
    const known = Object.keys(RETURNS)
    const name = Object.hasOwn(RETURNS, token.text) ? RETURNS[token.text] : undefined
    if (name !== undefined) return name
    throw this.#cursor.error(token.at, `there is no return: ${token.text}${didYouMean(token.text, known)}`)
  }
}
