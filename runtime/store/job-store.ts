import type { Envelope } from '../job/envelope.ts'
import type { Pool } from '../job/lane.ts'
import type { JobError, Outcome } from '../job/outcome.ts'
import type { JobState } from '../job/state.ts'
import { SqlError } from './sql.ts'

/**
 * The store port: the job table, which is inbox, status and state machine at once (`runtime/job/state.ts`), and the
 * handlers' own tables beside it. One implementation, `sql-job-store.ts`, over the SQL port.
 *
 * Every method rejects with SqlError. Times are passed in: two nodes whose clocks differ must differ by less than a lease.
 */
export interface JobStore {
  /**
   * Commits a batch in one transaction: the job rows, and the writes of those outcomes that were applied. One verdict
   * per outcome, in order. When it rejects, nothing of the batch has been applied, or (transient errors only) all of it
   * has and committing the same batch again says so: `duplicate`.
   *
   * Rejects with OutcomeDataError when outcomes are known to be at fault before the database is asked.
   */
  commit(outcomes: readonly Outcome[]): Promise<CommitVerdict[]>

  /**
   * Claims up to `limit` rows of the pool that are due: `retry` past its time, `parked`, leases over; higher tiers first.
   * Of one ordering key only the earliest unfinished row, and only while none of its others is running.
   */
  claimDue(pool: Pool, nowMs: number, limit: number): Promise<ClaimedJob[]>

  /** The same for rows in quarantine, which `claimDue` passes over: the one that is to run alone now. */
  claimSolo(pool: Pool, nowMs: number): Promise<ClaimedJob | undefined>

  /**
   * Claims up to `limit` rows in state `thin` for their backfill, oldest first. Rows with an ordering key are left as they
   * are: run again now, they would overtake their successors (S5).
   */
  claimThin(pool: Pool, nowMs: number, limit: number): Promise<ClaimedJob[]>

  /**
   * Undoes claims whose jobs were not run to their end, as if they had never been: due at once, their attempts not
   * counted. Rows that have been settled or claimed again since stay as they are. How many rows it was.
   */
  release(claims: readonly Claim[]): Promise<number>

  /**
   * Ends all runs: their process has died, and they are due at once. One that was alone has spent its attempt; with the
   * last of `attemptsMax` (by kind) it is dead. The others go into quarantine, their attempts not spent. Only where no run
   * can be alive: at the start of a node that has its database for itself.
   */
  endLostRuns(nowMs: number, attemptsMax: ReadonlyMap<string, number>): Promise<void>

  /** Puts dead jobs back to `retry`, due at once; the ids of those that were dead. Replaying twice changes nothing. */
  replay(ids: readonly string[], nowMs: number): Promise<string[]>

  /** Ordering keys of the pool with unfinished rows: their log deliveries have to be parked behind those. */
  heldKeys(pool: Pool): Promise<HeldKey[]>

  /**
   * To be called before the first job of these partitions runs: how often each has been assigned to the group, this time
   * included, since its committed offset moved or the group left in an orderly way. In the order given.
   */
  noteAssignment(group: string, partitions: readonly AssignedPartition[]): Promise<number[]>

  /** The group leaves in an orderly way: its assignments are counted from the beginning. */
  forgetAssignments(group: string): Promise<void>

  /** The row of a job, undefined when there is none. */
  find(id: string): Promise<JobRow | undefined>

  /**
   * Drops what belongs to days before this one (days since 1970-01-01 UTC). A day with unfinished rows is kept whole
   * until a later call finds them finished.
   */
  dropDaysBefore(day: number): Promise<void>

  close(): Promise<void>
}

export type CommitVerdict =
  | { verdict: 'applied' }
  /** A row was there already, or this attempt's outcome: this commit had no effect. `state` is that row's. */
  | { verdict: 'duplicate'; state: JobState }
  /** As `duplicate`, but with another body under the same Idempotency-Key; kept in the table of conflicts. */
  | { verdict: 'conflict'; state: JobState }
  /** The row was claimed by somebody else since: this run had no effect. */
  | { verdict: 'fenced' }

/**
 * Outcomes that the database would refuse, found before it was asked: nothing of the batch has been applied. Committed
 * again without them, the others are not held up. An outcome in state `dead` without writes and result is never among
 * them, unless its id is no job id.
 */
export class OutcomeDataError extends SqlError {
  override readonly name = 'OutcomeDataError'
  readonly faults: readonly OutcomeFault[]

  constructor(faults: readonly [OutcomeFault, ...OutcomeFault[]]) {
    const [{ position, error }] = faults
    super(`outcome ${position} of the batch: ${error.message}`, error.sqlState, { cause: error })
    this.faults = faults
  }
}

export interface OutcomeFault {
  /** In the batch. */
  position: number
  error: SqlError
}

/** A row in state `running` that this node has claimed, its attempt counted already. */
export interface ClaimedJob {
  envelope: Envelope
  leaseUntilMs: number
}

/** What a run holds while its row is `running`: nobody else's claim has the same attempt. */
export interface Claim {
  id: string
  attempt: number
}

export interface AssignedPartition {
  lane: string
  partition: number
  committed: number
}

export interface HeldKey {
  tenant: string
  tier: string
  orderingKey: string
  /** Unfinished rows of the key. */
  rows: number
}

/** Times in ms since 1970. */
export interface JobRow {
  id: string
  tenant: string
  kind: string
  pool: Pool
  tier: string
  state: JobState
  /** Runs started: 0 for a job that was parked before its first. */
  attempt: number
  acceptedAtMs: number
  updatedAtMs: number
  dueAtMs: number | undefined
  traceparent: string
  result: unknown
  error: JobError | undefined
  skipped: string[]
  /** The earlier states, oldest first; of very many, the latest. */
  history: HistoryEntry[]
}

export interface HistoryEntry {
  state: string
  attempt: number
  atMs: number
  error?: JobError
}
