// Requests that a real server of 8.1.1 or 8.1.2 does not survive (SIGSEGV, SIGFPE, or memory written over). They are not
// sent, so what is here is the list of them; it refuses a little more than it must where the exact condition depends on
// values that are only known when an expression runs.
import { op } from './frames.mjs'

const INVERTED = 0x10000
const CONTEXT = 0xff
const BY_LIST = new Set([81, 83, 107, 108])
const PARTIAL = 8
const DIVISIONS = new Set([23, 26])
const CALL = 127

const listOf = value => Array.isArray(value) ? value : Array.isArray(value?.l) ? value.l : undefined
const isList = value => listOf(value) !== undefined

/** A list in which nothing is selected, or one that is computed: of an inverted selection by list neither comes back. */
function mayBeEmpty (value, computed) {
  const items = listOf(value)
  if (items === undefined) return computed
  if (!computed) return items.length === 0
  return items[0] !== 126 || !isList(items[1]) || listOf(items[1]).length === 0
}

function deadlySelection ([code, flags, given], computed) {
  if (!BY_LIST.has(Number(code))) return false
  const inverted = typeof flags === 'number' || typeof flags === 'bigint' ? (BigInt(flags) & BigInt(INVERTED)) !== 0n : computed
  return inverted && mayBeEmpty(given, computed)
}

/** From which index on a created list that keeps an index is not survived: its elements get more than one entry there. */
const LONG = 100

/** Elements of more than any record has room for. */
const MOST_PADDED = 2n ** 27n

/** The index of a step as a server reads it: 64 bits with a sign. */
const signed = index => typeof index === 'number' || typeof index === 'bigint' ? BigInt.asIntN(64, BigInt(index)) : undefined

/**
 * An index before the start of a list that is to be created, or one that is to be padded up to its end or beyond all
 * records, which further operations of the command work on, or far into one that keeps an index.
 */
const deadlyContext = steps => (listOf(steps) ?? []).some((kind, at, all) => {
  const bits = Number(kind)
  if (at % 2 !== 0 || (bits & 0x10) === 0 || (bits & 0xc0) === 0 || (bits & 0x0f) !== 0) return false
  const padded = (bits & 0xc0) === 0x80
  const index = signed(all[at + 1])
  if (index === undefined) return true
  return index < (padded ? 0n : -1n) || (padded && index >= MOST_PADDED) || (padded && (bits & 0x100) !== 0 && index >= LONG)
})

/** Where list operations have the order of a list that they make, and where an index to write at. */
const ORDER_AT = { 0: 0, 1: 1, 2: 1, 12: 2 }
const WRITES_AT_INDEX = [3, 4, 9, 12]
const INDEX_STEP = 100

/** An unordered list that is to keep an index, and an index so large that it is looked up in there. */
function deadlyIndex (test) {
  const calls = test.ops.filter(({ code, payload }) => code === op.CDT_MODIFY && isList(payload)).map(({ payload }) => {
    const items = listOf(payload)
    return (items[0] === CONTEXT ? listOf(items[2]) : items) ?? []
  })
  const keepsIndex = calls.some(([code, ...args]) => (Number(args[ORDER_AT[code]] ?? 0) & 0x11) === 0x10)
  return keepsIndex && calls.some(([code, index]) => WRITES_AT_INDEX.includes(code) && !(index < INDEX_STEP))
}


const SORT = 13
const DROP_DUPLICATES = 2
const KEEPS_INDEX = 0x10

const hasIndex = value => value !== null && typeof value === 'object' && ((Number(value.o ?? 0) & KEEPS_INDEX) !== 0 || Object.values(value).some(hasIndex))

/** Sorting without duplicates where some list keeps an index, which is not made anew. */
function deadlySort (test) {
  const calls = test.ops.map(({ payload }) => {
    const items = listOf(payload) ?? []
    return (items[0] === CONTEXT ? listOf(items[2]) : items) ?? []
  })
  const keepsIndex = hasIndex(test.bins) || hasIndex(calls) || calls.some(([code, ...args]) => (Number(args[ORDER_AT[code]] ?? 0) & KEEPS_INDEX) !== 0)
  return keepsIndex && calls.some(([code, flags]) => Number(code) === SORT && (Number(flags) & DROP_DUPLICATES) !== 0)
}

/** List operations that store values, and where those are among their arguments. */
const STORES = new Map([[1, 0], [2, 0], [3, 1], [4, 1], [9, 1]])

function kindOfKey (key) {
  if (typeof key === 'number' || typeof key === 'bigint') return 'integer'
  if (typeof key === 'string') return 'string'
  return typeof key?.b === 'string' && (key.t ?? 4) === 4 ? 'blob' : undefined
}
const KEY_KINDS = ['integer', 'string', 'blob']

function compareKeys (a, b) {
  const [left, right] = [kindOfKey(a), kindOfKey(b)]
  if (left !== right) return KEY_KINDS.indexOf(left) - KEY_KINDS.indexOf(right)
  if (left === 'integer') return a < b ? -1 : a > b ? 1 : 0
  return left === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : Buffer.compare(Buffer.from(a.b, 'hex'), Buffer.from(b.b, 'hex'))
}

