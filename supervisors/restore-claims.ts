import type { AcceptedClaim } from '../runtime/claims/generation.ts'
import { MemoryClaims } from '../runtime/claims/memory-claims.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import { decodeEnvelope } from '../runtime/job/envelope.ts'
import { isJobId } from '../runtime/job/id.ts'
import { traceIdOf } from '../runtime/job/trace.ts'
import type { LmdbLog } from '../runtime/log/lmdb-log.ts'

/** Every job of the log is an accepted claim: those of one lifetime are brought back, the newest first, in some 3 us each. */
export function restoreClaims(log: LmdbLog, lifetimeMs: number): MemoryClaims {
  const claims = new MemoryClaims({ lifetimeMs })
  const nowMs = Date.now()
  let restored = 0
  for (const records of log.recent(nowMs - lifetimeMs)) {
    for (const { value, appendedAtMs } of records) {
      const claim = claimOf(value)
      if (claim) claims.restore(claim, appendedAtMs, nowMs)
    }
    restored += records.length
    if (restored >= BOUNDS.claims.acceptedMax) break
  }
  return claims
}

function claimOf(record: Uint8Array): AcceptedClaim | undefined {
  try {
    const { tenant, id, traceparent, bodyHash } = decodeEnvelope(record)
    return isJobId(id) ? { tenant, id, traceId: traceIdOf(traceparent), bodyHash } : undefined
  } catch {
    // The consumer buries it.
    return undefined
  }
}
