// Privileges: what a role may do and where, as literals and as the codes of the protocol (section 11.4).

import type { NativePrivilege } from '../boundary/addon.js'
import { describe, isPlain } from '../checks/check.js'
import { checkNames, didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_NAMESPACE_SIZE, MAX_SET_SIZE } from '../limits.js'

/** Privileges that hold for the whole cluster. */
export type GlobalPrivilege = 'user-admin' | 'sys-admin' | 'data-admin' | 'udf-admin' | 'sindex-admin'

/** Privileges that can be limited to a namespace, or to a set of one. */
export type ScopedPrivilege =
  | 'read'
  | 'read-write'
  | 'read-write-udf'
  | 'write'
  | 'truncate'
  | 'masking-admin'
  | 'read-masked'
  | 'write-masked'

/** A privilege, and where it holds. Without `namespace` it holds everywhere; a `set` is always one of a namespace. */
export type Privilege =
  | GlobalPrivilege
  | ScopedPrivilege
  | { readonly privilege: GlobalPrivilege }
  | {
      readonly privilege: ScopedPrivilege
      readonly namespace?: string | undefined
      readonly set?: string | undefined
    }

/** The codes of all privileges. Those from 10 on have a scope. */
const CODES: { readonly [name in GlobalPrivilege | ScopedPrivilege]: number } = {
  'user-admin': 0,
  'sys-admin': 1,
  'data-admin': 2,
  'udf-admin': 3,
  'sindex-admin': 4,
  read: 10,
  'read-write': 11,
  'read-write-udf': 12,
  write: 13,
  truncate: 14,
  'masking-admin': 15,
  'read-masked': 16,
  'write-masked': 17,
}

const FIRST_SCOPED = 10
const FIELDS = ['privilege', 'namespace', 'set']
/** A byte says how many there are. */
const MAX_PRIVILEGES = 255

/** The names of all privileges. */
export const PRIVILEGES = Object.keys(CODES) as readonly (GlobalPrivilege | ScopedPrivilege)[]

/** Checks privileges, one or a list, and gives them in the core's terms. */
export function toNative(verb: string, privileges: unknown): NativePrivilege[] {
  const isOne =
    typeof privileges === 'string' ||
    (typeof privileges === 'object' && privileges !== null && 'privilege' in privileges)
  const list = isOne ? [privileges] : privileges
  if (!Array.isArray(list)) {
    throw new InvalidArgumentError(`${verb}: privileges must be a list, not ${describe(privileges)}`)
  }
  if (list.length > MAX_PRIVILEGES) {
    throw new InvalidArgumentError(`${verb}: at most ${MAX_PRIVILEGES} privileges at once, not ${list.length}`)
  }
  return list.map((privilege, i) => one(`${verb}: privileges[${i}]`, privilege))
}

function one(place: string, given: unknown): NativePrivilege {
  const object = typeof given === 'string' ? { privilege: given } : given
  if (typeof object !== 'object' || object === null || !isPlain(object)) {
    throw new InvalidArgumentError(`${place} must be a privilege or an object with one, not ${describe(given)}`)
  }
  checkNames(place, object, FIELDS, 'a privilege has no field')
  const { privilege, namespace, set } = object as { privilege?: unknown; namespace?: unknown; set?: unknown }
  if (typeof privilege !== 'string' || !Object.hasOwn(CODES, privilege)) {
    const hint = typeof privilege === 'string' ? didYouMean(privilege, PRIVILEGES) : ''
    throw new InvalidArgumentError(`${place}: there is no privilege ${describe(privilege)}${hint}`)
  }
  const code = CODES[privilege as keyof typeof CODES]
  const scope = {
    namespace: part(place, 'namespace', namespace, MAX_NAMESPACE_SIZE),
    set: part(place, 'set', set, MAX_SET_SIZE),
  }
  if (code < FIRST_SCOPED && (scope.namespace !== '' || scope.set !== '')) {
    throw new InvalidArgumentError(`${place}: '${privilege}' holds for the whole cluster and takes no namespace or set`)
  }
  if (scope.set !== '' && scope.namespace === '') {
    throw new InvalidArgumentError(`${place}: a set needs its namespace`)
  }
  return { code, ...scope }
}

function part(place: string, name: string, value: unknown, most: number): string {
  if (value === undefined) return ''
  if (typeof value === 'string' && Buffer.byteLength(value) <= most) return value
  throw new InvalidArgumentError(`${place}: ${name} must be text of at most ${most} bytes, not ${describe(value)}`)
}

/** A privilege as a server tells it: its name alone where it holds everywhere. */
export function fromNative({ code, namespace, set }: NativePrivilege): Privilege {
  // a server that is newer than this client may know others
  const privilege = (PRIVILEGES.find((name) => CODES[name] === code) ?? `privilege-${code}`) as ScopedPrivilege
  if (namespace === '') return privilege
  return set === '' ? { privilege, namespace } : { privilege, namespace, set }
}
