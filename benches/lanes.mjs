// The work that is measured. A lane does it for a time, or does all there is, and says how many records that were;
// everything it reads is used, so that nothing is left undecoded by accident.
import { ids, profile, sets, touchDeep, touchLarge, touchProfile } from './data.mjs'

const { records } = sets.bench

/** Keeps `inFlight` calls going for a time, and resolves to how many were made. */
async function keepGoing (millis, inFlight, call) {
  let next = 0
  let isOver = false
  setTimeout(() => { isOver = true }, millis)
  const worker = async () => { while (!isOver) await call(next++) }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return next
}

function spin (microseconds) {
  const until = performance.now() + microseconds / 1000
  while (performance.now() < until);
}

/** Does something while every turn of the event loop has other work of 20 µs. */
async function besideOtherWork (doing) {
  let going = true
  const turn = () => {
    spin(20)
    if (going) setImmediate(turn)
  }
  turn()
  try {
    return await doing()
  } finally {
    going = false
  }
}

const batches = (size, inFlight, use, set = 'bench') => async (client, prepared, millis) => {
  const made = await keepGoing(millis, inFlight, async n => {
    const batch = await client.batchRead(client.requests(ids(n * size, size, sets[set]), set))
    let rows = 0
    for (const row of batch) {
      use?.(client.binsOf(row))
      rows++
    }
    if (rows !== size) throw new Error(`${rows} of ${size} rows`)
  })
  return made * size
}

const gets = (inFlight, use = touchProfile) => (client, prepared, millis) =>
  keepGoing(millis, inFlight, async n => use(await client.get(n % records)))

const puts = inFlight => (client, prepared, millis) =>
  keepGoing(millis, inFlight, n => client.put(n % records, profile(n % records)))

const writes = async (client, prepared, millis) => 1000 * await keepGoing(millis, 4, n =>
  client.batchWrite(ids(n * 1000, 1000).map(id => ({ id, bins: profile(id) }))))

/** What the session costs over the plain calls that do the same. */
const overPlainCalls = { clients: { official: 'ours', ours: 'session' }, figure: 'js' }

/** What counting costs, and what somebody who listens to the channel of commands does. */
const overUncounted = { clients: { official: 'uncounted', ours: 'ours' }, figure: 'cpu' }
const whileListenedTo = { clients: { official: 'ours', ours: 'listenedTo' }, figure: 'cpu' }

const coalesced = { coalesceReads: true }
/** The official client has a connection for each command, and refuses commands when it may not have more. */
const connections = { maxConnsPerNode: 1100 }

/**
 * The lanes: `name` for `--only`, `title` for the table, `run` for the work: so many milliseconds of it, where it is not
 * of a certain size. It resolves to how many records it handled.
 *
 * - `prepare`: makes what every run gets as its second argument
 * - `figure`: what is compared (`figures.mjs`); the speed if it is not said
 * - `options`: of each client's `connect`
 * - `threads`: worker_threads that do a run each, every one with a client of its own
 * - `alone`: why the official client is not in it
 * - `overTls`: on a server with encrypted connections, which is the embedded one always
 * - `clients`: what is compared in the place of the official client and ours, by the names of adapters
 */
