// Writes index.d.ts and local.d.ts, the public API as two reviewed files, from what the compiler emitted into dist.
// usage: node scripts/declarations.mjs [folder]   (default: the root of the repository)
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
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
/** Classes of which only the type is exported: the bundle declares them as if they could be imported and called. */
function typesOnly(entry, text) {
  const exported = Object.keys(createRequire(import.meta.url)(join(root, 'dist', `${entry}.js`)))
  const names = [...text.matchAll(/^export declare (?:abstract )?class (\w+)/gm)].map((match) => match[1])
  const types = names.filter((name) => !exported.includes(name))
  if (types.length === 0) return text
  const hidden = new RegExp(`^export (declare (?:abstract )?class (?:${types.join('|')})\\b)`, 'gm')
  return `${text.replace(hidden, '$1').trimEnd()}\nexport type { ${types.sort().join(', ')} };\n`
}

entries.forEach((entry, i) => {
  const text = typesOnly(entry, bundles[i].replaceAll('\t', '  '))
  writeFileSync(join(folder, `${entry}.d.ts`), `// Written from ${entry}.ts by npm run declarations.\n\n${text}`)
})
