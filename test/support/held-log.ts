import type { AppendVerdict, ConsumeOptions, Log, LogConsumer, LogRecord } from '../../runtime/log/log.ts'

/** A log whose appends wait for what a test makes of them; the rest is the real log's. */
export class HeldLog implements Log {
  readonly #log: Log
  readonly #held: HeldAppend[] = []
  readonly #waiting: ((append: HeldAppend) => void)[] = []

  constructor(log: Log) {
    this.#log = log
  }

  get partitions(): ReadonlyMap<string, number> {
    return this.#log.partitions
  }

  append(records: readonly LogRecord[]): Promise<AppendVerdict[]> {
    const append = new HeldAppend(this.#log, records)
    const waiting = this.#waiting.shift()
    if (waiting) waiting(append)
    else this.#held.push(append)
    return append.verdicts
  }

  nextAppend(): Promise<HeldAppend> {
    const append = this.#held.shift()
    return append ? Promise.resolve(append) : new Promise((resolve) => this.#waiting.push(resolve))
  }

  consume(options: ConsumeOptions): Promise<LogConsumer> {
    return this.#log.consume(options)
  }

  progress(...of: Parameters<Log['progress']>): ReturnType<Log['progress']> {
    return this.#log.progress(...of)
  }

  expire(nowMs: number): Promise<void> {
    return this.#log.expire(nowMs)
  }

  close(): Promise<void> {
    return this.#log.close()
  }
}

class HeldAppend {
  readonly records: readonly LogRecord[]
  readonly verdicts: Promise<AppendVerdict[]>
  readonly #log: Log
  readonly #answer: PromiseWithResolvers<AppendVerdict[]> = Promise.withResolvers()

  constructor(log: Log, records: readonly LogRecord[]) {
    this.#log = log
    this.records = records
    this.verdicts = this.#answer.promise
  }

  /** Does it, and says how it went. */
  async pass(): Promise<void> {
    this.#answer.resolve(await this.#log.append(this.records))
  }

  /** Does it, and the answer is lost. */
  async loseAnswer(): Promise<void> {
    await this.#log.append(this.records)
    this.#answer.resolve(this.records.map(() => 'unknown'))
  }

  /** Does not do it, and says so. */
  fail(): void {
    this.#answer.resolve(this.records.map(() => 'failed'))
  }

  /** Breaks the port's contract, as a bug would. */
  reject(error: Error): void {
    this.#answer.reject(error)
  }
}
