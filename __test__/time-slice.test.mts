// Long work gives the event loop its turn.

import { stat } from 'node:fs'
import test from 'ava'
import { binding } from '#src/boundary/addon'
import { afterTurn } from '#src/host'
import { inSlices } from '#src/time-slice'

test.before("turns are the addon's", () => void binding())

function spin(milliseconds: number): void {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

test('work that goes on after a turn lets timers that are due come first, also where sockets are read', async (t) => {
  const order: string[] = []
  await new Promise<void>((resolve) => {
    // Called where completions are: in the poll phase of the loop.
    stat('.', () => {
      setTimeout(() => order.push('timer'), 1)
      setImmediate(() => order.push('immediate'))
      spin(5)
      afterTurn(() => {
        order.push('work')
        resolve()
      })
    })
  })
  t.deepEqual(order, ['immediate', 'timer', 'work'])
})

test('work in time slices is done whole, and others have their turn meanwhile', async (t) => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  function* work(): Generator<void, string> {
    for (let i = 0; i < 20; i++) {
      spin(2)
      yield
    }
    return 'done'
  }
  t.is(await inSlices(work()), 'done')
  clearInterval(timer)
  t.true(turns >= 5, `${turns} turns in 40 ms of work`)
})
