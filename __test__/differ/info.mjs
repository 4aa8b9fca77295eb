// Info commands: every command with parameters that are right, wrong, missing, doubled, too long or of another command, a few in
// one request. What a command answers that is of the one server (times, memory, addresses) is told by its form.

const NAMESPACES = ['test', 'bar', 'nope', '', 'n'.repeat(31), 'n'.repeat(32), 'Test']
const SETS = ['differ', 'nosuch', '', 's'.repeat(63), 's'.repeat(64), 'a set']
const namespace = r => r.oneIn(3) ? r.pick(NAMESPACES) : 'test'
const set = r => r.pick(SETS)
const flag = r => r.pick(['true', 'false', 'yes', '', 'TRUE', '1', 'f'.repeat(r.pick([5, 6, 49, 50, 99, 100]))])
const number = r => r.pick(['0', '1', '2', '5', '-1', '+1', 'abc', '', '1x', ' 1', '0x10', '010', '08', '4294967295', '4294967296', '18446744073709551616', '99999', '1.5', '123456789012345678901234567'])
const word = r => r.pick(['x', '', 'read', 'a b', 'é', 'x'.repeat(r.pick([31, 32, 99, 100, 255, 256, 1023, 1024]))])
const indexName = r => r.pick(['nosuch', '', 'i'.repeat(63), 'i'.repeat(64), 'a:b'])
const digest = r => r.pick(['', '00', '0'.repeat(40), 'f'.repeat(39), 'F'.repeat(41), 'zz'.repeat(20), '0x'.repeat(20)])
const context = r => r.pick(['service', 'network', 'namespace', 'security', 'xdr', 'logging', 'mod-lua', 'foo', '', 'Service', 'c'.repeat(1024)])
const histogram = r => r.pick(['{test}-read', '{test}-write', '{bar}-udf', '{nope}-read', '{test}', '{test-read', 'read', 'info', 'batch-index', '{test}-', '{test}-foo', '{test}read', '{}-read', '', '{test}-pi-query', '{test}-benchmarks-read', 'benchmarks-fabric', '{test}-benchmarks-ops-sub', '{test}-read-touch', 'h'.repeat(60), '{test}-batch-sub-udf'])
const FUNCTION = 'function f(rec) return 1 end'
const content = r => r.pick([btoa(FUNCTION), btoa('x ='), '', 'YQ', 'YQ=', 'Y Q==', '====', btoa('return 1'), btoa('-- nothing')])
const file = r => r.pick(['differ_a.lua', 'differ_b.lua', 'differ_c.txt', 'differ', '', '.lua', 'a/b.lua', 'd'.repeat(r.pick([120, 123, 124, 127, 128])) + '.lua', 'dé.lua'])
const length = r => r.pick(['', '0', '4', String(btoa(FUNCTION).length), 'abc', '-1', '40'])
const agent = r => r.pick(['MSxjLTcuNS4wLG15YXBw', '', 'x', 'MSxhLWIsYw==', 'MixhLWIsYw==', 'MSxhLWI=', 'a'.repeat(300)])

