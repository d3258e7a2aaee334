import { BOUNDS } from '../config/bounds.ts'
import type { CommitError } from '../lmdb/environment.ts'
import type { CommitUnit } from './group-commit.ts'
import type { BatchTable } from './lmdb-batches.ts'
import type { Partition } from './lmdb-partition.ts'
import type { AppendVerdict, LogRecord } from './log.ts'
import { batchBytes, RecordBatch } from './record-batch.ts'

/**
 * One call of `append` on its way to the disk: a record batch for each partition that it goes to. The values are copied
 * at once, into one block of memory for all: the caller may reuse its buffers. Offsets are taken only when the
 * transaction is written, so that records that fail leave no gap.
 */
export class AppendUnit implements CommitUnit {
  readonly bytes: number
  readonly #partitions: readonly (Partition | undefined)[]
  readonly #batches: readonly { partition: Partition; batch: RecordBatch }[]
  readonly #table: BatchTable
  readonly #now: () => number
  readonly #settle: Settle

  /** `partitions` per record; undefined for one that has no place in this log and fails. */
  constructor(
    records: readonly LogRecord[],
    partitions: readonly (Partition | undefined)[],
    table: BatchTable,
    now: () => number,
    settle: Settle,
  ) {
    this.#partitions = partitions
    this.#table = table
    this.#now = now
    this.#settle = settle
    const groups = groupByBatch(records, partitions)
    this.bytes = groups.reduce((sum, { values }) => sum + batchBytes(values), 0)
    const arena = Buffer.allocUnsafeSlow(this.bytes)
    let start = 0
    this.#batches = groups.map(({ partition, values }) => {
      const end = start + batchBytes(values)
      const batch = new RecordBatch(values, arena.subarray(start, end))
      start = end
      return { partition, batch }
    })
  }

  get writes(): number {
    return this.#batches.length
  }

  write(): void {
    const nowMs = this.#now()
    for (const { partition, batch } of this.#batches) {
      const { offset, position, appendedAtMs } = partition.take(batch.records, batch.cost, nowMs)
      batch.seal(offset, position, appendedAtMs)
      this.#table.put(partition.id, offset, batch.bytes)
    }
  }

  committed(): void {
    for (const { partition } of this.#batches) partition.confirm()
    this.#settle(this.#verdicts('acked'), new Set(this.#batches.map(({ partition }) => partition)))
  }

  failed(error: CommitError): void {
    for (const { partition } of this.#batches) partition.rollback()
    this.#settle(this.#verdicts(error.usable ? 'failed' : 'unknown'), new Set())
  }

  #verdicts(verdict: AppendVerdict): AppendVerdict[] {
    return this.#partitions.map((partition) => (partition === undefined ? 'failed' : verdict))
  }
}

type Settle = (verdicts: AppendVerdict[], appended: ReadonlySet<Partition>) => void

/** A reader has one batch of each partition in memory: a larger one is split, a larger record is alone. */
const BATCH_BYTES_MAX = BOUNDS.log.batchBytesMax

interface Group {
  partition: Partition
  values: Uint8Array[]
  bytes: number
}

function groupByBatch(
  records: readonly LogRecord[],
  partitions: readonly (Partition | undefined)[],
): Group[] {
  const groups: Group[] = []
  const open = new Map<Partition, Group>()
  for (const [i, { value }] of records.entries()) {
    const partition = partitions[i]
    if (partition === undefined) continue
    let group = open.get(partition)
    if (group === undefined || group.bytes + value.length > BATCH_BYTES_MAX) {
      group = { partition, values: [], bytes: 0 }
      groups.push(group)
      open.set(partition, group)
    }
    group.values.push(value)
    group.bytes += value.length
  }
  return groups
}
