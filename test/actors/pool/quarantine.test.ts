import { expect, test } from 'vitest'
import { Pool, type PoolMessage } from '../../../actors/pool/pool.ts'
import type { RunReport } from '../../../actors/pool/run-job.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import { type ExitReason, KILLED } from '../../../runtime/actor/exit-reason.ts'
import { DEFAULT_RETRY } from '../../../runtime/handler/define-handler.ts'
import type { Envelope } from '../../../runtime/job/envelope.ts'
import type { Job } from '../../../runtime/job/job.ts'
import type { Outcome } from '../../../runtime/job/outcome.ts'
import type { CommitVerdict } from '../../../runtime/store/job-store.ts'
import { FakeThread } from '../../support/fake-thread.ts'
import { aJob } from '../../support/jobs.ts'
import { poolOptions } from '../../support/pool-options.ts'
import { testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

const DONE: RunReport = { state: 'done', writes: [], skipped: [], startedAtMs: 1, finishedAtMs: 2 }
const EXIT: ExitReason = { kind: 'thread', cause: 'exit', error: new Error('worker exited with code: 1') }

/** A pool whose threads, writer and job table are the test. */
async function start({ threads: count = 1, concurrency = 4 } = {}) {
  const threads = Array.from({ length: count }, (_, i) => new FakeThread(`/test/thread-${i + 1}`))
  const outcomes: Outcome[] = []
  const refs = threads.map(({ ref }) => ref)
  const options = poolOptions(outcomes, { threads: refs, concurrency, outstandingJobsMax: 100 })
  const pool = new ActorCell<PoolMessage>(testSystem(), '/test/pool', 1_000, () => new Pool(options))
  await pool.start()
  const deliver = (...jobs: Job[]) => pool.tell({ type: 'delivered', jobs })
  const report = (thread: FakeThread, ticket: number, said = DONE) =>
    pool.tell({ type: 'reported', path: thread.path, reports: [{ ticket, durationMs: 1, report: said }] })
  /** All that was reported and sent until now has been handled. */
  const quiet = async (): Promise<void> => {
    await pool.ask((reply) => ({ type: 'find', id: '', reply }), 5_000)
    await new Promise(setImmediate)
    await pool.ask((reply) => ({ type: 'find', id: '', reply }), 5_000)
  }
  const die = async (thread: FakeThread, reason = EXIT): Promise<void> => {
    thread.die(reason)
    await quiet()
  }
  const comeUp = async (thread: FakeThread): Promise<void> => {
    thread.comeUp()
    pool.tell({ type: 'thread-up', path: thread.path })
    await quiet()
  }
  const commit = async (outcome: Outcome, verdict: CommitVerdict = { verdict: 'applied' }): Promise<void> => {
    pool.tell({ type: 'committed', results: [{ outcome, verdict }] })
    await quiet()
  }
  const [first] = threads as [FakeThread]
  return { pool, threads, first, outcomes, deliver, report, quiet, die, comeUp, commit }
}

const fromTable = (fields: Partial<Envelope> = {}): Job => ({ ...aJob(fields), origin: { from: 'table' } })
const solo = (fields: Partial<Envelope> = {}): Job => ({ ...fromTable(fields), solo: true })
const statesOf = (outcomes: readonly Outcome[]) => outcomes.map(({ state, solo }) => [state, solo])

test('jobs that shared a thread when it died go into quarantine, whatever brought them, and none is charged', async () => {
  const { first, outcomes, deliver, die } = await start()
  const jobs = [aJob(), fromTable({ attempt: 2 })]
  deliver(...jobs)
  await until(() => first.sent.length > 0, 'they run')
  await die(first)
  expect(outcomes).toMatchObject(
    jobs.map(({ envelope, origin }) => ({
      envelope: { id: envelope.id, attempt: envelope.attempt },
      origin,
      state: 'parked',
      solo: true,
      error: { code: 'thread-lost', message: expect.stringContaining('worker exited with code: 1') },
    })),
  )
})

test('a job that was all its thread had run is charged with its death, and dead after its last attempt', async () => {
  const { first, outcomes, deliver, die, comeUp } = await start()
  for (const job of [aJob(), solo({ attempt: DEFAULT_RETRY.attemptsMax })]) {
    deliver(job)
    await until(() => first.sent.length > 0, 'it runs')
    await die(first)
    first.sent.length = 0
    await comeUp(first)
  }
  expect(statesOf(outcomes)).toEqual([
    ['retry', true],
    ['dead', true],
  ])
  for (const { error } of outcomes)
    expect(error).toMatchObject({ code: 'thread-lost', message: expect.stringContaining('alone') })
})

test('a job alone on a thread that others had used is not charged: it runs first on the next new thread', async () => {
  const { first, outcomes, deliver, report, quiet, die, comeUp } = await start()
  deliver(aJob())
  await until(() => first.sent.length === 1, 'the first runs')
  report(first, first.sent[0]!.firstTicket)
  const suspect = solo()
  deliver(suspect)
  await until(() => first.sent.length === 2, 'the suspect runs')
  await die(first)
  deliver(aJob())
  await quiet()
  expect(statesOf(outcomes)).toEqual([['done', undefined]])
  await comeUp(first)
  expect(first.sent.at(-1)?.ids).toEqual([suspect.envelope.id])
  await die(first)
  expect(statesOf(outcomes)).toEqual([
    ['done', undefined],
    ['retry', true],
  ])
})

test('a job in quarantine gets a thread that has run empty, and nothing beside it; other threads go on', async () => {
  const { threads, deliver, report, quiet } = await start({ threads: 2, concurrency: 2 })
  const [one, two] = threads as [FakeThread, FakeThread]
  deliver(aJob(), aJob(), aJob())
  await until(() => one.sent.length + two.sent.length === 2, 'both threads are busy')
  const [busy, idler] = one.sent[0]!.ids.length === 2 ? [one, two] : [two, one]
  const suspect = solo()
  deliver(suspect, aJob(), aJob(), aJob())
  await quiet()
  expect([busy.sent.length, idler.sent.length]).toEqual([1, 1])
  report(busy, busy.sent[0]!.firstTicket)
  await quiet()
  expect([busy.sent.length, idler.sent.length]).toEqual([2, 1])
  report(idler, idler.sent[0]!.firstTicket)
  await quiet()
  expect(idler.sent.slice(1).map(({ ids }) => ids)).toEqual([[suspect.envelope.id]])
  report(busy, busy.sent[1]!.firstTicket)
  await quiet()
  expect([busy.sent.length, idler.sent.length]).toEqual([3, 2])
  report(idler, idler.sent[1]!.firstTicket)
  await quiet()
  expect(idler.sent).toHaveLength(3)
})

test('what a job in quarantine comes to says so, that it stays there if it has to run again', async () => {
  const { first, outcomes, deliver, report, quiet } = await start()
  deliver(solo())
  await until(() => first.sent.length > 0, 'it runs')
  report(first, first.sent[0]!.firstTicket, { ...DONE, state: 'retry', dueAtMs: 1 })
  await quiet()
  expect(statesOf(outcomes)).toEqual([['retry', true]])
})

test('a thread that is killed gives its jobs back as they were', async () => {
  const { first, outcomes, deliver, die, comeUp } = await start()
  const jobs = [aJob(), aJob()]
  deliver(...jobs)
  await until(() => first.sent.length > 0, 'they run')
  await die(first, KILLED)
  await comeUp(first)
  expect(first.sent[1]?.ids).toEqual(jobs.map(({ envelope }) => envelope.id))
  expect(outcomes).toEqual([])
})

test('a keyed job takes its followers into the job table, behind it; later ones too, until all are settled', async () => {
  const { first, outcomes, deliver, die, comeUp, commit } = await start()
  const keyed = () => aJob({ orderingKey: 'k' })
  const [lost, follower, later, last] = [keyed(), keyed(), keyed(), keyed()]
  deliver(lost, aJob(), follower)
  await until(() => first.sent.length > 0, 'it runs')
  await die(first)
  deliver(later)
  await comeUp(first)
  const ids = () => outcomes.map(({ envelope: { id } }) => id)
  expect(ids().filter((id) => [lost, follower, later].some(({ envelope }) => envelope.id === id))).toEqual(
    [lost, follower, later].map(({ envelope }) => envelope.id),
  )
  expect(outcomes.map(({ state }) => state)).toEqual(Array(4).fill('parked'))
  for (const outcome of [...outcomes]) await commit(outcome)
  const rows = outcomes.filter(({ envelope }) => envelope.orderingKey === 'k')
  for (const { envelope } of rows) {
    expect(first.sent).toHaveLength(1)
    await commit({ ...outcomes[0]!, envelope, origin: { from: 'table' }, state: 'done' })
  }
  deliver(last)
  await until(() => first.sent.length === 2, 'the key is free')
  expect(first.sent[1]?.ids).toEqual([last.envelope.id])
})

test('jobs of a partition in quarantine go to the job table unrun, and hold their keys', async () => {
  const { pool, first, outcomes, deliver, quiet } = await start()
  const jobs = [aJob({ orderingKey: 'k' }), aJob()]
  pool.tell({ type: 'quarantine', jobs })
  deliver(aJob({ orderingKey: 'k' }))
  await quiet()
  expect(first.sent).toEqual([])
  expect(statesOf(outcomes)).toEqual([
    ['parked', true],
    ['parked', true],
    ['parked', undefined],
  ])
  expect(outcomes[0]?.error).toMatchObject({ code: 'no-progress' })
})
