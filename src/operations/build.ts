// Builds a call from a row of a table, arguments and options: checked, and in the order of the wire. Operations and
// expressions share it. They differ in what they work on; in expressions, arguments may be expressions and lists are quoted.

import { types } from 'node:util'
import { describe, isPlain } from '../checks/check.js'
import { badValue, checkNames, flag, quoted, whole } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { Encoded, encode } from '../values/encoded.js'
import { Exp, type Type } from '../values/expression.js'
import { pack, packInteger, packListHeader } from '../values/pack.js'
import { VALUE_TYPES } from '../values/value-types.js'
import { Double, HyperLogLog } from '../values/wrappers.js'
import { createBits, encodeContext } from './ctx.js'
import { Needs, Operation } from './operation.js'
import { type Family, type Kind, type Option, RETURNS, type Signature, type Slot } from './signature.js'
import { bitsCutOff, indexOfNewList, selectionByList, type Wire } from './survival.js'

/** A call in the order of the wire. */
export interface Call {
  readonly code: number
  readonly args: readonly unknown[]
  readonly path: Encoded | undefined
  /** Type of the answer in an expression; undefined when the caller has to say it (option `type`). */
  readonly type: Type | undefined
}

/** Marks a literal list in an expression, where a bare list would be a call (protocol 10.1). */
const QUOTE = 126

/** A list as a literal inside an expression. */
export function quote(list: readonly unknown[]): Encoded {
  return new Encoded(
    encode('list', (w) => {
      packListHeader(w, 2)
      packInteger(w, QUOTE)
      pack(w, list)
    }),
  )
}

/** What an argument of a kind may be: the check, the words for the message, and the type of an expression in its place. */
const KINDS: {
  readonly [kind: string]: {
    readonly expects: string
    readonly type?: readonly Type[]
    readonly ok: (v: unknown) => boolean
  }
} = {
  int: { expects: 'an integer', type: ['int'], ok: (v) => Number.isSafeInteger(v) || typeof v === 'bigint' },
  number: {
    expects: 'a number',
    type: ['int', 'float'],
    ok: (v) => typeof v === 'number' || typeof v === 'bigint' || v instanceof Double,
  },
  value: { expects: 'a value', ok: (v) => v !== undefined },
  mapKey: {
    expects: 'the key of a map entry: text, an integer or bytes',
    type: ['int', 'string', 'blob'],
    ok: (v) => typeof v === 'string' || typeof v === 'bigint' || Number.isSafeInteger(v) || types.isUint8Array(v),
  },
  values: { expects: 'a list of values', type: ['list'], ok: Array.isArray },
  entries: {
    expects: 'a plain object or a Map',
    type: ['map'],
    ok: (v) => typeof v === 'object' && v !== null && (types.isMap(v) || isPlain(v)),
  },
  begin: { expects: 'a value or null', ok: () => true },
  end: { expects: 'a value or null', ok: () => true },
  bytes: { expects: 'bytes', type: ['blob'], ok: types.isUint8Array },
  bool: { expects: 'true or false', type: ['bool'], ok: (v) => typeof v === 'boolean' },
  sketches: {
    expects: 'a list of HyperLogLogs',
    // an expression of one stands for a list of it
    type: ['list', 'hll'],
    ok: (v) => Array.isArray(v) && v.every((one) => one instanceof HyperLogLog),
  },
}

function isOptions(value: unknown): boolean {
  return typeof value === 'object' && value !== null && isPlain(value)
}

/** An argument as it is packed. */
function argument(verb: string, name: string, kind: Kind, value: unknown, inExpression: boolean): unknown {
  const { expects, type, ok } = KINDS[kind.replace('?', '')] as (typeof KINDS)[string]
  if (value instanceof Exp) {
    if (!inExpression) {
      throw new InvalidArgumentError(`${verb}: '${name}' must be ${expects}; expressions belong into op.expWrite`)
    }
    if (type !== undefined && value.type !== undefined && !type.includes(value.type)) {
      throw new InvalidArgumentError(
        `${verb}: '${name}' must be an expression of type ${type.join(' or ')}, not ${value.type}`,
      )
    }
    return value
  }
  if (!ok(value)) throw new InvalidArgumentError(`${verb}: '${name}' must be ${expects}, not ${describe(value)}`)
  return inExpression && Array.isArray(value) ? quote(value) : value
}

/** The bits of an option's value, or undefined when it does not take it. */
function optionBits({ names, bits = 0, range }: Option, value: unknown): number | undefined {
  if (names !== undefined) return typeof value === 'string' && Object.hasOwn(names, value) ? names[value] : undefined
  if (range === undefined) return typeof value === 'boolean' ? (value ? bits : 0) : undefined
  const fits = Number.isInteger(value) && (value as number) >= range[0] && (value as number) <= range[1]
  return fits ? (value as number) : undefined
}

function expected({ names, range }: Option): string {
  if (names !== undefined) return quoted(Object.keys(names))
  return (range === undefined ? flag : whole(...range)).expects
}

/** What the options of a call say: slots, path and type. */
interface Said {
  readonly slots: Map<Slot, number>
  ctx: unknown
  type: Type | undefined
  returned: string | undefined
  padded: boolean
}

