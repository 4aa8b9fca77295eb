// npm run differ -- --real 127.0.0.1:3000: seeded random commands, sent as bytes to a real server and to the embedded one.
//
//   --real HOST:PORT      the real server, of one node, with an in-memory namespace `test`; its set `differ` is used
//   --embedded HOST:PORT  an embedded cluster that runs already; one is started otherwise
//   --seeds 20            how many seeds, from --seed (1) on
//   --count 50000         how many cases for each seed
//   --only bits,paths     kinds of cases: see kinds.mjs
//   --case N              that one case of the seed, with all answers
//   --record FILE         keeps what the real server answered, in the form of __test__/corpus
//   --revive COMMAND      run when the real server is lost, which must be back when the command is done
//   --show 20             how many kinds of differences are made small and shown
//
// A case makes one record anew, runs a command on it and reads it: three or four requests, whose answers are compared byte
// for byte. The last line tells how many cases differ; those of listed.mjs are counted apart.
import { execSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { isDeadly } from './deadly.mjs'
import { comparableInfo, requests } from './frames.mjs'
import { formsOf } from './info.mjs'
import { forget, makeCase, names, prepare } from './kinds.mjs'
import { reasonFor } from './listed.mjs'
import { likeness, minimise } from './minimise.mjs'
import { Lost, Pair, Server } from './servers.mjs'

const AT_ONCE = 128
const root = join(import.meta.dirname, '..', '..')

const { values: options } = parseArgs({
  options: {
    real: { type: 'string' },
    embedded: { type: 'string' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '20' },
    count: { type: 'string', default: '50000' },
    only: { type: 'string' },
    case: { type: 'string' },
    show: { type: 'string', default: '20' },
    record: { type: 'string' },
    revive: { type: 'string' }
  }
})
const only = options.only?.split(',')
const unknown = only?.find(name => !names.includes(name))
if (options.real === undefined || unknown !== undefined) {
  console.error(unknown === undefined
    ? 'differ: compares with a real server; say where one is: npm run differ -- --real 127.0.0.1:3000'
    : `differ: there are no cases of kind '${unknown}', only ${names.join(', ')}`)
  process.exit(2)
}

async function startEmbedded () {
  const child = spawn(process.execPath, [join(root, 'bin', 'aerospike-napi.mjs'), 'local', '--nodes', '1'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  return { address: line.replace(/^ready /, ''), stop: () => child.kill('SIGTERM') }
}

const print = value => JSON.stringify(value, (_, part) => typeof part === 'bigint' ? `${part}n` : typeof part === 'number' && (!Number.isFinite(part) || Object.is(part, -0)) ? String(part) : part)

/** A difference as people read it: the case, then what each said where they part. */
function show ({ test, difference: { real, ours } }) {
  const at = real.findIndex((answer, i) => answer !== ours[i])
  console.log(`  ${print(test)}\n    real ${real[at]}\n    ours ${ours[at]}`)
}

const embedded = options.embedded === undefined ? await startEmbedded() : { address: options.embedded, stop () {} }
let pair = new Pair(await Server.open('the real server', options.real), await Server.open('the embedded server', embedded.address))

async function end (code) {
  if (pair.real.lost === undefined && pair.ours.lost === undefined) await askAll(forget)
  pair.close()
  embedded.stop()
  process.exit(code)
}

async function revive () {
  lost++
  execSync(options.revive, { stdio: 'inherit' })
  pair.close()
  pair = new Pair(await Server.open('the real server', options.real), await Server.open('the embedded server', embedded.address))
  await askAll(prepare)
  pair.real.kept = []
  return []
}

await askAll(prepare)
pair.real.kept = []
if (options.case !== undefined) {
  const test = makeCase(Number(options.seed), Number(options.case), only)
  console.log(print(test))
  const [difference] = await pair.compare([test])
  if (difference) show(await minimise(pair, test, difference, smaller => !isDeadly(smaller)))
  console.log(difference ? 'differs' : 'equal')
  await end(difference ? 1 : 0)
}

/** Asks both servers what cases rely on; that is kept too, but for what is waited for. */
async function askAll (steps) {
  for (const kind of new Set(only ?? names)) {
    const asked = (steps[kind]?.() ?? []).map(step => ({ ...step, ignored: step.info === undefined }))
    pair.real.kept = []
    const frames = requests({ steps: asked })
    await pair.ask(frames)
    if (options.record === undefined || frames.length === 0) continue
    const kept = frames.map((frame, i) => ({ req: [frame.toString('hex')], res: [], ignored: true })).filter((_, i) => asked[i].until === undefined)
    appendFileSync(options.record, `${JSON.stringify({ case: kind, steps: kept })}\n`)
  }
}

const found = new Map()
const listed = new Map()
let cases = 0
let differing = 0
let lost = 0

/** Whether an answer to a step can be kept: it says nothing that is of the one server, and is all there is. */
function canBeKept (step, frames) {
  if (step === undefined) return true
  if (step.until !== undefined || step.only !== undefined) return true
  const text = step.info === undefined ? '' : frames[0].subarray(8).toString('latin1')
  if (step.info !== undefined && (comparableInfo(frames[0].subarray(8)) !== text || formsOf(text) !== text)) return false
  return step.raw === undefined || frames.length === 1
}

/** What those who ask it again have to know of a step: that it is waited for, has an order of its own, or is on its own. */
function howToReplay ({ ignored, only, until, sorted, raw } = {}) {
  return { ...((ignored || only !== undefined) && { ignored: true }), ...(until !== undefined && { until: true }), ...(sorted && { sorted }), ...(raw !== undefined && { alone: true }) }
}

/** Keeps what was asked and answered; what cannot be compared again is still asked again, since others may rest on it. */
function record ({ kind, steps }, at, isEqual) {
  if (steps?.some(({ later }) => later !== undefined)) return
  const sent = pair.sent[at]
  const first = pair.sent.slice(0, at).reduce((sum, frames) => sum + frames.length, 0)
  const answers = pair.real.kept.slice(first, first + sent.length)
  const isKept = isEqual && sent.every((_, i) => canBeKept(steps?.[i], answers[i]))
  const hex = frames => frames.map(frame => frame.toString('hex'))
  const kept = sent.map((frame, i) => ({ req: hex([frame]), res: hex(answers[i]), ...(isKept ? {} : { ignored: true }), ...howToReplay(steps?.[i]) }))
  appendFileSync(options.record, `${JSON.stringify({ case: kind, steps: kept })}\n`)
}

/** Counts a difference with those like it, and keeps the first of them. */
function note (seed, number, test, difference) {
  const reason = reasonFor(test, difference)
  if (reason !== undefined) return listed.set(reason, (listed.get(reason) ?? 0) + 1)
  differing++
  const codes = test.ops.map(({ code, payload }) => `${code}/${Array.isArray(payload) ? payload[0] === 255 ? `255>${payload[2]?.[0]}` : Array.isArray(payload[0]) ? 'expression' : payload[0] : 'bytes'}`)
  const group = `${test.kind} ${test.ops.length > 1 ? 'several' : codes} ${test.filter === undefined ? '' : 'filter '}${likeness(difference)}`
  const kept = found.get(group) ?? { count: 0, seed, number, test, difference }
  kept.count++
  found.set(group, kept)
}

const [first, seeds, count] = [Number(options.seed), Number(options.seeds), Number(options.count)]
const started = performance.now()
try {
  for (let seed = first; seed < first + seeds; seed++) {
    for (let number = 0; number < count; number += AT_ONCE) {
      const tests = Array.from({ length: Math.min(AT_ONCE, count - number) }, (_, i) => makeCase(seed, number + i, only))
      const differences = await pair.compare(tests).catch(async error => {
        if (error instanceof Lost) {
          console.log(`${error.message}: --seed ${seed} --case ${number + error.at}: ${print(tests[error.at])}`)
          if (options.revive !== undefined && pair.real.lost !== undefined) return revive()
        }
        throw error
      })
      // a server may collect what has expired in between: that is another matter, and does not come twice
      if (tests.some(({ later }) => later !== undefined) && differences.some(Boolean)) {
        const again = await pair.compare(tests)
        differences.forEach((difference, i) => { if (difference && !again[i]) differences[i] = undefined })
      }
      differences.forEach((difference, i) => difference && note(seed, number + i, tests[i], difference))
      if (options.record !== undefined) tests.forEach((test, i) => record(test, i, differences[i] === undefined))
      pair.real.kept = []
      cases += tests.length
    }
  }
  const groups = [...found].sort(([, a], [, b]) => b.count - a.count)
  for (const [group, { count, seed, number, test, difference }] of groups.slice(0, Number(options.show))) {
    console.log(`${count} x ${group} (--seed ${seed} --case ${number})`)
    let smallest = { test, difference }
    try {
      await minimise(pair, test, difference, smaller => !isDeadly(smaller), better => { smallest = better })
    } catch (error) {
      if (!(error instanceof Lost) || options.revive === undefined || pair.real.lost === undefined) throw error
      console.log(`  ${error.message} when a smaller one was tried`)
      await revive()
    }
    show(smallest)
  }
  if (groups.length > Number(options.show)) console.log(`and ${groups.length - Number(options.show)} more kinds of differences`)
} catch (error) {
  if (!(error instanceof Lost)) throw error
  console.log(`${error.message} after ${cases} cases`)
  await end(2)
}
for (const [reason, count] of listed) console.log(`${count} listed: ${reason}`)
const seconds = ((performance.now() - started) / 1000).toFixed(0)
console.log(`${differing} of ${cases} cases differ in ${found.size} ways, seeds ${first} to ${first + seeds - 1}, ${seconds} s${lost > 0 ? `; ${lost} times the real server was lost` : ''}`)
await end(differing === 0 ? 0 : 1)
