/**
 * Why an actor ended, in Erlang's terms. `normal`, `shutdown` are orderly; `killed`, `error`, `thread` are not;
 * `noproc` is what a monitor of an actor that is not there reports.
 */
export type ExitReason =
  | { kind: 'normal' }
  | { kind: 'shutdown' }
  | { kind: 'killed' }
  | { kind: 'noproc' }
  | { kind: 'error'; error: Error }
  | { kind: 'thread'; cause: ThreadExitCause; error: Error }

/**
 * `oom`: heap exhausted · `exit`: process.exit in the thread · `terminated`: ended from outside · `boot`: never came up ·
 * `unresponsive`: ended because it stopped answering, as in a busy loop.
 */
export type ThreadExitCause = 'oom' | 'exit' | 'terminated' | 'boot' | 'unresponsive'

export const NORMAL: ExitReason = { kind: 'normal' }
export const SHUTDOWN: ExitReason = { kind: 'shutdown' }
export const KILLED: ExitReason = { kind: 'killed' }
export const NOPROC: ExitReason = { kind: 'noproc' }

/** The failure of a start whose reason is more than an error: a supervisor notes that reason. */
export class ExitError extends Error {
  override readonly name = 'ExitError'
  readonly reason: ExitReason

  constructor(reason: ExitReason & { error: Error }) {
    super(reason.error.message, { cause: reason.error })
    this.reason = reason
  }
}

export const exitByError = (cause: unknown): ExitReason =>
  cause instanceof ExitError ? cause.reason : { kind: 'error', error: toError(cause) }

/** An end that a `transient` child is not restarted after. */
export const isOrderly = ({ kind }: ExitReason): boolean => kind === 'normal' || kind === 'shutdown'

export function describeExit(reason: ExitReason): string {
  if (reason.kind === 'error') return `error: ${reason.error.message}`
  if (reason.kind === 'thread') return `thread ${reason.cause}: ${reason.error.message}`
  return reason.kind
}

export const toError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)))
