// The users of a cluster: `client.users`.

import type { NativeUsage, NativeUser } from '../boundary/addon.js'
import type { InfoContext } from '../cluster/info-request.js'
import { type AdminOptions, checkName, checkPassword, checkRoles, request } from './request.js'

/** Options of `users.create` and `users.createPki`. */
export interface CreateUserOptions extends AdminOptions {
  /** Names of roles: one or a list. Default none. */
  readonly roles?: string | readonly string[] | undefined
}

/** Options of `users.changePassword`. */
export interface ChangePasswordOptions extends AdminOptions {
  /** The password until now. Default: the one that this client logged in with. */
  readonly oldPassword?: string | undefined
}

/** What a user does at one node at the moment, of reads or of writes. */
export interface Usage {
  /** Records in a second that are allowed; 0 for any number. */
  readonly quota: number
  /** Records in a second by commands on single records and batches. */
  readonly singleRecordTps: number
  /** Records in a second that queries with a limit may take together. */
  readonly queryRpsLimited: number
  /** Queries without a limit. */
  readonly queryLimitless: number
}

/** A user. */
export interface User {
  readonly name: string
  /** Names of roles, sorted. */
  readonly roles: readonly string[]
  /** Connections in use at the node that was asked. */
  readonly connections: number
  /** What the user reads there; only where quotas are enabled. */
  readonly reads: Usage | undefined
  /** What the user writes there; only where quotas are enabled. */
  readonly writes: Usage | undefined
}

/**
 * The users of the cluster. Each call goes to one node, which tells the others; a real cluster needs a moment for that.
 * All but `changePassword`, and `get` of oneself, need the privilege `user-admin`.
 */
export class Users {
  readonly #context: InfoContext

  /** @internal */
  constructor(context: InfoContext) {
    this.#context = context
  }

  /**
   * Makes a user with a password of at most 63 bytes.
   *
   * @throws UserExistsError when there is one of that name
   * @example await client.users.create('bob', 'secret', { roles: ['read-write'] })
   */
  async create(user: string, password: string, options: CreateUserOptions = {}): Promise<void> {
    const verb = 'users.create'
    const call = { name: checkName(verb, 'user', user), password: checkPassword(verb, password) }
    const roles = checkRoles(verb, options?.roles ?? [])
    await request(this.#context, verb, { verb: 'createUser', ...call, roles }, options, ['roles'])
  }

  /**
   * Makes a user who has no password and logs in by certificate: the subject's common name is the user's name. Servers
   * from 8.1 on.
   *
   * @throws UserExistsError when there is one of that name
   * @example await client.users.createPki('service-7', { roles: ['read'] })
   */
  async createPki(user: string, options: CreateUserOptions = {}): Promise<void> {
    const verb = 'users.createPki'
    const call = {
      verb: 'createUser',
      name: checkName(verb, 'user', user),
      roles: checkRoles(verb, options?.roles ?? []),
    }
    await request(this.#context, verb, call, options, ['roles'])
  }

  /** Removes a user. @throws InvalidUserError when there is none @example await client.users.drop('bob') */
  async drop(user: string, options?: AdminOptions): Promise<void> {
    const verb = 'users.drop'
    await request(this.#context, verb, { verb: 'dropUser', name: checkName(verb, 'user', user) }, options)
  }

  /**
   * Gives any user another password. When it is this client's own, the client logs in with it from then on.
   *
   * @throws InvalidUserError when there is no such user
   * @throws ForbiddenPasswordError for a user who logs in by certificate
   * @example await client.users.setPassword('bob', 'new secret')
   */
  async setPassword(user: string, password: string, options?: AdminOptions): Promise<void> {
    const verb = 'users.setPassword'
    const call = { name: checkName(verb, 'user', user), password: checkPassword(verb, password) }
    await request(this.#context, verb, { verb: 'setPassword', ...call }, options)
  }

  /**
   * Gives the user that this client is logged in as another password, and logs in with it from then on. Needs no privilege.
   *
   * @throws InvalidPasswordError when the old password is not right
   * @example await client.users.changePassword('ann', 'new secret')
   */
  async changePassword(user: string, password: string, options: ChangePasswordOptions = {}): Promise<void> {
    const verb = 'users.changePassword'
    const call = { name: checkName(verb, 'user', user), password: checkPassword(verb, password) }
    const old = options?.oldPassword
    const oldPassword = old === undefined ? {} : { oldPassword: checkPassword(verb, old) }
    await request(this.#context, verb, { verb: 'changePassword', ...call, ...oldPassword }, options, ['oldPassword'])
  }

  /** Adds roles to a user. A role need not be there yet: it counts from when it is made. @example await client.users.grant('bob', ['read']) */
  async grant(user: string, roles: string | readonly string[], options?: AdminOptions): Promise<void> {
    await this.#changeRoles('users.grant', 'grantRoles', user, roles, options)
  }

  /** Takes roles from a user. @example await client.users.revoke('bob', ['read']) */
  async revoke(user: string, roles: string | readonly string[], options?: AdminOptions): Promise<void> {
    await this.#changeRoles('users.revoke', 'revokeRoles', user, roles, options)
  }

  /** What a user is and does. @throws InvalidUserError when there is none @example (await client.users.get('bob')).roles */
  async get(user: string, options?: AdminOptions): Promise<User> {
    const verb = 'users.get'
    const call = { verb: 'queryUsers', name: checkName(verb, 'user', user) }
    const { users } = await request(this.#context, verb, call, options)
    return userOf(users[0] ?? { user, roles: [], connections: 0 })
  }

  /** All users, by name. @example for (const { name, roles } of await client.users.list()) console.log(name, roles) */
  async list(options?: AdminOptions): Promise<User[]> {
    const { users } = await request(this.#context, 'users.list', { verb: 'queryUsers' }, options)
    return users.map(userOf)
  }

  async #changeRoles(verb: string, change: string, user: unknown, roles: unknown, options: unknown): Promise<void> {
    const call = { verb: change, name: checkName(verb, 'user', user), roles: checkRoles(verb, roles) }
    await request(this.#context, verb, call, options)
  }
}

function userOf({ user, roles, connections, reads, writes }: NativeUser): User {
  return { name: user, roles: [...roles].sort(), connections, reads: usageOf(reads), writes: usageOf(writes) }
}

function usageOf(usage: NativeUsage | undefined): Usage | undefined {
  return usage ?? undefined
}
