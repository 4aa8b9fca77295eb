// Values of another realm, as `vm` contexts and test runners make them, and signals that others have made: what they are
// counts, not whose class made them.
import { runInNewContext } from 'node:vm'
import { codecs, HyperLogLog, InvalidArgumentError, range } from 'aerospike-napi'
import test from 'ava'
import { client, freshKey } from './support/cluster.mjs'

const foreign = <T,>(code: string): T => runInNewContext(code) as T

test('dates, bytes, sets and maps of another realm are what they are', async (t) => {
  const key = freshKey()
  await client().put(key, { a: 1 }, { expiresAt: foreign<Date>('new Date(Date.now() + 1e6)') })
  const { ttl } = (await client().get(key)).meta
  t.true(ttl > 900 && ttl <= 1000, `a ttl of ${ttl}`)
  t.is(codecs.date.encode(foreign<Date>('new Date(5)')), 5)
  t.deepEqual(codecs.set().encode(foreign('new Set([1, 2])')), [1, 2])
  t.is((codecs.map().encode(foreign('new Map([[1, 2]])')) as Map<number, number>).get(1), 2)
  t.is(new HyperLogLog(foreign('new Uint8Array(3)')).bytes.length, 3)
  t.notThrows(() => range.equal('a', foreign<Uint8Array>('new Uint8Array(3)')))
  t.is(
    (
      await client()
        .get(['test', key[1], foreign<Uint8Array>('new Uint8Array([1])')])
        .catch((e) => e)
    ).code,
    2,
  )
})

test('what is refused is not said to be what was asked for', async (t) => {
  const key = freshKey()
  const late = foreign<Date>('new Date(0)')
  for (const [call, message] of [
    [() => client().put(key, { a: 1 }, { expiresAt: late }), /not the date 1970-01-01T00:00:00.000Z$/],
    [
      () => client().put(key, { a: foreign<never>('new Date(0)') }),
      /an instance of Date cannot be stored; store value/,
    ],
    [() => client().operate(key, []), /at least one operation, not an empty array$/],
  ] as const) {
    await t.throwsAsync(call(), { instanceOf: InvalidArgumentError, message })
  }
})

/** A signal that is no `AbortSignal` of this realm, such as jsdom's. */
class Signal extends EventTarget {
  aborted = false
  reason: unknown
  throwIfAborted() {}
  onabort = null
  abort(reason: unknown) {
    Object.assign(this, { aborted: true, reason })
    this.dispatchEvent(new Event('abort'))
  }
}

test('a signal of others ends a call, and what is no signal is refused', async (t) => {
  const key = freshKey()
  const signal = new Signal()
  const reading = client().get(key, { signal: signal as never })
  signal.abort('enough')
  const error = await t.throwsAsync(reading, { name: 'AbortError' })
  t.is(error?.cause as unknown, 'enough')
  await t.throwsAsync(client().get(key, { signal: signal as never }), { name: 'AbortError' })
  for (const no of [{}, new EventTarget(), { aborted: false }, 'signal']) {
    await t.throwsAsync(client().get(key, { signal: no as never }), { message: /must be an AbortSignal/ })
    await t.throwsAsync(client().info('build', { signal: no as never }), { message: /must be an AbortSignal/ })
  }
})
