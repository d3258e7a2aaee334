import type { ActorContext, Behaviour } from '../../runtime/actor/actor.ts'
import { Fifo } from '../../runtime/actor/fifo.ts'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import type { Outcome } from '../../runtime/job/outcome.ts'
import { backoffMs } from '../../runtime/overload/backoff.ts'
import type { CommitVerdict, JobStore } from '../../runtime/store/job-store.ts'
import { SqlError } from '../../runtime/store/sql.ts'
import { commitBisecting } from './commit-bisecting.ts'
import { outcomeBytes } from './outcome-bytes.ts'

/**
 * One pool's writer: group commit of outcomes by number, bytes and age, one batch under way at a time.
 *
 * A transient error repeats the batch for as long as it takes: outcomes wait, the pool stops starting jobs, nothing is lost.
 * A data error is bisected to the job that causes it, which goes to `dead`. What the store cannot explain ends the writer:
 * its pool starts again from the committed offsets.
 */
export interface WriterOptions {
  store: JobStore
  batchJobsMax: number
  batchAgeMaxMs: number
  queueJobsMax: number
  transientRetry: { minMs: number; maxMs: number }
  random: () => number
  stats: WriterStats
  /** Outcomes that are durable now, or found to have been before, with what became of each. */
  onCommitted(results: readonly { outcome: Outcome; verdict: CommitVerdict }[]): void
}

export type WriterMessage = { type: 'commit'; outcomes: readonly Outcome[] } | { type: 'flush' }

/** Plain counters that outlive a restart of the writer. */
export interface WriterStats {
  commits: number
  committedJobs: number
  transientErrors: number
  buriedJobs: number
}

export const emptyWriterStats = (): WriterStats => ({
  commits: 0,
  committedJobs: 0,
  transientErrors: 0,
  buriedJobs: 0,
})

export class Writer implements Behaviour<WriterMessage> {
  readonly #options: WriterOptions
  readonly #queue = new Fifo<Outcome>()
  #self: ActorContext<WriterMessage> | undefined
  #timer: NodeJS.Timeout | undefined
  #committing: Promise<void> | undefined
  #isEnding = false

  constructor(options: WriterOptions) {
    this.#options = options
  }

  init(self: ActorContext<WriterMessage>): void {
    this.#self = self
    // Killed, it commits nothing more: its successor does.
    self.ended.addEventListener('abort', () => this.#giveUp())
  }

  receive(message: WriterMessage): void {
    if (message.type === 'commit') {
      if (this.#queue.length + message.outcomes.length > this.#options.queueJobsMax)
        throw new Error(
          `the pool sent more than ${this.#options.queueJobsMax} outcomes without waiting for their commit`,
        )
      for (const outcome of message.outcomes) this.#queue.push(outcome)
    }
    if (this.#committing !== undefined) return
    if (message.type === 'flush' || this.#queue.length >= this.#options.batchJobsMax) this.#commitNext()
    else
      this.#timer ??= setTimeout(() => this.#self?.self.tell({ type: 'flush' }), this.#options.batchAgeMaxMs)
  }

  /** The batch under way is finished; with a database that is away, given up: it is in the log still. */
  async terminate(): Promise<void> {
    this.#giveUp()
    await this.#committing
  }

  inspect(): Record<string, unknown> {
    return { queued: this.#queue.length, ...this.#options.stats }
  }

  #giveUp(): void {
    this.#isEnding = true
    clearTimeout(this.#timer)
  }

  #commitNext(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#take()
    if (batch.length === 0) return
    this.#committing = this.#commit(batch).then(
      () => {
        this.#committing = undefined
        // What gathered while this batch was under way has waited long enough.
        if (!this.#isEnding) this.#commitNext()
      },
      (cause) => this.#self?.fail(cause),
    )
  }

  #take(): Outcome[] {
    const batch: Outcome[] = []
    let bytes = 0
    while (batch.length < this.#options.batchJobsMax) {
      const outcome = this.#queue.peek()
      if (!outcome) break
      bytes += outcomeBytes(outcome)
      if (bytes > BOUNDS.writer.batchBytesMax && batch.length > 0) break
      this.#queue.shift()
      batch.push(outcome)
    }
    return batch
  }

  async #commit(batch: readonly Outcome[]): Promise<void> {
    const results = await commitBisecting(batch, (outcomes) => this.#persist(outcomes))
    // Told to stop, or killed: its successor commits the same jobs again, and knows nothing of this batch.
    if (!results || this.#self?.ended.aborted) return
    this.#options.stats.commits++
    this.#options.stats.committedJobs += batch.length
    this.#options.stats.buriedJobs += results.filter(
      ({ outcome }) => outcome.error?.code === 'data-error',
    ).length
    this.#options.onCommitted(results)
  }

  /** Repeats transient failures; undefined when the writer ends before one succeeds. */
  async #persist(outcomes: readonly Outcome[]): Promise<CommitVerdict[] | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#options.store.commit(outcomes)
      } catch (cause) {
        if (!(cause instanceof SqlError && cause.isTransient)) throw cause
        // A batch that the database fails on every time: one of its jobs is at fault, and is found like any other.
        if (isInternal(cause) && attempt >= BOUNDS.writer.internalErrorsMax)
          throw new SqlError(cause.message, '22000', { cause })
        this.#options.stats.transientErrors++
        this.#self?.log.warn(
          { err: cause, attempt, jobs: outcomes.length },
          'commit failed, will be repeated',
        )
        if (this.#isEnding) return undefined
        const delayMs = backoffMs(attempt, this.#options.transientRetry, this.#options.random)
        await new Promise((wake) => setTimeout(wake, delayMs))
      }
    }
  }
}

/** Failed inside, or out of memory (53200): transient, unless the batch is its cause. */
const isInternal = ({ sqlState }: SqlError): boolean => sqlState.startsWith('XX') || sqlState === '53200'
