// Who may use whom in the crates. The modules of a crate stand in floors, as the rooms of `src/` do: a module uses only modules
// above it in the table, and of those only the ones it names. Inside a folder the files beside one another form no ring either:
// what two of them need of one another belongs into a third. What a folder's own `mod.rs` defines is theirs to use. Pure functions
// of the files' texts, so that a test can plant a wrong `use`.

/** For each crate its modules, and for each of these the modules it may use. */
export const modules = {
  wire: {
    limits: [],
    particle: [],
    flags: [],
    result_code: [],
    error: [],
    digest: ['limits', 'particle'],
    field: [],
    op: ['particle'],
    proto: ['error', 'limits'],
    info: ['digest', 'error', 'limits', 'proto'],
    value: ['error', 'limits', 'particle'],
    message: ['error', 'field', 'flags', 'limits', 'op', 'particle', 'result_code'],
    transaction: ['field'],
    command: ['digest', 'field', 'flags', 'message', 'proto', 'result_code', 'transaction'],
    batch: ['digest', 'error', 'field', 'flags', 'limits', 'proto', 'message', 'command'],
    admin: ['error', 'limits', 'proto', 'result_code']
  },
  client: {
    concurrent: [],
    policy: [],
    command: ['policy'],
    error: ['command'],
    hedge: ['policy'],
    deadline: ['error'],
    retry: ['error'],
    metrics: ['command', 'error'],
    socket: ['error'],
    tls: ['error', 'socket'],
    security: ['deadline', 'error', 'socket', 'tls'],
    config: ['error', 'tls', 'security'],
    connection: ['command', 'deadline', 'error', 'retry', 'security', 'socket', 'tls', 'metrics'],
    settings: ['config', 'connection'],
    node: ['connection', 'error', 'metrics', 'hedge'],
    routing: ['command', 'error', 'node', 'policy'],
    cluster: ['concurrent', 'config', 'connection', 'deadline', 'error', 'node', 'retry', 'routing', 'security', 'settings', 'socket', 'tls', 'metrics', 'hedge'],
    admin: ['cluster', 'deadline', 'error', 'node', 'security', 'socket', 'metrics'],
    execute: ['cluster', 'command', 'connection', 'deadline', 'error', 'node', 'policy', 'retry', 'routing', 'metrics'],
    batch: ['cluster', 'command', 'connection', 'deadline', 'error', 'node', 'policy', 'retry', 'routing', 'socket', 'metrics'],
    query: ['cluster', 'command', 'concurrent', 'connection', 'deadline', 'error', 'node', 'policy', 'retry', 'routing', 'metrics'],
    transaction: ['cluster', 'command', 'error', 'execute', 'batch', 'policy', 'metrics'],
    inline: ['cluster', 'command', 'connection', 'deadline', 'error', 'execute', 'batch', 'node', 'policy'],
    snapshot: ['cluster', 'metrics', 'node'],
    client: [
      'admin', 'batch', 'cluster', 'command', 'concurrent', 'config', 'deadline', 'error', 'execute', 'inline', 'node', 'query', 'settings', 'socket', 'tls',
      'transaction', 'metrics', 'snapshot'
    ]
  },
  server: {
    clock: [],
    edition: [],
    modules: [],
    tls: [],
    options: ['edition', 'tls'],
    cdt: [],
    value: ['cdt'],
    exp: ['cdt', 'value'],
    sindex: ['cdt', 'exp', 'value'],
    store: ['clock', 'options', 'sindex'],
    command: ['cdt', 'clock', 'edition', 'exp', 'store', 'value'],
    transaction: ['cdt', 'clock', 'command', 'store'],
    security: ['command', 'edition', 'options'],
    cluster: ['clock', 'command', 'modules', 'options', 'security', 'sindex', 'store', 'tls'],
    query: ['cdt', 'clock', 'cluster', 'command', 'exp', 'security', 'sindex', 'store'],
    info: ['cdt', 'clock', 'cluster', 'exp', 'query', 'security', 'sindex', 'store', 'transaction'],
    service: ['clock', 'cluster', 'command', 'exp', 'info', 'query', 'security', 'store', 'transaction'],
    net: ['cluster', 'query', 'service', 'tls'],
    handle: ['clock', 'cluster', 'info', 'net', 'options', 'service', 'store']
  },
  node: {
    time: [],
    uv: [],
    notifier: ['uv'],
    layout: [],
    entry: ['layout'],
    completion: ['layout', 'time'],
    queue: ['completion', 'layout', 'notifier'],
    settlement: ['completion', 'entry', 'queue'],
    loop_events: ['uv'],
    callback: ['settlement'],
    loop_services: ['callback', 'loop_events', 'uv'],
    loop_services_absent: [],
    event_loop: ['loop_services'],
    inline_setup: ['settlement'],
    driver: ['callback', 'completion', 'inline_setup', 'loop_events', 'settlement', 'uv'],
    inline: ['driver', 'inline_setup'],
    config: [],
    handing_over: [],
    transaction: ['completion', 'entry', 'handing_over', 'settlement'],
    memory: [],
    metrics: ['config', 'time'],
    client: ['completion', 'config', 'entry', 'handing_over', 'inline', 'inline_setup', 'memory', 'metrics', 'notifier', 'queue', 'settlement', 'transaction'],
    aggregation: [],
    query: ['aggregation', 'client', 'completion', 'config'],
    security: ['client', 'completion', 'config'],
    cluster: ['completion']
  }
}

