// What operations answer, as types: each one that answers adds its bin to the results of its step, and a step on a single
// key that has an answer can be awaited for it.

import type { OperationResults } from '../records/message.js'
import type { ReadStep, WriteStep } from './steps.js'

/** Whether a step is about a single key, and can be awaited for its answer. */
export type Count = 'one' | 'many'

/** The answers `A` and one more. A bin that is answered several times has all its answers, as `operate` has it. */
export type Adding<A, N extends string, T> = N extends keyof A
  ? Omit<A, N> & { [P in N]: OperationResults }
  : A & { [P in N]: T }

/** A step that can be awaited, if it is about one key: that runs it, and gives its last answer. */
export type Awaitable<S, K extends Count, T> = K extends 'one' ? S & PromiseLike<T> : S

/** The step `S` with an answer `T` under the name `N`. */
export type Answered<S, N extends string, T> =
  S extends ReadStep<infer B, infer P, infer A, infer K>
    ? Awaitable<ReadStep<B, P, Adding<A, N, T>, K>, K, T>
    : S extends WriteStep<infer B, infer P, infer A, infer K, infer W>
      ? Awaitable<WriteStep<B, P, Adding<A, N, T>, K, W>, K, T>
      : never
