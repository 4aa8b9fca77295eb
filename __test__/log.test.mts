// What a client logs: events with levels, slow calls with their phases, and sinks that misbehave.

import { connect, InvalidArgumentError, type LogEvent } from 'aerospike-napi'
import test from 'ava'
import { another, faultTest, freshKey, hosts, local, sleep } from './support/cluster.mjs'

async function until(condition: () => boolean): Promise<void> {
  for (let waits = 0; !condition() && waits < 300; waits++) await sleep(10)
}

test('connecting and closing are logged', async (t) => {
  const events: LogEvent[] = []
  const own = await another({ log: (event) => events.push(event) })
  await own.close()
  await until(() => events.length >= 2)
  t.deepEqual(
    events.map(({ level, name }) => [level, name]),
    [
      ['info', 'connected'],
      ['info', 'closed'],
    ],
  )
  t.true(events.every(({ message, time }) => message.length > 0 && Math.abs(time - Date.now()) < 60_000))
})

test('a level has the more important ones before it, and no others', async (t) => {
  const key = freshKey()
  const names = async (logLevel: 'error' | 'debug' | 'trace') => {
    const events: LogEvent[] = []
    const own = await another({ log: (event) => events.push(event), logLevel })
    await own.put(key, { secret: 'value' })
    await t.throwsAsync(own.put(key, { n: 1 }, { exists: 'create' }))
    await own.close()
    await sleep(50)
    t.false(JSON.stringify(events).includes('secret') || JSON.stringify(events).includes(key[2]), 'no keys, no values')
    return { names: new Set(events.map(({ name }) => name)), events }
  }
  t.is((await names('error')).names.size, 0)
  const debug = await names('debug')
  t.true(debug.names.has('callFailed') && debug.names.has('connectionOpened'))
  t.false(debug.names.has('call'))
  t.like(
    debug.events.find(({ name }) => name === 'callFailed'),
    { verb: 'put', namespace: 'test', set: key[1], code: 5, reason: 'recordExists', attempts: 1 },
  )
  t.true((await names('trace')).names.has('call'))
})

faultTest('a slow call is logged with its phases, and a quick one is not', async (t) => {
  const events: LogEvent[] = []
  const own = await another({ log: (event) => events.push(event), slow: 50 })
  const key = freshKey()
  await own.put(key, { n: 1 })
  for (let node = 0; node < 3; node++) await local().slowNode(node, 80)
  try {
    await own.get(key)
  } finally {
    for (let node = 0; node < 3; node++) await local().slowNode(node, 0)
  }
  await until(() => events.some(({ name }) => name === 'slowCall'))
  const slow = events.filter(({ name }) => name === 'slowCall')
  t.is(slow.length, 1)
  const [{ level, verb, elapsed = 0, phases }] = slow as [LogEvent]
  t.is(level, 'warn')
  t.is(verb, 'get')
  t.true(elapsed >= 50)
  t.true((phases?.sent ?? 1000) < 50, 'it was sent at once')
  t.true((phases?.answered ?? 0) >= 50, 'the answer took its time')
  await own.close()
})

test('a sink that throws, rejects or never ends hurts no call', async (t) => {
  const sinks = [
    () => {
      throw new Error('a bad sink')
    },
    () => Promise.reject(new Error('a bad sink')),
    () => new Promise(() => {}),
  ]
  for (const log of sinks) {
    const own = await another({ log, logLevel: 'trace' })
    const key = freshKey()
    await own.put(key, { n: 1 })
    for (let i = 0; i < 3000; i++) await own.get(key)
    t.deepEqual((await own.get(key)).bins, { n: 1 })
    await own.close()
  }
})

test('what a slow sink misses is told', async (t) => {
  const events: LogEvent[] = []
  let go = (): void => {}
  const first = new Promise<void>((resolve) => {
    go = resolve
  })
  const own = await another({
    logLevel: 'trace',
    log: (event) => {
      events.push(event)
      return events.length === 1 ? first : undefined
    },
  })
  const key = freshKey()
  await own.put(key, { n: 1 })
  for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 50 }, () => own.get(key)))
  t.is(events.length, 1)
  go()
  await until(() => events.some(({ name }) => name === 'eventsLost'))
  const lost = events.find(({ name }) => name === 'eventsLost')?.count ?? 0
  const calls = events.filter(({ name }) => name === 'call').length
  t.true(lost > 0 && calls <= 1001, `${calls} were logged, ${lost} lost`)
  await own.close()
})

test('options that make no sense are refused', async (t) => {
  for (const wrong of [{ log: 'console' }, { logLevel: 'warn' }, { slow: 5 }, { log: () => {}, logLevel: 'loud' }]) {
    await t.throwsAsync(connect({ hosts: hosts(), ...wrong } as never), { instanceOf: InvalidArgumentError })
  }
})
