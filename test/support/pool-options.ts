import type { PoolOptions } from '../../actors/pool/pool.ts'
import { DEFAULT_RETRY } from '../../runtime/handler/define-handler.ts'
import type { Outcome } from '../../runtime/job/outcome.ts'

/** A pool on these threads that commits into `outcomes`. */
export const poolOptions = (
  outcomes: Outcome[],
  own: Pick<PoolOptions, 'threads' | 'concurrency' | 'outstandingJobsMax'>,
): PoolOptions => ({
  ...own,
  threadBatchJobsMax: 64,
  thin: { onAboveMs: 30_000, offBelowMs: 10_000 },
  retryOf: () => DEFAULT_RETRY,
  now: Date.now,
  random: Math.random,
  commit: (batch) => {
    outcomes.push(...batch)
    return true
  },
  observer: { ran: () => {}, committed: () => {} },
})
