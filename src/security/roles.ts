// The roles of a cluster: `client.roles`.

import type { NativeRole } from '../boundary/addon.js'
import { describe } from '../checks/check.js'
import type { InfoContext } from '../cluster/info-request.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_UINT32 } from '../limits.js'
import { fromNative, type Privilege, toNative } from './privileges.js'
import { type AdminOptions, checkName, request } from './request.js'

/** How much users of a role may do, at each node. */
export interface Quotas {
  /** Records read in a second; 0 for any number. */
  readonly readQuota?: number | undefined
  /** Records written in a second; 0 for any number. */
  readonly writeQuota?: number | undefined
}

/** Options of `roles.create`. */
export interface CreateRoleOptions extends AdminOptions, Quotas {
  /** What users of the role may do: one privilege or a list. Default nothing. */
  readonly privileges?: Privilege | readonly Privilege[] | undefined
  /** Addresses and networks that users of the role may come from, such as `'10.0.0.0/8'`. Default: from everywhere. */
  readonly allowlist?: readonly string[] | undefined
}

/** A role. */
export interface Role extends Required<Quotas> {
  readonly name: string
  readonly privileges: readonly Privilege[]
  /** Addresses and networks; empty for everywhere. */
  readonly allowlist: readonly string[]
  readonly readQuota: number
  readonly writeQuota: number
}

const CREATE_OPTIONS = ['privileges', 'allowlist', 'readQuota', 'writeQuota']
const QUOTAS = ['readQuota', 'writeQuota'] as const
/** No server takes a list as long. */
const MAX_ALLOWLIST = 64 * 1024

/** The roles of the cluster. Every call needs the privilege `user-admin`. A privilege's name is also the name of the role that has just it. */
export class Roles {
  readonly #context: InfoContext

  /** @internal */
  constructor(context: InfoContext) {
    this.#context = context
  }

