import type { BodyReceiver, Exchange } from '../../runtime/http/exchange.ts'
import { type Checked, type Refusal, refuse } from '../../runtime/http/refusal.ts'
import { continueTrace } from '../../runtime/job/trace.ts'
import type { IngressContext } from './context.ts'
import { splitLines } from './ndjson.ts'
import { type ParsedJob, parseJob } from './parse-job.ts'
import { PendingBatch, PendingLine } from './pending-batch.ts'
import type { JobOrigin } from './pending-job.ts'

/**
 * `POST /v1/jobs/batch`: NDJSON, a job per line, a verdict per line in the order of the lines. The lines are jobs like
 * any other, each with a span of its own in the request's trace; an error of one is no other's.
 */
export class IncomingBatch implements BodyReceiver {
  readonly #context: IngressContext
  readonly #exchange: Exchange
  readonly #tenant: string
  readonly #reservedBytes: number

  /** `reservedBytes` are in flight already. */
  constructor(context: IngressContext, exchange: Exchange, tenant: string, reservedBytes: number) {
    this.#context = context
    this.#exchange = exchange
    this.#tenant = tenant
    this.#reservedBytes = reservedBytes
  }

  onBody(body: Buffer): void {
    const { batchLinesMax } = this.#context.limits
    const lines = splitLines(body, batchLinesMax)
    if (!lines) this.#refuse(refuse('batch-too-long', `more than ${batchLinesMax} lines: send it in parts`))
    else if (lines.length === 0) this.#refuse(refuse('invalid-request', 'the batch has no lines'))
    else this.#handOn(lines, body.length)
  }

  onLost(): void {
    this.#context.inFlight.leave(this.#reservedBytes)
  }

  #refuse(refusal: Refusal): void {
    this.#exchange.refuse(refusal)
    this.onLost()
  }

  #handOn(lines: readonly Buffer[], bodyBytes: number): void {
    // All are parsed before the first is handed on: an error that nobody expected then leaves none behind.
    const checked = lines.map((line) => this.#parse(line))
    const { inFlight, outbox } = this.#context
    inFlight.resize(this.#reservedBytes, bodyBytes)
    const batch = new PendingBatch(this.#context, this.#exchange, lines.length, bodyBytes)
    for (const [index, job] of checked.entries())
      if (job.ok) outbox.add(this.#pendingLine(batch, index, job.value, lines[index] as Buffer))
      else batch.refuse(index, this.#exchange.trace.traceId, job)
  }

  #parse(line: Buffer): Checked<ParsedJob> {
    const { catalogue, limits } = this.#context
    if (line.length <= limits.bodyBytesMax) return parseJob(line, catalogue)
    return refuse('body-too-large', `more than the ${limits.bodyBytesMax} bytes that a line may have`)
  }

  #pendingLine(batch: PendingBatch, index: number, job: ParsedJob, line: Buffer): PendingLine {
    const trace = continueTrace(this.#exchange.trace.traceparent)
    const origin: JobOrigin = { tenant: this.#tenant, idempotencyKey: undefined, trace }
    // A copy, or one line that is kept would keep the whole batch.
    return new PendingLine(this.#context, batch, index, origin, job, Buffer.from(line))
  }
}
