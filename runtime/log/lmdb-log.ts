import { BOUNDS } from '../config/bounds.ts'
import type { CommitError } from '../lmdb/environment.ts'
import { AppendUnit } from './append-unit.ts'
import { GroupCommit } from './group-commit.ts'
import { LmdbConsumer } from './lmdb-consumer.ts'
import { Expiry } from './lmdb-expiry.ts'
import { type LogFiles, openLogFiles } from './lmdb-files.ts'
import type { Partition } from './lmdb-partition.ts'
import type {
  AppendVerdict,
  ConsumeOptions,
  DeliveredRecord,
  Log,
  LogConsumer,
  LogRecord,
  PartitionProgress,
  Position,
} from './log.ts'
import { LogClosedError } from './log-error.ts'
import { isIntact, readHeader, readRecords } from './record-batch.ts'
import type { Retention } from './retention.ts'

/**
 * The log in one LMDB environment, for a node that stands alone. One process may have it open
 * (`data-directory.ts` sees to that). A record's `traceparent` is not stored: its value carries one.
 *
 * - A record is `acked` after the disk has synced it. Appends of a moment share one transaction and one sync.
 * - Retention by age and size never removes a record that some known group has not committed yet; a group is known
 *   from its first `consume` of the lane on. A lane without any group keeps everything.
 * - What the groups have not consumed is bounded by `retention.bytesMax`: beyond it appends are refused (`failed`),
 *   as they are with more than PENDING_BYTES_MAX waiting for the disk, on a full disk, and after `close`.
 * - Bytes are counted per batch of records that came together; LMDB rounds each up to whole pages, and freed pages are
 *   used again but never given back to the file system: the file grows beyond the most that was kept.
 */
export interface LmdbLogOptions {
  directory: string
  /** Lane → number of partitions. A lane's number can't be changed later. */
  partitions: ReadonlyMap<string, number>
  retention: Retention
  /** Wall clock in ms. */
  now?: () => number
}

const PENDING_BYTES_MAX = BOUNDS.log.pendingBytesMax

/** Rejects with LogOpenError when the files are damaged, of another format, or have other partition counts. */
export async function openLmdbLog(options: LmdbLogOptions): Promise<LmdbLog> {
  const { directory, partitions, retention, now = Date.now } = options
  const files = await openLogFiles({ directory, partitions, bytesMax: retention.bytesMax })
  return new LmdbLog(files, partitions, retention, now)
}

export class LmdbLog implements Log {
  readonly partitions: ReadonlyMap<string, number>
  readonly #files: LogFiles
  readonly #all: readonly Partition[]
  readonly #bytesMax: number
  readonly #now: () => number
  readonly #commits: GroupCommit
  readonly #expiry: Expiry
  readonly #consumers = new Set<LmdbConsumer>()
  #expiring: Promise<void> = Promise.resolve()
  readonly #broken = Promise.withResolvers<LogClosedError>()
  #closing: Promise<void> | undefined

  constructor(
    files: LogFiles,
    partitions: ReadonlyMap<string, number>,
    retention: Retention,
    now: () => number,
  ) {
    this.partitions = new Map(partitions)
    this.#files = files
    this.#all = [...files.lanes.values()].flat()
    this.#bytesMax = retention.bytesMax
    this.#now = now
    this.#commits = new GroupCommit(files.environment, (error) => this.#broke(error))
    this.#expiry = new Expiry(this.#all, files.batches, this.#commits, retention)
  }

