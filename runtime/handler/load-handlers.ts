import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { BOUNDS } from '../config/bounds.ts'
import { type Handler, isHandler } from './define-handler.ts'
import './own-name.ts'

/**
 * Handlers are modules, one per kind, in one folder. A file that cannot be used costs its own kind and nothing else: it
 * is reported, and the rest is loaded. Two files of one kind cost that kind: which of them is meant, nobody can know.
 */
export interface LoadedHandlers {
  handlers: ReadonlyMap<string, Handler>
  /** Sorted by file. */
  broken: readonly BrokenHandler[]
}

interface BrokenHandler {
  file: string
  error: Error
}

const MODULE = /\.(ts|js|mjs)$/
const NO_HANDLER = /\.(d|test)\.\w+$/

/**
 * Imports every handler file of `directory` (.ts, .js, .mjs; neither subfolders nor .d.ts and .test files). Rejects only
 * when the folder cannot be read. `importTimeoutMs` bounds a file that waits at its top level for something that does
 * not come.
 */
export async function loadHandlers(
  directory: string,
  { importTimeoutMs = BOUNDS.handlers.importTimeoutMs }: { importTimeoutMs?: number } = {},
): Promise<LoadedHandlers> {
  const files = await handlerFiles(directory)
  const loaded = await Promise.all(files.map((file) => load(directory, file, importTimeoutMs)))
  const handlers = new Map<string, Handler>()
  const broken = loaded.filter((file) => 'error' in file)
  const usable = loaded.filter((file) => 'handler' in file)
  for (const [kind, group] of Map.groupBy(usable, ({ handler }) => handler.kind)) {
    const [first, ...others] = group
    if (first !== undefined && others.length === 0) handlers.set(kind, first.handler)
    else broken.push(...group.map(({ file }) => ({ file, error: kindTwice(kind, file, group) })))
  }
  broken.sort((one, other) => (one.file < other.file ? -1 : 1))
  return { handlers, broken }
}

async function handlerFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((cause) => {
    throw new Error(`the handlers' folder ${directory} cannot be read: ${cause.message}`, { cause })
  })
  return entries
    .filter((entry) => !entry.isDirectory() && MODULE.test(entry.name) && !NO_HANDLER.test(entry.name))
    .map((entry) => entry.name)
    .sort()
}

async function load(
  directory: string,
  file: string,
  importTimeoutMs: number,
): Promise<BrokenHandler | { file: string; handler: Handler }> {
  try {
    const module = await importWithin(join(directory, file), importTimeoutMs)
    if (!('default' in module))
      throw new Error('there is no default export; add export default defineHandler({…})')
    if (!isHandler(module.default)) throw new Error('the default export is not what defineHandler returns')
    return { file, handler: module.default }
  } catch (cause) {
    return { file, error: new Error(`${file}: ${messageOf(cause)}`, { cause }) }
  }
}

async function importWithin(path: string, timeoutMs: number): Promise<object> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error(`its import did not finish within ${timeoutMs} ms (a top-level await?)`)),
    timeoutMs,
  )
  try {
    return await Promise.race([import(pathToFileURL(path).href), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

const kindTwice = (kind: string, file: string, group: readonly { file: string }[]): Error => {
  const others = group.map((other) => other.file).filter((other) => other !== file)
  return new Error(`${file}: kind ${kind} is defined by ${others.join(', ')} too; keep one of them`)
}

function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `threw ${inspect(thrown)}`
  return thrown.name === 'Error' ? thrown.message : `${thrown.name}: ${thrown.message}`
}
