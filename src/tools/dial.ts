// Whether an address takes connections, and what to do when it does not.

import { connect as dialPlain } from 'node:net'
import { TruePromise } from '../host.js'

/** Milliseconds after which there is no answer. */
export const DIAL_MS = 2000

interface Parts {
  readonly host: string
  readonly port: number
}

export function partsOf(address: string): Parts {
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) }
}

/** Why a TCP connection cannot be made; undefined when it can. */
export function dial(address: string): Promise<NodeJS.ErrnoException | undefined> {
  return new TruePromise((resolve) => {
    const socket = dialPlain({ ...partsOf(address), timeout: DIAL_MS })
    const end = (error?: NodeJS.ErrnoException): void => {
      socket.destroy()
      resolve(error)
    }
    socket.once('connect', () => end())
    socket.once('error', end)
    socket.once('timeout', () => end(Object.assign(new Error(`no answer within ${DIAL_MS} ms`), { code: 'ETIMEDOUT' })))
  })
}

const DIAL_ADVICE: { readonly [code: string]: string } = {
  ECONNREFUSED: 'nothing listens there: is the server running, and is that its service port (3000, or 4333 for TLS)?',
  ETIMEDOUT: 'packets are lost on the way: look at firewalls, security groups and the network of the container',
  ENOTFOUND: 'the name is not known here: look at its spelling and at the DNS server',
  EAI_AGAIN: 'the DNS server does not answer',
  EHOSTUNREACH: 'there is no way to that network from here',
  ENETUNREACH: 'there is no way to that network from here',
}

export function adviceFor(error: NodeJS.ErrnoException): string {
  return DIAL_ADVICE[error.code ?? ''] ?? 'look at the network between here and there'
}
