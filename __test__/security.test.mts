// Users, roles and logging in, on an embedded cluster whose access control is on.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import {
  AerospikeError,
  type Client,
  type ConnectOptions,
  connect,
  ForbiddenPasswordError,
  InvalidArgumentError,
  InvalidCredentialError,
  InvalidPasswordError,
  InvalidPrivilegeError,
  InvalidRoleError,
  InvalidUserError,
  NotWhitelistedError,
  op,
  type Privilege,
  QuotaExceededError,
  QuotasNotEnabledError,
  RoleExistsError,
  RoleViolationError,
  SecurityNotEnabledError,
  SecurityNotSupportedError,
  TimeoutError,
  UserExistsError,
} from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { startRefusing } from './support/refusing.mjs'

let cluster: LocalCluster
let admin: Client

const login = (options: Omit<ConnectOptions, 'hosts'>): Promise<Client> => connect({ hosts: cluster.hosts, ...options })

let names = 0
/** A name that no other test uses. */
const fresh = (what: string): string => `${what}-${++names}`

/** A client of a new user. */
async function withRoles(...roles: string[]): Promise<Client & { readonly user: string }> {
  const user = fresh('user')
  await admin.users.create(user, 'secret', { roles })
  return Object.assign(await login({ user, password: 'secret' }), { user })
}

/** A new role with some privileges. */
async function roleOf(...privileges: Privilege[]): Promise<string> {
  const role = fresh('role')
  await admin.roles.create(role, { privileges })
  return role
}

test.before('a cluster of three with access control', async () => {
  cluster = await LocalCluster.start({
    nodes: 3,
    edition: 'enterprise',
    security: {
      users: { admin: { password: 'admin', roles: ['user-admin', 'sys-admin', 'read-write-udf'] } },
      external: { ext: { password: 'outside', roles: ['read-write'] } },
      quotas: true,
    },
  })
  admin = await login({ user: 'admin', password: 'admin' })
})

test.after.always('they end', async () => {
  await admin?.close()
  await cluster?.stop()
})

test('whoever is not known, or not with this password, is not let in', async (t) => {
  const wrong = await t.throwsAsync(login({ user: 'admin', password: 'guess-xyz' }), {
    instanceOf: InvalidCredentialError,
  })
  t.is(wrong?.code, 65)
  t.regex(wrong?.message ?? '', /could not log in as "admin"/)
  t.false(`${wrong?.message} ${JSON.stringify(wrong)}`.includes('guess-xyz'))
  await t.throwsAsync(login({ user: 'nobody', password: 'admin' }), { instanceOf: InvalidUserError })
  await t.throwsAsync(login({}), { instanceOf: AerospikeError })
})

test('access control that is off is told from access control that is not there', async (t) => {
  await using enterprise = await LocalCluster.start({ edition: 'enterprise' })
  await using off = await connect({ hosts: enterprise.hosts, user: 'ann', password: 'x' })
  await off.put(['test', 'demo', 1], { a: 1 })
  await t.throwsAsync(off.users.list(), { instanceOf: SecurityNotEnabledError })
  await using community = await LocalCluster.start()
  await using anyone = await connect(community.hosts)
  await t.throwsAsync(anyone.users.list(), { instanceOf: SecurityNotSupportedError })
})

test('a user is made, changed, listed and removed', async (t) => {
  const user = fresh('user')
  await admin.users.create(user, 'secret', { roles: ['read', 'udf-admin'] })
  await t.throwsAsync(admin.users.create(user, 'other'), { instanceOf: UserExistsError, message: new RegExp(user) })
  t.deepEqual((await admin.users.get(user)).roles, ['read', 'udf-admin'])
  await admin.users.grant(user, ['write'])
  await admin.users.revoke(user, 'udf-admin')
  const { name, roles, reads, writes } = await admin.users.get(user)
  t.deepEqual({ name, roles }, { name: user, roles: ['read', 'write'] })
  t.is(reads?.quota, 0)
  t.is(writes?.quota, 0)
  t.true((await admin.users.list()).some((listed) => listed.name === user))
  await admin.users.grant(user, ['a role to come'])
  t.deepEqual((await admin.users.get(user)).roles, ['a role to come', 'read', 'write'])
  await admin.users.drop(user)
  const gone = await t.throwsAsync(admin.users.get(user), { instanceOf: InvalidUserError })
  t.regex(gone?.message ?? '', new RegExp(`user "${user}"`))
  await t.throwsAsync(admin.users.drop(user), { instanceOf: InvalidUserError })
})

