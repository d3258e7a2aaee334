import type { GroupCommit } from './group-commit.ts'
import type { Partition } from './lmdb-partition.ts'
import type { RecordTable } from './lmdb-records.ts'
import { firstOffset, type Retention, shareToRemove } from './retention.ts'

/** Carries the retention out: removes the consumed records that `retention.ts` gives up, in small transactions. */
export class Expiry {
  readonly #partitions: readonly Partition[]
  readonly #records: RecordTable
  readonly #commits: GroupCommit
  readonly #retention: Retention
  #stopped = false

  constructor(
    partitions: readonly Partition[],
    records: RecordTable,
    commits: GroupCommit,
    retention: Retention,
  ) {
    this.#partitions = partitions
    this.#records = records
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
        const header = this.#records.header(partition.id, offset)
        return header === undefined || (header.appendedAtMs > nowMs - ageMs && header.position >= position)
      })
      await this.#removeBelow(partition, keep)
    }
  }

  /** Lets `run` end with its next transaction. */
  stop(): void {
    this.#stopped = true
  }

  /** A group that joins meanwhile starts at what is then the beginning: it moves before the records go. */
  async #removeBelow(partition: Partition, keep: number): Promise<void> {
    while (partition.begin < Math.min(keep, partition.consumed) && !this.#stopped) {
      const { id, begin } = partition
      const end = Math.min(keep, partition.consumed, begin + SLICE_RECORDS)
      partition.moveBegin(end)
      try {
        await this.#commits.run(end - begin, () => {
          for (let offset = begin; offset < end; offset++) this.#records.remove(id, offset)
        })
      } catch (error) {
        partition.moveBegin(begin)
        throw error
      }
    }
  }
}

/** Removed in one transaction; keeps the turn of the event loop short. */
const SLICE_RECORDS = 1_024
