// Clients in processes of their own, which measure when they are asked to (child.mjs).
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const child = fileURLToPath(new URL('child.mjs', import.meta.url))

/** What a process is told beside its arguments: the build of ours, if not this one, and how connections are encrypted. */
const told = ({ dist, tls }) => ({
  ...process.env,
  ...(dist && { BENCH_DIST: dist }),
  ...(tls && { BENCH_TLS: JSON.stringify(tls) })
})

/** A client in a lane; `measure` resolves to what it did, `end` ends it. */
export async function start (client, lane, { hosts, tls }, dist) {
  const env = told({ dist, tls })
  const its = fork(child, [client, lane, hosts], { execArgv: ['--expose-gc'], env })
  const ended = once(its, 'exit').then(([code]) => { throw new Error(`${client}, ${lane}: ended with ${code}`) })
  ended.catch(() => {})
  const answer = async () => {
    const [message] = await Promise.race([once(its, 'message'), ended])
    return message
  }
  await answer()
  const measure = () => {
    its.send('measure')
    return answer()
  }
  return { measure, end: () => its.disconnect() }
}

/** Writes what the lanes read. */
export async function load ({ hosts, tls }) {
  const [code] = await once(fork(child, ['ours', 'load', hosts], { env: told({ tls }) }), 'exit')
  if (code !== 0) throw new Error(`writing the records ended with ${code}`)
}
