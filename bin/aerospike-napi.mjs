#!/usr/bin/env node
// The package's command: `aerospike-napi local` runs the embedded cluster in the foreground. `doctor` and `top` are in src/tools.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalCluster } from 'aerospike-napi/local'

if (['doctor', 'top'].includes(process.argv[2])) {
  const { runTool } = await import('../dist/src/tools/command.js')
  process.exit(await runTool(process.argv.slice(2)))
}

const usage = `usage: aerospike-napi doctor|top HOST:PORT (--help says more)
       aerospike-napi local [--nodes N] [--port P] [--replication-factor R] [--edition E] [--security]
                              [--tls self-signed] [--strong-consistency NS,…]

Runs an in-memory Aerospike cluster on 127.0.0.1 until SIGTERM or SIGINT, with the namespaces
test (records never expire) and bar (records live 30 days). Prints a line when it accepts:
ready 127.0.0.1:3900,127.0.0.1:3901,127.0.0.1:3902

  --nodes N               nodes of the cluster, 1 to 8 (3)
  --port P                port of the first node; the others follow (free ports)
  --replication-factor R  copies of every record (2)
  --edition E             community or enterprise (community). The options below need enterprise
  --security              access control, with the user admin and the password admin
  --quotas                the same, and quotas of roles can be set and are kept
  --strong-consistency NS,…
                          namespaces that are strongly consistent, and so have transactions: test, bar or more

Encryption. The ready line has the encrypted ports then, and a line before it the plain ones:
  --tls self-signed       with certificates that are made for it. What a client needs is written to
                          ca.pem, cert.pem and key.pem, the latter two for the user admin
  --tls-dir DIR           where to (a new folder beside the system's temporary files, which a line names)
  --tls-cert FILE, --tls-key FILE
                          with this certificate and its key, PEM, instead of --tls self-signed
  --tls-client-ca FILE    who signs certificates of clients, PEM; with --tls-cert
  --tls-name NAME         what nodes announce themselves as, and their certificate names (localhost)
  --tls-client-certificates none|optional|required
                          whether clients show one (optional where there is an authority for it, else none)`

function refuse (why) {
  console.error(`aerospike-napi: ${why}\n\n${usage}`)
  process.exit(2)
}

function readNumber (values, name, least, most) {
  const text = values[name]
  if (text === undefined) return undefined
  const n = Number(text)
  if (!Number.isInteger(n) || n < least || n > most) refuse(`--${name} must be a whole number from ${least} to ${most}, not '${text}'`)
  return n
}

function readArguments () {
  const text = { type: 'string' }
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        nodes: text,
        port: text,
        'replication-factor': text,
        edition: text,
        security: { type: 'boolean' },
        quotas: { type: 'boolean' },
        'strong-consistency': text,
        tls: text,
        'tls-dir': text,
        'tls-cert': text,
        'tls-key': text,
        'tls-client-ca': text,
        'tls-name': text,
        'tls-client-certificates': text,
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (error) {
    return refuse(error.message)
  }
}

function readPem (values, name) {
  if (values[name] === undefined) return undefined
  try {
    return readFileSync(values[name])
  } catch (error) {
    return refuse(`--${name}: ${error.message}`)
  }
}

/** What `LocalCluster.start` takes as `tls`. */
function readTls (values) {
  const isSelfSigned = values.tls !== undefined
  if (isSelfSigned && values.tls !== 'self-signed') refuse(`--tls must be self-signed, not '${values.tls}'; --tls-cert takes a certificate`)
  if (isSelfSigned && values['tls-cert'] !== undefined) refuse('--tls self-signed makes a certificate, and --tls-cert gives one: say one of them')
  if (!isSelfSigned && values['tls-dir'] !== undefined) refuse('--tls-dir needs --tls self-signed')
  const given = Object.keys(values).filter(name => name.startsWith('tls-'))
  if (!isSelfSigned && values['tls-cert'] === undefined) {
    if (given.length > 0) refuse(`--${given[0]} needs --tls self-signed or --tls-cert`)
    return undefined
  }
  const options = {
    name: values['tls-name'],
    cert: readPem(values, 'tls-cert'),
    key: readPem(values, 'tls-key'),
    clientCa: readPem(values, 'tls-client-ca'),
    clientCertificates: values['tls-client-certificates']
  }
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** Writes what a client needs of a cluster that made its certificates. */
function writeCertificates ({ ca, cert, key }, dir) {
  if (dir !== undefined) mkdirSync(dir, { recursive: true })
  const folder = dir === undefined ? mkdtempSync(join(tmpdir(), 'aerospike-napi-tls-')) : resolve(dir)
  for (const [name, pem] of Object.entries({ ca, cert, key })) writeFileSync(join(folder, `${name}.pem`), pem, { mode: 0o600 })
  return folder
}

const { values, positionals: [command, ...more] } = readArguments()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
if (command !== 'local' || more.length > 0) refuse(command === undefined ? 'which command?' : `there is no command '${[command, ...more].join(' ')}'`)

const nodes = readNumber(values, 'nodes', 1, 8) ?? 3
const port = readNumber(values, 'port', 1, 65535 - nodes + 1)
const replicationFactor = readNumber(values, 'replication-factor', 1, 8)
const tls = readTls(values)
let cluster
let certificates
try {
  cluster = await LocalCluster.start({
    nodes,
    ...(port && { port }),
    ...(replicationFactor && { replicationFactor }),
    ...(values.edition && { edition: values.edition }),
    ...(values.security && { security: true }),
    ...(values.quotas && { security: { quotas: true } }),
    ...(tls && { tls }),
    ...(values['strong-consistency'] && { strongConsistency: values['strong-consistency'].split(',') })
  })
  if (cluster.certificates !== undefined) certificates = writeCertificates(cluster.certificates, values['tls-dir'])
} catch (error) {
  console.error(`aerospike-napi: the cluster did not start: ${error.message}`)
  process.exit(1)
}

async function stop () {
  await cluster.stop()
  process.exit(0)
}

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, stop)

// npx and npm run put a shell in between that dies of their signal and keeps it to itself. What is left is to notice
// that the shell is gone. The timer also keeps Node running: the cluster's own threads do not.
const parent = process.ppid
const startedByNpm = process.env.npm_command !== undefined
setInterval(() => { if (startedByNpm && process.ppid !== parent) stop() }, 250)

if (certificates !== undefined) console.log(`certificates ${certificates}`)
if (tls !== undefined) console.log(`plain ${cluster.plainHosts.join(',')}`)
// Whoever waits for this line may send the signal at once.
console.log(`ready ${cluster.hosts.join(',')}`)
