import type { Claims } from '../../runtime/claims/claims.ts'
import type { Envelope } from '../../runtime/job/envelope.ts'
import { claimKeyOf, previousWindowId } from '../../runtime/job/id.ts'
import { traceIdOf } from '../../runtime/job/trace.ts'
import type { JobRow, JobStore } from '../../runtime/store/job-store.ts'
import type { JobView } from './job-view.ts'

/**
 * What is known of a job, wherever it is: its row in the job table; else on a thread of this node; else accepted, by its
 * claim. A job that the table absorbed as a copy of the previous window's is that one.
 */
export interface JobLookupSources {
  store: JobStore
  claims: Claims
  /** The envelope of a job that a pool of this node runs now. */
  findRunning(id: string): Promise<Envelope | undefined>
  now(): number
}

export async function lookupJob(
  { store, claims, findRunning, now }: JobLookupSources,
  tenant: string,
  id: string,
): Promise<JobView | undefined> {
  const row = await store.find(id)
  if (row) return row.tenant === tenant ? viewOfRow(row) : undefined

  const claim = await claims.lookup(claimKeyOf(id), now())
  const running = await findRunning(id)
  if (running?.tenant === tenant) return viewOfRun(running)
  if (claim?.id === id && claim.tenant === tenant && claim.state === 'accepted')
    return {
      id,
      traceId: claim.traceId,
      status: 'accepted',
      attempt: 0,
      history: [],
    }

  for (const keyed of [true, false]) {
    const original = await store.find(previousWindowId(id, keyed))
    if (original?.tenant === tenant) return viewOfRow(original)
  }
  return undefined
}

const viewOfRun = ({ id, traceparent, kind, tier, attempt, acceptedAtMs }: Envelope): JobView => ({
  id,
  traceId: traceIdOf(traceparent),
  kind,
  tier,
  status: 'running',
  attempt,
  acceptedAtMs,
  history: [{ status: 'accepted', attempt: 0, atMs: acceptedAtMs }],
})

function viewOfRow(row: JobRow): JobView {
  return {
    id: row.id,
    traceId: traceIdOf(row.traceparent),
    kind: row.kind,
    tier: row.tier,
    status: row.state,
    attempt: row.attempt,
    acceptedAtMs: row.acceptedAtMs,
    updatedAtMs: row.updatedAtMs,
    result: row.result,
    error: row.error,
    skipped: row.skipped,
    history: [
      { status: 'accepted', attempt: 0, atMs: row.acceptedAtMs },
      ...row.history.map(({ state, ...entry }) => ({ status: state, ...entry })),
      { status: row.state, attempt: row.attempt, atMs: row.updatedAtMs, error: row.error },
    ],
  }
}
