// A condition as callers give it: text as the tag of a template, or an expression.

import { InvalidArgumentError } from '../errors/classes.js'
import { where } from '../expressions/where/where.js'
import { type AnyExp, Exp, isFilter } from '../values/expression.js'
import type { Value } from '../values/values.js'

/** The expression of a condition. */
export function conditionOf(
  condition: TemplateStringsArray | Exp<'bool'>,
  values: readonly (Value | AnyExp)[],
): Exp<'bool'> {
  if (isFilter(condition)) return condition
  if (condition instanceof Exp) {
    throw new InvalidArgumentError(
      `where: the condition must be an expression of type bool, not ${(condition as Exp).type}`,
    )
  }
  return where(condition, ...values)
}
