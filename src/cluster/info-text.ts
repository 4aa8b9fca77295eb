// The lists of `name=value` that info commands answer with (protocol 4.6).

/** What a node says of something: settings and counters by name, as it calls them. */
export interface Statistics {
  readonly [name: string]: string | number | boolean
}

/** Values that only look like numbers. */
const TEXTS = new Set(['cluster_key', 'cluster_principal', 'paxos_principal', 'cluster-name', 'node-id'])

/** A list of `name=value`. Names may repeat: the last one counts. */
export function readPairs(text: string, separator: string): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const pair of text.split(separator)) {
    const at = pair.indexOf('=')
    if (at > 0) pairs.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return pairs
}

/** A list of `name=value` with numbers and flags as such. */
export function readStatistics(text: string, separator: string): Statistics {
  return Object.fromEntries([...readPairs(text, separator)].map(([name, value]) => [name, readValue(name, value)]))
}

function readValue(name: string, text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  if (TEXTS.has(name) || !/^-?\d{1,17}(\.\d{1,17})?$/.test(text)) return text
  const value = Number(text)
  // What a number has no form for stays as it is: 64-bit counters, and identifiers with a zero in front.
  if (text.includes('.')) return value
  return Number.isSafeInteger(value) && String(value) === text ? value : text
}

/** A counter; 0 when it is not there. */
export function counter(statistics: Statistics, ...names: readonly string[]): number {
  for (const name of names) {
    const value = statistics[name]
    if (typeof value === 'number') return value
  }
  return 0
}

/** The sum of a counter over nodes. */
export function total(nodes: Iterable<Statistics>, ...names: readonly string[]): number {
  let sum = 0
  for (const statistics of nodes) sum += counter(statistics, ...names)
  return sum
}
