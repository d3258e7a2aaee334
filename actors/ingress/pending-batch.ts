import type { Exchange } from '../../runtime/http/exchange.ts'
import type { Refusal } from '../../runtime/http/refusal.ts'
import { problemDocument } from '../../runtime/job/problem.ts'
import type { SubmissionVerdict } from '../../runtime/job/submission.ts'
import type { IngressContext } from './context.ts'
import { jobPath } from './job-view.ts'
import type { ParsedJob } from './parse-job.ts'
import { type JobOrigin, PendingJob } from './pending-job.ts'

/** Collects the verdicts of a batch, in whatever order they come, and answers with the last. */
export class PendingBatch {
  readonly #context: IngressContext
  readonly #exchange: Exchange
  readonly #answers: string[]
  readonly #bodyBytes: number
  #open: number

  constructor(context: IngressContext, exchange: Exchange, lines: number, bodyBytes: number) {
    this.#context = context
    this.#exchange = exchange
    this.#answers = new Array(lines)
    this.#bodyBytes = bodyBytes
    this.#open = lines
  }

  accept(index: number, { id, traceId, replayed }: Acceptance): void {
    const links = { self: jobPath(id) }
    this.#answer(index, { status: 202, id, traceId, ...(replayed && { replayed }), links })
  }

  /** With `retryAfterS` as a member, since a line has no headers. */
  refuse(index: number, traceId: string, { code, detail, retryAfterS }: Omit<Refusal, 'ok'>): void {
    this.#context.jobs.refusedLines[code]++
    this.#answer(index, { ...problemDocument(code, traceId, detail), retryAfterS })
  }

  #answer(index: number, line: object): void {
    this.#answers[index] = JSON.stringify(line)
    if (--this.#open > 0) return
    this.#exchange.respond(200, [NDJSON_TYPE], `${this.#answers.join('\n')}\n`)
    this.#context.inFlight.leave(this.#bodyBytes)
  }
}

export class PendingLine extends PendingJob {
  readonly #batch: PendingBatch
  readonly #index: number

  constructor(
    context: IngressContext,
    batch: PendingBatch,
    index: number,
    origin: JobOrigin,
    job: ParsedJob,
    body: Buffer,
  ) {
    super(context, origin, job, body)
    this.#batch = batch
    this.#index = index
  }

  protected override answer(verdict: SubmissionVerdict): void {
    if (verdict.accepted) this.#batch.accept(this.#index, verdict)
    else this.#batch.refuse(this.#index, this.traceId, { ...verdict, code: verdict.problem })
  }
}

type Acceptance = Extract<SubmissionVerdict, { accepted: true }>

const NDJSON_TYPE = ['content-type', 'application/x-ndjson'] as const
