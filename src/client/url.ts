// Connecting by URL, and by what the environment says: text becomes options of `connect`, which are then checked like any.
// Nothing of a URL is shown in a message but names of options, and values of those that are no secrets.

import { didYouMean } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { Policy } from '../options/policy.js'
import { OPTIONS } from '../options/table.js'
import type { ConnectOptions } from './connect-options.js'
import { SETTINGS, settingOf } from './settings.js'

const SCHEME = 'aerospike://'

/** Whether a text is meant as a URL and not as hosts. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(text)
}

type Options = { [name: string]: unknown }

/** `aerospike://user:secret@host:3000,host2/?tls=true` as options. */
export function optionsOfUrl(url: string, verb = 'connect'): Partial<ConnectOptions> {
  const refuse = (why: string): never => {
    throw new InvalidArgumentError(`${verb}: ${why}`)
  }
  if (!url.toLowerCase().startsWith(SCHEME)) refuse(`a URL begins with ${SCHEME}`)
  const [, authority = '', path = '', query = ''] = /^([^/?#]*)([^?#]*)(.*)$/s.exec(url.slice(SCHEME.length)) ?? []
  // What stands before an `@` here may be the rest of a password.
  if (/[@#]/.test(path + query)) refuse('in a URL, / ? # @ and % of a user or password are percent-encoded')
  if (path !== '' && path !== '/') refuse('a URL names no namespace: after the hosts comes / or nothing, and then ?')
  const at = authority.lastIndexOf('@')
  const options: Options = { hosts: decoded(authority.slice(at + 1), 'the hosts', refuse) }
  if (at >= 0) {
    const [, user = '', password] = /^([^:]*)(?::(.*))?$/s.exec(authority.slice(0, at)) ?? []
    if (user !== '') options.user = decoded(user, 'the user', refuse)
    if (password !== undefined) options.password = decoded(password, 'the password', refuse)
  }
  const seen = new Set<string>()
  for (const pair of query.slice(1).split('&')) {
    if (pair === '') continue
    const [, name = '', text = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? []
    const option = decoded(name, 'a name', refuse)
    if (seen.has(option)) refuse(`option '${option}' is there twice`)
    seen.add(option)
    put(options, option, decoded(text, `option '${option}'`, refuse), refuse)
  }
  return options as Partial<ConnectOptions>
}

function decoded(text: string, what: string, refuse: (why: string) => never): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse(`${what} of the URL is not well percent-encoded`)
  }
}

/** Files that hold certificates and keys. */
const TLS_FILES = ['ca', 'cert', 'key', 'crl', 'denylist']

/** Sets the option that a dotted name is about. */
function put(options: Options, name: string, text: string, refuse: (why: string) => never): void {
  const [first = '', second = '', third = '', ...more] = name.split('.')
  if (second === '') {
    const setting = settingOf(name)
    if (setting === undefined || name === 'hosts') {
      refuse(`there is no option '${name}'${didYouMean(name, Object.keys(SETTINGS))}`)
      return
    }
    const value = read(text, setting.check)
    // `tls=true` beside `tls.ca=…` says nothing more
    if (name === 'tls' && value === true && typeof options.tls === 'object') return
    options[name] = value
  } else if (first === 'tls' && third === '') {
    const tls = typeof options.tls === 'object' ? (options.tls as Options) : {}
    const value = second === 'loginOnly' ? read(text, (one) => typeof one === 'boolean') : text
    options.tls = { ...tls, [second]: TLS_FILES.includes(second) ? { file: text } : value }
  } else if (first === 'addressMap') {
    options.addressMap = { ...(options.addressMap as object | undefined), [name.slice('addressMap.'.length)]: text }
  } else if (first === 'defaults' && third !== '' && more.length === 0) {
    const defaults = { ...(options.defaults as Options | undefined) }
    const option = Object.hasOwn(OPTIONS, third) ? OPTIONS[third] : undefined
    const value = read(text, (one) => option?.apply(new Policy(), one) === true)
    options.defaults = { ...defaults, [second]: { ...(defaults[second] as object | undefined), [third]: value } }
  } else {
    refuse(`there is no option '${name}'; names with dots begin with tls, addressMap or defaults`)
  }
}

/** The first thing that a text may mean which is acceptable; the text itself, if none is, for the message. */
function read(text: string, accepts: (value: unknown) => boolean): unknown {
  const number = (part: string): unknown => (/^-?\d+(\.\d+)?$/.test(part) ? Number(part) : part)
  const flag = text === 'true' ? true : text === 'false' ? false : text
  const list = text.split(',').map(number)
  return [text, flag, number(text), list].find(accepts) ?? number(text)
}

/** The variables that say something that a URL may leave out. */
const VARIABLES: readonly (readonly [variable: string, option: string])[] = [
  ['AEROSPIKE_HOSTS', 'hosts'],
  ['AEROSPIKE_USER', 'user'],
  ['AEROSPIKE_PASSWORD', 'password'],
  ['AEROSPIKE_AUTH_MODE', 'authMode'],
  ['AEROSPIKE_CLUSTER_NAME', 'clusterName'],
  ['AEROSPIKE_TLS', 'tls'],
  ['AEROSPIKE_TLS_CA', 'tls.ca'],
  ['AEROSPIKE_TLS_CERT', 'tls.cert'],
  ['AEROSPIKE_TLS_KEY', 'tls.key'],
  ['AEROSPIKE_TLS_NAME', 'tls.servername'],
]

/** What the environment says: `AEROSPIKE_URL`, and variables of their own for what it leaves out. */
export function optionsOfEnvironment(environment: NodeJS.ProcessEnv): Partial<ConnectOptions> {
  const url = environment.AEROSPIKE_URL ?? ''
  const options: Options = url === '' ? {} : optionsOfUrl(url, 'connect: AEROSPIKE_URL')
  for (const [variable, name] of VARIABLES) {
    const text = environment[variable] ?? ''
    const [first = name, second] = name.split('.')
    const own = second === undefined ? options[first] : (options[first] as Options | undefined)?.[second]
    if (text === '' || (own !== undefined && own !== true)) continue
    const refuse = (why: string): never => {
      throw new InvalidArgumentError(`connect: ${variable}: ${why}`)
    }
    if (name === 'hosts') options.hosts = text
    else put(options, name, text, refuse)
  }
  if (options.hosts === undefined) {
    throw new InvalidArgumentError(
      'connect: expected hosts, a URL or an object of options, or AEROSPIKE_URL or AEROSPIKE_HOSTS in the environment',
    )
  }
  return options as Partial<ConnectOptions>
}
