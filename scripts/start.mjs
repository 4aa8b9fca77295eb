// npm start: everything a fresh clone needs, then the main job.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { prepare, root } from './prepare.mjs'

prepare()
const { status, signal } = spawnSync(process.execPath, [join(root, 'examples', 'main.mjs'), ...process.argv.slice(2)], { stdio: 'inherit' })
process.exit(status ?? (signal ? 1 : 0))
