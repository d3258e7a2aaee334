import { ConfigError } from '../../../runtime/config/config-error.ts'
import { type LoadedConfig, loadConfig } from '../../../runtime/config/load-config.ts'

export interface Given {
  argv?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Path → text. */
  files?: Readonly<Record<string, string>>
}

/** Loads a configuration from made-up sources. */
export function load({ argv = [], env = {}, files = {} }: Given = {}): LoadedConfig {
  const readFile = (path: string): string => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return text
  }
  return loadConfig({ argv, env, readFile, defaults: { 'handlers.directory': '/handlers' } })
}

/** The problems of a configuration; none when it loads. */
export function problemsOf(given: Given): readonly string[] {
  try {
    load(given)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
