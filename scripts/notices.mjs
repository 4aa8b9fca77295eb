// The licences of what is compiled into the addon, one text for all crates that share it. The packages that hold an
// addon carry it.
// usage: node scripts/notices.mjs [FILE]   (default: on the screen)
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cargoEnv, root, run } from './prepare.mjs'

/** Sources that a build script compiles into the addon, although cargo counts them as needed for the build alone. */
const COMPILED_BY_BUILD_SCRIPTS = /^(lua-src|ring|cc-sources)$/

/** The packages whose code is in the addon, on any platform. */
function compiledIn () {
  const { status, stdout } = run('cargo', ['metadata', '--format-version', '1', '--locked'], { env: cargoEnv() })
  if (status !== 0) throw new Error('cargo metadata failed; its output is above')
  const { packages, resolve } = JSON.parse(stdout)
  const byId = new Map(packages.map(pkg => [pkg.id, pkg]))
  const nodes = new Map(resolve.nodes.map(node => [node.id, node]))
  const found = new Map()
  const visit = id => {
    if (found.has(id)) return
    found.set(id, byId.get(id))
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      const isLinked = kinds.some(({ kind }) => kind === null)
      if (isLinked || COMPILED_BY_BUILD_SCRIPTS.test(byId.get(pkg).name)) visit(pkg)
    }
  }
  visit(packages.find(pkg => pkg.name === 'aerospike-napi').id)
  return [...found.values()].filter(pkg => pkg.source !== null)
}

/** The texts that a package brings along, as far as it does. */
function licenceTexts (pkg) {
  const folder = dirname(pkg.manifest_path)
  const names = readdirSync(folder).filter(name => /^(licen[cs]e|copying|notice|copyright)/i.test(name) && !/apache/i.test(name)).sort()
  return names.map(name => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim()
    } catch {
      return '' // a folder of that name
    }
  }).filter(text => text !== '')
}

/** What the MIT licence says; some crates name it and leave its text out. */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

export function notices () {
  const sharers = new Map()
  for (const pkg of compiledIn()) {
    const name = `${pkg.name} ${pkg.version} (${pkg.license ?? 'see its text'})`
    const texts = licenceTexts(pkg)
    if (texts.length === 0 && !/\bMIT\b/.test(pkg.license)) throw new Error(`${name} has no text of its licence`)
    if (texts.length === 0) texts.push(`Copyright of ${pkg.authors.join(', ') || 'its authors'}\n\n${MIT}`)
    for (const text of texts) sharers.set(text, [...(sharers.get(text) ?? []), name])
  }
  const rule = '-'.repeat(80)
  const parts = [...sharers].map(([text, names]) => [names.sort().join('\n'), text])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([names, text]) => `${rule}\n${names}\n\n${text}\n`)
  return [
    'The addon of aerospike-napi contains these works of others. Where a crate may be used under the Apache License 2.0,',
    'its text is the file LICENSE beside this one.\n',
    ...parts
  ].join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = process.argv[2]
  if (file) writeFileSync(join(root, file), notices())
  else process.stdout.write(notices())
}
