import type { RunReport } from './run-job.ts'

/** What a pool and its threads say to each other. Jobs are known by tickets: one id may be delivered, and run, twice. */
export interface JobsMessage {
  /** The ticket of the first job; the others follow. */
  firstTicket: number
  /** `packJobs` of their envelopes. */
  jobs: ArrayBuffer
  thin: boolean
}

export type FromPoolThread =
  | { reports: readonly TicketReport[] }
  | { log: { level: 'info' | 'warn'; fields: object; message: string } }

export interface TicketReport {
  ticket: number
  /** Handler time in ms, fractions included. */
  durationMs: number
  report: RunReport
}
