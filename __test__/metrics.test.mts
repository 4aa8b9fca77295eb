// What the client counts: calls, failures, times and connections by kind and node, compared with the calls that were made.

import { type Client, type ClientMetrics, InvalidArgumentError, op, TimeoutError } from 'aerospike-napi'
import test from 'ava'
import parse from 'parse-prometheus-text-format'
import { another, client, faultTest, freshKey, freshSet, local, sleep } from './support/cluster.mjs'

/** What happened to a client of its own while it worked. */
async function measured(work: (client: Client) => Promise<unknown>, options = {}): Promise<ClientMetrics> {
  const own = await another(options)
  try {
    await work(own)
    return own.metrics()
  } finally {
    await own.close()
  }
}

/** A figure of every node together. */
const sum = (metrics: ClientMetrics, of: (node: ClientMetrics['nodes'][number]) => number): number =>
  metrics.nodes.reduce((all, node) => all + of(node), 0)

test('calls are counted by kind, and a record that is not there is no failure', async (t) => {
  const set = freshSet()
  const metrics = await measured(async (own) => {
    for (let i = 0; i < 30; i++) await own.put(['test', set, i], { n: i })
    await Promise.all(Array.from({ length: 200 }, (_, i) => own.get(['test', set, i % 30])))
    for (let i = 0; i < 5; i++) await t.throwsAsync(own.get(['test', set, `none${i}`]))
    await own.operate(['test', set, 0], [op.read('n')])
    await own.batchRead(Array.from({ length: 40 }, (_, i) => ['test', set, i] as const))
    await own.batchWrite([{ key: ['test', set, 1], bins: { n: 2 } }])
    await own.infoAll('node')
    let found = 0
    for await (const _ of own.query('test', set)) found++
    t.is(found, 30)
  })
  const { read, write, batchRead, batchWrite, query, info, udf } = metrics.calls
  t.deepEqual([read.count, read.missing, read.failed], [206, 5, 0])
  t.deepEqual([write.count, write.failed, write.inDoubt], [30, 0, 0])
  t.deepEqual([batchRead.count, batchRead.rows, batchRead.missing, batchRead.failed], [1, 40, 10, 0])
  t.deepEqual([batchWrite.count, batchWrite.rows], [1, 1])
  t.deepEqual([query.count, udf.count], [1, 0])
  t.true(info.count >= 1)
  t.is(read.latency.count, 206)
  t.true(read.latency.p50 > 0 && read.latency.p50 <= read.latency.p99 && read.latency.p99 <= read.latency.max)
  t.true(read.latency.mean <= read.latency.max)
})

test('requests are counted at their node, with their bytes', async (t) => {
  const set = freshSet()
  const text = 'x'.repeat(1000)
  const metrics = await measured(async (own) => {
    for (let i = 0; i < 60; i++) await own.put(['test', set, i], { text })
    for (let i = 0; i < 60; i++) await own.get(['test', set, i])
    await own.batchRead(Array.from({ length: 60 }, (_, i) => ['test', set, i] as const))
  })
  const at =
    (kind: 'read' | 'write' | 'batchRead') => (of: (r: ClientMetrics['nodes'][number]['requests']['read']) => number) =>
      sum(metrics, (node) => of(node.requests[kind]))
  t.is(
    at('read')((r) => r.count),
    60,
  )
  t.is(
    at('write')((r) => r.count),
    60,
  )
  t.is(
    at('batchRead')((r) => r.rows),
    60,
  )
  for (const bytes of [
    at('read')((r) => r.bytesIn),
    at('write')((r) => r.bytesOut),
    at('batchRead')((r) => r.bytesIn),
  ]) {
    t.true(bytes > 60_000 && bytes < 70_000, `${bytes}`)
  }
  t.true(at('read')((r) => r.bytesOut) > 60 * 40)
  t.true(metrics.nodes.every(({ present, host, port }) => present && host !== undefined && port !== undefined))
  t.is(metrics.nodes.length, client().nodes().length)
})

