import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seedTableProblems } from '../support/seed-table.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')
const exists = (path: string): boolean => existsSync(join(ROOT, path))

test('ARCHITECTURE.md maps every line of the seed to files and tests that exist', () => {
  expect(seedTableProblems(read('SEED.md'), read('ARCHITECTURE.md'), exists)).toEqual([])
})

test.each(['README.md', 'ARCHITECTURE.md'])(
  'every file that %s links to or names in backticks exists',
  (name) => {
    const text = read(name).replace(/<!-- seed:begin -->.*<!-- seed:end -->/s, '')
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)]
    const named = [...text.matchAll(/`((?:runtime|actors|supervisors|test|bench|deploy)\/[\w./-]+)`/g)]
    const paths = [...links, ...named].map(([, path]) => path ?? '')
    expect(paths.length).toBeGreaterThan(0)
    expect(paths.filter((path) => !exists(path))).toEqual([])
  },
)

const SEED = '# Title\n\n- one\n| a | b |\n|---|---|\n- two\n'
const table = (...rows: string[]): string =>
  `<!-- seed:begin -->\n| seed | where | test | state |\n| - | - | - | - |\n${rows.join('\n')}\n<!-- seed:end -->`
const ONE = '| - one | `a.ts` | `a.test.ts` | done |'
const AB = '| \\| a \\| b \\| | — | — | label |'
const TWO = '| - two | `later/` | — | not yet: all of it |'
const here = (path: string): boolean => path === 'a.ts' || path === 'a.test.ts'

test.each([
  ['nothing', table(ONE, AB, TWO), []],
  ['a line without a row', table(ONE, AB), ['no row for: - two', expect.stringContaining('order')]],
  [
    'an invented line',
    table(ONE, AB, TWO, '| - three | | | label |'),
    ['not a line of the seed: - three', expect.stringContaining('order')],
  ],
  ['rows in another order', table(AB, ONE, TWO), ['the rows are not in the order of the seed']],
  [
    'done without a test',
    table(ONE.replace('`a.test.ts`', '—'), AB, TWO),
    ['done without a file and a test: - one'],
  ],
  [
    'done with a file that is not there',
    table(ONE.replace('a.ts', 'b.ts'), AB, TWO),
    ['there is no b.ts, named by: - one'],
  ],
  [
    'another state',
    table(ONE, AB, TWO.replace('not yet: all of it', 'nearly')),
    ['state "nearly" of: - two'],
  ],
])('the check finds %s', (_, document, problems) => {
  expect(seedTableProblems(SEED, document, here)).toEqual(problems)
})
