import { checkBounds } from './check-bounds.ts'
import { ConfigError } from './config-error.ts'
import type { Conflict } from './conflict.ts'
import { crossCheck } from './cross-checks.ts'
import type { Given, Source } from './layer.ts'
import { readEnvironment } from './read-environment.ts'
import { readConfigFile } from './read-file.ts'
import { readFlags } from './read-flags.ts'
import { type Config, type GivenDefaults, SETTING_PATHS, type SettingPath, settingAt } from './settings.ts'

export interface ConfigSources {
  /** Flags only: the caller has taken the command, `--help` and the like out. */
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** A file's text; throws as node:fs does. */
  readFile(path: string): string
  /** For settings whose default depends on the program around the runtime. */
  defaults: GivenDefaults
}

export interface LoadedConfig {
  /** Frozen, all the way down. */
  config: Config
  sources: Readonly<Record<SettingPath, Source>>
}

/**
 * The configuration of a node: defaults < file < environment < flags. The file is what `--config` or SPILLWAY_CONFIG
 * names, else `spillway.json` in the working directory where there is one. Throws ConfigError with everything that is
 * wrong: unknown names, values that are not allowed, values that are not allowed together.
 */
export function loadConfig({ argv, env, readFile, defaults }: ConfigSources): LoadedConfig {
  const flags = readFlags(argv)
  const environment = readEnvironment(env)
  const layers = [readConfigFile(flags.configFile ?? environment.configFile, readFile), environment, flags]
  const given = layers.flatMap((layer) => layer.given)
  const refused = given.filter(({ path, value }) => !settingAt(path).accepts(value))
  const inForce = latestOf(
    given.filter((value) => !refused.includes(value)),
    defaults,
  )
  const config = nest(inForce)
  const problems = [
    ...layers.flatMap((layer) => layer.problems),
    ...refused.map(describeRefused),
    ...describeConflicts([...crossCheck(config), ...checkBounds(config)], inForce, refused),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return { config, sources: Object.fromEntries(inForce.map(({ path, source }) => [path, source])) as Sources }
}

type Sources = LoadedConfig['sources']

/** One value for each setting: the last one given, else its default. */
function latestOf(given: readonly Given[], defaults: GivenDefaults): Given[] {
  const latest = new Map(given.map((value) => [value.path, value]))
  return SETTING_PATHS.map((path) => {
    const value = Object.hasOwn(defaults, path)
      ? defaults[path as keyof GivenDefaults]
      : settingAt(path).default
    return latest.get(path) ?? { path, source: 'default', label: 'default', value }
  })
}

function nest(values: readonly Given[]): Config {
  const root: Group = {}
  for (const { path, value } of values) {
    const segments = path.split('.')
    const name = segments.pop()!
    let group = root
    for (const segment of segments) {
      group[segment] ??= {}
      group = group[segment] as Group
    }
    group[name] = Array.isArray(value) ? [...value] : value
  }
  return freezeDeep(root) as unknown as Config
}

type Group = { [name: string]: unknown }

function freezeDeep<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freezeDeep(inner)
  return Object.freeze(value)
}

function describeRefused({ path, label, value }: Given): string {
  const { secret, expected } = settingAt(path)
  return `${label}: ${secret ? 'the secret given' : shown(value)} is not allowed; expected ${expected}`
}

function shown(value: unknown): string {
  const json = JSON.stringify(value).replace(/\/\/[^/@]*@/g, '//***@')
  return json.length > SHOWN_CHARS_MAX ? `${json.slice(0, SHOWN_CHARS_MAX)}…` : json
}

const SHOWN_CHARS_MAX = 100

/** Conflicts of values that are in force; where one of the values was refused, that is the error to report. */
function describeConflicts(
  conflicts: readonly Conflict[],
  inForce: readonly Given[],
  refused: readonly Given[],
): string[] {
  const isRefused = (path: SettingPath) => refused.some((value) => value.path === path)
  const origin = (path: SettingPath) => `${path}: ${inForce.find((value) => value.path === path)?.label}`
  return conflicts
    .filter(({ settings }) => !settings.some(isRefused))
    .map(({ settings, problem }) => `${problem} (${[...new Set(settings)].map(origin).join('; ')})`)
}
