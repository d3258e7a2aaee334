import { BOUNDS } from '../config/bounds.ts'
import { claimKeyOf } from '../job/id.ts'
import { AcceptedClaims } from './accepted-claims.ts'
import { ClaimTable, judgeClaim } from './claim-table.ts'
import type { ClaimRecord, ClaimRequest, Claims, ClaimVerdict, Settlement } from './claims.ts'
import type { AcceptedClaim } from './generation.ts'

/**
 * Claims of a node that stands alone, in its memory. They need no disk of their own: pending and unknown ones die with
 * the process that appends for them, and each accepted one is a record of the log, from which `restore` brings it back
 * after a start.
 *
 * A claim that can't be held (too many pending) is `unclaimed`. While claims have been forgotten before their time, new
 * ones are `unsure`. In both cases the job table looks for copies.
 */
export interface MemoryClaimsOptions {
  /** From each change of a claim on. */
  lifetimeMs: number
  /** Pending and unknown claims at a time. */
  pendingMax?: number
  /** Accepted claims, some 100 bytes each. */
  acceptedMax?: number
}

export class MemoryClaims implements Claims {
  readonly #held: ClaimTable
  readonly #accepted: AcceptedClaims
  #isClosed = false

  constructor({
    lifetimeMs,
    pendingMax = BOUNDS.claims.pendingMax,
    acceptedMax = BOUNDS.claims.acceptedMax,
  }: MemoryClaimsOptions) {
    this.#held = new ClaimTable(lifetimeMs, pendingMax)
    this.#accepted = new AcceptedClaims(lifetimeMs, acceptedMax)
  }

  /** A claim that was accepted before this start. */
  restore(claim: AcceptedClaim, acceptedAtMs: number, nowMs: number): void {
    this.#accepted.add(claimKeyOf(claim.id), claim, acceptedAtMs, nowMs)
  }

  /** False when there is no room for another; then, as when the log is incomplete, `forgetUntil` has to be called. */
  get canRestore(): boolean {
    return !this.#accepted.isFull
  }

  /** Claims accepted before `nowMs` are not all here. */
  forgetUntil(nowMs: number): void {
    this.#accepted.forgetUntil(nowMs)
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
      if (to === 'accepted') this.#accepted.add(claimKey, held, nowMs, nowMs)
    }
  }

  async lookup(claimKey: string, nowMs: number): Promise<ClaimRecord | undefined> {
    const held = this.#held.get(claimKey, nowMs)
    if (held) return { state: held.state, tenant: held.tenant, id: held.id, traceId: held.traceId }
    const accepted = this.#accepted.get(claimKey, nowMs)
    return (
      accepted && {
        state: 'accepted',
        tenant: accepted.tenant,
        id: accepted.id,
        traceId: accepted.traceId,
      }
    )
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #claim(request: ClaimRequest, nowMs: number): ClaimVerdict {
    if (this.#isClosed) return { verdict: 'unclaimed' }
    const verdict = this.#judge(request, nowMs)
    if (verdict.verdict !== 'mine') return verdict
    const { claimKey, token, tenant, traceId, bodyHash } = request
    const claim = { state: 'pending', token, tenant, id: verdict.id, traceId, bodyHash } as const
    return this.#held.hold(claimKey, claim, nowMs) ? verdict : { verdict: 'unclaimed' }
  }

  #judge(request: ClaimRequest, nowMs: number): ClaimVerdict {
    const held = this.#held.get(request.claimKey, nowMs)
    if (held) return judgeClaim(request, held)
    const accepted = this.#accepted.get(request.claimKey, nowMs)
    if (!accepted)
      return this.#accepted.hasForgotten(nowMs)
        ? { verdict: 'mine', id: request.id, unsure: true }
        : { verdict: 'mine', id: request.id }
    if (!accepted.hasBody(request.bodyHash)) return { verdict: 'reused' }
    return { verdict: 'replay', id: accepted.id, traceId: accepted.traceId }
  }
}
