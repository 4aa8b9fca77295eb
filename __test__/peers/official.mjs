// The official Node client, for programs that run it beside ours.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { prepareNode } from './suites.mjs'

/** The package. */
export const Aerospike = createRequire(join(prepareNode(), 'package.json'))('./lib/aerospike.js')
Aerospike.setDefaultLogging?.({ level: Aerospike.log.OFF })

/** Connects the official client. */
export function connectOfficial (hosts, options = {}) {
  const policy = { totalTimeout: 5000 }
  const policies = { apply: policy, batch: policy, operate: policy, read: policy, remove: policy, write: policy, batchParentWrite: policy }
  const addresses = hosts.map(host => ({ addr: host.split(':')[0], port: Number(host.split(':').at(-1)) }))
  return Aerospike.connect({ hosts: addresses, policies, log: { level: Aerospike.log.OFF }, ...options })
}

/** A key as the official client wants it. */
export const officialKey = ([namespace, set, key]) => new Aerospike.Key(namespace, set, key)
