// What a query says that finds no index: servers say that there is none, and not which there are.

import { readIndexes } from '../cluster/index-list.js'
import { type InfoContext, InfoRequest } from '../cluster/info-request.js'
import { Code } from '../errors/codes.js'
import type { Facts } from '../errors/failure.js'
import { Particle } from '../values/particle-types.js'
import type { Predicate } from './range.js'
import type { Plan } from './spec.js'

/** The types of indexes by what they are asked for. */
const TYPES: { readonly [particle: number]: string } = {
  [Particle.integer]: 'numeric',
  [Particle.string]: 'string',
  [Particle.blob]: 'blob',
  [Particle.geojson]: 'geo2dsphere',
}

const COLLECTIONS = ['', ', list', ', mapKeys', ', mapValues']

/** The facts of a failure, with the indexes that the bin has when the one that was asked for is not there. */
export async function explainIndex(context: InfoContext, verb: string, plan: Plan, facts: Facts): Promise<Facts> {
  const { predicate, namespace, set } = plan
  if (facts.code !== Code.indexNotFound || predicate === undefined) return facts
  const bin = predicate.bin === '' ? undefined : predicate.bin
  const index = predicate.index === undefined ? undefined : Buffer.from(predicate.index).toString()
  const known = { ...facts, bin, index }
  if (bin === undefined) return known
  try {
    const request = InfoRequest.read(context, verb, {})
    const { node, answers } = await request.any(`sindex-list:namespace=${namespace};b64=true`)
    const indexes = readIndexes(request.accepted(node, answers[0] ?? '')).filter(
      (one) => one.bin === bin && (one.set === undefined || one.set === set),
    )
    return { ...known, detail: `${wanted(bin, predicate)}; ${found(indexes)}` }
  } catch {
    // The question is answered well enough without it.
    return known
  }
}

function wanted(bin: string, { begin, collection, context }: Predicate): string {
  const type = TYPES[begin.type] ?? 'other'
  const path = context === undefined ? '' : ', with a ctx'
  return `the query needs an index over bin ${JSON.stringify(bin)} (${type}${COLLECTIONS[collection]}${path})`
}

function found(indexes: ReturnType<typeof readIndexes>): string {
  if (indexes.length === 0) return 'the bin has none here'
  const names = indexes.map(({ name, type, collection, ctx }) => {
    const more = `${collection === undefined ? '' : `, ${collection}`}${ctx === undefined ? '' : ', with a ctx'}`
    return `${JSON.stringify(name)} (${type}${more})`
  })
  return `the bin has ${names.join(', ')}`
}
