// Differences that stay, each with its reason.

const BY_VALUES = new Set([23, 36, 83, 108])
const CONTEXT = 0xff

const within = (value, holds) => holds(value) || (value !== null && typeof value === 'object' && Object.values(value).some(inner => within(inner, holds)))

/** The call of an operation, behind the context it may have. */
const callOf = ({ payload }) => Array.isArray(payload) ? (payload[0] === CONTEXT ? payload[2] : payload) ?? [] : []

const isWildcard = value => value?.wildcard === 1

const isMapByHand = value => Array.isArray(value?.m) && value.m.length > 0

const isListByHand = value => Array.isArray(value?.l) && (value.o & 1) !== 0 && value.l.length > 1

const INVERTED = 0x10000
const BY_KEY = new Set([76, 97])

/** An inverted selection of one key. */
const isInvertedKey = call => BY_KEY.has(call[0]) && (Number(call[1]) & INVERTED) !== 0

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
    reason: 'of an inverted selection of one key, the real server reports that the key is not there before it looks at the inversion if an unordered map keeps an index, and here no index is kept',
    holds: ({ ops }) => ops.some(one => isInvertedKey(callOf(one)))
  }
]

/** Why a difference stays; undefined for one that is to be mended. */
export const reasonFor = (test, difference) => LISTED.find(({ holds }) => holds(test, difference))?.reason
