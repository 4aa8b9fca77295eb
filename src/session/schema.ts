// Standard Schema (standardschema.dev): the one interface that zod, valibot, arktype and others share, as far as it is used
// here, and what validating a record means.

import { AerospikeError, InvalidArgumentError } from '../errors/classes.js'
import type { Record } from '../records/record.js'
import type { Bins } from '../values/values.js'
import { Failure, type Outcome, Success } from './result.js'

/** What is wrong with a value, and where. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What validating gives: a value, or what is wrong. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** A schema of any library that follows Standard Schema, version 1. `T` is the type of what it lets through. */
export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>
    readonly types?: { readonly input: unknown; readonly output: T } | undefined
  }
}

/** The type of what a schema lets through. */
export type InferSchema<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

type Validated = { readonly [bin: string]: unknown }

function placeOf({ path }: SchemaIssue): string {
  return (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
}

function firstOf(issue: SchemaIssue): string {
  const step = issue.path?.[0]
  return step === undefined ? '' : String(typeof step === 'object' ? step.key : step)
}

function refusal(where: string, issues: readonly SchemaIssue[]): InvalidArgumentError {
  const texts = issues.slice(0, 5).map((issue) => `${placeOf(issue) || 'the record'}: ${issue.message}`)
  const more = issues.length > 5 ? ` (and ${issues.length - 5} more)` : ''
  return new InvalidArgumentError(`${where}: the schema does not allow this: ${texts.join('; ')}${more}`, {
    cause: issues,
  })
}

/**
 * What a schema makes of the bins of a record. Of a record that is not whole, only what it has is judged: what the schema
 * misses in the others is no mistake, and the values stay as they were given.
 *
 * @throws InvalidArgumentError that says which bin is wrong and why
 */
export async function validate(
  schema: StandardSchema,
  bins: Validated,
  whole: boolean,
  where: string,
): Promise<Validated> {
  const result = await schema['~standard'].validate(whole ? bins : { ...bins })
  if (result.issues === undefined) {
    const value = result.value as Validated
    if (whole) return value
    return Object.fromEntries(
      Object.keys(bins).map((name) => [name, Object.hasOwn(value, name) ? value[name] : bins[name]]),
    )
  }
  const issues = whole
    ? result.issues
    : result.issues.filter((issue) => issue.path === undefined || Object.hasOwn(bins, firstOf(issue)))
  if (issues.length > 0) throw refusal(where, issues)
  return bins
}

/**
 * A record judged by a schema: what the schema makes of its bins takes their place. One that it does not allow is a failure.
 *
 * @param whole whether all bins were read
 */
export async function validateRead(schema: StandardSchema, record: Record<Bins>, whole: boolean): Promise<Outcome> {
  try {
    Object.assign(record.bins, await validate(schema, record.bins, whole, 'query'))
    return new Success(record.key, record)
  } catch (error) {
    if (error instanceof AerospikeError) return new Failure(record.key, error)
    throw error
  }
}
