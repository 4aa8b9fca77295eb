// The stores for other packages, in those packages: Keyv's own suite for its stores, cache-manager, express and Fastify.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'

const root = join(createRequire(import.meta.url).resolve('aerospike-napi/package.json'), '..')

function passes(t: ExecutionContext, args: readonly string[]): string {
  t.timeout(180_000)
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', FORCE_COLOR: '' },
    timeout: 150_000,
  })
  t.is(status, 0, `${stdout}${stderr}`)
  return stdout
}

test('Keyv: its whole suite passes, and caches on top of it work', (t) => {
  const output = passes(t, ['--test', '--test-reporter=tap', join('__test__', 'frameworks', 'keyv.mjs')])
  const [, passed = '0'] = /^# pass (\d+)/m.exec(output) ?? []
  t.true(Number(passed) >= 47, output)
})

test('express-session and @fastify/session keep their sessions', (t) => {
  passes(t, ['--test', join('__test__', 'frameworks', 'sessions.mjs')])
})
