#!/usr/bin/env node
// The package's command: `aerospike-napi local` runs the embedded cluster in the foreground.
import { parseArgs } from 'node:util'
import { LocalCluster } from 'aerospike-napi/local'

const usage = `usage: aerospike-napi local [--nodes N] [--port P] [--replication-factor R] [--edition E] [--security]
                              [--strong-consistency NS,…]

Runs an in-memory Aerospike cluster on 127.0.0.1 until SIGTERM or SIGINT, with the namespaces
test (records never expire) and bar (records live 30 days). Prints one line when it accepts:
ready 127.0.0.1:3900,127.0.0.1:3901,127.0.0.1:3902

  --nodes N               nodes of the cluster, 1 to 8 (3)
  --port P                port of the first node; the others follow (free ports)
  --replication-factor R  copies of every record (2)
  --edition E             community or enterprise (community)
  --security              access control, with the user admin and the password admin (enterprise only)
  --strong-consistency NS,…
                          names of more namespaces, strongly consistent ones, which have transactions;
                          only with --edition enterprise`

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
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        nodes: { type: 'string' },
        port: { type: 'string' },
        'replication-factor': { type: 'string' },
        edition: { type: 'string' },
        security: { type: 'boolean' },
        'strong-consistency': { type: 'string' },
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (error) {
    return refuse(error.message)
  }
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
let cluster
try {
  cluster = await LocalCluster.start({
    nodes,
    ...(port && { port }),
    ...(replicationFactor && { replicationFactor }),
    ...(values.edition && { edition: values.edition }),
    ...(values.security && { security: true }),
    ...(values['strong-consistency'] && { strongConsistency: values['strong-consistency'].split(',') })
  })
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

// Whoever waits for this line may send the signal at once.
console.log(`ready ${cluster.hosts.join(',')}`)
