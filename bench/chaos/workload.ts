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
  /** How a doomed one fails, where it is poison: it takes its thread along. */
  poison?: Poison
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

export interface WorkloadOptions {
  /** Of the mix, the jobs that call no upstream only: they end as they should whatever an upstream does. */
  withoutUpstreams?: boolean
  /** Of all jobs, the share of step jobs. */
  stepShare?: number
  /** Whether step jobs may fail. */
  withFailures?: boolean
  /** Of all jobs, every so-manieth is poison, by turns in these ways. */
  poison?: { every: number; ways: readonly Poison[] }
  /** Of all jobs, the share of those that touch pools B and C, which have few otherwise. */
  tickShare?: number
}

/** What `handlers/poison.ts` can do to its thread, or to its process. */
export const THREAD_POISONS = ['throw', 'loop', 'array', 'objects', 'exit'] as const
export type Poison = (typeof THREAD_POISONS)[number] | 'end-process'

/** Weights as `Mix` takes them: A only. */
const A_ONLY = [1, 1, 1]

export class Workload {
  readonly #mix: Mix
  readonly #random: Random
  readonly #keys: OrderingKey[]
  readonly #options: WorkloadOptions
  #n = 0
  #steps = 0
  #poisons = 0

  constructor(seed: number, options: WorkloadOptions = {}) {
    this.#options = options
    this.#mix = new Mix(seed, options.withoutUpstreams ? { kinds: A_ONLY } : {})
    this.#random = new Random(seed ^ 0x5eed)
    this.#keys = Array.from({ length: ORDERING_KEYS }, (_, i) => ({
      key: `key-${i}`,
      tenant: i % STEP_TENANTS,
      sent: 0,
      isFree: true,
    }))
  }

  next(): ChaosJob {
    const { stepShare = STEP_SHARE, tickShare = 0, poison } = this.#options
    if (poison && this.#n % poison.every === poison.every - 1) return this.#poison(poison.ways)
    const draw = this.#random.next()
    if (draw < stepShare) return this.#step()
    return draw < stepShare + tickShare ? this.#tick() : this.#ofMix()
  }

  /** One that keeps no other job waiting. */
  nextUnordered(): ChaosJob {
    return this.#ofMix()
  }

  /** For pool C: it fails in this way until the file `mended` is there, and is done then. */
  trouble(how: string, mended: string): ChaosJob {
    const body = JSON.stringify({ kind: 'chaos.trouble', payload: { n: this.#steps++, how, mended } })
    const tenant = this.#random.below(STEP_TENANTS)
    return this.#job({
      tenant,
      kind: 'chaos.trouble',
      tier: 'normal',
      body,
      ordering: undefined,
      isDoomed: false,
    })
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
    const { withFailures = true } = this.#options
    const isDoomed = withFailures && draw < DOOMED_SHARE
    const failures = isDoomed ? FAILURES_MAX : withFailures && draw < FAILING_SHARE ? 1 : 0
    const free = this.#keys.filter(({ isFree }) => isFree)
    const key = random.next() < ORDERED_SHARE ? free[random.below(free.length)] : undefined
    if (key) key.isFree = false
    const ordering = key && { key: key.key, sequence: key.sent++ }
    const tenant = key?.tenant ?? random.below(STEP_TENANTS)
    const body = JSON.stringify({ kind: 'chaos.step', orderingKey: key?.key, payload: { n, ms, failures } })
    return this.#job({ tenant, kind: 'chaos.step', tier: 'normal', body, ordering, isDoomed })
  }

  #tick(): ChaosJob {
    const n = this.#steps++
    const kind = n % 2 === 0 ? 'chaos.tick-b' : 'chaos.tick-c'
    const body = JSON.stringify({ kind, payload: { n, ms: 0, failures: 0 } })
    const tenant = this.#random.below(STEP_TENANTS)
    return this.#job({ tenant, kind, tier: 'normal', body, ordering: undefined, isDoomed: false })
  }

  #poison(ways: readonly Poison[]): ChaosJob {
    const n = this.#poisons++
    const poison = ways[n % ways.length] ?? 'throw'
    const body = JSON.stringify({ kind: 'chaos.poison', payload: { n, how: poison } })
    const tenant = this.#random.below(STEP_TENANTS)
    const draft = { tenant, kind: 'chaos.poison', tier: 'normal', body, ordering: undefined } as const
    return { ...this.#job({ ...draft, isDoomed: true }), poison }
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
