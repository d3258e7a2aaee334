import type { SettingPath } from './settings.ts'

/** One rule for every name: `http.bodyBytesMax` is `SPILLWAY_HTTP_BODY_BYTES_MAX` and `--http-body-bytes-max`. */
export const environmentName = (path: SettingPath): string =>
  `${ENVIRONMENT_PREFIX}${words(path).join('_').toUpperCase()}`

export const flagName = (path: SettingPath): string => `--${words(path).join('-')}`

export const ENVIRONMENT_PREFIX = 'SPILLWAY_'

/** Where the path of the configuration file is given; not a setting, for it decides where settings are read. */
export const CONFIG_FILE = {
  environment: 'SPILLWAY_CONFIG',
  flag: '--config',
  default: 'spillway.json',
} as const

const words = (path: string): string[] =>
  path.replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`).split('.')
