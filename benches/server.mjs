// The server of a bench: the one that AEROSPIKE_HOSTS names, or the embedded one as a process of its own.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../scripts/prepare.mjs'

/** Resolves to `hosts` and `stop`; `isReal` unless it is the embedded server. */
export async function startServer (nodes = 1) {
  const given = process.env.AEROSPIKE_HOSTS
  if (given) return { hosts: given, isReal: true, stop () {} }
  const program = join(root, 'bin', 'aerospike-napi.mjs')
  const server = spawn(process.execPath, [program, 'local', '--nodes', String(nodes)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise((resolve, reject) => {
    server.stdout.once('data', data => resolve(String(data)))
    server.once('exit', code => reject(new Error(`the embedded server ended with ${code}`)))
  })
  return { hosts: line.trim().replace('ready ', ''), isReal: false, stop: () => server.kill('SIGTERM') }
}
