import { BOUNDS } from '../config/bounds.ts'
import type { GroupCommit } from './group-commit.ts'
import type { BatchTable } from './lmdb-batches.ts'
import type { Partition } from './lmdb-partition.ts'
import { firstOffset, type Retention, shareToRemove } from './retention.ts'

/** Carries the retention out: removes the consumed batches that `retention.ts` gives up, in small transactions. */
export class Expiry {
  readonly #partitions: readonly Partition[]
  readonly #batches: BatchTable
  readonly #commits: GroupCommit
  readonly #retention: Retention
  #stopped = false

  constructor(
    partitions: readonly Partition[],
    batches: BatchTable,
    commits: GroupCommit,
    retention: Retention,
  ) {
    this.#partitions = partitions
    this.#batches = batches
    this.#commits = commits
    this.#retention = retention
  }

  /** Rejects with CommitError when the storage can't remove them now. */
  async run(nowMs: number): Promise<void> {
    const { ageMs, bytesMax } = this.#retention
    const consumed = this.#partitions.reduce((sum, partition) => sum + partition.consumedBytes, 0)
    const unconsumed = this.#partitions.reduce((sum, partition) => sum + partition.unconsumedBytes, 0)
    const share = shareToRemove(consumed + unconsumed, consumed, bytesMax)
    for (const partition of this.#partitions) {
      const limit = Math.min(partition.consumed, partition.end - 1)
      if (limit <= partition.begin) continue
      const position = partition.beginPosition + share * partition.consumedBytes
      const keep = firstOffset(partition.begin, limit, (offset) => {
        const header = this.#batches.header(partition.id, offset)
        return header === undefined || (header.appendedAtMs > nowMs - ageMs && header.position >= position)
      })
      await this.#removeBelow(partition, keep)
    }
  }

  /** Lets `run` end with its next transaction. */
  stop(): void {
    this.#stopped = true
  }

  /** Whole batches. A group that joins meanwhile starts at what is then the beginning: it moves before the batches go. */
  async #removeBelow(partition: Partition, keep: number): Promise<void> {
    while (!this.#stopped) {
      const { id, begin } = partition
      const bases = this.#basesBelow(partition, Math.min(keep, partition.consumed))
      const end = bases.pop()
      if (end === undefined || end === begin) return
      partition.moveBegin(end)
      try {
        await this.#commits.run(bases.length, () => {
          for (const base of bases) this.#batches.remove(id, base)
        })
      } catch (error) {
        partition.moveBegin(begin)
        throw error
      }
    }
  }

  /** Base offsets of the next batches that end at `limit` at the latest, and where the last of them ends. */
  #basesBelow({ id, begin }: Partition, limit: number): number[] {
    const bases = [begin]
    while (bases.length <= SLICE_BATCHES) {
      const header = this.#batches.header(id, bases.at(-1)!)
      if (header === undefined || header.end > limit) break
      bases.push(header.end)
    }
    return bases
  }
}

/** Removed in one transaction; keeps the turn of the event loop short. */
const SLICE_BATCHES = BOUNDS.log.expirySliceBatches
