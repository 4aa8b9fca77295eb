// Writes index.d.ts and the declarations of the other entries, the public API as reviewed files, from what the compiler emitted into dist.
// usage: node scripts/declarations.mjs [folder]   (default: the root of the repository)
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateDtsBundle } from 'dts-bundle-generator'
import { entries } from './entries.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = process.argv[2] ?? root
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

/**
 * What a program sees in hovers and what older compilers can read. The bundler renames what has the name of a global, though
 * nothing here uses the global `Record`; `NoInfer` is of TypeScript 5.4, `ArrayIterator` and arguments of
 * `IterableIterator` and its asynchronous kind of 5.6, arguments of byte arrays of 5.7.
 */
function plain(text) {
  const ours = text.includes('interface Record$1')
  const own = ours ? text.replaceAll('Record$1', 'Record').replace(/^\s*Record as Record,?\n/m, '  Record,\n') : text
  const lowered = own
    .replaceAll(/\bNoInfer</g, 'Uninferred<')
    .replaceAll(/\b((?:Async)?IterableIterator<[\w<>]+), undefined, undefined>/g, '$1>')
    .replaceAll(/\bArrayIterator</g, 'IterableIterator<')
    .replaceAll(/\b(Uint8Array|Buffer)<ArrayBufferLike>/g, '$1')
  return lowered === own || !lowered.includes('Uninferred<')
    ? lowered
    : `${lowered.trimEnd()}\n\n/** \`T\`, from which nothing is inferred. */\ntype Uninferred<T> = [T][T extends unknown ? 0 : never];\n`
}

entries.forEach((entry, i) => {
  const text = plain(typesOnly(entry, bundles[i].replaceAll('\t', '  ')))
  writeFileSync(join(folder, `${entry}.d.ts`), `// Written from ${entry}.ts by npm run declarations.\n\n${text}`)
})
