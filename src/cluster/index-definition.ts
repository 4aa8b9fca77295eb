// The definition of an index, checked and as the command that creates it (protocol 4.7).

import { describe, isPlain } from '../checks/check.js'
import { checkNames, checkOption, oneOf } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_BIN_NAME_SIZE, MAX_INDEX_NAME, MAX_NAMESPACE_SIZE, MAX_SET_SIZE } from '../limits.js'
import { type Context, encodeContext } from '../operations/ctx.js'
import { type AnyExp, Exp } from '../values/expression.js'
import { checkName } from './info-request.js'

/** The values an index is of. */
export type IndexType = 'numeric' | 'string' | 'blob' | 'geo2dsphere'

/** What is indexed of a collection: the elements of a list, or the keys or values of a map. */
export type IndexCollection = 'list' | 'mapKeys' | 'mapValues'

interface IndexBase {
  readonly namespace: string
  /** The set whose records are indexed; without one those of the whole namespace. */
  readonly set?: string | undefined
  /** The name of the index in its namespace, at most 63 bytes. */
  readonly name: string
  /** `numeric` integers, `string`, `blob` bytes, `geo2dsphere` GeoJSON. Values of other types are not in the index. */
  readonly type: IndexType
  /** Indexes what is inside a collection; without it the value itself. */
  readonly collection?: IndexCollection | undefined
}

/** An index to be created: of a bin, or of something inside it, or of what an expression makes of a record. */
export type IndexDefinition = IndexBase &
  (
    | {
        readonly bin: string
        /** The way from the bin to the value, for what is nested in it. */
        readonly ctx?: Context | undefined
        readonly expression?: undefined
      }
    | {
        /** Servers from 8.1 on. */
        readonly expression: AnyExp
        readonly bin?: undefined
        readonly ctx?: undefined
      }
  )

/** Names in our terms and on the wire. */
const TYPES: { readonly [name: string]: string } = {
  numeric: 'NUMERIC',
  string: 'STRING',
  blob: 'BLOB',
  geo2dsphere: 'GEO2DSPHERE',
}
const COLLECTIONS: { readonly [name: string]: string } = { list: 'LIST', mapKeys: 'MAPKEYS', mapValues: 'MAPVALUES' }

const FIELDS = ['namespace', 'set', 'bin', 'name', 'type', 'collection', 'ctx', 'expression']

const MAX_CONTEXT = 2047
const MAX_EXPRESSION = 16 * 1024 - 1

/** An index that is to be created, checked: everything is text for the command. */
export interface CheckedIndex {
  readonly namespace: string
  readonly name: string
  /** The command's parameters after the namespace. @param modern for servers from 8.1 on */
  parameters(modern: boolean): string
}

/** Checks a definition. */
export function checkDefinition(verb: string, given: unknown): CheckedIndex {
  if (typeof given !== 'object' || given === null || !isPlain(given)) {
    throw new InvalidArgumentError(`${verb}: the index must be a plain object, not ${describe(given)}`)
  }
  checkNames(verb, given, FIELDS, 'an index has no')
  const definition = { ...given } as { readonly [name: string]: unknown }
  const namespace = checkName(verb, 'namespace', definition.namespace, MAX_NAMESPACE_SIZE)
  const name = checkName(verb, 'name', definition.name, MAX_INDEX_NAME)
  const set =
    definition.set == null || definition.set === ''
      ? []
      : [`set=${checkName(verb, 'set', definition.set, MAX_SET_SIZE)}`]
  const type = choice(verb, 'type', definition.type, TYPES)
  const collection =
    definition.collection === undefined
      ? []
      : [`indextype=${choice(verb, 'collection', definition.collection, COLLECTIONS)}`]
  const { expression } = definition
  if ((definition.bin === undefined) === (expression === undefined)) {
    throw new InvalidArgumentError(`${verb}: an index is either of a bin or of an expression`)
  }
  if (expression !== undefined) {
    if (definition.ctx !== undefined) {
      throw new InvalidArgumentError(`${verb}: the index of an expression has no ctx; the expression itself says where`)
    }
    const text = expressionText(verb, expression)
    const all = [...set, `indexname=${name}`, ...collection, `exp=${text}`, `type=${type}`]
    return { namespace, name, parameters: () => all.join(';') }
  }
  const bin = checkName(verb, 'bin', definition.bin, MAX_BIN_NAME_SIZE)
  const front = [...set, `indexname=${name}`, ...contextText(verb, definition.ctx), ...collection]
  const parameters = (modern: boolean): string =>
    [...front, ...(modern ? [`bin=${bin}`, `type=${type}`] : [`indexdata=${bin},${type}`])].join(';')
  return { namespace, name, parameters }
}

function choice(verb: string, name: string, value: unknown, table: { readonly [name: string]: string }): string {
  checkOption(verb, name, oneOf(table), value)
  return table[value as string] as string
}

function contextText(verb: string, path: unknown): string[] {
  const encoded = encodeContext(path, verb)
  if (encoded === undefined) return []
  const text = Buffer.from(encoded.bytes).toString('base64')
  if (text.length <= MAX_CONTEXT) return [`context=${text}`]
  throw new InvalidArgumentError(`${verb}: the ctx is too long: ${text.length} characters, at most ${MAX_CONTEXT}`)
}

function expressionText(verb: string, expression: unknown): string {
  if (!(expression instanceof Exp)) {
    throw new InvalidArgumentError(`${verb}: the expression must be one of exp, not ${describe(expression)}`)
  }
  const text = expression.toBase64()
  if (text.length <= MAX_EXPRESSION) return text
  throw new InvalidArgumentError(
    `${verb}: the expression is too long: ${text.length} characters, at most ${MAX_EXPRESSION}`,
  )
}
