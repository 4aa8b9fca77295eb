// Short strings out of bytes. A call into the engine costs about 60 ns whatever the length; for a name or an e-mail
// address a loop over the characters is done earlier, as long as they are all ASCII.

declare global {
  interface Buffer {
    /** What `toString('utf8', start, end)` ends up calling, without its checks: worth 30 ns a string. */
    utf8Slice(start: number, end: number): string
  }
}

const fromCharCode = String.fromCharCode

/** Up to this many bytes the loop wins; measured, see ARCHITECTURE.md. */
const SHORT = 24

/** The text in `bytes[at .. at + length]`. Malformed UTF-8 becomes U+FFFD, as everywhere in Node. */
export function readText(bytes: Buffer, at: number, length: number): string {
  if (length <= SHORT) {
    const text = shortText(bytes, at, length)
    if (text !== undefined) return text
  }
  return bytes.utf8Slice(at, at + length)
}

/** ASCII text without a call into the engine, or `undefined` when there is anything else in it. */
function shortText(bytes: Buffer, at: number, length: number): string | undefined {
  if (length < 4) return tail(bytes, at, length)
  const a = bytes[at] as number
  const b = bytes[at + 1] as number
  const c = bytes[at + 2] as number
  const d = bytes[at + 3] as number
  if ((a | b | c | d) > 127) return undefined
  if (length < 8) {
    if (length === 4) return fromCharCode(a, b, c, d)
    const e = bytes[at + 4] as number
    if (length === 5) return e > 127 ? undefined : fromCharCode(a, b, c, d, e)
    const f = bytes[at + 5] as number
    if (length === 6) return (e | f) > 127 ? undefined : fromCharCode(a, b, c, d, e, f)
    const g = bytes[at + 6] as number
    return (e | f | g) > 127 ? undefined : fromCharCode(a, b, c, d, e, f, g)
  }
  const e = bytes[at + 4] as number
  const f = bytes[at + 5] as number
  const g = bytes[at + 6] as number
  const h = bytes[at + 7] as number
  if ((e | f | g | h) > 127) return undefined
  const head = fromCharCode(a, b, c, d, e, f, g, h)
  if (length === 8) return head
  const rest = shortText(bytes, at + 8, length - 8)
  return rest === undefined ? undefined : head + rest
}

function tail(bytes: Buffer, at: number, length: number): string | undefined {
  if (length === 0) return ''
  const a = bytes[at] as number
  if (length === 1) return a > 127 ? undefined : fromCharCode(a)
  const b = bytes[at + 1] as number
  if (length === 2) return (a | b) > 127 ? undefined : fromCharCode(a, b)
  const c = bytes[at + 2] as number
  return (a | b | c) > 127 ? undefined : fromCharCode(a, b, c)
}
