// What a health check wants to know, as plain data and without asking anybody.

import type { Boundary } from '../boundary/native.js'
import type { UnreachableNode } from './events.js'

/** A node, for a health check. */
export interface NodeHealth {
  readonly name: string
  /** `host:port`. */
  readonly address: string
  /** Whether it answers, as far as the client knows. */
  readonly answering: boolean
  /** 'open': it failed so often lately that it is left alone until the window of `errorRateWindow` is over. */
  readonly breaker: 'open' | 'closed'
  readonly connections: { readonly open: number; readonly inUse: number }
  /** Requests that wait for a connection. */
  readonly queued: number
}

/** What `client.health` tells. */
export interface Health {
  /**
   * For a readiness probe: whether the client can do its work, which takes one node that answers. While it closes it is not
   * ready any more.
   */
  readonly ready: boolean
  /**
   * For a liveness probe: false when only a new process would help, because the client is closed or has stopped looking at its
   * cluster. A cluster that is gone is no reason to be restarted.
   */
  readonly live: boolean
  /** 'degraded': some nodes do not answer, are left alone or cannot be reached. */
  readonly status: 'connecting' | 'connected' | 'degraded' | 'disconnected' | 'closing' | 'closed'
  /** What is wrong, in words, for whoever reads the probe's answer. */
  readonly problems: readonly string[]
  /** Milliseconds since the last look at the nodes. */
  readonly tendAge: number
  /** Calls under way, and calls that wait for their turn. */
  readonly calls: { readonly inFlight: number; readonly queued: number }
  readonly nodes: readonly NodeHealth[]
  /** Nodes that others list and that cannot be reached. */
  readonly unreachable: readonly UnreachableNode[]
}

const GONE: Omit<Health, 'status' | 'problems' | 'calls' | 'live'> = {
  ready: false,
  tendAge: 0,
  nodes: [],
  unreachable: [],
}

/** @param staleAfter milliseconds after which nobody looks at the cluster any more */
export function healthOf(boundary: Boundary, staleAfter: number): Health {
  const calls = boundary.load
  if (boundary.closed) {
    const isClosing = !boundary.isShutDown
    const [status, problem] = isClosing
      ? (['closing', 'the client is closing'] as const)
      : (['closed', 'the client is closed'] as const)
    return { ...GONE, live: isClosing, status, problems: [problem], calls }
  }
  const { native } = boundary
  const { tendAge, unreachable, hosts } = native.reach()
  const counted = new Map(
    native
      .metrics()
      .nodes.filter(({ present }) => present)
      .map((node) => [node.name, node]),
  )
  const nodes = native.nodes().map(({ name, host, port, answering, connections }): NodeHealth => {
    const { breakerOpen = false, queued = 0 } = counted.get(name) ?? {}
    return {
      name,
      address: addressOf(host, port),
      answering,
      breaker: breakerOpen ? 'open' : 'closed',
      connections,
      queued,
    }
  })
  const isStale = tendAge > staleAfter
  const ready = nodes.some(({ answering }) => answering) && !isStale
  const problems = [
    ...(isStale ? [`nobody has looked at the cluster for ${Math.round(tendAge)} ms`] : []),
    ...hosts.map((why) => `no host answers: ${why}`),
    ...(nodes.length === 0 && hosts.length === 0 ? ['no node is known yet'] : []),
    ...nodes.flatMap(problemsOf),
    ...unreachable.map(
      ({ name, tried }) =>
        `node ${name} cannot be reached: ${tried.map(({ address, reason }) => `${address} (${reason})`).join(' or ')}`,
    ),
  ]
  const isWaiting = nodes.length === 0 && hosts.length === 0
  const status = ready ? (problems.length > 0 ? 'degraded' : 'connected') : isWaiting ? 'connecting' : 'disconnected'
  return { ready, live: !isStale, status, problems, tendAge, calls, nodes, unreachable }
}

function problemsOf({ name, address, answering, breaker }: NodeHealth): string[] {
  return [
    ...(answering ? [] : [`node ${name} at ${address} does not answer`]),
    ...(breaker === 'open' ? [`node ${name} at ${address} is left alone after too many errors`] : []),
  ]
}

function addressOf(host: string, port: number): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`
}
