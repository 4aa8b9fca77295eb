// A transaction that is open: the commands of the client, bound to it, and its end.

import type { NativeCommitFailure, NativeTransaction } from '../boundary/addon.js'
import { controlError } from '../boundary/failure-reader.js'
import type { Boundary } from '../boundary/native.js'
import type { BatchCommands } from '../commands/batches.js'
import * as batches from '../commands/batches.js'
import { CommandContext } from '../commands/context.js'
import type { RecordCommands } from '../commands/records.js'
import * as records from '../commands/records.js'
import { TransactionEndedError } from '../errors/classes.js'
import { resultCode } from '../errors/result-codes.js'
import { applyOptions, inTransaction, type Policies, policiesWithCodecs, resolveDefaults } from '../options/apply.js'
import { MEMBERSHIP, Membership } from '../options/membership.js'
import type { Policy } from '../options/policy.js'
import { Takes } from '../options/table.js'
import type { Defaults } from '../options/types.js'
import { type Codecs, usedCodecs } from '../values/codecs.js'
import type { ReadIntegers } from '../values/values.js'
import { CommitError } from './errors.js'

/**
 * Where a transaction is: `open`, it takes calls; `committed`; `aborted`, nothing of it was written; `inDoubt`, whether it
 * is committed is not known, and `commit()` again finds out; `verified`, the commit could not be sent, and may be tried
 * again or aborted.
 */
export type TransactionState = 'open' | 'verified' | 'committed' | 'aborted' | 'inDoubt'

/**
 * How a commit ended: `ok`, everything is done; `alreadyCommitted`; `rollForwardAbandoned` and `closeAbandoned`, the server
 * does the rest by itself within the transaction's time. In each case the transaction is committed.
 */
export type CommitStatus = 'ok' | 'alreadyCommitted' | 'rollForwardAbandoned' | 'closeAbandoned'

/** How undoing ended, as {@link CommitStatus}. In each case nothing of the transaction is left in the end. */
export type AbortStatus = 'ok' | 'alreadyAborted' | 'rollBackAbandoned' | 'closeAbandoned'

const STATES: readonly TransactionState[] = ['open', 'verified', 'committed', 'aborted', 'inDoubt']
const COMMITTED: readonly CommitStatus[] = ['ok', 'alreadyCommitted', 'rollForwardAbandoned', 'closeAbandoned']
const ABORTED: readonly AbortStatus[] = ['ok', 'alreadyAborted', 'rollBackAbandoned', 'closeAbandoned']

/**
 * A transaction: all commands on records and batches of records, which see what it wrote and are committed together or not at
 * all. It is of the namespace of its first call; other namespaces are refused before anything is sent. Batches throw
 * when one of their rows failed, and removals are durable, unless their options say otherwise.
 *
 * Calls that are under way are waited for before it ends. Two on one record take turns.
 *
 * @example
 * await using tx = client.beginTransaction({ timeout: 5 })
 * const { bins } = await tx.get<Account>(from)
 * await tx.put(from, { sum: bins.sum - 5 })
 * await tx.commit() // leaving the block without it aborts
 */
export interface Transaction<I extends ReadIntegers = 'auto'> extends RecordCommands<I>, BatchCommands<I> {
  /** Its id at the server, never 0. */
  readonly id: bigint
  /** Where it is. */
  readonly state: TransactionState

  /**
   * Commits: compares what was read with what is there, and makes what was written final. Calls under way are waited for,
   * and no more are taken.
   *
   * @throws CommitError when it could not be committed; with `inDoubt`, it may be committed all the same
   * @throws TransactionExpiredError when the transaction's time was over
   */
  commit(): Promise<CommitStatus>

  /**
   * Undoes what was written. Calls under way are waited for, and no more are taken.
   *
   * @throws TransactionEndedError when the transaction is committed, or may be
   */
  abort(): Promise<AbortStatus>

  /** Aborts a transaction that was not committed: `await using tx = client.beginTransaction()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The commands that a transaction has, by name: each takes a context first. */
const COMMANDS: { readonly [name: string]: (context: CommandContext, ...args: never[]) => unknown } = {
  get: records.get,
  find: records.find,
  select: records.select,
  exists: records.exists,
  put: records.put,
  remove: records.remove,
  touch: records.touch,
  append: records.append,
  prepend: records.prepend,
  increment: records.increment,
  removeBin: records.removeBin,
  operate: records.operate,
  operateOrdered: records.operateOrdered,
  apply: records.apply,
  batch: batches.batch,
  batchRead: batches.batchRead,
  batchWrite: batches.batchWrite,
  batchOperate: batches.batchOperate,
  batchRemove: batches.batchRemove,
  batchApply: batches.batchApply,
  getMany: batches.getMany,
  existsMany: batches.existsMany,
  selectMany: batches.selectMany,
  batchStream: batches.batchStream,
} satisfies { readonly [name in keyof (RecordCommands & BatchCommands)]: unknown }

/** The commands of a transaction, with what calls do that say nothing else. */
class BoundCommands {
  readonly context: CommandContext

