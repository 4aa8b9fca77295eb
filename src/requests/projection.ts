// Reading parts of bins: which operations fetch them, and where in the record what they answer belongs.

import { ClientError } from '../errors/classes.js'
import { exp } from '../expressions/exp.js'
import { type ContextStep, ctx } from '../operations/ctx.js'
import { op } from '../operations/op.js'
import type { Operation } from '../operations/operation.js'
import { Info2 } from '../protocol.js'
import { define, Mode, RawCollection } from '../values/unpack.js'
import type { Double, GeoJSON, HyperLogLog } from '../values/wrappers.js'
import type { Writer } from '../values/writer.js'
import { type BinPath, isPath, parseBinPath, type Step } from './bin-path.js'
import { type Command, writeOperations } from './command.js'

/** Names of bins of `B`, and paths into them. */
export type BinPaths<B extends object> =
  | (keyof B & string)
  | `${keyof B & string}${'.' | '['}${string}`
  | `$.${keyof B & string}`
  | `$.${keyof B & string}${'.' | '['}${string}`

/** Names of whole bins: a name with a dot or a bracket is a path unless it is in quotes. */
export type WholeBins<B extends object> = Exclude<keyof B & string, `${string}${'.' | '['}${string}`>

/** What `get` and batches may read of `B`: any names where nothing is known of it. */
export type BinNames<B extends object> = string extends keyof B ? string : BinPaths<B>

/** A value of which only parts were read. */
export type Parts<T> = T extends
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Uint8Array
  | Double
  | GeoJSON
  | HyperLogLog
  | ReadonlyMap<unknown, unknown>
  ? T
  : T extends readonly (infer E)[]
    ? (Parts<E> | undefined)[]
    : T extends object
      ? { [K in keyof T]?: Parts<T[K]> }
      : T

/** A path without the `$.` that conditions begin paths with. */
type Plain<N extends string> = N extends `$.${infer Rest}` ? Rest : N

type Before<N extends string, Mark extends string> = N extends `${infer Head}${Mark}${string}` ? Head : N

/** The bins that names and paths read: whole ones as they are, the others in parts. */
export type Projected<B extends object, N extends string> = ProjectedPlain<B, Plain<N>>

type ProjectedPlain<B extends object, N extends string> = Pick<B, N & WholeBins<B>> & {
  [K in Exclude<Before<Before<N, '.'>, '['>, N> & keyof B]?: Parts<B[K]>
}

/** In place of what a record does not have. */
const ABSENT = Symbol('absent')

/** What is read of a bin or of an element in it: all of it (a place among the answers), or some of its elements. */
class Node {
  readonly step: Step
  answer = -1
  readonly children: Node[] = []
  /** The children again, by their step: there may be thousands. */
  readonly #byStep = new Map<string | number, Node>()

  constructor(step: Step) {
    this.step = step
  }

  /** The child for a step, made when there is none. */
  child(step: Step): Node {
    // The key 7, the key '7' and the index 7 are three steps.
    const id = 'index' in step ? step.index : typeof step.key === 'string' ? `"${step.key}` : `#${step.key}`
    const known = this.#byStep.get(id)
    if (known !== undefined) return known
    const made = new Node(step)
    this.children.push(made)
    this.#byStep.set(id, made)
    return made
  }
}

/**
 * A read of bins and parts of bins. The server selects the parts, one operation for each; what a record does not have, or has
 * in another form than the path says, is absent.
 */
export class Projection {
  /** What tells it from others. */
  readonly identity: string
  /** Names of the bins of which something is read. */
  readonly binNames: readonly string[]
  readonly #operations: Operation[] = []
  readonly #root = new Node({ key: '' })

