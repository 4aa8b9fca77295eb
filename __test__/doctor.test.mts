// doctor finds what was planted, and says what to do. top shows the same cluster.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type ConnectOptions, connect, ServerFullError } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test, { type ExecutionContext } from 'ava'
import { diagnose } from '#src/tools/doctor'
import { diagnosisText } from '#src/tools/doctor-text'
import { kindsOf } from '#src/tools/snapshot'
import { viewText } from '#src/tools/top'
import { freshKey, real } from './support/cluster.mjs'
import { withAuthority } from './support/openssl.mjs'

const root = join(createRequire(import.meta.url).resolve('aerospike-napi/package.json'), '..')
const command = join(root, 'bin', 'aerospike-napi.mjs')
const planted = real === undefined ? test.serial : test.skip

/** What doctor finds, as `trouble: what`. */
async function found(options: ConnectOptions): Promise<string> {
  const { findings, ok } = await diagnose({ connectTimeout: 2000, ...options })
  if (ok !== (findings.length === 0)) throw new Error('ok and the findings disagree')
  for (const { advice } of findings) if (advice === '') throw new Error('a finding without advice')
  return findings.map(({ trouble, what }) => `${trouble}: ${what}`).join('\n')
}

async function finds(t: ExecutionContext, what: RegExp, options: ConnectOptions): Promise<void> {
  t.regex(await found(options), what)
}

planted('a cluster that is well', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 3, clusterName: 'blue' })
  const diagnosis = await diagnose({ hosts: cluster.hosts })
  t.deepEqual(diagnosis.findings, [])
  t.true(diagnosis.ok)
  t.is(diagnosis.cluster?.name, 'blue')
  t.is(diagnosis.cluster?.nodes.length, 3)
  t.regex(diagnosisText(diagnosis), /ok {7}every partition has a master\n[\s\S]*Nothing is wrong\.\n$/)
})

planted('1: another cluster name', async (t) => {
  await using cluster = await LocalCluster.start({ clusterName: 'blue' })
  await finds(t, /^cluster-name: the cluster is called "blue", not "green"$/, {
    hosts: cluster.hosts,
    clusterName: 'green',
  })
})

planted('2: an announced address that leads nowhere', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 3 })
  await cluster.ailNode(1, { announced: '127.0.0.1:1' })
  await finds(t, /^address: node A2 announces an address that does not lead to it from here: 127\.0\.0\.1:1 \(/m, {
    hosts: [cluster.hosts[0] as string],
  })
  await finds(
    t,
    /^address: node A2 is reached at 127\.0\.0\.1:\d+, but announces 127\.0\.0\.1:1 \(connect ECONNREFUSED/m,
    { hosts: [cluster.hosts[1] as string] },
  )
})

planted('3: a wrong password', async (t) => {
  await using cluster = await LocalCluster.start({ edition: 'enterprise', security: true })
  const said = await found({ hosts: cluster.hosts, user: 'admin', password: 'hunter2' })
  t.regex(said, /^login: the cluster refuses the login as admin: /)
  t.notRegex(said, /hunter2/)
  await finds(t, /^login: the cluster refuses the login without a user/, { hosts: cluster.hosts })
})

const AUTHORITY = `[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost
`

/** A certificate for localhost that was valid in 2020. */
function withExpired(use: (pem: { cert: string; key: string }) => Promise<void>): Promise<void> {
  return withAuthority(AUTHORITY, async (authority) => {
    authority.request('node', 'localhost')
    const dates = ['-startdate', '20200101000000Z', '-enddate', '20210101000000Z']
    const how = ['-batch', '-selfsign', '-config', 'ca.cnf', '-keyfile', 'node.key', '-notext']
    authority.run('ca', ...how, '-in', 'node.csr', '-out', 'node.pem', ...dates)
    await use({ key: await authority.read('node.key'), cert: await authority.read('node.pem') })
  })
}

planted('4: an expired certificate', async (t) => {
  await withExpired(async (pem) => {
    await using cluster = await LocalCluster.start({
      edition: 'enterprise',
      tls: { ...pem, clientCertificates: 'none' },
    })
    await finds(t, /^tls-expired: 127\.0\.0\.1:\d+: its certificate expired on Jan {2}1 00:00:00 2021 GMT$/m, {
      hosts: cluster.hosts,
      tls: { ca: pem.cert, servername: 'localhost' },
    })
  })
})

