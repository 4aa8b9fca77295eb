// A call of a function in a registered module, as the fields it has on the wire (protocol 6.4).

import { describe } from '../checks/check.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { FieldType } from '../protocol.js'
import { Encoded } from '../values/encoded.js'
import { packList } from '../values/pack.js'
import { Writer } from '../values/writer.js'

/** Names of modules and functions have fewer bytes than this (protocol 12.5). */
const NAME_LIMIT = 128

/** Bytes of a field in front of its data: its size and its type. */
const FIELD_HEAD = 5

/** A function of a module with its arguments: checked and encoded, for any number of records. */
export class UdfCall {
  readonly module: string
  readonly function: string
  /** The three fields in wire form. */
  readonly bytes: Uint8Array
  /** The arguments alone: a MessagePack list. */
  readonly args: Uint8Array

  /** @param where the call or row, for messages */
  constructor(where: string, module: unknown, name: unknown, args: unknown) {
    const w = new Writer(128)
    this.module = moduleName(where, module)
    this.function = text(where, 'function', name)
    writeText(w, where, FieldType.udfModule, 'module', this.module)
    writeText(w, where, FieldType.udfFunction, 'function', this.function)
    if (args !== undefined && !Array.isArray(args) && !(args instanceof Encoded)) {
      throw new InvalidArgumentError(`${where}: the arguments must be a list, not ${describe(args)}`)
    }
    w.begin('args')
    const list = w.at + FIELD_HEAD
    writeField(w, FieldType.udfArguments, () => (args instanceof Encoded ? w.raw(args.bytes) : packList(w, args ?? [])))
    this.bytes = Uint8Array.prototype.slice.call(w.bytes, 0, w.at)
    this.args = this.bytes.subarray(list)
  }
}

/** How many fields {@link UdfCall.bytes} are. */
export const UDF_FIELDS = 3

/** A module as calls name it: without the ending of its file. With it no server finds the module. */
function moduleName(where: string, module: unknown): string {
  const name = text(where, 'module', module)
  if (!name.endsWith('.lua')) return name
  throw new InvalidArgumentError(
    `${where}: a module is called without the ending of its file; did you mean '${name.slice(0, -4)}'?`,
  )
}

function text(where: string, what: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidArgumentError(`${where}: the ${what} must be a name, not ${describe(value)}`)
}

function writeText(w: Writer, where: string, type: number, what: string, name: string): void {
  w.begin(what)
  let length = 0
  writeField(w, type, () => {
    length = w.text(name)
  })
  if (length >= NAME_LIMIT) {
    throw new InvalidArgumentError(`${where}: the name of a ${what} has at most ${NAME_LIMIT - 1} bytes, not ${length}`)
  }
}

function writeField(w: Writer, type: number, write: () => void): void {
  const start = w.at
  w.u32(0)
  w.u8(type)
  write()
  w.patchU32(start, w.at - start - FIELD_HEAD + 1)
}