  append(records: readonly LogRecord[]): Promise<AppendVerdict[]> {
    if (records.length === 0) return Promise.resolve([])
    if (this.#closing !== undefined || !this.#hasRoomFor(bytesOf(records)))
      return Promise.resolve(records.map(() => 'failed'))
    const places = records.map(({ lane, partition }) => this.#files.lanes.get(lane)?.[partition])
    return new Promise((resolve) => {
      const unit = new AppendUnit(records, places, this.#files.batches, this.#now, (verdicts, appended) => {
        for (const consumer of this.#consumers) for (const partition of appended) consumer.wake(partition)
        resolve(verdicts)
      })
      this.#commits.add(unit)
    })
  }

  async consume(options: ConsumeOptions): Promise<LogConsumer> {
    this.#refuseIfClosed()
    const { group } = options
    const partitions = options.lanes.flatMap((lane) => this.#partitionsOf(lane))
    for (const other of this.#consumers)
      if (other.group === group && other.lanes.some((lane) => options.lanes.includes(lane)))
        throw new Error(`group ${group} consumes ${other.lanes.join(', ')} already: stop that consumer first`)
    const consumer = new LmdbConsumer({
      ...options,
      partitions,
      table: this.#files.batches,
      commit: (positions) => this.#commit(group, positions),
      onStop: (stopped) => this.#consumers.delete(stopped),
    })
    this.#consumers.add(consumer)
    try {
      await this.#introduce(group, partitions)
    } catch (error) {
      await consumer.stop()
      throw error
    }
    consumer.start()
    return consumer
  }

  async progress(group: string, lanes: readonly string[]): Promise<PartitionProgress[]> {
    return lanes
      .flatMap((lane) => this.#partitionsOf(lane))
      .map((partition) => ({
        lane: partition.lane,
        partition: partition.index,
        begin: partition.begin,
        end: partition.end,
        committed: partition.committed(group),
      }))
  }

  async expire(nowMs: number): Promise<void> {
    this.#refuseIfClosed()
    const run = this.#expiring.then(() => this.#expiry.run(nowMs))
    this.#expiring = run.catch(() => {})
    await run
  }

  /**
   * What was appended since then, the newest batches of each partition first. Undefined stands for a damaged batch, which
   * ends its partition.
   */
  *recent(sinceMs: number): Generator<readonly DeliveredRecord[] | undefined> {
    for (const { id, begin, end } of this.#all)
      for (let offset = end; offset > begin; ) {
        const bytes = this.#files.batches.read(id, offset - 1)
        if (bytes === undefined || !isIntact(bytes)) {
          yield undefined
          break
        }
        const { baseOffset, appendedAtMs } = readHeader(bytes)
        if (appendedAtMs < sinceMs) break
        yield readRecords(bytes, baseOffset)
        offset = baseOffset
      }
  }

  /** Resolves when the storage refuses to go on: only a new log on the same files can. */
  get broken(): Promise<Error> {
    return this.#broken.promise
  }

  /** Why appends fail now; undefined when they do not. */
  async trouble(): Promise<string | undefined> {
    if (this.#closing !== undefined) return undefined
    const trouble = await this.#commits.trouble()
    if (trouble !== undefined || this.#unconsumedBytes < this.#bytesMax) return trouble
    return `it is full of jobs that are not finished: log.bytesMax is ${this.#bytesMax}`
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const consumer of this.#consumers) await consumer.stop()
    this.#expiry.stop()
    await this.#expiring
    await this.#commits.settled()
    await this.#files.environment.close()
  }

  async #commit(group: string, positions: readonly Position[]): Promise<void> {
    this.#refuseIfClosed()
    const wanted: GroupOffset[] = positions.map(({ lane, partition, offset }) => {
      const state = this.#files.lanes.get(lane)![partition]!
      return { partition: state, offset: state.request(group, offset) }
    })
    const moved = wanted.filter(({ partition, offset }) => offset !== partition.committed(group))
    await this.#storeOffsets(group, moved)
    for (const { partition, offset } of moved) partition.setCommitted(group, offset)
  }

  /** From now on retention waits for the group. */
  async #introduce(group: string, partitions: readonly Partition[]): Promise<void> {
    const fresh = partitions.filter((partition) => !partition.knows(group))
    for (const partition of fresh) partition.setCommitted(group, partition.begin)
    await this.#storeOffsets(
      group,
      fresh.map((partition) => ({ partition, offset: partition.begin })),
    )
  }

  async #storeOffsets(group: string, offsets: readonly GroupOffset[]): Promise<void> {
    if (offsets.length === 0) return
    await this.#commits.run(offsets.length, () => {
      for (const { partition, offset } of offsets)
        this.#files.offsets.put({ group, lane: partition.lane, partition: partition.index, offset })
    })
  }

  #partitionsOf(lane: string): readonly Partition[] {
    const partitions = this.#files.lanes.get(lane)
    if (partitions === undefined)
      throw new RangeError(
        `lane ${lane} is not in this log, which has ${[...this.#files.lanes.keys()].join(', ')}`,
      )
    return partitions
  }

  #hasRoomFor(bytes: number): boolean {
    const pending = this.#commits.pendingBytes + bytes
    return this.#unconsumedBytes + pending <= this.#bytesMax && pending <= PENDING_BYTES_MAX
  }

  get #unconsumedBytes(): number {
    let bytes = 0
    for (const partition of this.#all) bytes += partition.unconsumedBytes
    return bytes
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined) throw new LogClosedError('the log is closed')
  }

  #broke(error: CommitError): void {
    const failure = new LogClosedError('the storage refuses to go on: close the log and open it again', {
      cause: error,
    })
    for (const consumer of this.#consumers) consumer.fail(failure)
    this.#broken.resolve(failure)
  }
}

const bytesOf = (records: readonly LogRecord[]): number =>
  records.reduce((sum, { value }) => sum + value.length, 0)

interface GroupOffset {
  partition: Partition
  offset: number
}
