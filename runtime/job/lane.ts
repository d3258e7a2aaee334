import { TIERS, type Tier } from './tier.ts'

/** Pools of the seed: A light and CPU-bound, B long I/O, C medium I/O. */
export const POOLS = ['a', 'b', 'c'] as const
export type Pool = (typeof POOLS)[number]

/** A lane is one queue of the log: one pool's jobs of one tier. On Kafka it is the topic `spillway.<lane>`. */
export type Lane = `pool-${Pool}.${Tier}`

export const laneOf = (pool: Pool, tier: Tier): Lane => `pool-${pool}.${tier}`
export const lanesOf = (pool: Pool): Lane[] => TIERS.map((tier) => laneOf(pool, tier))
export const LANES: readonly Lane[] = POOLS.flatMap(lanesOf)

/** A partition of a lane, as one string: map keys and metric labels. */
export const partitionKey = (lane: string, partition: number): string => `${lane}/${partition}`
