import { expect, test } from 'vitest'
import { refusalOffences } from '../../../bench/chaos/damaged-files.ts'

const said = (how: number | string, line: string): string =>
  `the node ended with ${how} before it listened:\n${line}`
const GOOD =
  "spillway: the node could not start: the log file /d/log/data.mdb can't be used: page 7 is damaged. Restore the directory from a backup, or …"

test('a refusal with exit code, file and remedy is one', () => {
  expect(refusalOffences(said(71, GOOD), 'log')).toEqual([])
})

test.each<[string, string, RegExp]>([
  ['a crash', said('SIGABRT', GOOD), /did not end with 71/],
  ['another part blamed', said(71, GOOD.replace('/log/', '/postgres/')), /does not name/],
  [
    'no file',
    said(71, 'spillway: the node could not start: MDB_CORRUPTED. Restore it from a backup'),
    /does not name/,
  ],
  ['no remedy', said(71, GOOD.replace(/Restore.*/, '')), /does not say what to do/],
])('it is none: %s', (_, output, offence) => {
  expect(refusalOffences(output, 'log')).toEqual([expect.stringMatching(offence)])
})
