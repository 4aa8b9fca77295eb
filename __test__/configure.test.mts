// Options that change while the client runs: by the program, and by the configuration file of the official clients.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, InvalidArgumentError, QueueFullError, TimeoutError } from 'aerospike-napi'
import test from 'ava'
import { another, faultTest, freshKey, local, sleep } from './support/cluster.mjs'

const refused = { instanceOf: InvalidArgumentError }

test('limits change while the client runs', async (t) => {
  const client = await another()
  client.configure({ maxInFlight: 1, maxQueued: 0 })
  const [, second] = await Promise.allSettled([client.exists(freshKey()), client.exists(freshKey())])
  t.true(second.status === 'rejected' && second.reason instanceof QueueFullError)
  client.configure({ maxQueued: 5 })
  await Promise.all([client.exists(freshKey()), client.exists(freshKey())])
  client.configure({ maxInFlight: 0 })
  await Promise.all(Array.from({ length: 100 }, () => client.exists(freshKey())))
  await client.close()
})

faultTest('defaults, retries and pools change while the client runs', async (t) => {
  const client = await another({ defaults: { read: { totalTimeout: 5000 } } })
  try {
    for (let node = 0; node < 3; node++) await local().slowNode(node, 200)
    await client.exists(freshKey())
    client.configure({ defaults: { read: { totalTimeout: 50 } } })
    await t.throwsAsync(client.exists(freshKey()), { instanceOf: TimeoutError })
    await t.throwsAsync(client.get(freshKey()), { instanceOf: TimeoutError })
    client.configure({
      maxConnectionsPerNode: 3,
      tendInterval: 50,
      defaults: { read: { totalTimeout: 5000 } },
      coalesceReads: true,
    })
    await Promise.all(Array.from({ length: 30 }, () => client.exists(freshKey())))
    for (let i = 0; i < 50 && client.nodes().some(({ connections }) => connections.open > 3); i++) await sleep(50)
    for (const { connections } of client.nodes()) t.true(connections.open <= 3, `${connections.open} are open`)
  } finally {
    for (let node = 0; node < 3; node++) await local().slowNode(node, 0)
    await client.close()
  }
})

test('what cannot change is refused by name, and then nothing is changed', async (t) => {
  const client = await another()
  const cases: [object, RegExp][] = [
    [{ hosts: 'a' }, /option 'hosts' cannot change while the client runs: connect anew/],
    [{ tls: true }, /option 'tls' cannot change .*client\.reloadTls/],
    [{ password: 'secret' }, /client\.users\.changePassword/],
    [{ connectTimeout: 5 }, /'connectTimeout' cannot change/],
    [{ maxInFlght: 1 }, /there is no option 'maxInFlght'; did you mean 'maxInFlight'/],
    [{ tendInterval: 1 }, /'tendInterval' must be a whole number of milliseconds from 10/],
    [{ maxInFlight: 1, tendInterval: 1 }, /'tendInterval'/],
    [{ maxInFlight: 1, maxQueued: 0, defaults: { read: { totalTimeout: -1 } } }, /'totalTimeout'/],
    [{ minConnectionsPerNode: 200 }, /minConnectionsPerNode is larger than maxConnectionsPerNode/],
    [{ queueTimeout: 5 }, /queueTimeout needs maxInFlight/],
  ]
  for (const [options, message] of cases) t.throws(() => client.configure(options), { ...refused, message })
  await Promise.all(Array.from({ length: 5 }, () => client.exists(freshKey())))
  await client.close()
})

async function withFile(text: string, use: (path: string) => Promise<void>, name = 'client.yaml'): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aerospike-config-'))
  const path = join(folder, name)
  await writeFile(path, text)
  try {
    await use(path)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The next event, of either kind. */
function next(client: Client): Promise<{ ignored?: readonly string[]; message?: string }> {
  return new Promise((resolve) => {
    // Following a file does not keep the process alive.
    const alive = setInterval(() => {}, 1000)
    const done = (fact: { ignored?: readonly string[]; message?: string }): void => {
      clearInterval(alive)
      client.off('configChanged', done)
      client.off('configFailed', done)
      resolve(fact)
    }
    client.on('configChanged', done)
    client.on('configFailed', done)
  })
}

const FILE = `version: 1.0.0
static:
  client:
    config_interval: 100
dynamic:
  client:
    tend_interval: 250
    max_error_rate: 7
    fail_if_not_connected: true
  read:
    total_timeout: 40
    replica: MASTER
  batch_read:
    total_timeout: 45
`

faultTest('a configuration file counts more than options and calls, and is followed', async (t) => {
  await withFile(FILE, async (path) => {
    const client = await another({ configProvider: { path }, defaults: { read: { totalTimeout: 5000 } } })
    const other = client.with({ defaults: { read: { totalTimeout: 6000 } } })
    try {
      for (let node = 0; node < 3; node++) await local().slowNode(node, 150)
      for (const one of [client, other]) {
        await t.throwsAsync(one.exists(freshKey()), { instanceOf: TimeoutError })
        await t.throwsAsync(one.exists(freshKey(), { totalTimeout: 7000 }), { instanceOf: TimeoutError })
      }
      t.is((await client.batchRead([freshKey()], { onPartial: 'return', totalTimeout: 9000 })).unprocessed.length, 1)
      // what the file says no more is as the program said
      let change = next(client)
      await writeFile(path, FILE.replace('    total_timeout: 40\n', ''))
      t.deepEqual((await change).ignored, ['dynamic.client.fail_if_not_connected'])
      for (const one of [client, other]) await one.exists(freshKey())
      // a bad file keeps what held, and says why
      change = next(client)
      await writeFile(path, FILE.replace('total_timeout: 40', 'total_timeout: soon'))
      t.regex((await change).message ?? '', /dynamic\.read: totalTimeout must be .*not "soon"/)
      await client.exists(freshKey())
      change = next(client)
      await writeFile(path, 'dynamic: [')
      t.regex((await change).message ?? '', /could not be read/)
      await client.exists(freshKey())
      change = next(client)
      await writeFile(path, FILE)
      t.is((await change).message, undefined)
      await t.throwsAsync(client.exists(freshKey()), { instanceOf: TimeoutError })
    } finally {
      for (let node = 0; node < 3; node++) await local().slowNode(node, 0)
      await client.close()
    }
  })
})

test.serial('the environment names the file, and a bad one lets the client run as the program says', async (t) => {
  await withFile('dynamic:\n  client:\n    tend_interval: never\n', async (path) => {
    const warnings: Error[] = []
    const hear = (warning: Error): number => warnings.push(warning)
    process.on('warning', hear)
    process.env.AEROSPIKE_CLIENT_CONFIG_URL = `file://${path}`
    try {
      const client = await another()
      await client.exists(freshKey())
      await sleep(10)
      t.regex(warnings.map(({ message }) => message).join(), /tendInterval.* must be a whole number .*not "never"/)
      await client.close()
    } finally {
      delete process.env.AEROSPIKE_CLIENT_CONFIG_URL
      process.off('warning', hear)
    }
  })
})

test('a JSON file does as well, and the options of the provider are checked', async (t) => {
  const file = JSON.stringify({ dynamic: { client: { app_id: 'from the file' } } })
  await withFile(
    file,
    async (path) => {
      const client = await another({ configProvider: { path } })
      await client.exists(freshKey())
      await client.close()
      await t.throwsAsync(another({ configProvider: { pth: path } as never }), {
        ...refused,
        message: /no option 'pth'; did you mean 'path'/,
      })
      await t.throwsAsync(another({ configProvider: { path, interval: 1 } }), refused)
    },
    'client.json',
  )
})
