import type { ExitReason } from '../actor/exit-reason.ts'
import type { RunningChild, Shutdown } from './child-spec.ts'

/** Stops a child as its spec says: in an orderly way within its time, killed when that is over; how it ended. */
export async function endWithin(child: RunningChild, shutdown: Shutdown): Promise<ExitReason> {
  if (shutdown === 'brutal_kill') {
    child.kill()
    return child.exited
  }
  const timer = shutdown === 'infinity' ? undefined : setTimeout(() => child.kill(), shutdown)
  child.stop()
  const reason = await child.exited
  clearTimeout(timer)
  return reason
}