/** Names, parameters, and whether they are told by their form only. */
const COMMANDS = [
  ['best-practices', {}, 'form'], ['build', {}], ['build_arch', {}], ['build_ee_sha', {}], ['build_os', {}, 'form'], ['build_sha', {}, 'form'],
  ['cluster-name', {}, 'form'], ['cluster-stable', { size: number, 'ignore-migrations': flag, namespace }, 'form'],
  ['compatibility-id', {}], ['connection', {}, 'form'], ['config-get', { context, namespace }, 'form'],
  ['debug-record', { namespace, keyd: digest, mode: r => r.pick(['pickle', 'raw', 'raw-encrypted', 'foo', '']) }, 'form'],
  ['debug-record-meta', { namespace, keyd: digest }, 'form'], ['digests', {}], ['dump-cluster', { verbose: flag }], ['dump-fabric', { verbose: flag }],
  ['dump-hb', { verbose: flag }], ['dump-hlc', { verbose: flag }], ['dump-migrates', { verbose: flag }], ['dump-rw', {}], ['dump-skew', {}],
  ['dump-wb-summary', { namespace, ns: namespace, verbose: flag }], ['edition', {}], ['endpoints', {}, 'form'], ['eviction-reset', { namespace, ttl: r => r.pick(['', 'abc', '0', 'x'.repeat(12)]) }],
  ['feature-key', {}], ['features', {}], ['get-config', { context, namespace, id: namespace }, 'form'], ['get-sl', {}, 'form'],
  ['get-stats', { context, dc: word }], ['health-outliers', {}, 'form'], ['health-stats', {}, 'form'], ['help', {}],
  ['histogram', { namespace, type: r => r.pick(['ttl', 'object-size', 'object-size-linear', 'foo', '', 'TTL']), set }, 'form'], ['index-pressure', {}, 'form'],
  ['jem-stats', { options: word, sites: r => r.pick(['', 'x'.repeat(100)]) }], ['latencies', { hist: histogram }, 'form'],
  ['log', {}], ['log-message', { who: word, message: word }], ['log-set', { id: number, misc: r => r.pick(['info', 'foo', '', 'INFO', 'warning']) }], ['logs', {}, 'form'],
  ['masking', {}], ['masking-show', {}], ['mcast', {}], ['mesh', {}, 'form'], ['name', {}], ['namespace', {}, 'form'], ['namespaces', {}], ['node', {}], ['objects', {}, 'form'],
  ['partition-generation', {}, 'form'], ['partition-info', {}, 'form'], ['partitions', {}], ['peers-clear-alt', {}, 'form'], ['peers-clear-std', {}, 'form'],
  ['peers-generation', {}, 'form'], ['peers-tls-std', {}], ['physical-devices', { path: word }], ['query-abort', { id: number, trid: number }], ['query-abort-all', {}],
  ['query-show', { id: number, trid: number }, 'form'], ['quiesce', {}], ['quiesce-undo', {}], ['rack-ids', {}], ['racks', { namespace }], ['rebalance-generation', {}, 'form'],
  ['recluster', {}], ['release', {}, 'form'], ['replicas', { max: number }], ['replicas-all', {}], ['replicas-master', {}], ['revive', { namespace }], ['roster', { namespace }],
  ['roster-set', { namespace, nodes: word }], ['service', {}, 'form'], ['service-clear-alt', {}], ['service-clear-std', {}], ['service-tls-std', {}],
  ['services', {}], ['services-alternate', {}], ['services-alumni', {}], ['services-alumni-reset', {}],
  ['set-config', { context, namespace, id: namespace, 'default-ttl': r => r.pick(['', '0', 'abc', '-1', '1x', '11y']), foo: word }], ['set-log', { id: number, rw: r => r.pick(['info', 'foo', '']) }],
  ['sets', {}, 'form'], ['sindex', {}], ['sindex-delete', { namespace, ns: namespace, indexname: indexName, set }], ['sindex-exists', { namespace, ns: namespace, indexname: indexName }],
  ['sindex-list', { namespace, ns: namespace, b64: flag }], ['sindex-stat', { namespace, ns: namespace, indexname: indexName }],
  ['smd-info', {}, 'form'], ['smd-show', { module: r => r.pick(['sindex', 'UDF', 'udf', 'truncate', 'evict', 'roster', 'security', 'XDR', 'masking', 'foo', '', 'm'.repeat(9)]) }, 'form'],
  ['statistics', {}, 'form'], ['status', {}], ['tip', { host: word, port: r => r.pick(['abc', '', '1x', 'p'.repeat(50)]), tls: flag }],
  ['tip-clear', { 'host-port-list': r => r.pick(['', 'foo', 'a:1', 'a:1,b:2', 'a:x', ',', 'a:1:2', 'a:']) }],
  ['truncate', { namespace, set, lut: r => r.pick(['', 'abc', '0', '1', '-1', '99999999999999999999999', '1'.repeat(24), '9999999999999999999', '1000000000000000000', '12x']) }],
  ['truncate-namespace', { namespace: r => r.pick(NAMESPACES), set, lut: r => r.pick(['', 'abc', '0', '99999999999999999999999']) }],
  ['truncate-namespace-undo', { namespace, set, lut: number }], ['truncate-undo', { namespace, set, lut: number }], ['udf-clear-cache', {}],
  ['udf-get', { filename: file }], ['udf-list', {}], ['udf-put', { filename: file, content, 'content-len': length, 'udf-type': r => r.pick(['LUA', 'PYTHON', '', 'lua']) }],
  ['udf-remove', { filename: file, udf: word }], ['user-agent-set', { value: agent }], ['user-agents', {}, 'form'], ['version', {}],
  ['xdr-dc-state', { dc: word }], ['xdr-get-filter', { dc: word }], ['xdr-set-filter', { dc: word }], ['nosuch', { x: word }], ['bins', {}], ['latency', {}], ['throughput', {}],
  ['scan-abort', { id: number }], ['jobs', {}], ['hist-dump', { ns: namespace }], ['', {}], ['c'.repeat(200), {}], ['Build', {}]
]
const ALL_PARAMETERS = Object.assign({}, ...COMMANDS.map(([, parameters]) => parameters))
/** Commands whose answers a real server puts together now and then, so that they are not about the moment. */
const LATE = new Set(['user-agents'])
const FORMS = new Set(COMMANDS.filter(([, , how]) => how === 'form').map(([name]) => name))

