import { ClaimTable, judgeClaim } from './claim-table.ts'
import type { ClaimRecord, ClaimRequest, Claims, ClaimVerdict, Settlement } from './claims.ts'
import { type AcceptedClaims, openAcceptedClaims } from './lmdb-accepted-claims.ts'

/**
 * Claims of a node that stands alone. Pending and unknown ones are in memory, because they die with the process that
 * appends for them; accepted ones are in LMDB. One process may have the store open (`data-directory.ts` sees to that).
 *
 * A claim that can't be held (too many pending, store unreadable) is `unclaimed`, one that can't be kept is forgotten:
 * the job table absorbs the copies.
 */
export interface LmdbClaimsOptions {
  directory: string
  /** From each change of a claim on. */
  lifetimeMs?: number
  /** Pending and unknown claims at a time. */
  pendingMax?: number
  /** Accepted claims per lifetime, some 300 bytes each on disk; two lifetimes are on disk at a time. */
  acceptedMax?: number
  onWarning(message: string): void
}

const LIFETIME_MS = 15 * 60_000

/** Rejects only when not even an empty store can be opened in the directory. */
export async function openLmdbClaims(options: LmdbClaimsOptions): Promise<Claims> {
  const {
    directory,
    lifetimeMs = LIFETIME_MS,
    pendingMax = 100_000,
    acceptedMax = 6_000_000,
    onWarning,
  } = options
  const accepted = await openAcceptedClaims({ directory, lifetimeMs, acceptedMax, onWarning })
  return new LmdbClaims(new ClaimTable(lifetimeMs, pendingMax), accepted)
}

class LmdbClaims implements Claims {
  readonly #held: ClaimTable
  readonly #accepted: AcceptedClaims

  constructor(held: ClaimTable, accepted: AcceptedClaims) {
    this.#held = held
    this.#accepted = accepted
  }

  async claim(requests: readonly ClaimRequest[], nowMs: number): Promise<ClaimVerdict[]> {
    return requests.map((request) => this.#claim(request, nowMs))
  }

  async settle(settlements: readonly Settlement[], nowMs: number): Promise<void> {
    for (const { claimKey, token, to } of settlements) {
      const held = this.#held.get(claimKey, nowMs)
      if (held?.state !== 'pending' || held.token !== token) continue
      if (to === 'unknown') this.#held.hold(claimKey, { ...held, state: 'unknown', token: '' }, nowMs)
      else this.#held.release(claimKey)
      if (to === 'accepted') this.#accepted.add(claimKey, held, nowMs)
    }
  }

  async lookup(claimKey: string, nowMs: number): Promise<ClaimRecord | undefined> {
    const met = this.#met(claimKey, nowMs)
    if (met === undefined || met === 'unreadable') return undefined
    const { state, tenant, id, traceId, bodyHash } = met
    return { state, tenant, id, traceId, bodyHash }
  }

  close(): Promise<void> {
    return this.#accepted.close()
  }

  #claim(request: ClaimRequest, nowMs: number): ClaimVerdict {
    const met = this.#met(request.claimKey, nowMs)
    if (met === 'unreadable') return { verdict: 'unclaimed' }
    const verdict = judgeClaim(request, met)
    if (verdict.verdict !== 'mine') return verdict
    const { claimKey, token, tenant, traceId, bodyHash } = request
    const claim = { state: 'pending', token, tenant, id: verdict.id, traceId, bodyHash } as const
    return this.#held.hold(claimKey, claim, nowMs) ? verdict : { verdict: 'unclaimed' }
  }

  #met(claimKey: string, nowMs: number) {
    try {
      return this.#held.get(claimKey, nowMs) ?? this.#accepted.get(claimKey, nowMs)
    } catch {
      return 'unreadable'
    }
  }
}