test('failures are told by code and name', async (t) => {
  const key = freshKey()
  const metrics = await measured(async (own) => {
    await own.put(key, { n: 1 })
    for (let i = 0; i < 3; i++) await t.throwsAsync(own.put(key, { n: 1 }, { exists: 'create' }))
    await t.throwsAsync(own.append(key, 'n', 'text'))
    await own.batchWrite([{ key, bins: { n: 1 }, exists: 'create' }], { onPartial: 'return' })
  })
  const expected = [
    { code: 5, name: 'recordExists', count: 3 },
    { code: 12, name: 'incompatibleType', count: 1 },
  ]
  t.deepEqual(metrics.calls.write.failures, expected)
  t.is(metrics.calls.write.failed, 4)
  t.deepEqual(metrics.calls.batchWrite.failures, [{ code: 5, name: 'recordExists', count: 1 }])
  const [node] = metrics.nodes.filter(({ requests }) => requests.write.failed > 0)
  t.deepEqual(node?.requests.write.failures, expected)
})

test('the difference of two snapshots is what happened between them', async (t) => {
  const own = await another()
  const key = freshKey()
  await own.put(key, { n: 1 })
  for (let i = 0; i < 10; i++) await own.get(key)
  const before = own.metrics()
  for (let i = 0; i < 7; i++) await own.get(key)
  await t.throwsAsync(own.put(key, { n: 1 }, { exists: 'create' }))
  const between = own.metrics().since(before)
  t.deepEqual([between.calls.read.count, between.calls.write.count, between.calls.write.failed], [7, 1, 1])
  t.is(between.calls.read.latency.count, 7)
  t.is(
    sum(between, (node) => node.requests.read.count),
    7,
  )
  t.is(before.since(before).calls.read.latency.max, 0)
  await own.close()
})

test('metrics that are turned off count nothing, and still tell what there is', async (t) => {
  const metrics = await measured((own) => own.put(freshKey(), { n: 1 }), { metrics: false })
  t.false(metrics.enabled)
  t.is(metrics.calls.write.count + sum(metrics, (node) => node.requests.write.count + node.connections.opened), 0)
  t.is(metrics.nodes.length, client().nodes().length)
  t.true(sum(metrics, (node) => node.connections.open) > 0)
})

test('connections are counted when they are opened, used and closed', async (t) => {
  const own = await another({ maxIdle: 1, tendInterval: 50 })
  await own.batchRead([freshKey(), freshKey(), freshKey()])
  const open = sum(own.metrics(), (node) => node.connections.opened)
  t.true(open > 0)
  await sleep(500)
  const { nodes } = own.metrics()
  for (const { connections: c } of nodes) t.is(c.opened - c.closed, c.open)
  t.true(sum(own.metrics(), (node) => node.connections.closed) > 0)
  t.true(sum(own.metrics(), (node) => node.tends.count) > 0)
  await own.close()
})

test('a busy event loop shows as resume delay', async (t) => {
  const own = await another()
  const key = freshKey()
  await own.put(key, { n: 1 })
  const reads = Array.from({ length: 200 }, () => own.get(key))
  await Promise.resolve()
  setImmediate(() => {
    const until = Date.now() + 120
    while (Date.now() < until);
  })
  await Promise.all(reads)
  await sleep(10)
  t.true(own.metrics().resumeDelay.max > 50, `${own.metrics().resumeDelay.max} ms`)
  await own.close()
})

test('what is under way shows while it is', async (t) => {
  const own = await another()
  const key = freshKey()
  const puts = Array.from({ length: 10 }, () => own.put(key, { n: 1 }))
  t.is(own.metrics().waiting, 10)
  await Promise.all(puts)
  t.deepEqual([own.metrics().waiting, own.metrics().inFlight], [0, 0])
  await own.close()
})

test('transactions that are begun are counted', async (t) => {
  const metrics = await measured(async (own) => {
    await own.beginTransaction().abort()
    await own.beginTransaction().commit()
  })
  t.deepEqual(metrics.transactions, { begun: 2, committed: 1, aborted: 1, inDoubt: 0, failed: 0 })
})

interface ParsedFamily {
  readonly name: string
  readonly type: string
  readonly metrics: readonly {
    readonly value?: string
    readonly labels?: { readonly [name: string]: string }
    readonly buckets?: { readonly [le: string]: string }
  }[]
}

