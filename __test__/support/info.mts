// A stand-in that answers info commands, for tests of what the calls on the cluster send and read.
import type { Client } from 'aerospike-napi'
import { type FakeNative, fakeClient } from './fake.mjs'

export interface InfoFake {
  readonly client: Client
  readonly native: FakeNative
  /** Every command that was sent, with its node: '*' is all. */
  readonly sent: [node: string, command: string][]
}

/** Answers by command, by node: text, or a function that makes it. What has no answer is unrecognized. */
export type Answers = (command: string, node: string) => string | undefined

/** A client of nodes that answer as told. */
export function infoFake(answer: Answers, options: { nodes?: string[]; build?: string } = {}): InfoFake {
  const { nodes = ['A1'], build = '8.1.1.2' } = options
  const { client, native } = fakeClient()
  const sent: [string, string][] = []
  const ours = {
    nodes: () =>
      nodes.map((name) => ({
        name,
        host: '127.0.0.1',
        port: 3000,
        active: true,
        answering: true,
        connections: { open: 1, inUse: 0 },
        build,
      })),
    info: async (target: string, text: string) => {
      const commands = text.split('\n')
      for (const command of commands) sent.push([target, command])
      const lines = (node: string): string =>
        commands.map((one) => `${one}\t${answer(one, node) ?? 'ERROR:4:unrecognized command'}\n`).join('')
      const asked = target === '*' ? nodes : target === '' ? nodes.slice(0, 1) : [target]
      return asked.map((node) => ({ node, response: lines(node) }))
    },
  }
  Object.assign(native, ours)
  return { client, native, sent }
}