test('a role is made, changed, listed and removed', async (t) => {
  const role = fresh('role')
  const scoped = { privilege: 'read', namespace: 'test', set: 'demo' } as const
  await admin.roles.create(role, {
    privileges: ['udf-admin', scoped],
    allowlist: ['10.0.0.0/8', '127.0.0.1'],
    readQuota: 1000,
  })
  t.deepEqual(await admin.roles.get(role), {
    name: role,
    privileges: ['udf-admin', scoped],
    allowlist: ['10.0.0.0/8', '127.0.0.1'],
    readQuota: 1000,
    writeQuota: 0,
  })
  await t.throwsAsync(admin.roles.create(role), { instanceOf: RoleExistsError })
  await admin.roles.grant(role, ['truncate', { privilege: 'write', namespace: 'bar' }])
  await admin.roles.revoke(role, ['udf-admin', 'read'])
  await admin.roles.setAllowlist(role, [])
  await admin.roles.setQuotas(role, { writeQuota: 5 })
  const changed = await admin.roles.get(role)
  t.deepEqual(changed.privileges, [scoped, { privilege: 'write', namespace: 'bar' }, 'truncate'])
  t.deepEqual([changed.allowlist, changed.readQuota, changed.writeQuota], [[], 1000, 5])
  const listed = await admin.roles.list()
  t.true(listed.some(({ name }) => name === role))
  t.deepEqual(listed.find(({ name }) => name === 'read-write')?.privileges, ['read-write'])
  await admin.roles.drop(role)
  await t.throwsAsync(admin.roles.get(role), { instanceOf: InvalidRoleError, message: new RegExp(role) })
})

test('one role and one privilege need no list', async (t) => {
  const [role, user] = [fresh('role'), fresh('user')]
  await admin.roles.create(role, { privileges: 'truncate' })
  await admin.roles.grant(role, { privilege: 'read', namespace: 'test' })
  await admin.roles.revoke(role, 'truncate')
  t.deepEqual((await admin.roles.get(role)).privileges, [{ privilege: 'read', namespace: 'test' }])
  await admin.users.create(user, 'secret', { roles: role })
  t.deepEqual((await admin.users.get(user)).roles, [role])
  const no = admin.roles.grant(role, { namespace: 'test' } as never)
  await t.throwsAsync(no, { instanceOf: InvalidArgumentError, message: /privileges must be a list, not an object/ })
})

