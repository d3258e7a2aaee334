import type { Envelope } from './envelope.ts'
import type { JobState } from './state.ts'

/** One row for a table that the handler declared (`defineTable`); upserted by that table's key. */
export interface Write {
  table: string
  row: Readonly<Record<string, unknown>>
}

/** Why a job did not succeed, as stored with it. */
export interface JobError {
  /** `handler-error | permanent | timeout | thread-lost | unknown-kind | bad-envelope | data-error | …` */
  code: string
  message: string
  stack?: string
}

/** Where a job came from: its first delivery by the log, or its row in the job table. */
export type Origin = { from: 'log'; lane: string; partition: number; offset: number } | { from: 'table' }

/** What running a job came to; what the writer commits. */
export interface Outcome {
  envelope: Envelope
  origin: Origin
  state: Exclude<JobState, 'running'>
  result?: unknown
  writes: readonly Write[]
  error?: JobError
  /** Enrichments that thin mode left out. */
  skipped: readonly string[]
  /** Set for `retry`: when the next attempt is due. */
  dueAtMs?: number
  startedAtMs: number
  finishedAtMs: number
}
