// Values: few and small, so that keys meet, values are equal and ranges hit; and now and then one at an edge.

const WORDS = ['', 'a', 'b', 'c', 'aa', 'ab', 'z', 'é', 'key', '\u0000', 'A', '0']
const EDGES = [
  2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n, 2n ** 63n, 255, 256, -128, -129, 65535, 65536, 2n ** 31n, -(2n ** 31n), 2n ** 32n, 127, 128, -32, -33
]
const FLOATS = [0, -0, 0.5, 1, 1.5, -1.5, 2, 1e300, -1e300, Infinity, -Infinity, NaN, 5e-324]

const POINTS = ['{"type":"Point","coordinates":[1,2]}', '{"type":"Point","coordinates":[-122.5,37.25]}']
const SHAPES = [
  ...POINTS,
  '{"type":"AeroCircle","coordinates":[[1,2],1000]}',
  '{"type":"Polygon","coordinates":[[[0,0],[3,0],[3,3],[0,3],[0,0]]]}'
]

export const word = r => r.pick(WORDS)
export const small = r => r.between(-3, 9)
export const integer = r => r.oneIn(12) ? r.pick(EDGES) : small(r)
export const float = r => ({ d: r.oneIn(3) ? r.pick(FLOATS) : r.between(-4, 8) / 2 })
export const blob = r => ({ b: Buffer.from(r.many(0, 4, () => r.pick([0, 1, 0x7f, 0x80, 0xff, r.below(256)]))).toString('hex') })
export const geo = r => ({ g: r.pick(SHAPES) })
export const point = r => ({ g: r.pick(POINTS) })

/** A value that is not a collection. */
export const scalar = r => r.weighted([
  [10, () => integer(r)], [5, () => word(r)], [2, () => float(r)], [1, () => blob(r)], [1, r.oneIn(2)], [1, null], [1, () => r.oneIn(4) ? geo(r) : small(r)]
])

/** A key of a map: mostly a small number or a word. */
export const key = r => r.weighted([
  [8, () => r.between(0, 5)], [8, () => word(r)], [1, () => float(r)], [1, () => blob(r)], [1, () => integer(r)], [1, () => r.oneIn(8) ? [small(r)] : r.oneIn(2)]
])

export function list (r, depth = 2, longest = 5) {
  const items = r.many(0, r.oneIn(20) ? 24 : longest, () => value(r, depth - 1))
  return r.weighted([[5, items], [1, { l: items, o: 1 }], [1, { l: items, o: r.oneIn(8) ? r.below(256) : r.pick([0, 1, 16, 17]) }]])
}

export function map (r, depth = 2, most = 5) {
  const pairs = r.many(0, r.oneIn(20) ? 24 : most, () => [key(r), value(r, depth - 1)])
  const order = r.weighted([[3, undefined], [4, 1], [2, 3], [1, () => r.oneIn(8) ? r.below(256) & 0xef : r.pick([0, 8, 9, 17])]])
  return order === undefined ? { m: pairs } : { m: pairs, o: order }
}

/** Any value that can be an element, `depth` collections deep at most. */
export const value = (r, depth = 2) => depth > 0 && r.oneIn(5) ? r.oneIn(2) ? list(r, depth, 3) : map(r, depth, 3) : scalar(r)

/** A value to compare with: sometimes a wildcard, an infinity, or a list with one in it. */
export const match = r => r.oneIn(10)
  ? r.pick([{ wildcard: 1 }, { infinity: 1 }, [{ wildcard: 1 }], [small(r), { wildcard: 1 }], [small(r), { infinity: 1 }]])
  : value(r, 1)

/** A small integer for an index, a rank or a count, around the ends and sometimes far beyond. */
export const place = r => r.oneIn(15) ? r.pick(EDGES) : r.between(-7, 7)

/** What is stored in a bin at the start of a case about something else. */
export const binValue = r => r.weighted([
  [3, () => list(r)], [3, () => map(r)], [2, () => integer(r)], [1, () => word(r)], [1, () => blob(r)], [1, () => float(r)], [1, r.oneIn(2)], [1, () => geo(r)]
])
