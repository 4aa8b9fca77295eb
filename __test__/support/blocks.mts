// Code blocks of Markdown files, as programs.
//
// The ```js and ```ts blocks of a page are one module, read from top to bottom, so that a later block may use what an
// earlier one made. Every line of the module is at the number it has in the page; an error therefore names the line
// that a reader of the page sees.

import ts from 'typescript'

/** A program out of a page. */
export interface Program {
  /** TypeScript, line for line where the page has it. */
  readonly source: string
  /** How many blocks it was made of. */
  readonly blocks: number
}

const LANGUAGES = new Set(['js', 'ts'])

/** The blocks of a page; those marked `no-run` only with `all`. */
export function programOf(markdown: string, { all = false } = {}): Program {
  let blocks = 0
  let fence: string | undefined
  let taken = false
  const lines = markdown.split('\n').map((line) => {
    const mark = /^\s*(```+)(.*)$/.exec(line)
    if (mark === null || (fence !== undefined && mark[1] !== fence)) return taken ? line : ''
    if (fence !== undefined) {
      fence = undefined
      taken = false
      return ''
    }
    fence = mark[1]
    const [language = '', ...notes] = (mark[2] ?? '').trim().split(/\s+/)
    taken = LANGUAGES.has(language) && (all || !notes.includes('no-run'))
    if (taken) blocks++
    return ''
  })
  return { source: mergeImports(lines).join('\n'), blocks }
}

/**
 * A page imports again what a block needs, as a reader would; a module may import a name only once. Later imports of
 * the same name are dropped.
 */
function mergeImports(lines: readonly string[]): string[] {
  const known = new Set<string>()
  return lines.map((line) => {
    const found = /^import (type )?\{ (.*) \} from ('.*')$/.exec(line)
    if (found === null) return line
    const [, type = '', names = '', from = ''] = found
    const fresh = names.split(/,\s*/).filter((name) => !known.has(name))
    for (const name of fresh) known.add(name)
    return fresh.length === 0 ? '' : `import ${type}{ ${fresh.join(', ')} } from ${from}`
  })
}

/** The program as JavaScript, with a source map that leads back to the page. */
export function compile(program: Program, page: string): string {
  const { outputText } = ts.transpileModule(program.source, {
    fileName: page.replace(/\.md$/, '.mts'),
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: false,
      inlineSourceMap: true,
      inlineSources: true,
    },
  })
  return outputText
}

/** What the compiler finds wrong with programs, as `page:line message`. */
export function typeErrors(programs: ReadonlyMap<string, Program>, root: string): string[] {
  const config = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile).config
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  Object.assign(options, {
    noEmit: true,
    noUnusedLocals: false,
    declaration: false,
    rootDir: undefined,
    outDir: undefined,
  })
  const names = new Map([...programs.keys()].map((page) => [`${root}/__docs__/${page.replaceAll('/', '-')}.mts`, page]))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  const textOf = (file: string): string | undefined => programs.get(names.get(file) ?? '')?.source
  host.fileExists = (file) => names.has(file) || fileExists(file)
  host.readFile = (file) => textOf(file) ?? readFile(file)
  host.getSourceFile = (file, language, ...rest) => {
    const text = textOf(file)
    return text === undefined ? getSourceFile(file, language, ...rest) : ts.createSourceFile(file, text, language)
  }
  const checked = ts.createProgram([...names.keys()], options, host)
  return [...names].flatMap(([file, page]) => {
    const source = checked.getSourceFile(file)
    return [...checked.getSyntacticDiagnostics(source), ...checked.getSemanticDiagnostics(source)].map((found) => {
      const { line } = ts.getLineAndCharacterOfPosition(source as ts.SourceFile, found.start ?? 0)
      return `${page}:${line + 1} ${ts.flattenDiagnosticMessageText(found.messageText, ' ')}`
    })
  })
}
