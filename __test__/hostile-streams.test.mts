// Queries whose answers are damaged on their way, queries in several threads, and queries that are forgotten.

import { once } from 'node:events'
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { AbortError, AerospikeError, connect, type Key } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test, { type ExecutionContext } from 'ava'
import { client, faultTest, freshSet, real, target } from './support/cluster.mjs'

const COUNT = 500
/** What an operator would wait for at most; the slowest machine is well below it. */
const PATIENCE_MS = 60_000

async function filled(target = client()): Promise<string> {
  const set = freshSet()
  const rows = Array.from({ length: COUNT }, (_, i) => ({
    key: ['test', set, i] as Key,
    bins: { i, text: 'x'.repeat(500) },
  }))
  ;(await target.batchWrite(rows, { totalTimeout: PATIENCE_MS })).throwIfFailed()
  return set
}

/** The first bytes of a frame: version 2, type 3, which is a message; type 1 is info. */
const isMessage = (bytes: Buffer): boolean => bytes.length >= 2 && bytes[0] === 2 && bytes[1] === 3

/** What happens to bytes that a node sends for a message; `undefined` ends the connection. */
type Damage = (bytes: Buffer) => Buffer | undefined

/** Stands between a client and a node of its own, which it passes itself off as, and damages answers once it is told to. */
class Saboteur {
  damage: Damage | undefined
  readonly #cluster: LocalCluster
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(cluster: LocalCluster, server: Server) {
    this.#cluster = cluster
    this.#server = server
    server.on('connection', (socket) => this.#join(socket))
  }

  static async start(): Promise<Saboteur> {
    const server = createServer()
    const cluster = await LocalCluster.start()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Saboteur(cluster, server)
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get #nodePort(): number {
    return Number(this.#cluster.hosts[0]?.split(':').pop())
  }

  #join(near: Socket): void {
    const far = connectSocket(this.#nodePort, '127.0.0.1')
    let asked = false
    near.on('data', (bytes) => {
      asked = isMessage(bytes)
      far.write(bytes)
    })
    far.on('data', (bytes) => {
      const passed = asked && this.damage !== undefined ? this.damage(bytes) : this.#renamed(bytes)
      if (passed === undefined) near.destroy()
      else near.write(passed)
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  }

  /** An answer with our port in place of the node's, where a node tells its address. */
  #renamed(bytes: Buffer): Buffer {
    const [from, to] = [`:${this.#nodePort}`, `:${this.port}`]
    if (bytes[1] !== 1 || from.length !== to.length) return bytes
    return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1')
  }

  async stop(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await this.#cluster.stop()
  }
}

/** A client of a node whose answers can be damaged, and a set with records. */
async function sabotaged(t: ExecutionContext) {
  const saboteur = await Saboteur.start()
  t.teardown(() => saboteur.stop())
  const own = await connect(`127.0.0.1:${saboteur.port}`)
  t.teardown(() => own.close())
  return { saboteur, own, set: await filled(own) }
}

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ 0xff
  return copy
}

const DAMAGES: { readonly [name: string]: () => Damage } = {
  'noise in place of frames': () => (bytes) => Buffer.alloc(bytes.length, 0xa5),
  'a frame of 2^48 bytes': () => () => Buffer.from([2, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]),
  'a frame of no bytes': () => () => Buffer.from([2, 3, 0, 0, 0, 0, 0, 0]),
  'an answer that ends in the middle': () => {
    let is_over = false
    return (bytes) => {
      if (is_over) return undefined
      is_over = true
      return bytes.subarray(0, bytes.length >> 1)
    }
  },
  'a record whose header lies': () => (bytes) => flipped(flipped(bytes, 8 + 18), 8 + 20),
  'a record whose fields lie': () => (bytes) => flipped(bytes, 8 + 22),
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  faultTest(`a query ends in an error of ours when the node sends ${name}, and works again afterwards`, async (t) => {
    const { saboteur, own, set } = await sabotaged(t)
    saboteur.damage = damage()
    const scan = own.scan('test', set, { maxRetries: 1, totalTimeout: PATIENCE_MS, socketTimeout: 2000 })
    const error = await t.throwsAsync(scan.results(), { instanceOf: AerospikeError })
    t.true(Number.isInteger(error?.code))
    saboteur.damage = undefined
    const again = await own.scan('test', set, { maxRetries: 10, totalTimeout: PATIENCE_MS }).results()
    t.is(again.length, COUNT)
  })
}

const SCANNER = `
const { parentPort, workerData } = require('node:worker_threads')
import('aerospike-napi').then(async ({ connect }) => {
  const client = await connect(workerData.hosts)
  const seen = new Set()
  for await (const { bins } of client.scan('test', workerData.set)) seen.add(bins.i)
  await client.close()
  parentPort.postMessage(seen.size)
})
`

test('two threads scan at once, each with a client of its own', async (t) => {
  const set = await filled()
  const counts = await Promise.all(
    [1, 2].map(async () => {
      const worker = new Worker(SCANNER, { eval: true, workerData: { hosts: target(), set } })
      const [count] = await once(worker, 'message')
      await worker.terminate()
      return count
    }),
  )
  t.deepEqual(counts, [COUNT, COUNT])
})

/** Left out on a real server: one does not pause between the records of a small set, and nobody wants an endless loop in it. */
const embeddedTest = real === undefined ? test : test.skip

const LOOK_MS = 20

embeddedTest('a query that was begun and forgotten is closed when it is collected', async (t) => {
  const set = await filled()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const own = await connect(target())
  t.teardown(() => own.close())
  const inUse = (): number => own.nodes().reduce((sum, { connections }) => sum + connections.inUse, 0)
  // One record in a second from each node: the queries are under way for minutes, unless someone closes them.
  const begin = async (): Promise<void> => {
    const records = own.scan('test', set, { recordsPerSecond: 1 }).stream()
    await records.next()
    t.true(inUse() > 0)
  }
  for (let i = 0; i < 3; i++) await begin()
  const end = Date.now() + PATIENCE_MS
  while (inUse() > 0 && Date.now() < end) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  t.is(inUse(), 0)
})

const ENDLESS = `
local function spin(record)
  while true do end
end
function forever(stream)
  return stream : map(spin)
end
`

embeddedTest('an abort during an aggregation settles it at once, whatever the function does', async (t) => {
  const set = await filled()
  const module = `m${set}`
  await (await client().udf.register({ source: ENDLESS, name: module })).done({ timeout: PATIENCE_MS })
  t.teardown(() => client().udf.remove(module))
  const controller = new AbortController()
  const { signal } = controller
  const value = client().scan('test', set).aggregate(module, 'forever', [], { signal, source: ENDLESS }).value()
  setTimeout(() => controller.abort(), 50)
  await t.throwsAsync(value, { instanceOf: AbortError })
})
