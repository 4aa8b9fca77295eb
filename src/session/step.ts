// One step of a chain as data: what is done with which keys. Builders fill it in; running it is run.ts's business.

import type { Key } from '../key.js'
import { op } from '../operations/op.js'
import type { Operation } from '../operations/operation.js'
import { VERB_KINDS, type Verb } from '../options/behavior.js'
import type { Codecs } from '../values/codecs.js'
import { encodeWith } from '../values/codecs.js'
import type { Exp } from '../values/expression.js'
import type { Value } from '../values/values.js'
import type { DataSet } from './data-set.js'

/** What there is to know about a verb, beside its kind. */
interface VerbFacts {
  /** Whether the record must exist, as option `exists` says it. */
  readonly exists?: 'create' | 'update' | 'replace' | 'createOrUpdate' | 'createOrReplace'
  /** What a record is for it that does not exist: left out of the stream, an answer, or a failure. */
  readonly missing: 'omitted' | 'answer' | 'failure'
}

export const VERBS: { readonly [verb in Verb]: VerbFacts } = {
  query: { missing: 'omitted' },
  exists: { missing: 'answer' },
  insert: { exists: 'create', missing: 'failure' },
  update: { exists: 'update', missing: 'failure' },
  upsert: { exists: 'createOrUpdate', missing: 'failure' },
  replace: { exists: 'createOrReplace', missing: 'failure' },
  replaceIfExists: { exists: 'replace', missing: 'failure' },
  touch: { missing: 'answer' },
  delete: { missing: 'answer' },
  executeUdf: { missing: 'failure' },
}

/** A call of a function on the server. */
export interface UdfStep {
  readonly module: string
  readonly function: string
  readonly args: readonly Value[]
}

/** The options that rows of a batch and single calls share. */
export interface StepOptions {
  ttl?: number | 'never' | 'keep' | 'default'
  generation?: number
  durableDelete?: boolean
  filter?: Exp<'bool'>
  sendKey?: boolean
}

type Written = { [bin: string]: unknown }

/** A row of its own: its bins, and what it says for itself. As batches take it. */
export type Row = StepOptions & { readonly key: Key; bins: Written }

/** One step. */
export class Step {
  readonly verb: Verb
  readonly keys: readonly Key[]
  readonly set: DataSet<never> | undefined
  /** Whether one key was given as such: its failure is that of the call. */
  readonly single: boolean
  /** Bins that are read; undefined for all. */
  bins: readonly string[] | undefined = undefined
  /** Bins that are written, as long as nothing but that is done. */
  written: Written | undefined = undefined
  /** Whether `written` is the caller's own object, which is not to be changed. */
  #isLent = false
  /** Of a set with a schema what operations write, to be validated. */
  checked: Written | undefined = undefined
  /** Operations, in their order. */
  ops: Operation[] | undefined = undefined
  /** Rows with bins of their own, in the place of `keys`. */
  rows: Row[] | undefined = undefined
  options: StepOptions | undefined = undefined
  udf: UdfStep | undefined = undefined
  /** A row that was begun and has nothing yet. */
  begun: Key | undefined = undefined
  includeMissing = false
  failOnFiltered = false
  validated = false
  /** Whether an operation does harm when it is done twice. */
  once: boolean
  /** Codecs for what is answered. */
  decode: Codecs | undefined

  constructor(verb: Verb, keys: readonly Key[], set: DataSet<never> | undefined, single: boolean) {
    this.verb = verb
    this.keys = keys
    this.set = set
    this.single = single
    this.once = VERB_KINDS[verb] === 'nonRetryable'
    this.decode = set?.codecs
  }

  get writes(): boolean {
    return VERB_KINDS[this.verb] !== 'reads'
  }

  /** How many results it has. */
  get length(): number {
    return this.rows?.length ?? this.keys.length
  }

  /** Says something about the step. */
  option<N extends keyof StepOptions>(name: N, value: NonNullable<StepOptions[N]>): void {
    this.options ??= {}
    this.options[name] = value
  }

  /** Writes a bin, whatever it held. */
  setBin(name: string, value: unknown): void {
    if (this.ops === undefined) {
      if (this.#isLent) {
        this.written = { ...this.written }
        this.#isLent = false
      }
      this.written ??= {}
      define(this.written, name, value)
    } else this.#write(name, value)
  }

  /** Writes all bins of an object. */
  setBins(bins: Written): void {
    if (this.ops === undefined && this.written === undefined) {
      this.written = bins
      this.#isLent = true
      return
    }
    for (const name of Object.keys(bins)) this.setBin(name, bins[name])
  }

  #write(name: string, value: unknown): void {
    if (this.set?.schema !== undefined) {
      this.checked ??= {}
      define(this.checked, name, value)
    }
    const codec = value === null ? undefined : this.set?.codecs?.[name]
    this.ops?.push(op.write(name, (codec === undefined ? value : encodeWith(codec, name, value)) as Value))
  }

  /** Adds an operation. What was to be written or read so far becomes operations before it. `repeatable`: doing it twice does no harm. */
  addOperation(operation: Operation, repeatable: boolean): void {
    if (this.ops === undefined) {
      this.ops = []
      const { written, bins } = this
      this.written = undefined
      this.bins = undefined
      for (const name of Object.keys(written ?? {})) this.#write(name, written?.[name])
      // Only bins that are read whole hold what a codec made.
      this.decode = undefined
      for (const name of bins ?? []) this.readBin(name)
    }
    this.ops.push(operation)
    if (!repeatable) this.once = true
  }

  /** Reads a whole bin beside other operations. */
  readBin(name: string): void {
    this.addOperation(op.read(name), true)
    const codec = this.set?.codecs?.[name]
    if (codec !== undefined) this.decode = { ...this.decode, [name]: codec }
  }
}

/** Sets a property, also one named `__proto__`. */
export function define(object: Written, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  } else object[name] = value
}
