// From recorded expressions (s-expressions with the public client's function names) to our builders.
import { type AnyExp, type Definition, Exp, exp } from 'aerospike-napi'
import { value } from './corpus.mjs'
import { returnName } from './recorded.mjs'

type Call = [string, ...unknown[]]
type Function = (...args: unknown[]) => AnyExp

/** What a call cannot be said with. */
export class Unsaid extends Error {}

const RENAMED: { [name: string]: string } = { keyExist: 'keyExists' }
const BINS: { [name: string]: string } = { Str: 'string' }
const TYPE_NAMES = ['nil', 'bool', 'int', 'string', 'list', 'map', 'blob', 'float', 'geo', 'hll']
const LITERALS: { [name: string]: string } = { str: 'string' }

const functions = exp as unknown as { [name: string]: Function & { [name: string]: Function } }

/** The types of variables in scope, for the variables that are read. */
export function expression(call: unknown, scope: ReadonlyMap<string, AnyExp['type']> = new Map()): AnyExp {
  const [name, ...args] = call as Call
  const inner = (one: unknown): AnyExp => expression(one, scope)
  const bin = /^bin(Bool|Int|Float|Str|Blob|List|Map|Geo|Hll)$/.exec(name)
  if (bin !== null) {
    const type = BINS[bin[1] as string] ?? (bin[1] as string).toLowerCase()
    return (exp.bin as unknown as { [type: string]: Function })[type]?.(args[0]) as AnyExp
  }
  const key = /^key(Int|Str|Blob)$/.exec(name)
  if (key !== null) {
    const type = BINS[key[1] as string] ?? (key[1] as string).toLowerCase()
    return (exp.key as unknown as { [type: string]: Function })[type]?.() as AnyExp
  }
  if (['int', 'float', 'str', 'bool', 'blob', 'list', 'map', 'geo'].includes(name)) {
    const plain = value(args[0])
    return functions[LITERALS[name] ?? name]?.(plain) as AnyExp
  }
  if (name === 'isTombstone') throw new Unsaid('isTombstone goes out as an empty NOT')
  if (name === 'cmpRegex') {
    const [flags, pattern, text] = args as [number, string, unknown]
    const options = { extended: (flags & 1) !== 0, ignoreCase: (flags & 2) !== 0, newline: (flags & 4) !== 0 }
    const on = text === 0 ? exp.bin.string('s') : inner(text)
    return exp.regex(on as Exp<'string'>, pattern, options)
  }
  if (name === 'let') return letIn(args, scope)
  if (name === 'var') return exp.var(args[0] as string, scope.get(args[0] as string) ?? undefined) as AnyExp
  if (name === 'digestModulo') return exp.digestModulo(args[0] as number)
  if (name === 'binExists' || name === 'binType') return functions[name]?.(args[0]) as AnyExp
  const family = /^(lists|maps|bit|hll)\.(\w+)$/.exec(name)
  if (family !== null) return nested(family[1] as string, family[2] as string, args, inner)
  const build = functions[RENAMED[name] ?? name]
  if (build === undefined) throw new Unsaid(`no exp.${name}`)
  return build(...args.map(inner))
}

function letIn(args: unknown[], outer: ReadonlyMap<string, AnyExp['type']>): AnyExp {
  const scope = new Map(outer)
  const parts: (Definition | AnyExp)[] = args.map((part) => {
    const [name, variable, defined] = part as Call
    if (name !== 'def') return expression(part, scope)
    const made = expression(defined, scope)
    scope.set(variable as string, made.type)
    return exp.def(variable as string, made as Exp<'int'>)
  })
  return (exp.let as unknown as Function)(...parts)
}

/** The public client takes key and value, index and count, offset and size the other way round than the wire has them. */
const SWAPPED = new Set(['maps.put', 'maps.increment', 'maps.getByIndexRange', 'lists.set', 'bit.count'])

function nested(family: string, name: string, args: unknown[], inner: (one: unknown) => AnyExp): AnyExp {
  const build = (functions[family === 'bit' ? 'bits' : family] as unknown as { [name: string]: Function })[name]
  if (build === undefined) throw new Unsaid(`no exp.${family}.${name}`)
  const operands = args.filter((one) => typeof one !== 'number').map(inner)
  const numbers = args.filter((one): one is number => typeof one === 'number')
  const [target, ...rest] = operands
  if (SWAPPED.has(`${family}.${name}`)) rest.reverse()
  if (name === 'sort') {
    const flags = numbers[0] as number
    return build(target, { descending: (flags & 1) !== 0, dropDuplicates: (flags & 2) !== 0 })
  }
  if (numbers.length === 0) return build(target, ...rest)
  const options = { return: returnName(numbers.at(-1) as number) }
  return build(target, ...rest, numbers.length === 2 ? { ...options, type: TYPE_NAMES[numbers[0] as number] } : options)
}

/** Whether an expression was made. */
export function isMade(one: unknown): one is AnyExp {
  return one instanceof Exp
}