test('a failure says once what is wrong, and with which user or role', async (t) => {
  const said = async (call: Promise<unknown>): Promise<string> =>
    ((await t.throwsAsync(call)) as Error).message.replace(/ \(code .*/s, '')
  t.is(await said(admin.users.create('admin', 'x')), 'users.create: the user exists already: user "admin"')
  t.is(await said(admin.users.drop('none')), 'users.drop: no such user: user "none"')
  t.is(await said(admin.roles.get('none')), 'roles.get: no such role: role "none"')
  t.is(await said(admin.roles.create('read')), 'roles.create: the role exists already: role "read"')
  const of = async (call: Promise<unknown>): Promise<unknown> => {
    const { user, role } = JSON.parse(JSON.stringify(await t.throwsAsync(call)))
    return { user, role }
  }
  t.deepEqual(await of(admin.users.drop('none')), { user: 'none', role: undefined })
  t.deepEqual(await of(admin.roles.drop('none')), { user: undefined, role: 'none' })
  t.deepEqual(await of(login({ user: 'nobody', password: 'x' })), { user: 'nobody', role: undefined })
  await using plain = await LocalCluster.start()
  await using client = await connect({ hosts: plain.hosts })
  t.is(await said(client.users.list()), 'users.list: the server does not support security: all users')
})

test('what makes no sense is refused before anything is sent', async (t) => {
  const refused = { instanceOf: InvalidArgumentError }
  await t.throwsAsync(admin.users.create('', 'x'), refused)
  await t.throwsAsync(admin.users.create('x'.repeat(64), 'x'), refused)
  const long = await t.throwsAsync(admin.users.create('x', 'hidden'.repeat(20)), refused)
  t.false(long?.message.includes('hidden'))
  await t.throwsAsync(admin.users.create('x', 'y', { role: ['read'] } as never), refused)
  await t.throwsAsync(admin.users.grant('x', 5 as never), refused)
  await t.throwsAsync(admin.roles.create('x', { privileges: ['reed' as 'read'] }), {
    ...refused,
    message: /there is no privilege "reed"; did you mean 'read'/,
  })
  await t.throwsAsync(
    admin.roles.create('x', { privileges: [{ privilege: 'sys-admin', namespace: 'test' } as never] }),
    refused,
  )
  await t.throwsAsync(admin.roles.create('x', { privileges: [{ privilege: 'read', set: 'demo' }] }), refused)
  await t.throwsAsync(admin.roles.create('x', { allowlist: ['not an address'] }), refused)
  await t.throwsAsync(admin.roles.create('x', { readQuota: -1 }), refused)
  await t.throwsAsync(admin.roles.setQuotas('x', {}), refused)
  await t.throwsAsync(login({ password: 'x' }), refused)
  await t.throwsAsync(login({ user: 'x', authMode: 'externall' as 'external' }), {
    ...refused,
    message: /did you mean 'external'/,
  })
  await t.throwsAsync(login({ user: 'x', password: 'y', authMode: 'external' }), { ...refused, message: /needs tls/ })
  await t.throwsAsync(login({ authMode: 'pki' }), { ...refused, message: /needs tls.cert/ })
})

test('privileges hold in their scope, for every kind of command', async (t) => {
  const role = await roleOf({ privilege: 'read', namespace: 'test', set: 'mine' })
  await admin.put(['test', 'mine', 1], { a: 1 })
  await admin.put(['test', 'theirs', 1], { a: 1 })
  await using client = await withRoles(role)
  t.is((await client.get(['test', 'mine', 1])).bins.a, 1)
  const denied = await t.throwsAsync(client.get(['test', 'theirs', 1]), { instanceOf: RoleViolationError })
  t.is(denied?.code, 81)
  await t.throwsAsync(client.put(['test', 'mine', 1], { a: 2 }), { instanceOf: RoleViolationError })
  await t.throwsAsync(client.remove(['test', 'mine', 1]), { instanceOf: RoleViolationError })
  await t.throwsAsync(client.truncate('test', 'mine'), { instanceOf: AerospikeError, message: /truncate/ })
  const batch = await client.batchRead([
    ['test', 'mine', 1],
    ['test', 'theirs', 1],
  ])
  t.deepEqual(
    [...batch].map((row) => row.resultCode),
    [0, 81],
  )
  t.is((await client.query('test', 'mine').results()).length, 1)
  await t.throwsAsync(client.query('test', 'theirs').results(), { instanceOf: RoleViolationError })
})

test('a change is seen at once by connections that are open', async (t) => {
  await using client = await withRoles()
  const key = ['test', 'changes', 1] as const
  await t.throwsAsync(client.put(key, { a: 1 }), { instanceOf: RoleViolationError })
  await admin.users.grant(client.user, ['read-write'])
  await client.put(key, { a: 1 })
  await admin.users.revoke(client.user, ['read-write'])
  await t.throwsAsync(client.put(key, { a: 1 }), { instanceOf: RoleViolationError })
})

test('a client goes on with a new password of its own, and the old one opens nothing', async (t) => {
  await using client = await withRoles('read')
  const { user } = client
  await t.throwsAsync(client.users.changePassword(user, 'new', { oldPassword: 'wrong' }), {
    instanceOf: InvalidPasswordError,
  })
  await client.users.changePassword(user, 'new')
  await client.users.changePassword(user, 'newer')
  t.is((await client.users.get(user)).name, user)
  await t.throwsAsync(login({ user, password: 'secret' }), { instanceOf: InvalidCredentialError })
  await using again = await login({ user, password: 'newer' })
  t.true(again.isConnected())
  await admin.users.setPassword(user, 'newest')
  await using last = await login({ user, password: 'newest' })
  t.true(last.isConnected())
})

test('a login that is not answered ends with loginTimeout, however long connecting may take', async (t) => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const options = { user: 'ann', password: 'secret', loginTimeout: 200, connectTimeout: 300_000 }
  const error = await t.throwsAsync(connect({ hosts: `127.0.0.1:${port}`, ...options }), { instanceOf: TimeoutError })
  t.regex(error?.message ?? '', /the login of "ann" was not answered within 200 ms/)
  silent.close()
})

