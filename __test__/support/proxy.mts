// A proxy on loopback that stands before the nodes of a cluster and notes every message that goes through it. It runs in a
// thread of its own: a client that blocks the one it is called from, as the official one does while it connects, is served too.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const INFO = 1
const HEADER = 8
/** The type of messages that are commands, and their answers. */
export const COMMAND = 3

/** A message. */
export interface Heard {
  readonly node: number
  readonly connection: number
  readonly from: 'client' | 'server'
  readonly type: number
  readonly body: Uint8Array
}

/** A proxy that runs. */
export interface Proxy {
  readonly hosts: readonly string[]
  /** Resolves when everything that went through so far was heard. */
  settled(): Promise<void>
  stop(): Promise<unknown>
}

/** Starts one. What nodes say of their addresses is changed on its way, so that clients stay with the proxy. */
export async function startProxy(hosts: readonly string[], heard: (message: Heard) => void): Promise<Proxy> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { proxied: hosts } })
  const [{ listening }] = await once(worker, 'message')
  const asked: (() => void)[] = []
  worker.on('message', (message) => (message === 'told' ? asked.shift()?.() : heard(message)))
  return {
    hosts: listening,
    settled: () =>
      new Promise((resolve) => {
        asked.push(resolve)
        worker.postMessage('tell')
      }),
    stop: () => worker.terminate(),
  }
}

async function listen(hosts: readonly string[]): Promise<void> {
  const ports = new Map<string, number>()
  let connections = 0
  const tell = (message: unknown): void => parentPort?.postMessage(message)
  const listening = hosts.map(async (host, node) => {
    const port = host.split(':').at(-1) as string
    const server = createServer((client) => {
      const connection = connections++
      const upstream = connect(Number(port), '127.0.0.1')
      forward(client, upstream, (type, body) => tell({ node, connection, from: 'client', type, body }))
      forward(upstream, client, (type, body) => tell({ node, connection, from: 'server', type, body }), ports)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const own = (server.address() as AddressInfo).port
    ports.set(port, own)
    return `127.0.0.1:${own}`
  })
  tell({ listening: await Promise.all(listening) })
  parentPort?.on('message', () => tell('told'))
}

/** Passes whole messages on; with `ports` it puts the proxy's in the place of the nodes' in what info commands answer. */
function forward(
  from: Socket,
  to: Socket,
  note: (type: number, body: Buffer) => void,
  ports?: ReadonlyMap<string, number>,
): void {
  let rest = Buffer.alloc(0)
  from.setNoDelay(true)
  from.on('data', (data) => {
    rest = Buffer.concat([rest, data])
    while (rest.length >= HEADER) {
      const size = rest.readUIntBE(2, 6)
      if (rest.length < HEADER + size) return
      const header = Buffer.from(rest.subarray(0, HEADER))
      let body = Buffer.from(rest.subarray(HEADER, HEADER + size))
      rest = rest.subarray(HEADER + size)
      note(header[1] as number, body)
      if (header[1] === INFO && ports !== undefined) {
        const text = body.toString('latin1').replace(/\b\d{4,5}\b/g, (port) => String(ports.get(port) ?? port))
        body = Buffer.from(text, 'latin1')
        header.writeUIntBE(body.length, 2, 6)
      }
      to.write(Buffer.concat([header, body]))
    }
  })
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroy())
}

if (!isMainThread && workerData?.proxied !== undefined) await listen(workerData.proxied)
