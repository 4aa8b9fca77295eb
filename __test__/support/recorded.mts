// From the call form of the recorded cases (the public client's names, order of arguments and policies) to our builders.
import { bits, type Context, ctx, hll, lists, maps, type Operation, op } from 'aerospike-napi'
import { value } from './corpus.mjs'

export interface RecordedOp {
  op: string
  bin?: string
  val?: unknown
  args?: unknown[]
  policy?: { writeFlags?: number }
  inverted?: boolean
  ctx?: [string, unknown][]
  exp?: unknown[]
  flags?: number
}

type Options = { [name: string]: unknown }
type Builders = { [name: string]: ((bin: string, ...args: unknown[]) => Operation) | undefined }

const RETURN: { [code: number]: string } = {
  0: 'none',
  1: 'index',
  2: 'reverseIndex',
  3: 'rank',
  4: 'reverseRank',
  5: 'count',
  6: 'key',
  7: 'value',
  8: 'keyValue',
  9: 'indexRange',
  10: 'reverseIndexRange',
  11: 'rankRange',
  12: 'reverseRankRange',
  13: 'exists',
  16: 'unorderedMap',
  17: 'orderedMap',
}
const LIST_ORDER = ['unordered', 'ordered']
const MAP_ORDER = ['unordered', 'keyOrdered', undefined, 'keyValueOrdered']
const WRITE = ['createOrUpdate', 'create', 'update'] as const

/** The name of a return type. */
export function returnName(code: number): string {
  return RETURN[code] ?? `unknown ${code}`
}

const decode = (json: unknown): unknown =>
  typeof json === 'object' && json !== null && '$undefined' in json ? undefined : value(json)

/** The options of a path as recorded. */
export function context(steps: [string, unknown][] | undefined): { ctx?: Context } {
  if (steps === undefined) return {}
  return {
    ctx: steps.map(
      ([kind, at]) => (ctx as unknown as { [kind: string]: (v: unknown) => never })[kind]?.(value(at)) as never,
    ),
  }
}

function listFlags(flags: number): Options {
  return {
    ...((flags & 1) !== 0 && { addUnique: true }),
    ...((flags & 2) !== 0 && { insertBounded: true }),
    ...((flags & 4) !== 0 && { noFail: true }),
    ...((flags & 8) !== 0 && { partial: true }),
  }
}

/** Flags with a `write` in their lowest bits; undefined when they ask for `create` and `update` at once. */
function writeFlags(flags: number, eight: string): Options | undefined {
  if ((flags & 3) === 3) return undefined
  return {
    ...((flags & 3) !== 0 && { write: WRITE[flags & 3] }),
    ...((flags & 4) !== 0 && { noFail: true }),
    ...((flags & 8) !== 0 && { [eight]: true }),
  }
}

const policyOf = (json: unknown): { order?: number; writeFlags?: number } | undefined =>
  typeof json === 'object' && json !== null ? (json as { $policy?: { order?: number } }).$policy : undefined

/** One recorded operation with our builders; a text why not when it cannot be said. */
export function operation(recorded: RecordedOp): Operation | string {
  const { op: name, bin = '' } = recorded
  if (name === 'read') return op.read(bin)
  const [family, call] = name.split('.') as [string, string]
  if (family === 'lists') return listOperation(call, bin, recorded)
  if (family === 'maps') return mapOperation(call, bin, recorded)
  if (family === 'bitwise') return bitOperation(call, bin, recorded)
  if (family === 'hll') return hllOperation(call, bin, recorded)
  return `no family ${family}`
}

function made(
  family: string,
  builders: object,
  call: string,
  bin: string,
  args: unknown[],
  options: Options,
): Operation | string {
  const build = (builders as Builders)[call]
  if (build === undefined) return `no ${family}.${call}`
  try {
    return build(bin, ...args, options)
  } catch (error) {
    if (error instanceof Error && error.message.includes('do not survive')) return 'what a server may not survive'
    throw error
  }
}

function selection(call: string, args: unknown[]): { args: unknown[]; options: Options } {
  if (!/^(get|remove)By/.test(call)) return { args, options: {} }
  return { args: args.slice(0, -1), options: { return: returnName(args.at(-1) as number) } }
}

