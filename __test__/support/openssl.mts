// Certificates that the embedded cluster does not make: expired and revoked ones. They are made by openssl.

import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An authority of openssl in a folder of its own. */
export interface Authority {
  run(...args: readonly string[]): void
  /** Where a file of it is. */
  path(name: string): string
  read(name: string): Promise<string>
  /** Makes a key, a file `.key`, and what asks for its certificate, `.csr`; or with `-x509` that certificate itself, `.pem`. */
  request(name: string, subject: string, ...more: readonly string[]): void
}

/** Runs something with an authority as `config` describes it, whose lists are empty, and removes it afterwards. */
export async function withAuthority(config: string, use: (authority: Authority) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aerospike-authority-'))
  const path = (name: string): string => join(folder, name)
  const run = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  }
  const files = { 'ca.cnf': config, 'index.txt': '', serial: '01\n', crlnumber: '01\n' }
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(path(name), text)
    await use({
      run,
      path,
      read: (name) => readFile(path(name), 'utf8'),
      request(name, subject, ...more) {
        const out = more.includes('-x509') ? 'pem' : 'csr'
        const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`]
        run('req', ...key, '-out', `${name}.${out}`, '-subj', `/CN=${subject}`, ...more)
      },
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}