export const lanes = [
  {
    name: 'batchRead, every bin',
    title: 'batchRead 1,000 × 5 bins, every bin read',
    run: batches(1000, 4, touchProfile)
  },
  {
    name: 'batchRead, one bin',
    title: 'batchRead 1,000 × 5 bins, one bin read',
    run: batches(1000, 4, bins => { if (bins.age === undefined) throw new Error('no age') })
  },
  {
    name: 'batchRead, one bin as an array',
    title: 'batchRead 1,000 × 5 bins, one bin of all rows as an array',
    run: async (client, prepared, millis) => 1000 * await keepGoing(millis, 4, async n => {
      const ages = client.column(await client.batchRead(client.requests(ids(n * 1000, 1000))), 'age')
      if (ages.length !== 1000 || ages.includes(0)) throw new Error('a row without an age')
    })
  },
  {
    name: 'batchRead, rows only',
    title: 'batchRead 1,000 × 5 bins, bins untouched',
    run: batches(1000, 4)
  },
  {
    name: 'batchRead, one at a time',
    title: 'batchRead 1,000 × 5 bins, every bin read, 1 batch in flight',
    run: batches(1000, 1, touchProfile)
  },
  {
    name: 'batchRead, busy loop',
    title: 'batchRead 1,000 × 5 bins, 20 µs of other work in every turn',
    run: (...args) => besideOtherWork(() => batches(1000, 4, touchProfile)(...args))
  },
  {
    name: 'batchRead, 2 threads',
    title: 'batchRead 1,000 × 5 bins, in 2 worker_threads',
    threads: 2,
    alone: 'its addon loads in one thread of a process only ("Module did not self-register")',
    run: batches(1000, 4, touchProfile)
  },
  {
    name: 'batchRead, large records',
    title: 'batchRead 100 × 10 KB, every bin read',
    run: batches(100, 4, touchLarge, 'benchlarge')
  },
  {
    name: 'batchRead, deep maps',
    title: 'batchRead 200 × map of 60 leaves, 4 deep, all read',
    run: batches(200, 4, touchDeep, 'benchdeep')
  },
  {
    name: 'batchWrite',
    title: 'batchWrite 1,000 × 5 bins',
    run: writes
  },
  { name: 'get, 64 in flight', title: 'get, 64 in flight', run: gets(64) },
  {
    name: 'get, 1,000 in flight',
    title: 'get, 1,000 in flight',
    options: { official: connections },
    run: gets(1000)
  },
  {
    name: 'get, 64 in flight, coalesced',
    title: 'get, 64 in flight, coalesced into batches',
    options: { ours: coalesced },
    run: gets(64)
  },
  {
    name: 'get, 1,000 in flight, coalesced',
    title: 'get, 1,000 in flight, coalesced into batches',
    options: { official: connections, ours: coalesced },
    run: gets(1000)
  },
  {
    name: 'JS per get',
    title: 'JavaScript thread per get, 64 in flight',
    figure: 'js',
    run: gets(64)
  },
  {
    name: 'JS per coalesced get',
    title: 'JavaScript thread per get, 1,000 in flight, coalesced',
    figure: 'js',
    options: { official: connections, ours: coalesced },
    run: gets(1000)
  },
  {
    name: 'put, 64 in flight',
    title: 'put, 64 in flight',
    run: puts(64)
  },
  { name: 'get, 1 in flight', title: 'get, 1 in flight (latency)', run: gets(1) },
  {
    name: 'get, busy loop',
    title: 'get, 64 in flight, 20 µs of other work each',
    run: gets(64, bins => {
      touchProfile(bins)
      spin(20)
    })
  },
  {
    name: 'batch of 50,000',
    title: 'one batch of 50,000 keys: longest event-loop stall',
    figure: 'stall',
    once: true,
    // The keys are the caller's, and made before: what is measured is what the client does to the event loop.
    prepare: client => client.requests(ids(0, 50_000)),
    run: async (client, requests) => {
      const batch = await client.batchRead(requests)
      await new Promise(resolve => setTimeout(resolve, 20))
      let rows = 0
      for (const row of batch) rows += client.binsOf(row) === undefined ? 0 : 1
      if (rows !== 50_000) throw new Error(`${rows} of 50000 rows`)
      return 50_000
    }
  },
  {
    name: 'scan',
    title: 'scan of 100,000 records × 5 bins, every bin read',
    run: async client => {
      let count = 0
      await client.scan('benchscan', bins => {
        touchProfile(bins)
        count++
      })
      if (count !== sets.benchscan.records) throw new Error(`${count} of ${sets.benchscan.records} records`)
      return count
    }
  },
  {
    name: 'memory held',
    title: 'memory per record held, bins read',
    figure: 'memory',
    once: true,
    run: async client => {
      const held = []
      for (let n = 0; n < 100; n++) {
        for (const row of await client.batchRead(client.requests(ids(n * 1000, 1000)))) {
          const bins = client.binsOf(row)
          touchProfile(bins)
          held.push(row)
        }
      }
      globalThis.held = held
      return held.length
    }
  },
  { name: 'get over TLS', title: 'get over TLS, 64 in flight', overTls: true, run: gets(64) },
  { name: 'put over TLS', title: 'put over TLS, 64 in flight', overTls: true, run: puts(64) },
  {
    name: 'batchRead over TLS',
    title: 'batchRead over TLS, 1,000 × 5 bins, every bin read',
    overTls: true,
    run: batches(1000, 4, touchProfile)
  },
  { name: 'session, get', title: 'JavaScript thread per get: plain call, session', ...overPlainCalls, run: gets(64) },
  { name: 'session, put', title: 'JavaScript thread per put: plain call, session', ...overPlainCalls, run: puts(64) },
  {
    name: 'session, batch read',
    title: 'JavaScript thread per record of a batch of 1,000, every bin read: plain call, session',
    ...overPlainCalls,
    run: batches(1000, 4, touchProfile)
  },
  {
    name: 'session, batch write',
    title: 'JavaScript thread per row of a batch write of 1,000: plain call, session',
    ...overPlainCalls,
    run: writes
  },
  { name: 'metrics, get', title: 'CPU per get, 64 in flight: metrics off, on', ...overUncounted, run: gets(64) },
  {
    name: 'metrics, batch read',
    title: 'CPU per record of a batch of 1,000, every bin read: metrics off, on',
    ...overUncounted,
    run: batches(1000, 4, touchProfile)
  },
  { name: 'channel, get', title: 'CPU per get, 64 in flight: no listener, one', ...whileListenedTo, run: gets(64) },
  {
    name: 'channel, batch read',
    title: 'CPU per record of a batch of 1,000, every bin read: no listener, one',
    ...whileListenedTo,
    run: batches(1000, 4, touchProfile)
  }
]
