// One run of a lane on the thread that calls it: how long, how busy the thread was, and its longest stall.
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

/** Milliseconds that this thread has run on a processor; NaN where the system does not say. */
function processorMillis () {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ', 1)[0]) / 1e6
  } catch {
    return NaN
  }
}

/**
 * Stalls are measured by a 1 ms timer that notes how late it fires: a histogram of the event loop's delay would do, but
 * its resolution hides what a single long task did.
 */
function watchStalls () {
  let last = performance.now()
  let worst = 0
  const timer = setInterval(() => {
    const now = performance.now()
    worst = Math.max(worst, now - last - 1)
    last = now
  }, 1)
  return () => {
    clearInterval(timer)
    return worst
  }
}

/** Runs `run`, which resolves to how many records it handled. */
export async function measure (run) {
  const stop = watchStalls()
  const loop = performance.eventLoopUtilization()
  const processor = processorMillis()
  const started = performance.now()
  const done = await run()
  const elapsed = performance.now() - started
  const { active } = performance.eventLoopUtilization(loop)
  const ran = processorMillis() - processor
  return { done, elapsed, jsMillis: Number.isNaN(ran) ? active : ran, busyMillis: active, stallMillis: stop() }
}