  /**
   * Makes a role.
   *
   * @throws RoleExistsError when there is one of that name
   * @throws QuotasNotEnabledError when it has quotas and the servers keep none
   * @example
   * await client.roles.create('reporter', {
   *   privileges: ['udf-admin', { privilege: 'read', namespace: 'test', set: 'demo' }],
   *   allowlist: ['10.0.0.0/8', '127.0.0.1'],
   * })
   */
  async create(role: string, options: CreateRoleOptions = {}): Promise<void> {
    const verb = 'roles.create'
    const call = {
      verb: 'createRole',
      name: checkName(verb, 'role', role),
      privileges: toNative(verb, options?.privileges ?? []),
      allowlist: checkAllowlist(verb, options?.allowlist ?? []),
      ...checkQuotas(verb, options),
    }
    await request(this.#context, verb, call, options, CREATE_OPTIONS)
  }

  /** Removes a role, also from the users who have it. @throws InvalidRoleError when there is none @example await client.roles.drop('reporter') */
  async drop(role: string, options?: AdminOptions): Promise<void> {
    const verb = 'roles.drop'
    await request(this.#context, verb, { verb: 'dropRole', name: checkName(verb, 'role', role) }, options)
  }

  /** Adds privileges to a role. @example await client.roles.grant('reporter', { privilege: 'write', namespace: 'test' }) */
  async grant(role: string, privileges: Privilege | readonly Privilege[], options?: AdminOptions): Promise<void> {
    await this.#changePrivileges('roles.grant', 'grantPrivileges', role, privileges, options)
  }

  /** Takes privileges from a role: those it has with just that scope. @example await client.roles.revoke('reporter', 'udf-admin') */
  async revoke(role: string, privileges: Privilege | readonly Privilege[], options?: AdminOptions): Promise<void> {
    await this.#changePrivileges('roles.revoke', 'revokePrivileges', role, privileges, options)
  }

  /**
   * Says from where users of a role may log in: from everywhere with an empty list.
   *
   * @throws InvalidWhitelistError when the servers cannot read an address
   * @example await client.roles.setAllowlist('reporter', ['192.168.1.0/24'])
   */
  async setAllowlist(role: string, allowlist: readonly string[], options?: AdminOptions): Promise<void> {
    const verb = 'roles.setAllowlist'
    const name = checkName(verb, 'role', role)
    const call = { verb: 'setAllowlist', name, allowlist: checkAllowlist(verb, allowlist) }
    await request(this.#context, verb, call, options)
  }

  /**
   * Sets how much users of a role may do; what is not given stays.
   *
   * @throws QuotasNotEnabledError when the servers keep none
   * @example await client.roles.setQuotas('reporter', { readQuota: 1000 })
   */
  async setQuotas(role: string, quotas: Quotas, options?: AdminOptions): Promise<void> {
    const verb = 'roles.setQuotas'
    if (typeof quotas !== 'object' || quotas === null) {
      throw new InvalidArgumentError(`${verb}: quotas must be an object, not ${describe(quotas)}`)
    }
    const call = { verb: 'setQuotas', name: checkName(verb, 'role', role), ...checkQuotas(verb, quotas) }
    if (call.readQuota === undefined && call.writeQuota === undefined) {
      throw new InvalidArgumentError(`${verb}: give readQuota, writeQuota or both`)
    }
    await request(this.#context, verb, call, options)
  }

  /** What a role is. @throws InvalidRoleError when there is none @example (await client.roles.get('reporter')).privileges */
  async get(role: string, options?: AdminOptions): Promise<Role> {
    const verb = 'roles.get'
    const call = { verb: 'queryRoles', name: checkName(verb, 'role', role) }
    const { roles } = await request(this.#context, verb, call, options)
    return roleOf(roles[0] ?? { role, privileges: [], allowlist: '', readQuota: 0, writeQuota: 0 })
  }

  /** All roles, by name; those that are named as the one privilege they have are among them. @example await client.roles.list() */
  async list(options?: AdminOptions): Promise<Role[]> {
    const { roles } = await request(this.#context, 'roles.list', { verb: 'queryRoles' }, options)
    return roles.map(roleOf)
  }

  async #changePrivileges(
    verb: string,
    change: string,
    role: unknown,
    privileges: unknown,
    options: unknown,
  ): Promise<void> {
    const call = { verb: change, name: checkName(verb, 'role', role), privileges: toNative(verb, privileges) }
    await request(this.#context, verb, call, options)
  }
}

function roleOf({ role, privileges, allowlist, readQuota, writeQuota }: NativeRole): Role {
  const list = allowlist === '' ? [] : allowlist.split(',').map((part) => part.trim())
  return { name: role, privileges: privileges.map(fromNative), allowlist: list, readQuota, writeQuota }
}

function checkAllowlist(verb: string, allowlist: unknown): string {
  const isAddress = (part: unknown): part is string =>
    typeof part === 'string' && /^[0-9a-fA-F.:]+(\/\d{1,3})?$/.test(part)
  if (!Array.isArray(allowlist)) {
    throw new InvalidArgumentError(`${verb}: allowlist must be a list of addresses, not ${describe(allowlist)}`)
  }
  for (const part of allowlist) {
    if (isAddress(part)) continue
    throw new InvalidArgumentError(
      `${verb}: allowlist: ${describe(part)} is no address and no network such as '10.0.0.0/8'`,
    )
  }
  const text = allowlist.join(',')
  if (text.length <= MAX_ALLOWLIST) return text
  throw new InvalidArgumentError(`${verb}: allowlist is longer than ${MAX_ALLOWLIST} bytes`)
}

function checkQuotas(verb: string, quotas: Quotas | null | undefined): { readQuota?: number; writeQuota?: number } {
  const checked: { readQuota?: number; writeQuota?: number } = {}
  for (const name of QUOTAS) {
    const quota = quotas?.[name]
    if (quota === undefined) continue
    // all ones are how old clients say that a quota stays as it is
    if (!Number.isInteger(quota) || quota < 0 || quota >= MAX_UINT32) {
      throw new InvalidArgumentError(
        `${verb}: ${name} must be a whole number of records a second, not ${describe(quota)}`,
      )
    }
    checked[name] = quota
  }
  return checked
}