test('a parser of others reads the Prometheus text and finds the calls that were made', async (t) => {
  const set = freshSet()
  const own = await another()
  for (let i = 0; i < 25; i++) await own.put(['test', set, i], { n: i })
  await Promise.all(Array.from({ length: 90 }, (_, i) => own.get(['test', set, i % 25])))
  await own.batchRead(Array.from({ length: 33 }, (_, i) => ['test', set, i] as const))
  await t.throwsAsync(own.put(['test', set, 1], { n: 1 }, { exists: 'create' }))
  const label = 'a "quoted" \\ name\nof two lines'
  const metrics = own.metrics()
  const text = metrics.toPrometheus({ labels: { client: label } })
  // the parser takes sums and counts of histograms only where it does not know that they are ones
  const plain = text.replaceAll(/^# TYPE .* histogram$/gm, '')
  const value = (name: string, ...labels: string[]): number =>
    Number(only(plain, name, ...labels)?.metrics[0]?.value ?? 0)
  for (const [kind, count] of Object.entries({ read: 90, write: 26, batchRead: 1, query: 0 })) {
    t.is(value('aerospike_client_call_duration_seconds_count', `kind="${kind}"`), count)
  }
  const name = 'aerospike_client_request_duration_seconds_count'
  const reads = own.nodes().map((node) => value(name, `node="${node.name}"`, 'kind="read"'))
  t.is(
    reads.reduce((all, count) => all + count, 0),
    90,
  )
  const failures = only(text, 'aerospike_client_call_failures_total')?.metrics
  t.is(failures?.length, 1)
  const labels = { kind: 'write', code: '5', error: 'recordExists', client: label }
  t.deepEqual({ ...failures?.[0] }, { value: '1', labels })
  t.is(only(text, 'aerospike_client_call_records_total', 'kind="batchRead"')?.metrics[0]?.value, '33')
  // seconds, and buckets that add up to everything
  const sum = value('aerospike_client_call_duration_seconds_sum', 'kind="read"')
  t.true(Math.abs(sum - metrics.calls.read.latency.sum / 1000) < 1e-9)
  const histogram = only(text, 'aerospike_client_call_duration_seconds', 'kind="read"')
  t.is(histogram?.type, 'HISTOGRAM')
  const buckets = Object.entries(histogram?.metrics[0]?.buckets ?? {})
  t.deepEqual(buckets.at(-1), ['+Inf', '90'])
  for (const [le, below] of buckets.slice(0, -1)) {
    const known = metrics.calls.read.latency.buckets.filter((bucket) => bucket.below <= Number(le) * 1000 + 1e-9)
    t.is(
      Number(below),
      known.reduce((all, { count }) => all + count, 0),
    )
  }
  for (const { name, type } of parse(text) as ParsedFamily[]) t.is(name.endsWith('_total'), type === 'COUNTER', name)
  await own.close()
})

/** A family of the text, of samples with these labels alone: the parser has one histogram for each name. */
function only(text: string, name: string, ...labels: string[]): ParsedFamily | undefined {
  const isWanted = (line: string): boolean => line.startsWith('#') || labels.every((label) => line.includes(label))
  const families = parse(text.split('\n').filter(isWanted).join('\n')) as ParsedFamily[]
  return families.find((family) => family.name === name)
}

test('labels that Prometheus would not take are refused', (t) => {
  const metrics = client().metrics()
  for (const labels of [{ 'a-b': 'c' }, { __a: 'b' }, { node: 'x' }, { a: 7 }, 7]) {
    t.throws(() => metrics.toPrometheus({ labels } as never), { instanceOf: InvalidArgumentError })
  }
})

faultTest('an embedded cluster tells of itself in the same form', async (t) => {
  const set = freshSet()
  for (let i = 0; i < 12; i++) await client().put(['test', set, i], { n: i })
  const metrics = local().metrics()
  t.is(metrics.nodes.length, 3)
  const masters = metrics.nodes.map(({ namespaces }) => namespaces.test?.master_objects ?? 0)
  t.true(masters.reduce((all, count) => all + count) >= 12)
  t.true(metrics.nodes.every(({ statistics }) => (statistics.client_connections ?? 0) > 0))
  const text = metrics.toPrometheus()
  const [node] = metrics.nodes
  const objects = only(text, 'aerospike_namespace_objects', `node="${node?.name}"`, 'ns="test"')
  t.is(Number(objects?.metrics[0]?.value), node?.namespaces.test?.objects ?? -1)
  t.is(only(text, 'aerospike_node_stats_cluster_size')?.metrics.length, 3)
})

faultTest('a frozen node shows its timeouts, retries and silence while it is frozen', async (t) => {
  const own = await another({ tendInterval: 200 })
  const set = freshSet()
  const keys = Array.from({ length: 60 }, (_, i) => ['test', set, i] as const)
  for (const key of keys) await own.put(key, { n: 1 })
  const victim = own.nodes()[0]?.name
  const index = await indexOf(own, victim as string)
  const before = own.metrics()
  await local().freezeNode(index)
  try {
    const writes = keys.map((key) => own.put(key, { n: 2 }, { totalTimeout: 700, maxRetries: 1 }))
    const reads = keys.map((key) => own.get(key, { totalTimeout: 2000 }))
    const isSilent = (): boolean | undefined => own.metrics().nodes.find(({ name }) => name === victim)?.silent
    for (let waits = 0; !isSilent() && waits < 60; waits++) await sleep(10)
    t.true(isSilent(), 'while it is frozen, it shows as silent')
    const failed = (await Promise.allSettled(writes)).filter(({ status }) => status === 'rejected')
    t.true(failed.length > 0)
    for (const { reason } of failed as PromiseRejectedResult[]) t.true(reason instanceof TimeoutError, String(reason))
    await Promise.allSettled(reads)
    const { nodes, calls } = own.metrics().since(before)
    const frozen = nodes.find(({ name }) => name === victim)
    t.true((frozen?.silences ?? 0) >= 1)
    t.true((frozen?.requests.read.retries ?? 0) > 0, 'reads went on at another replica')
    t.true((frozen?.requests.write.timeouts ?? 0) > 0)
    // the other masters wait for the copy that the frozen node is to have
    const timeouts = nodes.map((node) => node.requests.write.timeouts)
    t.is(
      timeouts.reduce((all, count) => all + count),
      failed.length,
    )
    t.is(calls.write.failures.find(({ code }) => code === 9)?.count, failed.length)
    t.is(calls.write.inDoubt, failed.filter((one) => (one as PromiseRejectedResult).reason.inDoubt).length)
    t.true(nodes.filter(({ name }) => name !== victim).every(({ silent }) => !silent))
  } finally {
    await local().thawNode(index)
  }
  await own.close()
})

faultTest('the breaker shows while it is open, and how often it opened', async (t) => {
  const own = await another({ tendInterval: 400, errorRateWindow: 5, maxErrorRate: 3 })
  const keys = Array.from({ length: 30 }, () => freshKey())
  for (const key of keys) await own.put(key, { n: 1 })
  const victim = own.nodes()[0]?.name as string
  const index = await indexOf(own, victim)
  await local().freezeNode(index)
  try {
    const put = (key: (typeof keys)[number]) => own.put(key, { n: 2 }, { totalTimeout: 150, maxRetries: 0 })
    await Promise.allSettled(keys.map(put))
    await Promise.allSettled(keys.map(put))
    const node = own.metrics().nodes.find(({ name }) => name === victim)
    t.like(node?.breaker, { state: 'open', opened: 1 })
    t.true(own.metrics().calls.write.failures.some(({ name, count }) => name === 'maxErrorRate' && count > 0))
    t.regex(own.metrics().toPrometheus(), new RegExp(`aerospike_client_breaker_open{node="${victim}"} 1`))
  } finally {
    await local().thawNode(index)
  }
  await own.close()
})

/** Which node of the embedded cluster has a name. */
async function indexOf(own: Client, name: string): Promise<number> {
  const { port } = own.nodes().find((node) => node.name === name) ?? {}
  const index = local().hosts.findIndex((host) => host.endsWith(`:${port}`))
  if (index < 0) throw new Error(`no node listens at ${port}`)
  return index
}
