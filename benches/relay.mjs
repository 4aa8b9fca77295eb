// A thread that passes on what a node and its clients say, under a port of its own, and counts the commands. In what the node
// says, its port is replaced, so that clients stay here. A thread, since the official client blocks its own while it connects.
import { createServer, connect as dial } from 'node:net'
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** The type of a message in its header: a command. What tending sends are info requests. */
const COMMAND = 3

/** Starts one before the node at `port`; `commands()` is how many were sent so far. */
export async function startRelay (port) {
  const count = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL(import.meta.url), { workerData: { port, count } })
  const [own] = await once(worker, 'message')
  return { host: `127.0.0.1:${own}`, commands: () => Atomics.load(count, 0), stop: () => worker.terminate() }
}

async function relay ({ port, count }) {
  const server = createServer({ noDelay: true }, socket => {
    const node = dial({ port, host: '127.0.0.1', noDelay: true })
    let rest = Buffer.alloc(0)
    socket.on('data', data => {
      node.write(data)
      rest = Buffer.concat([rest, data])
      while (rest.length >= 8 && rest.length >= 8 + rest.readUIntBE(2, 6)) {
        if (rest[1] === COMMAND) Atomics.add(count, 0, 1)
        rest = rest.subarray(8 + rest.readUIntBE(2, 6))
      }
    })
    node.on('data', data => {
      socket.write(Buffer.from(data.toString('latin1').replaceAll(`:${port}`, `:${server.address().port}`), 'latin1'))
    })
    for (const [one, other] of [[socket, node], [node, socket]]) {
      one.on('close', () => other.destroy())
      one.on('error', () => other.destroy())
    }
  })
  do {
    server.close()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    // As many digits as the node's port, so that lengths stay.
  } while (String(server.address().port).length !== String(port).length)
  parentPort.postMessage(server.address().port)
}

if (!isMainThread && workerData?.count !== undefined) await relay(workerData)
