import { BOUNDS } from '../../runtime/config/bounds.ts'
import { type HandlerLog, isPermanentError, isUpstreamError } from '../../runtime/handler/context.ts'
import type { Handler, HandlerResult } from '../../runtime/handler/define-handler.ts'
import { RETRY_AFTER_MAX_MS } from '../../runtime/handler/retry-after.ts'
import type { UpstreamsConfig } from '../../runtime/handler/upstream-config.ts'
import type { Envelope } from '../../runtime/job/envelope.ts'
import type { Outcome } from '../../runtime/job/outcome.ts'
import { backoffMs } from '../../runtime/overload/backoff.ts'
import { checkWrites } from './check-writes.ts'
import { Deadline, DeadlineError } from './deadline.ts'
import { describeError } from './describe-error.ts'
import { openRun, type Run } from './handler-context.ts'
import { StorableError, storableJson } from './storable-json.ts'

/**
 * Runs one job once, on the thread that calls it, and says what it came to:
 *
 *     done   the handler finished              thin   it did, without the enrichments in `skipped`
 *     retry  it failed and may be tried again, at `dueAtMs`
 *     dead   no attempt is left, or none can help: PermanentError, an upstream's final no, no handler for the kind, a
 *            body that cannot be read, a result or writes that cannot be stored
 *
 * A report is plain data. Nothing that a handler does makes `runJob` reject; one that ignores its signal is given up at
 * its deadline, and what it does afterwards is dropped (a busy loop is the pool's to end, with its thread).
 */
export type RunReport = Omit<Outcome, 'envelope' | 'origin' | 'state'> & {
  state: 'done' | 'thin' | 'retry' | 'dead'
}

export interface RunOptions {
  /** Leave enrichments out. */
  thin: boolean
  upstreams: UpstreamsConfig
  /** Ms since 1970. */
  now: () => number
  /** [0, 1) */
  random: () => number
  log: HandlerLog
}

/** What was told to wait the same time comes back spread over a fifth more of it. */
const RETRY_AFTER_SPREAD = 0.2

export async function runJob(
  envelope: Envelope,
  handler: Handler | undefined,
  options: RunOptions,
): Promise<RunReport> {
  const startedAtMs = options.now()
  const verdict = await verdictOn(envelope, handler, options)
  return { ...verdict, startedAtMs, finishedAtMs: options.now() }
}

type Verdict = Omit<RunReport, 'startedAtMs' | 'finishedAtMs'>

async function verdictOn(
  envelope: Envelope,
  handler: Handler | undefined,
  options: RunOptions,
): Promise<Verdict> {
  if (handler === undefined)
    return dead('unknown-kind', new Error(`no handler is loaded for kind ${envelope.kind}`), [])
  const body = parseBody(envelope)
  if (body instanceof Error) return dead('bad-envelope', body, [])

  const lastAttempt = envelope.attempt >= handler.retry.attemptsMax
  const deadline = new Deadline(handler.timeoutMs)
  const run = openRun(envelope, deadline, { ...options, lastAttempt })
  try {
    const handled = handle(handler, envelope, body.payload, run)
    return success(await Promise.race([handled, deadline.passed]), handler, run.skipped)
  } catch (thrown) {
    return failure(thrown, envelope.attempt, handler, run.skipped, options)
  } finally {
    deadline.end()
  }
}

/** Async, so that what a handler throws at once is a rejection like any other. */
async function handle(
  handler: Handler,
  { id, kind, tier, orderingKey, acceptedAtMs }: Envelope,
  payload: unknown,
  run: Run,
): Promise<HandlerResult> {
  // The ingress has checked the payload against this kind's schema.
  const job = { id, kind, tier, orderingKey, acceptedAtMs, payload } as Parameters<Handler['handle']>[0]
  return handler.handle(job, run.context)
}

function parseBody({ body }: Envelope): { payload: unknown } | Error {
  try {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
    const { payload } = JSON.parse(text)
    return { payload }
  } catch (cause) {
    return new Error('the body is no JSON object with a payload', { cause })
  }
}

function success(returned: HandlerResult, handler: Handler, skipped: readonly string[]): Verdict {
  if (typeof returned !== 'object' || returned === null)
    throw new StorableError(`handle must return { result, writes }, not ${returned}`)
  return {
    state: skipped.length > 0 ? 'thin' : 'done',
    ...(returned.result !== undefined && {
      result: storableJson('result', returned.result, BOUNDS.pool.resultBytesMax),
    }),
    writes: checkWrites(returned.writes, handler.tables),
    skipped,
  }
}

function failure(
  thrown: unknown,
  attempt: number,
  { retry }: Handler,
  skipped: readonly string[],
  { now, random }: RunOptions,
): Verdict {
  const { code, retryable, retryAfterMs } = classify(thrown)
  if (!retryable || attempt >= retry.attemptsMax) return dead(code, thrown, skipped)
  const backoff = backoffMs(attempt, { minMs: retry.backoffMinMs, maxMs: retry.backoffMaxMs }, random)
  const askedMs = Math.ceil(retryAfterMs * (1 + random() * RETRY_AFTER_SPREAD))
  const dueAtMs = now() + Math.max(backoff, askedMs)
  return { state: 'retry', dueAtMs, error: describeError(code, thrown), writes: [], skipped }
}

const dead = (code: string, thrown: unknown, skipped: readonly string[]): Verdict => ({
  state: 'dead',
  error: describeError(code, thrown),
  writes: [],
  skipped,
})

interface FailureClass {
  code: string
  retryable: boolean
  retryAfterMs: number
}

function classify(thrown: unknown): FailureClass {
  const failed = (code: string, retryable: boolean, retryAfterMs = 0) => ({ code, retryable, retryAfterMs })
  try {
    if (thrown instanceof DeadlineError) return failed('timeout', true)
    if (thrown instanceof StorableError) return failed('invalid-result', false)
    if (isPermanentError(thrown)) return failed('permanent', false)
    if (!isUpstreamError(thrown)) return failed('handler-error', true)
    const askedMs = Number(thrown.retryAfterMs ?? 0)
    const waitMs = askedMs > 0 ? Math.min(askedMs, RETRY_AFTER_MAX_MS) : 0
    return failed('upstream-error', thrown.retryable !== false, waitMs)
  } catch {
    // Something thrown whose own properties throw.
    return failed('handler-error', true)
  }
}
