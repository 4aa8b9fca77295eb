// Turns the plan of a query into what crosses to the core: fields, operations and limits, as bytes (protocol 8.2).

import type { NativeAggregation, NativeJobSpec, NativeQuerySpec } from '../boundary/addon.js'
import { describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { MAX_BIN_NAME_SIZE, MAX_NAMESPACE_SIZE, MAX_OPS, MAX_SET_SIZE } from '../limits.js'
import { Needs, Operation } from '../operations/operation.js'
import { type Policy, socketTimeoutOf } from '../options/policy.js'
import { FieldType, Info2, OpCode } from '../protocol.js'
import { needsOf } from '../requests/command.js'
import { writeField } from '../requests/fields.js'
import { Projection, readsOf } from '../requests/projection.js'
import { UDF_FIELDS, type UdfCall } from '../requests/udf-call.js'
import { writeBareOp } from '../values/write-particle.js'
import { Writer } from '../values/writer.js'
import { checkOf, parseCursor } from './cursor.js'
import type { Limits } from './options.js'
import type { Predicate } from './range.js'

/** All that a query was told. Immutable: a builder's every step makes another. */
export interface Plan {
  readonly namespace: string
  readonly set: string | undefined
  readonly policy: Policy
  readonly limits: Readonly<Limits>
  readonly predicate: Predicate | undefined
  /** Bins or parts of bins to read; undefined for all. */
  readonly bins: readonly string[] | Projection | undefined
  /** Operations to answer in place of the bins. */
  readonly operations: readonly Operation[] | undefined
}

/** A plan, or what is wrong with what was to become one. */
export type Planned = Plan | { readonly failure: Error }

/** The plan, unless something is wrong with it. */
export function planOf(planned: Planned): Plan {
  if (!('failure' in planned)) return planned
  // The stack leads to the call that ran it, not to the one that made it.
  Error.captureStackTrace(planned.failure, planOf)
  throw planned.failure
}

/** What a UDF is called for, as the server knows it. */
export const UdfKind = { aggregation: 1, background: 2 } as const

/** Checks a name of a namespace or set. */
export function nameOf(value: unknown, what: 'namespace' | 'set', verb: string): string {
  if (typeof value !== 'string')
    throw new InvalidArgumentError(`${verb}: the ${what} must be text, not ${describe(value)}`)
  const [least, most] = what === 'namespace' ? [1, MAX_NAMESPACE_SIZE] : [0, MAX_SET_SIZE]
  const length = Buffer.byteLength(value)
  if (length >= least && length <= most && value.isWellFormed()) return value
  throw new InvalidArgumentError(`${verb}: the ${what} must have ${least} to ${most} bytes, not ${length}`)
}

/** A piece of a request in wire form, and how many of its kind are in it. */
interface Encoding {
  readonly bytes: Uint8Array
  readonly count: number
}

function encoding(write: (w: Writer) => number): Encoding {
  const w = new Writer(256)
  const count = write(w)
  return { bytes: w.bytes.subarray(0, w.at), count }
}

function fieldsOf(plan: Plan, udf: UdfCall | undefined, kind: number): Encoding {
  return encoding((w) => {
    let count = plan.predicate?.write(w) ?? 0
    const field = (type: number, data: Uint8Array): void => {
      writeField(w, type, data)
      count++
    }
    if (udf !== undefined) {
      field(FieldType.udfOp, Uint8Array.of(kind))
      w.raw(udf.bytes)
      count += UDF_FIELDS
    }
    if (plan.policy.filter !== undefined) field(FieldType.filter, plan.policy.filter.bytes)
    return count
  })
}

function operationsOf(operations: readonly Operation[]): Encoding {
  return encoding((w) => {
    w.begin('operations')
    operations.forEach((operation, i) => {
      w.depth = 1
      w.path[1] = i
      operation.write(w)
    })
    return operations.length
  })
}

/** What is read of each record, and whether every operation is to be answered, with null if need be. */
function readsOfPlan({ operations, bins = [] }: Plan): Encoding & { readonly respondAll: boolean } {
  if (operations !== undefined) {
    return { ...operationsOf(operations), respondAll: operations.some(({ code }) => code !== OpCode.read) }
  }
  if (bins instanceof Projection) return { ...operationsOf(bins.operations), respondAll: true }
  const names = encoding((w) => {
    for (const bin of bins) writeBareOp(w, OpCode.read, bin)
    return bins.length
  })
  return { ...names, respondAll: false }
}

/** The number that a plan's cursors begin with. */
export function cursorCheck(plan: Plan): number {
  const predicate = encoding((w) => plan.predicate?.write(w) ?? 0)
  return checkOf(plan.namespace, plan.set ?? '', predicate.bytes)
}

/** A query as it crosses. */
export function querySpec(plan: Plan, verb: string, aggregation?: AggregationParts): NativeQuerySpec {
  const { policy, limits } = plan
  refuseContradictions(plan, verb)
  const fields = fieldsOf(plan, aggregation?.udf, UdfKind.aggregation)
  const ops = readsOfPlan(plan)
  const cursor = limits.cursor === undefined ? limits.after : parseCursor(limits.cursor, cursorCheck(plan), verb)
  return {
    namespace: plan.namespace,
    ...(plan.set !== undefined && { set: plan.set }),
    fields: fields.bytes,
    fieldCount: fields.count,
    ops: ops.bytes,
    opCount: ops.count,
    hasRange: plan.predicate !== undefined,
    respondAll: ops.respondAll,
    noBins: limits.noBins,
    duration: limits.duration,
    maxRecords: limits.maxRecords,
    recordsPerSecond: limits.recordsPerSecond,
    concurrency: policy.concurrency,
    partitionBegin: limits.partitionBegin,
    partitionCount: limits.partitionCount,
    ...(cursor !== undefined && { cursor }),
    ...(limits.nodes !== undefined && { nodes: [...limits.nodes] }),
    replica: policy.replica,
    ...timing(policy),
    ...(aggregation !== undefined && { aggregation: aggregationOf(aggregation) }),
  }
}

/** An aggregation's function, and the modules that its last steps need on this side. */
export interface AggregationParts {
  readonly udf: UdfCall
  readonly source: string
  readonly libraries: { readonly [module: string]: string }
}

function aggregationOf({ udf, source, libraries }: AggregationParts): NativeAggregation {
  return { source, module: udf.module, libraries, function: udf.function, args: udf.args }
}

/** What the server would refuse with a number, or do without a word. */
function refuseContradictions({ limits, bins, operations, predicate }: Plan, verb: string): void {
  const refuse = (text: string): never => {
    throw new InvalidArgumentError(`${verb}: ${text}`)
  }
  if (limits.noBins && (bins ?? operations) !== undefined) refuse("'noBins' and chosen bins exclude each other")
  if (limits.duration === 1 && limits.recordsPerSecond > 0) {
    refuse("a query that is expected to be 'short' takes no 'recordsPerSecond'")
  }
  if (limits.after === undefined) return
  if (limits.cursor !== undefined) refuse("'cursor' and 'partitions' exclude each other")
  // The position in an index is more than a digest.
  if (predicate !== undefined) refuse("partitions: { after } needs a query without a predicate; use a 'cursor'")
}

function timing(
  policy: Policy,
): Pick<NativeQuerySpec, 'totalTimeout' | 'socketTimeout' | 'maxRetries' | 'sleepBetweenRetries'> {
  const { totalTimeout, maxRetries, sleepBetweenRetries } = policy
  return { totalTimeout, socketTimeout: socketTimeoutOf(policy), maxRetries, sleepBetweenRetries }
}

/** A background job as it crosses: operations, or a UDF. */
export function jobSpec(
  plan: Plan,
  taskId: bigint,
  work: { udf: UdfCall } | { operations: readonly Operation[] },
): NativeJobSpec {
  const { policy, limits } = plan
  const fields = fieldsOf(plan, 'udf' in work ? work.udf : undefined, UdfKind.background)
  const ops = 'operations' in work ? operationsOf(work.operations) : { bytes: new Uint8Array(0), count: 0 }
  return {
    namespace: plan.namespace,
    ...(plan.set !== undefined && { set: plan.set }),
    fields: fields.bytes,
    fieldCount: fields.count,
    ops: ops.bytes,
    opCount: ops.count,
    info2: Info2.write | (policy.info2 & Info2.durableDelete),
    recordTtl: policy.ttl,
    recordsPerSecond: limits.recordsPerSecond,
    taskId,
    ...timing(policy),
  }
}

/** The operations of a query, which must not write, or of a job, which must do nothing else. */
export function checkOperations(given: unknown, writing: boolean, verb: string): readonly Operation[] {
  needsOf(given, verb)
  const operations = [...(given as readonly unknown[])]
  if (operations.length > MAX_OPS) {
    throw new InvalidArgumentError(`${verb}: at most ${MAX_OPS} operations, not ${operations.length}`)
  }
  for (const [i, operation] of operations.entries()) {
    const wrong = operationFault(operation, writing)
    if (wrong !== undefined) throw new InvalidArgumentError(`${verb}: operations[${i}] ${wrong}`)
  }
  return operations as readonly Operation[]
}

function operationFault(operation: unknown, writing: boolean): string | undefined {
  if (!(operation instanceof Operation)) {
    return `must be an operation such as op.read('name'), not ${describe(operation)}`
  }
  if (operation.writes !== writing) return writing ? 'reads: a background job can only write' : 'writes: use execute'
  if ((operation.needs & (Needs.allBins | Needs.metaOnly)) === 0) return undefined
  return 'reads whole records: leave operate out for that'
}

/** Names of bins to read, or paths to parts of them. */
export function checkBins(names: readonly unknown[], verb: string): readonly string[] | Projection {
  if (names.length === 0)
    throw new InvalidArgumentError(`${verb}: expected the name of at least one bin; for none, use 'noBins'`)
  if (names.length > MAX_OPS) {
    throw new InvalidArgumentError(`${verb}: at most ${MAX_OPS} bins, not ${names.length}`)
  }
  for (const name of names) {
    if (typeof name !== 'string')
      throw new InvalidArgumentError(`${verb}: a bin name must be text, not ${describe(name)}`)
  }
  const reads = readsOf(names, verb) as readonly string[] | Projection
  for (const name of reads instanceof Projection ? reads.binNames : reads) {
    const length = Buffer.byteLength(name)
    if (length > MAX_BIN_NAME_SIZE || !name.isWellFormed()) {
      throw new InvalidArgumentError(
        `${verb}: bin name ${describe(name)} is ${length} bytes long; the limit is ${MAX_BIN_NAME_SIZE}`,
      )
    }
  }
  return reads
}