planted('5: another tls-name', async (t) => {
  await using cluster = await LocalCluster.start({ edition: 'enterprise', tls: 'self-signed' })
  const { ca } = cluster.certificates ?? { ca: '' }
  await finds(t, /^tls-name: 127\.0\.0\.1:\d+: its certificate is for localhost.*, not for other\.example$/m, {
    hosts: cluster.hosts,
    tls: { ca, servername: 'other.example' },
  })
  await finds(t, /^tls: .* authority/m, { hosts: cluster.hosts, tls: { servername: 'localhost' } })
  t.is(await found({ hosts: cluster.hosts, tls: { ca, servername: 'localhost' } }), '')
})

planted('6: a clock that is an hour off', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 2 })
  await cluster.ailNode(0, { clockAhead: 3_600_000 })
  await finds(t, /^clock: the clock of node A1 is 60 minutes ahead of the one here$/, { hosts: cluster.hosts })
  await cluster.ailNode(0, { clockAhead: -3_600_000 })
  await finds(t, /^clock: the clock of node A1 is 60 minutes behind the one here$/, { hosts: cluster.hosts })
})

planted('7: a node that is missing', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 3 })
  await cluster.stopNode(2)
  await finds(t, /^node-missing: node A3 at 127\.0\.0\.1:\d+ was a member of the cluster and is gone$/, {
    hosts: [cluster.hosts[0] as string],
  })
})

planted('8: a namespace that takes no writes', async (t) => {
  await using cluster = await LocalCluster.start()
  await cluster.ailNode(0, { stopsWrites: true })
  await finds(t, /^stop-writes: node A1: namespace test takes no writes/m, { hosts: cluster.hosts })
  await using client = await connect(cluster.hosts)
  await t.throwsAsync(client.put(freshKey(), { a: 1 }), { instanceOf: ServerFullError })
  const batch = await client.batchWrite([{ key: freshKey(), bins: { a: 1 } }], { onPartial: 'return' })
  t.deepEqual(
    [...batch].map(({ error }) => error?.code),
    [8],
  )
  await cluster.ailNode(0, null)
  await client.put(freshKey(), { a: 1 })
})

planted('9: migrations under way', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 2 })
  await cluster.ailNode(1, { migrating: 17 })
  await finds(t, /^migrations: node A2: 34 partitions are still to be moved$/, { hosts: cluster.hosts })
})

planted('10: a version that is too old', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 2 })
  await cluster.ailNode(0, { build: '4.5.0.1' })
  await finds(t, /^version: node A1 at \S+ is too old: version 4\.5\.0\.1$/m, { hosts: [cluster.hosts[0] as string] })
  await finds(t, /^version: node A1 at \S+ is too old: version 4\.5\.0\.1$/m, { hosts: [cluster.hosts[1] as string] })
  await cluster.ailNode(0, { build: '7.0.0.0' })
  await finds(t, /^version: the nodes have 2 versions: /m, { hosts: cluster.hosts })
})

planted('hosts that cannot be reached', async (t) => {
  await using cluster = await LocalCluster.start()
  await finds(t, /^host: 127\.0\.0\.1:1 cannot be reached: connect ECONNREFUSED/, {
    hosts: ['127.0.0.1:1', ...cluster.hosts],
  })
  t.is((await diagnose({ hosts: '127.0.0.1:1' })).cluster, null)
})

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(args: readonly string[], stop?: (out: string) => boolean): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [command, ...args], { cwd: root })
    let [out, err] = ['', '']
    child.stdout.on('data', (bytes) => {
      out += bytes
      if (stop?.(out) === true) child.kill('SIGINT')
    })
    child.stderr.on('data', (bytes) => {
      err += bytes
    })
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

planted('the command: text, JSON and exit codes', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 2 })
  const host = cluster.hosts[0] as string
  const well = await run(['doctor', host])
  t.is(well.code, 0, well.err)
  t.regex(well.out, /Nothing is wrong\.\n$/)
  await cluster.ailNode(1, { migrating: 3 })
  const ill = await run(['doctor', `aerospike://${host}`, '--json'])
  t.is(ill.code, 1)
  t.like(JSON.parse(ill.out), { ok: false, findings: [{ trouble: 'migrations', severity: 'warning' }] })
  t.is((await run(['doctor', 'a host'])).code, 2)
  t.is((await run(['doctor'])).code, 2)
})

