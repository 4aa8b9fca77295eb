// Requests in the text protocol (protocol 4): commands are sent to nodes, and refusals become errors.

import { pause, untilAborted } from '../boundary/abort.js'
import type { NativeClient, NativeNode } from '../boundary/addon.js'
import { controlError } from '../boundary/failure-reader.js'
import type { Boundary } from '../boundary/native.js'
import { commandMessage } from '../channels/command.js'
import { describe } from '../checks/check.js'
import type { AerospikeError } from '../errors/base.js'
import {
  ClusterError,
  InvalidArgumentError,
  NodeNotFoundError,
  PartialInfoError,
  TimeoutError,
} from '../errors/classes.js'
import { Code } from '../errors/codes.js'
import { errorOf, type Facts } from '../errors/failure.js'
import { now, TruePromise } from '../host.js'
import { MAX_INT32 } from '../limits.js'
import { applyOptions, type InfoPolicies } from '../options/apply.js'
import type { Policy } from '../options/policy.js'
import { Takes } from '../options/table.js'

/** What calls of the info protocol take. */
export interface InfoOptions {
  /** Milliseconds the answer may take. Default 1,000; 5,000 for what changes the cluster. */
  readonly totalTimeout?: number | undefined
  /** Cancels the call: it settles at once with an `AbortError`. What was sent may be carried out all the same. */
  readonly signal?: AbortSignal | undefined
}

/** What calls of the info protocol go through, and what they do that say nothing else. */
export interface InfoContext {
  readonly boundary: Boundary
  readonly policies: { readonly info: InfoPolicies }
}

/** As long as a number of milliseconds can be on the boundary. */
const FOREVER_MS = MAX_INT32

/** The answers of one node: one for each command, in their order. */
export interface NodeAnswers {
  readonly node: string
  readonly answers: readonly string[]
}

/** One call of the control plane: what it is called, how long it may take, who may cancel it. */
export class InfoRequest {
  readonly verb: string
  readonly #boundary: Boundary
  readonly #native: NativeClient
  readonly #signal: AbortSignal | undefined
  readonly #changes: boolean
  readonly #timeout: number
  readonly #until: number

  /** @param extra options that the call reads itself */
  static read(context: InfoContext, verb: string, options: unknown, extra?: readonly string[]): InfoRequest {
    return new InfoRequest(context, verb, false, options, extra)
  }

  /** A call that changes the cluster. */
  static write(context: InfoContext, verb: string, options: unknown, extra?: readonly string[]): InfoRequest {
    return new InfoRequest(context, verb, true, options, extra)
  }

  private constructor(
    { boundary, policies }: InfoContext,
    verb: string,
    changes: boolean,
    options: unknown,
    extra: readonly string[] | undefined,
  ) {
    const base = changes ? policies.info.change : policies.info.look
    const policy: Policy = applyOptions(base, options ?? {}, Takes.info, verb, extra)
    this.verb = verb
    this.#boundary = boundary
    this.#native = boundary.native
    this.#signal = policy.signal
    this.#changes = changes
    this.#timeout = policy.totalTimeout
    this.#until = policy.totalTimeout === 0 ? Number.POSITIVE_INFINITY : now() + policy.totalTimeout
  }

  /** Milliseconds that are left of the call. */
  get left(): number {
    return Math.max(0, this.#until - now())
  }

  /** Whether all nodes have at least this version. */
  supports(major: number, minor: number): boolean {
    return this.#active().every((node) => isSince(node.build, major, minor))
  }

  #active(): NativeNode[] {
    return this.#native.nodes().filter((node) => node.active)
  }

