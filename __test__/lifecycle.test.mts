// Connecting, closing, and processes that end when their work is done.
import { execFile } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AerospikeError, ClientClosedError, ClientError, connect, InvalidArgumentError } from 'aerospike-napi'
import test from 'ava'
import { another, client, freshKey, hosts, target } from './support/cluster.mjs'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

test('a client knows its nodes and is connected', async (t) => {
  t.true(client().isConnected())
  const nodes = client().nodes()
  t.true(nodes.length >= 1)
  for (const node of nodes) {
    t.regex(node.name, /^[0-9A-F]+$/i)
    t.true(node.port > 0)
    t.true(node.active)
  }
})

test('info asks every node, or one', async (t) => {
  const names = client()
    .nodes()
    .map((node) => node.name)
  const answers = await client().info('node')
  t.deepEqual([...answers.keys()].sort(), names.sort())
  for (const [node, answer] of answers) t.is(answer, node)
  const one = await client().info('namespaces', { node: names[0] as string })
  t.is(one.size, 1)
  t.regex([...one.values()][0] as string, /test/)
  await t.throwsAsync(client().info('node', { node: 'nonesuch' }), { instanceOf: AerospikeError })
})

test('after close every call rejects, and closing again does nothing', async (t) => {
  const own = await another()
  const key = freshKey()
  await own.put(key, { a: 1 })
  await own.close()
  await own.close()
  t.false(own.isConnected())
  await t.throwsAsync(own.get(key), { instanceOf: ClientClosedError })
  await t.throwsAsync(own.batchRead([key]), { instanceOf: ClientClosedError })
  await t.throwsAsync(own.info('node'), { instanceOf: ClientError })
  t.throws(() => own.nodes(), { instanceOf: ClientClosedError })
})

test('calls under way when the client is closed settle', async (t) => {
  const own = await another()
  const key = freshKey()
  const calls = Array.from({ length: 200 }, (_, i) => own.put(key, { i }))
  await own.close()
  const results = await Promise.allSettled(calls)
  t.is(results.length, 200)
  for (const result of results) if (result.status === 'rejected') t.true(result.reason instanceof AerospikeError)
})

test('await using closes the client at the end of the block', async (t) => {
  let kept: Awaited<ReturnType<typeof another>>
  {
    await using own = await another()
    kept = own
    t.true(own.isConnected())
  }
  t.false(kept.isConnected())
})

test('a host that refuses, and one that says nothing: connect gives up in time while timers keep firing', async (t) => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  let ticks = 0
  const timer = setInterval(() => ticks++, 5)
  const started = performance.now()
  await t.throwsAsync(connect({ hosts: [`127.0.0.1:${port}`], connectTimeout: 1000 }), { instanceOf: AerospikeError })
  const took = performance.now() - started
  clearInterval(timer)
  silent.close()
  t.true(took < 10_000, `${took} ms`)
  t.true(ticks > 10, `${ticks} ticks`)
  const refused = connect({ hosts: ['127.0.0.1:1'], connectTimeout: 500 })
  const error = await t.throwsAsync(refused, { instanceOf: AerospikeError })
  t.like(error, { code: -10, attempts: 1, inDoubt: false })
  t.true(Number(error?.elapsed) > 0)
  // what was tried crosses from the core as it does for calls on records
  t.regex(String(error?.subErrors[0]?.message), /^could not connect to 127\.0\.0\.1:1: /)
  const again = await connect(target())
  t.true(again.isConnected())
  await again.close()
})

test('connect takes hosts in every form, and refuses what it does not know', async (t) => {
  const [first] = hosts() as [string]
  const [host, port] = first.split(':') as [string, string]
  // where connections need a login and certificates, these go along
  const { hosts: _, ...rest } = target()
  const forms = [first, [first], { hosts: first }, { hosts: [{ host, port: Number(port) }] }]
  for (const form of forms) {
    const isPlain = Object.keys(rest).length === 0
    const given = typeof form === 'string' || Array.isArray(form) ? { hosts: form } : form
    const own = await connect(isPlain ? form : { ...given, ...rest })
    t.true(own.isConnected())
    await own.close()
  }
  await t.throwsAsync(connect({ hosts: [first], conectTimeout: 5 } as never), {
    instanceOf: InvalidArgumentError,
    message: /did you mean 'connectTimeout'/,
  })
  await t.throwsAsync(connect({ hosts: [first], connectTimeout: 0 }), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(connect({ hosts: [first], clusterName: 'another cluster', connectTimeout: 1000 }), {
    instanceOf: AerospikeError,
  })
})

for (const [when, wait] of [
  ['in the tick of the call', ''],
  // Handed over by then, and no answer can have been looked at.
  ['once it was handed over', 'await new Promise(process.nextTick)'],
] as const) {
  test(`a script whose last call was aborted ${when} exits by itself`, async (t) => {
    const script = `
      import { connect } from 'aerospike-napi'
      const client = await connect(${JSON.stringify(target())})
      const controller = new AbortController()
      const call = client.get(['test', 'exit', 2], { signal: controller.signal }).catch((error) => error.name)
      ${wait}
      controller.abort()
      console.log(await call)
    `
    await t.notThrowsAsync(run(process.execPath, ['--input-type=module', '-e', script], { cwd: root, timeout: 15_000 }))
  })
}

test('a script that awaited its work exits by itself, closed or not', async (t) => {
  const script = `
    import { connect } from 'aerospike-napi'
    const client = await connect(${JSON.stringify(target())})
    await client.put(['test', 'exit', 1], { a: 1 })
    console.log((await client.get(['test', 'exit', 1])).bins.a)
  `
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: root, timeout: 15_000 })
  t.is(stdout.trim(), '1')
})
