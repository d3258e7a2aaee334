import { expect, it } from 'vitest'
import { BOUNDS } from '../../../runtime/config/bounds.ts'
import { type Bounds, checkBounds } from '../../../runtime/config/check-bounds.ts'
import { load, problemsOf } from './loading.ts'

it('the bounds fit each other and the defaults', () => {
  expect(checkBounds(load().config)).toEqual([])
})

it.each([
  [
    ['--http-requests-in-flight-max', '100000', '--pools-a-mailbox-jobs-max', '499'],
    'BOUNDS.consumer.batchJobsMax 500 is above pools.a.mailboxJobsMax 499',
  ],
  [
    ['--pools-b-threads', '64', '--pools-b-concurrency', '157'],
    'pools.b.threads × pools.b.concurrency 10048 is above BOUNDS.writer.queueJobsMax 10000',
  ],
  [
    ['--log-partitions-per-lane', '40'],
    'tiers × log.partitionsPerLane × BOUNDS.consumer.partitionShareMin 6000 is above pools.b.mailboxJobsMax 5000',
  ],
  [
    ['--pools-c-mailbox-bytes-max', '2097152'],
    'tiers × log.partitionsPerLane × http.bodyBytesMax 3145728 is above pools.c.mailboxBytesMax 2097152',
  ],
  [['--store-lease-ms', '1000'], 'BOUNDS.writer.transientRetryMaxMs 5000 is above store.leaseMs 1000'],
])('%j is refused, naming bound and setting: %s', (argv, problem) => {
  expect(problemsOf({ argv }).join('\n')).toContain(problem)
})

/** The bounds with some of them changed. */
function bounds(changes: { [Stage in keyof Bounds]?: Partial<Bounds[Stage]> }): Bounds {
  const stages = Object.entries(BOUNDS) as [keyof Bounds, object][]
  const changed = stages.map(([stage, values]) => [stage, { ...values, ...changes[stage] }])
  return Object.fromEntries(changed) as Bounds
}

it.each([
  [{ ingress: { batchLinesMax: 60_000 } }, 'accept.batchJobsMax 1000'],
  [{ accept: { heldJobsMax: 999 } }, 'accept.heldJobsMax 999'],
  [{ accept: { heldBytesMax: 1_000_000 } }, 'accept.heldBytesMax 1000000'],
  [{ log: { pendingBytesMax: 1_000_000 } }, 'log.pendingBytesMax 1000000'],
  [{ claims: { pendingMax: 999 } }, 'claims.pendingMax 999'],
  [{ accept: { askAgainMs: 300 } }, 'accept.waitForOwnerMs 200'],
  [{ pool: { watermarkWindowJobsMax: 400 } }, 'pool.watermarkWindowJobsMax 400'],
  [{ pool: { threadBatchJobsMax: 20_000 } }, 'writer.queueJobsMax 10000'],
  [{ pool: { thinBelowMs: 40_000 } }, 'pool.thinAboveMs 30000'],
  [{ writer: { queueJobsMax: 400 } }, 'writer.queueJobsMax 400'],
  [{ writer: { transientRetryMinMs: 6_000 } }, 'writer.transientRetryMaxMs 5000'],
  [{ due: { pollMs: 200_000 } }, 'store.leaseMs 180000'],
  [{ accept: { appendAtOnceJobs: 1_001 } }, 'accept.batchJobsMax 1000'],
  [{ due: { outstandingJobsMax: 50 } }, 'due.batchJobsMax 64'],
  [{ drain: { quiesceShare: 0.85 } }, 'drain.finishShare 0.8'],
  [{ drain: { finishShare: 0.95 } }, 'drain.releaseShare 0.9'],
  [{ drain: { releaseShare: 1.1 } }, 'the whole 1'],
  [{ kernel: { restartDelayMinMs: 6_000 } }, 'kernel.restartDelayMaxMs 5000'],
])('%j is refused, it is above, or below, %s', (changes, other) => {
  const problems = checkBounds(load().config, bounds(changes)).map(({ problem }) => problem)
  const [[stage, values] = ['', {}]] = Object.entries(changes)
  const [[name, value] = ['', 0]] = Object.entries(values as Record<string, number>)
  expect(problems.join('\n')).toContain(`BOUNDS.${stage}.${name} ${value}`)
  expect(problems.join('\n')).toContain(other)
})
