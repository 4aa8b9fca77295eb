// What options make of policies. A policy is made once for the client's defaults; a call without options uses that one as it
// is, a call with options copies it and applies what it names, nothing else.

import { describe, isPlain } from '../checks/check.js'
import { badValue, didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { EXISTENCE, GENERATION, Info2 } from '../protocol.js'
import type { Codecs } from '../values/codecs.js'
import type { Membership } from './membership.js'
import { copyPolicy, OnPartial, Policy } from './policy.js'
import { bits, OPTIONS, type Option, Takes } from './table.js'

/**
 * `base` with what `options` says, for the calls in `takes`.
 *
 * @param extra names that the call itself reads from the same object, such as `bins` of a batch read
 * @param also calls one of which has to take an option too
 */
export function applyOptions(
  base: Policy,
  options: unknown,
  takes: number,
  verb: string,
  extra?: readonly string[],
  also = ~0,
): Policy {
  if (typeof options !== 'object' || options === null || !isPlain(options)) {
    throw new InvalidArgumentError(`${verb}: options must be a plain object, not ${describe(options)}`)
  }
  const policy = copyPolicy(base)
  for (const name of Object.keys(options)) {
    if (extra?.includes(name) === true) continue
    const value = (options as { [name: string]: unknown })[name]
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    if (option === undefined || (option.takes & takes) === 0 || (option.takes & also) === 0)
      throw unknownOption(name, takes, verb, option !== undefined, extra, also)
    // A value that is undefined is an option that was not given: { signal: maybeSignal }.
    if (value !== undefined && !option.apply(policy, value)) throw badValue(verb, name, option.expects, value)
  }
  const { ttl, expiresAt } = options as { readonly ttl?: unknown; readonly expiresAt?: unknown }
  if (expiresAt !== undefined && ttl !== undefined) {
    throw new InvalidArgumentError(`${verb}: options 'ttl' and 'expiresAt' both say when the record expires; give one`)
  }
  if (base.forced !== undefined) force(policy, base.forced)
  if (policy.generationGiven) policy.info2 = bits(policy.info2, GENERATION, policy.generationBit)
  if (policy.transaction !== base.transaction) {
    const { durableDelete, onPartial } = options as { readonly [name: string]: unknown }
    if (durableDelete === undefined) policy.info2 |= Info2.durableDelete
    if (onPartial === undefined) policy.onPartial = OnPartial.throw
  }
  return policy
}

function force(policy: Policy, options: { readonly [name: string]: unknown }): void {
  for (const [name, value] of Object.entries(options)) (OPTIONS[name] as Option).apply(policy, value)
}

/**
 * Policies under options that hold whatever a call says, by the names of the policies.
 *
 * @param options checked already
 */
export function policiesUnder(
  policies: Policies,
  options: { readonly [policy: string]: { readonly [name: string]: unknown } },
): Policies {
  const forced = Object.entries(options).map(([name, said]) => {
    const policy = copyPolicy(policies[name as 'read'])
    policy.forced = said
    force(policy, said)
    return [name, policy] as const
  })
  return { ...policies, ...Object.fromEntries(forced) }
}

/** What calls of a transaction do that say nothing else: they fail as a whole, and what they remove is removed durably. */
export function inTransaction(base: Policy, transaction: Membership): Policy {
  const policy = copyPolicy(base)
  policy.transaction = transaction
  policy.info2 |= Info2.durableDelete
  policy.onPartial = OnPartial.throw
  return policy
}

function unknownOption(
  name: string,
  takes: number,
  verb: string,
  elsewhere: boolean,
  extra: readonly string[] = [],
  also = ~0,
): InvalidArgumentError {
  if (elsewhere) return new InvalidArgumentError(`${verb}: option '${name}' does not apply to this call`)
  const isKnown = ({ takes: taken }: Option): boolean => (taken & takes) !== 0 && (taken & also) !== 0
  const names = [...extra, ...Object.keys(OPTIONS).filter((known) => isKnown(OPTIONS[known] as Option))]
  return new InvalidArgumentError(`${verb}: there is no option '${name}'${didYouMean(name, names)}`)
}

/** The policies of calls in the info protocol: of those that look, and of those that change the cluster. */
export interface InfoPolicies {
  readonly look: Policy
  readonly change: Policy
}

/** The policies of a client: what a call uses that gives no options. */
export interface Policies {
  readonly read: Policy
  readonly write: Policy
  readonly remove: Policy
  /** Of `operate` without operations that write, and with some. */
  readonly operateRead: Policy
  readonly operateWrite: Policy
  readonly apply: Policy
  readonly batchRead: Policy
  readonly batchWrite: Policy
  readonly query: Policy
  readonly scan: Policy
  readonly info: InfoPolicies
  readonly codecs: Codecs | undefined
  /** The defaults as they were given, by group. */
  readonly given: Groups
}

/** The groups of `connect({ defaults })`, and the calls whose options each may have. */
const GROUPS = {
  read: Takes.read,
  write: Takes.write | Takes.remove,
  operate: Takes.operate,
  remove: Takes.remove,
  apply: Takes.apply,
  batch: Takes.batch | Takes.batchRead | Takes.batchWrite | Takes.batchApply,
  query: Takes.query | Takes.aggregate | Takes.job,
  scan: Takes.query | Takes.aggregate | Takes.job,
  info: Takes.info,
} as const

/** A group of defaults. */
export type Group = keyof typeof GROUPS
type Groups = { readonly [name in Group]: { readonly [option: string]: unknown } }

/** Of options those that the calls of a group take. */
export function ofGroup(group: Group, options: { readonly [option: string]: unknown }): Groups[Group] {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => ((OPTIONS[name] as Option).takes & GROUPS[group]) !== 0),
  )
}

