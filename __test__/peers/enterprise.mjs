// node __test__/peers/enterprise.mjs node|python: those tests of the official clients that a Community server skips, run against
// the embedded cluster in its Enterprise edition: users, roles and transactions. What fails is printed, and how many ran.
//
//   --dir DIR        where the suite is kept between runs; a folder beside the system's temporary files otherwise
//   --suite DIR      python: a checkout of aerospike/aerospike-client-python, whose tests are in no package
//   --only security  one of the parts: transactions, security or, of Python, quotas
import { parseArgs } from 'node:util'
import { connect } from 'aerospike-napi'
import { fail, nodeSuite, pythonSuite, startEmbedded } from './suites.mjs'

const { values: options, positionals: [peer] } = parseArgs({
  allowPositionals: true,
  options: { dir: { type: 'string' }, only: { type: 'string' }, suite: { type: 'string' } }
})
const makeSuite = { node: nodeSuite, python: pythonSuite }[peer]
if (makeSuite === undefined) fail("say whose suite: 'node' or 'python'")
if (peer === 'python' && options.suite === undefined) fail('say with --suite where a checkout of aerospike/aerospike-client-python is')

const ADMIN = { user: 'admin', password: 'admin' }
/** The Node client's tests of users and roles run for a user of this name alone. */
const SUPERUSER = { user: 'superuser', password: 'superuser' }

/**
 * The parts of each suite: which files, and what cluster they want. Python's transactions are in the namespace `test`, and
 * its tests of users want a cluster without quotas, in which those of quotas would skip themselves.
 */
const PARTS = {
  node: {
    transactions: { files: /^mrt_/, flags: ['--strong-consistency', 'sc'], server: { strong: 'sc' } },
    security: { files: /^admin$/, flags: ['--quotas'], server: SUPERUSER }
  },
  python: {
    transactions: { files: /^test_mrt_/, flags: ['--strong-consistency', 'test'], server: {} },
    security: { files: /^test_admin_(?!set_quotas|create_role)/, flags: ['--security'], server: ADMIN },
    quotas: { files: /^test_admin_(set_quotas|create_role)$/, flags: ['--quotas'], server: ADMIN }
  }
}[peer]
const suite = makeSuite({ dir: options.dir, suite: options.suite })
let failed = 0
for (const [part, { files, flags, server }] of Object.entries(PARTS)) {
  if (options.only !== undefined && options.only !== part) continue
  const cluster = await startEmbedded('--nodes', '1', '--edition', 'enterprise', ...flags)
  if (server.user === 'superuser') {
    const client = await connect({ hosts: cluster.hosts, ...ADMIN })
    const roles = ['user-admin', 'sys-admin', 'read-write-udf']
    await client.users.create(server.user, server.password, { roles })
    // as a real cluster begins
    await client.users.revoke('admin', roles.slice(1))
    await client.close()
  }
  const count = { passes: 0, 'is skipped': 0, fails: 0 }
  for (const file of suite.files().filter(name => files.test(name))) {
    const results = await suite.results(file, { ...cluster, ...server, isEnterprise: true }, part)
    if (results.size === 0) console.log(`${file}: nothing ran`)
    for (const [title, outcome] of results) {
      const kind = outcome.startsWith('fails') ? 'fails' : outcome
      count[kind]++
      if (kind !== 'passes') console.log(`${file}: ${title}\n  ${outcome}`)
    }
  }
  cluster.stop()
  failed += count.fails + (count.passes === 0 ? 1 : 0)
  console.log(`${part}: ${count.passes} passed, ${count.fails} failed, ${count['is skipped']} skipped`)
}
process.exit(failed === 0 ? 0 : 1)
