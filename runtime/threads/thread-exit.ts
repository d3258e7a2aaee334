import { type ExitReason, type ThreadExitCause, toError } from '../actor/exit-reason.ts'

/** Why a thread ended, by what its Piscina task was rejected with. */
export function exitOf(thrown: unknown): ExitReason {
  const error = toError(thrown)
  const cause = causeOf(error)
  return cause ? threadExit(cause, error) : { kind: 'error', error }
}

export const threadExit = (cause: ThreadExitCause, error: Error): ExitReason & { error: Error } => ({
  kind: 'thread',
  cause,
  error,
})

function causeOf(error: Error): ThreadExitCause | undefined {
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'oom'
  if (error.message.startsWith('worker exited with code')) return 'exit'
  if (error.message.startsWith('Terminating worker thread')) return 'terminated'
  return undefined
}