/** Reading a module without a name is reading the folder of modules, which a real server does not survive. */
const isDeadly = line => /^udf-get.*filename=(\.{0,2})(;|$)/.test(line)

/** Parameters that change a server for good, write files, or let it form its cluster anew, which takes a while. */
const isHarmful = line => isDeadly(line) || line.startsWith('recluster') || /^truncate-namespace:.*namespace=(test|bar)(;|$)/.test(line) || /file=/.test(line.replace('filename=', '')) || /^tip:.*port=\d/.test(line)

function parameters (r, known) {
  const given = Object.entries(known).filter(() => !r.oneIn(5)).map(([name, make]) => `${name}=${make(r)}`)
  if (r.oneIn(10)) {
    const [name, make] = r.pick(Object.entries(ALL_PARAMETERS))
    given.push(`${name}=${make(r)}`)
  }
  if (r.oneIn(15) && given.length > 0) given.push(r.pick(given))
  if (r.oneIn(12)) given.splice(r.below(given.length + 1), 0, r.pick(['', 'x', '=', '=x', 'a=b=c', 'namespace', ' namespace=test', 'NAMESPACE=test']))
  if (r.oneIn(4)) given.reverse()
  return given.join(r.oneIn(40) ? r.pick([';;', ',', '&', ':']) : ';') + (r.oneIn(15) ? ';' : '')
}

function line (r) {
  for (;;) {
    const [name, known] = r.pick(COMMANDS)
    const made = r.weighted([
      [8, () => `${name}:${parameters(r, known)}`],
      [3, () => name],
      [2, () => `${name}/${r.pick(['test', 'nope', 'test/differ', 'test/nosuch', '0', '1', '0/rw', '0/foo', 'x', '', 'test/', '/', 'bar/'])}`],
      [1, () => `${name}${r.pick([';', '::', ' ', '/:', ':;', '\u0000', '\t', '\r', '=', ':/'])}${r.oneIn(2) ? parameters(r, known) : ''}`]
    ])
    if (!isHarmful(made)) return made
  }
}

export function info (r) {
  // a request of nothing is answered with what a real server tells by default, unless more is there to be read already
  if (r.oneIn(80)) return { bins: {}, ops: [], steps: [{ info: [], until: '^features\\t.*\nnode\\t' }] }
  return { bins: {}, ops: [], steps: [{ info: r.many(1, 4, () => line(r)), forms: true }] }
}

const ERROR = /^(ERROR|FAIL|error|ok|type=|ns_type=|false|true|$)/

/** Lines of an answer; of those that tell about their server, only whether they do is kept. */
export const formsOf = text => text.split('\n').map(one => {
  const tab = one.indexOf('\t')
  const [name] = one.split(/[/:;\t]/)
  if (tab >= 0 && LATE.has(name)) return one.slice(0, tab)
  return tab >= 0 && FORMS.has(name) && !ERROR.test(one.slice(tab + 1)) ? `${one.slice(0, tab)}\ttells` : one
}).join('\n')
