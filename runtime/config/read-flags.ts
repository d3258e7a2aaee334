import { didYouMean, type Given, type Layer, type NamedFile } from './layer.ts'
import { CONFIG_FILE, flagName } from './names.ts'
import { SETTING_PATHS, type SettingPath, settingAt } from './settings.ts'

/**
 * Reads `--name value` and `--name=value`; a value that itself starts with `--` needs the second form. Every setting
 * has a flag, so every flag takes a value.
 */
export function readFlags(argv: readonly string[]): Layer {
  const given = new Map<string, Given>()
  const problems: string[] = []
  let configFile: NamedFile | undefined
  for (const { flag, text } of pairsOf(argv)) {
    const path = PATH_OF.get(flag)
    const label = `flag ${flag}`
    // A value without a known flag is not shown: it may be a secret under a misspelt name.
    if (!flag.startsWith('--')) problems.push(`argument ${JSON.stringify(flag)}: expected --name value`)
    else if (path === undefined && flag !== CONFIG_FILE.flag)
      problems.push(`${label}: there is no such setting${didYouMean(flag, KNOWN)}`)
    else if (text === undefined) problems.push(`${label}: needs a value`)
    else if (path === undefined ? configFile !== undefined : given.has(path))
      problems.push(`${label}: is given twice`)
    else if (path === undefined) configFile = { path: text, label }
    else given.set(path, { path, source: 'flag', label, value: settingAt(path).fromText(text) })
  }
  return { given: [...given.values()], problems, ...(configFile !== undefined && { configFile }) }
}

function pairsOf(argv: readonly string[]): { flag: string; text: string | undefined }[] {
  const pairs: { flag: string; text: string | undefined }[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    const equals = word.indexOf('=')
    const next = argv[i + 1]
    if (!word.startsWith('--')) pairs.push({ flag: word, text: undefined })
    else if (equals > 0) pairs.push({ flag: word.slice(0, equals), text: word.slice(equals + 1) })
    else if (next === undefined || next.startsWith('--')) pairs.push({ flag: word, text: undefined })
    else pairs.push({ flag: word, text: argv[++i] })
  }
  return pairs
}

const PATH_OF = new Map<string, SettingPath>(
  SETTING_PATHS.flatMap((path) => {
    const { alias } = settingAt(path)
    return [flagName(path), ...(alias === undefined ? [] : [`--${alias}`])].map(
      (flag) => [flag, path] as const,
    )
  }),
)
const KNOWN = [...PATH_OF.keys(), CONFIG_FILE.flag]
