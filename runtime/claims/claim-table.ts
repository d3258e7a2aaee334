import { BOUNDS } from '../config/bounds.ts'
import type { ClaimRequest, ClaimVerdict } from './claims.ts'
import type { AcceptedClaim } from './generation.ts'

/** A claim that is not accepted yet. Only the owner of its token may move a pending one on; an unknown one has no owner. */
interface HeldClaim extends AcceptedClaim {
  state: 'pending' | 'unknown'
  token: string
  expiresAtMs: number
}

/**
 * The claims that are being worked on, in memory: bounded, and expired after their lifetime. All have the same
 * lifetime, so the map's insertion order is the order in which they expire; each new one clears a few old ones away.
 */
export class ClaimTable {
  readonly #lifetimeMs: number
  readonly #claimsMax: number
  readonly #claims = new Map<string, HeldClaim>()

  constructor(lifetimeMs: number, claimsMax: number) {
    this.#lifetimeMs = lifetimeMs
    this.#claimsMax = claimsMax
  }

  get(claimKey: string, nowMs: number): HeldClaim | undefined {
    const claim = this.#claims.get(claimKey)
    return claim !== undefined && claim.expiresAtMs > nowMs ? claim : undefined
  }

  /** Sets a claim, its lifetime beginning now. False when the table is full. */
  hold(claimKey: string, claim: Omit<HeldClaim, 'expiresAtMs'>, nowMs: number): boolean {
    this.#sweep(nowMs)
    this.#claims.delete(claimKey)
    if (this.#claims.size >= this.#claimsMax) return false
    this.#claims.set(claimKey, { ...claim, expiresAtMs: nowMs + this.#lifetimeMs })
    return true
  }

  release(claimKey: string): void {
    this.#claims.delete(claimKey)
  }

  #sweep(nowMs: number): void {
    let left = SWEEP_MAX
    for (const [claimKey, claim] of this.#claims) {
      if (left-- === 0 || claim.expiresAtMs > nowMs) return
      this.#claims.delete(claimKey)
    }
  }
}

/** Two or more, so that expired claims go faster than new ones come. */
const SWEEP_MAX = BOUNDS.claims.sweepMax

/** What a request gets that meets this claim (the diagram in `claims.ts`). Only `mine` changes anything. */
export function judgeClaim({ bodyHash, token }: ClaimRequest, met: HeldClaim): ClaimVerdict {
  if (met.bodyHash !== bodyHash) return { verdict: 'reused' }
  if (met.state === 'unknown' || met.token === token) return { verdict: 'mine', id: met.id }
  return { verdict: 'pending' }
}
