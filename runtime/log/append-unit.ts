import type { CommitError } from '../lmdb/environment.ts'
import type { CommitUnit } from './group-commit.ts'
import type { Partition } from './lmdb-partition.ts'
import { HEADER_BYTES, type RecordTable, recordBytes } from './lmdb-records.ts'
import type { AppendVerdict, LogRecord } from './log.ts'

/**
 * One call of `append` on its way to the disk. The values are copied at once into one arena, each behind room for its
 * header: the caller may reuse its buffers, and lmdb gets one block of memory instead of one per record. Offsets are
 * taken only when the transaction is written, so that records that fail leave no gap.
 */
export class AppendUnit implements CommitUnit {
  readonly writes: number
  readonly bytes: number
  readonly #partitions: (Partition | undefined)[]
  readonly #slots: Buffer[] = []
  readonly #table: RecordTable
  readonly #now: () => number
  readonly #settle: Settle

  /** `partitions` per record; undefined for one that has no place in this log and fails. */
  constructor(
    records: readonly LogRecord[],
    partitions: (Partition | undefined)[],
    table: RecordTable,
    now: () => number,
    settle: Settle,
  ) {
    this.#partitions = partitions
    this.#table = table
    this.#now = now
    this.#settle = settle
    this.writes = records.length
    this.bytes = bytesOf(records)
    let start = 0
    const arena = Buffer.allocUnsafe(this.bytes)
    for (const { value } of records) {
      const end = start + HEADER_BYTES + value.length
      arena.set(value, start + HEADER_BYTES)
      this.#slots.push(arena.subarray(start, end))
      start = end
    }
  }

  write(): void {
    const nowMs = this.#now()
    this.#partitions.forEach((partition, i) => {
      if (partition === undefined) return
      const slot = this.#slots[i]!
      const { offset, position, appendedAtMs } = partition.take(
        recordBytes(slot.length - HEADER_BYTES),
        nowMs,
      )
      slot.writeDoubleLE(appendedAtMs, 0)
      slot.writeDoubleLE(position, 8)
      this.#table.put(partition.id, offset, slot)
    })
  }

  committed(): void {
    const appended = this.#touched()
    for (const partition of appended) partition.confirm()
    this.#settle(this.#verdicts('acked'), appended)
  }

  failed(error: CommitError): void {
    for (const partition of this.#touched()) partition.rollback()
    this.#settle(this.#verdicts(error.usable ? 'failed' : 'unknown'), new Set())
  }

  #touched(): Set<Partition> {
    const touched = new Set(this.#partitions)
    touched.delete(undefined)
    return touched as Set<Partition>
  }

  #verdicts(verdict: AppendVerdict): AppendVerdict[] {
    return this.#partitions.map((partition) => (partition === undefined ? 'failed' : verdict))
  }
}

type Settle = (verdicts: AppendVerdict[], appended: ReadonlySet<Partition>) => void

/** What an append adds to the log. */
export const bytesOf = (records: readonly LogRecord[]): number =>
  records.reduce((sum, { value }) => sum + recordBytes(value.length), 0)
