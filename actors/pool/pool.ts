import type { ActorContext, Behaviour, Reply, Signal } from '../../runtime/actor/actor.ts'
import { describeExit, type ExitReason } from '../../runtime/actor/exit-reason.ts'
import type { RetryPolicy } from '../../runtime/handler/define-handler.ts'
import type { Job } from '../../runtime/job/job.ts'
import type { JobError, Outcome } from '../../runtime/job/outcome.ts'
import { isSettled } from '../../runtime/job/state.ts'
import { backoffMs } from '../../runtime/overload/backoff.ts'
import { nextThin, type ThinThresholds } from '../../runtime/overload/thin-mode.ts'
import type { CommitVerdict, HeldKey } from '../../runtime/store/job-store.ts'
import type { ThreadRef } from '../../runtime/threads/thread-child.ts'
import { keyOf, orderKey, PoolMailbox } from './pool-mailbox.ts'
import { PoolThreadLink } from './pool-thread-link.ts'
import { SoloQueue } from './solo-queue.ts'
import type { TicketReport } from './thread-protocol.ts'

/**
 * A pool: takes jobs from the consumer and from the job table, gives them to its threads as these have credits, and their
 * outcomes to the writer. It owns the mailbox, so every decision about who is next is made here, on one thread.
 *
 *     delivered ──► mailbox ──credits──► thread ──report──► writer ──committed──► key released, consumer told
 *                      └──key held by the job table──► parked ──►┘
 *
 * Backpressure: with `outstandingJobsMax` jobs running or at the writer nothing is started; the partitions' shares fill up and
 * pause. A thread that dies gives its jobs back. Those it shared go to the job table, into quarantine, and come back from
 * there one at a time, to run alone; a death is charged only to the one job that its thread has run in its life.
 */
export type PoolMessage =
  | { type: 'delivered'; jobs: readonly Job[] }
  /** Jobs of the log that may end the process: into the job table, to run alone from there. */
  | { type: 'quarantine'; jobs: readonly Job[] }
  /** Records that are no job. */
  | { type: 'bury'; outcomes: readonly Outcome[] }
  | { type: 'held'; keys: readonly HeldKey[] }
  | { type: 'thread-up'; path: string }
  /** Sent by the pool to itself, behind the last reports of that thread. */
  | { type: 'thread-lost'; path: string; incarnation: number; reason: ExitReason }
  | { type: 'reported'; path: string; reports: readonly TicketReport[] }
  | { type: 'committed'; results: readonly CommitResult[] }
  | { type: 'head-age'; headAgeMs: number }
  /** The job, if it is on a thread now. */
  | { type: 'find'; id: string; reply: Reply<Job | undefined> }
  /** Sent by the pool to itself: give the threads what they have credits for. */
  | { type: 'dispatch' }
  /** Start nothing more; answered when everything started is committed. */
  | { type: 'drain'; reply: Reply<void> }

export interface CommitResult {
  outcome: Outcome
  verdict: CommitVerdict
}

export interface PoolOptions {
  threads: readonly ThreadRef[]
  /** Jobs at once per thread. */
  concurrency: number
  threadBatchJobsMax: number
  /** Jobs that are running or wait for their commit. */
  outstandingJobsMax: number
  thin: ThinThresholds
  retryOf(kind: string): RetryPolicy
  now: () => number
  random: () => number
  /** Hands outcomes to the writer. False when it can't take them: the pool fails. */
  commit(outcomes: readonly Outcome[]): boolean
  observer: PoolObserver
}

/** Who measures the pool: called once per run, and once per commit. */
interface PoolObserver {
  ran(kind: string, durationMs: number): void
  committed(result: CommitResult, nowMs: number): void
}

export class Pool implements Behaviour<PoolMessage> {
  readonly #options: PoolOptions
  readonly #mailbox = new PoolMailbox()
  /** One per incarnation whose end has not been handled: a thread that was recycled finishes what it has beside its successor. */
  #links: readonly PoolThreadLink[] = []
  /** Jobs of the job table that run alone. */
  readonly #solos = new SoloQueue()
  #self: ActorContext<PoolMessage> | undefined
  #nextTicket = 1
  #uncommitted = 0
  #isThin = false
  #dispatchDue = false
  #drained: Reply<void> | undefined

  constructor(options: PoolOptions) {
    this.#options = options
  }

