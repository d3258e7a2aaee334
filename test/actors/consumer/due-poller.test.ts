import { expect, onTestFinished, test } from 'vitest'
import { DuePoller, type DuePollerMessage } from '../../../actors/consumer/due-poller.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import type { Job } from '../../../runtime/job/job.ts'
import type { JobStore } from '../../../runtime/store/job-store.ts'
import { SqlError } from '../../../runtime/store/sql.ts'
import { aJob } from '../../support/jobs.ts'
import { testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

/** A job table with more due than anyone can run, which is away for its first `failures` questions. */
async function start({ failures = 0 } = {}) {
  let left = failures
  const delivered: Job[] = []
  const limits: number[] = []
  const store: Pick<JobStore, 'heldKeys' | 'claimDue'> = {
    heldKeys: async () => {
      if (left-- > 0) throw new SqlError('the database thread is not running', '08001')
      return []
    },
    claimDue: async (_pool, _now, limit) => {
      limits.push(limit)
      return Array.from({ length: limit }, () => ({ envelope: aJob().envelope, leaseUntilMs: 0 }))
    },
  }
  const cell = new ActorCell<DuePollerMessage>(testSystem(), '/test/due', 100, () => {
    return new DuePoller({
      store: store as JobStore,
      pool: 'a',
      pollMs: 5,
      batchJobsMax: 3,
      outstandingJobsMax: 7,
      startTimeoutMs: 5_000,
      now: Date.now,
      hold: () => {},
      deliver: (jobs) => {
        delivered.push(...jobs)
        return true
      },
    })
  })
  onTestFinished(() => cell.stop())
  await cell.start()
  return { cell, delivered, limits }
}

test('no more is claimed than can be run, and more when that is settled', async () => {
  const { cell, delivered, limits } = await start()
  await until(() => delivered.length === 7, 'all that is allowed')
  expect(limits).toEqual([3, 3, 1])
  cell.tell({ type: 'settled', rows: 2 })
  await until(() => delivered.length === 9, 'what was settled')
  expect(limits).toEqual([3, 3, 1, 2])
})

test('a job table that comes up later is waited for', async () => {
  const { delivered } = await start({ failures: 3 })
  await until(() => delivered.length > 0, 'the first claims')
})
