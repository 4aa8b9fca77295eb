// Secondary indexes for tests: made, waited for on every node, and removed with the test.

import { randomBytes } from 'node:crypto'
import type { IndexDefinition } from 'aerospike-napi'
import type { ExecutionContext } from 'ava'
import { client } from './cluster.mjs'

type Without<T> = T extends unknown ? Omit<T, 'namespace' | 'name'> : never

/** Makes an index and resolves to its name once every node has built it; it goes when the test ends. */
export async function index(t: ExecutionContext, definition: Without<IndexDefinition>): Promise<string> {
  const name = `i${randomBytes(8).toString('hex')}`
  const whole = { ...definition, namespace: 'test', name } as IndexDefinition
  const job = await client().createIndex(whole, { totalTimeout: 30_000 })
  t.teardown(() => client().dropIndex('test', name, { totalTimeout: 30_000 }))
  await job.ready()
  return name
}
