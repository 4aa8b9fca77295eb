// Pages are used again once everything in them was read: never earlier.

import type { BatchRow, Key } from 'aerospike-napi'
import test from 'ava'
import fc from 'fast-check'
import { Page } from '#src/boundary/page-pool'
import { client, freshSet } from './support/cluster.mjs'

/** No other test of this file makes pages of these sizes. */
const UNIQUE = 3 * 1024 * 1024

test('the bytes are used again after the last of the rows that were announced', (t) => {
  const first = new Page(UNIQUE)
  first.expect(2)
  first.wasRead()
  const second = new Page(UNIQUE)
  t.not(second.bytes.buffer, first.bytes.buffer)
  first.wasRead()
  const third = new Page(UNIQUE - 5)
  t.is(third.bytes.buffer, first.bytes.buffer)
  t.is(third.bytes.length, UNIQUE - 5)
  t.not(new Page(UNIQUE).bytes.buffer, first.bytes.buffer)
})

test('bytes are given back once', (t) => {
  // Small enough that there would be room for all of them.
  const size = 900_000
  const page = new Page(size)
  page.expect(1)
  page.wasRead()
  page.wasReadWhole()
  page.expect(1)
  page.wasRead()
  t.is(new Page(size).bytes.buffer, page.bytes.buffer)
  t.not(new Page(size).bytes.buffer, page.bytes.buffer)
})

test('a page does not get much more room than it needs', (t) => {
  const large = new Page(UNIQUE + 1)
  large.wasReadWhole()
  t.not(new Page(UNIQUE / 2).bytes.buffer, large.bytes.buffer)
  t.is(new Page(UNIQUE + 1).bytes.buffer, large.bytes.buffer)
})

test('no more is kept than 32 pages and 4 MiB', (t) => {
  for (const [size, kept] of [
    [70_000, 32],
    [1_500_000, 2],
  ] as const) {
    const pages = Array.from({ length: 40 }, () => new Page(size))
    const rooms = new Set(pages.map(({ bytes }) => bytes.buffer))
    for (const page of pages) page.wasReadWhole()
    const again = Array.from({ length: 40 }, () => new Page(size))
    const shared = again.filter(({ bytes }) => rooms.has(bytes.buffer)).length
    t.true(shared > 0 && shared <= kept, `${shared} of ${size} bytes`)
  }
})

interface Stored {
  i: number
  text: string
  blob: Buffer
}

const RECORDS = 500
const binsOf = (i: number): Stored => ({ i, text: `${i}.`.repeat(i % 40), blob: Buffer.alloc(i % 300, i) })

test('rows that are read at once, later or never hold what was stored, whatever other batches bring', async (t) => {
  const set = freshSet()
  const keys = Array.from({ length: RECORDS }, (_, i): Key => ['test', set, i])
  ;(await client().batchWrite(keys.map((key, i) => ({ key, bins: { ...binsOf(i) } })))).throwIfFailed()
  const check = (row: BatchRow<Stored>): void => {
    const i = row.key[2] as number
    if (i >= RECORDS) t.is(row.result, 'notFound')
    else t.deepEqual(row.record?.bins, binsOf(i))
  }
  // What a batch asks for, some of it twice and some of it not there, and when its rows are looked at: in so many batches.
  const wanted = fc.array(fc.tuple(fc.nat(RECORDS + 10), fc.constantFrom(0, 0, 0, 0, 1, 3, 9)), {
    minLength: 1,
    maxLength: 400,
    size: 'max',
  })
  await fc.assert(
    fc.asyncProperty(fc.array(wanted, { minLength: 4, maxLength: 12 }), fc.boolean(), async (batches, aColumn) => {
      const later: BatchRow<Stored>[][] = []
      for (const [round, asked] of batches.entries()) {
        const batch = await client().batchRead<Stored>(asked.map(([i]) => ['test', set, i]))
        asked.forEach(([, delay], row) => {
          if (delay === 0) check(batch.at(row) as BatchRow<Stored>)
          // Of some rows the record is made already, of others the row alone.
          else if (row % 2 === 0 || batch.at(row)?.record !== undefined) {
            later[round + delay] ??= []
            later[round + delay]?.push(batch.at(row) as BatchRow<Stored>)
          }
        })
        if (aColumn) {
          const column = batch.column('i', Int32Array)
          asked.forEach(([i], row) => {
            t.is(column.has(row) ? column.values[row] : undefined, i < RECORDS ? i : undefined)
          })
        }
        later[round]?.forEach(check)
      }
      later.slice(batches.length).flat().forEach(check)
    }),
    { numRuns: 25 },
  )
})
