import { expect, test } from 'vitest'
import { Pool, type PoolMessage } from '../../../actors/pool/pool.ts'
import type { RunReport } from '../../../actors/pool/run-job.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import type { Outcome } from '../../../runtime/job/outcome.ts'
import { FakeThread } from '../../support/fake-thread.ts'
import { aJob } from '../../support/jobs.ts'
import { poolOptions } from '../../support/pool-options.ts'
import { testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

const PATH = '/test/thread-1'
const DONE: RunReport = { state: 'done', writes: [], skipped: [], startedAtMs: 1, finishedAtMs: 2 }

/** A pool whose one thread is the test: what it is sent, and what it reports. */
async function start() {
  const thread = new FakeThread(PATH)
  const { sent } = thread
  const outcomes: Outcome[] = []
  const pool = new ActorCell<PoolMessage>(testSystem(), '/test/pool', 1_000, () => {
    return new Pool(poolOptions(outcomes, { threads: [thread.ref], concurrency: 4, outstandingJobsMax: 100 }))
  })
  await pool.start()
  const report = (ticket: number, said: RunReport = DONE) =>
    pool.tell({ type: 'reported', path: PATH, reports: [{ ticket, durationMs: 1, report: said }] })
  return { pool, sent, outcomes, report }
}

test('what several reports of one turn have freed goes out in one batch', async () => {
  const { pool, sent, report } = await start()
  pool.tell({ type: 'delivered', jobs: Array.from({ length: 8 }, () => aJob()) })
  await until(() => sent.length > 0, 'the first batch')
  const { firstTicket } = sent[0] ?? { firstTicket: 0 }
  for (let i = 0; i < 3; i++) report(firstTicket + i)
  await until(() => sent.length > 1, 'the second batch')
  expect(sent.map(({ ids }) => ids.length)).toEqual([4, 3])
})

test('of which job a report is, the pool knows: a thread cannot report of another', async () => {
  const { pool, sent, outcomes, report } = await start()
  const [mine, foreign] = [aJob(), aJob()]
  pool.tell({ type: 'delivered', jobs: [mine] })
  await until(() => sent.length > 0, 'the job is sent')
  const forged = { ...DONE, envelope: foreign.envelope, origin: { from: 'table' } }
  report(sent[0]?.firstTicket ?? 0, forged)
  await until(() => outcomes.length > 0, 'its outcome')
  expect(outcomes).toEqual([{ ...DONE, envelope: mine.envelope, origin: mine.origin }])
})