/** Rings of files that stand, and why. One that is no longer there, or has become larger, is a problem. */
export const rings = [
  {
    ring: 'server: ' + ['arithmetic', 'bits', 'call', 'compare', 'engine', 'eval', 'geo', 'logic', 'maps', 'opcodes', 'parse', 'path'].map(name => `exp/${name}`).join(', '),
    why: 'an operation has expressions as arguments: evaluating one evaluates others'
  }
]

/** The text without comments, texts and what is compiled for tests alone. */
const code = text => withoutTests(text
  .replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
  .replace(/b?"(?:[^"\\]|\\[\s\S])*"/g, '""'))

function withoutTests (text) {
  for (;;) {
    const found = /#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))?\s+)?(?:mod|fn|impl|use)\b[^;{]*/.exec(text)
    if (found === null) return text
    const end = found.index + found[0].length
    text = text.slice(0, found.index) + text.slice(text[end] === '{' ? closing(text, end) : end + 1)
  }
}

/** Where the block that opens at `at` is over. */
function closing (text, at) {
  let depth = 0
  for (let i = at; i < text.length; i++) {
    if (text[i] === '{') depth++
    if (text[i] === '}' && --depth === 0) return i + 1
  }
  return text.length
}

/** The paths that a tree of a `use` means, each as [path, name]: `a::{b, c::d as e}` has `a::b` and `a::c::d`, named `e`. */
function leaves (tree, before = []) {
  const text = tree.trim()
  const brace = text.indexOf('{')
  if (brace < 0) {
    const [path, name] = text.split(/\s+as\s+/)
    const parts = [...before, ...path.split('::').map(part => part.trim()).filter(part => part !== '')]
    const last = parts.at(-1)
    if (last === 'self') parts.pop()
    return parts.length === 0 ? [] : [[parts, name ?? parts.at(-1)]]
  }
  const head = text.slice(0, brace).split('::').map(part => part.trim()).filter(part => part !== '')
  return branches(text.slice(brace + 1, text.lastIndexOf('}'))).flatMap(branch => leaves(branch, [...before, ...head]))
}

