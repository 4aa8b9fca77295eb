// Tables that TypeScript and Rust both have are the same: what is written twice is compared here.

import { readFile } from 'node:fs/promises'
import { RESULT_CODES } from 'aerospike-napi'
import test, { type ExecutionContext } from 'ava'
import { Code } from '#src/errors/codes'
import * as limits from '#src/limits'
import { FieldType, Info1, Info2, Info3, OpCode } from '#src/protocol'
import { Particle } from '#src/values/particle-types'

interface Table {
  readonly [name: string]: number
}

const rust = (path: string): Promise<string> => readFile(new URL(`../../crates/${path}`, import.meta.url), 'utf8')

/** `NOT_FOUND` and `NotFound` as they are called here: `notFound`. */
function ours(name: string): string {
  const words = name.includes('_') || name === name.toUpperCase() ? name.toLowerCase().split('_') : [name]
  return words.map((word, i) => (i === 0 ? word[0]?.toLowerCase() : word[0]?.toUpperCase()) + word.slice(1)).join('')
}

/** What `pattern` finds in a text, as a table: its groups `name` and `value`. */
function tableOf(text: string, pattern: RegExp): Table {
  return Object.fromEntries(
    [...text.matchAll(pattern)].map(({ groups }) => [ours(groups?.name as string), Number(groups?.value)]),
  )
}

/** Says what of `table` the other one has under another number or name, or not at all. */
function isPartOf(t: ExecutionContext, table: Table, whole: Table): void {
  t.true(Object.keys(table).length > 1)
  t.deepEqual(Object.fromEntries(Object.keys(table).map((name) => [name, whole[name]])), table)
}

test('result codes have the numbers and names that the core and the codec know', async (t) => {
  const codes = /^ {4}(?<value>-?\d+) (?<name>[A-Z][A-Z0-9_]*) "/gm
  const ofServers = tableOf(await rust('wire/src/result_code.rs'), codes)
  const ofTheClient = tableOf(await rust('client/src/error.rs'), codes)
  t.true(Object.keys(ofServers).length > 70 && Object.keys(ofTheClient).length > 12)
  isPartOf(t, { ...ofServers, ...ofTheClient }, Code)
  // What only this side has: answers of info commands, and what never leaves it.
  const known = new Set(Object.keys({ ...ofServers, ...ofTheClient }))
  t.deepEqual(
    Object.keys(Code).filter((name) => !known.has(name)),
    ['invalidEncoding', 'udfNotFound', 'luaFileNotFound', 'useNormalRetry', 'metricsConflict', 'clientClosed'],
  )
})

test('every result code has its row, but success, the end of a list, and what an error of its own stands for', (t) => {
  const without = Object.entries(Code).filter(([, code]) => !RESULT_CODES.has(code))
  t.deepEqual(
    without.map(([name]) => name),
    ['ok', 'queryEnd', 'batchFailed'],
  )
  t.is(new Set(Object.values(Code)).size, Object.keys(Code).length)
})

for (const [name, flags] of Object.entries({ Info1, Info2, Info3 })) {
  test(`the bits of ${name} are those of the codec`, async (t) => {
    const text = await rust('wire/src/flags.rs')
    const block = text.slice(text.indexOf(`pub struct ${name}:`)).split(/^ {4}\}/m, 1)[0] as string
    isPartOf(t, flags, tableOf(block, /const (?<name>\w+) = (?<value>0x[0-9a-f]+);/g))
  })
}

test('the types of fields and of values are those of the codec', async (t) => {
  const constants = /pub const (?<name>\w+): Self = Self\((?<value>\d+)\);/g
  isPartOf(t, FieldType, tableOf(await rust('wire/src/field.rs'), constants))
  isPartOf(t, Particle, tableOf(await rust('wire/src/particle.rs'), constants))
})

test('the codes of operations are those of the codec', async (t) => {
  t.deepEqual(OpCode as Table, tableOf(await rust('wire/src/op.rs'), /^ {4}(?<name>[A-Z]\w+) = (?<value>\d+),/gm))
})

test('limits are those of the codec', async (t) => {
  const text = await rust('wire/src/limits.rs')
  const values = [...text.matchAll(/pub const (\w+): \w+ = ([\d_ *]+);/g)].map(([, name, value]) => [
    name,
    (value as string)
      .replaceAll('_', '')
      .split('*')
      .reduce((product, factor) => product * Number(factor), 1),
  ])
  const theirs = Object.fromEntries(values) as Table
  const shared = Object.entries(limits as unknown as Table).filter(([name]) => name in theirs)
  t.deepEqual(shared.map(([name]) => name).sort(), [
    'MAX_BIN_NAME_SIZE',
    'MAX_BODY_SIZE',
    'MAX_NAMESPACE_SIZE',
    'MAX_OPS',
    'MAX_SET_SIZE',
    'MAX_TTL_SECONDS',
    'MAX_VALUE_DEPTH',
    'PARTITIONS',
  ])
  for (const [name, value] of shared) t.is(value as number | undefined, theirs[name], name)
})
