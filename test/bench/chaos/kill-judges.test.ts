import { expect, test } from 'vitest'
import { judgeLeaks } from '../../../bench/chaos/kill-leaks.ts'
import { judgeServing } from '../../../bench/chaos/kill-to-serving.ts'
import { judgeKills, type KillFact, quantile } from '../../../bench/chaos/kills.ts'

const kill = (backMs: number | undefined, round = 1): KillFact => ({
  round,
  path: '/node/pools/pool-a/threads/thread-1',
  how: 'kill',
  backMs,
})

test('what is not back is named, with what ended it', () => {
  expect(judgeKills([kill(10), kill(20)]).offences).toEqual([])
  expect(judgeKills([kill(10), kill(undefined, 2)]).offences).toEqual([
    expect.stringMatching(/^round 2: .*thread-1 was ended by kill, and is not back after/),
  ])
})

test('the times are told by what ended it', () => {
  expect(judgeKills([kill(10), { ...kill(30), how: 'heap' }]).summary).toBe(
    '2 ended, each back: kill 1 × (p50 10 ms, p99 10 ms), heap 1 × (p50 30 ms, p99 30 ms)',
  )
})

test('of replacements the 99th percentile counts', () => {
  const quick = Array.from({ length: 198 }, () => kill(90))
  expect(judgeServing([...quick, kill(400), kill(400)]).offences).toEqual([])
  expect(judgeServing([...quick, kill(400), kill(400), kill(400)]).offences).toEqual([
    'p99 is 400 ms, above 150 ms',
  ])
  expect(judgeServing([]).offences).toHaveLength(1)
})

test('a quantile is one of the values', () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2)
  expect(quantile([3, 1, 2], 0.99)).toBe(3)
  expect(quantile([], 0.5)).toBeNaN()
})

test('what grows with the kills is a leak', () => {
  const early = { kills: 200, threads: 30, descriptors: 60, anonymousMib: 900 }
  const late = { ...early, kills: 2_000 }
  expect(judgeLeaks([early, { ...late, threads: 33, anonymousMib: 930 }]).offences).toEqual([])
  expect(
    judgeLeaks([early, { ...late, threads: 90, descriptors: 160, anonymousMib: 1_000 }]).offences,
  ).toEqual([
    '60 more threads than after 200 kills',
    '100 more descriptors than after 200 kills',
    '100 MiB more memory than after 200 kills, above 64',
  ])
})
