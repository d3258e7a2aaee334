import { expect, it } from 'vitest'
import { describeSettings } from '../../runtime/config/describe-settings.ts'
import { withSettingsTable } from './generate-docs.ts'

const readme = (between: string) => `# A\n<!-- settings:begin -->${between}<!-- settings:end -->\n## B\n`

it('the table replaces what is between the marks, and nothing else', () => {
  const current = withSettingsTable(readme('old'))
  expect(current).toBe(readme(`\n${describeSettings().table}\n`))
  expect(withSettingsTable(current)).toBe(current)
})

it('a README without its marks is an error that names them', () => {
  expect(() => withSettingsTable('# A')).toThrow('<!-- settings:begin --> and <!-- settings:end -->')
})
