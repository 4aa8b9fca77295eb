// The work that is measured. A lane says how many records one run handles and does them; everything it reads is used,
// so that nothing is left undecoded by accident.

export const records = 20_000
/** The set that is scanned, apart from the one that is written to. */
export const scanned = { set: 'benchscan', records: 100_000 }
const names = ['name', 'age', 'city', 'score', 'token']

export const profile = id => ({
  name: `User number ${id}`,
  age: 18 + id % 70,
  city: ['Lagos', 'Lima', 'Lisbon', 'London', 'Lusaka'][id % 5],
  score: id + 0.5,
  token: `t-${(id * 2654435761 % 4294967296).toString(16)}`
})

/** Keeps `inFlight` calls going until `total` were made. */
async function keepGoing (total, inFlight, call) {
  let next = 0
  const worker = async () => { while (next < total) await call(next++) }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

const ids = (start, n) => Array.from({ length: n }, (_, i) => (start + i) % records)

function spin (microseconds) {
  const until = performance.now() + microseconds / 1000
  while (performance.now() < until);
}

const touchAll = bins => {
  let sum = 0
  for (const name of names) sum += bins[name] === undefined ? 0 : 1
  if (sum !== names.length) throw new Error(`a record came back with ${sum} of ${names.length} bins`)
}

const batches = (total, size, inFlight, use) => async client => {
  await keepGoing(total / size, inFlight, async n => {
    const batch = await client.batchRead(ids(n * size, size))
    let rows = 0
    for (const row of batch) {
      use?.(client.binsOf(row))
      rows++
    }
    if (rows !== size) throw new Error(`${rows} of ${size} rows`)
  })
  return total
}

/** name, what it shows, what one run does, `options` of our `connect`; `quick` scales a run down for a smoke test. */
export const lanes = [
  {
    name: 'batchRead, every bin',
    title: 'batchRead 1,000 × 5 bins, every bin read',
    run: batches(200_000, 1000, 4, touchAll)
  },
  {
    name: 'batchRead, one bin',
    title: 'batchRead 1,000 × 5 bins, one bin read',
    run: batches(200_000, 1000, 4, bins => { if (bins.age === undefined) throw new Error('no age') })
  },
  {
    name: 'batchRead, rows only',
    title: 'batchRead 1,000 × 5 bins, bins untouched',
    run: batches(200_000, 1000, 4)
  },
  {
    name: 'batchRead, one at a time',
    title: 'batchRead 1,000 × 5 bins, every bin read, 1 batch in flight',
    run: batches(100_000, 1000, 1, touchAll)
  },
  {
    name: 'batchWrite',
    title: 'batchWrite 1,000 × 5 bins',
    run: async client => {
      await keepGoing(60, 4, n => client.batchWrite(ids(n * 1000, 1000).map(id => ({ id, bins: profile(id) }))))
      return 60_000
    }
  },
  {
    name: 'get, 64 in flight',
    title: 'get, 64 in flight',
    run: async client => {
      await keepGoing(100_000, 64, async n => touchAll(await client.get(n % records)))
      return 100_000
    }
  },
  {
    name: 'get, 64 in flight, coalesced',
    title: 'get, 64 in flight, coalesced into batches',
    options: { coalesceReads: true },
    run: async client => {
      await keepGoing(200_000, 64, async n => touchAll(await client.get(n % records)))
      return 200_000
    }
  },
  {
    name: 'put, 64 in flight',
    title: 'put, 64 in flight',
    run: async client => {
      await keepGoing(60_000, 64, n => client.put(n % records, profile(n % records)))
      return 60_000
    }
  },
  {
    name: 'get, 1 in flight',
    title: 'get, 1 in flight (latency)',
    run: async client => {
      await keepGoing(10_000, 1, async n => touchAll(await client.get(n % records)))
      return 10_000
    }
  },
  {
    name: 'get, busy loop',
    title: 'get, 64 in flight, 20 µs of other work each',
    run: async client => {
      await keepGoing(40_000, 64, async n => {
        touchAll(await client.get(n % records))
        spin(20)
      })
      return 40_000
    }
  },
  {
    name: 'batch of 50,000',
    title: 'one batch of 50,000 keys: longest event-loop stall',
    stall: true,
    run: async client => {
      const batch = await client.batchRead(ids(0, 50_000))
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
      await client.scan(scanned.set, bins => {
        touchAll(bins)
        count++
      })
      if (count !== scanned.records) throw new Error(`${count} of ${scanned.records} records`)
      return count
    }
  },
  {
    name: 'memory held',
    title: 'memory per record held, bins read',
    memory: true,
    run: async client => {
      const held = []
      for (let n = 0; n < 100; n++) {
        for (const row of await client.batchRead(ids(n * 1000, 1000))) {
          const bins = client.binsOf(row)
          touchAll(bins)
          held.push(row)
        }
      }
      globalThis.held = held
      return held.length
    }
  }
]
