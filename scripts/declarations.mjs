// Writes index.d.ts and local.d.ts, the public API as two reviewed files, from what the compiler emitted into dist.
// usage: node scripts/declarations.mjs [folder]   (default: the root of the repository)
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateDtsBundle } from 'dts-bundle-generator'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = process.argv[2] ?? root
const entries = ['index', 'local']
const bundles = generateDtsBundle(
  entries.map((entry) => ({
    filePath: join(root, 'dist', `${entry}.d.ts`),
    output: { noBanner: true, sortNodes: true },
  })),
  { preferredConfigPath: join(root, 'tsconfig.json') },
)
entries.forEach((entry, i) => {
  const text = bundles[i].replaceAll('\t', '  ')
  writeFileSync(join(folder, `${entry}.d.ts`), `// Written from ${entry}.ts by npm run declarations.\n\n${text}`)
})
