/**
 * The deadline of one run. `passed` rejects with DeadlineError when it is over, `signal` aborts right after, so that
 * whoever races with `passed` sees the time-out and not the abort it causes. `end` gives the timer back and aborts the
 * signal too: work that a handler left behind does not outlive its run.
 *
 * The signal is made when it is first asked for: an AbortController costs more than a short handler does. This is a class
 * since an object literal with a getter has V8 make a hidden class of its own for every run.
 */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

export class Deadline {
  readonly passed: Promise<never>
  readonly #timer: NodeJS.Timeout
  #controller: AbortController | undefined
  #over: DeadlineError | undefined

  constructor(timeoutMs: number) {
    const { promise, reject } = Promise.withResolvers<never>()
    this.passed = promise
    // Nobody may be racing any more when it passes.
    promise.catch(() => {})
    this.#timer = setTimeout(() => {
      this.#over = new DeadlineError(`not finished within ${timeoutMs} ms`)
      reject(this.#over)
      this.#controller?.abort(this.#over)
    }, timeoutMs)
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#over) this.#controller.abort(this.#over)
    }
    return this.#controller.signal
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#over ??= RUN_OVER
    this.#controller?.abort(this.#over)
  }
}

// One for all: an error made per job would cost its stack trace.
const RUN_OVER = new DeadlineError('the run is over')
