import type { JobState } from '../../runtime/job/state.ts'

/** What a tenant may see of its job. Times in ms since 1970. */
export interface JobView {
  id: string
  traceId: string
  /** `accepted`: durable in the log, without a row in the job table yet. */
  status: 'accepted' | JobState
  /** 0 before the first run. */
  attempt: number
  /** This and the next three are unknown as long as only its claim knows the job. */
  kind?: string | undefined
  tier?: string | undefined
  acceptedAtMs?: number | undefined
  updatedAtMs?: number | undefined
  result?: unknown
  error?: JobViewError | undefined
  /** Enrichments that thin mode left out. */
  skipped?: readonly string[] | undefined
  /** Its states so far, oldest first. */
  history: readonly JobViewEntry[]
}

/** Without the stack: that is for the operator. */
interface JobViewError {
  code: string
  message: string
}

interface JobViewEntry {
  status: string
  attempt: number
  atMs: number
  error?: JobViewError | undefined
}

export const jobPath = (id: string): string => `/v1/jobs/${id}`

/** The body of `GET /v1/jobs/{id}`: ISO times, and only the members named here. */
export function renderJob(view: JobView): string {
  const { id, traceId, kind, tier, status, attempt, result, skipped } = view
  return JSON.stringify({
    id,
    traceId,
    kind,
    tier,
    status,
    attempt,
    acceptedAt: isoTime(view.acceptedAtMs),
    updatedAt: isoTime(view.updatedAtMs),
    result,
    error: renderError(view.error),
    skipped: skipped?.length ? skipped : undefined,
    history: view.history.map((entry) => ({
      status: entry.status,
      attempt: entry.attempt,
      at: isoTime(entry.atMs),
      error: renderError(entry.error),
    })),
    links: { self: jobPath(id) },
  })
}

const isoTime = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString()
const renderError = (error: JobViewError | undefined): JobViewError | undefined =>
  error && { code: error.code, message: error.message }
