import { packJobs, unpackJobs } from '../../actors/pool/job-batch.ts'

/**
 * What goes to a thread and what comes back, alike for the actor and the bare thread: a batch of jobs packed into a buffer
 * that changes hands, and a report for each of its jobs.
 */
const JOBS = 64
const JOB_BYTES = 700

export interface Reports {
  reports: readonly { ticket: number; durationMs: number; state: string }[]
}

const jobs = Array.from({ length: JOBS }, () => new Uint8Array(JOB_BYTES))

export const nextBatch = (): ArrayBuffer => packJobs(jobs)

export const reportsOf = (batch: ArrayBuffer): Reports => ({
  reports: unpackJobs(batch).map(({ length }, ticket) => ({ ticket, durationMs: length, state: 'done' })),
})