  init(self: ActorContext<PoolMessage>): void {
    this.#self = self
    // Tickets of two incarnations differ: threads outlive a pool that fails.
    this.#nextTicket = self.self.incarnation * 2 ** 40
    for (const { path } of this.#options.threads) this.#threadUp(path)
  }

  receive(message: PoolMessage): void {
    switch (message.type) {
      case 'delivered':
        for (const job of message.jobs) if (job.solo) this.#solos.push(job)
        this.#park(message.jobs.filter((job) => !job.solo && this.#mailbox.push(job)))
        break
      case 'quarantine':
        for (const job of message.jobs) this.#mailbox.hold(job)
        this.#commit(message.jobs.map((job) => this.#suspected(job, NO_PROGRESS)))
        break
      case 'bury':
        this.#commit(message.outcomes)
        break
      case 'held':
        for (const { tenant, tier, orderingKey, rows } of message.keys)
          this.#mailbox.gates.hold(orderKey(tier, tenant, orderingKey), rows)
        break
      case 'thread-up':
        this.#threadUp(message.path)
        break
      case 'thread-lost':
        this.#threadLost(message.path, message.incarnation, message.reason)
        break
      case 'reported':
        this.#reported(message.path, message.reports)
        break
      case 'committed':
        this.#committedAll(message.results)
        break
      case 'head-age':
        this.#isThin = nextThin(this.#isThin, message.headAgeMs, this.#options.thin)
        break
      case 'find':
        message.reply.answer(
          this.#links
            .values()
            .map((link) => link.find(message.id))
            .find(Boolean),
        )
        break
      case 'drain':
        this.#drained = message.reply
        break
      case 'dispatch':
        this.#dispatch()
        return
    }
    this.#dispatchSoon()
  }

  /**
   * Once for all messages of a turn: what several reports have freed goes out in one batch. Sent one by one, small
   * batches would stay small for ever, each coming back as a small report.
   */
  #dispatchSoon(): void {
    if (this.#dispatchDue) return
    this.#dispatchDue = true
    setImmediate(() => {
      this.#dispatchDue = false
      // A message, so that one that has ended by then dispatches nothing.
      this.#self?.self.tell({ type: 'dispatch' })
    })
  }

  /** Signals overtake messages, and what a thread reported before it died counts: its end waits its turn behind that. */
  onSignal({ path, incarnation, reason }: Signal): void {
    const link = this.#linkOf(path, incarnation)
    if (link) link.isLost = true
    if (this.#self?.self.tell({ type: 'thread-lost', path, incarnation, reason }) !== 'accepted')
      throw new Error(`the end of ${path} cannot be handled: the mailbox is full`)
  }

  inspect(): Record<string, unknown> {
    return {
      jobs: this.#mailbox.inspect(),
      running: this.#running,
      solo: this.#solos.length,
      uncommitted: this.#uncommitted,
      thin: this.#isThin,
    }
  }

  get #isIdle(): boolean {
    return this.#uncommitted === 0 && this.#running === 0
  }

  get #running(): number {
    return this.#links.reduce((sum, link) => sum + link.runningJobs, 0)
  }

