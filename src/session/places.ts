// Ways into bins, as they run: a place is a bin with the path to what is inside, and becomes operations of `lists`, `maps`,
// `bits` and `hll`. Which selections there are, and which operation each is, are tables; their types are bins.ts's.

import { InvalidArgumentError } from '../errors/classes.js'
import { BIT_FAMILY, bits } from '../operations/bits.js'
import { type ContextStep, ctx } from '../operations/ctx.js'
import { HLL_FAMILY, hll } from '../operations/hll.js'
import { LIST_FAMILY, lists } from '../operations/lists.js'
import { MAP_FAMILY, maps } from '../operations/maps.js'
import type { Operation } from '../operations/operation.js'
import type { MapKey, Value } from '../values/values.js'

/** What takes the operations that places become. */
export interface Target {
  /** Adds an operation that answers; what `make` throws is said when the chain runs. */
  answer(make: () => Operation, repeatable: boolean): unknown
  /** Adds an operation whose answer is not wanted. */
  silent(make: () => Operation, repeatable: boolean): unknown
}

type Make = (bin: string, ...args: unknown[]) => Operation
type Calls = { readonly [name: string]: Make }
type Family = typeof LIST_FAMILY

const FAMILIES = {
  lists: { family: LIST_FAMILY, calls: lists as unknown as Calls },
  maps: { family: MAP_FAMILY, calls: maps as unknown as Calls },
  bits: { family: BIT_FAMILY, calls: bits as unknown as Calls },
  hll: { family: HLL_FAMILY, calls: hll as unknown as Calls },
} as const satisfies { readonly [name: string]: { family: Family; calls: Calls } }

type FamilyName = keyof typeof FAMILIES

/** Writes that leave the same when they are done twice, as long as no option makes the second one fail. */
const REPEATABLE = new Set([
  'create',
  'setOrder',
  'set',
  'put',
  'putItems',
  'clear',
  'sort',
  'removeByKey',
  'removeByKeyList',
  'removeByKeyRange',
  'removeByValue',
  'removeByValueList',
  'removeByValueRange',
  'setUnion',
])

function isRepeatable(name: string, writes: boolean, options: unknown): boolean {
  if (!writes) return true
  const said = (options ?? {}) as { write?: unknown; addUnique?: unknown }
  return REPEATABLE.has(name) && said.write === undefined && said.addUnique === undefined
}

/** An operation of a family on a place, with the options that its path asks for. */
function operate(place: Place, name: FamilyName, call: string, given: readonly unknown[]): unknown {
  const { family, calls } = FAMILIES[name]
  const signature = family.table[call] as Family['table'][string]
  const count = Object.keys(signature.args).length
  const path = place.path
  let args = given
  if (path.length > 0) {
    // Where an argument at the end was left out, the options stand in its place.
    const last = given.at(-1)
    const early =
      given.length > 0 && given.length <= count && isOptions(last) && hasOptional(signature.args, given.length - 1)
    const options = (early ? last : given[count]) as { ctx?: readonly ContextStep[] } | undefined
    const before = early ? given.slice(0, -1) : given.slice(0, count)
    const padded = [...before, ...Array.from({ length: count - before.length }, () => undefined)]
    args = [...padded, { ...options, ctx: [...path, ...(options?.ctx ?? [])] }]
  }
  const repeatable = isRepeatable(call, signature.writes === true, given[count])
  return place.target.answer(() => (calls[call] as Make)(place.bin, ...args), repeatable)
}

function isOptions(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype
  )
}

function hasOptional(args: { readonly [name: string]: string }, at: number): boolean {
  return Object.values(args)[at]?.endsWith('?') === true
}

/** The calls of a family on a place. Their methods are made once, from the table. */
abstract class FamilyCalls {
  readonly place: Place

  constructor(place: Place) {
    this.place = place
  }
}

function callsClass(name: FamilyName): new (place: Place) => FamilyCalls {
  class Made extends FamilyCalls {}
  for (const call of Object.keys(FAMILIES[name].family.table)) {
    Object.defineProperty(Made.prototype, call, {
      value(this: Made, ...given: unknown[]) {
        return operate(this.place, name, call, given)
      },
    })
  }
  return Made
}

const ListCalls = callsClass('lists')
const MapCalls = callsClass('maps')
const BitCalls = callsClass('bits')
const HllCalls = callsClass('hll')

/** Selections of one element: the family, the ending of its operations, and the step of a path that leads there. */
const ONE: { readonly [name: string]: readonly [FamilyName, string, (at: never) => ContextStep] } = {
  onListIndex: ['lists', 'ByIndex', ctx.listIndex],
  onListRank: ['lists', 'ByRank', ctx.listRank],
  onMapKey: ['maps', 'ByKey', ctx.mapKey as (key: MapKey) => ContextStep],
  onMapIndex: ['maps', 'ByIndex', ctx.mapIndex],
  onMapRank: ['maps', 'ByRank', ctx.mapRank],
}

