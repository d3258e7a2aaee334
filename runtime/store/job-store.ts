import type { Envelope } from '../job/envelope.ts'
import type { Pool } from '../job/lane.ts'
import type { JobError, Outcome } from '../job/outcome.ts'
import type { JobState } from '../job/state.ts'

/**
 * The store port: the job table, which is inbox, status and state machine at once (`runtime/job/state.ts`), and the
 * handlers' own tables beside it. One implementation, `sql-job-store.ts`, over the SQL port.
 */
export interface JobStore {
  /**
   * Commits a batch in one transaction: the job rows, and the writes of those outcomes that were applied. One verdict
   * per outcome, in order. Rejects with SqlError; then nothing of the batch has been applied, or (transient errors
   * only) all of it has and committing the same batch again says so.
   */
  commit(outcomes: readonly Outcome[]): Promise<CommitVerdict[]>

  /** Claims up to `limit` rows of the pool that are due (`retry` past its time, `parked` with its key free, leases over). */
  claimDue(pool: Pool, nowMs: number, limit: number): Promise<ClaimedJob[]>

  /** Ordering keys of the pool with unfinished rows: their log deliveries have to be parked behind those. */
  heldKeys(pool: Pool): Promise<HeldKey[]>

  /** The row of a job, undefined when there is none. */
  find(id: string): Promise<JobRow | undefined>

  /** Drops what belongs to days before this one (days since 1970-01-01 UTC). */
  dropDaysBefore(day: number): Promise<void>

  close(): Promise<void>
}

export type CommitVerdict =
  | { verdict: 'applied' }
  /** A row was there already: this delivery had no effect. `state` is that row's. */
  | { verdict: 'duplicate'; state: JobState }
  /** As `duplicate`, but with another body under the same Idempotency-Key; kept in the table of conflicts. */
  | { verdict: 'conflict'; state: JobState }
  /** The row was claimed by somebody else since: this run had no effect. */
  | { verdict: 'fenced' }

/** A row in state `running` that this node has claimed, its attempt counted already. */
export interface ClaimedJob {
  envelope: Envelope
  /** Ids of one ordering key come in their order. */
  leaseUntilMs: number
}

export interface HeldKey {
  tenant: string
  tier: string
  orderingKey: string
  /** Unfinished rows of the key. */
  rows: number
}

/** Times in ms since 1970. `history` holds the earlier states, oldest first. */
export interface JobRow {
  id: string
  tenant: string
  kind: string
  pool: Pool
  tier: string
  state: JobState
  attempt: number
  acceptedAtMs: number
  updatedAtMs: number
  dueAtMs: number | undefined
  traceparent: string
  result: unknown
  error: JobError | undefined
  skipped: string[]
  history: HistoryEntry[]
}

export interface HistoryEntry {
  state: string
  attempt: number
  atMs: number
  error?: JobError
}