planted('top: one look as text and as JSON, and looks until it is stopped', async (t) => {
  await using cluster = await LocalCluster.start({ nodes: 2, clusterName: 'blue' })
  await using client = await connect(cluster.hosts)
  await client.batchWrite(Array.from({ length: 100 }, (_, i) => ({ key: ['test', 'top', i] as const, bins: { i } })))
  const once = await run(['top', cluster.hosts[0] as string, '--once'])
  t.is(once.code, 0, once.err)
  t.regex(once.out, /^cluster blue {2}connected {2}2 nodes\n\nnode {2}address/)
  t.regex(once.out, /\nA1 {4}127\.0\.0\.1:\d+ +8\.\d\S+ +ok/)
  t.regex(once.out, /\ntest +100 /)
  t.false(once.out.includes('\x1b'))
  const lines = await run(
    ['top', cluster.hosts[0] as string, '--json', '--interval', '0.1'],
    (out) => out.split('\n').length > 3,
  )
  t.is(lines.code, 0, lines.err)
  for (const line of lines.out.trim().split('\n')) t.like(JSON.parse(line), { cluster: 'blue', status: 'connected' })
  t.is((await run(['top', 'h:1', '--interval', 'soon'])).code, 2)
})

test('the screen of top', (t) => {
  const node = {
    address: '10.0.0.1:3000',
    build: '8.1.1.2',
    breaker: 'closed' as const,
    connections: 12,
    objects: 1_234_567,
    migrating: 0,
  }
  const text = viewText({
    cluster: 'blue',
    status: 'degraded',
    nodes: [
      { name: 'A1', answering: true, ping: 0.42, ...node },
      { name: 'B2', ...node, answering: false, ping: null, objects: 0, migrating: 4096 },
    ],
    kinds: [
      {
        kind: 'read',
        perSecond: 15_300,
        percentiles: { p50: 1, p95: 1, p99: 2 },
        over: { ms1: 1.5, ms8: 0.02, ms64: 0 },
      },
    ],
    namespaces: [
      {
        name: 'test',
        objects: 1_234_567,
        usedBytes: 5_000_000_000,
        stopsWrites: true,
        unavailable: 0,
        migrating: 4096,
      },
    ],
  })
  t.deepEqual(text.trimEnd().split('\n'), [
    'cluster blue  degraded  2 nodes',
    '',
    'node  address        version  state   ping ms  connections    objects  migrating',
    'A1    10.0.0.1:3000  8.1.1.2  ok          0.4           12  1,234,567          0',
    'B2    10.0.0.1:3000  8.1.1.2  silent        -           12          0      4,096',
    '',
    'commands  per second  p50 ms  p95 ms  p99 ms  > 1 ms  > 8 ms  > 64 ms',
    'read          15,300     ≤ 1     ≤ 1     ≤ 2  1.50 %  0.02 %   0.00 %',
    '',
    'namespace    objects     used  writes   unavailable  migrating',
    'test       1,234,567  4.7 GiB  STOPPED            0      4,096',
  ])
})

test('percentiles are bounds of the buckets of all nodes, whatever their unit', (t) => {
  const kinds = kindsOf([
    'batch-index:;{test}-read:msec,100.0,10.00,4.00,2.00,0.00;{test}-write:msec,0.0,0.00',
    '{bar}-read:msec,300.0,2.00,0.00,0.00,0.00;{test}-udf:usec,10.0,100.00,60.00,3.00,0.00',
  ])
  const of = (name: string) => kinds.find(({ kind }) => kind === name)
  // (100 × 10 % + 300 × 2 %) / 400 = 4 % took longer than 1 ms, 1 % longer than 2 ms.
  t.like(of('read'), { perSecond: 400, percentiles: { p50: 1, p95: 1, p99: 2 } })
  t.is(of('read')?.over.ms1, 4)
  t.like(of('write'), { perSecond: 0, percentiles: { p50: null, p95: null, p99: null } })
  t.like(of('udf'), { percentiles: { p50: 0.004, p95: 0.004, p99: 0.008 }, over: { ms1: 0, ms8: 0, ms64: 0 } })
})