/** Selections of many elements: the family and the ending of its operations. */
const MANY: { readonly [name: string]: readonly [FamilyName, string] } = {
  onListValue: ['lists', 'ByValue'],
  onListIndexRange: ['lists', 'ByIndexRange'],
  onListRankRange: ['lists', 'ByRankRange'],
  onListValueRange: ['lists', 'ByValueRange'],
  onListValueList: ['lists', 'ByValueList'],
  onListValueRelativeRankRange: ['lists', 'ByValueRelRankRange'],
  onMapValue: ['maps', 'ByValue'],
  onMapKeyRange: ['maps', 'ByKeyRange'],
  onMapKeyList: ['maps', 'ByKeyList'],
  onMapIndexRange: ['maps', 'ByIndexRange'],
  onMapRankRange: ['maps', 'ByRankRange'],
  onMapValueRange: ['maps', 'ByValueRange'],
  onMapValueList: ['maps', 'ByValueList'],
  onMapKeyRelativeIndexRange: ['maps', 'ByKeyRelIndexRange'],
  onMapValueRelativeRankRange: ['maps', 'ByValueRelRankRange'],
}

/** What a selection can be asked for, and what that is in its operations. */
const TOLD = {
  getValue: 'value',
  getValues: 'value',
  count: 'count',
  exists: 'exists',
  getIndexes: 'index',
  getRanks: 'rank',
  getKeys: 'key',
  getEntries: 'keyValue',
} as const

/** A place in a record: a bin, or something inside one. */
export class Place {
  readonly target: Target
  readonly bin: string
  readonly path: readonly ContextStep[]

  constructor(target: Target, bin: string, path: readonly ContextStep[] = []) {
    this.target = target
    this.bin = bin
    this.path = path
  }

  get list(): FamilyCalls {
    return new ListCalls(this)
  }

  get map(): FamilyCalls {
    return new MapCalls(this)
  }

  get bits(): FamilyCalls {
    return new BitCalls(this)
  }

  get hll(): FamilyCalls {
    return new HllCalls(this)
  }
}

/** Elements or entries chosen in a place. */
class Selection {
  protected readonly outer: Place
  protected readonly family: FamilyName
  protected readonly ending: string
  protected readonly args: readonly unknown[]
  readonly #inverted: boolean

  constructor(outer: Place, family: FamilyName, ending: string, args: readonly unknown[], inverted = false) {
    this.outer = outer
    this.family = family
    this.ending = ending
    this.args = args
    this.#inverted = inverted
  }

  get others(): Selection {
    return new Selection(this.outer, this.family, this.ending, this.args, !this.#inverted)
  }

  tell(verb: 'get' | 'remove', returned: string): unknown {
    const count = Object.keys(FAMILIES[this.family].family.table[`get${this.ending}`]?.args ?? {}).length
    const options = this.#inverted ? { return: returned, inverted: true } : { return: returned }
    const padded = Array.from({ length: count }, (_, i) => this.args[i])
    return operate(this.outer, this.family, `${verb}${this.ending}`, [...padded, options])
  }

  remove(): unknown {
    return this.tell('remove', 'count')
  }
}

/** One element or entry: a place as well, for what is inside of it. */
class Element extends Place {
  readonly #selection: Selection
  readonly #outer: Place
  readonly #family: FamilyName
  readonly #ending: string
  readonly #at: unknown

  constructor(outer: Place, family: FamilyName, ending: string, at: unknown, step: ContextStep) {
    super(outer.target, outer.bin, [...outer.path, step])
    this.#selection = new Selection(outer, family, ending, [at])
    this.#outer = outer
    this.#family = family
    this.#ending = ending
    this.#at = at
  }

  tell(verb: 'get' | 'remove', returned: string): unknown {
    return this.#selection.tell(verb, returned)
  }

  remove(): unknown {
    return this.#selection.remove()
  }

  setTo(value: unknown): unknown {
    const { bin, path, target } = this.#outer
    const options = path.length === 0 ? [] : [{ ctx: path }]
    return target.silent(() => this.#call('put', 'set')(bin, this.#at, value, ...options), true)
  }

  add(by: unknown): unknown {
    const { bin, path, target } = this.#outer
    const options = path.length === 0 ? [] : [{ ctx: path }]
    return target.answer(() => this.#call('increment', 'increment')(bin, this.#at, by, ...options), false)
  }

  /** The operation that writes this element, by its key or its index; others cannot be written. */
  #call(inMap: string, inList: string): Make {
    if (this.#ending === 'ByKey') return FAMILIES.maps.calls[inMap] as Make
    if (this.#ending === 'ByIndex' && this.#family === 'lists') return FAMILIES.lists.calls[inList] as Make
    throw new InvalidArgumentError('only an element by its index in a list, or by its key in a map, can be written')
  }
}

for (const [name, [family, ending, step]] of Object.entries(ONE)) {
  Object.defineProperty(Place.prototype, name, {
    value(this: Place, at: unknown) {
      return new Element(this, family, ending, at, step(at as never))
    },
  })
}
for (const [name, [family, ending]] of Object.entries(MANY)) {
  Object.defineProperty(Place.prototype, name, {
    value(this: Place, ...args: Value[]) {
      return new Selection(this, family, ending, args)
    },
  })
}
for (const Class of [Selection, Element]) {
  for (const [name, returned] of Object.entries(TOLD)) {
    Object.defineProperty(Class.prototype, name, {
      value(this: Selection | Element) {
        return this.tell('get', returned)
      },
    })
  }
}
