import type { ActorContext, Behaviour, Reply } from '../../runtime/actor/actor.ts'
import { encodeEnvelope } from '../../runtime/job/envelope.ts'
import type { Job } from '../../runtime/job/job.ts'
import type { Pool } from '../../runtime/job/lane.ts'
import type { Claim, ClaimedJob, HeldKey, JobStore } from '../../runtime/store/job-store.ts'
import { SqlError } from '../../runtime/store/sql.ts'
import { askJobTable, type Patience } from './ask-job-table.ts'
import type { SoloTurn } from './solo-turn.ts'

/**
 * The way back from the job table: claims a pool's rows that are due (retries, parked followers whose turn it is, runs whose
 * node is gone) and hands them to the pool like deliveries of the log. Before the first, it tells which ordering keys
 * the table holds.
 *
 * Rows in quarantine it claims one at a time, and the next when that one is settled. Claiming writes the attempt, so that a
 * job which ends the process is known by it.
 */
export interface DuePollerOptions {
  store: JobStore
  pool: Pool
  pollMs: number
  batchJobsMax: number
  /** Claimed and not settled, at most: what waits longer than its lease is claimed, and run, again. */
  outstandingJobsMax: number
  /** For the job table's answer at the start. */
  patience: Patience
  /** Claimed and not settled: the attempt of each, by its id. It outlives the poller: the next one gives them back first. */
  claims: Map<string, number>
  /** Of the node: one job in quarantine at a time. */
  soloTurn: SoloTurn
  now: () => number
  hold(keys: readonly HeldKey[]): void
  /** False when the pool can't take them: they are given back. */
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
  /** The one of the claims that runs alone. */
  #solo: string | undefined

  constructor(options: DuePollerOptions) {
    this.#options = options
  }

  async init(self: ActorContext<DuePollerMessage>): Promise<void> {
    this.#self = self
    self.ended.addEventListener('abort', () => this.#options.soloTurn.give(this))
    const { store, pool, patience, claims, hold } = this.#options
    // Its pool has failed, and what it ran is gone with it. Not by their fault: handlers can fail threads, not pools.
    await askJobTable(() => store.release(this.#claims), patience)
    claims.clear()
    hold(await askJobTable(() => store.heldKeys(pool), patience))
    self.self.tell({ type: 'poll' })
  }

  async receive(message: DuePollerMessage): Promise<void> {
    switch (message.type) {
      case 'poll':
        await this.#poll()
        break
      case 'settled':
        for (const claim of message.claims) this.#settled(claim)
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
    return { outstanding: this.#options.claims.size, solo: this.#solo }
  }

  terminate(): void {
    clearTimeout(this.#timer)
  }

  get #claims(): Claim[] {
    return Array.from(this.#options.claims, ([id, attempt]) => ({ id, attempt }))
  }

  #settled({ id, attempt }: Claim): void {
    const { claims } = this.#options
    if (claims.get(id) !== attempt) return
    claims.delete(id)
    if (this.#solo !== id) return
    this.#solo = undefined
    this.#options.soloTurn.give(this)
  }

  async #poll(): Promise<void> {
    if (this.#isPaused) return
    const { store, pool, pollMs, now, batchJobsMax, outstandingJobsMax } = this.#options
    const limit = Math.min(batchJobsMax, outstandingJobsMax - this.#options.claims.size)
    let claimed: ClaimedJob[] = []
    try {
      await this.#pollSolo()
      if (limit > 0) claimed = await store.claimDue(pool, now(), limit)
      await this.#deliver(claimed.map((job) => jobOf(job)))
    } catch (cause) {
      if (!(cause instanceof SqlError && cause.isTransient)) throw cause
      this.#self?.log.warn({ err: cause }, 'the job table cannot be asked, will be asked again')
    }
    this.#pollAfter(limit > 0 && claimed.length === limit ? 0 : pollMs)
  }

  async #pollSolo(): Promise<void> {
    const { store, pool, now, soloTurn } = this.#options
    if (this.#solo !== undefined || !soloTurn.take(this, () => this.#pollAfter(0))) return
    try {
      const claimed = await store.claimSolo(pool, now())
      if (!claimed) return
      this.#solo = claimed.envelope.id
      await this.#deliver([{ ...jobOf(claimed), solo: true }])
    } finally {
      if (this.#solo === undefined) soloTurn.give(this)
    }
  }

  async #deliver(jobs: readonly Job[]): Promise<void> {
    const { store, claims, deliver } = this.#options
    const claimed = jobs.map(({ envelope: { id, attempt } }) => ({ id, attempt }))
    for (const { id, attempt } of claimed) claims.set(id, attempt)
    if (jobs.length === 0 || deliver(jobs)) return
    // The pool is full, or this poller was killed while it asked.
    for (const claim of claimed) this.#settled(claim)
    await store.release(claimed)
  }

  async #release(reply: Reply<void>): Promise<void> {
    try {
      await this.#options.store.release(this.#claims)
      this.#options.claims.clear()
      reply.answer(undefined)
    } catch (cause) {
      if (!(cause instanceof SqlError && cause.isTransient)) throw cause
      reply.fail(cause)
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
