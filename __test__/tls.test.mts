// Encrypted connections, on an embedded cluster with certificates of its own.

import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AerospikeError,
  type Client,
  type ConnectOptions,
  connect,
  InvalidArgumentError,
  InvalidUserError,
  RoleViolationError,
} from 'aerospike-napi'
import { type LocalCertificates, LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { withAuthority } from './support/openssl.mjs'

let cluster: LocalCluster
let tls: LocalCertificates
let admin: Client

const login = (options: Omit<ConnectOptions, 'hosts'>): Promise<Client> =>
  connect({ hosts: cluster.hosts, connectTimeout: 20_000, ...options })
const asAdmin = { user: 'admin', password: 'admin' } as const

test.before('a cluster of three with access control and encryption', async () => {
  cluster = await LocalCluster.start({ nodes: 3, edition: 'enterprise', security: true, tls: 'self-signed' })
  tls = cluster.certificates as LocalCertificates
  admin = await login({ ...asAdmin, tls })
})

test.after.always('they end', async () => {
  await admin?.close()
  await cluster?.stop()
})

/** What a handshake fails with. */
async function failure(t: import('ava').ExecutionContext, options: Omit<ConnectOptions, 'hosts'>): Promise<string> {
  const error = await t.throwsAsync(login({ ...asAdmin, ...options }), { instanceOf: AerospikeError })
  t.is(error?.code, -9, error?.message)
  return error?.message ?? ''
}

test.serial('records, batches and queries travel encrypted, to every node', async (t) => {
  const keys = Array.from({ length: 300 }, (_, i) => ['test', 'encrypted', i] as const)
  ;(await admin.batchWrite(keys.map((key, i) => ({ key, bins: { i } })))).throwIfFailed()
  t.is((await admin.batchRead(keys)).found.length, 300)
  t.is((await Promise.all(keys.map((key) => admin.get(key)))).length, 300)
  t.is((await admin.query('test', 'encrypted').results()).length, 300)
  t.is(admin.nodes().filter((node) => node.active).length, 3)
  t.notDeepEqual(cluster.hosts, cluster.plainHosts)
})

test.serial('a client without encryption, or that trusts another authority, is told why it is refused', async (t) => {
  await t.throwsAsync(login(asAdmin), { instanceOf: AerospikeError })
  t.regex(await failure(t, { tls: true }), /unknown authority|no certificate to trust/)
  await using other = await LocalCluster.start({ edition: 'enterprise', tls: 'self-signed' })
  t.regex(
    await failure(t, { tls: { ...tls, ca: (other.certificates as LocalCertificates).ca } }),
    /authority|Signature/,
  )
  const wrong = await failure(t, { tls: { ...tls, servername: 'other.example' } })
  t.regex(wrong, /certificate is for "localhost.*", and not for "other\.example"/)
  await using plain = await LocalCluster.start({ edition: 'enterprise' })
  const error = await t.throwsAsync(connect({ hosts: plain.hosts, tls, connectTimeout: 20_000 }), {
    instanceOf: AerospikeError,
  })
  t.truthy(error)
})

test.serial('a tls-name need not be the name of a host', async (t) => {
  await using named = await LocalCluster.start({ nodes: 2, edition: 'enterprise', tls: { name: 'cluster one' } })
  const { ca } = named.certificates as LocalCertificates
  const hosts = named.hosts.map((host) => {
    const [name, port] = host.split(':') as [string, string]
    return { host: name, port: Number(port), tlsName: 'cluster one' }
  })
  await using client = await connect({ hosts, tls: { ca } })
  t.is(client.nodes().length, 2)
  await client.put(['test', 'demo', 1], { a: 1 })
})

test.serial('host:tlsname:port names what the certificate of a host must have', async (t) => {
  const { ca } = tls
  const hosts = cluster.hosts.map((host) => host.replace(':', ':localhost:'))
  await using client = await connect({ hosts, ...asAdmin, tls: { ca } })
  t.is(client.nodes().length, 3)
  await t.throwsAsync(connect({ hosts: cluster.hosts, ...asAdmin, tls: { ca }, connectTimeout: 20_000 }), {
    message: /not for "127\.0\.0\.1"/,
  })
})

test.serial('a certificate logs its user in, where there is such a user', async (t) => {
  await admin.users.createPki('service', { roles: ['read'] })
  const pki = (user: string) => login({ authMode: 'pki', tls: { ...tls, ...cluster.clientCertificate(user) } })
  await using service = await pki('service')
  t.is((await service.users.get('service')).name, 'service')
  await t.throwsAsync(service.put(['test', 'pki', 1], { a: 1 }), { instanceOf: RoleViolationError })
  await t.throwsAsync(pki('nobody'), { instanceOf: InvalidUserError })
  await using administrator = await login({ authMode: 'pki', tls })
  await administrator.put(['test', 'pki', 1], { a: 1 })
})

test.serial('a cluster may want certificates of its clients', async (t) => {
  const options = { edition: 'enterprise', tls: { clientCertificates: 'required' } } as const
  await using strict = await LocalCluster.start(options)
  const { ca, cert, key, servername } = strict.certificates as LocalCertificates
  await (await connect({ hosts: strict.hosts, tls: { ca, cert, key, servername } })).close()
  await t.throwsAsync(connect({ hosts: strict.hosts, tls: { ca, servername }, connectTimeout: 20_000 }), {
    instanceOf: AerospikeError,
    message: /[Cc]ertificate ?[Rr]equired|wants a certificate/,
  })
})

test.serial('PEM is text, bytes or a file, and a key may have a passphrase', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tls-'))
  try {
    const files = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    const locked = createPrivateKey(tls.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'open sesame',
    })
    await writeFile(files.ca, tls.ca)
    await writeFile(files.cert, tls.cert)
    await writeFile(files.key, locked)
    const { servername } = tls
    const inFiles = { ca: { file: files.ca }, cert: { file: files.cert }, key: { file: files.key }, servername }
    await (await login({ authMode: 'pki', tls: { ...inFiles, passphrase: 'open sesame' } })).close()
    await (await login({ ...asAdmin, tls: { ca: [Buffer.from(tls.ca)], servername } })).close()
    const wrong = await t.throwsAsync(login({ authMode: 'pki', tls: { ...inFiles, passphrase: 'wrong-xyz' } }), {
      instanceOf: InvalidArgumentError,
      message: /tls\.key cannot be opened/,
    })
    t.false(String(wrong?.stack).includes('wrong-xyz'))
    await t.throwsAsync(login({ authMode: 'pki', tls: inFiles }), { message: /passphrase/ })
    await t.throwsAsync(login({ ...asAdmin, tls: { ca: { file: join(folder, 'none.pem') } } }), {
      instanceOf: InvalidArgumentError,
      message: /none\.pem" cannot be read/,
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.serial('options of tls are checked before anything is sent', async (t) => {
  const refused = { instanceOf: InvalidArgumentError }
  await t.throwsAsync(login({ tls: { serverName: 'x' } as never }), {
    ...refused,
    message: /did you mean 'servername'/,
  })
  await t.throwsAsync(login({ tls: { ca: 5 as never } }), refused)
  await t.throwsAsync(login({ tls: { ca: 'no certificate' } }), { ...refused, message: /tls\.ca/ })
  await t.throwsAsync(login({ tls: { ...tls, key: undefined } }), refused)
  await t.throwsAsync(login({ tls: { ...tls, minVersion: 'TLSv1.1' as never } }), refused)
  await t.throwsAsync(login({ tls: { ...tls, ciphers: 'RC4-MD5' } }), { ...refused, message: /no suite "RC4-MD5"/ })
  await t.throwsAsync(LocalCluster.start({ tls: 'self-signed' }), refused)
})

test.serial('versions and cipher suites can be chosen', async (t) => {
  const { ca, servername } = tls
  await (await login({ ...asAdmin, tls: { ca, servername, minVersion: 'TLSv1.3' } })).close()
  const ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256'
  await (await login({ ...asAdmin, tls: { ca, servername, ciphers } })).close()
  t.regex(
    await failure(t, { tls: { ca, servername, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } }),
    /in common|HandshakeFailure/,
  )
})

test.serial('a certificate that was revoked, or that no list covers, is not believed', async (t) => {
  // openssl makes the list: the embedded cluster revokes nothing
  await withAuthority(CA_CONFIG, async (authority) => {
    const config = ['-config', 'ca.cnf']
    authority.request('ca', 'authority', '-x509', ...config, '-extensions', 'authority')
    authority.request('node', 'localhost', ...config)
    authority.run('ca', '-batch', ...config, '-in', 'node.csr', '-out', 'node.pem', '-create_serial', '-notext')
    authority.run('ca', ...config, '-gencrl', '-out', 'before.crl')
    authority.run('ca', ...config, '-revoke', 'node.pem')
    authority.run('ca', ...config, '-gencrl', '-out', 'after.crl')
    const file = (name: string) => ({ file: authority.path(name) })
    const node = { cert: await authority.read('node.pem'), key: await authority.read('node.key') }
    await using revoked = await LocalCluster.start({ edition: 'enterprise', tls: node })
    const options = { ca: file('ca.pem'), servername: 'localhost' }
    const client = await connect({ hosts: revoked.hosts, tls: { ...options, crl: file('before.crl') } })
    await client.put(['test', 'demo', 1], { a: 1 })
    await client.reloadTls({ ...options, crl: file('after.crl') })
    t.is((await client.get(['test', 'demo', 1])).bins.a, 1, 'connections that are open go on')
    await client.close()
    await t.throwsAsync(
      connect({ hosts: revoked.hosts, tls: { ...options, crl: file('after.crl') }, connectTimeout: 20_000 }),
      {
        message: /the certificate was revoked/,
      },
    )
    await t.throwsAsync(connect({ hosts: revoked.hosts, tls: { ...options, crl: '' }, connectTimeout: 20_000 }), {
      instanceOf: AerospikeError,
    })
  })
})

test.serial('certificates are taken anew for connections to come', async (t) => {
  await using client = await login({ ...asAdmin, tls })
  await using other = await LocalCluster.start({ edition: 'enterprise', tls: 'self-signed' })
  await t.throwsAsync(client.reloadTls({ ca: 'none' }), { instanceOf: InvalidArgumentError })
  await client.reloadTls({ ...tls, ca: [(other.certificates as LocalCertificates).ca, tls.ca] })
  for (const node of [0, 1, 2]) await cluster.dropConnections(node)
  await client.put(['test', 'reloaded', 1], { a: 1 }, { maxRetries: 5, idempotent: true })
  await using plain = await LocalCluster.start()
  await using unencrypted = await connect(plain.hosts)
  await t.throwsAsync(unencrypted.reloadTls(tls), { instanceOf: InvalidArgumentError, message: /not encrypted/ })
})

test.serial('a key that belongs to another certificate is refused', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  await t.throwsAsync(login({ ...asAdmin, tls: { ...tls, key } }), { instanceOf: AerospikeError })
})

const CA_CONFIG = `
[ca]
default_ca = local
[local]
dir = .
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
rand_serial = yes
crlnumber = crlnumber
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
x509_extensions = node
[any]
commonName = supplied
[node]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost
authorityKeyIdentifier = keyid
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
`
