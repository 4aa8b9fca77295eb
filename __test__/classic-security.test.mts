// The examples of the classic clients' manual about users, roles and TLS, in the calls of this package: each does what its
// example does and gets what the manual says. They have an Enterprise cluster of their own.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AerospikeError,
  type Client,
  connect,
  InvalidArgumentError,
  InvalidCredentialError,
  InvalidRoleError,
  InvalidUserError,
  RoleViolationError,
  SecurityNotSupportedError,
} from 'aerospike-napi'
import { type LocalCertificates, LocalCluster } from 'aerospike-napi/local'
import test from 'ava'

let cluster: LocalCluster
let client: Client

test.before('the cluster of the examples', async () => {
  cluster = await LocalCluster.start({
    edition: 'enterprise',
    security: {
      users: { ipji: { password: 'life is good', roles: ['user-admin'] } },
      external: { ldap: { password: 'in the directory', roles: ['read'] } },
    },
    tls: { name: 'some-server-tls-name' },
  })
  const tls = { ca: (cluster.certificates as LocalCertificates).ca, servername: 'some-server-tls-name' }
  client = await connect({ hosts: cluster.hosts, user: 'ipji', password: 'life is good', tls })
})

test.after.always('it ends', async () => {
  await client?.close()
  await cluster?.stop()
})

const loggedIn = (user: string, password: string): Promise<Client> =>
  connect({ hosts: cluster.plainHosts, user, password })

test('classic: a role, a privilege granted to it, a user who has it, and both asked for', async (t) => {
  await client.roles.create('dev_role', { privileges: ['read', 'read-write'] })
  await client.roles.grant('dev_role', ['read-write-udf'])
  await client.users.create('dev', 'you young whatchacallit... idiot', { roles: ['dev_role'] })
  t.deepEqual((await client.users.get('dev')).roles, ['dev_role'])
  const users = Object.fromEntries((await client.users.list()).map(({ name, roles }) => [name, roles]))
  t.deepEqual(users, { ...users, ipji: ['user-admin'], dev: ['dev_role'] })
  t.deepEqual((await client.roles.get('dev_role')).privileges, ['read', 'read-write', 'read-write-udf'])
  await using dev = await loggedIn('dev', 'you young whatchacallit... idiot')
  await dev.put(['test', 'classic', 1], { a: 1 })
  t.is((await dev.get(['test', 'classic', 1])).bins.a, 1)
})

test('classic: admin_create_role, admin_grant_privileges, admin_revoke_privileges and admin_drop_role', async (t) => {
  await client.roles.create('ops', { privileges: ['sys-admin', { privilege: 'read', namespace: 'test', set: 'demo' }] })
  await client.roles.grant('ops', ['truncate'])
  await client.roles.revoke('ops', ['sys-admin', { privilege: 'read', namespace: 'test', set: 'demo' }])
  t.deepEqual((await client.roles.get('ops')).privileges, ['truncate'])
  const roles = Object.fromEntries((await client.roles.list()).map(({ name, privileges }) => [name, privileges]))
  t.deepEqual(roles.ops, ['truncate'])
  await client.roles.drop('ops')
  await t.throwsAsync(client.roles.get('ops'), { instanceOf: InvalidRoleError })
})

test('classic: admin_grant_roles, admin_revoke_roles and admin_drop_user', async (t) => {
  await client.users.create('roles', 'secret', { roles: ['read'] })
  await client.users.grant('roles', ['write', 'udf-admin'])
  await client.users.revoke('roles', ['read'])
  t.deepEqual((await client.users.get('roles')).roles, ['udf-admin', 'write'])
  await client.users.drop('roles')
  await t.throwsAsync(client.users.get('roles'), { instanceOf: InvalidUserError })
})

test('classic: admin_change_password by the user, admin_set_password by a user administrator', async (t) => {
  await client.users.create('words', 'first', { roles: ['read'] })
  await using words = await loggedIn('words', 'first')
  await words.users.changePassword('words', 'second')
  await t.throwsAsync(loggedIn('words', 'first'), { instanceOf: InvalidCredentialError })
  await t.throwsAsync(words.users.setPassword('words', 'third'), { instanceOf: RoleViolationError })
  await client.users.setPassword('words', 'third')
  await (await loggedIn('words', 'third')).close()
})

test('classic: an AdminError has a code and says what is wrong', async (t) => {
  const error = await t.throwsAsync(client.users.drop('nobody here'), { instanceOf: AerospikeError })
  t.is(error?.code, 60)
  t.regex(error?.message ?? '', /nobody here/)
})

test('classic: a Community cluster raises SecurityNotSupported', async (t) => {
  await using community = await LocalCluster.start()
  await using anyone = await connect(community.hosts)
  for (const call of [
    () => anyone.users.list(),
    () => anyone.roles.list(),
    () => anyone.users.create('dev', 'secret', { roles: ['read'] }),
    () => anyone.roles.create('dev_role', { privileges: ['read'] }),
  ]) {
    await t.throwsAsync(call(), { instanceOf: SecurityNotSupportedError, code: 51 })
  }
})

test('classic: hosts are (address, port, tls-name), and cafile names the authority', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'classic-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const file = join(folder, 'cacert.pem')
  await writeFile(file, (cluster.certificates as LocalCertificates).ca)
  const [tls_ip = '', tls_port] = (cluster.hosts[0] as string).split(':')
  const hosts = [{ host: tls_ip, port: Number(tls_port), tlsName: 'some-server-tls-name' }]
  const login = { user: 'ipji', password: 'life is good' }
  await using encrypted = await connect({ hosts, tls: { ca: { file } }, ...login })
  t.is((await encrypted.users.get('ipji')).name, 'ipji')
  const failed = connect({
    hosts: [{ ...hosts[0], tlsName: 'another-name' }] as typeof hosts,
    tls: { ca: { file } },
    ...login,
  })
  await t.throwsAsync(failed, { message: /some-server-tls-name.*another-name/ })
})

test('classic: AUTH_EXTERNAL wants TLS, AUTH_EXTERNAL_INSECURE does without', async (t) => {
  const login = { user: 'ldap', password: 'in the directory' }
  const tls = { ca: (cluster.certificates as LocalCertificates).ca, servername: 'some-server-tls-name' }
  await (await connect({ hosts: cluster.hosts, ...login, authMode: 'external', tls })).close()
  await (await connect({ hosts: cluster.plainHosts, ...login, authMode: 'externalInsecure' })).close()
  await t.throwsAsync(connect({ hosts: cluster.plainHosts, ...login, authMode: 'external' }), {
    instanceOf: InvalidArgumentError,
  })
})
