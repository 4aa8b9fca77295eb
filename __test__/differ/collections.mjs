// Lists and maps: every operation with every return type, inverted or not, under contexts that exist, do not, or create.
import { op } from './frames.mjs'
import { key, list, map, match, place, scalar, small, value } from './values.mjs'

const INVERTED = 0x10000
const RETURN_TYPES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16, 17]

const returnType = r => {
  const kind = r.oneIn(40) ? r.pick([12, 14, 15, 18, 255, -1, 2 ** 31]) : r.pick(RETURN_TYPES)
  return kind >= 0 && r.oneIn(4) ? kind | INVERTED : kind
}
const matches = r => r.oneIn(20) ? value(r, 1) : r.many(0, 4, () => match(r))
const listFlags = r => r.oneIn(20) ? r.pick([16, 255, -1]) : r.below(16)
const mapFlags = r => r.oneIn(20) ? r.pick([16, 255, -1]) : r.below(16)
const listOrder = r => r.oneIn(20) ? r.pick([2, 255, -1]) : r.pick([0, 0, 1, 16, 17])
const mapOrder = r => r.oneIn(20) ? r.pick([2, 255, -1]) : r.pick([0, 0, 1, 3, 16, 17, 19])
const delta = r => r.oneIn(4) ? value(r, 1) : r.oneIn(4) ? { d: 1.5 } : small(r)

const RANGE = [returnType, place, place]
const BY_PLACE = [returnType, place]
const BY_MATCH = [returnType, match]
const BY_LIST = [returnType, matches]
const INTERVAL = [returnType, match, match]
const RELATIVE = [returnType, match, place, place]

/** Code, arguments, and how many of them may be left out. */
const LISTS = [
  [0, [listOrder], 0], [1, [r => value(r), listOrder, listFlags], 2], [2, [r => list(r), listOrder, listFlags], 2],
  [3, [place, r => value(r), listFlags], 1], [4, [place, r => list(r), listFlags], 1], [5, [place], 0], [6, [place, place], 1], [7, [place], 0],
  [8, [place, place], 1], [9, [place, r => value(r), listFlags], 1], [10, [place, place], 0], [11, [], 0], [12, [place, delta, listOrder, listFlags], 3],
  [13, [r => r.pick([0, 1, 2, 3, 4, -1])], 1], [16, [], 0], [17, [place], 0], [18, [place, place], 1], [19, BY_PLACE, 0], [20, BY_MATCH, 0],
  [21, BY_PLACE, 0], [22, BY_MATCH, 0], [23, BY_LIST, 0], [24, RANGE, 1], [25, INTERVAL, 1], [26, RANGE, 1], [27, RELATIVE, 1],
  [32, BY_PLACE, 0], [33, BY_MATCH, 0], [34, BY_PLACE, 0], [35, BY_MATCH, 0], [36, BY_LIST, 0], [37, RANGE, 1], [38, INTERVAL, 1], [39, RANGE, 1],
  [40, RELATIVE, 1]
]
const MAPS = [
  [64, [mapOrder], 0], [65, [key, r => value(r), mapOrder], 1], [66, [r => map(r), mapOrder], 1], [67, [key, r => value(r), mapOrder, mapFlags], 2],
  [68, [r => map(r), mapOrder, mapFlags], 2], [69, [key, r => value(r)], 0], [70, [r => map(r)], 0], [73, [key, delta, mapOrder], 2],
  [74, [key, delta, mapOrder], 2], [75, [], 0], [76, [returnType, key], 0], [77, BY_PLACE, 0], [78, BY_MATCH, 0], [79, BY_PLACE, 0],
  [81, [returnType, r => r.many(0, 4, () => key(r))], 0], [82, BY_MATCH, 0], [83, BY_LIST, 0], [84, [returnType, key, key], 1], [85, RANGE, 1],
  [86, INTERVAL, 1], [87, RANGE, 1], [88, [returnType, key, place, place], 1], [89, RELATIVE, 1], [96, [], 0], [97, [returnType, key], 0],
  [98, BY_PLACE, 0], [99, BY_MATCH, 0], [100, BY_PLACE, 0], [102, BY_MATCH, 0], [103, [returnType, key, key], 1], [104, RANGE, 1], [105, INTERVAL, 1],
  [106, RANGE, 1], [107, [returnType, r => r.many(0, 4, () => key(r))], 0], [108, BY_LIST, 0], [109, [returnType, key, place, place], 1],
  [110, RELATIVE, 1]
]
const CODES_TO_NOWHERE = [14, 15, 28, 31, 41, 63, 71, 72, 80, 90, 95, 101, 111, 127, 253, 1000]

const isRead = code => (code >= 16 && code < 32) || code >= 96
export const CONTEXT = 0xff
const LIST = 0x10
const MAP = 0x20

/** A step of a context: by index, rank, key or value, now and then with a flag that creates. */
function step (r) {
  const creates = r.oneIn(4)
  const flags = creates ? r.pick([0x40, 0x80, 0xc0, 0x140, 0x180, 0x1c0]) : 0
  return r.weighted([
    [4, () => [LIST | flags, place(r)]], [1, () => [LIST | 1, place(r)]], [1, () => [LIST | 3, value(r, 1)]],
    [5, () => [MAP | 2 | flags, key(r)]], [1, () => [MAP | flags, place(r)]], [1, () => [MAP | 1, place(r)]], [1, () => [MAP | 3, value(r, 1)]],
    [1, () => r.oneIn(6) ? [r.below(0x240), scalar(r)] : [r.oneIn(2) ? LIST : MAP | 2, r.between(0, 2)]]
  ])
}
export const context = r => r.many(1, 3, () => step(r)).flat()

/** The packed form of one operation on a list or map. */
function call (r, about) {
  if (r.oneIn(200)) return [r.pick(CODES_TO_NOWHERE), ...r.many(0, 3, () => value(r, 1))]
  const [code, parameters, optional] = r.pick(about)
  let given = parameters.length - r.below(optional + 1)
  if (r.oneIn(60)) given = r.below(parameters.length + 2)
  const args = parameters.slice(0, given).map(make => r.oneIn(100) ? value(r, 1) : make(r))
  while (args.length < given) args.push(small(r))
  return [code, ...args]
}

/** One operation, of a table or of the kind of a collection. */
export function operation (r, about, kind = r.pick(['list', 'map'])) {
  about ??= kind === 'list' ? LISTS : MAPS
  const inner = call(r, about)
  const reads = isRead(inner[0]) !== r.oneIn(100)
  const payload = r.oneIn(3) ? [CONTEXT, context(r), inner] : inner
  return { code: reads ? op.CDT_READ : op.CDT_MODIFY, bin: 'c', payload }
}

/** One list or map operation, or a few in one command, on a bin that is of that kind as a rule. */
export function collections (r) {
  const about = r.oneIn(2) ? LISTS : MAPS
  const fitting = () => about === LISTS ? list(r, 3) : map(r, 3)
  const start = r.weighted([[12, fitting], [2, undefined], [1, () => value(r)]])
  return { bins: start === undefined || start === null ? {} : { c: start }, ops: r.many(1, r.oneIn(6) ? 3 : 1, () => operation(r, about)) }
}
