// Behaviors that are kept in a file, and follow it.

import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { describe, isPlain } from '../checks/check.js'
import { callback, didYouMean, flag, type OptionRules, readOptions } from '../checks/options.js'
import { InvalidArgumentError } from '../errors/classes.js'
import { beginPause, type Pause, TruePromise } from '../host.js'
import { Behavior } from './behavior.js'
import { readOptionsFile } from './yaml-file.js'

/** Options of `Behavior.fromFile`. */
export interface BehaviorFileOptions {
  /** What the file's behavior is derived from. Default: its `parent`, the name of a preset; without one `DEFAULT`. */
  readonly parent?: Behavior | undefined
  /** Whether changes of the file are followed. Default true. */
  readonly watch?: boolean | undefined
  /** Called when the file was changed and its options are in use. */
  readonly onChange?: ((behavior: FileBehavior) => void) | undefined
  /** Called when the file was changed into something that is no behavior: what was said before stays in use. */
  readonly onError?: ((error: Error) => void) | undefined
}

const RULES: OptionRules<BehaviorFileOptions> = {
  parent: { expects: 'a Behavior', check: (value) => value instanceof Behavior },
  watch: flag,
  onChange: callback,
  onError: callback,
}

/**
 * Changes come in several steps, and an editor may replace the file: it is read when it has been quiet for so long,
 * in ms.
 */
const QUIET_MS = 30

const PRESETS: { readonly [name: string]: Behavior } = {
  DEFAULT: Behavior.DEFAULT,
  READ_FAST: Behavior.READ_FAST,
  STRICTLY_CONSISTENT: Behavior.STRICTLY_CONSISTENT,
  FAST_RACK_AWARE: Behavior.FAST_RACK_AWARE,
}

interface Said {
  readonly name: string
  readonly parent: Behavior
  readonly options: object
}

async function read(path: string, parent: Behavior | undefined): Promise<Said> {
  const said = await readOptionsFile(path)
  if (typeof said !== 'object' || said === null || !isPlain(said)) {
    throw new InvalidArgumentError(`${path}: expected the options of a behavior, not ${describe(said)}`)
  }
  const {
    name = basename(path, extname(path)),
    parent: named = 'DEFAULT',
    ...options
  } = said as { [key: string]: unknown }
  if (typeof name !== 'string') throw new InvalidArgumentError(`${path}: the name must be text, not ${describe(name)}`)
  if (parent !== undefined) return { name, parent, options }
  const preset = typeof named === 'string' && Object.hasOwn(PRESETS, named) ? PRESETS[named] : undefined
  if (preset !== undefined) return { name, parent: preset, options }
  const hint = typeof named === 'string' ? didYouMean(named, Object.keys(PRESETS)) : ''
  throw new InvalidArgumentError(`${path}: the parent must be the name of a preset, not ${describe(named)}${hint}`)
}

/**
 * A behavior that says what its file says, now and after each change of it; made by {@link behaviorFromFile}. A change of
 * the name or the parent counts when the file is read anew.
 */
export class FileBehavior extends Behavior {
  readonly path: string
  #watcher: FSWatcher | undefined
  /** Until the file has been left alone for a moment. */
  #quiet: Pause | undefined
  #reading: Promise<void> = TruePromise.resolve()

  /** @internal */
  constructor(path: string, said: Said, options: BehaviorFileOptions) {
    super(said.name, said.parent, said.options)
    this.path = path
    if (options.watch !== false) this.#follow(options)
  }

  /** Stops following the file. What it said last stays. */
  close(): void {
    this.#quiet?.end()
    this.#quiet = undefined
    this.#watcher?.close()
    this.#watcher = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Watches the folder: an editor that writes a new file in the place of the old one is followed as well. */
  #follow(options: BehaviorFileOptions): void {
    const name = basename(this.path)
    this.#watcher = watch(dirname(this.path), { persistent: false }, (_, changed) => {
      if (changed !== null && changed !== name) return
      this.#quiet?.end()
      const quiet = beginPause(QUIET_MS)
      this.#quiet = quiet
      void quiet.over.then(() => {
        if (this.#quiet === quiet) this.#reading = this.#reading.then(() => this.#reload(options))
      })
    })
    this.#watcher.on('error', (error) => options.onError?.(error))
  }

  async #reload(options: BehaviorFileOptions): Promise<void> {
    try {
      const said = await read(this.path, options.parent)
      if (this.#watcher === undefined) return
      this.change(said.options)
    } catch (error) {
      options.onError?.(error as Error)
      return
    }
    options.onChange?.(this)
  }
}

/** Reads a behavior from a file: see {@link Behavior}. */
export async function behaviorFromFile(path: string, given?: BehaviorFileOptions): Promise<FileBehavior> {
  if (typeof path !== 'string')
    throw new InvalidArgumentError(`fromFile takes the path of a file, not ${describe(path)}`)
  const options = readOptions<BehaviorFileOptions>('fromFile', given, RULES)
  const whole = resolve(path)
  return new FileBehavior(whole, await read(whole, options.parent), options)
}
