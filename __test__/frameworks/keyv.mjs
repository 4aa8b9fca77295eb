// The suite that Keyv has for its stores, and caches on top of one, in node:test. The suite is written for vitest, of which it
// needs `it`, `beforeEach`, `afterEach` and a few assertions: with those here, vitest need not be installed.
import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, it } from 'node:test'
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import { connect } from 'aerospike-napi'
import { KeyvAerospike } from 'aerospike-napi/keyv'
import { LocalCluster } from 'aerospike-napi/local'
import { createCache } from 'cache-manager'
import Keyv from 'keyv'

const cluster = await LocalCluster.start()
const client = await connect(cluster.hosts)
after(async () => {
  await client.close()
  await cluster.stop()
})

function expect (actual) {
  const assertions = (holds) => ({
    toBe: (expected) => holds(Object.is(actual, expected), expected),
    toEqual: (expected) => holds(isEqual(actual, expected), expected),
    toBeTruthy: () => holds(Boolean(actual), 'truthy'),
    toBeFalsy: () => holds(!actual, 'falsy'),
    toBeUndefined: () => holds(actual === undefined, undefined),
    toBeDefined: () => holds(actual !== undefined, 'defined'),
    toBeNull: () => holds(actual === null, null)
  })
  const ok = (wanted) => (holds, expected) => assert.ok(holds === wanted, `${JSON.stringify(actual)} and ${JSON.stringify(expected)}`)
  return { ...assertions(ok(true)), not: assertions(ok(false)) }
}

function isEqual (actual, expected) {
  try {
    assert.deepEqual(actual, expected)
    return true
  } catch {
    return false
  }
}

const suite = {
  beforeEach,
  afterEach,
  it: (name, run) => it(name, async () => {
    let made = 0
    let wanted
    const counted = (actual) => {
      made++
      return expect(actual)
    }
    counted.assertions = (count) => { wanted = count }
    await run({ expect: counted })
    if (wanted !== undefined) assert.equal(made, wanted, 'assertions')
  })
}
const store = () => new KeyvAerospike(client)

keyvTestSuite(suite, Keyv, store)
keyvIteratorTests(suite, Keyv, store)

it('entries expire on the server as well', async () => {
  const keyv = new Keyv({ store: new KeyvAerospike(client, { set: 'expiry' }), namespace: 'n' })
  await keyv.set('short', 1, 1500)
  await keyv.set('long', 1)
  expect((await client.get(['test', 'expiry', 'n:short'])).meta.ttl).toBe(2)
  expect((await client.get(['test', 'expiry', 'n:long'])).meta.ttl).toBe(-1)
})

it('clear leaves other namespaces and the records of others alone', async () => {
  await client.put(['test', 'shared', 'mine'], { other: 1 })
  const [a, b] = ['a', 'b'].map((namespace) => new Keyv({ store: new KeyvAerospike(client, { set: 'shared' }), namespace }))
  await a.set('x', 1)
  await b.set('x', 2)
  await a.clear()
  expect(await a.get('x')).toBeUndefined()
  expect(await b.get('x')).toBe(2)
  expect((await client.get(['test', 'shared', 'mine'])).bins).toEqual({ other: 1 })
})

it('many entries are written, read and removed in batches', async () => {
  const keyv = new Keyv({ store: new KeyvAerospike(Promise.resolve(client), { set: 'many' }) })
  await keyv.setMany(Array.from({ length: 2500 }, (_, i) => ({ key: `k${i}`, value: i, ttl: 60_000 })))
  expect(await keyv.getMany(['k0', 'absent', 'k2499'])).toEqual([0, undefined, 2499])
  expect(await keyv.hasMany(['k1', 'absent'])).toEqual([true, false])
  await keyv.clear()
  expect(await keyv.get('k7')).toBeUndefined()
})

it('cache-manager caches in it', async () => {
  const cache = createCache({ stores: [new Keyv({ store: new KeyvAerospike(client, { set: 'cache' }) })] })
  let calls = 0
  const load = () => cache.wrap('answer', () => ++calls * 42, 60_000)
  expect([await load(), await load()]).toEqual([42, 42])
  expect(await cache.mget(['answer', 'absent'])).toEqual([42, undefined])
  await cache.del('answer')
  expect(await load()).toBe(84)
})

it('options are checked, and Keyv without a serializer is refused', async () => {
  assert.throws(() => new KeyvAerospike(client, { sett: 'x' }), /there is no option 'sett'; did you mean 'set'/)
  assert.throws(() => new KeyvAerospike(client, { set: '' }), /must be text that is not empty/)
  await assert.rejects(new KeyvAerospike(client).set('k', { a: 1 }), /needs the serializer/)
})
