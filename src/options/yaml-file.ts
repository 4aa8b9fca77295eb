// Files of options: YAML or JSON. `yaml` is an optional peer, loaded when a file needs it.

import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { InvalidArgumentError } from '../errors/classes.js'

/**
 * What a file says.
 *
 * @throws InvalidArgumentError when it cannot be read, or is neither
 */
export async function readOptionsFile(path: string): Promise<unknown> {
  try {
    return await parse(path, await readFile(path, 'utf8'))
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error
    throw new InvalidArgumentError(`${path} could not be read: ${(error as Error).message}`, { cause: error })
  }
}

async function parse(path: string, text: string): Promise<unknown> {
  if (extname(path) === '.json') return JSON.parse(text)
  let yaml: typeof import('yaml')
  try {
    yaml = await import('yaml')
  } catch (cause) {
    throw new InvalidArgumentError(`${path}: a YAML file needs the package 'yaml' beside this one; JSON files do not`, {
      cause,
    })
  }
  return yaml.parse(text)
}