function readOptions(verb: string, signature: Signature, options: unknown, inExpression: boolean): Said {
  const said: Said = { slots: new Map(), ctx: undefined, type: undefined, returned: undefined, padded: false }
  if (options === undefined) return said
  const known = signature.options ?? {}
  const isTyped = inExpression && signature.selects !== undefined
  const isPadded = signature.creates === 'list'
  if (signature.wholeBin === true && isOptions(options) && (options as { ctx?: unknown }).ctx !== undefined) {
    throw new InvalidArgumentError(
      `${verb}: no server takes 'ctx' here: it works on the bin itself, and not on a value inside of a list or map`,
    )
  }
  checkNames(verb, options, [
    ...Object.keys(known),
    'ctx',
    ...(isTyped ? ['type'] : []),
    ...(isPadded ? ['padded'] : []),
  ])
  for (const [name, value] of Object.entries(options)) {
    const option = Object.hasOwn(known, name) ? known[name] : undefined
    if (name === 'ctx') said.ctx = value
    else if (name === 'type' && isTyped) {
      if (value !== undefined && !Object.hasOwn(VALUE_TYPES, value as string)) {
        throw badValue(verb, name, quoted(Object.keys(VALUE_TYPES)), value)
      }
      said.type = value as Type | undefined
    } else if (name === 'padded' && isPadded) {
      if (typeof value !== 'boolean') throw badValue(verb, name, 'true or false', value)
      said.padded = value
    } else if (option !== undefined && value !== undefined) {
      const bits = optionBits(option, value)
      if (bits === undefined) throw badValue(verb, name, expected(option), value)
      said.slots.set(option.slot, (said.slots.get(option.slot) ?? 0) | bits)
      if (name === 'return') said.returned = value as string
    }
  }
  return said
}

/** The call that a function of a family means. `given` is everything after the target. */
export function buildCall(verb: string, signature: Signature, given: readonly unknown[], inExpression: boolean): Call {
  const wire: unknown[] = []
  let listed: unknown
  let next = 0
  for (const [name, kind] of Object.entries(signature.args)) {
    const value = given[next]
    if (kind === 'values') listed = value
    const left = kind.endsWith('?') && (value === undefined || isOptions(value))
    if (!left || value === undefined) next++
    // An open end is not written at all, an open beginning as nil.
    if (left || (kind === 'end' && value == null)) continue
    wire.push(argument(verb, name, kind, kind === 'begin' ? (value ?? null) : value, inExpression))
  }
  if (given.length > next + 1) {
    throw new InvalidArgumentError(`${verb} takes ${next} arguments and options, not ${given.length}`)
  }
  const said = readOptions(verb, signature, given[next], inExpression)
  const selects = signature.selects
  const returned = said.returned ?? (signature.writes ? 'none' : 'value')
  if (selects !== undefined) {
    const bits = said.slots.get('returns') ?? 0
    wire.unshift(said.returned === undefined ? bits | (RETURNS[returned]?.code as number) : bits)
  }
  appendTail(wire, signature, said.slots, inExpression)
  const bits =
    signature.creates === undefined || said.ctx === undefined
      ? 0
      : createBits(signature.creates, said.slots.get('order') ?? 0, said.padded)
  const answer = selects === undefined ? signature.gives : RETURNS[returned]?.[selects]
  const type = answer === 'element' ? said.type : answer
  const safe = survivable(verb, signature, { code: signature.code, args: wire }, listed, inExpression)
  return { ...safe, path: encodeContext(said.ctx, verb, bits), type }
}

/** The call, or one that means the same and that servers survive. */
function survivable(
  verb: string,
  { selects, args }: Signature,
  wire: Wire,
  listed: unknown,
  inExpression: boolean,
): Wire {
  if (selects === 'many') return selectionByList(verb, wire, listed)
  if ('offset' in args) return bitsCutOff(verb, wire, inExpression)
  if ('index' in args && 'delta' in args) indexOfNewList(verb, wire)
  return wire
}

function appendTail(
  wire: unknown[],
  signature: Signature,
  slots: ReadonlyMap<Slot, number>,
  inExpression: boolean,
): void {
  const tail = signature.tail ?? []
  let count = inExpression && signature.together === undefined ? 0 : (signature.always ?? 0)
  tail.forEach((slot, i) => {
    if (slots.has(slot)) count = Math.max(count, signature.together ? tail.length : i + 1)
  })
  // A delta that was left out has to be said when something follows it.
  if (count > 0 && wire.length < Object.keys(signature.args).length && 'delta' in signature.args) wire.push(1)
  for (const slot of tail.slice(0, count)) {
    wire.push(slots.get(slot) ?? (slot === 'indexBits' || slot === 'minhashBits' ? -1 : 0))
  }
}

/** The functions of a family as operations: `(bin, ...arguments, options?)`. */
export function operationsOf<T>(family: Family): T {
  const functions = Object.entries(family.table).map(([name, signature]) => {
    const verb = `${family.name}.${name}`
    return [
      name,
      (bin: unknown, ...given: unknown[]): Operation => {
        if (typeof bin !== 'string') {
          throw new InvalidArgumentError(`${verb}: the bin name must be text, not ${describe(bin)}`)
        }
        return callOperation(family, bin, signature, buildCall(verb, signature, given, false))
      },
    ]
  })
  return Object.freeze(Object.fromEntries(functions)) as T
}

function callOperation(family: Family, bin: string, { writes }: Signature, { code, args, path }: Call): Operation {
  // Lists alone do not ask for an answer to every operation, the other families do (protocol 6.1).
  const needs = (writes ? Needs.write : Needs.read) | (family.name === 'lists' ? 0 : Needs.allAnswers)
  return new Operation(writes ? family.modify : family.read, bin, { kind: 'call', code, args, path }, needs)
}
