// Ways into a record: a bin, and the steps from there to an element or to a selection of many.

import { InvalidArgumentError } from '../../errors/classes.js'
import { type ContextStep, ctx } from '../../operations/ctx.js'
import type { AnyExp, Type } from '../../values/expression.js'
import { Particle } from '../../values/particle-types.js'
import { exp } from '../exp.js'
import { finished, type Node } from './nodes.js'
import type { OneStep, Step } from './selectors.js'

type BinReaders = { readonly [type: string]: (name: string) => AnyExp }
type Call = (...given: unknown[]) => AnyExp
type Calls = { readonly [call: string]: Call }

/** The step of a context that leads where a step of a path does. */
const CONTEXT: { readonly [step: string]: (at: never) => ContextStep } = {
  'list Index': ctx.listIndex,
  'list Rank': ctx.listRank,
  'list FirstByValue': ctx.listValue,
  'map Key': ctx.mapKey,
  'map Index': ctx.mapIndex,
  'map Rank': ctx.mapRank,
  'map FirstByValue': ctx.mapValue,
}

function contextStep({ on, by, value }: OneStep): ContextStep {
  return (CONTEXT[`${on} ${by}`] as (at: unknown) => ContextStep)(value)
}

/** A path. */
export class Path {
  readonly at: number
  readonly bin: string
  readonly steps: readonly Step[]
  /** What is at its end, where `[]` or `{}` says so. */
  readonly ends: 'list' | 'map' | undefined

  constructor(at: number, bin: string, steps: readonly Step[], ends: 'list' | 'map' | undefined) {
    this.at = at
    this.bin = bin
    this.steps = steps
    this.ends = ends
  }

  get #last(): Step | undefined {
    return this.steps.at(-1)
  }

  /** The collection that the bin holds. */
  get #collection(): AnyExp {
    const first = this.steps[0] as Step
    return first.on === 'map' ? exp.bin.map(this.bin) : exp.bin.list(this.bin)
  }

  #context(steps: readonly Step[]): { ctx?: ContextStep[] } {
    return steps.length === 0 ? {} : { ctx: steps.map((step) => contextStep(step as OneStep)) }
  }

  /** What the last step selects, or what is to be told of it. */
  #select(options: object): AnyExp {
    const last = this.#last as Step
    const calls = (last.on === 'map' ? exp.maps : exp.lists) as unknown as Calls
    const context = this.#context(this.steps.slice(0, -1))
    if ('many' in last) {
      const more = last.inverted ? { inverted: true } : {}
      return (calls[`get${last.many}`] as Call)(this.#collection, ...last.args, { ...more, ...options, ...context })
    }
    const call = last.by === 'FirstByValue' ? 'getFirstByValue' : `getBy${last.by}`
    return (calls[call] as Call)(this.#collection, last.value, { ...options, ...context })
  }

  /** The value the path leads to, of a type when it is said: `$.a.int()`. */
  value(type: Type | undefined): Node {
    const { at, bin, ends } = this
    const last = this.#last
    if (last !== undefined && 'many' in last) return { at, type: 'list', make: () => this.#select({}) }
    const said = type ?? ends
    const read = (wanted: Type): AnyExp =>
      last === undefined
        ? ((exp.bin as unknown as BinReaders)[wanted]?.(bin) as AnyExp)
        : this.#select({ type: wanted })
    return {
      at,
      type: said,
      make: (wanted) => {
        if (said === undefined || said === wanted) return read(wanted)
        throw new InvalidArgumentError(`${said} does not go together with ${wanted}`)
      },
    }
  }

  /** Something else about what the path selects: `.get(return: COUNT)`. */
  told(returned: string, type: Type | undefined): Node {
    return finished(this.at, this.#select(type === undefined ? { return: returned } : { return: returned, type }))
  }

  /** `.exists()` */
  exists(): Node {
    return this.#last === undefined ? finished(this.at, exp.binExists(this.bin)) : this.told('exists', undefined)
  }

  /** `.count()`: of a selection how many; of a bin whatever it holds; of something nested a list unless it is called a map. */
  count(type: Type | undefined): Node {
    const { at, bin, steps } = this
    const last = this.#last
    const kind = type ?? this.ends
    if (last === undefined) {
      if (kind === 'map') return finished(at, exp.maps.size(exp.bin.map(bin)))
      if (kind === 'list') return finished(at, exp.lists.size(exp.bin.list(bin)))
      const isMap = exp.eq(exp.binType(bin), Particle.map)
      const sizes = [exp.maps.size(exp.bin.map(bin)), exp.lists.size(exp.bin.list(bin))] as const
      return finished(at, exp.cond(isMap, ...sizes))
    }
    if ('many' in last) return this.told('count', undefined)
    if (last.by === 'FirstByValue' && kind === undefined) {
      const all = new Path(
        at,
        bin,
        [...steps.slice(0, -1), { ...last, many: 'ByValue', args: [last.value], inverted: false }],
        undefined,
      )
      return all.told('count', undefined)
    }
    const on = this.#collection as never
    return finished(
      at,
      kind === 'map' ? exp.maps.size(on, this.#context(steps)) : exp.lists.size(on, this.#context(steps)),
    )
  }

  /** `.type()` */
  binType(): Node {
    return { ...finished(this.at, exp.binType(this.bin)), named: true }
  }
}
