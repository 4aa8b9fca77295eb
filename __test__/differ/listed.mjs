// Differences that stay, each with its reason.

const BY_VALUES = new Set([23, 36, 83, 108])
const CONTEXT = 0xff

const within = (value, holds) => holds(value) || (value !== null && typeof value === 'object' && Object.values(value).some(inner => within(inner, holds)))

/** The call of an operation, behind the context it may have. */
const callOf = ({ payload }) => Array.isArray(payload) ? (payload[0] === CONTEXT ? payload[2] : payload) ?? [] : []

const isWildcard = value => value?.wildcard === 1

const isMapByHand = value => Array.isArray(value?.m) && value.m.length > 0

const isListByHand = value => Array.isArray(value?.l) && (value.o & 1) !== 0 && value.l.length > 1

const SET_MAP_ORDER = 64
const KEPT_BY_VALUE = 0x12

const BITS_MODIFY = 13

const SMALL_ID = /^(query|scan)-(show|abort):.*id=(0x|\+)?[0-9a-f]{1,4}(;|$)/

const LONG_INDEX_NAME = /^sindex-(stat|exists|delete):.*indexname=[^;]{64}/

/** Bytes of a payload with a string in it that is empty. */
const hasEmptyString = payload => typeof payload?.x === 'string' && /a0|d900|c400|da0000|c50000|db00000000|c600000000/.test(payload.x)

const isNaN = value => Number.isNaN(value?.d)

const INVERTED = 0x10000
const BY_KEY = new Set([76, 97])

/** An inverted selection of one key. */
const isInvertedKey = call => BY_KEY.has(call[0]) && (Number(call[1]) & INVERTED) !== 0

const GEOJSON = 23
const HEADER = 22

/** An answer without the cells that stand in front of the text of GeoJSON. */
function withoutCells (answer) {
  const bytes = Buffer.from(answer, 'hex')
  if (bytes.length < HEADER) return answer
  const parts = [bytes.subarray(0, HEADER)]
  for (let at = HEADER; at + 8 <= bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at)
    const value = at + 8 + bytes[at + 7]
    if (bytes[at + 5] === GEOJSON) {
      const cells = bytes.readUInt16BE(value + 1)
      parts.push(bytes.subarray(at + 4, value), bytes.subarray(value + 3 + 8 * cells, end))
    } else {
      parts.push(bytes.subarray(at + 4, end))
    }
    at = end
  }
  return Buffer.concat(parts).toString('hex')
}

/** The corners of a ring; its end `]]` is cut off before. */
const corners = /\[(-?[\d.e+-]+),(-?[\d.e+-]+)(?:\]|$)/g
const NEARLY = 1e-9

const turn = ([x1, y1], [x2, y2], [x3, y3]) => Math.sign((x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1))
const same = (a, b) => a[0] === b[0] && a[1] === b[1]
const meet = (a, b) => [a, b].flat().some((p, i) => i < 2 && b.some(q => same(p, q)))
const cross = (a, b, c, d) => !meet([a, b], [c, d]) && turn(a, b, c) * turn(a, b, d) <= 0 && turn(c, d, a) * turn(c, d, b) <= 0

/**
 * GeoJSON with a ring that crosses itself, with three corners that lie on one line, with an edge between opposite points of the
 * sphere, which could go any way, or with a corner at a pole or on the last meridian.
 */
function isDegenerate (value) {
  if (typeof value?.g !== 'string') return false
  const rings = value.g.split(']]').map(text => [...text.matchAll(corners)].map(([, lng, lat]) => [Number(lng), Number(lat)]))
  return rings.some(points => points.some(([lng, lat], at) => {
    if (Math.abs(lat) > 89.9 || Math.abs(lng) === 180) return true
    const [b, c] = [points[at + 1], points[at + 2]]
    if (b === undefined) return false
    if (lat === -b[1] && Math.abs(lng - b[0]) === 180) return true
    if (points.some((from, other) => points[other + 1] !== undefined && cross([lng, lat], b, from, points[other + 1]))) return true
    if (c === undefined) return false
    const [x1, y1, x2, y2] = [b[0] - lng, b[1] - lat, c[0] - lng, c[1] - lat]
    return Math.abs(x1 * y2 - x2 * y1) <= NEARLY * (Math.hypot(x1, y1) * Math.hypot(x2, y2))
  }))
}

/** Reasons by what a case and its difference must be like. */
const LISTED = [
  {
    reason: 'which elements a wildcard in a list of values selects depends on how the real server searches that list after it has sorted it',
    holds: ({ ops }) => ops.some(one => BY_VALUES.has(callOf(one)[0]) && within(callOf(one), isWildcard))
  },
  {
    reason: 'the real server takes a map or an ordered list inside an expression as it comes, out of order, or with keys that cannot be',
    holds: ({ kind, ops, filter }) => kind === 'expressions' && within([ops, filter], value => isMapByHand(value) || isListByHand(value))
  },
  {
    reason: 'of a map that keeps its order by value, the real server tells indexes in that order, and here no such order is kept',
    holds: ({ ops }) => ops.some(one => callOf(one)[0] === SET_MAP_ORDER && (Number(callOf(one)[1]) & KEPT_BY_VALUE) === KEPT_BY_VALUE)
  },
  {
    reason: 'of a buffer for bits that has not even its byte of the type, the real server takes the length for 4 GB less one, and what stands behind it in memory for its bytes',
    holds: ({ kind, ops }) => kind === 'hostile' && ops.some(({ code, payload }) => code === BITS_MODIFY && hasEmptyString(payload))
  },
  {
    reason: 'of an index whose name is too long, the real server says so and goes on with what lies in its memory in the place of the name',
    holds: ({ steps }) => (steps ?? []).some(({ info }) => (info ?? []).some(line => LONG_INDEX_NAME.test(line)))
  },
  {
    reason: 'a small number may be that of a query which came without one, and those the real server counts',
    holds: ({ steps }) => (steps ?? []).some(({ info }) => (info ?? []).some(line => SMALL_ID.test(line)))
  },
  {
    reason: 'how many queries were still under way when all are aborted is chance',
    holds: ({ steps }) => (steps ?? []).some(({ info }) => (info ?? []).some(line => line.startsWith('query-abort-all')))
  },
  {
    reason: 'of a list with NaN, which is neither less nor greater than any number, the order depends on how the real server sorts',
    holds: ({ bins, ops }) => within([bins, ops], isNaN)
  },
  {
    reason: 'of an inverted selection of one key, the real server reports that the key is not there before it looks at the inversion if an unordered map keeps an index, and here no index is kept',
    holds: ({ ops }) => ops.some(one => isInvertedKey(callOf(one)))
  },
  {
    reason: 'the cells beside the text of GeoJSON, which no client looks at, depend on how S2 divides the sphere into cells for an index of lines',
    holds: ({ kind }, { real, ours }) => kind === 'geo' && real.every((answer, i) => withoutCells(answer) === withoutCells(ours[i]))
  },
  {
    reason: 'of a ring whose corners lie on one line but for rounding, or that crosses itself with halves of one size, S2 decides with exact numbers which side is its inside',
    holds: ({ kind, bins, ops, filter }) => kind === 'geo' && within([bins, ops, filter], isDegenerate)
  }
]

/** Why a difference stays; undefined for one that is to be mended. */
export const reasonFor = (test, difference) => LISTED.find(({ holds }) => holds(test, difference))?.reason
