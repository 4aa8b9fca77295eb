// Encrypted connections, on an embedded cluster with certificates of its own.

import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import {
  AerospikeError,
  type Client,
  type ConnectOptions,
  connect,
  InvalidArgumentError,
  InvalidCredentialError,
  InvalidUserError,
  RoleViolationError,
  TlsError,
} from 'aerospike-napi'
import { type LocalCertificates, LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { withAuthority } from './support/openssl.mjs'
import { type Heard, startProxy } from './support/proxy.mjs'

/** Numbers of the protocol (sections 1.2 and 11.1). */
const SECURITY = 2
const AUTHENTICATE = 0

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
  t.regex(wrong, /certificate is for "localhost", and not for "other\.example"/)
  await using plain = await LocalCluster.start({ edition: 'enterprise' })
  await t.throwsAsync(connect({ hosts: plain.hosts, tls, connectTimeout: 20_000 }), {
    instanceOf: TlsError,
    message: /the node closed the connection instead of encrypting it; is this its port for plain ones\?/,
  })
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
    instanceOf: TlsError,
    message: /the node wants a certificate of the client \(tls\.cert and tls\.key\)/,
  })
  const strange = { ca, servername, ...cluster.clientCertificate('admin') }
  await t.throwsAsync(connect({ hosts: strict.hosts, tls: strange, connectTimeout: 20_000 }), {
    instanceOf: TlsError,
    message: /the node does not know the authority that signed the client's certificate/,
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
    // What is wrong is named as it was given, whether it is no PEM, or PEM of something else.
    const armour = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`
    for (const [field, value] of [
      ['key', 'no key'],
      ['key', armour('PRIVATE KEY')],
      ['key', tls.cert],
      ['cert', tls.key],
      ['ca', tls.key],
    ] as const) {
      await t.throwsAsync(login({ authMode: 'pki', tls: { ...tls, [field]: value } }), {
        instanceOf: InvalidArgumentError,
        message: new RegExp(`tls\\.${field}: `),
      })
    }
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
    /no version or cipher suite in common/,
  )
})

test.serial('a certificate that is over, or not valid yet, is told as that, with how long', async (t) => {
  const date = (days: number): string => {
    const text = new Date(Date.now() + days * 24 * 3_600_000).toISOString()
    return `${text.slice(0, 19).replace(/[-:T]/g, '')}Z`
  }
  for (const [from, to, message] of [
    [-20, -10, /the certificate expired 1?[0-9] days ago/],
    [10, 20, /the certificate is valid in 1?[0-9] days/],
  ] as const) {
    await withAuthority(CA_CONFIG, async (authority) => {
      const config = ['-config', 'ca.cnf']
      authority.request('ca', 'authority', '-x509', ...config, '-extensions', 'authority')
      authority.request('node', 'localhost', ...config)
      const dates = ['-startdate', date(from), '-enddate', date(to)]
      authority.run('ca', '-batch', ...config, '-in', 'node.csr', '-out', 'node.pem', '-notext', ...dates)
      const node = { cert: await authority.read('node.pem'), key: await authority.read('node.key') }
      await using strict = await LocalCluster.start({ edition: 'enterprise', tls: node })
      const options = { ca: { file: authority.path('ca.pem') }, servername: 'localhost' }
      await t.throwsAsync(connect({ hosts: strict.hosts, tls: options, connectTimeout: 20_000 }), {
        instanceOf: TlsError,
        message,
      })
    })
  }
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
    // the authority signs for itself: nobody has to say that it did not revoke itself
    const chain = { ...options, crl: file('before.crl'), crlCheck: 'chain' } as const
    await (await connect({ hosts: revoked.hosts, tls: chain })).close()
    await t.throwsAsync(connect({ hosts: revoked.hosts, tls: { ...options, crl: '' }, connectTimeout: 20_000 }), {
      instanceOf: AerospikeError,
    })
  })
})

test.serial('a certificate on the list of those not to believe is refused, by its number and its issuer', async (t) => {
  await using own = await LocalCluster.start({ edition: 'enterprise', tls: 'self-signed' })
  const { ca, servername } = own.certificates as LocalCertificates
  const [host, port] = (own.hosts[0] as string).split(':') as [string, string]
  const socket = connectTls({ host, port: Number(port), ca, servername })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  const lists: { readonly [list: string]: boolean } = {
    [serialNumber]: false,
    [`# by hand\n${serialNumber.toLowerCase()} /CN=aerospike-local authority`]: false,
    [`${serialNumber} /CN=somebody else`]: true,
    '0123456789ABCDEF': true,
  }
  for (const [denylist, isBelieved] of Object.entries(lists)) {
    const attempt = connect({ hosts: own.hosts, tls: { ca, servername, denylist } })
    if (isBelieved) await (await attempt).close()
    else await t.throwsAsync(attempt, { message: /on the list of those that are not believed/ })
  }
  await t.throwsAsync(connect({ hosts: own.hosts, tls: { ca, servername, denylist: 'no number' } }), {
    instanceOf: InvalidArgumentError,
    message: /tls\.denylist: 'no' is no serial number/,
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

test.serial('loginOnly encrypts logins and calls on users, and nothing else', async (t) => {
  // what travels in the clear goes through a proxy, at the address that the node announces for plain connections
  await using single = await LocalCluster.start({
    edition: 'enterprise',
    security: { sessionTtl: 1 },
    tls: 'self-signed',
  })
  const plain: Heard[] = []
  const proxy = await startProxy(single.plainHosts, (message) => plain.push(message))
  t.teardown(() => proxy.stop())
  await single.ailNode(0, { announced: proxy.hosts[0] })
  const encrypted = { ...(single.certificates as LocalCertificates), loginOnly: true }
  await using client = await connect({ hosts: single.hosts, ...asAdmin, tls: encrypted, tendInterval: 100 })
  t.deepEqual(
    client.nodes().map(({ host, port }) => `${host}:${port}`),
    proxy.hosts,
  )
  await client.users.create('ann', 'not for everybody', { roles: ['read-write'] })
  await client.users.setPassword('ann', 'nor this')
  await client.users.changePassword('admin', 'new secret')
  const until = performance.now() + 2500
  for (let i = 0; performance.now() < until; i++) {
    if (i % 5 === 0) await single.dropConnections(0)
    await client.put(['test', 'login only', i], { i }, { maxRetries: 5, idempotent: true })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.true((await client.query('test', 'login only').results()).length > 20)
  await proxy.settled()
  const commands = plain.filter(({ type, from }) => type === SECURITY && from === 'client').map(({ body }) => body[2])
  t.true(commands.length > 0)
  t.deepEqual([...new Set(commands)], [AUTHENTICATE], 'connections join the session by its token')
  const heard = plain.map(({ body }) => Buffer.from(body).toString('latin1')).join('')
  t.true(heard.includes('login only'), 'records are plain')
  t.false(/\$2a\$/.test(heard), 'no hash of a password is')
})

test.serial('loginOnly finds all nodes, by password and by certificate, and wants a login', async (t) => {
  await using client = await login({ ...asAdmin, tls: { ...tls, loginOnly: true }, wholeCluster: true })
  t.deepEqual(
    client
      .nodes()
      .map(({ host, port }) => `${host}:${port}`)
      .sort(),
    [...cluster.plainHosts].sort(),
  )
  const keys = Array.from({ length: 100 }, (_, i) => ['test', 'login-only', i] as const)
  ;(await client.batchWrite(keys.map((key, i) => ({ key, bins: { i } })))).throwIfFailed()
  t.is((await client.batchRead(keys)).found.length, 100)
  await client.reloadTls({ ...tls, loginOnly: true })
  await t.throwsAsync(client.reloadTls(tls), { instanceOf: InvalidArgumentError, message: /stays as it is/ })
  const pki = { authMode: 'pki', tls: { ...tls, ...cluster.clientCertificate('admin'), loginOnly: true } } as const
  await using certified = await login(pki)
  t.is((await certified.get(['test', 'login-only', 1])).bins.i, 1)
  const wrong = { user: 'admin', password: 'guess', tls: { ...tls, loginOnly: true } }
  await t.throwsAsync(login(wrong), { instanceOf: InvalidCredentialError })
  await t.throwsAsync(login({ tls: { ...tls, loginOnly: true } }), {
    instanceOf: InvalidArgumentError,
    message: /needs a user/,
  })
  const [host] = cluster.hosts
  const url = `aerospike://admin:admin@${host}/?tls.servername=${tls.servername}&tls.loginOnly=true`
  await t.throwsAsync(connect(url), { message: /unknown authority|no certificate to trust/ })
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
