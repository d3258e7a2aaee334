import { decodeEnvelope } from '../job/envelope.ts'
import type { Pool } from '../job/lane.ts'
import type { JobError } from '../job/outcome.ts'
import type { JobState } from '../job/state.ts'
import type { ClaimedJob, HeldKey, HistoryEntry, JobRow } from './job-store.ts'
import type { Row } from './sql.ts'

/** From rows of a driver to the port's types. Drivers give `bigint` as text, number or BigInt. */
export const JOB_COLUMNS = `id, tenant, kind, pool, tier, state, attempt, accepted_at_ms, updated_at_ms, due_at_ms,
  traceparent, result, error, skipped, history`

export const jobRowOf = (row: Row): JobRow => ({
  id: row.id as string,
  tenant: row.tenant as string,
  kind: row.kind as string,
  pool: row.pool as Pool,
  tier: row.tier as string,
  state: row.state as JobState,
  attempt: Number(row.attempt),
  acceptedAtMs: Number(row.accepted_at_ms),
  updatedAtMs: Number(row.updated_at_ms),
  dueAtMs: row.due_at_ms === null ? undefined : Number(row.due_at_ms),
  traceparent: row.traceparent as string,
  result: row.result ?? undefined,
  error: (row.error ?? undefined) as JobError | undefined,
  skipped: (row.skipped ?? []) as string[],
  history: row.history as HistoryEntry[],
})

export const heldKeyOf = (row: Row): HeldKey => ({
  tenant: row.tenant as string,
  tier: row.tier as string,
  orderingKey: row.ordering_key as string,
  rows: Number(row.rows),
})

/**
 * `envelope` in base64. The envelope of a claimed row is that of the run: with the row's attempt. Throws when it can't
 * be read.
 */
export function claimedJobOf(row: Row): ClaimedJob {
  if (row.envelope === null) throw new Error('the row of the job holds no envelope')
  const envelope = decodeEnvelope(Buffer.from(row.envelope as string, 'base64'))
  return {
    envelope: { ...envelope, attempt: Number(row.attempt) },
    leaseUntilMs: Number(row.lease_until_ms),
  }
}