/** Milliseconds for what changes the whole cluster: that takes an agreement of all nodes. */
const CHANGE_MS = 5000

/** What the info protocol does where nothing else is said. */
export const STANDARD_INFO: InfoPolicies = {
  look: new Policy(),
  change: Object.assign(new Policy(), { totalTimeout: CHANGE_MS }),
}

/** The policy of removals: that of writes, without what means nothing to a removal. */
function removalOf(write: Policy): Policy {
  const remove = copyPolicy(write)
  remove.ttl = 0
  remove.info2 &= ~Info2.createOnly
  remove.info3 &= ~EXISTENCE
  return remove
}

/** The defaults of a group: what holds already, and what is given over it. */
function overGroup(verb: string, name: Group, known: object, given: unknown): Groups[Group] {
  const place = `${verb}: defaults.${name}`
  const said = given ?? {}
  if (typeof said !== 'object' || !isPlain(said)) {
    throw new InvalidArgumentError(`${place}: options must be a plain object, not ${describe(said)}`)
  }
  // Checked by itself: what was given before was checked then.
  applyOptions(new Policy(), said, Takes.defaults, place, undefined, GROUPS[name])
  return { ...known, ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) }
}

/**
 * Resolves `defaults` of `connect` or `client.with`: its groups, over what holds without them.
 *
 * @param verb the call that they were given to
 */
export function resolveDefaults(defaults: unknown, verb = 'connect', base?: Policies): Policies {
  const groups = (defaults ?? {}) as { [group: string]: unknown }
  if (typeof groups !== 'object' || !isPlain(groups)) {
    throw new InvalidArgumentError(`${verb}: option 'defaults' must be a plain object, not ${describe(defaults)}`)
  }
  const names = Object.keys(GROUPS) as Group[]
  for (const name of Object.keys(groups)) {
    if (!Object.hasOwn(GROUPS, name)) {
      throw new InvalidArgumentError(`${verb}: there is no group '${name}' of defaults${didYouMean(name, names)}`)
    }
  }
  const given = Object.fromEntries(
    names.map((name) => [name, overGroup(verb, name, base?.given[name] ?? {}, groups[name])]),
  ) as Groups
  return policiesOf(given, base?.codecs)
}

/** What a client does that was given these defaults. The more special group counts: `remove` over `write`. */
function policiesOf(given: Groups, codecs: Codecs | undefined): Policies {
  const over = (policy: Policy, name: Group): Policy => applyOptions(policy, given[name], Takes.defaults, name)
  const plain = new Policy()
  plain.codecs = codecs
  // A write may have happened although it failed; trying again is the caller's decision.
  const single = copyPolicy(plain)
  single.maxRetries = 0
  // How long a query takes is a matter of how much there is; that it is not stuck, the socket timeout sees to.
  const many = copyPolicy(plain)
  many.totalTimeout = 0
  many.maxRetries = 5
  const read = over(plain, 'read')
  const write = over(single, 'write')
  const query = over(many, 'query')
  return {
    read,
    write,
    remove: over(removalOf(write), 'remove'),
    operateRead: over(read, 'operate'),
    operateWrite: over(write, 'operate'),
    apply: over(write, 'apply'),
    batchRead: over(plain, 'batch'),
    batchWrite: over(single, 'batch'),
    query,
    scan: over(query, 'scan'),
    info: { look: over(STANDARD_INFO.look, 'info'), change: over(STANDARD_INFO.change, 'info') },
    codecs,
    given,
  }
}

/** Policies with codecs, or without any. */
export function policiesWithCodecs(policies: Policies, codecs: Codecs | undefined): Policies {
  return policiesOf(policies.given, codecs)
}
