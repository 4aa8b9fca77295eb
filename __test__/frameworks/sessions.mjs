// Sessions of express-session and @fastify/session, over HTTP.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import cookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import { connect } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'
import { AerospikeSessionStore } from 'aerospike-napi/session-store'
import express from 'express'
import session from 'express-session'
import fastify from 'fastify'

const SECRET = 'a secret with more than thirty-two characters'
let cluster
let client
before(async () => {
  cluster = await LocalCluster.start()
  client = await connect(cluster.hosts)
})
after(async () => {
  await client.close()
  await cluster.stop()
})

/** A visitor, who keeps its cookie. */
function visitor (address) {
  let kept
  return async (path) => {
    const answer = await fetch(`${address}${path}`, { headers: kept === undefined ? {} : { cookie: kept } })
    kept = answer.headers.get('set-cookie')?.split(';')[0] ?? kept
    return answer.text()
  }
}

async function withExpress (set, options, use) {
  const store = new AerospikeSessionStore(client, { set })
  const app = express()
  app.use(session({ store, secret: SECRET, resave: false, saveUninitialized: false, ...options }))
  app.get('/visit', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    response.send(String(request.session.visits))
  })
  app.get('/look', (request, response) => response.send(`${request.session.visits} ${request.session.constructor.name} ${request.session.cookie.originalMaxAge}`))
  app.get('/login', (request, response) => request.session.regenerate((error) => {
    request.session.visits = 100
    response.send(String(error ?? request.session.visits))
  }))
  app.get('/logout', (request, response) => request.session.destroy((error) => response.send(String(error ?? 'bye'))))
  app.get('/reload', (request, response) => request.session.reload((error) => response.send(String(error ?? request.session.visits))))
  const server = await new Promise((resolve) => { const listening = app.listen(0, '127.0.0.1', () => resolve(listening)) })
  try {
    await use(visitor(`http://127.0.0.1:${server.address().port}`), store)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

test('express: a session is kept, renewed, begun anew and ended', () => withExpress('express', { cookie: { maxAge: 60_000 } }, async (visit, store) => {
  assert.equal(await visit('/visit'), '1')
  assert.equal(await visit('/visit'), '2')
  // express-session measures the age anew, by a clock that goes on.
  assert.match(await visit('/look'), /^2 Session (60000|59\d{3})$/)
  assert.equal(await visit('/reload'), '2')
  const all = await new Promise((resolve, reject) => store.all((error, sessions) => error ? reject(error) : resolve(sessions)))
  assert.deepEqual(all.map(({ visits }) => visits), [2])
  assert.equal(await visit('/login'), '100')
  assert.equal(await visit('/visit'), '101')
  assert.equal(await new Promise((resolve) => store.length((_, count) => resolve(count))), 1)
  assert.equal(await visit('/logout'), 'bye')
  assert.equal(await visit('/visit'), '1')
  await new Promise((resolve) => store.clear(resolve))
  assert.equal(await visit('/visit'), '1')
}))

test('express: the session lives on the server as long as its cookie', () => withExpress('express-ttl', { cookie: { maxAge: 90_500 } }, async (visit) => {
  await visit('/visit')
  const ttls = async () => {
    const found = []
    for await (const { meta } of client.query('test', 'express-ttl')) found.push(meta.ttl)
    return found
  }
  assert.deepEqual(await ttls(), [91])
  await new Promise((resolve) => setTimeout(resolve, 2100))
  assert.ok((await ttls())[0] < 90)
  await visit('/look') // touches it
  assert.ok((await ttls())[0] >= 90, `it has ${await ttls()} s left`)
}))

test('express: without an end of its cookie it lives for a day, or as long as the store says', async () => {
  await withExpress('express-day', {}, async (visit) => {
    await visit('/visit')
    for await (const { meta } of client.query('test', 'express-day')) assert.ok(meta.ttl > 86_390 && meta.ttl <= 86_400)
  })
  assert.throws(() => new AerospikeSessionStore(client, { ttl: 0.5 }), /'ttl' must be a whole number of seconds/)
})

test('express: what the cluster says reaches the application', async () => {
  const closed = await connect(cluster.hosts)
  const store = new AerospikeSessionStore(closed)
  await closed.close()
  const error = await new Promise((resolve) => store.get('id', resolve))
  assert.equal(error.name, 'ClientClosedError')
  const cyclic = { cookie: {} }
  cyclic.self = cyclic
  assert.match((await new Promise((resolve) => store.set('id', cyclic, resolve))).message, /circular/)
})

test('fastify: a session is kept and ended', async () => {
  const app = fastify()
  await app.register(cookie)
  await app.register(fastifySession, { store: new AerospikeSessionStore(client, { set: 'fastify' }), secret: SECRET, cookie: { secure: false, maxAge: 60_000 } })
  app.get('/visit', async (request) => {
    request.session.visits = (request.session.visits ?? 0) + 1
    return String(request.session.visits)
  })
  app.get('/logout', async (request) => {
    await request.session.destroy()
    return 'bye'
  })
  const visit = visitor(await app.listen({ port: 0, host: '127.0.0.1' }))
  try {
    assert.deepEqual([await visit('/visit'), await visit('/visit'), await visit('/visit')], ['1', '2', '3'])
    for await (const { meta } of client.query('test', 'fastify')) assert.ok(meta.ttl > 55 && meta.ttl <= 60)
    assert.equal(await visit('/logout'), 'bye')
    assert.equal(await visit('/visit'), '1')
  } finally {
    await app.close()
  }
})
