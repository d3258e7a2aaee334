import { crc32 } from 'node:zlib'
import type { DeliveredRecord } from './log.ts'

/**
 * A record batch: what one append brings to one partition, written and read as one value, as in Kafka. Little endian:
 *
 *     0       CRC-32 of all that follows
 *     4       records         uint32
 *     8       base offset     float64, of the first record
 *     16      appended at     float64, ms since 1970; never falls within a partition
 *     24      position        float64, bytes appended to the partition before this batch
 *     32      lengths         uint32 for each record
 *     …       the records, one behind the other
 *
 * Positions make the bytes between two batches one subtraction: retention and capacity need no scan and no index.
 */
const HEADER_BYTES = 32
const LENGTH_BYTES = 4
/** What a batch costs beside itself: its key, and the node and page of LMDB. Counted in positions. */
const OVERHEAD_BYTES = 32

export const batchBytes = (values: readonly Uint8Array[]): number =>
  values.reduce((sum, { length }) => sum + LENGTH_BYTES + length, HEADER_BYTES)

export interface BatchHeader {
  baseOffset: number
  /** Offset after the last record. */
  end: number
  appendedAtMs: number
  position: number
  /** Its share of the partition's bytes: the next batch's position is `position + bytes`. */
  bytes: number
}

/** A batch to be written: the values are copied at once, what the partition says of it comes last. */
export class RecordBatch {
  readonly bytes: Buffer
  readonly records: number

  /** `bytes`: memory of `batchBytes(values)`. */
  constructor(values: readonly Uint8Array[], bytes: Buffer) {
    this.bytes = bytes
    this.records = values.length
    let length = HEADER_BYTES
    let at = HEADER_BYTES + values.length * LENGTH_BYTES
    for (const value of values) {
      bytes.writeUInt32LE(value.length, length)
      bytes.set(value, at)
      length += LENGTH_BYTES
      at += value.length
    }
  }

  /** What it adds to its partition. */
  get cost(): number {
    return this.bytes.length + OVERHEAD_BYTES
  }

  seal(baseOffset: number, position: number, appendedAtMs: number): void {
    this.bytes.writeUInt32LE(this.records, 4)
    this.bytes.writeDoubleLE(baseOffset, 8)
    this.bytes.writeDoubleLE(appendedAtMs, 16)
    this.bytes.writeDoubleLE(position, 24)
    this.bytes.writeUInt32LE(crc32(this.bytes.subarray(4)), 0)
  }
}

export function readHeader(bytes: Buffer): BatchHeader {
  const baseOffset = bytes.readDoubleLE(8)
  return {
    baseOffset,
    end: baseOffset + bytes.readUInt32LE(4),
    appendedAtMs: bytes.readDoubleLE(16),
    position: bytes.readDoubleLE(24),
    bytes: bytes.length + OVERHEAD_BYTES,
  }
}

/** Whether the batch is as it was written. */
export const isIntact = (bytes: Buffer): boolean =>
  bytes.length > HEADER_BYTES && crc32(bytes.subarray(4)) === bytes.readUInt32LE(0)

/**
 * A value may be a view on a batch of this size: whoever keeps one record of it, keeps them all. Those of larger ones are
 * copies, since memory is bounded by what records count themselves.
 */
const VIEWED_BYTES = 16 * 1024

/** The records of an intact batch from `offset` on. Their values may be views on `bytes`. */
export function readRecords(bytes: Buffer, offset: number): DeliveredRecord[] {
  const { baseOffset, end, appendedAtMs } = readHeader(bytes)
  const records: DeliveredRecord[] = []
  let at = HEADER_BYTES + (end - baseOffset) * LENGTH_BYTES
  for (let next = baseOffset; next < end; next++) {
    const length = bytes.readUInt32LE(HEADER_BYTES + (next - baseOffset) * LENGTH_BYTES)
    if (next >= offset) {
      const view = bytes.subarray(at, at + length)
      const value = bytes.length > VIEWED_BYTES ? new Uint8Array(view) : view
      records.push({ offset: next, appendedAtMs, value })
    }
    at += length
  }
  return records
}
