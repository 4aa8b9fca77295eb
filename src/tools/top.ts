// `aerospike-napi top`: a look at a cluster every few seconds, as a screen or as lines of JSON. The screen is the terminal's other
// one, so that what was there before is there again at the end, whatever ends it.

import { connect } from '../client/connect.js'
import type { ConnectOptions } from '../client/connect-options.js'
import { beginPause, type Pause } from '../host.js'
import { look, type View } from './snapshot.js'

export interface TopOptions {
  /** Milliseconds between two looks. */
  readonly interval: number
  readonly json: boolean
  readonly once: boolean
}

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H\x1b[J'

/** Shows a cluster until q, Ctrl-C or a signal; once, if that was asked for. */
export async function watchCluster(options: ConnectOptions, { interval, json, once }: TopOptions): Promise<void> {
  await using client = await connect(options)
  const isScreen = !json && !once && process.stdout.isTTY === true
  const terminal = isScreen ? openScreen() : undefined
  let pause: Pause | undefined
  let isOver = false
  const stop = (): void => {
    isOver = true
    pause?.end()
  }
  terminal?.onKey(stop)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  try {
    while (!isOver) {
      const view = await look(client)
      if (json) process.stdout.write(`${JSON.stringify(view)}\n`)
      else process.stdout.write(`${isScreen ? HOME : ''}${viewText(view)}`)
      if (once) return
      pause = beginPause(interval)
      await pause.over
    }
  } finally {
    terminal?.close()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
  }
}

interface Screen {
  onKey(stop: () => void): void
  close(): void
}

function openScreen(): Screen {
  const { stdin, stdout } = process
  const isRaw = stdin.isTTY === true
  const leave = (): void => void stdout.write(LEAVE)
  stdout.write(ENTER)
  // Also where the process ends without coming to an end here.
  process.once('exit', leave)
  if (isRaw) stdin.setRawMode(true)
  return {
    onKey(stop) {
      if (isRaw) stdin.on('data', (bytes) => ['q', 'Q', '\x03'].includes(bytes.toString()) && stop())
    },
    close() {
      if (isRaw) stdin.setRawMode(false)
      stdin.pause()
      process.off('exit', leave)
      leave()
    },
  }
}

/** A look as text. */
export function viewText({ cluster, status, nodes, kinds, namespaces }: View): string {
  const lines = [
    `cluster ${cluster || '(without a name)'}  ${status}  ${nodes.length} node${nodes.length === 1 ? '' : 's'}`,
    '',
    ...table(
      ['node', 'address', 'version', 'state', 'ping ms', 'connections', 'objects', 'migrating'],
      nodes.map(({ name, address, build, answering, breaker, ping, connections, objects, migrating }) => [
        name,
        address,
        build,
        !answering ? 'silent' : breaker === 'open' ? 'left alone' : 'ok',
        ping === null ? '-' : ping.toFixed(1),
        String(connections),
        grouped(objects),
        grouped(migrating),
      ]),
    ),
    '',
    ...table(
      ['commands', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', '> 1 ms', '> 8 ms', '> 64 ms'],
      kinds.map(({ kind, perSecond, percentiles: { p50, p95, p99 }, over }) => [
        kind,
        grouped(perSecond),
        ...[p50, p95, p99].map((most) => (most === null ? '-' : `≤ ${most}`)),
        `${over.ms1.toFixed(2)} %`,
        `${over.ms8.toFixed(2)} %`,
        `${over.ms64.toFixed(2)} %`,
      ]),
    ),
    '',
    ...table(
      ['namespace', 'objects', 'used', 'writes', 'unavailable', 'migrating'],
      namespaces.map(({ name, objects, usedBytes, stopsWrites, unavailable, migrating }) => [
        name,
        grouped(objects),
        bytes(usedBytes),
        stopsWrites ? 'STOPPED' : 'ok',
        grouped(unavailable),
        grouped(migrating),
      ]),
    ),
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** Columns as wide as they need to be; the first to the left, those of numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)))
  const isNumber = head.map(
    (_, i) => rows.length > 0 && rows.every((row) => /^(≤ )?[\d,.-]+( %| \w+)?$/.test(row[i] ?? '')),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isNumber[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)]
}

function grouped(number: number): string {
  return Math.round(number)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',')
}

function bytes(number: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let value = number
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
