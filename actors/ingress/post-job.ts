import type { BodyReceiver, Exchange } from '../../runtime/http/exchange.ts'
import type { HeaderList } from '../../runtime/http/wire.ts'
import type { SubmissionVerdict } from '../../runtime/job/submission.ts'
import type { IngressContext } from './context.ts'
import { jobPath } from './job-view.ts'
import { type ParsedJob, parseJob } from './parse-job.ts'
import { type JobOrigin, PendingJob } from './pending-job.ts'

/** `POST /v1/jobs`, from its headers on: body → parse → handed on → verdict → answer. */
export class IncomingJob implements BodyReceiver {
  readonly #context: IngressContext
  readonly #exchange: Exchange
  readonly #origin: JobOrigin
  readonly #reservedBytes: number

  /** `reservedBytes` are in flight already. */
  constructor(context: IngressContext, exchange: Exchange, origin: JobOrigin, reservedBytes: number) {
    this.#context = context
    this.#exchange = exchange
    this.#origin = origin
    this.#reservedBytes = reservedBytes
  }

  onBody(body: Buffer): void {
    const { catalogue, inFlight, outbox } = this.#context
    const job = parseJob(body, catalogue)
    if (job.ok) {
      inFlight.resize(this.#reservedBytes, body.length)
      outbox.add(new PendingSingle(this.#context, this.#exchange, this.#origin, job.value, body))
    } else {
      this.#exchange.refuse(job)
      inFlight.leave(this.#reservedBytes)
    }
  }

  onLost(): void {
    this.#context.inFlight.leave(this.#reservedBytes)
  }
}

class PendingSingle extends PendingJob {
  readonly #exchange: Exchange

  constructor(context: IngressContext, exchange: Exchange, origin: JobOrigin, job: ParsedJob, body: Buffer) {
    super(context, origin, job, body)
    this.#exchange = exchange
  }

  protected override answer(verdict: SubmissionVerdict): void {
    if (verdict.accepted) {
      const { id, traceId, replayed } = verdict
      const location = jobPath(id)
      const headers: HeaderList = replayed
        ? [JSON_TYPE, ['location', location], REPLAYED]
        : [JSON_TYPE, ['location', location]]
      // Ids and trace ids are URL-safe: nothing in them to escape.
      const body = `{"id":"${id}","traceId":"${traceId}","status":"accepted","links":{"self":"${location}"}}`
      this.#exchange.respond(202, headers, body)
    } else this.#exchange.refuse({ ...verdict, code: verdict.problem })
    this.context.inFlight.leave(this.body.length)
  }
}

const JSON_TYPE = ['content-type', 'application/json'] as const
const REPLAYED = ['idempotency-replayed', 'true'] as const
