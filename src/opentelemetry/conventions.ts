// The semantic conventions for database clients (https://opentelemetry.io/docs/specs/semconv/db/, stable since 1.33.0), as far as
// calls of Aerospike have what they ask for. A test compares the names with the published ones.

import { isIP } from 'node:net'
import type { Attributes } from '@opentelemetry/api'
import type { CommandMessage } from '../channels/command.js'

/** Attributes of spans and of the duration. */
export const Attribute = {
  system: 'db.system.name',
  namespace: 'db.namespace',
  collection: 'db.collection.name',
  operation: 'db.operation.name',
  batchSize: 'db.operation.batch.size',
  status: 'db.response.status_code',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  peerAddress: 'network.peer.address',
  peerPort: 'network.peer.port',
  poolName: 'db.client.connection.pool.name',
  poolState: 'db.client.connection.state',
} as const

/** The metrics: the first is stable and required, those of connections are still in development there. */
export const Metric = {
  duration: 'db.client.operation.duration',
  connections: 'db.client.connection.count',
  pending: 'db.client.connection.pending_requests',
} as const

/** The bounds that the convention wants for the duration, in seconds. */
export const DURATION_BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/** It has no well-known value for Aerospike, so this is one of our own, as it allows. */
const SYSTEM = 'aerospike'
const DEFAULT_PORT = 3000

/** Records that are not there, or that a filter left out: answers, and no errors. */
const ANSWERS = [2, 27]

/** What is done with the rows of a batch. */
const BATCHES: { readonly [verb: string]: string } = {
  batch: '',
  batchStream: '',
  batchRead: 'get',
  batchWrite: 'put',
  batchOperate: 'operate',
  batchRemove: 'remove',
  batchApply: 'apply',
  getMany: 'get',
  existsMany: 'exists',
  selectMany: 'select',
}

/** `get`; of batches `BATCH get`, or `BATCH` where rows do different things. One row is no batch for the convention. */
function operationOf({ verb, rows = 0 }: CommandMessage): string {
  const one = BATCHES[verb]
  if (one === undefined) return verb
  if (rows < 2) return one === '' ? verb : one
  return one === '' ? 'BATCH' : `BATCH ${one}`
}

/** What is known when a call begins. */
export function startAttributes(message: CommandMessage): Attributes {
  const { verb, namespace, set, rows = 0 } = message
  return {
    [Attribute.system]: SYSTEM,
    [Attribute.operation]: operationOf(message),
    ...(namespace === undefined ? {} : { [Attribute.namespace]: namespace }),
    ...(set === undefined ? {} : { [Attribute.collection]: set }),
    ...(BATCHES[verb] !== undefined && rows >= 2 ? { [Attribute.batchSize]: rows } : {}),
  }
}

/** What is known of a call when it is over. */
export function endAttributes({ host, port, code = 0, error }: CommandMessage): Attributes {
  const failed = error !== undefined
  return {
    ...(host === undefined ? {} : { [Attribute.serverAddress]: host }),
    ...(host === undefined || port === undefined || port === DEFAULT_PORT ? {} : { [Attribute.serverPort]: port }),
    ...(host !== undefined && port !== undefined && isIP(host) !== 0
      ? { [Attribute.peerAddress]: host, [Attribute.peerPort]: port }
      : {}),
    // what a server answered; codes below zero are the client's own
    ...(failed && code > 0 ? { [Attribute.status]: String(code) } : {}),
    ...(isFailure({ code, error }) ? { [Attribute.errorType]: nameOf(error) } : {}),
  }
}

/** Whether a call failed: a record that is not there is an answer. */
export function isFailure({ code = 0, error }: Pick<CommandMessage, 'code' | 'error'>): boolean {
  return error !== undefined && !ANSWERS.includes(code)
}

/** The class of an error. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '_OTHER'
}

/** `get users`: the operation and what it is performed on. */
export function spanName(message: CommandMessage): string {
  const target = message.set ?? message.namespace
  return target === undefined ? operationOf(message) : `${operationOf(message)} ${target}`
}
