import type { Pool } from '../../runtime/job/lane.ts'
import type { Submission, SubmissionVerdict } from '../../runtime/job/submission.ts'
import type { Tier } from '../../runtime/job/tier.ts'
import type { Trace } from '../../runtime/job/trace.ts'
import type { IngressContext } from './context.ts'
import type { ParsedJob } from './parse-job.ts'

/** Where a job came from: who sent it, under which key, in which trace. */
export interface JobOrigin {
  tenant: string
  idempotencyKey: string | undefined
  trace: Trace
}

/** A job that was handed on and waits for its verdict. It is its own Submission: no closure per request. */
export abstract class PendingJob implements Submission {
  readonly tenant: string
  readonly kind: string
  readonly pool: Pool
  readonly tier: Tier
  readonly orderingKey: string | undefined
  readonly idempotencyKey: string | undefined
  readonly body: Uint8Array
  readonly traceId: string
  readonly traceparent: string
  readonly receivedAtMs: number
  protected readonly context: IngressContext
  #settled = false

  constructor(context: IngressContext, origin: JobOrigin, job: ParsedJob, body: Uint8Array) {
    this.tenant = origin.tenant
    this.kind = job.kind
    this.pool = job.pool
    this.tier = job.tier
    this.orderingKey = job.orderingKey
    this.idempotencyKey = origin.idempotencyKey
    this.body = body
    this.traceId = origin.trace.traceId
    this.traceparent = origin.trace.traceparent
    this.receivedAtMs = context.now()
    this.context = context
  }

  settle(verdict: SubmissionVerdict): void {
    const { jobs, logger } = this.context
    if (this.#settled) {
      logger.error(
        { traceId: this.traceId, verdict },
        'a submission was settled twice: the second verdict is dropped',
      )
      return
    }
    this.#settled = true
    if (verdict.accepted) {
      if (verdict.replayed) jobs.replayed++
      else jobs.accepted++
    }
    this.answer(verdict)
  }

  protected abstract answer(verdict: SubmissionVerdict): void
}
