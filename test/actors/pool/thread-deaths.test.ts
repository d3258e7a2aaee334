import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { Pool, type PoolMessage } from '../../../actors/pool/pool.ts'
import type { PoolThreadArgs } from '../../../actors/pool/pool-thread.ts'
import type { FromPoolThread } from '../../../actors/pool/thread-protocol.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import type { Outcome } from '../../../runtime/job/outcome.ts'
import type { Crash } from '../../../runtime/supervision/child-spec.ts'
import { Supervisor } from '../../../runtime/supervision/supervisor.ts'
import { threadChild } from '../../../runtime/threads/thread-child.ts'
import { ThreadGroup } from '../../../runtime/threads/thread-group.ts'
import { ThreadWatch } from '../../../runtime/threads/thread-watch.ts'
import { aJob } from '../../support/jobs.ts'
import { poolOptions } from '../../support/pool-options.ts'
import { silentLog, testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

/** A pool with one supervised and watched thread, which is worn after `jobsMax` jobs; the test is its writer. */
async function start({ jobsMax = 1_000_000 } = {}) {
  const system = testSystem()
  const group = new ThreadGroup({ name: 'test', threadsMax: 1, heapMibMax: 512, log: silentLog })
  const watch = new ThreadWatch({
    limits: {
      graceMs: 500,
      idleLimitMs: 200,
      blockedFactor: 4,
      softHeapBytes: 96 * 1_048_576,
      unresponsiveMs: 500,
      jobsMax,
      heapWindowMs: 30_000,
      heapGrowth: 1.5,
    },
    tickMs: 25,
    farTicks: 4,
    lastingMs: 10_000,
    onLasting: () => {},
  })
  const args: PoolThreadArgs = {
    handlersDirectory: fileURLToPath(new URL('../../support/handlers', import.meta.url)),
    tables: [],
    upstreams: {},
    reportBatchJobsMax: 64,
    logLinesPerSecondMax: 10,
  }
  const { ref, spec } = threadChild(system, {
    path: '/test/thread-1',
    group,
    watch,
    module: new URL('../../../actors/pool/pool-thread.ts', import.meta.url).href,
    args: () => args,
    capacity: 100,
    shutdown: 'brutal_kill',
    startTimeoutMs: 10_000,
    onUp: () => pool.tell({ type: 'thread-up', path: ref.path }),
    onMessage: (message) => {
      const received = message as FromPoolThread
      if ('reports' in received) pool.tell({ type: 'reported', path: ref.path, reports: received.reports })
    },
  })
  const outcomes: Outcome[] = []
  const pool = new ActorCell<PoolMessage>(system, '/test/pool', 1_000, () => {
    return new Pool(poolOptions(outcomes, { threads: [ref], concurrency: 4, outstandingJobsMax: 100 }))
  })
  const supervisor = new Supervisor(system, { path: '/test', strategy: 'one_for_one', children: [spec] })
  await pool.start()
  await supervisor.start()
  onTestFinished(async () => {
    pool.close()
    supervisor.stop()
    await supervisor.exited
    await group.close()
  })
  const deliver = (n: number, ms: number) => {
    const body = Buffer.from(JSON.stringify({ kind: 'test.waiting', payload: { n, ms } }))
    pool.tell({ type: 'delivered', jobs: [aJob({ kind: 'test.waiting', body })] })
  }
  return { pool, ref, supervisor, outcomes, deliver }
}

test.each(['exception', 'heap', 'exit'] satisfies Crash[])(
  'the jobs of a thread that ends by %s are given back uncharged, and its replacement works on',
  async (how) => {
    const { pool, ref, supervisor, outcomes, deliver } = await start()
    deliver(1, 5_000)
    deliver(2, 5_000)
    await until(() => pool.inspect().running === 2, 'both jobs run')
    supervisor.find('/test/thread-1')?.crash?.(how)
    await until(() => ref.incarnation === 2 && ref.isRunning, 'the replacement')
    deliver(3, 0)
    await until(() => outcomes.some(({ result }) => result === '3'), 'its job')
    const charged = outcomes.filter(({ state }) => state !== 'done' && state !== 'parked')
    expect(charged).toEqual([])
  },
)

test('a recycled thread reports what it finishes beside its successor', async () => {
  const { pool, ref, supervisor, outcomes, deliver } = await start({ jobsMax: 2 })
  deliver(1, 1_500)
  for (const n of [2, 3]) deliver(n, 0)
  await until(() => outcomes.length === 2, 'the quick ones')
  await until(() => ref.current?.incarnation === 2, 'the successor')
  expect(pool.inspect().running).toBe(1)
  deliver(4, 0)
  await until(() => outcomes.length === 3, 'the job of the successor')
  await until(() => outcomes.length === 4, 'the slow one')
  expect(outcomes.map(({ state, result }) => [state, result])).toEqual(
    ['2', '3', '4', '1'].map((result) => ['done', result]),
  )
  expect(supervisor.inspect()).toMatchObject({ budget: { used: 0 } })
})

test('what a recycled thread had not finished when it was killed runs again on its successor', async () => {
  const { pool, ref, outcomes, deliver } = await start({ jobsMax: 1 })
  deliver(1, 400)
  deliver(2, 0)
  const first = ref.current
  await until(() => ref.current?.incarnation === 2, 'the successor')
  first?.kill()
  await until(() => outcomes.filter(({ result }) => result === '1').length === 1, 'it has run')
  expect(outcomes.map(({ state }) => state)).toEqual(['done', 'done'])
  expect(pool.inspect().running).toBe(0)
})
