// Transactions that contend for few records, while nodes stop, freeze and restart and clients go away between any two steps.
// A seed decides who does what; what the threads of the machine make of it differs from run to run.

import { type Client, CommitError, connect, type Key, lists, op, type Transaction } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import { type Attempt, problemsOf, type Step } from './histories.mjs'

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

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const LISTS = 5
const ACCOUNTS = 4
const START_SUM = 100
const WORKERS = 6
/** Seconds a transaction has; whatever becomes of its client, it is over then. */
const TIMEOUT = 2
const SET = 'contention'
const listKey = (n: number): Key => ['sc', SET, `list${n}`]
const accountKey = (n: number): Key => ['sc', SET, `account${n}`]

/** What came of a run. */
export interface Report {
  readonly committed: number
  readonly aborted: number
  readonly unknown: number
  readonly transfers: number
  readonly audits: number
  readonly faults: number
  readonly problems: readonly string[]
}

interface Account {
  sum: number
}

/** Runs for some milliseconds and says what came of it. */
export async function contend(seed: number, milliseconds: number, faulty = true): Promise<Report> {
  await using cluster = await LocalCluster.start({ nodes: 3, edition: 'enterprise', strongConsistency: ['sc'] })
  const settings = {
    hosts: cluster.hosts,
    tendInterval: 100,
    defaults: { read: { totalTimeout: 700 }, write: { totalTimeout: 700 }, batch: { totalTimeout: 700 } },
  }
  const setup = await connect(settings)
  await setup.batchWrite(Array.from({ length: ACCOUNTS }, (_, n) => ({ key: accountKey(n), bins: { sum: START_SUM } })))
  const history: Attempt[] = []
  const problems: string[] = []
  const counts = { transfers: 0, audits: 0, faults: 0 }
  const end = performance.now() + milliseconds
  const over = (): boolean => performance.now() >= end
  let nextValue = 1

  /** A client that may go away at any moment, and is replaced then. */
  const worker = async (number: number): Promise<void> => {
    const dice = random(seed * 1000 + number)
    let client = await connect(settings)
    const kill = async (): Promise<void> => {
      const gone = client
      client = await connect(settings).catch(() => gone)
      void gone.close({ timeout: 0 })
    }
    for (let round = 0; !over(); round++) {
      const doomed = faulty && dice() < 0.03 ? sleep(dice() * 30).then(kill) : undefined
      const kind = dice()
      if (kind < 0.6) history.push(await appends(client, `${number}.${round}`, dice))
      else if (kind < 0.85) await transfer(client, dice)
      else await audit(client)
      await doomed
    }
    await client.close({ timeout: 0 })
  }

  const appends = async (client: Client, name: string, dice: () => number): Promise<Attempt> => {
    const began = performance.now()
    const steps: Step[] = []
    let tx: Transaction | undefined
    let outcome: Attempt['outcome'] = 'aborted'
    try {
      tx = client.beginTransaction({ timeout: TIMEOUT })
      const length = 1 + Math.floor(dice() * 4)
      for (let i = 0; i < length; i++) {
        const key = Math.floor(dice() * LISTS)
        if (dice() < 0.5) {
          const record = (await tx.getMany<{ l: number[] }>([listKey(key)]))[0]
          steps.push({ kind: 'read', key, list: record?.bins?.l ?? [] })
        } else {
          const value = nextValue++
          // noted before it is sent: it may be written although nobody hears of it
          steps.push({ kind: 'append', key, value })
          await tx.operate(listKey(key), [lists.append('l', value)])
        }
      }
      if (dice() < 0.1) {
        await tx.abort()
      } else {
        outcome = 'unknown'
        await tx.commit()
        outcome = 'committed'
      }
    } catch (error) {
      if (outcome === 'unknown' && isDefinite(error)) outcome = 'aborted'
      if (tx?.state === 'open') await tx.abort().catch(() => undefined)
    }
    return { name, steps, outcome, began, ended: performance.now() }
  }

  const transfer = async (client: Client, dice: () => number): Promise<void> => {
    const from = Math.floor(dice() * ACCOUNTS)
    const to = (from + 1 + Math.floor(dice() * (ACCOUNTS - 1))) % ACCOUNTS
    const amount = 1 + Math.floor(dice() * 10)
    const work = async (tx: Transaction): Promise<void> => {
      const { bins } = await tx.get<Account>(accountKey(from))
      if (bins.sum < amount) return
      await tx.put(accountKey(from), { sum: bins.sum - amount })
      await tx.operate(accountKey(to), [op.increment('sum', amount)])
    }
    await client.transaction(work, { timeout: TIMEOUT, attempts: 3 }).then(
      () => counts.transfers++,
      () => undefined,
    )
  }

  const audit = async (client: Client): Promise<void> => {
    let sum = 0
    const work = async (tx: Transaction): Promise<void> => {
      const all = await tx.getMany<Account>(Array.from({ length: ACCOUNTS }, (_, n) => accountKey(n)))
      sum = all.reduce((total, record) => total + (record?.bins?.sum ?? 0), 0)
    }
    try {
      await client.transaction(work, { timeout: TIMEOUT, attempts: 3 })
      counts.audits++
      if (sum !== ACCOUNTS * START_SUM) problems.push(`an audit found ${sum} in the accounts`)
    } catch {
      // others were faster, or a node was away
    }
  }

  const misfortune = async (): Promise<void> => {
    const dice = random(seed * 1000 + 999)
    while (faulty && !over()) {
      await sleep(200 + dice() * 300)
      const node = Math.floor(dice() * 3)
      counts.faults++
      switch (Math.floor(dice() * 3)) {
        case 0:
          await cluster.stopNode(node)
          await sleep(100 + dice() * 300)
          await cluster.startNode(node)
          break
        case 1:
          await cluster.freezeNode(node)
          await sleep(50 + dice() * 400)
          await cluster.thawNode(node)
          break
        default:
          await cluster.dropConnections(node)
      }
    }
  }

  await Promise.all([misfortune(), ...Array.from({ length: WORKERS }, (_, n) => worker(n))])

  // the server ends what nobody else ended: a second for the clock, one for what it waited for
  await sleep(TIMEOUT * 1000 + 2500)
  for (const [node, text] of await setup.infoAll('namespace/sc')) {
    const left = ['mrt_provisionals', 'mrt_monitors'].map((name) =>
      Number(new RegExp(`${name}=(\\d+)`).exec(text)?.[1]),
    )
    if (left.some((n) => n !== 0)) problems.push(`node ${node} has ${left[0]} locked records and ${left[1]} monitors`)
  }
  const patient = { totalTimeout: 5000 }
  const last = new Map<number, readonly number[]>()
  const all = await setup.getMany<{ l: number[] }>(
    Array.from({ length: LISTS }, (_, n) => listKey(n)),
    patient,
  )
  for (const [n, record] of all.entries()) last.set(n, record?.bins?.l ?? [])
  const accounts = await setup.getMany<Account>(
    Array.from({ length: ACCOUNTS }, (_, n) => accountKey(n)),
    patient,
  )
  const sum = accounts.reduce((total, record) => total + (record?.bins?.sum ?? 0), 0)
  if (sum !== ACCOUNTS * START_SUM) problems.push(`in the end there is ${sum} in the accounts`)
  problems.push(...problemsOf(history, last))
  await setup.close()
  const of = (outcome: Attempt['outcome']): number => history.filter((attempt) => attempt.outcome === outcome).length
  return { committed: of('committed'), aborted: of('aborted'), unknown: of('unknown'), ...counts, problems }
}

/** Whether an error of a commit says for certain that nothing was written. */
function isDefinite(error: unknown): boolean {
  if (error instanceof CommitError) return !error.inDoubt && error.code === -17
  return [122, 125, -19].includes((error as { code?: number }).code ?? 0)
}
