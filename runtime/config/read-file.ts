import { jsonErrorOffset } from './json-error-offset.ts'
import { didYouMean, type Given, type Layer, type NamedFile } from './layer.ts'
import { CONFIG_FILE } from './names.ts'
import { SETTING_PATHS, type SettingPath } from './settings.ts'

/**
 * Reads the configuration file: JSON objects nested as the paths of the settings are. A file that was named must exist.
 * Values of unknown keys are not shown in problems, for they may be secrets under a misspelt name.
 */
export function readConfigFile(named: NamedFile | undefined, readFile: (path: string) => string): Layer {
  const file = named?.path ?? CONFIG_FILE.default
  let text: string
  try {
    text = readFile(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (named === undefined && code === 'ENOENT') return { given: [], problems: [] }
    const problem =
      code === 'ENOENT'
        ? `there is no file ${JSON.stringify(file)}`
        : `${JSON.stringify(file)} cannot be read: ${message}`
    return { given: [], problems: [`${named?.label ?? 'file'}: ${problem}`] }
  }
  return readText(file, text.replace(/^\uFEFF/, ''))
}

function readText(file: string, text: string): Layer {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // The engine's message quotes the text around the error (secrets too) and often leaves the position out.
    return {
      given: [],
      problems: [`file ${file}: no valid JSON at ${position(text, jsonErrorOffset(text))}`],
    }
  }
  if (!isObject(content)) return { given: [], problems: [`file ${file}: expected a JSON object`] }
  return readObject(file, content, [])
}

function readObject(file: string, object: Record<string, unknown>, above: readonly string[]): Layer {
  const given: Given[] = []
  const problems: string[] = []
  for (const [key, value] of Object.entries(object)) {
    const path = [...above, key].join('.')
    const label = `file ${file}, ${path}`
    if (key.includes('.'))
      problems.push(`${label}: expected nested objects instead of the key ${JSON.stringify(key)}`)
    else if (isSetting(path)) given.push({ path, source: 'file', label, value })
    else if (!GROUPS.has(path)) problems.push(`${label}: there is no such setting${didYouMean(path, KNOWN)}`)
    else if (!isObject(value)) problems.push(`${label}: expected an object with the settings of ${path}`)
    else {
      const inner = readObject(file, value, [...above, key])
      given.push(...inner.given)
      problems.push(...inner.problems)
    }
  }
  return { given, problems }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isSetting = (path: string): path is SettingPath => SETTING_PATHS.some((known) => known === path)

/** `http`, `pools`, `pools.a`, … */
const GROUPS = new Set(
  SETTING_PATHS.flatMap((path) => {
    const segments = path.split('.')
    return segments.slice(1).map((_, i) => segments.slice(0, i + 1).join('.'))
  }),
)
const KNOWN = [...SETTING_PATHS, ...GROUPS]

function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n')
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`
}
