// Encodes expressions: calls, literals and names become MessagePack (protocol 10.1).

import { describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { quote } from '../operations/build.js'
import { Encoded, encode, packArgument } from '../values/encoded.js'
import { Exp, type Type } from '../values/expression.js'
import { packInteger, packListHeader } from '../values/pack.js'
import { unstorable } from '../values/particle-types.js'
import { valueType } from '../values/value-types.js'
import { Double } from '../values/wrappers.js'

/** An expression of a call: `[code, arguments…]`. Arguments are finished pieces or plain values. */
export function call<T extends Type>(type: T | undefined, code: number, args: readonly unknown[]): Exp<T> {
  const bytes = encode('expression', (w) => {
    packListHeader(w, args.length + 1)
    packInteger(w, code)
    for (const argument of args) packArgument(w, argument)
  })
  return new Exp<T>(bytes, type)
}

/** The name of a bin or variable, or a regular expression: text without the type byte (protocol 10.1). */
export function bareText(text: unknown, where: string): Encoded {
  if (typeof text !== 'string') throw new InvalidArgumentError(`${where}: expected text, not ${describe(text)}`)
  const utf8 = Buffer.from(text, 'utf8')
  const size = utf8.length
  const head = size < 32 ? [0xa0 | size] : size < 256 ? [0xd9, size] : [0xda, size >>> 8, size & 0xff]
  if (size > 0xffff) throw new InvalidArgumentError(`${where}: the text has ${size} bytes; the limit is 65535`)
  return new Encoded(new Uint8Array(Buffer.concat([Buffer.from(head), utf8])))
}

/** A plain value as an expression of a type. */
export function literal<T extends Type>(type: T, value: unknown): Exp<T> {
  if (Array.isArray(value)) return new Exp<T>(quote(value).bytes, type)
  const packed = type === 'float' && typeof value === 'number' ? new Double(value) : value
  return new Exp<T>(
    encode('value', (w) => packArgument(w, packed)),
    type,
  )
}

/** The type a plain value has by itself. */
export function typeOf(value: unknown, where: string): Type {
  const type = valueType(value)
  if (type !== undefined) return type
  if (typeof value === 'object') throw unstorable(where, value)
  throw new InvalidArgumentError(`${where}: expected an expression or a value, not ${describe(value)}`)
}

/** An operand as an expression of one of `types`. Numbers become whichever of `int` and `float` is wanted. */
export function operand(where: string, value: unknown, types: readonly Type[]): Exp {
  if (value instanceof Exp) {
    if (value.type !== undefined && !types.includes(value.type as Type)) {
      throw new InvalidArgumentError(
        `${where}: expected an expression of type ${types.join(' or ')}, not ${value.type}`,
      )
    }
    return value
  }
  let type = typeOf(value, where)
  if (type === 'int' && !types.includes('int') && types.includes('float') && typeof value === 'number') type = 'float'
  if (!types.includes(type)) {
    throw new InvalidArgumentError(`${where}: expected ${types.join(' or ')}, not ${describe(value)}`)
  }
  return literal(type, value)
}

/**
 * Operands that have to have one type: that of the expressions among them; literals follow. `allowed` restricts it.
 */
export function alike(
  where: string,
  values: readonly unknown[],
  allowed?: readonly Type[],
): { type: Type; all: Exp[] } {
  let type: Type | undefined
  for (const value of values) {
    if (!(value instanceof Exp) || value.type === undefined) continue
    if (type !== undefined && type !== value.type) {
      throw new InvalidArgumentError(`${where}: expressions of types ${type} and ${value.type} do not go together`)
    }
    type = value.type
  }
  const plain = values.filter((value) => !(value instanceof Exp))
  if (type === undefined) {
    const types = plain.map((value) => typeOf(value, where))
    type = types.includes('float') ? 'float' : (types[0] ?? 'int')
  }
  if (allowed !== undefined && !allowed.includes(type)) {
    throw new InvalidArgumentError(`${where}: expected ${allowed.join(' or ')}, not ${type}`)
  }
  const wanted = type
  return { type, all: values.map((value) => operand(where, value, [wanted])) }
}
