import { type OpenLoopResult, openLoop } from '../load/open-loop.ts'
import { Random } from '../load/random.ts'
import { isAccepted, type Ledger, type Verdict } from './ledger.ts'
import type { ChaosJob, Workload } from './workload.ts'

/** Sends the workload to a node and enters what comes back in the ledger. */
export interface SenderOptions {
  workload: Workload
  ledger: Ledger
  seed: number
}

const CONNECTIONS = 128
const QUEUE_MAX = 2_000
/** Of the jobs, sent twice at the same time. */
const TWICE_SHARE = 0.03
/** Of the accepted jobs, sent again after a restart. */
const AGAIN_SHARE = 0.1
const AGAIN_PER_SECOND = 2_000

export class Sender {
  readonly #workload: Workload
  readonly #ledger: Ledger
  readonly #random: Random
  #inFlight = 0

  constructor({ workload, ledger, seed }: SenderOptions) {
    this.#workload = workload
    this.#ledger = ledger
    this.#random = new Random(seed)
  }

  /** Requests of the present load that have no answer yet. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Fresh jobs at this rate, some of them twice, until the time is over, `signal` ends it, or the node is gone. */
  load(options: {
    port: number
    round: number
    ratePerSecond: number
    durationMs: number
    signal?: AbortSignal
    retryConnectMs?: number
    onVerdict(verdict: Verdict): void
  }): Promise<OpenLoopResult> {
    const { round, onVerdict, ...loop } = options
    let twice: ChaosJob | undefined
    return openLoop<ChaosJob>({
      ...loop,
      connections: CONNECTIONS,
      queueMax: QUEUE_MAX,
      random: this.#random,
      next: () => {
        const job = twice ?? this.#workload.next()
        const isAgain = twice !== undefined
        twice = !isAgain && !job.ordering && this.#random.next() < TWICE_SHARE ? job : undefined
        this.#inFlight++
        return { job, request: job.request }
      },
      onVerdict: (job, outcome) => {
        this.#inFlight--
        const verdict = this.#ledger.record(job, outcome, round)
        if (verdict?.verdict !== 'unknown') this.#workload.settled(job)
        if (verdict) onVerdict(verdict)
      },
    })
  }

  /** All that has no verdict yet, and some that were accepted in this round. Returns how many were sent. */
  async again(port: number, round: number): Promise<number> {
    const accepted = this.#ledger
      .acceptedIn(round)
      .filter(({ verdicts }) => verdicts.some(isAccepted) && this.#random.next() < AGAIN_SHARE)
    return this.#send(
      port,
      round,
      [...this.#ledger.open, ...accepted].map(({ job }) => job),
    )
  }

  /** Jobs of `handlers/trouble.ts`. */
  trouble(
    port: number,
    round: number,
    trouble: { count: number; how: string; mended: string },
  ): Promise<number> {
    const jobs = Array.from({ length: trouble.count }, () =>
      this.#workload.trouble(trouble.how, trouble.mended),
    )
    return this.#send(port, round, jobs)
  }

  /** Returns how many were answered. */
  async #send(port: number, round: number, jobs: readonly ChaosJob[]): Promise<number> {
    let next = 0
    const { answered } = await openLoop<ChaosJob>({
      port,
      connections: Math.min(CONNECTIONS, Math.max(1, jobs.length)),
      queueMax: jobs.length,
      ratePerSecond: AGAIN_PER_SECOND,
      durationMs: Number.POSITIVE_INFINITY,
      next: () => {
        const job = jobs[next++]
        return job && { job, request: job.request }
      },
      onVerdict: (job, outcome) => {
        const verdict = this.#ledger.record(job, outcome, round)
        if (verdict?.verdict !== 'unknown') this.#workload.settled(job)
      },
    })
    return answered
  }
}
