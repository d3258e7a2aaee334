import { randomUUID } from 'node:crypto'
import type { ActorContext, Behaviour } from '../../runtime/actor/actor.ts'
import { type ExitReason, isOrderly } from '../../runtime/actor/exit-reason.ts'
import { Fifo } from '../../runtime/actor/fifo.ts'
import type { ClaimRequest, Claims, ClaimVerdict, Settlement } from '../../runtime/claims/claims.ts'
import { encodeEnvelope } from '../../runtime/job/envelope.ts'
import { identify } from '../../runtime/job/id.ts'
import { laneOf } from '../../runtime/job/lane.ts'
import type { Submission, SubmissionVerdict } from '../../runtime/job/submission.ts'
import type { AppendVerdict, Log, LogRecord } from '../../runtime/log/log.ts'
import type { Logger } from '../../runtime/observe/logger.ts'
import type { Partitioner } from './partitioner.ts'

/**
 * Claim, then append, then answer (DESIGN section 4). Two loops, each with one batch under way, so that batches grow
 * with the load and nothing is done once per job that can be done once per batch:
 *
 *     submit ──► arrived ──claim──► mine ──► appending ──ack──► 202
 *                   ▲         ├──► replay 202, reused 422
 *                   └─ owner ─┴─── pending: asks again when an append settles, 409 after `waitForOwnerMs`
 *
 * Invariant (S1): a 202 is sent only after the append of its id was acknowledged. Every submission is settled exactly
 * once, also when the acceptor ends.
 */
export interface AcceptorOptions {
  claims: Claims
  log: Log
  partitioner: Partitioner
  now: () => number
  /** Jobs in one claim or append batch. */
  batchJobsMax: number
  /** An append takes no further job once its bodies have so many bytes. */
  batchBytesMax: number
  /** Appends begin this far apart, unless so many jobs wait for one. */
  appendEveryMs: number
  appendAtOnceJobs: number
  /** Jobs and body bytes held by this actor; beyond either it refuses. */
  heldJobsMax: number
  heldBytesMax: number
  /** How long a duplicate waits for the request that owns its claim. */
  waitForOwnerMs: number
  /** Asks again for other nodes' claims this often. */
  askAgainMs: number
  stats: AcceptorStats
  /** Ms from the arrival of a request to its 202. */
  observeAck(ms: number): void
}

/** A submission with its identity, on its way; what the claim store is asked with, as it is. */
interface Candidate extends ClaimRequest {
  submission: Submission
  /** `id` is what it is appended under; another window's when an unknown claim was taken over. */
  id: string
  /** The claim store holds a claim of this request. */
  claimed: boolean
  /** An earlier copy may be unknown to it: the job table has to look. */
  unsure: boolean
}

/** Plain counters that outlive a restart of the acceptor. */
export interface AcceptorStats {
  accepted: number
  replayed: number
  refused: number
  claimBatches: number
  appendBatches: number
}

export const emptyAcceptorStats = (): AcceptorStats => ({
  accepted: 0,
  replayed: 0,
  refused: 0,
  claimBatches: 0,
  appendBatches: 0,
})

export class Acceptor implements Behaviour<readonly Submission[]> {
  readonly #options: AcceptorOptions
  readonly #arrived = new Fifo<Candidate>()
  readonly #mine = new Fifo<Candidate>()
  #waiting: Candidate[] = []
  readonly #held = new Set<Candidate>()
  #heldBytes = 0
  #claiming = false
  #appending = false
  #linger: NodeJS.Timeout | undefined
  #abandoned = false
  #tokens = 0
  /** Tokens of two acceptors must differ, be they two nodes' or two lives of one. */
  readonly #tokenPrefix = `${randomUUID()}.`
  #askAgain: NodeJS.Timeout | undefined
  #idle: PromiseWithResolvers<void> | undefined
  #fail: (cause: unknown) => void = () => {}

  constructor(options: AcceptorOptions) {
    this.#options = options
  }

