// Tickets: what tells the calls of one slot apart.

import test from 'ava'
import { SETTLED } from '#src/boundary/call'
import { CallTable } from '#src/boundary/call-table'
import { resolveDefaults } from '#src/options/apply'
import { RecordCall } from '#src/requests/calls'

const command = { info1: 3, info2: 0, info3: 0, generation: 0, ttl: 0 }
const task = { verb: 'get', policy: resolveDefaults({}).read, writes: false, command, body: () => 0 }
const call = () => new RecordCall(task, ['test', 's', 1])

test('a slot is used again, and a ticket of the call before finds nothing', (t) => {
  const calls = new CallTable()
  const first = calls.add(call())
  calls.delete(first)
  const next = call()
  const second = calls.add(next)
  t.not(second, first)
  t.is(calls.get(first), undefined)
  t.is(calls.get(second), next)
  t.is(calls.waiting, 1)
})

test('tickets of a slot differ for 2,048 calls, and never leave 31 bits', (t) => {
  const calls = new CallTable()
  const others = [call(), call(), call()]
  for (const other of others) calls.add(other)
  const seen = new Set<number>()
  for (let use = 0; use < 5000; use++) {
    const ticket = calls.add(call())
    if (use < 2048) t.false(seen.has(ticket))
    if (ticket < 0 || ticket >= 2 ** 31) t.fail(`the ticket of use ${use} is ${ticket}`)
    seen.add(ticket)
    calls.delete(ticket)
  }
  t.is(seen.size, 2048)
  for (const other of others) t.is(calls.get(other.ticket), other)
})

test('the calls that wait are those that have a slot', (t) => {
  const calls = new CallTable()
  const [gone, left] = [call(), call()]
  t.is(gone.ticket, SETTLED)
  const ticket = calls.add(gone)
  calls.add(left)
  calls.delete(ticket)
  t.deepEqual([...calls], [left])
})
