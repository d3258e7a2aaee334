import { closest, distance } from 'fastest-levenshtein'
import type { SettingPath } from './settings.ts'

/** Where a value comes from, in rising precedence. */
export type Source = 'default' | 'file' | 'environment' | 'flag'

/** What one source says: values not checked yet, and what could not even be attributed to a setting. */
export interface Layer {
  given: readonly Given[]
  problems: readonly string[]
  /** The configuration file that this source names. */
  configFile?: NamedFile
}

export interface NamedFile {
  path: string
  /** For errors: `flag --config`. */
  label: string
}

export interface Given {
  path: SettingPath
  source: Source
  /** For errors: `environment SPILLWAY_HTTP_PORT`. */
  label: string
  value: unknown
}

/** `; did you mean http.port?` for a name that is near to a known one, else nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  const nearest = closest(name, known)
  const changesMax = Math.max(2, Math.floor(name.length / 4))
  return distance(name, nearest) <= changesMax ? `; did you mean ${nearest}?` : ''
}