  #linksOf(path: string): PoolThreadLink[] {
    return this.#links.filter(({ thread }) => thread.path === path)
  }

  #linkOf(path: string, incarnation: number): PoolThreadLink | undefined {
    return this.#linksOf(path).find((link) => link.incarnation === incarnation)
  }

  #threadUp(path: string): void {
    const current = this.#options.threads.find((ref) => ref.path === path)?.current
    if (!current || this.#linkOf(path, current.incarnation)) return
    for (const retired of this.#linksOf(path)) retired.isUp = false
    this.#links = [...this.#links, new PoolThreadLink(current, this.#options.concurrency)]
    this.#self?.watch(current)
  }

  #threadLost(path: string, incarnation: number, reason: ExitReason): void {
    const link = this.#linkOf(path, incarnation)
    if (!link) return
    this.#links = this.#links.filter((other) => other !== link)
    const hadRun = link.begunJobs
    const lost = link.loseAll()
    // A thread that was stopped or killed says nothing of its jobs.
    const isTheirFault = reason.kind === 'error' || reason.kind === 'thread'
    const [only] = lost
    if (!isTheirFault || !only) for (const job of lost) this.#putBack(job)
    else if (hadRun === 1) this.#commit([this.#blame(only, describeExit(reason))])
    // A retired thread is not replaced once more: its successor has begun others.
    else if (only.solo) this.#solos.push(only, { onFreshThread: this.#linksOf(path).length === 0 })
    else this.#suspect(lost, describeExit(reason))
    const how = { thread: path, incarnation, lostJobs: lost.length, reason: describeExit(reason) }
    if (reason.kind === 'normal') this.#self?.log.info(how, 'thread recycled')
    else this.#self?.log.warn(how, 'thread lost')
  }

  /** First who runs alone, on a thread of its own; then the mailbox, to the thread with the most credits. */
  #dispatch(): void {
    if (this.#drained) {
      if (this.#isIdle) this.#drained.answer(undefined)
      return
    }
    const solo = this.#solos.next(this.#links)
    if (solo) this.#send(solo.link, [solo.job])
    const emptying = this.#solos.emptying(this.#links)
    for (;;) {
      const link = this.#links.reduce<PoolThreadLink | undefined>(
        (best, one) => (one !== emptying && one.credits > (best?.credits ?? 0) ? one : best),
        undefined,
      )
      if (!link) return
      const room = this.#options.outstandingJobsMax - this.#uncommitted - this.#running
      const jobs = this.#take(Math.min(link.credits, this.#options.threadBatchJobsMax, room))
      if (jobs.length === 0) return
      this.#send(link, jobs)
    }
  }

  #take(max: number): Job[] {
    const jobs: Job[] = []
    while (jobs.length < max) {
      const job = this.#mailbox.shift()
      if (!job) break
      jobs.push(job)
    }
    return jobs
  }

  #send(link: PoolThreadLink, jobs: readonly Job[]): void {
    if (link.send(jobs, this.#nextTicket, this.#isThin)) {
      this.#nextTicket += jobs.length
      return
    }
    // It died this moment; its DOWN is on its way.
    link.isUp = false
    for (const job of jobs) this.#putBack(job)
  }

  #putBack(job: Job): void {
    if (job.solo) this.#solos.push(job)
    else this.#mailbox.enqueue(job)
  }

  #reported(path: string, reports: readonly TicketReport[]): void {
    const links = this.#linksOf(path)
    const outcomes: Outcome[] = []
    for (const { ticket, durationMs, report } of reports) {
      const job = finishIn(links, ticket)
      if (!job) continue
      this.#mailbox.settle(job, durationMs)
      this.#options.observer.ran(job.envelope.kind, durationMs)
      // What was run is the pool's to say: a thread cannot report of another job.
      const { envelope, origin, solo } = job
      outcomes.push({ ...report, envelope, origin, ...(solo && { solo }) })
    }
    this.#commit(outcomes)
  }

  #commit(outcomes: readonly Outcome[]): void {
    if (outcomes.length === 0) return
    this.#uncommitted += outcomes.length
    if (!this.#options.commit(outcomes))
      throw new Error('the writer takes no more outcomes although it has room')
  }

  #committedAll(results: readonly CommitResult[]): void {
    const { observer, now } = this.#options
    const nowMs = now()
    for (const result of results) {
      observer.committed(result, nowMs)
      this.#committed(result)
    }
  }

  #committed({ outcome, verdict }: CommitResult): void {
    this.#uncommitted--
    const key = keyOf(outcome)
    if (key === undefined) return
    const { gates } = this.#mailbox
    const settled =
      verdict.verdict === 'conflict' ||
      isSettled(verdict.verdict === 'applied' ? outcome.state : stateOf(verdict))
    if (outcome.origin.from === 'table') {
      if (settled) gates.rowSettled(key)
    } else if (outcome.state === 'parked') {
      if (verdict.verdict !== 'applied') gates.rowSettled(key)
    } else if (settled) {
      const next = gates.release(key)
      if (next) this.#mailbox.enqueue(next)
    } else this.#park(gates.becomeHeld(key))
  }

  #park(jobs: readonly Job[]): void {
    const nowMs = this.#options.now()
    this.#commit(
      jobs.map(({ envelope, origin }) => ({
        envelope,
        origin,
        state: 'parked',
        writes: [],
        skipped: [],
        ...at(nowMs),
      })),
    )
  }

  /** These were on a thread when it died, and one of them or what an earlier one left behind is to blame. */
  #suspect(jobs: readonly Job[], reason: string): void {
    const error = {
      code: 'thread-lost',
      message: `the thread died while it ran this job beside others, or after others: ${reason}. It runs again, alone`,
    }
    this.#commit(jobs.map((job) => this.#suspected(job, error)))
    // In the table they stand before those that followed them.
    for (const job of jobs) this.#park(this.#mailbox.becomeHeld(job))
  }

  /** Into quarantine, its attempt not spent. */
  #suspected({ envelope, origin }: Job, error: JobError): Outcome {
    const nowMs = this.#options.now()
    return { envelope, origin, state: 'parked', solo: true, error, writes: [], skipped: [], ...at(nowMs) }
  }

  /** The outcome of a job that was all its thread had run when it died. */
  #blame(job: Job, reason: string): Outcome {
    const { attempt, kind } = job.envelope
    const nowMs = this.#options.now()
    const policy = this.#options.retryOf(kind)
    const error = { code: 'thread-lost', message: `the thread died while it ran this job alone: ${reason}` }
    const { envelope, origin } = job
    const lost = { envelope, origin, solo: true, writes: [], skipped: [], error, ...at(nowMs) }
    if (attempt >= policy.attemptsMax) return { ...lost, state: 'dead' }
    const delayMs = backoffMs(
      attempt,
      { minMs: policy.backoffMinMs, maxMs: policy.backoffMaxMs },
      this.#options.random,
    )
    return { ...lost, state: 'retry', dueAtMs: nowMs + delayMs }
  }
}

/** Tickets of all incarnations differ. */
function finishIn(links: readonly PoolThreadLink[], ticket: number): Job | undefined {
  for (const link of links) {
    const job = link.finish(ticket)
    if (job) return job
  }
  return undefined
}

const at = (nowMs: number) => ({ startedAtMs: nowMs, finishedAtMs: nowMs })

const NO_PROGRESS: JobError = {
  code: 'no-progress',
  message: 'the partition of this job was assigned again and again without progress: it runs alone',
}

/** A fenced run says nothing of its row; whoever claimed it settles it. */
const stateOf = (verdict: CommitVerdict) => ('state' in verdict ? verdict.state : 'running')
