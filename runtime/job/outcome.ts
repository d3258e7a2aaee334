import type { Envelope } from './envelope.ts'
import type { JobState } from './state.ts'

/** One row for a table that the handler declared (`defineTable`); upserted by that table's key. */
export interface Write {
  table: string
  row: Readonly<Record<string, unknown>>
}

/** The same, checked and as the database takes it: the text of each declared column, in their order, null for none. */
export interface StoredRow {
  table: string
  values: readonly (string | null)[]
}

/** Why a job did not succeed, as stored with it. */
export interface JobError {
  /** `handler-error | permanent | timeout | thread-lost | process-lost | unknown-kind | bad-envelope | data-error | …` */
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
  /**
   * As JSON text that `jsonb` takes: it is made where the handler ran, and nobody on its way to the database reads it.
   */
  result?: string
  writes: readonly StoredRow[]
  error?: JobError
  /** Enrichments that thin mode left out. */
  skipped: readonly string[]
  /** It runs alone from now on: a thread or a process died under it. */
  solo?: boolean
  /** Set for `retry`: when the next attempt is due. */
  dueAtMs?: number
  startedAtMs: number
  finishedAtMs: number
}
