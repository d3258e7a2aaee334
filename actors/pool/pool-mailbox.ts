import type { Job } from '../../runtime/job/job.ts'
import { TIERS, type Tier } from '../../runtime/job/tier.ts'
import { KeyGates } from './key-gates.ts'
import { KindCosts } from './kind-costs.ts'
import { TenantQueues } from './tenant-queues.ts'
import { NO_CREDITS, nextTier, type TierCredits } from './tier-schedule.ts'

/**
 * A pool's jobs that wait for a thread, and who is next: strict priority with floors over tiers, fair over the tenants of a
 * tier, one at a time per ordering key. Bounded by the shares of the partitions that feed it.
 */
interface Waiting {
  tenant: string
  job: Job
}

export class PoolMailbox {
  readonly costs = new KindCosts()
  readonly gates = new KeyGates()
  readonly #tiers: Readonly<Record<Tier, TenantQueues<Waiting>>>
  #credits: TierCredits = NO_CREDITS
  #highWater = 0

  constructor() {
    const charges = {
      costMs: ({ job }: Waiting) => this.costs.costMs(job.envelope.kind),
      quantumMs: () => this.costs.dearestMs,
    }
    this.#tiers = {
      critical: new TenantQueues(charges),
      normal: new TenantQueues(charges),
      low: new TenantQueues(charges),
    }
  }

  /** Takes a delivered job in; true when it has to be parked in the job table instead. */
  push(job: Job): boolean {
    const key = keyOf(job)
    const passage = key === undefined || job.origin.from === 'table' ? 'run' : this.gates.enter(key, job)
    if (passage === 'run') this.enqueue(job)
    return passage === 'park'
  }

  /** Puts a job, whose key is its own already, in line. */
  enqueue(job: Job): void {
    this.#tiers[job.envelope.tier].push({ tenant: job.envelope.tenant, job })
    this.#highWater = Math.max(this.#highWater, this.depth)
  }

  /** This job of the log goes to the job table without having run. */
  hold(job: Job): void {
    const key = keyOf(job)
    if (key !== undefined) this.gates.hold(key, 1)
  }

  /** This job, which was running, goes to the job table: those that follow it, to be parked there behind it. */
  becomeHeld(job: Job): Job[] {
    const key = keyOf(job)
    return key === undefined || job.origin.from === 'table' ? [] : this.gates.becomeHeld(key)
  }

  shift(): Job | undefined {
    const next = nextTier(this.#credits, (tier) => this.#tiers[tier].length > 0)
    if (!next) return undefined
    this.#credits = next.credits
    return this.#tiers[next.tier].shift()?.job
  }

  /** A run of this job took so long: its tenant's charge is settled, its kind's average moves. */
  settle({ envelope: { kind, tenant, tier } }: Job, durationMs: number): void {
    this.#tiers[tier].settle(tenant, durationMs - this.costs.costMs(kind))
    this.costs.observe(kind, durationMs)
  }

  get depth(): number {
    return this.#tiers.critical.length + this.#tiers.normal.length + this.#tiers.low.length
  }

  inspect(): Record<string, unknown> {
    const tiers = TIERS.map((tier) => [
      tier,
      { depth: this.#tiers[tier].length, tenants: this.#tiers[tier].tenants },
    ])
    return {
      depth: this.depth,
      highWater: this.#highWater,
      keys: this.gates.size,
      ...Object.fromEntries(tiers),
    }
  }
}

/** What jobs are ordered within, as one string; undefined for jobs that need no order. */
export function keyOf({
  envelope: { tier, tenant, orderingKey },
}: Pick<Job, 'envelope'>): string | undefined {
  return orderingKey === undefined ? undefined : orderKey(tier, tenant, orderingKey)
}

export const orderKey = (tier: string, tenant: string, orderingKey: string): string =>
  `${tier}\n${tenant.length}\n${tenant}\n${orderingKey}`
