import { expect, test } from 'vitest'
import { fateOffences, refusalOffences } from '../../../bench/chaos/damaged-files.ts'

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

test('after a start that was not refused every accepted job is as it should be: found, done, and dead if it was sent to fail', () => {
  const job = { kind: 'chaos.step', isDoomed: false }
  const jobs = [
    { id: 'a', job },
    { id: 'b', job: { ...job, isDoomed: true } },
  ]
  const fates = (a: string, b: string) =>
    new Map(Object.entries({ a, b }).map(([id, state]) => [id, { state, errorCode: 'handler-error' }]))
  expect(fateOffences(jobs, fates('done', 'dead'))).toEqual([])
  expect(fateOffences(jobs, fates('dead', 'dead'))).toEqual([
    expect.stringMatching(/1 accepted jobs .*: a is dead/),
  ])
  expect(fateOffences(jobs, fates('retry', 'done'))).toEqual([
    expect.stringMatching(/2 accepted jobs .*: a is retry/),
  ])
  expect(fateOffences(jobs, new Map())).toEqual([expect.stringMatching(/2 accepted jobs .*: a is not found/)])
})
