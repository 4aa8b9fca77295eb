// What the package takes from its environment: promises, the end of a tick, a turn of the event loop, clocks and pauses.
//
// In JavaScript anyone may replace the functions for these at any time, and test runners do: jest's fake timers take
// `process.nextTick`, vitest's `setImmediate`, and both take the clocks. So nothing of the package but this file names
// them, and here no answer depends on one of them being called back or being true: the addon has the event loop itself
// (crates/node/src/event_loop.rs) and clocks of its own. Before it is loaded, what was there first is used.

import { performance } from 'node:perf_hooks'
import type * as Addon from '#binding'

/** The addon's part: `openEventLoop` has `call` called with `TURN`, and with anything else for a tick that was lost. */
type HostAddon = Pick<
  typeof Addon,
  'openEventLoop' | 'askForTurn' | 'turn' | 'monotonicTime' | 'unixTime' | 'NativePause'
>

const TURN = 1

/** Whether the event loop is libuv's, and not something that answers to its names: Bun's functions end the process. */
export const isLibuv = process.versions.bun === undefined && process.versions.deno === undefined

/** The language's own promises, whatever the global of that name is. */
export const TruePromise = (async () => {})().constructor as PromiseConstructor

const { apply } = Reflect
const { then: firstThen } = TruePromise.prototype

/** What becomes of a promise, as its own `then` says it. */
export function afterwards<T>(
  promise: Promise<T>,
  fulfilled: (value: T) => T,
  rejected: (reason: unknown) => T,
): Promise<T> {
  return apply(firstThen, promise, [fulfilled, rejected])
}

const firstNow = performance.now.bind(performance)
const firstUnixTime = Date.now
const firstImmediate = setImmediate
const firstTimeout = setTimeout
const firstClear = clearTimeout

let binding: HostAddon | undefined
/** The services of the event loop; 0 where there are none. */
let eventLoop = 0

/** Has the addon serve from now on. */
export function serveFrom(addon: HostAddon): void {
  if (binding !== undefined) return
  binding = addon
  now = addon.monotonicTime
  unixTime = addon.unixTime
  if (isLibuv) eventLoop = addon.openEventLoop((service) => (service === TURN ? endTurn() : lostTick()), flags)
  if (eventLoop === 0) tick = undefined
}

/** Milliseconds on a clock that only goes forward. */
export let now: () => number = firstNow

/** Milliseconds since 1970. */
export let unixTime: () => number = firstUnixTime

// -- the end of a tick

/** Not 0 while the end of a tick is waited for. The addon looks at it after every turn of the event loop. */
const flags = Buffer.from(new ArrayBuffer(8))

/** What calls back at the end of a tick. Undefined while nothing is known that does. */
let tick: typeof process.nextTick | undefined = process.nextTick
/** What was asked to and did not. */
let liar: unknown

let due: (() => void)[] = []
let spare: (() => void)[] = []

/** Calls back when this tick is over, and what its promises led to. */
export function atEndOfTick(callback: () => void): void {
  due.push(callback)
  if (flags[0] !== 0) return
  flags[0] = 1
  // The addon notices one that is lost; without it only the language itself is to be relied on.
  if (tick === undefined && eventLoop !== 0 && process.nextTick !== liar) tick = process.nextTick
  if (tick === undefined) void soon()
  else tick(endTick)
}

/** As near to the end of a tick as the language itself comes: what is called together is mostly called before. */
async function soon(): Promise<void> {
  for (let hop = 0; hop < 3; hop++) await undefined
  endTick()
}

function endTick(): void {
  flags[0] = 0
  const callbacks = due
  due = spare
  let at = 0
  try {
    while (at < callbacks.length) (callbacks[at++] as () => void)()
  } finally {
    for (; at < callbacks.length; at++) atEndOfTick(callbacks[at] as () => void)
    callbacks.length = 0
    spare = callbacks
  }
}

function lostTick(): void {
  liar = tick
  tick = undefined
  endTick()
}

// -- a turn of the event loop

let waiting: (() => void)[] = []

/** Calls back when the event loop has had its turn, timers and sockets included. */
export function afterTurn(callback: () => void): void {
  waiting.push(callback)
  if (waiting.length > 1) return
  if (eventLoop !== 0) (binding as HostAddon).askForTurn(eventLoop)
  else if (binding !== undefined) void binding.turn().then(endTurn)
  // An immediate alone would come before timers where sockets were read last.
  else firstImmediate(() => firstImmediate(endTurn))
}

function endTurn(): void {
  const callbacks = waiting
  waiting = []
  let at = 0
  try {
    while (at < callbacks.length) (callbacks[at++] as () => void)()
  } finally {
    for (; at < callbacks.length; at++) afterTurn(callbacks[at] as () => void)
  }
}

// -- pauses

/** A pause of some milliseconds, and how to end it before its time. */
export interface Pause {
  readonly over: Promise<void>
  end(): void
}

/** Begins a pause. The process stays alive until it is over. */
export function beginPause(milliseconds: number): Pause {
  if (binding !== undefined) {
    const pause = new binding.NativePause()
    return { over: pause.over(milliseconds), end: () => pause.end() }
  }
  let end = (): void => {}
  const over = new TruePromise<void>((resolve) => {
    const timer = firstTimeout(resolve, milliseconds)
    end = () => {
      firstClear(timer)
      resolve()
    }
  })
  return { over, end: () => end() }
}
