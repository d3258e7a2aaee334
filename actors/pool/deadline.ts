/**
 * The deadline of one run. `passed` rejects with DeadlineError when it is over, `signal` aborts right after, so that
 * whoever races with `passed` sees the time-out and not the abort it causes. `end` gives the timer back and aborts the
 * signal too: work that a handler left behind does not outlive its run.
 */
export interface Deadline {
  readonly passed: Promise<never>
  readonly signal: AbortSignal
  end(): void
}

export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

export function startDeadline(timeoutMs: number): Deadline {
  const { promise: passed, reject } = Promise.withResolvers<never>()
  // Nobody may be racing any more when it passes.
  passed.catch(() => {})
  const controller = new AbortController()
  const timer = setTimeout(() => {
    const error = new DeadlineError(`not finished within ${timeoutMs} ms`)
    reject(error)
    controller.abort(error)
  }, timeoutMs)

  return {
    passed,
    signal: controller.signal,
    end() {
      clearTimeout(timer)
      controller.abort(RUN_OVER)
    },
  }
}

// One for all: an error made per job would cost its stack trace.
const RUN_OVER = new DeadlineError('the run is over')