/**
 * Whether a value can be stored as it is. Of one that cannot, because of a key of a map or of elements that are not in
 * the order they claim, a list operation stores nothing but counts it; reading that list is not survived.
 */
function canBeKept (value) {
  if (value === null || typeof value !== 'object') return true
  if ('m' in value) {
    const keys = value.m.map(([key]) => key)
    if (!keys.every(kindOfKey) || !value.m.every(([, inner]) => canBeKept(inner))) return false
    const claimed = ((value.o ?? 0) & 1) !== 0
    const sorted = claimed ? keys : keys.toSorted(compareKeys)
    return sorted.every((key, at) => at === 0 || compareKeys(sorted[at - 1], key) < 0)
  }
  const items = listOf(value)
  if (items === undefined) return !('x' in value)
  if (((value.o ?? 0) & 1) !== 0 && items.length > 1 && !items.every((item, at) => typeof item === 'number' && (at === 0 || items[at - 1] <= item))) return false
  return items.every(canBeKept)
}

function deadlyStore ([code, ...args], computed) {
  const at = STORES.get(Number(code))
  if (at === undefined) return false
  const value = args[at]
  if (!computed || !isList(value)) return !canBeKept(value ?? null)
  const [quote, quoted] = listOf(value)
  return quote !== 126 || !canBeKept(quoted)
}

const PATH = 0xfe
const APPLY = 4

/** A list that keeps itself sorted, below the top. */
const holdsOrdered = (value, top = true) => {
  if (value === null || typeof value !== 'object') return false
  if ('m' in value) return value.m.some(([, inner]) => holdsOrdered(inner, false))
  return (!top && ((value.o ?? 0) & 1) !== 0) || (listOf(value) ?? []).some(inner => holdsOrdered(inner, false))
}

const AND = 0x200
const FROM_EXPRESSION = Symbol('a value that is known when the expression runs')

/**
 * A path with a second condition on an element that was found by its index or rank: in a map, what the condition reads is
 * taken for a part of the key, and memory of others is read or written over.
 */
const deadlyCondition = steps => (listOf(steps) ?? []).some((kind, at, all) =>
  at % 2 === 0 && at >= 2 && (Number(kind) & AND) !== 0 && (Number(all[at - 2]) & 0x0f) < 2)

/** Applying a path to a collection with an index, or to one with ordered lists in it. */
function deadlyPath (payload, start) {
  const [code, steps, flags] = listOf(payload) ?? []
  if (Number(code) !== PATH) return false
  if (deadlyCondition(steps)) return true
  if ((Number(flags) & 0x0f) !== APPLY || start === undefined) return false
  return start === FROM_EXPRESSION || ((start?.o ?? 0) & 0x10) !== 0 || holdsOrdered(start)
}

/** What a call of an expression works on: a bin of the record, a literal, or what is not known here. */
function subjectOf (expression, bins) {
  const items = listOf(expression)
  if (items === undefined) return expression
  if (Number(items[0]) === 81) return bins[items[2]?.s]
  return Number(items[0]) === 126 ? items[1] : FROM_EXPRESSION
}

const deadlyOperation = (operation, computed) => deadlySelection(operation, computed) || deadlyStore(operation, computed)

function deadlyCall (payload, computed) {
  if (!isList(payload)) return computed
  const [code, ...rest] = listOf(payload)
  if (code === CONTEXT) return deadlyContext(rest[0]) || (isList(rest[1]) && deadlyOperation(listOf(rest[1]), computed))
  return deadlyOperation([code, ...rest], computed)
}

/** A shift of more bits than a field has that is cut off at the end; with `computed`, the other operations that write past it. */
function deadlyBits (payload, computed) {
  if (!isList(payload)) return computed
  const [code, , , third, flags] = listOf(payload)
  if (code === 8 || code === 9) {
    const partial = typeof flags === 'number' ? (flags & PARTIAL) !== 0 : flags !== undefined
    return partial && !(Number(third) < 8)
  }
  return computed && code >= 3 && code <= 7 && (typeof flags === 'number' ? (flags & PARTIAL) !== 0 : flags !== undefined)
}


/** Dividing the least integer by -1. Whether an argument comes to that is not known before, so divisors are literals. */
const deadlyDivision = ([code, ...args]) => DIVISIONS.has(Number(code)) && !args.every(arg => arg !== null && typeof arg === 'object' && 'd' in arg) &&
  (args.length === 1 ? false : args.slice(1).some(arg => (typeof arg !== 'number' && typeof arg !== 'bigint') || BigInt.asIntN(64, BigInt(arg)) === -1n)) &&
  !(typeof args[0] === 'number')

/** Whether an expression may come to nil: bits and sketches of nil are not survived. */
function mayBeNil (expression) {
  const items = listOf(expression)
  if (items === undefined) return expression === null
  switch (Number(items[0])) {
    case 80: case 81: case 127: return Number(items[1]) === 0
    case 122: case 123: case 124: case 125: return true
    default: return false
  }
}

