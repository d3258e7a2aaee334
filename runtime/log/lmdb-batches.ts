import type { Database, RootDatabase } from 'lmdb'
import { type BatchHeader, isIntact, readHeader } from './record-batch.ts'

/**
 * The table of record batches: (partition id, base offset) → batch. Keys are 8 bytes, big endian, so a partition lies in
 * offset order; as a JavaScript number a key is `id × OFFSET_SPAN + offset`, which costs no object.
 */
export const PARTITIONS_MAX = 1_024
const OFFSET_SPAN = 2 ** 43

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

export class BatchTable {
  readonly #table: Database<Uint8Array, number>

  constructor(root: RootDatabase) {
    this.#table = root.openDB<Uint8Array, number>('batches', { encoding: 'binary', ...{ keyEncoder } })
  }

  /** Inside a transaction. `bytes` must stay as it is until the transaction has ended. */
  put(partitionId: number, baseOffset: number, bytes: Uint8Array): void {
    void this.#table.put(keyOf(partitionId, baseOffset), bytes)
  }

  /** Inside a transaction. */
  remove(partitionId: number, baseOffset: number): void {
    void this.#table.remove(keyOf(partitionId, baseOffset))
  }

  /** The header of the batch that holds this offset; undefined when there is none. */
  header(partitionId: number, offset: number): BatchHeader | undefined {
    const bytes = this.#find(partitionId, offset)
    return bytes && readHeader(bytes)
  }

  /** As `header`; undefined also when the batch is not as it was written. */
  intactHeader(partitionId: number, offset: number): BatchHeader | undefined {
    const bytes = this.#find(partitionId, offset)
    return bytes && isIntact(bytes) ? readHeader(bytes) : undefined
  }

  /** The batch that holds this offset, in memory of its own; undefined when there is none. */
  read(partitionId: number, offset: number): Buffer | undefined {
    const bytes = this.#find(partitionId, offset)
    return bytes && Buffer.from(bytes)
  }

  /** Base offsets of the first and the last batch of a partition; undefined when there is none. */
  bounds(partitionId: number): { first: number; last: number } | undefined {
    const base = keyOf(partitionId, 0)
    const [first] = this.#table.getKeys({ start: base, end: keyOf(partitionId + 1, 0), limit: 1 })
    const last = this.#lastUpTo(partitionId, OFFSET_SPAN - 1)
    return first === undefined || last === undefined ? undefined : { first: first - base, last: last - base }
  }

  #find(partitionId: number, offset: number): Buffer | undefined {
    // A reader goes from batch to batch: nearly always the offset is the base of one.
    const exact = this.#get(keyOf(partitionId, offset))
    if (exact) return exact
    const key = this.#lastUpTo(partitionId, offset)
    const bytes = key === undefined ? undefined : this.#get(key)
    return bytes && readHeader(bytes).end > offset ? bytes : undefined
  }

  /** A view on memory that the next read overwrites. lmdb's own view is longer than its `length` says. */
  #get(key: number): Buffer | undefined {
    const bytes = this.#table.getBinaryFast(key) as Buffer | undefined
    return bytes?.subarray(0, bytes.length)
  }

  #lastUpTo(partitionId: number, offset: number): number | undefined {
    const [key] = this.#table.getKeys({
      start: keyOf(partitionId, offset),
      end: keyOf(partitionId, 0),
      inclusiveEnd: true,
      reverse: true,
      limit: 1,
    })
    return key
  }
}
