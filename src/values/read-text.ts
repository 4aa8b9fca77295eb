// Reads short strings. A call into the engine that decodes UTF-8 costs about 80 ns whatever the length. For text
// of a known length that is all ASCII, `String.fromCharCode` with that many arguments is done in a third of that, and
// makes one flat string: joining pieces would be as fast, but keeps the pieces (97 bytes instead of 49 for 17 letters).

declare global {
  interface Buffer {
    /** What `toString('utf8', start, end)` ends up calling, without its checks: worth 30 ns a string. */
    utf8Slice(start: number, end: number): string
  }
}

/** Text of one length, or `undefined` when it is not all ASCII. */
type Reader = (bytes: Buffer, at: number) => string | undefined

/** Up to this many bytes the readers win; docs/internal/measurements.md has the figures. */
const SHORT = 40

const never: Reader = () => undefined

/** For each length its reader, made when the first text of that length comes. */
const readers: (Reader | undefined)[] = new Array(SHORT + 1).fill(undefined)

/** The text in `bytes[at .. at + length]`. Malformed UTF-8 becomes U+FFFD, as everywhere in Node. */
export function readText(bytes: Buffer, at: number, length: number): string {
  if (length <= SHORT) {
    const reader = readers[length] ?? makeReader(length)
    const text = reader(bytes, at)
    if (text !== undefined) return text
  }
  return bytes.utf8Slice(at, at + length)
}

/** A function of the form `(b, p) => { const c0 = b[p], c1 = b[p + 1]; return (c0 | c1) > 127 ? … : text(c0, c1) }`. */
function makeReader(length: number): Reader {
  let reader = never
  if (length === 0) reader = () => ''
  else {
    const names = Array.from({ length }, (_, i) => `c${i}`)
    const reads = names.map((name, i) => `${name} = b[p + ${i}]`)
    const body = `const ${reads}; return (${names.join(' | ')}) > 127 ? undefined : text(${names})`
    try {
      reader = new Function('text', `return (b, p) => { ${body} }`)(String.fromCharCode) as Reader
    } catch {
      // Node was started with --disallow-code-generation-from-strings: the engine reads all text, then.
    }
  }
  readers[length] = reader
  return reader
}
