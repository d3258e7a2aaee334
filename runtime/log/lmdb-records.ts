import type { Database, RootDatabase } from 'lmdb'
import type { DeliveredRecord } from './log.ts'

/**
 * The record table: (partition id, offset) → header and value. Keys are 8 bytes, big endian, so a partition lies in
 * offset order; as a JavaScript number a key is `id × OFFSET_SPAN + offset`, which costs no object per record.
 *
 *     0       appended at   float64, ms since 1970; never falls within a partition
 *     8       position      float64, bytes appended to the partition before this record
 *     16      value
 *
 * Positions make the bytes between two offsets one subtraction: retention and capacity need no scan and no index.
 */
export const PARTITIONS_MAX = 1_024
const OFFSET_SPAN = 2 ** 43
export const HEADER_BYTES = 16
/** What a record costs beside its value: key, header, and LMDB's node. Counted in positions. */
const OVERHEAD_BYTES = 32

export const recordBytes = (valueBytes: number): number => valueBytes + OVERHEAD_BYTES

export interface RecordHeader {
  appendedAtMs: number
  position: number
  /** Its share of the partition's bytes: the next record's position is `position + bytes`. */
  bytes: number
}

const keyOf = (partitionId: number, offset: number): number => partitionId * OFFSET_SPAN + offset

const keyEncoder = {
  writeKey(key: number, target: Uint8Array, start: number): number {
    const high = Math.floor(key / 2 ** 32)
    const low = key >>> 0
    target[start] = high >>> 24
    target[start + 1] = high >>> 16
    target[start + 2] = high >>> 8
    target[start + 3] = high
    target[start + 4] = low >>> 24
    target[start + 5] = low >>> 16
    target[start + 6] = low >>> 8
    target[start + 7] = low
    return start + 8
  },
  readKey(source: Uint8Array, start: number): number {
    const view = new DataView(source.buffer, source.byteOffset + start, 8)
    return view.getUint32(0) * 2 ** 32 + view.getUint32(4)
  },
}

export class RecordTable {
  readonly #table: Database<Uint8Array, number>

  constructor(root: RootDatabase) {
    this.#table = root.openDB<Uint8Array, number>('records', { encoding: 'binary', ...{ keyEncoder } })
  }

  /** Inside a transaction. `bytes` is header and value; it must stay as it is until the transaction has ended. */
  put(partitionId: number, offset: number, bytes: Uint8Array): void {
    void this.#table.put(keyOf(partitionId, offset), bytes)
  }

  /** Inside a transaction. */
  remove(partitionId: number, offset: number): void {
    void this.#table.remove(keyOf(partitionId, offset))
  }

  header(partitionId: number, offset: number): RecordHeader | undefined {
    const bytes = this.#table.getBinaryFast(keyOf(partitionId, offset))
    if (bytes === undefined) return undefined
    return {
      appendedAtMs: bytes.readDoubleLE(0),
      position: bytes.readDoubleLE(8),
      bytes: recordBytes(bytes.length - HEADER_BYTES),
    }
  }

  /** lmdb hands out a view on a buffer that the next read overwrites: the value is copied out. */
  read(partitionId: number, offset: number): DeliveredRecord | undefined {
    const bytes = this.#table.getBinaryFast(keyOf(partitionId, offset))
    if (bytes === undefined) return undefined
    const value = new Uint8Array(bytes.length - HEADER_BYTES)
    value.set(bytes.subarray(HEADER_BYTES, bytes.length))
    return { offset, appendedAtMs: bytes.readDoubleLE(0), value }
  }

  /** First and last offset stored of a partition; undefined when there is none. */
  bounds(partitionId: number): { first: number; last: number } | undefined {
    const base = keyOf(partitionId, 0)
    const end = keyOf(partitionId + 1, 0)
    const [first] = this.#table.getKeys({ start: base, end, limit: 1 })
    const [last] = this.#table.getKeys({
      start: end - 1,
      end: base,
      inclusiveEnd: true,
      reverse: true,
      limit: 1,
    })
    return first === undefined || last === undefined ? undefined : { first: first - base, last: last - base }
  }

  /** Records of all partitions, without looking at them. */
  count(): number {
    return (this.#table.getStats() as { entryCount: number }).entryCount
  }
}
