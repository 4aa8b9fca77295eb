// An embedded Enterprise cluster of one node with encrypted connections, for the lanes over TLS: says `ready HOSTS NAME FILE`
// (the name in its certificate, and where the certificate of its authority is), and runs until SIGTERM.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalCluster } from '../dist/local.js'

const cluster = await LocalCluster.start({ nodes: 1, edition: 'enterprise', tls: 'self-signed' })
const folder = mkdtempSync(join(tmpdir(), 'bench-'))
const file = join(folder, 'ca.pem')
writeFileSync(file, cluster.certificates.ca)
const staying = setInterval(() => {}, 1 << 30)
process.on('SIGTERM', async () => {
  clearInterval(staying)
  rmSync(folder, { recursive: true })
  await cluster.stop()
  process.exit(0)
})
console.log(`ready ${cluster.hosts.join(',')} ${cluster.certificates.servername} ${file}`)
