// Who may import whom in TypeScript. The rooms of `src/` stand in floors: a room imports only from rooms above it in this
// table, and of those only the ones it names. Pure functions of the files' texts, so that a test can plant a wrong import.

import { posix } from 'node:path'
import { entries as names } from './entries.mjs'

const ground = ['identity', 'key', 'lazy', 'limits', 'protocol', 'host', 'time-slice']
const records = [...ground, 'channels', 'errors', 'checks', 'values', 'boundary']
const controlPlane = [...ground, 'channels', 'errors', 'checks', 'values', 'operations', 'options', 'boundary']
const requests = [...records, 'options', 'operations', 'expressions', 'records']
const commands = [...requests, 'cluster', 'requests', 'batch', 'query']

/** For each room of `src/` the rooms it may import. A file beside the rooms is a room of its own. */
export const rooms = {
  identity: [],
  key: [],
  lazy: [],
  limits: [],
  protocol: [],
  host: [],
  'time-slice': ['host'],
  channels: ['host'],
  errors: ['identity', 'key', 'host'],
  checks: ['errors', 'limits'],
  values: ['identity', 'errors', 'checks', 'limits'],
  operations: ['identity', 'errors', 'checks', 'values', 'limits', 'protocol'],
  options: ['host', 'errors', 'checks', 'values', 'limits', 'protocol'],
  boundary: [...ground, 'channels', 'errors', 'values', 'options'],
  expressions: ['identity', 'errors', 'checks', 'values', 'operations', 'limits', 'protocol'],
  records,
  cluster: controlPlane,
  security: [...controlPlane, 'cluster'],
  requests,
  batch: [...requests, 'requests'],
  query: [...requests, 'cluster', 'requests'],
  commands,
  transactions: [...commands, 'commands'],
  session: [...commands.filter(room => room !== 'boundary' && room !== 'requests'), 'commands', 'transactions'],
  telemetry: [...ground, 'channels', 'errors', 'checks', 'options', 'boundary'],
  local: [...ground, 'errors', 'checks', 'boundary', 'telemetry'],
  client: [...commands, 'security', 'commands', 'transactions', 'session', 'telemetry'],
  opentelemetry: ['channels'],
  adapters: [...ground, 'errors', 'checks'],
  tools: [...ground, 'errors', 'checks', 'cluster', 'client']
}

/** Rooms that import of others only what the package exports, as a stranger's package could; the rooms in the list apart. */
const outsiders = { session: [...ground, 'errors', 'checks', 'transactions'], adapters: [...ground, 'errors', 'checks'] }

/** Packages that are there if the user installed them, and the one room that asks for each. */
const optionalPeers = { yaml: 'options', '@opentelemetry/api': 'opentelemetry' }

/** The only room that loads the addon, and those that know its types, under the name that package.json gives them. */
const addonRoom = 'boundary'
const addonTypes = { name: '#binding', rooms: [addonRoom, 'host'] }

const entries = names.map(name => `${name}.ts`)

const importsOf = text => [...text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '').matchAll(/(?<!['"])\b(?:from|import|require)\s*\(?\s*['"]([^'"]+)['"]/g)].map(match => match[1])

/** The file that a relative import means. */
const targetOf = (path, name) => posix.join(posix.dirname(path), name).replace(/\.js$/, '.ts')

/** The room of a file of `src/`. */
const roomOf = path => path.split('/')[1].replace(/\.ts$/, '')

/** Rows of the table that name a room which does not stand above theirs: the floors have no way back. */
export function tableProblems (table = rooms) {
  const names = Object.keys(table)
  return names.flatMap((room, floor) => table[room]
    .filter(other => !names.slice(0, floor).includes(other))
    .map(other => `the table of rooms lets ${room} import ${other}, which does not stand above it`))
}

/** What is wrong with the imports of `files`, an object of texts by path from the root of the repository. */
export function importProblems (files) {
  const exported = new Set(entries.flatMap(entry => importsOf(files[entry] ?? '').map(name => targetOf(entry, name))))
  return Object.entries(files).flatMap(([path, text]) => importsOf(text).flatMap(name => {
    const problem = entries.includes(path) ? entryProblem(name) : sourceProblem(path, name, exported)
    return problem === undefined ? [] : [`${path} imports ${name}: ${problem}`]
  }))
}

function entryProblem (name) {
  return name.startsWith('./src/') ? undefined : 'an entry re-exports src and nothing else'
}

function sourceProblem (path, name, exported) {
  const room = roomOf(path)
  const allowed = rooms[room]
  if (allowed === undefined) return `the room ${room} is not in the table of scripts/rooms.mjs`
  if (/binding\.cjs$/.test(name)) return room === addonRoom ? undefined : `only src/${addonRoom} imports the addon`
  if (name === addonTypes.name) return addonTypes.rooms.includes(room) ? undefined : `only ${addonTypes.rooms.join(' and ')} know the addon`
  if (name.startsWith('node:')) return undefined
  if (optionalPeers[name] === room) return undefined
  if (!name.startsWith('.')) return 'the product has no dependencies'
  const target = targetOf(path, name)
  if (!target.startsWith('src/')) return 'src imports nothing from outside of it'
  const other = roomOf(target)
  if (other === room) return undefined
  if (!allowed.includes(other)) return `${room} must not know ${other}`
  if (outsiders[room]?.includes(other) === false && !exported.has(target)) return `${room} imports of ${other} only what the package exports`
  return undefined
}

/** Rooms that no row of the table is about. A room without imports has no import that could be wrong. */
export function roomProblems (files) {
  const found = new Set(Object.keys(files).filter(path => path.startsWith('src/')).map(roomOf))
  return [...found].filter(room => rooms[room] === undefined).map(room => `the room ${room} is not in the table of scripts/rooms.mjs`)
}

/** Whether an import statement has nothing but types: it is not there when the program runs. */
const isOfTypes = statement => /^(?:import|export)\s+type\b/.test(statement) ||
  (/^import\s*\{/.test(statement) && statement.slice(statement.indexOf('{') + 1, statement.indexOf('}')).split(',').every(name => /^\s*(?:type\s|$)/.test(name)))

/** The files that a file loads. */
const loads = (path, text) => [...text.matchAll(/^(?:import|export)\s[^'"]*?from\s*'(\.[^']+)'/gm)]
  .filter(([statement]) => !isOfTypes(statement))
  .map(match => targetOf(path, match[1]))

/** Rings of files that load one another: which of them is ready first depends on who is asked first. Types may go in rings. */
export function ringProblems (files) {
  const state = new Map()
  const rings = []
  const visit = (path, above) => {
    if (state.get(path) === 'done') return
    const at = above.indexOf(path)
    if (at >= 0) {
      rings.push([...above.slice(at), path].join(' -> '))
      return
    }
    for (const target of loads(path, files[path] ?? '')) visit(target, [...above, path])
    state.set(path, 'done')
  }
  for (const path of Object.keys(files)) visit(path, [])
  return rings.map(ring => `these load one another in a ring: ${ring}`)
}

export const problems = files => [...tableProblems(), ...roomProblems(files), ...importProblems(files), ...ringProblems(files)]
