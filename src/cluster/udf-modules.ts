// The modules of a cluster: registering, listing, reading and removing them (protocol 4.9).

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { types } from 'node:util'
import { argumentError, describe, isPlain } from '../checks/check.js'
import { checkNames } from '../checks/options.js'
import {
  InvalidArgumentError,
  LuaFileNotFoundError,
  UdfCompileError,
  UdfError,
  UdfNotFoundError,
} from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { checkName, type InfoContext, type InfoOptions, InfoRequest } from './info-request.js'
import { readPairs } from './info-text.js'
import { type Look, type WaitOptions, waitFor } from './wait.js'

/** Where a module comes from: a file, or the text itself with a name. */
export type UdfSource =
  | {
      /** The path of a file; its last part is the name of the module unless `name` is another. */
      readonly file: string
      readonly name?: string | undefined
      readonly source?: undefined
    }
  | {
      /** Lua as text or bytes. */
      readonly source: string | Uint8Array
      /** The name of the module, with or without `.lua`. */
      readonly name: string
      readonly file?: undefined
    }

/** A module that is registered. */
export interface UdfModule {
  /** The name that calls use. */
  readonly module: string
  /** The name of its file: `module` followed by `.lua`. */
  readonly file: string
  /** SHA-1 of what is registered, as the server makes it. */
  readonly hash: string
  readonly type: 'LUA'
}

/** How many nodes have a module. */
export interface UdfProgress {
  /** Nodes that have it as it was registered. */
  readonly done: number
  readonly total: number
}

const ENDING = '.lua'
/** The server's limits: a name with its ending, and the text of a module (protocol 4.9). */
const MAX_NAME = 127
const MAX_SOURCE = 1024 * 1024
/** Milliseconds between looks whether all nodes have forgotten a module. */
const LOOK_MS = 50

const SOURCE_FIELDS = ['file', 'source', 'name']

/** A module that was accepted. The nodes get it one after another. */
export class UdfJob {
  /** The name that calls use. */
  readonly module: string
  readonly #context: InfoContext
  readonly #file: string
  readonly #hash: string
  readonly #before: string | undefined

  /** @internal @param before the hash of what the module was before */
  constructor(context: InfoContext, file: string, hash: string, before: string | undefined) {
    this.#context = context
    this.module = file.slice(0, -ENDING.length)
    this.#file = file
    this.#hash = hash
    this.#before = before
  }

