/**
 * The state machine of a row of the job table (DESIGN section 5). From its first row on, the row owns the job.
 *
 *     (none) ──first outcome──► done | thin | retry | parked | dead
 *     retry  ──due──► running        parked ──its key is free──► running
 *     running ──outcome──► done | thin | retry | parked | dead     only where attempt = mine
 *     running ──lease over──► retry                       the node that ran it is gone
 *     thin ──backfill──► running     dead ──replay──► retry
 */
export type JobState = 'done' | 'thin' | 'retry' | 'parked' | 'running' | 'dead'

/** States in which no further work is owed for the job's own ordering key. */
const SETTLED: readonly JobState[] = ['done', 'thin', 'dead']
export const isSettled = (state: JobState): boolean => SETTLED.includes(state)
