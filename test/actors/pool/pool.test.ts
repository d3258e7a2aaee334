import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Pool, type PoolMessage } from '../../../actors/pool/pool.ts'
import type { PoolThreadArgs } from '../../../actors/pool/pool-thread.ts'
import type { FromPoolThread } from '../../../actors/pool/thread-protocol.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import { type TableIdentity, tableIdentities } from '../../../runtime/handler/table-identity.ts'
import type { Job } from '../../../runtime/job/job.ts'
import type { Outcome } from '../../../runtime/job/outcome.ts'
import type { CommitVerdict } from '../../../runtime/store/job-store.ts'
import { threadChild } from '../../../runtime/threads/thread-child.ts'
import { ThreadGroup } from '../../../runtime/threads/thread-group.ts'
import badRow from '../../support/handlers/bad-row.ts'
import { aJob, anOutcome } from '../../support/jobs.ts'
import { poolOptions } from '../../support/pool-options.ts'
import { silentLog, testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

/** A pool with one real thread; the test is its writer. */
async function start({
  concurrency = 4,
  outstandingJobsMax = 100,
  tables = [] as readonly TableIdentity[],
} = {}) {
  const system = testSystem()
  const group = new ThreadGroup({ name: 'test', threadsMax: 1, heapMibMax: 128, log: silentLog })
  const args: PoolThreadArgs = {
    handlersDirectory: fileURLToPath(new URL('../../support/handlers', import.meta.url)),
    tables,
    upstreams: {},
    reportBatchJobsMax: 64,
    logLinesPerSecondMax: 10,
  }
  const { ref, spec } = threadChild(system, {
    path: '/test/thread-1',
    group,
    module: new URL('../../../actors/pool/pool-thread.ts', import.meta.url).href,
    args: () => args,
    capacity: 100,
    shutdown: 1_000,
    startTimeoutMs: 10_000,
    onMessage: (message) => {
      const received = message as FromPoolThread
      if ('reports' in received) pool.tell({ type: 'reported', path: ref.path, reports: received.reports })
    },
  })
  const outcomes: Outcome[] = []
  const pool = new ActorCell<PoolMessage>(system, '/test/pool', 1_000, () => {
    return new Pool(poolOptions(outcomes, { threads: [ref], concurrency, outstandingJobsMax }))
  })
  const thread = await spec.start()
  await pool.start()
  onTestFinished(async () => {
    pool.close()
    await kill()
    await group.close()
  })
  const deliver = (...jobs: Job[]) => pool.tell({ type: 'delivered', jobs })
  const commit = (outcome: Outcome, verdict: CommitVerdict = { verdict: 'applied' }) =>
    pool.tell({ type: 'committed', results: [{ outcome, verdict }] })
  const ran = (count: number) => until(() => outcomes.length >= count, `${count} outcomes`)
  const kill = async (): Promise<void> => {
    thread.kill()
    await thread.exited
  }
  return { pool, outcomes, deliver, commit, ran, kill }
}

const job = (kind: string, payload: object, fields: Partial<Job['envelope']> = {}): Job =>
  aJob({ kind, body: Buffer.from(JSON.stringify({ kind, payload })), ...fields })

test('thin mode comes with an old head, goes with a young one, and the jobs say which they were', async () => {
  const { pool, outcomes, deliver, ran } = await start()
  pool.tell({ type: 'head-age', headAgeMs: 31_000 })
  deliver(job('test.enriching', {}))
  await ran(1)
  pool.tell({ type: 'head-age', headAgeMs: 20_000 })
  deliver(job('test.enriching', {}))
  await ran(2)
  pool.tell({ type: 'head-age', headAgeMs: 9_000 })
  deliver(job('test.enriching', {}))
  await ran(3)
  expect(outcomes.map(({ state, skipped, result }) => [state, skipped, result])).toEqual([
    ['thin', ['extra'], undefined],
    ['thin', ['extra'], undefined],
    ['done', [], '"more"'],
  ])
})

test('the next job of a key waits for the commit of the one before, others do not', async () => {
  const { outcomes, deliver, commit, ran } = await start()
  const keyed = (n: number) => job('test.waiting', { n, ms: 0 }, { orderingKey: 'k' })
  deliver(keyed(1), keyed(2), job('test.waiting', { n: 3, ms: 0 }))
  await ran(2)
  expect(outcomes.map(({ result }) => result)).toEqual(['1', '3'])
  commit(outcomes[0] as Outcome)
  await ran(3)
  expect(outcomes[2]?.result).toBe('2')
})

test('a keyed job that has to be retried takes its followers into the job table', async () => {
  const { outcomes, deliver, commit, ran } = await start()
  const keyed = (n: number, failures: number) =>
    job('test.keyed', { n, failures, for: 'k' }, { orderingKey: 'k' })
  deliver(keyed(1, 1), keyed(2, 0))
  await ran(1)
  commit(outcomes[0] as Outcome)
  await ran(2)
  deliver(keyed(3, 0))
  await ran(3)
  expect(outcomes.map(({ state }) => state)).toEqual(['retry', 'parked', 'parked'])
})

test('with as much outstanding as is allowed nothing more is started', async () => {
  const { outcomes, deliver, commit, ran } = await start({ outstandingJobsMax: 2 })
  deliver(...[1, 2, 3, 4].map((n) => job('test.waiting', { n, ms: 0 })))
  await ran(2)
  commit(outcomes[0] as Outcome)
  await ran(3)
  expect(outcomes).toHaveLength(3)
})

test('a thread whose tables are not those of its node does not start', async () => {
  const [known] = tableIdentities([badRow])
  const shape = `${known?.shape}`
  await expect(start({ tables: [{ name: `${known?.name}`, shape: `${shape} before` }] })).rejects.toThrow(
    'restart the node',
  )
  await start({ tables: [{ name: `${known?.name}`, shape }] })
})

test('a drained pool starts nothing more, and says when what it had started is committed', async () => {
  const { pool, outcomes, deliver, commit, ran } = await start()
  deliver(job('test.waiting', { n: 1, ms: 20 }))
  await until(() => pool.inspect().running === 1, 'the job is started')
  const drained = pool.ask<void>((reply) => ({ type: 'drain', reply }), 10_000)
  deliver(job('test.waiting', { n: 2, ms: 0 }))
  await ran(1)
  commit(outcomes[0] as Outcome)
  await drained
  expect(outcomes.map(({ result }) => result)).toEqual(['1'])
})

test('a thread that is killed loses nothing that it reported, and its job waits for another without blame', async () => {
  const { pool, outcomes, deliver, commit, ran, kill } = await start({ concurrency: 1 })
  deliver(job('test.waiting', { n: 1, ms: 0 }))
  await ran(1)
  commit(outcomes[0] as Outcome)
  deliver(job('test.waiting', { n: 2, ms: 5_000 }))
  await until(() => pool.inspect().running === 1, 'the job is started')
  await kill()
  await until(() => pool.inspect().running === 0, 'the job is given back')
  expect(pool.inspect()).toMatchObject({ jobs: { depth: 1 }, solo: 0 })
  expect(outcomes.map(({ state }) => state)).toEqual(['done'])
})

test('a buried record is counted like any outcome: the pool drains when it is committed, not before', async () => {
  const { pool, outcomes, commit, ran } = await start()
  pool.tell({ type: 'bury', outcomes: [anOutcome({ state: 'dead' })] })
  await ran(1)
  const drained = pool.ask<void>((reply) => ({ type: 'drain', reply }), 10_000)
  commit(outcomes[0] as Outcome)
  await drained
  expect(pool.inspect().uncommitted).toBe(0)
})
