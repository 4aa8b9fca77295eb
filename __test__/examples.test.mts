// Every program in examples/ runs to its end.
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const examples = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs'))

// One after another: the main job loads every core.
for (const name of examples) {
  test.serial(`examples/${name} runs to its end`, async (t) => {
    t.timeout(120_000)
    // The examples bring their cluster along; a real one is for the other tests.
    const { AEROSPIKE_HOSTS: _, ...env } = process.env
    const done = run(process.execPath, [join(root, 'examples', name)], { timeout: 110_000, cwd: root, env })
    const { stdout } = await t.notThrowsAsync(done).then(() => done)
    t.not(stdout.trim(), '', 'an example shows what it does')
  })
}

test('there are examples', (t) => {
  t.true(examples.includes('main.mjs'))
  t.true(examples.includes('quickstart.mjs'))
})
