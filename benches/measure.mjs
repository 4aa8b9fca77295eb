// One run of a lane on the thread that calls it: how long, how busy the thread was, and its longest stall.
import { performance } from 'node:perf_hooks'

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
  const started = performance.now()
  const done = await run()
  const elapsed = performance.now() - started
  const { active } = performance.eventLoopUtilization(loop)
  return { done, elapsed, jsMillis: active, stallMillis: stop() }
}
