// The cluster a test file works on: one of three nodes inside this process, with access control and encryption where
// AEROSPIKE_SECURE=1 says so, or the one that AEROSPIKE_HOSTS names.
import { randomBytes } from 'node:crypto'
import { type Client, type ConnectOptions, connect, type UserKey } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test, { type TestFn } from 'ava'

/** A real cluster, when there is one to be used as it is. */
export const real = process.env.AEROSPIKE_HOSTS

/** Whether the embedded cluster has access control and encryption. */
export const secure = process.env.AEROSPIKE_SECURE === '1'

let cluster: LocalCluster | undefined
let shared: Client | undefined

test.serial.before('a cluster and a client', async () => {
  if (real === undefined) {
    const options = secure ? ({ edition: 'enterprise', security: true, tls: 'self-signed' } as const) : {}
    cluster = await LocalCluster.start({ nodes: 3, ...options })
  }
  shared = await connect(target())
})

test.after.always('the client is closed and the cluster stopped', async () => {
  await shared?.close()
  await cluster?.stop()
})

/** Where to connect to. */
export function hosts(): readonly string[] {
  return real === undefined ? local().hosts : real.split(',')
}

/** What to connect with: for `connect`, and as JSON for another process. */
export function target(): ConnectOptions {
  if (!secure || real !== undefined) return { hosts: hosts() }
  return { hosts: hosts(), user: 'admin', password: 'admin', tls: local().certificates }
}

/** The client of this file. */
export function client(): Client {
  if (shared === undefined) throw new Error('the client is made before the first test')
  return shared
}

/** The embedded cluster, for tests of faults. */
export function local(): LocalCluster {
  if (cluster === undefined) throw new Error('the cluster is started before the first test')
  return cluster
}

/** Another client of the same cluster. */
export function another(options: Omit<ConnectOptions, 'hosts'> = {}): Promise<Client> {
  return connect({ ...target(), ...options })
}

/** A set that no other test uses. */
export function freshSet(): string {
  return `t${randomBytes(8).toString('hex')}`
}

/** A key in a set that no other test uses. */
export function freshKey<K extends UserKey = string>(user?: K): readonly [string, string, K | string] {
  return ['test', freshSet(), user ?? 'key'] as const
}

/** A test that needs a cluster that can be broken: left out on a real one. */
export const faultTest: TestFn['serial'] | TestFn['skip'] = real === undefined ? test.serial : test.skip

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
