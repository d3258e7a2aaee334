import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeSettings } from '../../runtime/config/describe-settings.ts'

/**
 * Puts the table of settings into the README, between its two marks. `npm run docs` runs it on the file;
 * `test/docs/readme.test.ts` fails while the file is not what it would write.
 */
export function withSettingsTable(readme: string): string {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END)
  if (begin < 0 || end < begin)
    throw new Error(`the README needs the marks ${BEGIN} and ${END}, in this order`)
  const { table } = describeSettings()
  return `${readme.slice(0, begin + BEGIN.length)}\n${table}\n${readme.slice(end)}`
}

export const README = join(import.meta.dirname, '../../README.md')

const BEGIN = '<!-- settings:begin -->'
const END = '<!-- settings:end -->'

if (process.argv[1] === import.meta.filename)
  writeFileSync(README, withSettingsTable(readFileSync(README, 'utf8')))
