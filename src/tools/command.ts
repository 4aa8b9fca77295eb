// `aerospike-napi doctor` and `aerospike-napi top`: their arguments, what they print and what they end with.

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

/** Prints what is wrong with a cluster. Resolves to the exit code. */
export async function runDoctor(target: string, values: CommandValues): Promise<number> {
  try {
    const diagnosis = await diagnose(targetOptions(target, values))
    process.stdout.write(values.json === true ? `${JSON.stringify(diagnosis)}\n` : diagnosisText(diagnosis))
    return diagnosis.ok ? Exit.fine : Exit.trouble
  } catch (error) {
    return failed(error)
  }
}

/** Shows what a cluster does, until it is told to stop. Resolves to the exit code. */
export async function runTop(target: string, values: CommandValues): Promise<number> {
  try {
    const interval = Number(values.interval ?? 2)
    if (!(interval >= 0.1 && interval <= 3600)) throw new Error('--interval must be seconds from 0.1 to 3600')
    await watchCluster(targetOptions(target, values), {
      interval: interval * 1000,
      json: values.json === true,
      once: values.once === true,
    })
    return Exit.fine
  } catch (error) {
    return failed(error)
  }
}

function failed(error: unknown): number {
  process.stderr.write(`aerospike-napi: ${(error as Error).message}\n`)
  return Exit.usage
}
