import { CONFIG_FILE, environmentName, flagName } from './names.ts'
import { withBinaryUnit } from './setting.ts'
import { SETTING_PATHS, type SettingPath, settingAt } from './settings.ts'

/** The settings for readers, made from their table: for the README (Markdown) and for `--help` (plain text). */
export const describeSettings = (): { table: string; help: string } => ({ table: table(), help: help() })

const PRECEDENCE =
  `A flag wins over the environment, that over the configuration file, that over the default. ` +
  `The file is JSON, nested by the paths of the settings: \`${CONFIG_FILE.default}\` in the working directory where ` +
  `there is one, or what \`${CONFIG_FILE.flag} FILE\` or \`${CONFIG_FILE.environment}\` names.`

function table(): string {
  const rows = SETTING_PATHS.map((path) => {
    const { range, doc, alias } = settingAt(path)
    const meaning = alias === undefined ? doc : `${doc} Also \`--${alias}\`.`
    const cells = [
      `\`${path}\``,
      `\`${environmentName(path)}\``,
      defaultOf(path) || '(empty)',
      range,
      meaning,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    `${PRECEDENCE} Flags are named as the environment is: \`${flagName('http.bodyBytesMax')}\`.`,
    '',
    '| setting | environment | default | allowed | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

function help(): string {
  const entries = SETTING_PATHS.map((path) => {
    const { expected, doc, alias } = settingAt(path)
    const flags = [flagName(path), ...(alias === undefined ? [] : [`--${alias}`])]
    const fallback = defaultOf(path)
    const facts = [expected, ...(fallback === '' ? [] : [`default ${fallback}`]), environmentName(path)]
    return `  ${flags.join(', ')}\n      ${doc}\n      (${facts.join('; ')})`
  })
  return `${PRECEDENCE.replaceAll('`', '')}\n\n${entries.join('\n')}`
}

function defaultOf(path: SettingPath): string {
  const { default: value, unit } = settingAt(path)
  if (value === undefined) return 'built in'
  if (typeof value === 'number' && unit === 'bytes') return withBinaryUnit(value)
  return Array.isArray(value) ? value.join(', ') : String(value)
}
