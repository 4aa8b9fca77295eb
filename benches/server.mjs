// The server of a bench: the one that AEROSPIKE_HOSTS names, or the embedded one as a process of its own.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../scripts/prepare.mjs'

/** Resolves to `hosts` and `stop`; `isReal` unless it is the embedded server, whose process `pid` is. */
export async function startServer (nodes = 1) {
  const given = process.env.AEROSPIKE_HOSTS
  if (given) return { hosts: given, isReal: true, stop () {} }
  const { words: [hosts], pid, stop } = await run([join(root, 'bin', 'aerospike-napi.mjs'), 'local', '--nodes', String(nodes)])
  return { hosts, isReal: false, pid, stop }
}

/** The embedded server with encrypted connections; `tls` has the name in its certificate and the file of its authority's. */
export async function startSecureServer () {
  const { words: [hosts, name, ca], stop } = await run([join(root, 'benches', 'secure-server.mjs')])
  return { hosts, tls: { name, ca }, stop }
}

/** A program that says `ready`, with what follows. */
async function run (program) {
  const server = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise((resolve, reject) => {
    server.stdout.once('data', data => resolve(String(data)))
    server.once('exit', code => reject(new Error(`the embedded server ended with ${code}`)))
  })
  return { words: line.trim().split(' ').slice(1), pid: server.pid, stop: () => server.kill('SIGTERM') }
}
