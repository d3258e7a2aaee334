import type { AcceptedClaim } from '../runtime/claims/generation.ts'
import { MemoryClaims } from '../runtime/claims/memory-claims.ts'
import { decodeEnvelope } from '../runtime/job/envelope.ts'
import { isJobId } from '../runtime/job/id.ts'
import { traceIdOf } from '../runtime/job/trace.ts'
import type { LmdbLog } from '../runtime/log/lmdb-log.ts'

/**
 * Every job of the log is an accepted claim: those of one lifetime are brought back, as many as there is room for, in some
 * 3 us each.
 */
export function restoreClaims(log: LmdbLog, lifetimeMs: number): MemoryClaims {
  const claims = new MemoryClaims({ lifetimeMs })
  const nowMs = Date.now()
  for (const records of log.recent(nowMs - lifetimeMs)) {
    if (records === undefined) claims.forgetUntil(nowMs)
    for (const { value, appendedAtMs } of records ?? []) {
      if (!claims.canRestore) {
        claims.forgetUntil(nowMs)
        return claims
      }
      const claim = claimOf(value)
      if (claim) claims.restore(claim, appendedAtMs, nowMs)
    }
  }
  return claims
}

/** Undefined for what is no job: the consumer buries it. */
function claimOf(record: Uint8Array): AcceptedClaim | undefined {
  try {
    const { tenant, id, traceparent, bodyHash } = decodeEnvelope(record)
    if (typeof bodyHash !== 'string' || !isJobId(id)) return undefined
    return { tenant: String(tenant), id, traceId: traceIdOf(traceparent), bodyHash }
  } catch {
    return undefined
  }
}
