// node __test__/peers/tls.mjs [--python DIR]: the official Node client, and that of Python where DIR has a virtual environment with
// it, over the embedded cluster's TLS: with servers that want no, an optional or a required client certificate, from clients
// that show none, a good one, one of an unknown authority, and that trust the wrong authority or expect another name. Prints
// a line for each case, and ends with 1 when somebody is let in who should not be, or the other way round.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { connect } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'

const { values: options } = parseArgs({ options: { python: { type: 'string' } } })
const run = promisify(execFile)
const dir = mkdtempSync(join(tmpdir(), 'aerospike-napi-tls-'))
const file = (name, text) => {
  writeFileSync(join(dir, name), text, { mode: 0o600 })
  return join(dir, name)
}

/** A client in a process of its own, which connects, writes, reads, and says so. */
const NODE = `
import { connectOfficial, officialKey } from ${JSON.stringify(new URL('official.mjs', import.meta.url).href)}
const { host, name, tls } = JSON.parse(process.argv[1])
const [addr, port] = host.split(':')
const client = await connectOfficial([host], { hosts: [{ addr, port: Number(port), tlsname: name }], tls, user: 'admin', password: 'admin' })
await client.put(officialKey(['test', 'tls', 'node']), { n: 1 })
const { bins } = await client.get(officialKey(['test', 'tls', 'node']))
console.log('in', bins.n)
process.exit(0)
`
const PYTHON = `
import aerospike, json, sys
given = json.loads(sys.argv[1])
addr, port = given['host'].split(':')
tls = {**given['tls']}
client = aerospike.client({'hosts': [(addr, int(port), given['name'])], 'tls': tls, 'user': 'admin', 'password': 'admin'}).connect('admin', 'admin')
key = ('test', 'tls', 'python')
client.put(key, {'n': 1})
print('in', client.get(key)[2]['n'])
`
const PATIENCE = 20_000
const CLIENTS = {
  node: given => run(process.execPath, ['--input-type=module', '-e', NODE, JSON.stringify(given)], { timeout: PATIENCE }),
  ...(options.python && { python: given => run(join(options.python, 'bin', 'python'), ['-c', PYTHON, JSON.stringify(given)], { timeout: PATIENCE }) })
}

const stranger = await LocalCluster.start({ edition: 'enterprise', tls: 'self-signed' })
const unknown = stranger.clientCertificate('admin')
const strange = { ca: file('strange-ca.pem', stranger.certificates.ca), cert: file('strange-cert.pem', unknown.cert), key: file('strange-key.pem', unknown.key) }
await stranger.stop()

let failed = 0
let count = 0
for (const clientCertificates of ['none', 'optional', 'required']) {
  const cluster = await LocalCluster.start({ nodes: 3, edition: 'enterprise', security: true, tls: { clientCertificates } })
  const { ca, cert, key, servername } = cluster.certificates
  // the cluster is there for ours: what the others say of it is about them
  const client = await connect({ hosts: cluster.hosts, user: 'admin', password: 'admin', tls: cluster.certificates })
  await client.close()
  const own = { ca: file('ca.pem', ca), cert: file('cert.pem', cert), key: file('key.pem', key) }
  const trust = { enable: true, cafile: own.ca }
  const certificate = { certfile: own.cert, keyfile: own.key }
  const cases = {
    'without a certificate': [{ ...trust }, servername, clientCertificates !== 'required'],
    'with a good certificate': [{ ...trust, ...certificate }, servername, true],
    'with one of an unknown authority': [{ ...trust, certfile: strange.cert, keyfile: strange.key }, servername, clientCertificates === 'none'],
    'that trusts another authority': [{ enable: true, cafile: strange.ca, ...certificate }, servername, false],
    'that expects another name': [{ ...trust, ...certificate }, 'elsewhere', false],
    'without encryption': [{ enable: false }, undefined, false]
  }
  for (const [what, [tls, name, isLetIn]] of Object.entries(cases)) {
    for (const [who, start] of Object.entries(CLIENTS)) {
      const outcome = await start({ host: cluster.hosts[0], name, tls }).then(({ stdout }) => stdout.includes('in 1'), () => false)
      count++
      failed += outcome === isLetIn ? 0 : 1
      console.log(`${outcome === isLetIn ? 'ok' : 'FAILED'} - certificates ${clientCertificates}: the ${who} client ${what} is ${outcome ? 'let in' : 'refused'}`)
    }
  }
  await cluster.stop()
}
rmSync(dir, { recursive: true })
console.log(`${count - failed} of ${count} as they should be`)
process.exit(failed === 0 ? 0 : 1)
