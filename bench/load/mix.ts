import { hash } from 'node:crypto'
import type { TenantKey } from '../../actors/admission/key-ring.ts'
import { TIERS, type Tier } from '../../runtime/job/tier.ts'
import { cumulative, Random } from './random.ts'

/**
 * The workload of every bench and chaos run that does not say otherwise: unique bodies (300 B in the median, 4 KiB at the
 * 99th percentile, log-normal), tenants by Zipf (s = 1), tiers CRITICAL 10, NORMAL 70, LOW 20 %, kinds A 99.6, C 0.3, B
 * 0.1 %. The same seed gives the same jobs in the same order.
 */
export interface MixJob {
  /** Its number in the run; it is in the body too, so that bodies are unique. */
  n: number
  tenant: number
  tier: Tier
  kind: Kind
  body: string
}

const KINDS = ['lead.qualify', 'crm.sync', 'agent.run'] as const
export type Kind = (typeof KINDS)[number]

const TENANTS = 1_000
const TIER_WEIGHTS = cumulative([10, 70, 20])
const KIND_WEIGHTS = cumulative([99.6, 0.3, 0.1])
const BODY_BYTES_MEDIAN = 300
const BODY_BYTES_P99 = 4_096
/** z of the 99th percentile of a standard normal. */
const Z99 = 2.326
const SIGMA = Math.log(BODY_BYTES_P99 / BODY_BYTES_MEDIAN) / Z99
const BODY_BYTES_MAX = 8_192

export class Mix {
  readonly #random: Random
  readonly #run: string
  readonly #tenants: readonly number[]
  readonly #kindWeights: readonly number[]
  #n = 0

  constructor(seed: number, { kinds = KIND_WEIGHTS, tenants = TENANTS } = {}) {
    this.#random = new Random(seed)
    this.#run = seed.toString(36)
    this.#tenants = cumulative(Array.from({ length: tenants }, (_, rank) => 1 / (rank + 1)))
    this.#kindWeights = kinds
  }

  next(): MixJob {
    const random = this.#random
    const n = this.#n++
    const tenant = random.pick(this.#tenants)
    const tier = TIERS[random.pick(TIER_WEIGHTS)] ?? 'normal'
    const kind = KINDS[random.pick(this.#kindWeights)] ?? 'lead.qualify'
    const bytes = Math.min(BODY_BYTES_MAX, BODY_BYTES_MEDIAN * Math.exp(SIGMA * random.normal()))
    return { n, tenant, tier, kind, body: this.#body(kind, tier, n, bytes) }
  }

  #body(kind: Kind, tier: Tier, n: number, bytes: number): string {
    const name = `u${this.#run}-${n}`
    const filler = (used: number): string => 'x'.repeat(Math.max(0, Math.trunc(bytes) - used))
    switch (kind) {
      case 'lead.qualify': {
        const head = `{"kind":"lead.qualify","tier":"${tier}","payload":{"email":"${name}@example.com","company":"Example Ltd","employees":${n % 5_000},"message":"`
        return `${head}${filler(head.length + 3).slice(0, 4_000)}"}}`
      }
      case 'crm.sync':
        return `{"kind":"crm.sync","tier":"${tier}","payload":{"externalId":"${name}","email":"${name}@example.com","name":"Ada"}}`
      case 'agent.run':
        return `{"kind":"agent.run","tier":"${tier}","payload":{"task":"What is ${n} times 7?"}}`
    }
  }
}

/** The API key of a tenant, and what a node's keys file must hold so that all of them are let in. */
export const keyOf = (tenant: number): string => `bench-key-${tenant}`
export const tenantName = (tenant: number): string => `tenant-${tenant}`

export const keysFile = (tenants = TENANTS): TenantKey[] =>
  Array.from({ length: tenants }, (_, tenant) => ({
    tenant: tenantName(tenant),
    sha256: hash('sha256', keyOf(tenant), 'hex'),
  }))
