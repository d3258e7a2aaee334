/**
 * The state machine of a row of the job table (DESIGN section 5). From its first row on, the row owns the job.
 *
 *     (none) ──first outcome──► done | thin | retry | parked | dead
 *     retry  ──due──► running        parked ──its key is free──► running
 *     running ──outcome──► done | thin | retry | parked | dead     only where attempt = mine
 *     running ──lease over──► retry                       the node that ran it is gone
 *     running ──thread or process died──► parked, solo      it was not alone: its attempt is not spent
 *                                     └──► retry | dead     it was alone: its attempt is
 *     thin ──backfill──► running     dead ──replay──► retry
 *
 * A row marked `solo` is in quarantine: it is claimed and run alone, until it is settled. Jobs of the log come there parked,
 * with a thread that died or when their partition is assigned without progress.
 */
export type JobState = 'done' | 'thin' | 'retry' | 'parked' | 'running' | 'dead'

/** States in which no further work is owed for the job's own ordering key. */
const SETTLED: readonly JobState[] = ['done', 'thin', 'dead']
export const isSettled = (state: JobState): boolean => SETTLED.includes(state)
