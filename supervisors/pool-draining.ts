import type { ConsumerMessage } from '../actors/consumer/consumer.ts'
import type { DuePollerMessage } from '../actors/consumer/due-poller.ts'
import type { PoolMessage } from '../actors/pool/pool.ts'
import type { ActorCell } from '../runtime/actor/actor-cell.ts'
import type { Draining } from './drain-steps.ts'

/**
 * How one pool stops: nothing more comes in, what runs is finished and committed, and the rows of the job table that it
 * claimed and did not run are given back, so that the next start need not wait for their leases. What it has from the log
 * only has to be forgotten: it lies above the committed offsets.
 */
export function poolDraining(
  actors: {
    due: ActorCell<DuePollerMessage>
    consumer: ActorCell<ConsumerMessage>
    pool: ActorCell<PoolMessage>
  },
  timeoutMs: number,
): Draining {
  const { due, consumer, pool } = actors
  return {
    quiesce: [
      {
        path: due.path,
        run: () => due.ask<void>((reply) => ({ type: 'pause', reply }), timeoutMs),
        left: () => 'it waits for the job table',
      },
      {
        path: consumer.path,
        run: () => consumer.ask<void>((reply) => ({ type: 'quiesce', reply }), timeoutMs),
        left: () => 'it reads from the log',
      },
    ],
    finish: [
      {
        path: pool.path,
        run: () => pool.ask<void>((reply) => ({ type: 'drain', reply }), timeoutMs),
        left: () => {
          const { running, uncommitted } = pool.inspect()
          return `${running} jobs are running, ${uncommitted} outcomes are not committed`
        },
      },
    ],
    release: [
      {
        path: due.path,
        run: () => due.ask<void>((reply) => ({ type: 'release', reply }), timeoutMs),
        left: () => `${due.inspect().outstanding} claimed rows, which stay with their leases`,
      },
    ],
  }
}
