// AbortSignal: a call settles at once, what was queued is dropped, and a write that may have been sent is in doubt.

import { getEventListeners } from 'node:events'
import { AbortError } from 'aerospike-napi'
import test from 'ava'
import { client, freshKey } from './support/cluster.mjs'
import { fakeClient, recordCompletion } from './support/fake.mjs'

const key = ['test', 's', 1] as const
const empty = Buffer.alloc(22)

test('a signal that was aborted before rejects without sending anything', async (t) => {
  const { client, native } = fakeClient()
  const error = await t.throwsAsync(client.put(key, { a: 1 }, { signal: AbortSignal.abort('no') }), {
    instanceOf: AbortError,
  })
  t.is(error.cause, 'no')
  t.is(error.inDoubt, false)
  await new Promise(setImmediate)
  t.is(native.submits, 0)
})

test('aborting before the tick is over drops the call from the buffer', async (t) => {
  const { client, native } = fakeClient()
  const controller = new AbortController()
  const dropped = client.put(key, { a: 1 }, { signal: controller.signal })
  const kept = client.get(key)
  controller.abort(new Error('changed my mind'))
  const error = await t.throwsAsync(dropped, { instanceOf: AbortError })
  t.is((error.cause as Error).message, 'changed my mind')
  t.is(error.inDoubt, false)
  await new Promise(setImmediate)
  t.is(native.entries.length, 1)
  t.is(native.cancelled.length, 0)
  native.complete(recordCompletion(native.entries[0]?.ticket as number, empty))
  await t.notThrowsAsync(kept)
})

test('aborting a write that may have been sent marks it as in doubt; a read never is', async (t) => {
  const { client, native } = fakeClient()
  const controller = new AbortController()
  const { signal } = controller
  const write = client.put(key, { a: 1 }, { signal })
  const read = client.get(key, { signal })
  const batch = client.batchWrite([{ key, bins: { a: 1 } }], { signal })
  await new Promise(setImmediate)
  t.true(native.entries.every((entry) => entry.cancellable))
  controller.abort()
  const [writeError, readError, batchError] = await Promise.all(
    [write, read, batch].map((promise) => t.throwsAsync(promise as Promise<unknown>, { instanceOf: AbortError })),
  )
  t.is(writeError?.inDoubt, true)
  t.is(readError?.inDoubt, false)
  t.is(batchError?.inDoubt, true)
  t.is(native.cancelled.length, 3)
  t.like(writeError?.cause, { name: 'AbortError' })
})

test('an answer that comes after the abort goes nowhere, even when its slot is used again', async (t) => {
  const { client, native } = fakeClient()
  const controller = new AbortController()
  const aborted = client.get(key, { signal: controller.signal })
  await new Promise(setImmediate)
  controller.abort()
  await t.throwsAsync(aborted, { instanceOf: AbortError })
  const next = client.exists(key)
  await new Promise(setImmediate)
  const [old, fresh] = native.entries.map((entry) => entry.ticket) as [number, number]
  t.not(old, fresh)
  t.is(old & 0xfffff, fresh & 0xfffff, 'the same slot')
  native.complete(recordCompletion(old, empty))
  const late = Buffer.from(empty)
  late.writeUInt32BE(5, 6)
  native.complete(recordCompletion(fresh, late))
  t.is((await next).meta?.gen, 5)
})

test('a signal that outlives the call is left alone', async (t) => {
  const { client, native } = fakeClient()
  const controller = new AbortController()
  const promise = client.get(key, { signal: controller.signal })
  await new Promise(setImmediate)
  native.complete(recordCompletion(native.entries[0]?.ticket as number, empty))
  await promise
  controller.abort()
  t.is(native.cancelled.length, 0)
})

test('many calls may share one signal', async (t) => {
  const { client, native } = fakeClient()
  const controller = new AbortController()
  const warnings: string[] = []
  const onWarning = (warning: Error) => warnings.push(warning.name)
  process.on('warning', onWarning)
  const calls = Array.from({ length: 50 }, () => client.get(key, { signal: controller.signal }))
  await new Promise(setImmediate)
  native.complete(recordCompletion(native.entries[0]?.ticket as number, empty))
  controller.abort()
  const results = await Promise.allSettled(calls)
  t.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', ...Array<string>(49).fill('rejected')],
  )
  await new Promise(setImmediate)
  process.off('warning', onWarning)
  t.deepEqual(warnings, [])
})

test('calls of every kind share one listener of their signal, and leave none behind', async (t) => {
  const { signal } = new AbortController()
  const calls: Promise<unknown>[] = []
  for (let i = 0; i < 20; i++) {
    calls.push(client().put(freshKey(), { i }, { signal }))
    calls.push(client().batchRead([freshKey(), freshKey()], { signal }))
    calls.push(client().info('build', { signal }))
    calls.push(client().truncate('test', `none${i}`, { signal }))
    calls.push(client().query('test', `none${i}`).with({ signal }).results())
  }
  await new Promise(setImmediate)
  t.is(getEventListeners(signal, 'abort').length, 1)
  await Promise.all(calls)
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test('AbortSignal.timeout ends a call against the cluster, and the client goes on', async (t) => {
  const key = freshKey()
  const signal = AbortSignal.timeout(0)
  await new Promise((resolve) => setTimeout(resolve, 5))
  await t.throwsAsync(client().get(key, { signal }), { instanceOf: AbortError })
  const controller = new AbortController()
  const calls = Array.from({ length: 100 }, (_, i) => client().put(key, { i }, { signal: controller.signal }))
  setImmediate(() => controller.abort())
  const results = await Promise.allSettled(calls)
  for (const result of results) if (result.status === 'rejected') t.true(result.reason instanceof AbortError)
  // Another record: a cancelled write may still be carried out, and later than this one.
  const other = freshKey()
  await client().put(other, { i: 'after' })
  t.is((await client().get(other)).bins.i, 'after')
})
