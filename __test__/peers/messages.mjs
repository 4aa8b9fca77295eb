// Messages of the protocol as text, field by field: what two clients send can be compared so.

const FIELDS = {
  0: 'namespace', 1: 'set', 2: 'key', 3: 'version', 4: 'digest', 5: 'transaction', 6: 'deadline', 9: 'socket timeout',
  40: 'operations of a query', 41: 'batch', 42: 'batch', 43: 'filter'
}
const FLAGS = {
  info1: ['read', 'all bins', 'short query', 'batch', 'xdr', 'no bins', '0x40', 'compress'],
  info2: ['write', 'delete', 'generation', 'generation gt', 'durable delete', 'create only', 'relax ap', 'respond all ops'],
  info3: ['last', 'commit master', 'partition done', 'update only', 'create or replace', 'replace only', 'sc type', 'sc relax'],
  info4: ['verify', 'roll forward', 'roll back', 'monitor driven', 'on locking only', '0x20', '0x40', '0x80']
}
const OPS = { 1: 'read', 2: 'write', 3: 'list or map read', 4: 'list or map', 5: 'add', 9: 'append', 10: 'prepend', 11: 'touch', 14: 'delete' }
const MONITORS = '<ERO~MRT'
const REPEAT = 1
const ROW = { info: 2, generation: 4, ttl: 8, info4: 16 }

const flags = (name, byte) => FLAGS[name].filter((_, bit) => byte & (1 << bit)).join('+') || '-'

function readFields (body, at, count) {
  const fields = []
  for (let i = 0; i < count; i++) {
    const size = body.readUInt32BE(at)
    fields.push([body[at + 4], body.subarray(at + 5, at + 4 + size)])
    at += 4 + size
  }
  return [fields, at]
}

function readOps (body, at, count) {
  const ops = []
  for (let i = 0; i < count; i++) {
    const size = body.readUInt32BE(at)
    const nameSize = body[at + 7]
    const name = body.toString('utf8', at + 8, at + 8 + nameSize)
    const value = body.subarray(at + 8 + nameSize, at + 4 + size)
    ops.push(`op ${OPS[body[at + 4]] ?? body[at + 4]} "${name}" type ${body[at + 5]}: ${value.toString('hex')}`)
    at += 4 + size
  }
  return [ops, at]
}

/** Fields as lines. `names` gives words for what differs from run to run: ids, deadlines, versions, digests. */
function showFields (fields, names) {
  const isMonitor = fields.some(([type, data]) => type === 1 && data.toString() === MONITORS)
  return fields.filter(([type]) => FIELDS[type] !== 'batch').map(([type, data]) => {
    const name = FIELDS[type] ?? `field ${type}`
    if (name === 'namespace' || name === 'set') return `${name}: ${data}`
    if (isMonitor && name === 'digest') return 'digest: of the monitor'
    return `${name}: ${names(name, data)}`
  })
}

function readRows (data, names) {
  const lines = [`batch: ${data.readUInt32BE(0)} rows, flags ${data[4]}`]
  let at = 5
  while (at < data.length) {
    const digest = data.subarray(at + 4, at + 24)
    const flag = data[at + 24]
    at += 25
    lines.push(`row ${names('digest', digest)}: flags ${flag & REPEAT ? 'repeat' : Object.keys(ROW).filter(key => flag & ROW[key]).join('+')}`)
    if (flag & REPEAT) continue
    const info = [`info1 ${flags('info1', data[at++])}`]
    if (flag & ROW.info) info.push(`info2 ${flags('info2', data[at++])}`, `info3 ${flags('info3', data[at++])}`)
    if (flag & ROW.info4) info.push(`info4 ${flags('info4', data[at++])}`)
    if (flag & ROW.generation) at += info.push(`generation ${data.readUInt16BE(at)}`) && 2
    if (flag & ROW.ttl) at += info.push(`ttl ${data.readUInt32BE(at)}`) && 4
    const [fieldCount, opCount] = [data.readUInt16BE(at), data.readUInt16BE(at + 2)]
    const [fields, afterFields] = readFields(data, at + 4, fieldCount)
    const [ops, end] = readOps(data, afterFields, opCount)
    lines.push(...info.map(line => `  ${line}`), ...showFields(fields, names).map(line => `  ${line}`), ...ops.map(line => `  ${line}`))
    at = end
  }
  return lines
}

/** A request as lines, a field on each. */
export function showRequest (body, names) {
  const lines = ['info1', 'info2', 'info3', 'info4'].map((name, i) => `${name}: ${flags(name, body[[1, 2, 3, 4][i]])}`)
  lines.push(`generation: ${body.readUInt32BE(6)}`, `ttl: ${body.readUInt32BE(10)}`, `timeout: ${body.readUInt32BE(14)}`)
  const [fields, at] = readFields(body, 22, body.readUInt16BE(18))
  lines.push(...showFields(fields, names))
  for (const [type, data] of fields) if (FIELDS[type] === 'batch') lines.push(...readRows(data, names))
  lines.push(...readOps(body, at, body.readUInt16BE(20))[0])
  return lines
}

/** What a request is for, in a word or two. */
export function purpose (body) {
  const [fields] = readFields(body, 22, body.readUInt16BE(18))
  const set = fields.find(([type]) => type === 1)?.[1].toString()
  if (fields.some(([type]) => FIELDS[type] === 'batch')) {
    const rows = showRequest(body, () => '').join(' ')
    const kind = ['verify', 'roll forward', 'roll back'].find(kind => rows.includes(`info4 ${kind}`))
    return `batch: ${kind ?? (rows.includes('info2 write') ? 'writes' : 'reads')}`
  }
  const kind = ['verify', 'roll forward', 'roll back'].find((_, bit) => body[4] & (1 << bit))
  if (kind !== undefined) return kind
  if (set === MONITORS) return body[2] & 2 ? 'monitor: remove' : body.includes('fwd') ? 'monitor: mark' : 'monitor: list'
  return body[2] & 2 ? 'remove' : body[2] & 1 ? 'write' : 'read'
}