  /**
   * Waits until every node has the module.
   *
   * @throws TimeoutError after `timeout`; the nodes go on
   */
  async done(options?: WaitOptions<UdfProgress>): Promise<void> {
    await waitFor('UdfJob.done', options, (limits) => this.#look(limits))
  }

  async #look(limits: object): Promise<Look<UdfProgress>> {
    const hashes = await hashesOf(InfoRequest.read(this.#context, 'UdfJob.done', limits), this.#file)
    const done = hashes.filter((hash) => this.#isNew(hash, hashes[0])).length
    return { progress: { done, total: hashes.length }, done: done === hashes.length }
  }

  /** Whether a node has this version: the hash says so, or it is a new one that the others have too. */
  #isNew(hash: string | undefined, others: string | undefined): boolean {
    return hash === this.#hash || (hash !== undefined && hash !== this.#before && hash === others)
  }
}

/** The modules of the cluster: `client.udf`. */
export class UdfAdmin {
  readonly #context: InfoContext

  /** @internal */
  constructor(context: InfoContext) {
    this.#context = context
  }

  /**
   * Registers a module, or replaces it. Resolves when the cluster has accepted it; `done` of the result waits until every node
   * has it.
   *
   * @throws UdfCompileError when it is no valid Lua, with the line and what is wrong
   * @throws LuaFileNotFoundError when the file cannot be read
   * @example
   * const job = await client.udf.register({ file: 'lua/counters.lua' })
   * await job.done()
   * await client.udf.register({ name: 'hello', source: 'function hello(rec) return "hello" end' })
   */
  async register(source: UdfSource, options?: InfoOptions): Promise<UdfJob> {
    const verb = 'udf.register'
    try {
      const { file, content } = await read(verb, source)
      const request = InfoRequest.write(this.#context, verb, options)
      const [before] = await hashesOf(request, file)
      const text = content.toString('base64')
      const command = `udf-put:filename=${file};content=${text};content-len=${text.length};udf-type=LUA;`
      const { node, answers } = await request.any(command)
      accepted(request, node, file, answers[0] ?? '')
      return new UdfJob(this.#context, file, hashOf(file, text), before)
    } catch (error) {
      throw argumentError(error, verb)
    }
  }

  /** The modules that are registered. @example const modules = await client.udf.list() */
  async list(options?: InfoOptions): Promise<UdfModule[]> {
    const verb = 'udf.list'
    try {
      const request = InfoRequest.read(this.#context, verb, options)
      const { node, answers } = await request.any('udf-list')
      return readList(request.accepted(node, answers[0] ?? ''))
    } catch (error) {
      throw argumentError(error, verb)
    }
  }

  /**
   * The Lua text of a module.
   *
   * @throws UdfNotFoundError when there is none of that name
   * @example const lua = await client.udf.get('counters')
   */
  async get(name: string, options?: InfoOptions): Promise<string> {
    const verb = 'udf.get'
    try {
      const file = fileName(verb, name)
      const request = InfoRequest.read(this.#context, verb, options)
      const { node, answers } = await request.any(`udf-get:filename=${file}`)
      const answer = accepted(request, node, file, answers[0] ?? '')
      return Buffer.from(readPairs(answer, ';').get('content') ?? '', 'base64').toString('utf8')
    } catch (error) {
      throw argumentError(error, verb)
    }
  }

  /**
   * Removes a module and resolves when no node has it any more. One that is not there is no error.
   *
   * @example await client.udf.remove('counters')
   */
  async remove(name: string, options?: InfoOptions): Promise<void> {
    const verb = 'udf.remove'
    try {
      const file = fileName(verb, name)
      const request = InfoRequest.write(this.#context, verb, options)
      const { node, answers } = await request.any(`udf-remove:filename=${file};`)
      accepted(request, node, file, answers[0] ?? '')
      while ((await hashesOf(request, file)).some((hash) => hash !== undefined)) {
        if (!(await request.pause(LOOK_MS))) throw request.timeoutError('some nodes still have the module')
      }
    } catch (error) {
      throw argumentError(error, verb)
    }
  }
}

async function read(verb: string, given: unknown): Promise<{ file: string; content: Buffer }> {
  if (typeof given !== 'object' || given === null || !isPlain(given)) {
    throw new InvalidArgumentError(`${verb}: expected { file } or { source, name }, not ${describe(given)}`)
  }
  checkNames(verb, given, SOURCE_FIELDS, 'a module has no')
  const { file, source, name } = given as { file?: unknown; source?: unknown; name?: unknown }
  if ((file === undefined) === (source === undefined)) {
    throw new InvalidArgumentError(`${verb}: expected either { file } or { source, name }`)
  }
  if (file !== undefined && typeof file !== 'string') {
    throw new InvalidArgumentError(`${verb}: the file must be a path, not ${describe(file)}`)
  }
  const target = fileName(verb, name ?? (file === undefined ? undefined : basename(file)))
  const content = file === undefined ? bytesOf(verb, source) : await contentOf(verb, file)
  // Servers take it for text that is not in base 64.
  if (content.length === 0) throw new InvalidArgumentError(`${verb}: the source of the module is empty`)
  if (content.length <= MAX_SOURCE) return { file: target, content }
  throw new InvalidArgumentError(`${verb}: a module has at most ${MAX_SOURCE} bytes, not ${content.length}`)
}

function bytesOf(verb: string, source: unknown): Buffer {
  if (typeof source === 'string') return Buffer.from(source)
  if (types.isUint8Array(source)) return Buffer.from(source)
  throw new InvalidArgumentError(`${verb}: the source must be text or bytes, not ${describe(source)}`)
}

async function contentOf(verb: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new LuaFileNotFoundError(`${verb}: ${(cause as Error).message}`, { code: Code.luaFileNotFound, cause })
  }
}

/** The name of a module's file. */
function fileName(verb: string, name: unknown): string {
  const checked = checkName(verb, 'name of the module', name, MAX_NAME)
  const file = checked.endsWith(ENDING) ? checked : `${checked}${ENDING}`
  if (/[,=/\\]/.test(file) || file === ENDING) {
    throw new InvalidArgumentError(`${verb}: ${describe(name)} cannot be the name of a module`)
  }
  return checkName(verb, 'name of the module', file, MAX_NAME)
}

/** The hash of a module as a server makes it (protocol 4.9). */
function hashOf(file: string, base64: string): string {
  return createHash('sha1').update(`{"content64": "${base64}", "type": "LUA", "name": "${file}"}`).digest('hex')
}

function readList(answer: string): UdfModule[] {
  return answer
    .split(';')
    .map((line) => readPairs(line, ','))
    .filter((pairs) => pairs.has('filename'))
    .map((pairs) => {
      const file = pairs.get('filename') as string
      const module = file.endsWith(ENDING) ? file.slice(0, -ENDING.length) : file
      return { module, file, hash: pairs.get('hash') ?? '', type: 'LUA' }
    })
}

/** The hash of a module at every node; undefined where it is not. */
async function hashesOf(request: InfoRequest, file: string): Promise<(string | undefined)[]> {
  const lists = await request.all('udf-list')
  return lists.map(({ node, answers }) => {
    const modules = readList(request.accepted(node, answers[0] ?? ''))
    return modules.find((module) => module.file === file)?.hash
  })
}

/** The answer of a command on modules, which says `error=…` when it was refused. */
function accepted(request: InfoRequest, node: string, file: string, answer: string): string {
  request.accepted(node, answer)
  if (!answer.startsWith('error=')) return answer
  const pairs = readPairs(answer, ';')
  const error = pairs.get('error') ?? ''
  const module = file.slice(0, -ENDING.length)
  const said = (reason: string, line?: number) => ({
    code: Code.udfExecution,
    node,
    attempts: 1,
    udf: { module, line, reason },
  })
  if (error === 'compile_error') {
    const reason = Buffer.from(pairs.get('message') ?? '', 'base64').toString('utf8')
    const line = Number(pairs.get('line') ?? 0)
    throw new UdfCompileError(`${request.verb}: ${file}:${line}: ${reason}`, said(reason, line))
  }
  if (error === 'not_found')
    throw new UdfNotFoundError(`${request.verb}: there is no module ${describe(module)}`, said(error))
  throw new UdfError(
    `${request.verb}: the server refused ${describe(file)}: ${error.replaceAll('_', ' ')}`,
    said(error),
  )
}
