import { expect, test } from 'vitest'
import { type ChaosJob, Workload } from '../../../bench/chaos/workload.ts'

const take = (workload: Workload, count: number): ChaosJob[] =>
  Array.from({ length: count }, () => workload.next())

test('the same seed gives the same jobs, another seed others', () => {
  expect(take(new Workload(3), 200)).toEqual(take(new Workload(3), 200))
  expect(take(new Workload(4), 200)).not.toEqual(take(new Workload(3), 200))
})

test('of an ordering key the next job comes after the verdict of the one before, in sequence', () => {
  const workload = new Workload(3)
  const blocked = take(workload, 5_000).filter(({ ordering }) => ordering)
  expect(new Set(blocked.map(({ ordering }) => ordering?.key)).size).toBe(blocked.length)
  for (const job of blocked) workload.settled(job)
  const next = take(workload, 5_000).filter(({ ordering }) => ordering)
  expect(next.length).toBeGreaterThan(0)
  for (const { ordering } of next) expect(ordering?.sequence).toBe(1)
})

test('no two jobs are taken for one', () => {
  const jobs = take(new Workload(3), 2_000)
  expect(new Set(jobs.map(({ claimKey }) => claimKey)).size).toBe(jobs.length)
})