  /**
   * What every node answers.
   *
   * @throws PartialInfoError, with what the others said, when some of them did not answer
   */
  async all(...commands: readonly string[]): Promise<NodeAnswers[]> {
    const nodes = this.#active()
    if (nodes.length < 2) return this.#send('*', commands)
    const errors = new Map<string, AerospikeError>()
    const asked = nodes.map(({ name }) =>
      this.#send(name, commands).catch((error: AerospikeError): NodeAnswers[] => {
        errors.set(name, error)
        return []
      }),
    )
    const said = (await TruePromise.all(asked)).flat()
    const [first] = errors.values()
    if (first === undefined) return said
    if (said.length === 0) throw first
    throw this.#partial(nodes.length, said, errors, first)
  }

  #partial(
    nodes: number,
    said: readonly NodeAnswers[],
    errors: ReadonlyMap<string, AerospikeError>,
    cause: AerospikeError,
  ): PartialInfoError {
    const answers = new Map(said.map(({ node, answers }) => [node, answers.join('\n')]))
    const { code, node, attempts, elapsed, inDoubt, retryable } = cause
    const message = `${this.verb}: ${errors.size} of ${nodes} nodes did not answer; first: ${cause.message}`
    return new PartialInfoError(message, answers, errors, { code, node, attempts, elapsed, inDoubt, retryable, cause })
  }

  /** What the node of a name answers. */
  async node(name: string, ...commands: readonly string[]): Promise<NodeAnswers> {
    return this.#first(await this.#send(name, commands))
  }

  /**
   * What any node answers. One that cannot be reached, or is silent for its share of the time, is passed over: the commands
   * may be sent twice, so they must mean the same then.
   */
  async any(...commands: readonly string[]): Promise<NodeAnswers> {
    const nodes = this.#active()
    const first = Math.floor(Math.random() * nodes.length)
    for (let i = 0; i + 1 < nodes.length; i++) {
      const { name } = nodes[(first + i) % nodes.length] as NativeNode
      try {
        return this.#first(await this.#send(name, commands, this.left / (nodes.length - i)))
      } catch (error) {
        if (!(error instanceof ClusterError || error instanceof TimeoutError)) throw error
      }
    }
    const last = nodes[(first + nodes.length - 1) % nodes.length]
    return this.#first(await this.#send(last?.name ?? '', commands))
  }

  #first(answers: readonly NodeAnswers[]): NodeAnswers {
    const [first] = answers
    if (first === undefined) throw new NodeNotFoundError(`${this.verb}: the cluster has no active node`)
    return first
  }

  async #send(target: string, commands: readonly string[], left = this.left): Promise<NodeAnswers[]> {
    const timeout = left === Number.POSITIVE_INFINITY ? FOREVER_MS : Math.max(1, Math.ceil(left))
    const ask = () => {
      const sent = this.#native.info(target, commands.join('\n'), timeout)
      return untilAborted(this.verb, this.#signal, sent, this.#changes)
    }
    try {
      const answers = await (this.#boundary.isFollowed
        ? this.#boundary.follow(commandMessage(this.verb), () => ask().catch((error) => failed(this.verb, error)))
        : ask())
      return answers.map(({ node, response }) => ({ node, answers: this.#read(node, commands, response) }))
    } catch (error) {
      throw controlError(this.verb, error)
    }
  }

  /** The values of a response: lines of the command as it was sent, a tab and the value (protocol 4.1). */
  #read(node: string, commands: readonly string[], response: string): string[] {
    const lines = response.split('\n')
    return commands.map((command, i) => {
      const line = lines[i]
      if (line?.startsWith(`${command}\t`) === true) return line.slice(command.length + 1)
      throw this.refused(node, { code: Code.client, message: `the node did not answer ${describe(command)}` })
    })
  }

  /** The answer, unless it says that the command was refused. */
  accepted(node: string, answer: string, concern?: Concern): string {
    const refusal = readRefusal(answer)
    if (refusal === undefined) return answer
    throw this.refused(node, refusal, concern)
  }

  /** The error for a refusal. */
  refused(node: string, { code, message }: Refusal, concern?: Concern): AerospikeError {
    return errorOf({ verb: this.verb, key: undefined, code, node, attempts: 1, detail: message, ...concern })
  }

  /** Refuses a namespace that the cluster does not have: servers take commands for any, and do nothing. */
  async checkNamespace(namespace: string): Promise<void> {
    const { node, answers } = await this.any('namespaces')
    const known = this.accepted(node, answers[0] ?? '').split(';')
    if (known.includes(namespace)) return
    throw this.refused(node, {
      code: Code.namespaceNotFound,
      message: `the cluster has no namespace ${describe(namespace)}, only ${known.join(', ')}`,
    })
  }

  /** Waits, but not beyond the call; false when there is no time left. */
  async pause(milliseconds: number): Promise<boolean> {
    if (this.left <= milliseconds) return false
    await pause(this.verb, milliseconds, this.#signal)
    return true
  }

  /** The error when the time is over. */
  timeoutError(what: string): AerospikeError {
    return errorOf({
      verb: this.verb,
      key: undefined,
      code: Code.timeout,
      elapsed: this.#timeout,
      detail: what,
      inDoubt: true,
    })
  }
}

/** The index, and its bin, that a command is about. */
export type Concern = Pick<Facts, 'index' | 'bin'>

/** Why a command was refused. */
export interface Refusal {
  readonly code: number
  readonly message: string
}

/** `ERROR:code:message`, `ERROR::message`, and `FAIL:code:message`, `fail` of older servers (protocol 4.1). */
export function readRefusal(answer: string): Refusal | undefined {
  const match = /^(?:error|fail)(?:$|:(?:(\d{1,9})(?:$|:)|:)?)/i.exec(answer)
  if (match === null) return undefined
  return { code: Number(match[1] ?? 1), message: answer.slice(match[0].length) }
}

/** Whether a version such as `8.1.1.2` is at least `major.minor`. */
function isSince(build: string, major: number, minor: number): boolean {
  const [own = 0, ownMinor = 0] = build.split('.').map(Number)
  return own > major || (own === major && ownMinor >= minor)
}

/** A command of the caller's: one line. */
export function checkCommand(verb: string, command: unknown): string {
  if (typeof command === 'string' && command !== '' && !command.includes('\n')) return command
  const what = typeof command === 'string' && command !== '' ? 'text of several lines' : describe(command)
  throw new InvalidArgumentError(`${verb}: the command must be one line of text, not ${what}`)
}

/** What would end a parameter, a list of them or the command. */
const SEPARATORS = /[;:\t\r\n]/

/** A name for a parameter of a command: text of at most `most` bytes that does not break the command. */
export function checkName(verb: string, what: string, name: unknown, most: number): string {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidArgumentError(`${verb}: the ${what} must be a name, not ${describe(name)}`)
  }
  if (SEPARATORS.test(name) || !name.isWellFormed()) {
    throw new InvalidArgumentError(
      `${verb}: the ${what} ${describe(name)} has a character that info commands have no form for`,
    )
  }
  const bytes = Buffer.byteLength(name)
  if (bytes <= most) return name
  throw new InvalidArgumentError(`${verb}: the ${what} has at most ${most} bytes, not ${bytes}`)
}

function failed(verb: string, error: unknown): never {
  throw controlError(verb, error)
}
