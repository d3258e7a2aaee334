import { BOUNDS } from '../config/bounds.ts'
import type { BatchTable } from './lmdb-batches.ts'
import type { Partition } from './lmdb-partition.ts'
import type { ConsumeOptions, DeliveredRecord, LogConsumer, Position } from './log.ts'
import { LogReadError } from './log-error.ts'
import { isIntact, readRecords } from './record-batch.ts'

/**
 * Push delivery to one group, woken by appends, never polling. Partitions that have something to deliver wait in one
 * queue; a turn takes from its head until it has handed over this much, and then lets the event loop go on. A partition
 * with more goes back to the queue's end, so a long backlog delays its neighbours by one turn at most.
 */
const TURN_RECORDS_MAX = BOUNDS.consumer.batchJobsMax
const TURN_BYTES_MAX = BOUNDS.consumer.batchBytesMax

interface Cursor {
  readonly partition: Partition
  /** Offset of the next record to hand over. */
  offset: number
  /** The record batch that was read last, while something of it is to be handed over: from `next` on. */
  batch: readonly DeliveredRecord[]
  next: number
  paused: boolean
  waiting: boolean
}

export interface LmdbConsumerOptions extends ConsumeOptions {
  /** Of the lanes, in order of their numbers. */
  partitions: readonly Partition[]
  table: BatchTable
  commit(positions: readonly Position[]): Promise<void>
  onStop(consumer: LmdbConsumer): void
}

export class LmdbConsumer implements LogConsumer {
  readonly group: string
  readonly lanes: readonly string[]
  readonly #options: LmdbConsumerOptions
  /** Lane → its cursors by partition number. */
  readonly #cursors = new Map<string, Cursor[]>()
  readonly #waiting: Cursor[] = []
  #started = false
  #turnDue = false
  #stopped = false

  constructor(options: LmdbConsumerOptions) {
    this.group = options.group
    this.lanes = options.lanes
    this.#options = options
    for (const lane of options.lanes) this.#cursors.set(lane, [])
    for (const partition of options.partitions) {
      const offset = partition.committed(options.group)
      this.#cursors
        .get(partition.lane)!
        .push({ partition, offset, batch: [], next: 0, paused: false, waiting: false })
    }
  }

  /** Nothing is delivered before. */
  start(): void {
    this.#started = true
    for (const partition of this.#options.partitions) this.wake(partition)
  }

  /** There may be something to deliver of this partition; others are ignored. */
  wake(partition: Partition): void {
    const cursor = this.#cursors.get(partition.lane)?.[partition.index]
    if (!this.#started || this.#stopped) return
    if (cursor === undefined || cursor.waiting || cursor.paused || cursor.offset >= partition.end) return
    cursor.waiting = true
    this.#waiting.push(cursor)
    this.#takeTurn()
  }

  pause(lane: string, partition: number): void {
    this.#cursorOf(lane, partition).paused = true
  }

  resume(lane: string, partition: number): void {
    const cursor = this.#cursorOf(lane, partition)
    cursor.paused = false
    this.wake(cursor.partition)
  }

  async commit(positions: readonly Position[]): Promise<void> {
    for (const { lane, partition, offset } of positions) {
      const { end } = this.#cursorOf(lane, partition).partition
      if (!Number.isInteger(offset) || offset < 0 || offset > end)
        throw new RangeError(`offset ${offset} of ${lane}/${partition} can't be committed: it ends at ${end}`)
    }
    await this.#options.commit(positions)
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#options.onStop(this)
  }

  /** Stops and tells the owner why. */
  fail(error: Error): void {
    if (this.#stopped) return
    void this.stop()
    this.#options.onFailure(error)
  }

  #takeTurn(): void {
    if (this.#turnDue) return
    this.#turnDue = true
    setImmediate(() => {
      this.#turnDue = false
      try {
        this.#deliver()
      } catch (error) {
        this.fail(error instanceof Error ? error : new Error(`onBatch threw ${String(error)}`))
      }
      if (this.#waiting.length > 0 && !this.#stopped) this.#takeTurn()
    })
  }

  #deliver(): void {
    let recordsLeft = TURN_RECORDS_MAX
    let bytesLeft = TURN_BYTES_MAX
    while (recordsLeft > 0 && bytesLeft > 0 && !this.#stopped) {
      const cursor = this.#waiting.shift()
      if (cursor === undefined) return
      cursor.waiting = false
      if (cursor.paused) continue
      const { records, bytes } = this.#read(cursor, recordsLeft, bytesLeft)
      recordsLeft -= records.length
      bytesLeft -= bytes
      const { lane, index } = cursor.partition
      this.#options.onBatch({ lane, partition: index, records })
      this.wake(cursor.partition)
    }
  }

  #read(cursor: Cursor, recordsMax: number, bytesMax: number): { records: DeliveredRecord[]; bytes: number } {
    const records: DeliveredRecord[] = []
    let bytes = 0
    while (cursor.offset < cursor.partition.end && records.length < recordsMax && bytes < bytesMax) {
      let record = cursor.batch[cursor.next]
      if (record === undefined) {
        cursor.batch = this.#readBatch(cursor)
        cursor.next = 0
        record = cursor.batch[0]!
      }
      records.push(record)
      bytes += record.value.length
      cursor.next++
      cursor.offset++
    }
    if (cursor.next === cursor.batch.length) cursor.batch = []
    return { records, bytes }
  }

  #readBatch({ partition: { id, lane, index }, offset }: Cursor): DeliveredRecord[] {
    const bytes = this.#options.table.read(id, offset)
    if (bytes === undefined || !isIntact(bytes))
      throw new LogReadError(`the record batch of ${lane}/${index} offset ${offset} is missing or damaged`)
    return readRecords(bytes, offset)
  }

  #cursorOf(lane: string, index: number): Cursor {
    const cursor = this.#cursors.get(lane)?.[index]
    if (cursor !== undefined) return cursor
    throw new RangeError(`${lane}/${index} is not consumed by group ${this.group}`)
  }
}