test('external users log in by their password as it is, certified ones by none', async (t) => {
  await using client = await login({ user: 'ext', password: 'outside', authMode: 'externalInsecure' })
  await client.put(['test', 'external', 1], { a: 1 })
  const wrong = await t.throwsAsync(login({ user: 'ext', password: 'wrong-xyz', authMode: 'externalInsecure' }))
  t.is((wrong as AerospikeError).code, 93)
  t.false(String(wrong).includes('wrong-xyz'))
  const user = fresh('cert')
  await admin.users.createPki(user, { roles: ['read'] })
  await t.throwsAsync(login({ user, password: 'nopassword' }), { instanceOf: ForbiddenPasswordError })
  await t.throwsAsync(admin.users.setPassword(user, 'x'), { instanceOf: ForbiddenPasswordError })
})

test('users of a role come from its allowlist alone', async (t) => {
  const role = fresh('role')
  await admin.roles.create(role, { privileges: ['read'], allowlist: ['10.0.0.0/8'] })
  const user = fresh('user')
  await admin.users.create(user, 'secret', { roles: [role] })
  await t.throwsAsync(login({ user, password: 'secret' }), { instanceOf: NotWhitelistedError })
  await admin.roles.setAllowlist(role, ['127.0.0.0/8'])
  await (await login({ user, password: 'secret' })).close()
})

test('a quota is kept at each node, and its use is counted', async (t) => {
  const role = fresh('role')
  await admin.roles.create(role, { privileges: ['read-write'], writeQuota: 10 })
  await using client = await withRoles(role)
  // however slow the machine is: the seconds that a time can touch are one more than it has, and each has its quota
  const started = performance.now()
  const most = () => 10 * (Math.floor((performance.now() - started) / 1000) + 2)
  const failed: unknown[] = []
  let done = 0
  while (failed.length === 0) {
    const writes = Array.from({ length: 50 }, () =>
      client.put(['test', 'quota', 1], { a: 1 }, { totalTimeout: 30_000 }),
    )
    for (const write of await Promise.allSettled(writes)) {
      if (write.status === 'rejected') failed.push(write.reason)
      else done++
    }
    t.true(done <= most(), `${done} writes in ${performance.now() - started} ms`)
  }
  t.true(done >= 10, String(done))
  t.true(failed.every((error) => error instanceof QuotaExceededError))
  t.is((await admin.users.get(client.user)).writes?.quota, 10)
  await using plain = await LocalCluster.start({ edition: 'enterprise', security: true })
  await using other = await connect({ hosts: plain.hosts, user: 'admin', password: 'admin' })
  await t.throwsAsync(other.roles.create('slow', { readQuota: 1 }), { instanceOf: QuotasNotEnabledError })
})

