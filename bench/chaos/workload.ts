import { fileURLToPath } from 'node:url'
import { identify } from '../../runtime/job/id.ts'
import type { Tier } from '../../runtime/job/tier.ts'
import { postRequest } from '../load/connection.ts'
import { keyOf, Mix, tenantName } from '../load/mix.ts'
import { Random } from '../load/random.ts'

/**
 * What a chaos run sends: the mix of every bench, and among it jobs of the kind `chaos.step` (`handlers/step.ts`), most of
 * them with an ordering key. Of one key the next job is sent after the verdict of the one before, so that the order of
 * acceptance is known. A third of all jobs carries an Idempotency-Key, the rest is known by its body.
 */
export interface ChaosJob {
  /** Its number in the run. */
  n: number
  tenant: string
  apiKey: string
  kind: string
  tier: Tier
  ordering: { key: string; sequence: number } | undefined
  idempotencyKey: string | undefined
  /** Told to fail as often as it is tried: it ends dead, and must not end otherwise. */
  isDoomed: boolean
  body: string
  /** The part of its id that every window shares (`runtime/job/id.ts`). */
  claimKey: string
  /** As it goes over the wire, the same each time. */
  request: string
}

/** Where a node finds the handlers of these jobs. */
export const CHAOS_HANDLERS = fileURLToPath(new URL('handlers', import.meta.url))

/** As many as the mix has; step jobs belong to the first few, so that they share partitions with the noisy ones. */
const STEP_TENANTS = 10
const ORDERING_KEYS = 40
const STEP_SHARE = 0.15
const ORDERED_SHARE = 0.8
const KEYED_SHARE = 1 / 3
const STEP_MS_MAX = 4
const FAILING_SHARE = 0.03
/** Of the step jobs: fail as often as they are tried, and end dead. */
const DOOMED_SHARE = 0.005
const FAILURES_MAX = 100

export class Workload {
  readonly #mix: Mix
  readonly #random: Random
  readonly #keys: OrderingKey[]
  #n = 0
  #steps = 0

  constructor(seed: number) {
    this.#mix = new Mix(seed)
    this.#random = new Random(seed ^ 0x5eed)
    this.#keys = Array.from({ length: ORDERING_KEYS }, (_, i) => ({
      key: `key-${i}`,
      tenant: i % STEP_TENANTS,
      sent: 0,
      isFree: true,
    }))
  }

  next(): ChaosJob {
    return this.#random.next() < STEP_SHARE ? this.#step() : this.#ofMix()
  }

  /** One that keeps no other job waiting. */
  nextUnordered(): ChaosJob {
    return this.#ofMix()
  }

  /** The job has its verdict: the next of its ordering key may be sent. */
  settled({ ordering }: ChaosJob): void {
    const key = this.#keys.find(({ key }) => key === ordering?.key)
    if (key) key.isFree = true
  }

  #ofMix(): ChaosJob {
    const { tenant, kind, tier, body } = this.#mix.next()
    return this.#job({ tenant, kind, tier, body, ordering: undefined, isDoomed: false })
  }

  #step(): ChaosJob {
    const random = this.#random
    const n = this.#steps++
    const ms = random.below(STEP_MS_MAX + 1)
    const draw = random.next()
    const isDoomed = draw < DOOMED_SHARE
    const failures = isDoomed ? FAILURES_MAX : draw < FAILING_SHARE ? 1 : 0
    const free = this.#keys.filter(({ isFree }) => isFree)
    const key = random.next() < ORDERED_SHARE ? free[random.below(free.length)] : undefined
    if (key) key.isFree = false
    const ordering = key && { key: key.key, sequence: key.sent++ }
    const tenant = key?.tenant ?? random.below(STEP_TENANTS)
    const body = JSON.stringify({ kind: 'chaos.step', orderingKey: key?.key, payload: { n, ms, failures } })
    return this.#job({ tenant, kind: 'chaos.step', tier: 'normal', body, ordering, isDoomed })
  }

  #job({ tenant: number, body, ...draft }: Draft): ChaosJob {
    const n = this.#n++
    const tenant = tenantName(number)
    const apiKey = keyOf(number)
    const idempotencyKey = this.#random.next() < KEYED_SHARE ? `chaos-${n}` : undefined
    const { claimKey } = identify({ tenant, kind: draft.kind, idempotencyKey, body: Buffer.from(body) }, 0)
    const request = postRequest('/v1/jobs', apiKey, body, idempotencyKey)
    return { ...draft, n, tenant, apiKey, idempotencyKey, body, claimKey, request }
  }
}

type Draft = Pick<ChaosJob, 'kind' | 'tier' | 'body' | 'ordering' | 'isDoomed'> & { tenant: number }

interface OrderingKey {
  key: string
  tenant: number
  sent: number
  isFree: boolean
}