  constructor(paths: readonly BinPath[]) {
    this.identity = JSON.stringify(paths)
    for (const { bin, steps } of paths) {
      let node = this.#root.child({ key: bin })
      for (const step of steps) node = node.child(step)
      // Which one it is, is known when all paths are.
      node.answer = 0
    }
    this.binNames = this.#root.children.map(({ step }) => (step as { key: string }).key)
    this.#root.children.forEach((bin, i) => {
      this.#plan(bin, this.binNames[i] as string, [])
    })
  }

  /** Gives every node that is read an operation. What is inside of it comes along. */
  #plan(node: Node, bin: string, path: readonly ContextStep[]): void {
    if (node.answer < 0) {
      for (const child of node.children) this.#plan(child, bin, [...path, contextStep(child.step)])
      return
    }
    node.children.length = 0
    const first = path[0]
    if (first === undefined) node.answer = this.#operations.push(op.read(bin)) - 1
    else {
      // As an expression that may fail: as an operation, a bin of another type would fail the whole read.
      const target = first.code < MAP_STEPS ? exp.bin.list(bin) : exp.bin.map(bin)
      const selected = exp.paths.select(target, path, { return: 'values' })
      node.answer = this.#operations.push(op.expRead(bin, selected, { evalNoFail: true })) - 1
    }
  }

  /** The reads in their order; all of them are to be answered, so that answers are known by their place. */
  get operations(): readonly Operation[] {
    return this.#operations
  }

  /** Body of the command. */
  static write(w: Writer, projection: Projection, command: Command): number {
    const count = writeOperations(w, projection.#operations, command)
    // Every operation is to be answered, so that answers are known by their place.
    command.info2 |= Info2.respondAllOps
    return count
  }

  /** The bins, from what the operations answered. */
  bins(answers: readonly (readonly [string, unknown])[], mode: number): object {
    if (answers.length !== this.#operations.length) {
      throw new ClientError(`the server answered ${answers.length} of ${this.#operations.length} reads`)
    }
    const bins = {}
    this.#root.children.forEach((node, i) => {
      const value = node.answer < 0 ? assemble(node, answers, mode) : (answers[node.answer]?.[1] ?? ABSENT)
      if (value !== ABSENT) define(bins, this.binNames[i] as string, value)
    })
    return bins
  }
}

/** Types of steps from here on lead into maps. */
const MAP_STEPS = 0x20

function contextStep(step: Step): ContextStep {
  return 'key' in step ? ctx.mapKey(step.key) : ctx.listIndex(step.index)
}

/** The value of a node: what was selected, or a collection of what its children have. */
function assemble(node: Node, answers: readonly (readonly [string, unknown])[], mode: number): unknown {
  if (node.answer >= 0) {
    // A list of the one value that the path leads to; empty or null when there is none.
    const answer = answers[node.answer]?.[1]
    const selected = answer instanceof RawCollection ? answer.value : answer
    return Array.isArray(selected) && selected.length > 0 ? selected[0] : ABSENT
  }
  const keyed: [string | number, unknown][] = []
  const indexed: [number, unknown][] = []
  for (const child of node.children) {
    const value = assemble(child, answers, mode)
    if (value === ABSENT) continue
    if ('key' in child.step) keyed.push([child.step.key, value])
    else indexed.push([child.step.index, value])
  }
  // It cannot be a map and a list at once.
  if (indexed.length > 0) return listOf(indexed)
  return keyed.length > 0 ? mapOf(keyed, mode) : ABSENT
}

/** Elements at their index, with holes between them; those counted from the end follow, the last one last. */
function listOf(elements: [number, unknown][]): unknown[] {
  const list: unknown[] = []
  for (const [index, value] of elements) if (index >= 0 && index <= MAX_INDEX) list[index] = value
  const fromEnd = elements.filter(([index]) => index < 0).sort(([a], [b]) => a - b)
  for (const [, value] of fromEnd) list.push(value)
  return list
}

/** Arrays have no more elements; neither has a list that a server stores. */
const MAX_INDEX = 0xffff_fffe

/** Entries as maps of records are given: as an object, unless a key is no text or the options want a Map. */
function mapOf(entries: readonly [string | number, unknown][], mode: number): object {
  const isObject = entries.every(([key]) => typeof key === 'string') || (mode & Mode.objects) !== 0
  if (!isObject || (mode & Mode.maps) !== 0) {
    const big = (mode & Mode.bigints) !== 0
    return new Map(entries.map(([key, value]) => [big && typeof key === 'number' ? BigInt(key) : key, value]))
  }
  const object = {}
  for (const [key, value] of entries) define(object, String(key), value)
  return object
}

/** What a list of names asks for: the bins themselves, or, when one of them is a path, a projection. */
export function readsOf(names: readonly unknown[], verb: string): readonly unknown[] | Projection {
  if (!names.some((name) => typeof name === 'string' && isPath(name))) return names
  const paths = names.map((name, i) => {
    if (typeof name !== 'string') return undefined
    return isPath(name) ? parseBinPath(name, `${verb}: bins[${i}]`) : { bin: name, steps: [] }
  })
  // What is no text is refused where bins are written.
  if (paths.some((path) => path === undefined)) return names
  const parsed = paths as BinPath[]
  return parsed.every(({ steps }) => steps.length === 0) ? parsed.map(({ bin }) => bin) : new Projection(parsed)
}
