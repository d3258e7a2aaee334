import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { missingPaths } from '../support/doc-paths.ts'
import { seedTableProblems } from '../support/seed-table.ts'

const ROOT = join(import.meta.dirname, '../..')
const ROOMS = ['runtime', 'actors', 'supervisors', 'deploy', 'bench', 'test', '.ci']
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')
const exists = (path: string): boolean => existsSync(join(ROOT, path))
const isFile = (path: string): boolean =>
  statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() ?? false

test('ARCHITECTURE.md maps every line of the seed to files and tests that exist', () => {
  expect(seedTableProblems(read('SEED.md'), read('ARCHITECTURE.md'), isFile)).toEqual([])
})

test.each(['README.md', 'ARCHITECTURE.md', 'docs/supervision.md'])(
  'every file that %s links to or names in backticks exists',
  (name) => {
    const text = read(name).replace(/<!-- seed:begin -->.*<!-- seed:end -->/s, '')
    expect(missingPaths(text, ROOMS, exists)).toEqual([])
  },
)

describe('the check of the table finds', () => {
  const SEED = '# Title\n\n**Type:** x\n\n---\n**New:**\n- one\n| a | b |\n|---|---|\n- two\n'
  const LABELS = ['| **Type:** x | — | — | label |', '| **New:** | — | — | label |']
  const ONE = '| - one | `a.ts` | `test/a.test.ts` | done |'
  const AB = '| \\| a \\| b \\| | — | — | label |'
  const TWO = '| - two | `later/` | — | not yet (issue 4: real servers; issue 8: production): all of it |'
  const here = (path: string): boolean => ['a.ts', 'b.ts', 'test/a.test.ts'].includes(path)
  const problems = (...rows: string[]): string[] => {
    const table = ['| seed | where | test | state |', '| - | - | - | - |', ...LABELS, ...rows].join('\n')
    return seedTableProblems(SEED, `<!-- seed:begin -->\n${table}\n<!-- seed:end -->`, here)
  }
  const order = 'the rows are not in the order of the seed'

  test.each<[string, string[], string[]]>([
    ['nothing', [ONE, AB, TWO], []],
    ['a line without a row', [ONE, AB], ['no row for: - two', order]],
    [
      'an invented line',
      [ONE, AB, TWO, '| - three | — | — | label |'],
      ['not a line of the seed: - three', order, 'more than a label: - three'],
    ],
    ['rows in another order', [AB, ONE, TWO], [order]],
    ['a row twice', [ONE, ONE, AB, TWO], [order]],
    ['a requirement called a label', ['| - one | — | — | label |', AB, TWO], ['more than a label: - one']],
    [
      'done without a test',
      [ONE.replace('`test/a.test.ts`', '—'), AB, TWO],
      ['done without a file and a test: - one'],
    ],
    [
      'done without a file',
      [ONE.replace('`a.ts`', 'somewhere'), AB, TWO],
      ['done without a file and a test: - one'],
    ],
    [
      'done with a file that is not there',
      [ONE.replace('`a.ts`', '`c.ts`, `a.ts`'), AB, TWO],
      ['there is no c.ts, named by: - one'],
    ],
    [
      'done with a test that is none',
      [ONE.replace('test/a.test.ts', 'b.ts'), AB, TWO],
      ['b.ts is no test, named by: - one'],
    ],
    [
      'not yet with a test that is not there',
      [ONE, AB, TWO.replace('—', '`test/c.test.ts`')],
      ['there is no test/c.test.ts, named by: - two'],
    ],
    [
      'not yet without an issue',
      [ONE, AB, '| - two | — | — | not yet: all |'],
      ['state "not yet: all" of: - two'],
    ],
    [
      'not yet without what is missing',
      [ONE, AB, '| - two | — | — | not yet (issue 4: real servers): |'],
      ['state "not yet (issue 4: real servers):" of: - two'],
    ],
    ['another state', [ONE, AB, '| - two | — | — | nearly |'], ['state "nearly" of: - two']],
    [
      'an issue under two titles',
      [ONE, AB, TWO.replace('issue 8', 'issue 4')],
      ['issue 4 is "real servers" and "production"'],
    ],
  ])('%s', (_, rows, expected) => {
    expect(problems(...rows)).toEqual(expected)
  })

  test('a document without the table', () => {
    expect(seedTableProblems('- one\n', '# Architecture\n', here)).toContain('no row for: - one')
  })
})

test.each([
  ['a link', 'see [it](gone.md)', ['gone.md']],
  ['a link with an anchor', 'see [it](gone.md#part)', ['gone.md']],
  ['a file in backticks', 'in `actors/gone.ts`', ['actors/gone.ts']],
  ['a folder in backticks', 'in `actors/gone/`', ['actors/gone/']],
  ['a file in a folder that is none of ours', 'in `workers/gone.js`', ['workers/gone.js']],
  ['nothing where all exist', '[a](here.md) [b](./here.md#x) `actors/here.ts`', []],
  ['nothing in what is no path', '`text/plain`, `GET /v1/jobs`, [a](https://a.example/b.md), [b](#part)', []],
])('the check of paths finds %s', (_, text, missing) => {
  const here = (path: string): boolean => ['here.md', 'actors/here.ts'].includes(path)
  expect(missingPaths(text, ['actors'], here)).toEqual(missing)
})
