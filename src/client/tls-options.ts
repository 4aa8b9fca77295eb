// How connections are encrypted: the options, named as in `node:tls`, and what the core wants of them.

import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { NativeTls } from '../boundary/addon.js'
import { describe } from '../checks/check.js'
import { flag, type OptionRule, type OptionRules, oneOf, readOptions } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { TruePromise } from '../host.js'

/** PEM: as text, as bytes, or in a file, whose path may be relative to the working directory. */
export type Pem = string | Uint8Array | { readonly file: string }

/** TLS. Without `ca` the authorities of the system are trusted. */
export interface TlsOptions {
  /** Certificates of the authorities to trust, PEM. */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** Certificate of this client with what leads from it to an authority, PEM, for mutual authentication and `authMode: 'pki'`. */
  readonly cert?: Pem | undefined
  /** Its private key, PEM. */
  readonly key?: Pem | undefined
  /** What the key is encrypted with. */
  readonly passphrase?: string | undefined
  /** The name that the certificates of the servers must have, whatever the nodes announce and hosts are called. */
  readonly servername?: string | undefined
  /** The least version. Default 'TLSv1.2'. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined
  /** Cipher suites to offer, by their names in OpenSSL, separated by colons. Default all that rustls has. */
  readonly ciphers?: string | undefined
  /** Lists of revoked certificates, PEM. Where they are given, the certificate of a server must be covered by one. */
  readonly crl?: Pem | readonly Pem[] | undefined
  /** Whose certificates the lists must cover: the server's own ('leaf', the default) or all that lead to the authority ('chain'). */
  readonly crlCheck?: 'leaf' | 'chain' | undefined
  /**
   * Certificates that are not believed, servers' and those of their chains: a line each, the serial number in hexadecimal digits and,
   * after a space, the issuer as `/C=US/O=Acme/CN=authority` if only that one's is meant. Lines that begin with `#` are comments.
   */
  readonly denylist?: Pem | undefined
  /**
   * Encrypts logins and calls on users and roles alone. All else goes over plain connections, which join the session that the
   * login gave, to the addresses that nodes announce for those. Needs a login. Default false.
   */
  readonly loginOnly?: boolean | undefined
}

const LINE_FEED = Buffer.of(0x0a)

/** What was given is not for messages: it may be a key. */
const pem: OptionRule = { expects: 'PEM, as text, bytes or { file }', check: isPem, isSecret: true }
const pems: OptionRule = {
  ...pem,
  check: (value) => (Array.isArray(value) ? value.every(isPem) : isPem(value)),
}
const named: OptionRule = {
  expects: 'text that is not empty',
  check: (value) => typeof value === 'string' && value !== '',
}

const RULES: OptionRules<TlsOptions> = {
  ca: pems,
  cert: pem,
  key: pem,
  passphrase: { ...named, isSecret: true },
  servername: named,
  minVersion: oneOf({ 'TLSv1.2': true, 'TLSv1.3': true }),
  ciphers: named,
  crl: pems,
  crlCheck: oneOf({ leaf: true, chain: true }),
  denylist: { ...pem, expects: 'serial numbers, as text, bytes or { file }' },
  loginOnly: flag,
}

/** Checks the options without reading any file. */
export function checkTls(verb: string, tls: unknown): TlsOptions | undefined {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  const checked = readOptions<TlsOptions>(`${verb}: tls`, tls, RULES)
  if ((checked.cert === undefined) !== (checked.key === undefined)) {
    throw new InvalidArgumentError(`${verb}: tls.cert and tls.key come together`)
  }
  return checked
}

/** Reads the files and opens the key. */
export async function readTls(verb: string, tls: TlsOptions): Promise<NativeTls> {
  const { servername, minVersion, ciphers, passphrase } = tls
  const [ca, cert, key, crl, denylist] = await TruePromise.all([
    readAll(verb, 'ca', tls.ca),
    readAll(verb, 'cert', tls.cert),
    readAll(verb, 'key', tls.key),
    readAll(verb, 'crl', tls.crl),
    readAll(verb, 'denylist', tls.denylist),
  ])
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: passphrase === undefined ? key : decrypt(verb, key, passphrase) }),
    ...(crl === undefined ? {} : { crl, crlChain: tls.crlCheck === 'chain' }),
    ...(denylist === undefined ? {} : { denylist }),
    ...(tls.loginOnly === undefined ? {} : { loginOnly: tls.loginOnly }),
    ...(servername === undefined ? {} : { serverName: servername }),
    ...(minVersion === undefined ? {} : { minVersion }),
    ...(ciphers === undefined ? {} : { ciphers: ciphers.split(':') }),
  }
}

function isPem(pem: unknown): pem is Pem {
  if (typeof pem === 'string' || pem instanceof Uint8Array) return true
  return typeof pem === 'object' && pem !== null && typeof (pem as { file?: unknown }).file === 'string'
}

async function readAll(verb: string, name: string, pem: Pem | readonly Pem[] | undefined): Promise<Buffer | undefined> {
  if (pem === undefined) return undefined
  const parts = Array.isArray(pem) ? (pem as readonly Pem[]) : [pem as Pem]
  const texts = await TruePromise.all(parts.map((part) => read(verb, name, part)))
  return Buffer.concat(texts.flatMap((text) => [text, LINE_FEED]))
}

async function read(verb: string, name: string, pem: Pem): Promise<Uint8Array> {
  if (typeof pem === 'string') return Buffer.from(pem)
  if (pem instanceof Uint8Array) return pem
  try {
    return await readFile(pem.file)
  } catch (cause) {
    throw new InvalidArgumentError(`${verb}: tls.${name}: ${describe(pem.file)} cannot be read`, { cause })
  }
}

/** OpenSSL knows every way a key may be encrypted; the core gets it without. */
function decrypt(verb: string, key: Buffer, passphrase: string): Buffer {
  try {
    return Buffer.from(createPrivateKey({ key, passphrase }).export({ type: 'pkcs8', format: 'pem' }) as string)
  } catch {
    // what OpenSSL says of it is no help, and may be too much
    throw new InvalidArgumentError(`${verb}: tls.key cannot be opened with tls.passphrase`)
  } finally {
    key.fill(0)
  }
}
