// `aerospike-napi local` from a shell: what it prints, what it writes, what it refuses.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { connect, InvalidCredentialError, TransactionBlockedError } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test, { type ExecutionContext } from 'ava'

const root = join(createRequire(import.meta.url).resolve('aerospike-napi/package.json'), '..')
const command = join(root, 'bin', 'aerospike-napi.mjs')
const run = promisify(execFile)

/** What a command said before it was ready, by the first word of a line; it ends with the test. */
async function started(t: ExecutionContext, ...options: string[]): Promise<{ readonly [word: string]: string }> {
  const child = spawn(process.execPath, [command, 'local', ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const [code, signal] = await ended
    if (code !== 0) throw new Error(`told to stop, it ended with ${code ?? signal}`)
  })
  const said: { [word: string]: string } = {}
  for await (const line of createInterface({ input: child.stdout })) {
    const [word = '', value = ''] = line.split(' ')
    said[word] = value
    if (word === 'ready') break
  }
  return said
}

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'command-'))
  t.teardown(() => rm(folder, { recursive: true }))
  return folder
}

test('--tls self-signed writes what a client needs, for the user admin', async (t) => {
  const dir = await folderOf(t)
  const options = ['--nodes', '2', '--edition', 'enterprise', '--security', '--tls', 'self-signed', '--tls-dir', dir]
  const { ready = '', plain = '', certificates } = await started(t, ...options)
  t.is(certificates, dir)
  t.is(ready.split(',').length, 2)
  t.is((await stat(join(dir, 'key.pem'))).mode & 0o077, 0, 'the key is for its owner alone')
  const file = (name: string) => ({ file: join(dir, name) })
  const trust = { ca: file('ca.pem'), servername: 'localhost' }
  await using byPassword = await connect({ hosts: ready, user: 'admin', password: 'admin', tls: trust })
  t.is(byPassword.nodes().length, 2)
  await byPassword.put(['test', 'command', 1], { a: 1 })
  const own = { ...trust, cert: file('cert.pem'), key: file('key.pem') }
  await using byCertificate = await connect({ hosts: ready, authMode: 'pki', tls: own })
  t.is((await byCertificate.get(['test', 'command', 1])).bins.a, 1)
  await using byLogin = await connect({
    hosts: ready,
    user: 'admin',
    password: 'admin',
    tls: { ...trust, loginOnly: true },
  })
  const ports = plain.split(',').map((host) => host.split(':')[1])
  t.deepEqual(
    byLogin
      .nodes()
      .map(({ port }) => String(port))
      .sort(),
    ports.sort(),
  )
  await t.throwsAsync(connect({ hosts: plain, user: 'admin', password: 'guess' }), {
    instanceOf: InvalidCredentialError,
  })
})

test('--tls-cert takes a certificate, and --tls-client-certificates wants those of clients', async (t) => {
  const dir = await folderOf(t)
  await using authority = await LocalCluster.start({ edition: 'enterprise', tls: { name: 'cluster one' } })
  const { ca } = authority.certificates as { ca: string }
  const { cert, key } = authority.clientCertificate('node')
  const { cert: own, key: ownKey } = authority.clientCertificate('admin')
  for (const [name, text] of Object.entries({ ca, cert, key })) await writeFile(join(dir, name), text)
  const files = ['--tls-cert', join(dir, 'cert'), '--tls-key', join(dir, 'key'), '--tls-client-ca', join(dir, 'ca')]
  const rest = ['--tls-name', 'node', '--tls-client-certificates', 'required']
  const said = await started(t, '--nodes', '1', '--edition', 'enterprise', ...files, ...rest)
  t.is(said.certificates, undefined)
  t.truthy(said.plain)
  t.is(await readFile(join(dir, 'ca'), 'utf8'), ca)
  // a certificate for clients does not name a server: the cluster starts, and clients say why they do not believe it
  await t.throwsAsync(connect({ hosts: said.ready, tls: { ca, cert: own, key: ownKey, servername: 'node' } }), {
    message: /no encrypted connection to "node"/,
  })
})

test('--strong-consistency has transactions', async (t) => {
  const { ready } = await started(t, '--nodes', '1', '--edition', 'enterprise', '--strong-consistency', 'bank')
  await using client = await connect({ hosts: ready })
  await using tx = client.beginTransaction()
  await tx.put(['bank', 'command', 1], { a: 1 })
  await t.throwsAsync(client.put(['bank', 'command', 1], { a: 2 }), { instanceOf: TransactionBlockedError })
})

const REFUSED: { readonly [options: string]: RegExp } = {
  '--tls own': /--tls must be self-signed/,
  '--tls-dir x': /--tls-dir needs --tls self-signed/,
  '--tls-name x': /--tls-name needs --tls self-signed or --tls-cert/,
  '--tls self-signed --tls-cert x': /say one of them/,
  '--tls-cert /nowhere/cert.pem': /--tls-cert: .*nowhere/,
  '--nodes 9': /--nodes must be a whole number from 1 to 8/,
  '--nodes 1 --tls self-signed': /did not start: .*enterprise/,
  '--nodes 1 --security': /did not start: .*enterprise/,
}

for (const [options, expected] of Object.entries(REFUSED)) {
  test(`refused: ${options}`, async (t) => {
    const error = await t.throwsAsync(
      run(process.execPath, [command, 'local', ...options.split(' ')], { timeout: 20_000 }),
    )
    t.regex((error as unknown as { stderr: string }).stderr, expected)
  })
}
