// npm run build: dependencies, addon and TypeScript, as far as they are not built yet.
import { prepare } from './prepare.mjs'

prepare()
