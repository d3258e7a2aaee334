import type { BatchTable } from './lmdb-batches.ts'
import type { BatchHeader } from './record-batch.ts'

/**
 * What the log knows of one partition without asking the disk: offsets, bytes, and how far each group is.
 *
 *     begin ──── consumed ──────── end ──────── next
 *       kept, done   kept, undone    being written
 *
 * `end` moves only when records are durable: nothing beyond it is delivered. The newest batch is never removed, so
 * that the next offset can be recovered from the table alone.
 */
export class Partition {
  readonly id: number
  readonly lane: string
  readonly index: number
  readonly #table: BatchTable
  readonly #committed = new Map<string, number>()
  readonly #requested = new Map<string, number>()
  #begin: Mark
  #consumed: Mark
  #end: Mark
  #next: Mark
  #appendedAtMs = 0

  constructor(id: number, lane: string, index: number, table: BatchTable) {
    this.id = id
    this.lane = lane
    this.index = index
    this.#table = table
    this.#begin = this.#end = this.#next = this.#consumed = { offset: 0, position: 0 }
    const bounds = table.bounds(id)
    if (bounds === undefined) return
    const last = this.#header(bounds.last)
    this.#appendedAtMs = last.appendedAtMs
    this.#end = this.#next = { offset: last.end, position: last.position + last.bytes }
    this.#begin = this.#consumed = this.#markAt(bounds.first)
  }

  get begin(): number {
    return this.#begin.offset
  }

  get end(): number {
    return this.#end.offset
  }

  /** Offset up to which every known group has committed; `begin` while no group is known. */
  get consumed(): number {
    return this.#consumed.offset
  }

  get beginPosition(): number {
    return this.#begin.position
  }

  get consumedBytes(): number {
    return this.#consumed.position - this.#begin.position
  }

  get unconsumedBytes(): number {
    return this.#end.position - this.#consumed.position
  }

  /** Where the group stands; `begin` when it is not known. */
  committed(group: string): number {
    return this.#committed.get(group) ?? this.begin
  }

  /** The offset to store when a group commits `offset`: never less than what it asked for before. */
  request(group: string, offset: number): number {
    const requested = Math.max(offset, this.#requested.get(group) ?? this.committed(group))
    this.#requested.set(group, requested)
    return requested
  }

  knows(group: string): boolean {
    return this.#committed.has(group)
  }

  setCommitted(group: string, offset: number): void {
    this.#committed.set(group, offset)
    const consumed = Math.min(...this.#committed.values())
    if (consumed !== this.consumed) this.#consumed = this.#markAt(consumed)
  }

  /** Takes the next offsets for a batch that is about to be written; gives the first of them. */
  take(
    records: number,
    bytes: number,
    nowMs: number,
  ): { offset: number; position: number; appendedAtMs: number } {
    const { offset, position } = this.#next
    this.#next = { offset: offset + records, position: position + bytes }
    this.#appendedAtMs = Math.max(this.#appendedAtMs, nowMs)
    return { offset, position, appendedAtMs: this.#appendedAtMs }
  }

  /** All that was taken is durable. */
  confirm(): void {
    this.#end = this.#next
  }

  /** Nothing of what was taken was written. */
  rollback(): void {
    this.#next = this.#end
  }

  /** Batches below `offset` are about to go (or stay after all). Not beyond `consumed`, nor the newest one. */
  moveBegin(offset: number): void {
    this.#begin = this.#markAt(offset)
  }

  /** Within a batch the position is estimated: it serves to count, not to read. */
  #markAt(offset: number): Mark {
    if (offset === this.#end.offset) return this.#end
    const { baseOffset, end, position, bytes } = this.#header(offset)
    return { offset, position: position + ((offset - baseOffset) / (end - baseOffset)) * bytes }
  }

  #header(offset: number): BatchHeader {
    const header = this.#table.header(this.id, offset)
    if (header === undefined)
      throw new Error(`there is no record at ${this.lane}/${this.index} offset ${offset}`)
    return header
  }
}

/** An offset and the bytes appended to the partition before it. */
interface Mark {
  offset: number
  position: number
}