  init(self: ActorContext<readonly Submission[]>): void {
    this.#fail = self.fail
    // Also when it is killed, nobody waits for an answer that never comes.
    self.ended.addEventListener('abort', () => this.#abandonKilled(self.log))
  }

  receive(submissions: readonly Submission[]): void {
    const nowMs = this.#options.now()
    for (const submission of submissions) {
      if (this.#isFull) {
        this.#options.stats.refused++
        submission.settle({ accepted: false, problem: 'temporary-reduced-capacity', retryAfterS: 1 })
        continue
      }
      const { id, claimKey, bodyHash } = identify(submission, nowMs)
      const { tenant, traceId } = submission
      const token = this.#tokenPrefix + this.#tokens++
      const candidate: Candidate = {
        submission,
        claimKey,
        token,
        tenant,
        id,
        traceId,
        bodyHash,
        claimed: true,
        unsure: false,
      }
      this.#held.add(candidate)
      this.#heldBytes += submission.body.byteLength
      this.#arrived.push(candidate)
    }
    this.#claim()
  }

  /** Orderly: what is under way is finished. After a crash: everything held is refused as not known. */
  async terminate(reason: ExitReason): Promise<void> {
    this.#stopTimers()
    if (!isOrderly(reason)) return this.#abandon()
    for (const candidate of this.#waiting) this.#settle(candidate, IN_PROGRESS)
    this.#waiting = []
    if (this.#held.size > 0) {
      this.#idle = Promise.withResolvers()
      this.#append()
      await this.#idle.promise
    }
  }

  /** Whoever sends one of these jobs again takes its claim over at once, whatever becomes of an append under way. */
  async #abandon(): Promise<void> {
    this.#abandoned = true
    const abandoned = [...this.#held]
    for (const candidate of abandoned) this.#settle(candidate, NOT_DURABLE)
    const settlements = abandoned.map(({ claimKey, token }) => ({ claimKey, token, to: 'unknown' as const }))
    await this.#options.claims.settle(settlements, this.#options.now())
  }

  #abandonKilled(log: Logger): void {
    this.#stopTimers()
    if (this.#held.size === 0) return
    this.#abandon().catch((err) =>
      log.warn({ err }, 'claims of a killed acceptor stay pending until they expire'),
    )
  }

  #stopTimers(): void {
    clearTimeout(this.#askAgain)
    clearTimeout(this.#linger)
    this.#askAgain = undefined
    this.#linger = undefined
  }

  inspect(): Record<string, unknown> {
    return { heldJobs: this.#held.size, heldBytes: this.#heldBytes, ...this.#options.stats }
  }

  get #isFull(): boolean {
    return this.#held.size >= this.#options.heldJobsMax || this.#heldBytes >= this.#options.heldBytesMax
  }

  #claim(): void {
    if (this.#claiming || this.#arrived.length === 0) return
    this.#claiming = true
    const batch = takeUpTo(this.#arrived, this.#options.batchJobsMax, Number.POSITIVE_INFINITY)
    this.#options.stats.claimBatches++
    this.#options.claims
      .claim(batch, this.#options.now())
      .then((verdicts) => this.#applyClaims(batch, verdicts))
      .catch(this.#fail)
  }

  #applyClaims(batch: readonly Candidate[], verdicts: readonly ClaimVerdict[]): void {
    if (this.#abandoned) return
    this.#claiming = false
    batch.forEach((candidate, i) => {
      this.#applyClaim(candidate, verdicts[i] ?? { verdict: 'unclaimed' })
    })
    this.#append()
    this.#claim()
  }

  #applyClaim(candidate: Candidate, verdict: ClaimVerdict): void {
    switch (verdict.verdict) {
      case 'mine':
        candidate.id = verdict.id
        candidate.unsure = verdict.unsure === true
        this.#mine.push(candidate)
        break
      case 'unclaimed':
        candidate.claimed = false
        candidate.unsure = true
        this.#mine.push(candidate)
        break
      case 'replay':
        this.#settle(candidate, { accepted: true, id: verdict.id, traceId: verdict.traceId, replayed: true })
        break
      case 'reused':
        this.#settle(candidate, { accepted: false, problem: 'idempotency-key-reused' })
        break
      case 'pending':
        this.#wait(candidate)
        break
    }
  }

  #wait(candidate: Candidate): void {
    const { now, waitForOwnerMs, askAgainMs } = this.#options
    if (now() - candidate.submission.receivedAtMs >= waitForOwnerMs || this.#idle) {
      this.#settle(candidate, IN_PROGRESS)
      return
    }
    this.#waiting.push(candidate)
    this.#askAgain ??= setTimeout(() => {
      this.#askAgain = undefined
      this.#guarded(() => this.#retryWaiting())
    }, askAgainMs)
  }

  #retryWaiting(): void {
    if (this.#abandoned) return
    for (const candidate of this.#waiting) this.#arrived.push(candidate)
    this.#waiting = []
    this.#claim()
  }

  /**
   * An append has a price of its own: the next one begins `appendEveryMs` after the last, or as soon as `appendAtOnceJobs`
   * are there to share it. Who comes alone does not wait.
   */
  #append(): void {
    if (this.#appending || this.#mine.length === 0) return
    const { log, stats, now, batchJobsMax, batchBytesMax, appendEveryMs, appendAtOnceJobs } = this.#options
    const lingers = this.#linger !== undefined && this.#mine.length < appendAtOnceJobs && !this.#idle
    if (lingers) return
    this.#appending = true
    const batch = takeUpTo(this.#mine, batchJobsMax, batchBytesMax)
    stats.appendBatches++
    const nowMs = now()
    log
      .append(batch.map((candidate) => this.#recordOf(candidate, nowMs)))
      .then((verdicts) => this.#applyAppend(batch, verdicts))
      .catch(this.#fail)
    clearTimeout(this.#linger)
    this.#linger = setTimeout(() => {
      this.#linger = undefined
      this.#guarded(() => this.#append())
    }, appendEveryMs)
  }

  /** For timers: what they throw ends this actor, not the process. */
  #guarded(run: () => void): void {
    try {
      run()
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #applyAppend(batch: readonly Candidate[], verdicts: readonly AppendVerdict[]): void {
    if (this.#abandoned) return
    this.#appending = false
    const settlements: Settlement[] = []
    batch.forEach((candidate, i) => {
      const verdict = verdicts[i] ?? 'unknown'
      const { claimKey, token, id, submission } = candidate
      if (candidate.claimed) settlements.push({ claimKey, token, to: CLAIM_AFTER[verdict] })
      this.#settle(
        candidate,
        verdict === 'acked'
          ? { accepted: true, id, traceId: submission.traceId, replayed: false }
          : NOT_DURABLE,
      )
    })
    this.#append()
    // The answers above do not wait for this; the duplicates that wait for them do.
    this.#options.claims.settle(settlements, this.#options.now()).then(() => {
      if (this.#waiting.length > 0) this.#retryWaiting()
    }, this.#fail)
  }

  #recordOf({ submission, bodyHash, id, unsure }: Candidate, acceptedAtMs: number): LogRecord {
    const { tenant, kind, pool, tier, orderingKey, idempotencyKey, traceparent, body } = submission
    const lane = laneOf(pool, tier)
    const partitions = this.#options.log.partitions.get(lane) ?? 1
    const value = encodeEnvelope({
      id,
      tenant,
      kind,
      tier,
      orderingKey,
      attempt: 1,
      acceptedAtMs,
      traceparent,
      keyed: idempotencyKey !== undefined,
      unclaimed: unsure,
      bodyHash,
      body,
    })
    return {
      lane,
      partition: this.#options.partitioner.choose(tenant, orderingKey, partitions),
      value,
      traceparent,
    }
  }

  #settle(candidate: Candidate, verdict: SubmissionVerdict): void {
    if (!this.#held.delete(candidate)) return
    this.#heldBytes -= candidate.submission.body.byteLength
    const { stats, now, observeAck } = this.#options
    if (verdict.accepted) observeAck(now() - candidate.submission.receivedAtMs)
    stats[kindOf(verdict)]++
    candidate.submission.settle(verdict)
    if (this.#held.size === 0) this.#idle?.resolve()
  }
}

const IN_PROGRESS: SubmissionVerdict = { accepted: false, problem: 'request-in-progress', retryAfterS: 1 }
const NOT_DURABLE: SubmissionVerdict = { accepted: false, problem: 'log-unavailable', retryAfterS: 1 }
const CLAIM_AFTER = { acked: 'accepted', failed: 'released', unknown: 'unknown' } as const

function kindOf(verdict: SubmissionVerdict): 'accepted' | 'replayed' | 'refused' {
  if (!verdict.accepted) return 'refused'
  return verdict.replayed ? 'replayed' : 'accepted'
}

/** One at least. */
function takeUpTo(queue: Fifo<Candidate>, jobsMax: number, bytesMax: number): Candidate[] {
  const taken: Candidate[] = []
  let bytesLeft = bytesMax
  while (taken.length < jobsMax && bytesLeft > 0) {
    const candidate = queue.shift()
    if (candidate === undefined) break
    taken.push(candidate)
    bytesLeft -= candidate.submission.body.byteLength
  }
  return taken
}