  constructor(context: CommandContext) {
    this.context = context
    // how the commands reach it must not show, and nobody is to change it
    Object.defineProperty(this, 'context', { enumerable: false })
  }
}

class TransactionObject extends BoundCommands {
  readonly [MEMBERSHIP]: Membership
  readonly #native: NativeTransaction
  readonly #boundary: Boundary

  constructor(boundary: Boundary, policies: Policies, timeout: number) {
    const native = boundary.native.beginTransaction(timeout)
    const membership = new Membership(native.number, boundary)
    super(new CommandContext(boundary, policiesIn(policies, membership)))
    this.#native = native
    this.#boundary = boundary
    this[MEMBERSHIP] = membership
    Object.defineProperty(this, MEMBERSHIP, { enumerable: false })
  }

  get id(): bigint {
    return this.#native.id
  }

  get state(): TransactionState {
    return STATES[this.#native.state] as TransactionState
  }

  async commit(): Promise<CommitStatus> {
    this.#end('being committed')
    const { status, state, failure } = await this.#native.commit().catch((error: unknown) => {
      throw controlError('commit', error)
    })
    this[MEMBERSHIP].ended = STATES[state]
    if (failure === undefined || failure === null) return COMMITTED[status] as CommitStatus
    throw commitError(failure)
  }

  async abort(): Promise<AbortStatus> {
    this.#end('being aborted')
    try {
      return ABORTED[await this.#native.abort()] as AbortStatus
    } catch (error) {
      throw controlError('abort', error)
    } finally {
      this[MEMBERSHIP].ended = this.state
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === 'open' || this.state === 'verified') await this.abort()
  }

  /** Hands over what was called before, so that it counts, and takes no more. */
  #end(how: string): void {
    this.#boundary.flush()
    this[MEMBERSHIP].ended ??= how
  }
}

for (const [name, command] of Object.entries(COMMANDS)) {
  Object.defineProperty(BoundCommands.prototype, name, {
    configurable: true,
    writable: true,
    value: {
      [name](this: BoundCommands, ...args: never[]): unknown {
        return command(this.context, ...args)
      },
    }[name],
  })
}

/** Begins a transaction; nothing is sent before its first call. */
export function begin(boundary: Boundary, policies: Policies, timeout: number): Transaction {
  return new TransactionObject(boundary, policies, timeout) as unknown as Transaction
}

/**
 * The commands of a transaction with other defaults, and other codecs or none. Unlike those of the client, `onPartial` of
 * these defaults holds in the transaction.
 */
export function commandsWith(
  transaction: Transaction,
  { codecs, defaults }: { readonly codecs: Codecs; readonly defaults: Defaults },
): RecordCommands & BatchCommands {
  const { boundary, policies } = (transaction as unknown as BoundCommands).context
  const resolved = policiesWithCodecs(resolveDefaults(defaults, 'with', policies), usedCodecs(codecs, 'with'))
  const within = policiesIn(resolved, (transaction as unknown as TransactionObject)[MEMBERSHIP])
  const { onPartial } = defaults.batch ?? {}
  const batch = (policy: Policy): Policy => applyOptions(policy, { onPartial }, Takes.defaults, 'with')
  const changed = { ...within, batchRead: batch(within.batchRead), batchWrite: batch(within.batchWrite) }
  return new BoundCommands(new CommandContext(boundary, changed)) as unknown as RecordCommands & BatchCommands
}

/** What calls of a transaction do that say nothing else. */
function policiesIn(policies: Policies, membership: Membership): Policies {
  const known = new Map<Policy, Policy>()
  const within = (policy: Policy): Policy => {
    const found = known.get(policy) ?? inTransaction(policy, membership)
    known.set(policy, found)
    return found
  }
  return {
    ...policies,
    read: within(policies.read),
    write: within(policies.write),
    remove: within(policies.remove),
    operateRead: within(policies.operateRead),
    operateWrite: within(policies.operateWrite),
    apply: within(policies.apply),
    batchRead: within(policies.batchRead),
    batchWrite: within(policies.batchWrite),
  }
}

/** Verification fails for good when what was read has changed; in all other cases it was only not possible. */
const VERIFY = 1

function commitError(failure: NativeCommitFailure): Error {
  const { stage, code, detail, attempts, elapsed, inDoubt } = failure
  const node = failure.node ?? undefined
  const { meaning, errorClass } = resultCode(code)
  const doubt = inDoubt ? '; the transaction may be committed all the same' : '; nothing of it was written'
  const message = `commit: ${detail === '' ? meaning : detail} (code ${code}${doubt})`
  const details = { code, node, attempts, elapsed, inDoubt, retryable: stage === VERIFY }
  if (stage === 0) return new TransactionEndedError(message, details)
  if (!inDoubt && isOfTransaction(code)) return new errorClass(message, details)
  const failed = failure.failed.map((read) => ({
    namespace: read.namespace,
    set: read.set === '' ? null : read.set,
    digest: read.digest,
    code: read.code,
  }))
  return new CommitError(message, details, failed)
}

/** Whether a code says by itself why the transaction was not committed: it has expired, or was aborted. */
function isOfTransaction(code: number): boolean {
  return code === 122 || code === 125
}
