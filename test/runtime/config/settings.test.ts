import { describe, expect, it } from 'vitest'
import { describeSettings } from '../../../runtime/config/describe-settings.ts'
import { environmentName, flagName } from '../../../runtime/config/names.ts'
import { SETTING_PATHS, settingAt } from '../../../runtime/config/settings.ts'

describe('every setting', () => {
  it.each(SETTING_PATHS)('%s has a default that it accepts, as text too, and one line of doc', (path) => {
    const setting = settingAt(path)
    if (setting.default !== undefined) {
      expect(setting.accepts(setting.default)).toBe(true)
      expect(setting.fromText(String(setting.default))).toEqual(setting.default)
    }
    expect(setting.doc).toMatch(/^[^\n|]+\.$/)
  })

  it.each(SETTING_PATHS)('%s carries its unit in its name', (path) => {
    const suffix = /(Ms|Minutes|Hours|Days|BytesMax|JobsMax)$/.exec(path)?.[0]
    const unit = suffix?.replace('Max', '').toLowerCase()
    if (unit !== undefined) expect(settingAt(path).unit).toBe(unit)
  })

  it('is named by one rule', () => {
    expect(environmentName('pools.a.mailboxJobsMax')).toBe('SPILLWAY_POOLS_A_MAILBOX_JOBS_MAX')
    expect(flagName('pools.a.mailboxJobsMax')).toBe('--pools-a-mailbox-jobs-max')
  })

  it('has names of its own', () => {
    const aliases = SETTING_PATHS.flatMap((path) => settingAt(path).alias ?? []).map((alias) => `--${alias}`)
    const names = [...SETTING_PATHS.flatMap((path) => [environmentName(path), flagName(path)]), ...aliases]
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('described', () => {
  it('every setting has a row in the table and an entry in the help', () => {
    const { table, help } = describeSettings()
    for (const path of SETTING_PATHS) {
      expect(table).toContain(`| \`${path}\` | \`${environmentName(path)}\` | `)
      expect(help).toContain(`  ${flagName(path)}`)
    }
  })

  it('a row gives default, range and meaning', () => {
    expect(describeSettings().table).toContain(
      '| `http.bodyBytesMax` | `SPILLWAY_HTTP_BODY_BYTES_MAX` | 262144 (256 KiB) | 1024 to 1048576 bytes | Largest job',
    )
  })
})
