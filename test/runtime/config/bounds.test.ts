import { expect, it } from 'vitest'
import { checkBounds } from '../../../runtime/config/bounds.ts'
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
])('%j is refused, naming bound and setting: %s', (argv, problem) => {
  expect(problemsOf({ argv }).join('\n')).toContain(problem)
})
