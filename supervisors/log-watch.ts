import type { Logger } from '../runtime/observe/logger.ts'

/**
 * Watches whether the log takes jobs, and says so when that changes, and once a minute while it does not: the node is not
 * ready meanwhile. What the log says names the file, the error and what is free.
 */
const REMIND_EVERY_MS = 60_000

export class LogWatch {
  readonly #ask: () => Promise<string | undefined>
  readonly #log: Logger
  #saidAtMs = 0
  /** Why jobs are refused; undefined when they are not. As of the last look. */
  trouble: string | undefined

  constructor(ask: () => Promise<string | undefined>, log: Logger) {
    this.#ask = ask
    this.#log = log
  }

  async look(nowMs: number): Promise<void> {
    const before = this.trouble
    this.trouble = await this.#ask()
    if (this.trouble === undefined) {
      if (before !== undefined) this.#log.warn('the log takes jobs again')
      return
    }
    if (before !== undefined && nowMs - this.#saidAtMs < REMIND_EVERY_MS) return
    this.#saidAtMs = nowMs
    this.#log.error(
      { trouble: this.trouble },
      'the log refuses jobs: they are answered 503 until there is room; free disk, or give the node a larger one',
    )
  }
}
