import { BOUNDS } from '../../runtime/config/bounds.ts'
import { BoundedMap } from './bounded-map.ts'

/** A token bucket per tenant. The one that was idle longest makes room when there are too many. */
export class TenantBuckets {
  readonly #buckets = new BoundedMap<{ tokens: number; atMs: number }>(TENANTS_MAX)

  /** 0 when a token was taken, else the ms until there is one. */
  take(tenant: string, { perS, burst }: { perS: number; burst: number }, nowMs: number): number {
    const { tokens: left, atMs } = this.#buckets.get(tenant) ?? { tokens: burst, atMs: nowMs }
    const tokens = Math.min(burst, left + ((nowMs - atMs) * perS) / 1000)
    const taken = tokens >= 1
    this.#buckets.set(tenant, { tokens: taken ? tokens - 1 : tokens, atMs: nowMs })
    return taken ? 0 : ((1 - tokens) * 1000) / perS
  }
}

const TENANTS_MAX = BOUNDS.simulator.tenantsMax
