// Nothing secret is left behind by a login that fails, or by a password that changes: not in the error, not in what is printed, not on the heap.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type LocalCertificates, LocalCluster } from 'aerospike-napi/local'
import test from 'ava'

const run = promisify(execFile)
const entry = import.meta.resolve('aerospike-napi')

let cluster: LocalCluster

test.before('a cluster that lets nobody in', async () => {
  cluster = await LocalCluster.start({
    edition: 'enterprise',
    security: {
      users: {
        admin: { password: 'admin', roles: ['user-admin'] },
        own: { password: 'own', roles: [] },
        other: { password: 'other', roles: [] },
      },
      external: { ext: { password: 'outside', roles: [] } },
    },
    tls: 'self-signed',
  })
})

test.after.always('it ends', () => cluster?.stop())

/**
 * A process that fails to log in with a secret it makes itself, prints all that can be printed of it, and then the secret
 * backwards: forwards it is to be nowhere.
 */
const PROGRAM = `
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { writeHeapSnapshot } from 'node:v8'
import { readFileSync } from 'node:fs'
const [entry, folder] = process.argv.slice(2)
const { connect } = await import(entry)
const { options, field } = JSON.parse(readFileSync(folder + '/options.json', 'utf8'))
const shown = []
async function fail() {
  const secret = randomBytes(16).toString('hex')
  const given = structuredClone(options)
  if (field === 'password') given.password = secret
  else if (field === 'new' || field === 'old') given.password = given.user
  else given.tls[field] = secret
  try {
    const client = await connect(given)
    shown.push('connected', inspect(client, { depth: 9, showHidden: true }))
    if (field === 'new') {
      await client.users.changePassword(given.user, secret, { totalTimeout: 60_000 })
      shown.push('changed', inspect(await client.users.get(given.user)), inspect(client, { depth: 9, showHidden: true }))
    }
    if (field === 'old') await client.users.changePassword(given.user, 'new', { oldPassword: secret, totalTimeout: 60_000 })
    await client.close()
  } catch (error) {
    shown.push(String(error), error.stack, JSON.stringify(error), inspect(error, { depth: 9, showHidden: true }))
    for (let cause = error.cause; cause; cause = cause.cause) shown.push(inspect(cause))
  }
  return [...secret].reverse().join('')
}
const backwards = await fail()
for (let i = 0; i < 5; i++) {
  await new Promise((resolve) => setTimeout(resolve, 20))
  globalThis.gc()
}
writeHeapSnapshot(folder + '/heap.heapsnapshot')
console.log(JSON.stringify({ backwards, shown }))
`

const tls = (): LocalCertificates => cluster.certificates as LocalCertificates

const MODES: { readonly [mode: string]: () => { options: object; field: string; expects: RegExp } } = {
  internal: () => ({ options: { user: 'admin', tls: tls() }, field: 'password', expects: /code 65/ }),
  external: () => ({
    options: { user: 'ext', authMode: 'external', tls: tls() },
    field: 'password',
    expects: /code 93/,
  }),
  externalInsecure: () => ({
    options: { user: 'ext', authMode: 'externalInsecure', tls: tls() },
    field: 'password',
    expects: /code 93/,
  }),
  'pki with a wrong passphrase': () => ({
    options: { authMode: 'pki', tls: tls() },
    field: 'passphrase',
    expects: /code -2|connected|code 60/,
  }),
  'a password of its own, changed': () => ({
    options: { user: 'own', tls: tls() },
    field: 'new',
    expects: /changed/,
  }),
  'a password of its own, changed from a wrong one': () => ({
    options: { user: 'other', tls: tls() },
    field: 'old',
    expects: /code 62/,
  }),
  'over connections that are plain but for the login': () => ({
    options: { user: 'admin', tls: { ...tls(), loginOnly: true } },
    field: 'password',
    expects: /code 65/,
  }),
  'pki with what is no key': () => ({
    options: { authMode: 'pki', tls: tls() },
    field: 'key',
    expects: /tls\.key: not a private key/,
  }),
}

for (const [mode, caseOf] of Object.entries(MODES)) {
  test.serial(`a login leaves no secret behind: ${mode}`, async (t) => {
    const { options, field, expects } = caseOf()
    const folder = await mkdtemp(join(tmpdir(), 'secrets-'))
    try {
      await writeFile(join(folder, 'program.mjs'), PROGRAM)
      await writeFile(
        join(folder, 'options.json'),
        JSON.stringify({ options: { hosts: cluster.hosts, ...options }, field }),
      )
      const { stdout, stderr } = await run(
        process.execPath,
        ['--expose-gc', join(folder, 'program.mjs'), entry, folder],
        { maxBuffer: 1 << 26 },
      )
      const { backwards, shown } = JSON.parse(stdout) as { backwards: string; shown: string[] }
      const secret = [...backwards].reverse().join('')
      t.is(secret.length, 32)
      t.regex(shown.join('\n'), expects)
      t.false(`${shown.join('\n')}${stderr}`.includes(secret), 'what is printed')
      const heap = await readFile(join(folder, 'heap.heapsnapshot'), 'utf8')
      t.true(heap.includes(backwards), 'the snapshot has the strings of the program')
      t.false(heap.includes(secret), 'the heap')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
}
