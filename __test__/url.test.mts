// Connecting by URL and by what the environment says.
import { inspect } from 'node:util'
import { type Client, connect, InvalidArgumentError } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import test from 'ava'
import { freshKey, hosts, real, secure } from './support/cluster.mjs'

const SECRET = 's3cr/t @:%?&=#ü'

async function withClient(url: string, use: (client: Client) => Promise<void> | void): Promise<void> {
  const client = await connect(url)
  try {
    await use(client)
  } finally {
    await client.close()
  }
}

// Of a cluster with encryption the URL of another test has the rest.
const plainTest = secure ? test.skip : test

plainTest('a URL names hosts and options', async (t) => {
  await withClient(
    `aerospike://${hosts().join(',')}/?maxInFlight=1&maxQueued=0&coalesceReads=false&rackIds=1,2&defaults.read.totalTimeout=1`,
    async (client) => {
      t.true(client.isConnected())
      const [first, second] = await Promise.allSettled([client.exists(freshKey()), client.exists(freshKey())])
      t.is(second.status, 'rejected')
      t.regex(inspect(second), /1 calls are under way and 0 wait already/)
      t.truthy(first)
    },
  )
  await withClient(`aerospike://${hosts()[0]}`, (client) => {
    t.true(client.isConnected())
  })
})

;(real === undefined ? test : test.skip)('user and password are percent-encoded, and tls is an option', async (t) => {
  await using cluster = await LocalCluster.start({
    edition: 'enterprise',
    security: { users: { 'a b': { password: SECRET, roles: ['read-write'] } } },
    tls: 'self-signed',
  })
  const { ca } = cluster.certificates ?? { ca: '' }
  const { writeFile, mkdtemp, rm } = await import('node:fs/promises')
  const { tmpdir } = await import('node:os')
  const { join } = await import('node:path')
  const folder = await mkdtemp(join(tmpdir(), 'aerospike-url-'))
  const file = join(folder, 'ca file.pem')
  await writeFile(file, ca)
  const url = `aerospike://a%20b:${encodeURIComponent(SECRET)}@${cluster.hosts.join(',')}/?tls=true&tls.ca=${encodeURIComponent(file)}&tls.servername=localhost`
  await withClient(url, async (client) => {
    await client.put(freshKey(), { a: 1 })
    t.true(client.isConnected())
  })
  await rm(folder, { recursive: true })
})

const refused = { instanceOf: InvalidArgumentError }

test('the options of a URL are checked like any', async (t) => {
  const cases: [string, RegExp][] = [
    ['aerospike://h/?maxInFligt=5', /there is no option 'maxInFligt'; did you mean 'maxInFlight'/],
    ['aerospike://h/?maxInFlight=many', /option 'maxInFlight' must be a whole number from 0 to 1048576, not "many"/],
    ['aerospike://h/?maxInFlight=-1', /not -1$/],
    ['aerospike://h/?tendInterval=5&tendInterval=6', /option 'tendInterval' is there twice/],
    ['aerospike://h/?defaults.read.totalTimeou=5', /there is no option 'totalTimeou'; did you mean 'totalTimeout'/],
    ['aerospike://h/?defaults.reed.totalTimeout=5', /there is no group 'reed' of defaults; did you mean 'read'/],
    ['aerospike://h/?defaults.read.totalTimeout=soon', /'totalTimeout' must be .* not "soon"/],
    ['aerospike://h/?tls.servernam=x', /tls: there is no option 'servernam'; did you mean 'servername'/],
    ['aerospike://h/?tls=maybe', /option 'tls' must be true, false or an object/],
    ['aerospike://h/test', /a URL names no namespace/],
    ['aerospike://', /is not a host/],
    ['aerospike://h:99999', /99999 is not a port/],
    ['http://h:3000', /a URL begins with aerospike:\/\//],
    ['aerospike://%zz@h', /not well percent-encoded/],
    ['aerospike://h/?defaults=x', /option 'defaults' must be/],
  ]
  for (const [url, message] of cases) await t.throwsAsync(connect(url), { message }, url)
})

test('no error shows a secret, wherever it ended up', async (t) => {
  const secret = 'hunter2secret'
  for (const url of [
    `aerospike://user:${secret}@`,
    `aerospike://user:a/${secret}@host:3000`,
    `aerospike://user:a?${secret}@host:3000`,
    `aerospike://user:a#${secret}@host:3000`,
    `aerospike://user:a?x=${secret}@host:3000`,
    `aerospike://user:%zz${secret}@host:3000`,
    `aerospike://user:${secret}@host:99999`,
    `aerospike://user:${secret}@host/?tls.passphrase=${secret}&tls.key=x&tendInterval=1`,
    `aerospike://user:${secret}@host/?authMode=pki`,
    `aerospike://:${secret}@host`,
    `aerospike://host/?user=u&password=${secret}&authMode=nonsense`,
    `http://user:${secret}@host`,
    `aerospike://user:${secret}@127.0.0.1:1/?connectTimeout=300`,
  ]) {
    const error = await t.throwsAsync(connect(url), undefined, url)
    t.notRegex(inspect(error, { depth: 10 }), new RegExp(secret), url)
    t.notRegex(JSON.stringify(error), new RegExp(secret), url)
  }
})

const plainSerialTest = secure ? test.skip : test.serial

plainSerialTest('without hosts the environment names them', async (t) => {
  const { AEROSPIKE_URL, AEROSPIKE_HOSTS, AEROSPIKE_USER, AEROSPIKE_TLS } = process.env
  const set = (variables: { [name: string]: string | undefined }): void => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  try {
    set({ AEROSPIKE_URL: undefined, AEROSPIKE_HOSTS: undefined, AEROSPIKE_USER: undefined, AEROSPIKE_TLS: undefined })
    await t.throwsAsync(connect(), { ...refused, message: /or AEROSPIKE_URL or AEROSPIKE_HOSTS in the environment/ })
    await t.throwsAsync(connect({}), refused)
    set({ AEROSPIKE_HOSTS: hosts().join(',') })
    await (await connect()).close()
    set({ AEROSPIKE_HOSTS: 'nowhere:1', AEROSPIKE_URL: `aerospike://${hosts()[0]}/?maxInFlight=-1` })
    await t.throwsAsync(connect(), { ...refused, message: /'maxInFlight'/ })
    // what the program says counts more than the URL, and the URL more than the other variables
    await (await connect({ maxInFlight: 5 })).close()
    set({ AEROSPIKE_URL: 'aerospike://h/?x=1' })
    await t.throwsAsync(connect(), { ...refused, message: "connect: AEROSPIKE_URL: there is no option 'x'" })
    set({ AEROSPIKE_URL: `aerospike://${hosts()[0]}`, AEROSPIKE_TLS: 'perhaps' })
    await t.throwsAsync(connect(), { ...refused, message: /'tls'/ })
    // a program that names its hosts is not led elsewhere
    await (await connect(hosts())).close()
  } finally {
    set({ AEROSPIKE_URL, AEROSPIKE_HOSTS, AEROSPIKE_USER, AEROSPIKE_TLS })
  }
})
