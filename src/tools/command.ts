// `aerospike-napi doctor` and `aerospike-napi top`: their arguments, what they print and what they end with.

import { parseArgs } from 'node:util'
import type { ConnectOptions } from '../client/connect-options.js'
import { isUrl, optionsOfUrl } from '../client/url.js'
import { diagnose } from './doctor.js'
import { diagnosisText } from './doctor-text.js'
import { watchCluster } from './top.js'

/** Options of the command line, as `parseArgs` of Node has them. */
export interface CommandValues {
  readonly [name: string]: string | boolean | undefined
}

/** Nothing was wrong; something is; the command makes no sense. */
const Exit = { fine: 0, trouble: 1, usage: 2 } as const

/** The options that a target and the command line name. */
export function targetOptions(target: string, values: CommandValues): ConnectOptions {
  const named = isUrl(target) ? optionsOfUrl(target, 'aerospike-napi') : { hosts: target }
  const text = (name: string): string | undefined =>
    typeof values[name] === 'string' ? (values[name] as string) : undefined
  const [user, clusterName, ca, servername] = [text('user'), text('cluster-name'), text('tls-ca'), text('tls-name')]
  const tls = {
    ...(typeof named.tls === 'object' ? named.tls : {}),
    ...(ca === undefined ? {} : { ca: { file: ca } }),
    ...(servername === undefined ? {} : { servername }),
  }
  const isEncrypted = values.tls === true || named.tls === true || Object.keys(tls).length > 0
  return {
    ...named,
    ...(user === undefined ? {} : { user, password: process.env.AEROSPIKE_PASSWORD ?? '' }),
    ...(clusterName === undefined ? {} : { clusterName }),
    ...(isEncrypted ? { tls } : {}),
    ...(values.alternate === true ? { useAlternateServices: true } : {}),
  }
}

const USAGE = `usage: aerospike-napi doctor HOST:PORT | URL [--json] [connection]
       aerospike-napi top HOST:PORT | URL [--json] [--once] [--interval S] [connection]

doctor connects as a program would and says what is wrong. It ends with 0 when nothing is, with 1 when something is.
top shows nodes, commands, latencies, migrations and namespaces, every two seconds until q or Ctrl-C.

  --json                  as JSON, a line for each look
  --once                  one look and no more
  --interval S            seconds between two looks (2)

connection: any option of a URL (see docs/options.md), and these:

  --user NAME             the password is in AEROSPIKE_PASSWORD
  --cluster-name NAME     refuse another cluster
  --tls                   encrypt
  --tls-ca FILE           the authority to trust, PEM
  --tls-name NAME         the name that the certificates have
  --alternate             use the alternate addresses of the nodes`

const FLAG = { type: 'boolean' } as const
const TEXT = { type: 'string' } as const
const CONNECTION = {
  user: TEXT,
  'cluster-name': TEXT,
  tls: FLAG,
  'tls-ca': TEXT,
  'tls-name': TEXT,
  alternate: FLAG,
  json: FLAG,
  help: { type: 'boolean', short: 'h' },
} as const

/** Runs `doctor` or `top` with what follows it on the command line. Resolves to the exit code. */
export async function runTool([command, ...args]: readonly string[]): Promise<number> {
  const isDoctor = command === 'doctor'
  const options = isDoctor ? CONNECTION : { ...CONNECTION, once: FLAG, interval: TEXT }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [target, ...more] = positionals
    if (values.help === true) {
      process.stdout.write(`${USAGE}\n`)
      return Exit.fine
    }
    if (target === undefined || more.length > 0) throw new Error(`${command} takes one target, such as 127.0.0.1:3000`)
    return await (isDoctor ? runDoctor : runTop)(target, values as CommandValues)
  } catch (error) {
    process.stderr.write(`aerospike-napi: ${(error as Error).message}\n\n${USAGE}\n`)
    return Exit.usage
  }
}

/** Prints what is wrong with a cluster. Resolves to the exit code. */
async function runDoctor(target: string, values: CommandValues): Promise<number> {
  const diagnosis = await diagnose(targetOptions(target, values))
  process.stdout.write(values.json === true ? `${JSON.stringify(diagnosis)}\n` : diagnosisText(diagnosis))
  return diagnosis.ok ? Exit.fine : Exit.trouble
}

/** Shows what a cluster does, until it is told to stop. Resolves to the exit code. */
async function runTop(target: string, values: CommandValues): Promise<number> {
  const interval = Number(values.interval ?? 2)
  if (!(interval >= 0.1 && interval <= 3600)) throw new Error('--interval must be seconds from 0.1 to 3600')
  await watchCluster(targetOptions(target, values), {
    interval: interval * 1000,
    json: values.json === true,
    once: values.once === true,
  })
  return Exit.fine
}
