// Modules of user-defined functions: what is sent to register, await and remove them, and how answers are read.

import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AbortError,
  InvalidArgumentError,
  LuaFileNotFoundError,
  TimeoutError,
  UdfCompileError,
  UdfNotFoundError,
} from 'aerospike-napi'
import test from 'ava'
import { corpus } from './support/corpus.mjs'
import { infoFake } from './support/info.mjs'

const freshModule = (): string => `m${randomBytes(8).toString('hex')}`

test('what cannot be a module is refused before anything is sent', async (t) => {
  const { client: fake, sent } = infoFake(() => '')
  const wrong: [unknown, RegExp][] = [
    [{ name: 'empty', source: '' }, /the source of the module is empty/],
    [undefined, /expected \{ file \} or/],
    [{}, /expected either/],
    [{ file: 'a.lua', source: 'x' }, /expected either/],
    [{ file: 7 }, /file must be a path/],
    [{ source: 'x' }, /name of the module must be a name/],
    [{ source: 5, name: 'x' }, /source must be text or bytes, not 5/],
    [{ source: 'x', name: 'a;b' }, /has a character/],
    [{ source: 'x', name: '../x' }, /cannot be the name/],
    [{ source: 'x', name: '.lua' }, /cannot be the name/],
    [{ source: 'x', name: 'x'.repeat(124) }, /at most 127 bytes, not 128/],
    [{ source: Buffer.alloc(1024 * 1024 + 1), name: 'x' }, /at most 1048576 bytes/],
    [{ sauce: 'x', name: 'x' }, /did you mean 'source'/],
  ]
  for (const [source, message] of wrong) {
    await t.throwsAsync(fake.udf.register(source as never), { instanceOf: InvalidArgumentError, message })
  }
  await t.throwsAsync(fake.udf.get(''), { instanceOf: InvalidArgumentError })
  await t.throwsAsync(fake.udf.remove(7 as never), { instanceOf: InvalidArgumentError })
  const missing = await t.throwsAsync(fake.udf.register({ file: join(tmpdir(), freshModule()) }), {
    instanceOf: LuaFileNotFoundError,
  })
  t.is(missing?.code, 1302)
  t.deepEqual(sent, [])
})

interface Recorded {
  steps: { call: string; file?: string; module?: string; error?: number; info?: [string, string][] }[]
}

test('modules are registered and removed with the commands that were recorded', async (t) => {
  const answers = new Map<string, string>()
  const wanted: string[] = []
  const { client: fake, sent } = infoFake(
    (command) => answers.get(command) ?? (command === 'udf-list' ? '' : undefined),
  )
  for (const step of corpus<Recorded>('query').flatMap((line) => line.steps)) {
    if (step.call !== 'udfRegister' && step.call !== 'udfRemove') continue
    const [[request, response]] = step.info as [[string, string]]
    const command = request.trimEnd()
    answers.set(command, response.slice(request.length).trimEnd())
    wanted.push(command)
    const content = /content=([^;]*);/.exec(command)?.[1] as string
    if (step.call === 'udfRemove') await fake.udf.remove(step.module as string)
    else {
      const registering = fake.udf.register({ source: Buffer.from(content, 'base64'), name: step.file as string })
      if (step.error === undefined) await registering
      else {
        const error = await t.throwsAsync<UdfCompileError>(registering, { instanceOf: UdfCompileError })
        t.like(error, { code: step.error, module: 'broken', line: 1, node: 'A1' })
        t.is(error?.reason, "<name> or '...' expected near 'end'")
      }
    }
  }
  t.deepEqual(
    sent.map(([, command]) => command).filter((command) => command !== 'udf-list'),
    wanted,
  )
  t.is(wanted.length, 3)
})

test('done waits for the nodes that still have the version before', async (t) => {
  const old = '1'.repeat(40)
  let looks = 0
  // A hash that a server makes in a way of its own: that it is new, and the same everywhere, is enough.
  const fresh = '3'.repeat(40)
  const { client: fake } = infoFake(
    (command, node) => {
      if (command.startsWith('udf-put:')) return 'ok'
      if (command !== 'udf-list') return undefined
      if (node === 'A1') looks++
      // The first look is the one before registering.
      const hash = looks > 1 && (node === 'A1' || looks > 3) ? fresh : old
      return `filename=other.lua,hash=${'2'.repeat(40)},type=LUA;filename=m.lua,hash=${hash},type=LUA;`
    },
    { nodes: ['A1', 'A2'] },
  )
  const job = await fake.udf.register({ source: 'x', name: 'm' })
  const seen: number[] = []
  await job.done({ pollInterval: 1, onProgress: ({ done, total }) => seen.push(done, total) })
  t.deepEqual(seen, [1, 2, 1, 2, 2, 2])
})

test('waiting for a module ends with its timeout or its signal', async (t) => {
  const { client: fake } = infoFake((command) => (command.startsWith('udf-put:') ? 'ok' : ''))
  const job = await fake.udf.register({ source: 'x', name: 'm' })
  await t.throwsAsync(job.done({ pollInterval: 5, timeout: 30 }), { instanceOf: TimeoutError })
  await t.throwsAsync(job.done({ signal: AbortSignal.abort() }), { instanceOf: AbortError })
})

test('lists and sources are read as servers write them', async (t) => {
  const source = 'function f(rec) return "é" end'
  const { client: fake, sent } = infoFake((command) => {
    if (command === 'udf-list') return `filename=a.lua,hash=${'1'.repeat(40)},type=LUA;filename=b.lua,hash=2,type=LUA;`
    if (command === 'udf-get:filename=a.lua') return `type=LUA;content=${Buffer.from(source).toString('base64')};`
    return 'error=not_found'
  })
  t.deepEqual(await fake.udf.list(), [
    { module: 'a', file: 'a.lua', hash: '1'.repeat(40), type: 'LUA' },
    { module: 'b', file: 'b.lua', hash: '2', type: 'LUA' },
  ])
  t.is(await fake.udf.get('a'), source)
  t.is(await fake.udf.get('a.lua'), source)
  const error = await t.throwsAsync<UdfNotFoundError>(fake.udf.get('c'), { instanceOf: UdfNotFoundError })
  t.like(error, { module: 'c', node: 'A1', reason: 'not_found' })
  t.is(sent.at(-1)?.[1], 'udf-get:filename=c.lua')
})

test('remove waits until no node has the module', async (t) => {
  let looks = 0
  const { client: fake } = infoFake(
    (command, node) => {
      if (command === 'udf-remove:filename=m.lua;') return 'ok'
      if (node === 'A2') looks++
      return node === 'A2' && looks < 3 ? 'filename=m.lua,hash=1,type=LUA;' : ''
    },
    { nodes: ['A1', 'A2'] },
  )
  await fake.udf.remove('m')
  t.is(looks, 3)
})

test('a module that some nodes keep is an error in doubt', async (t) => {
  const { client: fake } = infoFake((command) => (command === 'udf-list' ? 'filename=m.lua,hash=1,type=LUA;' : 'ok'))
  const error = await t.throwsAsync(fake.udf.remove('m', { totalTimeout: 120 }), { instanceOf: TimeoutError })
  t.is(error?.inDoubt, true)
})
