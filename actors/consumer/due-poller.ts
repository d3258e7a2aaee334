import type { ActorContext, Behaviour, Reply } from '../../runtime/actor/actor.ts'
import { encodeEnvelope } from '../../runtime/job/envelope.ts'
import type { Job } from '../../runtime/job/job.ts'
import type { Pool } from '../../runtime/job/lane.ts'
import type { Claim, ClaimedJob, HeldKey, JobStore } from '../../runtime/store/job-store.ts'
import { SqlError } from '../../runtime/store/sql.ts'

/**
 * The way back from the job table: claims a pool's rows that are due (retries, parked followers whose turn it is, runs whose
 * node is gone) and hands them to the pool like deliveries of the log. Before the first, it tells which ordering keys
 * the table holds.
 */
export interface DuePollerOptions {
  store: JobStore
  pool: Pool
  pollMs: number
  batchJobsMax: number
  /** Claimed and not settled, at most: what waits longer than its lease is claimed, and run, again. */
  outstandingJobsMax: number
  startTimeoutMs: number
  /** The node is being stopped: a start that waits is given up. */
  isStopping(): boolean
  now: () => number
  hold(keys: readonly HeldKey[]): void
  /** False when the pool can't take them: they run when their lease is over. */
  deliver(jobs: readonly Job[]): boolean
}

export type DuePollerMessage =
  | { type: 'poll' }
  /** The outcomes of these are committed: the next of their keys may be due. Many of these are one poll. */
  | { type: 'settled'; claims: readonly Claim[] }
  /** Claim nothing more. */
  | { type: 'pause'; reply: Reply<void> }
  /** Give back what is claimed and not settled: nobody will run it here. */
  | { type: 'release'; reply: Reply<void> }

export class DuePoller implements Behaviour<DuePollerMessage> {
  readonly #options: DuePollerOptions
  #self: ActorContext<DuePollerMessage> | undefined
  #timer: NodeJS.Timeout | undefined
  #isPaused = false
  /** Claimed and not settled: the attempt of each, by its id. */
  readonly #outstanding = new Map<string, number>()

  constructor(options: DuePollerOptions) {
    this.#options = options
  }

  async init(self: ActorContext<DuePollerMessage>): Promise<void> {
    this.#self = self
    this.#options.hold(await this.#heldKeys())
    self.self.tell({ type: 'poll' })
  }

  async receive(message: DuePollerMessage): Promise<void> {
    switch (message.type) {
      case 'poll':
        await this.#poll()
        break
      case 'settled':
        for (const { id, attempt } of message.claims)
          if (this.#outstanding.get(id) === attempt) this.#outstanding.delete(id)
        this.#pollAfter(0)
        break
      case 'pause':
        this.#isPaused = true
        message.reply.answer(undefined)
        break
      case 'release':
        await this.#release(message.reply)
    }
  }

  inspect(): Record<string, unknown> {
    return { outstanding: this.#outstanding.size }
  }

  terminate(): void {
    clearTimeout(this.#timer)
  }

  async #poll(): Promise<void> {
    if (this.#isPaused) return
    const { store, pool, now, batchJobsMax, outstandingJobsMax, deliver } = this.#options
    const limit = Math.min(batchJobsMax, outstandingJobsMax - this.#outstanding.size)
    if (limit <= 0) return this.#pollAfter(this.#options.pollMs)
    let claimed: ClaimedJob[] = []
    try {
      claimed = await store.claimDue(pool, now(), limit)
    } catch (cause) {
      if (!(cause instanceof SqlError && cause.isTransient)) throw cause
      this.#self?.log.warn({ err: cause }, 'the job table cannot be read, will be asked again')
    }
    for (const { envelope } of claimed) this.#outstanding.set(envelope.id, envelope.attempt)
    if (claimed.length > 0) deliver(claimed.map(jobOf))
    this.#pollAfter(claimed.length === limit ? 0 : this.#options.pollMs)
  }

  async #release(reply: Reply<void>): Promise<void> {
    try {
      await this.#options.store.release([...this.#outstanding].map(([id, attempt]) => ({ id, attempt })))
      this.#outstanding.clear()
      reply.answer(undefined)
    } catch (cause) {
      if (!(cause instanceof SqlError && cause.isTransient)) throw cause
      reply.fail(cause)
    }
  }

  /** A database that is just coming up again is waited for: a pool that fails its start because of it would only spend restarts. */
  async #heldKeys(): Promise<HeldKey[]> {
    const { store, pool, pollMs, startTimeoutMs, now, isStopping } = this.#options
    const deadlineMs = now() + startTimeoutMs
    for (;;) {
      try {
        return await store.heldKeys(pool)
      } catch (cause) {
        const isOver = now() > deadlineMs || isStopping()
        if (!(cause instanceof SqlError && cause.isTransient) || isOver) throw cause
        await new Promise((wake) => setTimeout(wake, pollMs))
      }
    }
  }

  #pollAfter(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#self?.self.tell({ type: 'poll' }), delayMs)
  }
}

const jobOf = ({ envelope }: ClaimedJob): Job => ({
  envelope,
  origin: { from: 'table' },
  encoded: encodeEnvelope(envelope),
})
