import { BOUNDS } from '../runtime/config/bounds.ts'
import type { Config } from '../runtime/config/settings.ts'
import type { Handler } from '../runtime/handler/define-handler.ts'

/**
 * A run that outlives its lease is claimed, and run, a second time: the lease holds the longest run, and one wait for a
 * database that comes back. Throws for the first handler that asks for more.
 */
export function checkLease(handlers: Iterable<Handler>, { store: { leaseMs } }: Config): void {
  const commitMs = BOUNDS.writer.batchAgeMaxMs + BOUNDS.writer.transientRetryMaxMs
  for (const { kind, timeoutMs } of handlers)
    if (timeoutMs + commitMs > leaseMs)
      throw new Error(
        `handler ${kind}: its timeoutMs ${timeoutMs}, and ${commitMs} ms for its commit, must be within store.leaseMs ${leaseMs}; raise store.leaseMs to ${timeoutMs + commitMs} or more`,
      )
}
