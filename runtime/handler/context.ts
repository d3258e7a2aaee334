/** What a handler gets beside its job. One per run; not to be kept after it. */
export interface HandlerContext {
  tenant: string
  /** W3C trace context to send on to upstreams; `call` does it by itself. */
  traceparent: string
  /** Aborted at the job's deadline. */
  signal: AbortSignal
  /** Overload: enrichments are off. */
  thin: boolean
  /** 1 for the first run. */
  attempt: number
  /** After it a job that fails is dead: the moment for a degraded answer, if there is one. */
  lastAttempt: boolean
  /** Runs `fn`, unless thin: then it is left out, recorded as skipped, and the result is undefined. */
  enrich<T>(name: string, fn: () => Promise<T> | T): Promise<T | undefined>
  /**
   * Calls an upstream under its time-out. `step` names this call within the job: the upstream gets
   * `Idempotency-Key: <job id>/<step>`, since upstream calls are at least once. Whatever `fn` throws arrives as
   * UpstreamError, except a PermanentError. A step used twice in one run or an unknown upstream is a PermanentError.
   */
  call<T>(upstream: string, step: string, fn: (upstream: UpstreamCall) => Promise<T>): Promise<T>
  log: HandlerLog
}

/** What `ctx.call` hands to its function: where to send and what to send along. */
export interface UpstreamCall {
  /** The upstream's name in the configuration. */
  name: string
  /** Base URL from configuration, without a trailing slash. */
  baseUrl: string
  /** `idempotency-key`, `traceparent`, and `authorization` when a key is configured. */
  headers: Readonly<Record<string, string>>
  /**
   * Aborted at the call's time-out or the job's deadline, whichever is first, and once the function has settled: read
   * the response inside it.
   */
  signal: AbortSignal
  /** What the configuration says of this upstream beside its address, for example a model's name. */
  settings: Readonly<Record<string, string>>
}

export interface HandlerLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** An upstream did not answer as it should. Retryable unless it says otherwise. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly upstream: string
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(
    upstream: string,
    message: string,
    {
      retryable = true,
      retryAfterMs,
      cause,
    }: { retryable?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(`${upstream}: ${message}`, { cause })
    this.upstream = upstream
    this.retryable = retryable
    this.retryAfterMs = retryAfterMs
  }
}

/** By name, not class: a handler's file may have resolved `spillway` to another copy of this module. */
export const isUpstreamError = (thrown: unknown): thrown is UpstreamError =>
  thrown instanceof Error && thrown.name === 'UpstreamError'

/** Thrown by a handler: no further attempt can succeed; the job goes to `dead` at once. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError'
}

export const isPermanentError = (thrown: unknown): thrown is PermanentError =>
  thrown instanceof Error && thrown.name === 'PermanentError'
