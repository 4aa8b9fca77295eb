// Checks of arguments: what a value is, and the error that says why it is refused.

import { types } from 'node:util'
import { AerospikeError, InvalidArgumentError, QueueFullError } from '../errors/classes.js'

/** What a message is about: a call or one of its rows. It becomes text when there is something to say. */
export interface Where {
  toString(): string
}

/** An object without a class, of whatever realm: its prototype is null or the root of a prototype chain. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A text as it may be shown: what stands before an `@` in a URL or a host is somebody's password. */
export function withoutCredentials(text: string): string {
  return text.replace(/(^|\/\/|,)\s*[^\s/@,]*:[^\s@,]*@/g, '$1***@')
}

/** What values of our own classes say of themselves in a message; the same in every copy of the package. */
export const DESCRIPTION = Symbol.for('aerospike-napi.description')

/**
 * An abort signal, whoever made it: another realm, a polyfill, a page for tests. Node's own functions ask no more of one.
 */
export function isAbortSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener, removeEventListener } = value as { readonly [name: string]: unknown }
  const listens = typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  return typeof aborted === 'boolean' && listens
}

/** What a refused value is, in the words of the message. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return value.length <= 40 ? JSON.stringify(withoutCredentials(value)) : `a string of ${value.length} characters`
    case 'number':
    case 'bigint':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    default: {
      if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
      if (types.isUint8Array(value)) return `${value.length} bytes`
      const own = (value as { [DESCRIPTION]?: unknown })[DESCRIPTION]
      if (typeof own === 'string') return own
      const name = (value as { constructor?: { name?: unknown } }).constructor?.name
      return typeof name === 'string' && name !== '' && name !== 'Object'
        ? `an instance of ${name}`
        : isPlain(value)
          ? 'an object'
          : 'an object with a prototype of its own'
    }
  }
}

/**
 * Turns whatever a getter, a Proxy or a check threw into the error the caller is promised. Its stack begins with the call: the
 * engine keeps ten frames, and those of our own checks would leave no room for the caller's.
 */
export function argumentError(error: unknown, where: string): AerospikeError {
  // Not the argument's fault, and too costly to be traced in a burst.
  if (error instanceof QueueFullError) return error
  if (error instanceof AerospikeError) {
    Error.captureStackTrace(error, argumentError)
    return error
  }
  let reason = 'what it threw cannot be shown'
  try {
    reason = error instanceof Error ? error.message : String(error)
  } catch {
    // A thrown object without a usable toString: the cause still carries it.
  }
  const what = where.includes(':') ? where : `${where}: an argument`
  return new InvalidArgumentError(`${what} could not be read: ${reason}`, { cause: error })
}
