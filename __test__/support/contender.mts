// One of those who contend for few records in transactions (contention.mts): what it does, whatever its client is and whatever
// process it is in. It tells everything before it does it, so that a process that dies has told what it may have done.

import { type Client, CommitError, type Key, lists, type Transaction } from 'aerospike-napi'
import type { Step } from './histories.mjs'

export const LISTS = 5
export const ACCOUNTS = 4
export const START_SUM = 100
/** Seconds a transaction has; whatever becomes of its client, it is over then. */
export const TIMEOUT = 2
const SET = 'contention'
export const listKey = (n: number): Key => ['sc', SET, `list${n}`]
export const accountKey = (n: number): Key => ['sc', SET, `account${n}`]

/** Milliseconds of a clock that all processes of the machine share. */
export const clock = (): number => performance.timeOrigin + performance.now()

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Numbers from 0 to 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** A transaction of any client. */
export interface Open {
  /** A list; empty where there is none. */
  read(key: Key): Promise<readonly number[]>
  append(key: Key, value: number): Promise<unknown>
  /** The sums of accounts. */
  sums(keys: readonly Key[]): Promise<readonly number[]>
  setSum(key: Key, sum: number): Promise<unknown>
  commit(): Promise<unknown>
  abort(): Promise<unknown>
  /** Whether an error of `commit` says for certain that nothing was written. */
  isUndone(error: unknown): boolean
}

/** What is told. */
export type Told =
  | { readonly what: 'begin'; readonly name: string; readonly at: number }
  | { readonly what: 'step'; readonly name: string; readonly step: Step }
  | { readonly what: 'commit'; readonly name: string }
  | {
      readonly what: 'end'
      readonly name: string
      readonly outcome: 'committed' | 'aborted' | 'unknown'
      readonly at: number
    }
  | { readonly what: 'transfer' }
  | { readonly what: 'audit'; readonly sum: number }

/** Who contends. */
export interface Contender {
  /** Other than that of any other, in the whole run. */
  readonly number: number
  readonly dice: () => number
  begin(): Open
  /** Runs a function in a transaction, and again where another was faster. */
  transact(work: (tx: Open) => Promise<void>): Promise<void>
  tell(told: Told): void
  /** Called between any two steps; does not return where the process is to die. */
  between?(): void
  isOver(): boolean
}

/** Works until it is over; `before` is awaited before every transaction. */
export async function contend(who: Contender, before: () => Promise<void> = async () => {}): Promise<void> {
  for (let round = 0; !who.isOver(); round++) {
    await before()
    const kind = who.dice()
    if (kind < 0.6) await appends(who, round)
    else if (kind < 0.85) await transfer(who)
    else await audit(who)
  }
}

/** Reads of lists and appends to them, which the checker of histories looks at. */
async function appends(who: Contender, round: number): Promise<void> {
  const { dice } = who
  const name = `${who.number}.${round}`
  who.tell({ what: 'begin', name, at: clock() })
  let outcome: 'committed' | 'aborted' | 'unknown' = 'aborted'
  const tx = who.begin()
  try {
    const length = 1 + Math.floor(dice() * 4)
    for (let i = 0; i < length; i++) {
      who.between?.()
      const key = Math.floor(dice() * LISTS)
      if (dice() < 0.5) {
        const list = await tx.read(listKey(key))
        who.tell({ what: 'step', name, step: { kind: 'read', key, list } })
      } else {
        const value = who.number * 1_000_000 + round * 10 + i
        // told before it is sent: it may be written although nobody hears of it
        who.tell({ what: 'step', name, step: { kind: 'append', key, value } })
        await tx.append(listKey(key), value)
      }
    }
    who.between?.()
    if (dice() < 0.1) {
      await tx.abort()
    } else {
      outcome = 'unknown'
      who.tell({ what: 'commit', name })
      const committed = tx.commit()
      who.between?.()
      await committed
      outcome = 'committed'
    }
  } catch (error) {
    if (outcome === 'unknown' && tx.isUndone(error)) outcome = 'aborted'
    if (outcome === 'aborted') await tx.abort().catch(() => undefined)
  }
  who.between?.()
  who.tell({ what: 'end', name, outcome, at: clock() })
}

/** Moves money from one account to another. */
async function transfer(who: Contender): Promise<void> {
  const { dice } = who
  const from = Math.floor(dice() * ACCOUNTS)
  const to = (from + 1 + Math.floor(dice() * (ACCOUNTS - 1))) % ACCOUNTS
  const amount = 1 + Math.floor(dice() * 10)
  await who
    .transact(async (tx) => {
      const [has = 0, others = 0] = await tx.sums([accountKey(from), accountKey(to)])
      if (has < amount) return
      who.between?.()
      await tx.setSum(accountKey(from), has - amount)
      who.between?.()
      await tx.setSum(accountKey(to), others + amount)
      who.between?.()
    })
    .then(
      () => who.tell({ what: 'transfer' }),
      () => undefined,
    )
}

/** Looks at all accounts at once. */
async function audit(who: Contender): Promise<void> {
  let sum = 0
  await who
    .transact(async (tx) => {
      const sums = await tx.sums(Array.from({ length: ACCOUNTS }, (_, n) => accountKey(n)))
      sum = sums.reduce((total, one) => total + one, 0)
    })
    .then(
      () => who.tell({ what: 'audit', sum }),
      () => undefined, // others were faster, or a node was away
    )
}

/** What our client does for a contender. */
export function ours(client: Client): Pick<Contender, 'begin' | 'transact'> {
  const open = (tx: Transaction): Open => ({
    read: async (key) => (await tx.getMany<{ l: number[] }>([key]))[0]?.bins?.l ?? [],
    append: (key, value) => tx.operate(key, [lists.append('l', value)]),
    sums: async (keys) => (await tx.getMany<{ sum: number }>(keys)).map((record) => record?.bins?.sum ?? 0),
    setSum: (key, sum) => tx.put(key, { sum }),
    commit: () => tx.commit(),
    abort: () => tx.abort(),
    isUndone: (error) =>
      error instanceof CommitError
        ? !error.inDoubt && error.code === -17
        : [122, 125, -19].includes((error as { code?: number }).code ?? 0),
  })
  return {
    begin: () => open(client.beginTransaction({ timeout: TIMEOUT })),
    transact: (work) => client.transaction((tx) => work(open(tx)), { timeout: TIMEOUT, attempts: 3 }),
  }
}
