import { constants } from 'node:os'

/**
 * A signal that ends a process leaves out its `exit` handlers, and those end what it has started and mounted. For the
 * commands of `bench/`: they exit by themselves then, with the code that a shell would tell.
 */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
}
