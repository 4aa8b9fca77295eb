// What the lanes read. Every set is written before a run, so that lanes may run alone and in any order.

/** A record of five bins, as user profiles have them. */
export const profile = id => ({
  name: `User number ${id}`,
  age: 18 + id % 70,
  city: ['Lagos', 'Lima', 'Lisbon', 'London', 'Lusaka'][id % 5],
  score: id + 0.5,
  token: `t-${(id * 2654435761 % 4294967296).toString(16)}`
})

const names = Object.keys(profile(0))

/** Uses every bin of a profile. */
export function touchProfile (bins) {
  let sum = 0
  for (const name of names) sum += bins[name] === undefined ? 0 : 1
  if (sum !== names.length) throw new Error(`a record came back with ${sum} of ${names.length} bins`)
}

/** A record of 10 KB: half bytes, half text. ASCII, since V8 takes 8 µs for 5 KB of other text, whoever hands it over. */
const large = id => ({ blob: Buffer.alloc(5000, id), text: `order ${id}, `.repeat(1000).slice(0, 5000) })

export function touchLarge ({ blob, text }) {
  if (blob.length !== 5000 || text.length !== 5000) throw new Error('a large record came back cut')
}

const range = (n, prefix, value) => Object.fromEntries(Array.from({ length: n }, (_, i) => [prefix + i, value(i)]))

/** A record with maps in maps, four deep, and 60 leaves. */
const deep = id => ({
  stock: range(3, 'shop', shop => range(2, 'floor', () => range(2, 'shelf', shelf => range(5, 'item', item =>
    item % 2 === 0 ? id + shop * 100 + shelf : `item ${item} of ${id}`
  ))))
})

function countLeaves (value) {
  if (typeof value !== 'object') return 1
  let leaves = 0
  for (const name in value) leaves += countLeaves(value[name])
  return leaves
}

export function touchDeep ({ stock }) {
  const leaves = countLeaves(stock)
  if (leaves !== 60) throw new Error(`a deep record came back with ${leaves} of 60 leaves`)
}

/** The sets: how many records, with the user keys 0 and up, and what is in them. */
export const sets = {
  bench: { records: 20_000, bins: profile },
  benchscan: { records: 100_000, bins: profile },
  benchlarge: { records: 500, bins: large },
  benchdeep: { records: 2000, bins: deep }
}

/** User keys of `n` records of a set, from the one at `start` on, and around. A loop: the bench is not what is measured. */
export function ids (start, n, { records } = sets.bench) {
  const keys = new Array(n)
  for (let i = 0; i < n; i++) keys[i] = (start + i) % records
  return keys
}