function listOperation(call: string, bin: string, { args = [], inverted, ctx: steps }: RecordedOp): Operation | string {
  const options: Options = { ...context(steps), ...(inverted === true && { inverted: true }) }
  if (call === 'create') {
    const [order, padded, persistIndex] = args as [number, boolean, boolean]
    // Nested collections have no index of their own in storage; the public client leaves it out there.
    const persists = persistIndex && steps === undefined
    return lists.create(bin, { ...options, order: LIST_ORDER[order] as 'ordered', padded, persistIndex: persists })
  }
  if (call === 'setOrder') return lists.setOrder(bin, { ...options, order: LIST_ORDER[args[0] as number] as 'ordered' })
  if (call === 'sort') {
    const flags = args[0] as number
    return lists.sort(bin, { ...options, descending: (flags & 1) !== 0, dropDuplicates: (flags & 2) !== 0 })
  }
  const policy = policyOf(args.at(-1))
  const { args: rest, options: more } = selection(call, (policy === undefined ? args : args.slice(0, -1)).map(decode))
  Object.assign(options, more)
  if (policy !== undefined) {
    Object.assign(options, listFlags(policy.writeFlags ?? 0))
    if (/^(append|increment)/.test(call)) options.order = LIST_ORDER[policy.order ?? 0]
    else if ((policy.writeFlags ?? 0) === 0) options.noFail = false
  }
  return made('lists', lists, call, bin, rest, options)
}

function mapOperation(call: string, bin: string, { args = [], inverted, ctx: steps }: RecordedOp): Operation | string {
  const options: Options = { ...context(steps), ...(inverted === true && { inverted: true }) }
  if (call === 'create') {
    const [order, persistIndex] = args as [number, boolean]
    return maps.create(bin, {
      ...options,
      order: MAP_ORDER[order] as 'keyOrdered',
      persistIndex: persistIndex && steps === undefined,
    })
  }
  const policy = policyOf(args.at(-1))
  if (policy?.order !== undefined) options.order = MAP_ORDER[policy.order]
  if (call === 'setPolicy') return maps.setOrder(bin, options)
  const { args: rest, options: more } = selection(call, (policy === undefined ? args : args.slice(0, -1)).map(decode))
  Object.assign(options, more)
  // Increments have no flags on the wire, whatever the policy says.
  if (policy?.writeFlags !== undefined && call.startsWith('put')) {
    const flags = writeFlags(policy.writeFlags, 'partial')
    if (flags === undefined) return 'create and update at once'
    Object.assign(options, flags)
  }
  return made('maps', maps, call, bin, rest, options)
}

function bitOperation(call: string, bin: string, { args = [], policy, ctx: steps }: RecordedOp): Operation | string {
  const flags = writeFlags(policy?.writeFlags ?? 0, 'partial')
  if (flags === undefined) return 'create and update at once'
  const options: Options = { ...context(steps), ...(/^(get|count|[lr]scan)/.test(call) ? {} : flags) }
  const rest = args.map(decode)
  if (call === 'getInt')
    return made('bits', bits, call, bin, rest.slice(0, 2), { ...options, ...(rest[2] === true && { signed: true }) })
  if (call === 'add' || call === 'subtract') {
    return made('bits', bits, call, bin, rest.slice(0, 3), { ...options, ...(rest[3] === true && { signed: true }) })
  }
  if (call === 'resize') {
    const sub = (rest[1] ?? 0) as number
    if ((sub & 6) === 6) return 'growOnly and shrinkOnly at once'
    return bits.resize(bin, rest[0] as number, {
      ...options,
      ...((sub & 1) !== 0 && { fromFront: true }),
      ...((sub & 6) !== 0 && { resize: (sub & 2) !== 0 ? ('growOnly' as const) : ('shrinkOnly' as const) }),
    })
  }
  // The public client's lscan goes out as a scan from the right; its set of a number is our setInt.
  const name = call === 'set' && !Buffer.isBuffer(rest[2]) ? 'setInt' : call === 'lscan' ? 'rscan' : call
  return made('bits', bits, name, bin, rest, options)
}

function hllOperation(call: string, bin: string, { args = [], policy, ctx: steps }: RecordedOp): Operation | string {
  const flags = writeFlags(policy?.writeFlags ?? 0, 'allowFold')
  if (flags === undefined) return 'create and update at once'
  if (flags.allowFold === true && /^(init|add)$/.test(call)) return 'allowFold where nothing is folded'
  const options: Options = { ...context(steps), ...(/^(init|add|setUnion)$/.test(call) ? flags : {}) }
  const rest = args.map(decode)
  const shape = (at: number): Options => ({
    ...(rest[at] !== undefined && { indexBits: rest[at] }),
    ...(rest[at + 1] !== undefined && { minhashBits: rest[at + 1] }),
  })
  if (call === 'init') return made('hll', hll, call, bin, [], { ...options, ...shape(0) })
  if (call === 'add') return made('hll', hll, call, bin, rest.slice(0, 1), { ...options, ...shape(1) })
  return made('hll', hll, call, bin, rest, options)
}
