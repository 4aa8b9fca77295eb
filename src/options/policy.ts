// The resolved form of options: numbers ready for the request. A policy is made once for the client's defaults; a call
// without
// options uses that one as it is, a call with options copies it and applies what it names, nothing else.

import { describe, isPlain } from '../checks/check.js'
import { badValue, didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { EXISTENCE, GENERATION, Info2 } from '../protocol.js'
import type { Codecs } from '../values/codecs.js'
import type { Exp } from '../values/expression.js'
import type { Membership } from './membership.js'
import { bits, Inline, OnPartial, OPTIONS, type Option, Takes } from './table.js'

/** The options of a call in the form a request needs. */
export class Policy {
  totalTimeout = 1000
  socketTimeout = 30_000
  sleepBetweenRetries = 0
  maxRetries = 2
  /** How often a batch sends a row again that was turned away for now: `maxRetries` where that is given. */
  refusalRetries = 5
  replica = 0
  idempotent = 0
  sendKey = false
  info1 = 0
  info2 = 0
  info3 = 0
  generation = 0
  generationBit: number = Info2.generation
  generationGiven = false
  ttl = 0
  readTouch = 0
  mode = 0
  signal: AbortSignal | undefined = undefined
  transaction: Membership | undefined = undefined
  filter: Exp<'bool'> | undefined = undefined
  inline: number = Inline.memory
  maxKeysPerRequest = 0
  maxResponseBytes = 0
  maxRequestBytes = 0
  concurrency = 0
  omitUndefined = false
  onPartial: number = OnPartial.throwIfNothing
  /** How bins are kept that are not kept as they are: of records as a whole, not of what operations see. */
  codecs: Codecs | undefined = undefined
}

/** A policy like `base`, to be changed by one call. */
export function copyPolicy(base: Policy): Policy {
  return Object.assign(new Policy(), base)
}

/**
 * `base` with what `options` says, for the calls in `takes`.
 *
 * @param extra names that the call itself reads from the same object, such as `bins` of a batch read
 */
export function applyOptions(
  base: Policy,
  options: unknown,
  takes: number,
  verb: string,
  extra?: readonly string[],
): Policy {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`${verb}: options must be a plain object, not ${describe(options)}`)
  }
  const policy = copyPolicy(base)
  for (const name of Object.keys(options)) {
    if (extra?.includes(name) === true) continue
    const value = (options as { [name: string]: unknown })[name]
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    if (option === undefined || (option.takes & takes) === 0)
      throw unknownOption(name, takes, verb, option !== undefined, extra)
    // A value that is undefined is an option that was not given: { signal: maybeSignal }.
    if (value !== undefined && !option.apply(policy, value)) throw badValue(verb, name, option.expects, value)
  }
  if (policy.generationGiven) policy.info2 = bits(policy.info2, GENERATION, policy.generationBit)
  if (policy.transaction !== base.transaction) {
    const { durableDelete, onPartial } = options as { readonly [name: string]: unknown }
    if (durableDelete === undefined) policy.info2 |= Info2.durableDelete
    if (onPartial === undefined) policy.onPartial = OnPartial.throw
  }
  return policy
}

/** What calls of a transaction do that say nothing else: they fail as a whole, and what they remove is removed durably. */
export function inTransaction(base: Policy, transaction: Membership): Policy {
  const policy = copyPolicy(base)
  policy.transaction = transaction
  policy.info2 |= Info2.durableDelete
  policy.onPartial = OnPartial.throw
  return policy
}

/** The socket timeout of a call: it never outlasts the call. The policy keeps its own, for calls with another total. */
export function socketTimeoutOf({ socketTimeout, totalTimeout }: Policy): number {
  return totalTimeout > 0 && (socketTimeout === 0 || socketTimeout > totalTimeout) ? totalTimeout : socketTimeout
}

function unknownOption(
  name: string,
  takes: number,
  verb: string,
  elsewhere: boolean,
  extra: readonly string[] = [],
): InvalidArgumentError {
  if (elsewhere) return new InvalidArgumentError(`${verb}: option '${name}' does not apply to this call`)
  const names = [...extra, ...Object.keys(OPTIONS).filter((known) => ((OPTIONS[known] as Option).takes & takes) !== 0)]
  return new InvalidArgumentError(`${verb}: there is no option '${name}'${didYouMean(name, names)}`)
}

/** The policies of a client: what a call uses that gives no options. */
export interface Policies {
  readonly read: Policy
  readonly write: Policy
  readonly remove: Policy
  readonly batchRead: Policy
  readonly batchWrite: Policy
  readonly query: Policy
  /** The defaults as they were given. */
  readonly given: { readonly batch: { readonly [name: string]: unknown } }
}

/** The groups of `connect({ defaults })`. */
const GROUPS = ['read', 'write', 'batch', 'query']

/** What a client does that was given no defaults. */
function standardPolicies(): Policies {
  const read = new Policy()
  const write = copyPolicy(read)
  // A write may have happened although it failed; trying again is the caller's decision.
  write.maxRetries = 0
  const query = copyPolicy(read)
  // How long a query takes is a matter of how much there is; that it is not stuck, the socket timeout sees to.
  query.totalTimeout = 0
  query.maxRetries = 5
  return { read, write, remove: removalOf(write), batchRead: read, batchWrite: write, query, given: { batch: {} } }
}

/** The policy of removals: that of writes, without what means nothing to a removal. */
function removalOf(write: Policy): Policy {
  const remove = copyPolicy(write)
  remove.ttl = 0
  remove.info2 &= ~Info2.createOnly
  remove.info3 &= ~EXISTENCE
  return remove
}

/**
 * Resolves `defaults` of `connect` or `client.with`: its groups, over what holds without them.
 *
 * @param verb the call that they were given to
 */
export function resolveDefaults(defaults: unknown, verb = 'connect', base: Policies = standardPolicies()): Policies {
  const groups = (defaults ?? {}) as { [group: string]: unknown }
  if (typeof groups !== 'object' || !isPlain(groups)) {
    throw new InvalidArgumentError(`${verb}: option 'defaults' must be a plain object, not ${describe(defaults)}`)
  }
  for (const name of Object.keys(groups)) {
    if (!GROUPS.includes(name)) {
      throw new InvalidArgumentError(`${verb}: there is no group '${name}' of defaults${didYouMean(name, GROUPS)}`)
    }
  }
  const group = (policy: Policy, name: string): Policy =>
    applyOptions(policy, groups[name] ?? {}, Takes.defaults, `${verb}: defaults.${name}`)
  const write = group(base.write, 'write')
  return {
    read: group(base.read, 'read'),
    write,
    remove: removalOf(write),
    batchRead: group(base.batchRead, 'batch'),
    batchWrite: group(base.batchWrite, 'batch'),
    query: group(base.query, 'query'),
    given: { batch: { ...base.given.batch, ...(groups.batch as object | undefined) } },
  }
}

/** Policies with codecs, or without any. */
export function policiesWithCodecs(policies: Policies, codecs: Codecs | undefined): Policies {
  const { read, write, remove, batchRead, batchWrite, query } = policies
  const all = { read, write, remove, batchRead, batchWrite, query }
  const changed = Object.entries(all).map(([name, policy]) => {
    const copy = copyPolicy(policy)
    copy.codecs = codecs
    return [name, copy]
  })
  return { ...policies, ...Object.fromEntries(changed) }
}
