import type { Database, RootDatabase } from 'lmdb'

/** The offset table: (group, lane, partition) → offset of the next record the group wants. */
export interface StoredOffset {
  group: string
  lane: string
  partition: number
  offset: number
}

export class OffsetTable {
  readonly #table: Database<number, [string, string, number]>

  constructor(root: RootDatabase) {
    this.#table = root.openDB('offsets', { encoding: 'json' })
  }

  *all(): Generator<StoredOffset> {
    for (const { key, value } of this.#table.getRange({}))
      yield { group: key[0], lane: key[1], partition: key[2], offset: value }
  }

  /** Inside a transaction. */
  put({ group, lane, partition, offset }: StoredOffset): void {
    void this.#table.put([group, lane, partition], offset)
  }
}
