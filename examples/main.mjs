// The main job: a cluster of three nodes, 100,000 user profiles in, batches of 1,000 typed records out.
//
//   npm start                                  on the embedded cluster
//   AEROSPIKE_HOSTS=127.0.0.1:3000 npm start   on a real one
import { connect } from 'aerospike-napi'
import { LocalCluster } from 'aerospike-napi/local'

const profiles = 100_000
const batchSize = 1_000
const rounds = 5
const cities = ['Lagos', 'Lima', 'Lisbon', 'London', 'Lusaka', 'Lviv', 'Lyon']

const key = id => ['test', 'users', `user${id}`]
const profile = id => ({
  name: `User ${id}`,
  age: 18 + id % 70,
  city: cities[id % cities.length],
  score: id / 7,
  tags: [`tag${id % 10}`, `tag${id % 7}`]
})
const range = (start, n) => Array.from({ length: n }, (_, i) => start + i)
const perSecond = (n, ms) => `${Math.round(n / ms * 1000).toLocaleString('en')}/s`

/** Draws on a terminal; in a log, says something at every quarter. */
function progress (label, total) {
  let quarter = 0
  return done => {
    const share = done / total
    if (process.stdout.isTTY) {
      const filled = Math.round(share * 30)
      process.stdout.write(`\r${label} [${'█'.repeat(filled)}${'░'.repeat(30 - filled)}] ${done.toLocaleString('en')}`)
      if (done === total) process.stdout.write('\n')
    } else if (share * 4 >= quarter + 1 || done === total) {
      quarter = Math.floor(share * 4)
      console.log(`${label} ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`)
    }
  }
}

const given = process.env.AEROSPIKE_HOSTS
const cluster = given ? undefined : await LocalCluster.start({ nodes: 3 })
const client = await connect(given ? given.split(',') : cluster.hosts)
console.log(`connected to ${client.nodes().map(node => `${node.name} at ${node.host}:${node.port}`).join(', ')}`)

const draw = progress('writing profiles', profiles)
let started = performance.now()
for (let id = 0; id < profiles; id += batchSize) {
  const written = await client.batchWrite(range(id, batchSize).map(id => ({ key: key(id), bins: profile(id) })))
  written.throwIfFailed()
  draw(id + batchSize)
}
console.log(`${profiles.toLocaleString('en')} profiles written: ${perSecond(profiles, performance.now() - started)}`)

const times = []
let read = 0
let sum = 0
started = performance.now()
for (let round = 0; round < rounds; round++) {
  for (let id = 0; id < profiles; id += batchSize) {
    const at = performance.now()
    const batch = await client.batchRead(range(id, batchSize).map(key))
    for (const { record } of batch) {
      const { name, age, city, score, tags } = record.bins // every bin of every record is decoded
      sum += name.length + age + city.length + Number(score) + tags.length
      read++
    }
    times.push(performance.now() - at)
  }
}
const elapsed = performance.now() - started
times.sort((a, b) => a - b)
console.log(`${read.toLocaleString('en')} records read in batches of ${batchSize}, every bin decoded: ${perSecond(read, elapsed)}, ` +
  `median ${times[times.length >> 1].toFixed(2)} ms a batch, 99th percentile ${times[Math.floor(times.length * 0.99)].toFixed(2)} ms`)
if (read !== profiles * rounds || !(sum > 0)) throw new Error(`read ${read} records instead of ${profiles * rounds}`)

const [, meta, bins] = await client.get(key(42))
console.log('one of them:', { ...bins, score: Number(bins.score) }, `generation ${meta.gen}`)

await client.close()
await cluster?.stop()
