// npm run local -- --nodes 3 --port 3900: the embedded cluster in the foreground.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

prepare()
process.argv.splice(2, 0, 'local')
await import(pathToFileURL(join(root, 'bin', 'aerospike-napi.mjs')).href)
