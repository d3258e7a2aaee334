import { BOUNDS } from '../runtime/config/bounds.ts'
import type { Logger } from '../runtime/observe/logger.ts'
import { ThreadWatch } from '../runtime/threads/thread-watch.ts'

/**
 * The watch over the threads of a pool, by its bounds. Threads that run no handlers have none: the database, whose memory is
 * outside of V8's heap and whose statements may take long, and the simulators.
 */
export function poolThreadWatch(log: Logger): ThreadWatch {
  const { kernel, pool } = BOUNDS
  return new ThreadWatch({
    limits: {
      graceMs: kernel.threadStallGraceMs,
      idleLimitMs: kernel.threadIdleStallMs,
      blockedFactor: kernel.threadBlockedFactor,
      softHeapBytes: pool.threadWatermarkMib * 1_048_576,
      unresponsiveMs: kernel.threadUnresponsiveMs,
      jobsMax: pool.threadJobsMax,
      heapWindowMs: pool.threadHeapWindowMs,
      heapGrowth: pool.threadHeapGrowth,
    },
    tickMs: kernel.threadWatchTickMs,
    farTicks: kernel.threadFarTicks,
    lastingMs: kernel.threadLastingMs,
    onLasting: (actor, forMs) =>
      log.error({ actor, forMs }, 'a thread neither answers nor can be ended: restart this node'),
  })
}
