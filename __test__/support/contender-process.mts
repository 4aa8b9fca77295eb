// A contender in a process of its own, which kills itself between two steps, or within one, where its seed says so: started by
// contention.mts with its settings as JSON. It tells what it does on its output, a line each.

import { connect } from 'aerospike-napi'
import { clock, contend, ours, random, type Told } from './contender.mjs'

interface Settings {
  readonly hosts: readonly string[]
  readonly seed: number
  readonly number: number
  /** When it is over, on the clock that all processes share. */
  readonly end: number
  readonly options: object
  readonly faulty: boolean
}

const { hosts, seed, number, end, options, faulty } = JSON.parse(process.argv[2] as string) as Settings
const dice = random(seed * 1000 + number)
const die = (): boolean => process.kill(process.pid, 'SIGKILL')
// written at once: what the system has is read after the death of the process as well
const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`)

// nodes may be away just now: another process comes in the place of this one
const client = await connect({ hosts, ...options }).catch(() => process.exit(0))
await contend({
  ...ours(client),
  number,
  dice,
  tell,
  isOver: () => clock() >= end,
  between() {
    const fate = faulty ? dice() : 1
    if (fate < 0.01) die()
    else if (fate < 0.02) setTimeout(die, dice() * 4)
  },
})
await client.close({ timeout: 0 })
