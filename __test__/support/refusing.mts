// A proxy before one node that answers every login itself, with a refusal.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'

const HEADER = 8
const SECURITY = 2
const LOGIN = 20
const INVALID_CREDENTIAL = 65

/** Starts one; everything else passes. */
export async function startRefusing(host: string): Promise<{ readonly host: string; stop(): void }> {
  const [name, port] = host.split(':') as [string, string]
  const server = createServer((client) => {
    const node = connect(Number(port), name)
    node.pipe(client)
    let rest = Buffer.alloc(0)
    client.on('data', (data) => {
      rest = Buffer.concat([rest, data])
      while (rest.length >= HEADER && rest.length >= HEADER + rest.readUIntBE(2, 6)) {
        const frame = rest.subarray(0, HEADER + rest.readUIntBE(2, 6))
        rest = rest.subarray(frame.length)
        if (frame[1] === SECURITY && frame[HEADER + 2] === LOGIN) client.write(REFUSAL)
        else node.write(frame)
      }
    })
    for (const [one, other] of [
      [client, node],
      [node, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() }
}

const REFUSAL = Buffer.alloc(HEADER + 16)
REFUSAL.writeUInt16BE(0x0202, 0)
REFUSAL.writeUIntBE(16, 2, 6)
REFUSAL[HEADER + 1] = INVALID_CREDENTIAL
