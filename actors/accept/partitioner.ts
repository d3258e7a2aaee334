import { BOUNDS } from '../../runtime/config/bounds.ts'

/**
 * Which partition of its lane a job goes to. Each tenant has a fixed *shuffle shard* of `shardSize` partitions
 * (rendezvous hashing, Thaler & Ravishankar 1998): a noisy tenant can crowd its shard, not the lane. Keyed jobs always
 * take the same partition of the shard, which their order rests on; others take turns within it.
 */
export class Partitioner {
  readonly #shardSize: number
  /** Tenant → its shard, for each number of partitions. */
  readonly #shards: Map<string, number[]>[] = []
  #turn = 0

  constructor(shardSize: number) {
    this.#shardSize = shardSize
  }

  choose(tenant: string, orderingKey: string | undefined, partitions: number): number {
    const shard = this.#shardOf(tenant, partitions)
    const index = orderingKey === undefined ? this.#turn++ : fnv1a(orderingKey)
    return shard[index % shard.length] ?? 0
  }

  #shardOf(tenant: string, partitions: number): number[] {
    this.#shards[partitions] ??= new Map()
    const shards = this.#shards[partitions]
    const known = shards.get(tenant)
    if (known) return known
    // A cache of a pure function: dropping it costs time only.
    if (shards.size >= SHARDS_CACHED_MAX) shards.clear()
    const shard = rendezvous(tenant, partitions, this.#shardSize)
    shards.set(tenant, shard)
    return shard
  }
}

const SHARDS_CACHED_MAX = BOUNDS.accept.shardsCachedMax

/** The `size` partitions with the highest hash of (tenant, partition), in ascending order. */
export function rendezvous(tenant: string, partitions: number, size: number): number[] {
  return Array.from({ length: partitions }, (_, partition) => ({
    partition,
    weight: fnv1a(`${tenant}/${partition}`),
  }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, size)
    .map(({ partition }) => partition)
    .sort((a, b) => a - b)
}

/** FNV-1a over UTF-16 units with murmur3's finalizer: unsigned 32 bits, the same on every node and version. */
function fnv1a(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