test('sessions are renewed before they end, and new connections do not notice', async (t) => {
  await using short = await LocalCluster.start({ edition: 'enterprise', security: { sessionTtl: 1 } })
  await using client = await connect({ hosts: short.hosts, user: 'admin', password: 'admin', tendInterval: 100 })
  const until = performance.now() + 3000
  let round = 0
  while (performance.now() < until || round < 20) {
    await short.dropConnections(0)
    await client.put(['test', 'sessions', round++], { a: 1 }, { maxRetries: 5, idempotent: true })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.pass()
})

test('a session that is over is renewed by the connection that finds out', async (t) => {
  await using short = await LocalCluster.start({ edition: 'enterprise', security: { sessionTtl: 1 } })
  await using client = await connect({ hosts: short.hosts, user: 'admin', password: 'admin', tendInterval: 600_000 })
  await client.put(['test', 'sessions', 1], { a: 1 })
  await new Promise((resolve) => setTimeout(resolve, 1200))
  await short.dropConnections(0)
  await client.put(['test', 'sessions', 1], { a: 1 }, { maxRetries: 5, idempotent: true })
  t.is((await client.get(['test', 'sessions', 1], { maxRetries: 5 })).bins.a, 1)
})

/** Everything that a client can ask, each by a connection that was open before. */
const CALLS: { readonly [what: string]: (client: Client & { readonly user: string }) => Promise<unknown> } = {
  'a read': (client) => client.get(['test', 'renewed', 1], { maxRetries: 0 }),
  'a write': (client) => client.put(['test', 'renewed', 2], { a: 1 }, { maxRetries: 0 }),
  'many reads': (client) =>
    Promise.all(Array.from({ length: 200 }, () => client.get(['test', 'renewed', 1], { maxRetries: 0 }))),
  'many writes': (client) =>
    Promise.all(Array.from({ length: 200 }, () => client.increment(['test', 'renewed', 3], 'n', 1, { maxRetries: 0 }))),
  'a batch': async (client) => {
    const batch = await client.batchRead(
      Array.from({ length: 50 }, () => ['test', 'renewed', 1] as const),
      { maxRetries: 0 },
    )
    batch.throwIfFailed()
  },
  'a batch that writes': async (client) => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ key: ['test', 'renewed', i] as const, bins: { a: 1 } }))
    ;(await client.batchWrite(rows, { maxRetries: 0 })).throwIfFailed()
  },
  'a query': (client) => client.query('test', 'renewed').results(),
  'a background job': (client) => client.query('test', 'renewed').execute([op.write('b', 1)]),
  'an info command': (client) => client.info('build'),
  'a call on users': (client) => client.users.get(client.user),
}

for (const [what, call] of Object.entries(CALLS)) {
  test(`a session that is over is renewed and the call is made again: ${what}`, async (t) => {
    await admin.put(['test', 'renewed', 1], { a: 1 })
    await using client = await withRoles('read-write')
    // connections of every kind are open
    for (const one of Object.values(CALLS)) await one(client)
    await admin.users.drop(client.user)
    await admin.users.create(client.user, 'secret', { roles: ['read-write'] })
    await t.notThrowsAsync(call(client))
  })
}

test('a write whose session is over is made once', async (t) => {
  await using client = await withRoles('read-write')
  const key = ['test', 'renewed once', 1] as const
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 100 }, () => client.increment(key, 'n', 1, { maxRetries: 0 })))
    await admin.users.drop(client.user)
    await admin.users.create(client.user, 'secret', { roles: ['read-write'] })
  }
  t.is((await client.get(key)).bins.n, 500)
})

test('a user who is gone is told so by calls of a client that was connected', async (t) => {
  await using client = await withRoles('read-write')
  await client.put(['test', 'gone', 1], { a: 1 })
  await admin.users.drop(client.user)
  await t.throwsAsync(client.get(['test', 'gone', 1]), {
    instanceOf: InvalidUserError,
    message: new RegExp(client.user),
  })
})

test('a node that knows another password than the others is named', async (t) => {
  // a proxy before the third node refuses every login, as a node does that missed a change
  await using three = await LocalCluster.start({ nodes: 3, edition: 'enterprise', security: true })
  const third = await startRefusing(three.hosts[2] as string)
  t.teardown(() => third.stop())
  await three.ailNode(2, { announced: third.host })
  const options = { hosts: three.hosts.slice(0, 2), user: 'admin', password: 'admin' }
  const whole = await t.throwsAsync(connect({ ...options, wholeCluster: true }), { instanceOf: InvalidCredentialError })
  t.regex(whole?.message ?? '', new RegExp(`node \\w+ of the cluster is not reached at ${third.host}`))
  t.regex(whole?.message ?? '', /could not log in as "admin": .*, code 65\)/)
  t.notRegex(whole?.message ?? '', /addressMap/, 'no advice that does not help')
  await using rest = await connect(options)
  t.is(rest.nodes().length, 2)
  t.regex(rest.health().unreachable[0]?.tried[0]?.reason ?? '', /could not log in as "admin"/)
  const alone = await t.throwsAsync(connect({ ...options, hosts: [third.host] }), {
    instanceOf: InvalidCredentialError,
  })
  t.regex(alone?.message ?? '', new RegExp(`${third.host}: could not log in as "admin"`))
})

test('a privilege that only the server could know to be wrong is its to refuse', async (t) => {
  await t.throwsAsync(admin.roles.grant('read', ['write']), { instanceOf: InvalidRoleError })
  t.is(InvalidPrivilegeError.prototype instanceof AerospikeError, true)
})
