// Methods of a client that are called in the wrong way: without their client, or as other clients have them.

import { InvalidArgumentError } from '../errors/classes.js'
import { TruePromise } from '../host.js'

/** The methods that promise something, and how many arguments each takes at most. */
const MAX_ARGUMENTS = {
  get: 2,
  find: 2,
  select: 3,
  exists: 2,
  put: 3,
  remove: 2,
  touch: 2,
  append: 4,
  prepend: 4,
  increment: 4,
  removeBin: 3,
  operate: 3,
  operateOrdered: 3,
  apply: 5,
  batch: 2,
  batchRead: 2,
  batchWrite: 2,
  batchOperate: 3,
  batchRemove: 2,
  batchApply: 5,
  getMany: 2,
  existsMany: 2,
  selectMany: 3,
  info: 2,
  infoAll: 2,
  infoNode: 3,
  infoRandom: 2,
} as const

type Method = (...args: unknown[]) => unknown

/**
 * Has a method say so when it is called without its client, or with more than it takes: the official client has `meta` and
 * `policy` one after another, and callbacks, and what is ignored is lost.
 */
function guarded(name: string, method: Method, most: number, isClient: (self: unknown) => boolean): Method {
  const guard = function (this: unknown, ...args: unknown[]): unknown {
    if (args.length > most && args.slice(most).some((one) => one !== undefined)) {
      const hint =
        typeof args.at(-1) === 'function'
          ? 'there are no callbacks: it returns a promise'
          : 'everything that is optional goes into one object of options'
      return TruePromise.reject(
        new InvalidArgumentError(`${name} takes at most ${most} arguments, not ${args.length}; ${hint}`),
      )
    }
    if (!isClient(this)) {
      const text = `${name} was called without its client: write client.${name}(…), or client.${name}.bind(client)`
      return TruePromise.reject(new InvalidArgumentError(text))
    }
    return method.apply(this, args)
  }
  return Object.defineProperties(guard, {
    name: { value: name, configurable: true },
    length: { value: method.length, configurable: true },
  })
}

/** Guards the methods of a class. `isClient` says whether they were called with their object. */
export function guardMethods(prototype: object, isClient: (self: unknown) => boolean): void {
  const methods = prototype as { [name: string]: Method }
  for (const [name, most] of Object.entries(MAX_ARGUMENTS)) {
    Object.defineProperty(methods, name, { value: guarded(name, methods[name] as Method, most, isClient) })
  }
}
