// Paths: every child, those a filter is true for, keys, and one by its place, over mixtures of lists, maps and scalars.
import { op } from './frames.mjs'
import { key, list, map, place, small, value, word } from './values.mjs'

const KEY = 0
const VALUE = 1
const INDEX = 2
const builtin = (type, which) => [122, type, which]

/** A condition on the element at hand. */
const condition = r => r.weighted([
  [4, () => [r.between(1, 6), builtin(2, VALUE), small(r)]],
  [2, () => [r.between(1, 6), builtin(2, r.pick([INDEX, KEY])), r.between(0, 4)]],
  [2, () => [r.between(1, 6), builtin(3, r.pick([KEY, VALUE])), word(r)]],
  [1, () => [r.pick([16, 17]), condition(r), condition(r)]],
  [1, () => [18, condition(r)]],
  [1, () => r.pick([true, false, [0], [1, 1, 1]])],
  [1, () => [3, [127, 2, 0, [r.pick([16, 96])], builtin(r.pick([4, 5]), VALUE)], 1]]
])

/** What the element becomes. */
const change = r => r.weighted([
  [4, () => [20, builtin(2, VALUE), small(r)]],
  [2, () => value(r, 1)],
  [2, () => [100]],
  [1, () => [123, condition(r), r.oneIn(2) ? [100] : small(r), builtin(2, VALUE)]],
  [1, () => [127, 4, 0x40, [1, small(r)], builtin(4, VALUE)]],
  [1, () => [126, list(r, 1)]]
])

const step = r => r.weighted([
  [5, () => [4, true]],
  [4, () => [4, condition(r)]],
  [2, () => [0x2a, r.many(0, 3, () => key(r))]],
  [2, () => [0x22, key(r)]],
  [2, () => [0x10, place(r)]],
  [1, () => [r.pick([0x11, 0x20, 0x21]), place(r)]],
  [1, () => [r.pick([0x13, 0x23]), small(r)]],
  [1, () => [0x204, condition(r)]],
  [1, () => r.oneIn(8) ? [r.below(0x240), small(r)] : [4, true]]
])

/** The packed form of a select, or of an apply. */
export function path (r, modifies) {
  const steps = r.many(1, 3, () => step(r)).flat()
  const flags = (r.oneIn(2) ? 0x10 : 0) | (modifies ? 4 : r.below(4)) | (r.oneIn(60) ? 0x20 : 0)
  return modifies ? [0xfe, steps, flags, change(r)] : [0xfe, steps, flags]
}

const mixture = (r, depth) => r.oneIn(2)
  ? r.many(0, 5, () => depth > 0 && r.oneIn(2) ? mixture(r, depth - 1) : value(r, 1))
  : map(r, depth)

export function paths (r) {
  const modifies = r.oneIn(2)
  const start = r.weighted([[5, () => mixture(r, 3)], [2, () => list(r, 3)], [2, () => map(r, 3)], [1, undefined]])
  return {
    bins: start === undefined ? {} : { c: start },
    ops: [{ code: modifies !== r.oneIn(60) ? op.CDT_MODIFY : op.CDT_READ, bin: 'c', payload: path(r, modifies) }]
  }
}
