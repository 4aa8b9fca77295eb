// The example of the guide to testing, in node:test. Other runners, bundlers and compilers: npm run runners.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test from 'ava'

test('the test that the guide shows passes in node:test', (t) => {
  const root = join(createRequire(import.meta.url).resolve('aerospike-napi/package.json'), '..')
  const program = join(root, '__test__', 'runners', 'run.mjs')
  t.regex(execFileSync(process.execPath, [program, '--only', '^node:test$'], { encoding: 'utf8' }), /^ok - node:test/)
})
