import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { README, withSettingsTable } from '../support/generate-docs.ts'

it("the README's table of settings is current; `npm run docs` makes it so", () => {
  const readme = readFileSync(README, 'utf8')
  expect(readme).toBe(withSettingsTable(readme))
})