/** Orders of maps as a server writes them. */
const SOUND_ORDERS = new Set([undefined, 1, 3, 17, 19])

/** More computed arguments than a call has room for. */
const MOST_COMPUTED = 8

export function deadlyExpression (expression, bins) {
  const items = listOf(expression)
  if (items === undefined) {
    // a map is taken as it comes, and one that could not be stored is not survived by everything that works on it
    return expression !== null && typeof expression === 'object' && 'm' in expression && !(SOUND_ORDERS.has(expression.o) && canBeKept(expression))
  }
  if (deadlyDivision(items)) return true
  if (Number(items[0]) === CALL) {
    const system = Number(items[2]) & ~0x40
    if (system !== 0 && mayBeNil(items[4])) return true
    const call = listOf(items[3])
    if ((call?.[0] === CONTEXT ? listOf(call[2]) : call)?.filter(isList).length > MOST_COMPUTED) return true
    if (system === 0 && (deadlyCall(items[3], true) || deadlyPath(items[3], subjectOf(items[4], bins)))) return true
    if (system === 1 && deadlyBits(items[3], true)) return true
  }
  return items.some(item => deadlyExpression(item, bins))
}

/** An extension of 2 GiB and more, whose end is computed to lie before its beginning. */
const isEndless = hex => /^(..)*?c9[89a-f]/.test(hex)

/** A list whose header asks for a persistent index without an order: as the value of a bin, its index is written over what follows. */
function deadlyValue (value) {
  if (value === null || typeof value !== 'object') return false
  if ('l' in value) return (value.o & 0x11) === 0x10
  return 'x' in value && (isEndless(value.x) || /^(9.|dc....|dd........)(c7..|c8....|c9........)([13579bdf][02468ace])/.test(value.x))
}

/** Whether a step has an expression or an operation that is not survived, whatever the record. */
function isDeadlyStep ({ fields = [], ops = [] }) {
  const bins = Object.fromEntries(ops.filter(({ value }) => value !== undefined).map(({ bin, value }) => [bin, value]))
  return fields.some(([, value]) => Array.isArray(value?.packed) && deadlyExpression(value.packed, {})) || isDeadly({ bins, ops })
}

/** Whether a command of a case must not be sent to a real server. */
export function isDeadly (test) {
  if (test.steps?.some(isDeadlyStep)) return true
  if (Object.values(test.bins).some(deadlyValue) || test.ops.some(({ value }) => value !== undefined && deadlyValue(value))) return true
  if (test.filter !== undefined && deadlyExpression(test.filter, test.bins)) return true
  if (deadlyIndex(test) || deadlySort(test)) return true
  return test.ops.some(({ code, bin, payload }) => {
    if (payload === undefined) return false
    if (deadlyPath(payload, test.bins[bin])) return true
    if (payload !== null && typeof payload === 'object' && 'x' in payload) return isEndless(payload.x) // the rest is looked at when it is damaged
    switch (code) {
      case op.CDT_READ: case op.CDT_MODIFY: return deadlyCall(payload, false) || deadlyExpression(payload, test.bins)
      case op.BITS_MODIFY: case op.BITS_READ: return deadlyBits(payload, false)
      case op.EXP_READ: case op.EXP_MODIFY: return deadlyExpression(payload, test.bins)
      default: return false
    }
  })
}

const DANGEROUS = [...BY_LIST, ...DIVISIONS, ...STORES.keys(), 8]

/** Whether damaged bytes may go out: nothing in them looks like the start of a deadly call. */
export function isHarmless ({ x }, code) {
  if (code === op.HLL_READ || code === op.HLL_MODIFY) return true
  const bytes = Buffer.from(x, 'hex')
  for (let at = 0; at + 1 < bytes.length; at++) {
    const opensList = (bytes[at] & 0xf0) === 0x90 || bytes[at] === 0xdc || bytes[at] === 0xdd
    if (opensList && DANGEROUS.some(dangerous => bytes.indexOf(dangerous, at + 1) - at <= 5 && bytes.indexOf(dangerous, at + 1) > 0)) return false
  }
  // steps of contexts that create padded lists have a code of two bytes
  return !bytes.includes(0xcc) && !bytes.includes(0xcd)
}


/** Functions of Lua that put an element into a list at an index, which is their second argument. */
const PUTS_AT_INDEX = new Set(['setat', 'inserted'])
/** And those that make so many bytes as the first argument says. */
const MAKES_BYTES = new Set(['bytes_of'])
const LONGEST = 10_000

const isBeyond = n => (typeof n === 'number' || typeof n === 'bigint') && (n < 0 || n > LONGEST)

/**
 * An index that a list of Lua has no room for, or, as a negative one, takes for one of thousands of millions; as many bytes,
 * which take a server without swap down and another one half a minute; or a list that
 * says it keeps an index, over whose elements one is written when it is stored.
 */
export function deadlyFunction (name, args) {
  const [target, index] = args
  if (hasIndex(args)) return true
  if (MAKES_BYTES.has(name)) return isBeyond(target)
  return PUTS_AT_INDEX.has(name) && isList(target) && isBeyond(index)
}
