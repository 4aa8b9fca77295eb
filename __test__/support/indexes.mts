// Secondary indexes for tests: made, waited for on every node, and removed with the test.

import { randomBytes } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { client, sleep } from './cluster.mjs'

/** What an index is over: the parts of the info command. */
export interface IndexSpec {
  set: string
  bin?: string
  type: 'numeric' | 'string' | 'blob' | 'geo2dsphere'
  collection?: 'list' | 'mapkeys' | 'mapvalues'
  /** Base64. */
  context?: string
  /** Base64. */
  exp?: string
}

/** Makes an index and resolves to its name once every node can be asked; it goes when the test ends. */
export async function index(t: ExecutionContext, spec: IndexSpec): Promise<string> {
  const name = `i${randomBytes(8).toString('hex')}`
  const { set, bin, type, collection, context, exp } = spec
  const parts = ['namespace=test', `set=${set}`, `indexname=${name}`]
  if (collection !== undefined) parts.push(`indextype=${collection}`)
  if (context !== undefined) parts.push(`context=${context}`)
  if (exp !== undefined) parts.push(`exp=${exp}`)
  if (bin !== undefined) parts.push(`bin=${bin}`)
  parts.push(`type=${type}`)
  const node = client().nodes()[0]?.name
  const [answer] = [
    ...(await client().info(`sindex-create:${parts.join(';')}`, { node, totalTimeout: 10_000 })).values(),
  ]
  if (!/^ok$/i.test(answer ?? '')) throw new Error(`sindex-create: ${answer}`)
  t.teardown(() => client().info(`sindex-delete:namespace=test;indexname=${name}`, { node, totalTimeout: 10_000 }))
  for (;;) {
    const answers = [...(await client().info(`sindex/test/${name}`, { totalTimeout: 10_000 })).values()]
    if (answers.every((one) => /load_pct=100\b/.test(one))) break
    await sleep(20)
  }
  return name
}
