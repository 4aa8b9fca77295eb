// One call on users or roles: how long it may take, who may cancel it, and what its failures are called.

import { untilAborted } from '../boundary/abort.js'
import type { NativeAdminCall, NativeAdminReply } from '../boundary/addon.js'
import { controlError } from '../boundary/failure-reader.js'
import { commandMessage } from '../channels/command.js'
import { describe } from '../checks/check.js'
import type { InfoContext, InfoOptions } from '../cluster/info-request.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_INT32 } from '../limits.js'
import { applyOptions } from '../options/apply.js'
import { Takes } from '../options/table.js'

/** What calls on users and roles take: `totalTimeout`, in milliseconds (default 1,000; 5,000 for what changes something), and `signal`. */
export type AdminOptions = InfoOptions

/** Bytes of the name of a user or role. */
const MAX_NAME = 63
/** Bytes of a password. */
const MAX_PASSWORD = 63
/** A byte says how many there are. */
const MAX_ROLES = 255

/** Calls that only look. */
const LOOKS = ['queryUsers', 'queryRoles']

/**
 * Carries out a call.
 *
 * @param extra options that the call reads itself
 */
export async function request(
  context: InfoContext,
  verb: string,
  call: NativeAdminCall,
  options: unknown,
  extra?: readonly string[],
): Promise<NativeAdminReply> {
  const changes = !LOOKS.includes(call.verb)
  const policy = applyOptions(
    changes ? context.policies.info.change : context.policies.info.look,
    options ?? {},
    Takes.info,
    verb,
    extra,
  )
  const about = verb.startsWith('roles.') ? { role: call.name } : { user: call.name }
  const failed = (error: unknown): never => {
    throw controlError(verb, error, about)
  }
  const timeout = policy.totalTimeout === 0 ? MAX_INT32 : policy.totalTimeout
  try {
    const { boundary } = context
    const ask = () => untilAborted(verb, policy.signal, boundary.native.admin(call, timeout), changes)
    return await (boundary.isFollowed ? boundary.follow(commandMessage(verb), () => ask().catch(failed)) : ask())
  } catch (error) {
    return failed(error)
  }
}

/** Checks the name of a user or role. */
export function checkName(verb: string, what: 'user' | 'role', name: unknown): string {
  if (typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= MAX_NAME) return name
  throw new InvalidArgumentError(`${verb}: a ${what} has a name of 1 to ${MAX_NAME} bytes, not ${describe(name)}`)
}

/** Checks a password. What was given instead is not for messages either. */
export function checkPassword(verb: string, password: unknown): string {
  if (typeof password === 'string' && Buffer.byteLength(password) <= MAX_PASSWORD) return password
  throw new InvalidArgumentError(`${verb}: a password is text of at most ${MAX_PASSWORD} bytes`)
}

/** Checks names of roles: one, or a list. */
export function checkRoles(verb: string, roles: unknown): string[] {
  const list = typeof roles === 'string' ? [roles] : roles
  if (!Array.isArray(list)) throw new InvalidArgumentError(`${verb}: roles must be a list, not ${describe(roles)}`)
  if (list.length > MAX_ROLES) {
    throw new InvalidArgumentError(`${verb}: at most ${MAX_ROLES} roles at once, not ${list.length}`)
  }
  return list.map((role) => checkName(verb, 'role', role))
}
