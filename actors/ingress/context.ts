import type { Logger } from 'pino'
import type { HttpStats } from '../../runtime/http/http-stats.ts'
import type { ProblemCode } from '../../runtime/job/problem.ts'
import type { Submission } from '../../runtime/job/submission.ts'
import type { Catalogue } from './catalogue.ts'
import type { InFlight } from './in-flight.ts'
import type { TurnBatch } from './turn-batch.ts'

/** What the requests of one ingress share. */
export interface IngressContext {
  readonly catalogue: Catalogue
  readonly limits: IngressLimits
  readonly inFlight: InFlight
  readonly outbox: TurnBatch<Submission>
  readonly jobs: JobStats
  readonly logger: Logger
  now(): number
}

export interface IngressLimits {
  /** Of one job: the body of a POST, or one line of a batch. */
  bodyBytesMax: number
  batchBytesMax: number
  batchLinesMax: number
  /** Beyond it requests are refused before their body is read. */
  requestsInFlightMax: number
  /** Bodies of all requests in flight together; at least the largest single one. */
  bodyBytesInFlightMax: number
}

/** Plain counters since the start: jobs, whether they came alone or as a line of a batch. */
interface JobStats {
  accepted: number
  replayed: number
  /** Lines of batches that were refused, by problem; single jobs count as HTTP answers. */
  refusedLines: Record<ProblemCode, number>
}

export interface IngressStats {
  readonly http: HttpStats
  readonly jobs: Readonly<JobStats>
  readonly requestsInFlight: number
  readonly bodyBytesInFlight: number
}
