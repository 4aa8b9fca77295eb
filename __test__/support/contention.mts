// Transactions that contend for few records, while nodes stop, freeze and restart and clients die between any two steps.
// A seed decides who does what; what the threads and processes of the machine make of it differs from run to run.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connect } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import {
  ACCOUNTS,
  accountKey,
  clock,
  LISTS,
  listKey,
  ours,
  random,
  START_SUM,
  sleep,
  TIMEOUT,
  type Told,
  contend as work,
} from './contender.mjs'
import { type Attempt, problemsOf, type Step } from './histories.mjs'

/** Contenders within this process. */
const WORKERS = 5

/** What came of a run. */
export interface Report {
  readonly committed: number
  readonly aborted: number
  readonly unknown: number
  readonly transfers: number
  readonly audits: number
  readonly faults: number
  /** Processes that were killed. */
  readonly deaths: number
  readonly problems: readonly string[]
}

/** What a run is made of. */
export interface Setting {
  readonly seed: number
  readonly milliseconds: number
  /** Whether nodes and clients get into trouble. Default true. */
  readonly faulty?: boolean
  /** Programs that contend in processes of their own, and how many processes each. Default one of ours, in two processes. */
  readonly processes?: { readonly [program: string]: number }
}

const OURS = fileURLToPath(new URL('contender-process.mjs', import.meta.url))

/** The attempts of a run, put together from what contenders tell. */
class History {
  readonly attempts: Attempt[] = []
  readonly problems: string[] = []
  readonly counts = { transfers: 0, audits: 0, faults: 0, deaths: 0 }
  readonly #open = new Map<string, { began: number; steps: Step[]; isCommitting: boolean }>()

  tell(told: Told): void {
    if (told.what === 'transfer') this.counts.transfers++
    else if (told.what === 'audit') {
      this.counts.audits++
      if (told.sum !== ACCOUNTS * START_SUM) this.problems.push(`an audit found ${told.sum} in the accounts`)
    } else if (told.what === 'begin') {
      this.#open.set(told.name, { began: told.at, steps: [], isCommitting: false })
    } else {
      const open = this.#open.get(told.name)
      if (open === undefined) this.problems.push(`${told.name} goes on without having begun`)
      else if (told.what === 'step') open.steps.push(told.step)
      else if (told.what === 'commit') open.isCommitting = true
      else {
        const { began, steps } = open
        this.attempts.push({ name: told.name, steps, outcome: told.outcome, began, ended: told.at })
        this.#open.delete(told.name)
      }
    }
  }

  /** A contender is dead: what it had begun was committed at most if it had said so. */
  died(number: number): void {
    this.counts.deaths++
    for (const [name, { began, steps, isCommitting }] of this.#open) {
      if (!name.startsWith(`${number}.`)) continue
      const outcome = isCommitting ? 'unknown' : 'aborted'
      this.attempts.push({ name, steps, outcome, began, ended: clock() })
      this.#open.delete(name)
    }
  }
}

/** Runs and says what came of it. */
export async function contend(setting: Setting): Promise<Report> {
  const { seed, milliseconds, faulty = true, processes = { [OURS]: 2 } } = setting
  await using cluster = await LocalCluster.start({ nodes: 3, edition: 'enterprise', strongConsistency: ['sc'] })
  const options = {
    tendInterval: 100,
    defaults: { read: { totalTimeout: 700 }, write: { totalTimeout: 700 }, batch: { totalTimeout: 700 } },
  }
  const settings = { hosts: cluster.hosts, ...options }
  const setup = await connect(settings)
  await setup.batchWrite(Array.from({ length: ACCOUNTS }, (_, n) => ({ key: accountKey(n), bins: { sum: START_SUM } })))
  const history = new History()
  const { problems } = history
  const end = clock() + milliseconds
  const isOver = (): boolean => clock() >= end
  let numbers = 0

  /** A contender of this process, whose client may go away at any moment, and is replaced then. */
  const within = async (): Promise<void> => {
    const number = numbers++
    const dice = random(seed * 1000 + number)
    let client = await connect(settings)
    let doomed: Promise<void> | undefined
    const kill = async (): Promise<void> => {
      const gone = client
      client = await connect(settings).catch(() => gone)
      void gone.close({ timeout: 0 })
    }
    const contender = {
      number,
      dice,
      isOver,
      begin: () => ours(client).begin(),
      transact: (task: Parameters<ReturnType<typeof ours>['transact']>[0]) => ours(client).transact(task),
      tell: (told: Told) => history.tell(told),
    }
    await work(contender, async () => {
      await doomed
      doomed = faulty && dice() < 0.03 ? sleep(dice() * 30).then(kill) : undefined
    })
    await client.close({ timeout: 0 })
  }

  /** A contender in a process of its own, which is replaced when it has died. */
  const beside = async (program: string): Promise<void> => {
    while (!isOver()) {
      const number = numbers++
      const given = JSON.stringify({ hosts: cluster.hosts, seed, number, end, options, faulty })
      const child: ChildProcess = spawn(process.execPath, [program, given], { stdio: ['ignore', 'pipe', 'inherit'] })
      const exit = once(child, 'exit')
      for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
        history.tell(JSON.parse(line))
      }
      const [code, signal] = await exit
      if (signal === 'SIGKILL') history.died(number)
      else if (code !== 0) throw new Error(`${program} ended with ${code ?? signal}`)
    }
  }

  const misfortune = async (): Promise<void> => {
    const dice = random(seed * 1000 + 999)
    while (faulty && !isOver()) {
      await sleep(200 + dice() * 300)
      const node = Math.floor(dice() * 3)
      history.counts.faults++
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

  const others = Object.entries(processes).flatMap(([program, count]) =>
    Array.from({ length: count }, () => beside(program)),
  )
  await Promise.all([misfortune(), ...Array.from({ length: WORKERS }, within), ...others])

  // the server ends what nobody else ended: a second for the clock, one for what it waited for, four that monitors stay
  await sleep(TIMEOUT * 1000 + 6500)
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
  const accounts = await setup.getMany<{ sum: number }>(
    Array.from({ length: ACCOUNTS }, (_, n) => accountKey(n)),
    patient,
  )
  const sum = accounts.reduce((total, record) => total + (record?.bins?.sum ?? 0), 0)
  if (sum !== ACCOUNTS * START_SUM) problems.push(`in the end there is ${sum} in the accounts`)
  problems.push(...problemsOf(history.attempts, last))
  await setup.close()
  const of = (outcome: Attempt['outcome']): number =>
    history.attempts.filter((attempt) => attempt.outcome === outcome).length
  return { committed: of('committed'), aborted: of('aborted'), unknown: of('unknown'), ...history.counts, problems }
}
