import { SqlError } from '../../runtime/store/sql.ts'

/**
 * A question to the job table at the start of an actor. A database that is just coming up again is waited for: a pool that
 * fails its start because of it would only spend restarts.
 */
export interface Patience {
  everyMs: number
  timeoutMs: number
  now: () => number
  /** The node is being stopped: a start that waits is given up. */
  isStopping(): boolean
}

export async function askJobTable<Answer>(
  ask: () => Promise<Answer>,
  { everyMs, timeoutMs, now, isStopping }: Patience,
): Promise<Answer> {
  const deadlineMs = now() + timeoutMs
  for (;;) {
    try {
      return await ask()
    } catch (cause) {
      const isOver = now() > deadlineMs || isStopping()
      if (!(cause instanceof SqlError && cause.isTransient) || isOver) throw cause
      await new Promise((wake) => setTimeout(wake, everyMs))
    }
  }
}
