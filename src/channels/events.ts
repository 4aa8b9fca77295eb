// The channels of what happens at nodes: nodes themselves, connections, retries and breakers.

import * as diagnostics from 'node:diagnostics_channel'

/** Published on `aerospike-napi:node`. */
export interface NodeMessage {
  /** `silent`: it answers nothing at all, and reads begin at another replica; `awake`: it answers again. */
  readonly event: 'added' | 'removed' | 'silent' | 'awake'
  readonly node: string
  /** Milliseconds since 1970. */
  readonly time: number
}

/** Published on `aerospike-napi:connection`. */
export interface ConnectionMessage {
  readonly event: 'opened' | 'closed' | 'failed'
  readonly node: string
  readonly time: number
  /** Why one could not be opened: the result code, 0 otherwise, and the same in words. */
  readonly code: number
  readonly reason: string
}

/** Published on `aerospike-napi:retry`: something failed at a node and is tried again. */
export interface RetryMessage {
  readonly node: string
  readonly time: number
  /** The kind of command, as `client.metrics()` has them. */
  readonly kind: string
  /** Why it failed. */
  readonly code: number
  /** Which attempt failed, from 1. */
  readonly attempt: number
  /** How many rows of a batch are tried again; 0 of other commands. */
  readonly rows: number
}

/** Published on `aerospike-napi:breaker`: `opened` when a node failed too often and is left alone until the next window. */
export interface BreakerMessage {
  readonly event: 'opened' | 'closed'
  readonly node: string
  readonly time: number
}

/** The channels by name, with what is published there. */
export interface NodeChannels {
  readonly 'aerospike-napi:node': NodeMessage
  readonly 'aerospike-napi:connection': ConnectionMessage
  readonly 'aerospike-napi:retry': RetryMessage
  readonly 'aerospike-napi:breaker': BreakerMessage
}

/** An event as the core tells it. */
export interface CoreEvent {
  readonly event: string
  readonly node: string
  readonly time: number
  readonly code: number
  readonly detail: string
  readonly kind?: string | null
  readonly attempt: number
  readonly rows: number
}

const channels = {
  node: diagnostics.channel('aerospike-napi:node'),
  connection: diagnostics.channel('aerospike-napi:connection'),
  retry: diagnostics.channel('aerospike-napi:retry'),
  breaker: diagnostics.channel('aerospike-napi:breaker'),
}

/** For each event of the core its channel, and what it is called there. */
const PLACES: { readonly [event: string]: readonly [channel: keyof typeof channels, event: string] } = {
  nodeAdded: ['node', 'added'],
  nodeRemoved: ['node', 'removed'],
  nodeSilent: ['node', 'silent'],
  nodeAwake: ['node', 'awake'],
  connectionOpened: ['connection', 'opened'],
  connectionClosed: ['connection', 'closed'],
  connectionFailed: ['connection', 'failed'],
  retry: ['retry', 'retry'],
  breakerOpened: ['breaker', 'opened'],
  breakerClosed: ['breaker', 'closed'],
}

/** Whether anybody subscribed to what happens at nodes. */
export function hasNodeListeners(): boolean {
  const { node, connection, retry, breaker } = channels
  return node.hasSubscribers || connection.hasSubscribers || retry.hasSubscribers || breaker.hasSubscribers
}

/** Publishes an event. A runtime whose channels throw for a subscriber hurts nobody. */
export function publishEvent({ event, node, time, code, detail, kind, attempt, rows }: CoreEvent): void {
  const [name, called] = PLACES[event] ?? []
  if (name === undefined || called === undefined || !channels[name].hasSubscribers) return
  const common = { event: called, node, time }
  const message =
    name === 'retry'
      ? { node, time, kind, code, attempt, rows }
      : name === 'connection'
        ? { ...common, code, reason: detail }
        : common
  try {
    channels[name].publish(message)
  } catch {}
}