/** What stands between the commas of the outermost level. */
function branches (text) {
  const parts = ['']
  let depth = 0
  for (const char of text) {
    if (char === '{') depth++
    if (char === '}') depth--
    if (char === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += char
  }
  return parts.filter(part => part.trim() !== '')
}

/** The module of a file as its names: `crates/x/src/a/mod.rs` and `crates/x/src/a.rs` are `['a']`, `lib.rs` is `[]`. */
function moduleOf (path) {
  const names = path.split('/').slice(3)
  const last = names.pop().replace(/\.rs$/, '')
  return last === 'mod' || (names.length === 0 && last === 'lib') ? names : [...names, last]
}

/** What each module of a crate says: the paths it uses, and the names it passes on. */
function read (crate, files) {
  const modules = new Map()
  for (const [path, text] of Object.entries(files)) {
    if (!path.startsWith(`crates/${crate}/src/`) || path.startsWith(`crates/${crate}/src/bin/`)) continue
    const module = { path, names: moduleOf(path), uses: [], passes: new Map(), children: new Set() }
    const rest = code(text).replace(/\bpub\([^)]*\)/g, 'pub').replace(/(pub\s+)?use\s+([^;]+);/g, (_, visibility, tree) => {
      for (const [used, name] of leaves(tree)) {
        if (visibility === undefined) module.uses.push(used)
        else module.passes.set(name, used)
      }
      return ''
    })
    for (const [, child] of rest.matchAll(/\bmod\s+(\w+)\s*[;{]/g)) module.children.add(child)
    for (const [found] of rest.matchAll(/\b(?:crate|super|self)(?:::\w+)+/g)) module.uses.push(found.split('::'))
    for (const child of module.children) {
      for (const [found] of rest.matchAll(new RegExp(`(?<![\\w:.])${child}(?:::\\w+)+`, 'g'))) module.uses.push(found.split('::'))
    }
    modules.set(module.names.join('::'), module)
  }
  return modules
}

/** The module that has what a path means, seen from `from`; undefined for what is not of this crate. */
function target (modules, from, path, depth = 0) {
  let [at, rest] = [undefined, path]
  if (path[0] === 'crate') [at, rest] = [[], path.slice(1)]
  else if (path[0] === 'self') [at, rest] = [from.names, path.slice(1)]
  else if (path[0] === 'super') [at, rest] = [from.names, path]
  else if (from.children.has(path[0])) [at, rest] = [from.names, path]
  if (at === undefined) return undefined
  while (rest[0] === 'super') [at, rest] = [at.slice(0, -1), rest.slice(1)]
  for (;;) {
    const module = modules.get(at.join('::'))
    if (module === undefined) return undefined
    if (rest.length > 0 && modules.has([...at, rest[0]].join('::'))) {
      [at, rest] = [[...at, rest[0]], rest.slice(1)]
    } else if (rest.length > 0 && module.passes.has(rest[0]) && depth < 8) {
      return target(modules, module, [...module.passes.get(rest[0]), ...rest.slice(1)], depth + 1)
    } else {
      return module
    }
  }
}

/** Arrows from file to file: [from, to], each as the names of a module. What a file passes on is no arrow. */
export function fileArrows (crate, files) {
  const modules = read(crate, files)
  return [...modules.values()].flatMap(from => from.uses
    .map(path => target(modules, from, path))
    .filter(to => to !== undefined && to !== from)
    .map(to => [from, to]))
}

const reported = (list, text) => [...new Set(list)].map(text)

/** Rows of a table that name a module which does not stand above theirs: the floors have no way back. */
export function tableProblems (table = modules) {
  return Object.entries(table).flatMap(([crate, rows]) => {
    const names = Object.keys(rows)
    return names.flatMap((module, floor) => rows[module]
      .filter(other => !names.slice(0, floor).includes(other))
      .map(other => `the table of modules lets ${module} use ${other}, which does not stand above it in ${crate}`))
  })
}

/** What is wrong with who uses whom, and modules that no row is about. A module without a use has none that could be wrong. */
function moduleProblems (crate, files) {
  const rows = modules[crate]
  const known = new Set(Object.keys(files).filter(path => path.startsWith(`crates/${crate}/src/`) && !/\/src\/(bin\/|lib\.rs)/.test(path))
    .map(path => moduleOf(path)[0]))
  const missing = [...known].filter(name => rows[name] === undefined)
  const wrong = fileArrows(crate, files)
    .filter(([from, to]) => from.names.length > 0 && to.names.length > 0 && from.names[0] !== to.names[0])
    .filter(([from, to]) => rows[from.names[0]]?.includes(to.names[0]) === false)
  return [
    ...missing.map(name => `the module ${name} of crates/${crate} is not in the table of scripts/modules.mjs`),
    ...reported(wrong.map(([from, to]) => `${from.path} uses ${to.names.join('::')}: ${from.names[0]} must not know ${to.names[0]}`), text => text)
  ]
}

/** The rings that files beside one another in a folder form, a folder beside them being one of them: sorted paths, joined. */
function ringsOf (crate, files) {
  const folders = new Map()
  for (const [from, to] of fileArrows(crate, files)) {
    const shared = from.names.findIndex((name, at) => name !== to.names[at])
    // one inside of the other: that is the folder's own file
    if (shared < 1 || to.names.length <= shared) continue
    const folder = from.names.slice(0, shared).join('/')
    const arrows = folders.get(folder) ?? folders.set(folder, new Map()).get(folder)
    const place = names => [folder, names[shared]].join('/')
    const targets = arrows.get(place(from.names)) ?? arrows.set(place(from.names), new Set()).get(place(from.names))
    targets.add(place(to.names))
  }
  return [...folders.values()].flatMap(arrows => components(arrows).map(ring => `${crate}: ${ring.sort().join(', ')}`))
}

/** Sets of more than one place from each of which every other can be reached. */
function components (arrows) {
  const reached = new Map([...arrows.keys()].map(from => [from, reachable(arrows, from)]))
  const found = new Map()
  for (const [from, places] of reached) {
    if (!places.has(from)) continue
    const ring = [...places].filter(place => reached.get(place)?.has(from))
    if (ring.length > 1) found.set(ring.sort().join(), ring)
  }
  return [...found.values()]
}

function reachable (arrows, from) {
  const places = new Set()
  const open = [...arrows.get(from)]
  while (open.length > 0) {
    const place = open.pop()
    if (places.has(place)) continue
    places.add(place)
    open.push(...(arrows.get(place) ?? []))
  }
  return places
}

function ringProblems (files) {
  const found = Object.keys(modules).flatMap(crate => ringsOf(crate, files))
  const known = rings.map(({ ring }) => ring)
  return [
    ...found.filter(ring => !known.includes(ring)).map(ring => `these use one another in a ring, in ${ring}`),
    ...known.filter(ring => !found.includes(ring)).map(ring => `scripts/modules.mjs has a ring that is not there: ${ring}`)
  ]
}

/** What is wrong in `files`, an object of texts by path from the root of the repository. */
export const problems = files => [
  ...tableProblems(),
  ...Object.keys(modules).flatMap(crate => moduleProblems(crate, files)),
  ...ringProblems(files)
]
